package models

import (
	"bytes"
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// IcmpConfig is a monitor's icmpConfig: the keys we know, and the others as they were sent. A nil pointer is a key that
// was not set. It is stored as text in one fixed order, unknown keys last.
type IcmpConfig struct {
	PacketSize          int      `json:"packetSize"`
	Count               int      `json:"count"`
	IntervalMs          *int     `json:"intervalMs,omitempty"`
	IPFamily            *string  `json:"ipFamily,omitempty"`
	TTL                 *int     `json:"ttl,omitempty"`
	DontFragment        *bool    `json:"dontFragment,omitempty"`
	TOS                 *int     `json:"tos,omitempty"`
	DegradedLossPercent *float64 `json:"degradedLossPercent,omitempty"`
	FailedLossPercent   *float64 `json:"failedLossPercent,omitempty"`
	DegradedLatencyMs   *float64 `json:"degradedLatencyMs,omitempty"`
	FailedLatencyMs     *float64 `json:"failedLatencyMs,omitempty"`
	LatencyMeasure      *string  `json:"latencyMeasure,omitempty"`
	WindowSeconds       *int     `json:"windowSeconds,omitempty"`
	ClearLossPercent    *float64 `json:"clearLossPercent,omitempty"`
	ClearLatencyMs      *float64 `json:"clearLatencyMs,omitempty"`
	// Quorum is any, majority, all, or a number in decimal digits.
	Quorum        *Quorum `json:"quorum,omitempty"`
	Confirmations *int    `json:"confirmations,omitempty"`
	Recoveries    *int    `json:"recoveries,omitempty"`
	RetrySeconds  *int    `json:"retrySeconds,omitempty"`

	// Unknown holds the keys that the prober does not know, as sent.
	Unknown Fields `json:"-"`
}

// Quorum is how many locations must agree: "any", "majority", "all", or a number.
type Quorum string

// MarshalJSON writes a number as a number.
func (q Quorum) MarshalJSON() ([]byte, error) {
	switch q {
	case "any", "majority", "all":
		return json.Marshal(string(q))
	}
	return []byte(q), nil
}

// UnmarshalJSON takes one of the three words or a whole number from 1 to 1,000.
func (q *Quorum) UnmarshalJSON(b []byte) error {
	var word string
	if json.Unmarshal(b, &word) == nil {
		*q = Quorum(word)
		if word == "any" || word == "majority" || word == "all" {
			return nil
		}
		return fmt.Errorf("quorum %q", word)
	}
	var n int
	if err := json.Unmarshal(b, &n); err != nil {
		return err
	}
	if n < 1 || n > 1000 {
		return fmt.Errorf("quorum %d", n)
	}
	*q = Quorum(fmt.Sprint(n))
	return nil
}

// The defaults of icmpConfig; the contract gives them.
const (
	defaultPacketSize    = 56
	defaultCount         = 3
	defaultIntervalMs    = 200
	defaultConfirmations = 2
	defaultRecoveries    = 1
	defaultRetrySeconds  = 5
	defaultFailedLoss    = 100
	defaultQuorum        = Quorum("majority")
)

// knownConfigKeys are the keys of IcmpConfig in their order.
var knownConfigKeys = [...]string{"packetSize", "count", "intervalMs", "ipFamily", "ttl", "dontFragment", "tos",
	"degradedLossPercent", "failedLossPercent", "degradedLatencyMs", "failedLatencyMs", "latencyMeasure", "windowSeconds",
	"clearLossPercent", "clearLatencyMs", "quorum", "confirmations", "recoveries", "retrySeconds"}

// defaultConfig is the icmpConfig of a monitor that sent none.
func defaultConfig() IcmpConfig {
	return IcmpConfig{PacketSize: defaultPacketSize, Count: defaultCount}
}

// parseConfig reads an icmpConfig object and notes in e what is wrong, under icmpConfig.<key>.
func parseConfig(object Fields, e *Invalid) IcmpConfig {
	c := defaultConfig()
	in := reader{Fields: object, e: e, prefix: "icmpConfig."}
	if v, ok := in.integer("packetSize", 0, MaxPacketSize, true); ok {
		c.PacketSize = v
	}
	if v, ok := in.integer("count", 1, MaxCount, true); ok {
		c.Count = v
	}
	integer := func(key string, low, high int, into **int) {
		if v, ok := in.integer(key, low, high, true); ok {
			*into = &v
		}
	}
	number := func(key string, low, high float64, into **float64) {
		if v, ok := in.number(key, low, high, true); ok {
			*into = &v
		}
	}
	oneOf := func(key string, into **string, words ...string) {
		v, ok := in.text(key, true)
		if !ok {
			return
		}
		for _, w := range words {
			if v == w {
				*into = &v
				return
			}
		}
		e.add("icmpConfig."+key, "icmpConfig."+key+" must be one of "+strings.Join(words, ", "), "")
	}
	integer("intervalMs", int(MinPacketGap/time.Millisecond), 60000, &c.IntervalMs)
	oneOf("ipFamily", &c.IPFamily, "auto", "4", "6")
	integer("ttl", 1, 255, &c.TTL)
	if v, ok := in.flag("dontFragment", true); ok {
		c.DontFragment = &v
	}
	integer("tos", 0, 255, &c.TOS)
	number("degradedLossPercent", 0, 100, &c.DegradedLossPercent)
	number("failedLossPercent", 0, 100, &c.FailedLossPercent)
	number("degradedLatencyMs", 0, 60000, &c.DegradedLatencyMs)
	number("failedLatencyMs", 0, 60000, &c.FailedLatencyMs)
	oneOf("latencyMeasure", &c.LatencyMeasure, "avg", "p95")
	integer("windowSeconds", 0, 86400, &c.WindowSeconds)
	number("clearLossPercent", 0, 100, &c.ClearLossPercent)
	number("clearLatencyMs", 0, 60000, &c.ClearLatencyMs)
	var q Quorum
	if in.read("quorum", "any, majority, all or a number from 1 to 1000", true, &q) {
		c.Quorum = &q
	}
	integer("confirmations", 1, 100, &c.Confirmations)
	integer("recoveries", 1, 100, &c.Recoveries)
	integer("retrySeconds", 1, 3600, &c.RetrySeconds)
	atMost := func(key string, value *float64, ofKey string, limit *float64) {
		// A limit of 0 is none.
		if value != nil && limit != nil && *limit > 0 && *value > *limit {
			e.add("icmpConfig."+key, "icmpConfig."+key+" must be at most "+ofKey+", which is "+plain(*limit), "Choose "+plain(*limit)+" or less")
		}
	}
	atMost("degradedLossPercent", c.DegradedLossPercent, "failedLossPercent", c.FailedLossPercent)
	atMost("degradedLatencyMs", c.DegradedLatencyMs, "failedLatencyMs", c.FailedLatencyMs)
	atMost("clearLossPercent", c.ClearLossPercent, "degradedLossPercent", c.DegradedLossPercent)
	atMost("clearLatencyMs", c.ClearLatencyMs, "degradedLatencyMs", c.DegradedLatencyMs)
	for _, key := range object.Keys() {
		if !isKnownConfigKey(key) {
			c.Unknown.Set(key, object.raw[key])
		}
	}
	return c
}

func isKnownConfigKey(key string) bool {
	for _, k := range knownConfigKeys {
		if k == key {
			return true
		}
	}
	return false
}

// Warnings has one sentence for each key that the prober does not know.
func (c IcmpConfig) Warnings() []string {
	var out []string
	for _, key := range c.Unknown.Keys() {
		out = append(out, fmt.Sprintf("icmpConfig.%s is kept, but the prober does not know it", key))
	}
	return out
}

// plainConfig is IcmpConfig without its methods, for encoding/json.
type plainConfig IcmpConfig

// MarshalJSON writes the known keys in their order, then the others as they were sent.
func (c IcmpConfig) MarshalJSON() ([]byte, error) {
	known, err := json.Marshal(plainConfig(c))
	if err != nil || len(c.Unknown.keys) == 0 {
		return known, err
	}
	var b bytes.Buffer
	b.Write(known[:len(known)-1])
	b.WriteByte(',')
	b.Write(c.Unknown.JSON()[1:])
	return b.Bytes(), nil
}

// ConfigKeys are the keys that the prober knows, in their order.
func ConfigKeys() []string { return knownConfigKeys[:] }

// Has tells whether the known key is set.
func (c IcmpConfig) Has(key string) bool {
	b, err := json.Marshal(plainConfig(c))
	if err != nil {
		return false
	}
	f, err := splitObject(b)
	return err == nil && f.Has(key)
}

// UnmarshalJSON reads what MarshalJSON wrote. encoding/json matches names without case, so it must not see the unknown
// keys: it would read "Count" as count, past every check.
func (c *IcmpConfig) UnmarshalJSON(b []byte) error {
	object, err := splitObject(b)
	if err != nil {
		return err
	}
	var known Fields
	c.Unknown = Fields{}
	for _, key := range object.keys {
		if isKnownConfigKey(key) {
			known.Set(key, object.raw[key])
		} else {
			c.Unknown.Set(key, object.raw[key])
		}
	}
	if len(c.Unknown.keys) > 0 {
		b = known.JSON()
	}
	return json.Unmarshal(b, (*plainConfig)(c))
}

// Value stores the configuration as text: jsonb would reorder it.
func (c IcmpConfig) Value() (driver.Value, error) {
	b, err := json.Marshal(c)
	return string(b), err
}

// Scan reads the stored text.
func (c *IcmpConfig) Scan(src any) error {
	*c = IcmpConfig{}
	// Most configurations have known keys only. One that encodes to the very text it was read from is one of those, and
	// need not be taken apart: a list of 50 monitors decodes 50 of them.
	if text, ok := src.(string); ok && json.Unmarshal([]byte(text), (*plainConfig)(c)) == nil {
		if again, err := json.Marshal(plainConfig(*c)); err == nil && string(again) == text {
			return nil
		}
	}
	*c = IcmpConfig{}
	if err := scanJSON(src, c); err != nil {
		// A row that was written past the API must not make every list and the prober's start fail. Without a count its
		// monitor is refused just before sending.
		*c = IcmpConfig{}
	}
	return nil
}

// scanJSON decodes a text column.
func scanJSON(src, into any) error {
	switch v := src.(type) {
	case nil:
		return nil
	case string:
		return json.Unmarshal([]byte(v), into)
	case []byte:
		return json.Unmarshal(v, into)
	default:
		return fmt.Errorf("a JSON column holds a %T", src)
	}
}

// or returns what the pointer points to, or the default.
func or[T any](p *T, otherwise T) T {
	if p == nil {
		return otherwise
	}
	return *p
}

// Interval is the time between two echo requests.
func (c IcmpConfig) Interval() time.Duration {
	return time.Duration(or(c.IntervalMs, defaultIntervalMs)) * time.Millisecond
}

// Spec is the part that makes packets, for the host and the check's whole time.
func (c IcmpConfig) Spec(host string, timeout time.Duration) Spec {
	return Spec{
		Host: host, Count: c.Count, PacketSize: c.PacketSize, Interval: c.Interval(), Timeout: timeout,
		Family: or(c.IPFamily, "auto"), TTL: or(c.TTL, 0), DontFragment: or(c.DontFragment, false), TOS: or(c.TOS, 0),
	}
}
