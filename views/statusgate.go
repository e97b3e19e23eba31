package views

// StatusGate is the form for a status page's password. It says nothing of the page itself.
type StatusGate struct {
	StatusPage
	// Action is the address that takes the password.
	Action string
	// Wrong is true after a wrong one. WaitSeconds is how long to wait after too many; 0 = not at all.
	Wrong       bool
	WaitSeconds int
}

// StatusTroublePage is what a visitor is told who can not be shown what was asked for.
type StatusTroublePage struct {
	// StatusPage gives the language and the style; of a page it knows nothing.
	StatusPage
	// Status is the HTTP status.
	Status int
}

func (p StatusTroublePage) title() string {
	switch {
	case p.Status == 404:
		return p.T("Nothing here")
	case p.Status == 429 || p.Status >= 500:
		return p.T("Not to be shown right now")
	default:
		return p.T("That did not work")
	}
}

func (p StatusTroublePage) text() string {
	switch {
	case p.Status == 404:
		return p.T("There is no page at this address. Perhaps it has a typing error.")
	case p.Status == 429 || p.Status >= 500:
		return p.T("Try again in a moment.")
	default:
		return p.T("The request can not be answered. Go back, then try again.")
	}
}
