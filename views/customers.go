package views

import "time"

// CustomersPage is the list of customers.
type CustomersPage struct {
	Page
	Customers []Customer
	MayCreate bool
}

// Customer is one customer in the list.
type Customer struct {
	PublicID, Name, Email string
	// Status is the API's word: active, marked_for_cancellation, cancelled.
	Status           string
	CancellationDate time.Time
	Monitors         int
	CreatedAt, Now   time.Time
	MayEdit          bool
}

// CustomerFormPage is the form for adding or changing a customer. Its fields are name, email, notificationEmail,
// notificationPhoneNumber, allowedCheckCountryCodes.
type CustomerFormPage struct {
	Page
	// PublicID is empty for a new customer; Name is what an existing one is called at present.
	PublicID, Name string
	Values, Errors map[string]string
	// Version goes with an edit, so that two people do not overwrite each other.
	Version string
	// MayCancel shows the way to end the customer.
	MayCancel bool
}

func (p CustomerFormPage) action() string {
	if p.PublicID == "" {
		return "/customers"
	}
	return "/customers/" + p.PublicID
}

func (p CustomerFormPage) heading() string {
	if p.PublicID == "" {
		return "Add customer"
	}
	return "Edit " + p.Name
}

func (p CustomerFormPage) submit() string {
	if p.PublicID == "" {
		return "Add customer"
	}
	return "Save"
}

func (p CustomerFormPage) text(name, label, opt, kind string) field {
	return field{Name: name, Label: label, Opt: opt, Type: kind, Value: p.Values[name], Error: p.Errors[name], Focus: name == "name"}
}

// CancelCustomer is the question before a customer ends.
func CancelCustomer(publicID, name string, monitors int, csrf string) Confirm {
	return Confirm{
		Title:  "Cancel " + name + "?",
		Text:   "In three days " + count(monitors, "monitor stops", "monitors stop") + " being checked. Nothing is deleted.",
		Action: "/customers/" + publicID + "/cancel", Submit: "Cancel the customer", Cancel: "/customers/" + publicID, CSRF: csrf,
	}
}
