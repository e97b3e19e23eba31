package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"echolot/models/modelstest"
)

// loadTime is how long the loads of this file last: ECHOLOT_BENCH_MINUTES says it; a minute.
func loadTime() time.Duration {
	if n, err := strconv.Atoi(os.Getenv("ECHOLOT_BENCH_MINUTES")); err == nil {
		return time.Duration(n) * time.Minute
	}
	return time.Minute
}

// BenchmarkLoad is 2,000 monitors of three packets every 30 s on SQLite, with a hundred live streams and somebody who reads pages.
func BenchmarkLoad(b *testing.B) {
	inNamespace(b, func(b *testing.B) {
		p := newBenchProgram(b)
		product{benchProgram: p, name: "under load", url: filepath.Join(p.data, "echolot.db"), monitors: 2000, seconds: 30, packets: 3, pages: 100,
			warm: 35 * time.Second, window: loadTime()}.load()
	})
}

func (p product) load() {
	p.b.Helper()
	p.settings = []string{"ECHOLOT_DATABASE_URL=" + p.url, "ECHOLOT_MAX_STREAMS_PER_USER=" + strconv.Itoa(p.pages)}
	for p.b.Loop() {
		p.prepare()
		p.start()
		p.told = new(atomic.Int64)
		closePages := p.openPages()
		stopReading := p.readPages()
		p.wait(p.warm)
		from := time.Now()
		cpu, events := p.cpu(), p.told.Load()
		p.wait(p.window)
		lasted := time.Since(from)
		used, told := p.cpu()-cpu, p.told.Load()-events
		p.wait(10 * time.Second) // what began in the window is recorded by then
		peak := p.peak()
		pages := stopReading()
		closePages()
		p.stop()
		checks := p.checks(from, from.Add(p.window))
		late := latenesses(checks)

		fmt.Fprintf(os.Stderr, "\nThe whole product, %s: %d monitors × %d packets / %d s, %d live streams, a page read every second, %.0f s\n",
			p.name, p.monitors, p.packets, p.seconds, p.pages, lasted.Seconds())
		figure("lateness, p50", quantile(late, 0.5)/1e3, "ms", notAsked)
		figure("lateness, p99", quantile(late, 0.99)/1e3, "ms", 1000)
		figure("lateness, most", quantile(late, 1)/1e3, "ms", notAsked)
		figure("cores of the program", used.Seconds()/lasted.Seconds(), "cores", 1)
		figure("resident memory, at most", peak/mib, "MiB", 300)
		figure("checks due that were not recorded", float64(p.due()-len(checks)), "checks", 0)
		figure("unknown, since the start", p.count("SELECT count(*) FROM results WHERE code >> 3 & 3 = 3"), "checks", 0)
		p.printDown()
		figure("pages read", float64(len(pages)), "pages", notAsked)
		figure("a page took, p99", quantile(pages, 0.99), "ms", notAsked)
		figure("events that each stream got", float64(told)/lasted.Seconds()/float64(p.pages), "a second", notAsked)
	}
}

// BenchmarkOverload is ten times as many monitors with leave to send half of their packets. Then nine tenths of them stop.
func BenchmarkOverload(b *testing.B) {
	inNamespace(b, func(b *testing.B) {
		p := newBenchProgram(b)
		product{benchProgram: p, name: "overloaded", url: filepath.Join(p.data, "echolot.db"), monitors: 20_000, seconds: 30, packets: 3,
			warm: 35 * time.Second, window: loadTime()}.overload(1000)
	})
}

