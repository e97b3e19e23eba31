// Package events is the in-process bus: what happened, told to whoever listens, after it was committed.
// The database is the truth; an event is a nudge to look.
package events

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Type names what happened. The ones without the word internal are also the names on the wire.
type Type string

// The types of event.
const (
	MonitorCreated Type = "monitor.created"
	MonitorUpdated Type = "monitor.updated"
	MonitorDeleted Type = "monitor.deleted"
	MonitorState   Type = "monitor.state"
	Check          Type = "check"
	// The incidents of a monitor, or without one those of a blind location. An incident that many monitors share is told once for
	// each that joined or left.
	IncidentOpened  Type = "incident.opened"
	IncidentClosed  Type = "incident.closed"
	IncidentChanged Type = "incident.updated"
	// CheckRequested (internal): somebody asked for a check now.
	CheckRequested Type = "internal.check_requested"
	// TraceRequested (internal): somebody asked for a path trace now.
	TraceRequested Type = "internal.trace_requested"
	// TraceTaken (internal): a monitor has a new path trace.
	TraceTaken Type = "internal.trace_taken"
	// LiveChanged (internal): somebody began or ended a live measurement.
	LiveChanged Type = "internal.live_changed"
	// StatusPageChanged (internal): a status page's settings, or what it tells, changed. Data is the page's slug.
	StatusPageChanged Type = "internal.status_page_changed"
	// AccessChanged (internal): a session, token, user or role changed; streams look again who may see what.
	AccessChanged Type = "internal.access_changed"
)

// Event is one thing that happened. Its receivers share it: nobody writes to it.
type Event struct {
	Type           Type
	At             time.Time
	OrganizationID int64
	CustomerID     int64
	// FromCustomerID is the customer that a monitor was moved away from, else 0: who sees that one only, sees it go.
	FromCustomerID int64
	MonitorID      int64
	PublicID       string
	// Data is what models says of the type; see there.
	Data any
}

// Bus hands events to its subscribers. It is safe for concurrent use.
type Bus struct {
	mu     sync.Mutex
	subs   map[*Subscription]struct{}
	closed bool
}

// New returns an empty bus.
func New() *Bus {
	return &Bus{subs: make(map[*Subscription]struct{})}
}

// Subscription receives events until it is closed or falls behind.
type Subscription struct {
	// C delivers events in order. It is closed when the subscription ends, for whatever reason.
	C     <-chan Event
	ch    chan Event
	types []Type // empty = all
	bus   *Bus
	sent  atomic.Int64
	cut   atomic.Bool
}

// Sent is how many events were put into C so far: all that was published before the call, unless the subscription was cut off. A
// subscriber that counts what it handled knows by it whether one that it took is still in its hands.
func (s *Subscription) Sent() int64 { return s.sent.Load() }

// Cut tells whether the subscription ended: what was published since is not told. What was sent before may still wait in C.
func (s *Subscription) Cut() bool { return s.cut.Load() }

// Subscribe returns a subscription to the types, or to all where none is named, that may lag by size events. One that
// falls further behind is cut off: its channel is closed, and the subscriber subscribes again and reads the database anew.
func (b *Bus) Subscribe(size int, types ...Type) *Subscription {
	ch := make(chan Event, size)
	s := &Subscription{C: ch, ch: ch, types: types, bus: b}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		s.cut.Store(true)
		close(ch)
		return s
	}
	b.subs[s] = struct{}{}
	return s
}

// Close ends the subscription. Closing twice does nothing.
func (s *Subscription) Close() {
	s.bus.mu.Lock()
	defer s.bus.mu.Unlock()
	s.bus.drop(s)
}

// drop needs the lock.
func (b *Bus) drop(s *Subscription) {
	if _, ok := b.subs[s]; ok {
		delete(b.subs, s)
		s.cut.Store(true)
		close(s.ch)
	}
}

// Publish hands the events to every subscriber and never blocks. After Close it does nothing.
func (b *Bus) Publish(events ...Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for s := range b.subs {
		for _, e := range events {
			if len(s.types) > 0 && !slices.Contains(s.types, e.Type) {
				continue
			}
			select {
			case s.ch <- e:
				s.sent.Add(1)
				continue
			default:
				b.drop(s)
			}
			break
		}
	}
}

// Close ends every subscription, present and future.
func (b *Bus) Close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	for s := range b.subs {
		b.drop(s)
	}
}
