package handlers

import (
	"encoding/json"
	"maps"
	"strings"
	"time"

	"echolot/models"
	"echolot/views"
)

// formMoment is how a field for a date and a time writes one.
const formMoment = "2006-01-02T15:04"

// zonedMoment turns what such a field sent into the API's form; what it can not read is left for the rules to refuse.
func zonedMoment(v string, zone *time.Location) json.RawMessage {
	for _, form := range []string{formMoment, formMoment + ":05"} {
		if t, err := time.ParseInLocation(form, strings.TrimSpace(v), zone); err == nil {
			return quote(t.Format(time.RFC3339))
		}
	}
	return quote(v)
}

// momentValue is a moment as such a field shows it; empty for none.
func momentValue(t time.Time, zone *time.Location) string {
	if t.IsZero() {
		return ""
	}
	return t.In(zone).Format(formMoment)
}

// unlessMoved drops a moment that was sent as it was drawn: the field holds no seconds, and saving something else moves nothing.
func unlessMoved(values map[string]string, key string, t time.Time, zone *time.Location) map[string]string {
	if values[key] != momentValue(t, zone) {
		return values
	}
	kept := maps.Clone(values)
	delete(kept, key)
	return kept
}

// postFields turns a post's form into the API's fields. Times are in the page's zone.
func postFields(values map[string]string, zone *time.Location) models.Fields {
	var f models.Fields
	for _, key := range []string{"kind", "title", "body"} {
		if v, ok := values[key]; ok {
			f.Set(key, quote(v))
		}
	}
	for _, key := range []string{"state", "incidentId"} {
		if v := values[key]; v != "" {
			f.Set(key, quote(v))
		}
	}
	for _, key := range []string{"startsAt", "at"} {
		if v := values[key]; strings.TrimSpace(v) != "" {
			f.Set(key, zonedMoment(v, zone))
		}
	}
	if v, ok := values["endsAt"]; ok {
		f.Set("endsAt", json.RawMessage("null"))
		if strings.TrimSpace(v) != "" {
			f.Set("endsAt", zonedMoment(v, zone))
		}
	}
	if v, ok := values["remindMinutes"]; ok {
		f.Set("remindMinutes", numberOrText(v))
	}
	if values["whole"] != "" { // the form has boxes, of which only those that are ticked are sent
		f.Set("hidden", json.RawMessage("false"))
		if values["hidden"] != "" {
			f.Set("hidden", json.RawMessage("true"))
		}
		var ids []string
		for key, v := range values {
			if id, ok := strings.CutPrefix(key, views.MonitorBox); ok && v != "" {
				ids = append(ids, id)
			}
		}
		f.Set("monitorIds", models.MonitorIDs(ids))
	}
	return f
}
