package views

import (
	"context"
	_ "embed" // the sea chart
	"io"
	"strings"

	"github.com/a-h/templ"
)

// seaSVG is the sign-in page's sea chart: depth contours with soundings. It is ours and holds no colours; the style sheet does.
//
//go:embed sea.svg
var seaSVG string

// sea draws the sea chart.
func sea() templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		_, err := io.WriteString(w, seaSVG)
		return err
	})
}

// LoginPage is the form for signing in.
type LoginPage struct {
	Page
	// Email is what was typed. Error is the sentence above the fields, or empty.
	Email, Error string
	// Next is where to go after, from the query; the handler checks that it is a path of ours.
	Next string
}

// SetupPage is the first form of all: it makes the organization and its administrator. Its fields are organizationName,
// firstName, lastName, email, password and passwordAgain.
type SetupPage struct {
	Page
	// Action is the address with the setup token.
	Action         string
	Values, Errors map[string]string
}

// text is a field of the form. A password is never sent back.
func (p SetupPage) text(name, label, kind, complete string) field {
	x := field{Name: name, Label: label, Value: p.Values[name], Error: p.Errors[name], Type: kind, Complete: complete}
	if kind == "password" {
		x.Value = ""
	}
	return x
}

// host is the base URL without its scheme, to tell people where they are.
func (p Page) host() string {
	_, host, ok := strings.Cut(p.BaseURL, "://")
	if !ok {
		return p.BaseURL
	}
	return host
}
