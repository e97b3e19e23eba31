package probe

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"echolot/models"
	"echolot/models/modelstest"
	"echolot/probe/lab"

	"github.com/google/uuid"
)

// pathOf is a trace in short: who answered at each hop, "-" for nobody.
func pathOf(t models.Trace) []string {
	var path []string
	for _, h := range t.Hops {
		if len(h.Addresses) == 0 {
			path = append(path, "-")
		} else {
			path = append(path, h.Addresses[0])
		}
	}
	return path
}

// A trace names the router and the target; where the way ends it names the last one that answered, and what it said; where
// the way changed it names the new one.
func TestTraceNamesTheHops(t *testing.T) {
	lab.Inside(t, func(t *testing.T) {
		router := lab.NewRouter(t)
		eachMode(t, func(t *testing.T, _ string) {
			p := newEnginePinger(t, "", models.TargetPolicy{})
			of := func(far string) models.Trace {
				t.Helper()
				began := time.Now()
				found, ok := trace(t.Context(), p, models.ProbeTarget{MonitorID: 1, Spec: pingSpec(far)}, 1, far, hopProbes)
				took := time.Since(began)
				t.Logf("%s: %q after %s", far, pathOf(found), took.Round(time.Millisecond))
				if !ok || found.Address != far || took > 10*time.Second {
					t.Fatalf("%s: got %+v, %t, after %s", far, found, ok, took)
				}
				return found
			}
			for far, by := range map[string]string{lab.Far4: lab.RouterIn4, lab.Far6: lab.RouterIn6} {
				well := of(far)
				if got, want := pathOf(well), []string{by, far}; !well.Reached || !slices.Equal(got, want) {
					t.Errorf("%s: got %q, reached %t, want %q", far, got, well.Reached, want)
				}
				for _, h := range well.Hops {
					if h.Sent != hopProbes || h.Lost != 0 || len(h.RTTs) != hopProbes || slices.Min(h.RTTs) < 0 || slices.Max(h.RTTs) > 1e6 || h.Cause != models.CauseNone {
						t.Errorf("%s: got hop %+v, want %d answers within a second", far, h, hopProbes)
					}
				}

				family := map[bool]string{true: "-4", false: "-6"}[netip.MustParseAddr(far).Is4()]
				silent := map[string]string{"-4": "net.ipv4.icmp_echo_ignore_all", "-6": "net.ipv6.icmp.echo_ignore_all"}[family]
				router.Far.Sysctl(silent, "1")
				dropped := of(far)
				if got, want := pathOf(dropped), []string{by, "-", "-", "-", "-", "-"}; dropped.Reached || !slices.Equal(got, want) {
					t.Errorf("%s, dropped: got %q, reached %t, want %q", far, got, dropped.Reached, want)
				}
				router.Far.Sysctl(silent, "0")

				router.IP(family, "route", "add", "prohibit", far)
				refused := of(far)
				if got, want := pathOf(refused), []string{by}; refused.Reached || !slices.Equal(got, want) {
					t.Errorf("%s, refused: got %q, reached %t, want %q", far, got, refused.Reached, want)
				}
				if last := refused.Hops[len(refused.Hops)-1]; last.Cause != models.CauseProhibited {
					t.Errorf("%s, refused: got hop %+v, want %s", far, last, models.CauseProhibited)
				}
				router.IP(family, "route", "del", "prohibit", far)
			}

			const other = "10.90.0.253"
			router.IP("addr", "add", other+"/24", "dev", "lan1")
			router.IP("addr", "del", lab.RouterIn4+"/24", "dev", "lan1") // takes the network's other addresses along
			router.IP("addr", "replace", other+"/24", "dev", "lan1")
			lab.IP(t, "route", "replace", "default", "via", other)
			moved := of(lab.Far4)
			if got, want := pathOf(moved), []string{other, lab.Far4}; !slices.Equal(got, want) {
				t.Errorf("another way: got %q, want %q", got, want)
			}
			router.IP("addr", "del", other+"/24", "dev", "lan1")
			router.IP("addr", "add", lab.RouterIn4+"/24", "dev", "lan1")
			lab.IP(t, "route", "replace", "default", "via", lab.RouterIn4)
		})
	})
}

