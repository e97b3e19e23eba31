package views

import "strings"

// field is one field as it is drawn.
type field struct {
	Name, Label, Value, Error, Theirs string
	// Unit stands inside at the right; a field with a Unit or Number is for a figure.
	Unit    string
	Number  bool
	Default string
	// Opt is the quiet word after the label.
	Opt  string
	Type string
	Wide bool
	Mono bool
	// Suggestion is a value that would be right, offered beside the error.
	Suggestion string
	Complete   string
	Focus      bool
}

// id is the field's id in the page; dots would need escaping in selectors.
func (x field) id() string { return "f-" + strings.ReplaceAll(x.Name, ".", "-") }

// describedBy lists what belongs to the field, for aria-describedby.
func (x field) describedBy() string {
	var ids []string
	if x.Error != "" {
		ids = append(ids, x.id()+"-e")
	}
	if x.Theirs != "" {
		ids = append(ids, x.id()+"-t")
	}
	return strings.Join(ids, " ")
}

// suggest is what the button beside the error says: the error mostly names the better value already.
func (x field) suggest() string {
	if strings.Contains(x.Error, x.Suggestion) {
		return "Use it"
	}
	return "Use " + x.Suggestion
}

func (x field) inputType() string {
	if x.Type == "" {
		return "text"
	}
	return x.Type
}

func (x field) inputClass() string {
	if x.Mono {
		return "input mono"
	}
	return "input"
}

func (x field) fieldClass() string {
	if x.Wide {
		return "field wide"
	}
	return "field"
}

func focus(x field) field { x.Focus = true; return x }

func wide(x field) field { x.Wide = true; return x }

func typed(x field, kind string) field { x.Type = kind; return x }
