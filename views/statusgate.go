package views

// StatusGate is the form for a status page's password. It wears the page's name, logo and accent, so that people see whose it is; it
// says nothing of what the page shows.
type StatusGate struct {
	StatusPage
	// Back is what was asked for, which the password opens: empty for the page itself, or /history/2026-11.
	Back string
	// Action is the address that takes the password.
	Action string
	// Wrong is true after a wrong one. WaitSeconds is how long to wait after too many; 0 = not at all.
	Wrong       bool
	WaitSeconds int
}

// said is what was wrong with the last try; empty before it.
func (p StatusGate) said() string {
	switch {
	case p.WaitSeconds > 0:
		return p.T("Too many tries. Wait %d s, then try again.", p.WaitSeconds)
	case p.Wrong:
		return p.T("That password is not right.")
	default:
		return ""
	}
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