// A prober keeps the path of a target that answers, takes another one at its first failed check, and one when asked.
func TestProberTracesFailures(t *testing.T) {
	lab.Inside(t, func(t *testing.T) {
		router := lab.NewRouter(t)
		lab.AllowDatagram(t)
		store := modelstest.Open(t, modelstest.SQLite(t))
		user, err := store.UnscopedCreateUser(t.Context(), models.NewUser{Email: "noc@example.com", Role: models.RoleAdmin, Password: "correct horse battery"})
		if err != nil {
			t.Fatal(err)
		}
		by := models.Actor{UserID: user.ID, Role: models.RoleAdmin, HomeID: 1, OrganizationID: 1}
		f, err := models.ParseFields([]byte(`{"customerId":1,"name":"Far","hostname":"` + lab.Far4 + `","checkIntervalSeconds":1,"timeoutMs":1000,"icmpConfig":{"count":1}}`))
		if err != nil {
			t.Fatal(err)
		}
		m, err := store.CreateMonitor(t.Context(), by, f)
		if err != nil {
			t.Fatal(err)
		}
		p := newEnginePinger(t, "", models.TargetPolicy{})
		prober := New(store, store.Bus(), p, Options{Engine: func() string { return EngineEcholot }, TraceProbes: hopProbes})
		stop := run(t, prober)
		defer stop()

		path := func(what string, want models.TraceKind) (before, now *models.Trace) {
			t.Helper()
			for deadline := time.Now().Add(20 * time.Second); ; <-time.After(20 * time.Millisecond) {
				before, now, err = store.MonitorPath(t.Context(), by, m.PublicID)
				if err != nil {
					t.Fatal(err)
				}
				if now != nil && now.Kind == want {
					return before, now
				}
				if time.Now().After(deadline) {
					t.Fatalf("%s: got %+v, want a trace of kind %s", what, now, want)
				}
			}
		}
		if before, now := path("all well", models.TraceBaseline); before != nil || !now.Reached || now.Address != lab.Far4 {
			t.Errorf("all well: got %+v and %+v, want one that reached the target and nothing before", before, now)
		}
		router.Far.Sysctl("net.ipv4.icmp_echo_ignore_all", "1")
		before, now := path("a failure", models.TraceFailure)
		if before == nil || before.Kind != models.TraceBaseline || now.Reached || now.Hops[0].Addresses[0] != lab.RouterIn4 || now.Hops[1].Lost != hopProbes {
			t.Errorf("a failure: got %+v and %+v, want the baseline, and a trace that ends behind the router", before, now)
		}
		incident, _, err := store.IncidentPath(t.Context(), by, m.PublicID, now.At.Add(-2*time.Second), time.Time{})
		if err != nil || incident == nil || incident.PublicID != before.PublicID {
			t.Errorf("the incident's path: got %+v, %v, want the baseline before it", incident, err)
		}
		if _, err := store.RequestTrace(t.Context(), by, m.PublicID); err != nil {
			t.Fatal(err)
		}
		if before, now := path("asked for", models.TraceManual); before == nil || now.Reached {
			t.Errorf("asked for: got %+v and %+v, want the baseline and a trace that ends", before, now)
		}
	})
}

func TestBaselinesKeepToTheirShare(t *testing.T) {
	for _, c := range []struct {
		monitors, count int
		interval, want  time.Duration
	}{
		{1, 3, time.Minute, time.Hour},
		{fewMonitors, 3, 24 * time.Hour, time.Hour},
		{10_000, 3, time.Minute, 320 * time.Minute},
		{10_000, 4, 10 * time.Second, time.Hour},
		{100_000, 1, time.Hour, 960 * time.Hour},
	} {
		got := baselinePeriod(c.monitors, c.interval, c.count)
		if got != c.want {
			t.Errorf("%d monitors, %d packets every %s: got %s, want %s", c.monitors, c.count, c.interval, got, c.want)
		}
		if own := float64(c.count) / c.interval.Seconds(); c.monitors > fewMonitors && tracePackets/got.Seconds() > own/baselineShare*1.0001 {
			t.Errorf("%d packets every %s: a baseline every %s is more than one packet in %d", c.count, c.interval, got, baselineShare)
		}
	}
	// Each monitor has its turn once in each period, and they are spread over it.
	const every = time.Hour
	hours := map[int64]int{}
	for id := range int64(6000) {
		turns := 0
		for minute := range int64(180) {
			if baselineTurn(id, every, minute*60_000) != baselineTurn(id, every, (minute+1)*60_000) {
				turns++
				hours[minute%60]++
			}
		}
		if turns != 3 {
			t.Fatalf("monitor %d: got %d turns in three hours, want 3", id, turns)
		}
	}
	for minute, n := range hours {
		if n < 150 || n > 450 {
			t.Errorf("minute %d: got %d turns, want about 300", minute, n)
		}
	}
}

// What many failures at once cost is bounded.
func TestFailureTracesAreCounted(t *testing.T) {
	tr := newTracer(New(nil, nil, nil, Options{TraceProbes: hopProbes}))
	r := models.Recorded{Result: models.Result{Outcome: models.OutcomeFailure, Sent: 3, Address: netip.MustParseAddr("127.0.0.1")}, Before: models.MonitorState{Measured: models.StateUp}}
	for id := range int64(1000) {
		r.Monitor.ID = id
		r.Monitor.PublicID = uuid.New()
		tr.hear(r)
	}
	if got := len(tr.urgent); got != failureTraces {
		t.Errorf("got %d traces of 1000 failures, want %d", got, failureTraces)
	}
	r.Before.Failures = 1
	tr.minute = time.Time{}
	tr.hear(r)
	if got := len(tr.urgent); got != failureTraces {
		t.Errorf("a second failed check: got %d traces, want none more", got)
	}
}
