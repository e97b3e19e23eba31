package models

import (
	"bytes"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/uptrace/bun"
)

// Status is what people set on a monitor.
type Status string

// The statuses.
const (
	StatusActive      Status = "active"
	StatusMaintenance Status = "maintenance"
	StatusDisabled    Status = "disabled"
)

// Limits of a monitor's settings.
const (
	maxName            = 255
	maxIntervalSeconds = 86400
	// defaultIntervalSeconds is the reference product's 30 minutes.
	defaultIntervalSeconds = 1800
	defaultTimeoutMs       = 30000
)

// Countries are ISO 3166-1 alpha-2 codes; nil = any. They are stored as a JSON array.
type Countries []string

// Value stores nil as NULL.
func (c Countries) Value() (driver.Value, error) {
	if len(c) == 0 {
		return nil, nil
	}
	b, err := json.Marshal([]string(c))
	return string(b), err
}

// Scan reads the stored array.
func (c *Countries) Scan(src any) error {
	*c = nil
	return scanJSON(src, (*[]string)(c))
}

// Monitor is one host to ping and how.
type Monitor struct {
	bun.BaseModel  `bun:"table:monitors,alias:m" json:"-"`
	ID             int64     `bun:",pk,autoincrement"`
	PublicID       uuid.UUID `bun:"type:uuid"`
	OrganizationID int64
	CustomerID     int64
	Name           string
	// Hostname is what is resolved or sent to; HostnameTyped what people see.
	Hostname, HostnameTyped string
	// Search is the folded text that searches look in and that sorts names.
	Search                  string `json:"-"`
	Port                    *int
	Status                  Status
	IntervalSeconds         int
	TimeoutMs               int
	Config                  IcmpConfig
	CountryCodes            Countries
	NotificationPhoneNumber *string
	NotificationEmail       *string
	// Rev grows when something changes that makes earlier measurements another monitor's; Version with every change.
	Rev, Version         int64
	CreatedAt, UpdatedAt time.Time
}

// Interval is the time between two checks.
func (m Monitor) Interval() time.Duration { return time.Duration(m.IntervalSeconds) * time.Second }

// Timeout is the whole check's time.
func (m Monitor) Timeout() time.Duration { return time.Duration(m.TimeoutMs) * time.Millisecond }

// Spec is what a check of the monitor sends.
func (m Monitor) Spec() Spec { return m.Config.Spec(m.Hostname, m.Timeout()) }

// RunsIn tells whether checks of the monitor may come from a location in the country; an empty country serves any.
func (m Monitor) RunsIn(country string) bool {
	return len(m.CountryCodes) == 0 || country == "" || slices.Contains(m.CountryCodes, country)
}

// ETag names the version of the monitor's settings (RFC 9110 §8.8.3).
func (m Monitor) ETag() string { return fmt.Sprintf(`"%d"`, m.Version) }

// matches tells whether an If-Match allows a change of the monitor.
func (m Monitor) matches(ifMatch string) bool { return matchesTag(ifMatch, m.ETag()) }

// matchesTag tells whether an If-Match allows a change of what has the ETag: it is empty, "*", or a list with that one.
// Weak ones never match (RFC 9110 §13.1.1).
func matchesTag(ifMatch, etag string) bool {
	if ifMatch == "" || ifMatch == "*" {
		return true
	}
	for tag := range strings.SplitSeq(ifMatch, ",") {
		if strings.TrimSpace(tag) == etag {
			return true
		}
	}
	return false
}

// newMonitor has the defaults of the contract.
func newMonitor() Monitor {
	return Monitor{Status: StatusActive, IntervalSeconds: defaultIntervalSeconds, Config: defaultConfig(), Rev: 1, Version: 1}
}

// statuses are the words that the contract takes.
var statuses = map[string]Status{
	"active": StatusActive, "maintenance": StatusMaintenance, "disabled": StatusDisabled,
	"paused": StatusDisabled, "inactive": StatusDisabled,
}