// overload lets the program send so many packets a second.
func (p product) overload(limit int) {
	p.b.Helper()
	p.settings = []string{"ECHOLOT_DATABASE_URL=" + p.url}
	for p.b.Loop() {
		token := p.prepare()
		p.start()
		// Many customers: one request that stops 18,000 monitors may take longer than a request's time.
		const customers = 36
		refused := 0
		for range customers {
			p.post("/api/customers", token, `{"name":"The load","email":"load@example.com"}`)
		}
		p.stop()
		db := p.connect()
		if _, err := db.Exec("UPDATE monitors SET customer_id = 2 + id % ? WHERE id > ?", customers, p.monitors/10); err != nil {
			p.b.Fatal(err)
		}
		if err := db.Close(); err != nil {
			p.b.Fatal(err)
		}
		p.settings = append(p.settings, "ECHOLOT_PACKETS_PER_SECOND="+strconv.Itoa(limit))
		p.start()
		p.wait(p.warm)
		from := time.Now()
		cpu := p.cpu()
		p.wait(p.window)
		lasted := time.Since(from)
		used := p.cpu() - cpu
		p.wait(10 * time.Second) // what began in the window is recorded by then
		for i := range customers {
			for refused < customers { // on a busy machine some are answered by a 503 and sent again
				status, answer := p.try("PATCH", "/api/customers/"+strconv.Itoa(2+i), token, `{"status":"cancelled"}`)
				if status == http.StatusOK {
					break
				}
				if refused++; status != http.StatusServiceUnavailable || refused == customers {
					p.b.Fatalf("stopping the load: got %d %s, the refusal %d", status, answer, refused)
				}
			}
		}
		away := time.Now()
		up := p.waitAllUp(away)
		p.wait(time.Until(away.Add(75 * time.Second))) // two intervals, and what is recorded late
		peak := p.peak()
		p.stop()
		checks := p.checks(from, from.Add(p.window))
		measured := slices.DeleteFunc(slices.Clone(checks), func(c check) bool { return c.unknown() })
		late := latenesses(measured)

		fmt.Fprintf(os.Stderr, "\nThe whole product, %s: %d monitors × %d packets / %d s, %d packets a second allowed, %.0f s\n",
			p.name, p.monitors, p.packets, p.seconds, limit, lasted.Seconds())
		figure("share of slots shed", 100*(1-float64(len(measured))/float64(p.due())), "%", notAsked)
		figure("share that the limit sheds", 100*(1-float64(limit*p.seconds)/float64(p.monitors*p.packets)), "%", notAsked)
		figure("slots without a row", float64(p.due()-len(checks)), "slots", 0)
		figure("not measured but for overload", p.count("SELECT count(*) FROM results WHERE code >> 3 & 3 = 3 AND code >> 5 & 31 <> 13"), "checks", 0)
		p.printEvenness(checks)
		// The limit holds a check's packets up to two seconds more.
		figure("lateness of what was measured, p99", quantile(late, 0.99)/1e3, "ms", notAsked)
		figure("cores of the program", used.Seconds()/lasted.Seconds(), "cores", notAsked)
		figure("resident memory, at most", peak/mib, "MiB", notAsked)
		p.printDown()
		figure("changes answered by a 503", float64(refused), "requests", notAsked)
		figure("load away: until all are up", up.Seconds(), "s", 60)
		var last time.Duration
		for _, c := range p.checks(away.Add(-time.Duration(p.seconds)*time.Second), time.Now()) {
			if at := time.UnixMilli(c.slot).Add(time.Duration(c.late) * time.Microsecond); c.unknown() && at.After(away) {
				last = max(last, at.Sub(away))
			}
		}
		figure("load away: the last not measured after", last.Seconds(), "s", 60)
	}
}

// waitAllUp waits until every monitor that is not paused is up, and returns how long since the load was taken away.
func (p product) waitAllUp(away time.Time) time.Duration {
	p.b.Helper()
	for p.count("SELECT count(*) FROM monitor_states WHERE state NOT IN ('up', 'paused')") > 0 {
		if time.Since(away) > 5*time.Minute {
			p.b.Fatal("five minutes without the load, and some monitors are not up")
		}
		p.wait(250 * time.Millisecond)
	}
	return time.Since(away)
}

