package views

import "echolot/models"

// StatusTemplatesPage is the list of an organization's templates.
type StatusTemplatesPage struct {
	Page
	Templates []models.StatusTemplate
	MayChange bool
}

// StatusTemplatePage is the form for a template: name, kind, title, state, body.
type StatusTemplatePage struct {
	Page
	// PublicID is empty for a new one.
	PublicID       string
	Values, Errors map[string]string
}

func (p StatusTemplatePage) action() string {
	if p.PublicID == "" {
		return "/status-templates"
	}
	return "/status-templates/" + p.PublicID
}

func (p StatusTemplatePage) text(name, label, opt string) field {
	return field{Name: name, Label: label, Opt: opt, Value: p.Values[name], Error: p.Errors[name], Focus: name == "name"}
}

// templateStates are the states of every kind: the form is one for all of them.
func templateStates() []Choice {
	list := []Choice{{"", "none"}}
	for _, k := range []models.StatusKind{models.KindIncident, models.KindMaintenance} {
		for _, c := range postStateChoices(k) {
			list = append(list, Choice{c.Value, kindName(k) + ": " + c.Label})
		}
	}
	return list
}

// DeleteStatusTemplate is the question before a template is deleted.
func DeleteStatusTemplate(publicID, name, csrf string) Confirm {
	path := "/status-templates/" + publicID
	return Confirm{Title: "Delete “" + name + "”?", Text: "What was told with it stays.", Action: path + "/delete", Submit: "Delete", Cancel: path, CSRF: csrf}
}