// apply changes m as the fields say, in the contract's order, and notes in e everything that is wrong. With create,
// required fields must be there. customer is what was sent as customerId.
func (m *Monitor) apply(f Fields, create bool, policy TargetPolicy, e *Invalid) (customer Ref) {
	in := reader{Fields: f, e: e}
	if create || f.Has("customerId") {
		var err error
		if customer, err = parseRef(f.raw["customerId"]); err != nil {
			e.add("customerId", "Invalid Customer identifier", "Choose a customer")
		}
	}
	m.applyName(in, create)
	m.applyHostname(in, create, policy)
	if v, ok := in.text("status", true); ok {
		status, known := statuses[v]
		if !known {
			e.add("status", "status must be active, maintenance, disabled, paused or inactive", "")
		}
		m.Status = status
	}
	m.applyInterval(in)
	m.applyTimeout(in, create)
	m.applyConfig(in)
	m.checkTimes(in, create)
	m.checkFamily(in)
	m.applyCountries(in)
	m.NotificationEmail = in.optional("notificationEmail", m.NotificationEmail, isEmail, "an e-mail address", "Type an address like noc@example.com")
	m.NotificationPhoneNumber = in.optional("notificationPhoneNumber", m.NotificationPhoneNumber, e164.MatchString, "an E.164 number like +493512345678", "Type a number like +493512345678")
	if f.Has("port") {
		m.Port = nil
		if v, ok := in.integer("port", 1, 65535, false); ok {
			m.Port = &v
		}
	}
	m.Search = fold(m.Name, m.Hostname, m.HostnameTyped)
	e.sortLike(monitorFields[:])
	return customer
}

// monitorFields are the fields of POST in the contract's order.
var monitorFields = [...]string{"customerId", "name", "hostname", "status", "checkInterval", "checkIntervalSeconds", "timeoutSeconds",
	"icmpConfig", "config", "allowedCheckCountryCodes", "notificationEmail", "notificationPhoneNumber", "port"}

func (m *Monitor) applyName(in reader, create bool) {
	v, ok := in.text("name", true)
	if !ok {
		if create {
			in.e.add("name", "name is required", "Type a name")
		}
		return
	}
	name, wrong := cleanName(v, maxName)
	switch wrong {
	case "":
		m.Name = name
	case "is too long":
		in.e.add("name", fmt.Sprintf("name must have 1 to %d characters", maxName), nameAdvice(wrong))
	default:
		in.e.add("name", "name "+wrong, nameAdvice(wrong))
	}
}

func (m *Monitor) applyHostname(in reader, create bool, policy TargetPolicy) {
	v, ok := in.text("hostname", true)
	if !ok {
		if create {
			in.e.add("hostname", "Invalid hostname", "Type a host name or an IP address")
		}
		return
	}
	ascii, typed, err := ParseHostname(v)
	if err != nil {
		wrong := FieldError{Field: "hostname", Message: "Invalid hostname", Advice: err.Error()}
		var slip *hostnameError
		if errors.As(err, &slip) {
			wrong.Suggestion = slip.suggestion
		}
		in.e.Fields = append(in.e.Fields, wrong)
		return
	}
	if a, err := netip.ParseAddr(ascii); err == nil {
		if err := policy.Check(a); err != nil {
			in.e.Fields = append(in.e.Fields, FieldError{Field: "hostname", Message: "Target not allowed: " + err.Error(), Code: "targetNotAllowed"})
			return
		}
	}
	m.Hostname, m.HostnameTyped = ascii, typed
}

func (m *Monitor) applyInterval(in reader) {
	minutes, byMinutes := in.number("checkInterval", 0, 1440, true)
	seconds, bySeconds := in.integer("checkIntervalSeconds", 1, maxIntervalSeconds, true)
	if byMinutes {
		rounded := int(math.Round(minutes * 60))
		switch {
		case rounded < 1:
			in.e.add("checkInterval", "checkInterval must be at least 1 second (0.0167 minutes)", "Choose 1 second or more")
		case bySeconds && rounded != seconds:
			in.e.add("checkInterval", "checkInterval and checkIntervalSeconds disagree", "Send one of the two")
		default:
			m.IntervalSeconds = rounded
		}
	}
	if bySeconds && !byMinutes {
		m.IntervalSeconds = seconds
	}
}

func (m *Monitor) applyTimeout(in reader, create bool) {
	if v, ok := in.number("timeoutSeconds", 1, 60, true); ok {
		m.TimeoutMs = int(math.Round(v * 1000))
	} else if create {
		m.TimeoutMs = min(defaultTimeoutMs, m.IntervalSeconds*1000)
	}
}

// applyConfig takes icmpConfig or its other name, config.
func (m *Monitor) applyConfig(in reader) {
	key := "icmpConfig"
	if !in.Has(key) {
		key = "config"
	} else if in.Has("config") && !sameJSON(in.raw["config"], in.raw["icmpConfig"]) {
		in.e.add("config", "config and icmpConfig disagree", "Send one of the two")
		return
	}
	var object map[string]json.RawMessage
	if !in.read(key, "an object", true, &object) {
		return
	}
	fields, err := splitObject(in.raw[key])
	if err != nil {
		in.e.add(key, key+" must be an object", "")
		return
	}
	m.Config = parseConfig(fields, in.e)
}

