package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"echolot/models"
)

// crowd is visitors of one status page with their streams open. As browsers do, they come back after the time that the server named,
// and say what they saw last.
type crowd struct {
	b    *testing.B
	addr string
	path string
	wait sync.WaitGroup
	stop context.Context

	open, updates, bytes, lost, refused, reloads atomic.Int64
	// mark is a text that is waited for; seen counts who read it, last is when the last one did, in nanoseconds since 1970.
	mark atomic.Pointer[string]
	seen atomic.Int64
	last atomic.Int64
	// joins has when each stream was opened.
	mu    sync.Mutex
	joins []time.Time
}

// visit keeps one visitor's stream open until stop ends.
func (v *crowd) visit() {
	defer v.wait.Done()
	since := ""
	for v.stop.Err() == nil {
		retry := v.stream(&since)
		if v.stop.Err() != nil {
			return
		}
		select {
		case <-time.After(retry):
		case <-v.stop.Done():
		}
	}
}

// stream reads one stream to its end and returns after what time to come back.
func (v *crowd) stream(since *string) time.Duration {
	retry := 3 * time.Second
	conn, err := (&net.Dialer{Timeout: 10 * time.Second}).DialContext(v.stop, "tcp", v.addr)
	if err != nil {
		v.refused.Add(1)
		return retry
	}
	defer conn.Close()
	defer context.AfterFunc(v.stop, func() { conn.Close() })()
	fmt.Fprintf(conn, "GET %s/events HTTP/1.1\r\nHost: %s\r\nLast-Event-ID: %s\r\n\r\n", v.path, v.addr, *since)
	r := bufio.NewReaderSize(conn, 2<<10)
	opened, first := false, true
	event := ""
	for {
		line, err := r.ReadSlice('\n')
		v.bytes.Add(int64(len(line)))
		if errors.Is(err, bufio.ErrBufferFull) {
			v.look(line)
			continue
		}
		if err != nil {
			if opened {
				v.open.Add(-1)
				v.lost.Add(1)
			} else {
				v.refused.Add(1)
			}
			return retry
		}
		switch {
		case first:
			first = false
			if opened = bytes.Contains(line, []byte(" 200 ")); opened {
				v.open.Add(1)
				v.mu.Lock()
				v.joins = append(v.joins, time.Now())
				v.mu.Unlock()
			}
		case bytes.HasPrefix(line, []byte("retry: ")):
			if ms, err := strconv.Atoi(strings.TrimSpace(string(line[7:]))); err == nil {
				retry = time.Duration(ms) * time.Millisecond
			}
		case bytes.HasPrefix(line, []byte("id: ")):
			if id := line[4 : len(line)-1]; string(id) != *since {
				*since = string(id)
			}
		case bytes.HasPrefix(line, []byte("event: ")):
			event = string(line[7 : len(line)-1])
			if event == "parts" {
				v.updates.Add(1)
			}
		case bytes.HasPrefix(line, []byte("data: ")) && event == "sync":
			if *since != "" && string(line[6:len(line)-1]) != *since {
				v.reloads.Add(1)
			}
		default:
			v.look(line)
		}
	}
}

// look counts whoever reads the mark, once for each.
func (v *crowd) look(line []byte) {
	if mark := v.mark.Load(); mark != nil && bytes.Contains(line, []byte(*mark)) {
		v.last.Store(time.Now().UnixNano())
		v.seen.Add(1)
	}
}

// until waits until so much is true, and fails after the time.
func (v *crowd) until(what string, limit time.Duration, ok func() bool) time.Duration {
	v.b.Helper()
	begin := time.Now()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		if time.Since(begin) > limit {
			v.b.Fatalf("%s: not within %v: %d open, %d lost, %d refused, %d saw the mark, %d updates", what, limit, v.open.Load(), v.lost.Load(), v.refused.Load(), v.seen.Load(), v.updates.Load())
		}
		<-tick.C
	}
	return time.Since(begin)
}

// hold waits for the time.
func hold(d time.Duration) {
	timer := time.NewTimer(d)
	<-timer.C
}

