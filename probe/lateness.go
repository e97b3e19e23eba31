package probe

import (
	"sync"
	"time"

	"github.com/DataDog/sketches-go/ddsketch"

	"echolot/models"
)

const (
	// A window is closed after windowLength, and pastWindows of them are kept: with the one that is open about an hour.
	windowLength = 5 * time.Minute
	pastWindows  = 12
	// sketchError is the relative error of quantiles: 50 ms may be 49.5.
	sketchError = 0.01
)

// lateness keeps how late after their slots checks began: in windows, so that the last hour can be told, and in all.
type lateness struct {
	mu   sync.Mutex // held for one observation, some 50 ns
	open window

	reading sync.Mutex
	past    []window // closed, oldest first
	closed  window   // all closed ones together
}

// window is what was observed in one stretch of time, lateness in microseconds.
type window struct {
	since          time.Time
	checks, onTime int64
	sketch         *ddsketch.DDSketch
}

func newLateness(now time.Time) *lateness {
	return &lateness{open: newWindow(now), closed: newWindow(now)}
}

func newWindow(now time.Time) window {
	sketch, err := ddsketch.NewDefaultDDSketch(sketchError)
	if err != nil {
		panic(err) // the error is about the constant
	}
	return window{since: now, sketch: sketch}
}

// observe is on the way of every check: it allocates nothing and reads no clock.
func (l *lateness) observe(late time.Duration) {
	late = max(late, 0)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open.checks++
	if late <= models.OnTime {
		l.open.onTime++
	}
	_ = l.open.sketch.Add(float64(late.Microseconds())) // the error is about figures that no duration reaches
}

// merge adds what was observed in another window.
func (w *window) merge(other window) {
	w.checks += other.checks
	w.onTime += other.onTime
	_ = w.sketch.MergeWith(other.sketch) // the error is about sketches of another accuracy
}

// copy is the window as it is now.
func (w window) copy() window {
	w.sketch = w.sketch.Copy()
	return w
}

// figures tells the last hour or so, and the time since the start. It closes the open window where its time is over, so it
// must be asked more often than that.
func (l *lateness) figures(now time.Time) (lately, ever models.Punctuality) {
	l.reading.Lock()
	defer l.reading.Unlock()
	l.mu.Lock()
	open := l.open
	if now.Sub(open.since) >= windowLength {
		l.open = newWindow(now)
		l.mu.Unlock()
		l.past = append(l.past, open)
		l.past = l.past[max(0, len(l.past)-pastWindows):]
		l.closed.merge(open)
		open = newWindow(now)
	} else {
		open = open.copy()
		l.mu.Unlock()
	}
	all := l.closed.copy()
	all.merge(open)
	hour := open
	for _, w := range l.past {
		hour.merge(w)
	}
	if len(l.past) > 0 {
		hour.since = l.past[0].since
	}
	return hour.punctuality(), all.punctuality()
}

func (w window) punctuality() models.Punctuality {
	p := models.Punctuality{Since: w.since.UTC(), Checks: w.checks, OnTime: w.onTime}
	if q, err := w.sketch.GetValuesAtQuantiles([]float64{0.5, 0.99}); err == nil { // the error says that it is empty
		p.P50, p.P99 = micros(q[0]), micros(q[1])
	}
	return p
}

func micros(v float64) time.Duration { return time.Duration(v * float64(time.Microsecond)) }
