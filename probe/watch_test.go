package probe

import (
	"math"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"echolot/models"
)

func newWatch(t testing.TB, sources Sources) (*Watch, *prometheus.Registry) {
	t.Helper()
	reg := prometheus.NewPedanticRegistry()
	w, err := NewWatch(reg, "local", sources)
	if err != nil {
		t.Fatal(err)
	}
	return w, reg
}

// near is got within the sketch's error of want.
func near(got, want time.Duration) bool {
	return math.Abs(float64(got-want)) <= 1.01*sketchError*float64(want)+float64(time.Microsecond)
}

// TestLateness: quantiles are right within one per cent, the share is exact, and what is older than an hour or so leaves
// the one figure and stays in the other.
func TestLateness(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, _ := newWatch(t, Sources{})
		start := time.Now().UTC()
		if f := w.Figures(); f.Lately.Checks != 0 || f.Lately.P99 != 0 || !f.StartedAt.Equal(start) {
			t.Errorf("before any check: got %+v, want nothing", f)
		}
		for i := range 10_000 { // 1 µs to 10 ms
			w.Began(time.Duration(i+1) * time.Microsecond)
		}
		w.Began(models.OnTime)
		w.Began(models.OnTime + 1)
		w.Began(-time.Second) // the clock was set
		for _, p := range []models.Punctuality{w.Figures().Lately, w.Figures().Ever} {
			if p.Checks != 10_003 || p.OnTime != 10_002 || !p.Since.Equal(start) {
				t.Errorf("got %+v, want 10,002 of 10,003 on time since %s", p, start)
			}
			if !near(p.P50, 5*time.Millisecond) || !near(p.P99, 9900*time.Microsecond) {
				t.Errorf("got p50 %s and p99 %s, want 5 ms and 9.9 ms", p.P50, p.P99)
			}
		}
		// Half an hour on, the heartbeat goes on asking; a second of lateness joins the figures.
		for range 360 {
			time.Sleep(5 * time.Second)
			w.Figures()
		}
		w.Began(time.Second)
		if p := w.Figures().Lately; p.Checks != 10_004 || p.OnTime != 10_002 || !p.Since.Equal(start) {
			t.Errorf("half an hour on: got %+v, want all of it", p)
		}
		for range 480 {
			time.Sleep(5 * time.Second)
			w.Figures()
		}
		f := w.Figures()
		if p := f.Lately; p.Checks != 1 || p.OnTime != 0 || !near(p.P50, time.Second) || time.Since(p.Since) < time.Hour || time.Since(p.Since) > time.Hour+2*windowLength {
			t.Errorf("70 minutes on: got %+v, want the last hour's one check", p)
		}
		if p := f.Ever; p.Checks != 10_004 || !near(p.P50, 5*time.Millisecond) || !p.Since.Equal(start) {
			t.Errorf("since the start: got %+v, want all of it", p)
		}
	})
}

// TestWatchConcurrently: nothing is lost, whoever asks meanwhile.
func TestWatchConcurrently(t *testing.T) {
	w, reg := newWatch(t, Sources{})
	const writers, each = 8, 5000
	var all sync.WaitGroup
	for range writers {
		all.Go(func() {
			for i := range each {
				w.Began(time.Duration(i) * time.Microsecond)
				w.Ended(models.Result{Outcome: models.OutcomeSuccess, Sent: 3, Received: 2, Late: 1, Duplicates: 1})
			}
		})
	}
	for range 50 {
		w.Figures()
		if _, err := reg.Gather(); err != nil {
			t.Error(err)
		}
	}
	all.Wait()
	f := w.Figures()
	if f.Ever.Checks != writers*each || f.Ever.OnTime != writers*each || f.Packets.Sent != 3*writers*each || f.Packets.Received != 2*writers*each {
		t.Errorf("got %+v, want every check", f)
	}
}