// BenchmarkStatusStreams opens 10,000 streams of a page of 50 monitors and measures what they cost, how fast a change reaches the last
// of them, what a storm of page loads beside them waits for, and how they come back after a restart.
func BenchmarkStatusStreams(b *testing.B) {
	const visitors = 10_000
	p := newBenchProgram(b)
	p.settings = []string{"ECHOLOT_MAX_STREAMS_PER_ADDRESS=0"}
	p.start()
	b.Cleanup(func() { _ = p.cmd.Process.Kill() }) // where it was not stopped
	token := p.fill(50, 60)
	store, err := models.Open(b.Context(), models.Options{URL: filepath.Join(p.data, "echolot.db")})
	if err != nil {
		b.Fatal(err)
	}
	f, err := models.ParseFields([]byte(`{"customerId":1,"name":"Bench","slug":"bench","isPublished":true}`))
	if err != nil {
		b.Fatal(err)
	}
	if _, err := store.CreateStatusPage(b.Context(), models.Actor{UserID: 1, Role: models.RoleAdmin, HomeID: 1, OrganizationID: 1}, f); err != nil {
		b.Fatal(err)
	}
	if err := store.Close(); err != nil {
		b.Fatal(err)
	}
	monitor := p.firstMonitor(token)
	for b.Loop() {
		stop, cancel := context.WithCancel(b.Context())
		v := &crowd{b: b, addr: p.addr, path: "/status/bench", stop: stop}
		p.get("/status/bench")
		v.wait.Add(visitors)
		go v.visit()
		hold(15 * time.Second) // the monitors' first checks are a burst
		b.ReportMetric(p.queriesIn(10*time.Second), "queries/s-1-visitor")
		before := p.rss()
		for range visitors - 1 {
			go v.visit()
		}
		took := v.until("opening", time.Minute, func() bool { return v.open.Load() == visitors })
		b.ReportMetric(visitors/took.Seconds(), "opened/s")
		b.ReportMetric(p.queriesIn(10*time.Second), "queries/s-10000-visitors")
		b.ReportMetric(p.rss()/mib, "MiB-rss")
		b.ReportMetric((p.rss()-before)/visitors/1024, "KiB-a-stream")
		cpu := p.cpu()
		hold(10 * time.Second)
		b.ReportMetric(100*(p.cpu()-cpu).Seconds()/10, "%core-quiet")

		// One change after the other: how long the last visitor waits for each.
		var lasts []time.Duration
		for i := range 10 {
			mark := fmt.Sprintf("Renamed %d.", i)
			v.seen.Store(0)
			v.mark.Store(&mark)
			begin := time.Now()
			p.rename(token, monitor, mark)
			v.until("a change", 10*time.Second, func() bool { return v.seen.Load() >= visitors })
			lasts = append(lasts, time.Unix(0, v.last.Load()).Sub(begin))
			hold(500 * time.Millisecond)
		}
		slices.Sort(lasts)
		b.ReportMetric(lasts[len(lasts)/2].Seconds()*1000, "ms-to-last-median")
		b.ReportMetric(lasts[len(lasts)-1].Seconds()*1000, "ms-to-last-worst")

		// Changes all the time.
		v.mark.Store(nil)
		updates, begin := v.updates.Load(), time.Now()
		cpu = p.cpu()
		for i := 0; time.Since(begin) < 10*time.Second; i++ {
			p.rename(token, monitor, fmt.Sprint("Renamed again ", i))
			hold(50 * time.Millisecond)
		}
		b.ReportMetric(float64(v.updates.Load()-updates)/time.Since(begin).Seconds(), "deliveries/s")
		b.ReportMetric((p.cpu()-cpu).Seconds()*1e6/float64(v.updates.Load()-updates), "cpu-µs-a-delivery")
		b.ReportMetric(float64(v.lost.Load()), "cut-off")

		cpu = p.cpu()
		b.ReportMetric(p.storm(1000, 10*time.Second).Seconds()*1000, "ms-p99-load-in-storm")
		b.ReportMetric((p.cpu()-cpu).Seconds()*1e6/10_000, "cpu-µs-a-load")
		b.ReportMetric(p.rss()/mib, "MiB-rss-after")

		p.restart(v)
		cancel()
		v.wait.Wait()
	}
	p.stop()
}