// printEvenness tells how evenly what was shed was spread: over the monitors, and over the seconds of the interval, since a
// monitor's slot is in the same second each time.
func (p product) printEvenness(checks []check) {
	p.b.Helper()
	bySecond := make([][2]float64, p.seconds) // slots, measured
	byMonitor, gap, longest := map[int64]float64{}, map[int64]int{}, 0
	for _, c := range checks {
		second := &bySecond[c.slot/1000%int64(p.seconds)]
		second[0]++
		gap[c.monitor]++
		if !c.unknown() {
			second[1]++
			byMonitor[c.monitor]++
			gap[c.monitor] = 0
		}
		longest = max(longest, gap[c.monitor])
	}
	var shares, counts []float64
	for _, s := range bySecond {
		shares = append(shares, 100*s[1]/s[0])
	}
	for id := range p.monitors {
		counts = append(counts, byMonitor[int64(id+1)])
	}
	slices.Sort(shares)
	slices.Sort(counts)
	figure("measured, by the second: least", shares[0], "%", notAsked)
	figure("measured, by the second: most", quantile(shares, 1), "%", notAsked)
	figure("measured, by monitor: least", counts[0], "checks", notAsked)
	figure("measured, by monitor: 1 %", quantile(counts, 0.01), "checks", notAsked)
	figure("measured, by monitor: half", quantile(counts, 0.5), "checks", notAsked)
	figure("measured, by monitor: 99 %", quantile(counts, 0.99), "checks", notAsked)
	figure("measured, by monitor: most", quantile(counts, 1), "checks", notAsked)
	figure("slots shed in a row, at most", float64(longest), "slots", notAsked)
}

// printDown tells what must be none, since the start: every host answers all the time.
func (p product) printDown() {
	p.b.Helper()
	figure("failed, since the start", p.count("SELECT count(*) FROM results WHERE code >> 3 & 3 = 2"), "checks", 0)
	figure("down, since the start", p.count("SELECT count(*) FROM results WHERE code >> 10 & 7 = 4"), "checks", 0)
	figure("incidents, since the start", p.count("SELECT count(*) FROM incidents"), "incidents", 0)
}

// due is how many slots the window has.
func (p product) due() int { return p.monitors * int(p.window.Seconds()) / p.seconds }

// count is the number that a query answers.
func (p product) count(query string) (n float64) {
	p.b.Helper()
	db := p.connect()
	defer db.Close()
	if err := db.QueryRowContext(p.b.Context(), query).Scan(&n); err != nil {
		p.b.Fatalf("%s: %v", query, err)
	}
	return n
}

// check is what a row tells of a scheduled check.
type check struct {
	monitor, slot int64
	late          float64 // microseconds after its slot
	outcome       int
}

func (c check) unknown() bool { return c.outcome == 3 }

// checks reads the scheduled ones of the slots from and before until, by slot.
func (p product) checks(from, until time.Time) (list []check) {
	p.b.Helper()
	rows, err := modelstest.Connect(p.b, p.url).QueryContext(p.b.Context(), fmt.Sprintf(`SELECT monitor_id, slot, started_us, code >> 3 & 3 FROM results
		WHERE slot >= %d AND slot < %d AND code & 7 = 0 ORDER BY slot`, from.UnixMilli(), until.UnixMilli()))
	if err != nil {
		p.b.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var c check
		if err := rows.Scan(&c.monitor, &c.slot, &c.late, &c.outcome); err != nil {
			p.b.Fatal(err)
		}
		list = append(list, c)
	}
	if err := rows.Err(); err != nil {
		p.b.Fatal(err)
	}
	return list
}

// latenesses are sorted.
func latenesses(checks []check) (late []float64) {
	for _, c := range checks {
		late = append(late, c.late)
	}
	slices.Sort(late)
	return late
}

// readPages has somebody read a page every second. The function returned ends that, and returns how long each took, in sorted
// milliseconds.
func (p product) readPages() func() []float64 {
	p.b.Helper()
	session := p.signIn()
	ctx, cancel := context.WithCancel(p.b.Context())
	read := make(chan []float64, 1)
	go func() {
		var took []float64
		defer func() { read <- took }()
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for i := 0; ; i++ {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			path := [...]string{"/monitors", "/wall", "/monitors?search=127.1", "/incidents", "/prober", "/customers"}[i%6]
			r, err := http.NewRequestWithContext(ctx, "GET", "http://"+p.addr+path, nil)
			if err != nil {
				p.b.Error(err)
				return
			}
			r.Header.Set("Cookie", "sid="+session)
			began := time.Now()
			a, err := receive(r)
			switch {
			case ctx.Err() != nil:
				return
			case err != nil || a.status != 200:
				p.b.Errorf("GET %s: got %d, error %v, want 200", path, a.status, err)
			}
			took = append(took, time.Since(began).Seconds()*1e3)
		}
	}()
	return func() []float64 {
		cancel()
		took := <-read
		slices.Sort(took)
		return took
	}
}