// TestMetrics: the names, types and labels that others' dashboards are built on.
func TestMetrics(t *testing.T) {
	w, reg := newWatch(t, Sources{
		Engine: func() EngineStats {
			return EngineStats{Kind: EngineEcholot, Stamps: StampsKernel, Sent: 1, Received: 2, Duplicates: 3, Late: 4, Reordered: 25, Forged: 5, Stray: 6, Short: 7,
				ICMPErrors: 8, SendErrors: 9, SocketDrops: 10, CapGlobal: 11, CapGroup: 12, CapTarget: 13, InFlight: 14, PacketsPerSecond: 50000,
				StampError: StampError{P50: 300, P99: 700, Count: 5}}
		},
		Work: func() WorkStats { return WorkStats{Monitors: 15, InFlight: 99, Skipped: 16, Shed: 17, ClockSteps: 18} },
		Storage: func() models.StorageFigures {
			return models.StorageFigures{Waiting: 19, WaitingBytes: 20, SpoolResults: 21, SpoolBytes: 22, Stored: 23, Dropped: 24}
		},
	})
	w.Began(3 * time.Millisecond)
	w.Began(50 * time.Millisecond)
	w.Began(time.Hour)
	w.Ended(models.Result{Outcome: models.OutcomeSuccess, Sent: 1000})
	w.Ended(models.Result{Outcome: models.OutcomeFailure, Cause: models.CauseHostUnreachable})
	w.Ended(models.Result{Outcome: models.OutcomeUnknown, Cause: models.CauseOverload})
	w.Ended(models.Result{Outcome: "made up", Cause: "made up too"})
	if err := testutil.GatherAndCompare(reg, strings.NewReader(wantedMetrics)); err != nil {
		t.Error(err)
	}
	if problems, err := testutil.GatherAndLint(reg); err != nil || len(problems) > 0 {
		t.Errorf("got problems %v, %v", problems, err)
	}
	f := w.Figures()
	if f.Packets.Sent != 1 || f.Packets.SocketDrops != 10 || f.Packets.Reordered != 25 || f.Engine.ErrorP99 != 700 || f.Engine.PacketsPerSecond != 50000 ||
		f.Delayed != (models.CapFigures{Global: 11, Group: 12, Target: 13}) || f.Skipped != 16 || f.Shed != 17 || f.ClockSteps != 18 || f.Storage.Dropped != 24 {
		t.Errorf("got %+v, want what the sources said", f)
	}
	if len(f.NotMeasured) != 1 || f.NotMeasured[models.CauseOverload] != 1 {
		t.Errorf("got not measured %v, want one for overload", f.NotMeasured)
	}
	if _, err := NewWatch(reg, "local", Sources{}); err == nil {
		t.Error("a second one on the same registry: got no error")
	}
}

