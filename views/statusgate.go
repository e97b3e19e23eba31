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
