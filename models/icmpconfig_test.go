package models

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"
)

func parsedConfig(t testing.TB, object string) (IcmpConfig, *Invalid) {
	t.Helper()
	f, err := ParseFields([]byte(object))
	if err != nil {
		t.Fatal(err)
	}
	e := &Invalid{}
	return parseConfig(f, e), e
}

// Known keys are answered in one order whatever the order sent, unknown ones after them as sent; what is stored reads back
// the same.
func TestConfigOrder(t *testing.T) {
	for in, want := range map[string]string{
		`{}`:                          `{"packetSize":56,"count":3}`,
		`{"count":4}`:                 `{"packetSize":56,"count":4}`,
		`{"count":4,"packetSize":24}`: `{"packetSize":24,"count":4}`,
		`{"count":4.0,"tos":0e3}`:     `{"packetSize":56,"count":4,"tos":0}`,
		`{"b":{"y":1,"x":[ 2 ]},"count":1,"a":null,"quorum":"all"}`: `{"packetSize":56,"count":1,"quorum":"all","b":{"y":1,"x":[2]},"a":null}`,
		`{"quorum":3,"ttl":255,"dontFragment":false}`:               `{"packetSize":56,"count":3,"ttl":255,"dontFragment":false,"quorum":3}`,
		`{"failedLossPercent":99.5,"clearLatencyMs":0}`:             `{"packetSize":56,"count":3,"failedLossPercent":99.5,"clearLatencyMs":0}`,
	} {
		c, e := parsedConfig(t, in)
		if err := e.orNil(); err != nil {
			t.Errorf("%s: got %v", in, err)
			continue
		}
		got, err := json.Marshal(c)
		if err != nil || string(got) != want {
			t.Errorf("%s: got %s, error %v, want %s", in, got, err, want)
		}
		stored, err := c.Value()
		if err != nil {
			t.Fatal(err)
		}
		var back IcmpConfig
		if err := back.Scan(stored); err != nil {
			t.Fatal(err)
		}
		if again, _ := json.Marshal(back); string(again) != want {
			t.Errorf("%s: stored and read back as %s, want %s", in, again, want)
		}
	}
}

// A key in another case is an unknown one. encoding/json matches names without case: read so, it would set the figure
// past every check, or make the row unreadable.
func TestConfigKeysInAnotherCase(t *testing.T) {
	for _, in := range []string{`{"Count":1000000}`, `{"COUNT":"many"}`, `{"pac\u212aetSize":70000}`, `{"packet\u017fize":"x"}`, `{"INTERVALMS":0}`, `{"Quorum":[]}`, `{"count":5,"Count":7,"cOUNT":9}`} {
		c, e := parsedConfig(t, in)
		if err := e.orNil(); err != nil {
			t.Errorf("%s: got %v, want it kept as unknown", in, err)
		}
		stored, err := c.Value()
		if err != nil {
			t.Fatal(err)
		}
		var back IcmpConfig
		if err := back.Scan(stored); err != nil {
			t.Errorf("%s: stored as %v and not readable: %v", in, stored, err)
			continue
		}
		if back.Count != c.Count || back.PacketSize != c.PacketSize || back.Interval() != c.Interval() || back.Quorum != nil {
			t.Errorf("%s: got %d packets of %d every %s after reading it back, want %d of %d every %s", in, back.Count, back.PacketSize, back.Interval(), c.Count, c.PacketSize, c.Interval())
		}
		if !reflect.DeepEqual(back.Unknown.Keys(), c.Unknown.Keys()) || len(back.Warnings()) == 0 {
			t.Errorf("%s: got unknown keys %v, want %v", in, back.Unknown.Keys(), c.Unknown.Keys())
		}
	}
}