// checkTimes looks at what must fit together once every field is in its place.
func (m *Monitor) checkTimes(in reader, create bool) {
	touched := create || in.Has("timeoutSeconds") || in.Has("checkInterval") || in.Has("checkIntervalSeconds") || in.Has("icmpConfig") || in.Has("config")
	if !touched || m.TimeoutMs == 0 {
		return
	}
	if m.TimeoutMs > m.IntervalSeconds*1000 {
		in.e.add("timeoutSeconds", "timeoutSeconds must not be longer than the check interval",
			fmt.Sprintf("Longer than the interval of %d s: choose %d s or less", m.IntervalSeconds, m.IntervalSeconds))
	}
	if need := time.Duration(m.Config.Count) * m.Config.Interval(); m.Timeout() < need {
		advice := fmt.Sprintf("Too short for %d packets every %d ms: choose %s s or more", m.Config.Count, m.Config.Interval().Milliseconds(), plain(need.Seconds()))
		if need > min(MaxTimeout, m.Interval()) {
			advice = fmt.Sprintf("%d packets every %d ms take %s s: send fewer, or closer together", m.Config.Count, m.Config.Interval().Milliseconds(), plain(need.Seconds()))
		}
		in.e.add("timeoutSeconds", "timeoutSeconds is too short for count × intervalMs", advice)
	}
}

// checkFamily looks whether a host that is an address can be reached by the family asked for; no check could ever be made. A
// monitor that was stored so may still be paused or named anew.
func (m *Monitor) checkFamily(in reader) {
	if !in.Has("hostname") && !in.Has("icmpConfig") && !in.Has("config") {
		return
	}
	a, err := netip.ParseAddr(m.Hostname)
	if err != nil { // a name may have addresses of either family
		return
	}
	is, family := "6", or(m.Config.IPFamily, "auto")
	if a.Unmap().Is4() {
		is = "4"
	}
	if family != "auto" && family != is {
		in.e.add("icmpConfig.ipFamily", fmt.Sprintf("icmpConfig.ipFamily is %s, but hostname is an IPv%s address", family, is),
			fmt.Sprintf("%s is an IPv%s address: choose %s or auto", m.Hostname, is, is))
	}
}

func (m *Monitor) applyCountries(in reader) {
	if in.Has("allowedCheckCountryCodes") {
		m.CountryCodes = in.countries("allowedCheckCountryCodes")
	}
}

// countries reads a list of country codes: upper-cased, duplicates dropped, empty = nil.
func (r reader) countries(key string) Countries {
	var codes []string
	if !r.read(key, "an array of ISO 3166-1 alpha-2 codes, or null", false, &codes) {
		return nil
	}
	var out Countries
	for _, code := range codes {
		code = strings.ToUpper(strings.TrimSpace(code))
		if !IsCountry(code) {
			r.e.add(key, key+" must hold ISO 3166-1 alpha-2 codes", fmt.Sprintf("“%s” is no country code: use two letters like DE", code))
			return nil
		}
		if !slices.Contains(out, code) {
			out = append(out, code)
		}
	}
	return out
}

// optional reads a text that may be null, or leaves it as it was.
func (r reader) optional(key string, was *string, valid func(string) bool, want, advice string) *string {
	if !r.Has(key) {
		return was
	}
	v, ok := r.text(key, false)
	if !ok {
		return nil
	}
	if !valid(v) {
		r.e.add(key, key+" must be "+want, advice)
		return was
	}
	return &v
}

// sameJSON compares two values without white space and key order.
func sameJSON(a, b json.RawMessage) bool {
	canonical := func(raw json.RawMessage) []byte {
		var v any
		dec := json.NewDecoder(bytes.NewReader(raw))
		dec.UseNumber()
		if dec.Decode(&v) != nil {
			return raw
		}
		out, err := json.Marshal(v)
		if err != nil {
			return raw
		}
		return out
	}
	return bytes.Equal(canonical(a), canonical(b))
}

// changesMeasurement tells whether results of the one are not results of the other: rev grows then.
func (m Monitor) changesMeasurement(to Monitor) bool {
	return m.restartsChecks(to) || m.IntervalSeconds != to.IntervalSeconds || m.TimeoutMs != to.TimeoutMs || m.Config.Rule() != to.Config.Rule() ||
		m.Status != to.Status || !slices.Equal(m.CountryCodes, to.CountryCodes) || !m.sameLimits(to)
}

// restartsChecks tells whether target or packets change: what was found before says nothing about what is pinged now.
func (m Monitor) restartsChecks(to Monitor) bool {
	return m.Hostname != to.Hostname || m.Config.Spec("", 0) != to.Config.Spec("", 0)
}

// sameLimits compares the configurations whole; a change of an unknown key counts too, which does no harm.
func (m Monitor) sameLimits(to Monitor) bool {
	a, errA := json.Marshal(m.Config)
	b, errB := json.Marshal(to.Config)
	return errA == nil && errB == nil && bytes.Equal(a, b)
}
