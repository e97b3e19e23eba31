package probe

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"echolot/models"
)

const benchMonitors = 1_000_000

// benchMix is how many of a hundred monitors have which interval: 39,000 checks a second of a million.
var benchMix = []struct {
	percent  int
	interval time.Duration
}{{9, 5 * time.Second}, {10, 10 * time.Second}, {20, 30 * time.Second}, {20, time.Minute}, {20, 5 * time.Minute}, {11, time.Hour}, {10, 24 * time.Hour}}

// bench is a scheduler with a million monitors in virtual time, and a pinger that answers at once.
type bench struct {
	*Scheduler
	now     time.Time
	checks  int
	results int
}

func (b *bench) Ping(c models.Check, done func(models.Result)) (cancel func()) {
	b.checks++
	r := models.NewResult(c)
	r.Outcome = models.OutcomeSuccess
	done(r)
	return func() {}
}

func benchTarget(id int64, last time.Time) models.ProbeTarget {
	at := int(id*37) % 100
	t := models.ProbeTarget{
		MonitorID: id, OrganizationID: id / 100, Rev: 1, LastCheckedAt: last,
		Spec: models.Spec{
			Host: fmt.Sprintf("m%d.example.com", id), Count: 3, PacketSize: 56, Family: "auto",
			Interval: 200 * time.Millisecond, Timeout: time.Duration(3+id%5) * time.Second,
		},
		Rule: models.Rule{Confirmations: int(2 + id%3), Recoveries: 1, Retry: 5 * time.Second},
	}
	for _, m := range benchMix {
		if t.Interval = m.interval; at < m.percent {
			break
		}
		at -= m.percent
	}
	return t
}

// newBench loads the monitors as the prober does, and returns how long the longest page took and what all of it weighs.
func newBench() (b *bench, page time.Duration, bytes uint64) {
	b = &bench{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	before := heap()
	b.Scheduler = NewScheduler(1, 1<<30, b, func(models.Result) { b.results++ }, nil, slog.New(slog.DiscardHandler))
	start := b.now
	b.clock = wallClock{start: start, now: func() time.Time { return b.now }, since: func() time.Duration { return b.now.Sub(start) }}
	b.ring.jump(start.UnixMilli())
	targets := make([]models.ProbeTarget, loadPage)
	for id := int64(1); id <= benchMonitors; id += loadPage {
		for i := range targets {
			targets[i] = benchTarget(id+int64(i), start)
		}
		began := cpu()
		b.Load(targets)
		page = max(page, cpu()-began)
	}
	return b, page, heap() - before
}

func heap() uint64 {
	runtime.GC()
	runtime.GC() // interned values go with the second
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// cpu is what this thread has used. The machine has other work; what it takes from us is no pause of ours.
func cpu() time.Duration {
	var t unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t) // there is one on every Linux
	return time.Duration(t.Nano())
}

// second passes a virtual second and returns how many checks began, and how long each pass took.
func (b *bench) second(passes []time.Duration) (checks int, _ []time.Duration) {
	before := b.checks
	for range 1000 {
		b.now = b.now.Add(time.Millisecond)
		for wait := time.Duration(0); wait == 0 || b.arrived.waiting(); {
			began := cpu()
			wait = b.pass()
			passes = append(passes, cpu()-began)
		}
	}
	return b.checks - before, passes
}

func quantiles(list []time.Duration) string {
	slices.Sort(list)
	at := func(q float64) time.Duration { return list[int(q*float64(len(list)-1))] }
	return fmt.Sprintf("p50 %s, p99 %s, p99.99 %s, longest %s", at(.5), at(.99), at(.9999), at(1))
}

// BenchmarkSchedulerMillion prints the figures of the scheduler with a million monitors, in virtual time.
func BenchmarkSchedulerMillion(b *testing.B) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for range b.N {
		s, page, bytes := newBench()
		b.Logf("loading: longest page of %d %s, %.0f bytes a monitor with its host name (%d MB)", loadPage, page, float64(bytes)/benchMonitors, bytes>>20)

		const seconds = 60
		passes := make([]time.Duration, 0, seconds*3000)
		most, sum := 0, 0
		began := cpu()
		for range seconds {
			var n int
			n, passes = s.second(passes)
			most, sum = max(most, n), sum+n
		}
		took := cpu() - began
		if s.results != sum {
			b.Fatalf("got %d results of %d checks", s.results, sum)
		}
		b.Logf("%d checks/s: busiest second / mean %.3f", sum/seconds, float64(most)*seconds/float64(sum))
		b.Logf("a check, from due over a pinger that answers at once to delivered and armed again: %.2f µs", took.Seconds()*1e6/float64(sum))
		b.Logf("one pass of the loop: %s", quantiles(passes))

		ops, cost := s.rearm(seconds)
		b.Logf("one due + re-arm of the ring (%d): %.3f µs", ops, cost.Seconds()*1e6/float64(ops))
		b.Logf("one edit while checks run: %s", quantiles(s.edits()))
		b.ReportMetric(cost.Seconds()*1e9/float64(ops), "ns/due+re-arm")
		b.ReportMetric(float64(bytes)/benchMonitors, "B/monitor")
		b.ReportMetric(float64(most)*seconds/float64(sum), "busiest/mean")
	}
}

// rearm takes what is due out of the ring and puts it back at its next slot, and does nothing else.
func (b *bench) rearm(seconds int) (ops int, took time.Duration) {
	var places [slice]int32
	ms := b.now.UnixMilli()
	began := cpu()
	for end := ms + int64(seconds)*1000; ms < end; ms++ {
		for more := true; more; {
			due := b.ring.visit(ms, places[:0:slice])
			for _, p := range due {
				m := b.slab.at(p)
				m.next = b.slotAfter(m, ms)
				b.ring.put(p, m, m.next)
			}
			ops += len(due)
			more = len(due) == slice
		}
	}
	took = cpu() - began
	b.now = time.UnixMilli(ms)
	return ops, took
}

// edits sets, removes and asks for checks while the scheduler is as busy as it can be.
func (b *bench) edits() []time.Duration {
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
				b.mu.Lock() // virtual time is read under it
				b.now = b.now.Add(time.Millisecond)
				b.mu.Unlock()
				b.pass()
			}
		}
	}()
	random := rand.New(rand.NewPCG(1, 2))
	var took []time.Duration
	edit := func(f func()) {
		began := time.Now()
		f()
		took = append(took, time.Since(began))
	}
	for i := range int64(100_000) {
		id := random.Int64N(benchMonitors) + 1
		t := benchTarget(id, time.Time{})
		t.Rev = i + 2
		edit(func() { b.CheckNow(random.Int64N(benchMonitors) + 1) })
		edit(func() { b.Set(t) })
		edit(func() { b.Remove(id) })
		edit(func() { b.Set(t) })
		edit(func() { b.Set(benchTarget(benchMonitors+1+i, time.Time{})) })
		runtime.Gosched()
	}
	close(stop)
	<-stopped
	return took
}