// Every key with its bounds, what lies beyond them, and the wrong types.
func TestConfigRanges(t *testing.T) {
	words := func(list ...string) []string { return list }
	for _, c := range []struct {
		key       string
		good, bad []string
	}{
		{"packetSize", words("0", "24", "56", "65507", "1e3"), words("-1", "65508", "2e9", "56.5", `"56"`, "true", "[]", "{}", "1e308", "null")},
		{"count", words("1", "100"), words("0", "-0", "101", "1e6", "1.5", `"4"`, "null", "1e308", "-1e308", "9223372036854775808")},
		{"intervalMs", words("10", "60000"), words("9", "0", "60001", "10.5", "null")},
		{"ipFamily", words(`"auto"`, `"4"`, `"6"`), words(`"5"`, "4", `""`, `"AUTO"`, "null", "[]")},
		{"ttl", words("1", "255"), words("0", "256", `"64"`, "null")},
		{"dontFragment", words("true", "false"), words("1", `"true"`, "null")},
		{"tos", words("0", "255", "-0"), words("-1", "256", "null")},
		{"degradedLossPercent", words("0", "100", "12.5"), words("-0.1", "100.1", "null", `"5"`)},
		{"failedLossPercent", words("0", "100"), words("-1", "101", "null")},
		{"degradedLatencyMs", words("0.5", "60000"), words("-1", "60001", "null")},
		{"failedLatencyMs", words("0.5", "60000"), words("-1", "60001", "null")},
		{"latencyMeasure", words(`"avg"`, `"p95"`), words(`"p99"`, "95", "null")},
		{"windowSeconds", words("0", "86400"), words("-1", "86401", "0.5", "null")},
		{"clearLossPercent", words("0", "100"), words("-1", "101", "null")},
		{"clearLatencyMs", words("0", "60000"), words("-1", "60001", "null")},
		{"quorum", words(`"any"`, `"majority"`, `"all"`, "1", "1000"), words(`"some"`, `""`, `"2"`, "0", "-1", "1001", "1.5", "true", "[]", "null")},
		{"confirmations", words("1", "100"), words("0", "101", "1.5", "null")},
		{"recoveries", words("1", "100"), words("0", "101", "null")},
		{"retrySeconds", words("1", "3600"), words("0", "3601", "null")},
	} {
		for _, v := range c.good {
			if _, e := parsedConfig(t, `{"`+c.key+`":`+v+`}`); e.orNil() != nil {
				t.Errorf("%s %s: got %v, want it accepted", c.key, v, e)
			}
		}
		for _, v := range c.bad {
			_, e := parsedConfig(t, `{"`+c.key+`":`+v+`}`)
			if len(e.Fields) != 1 || e.Fields[0].Field != "icmpConfig."+c.key || !strings.HasPrefix(e.Fields[0].Message, "icmpConfig."+c.key+" must be ") {
				t.Errorf("%s %s: got %v, want icmpConfig.%s refused", c.key, v, e, c.key)
			}
		}
	}
	if got, want := len(ConfigKeys()), 19; got != want {
		t.Errorf("got %d known keys, want %d: a new one belongs into this table", got, want)
	}
}

// Limits that contradict each other are refused at the field that would have to give way.
func TestConfigContradictions(t *testing.T) {
	for object, field := range map[string]string{
		`{"degradedLossPercent":60,"failedLossPercent":50}`:                                           "degradedLossPercent",
		`{"degradedLossPercent":50,"failedLossPercent":50}`:                                           "",
		`{"degradedLossPercent":50,"failedLossPercent":0}`:                                            "",
		`{"degradedLatencyMs":90.5,"failedLatencyMs":90}`:                                             "degradedLatencyMs",
		`{"clearLossPercent":20,"degradedLossPercent":10}`:                                            "clearLossPercent",
		`{"clearLossPercent":10,"degradedLossPercent":10}`:                                            "",
		`{"clearLossPercent":10}`:                                                                     "",
		`{"clearLatencyMs":26,"degradedLatencyMs":25}`:                                                "clearLatencyMs",
		`{"clearLatencyMs":26,"degradedLatencyMs":0}`:                                                 "",
		`{"degradedLossPercent":10,"clearLossPercent":5,"windowSeconds":300,"failedLossPercent":100}`: "",
	} {
		_, e := parsedConfig(t, object)
		if field == "" && e.orNil() == nil {
			continue
		}
		if len(e.Fields) != 1 || e.Fields[0].Field != "icmpConfig."+field || !strings.HasPrefix(e.Fields[0].Message, "icmpConfig."+field+" must be at most ") {
			t.Errorf("%s: got %v, want a complaint about %q", object, e.Fields, field)
		}
	}
}

func TestRuleOfAConfig(t *testing.T) {
	ms := time.Millisecond
	standard := Rule{Confirmations: 2, Recoveries: 1, Retry: 5 * time.Second, Gap: 200 * ms, FailedLoss: 100, Latency: LatencyAverage, Quorum: "majority"}
	all := Rule{Confirmations: 3, Recoveries: 2, Retry: 7 * time.Second, Gap: 20 * ms, Window: 5 * time.Minute, DegradedLoss: 10, FailedLoss: 60, ClearLoss: 5,
		DegradedLatency: 25500 * time.Microsecond, FailedLatency: 80 * ms, ClearLatency: 20 * ms, Latency: LatencyP95, Quorum: "2"}
	raised := standard
	raised.DegradedLoss, raised.ClearLoss, raised.DegradedLatency, raised.ClearLatency = 10, 10, 25*ms, 25*ms
	anyLoss := standard
	anyLoss.DegradedLoss = 10
	for object, want := range map[string]Rule{
		`{}`:                   standard,
		`{"windowSeconds":60}`: standard, // nothing to hold it against
		`{"degradedLossPercent":0,"failedLossPercent":100,"clearLossPercent":0,"degradedLatencyMs":0,"failedLatencyMs":0,"latencyMeasure":"avg"}`: standard,
		`{"degradedLossPercent":10,"degradedLatencyMs":25}`: raised,
		`{"degradedLossPercent":10,"clearLossPercent":0}`:   anyLoss,
		`{"degradedLossPercent":10,"failedLossPercent":60,"degradedLatencyMs":25.5,"failedLatencyMs":80,"latencyMeasure":"p95","windowSeconds":300,
			"clearLossPercent":5,"clearLatencyMs":20,"quorum":2,"confirmations":3,"recoveries":2,"retrySeconds":7,"intervalMs":20}`: all,
	} {
		c, e := parsedConfig(t, object)
		if got := c.Rule(); e.orNil() != nil || got != want {
			t.Errorf("%s: got %+v, %v, want %+v", object, got, e, want)
		}
	}
}
