package models

import (
	"errors"
	"slices"
	"strings"
)

// The kinds of error that a store method returns. Anything else is trouble of our own, wrapped with what was being done.
var (
	// ErrUnauthorized means that nobody, or nobody who may still come in, is behind the request.
	ErrUnauthorized = errors.New("unauthorized")
	// ErrForbidden means that the actor's role may never do this, whatever the object.
	ErrForbidden = errors.New("forbidden")
	// ErrBusy means that too much of the same is being done right now; a moment later it may work.
	ErrBusy = errors.New("too many at once")
)

// NotFound says that the object is not there for this actor: it does not exist, or it belongs to somebody else.
type NotFound struct{ What string }

func (e *NotFound) Error() string { return e.What + " not found" }

// Conflict says that the row's present content does not allow the change.
type Conflict struct {
	Message string
	// Stale is true where somebody changed the object since it was read (If-Match).
	Stale bool
}

func (e *Conflict) Error() string { return e.Message }

// Throttled says that the same thing was tried too often.
type Throttled struct{ RetryAfterSeconds int }

func (e *Throttled) Error() string { return "too many attempts" }

// FieldError is what is wrong with one field.
type FieldError struct {
	// Field is the JSON name, with a dot for what is inside an object: icmpConfig.count.
	Field string
	// Message is the contract's text.
	Message string
	// Advice tells a person what would be right; empty where Message says it already.
	Advice string
	// Suggestion is a value that would be right, to take at a click; mostly empty.
	Suggestion string
	// Code is a word for programs, mostly empty.
	Code string
}

// Text is what a person reads beside the field.
func (f FieldError) Text() string {
	if f.Advice != "" {
		return f.Advice
	}
	return f.Message
}

// Invalid collects everything that is wrong with the input, in the contract's order.
type Invalid struct{ Fields []FieldError }

func (e *Invalid) Error() string {
	texts := make([]string, len(e.Fields))
	for i, f := range e.Fields {
		texts[i] = f.Field + ": " + f.Message
	}
	return strings.Join(texts, "; ")
}

// Field returns the error of the named field.
func (e *Invalid) Field(name string) (FieldError, bool) {
	for _, f := range e.Fields {
		if f.Field == name {
			return f, true
		}
	}
	return FieldError{}, false
}

// add notes one more error; the first of a field stays.
func (e *Invalid) add(field, message, advice string) {
	if _, seen := e.Field(field); !seen {
		e.Fields = append(e.Fields, FieldError{Field: field, Message: message, Advice: advice})
	}
}

// sortLike puts the errors into the order of the fields; what is inside an object sorts with it.
func (e *Invalid) sortLike(order []string) {
	place := func(f FieldError) int {
		name, _, _ := strings.Cut(f.Field, ".")
		return slices.Index(order, name)
	}
	slices.SortStableFunc(e.Fields, func(a, b FieldError) int { return place(a) - place(b) })
}

// orNil is e as an error, or nil where nothing is wrong.
func (e *Invalid) orNil() error {
	if len(e.Fields) == 0 {
		return nil
	}
	return e
}

// invalid is an Invalid of one field.
func invalid(field, message string) *Invalid {
	return &Invalid{Fields: []FieldError{{Field: field, Message: message}}}
}
