package views

import "strconv"

// FirstRun is what the page of an organization without monitors shows.
type FirstRun struct {
	// MayCreate shows the form; a reader sees only how a row will read.
	MayCreate bool
	// CustomerID is whom the first monitor is made for, and stands in the example. There may be several customers.
	CustomerID string
	Customers  []Choice
	CSRF       string
	// Abilities are facts of the prober, in the order to show.
	Abilities []Ability
}

// Ability is one fact about whether this machine can measure.
type Ability struct {
	OK         bool
	Text, Note string
}

// curlExample is the founding call with this program's address and a customer that exists.
func curlExample(baseURL, customerID string) string {
	if _, err := strconv.Atoi(customerID); err != nil {
		customerID = `"` + customerID + `"`
	}
	return "curl " + baseURL + "/api/icmp-monitors \\\n" +
		`  -H "Authorization: Bearer wsm_…" -H "Content-Type: application/json"` + " \\\n" +
		`  -d '{"customerId": ` + customerID + `, "name": "Border router", "hostname": "127.0.0.1", "checkInterval": 1}'`
}
