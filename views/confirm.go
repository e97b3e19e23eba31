package views

// Confirm is the question before something is deleted.
type Confirm struct {
	// Title is the question, Text what goes with it.
	Title, Text string
	// Action is where the form goes, Submit what its button says, Cancel where the other way leads.
	Action, Submit, Cancel string
	CSRF                   string
	// Panel is true where HTMX asked: the question then stands above the list.
	Panel bool
}

// ConfirmPage is the question as a page of its own.
type ConfirmPage struct {
	Page
	Confirm Confirm
}

// DeleteMonitor is the question before a monitor is deleted. History is how long it has been measured, in words, or empty.
func DeleteMonitor(publicID, name, history, csrf, from string) Confirm {
	text := "Its history and its incidents go too."
	if history != "" {
		text = "Its " + history + " of history and its incidents go too."
	}
	cancel := "/monitors"
	if from == "monitor" {
		cancel = "/monitors/" + publicID
	}
	return Confirm{Title: "Delete " + name + "?", Text: text, Action: "/monitors/" + publicID + "/delete", Submit: "Delete", Cancel: cancel, CSRF: csrf}
}
