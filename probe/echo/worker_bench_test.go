//go:build linux

package echo_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"runtime/pprof"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	probing "github.com/prometheus-community/pro-bing"
	"golang.org/x/sys/unix"

	"echolot/probe/echo"
)

// workVar holds a work as JSON: it makes this test binary a process that does nothing else, so that a prober's cost is that
// of a whole process, as fping's is.
const workVar = "TEST_ECHO_WORK"

func TestMain(m *testing.M) {
	if os.Getenv(workVar) != "" {
		if err := runWork(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// work is what a worker process does.
type work struct {
	Prober  string     // "echo", "pro-bing" or "ping"
	First   netip.Addr // of the targets, which follow each other
	Targets int
	Checks  int
	// AtOnce checks run at a time, the next starts when one is over; or Rate start in a second, whatever becomes of them.
	AtOnce int
	Rate   float64
	// Warm checks come before those that count.
	Warm int

	Count             int
	Interval, Timeout time.Duration
	Raw, UserStamps   bool
	Buffer            int
	// Lines has the worker write a line for each check, as fping does, to this file. With Times it has the address and all
	// round-trip times in nanoseconds, -1 where there is none.
	Lines string
	Times bool
	// Profile is where a CPU profile goes; empty = nowhere.
	Profile string
}

// done is what a worker process found. CPU, Wall and Allocs are of the checks that count, without the process's start.
type done struct {
	Checks, Full  int // all of its packets were answered
	Lost, NotSent int // packets
	Overflowed    uint64
	CPU, Wall     time.Duration
	Allocs        float64 // a check
	InFlight      int     // most at a time
	// Heap is in use after a collection while the work goes on, RSS the most that was resident; in bytes.
	Heap, RSS uint64
	// Whole is the process's CPU from its start to its end; the parent knows it.
	Whole time.Duration
}

// target is the address number i of the work's.
func (w work) target(i int) netip.Addr {
	b := w.First.As16()
	i %= w.Targets
	for k := 15; i > 0; k-- {
		i += int(b[k])
		b[k] = byte(i)
		i >>= 8
	}
	return netip.AddrFrom16(b).Unmap()
}

func runWork() error {
	var w work
	if err := json.Unmarshal([]byte(os.Getenv(workVar)), &w); err != nil {
		return err
	}
	if w.Profile != "" {
		f, err := os.Create(w.Profile)
		if err != nil {
			return err
		}
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	var d done
	var err error
	switch w.Prober {
	case "echo":
		d, err = w.echo()
	case "pro-bing":
		d, err = w.each(w.probing)
	case "ping":
		d, err = w.each(w.ping)
	}
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(d)
}

// cpu is what this process used so far.
func cpu() time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func mallocs() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.Mallocs
}

// echoWork runs an engine. All but start belongs to the engine's goroutine once the first check has begun.
type echoWork struct {
	work
	engine  *echo.Engine
	started int
	over    int
	begin   time.Time
	cpu     time.Duration
	mallocs uint64
	done    done
	out     *bufio.Writer
	line    []byte
	ended   chan struct{}

	mu    sync.Mutex
	spare []*echo.Check // with a Rate: checks that are over
}

func (w work) echo() (done, error) {
	e := &echoWork{work: w, ended: make(chan struct{})}
	if w.Lines != "" {
		f, err := os.Create(w.Lines)
		if err != nil {
			return done{}, err
		}
		defer f.Close()
		e.out = bufio.NewWriterSize(f, 1<<16)
		defer e.out.Flush()
	}
	var err error
	e.engine, err = echo.Open(echo.Options{Done: e.end, Raw: w.Raw, UserStamps: w.UserStamps, Buffer: w.Buffer})
	if err != nil {
		return done{}, err
	}
	defer e.engine.Close()
	if got := e.engine.Stats(); (got.Stamps == "user") != w.UserStamps || !w.Raw && got.IPv4 != "datagram" {
		return done{}, fmt.Errorf("the engine is not what was asked for: %s stamps, IPv4 %q", got.Stamps, got.IPv4)
	}
	e.mark()
	if w.AtOnce > 0 {
		first := make([]echo.Check, min(w.AtOnce, w.Warm+w.Checks))
		e.started = len(first)
		for i := range first {
			first[i] = echo.Check{Count: e.Count, Size: 56, Interval: e.Interval, Timeout: e.Timeout}
			e.engine.Start(e.next(&first[i], i))
		}
	} else {
		e.openLoop()
	}
	<-e.ended
	e.done.Overflowed = e.engine.Stats().Dropped
	e.done.RSS = resident()
	return e.done, nil
}

// next is check number i, in the memory of one that is over, or in new.
func (e *echoWork) next(c *echo.Check, i int) *echo.Check {
	if c == nil {
		c = &echo.Check{Count: e.Count, Size: 56, Interval: e.Interval, Timeout: e.Timeout}
	}
	c.Addr = e.target(i)
	return c
}

// mark begins what counts.
func (e *echoWork) mark() { e.begin, e.cpu, e.mallocs = time.Now(), cpu(), mallocs() }

// openLoop starts Rate checks a second, a few milliseconds those that are due at a time.
func (e *echoWork) openLoop() {
	const beat = 4 * time.Millisecond // as the scheduler does when it has much to do
	pause := e.naps()
	begin, each, looks := time.Now(), float64(time.Second)/e.Rate, 0
	for i := 0; i < e.Warm+e.Checks; {
		pause(begin.Add(time.Duration(float64(i)*each).Truncate(beat) + beat))
		for gone := time.Since(begin); i < e.Warm+e.Checks && time.Duration(float64(i)*each) <= gone; i++ {
			e.engine.Start(e.next(e.takeSpare(), i))
			if i == e.Warm {
				e.mark()
			}
		}
		if looks++; looks%16 == 0 {
			e.done.InFlight = max(e.done.InFlight, e.engine.Stats().InFlight)
		}
	}
	e.done.CPU, e.done.Wall = cpu()-e.cpu, time.Since(e.begin)
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	e.done.Heap = m.HeapInuse
}

// naps is how openLoop sleeps: where it does so a thousand times a second on a thread, else Go's timers would cost more than
// the engine; where seldom by one of these, else Go's runtime would look after the thread fifty times whenever it slept.
func (e *echoWork) naps() func(until time.Time) {
	if e.Rate < 200 {
		timer := time.NewTimer(0)
		<-timer.C
		return func(until time.Time) {
			timer.Reset(time.Until(until))
			<-timer.C
		}
	}
	return func(until time.Time) {
		for left := time.Until(until); left > 0; left = time.Until(until) {
			t := unix.NsecToTimespec(int64(left))
			runtime.Gosched()
			_ = unix.Nanosleep(&t, nil)
		}
	}
}

func (e *echoWork) takeSpare() *echo.Check {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.spare) == 0 {
		return nil
	}
	c := e.spare[len(e.spare)-1]
	e.spare = e.spare[:len(e.spare)-1]
	return c
}

// end is Options.Done.
func (e *echoWork) end(c *echo.Check, r *echo.Report) {
	e.over++
	if e.over > e.Warm {
		e.count(r)
	}
	if e.out != nil {
		e.write(c, r)
	}
	switch {
	case e.over == e.Warm+e.Checks:
		if e.AtOnce > 0 {
			e.done.CPU, e.done.Wall = cpu()-e.cpu, time.Since(e.begin)
		}
		e.done.Allocs = float64(mallocs()-e.mallocs) / float64(e.Checks)
		close(e.ended)
		return
	case e.over == e.Warm && e.AtOnce > 0:
		e.mark()
	}
	if e.AtOnce == 0 {
		e.mu.Lock()
		e.spare = append(e.spare, c)
		e.mu.Unlock()
	} else if e.started < e.Warm+e.Checks {
		e.engine.Start(e.next(c, e.started))
		e.started++
	}
}

func (e *echoWork) count(r *echo.Report) {
	e.done.Checks++
	if r.Received == len(r.Packets) {
		e.done.Full++
	}
	for _, p := range r.Packets {
		switch p.State {
		case echo.Lost, echo.Refused:
			e.done.Lost++
		case echo.Unsent, echo.Unjudged:
			e.done.NotSent++
		}
	}
}

// write writes the check's line; like fping's with -q -c.
func (e *echoWork) write(c *echo.Check, r *echo.Report) {
	b := c.Addr.AppendTo(e.line[:0])
	if e.Times {
		for _, p := range r.Packets {
			b = append(b, ' ')
			if p.State == echo.Replied {
				b = strconv.AppendInt(b, int64(p.RTT), 10)
			} else {
				b = append(b, "-1"...)
			}
		}
	} else {
		var least, most, sum time.Duration
		for _, p := range r.Packets {
			if p.State == echo.Replied {
				sum += p.RTT
				most = max(most, p.RTT)
				if least == 0 || p.RTT < least {
					least = p.RTT
				}
			}
		}
		b = append(b, " : xmt/rcv/%loss = "...)
		b = strconv.AppendInt(b, int64(r.Sent), 10)
		b = append(b, '/')
		b = strconv.AppendInt(b, int64(r.Received), 10)
		b = append(b, '/')
		b = strconv.AppendInt(b, int64(100*(r.Sent-r.Received)/max(r.Sent, 1)), 10)
		b = append(b, "%, min/avg/max = "...)
		for i, d := range [...]time.Duration{least, sum / time.Duration(max(r.Received, 1)), most} {
			if i > 0 {
				b = append(b, '/')
			}
			b = strconv.AppendInt(b, d.Milliseconds(), 10)
			us := d.Microseconds() % 1000
			b = append(b, '.', '0'+byte(us/100), '0'+byte(us/10%10), '0'+byte(us%10))
		}
	}
	e.line = append(b, '\n')
	_, _ = e.out.Write(e.line)
}

// each has AtOnce goroutines do one check after another.
func (w work) each(check func(netip.Addr) (received int, err error)) (done, error) {
	var d done
	var next atomic.Int64
	var full, lost atomic.Int64
	failed := make(chan error, w.AtOnce)
	begin, used, allocs := time.Now(), cpu(), mallocs()
	var all sync.WaitGroup
	for range w.AtOnce {
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < w.Checks; i = int(next.Add(1)) - 1 {
				received, err := check(w.target(i))
				if err != nil {
					failed <- err
					return
				}
				if lost.Add(int64(w.Count - received)); received == w.Count {
					full.Add(1)
				}
			}
		})
	}
	all.Wait()
	select {
	case err := <-failed:
		return d, err
	default:
	}
	d = done{Checks: w.Checks, Full: int(full.Load()), Lost: int(lost.Load()), CPU: cpu() - used, Wall: time.Since(begin)}
	d.Allocs = float64(mallocs()-allocs) / float64(w.Checks)
	d.RSS = resident()
	return d, nil
}

func (w work) probing(to netip.Addr) (int, error) {
	p, err := probing.NewPinger(to.String())
	if err != nil {
		return 0, err
	}
	p.SetPrivileged(w.Raw)
	p.Count, p.Size, p.Interval, p.Timeout = w.Count, 56, w.Interval, w.Timeout
	if err := p.Run(); err != nil {
		return 0, err
	}
	return p.Statistics().PacketsRecv, nil
}

// ping is a process for each check, as most monitoring programs have it.
func (w work) ping(to netip.Addr) (int, error) {
	cmd := exec.Command("ping", "-n", "-q", "-s", "56", "-c", strconv.Itoa(w.Count), "-i", fmt.Sprint(w.Interval.Seconds()), to.String())
	if err := cmd.Run(); err != nil {
		return 0, fmt.Errorf("ping %s: %w", to, err)
	}
	return w.Count, nil // it fails where a reply is missing only if all are; its cost is what matters here
}

// resident is the most memory that this process had, in bytes.
func resident() uint64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return uint64(u.Maxrss) << 10
}