const wantedMetrics = `
# HELP echolot_blind 1 while the sentinels are silent: failed checks are not measured then.
# TYPE echolot_blind gauge
echolot_blind 0
# HELP echolot_cap_delays_total Packets that had to wait for a cap, or were refused by it.
# TYPE echolot_cap_delays_total counter
echolot_cap_delays_total{cap="global"} 11
echolot_cap_delays_total{cap="organization"} 12
echolot_cap_delays_total{cap="target"} 13
# HELP echolot_check_lateness_seconds How long after its slot a check began.
# TYPE echolot_check_lateness_seconds histogram
echolot_check_lateness_seconds_bucket{le="0.001"} 0
echolot_check_lateness_seconds_bucket{le="0.002"} 0
echolot_check_lateness_seconds_bucket{le="0.005"} 1
echolot_check_lateness_seconds_bucket{le="0.01"} 1
echolot_check_lateness_seconds_bucket{le="0.02"} 1
echolot_check_lateness_seconds_bucket{le="0.05"} 2
echolot_check_lateness_seconds_bucket{le="0.1"} 2
echolot_check_lateness_seconds_bucket{le="0.2"} 2
echolot_check_lateness_seconds_bucket{le="0.5"} 2
echolot_check_lateness_seconds_bucket{le="1"} 2
echolot_check_lateness_seconds_bucket{le="2"} 2
echolot_check_lateness_seconds_bucket{le="5"} 2
echolot_check_lateness_seconds_bucket{le="10"} 2
echolot_check_lateness_seconds_bucket{le="30"} 2
echolot_check_lateness_seconds_bucket{le="60"} 2
echolot_check_lateness_seconds_bucket{le="+Inf"} 3
echolot_check_lateness_seconds_sum 3600.053
echolot_check_lateness_seconds_count 3
# HELP echolot_checks_in_flight Checks under way.
# TYPE echolot_checks_in_flight gauge
echolot_checks_in_flight 14
# HELP echolot_checks_shed_total Skipped slots that are recorded as overload.
# TYPE echolot_checks_shed_total counter
echolot_checks_shed_total 17
# HELP echolot_checks_total Checks that ended, by outcome and cause.
# TYPE echolot_checks_total counter
echolot_checks_total{cause="",location="local",outcome="failure"} 0
echolot_checks_total{cause="",location="local",outcome="success"} 1
echolot_checks_total{cause="",location="local",outcome="unknown"} 0
echolot_checks_total{cause="",location="local",outcome="warning"} 0
echolot_checks_total{cause="host_unreachable",location="local",outcome="failure"} 1
echolot_checks_total{cause="other",location="local",outcome="other"} 1
echolot_checks_total{cause="overload",location="local",outcome="unknown"} 1
# HELP echolot_clock_steps_total How often the clock was set, or the machine slept.
# TYPE echolot_clock_steps_total counter
echolot_clock_steps_total 18
# HELP echolot_icmp_errors_total ICMP errors that routers and hosts sent.
# TYPE echolot_icmp_errors_total counter
echolot_icmp_errors_total 8
# HELP echolot_monitors Monitors that are scheduled.
# TYPE echolot_monitors gauge
echolot_monitors 15
# HELP echolot_packets_total Echo requests sent, and what came back.
# TYPE echolot_packets_total counter
echolot_packets_total{direction="duplicate"} 3
echolot_packets_total{direction="forged"} 5
echolot_packets_total{direction="late"} 4
echolot_packets_total{direction="received"} 2
echolot_packets_total{direction="reordered"} 25
echolot_packets_total{direction="sent"} 1
echolot_packets_total{direction="short"} 7
echolot_packets_total{direction="stray"} 6
# HELP echolot_prober_engine What sends, and where the times of packets are taken; always 1.
# TYPE echolot_prober_engine gauge
echolot_prober_engine{kind="echolot",stamps="kernel"} 1
# HELP echolot_recorder_queue_bytes Memory that they take.
# TYPE echolot_recorder_queue_bytes gauge
echolot_recorder_queue_bytes 20
# HELP echolot_recorder_queue_results Results in memory that are not stored yet.
# TYPE echolot_recorder_queue_results gauge
echolot_recorder_queue_results 19
# HELP echolot_results_dropped_total Results that were lost: nothing had room for them, the spool was damaged, or the database refused them.
# TYPE echolot_results_dropped_total counter
echolot_results_dropped_total 24
# HELP echolot_results_stored_total Results that were stored.
# TYPE echolot_results_stored_total counter
echolot_results_stored_total 23
# HELP echolot_send_errors_total Packets that this machine did not take.
# TYPE echolot_send_errors_total counter
echolot_send_errors_total 9
# HELP echolot_slots_skipped_total Slots that no check was made in.
# TYPE echolot_slots_skipped_total counter
echolot_slots_skipped_total 16
# HELP echolot_socket_drops_total Replies that the kernel dropped because the socket was full.
# TYPE echolot_socket_drops_total counter
echolot_socket_drops_total 10
# HELP echolot_spool_bytes Size of the spool's files.
# TYPE echolot_spool_bytes gauge
echolot_spool_bytes 22
# HELP echolot_spool_results Results in the spool's files.
# TYPE echolot_spool_results gauge
echolot_spool_results 21
`

