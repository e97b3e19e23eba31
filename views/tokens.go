package views

import (
	"strconv"
	"time"
)

// TokensPage is the list of an organization's tokens, with the form for a new one.
type TokensPage struct {
	Page
	Tokens    []Token
	Customers []Choice
	// Secret is the new token, shown this once only, and SecretName what it is called; empty else.
	Secret, SecretName string
	// Values and Errors are those of the form: name, customerId, expiresInDays.
	Values, Errors map[string]string
}

// Token is one token in the list.
type Token struct {
	ID                               int64
	Name, Hint, Customer             string
	CreatedAt, LastUsedAt, ExpiresAt time.Time
	Now                              time.Time
}

// expired is true where the token no longer works.
func (t Token) expired() bool { return !t.ExpiresAt.IsZero() && !t.ExpiresAt.After(t.Now) }

func (p TokensPage) text(name, label, opt string) field {
	return field{Name: name, Label: label, Opt: opt, Value: p.Values[name], Error: p.Errors[name]}
}

// DeleteToken is the question before a token is deleted.
func DeleteToken(id int64, name, csrf string) Confirm {
	return Confirm{
		Title: "Delete the token " + name + "?", Text: "Whatever uses it is refused from the next request on.",
		Action: Token{ID: id}.deletePath(), Submit: "Delete", Cancel: "/tokens", CSRF: csrf,
	}
}

func (t Token) deletePath() string { return "/tokens/" + strconv.FormatInt(t.ID, 10) + "/delete" }
