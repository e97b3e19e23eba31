package main

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"echolot/models/modelstest"
	"echolot/probe/lab"
)

// T27, T28: the program stops while a monitor is down. Started again with the monitor still down it tells of no second incident;
// where the monitor came back while nobody looked, the incident ends with the first good check, not before.
func TestIncidentsOutliveTheProgram(t *testing.T) {
	lab.Inside(t, func(t *testing.T) {
		target := lab.NewResponders(t, netip.MustParsePrefix("127.9.0.0/24"))
		path := modelstest.SQLite(t)
		settings := []string{"ECHOLOT_DATABASE_URL=" + path, "ECHOLOT_DATA_DIR=" + t.TempDir()}
		by := admin(t, settings...)
		p := serve(t, settings...)
		a := p.ask(by.token, "POST", "/api/icmp-monitors", `{"customerId":1,"name":"Pirna","hostname":"127.9.0.1","checkIntervalSeconds":1,"timeoutSeconds":1,"icmpConfig":{"count":1,"retrySeconds":1}}`)
		var made struct{ PublicID string }
		a.decode(t, &made)
		p.waitState(by.token, made.PublicID, "up")
		target.Behave(lab.Silent)
		p.waitState(by.token, made.PublicID, "down")
		before := p.incidents(by.token)
		if len(before) != 1 || before[0].Type != "downtime" || !before[0].Resolved.IsZero() {
			t.Fatalf("got the incidents %+v, want one downtime, open", before)
		}

		db := modelstest.Connect(t, path)
		p.stop()
		failures := count(t, db, "SELECT count(*) FROM results WHERE code >> 3 & 3 = 2")
		p = serve(t, settings...)
		eventually(t, "three more failures", func() (bool, string) {
			n := count(t, db, "SELECT count(*) FROM results WHERE code >> 3 & 3 = 2")
			return n >= failures+3, fmt.Sprint(n - failures)
		})
		if after := p.incidents(by.token); len(after) != 1 || after[0] != before[0] {
			t.Errorf("after the start: got the incidents %+v, want the one from before it: %+v", after, before)
		}

		p.stop()
		target.Behave(lab.Honest)
		back := time.Now()
		p = serve(t, settings...)
		p.waitState(by.token, made.PublicID, "up")
		after := p.incidents(by.token)
		if len(after) != 1 || after[0].PublicID != before[0].PublicID || !after[0].Started.Equal(before[0].Started) {
			t.Fatalf("after the recovery: got the incidents %+v, want the one from before: %+v", after, before)
		}
		if end := after[0].Resolved; end.Before(back.Truncate(time.Millisecond)) || end.After(time.Now()) {
			t.Errorf("got the end %s, want it when it was first seen to be back, between %s and now", end, back)
		}
		p.stop()
	})
}
