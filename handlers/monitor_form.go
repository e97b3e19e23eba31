package handlers

import (
	"encoding/json"
	"strconv"
	"strings"

	"echolot/models"
	"echolot/views"
)

// configPrefix is what the form's names for icmpConfig begin with.
const configPrefix = "icmpConfig."

// wordFields hold words; every other field of a monitor's icmpConfig is a number or a box to tick.
var wordFields = map[string]bool{"ipFamily": true, "latencyMeasure": true}

// standards are what the form's selects show where nothing is set: sending them would set it.
var standards = map[string]string{"ipFamily": "auto", "latencyMeasure": "avg", "quorum": "majority"}

// monitorFields turns a monitor's form into the API's fields, so that both meet the same rules. stored is the monitor that
// is being changed, or nil: what its icmpConfig holds beside the form's fields stays.
func monitorFields(values map[string]string, stored *models.MonitorRow) models.Fields {
	var f, config models.Fields
	for _, key := range []string{"customerId", "name", "hostname", "status"} {
		if v, ok := values[key]; ok {
			f.Set(key, quote(v))
		}
	}
	for _, key := range []string{"checkIntervalSeconds", "timeoutSeconds"} {
		if v, ok := values[key]; ok && (v != "" || key == "checkIntervalSeconds") {
			f.Set(key, numberOrText(v))
		}
	}
	for _, key := range []string{"notificationEmail", "notificationPhoneNumber"} {
		if v, ok := values[key]; ok {
			f.Set(key, textOrNull(v))
		}
	}
	if v, ok := values["allowedCheckCountryCodes"]; ok {
		f.Set("allowedCheckCountryCodes", countryList(v))
	}
	sent := false
	for _, key := range models.ConfigKeys() {
		v, ok := values[configPrefix+key]
		sent = sent || ok
		switch {
		case v == "" || stored == nil && standards[key] == v || stored != nil && standards[key] == v && !stored.Config.Has(key):
		case key == "dontFragment":
			config.Set(key, json.RawMessage("true"))
		case wordFields[key]:
			config.Set(key, quote(v))
		default:
			config.Set(key, numberOrText(v))
		}
	}
	if sent {
		if stored != nil {
			for _, key := range stored.Config.Unknown.Keys() {
				config.Set(key, stored.Config.Unknown.Raw(key))
			}
		}
		f.Set("icmpConfig", config.JSON())
	}
	return f
}

func quote(s string) json.RawMessage {
	b, _ := json.Marshal(s) // a string always encodes
	return b
}

// numberOrText leaves what is no number for the rules to refuse by name.
func numberOrText(s string) json.RawMessage {
	s = strings.TrimSpace(s)
	if n, err := strconv.ParseFloat(s, 64); err == nil && json.Valid([]byte(s)) && n == n {
		return json.RawMessage(s)
	}
	return quote(s)
}

func textOrNull(s string) json.RawMessage {
	if s = strings.TrimSpace(s); s == "" {
		return json.RawMessage("null")
	}
	return quote(s)
}

// countryList reads "DE, NL".
func countryList(s string) json.RawMessage {
	codes := strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' || r == ';' })
	if len(codes) == 0 {
		return json.RawMessage("null")
	}
	b, _ := json.Marshal(codes) // strings always encode
	return b
}

// monitorValues are what stands in the form of an existing monitor.
func monitorValues(m models.MonitorRow) map[string]string {
	values := map[string]string{
		"customerId": m.CustomerPublicID.String(), "name": m.Name, "hostname": m.HostnameTyped, "status": string(m.Status),
		"checkIntervalSeconds": strconv.Itoa(m.IntervalSeconds), "timeoutSeconds": strconv.FormatFloat(m.Timeout().Seconds(), 'f', -1, 64),
		"allowedCheckCountryCodes": strings.Join(m.CountryCodes, ", "),
	}
	if m.NotificationEmail != nil {
		values["notificationEmail"] = *m.NotificationEmail
	}
	if m.NotificationPhoneNumber != nil {
		values["notificationPhoneNumber"] = *m.NotificationPhoneNumber
	}
	for key, v := range standards {
		values[configPrefix+key] = v
	}
	b, err := json.Marshal(m.Config)
	if err != nil {
		return values
	}
	var set map[string]any
	dec := json.NewDecoder(strings.NewReader(string(b)))
	dec.UseNumber()
	if dec.Decode(&set) != nil {
		return values
	}
	for _, key := range models.ConfigKeys() {
		switch v := set[key].(type) {
		case string:
			values[configPrefix+key] = v
		case json.Number:
			values[configPrefix+key] = v.String()
		case bool:
			if v {
				values[configPrefix+key] = "true"
			}
		}
	}
	return values
}

// settings are the lines of a monitor's page.
func settings(m models.MonitorRow) []views.Setting {
	return views.RuleSettings{Count: m.Config.Count, PacketSize: m.Config.PacketSize, CheckIntervalSeconds: m.IntervalSeconds, Timeout: m.Timeout(),
		Rule: m.Config.Rule()}.Sentences()
}
