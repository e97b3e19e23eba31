package views

// TroublePage is the page for an error.
type TroublePage struct {
	Page
	// Status is the HTTP status.
	Status int
	// RequestID helps to find a 500 in the log; empty for others.
	RequestID string
	// Message overrides the page's own sentence where there is a better one.
	Message string
}

// TroubleText is what an error is called, and what to do about it, for pages and fragments.
func TroubleText(status int) (title, text string) {
	switch status {
	case 400:
		return "That can’t be read", "Something in the request is not as it must be."
	case 401:
		return "Signed out", "Sign in again to go on."
	case 403:
		return "Not allowed", "Your role may not do this. Somebody who runs your organization can."
	case 404:
		return "Nothing here", "It was deleted, or it belongs to somebody else, or the address has a typing error."
	case 405:
		return "Not that way", "This address does not take that kind of request."
	case 409, 412:
		return "Changed in between", "Somebody changed this a moment ago. Read it again, then change it."
	case 413:
		return "Too large", "The request is larger than this address takes."
	case 415:
		return "Wrong kind of content", "Send a form or JSON."
	case 429:
		return "Too many tries", "Wait a little, then try again."
	case 503:
		return "Not ready", "Echolot is starting, stopping or busy. Try again in a moment."
	default:
		return "Something broke here", "It is in the log of this program. If you sent a change, look whether it was made."
	}
}

func (p TroublePage) title() string {
	title, _ := TroubleText(p.Status)
	return title
}

func (p TroublePage) text() string {
	if p.Message != "" {
		return p.Message
	}
	_, text := TroubleText(p.Status)
	return text
}

func troubleLine(status int) string {
	title, text := TroubleText(status)
	return title + ". " + text
}