// restart restarts the program and reports how its visitors come back.
func (p *benchProgram) restart(v *crowd) {
	visitors := v.open.Load()
	v.mu.Lock()
	v.joins = nil
	v.mu.Unlock()
	v.reloads.Store(0)
	p.stop()
	p.start()
	ready := time.Now()
	v.until("coming back", time.Minute, func() bool { return v.open.Load() == visitors })
	p.b.ReportMetric(time.Since(ready).Seconds(), "s-all-back")
	perSecond := map[int64]int{}
	most := 0
	for _, at := range v.joins {
		perSecond[at.Unix()]++
		most = max(most, perSecond[at.Unix()])
	}
	p.b.ReportMetric(float64(most), "most-back/s")
}

// storm loads the page so often a second, each time on a new connection, and returns the 99th percentile of how long it took.
func (p *benchProgram) storm(rate int, for_ time.Duration) time.Duration {
	p.b.Helper()
	var mu sync.Mutex
	var took []time.Duration
	var wait sync.WaitGroup
	var failed atomic.Int64
	var why atomic.Pointer[error]
	begin := time.Now()
	for i := range int(for_.Seconds()) * rate {
		hold(time.Until(begin.Add(time.Duration(i) * time.Second / time.Duration(rate))))
		wait.Add(1)
		go func() {
			defer wait.Done()
			at := time.Now()
			if err := p.load("/status/bench"); err != nil {
				failed.Add(1)
				why.Store(&err)
				return
			}
			mu.Lock()
			took = append(took, time.Since(at))
			mu.Unlock()
		}()
	}
	wait.Wait()
	p.b.Logf("a storm of %d page loads a second: %.0f a second were answered", rate, float64(len(took))/time.Since(begin).Seconds())
	if n := failed.Load(); n > 0 {
		p.b.Logf("%d page loads failed and %d not, the last with: %v", n, len(took), *why.Load())
	}
	if len(took) == 0 {
		return 0
	}
	slices.Sort(took)
	return took[len(took)*99/100]
}

// load reads the page on a connection of its own.
func (p *benchProgram) load(path string) error {
	conn, err := net.DialTimeout("tcp", p.addr, 10*time.Second)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		return err
	}
	fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\nAccept-Encoding: br\r\nConnection: close\r\n\r\n", path, p.addr)
	got, err := io.ReadAll(conn)
	if err == nil && !bytes.HasPrefix(got, []byte("HTTP/1.1 200 ")) {
		err = fmt.Errorf("got %.60q", got)
	}
	return err
}

func (p *benchProgram) get(path string) string {
	p.b.Helper()
	resp, err := http.Get("http://" + p.addr + path)
	if err != nil {
		p.b.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != 200 {
		p.b.Fatalf("%s: got %d, error %v", path, resp.StatusCode, err)
	}
	return string(body)
}

// queriesIn is how many statements a second the program sent to its database in the time.
func (p *benchProgram) queriesIn(d time.Duration) float64 {
	p.b.Helper()
	read := func() float64 {
		_, rest, ok := strings.Cut(p.get("/metrics"), "\necholot_database_queries_total ")
		n, err := strconv.ParseFloat(strings.Fields(rest + " x")[0], 64)
		if !ok || err != nil {
			p.b.Fatalf("no count of queries: %v", err)
		}
		return n
	}
	before := read()
	hold(d)
	return (read() - before) / d.Seconds()
}

// firstMonitor is the public id of one of the monitors.
func (p *benchProgram) firstMonitor(token string) string {
	p.b.Helper()
	body := p.post("/api/icmp-monitors", token, `{"customerId":1,"name":"Renamed","hostname":"127.0.0.1","checkIntervalSeconds":60}`)
	_, rest, _ := bytes.Cut(body, []byte(`"publicId":"`))
	id, _, ok := bytes.Cut(rest, []byte(`"`))
	if !ok {
		p.b.Fatalf("no publicId in %s", body)
	}
	return string(id)
}

func (p *benchProgram) rename(token, monitor, name string) {
	p.b.Helper()
	req, err := http.NewRequest("PATCH", "http://"+p.addr+"/api/icmp-monitors/"+monitor, strings.NewReader(`{"name":"`+name+`"}`))
	if err != nil {
		p.b.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		p.b.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != 200 {
		p.b.Fatalf("renaming: got %d, error %v", resp.StatusCode, err)
	}
}