// TestWatchOfProbing: without an engine of ours the packets are counted from the results.
func TestWatchOfProbing(t *testing.T) {
	w, reg := newWatch(t, Sources{Work: func() WorkStats { return WorkStats{InFlight: 7} }})
	w.Ended(models.Result{Outcome: models.OutcomeSuccess, Sent: 4, Received: 2, Duplicates: 1, Late: 1})
	want := `
# HELP echolot_checks_in_flight Checks under way.
# TYPE echolot_checks_in_flight gauge
echolot_checks_in_flight 7
# HELP echolot_packets_total Echo requests sent, and what came back.
# TYPE echolot_packets_total counter
echolot_packets_total{direction="duplicate"} 1
echolot_packets_total{direction="forged"} 0
echolot_packets_total{direction="late"} 1
echolot_packets_total{direction="received"} 2
echolot_packets_total{direction="reordered"} 0
echolot_packets_total{direction="sent"} 4
echolot_packets_total{direction="short"} 0
echolot_packets_total{direction="stray"} 0
# HELP echolot_prober_engine What sends, and where the times of packets are taken; always 1.
# TYPE echolot_prober_engine gauge
echolot_prober_engine{kind="pro-bing",stamps="user"} 1
`
	if err := testutil.GatherAndCompare(reg, strings.NewReader(want), "echolot_packets_total", "echolot_prober_engine", "echolot_checks_in_flight"); err != nil {
		t.Error(err)
	}
	if f := w.Figures(); f.Engine.Kind != EngineProbing || f.Engine.Stamps != StampsUser || f.Engine.ErrorCount != 0 {
		t.Errorf("got %+v, want pro-bing without a measuring error", f.Engine)
	}
}

// BenchmarkWatch is what the prober's own numbers cost each check.
func BenchmarkWatch(b *testing.B) {
	w, _ := newWatch(b, Sources{})
	r := models.Result{Outcome: models.OutcomeUnknown, Cause: models.CauseProberBlind, Sent: 3, Received: 3}
	b.Run("one thread", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			w.Began(time.Duration(i%100_000) * time.Microsecond)
			w.Ended(r)
		}
	})
	b.Run("all cores at once", func(b *testing.B) {
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for i := 0; pb.Next(); i++ {
				w.Began(time.Duration(i%100_000) * time.Microsecond)
				w.Ended(r)
			}
		})
	})
	b.Run("the heartbeat's figures", func(b *testing.B) {
		for b.Loop() {
			w.Figures()
		}
	})
}

// TestHeartbeatTellsOfTheWork: what the watch saw of the prober's checks stands in the heartbeat.
func TestHeartbeatTellsOfTheWork(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		if err := h.stop(); err != nil {
			t.Fatal(err)
		}
		w, _ := newWatch(t, Sources{Work: func() WorkStats { return h.prober.Work() }, Storage: func() models.StorageFigures { return h.prober.Storage() }})
		h.prober = New(h.store, h.store.Bus(), h.fakePinger, Options{Figures: w.Figures, Observe: func(r models.Result) { w.Began(r.StartedOffset) }})
		h.stop = run(t, h.prober)
		m := h.create(h.store.Store, "a.example", 1)
		pass(62 * time.Second)
		if got := h.prober.Work(); got.Monitors != 1 {
			t.Errorf("got work %+v, want one monitor", got)
		}
		if err := h.stop(); err != nil {
			t.Error(err)
		}
		checks := int64(len(strings.Fields(h.history(m.PublicID))))
		if f := h.heartbeat().Figures; checks < 2 || f.Ever.Checks != checks || f.Ever.OnTime != checks || f.Engine.Kind != EngineProbing {
			t.Errorf("got figures %+v, want the %d checks that are stored", f, checks)
		}
	})
}
