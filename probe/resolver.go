package probe

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"

	"echolot/models"
)

// maxLookups is how many names are looked up at once, each with one socket. A healthy server answers so many in
// milliseconds; a dead one must not be met with a burst by a hundred thousand monitors.
const maxLookups = 256

// Resolver turns a monitor's host into the address to ping. It asks the DNS server of ECHOLOT_RESOLVER, without a search
// list, or those of /etc/resolv.conf as resolv.conf(5) says (nameserver, search, ndots, timeout, attempts, rotate), and
// looks into /etc/hosts first in either case: that a machine has a server of its own for names does not change what
// localhost means to it. Both files are read again when they change, with at most five seconds' delay.
//
// Answers are kept as long as they say, see addressCache, and never longer: an address that has expired is not used. All
// methods may be called at once from any goroutine. Nothing runs between two calls, so there is nothing to close.
type Resolver struct {
	files *resolverFiles
	cache *addressCache
	slots chan struct{} // holds one element for each lookup that runs

	mu       sync.Mutex
	underWay map[question]*lookup
}

// question is what is looked up and cached.
type question struct {
	name   string // in lower case, as the monitor has it
	family byte   // '4', '6' or, for auto, 'a'
}

func newQuestion(host, family string) question {
	q := question{name: strings.ToLower(host), family: 'a'}
	if family == "4" || family == "6" {
		q.family = family[0]
	}
	return q
}

// NewResolver makes a Resolver that asks the DNS server at host:port, or the system's where server is empty.
func NewResolver(server string) *Resolver {
	return newResolver(newResolverFiles(server, "/etc/resolv.conf", "/etc/hosts"))
}

func newResolver(files *resolverFiles) *Resolver {
	return &Resolver{files: files, cache: newAddressCache(maxCached), slots: make(chan struct{}, maxLookups), underWay: map[question]*lookup{}}
}

// Resolve returns the address of host, never an IPv4 address in IPv6 form. family is "4", "6" or "auto". It returns at
// ctx's deadline at the latest. The error is an *Unmeasured: models.CauseNameNotFound where the name does not exist,
// models.CauseDNSError where nobody could say (no answer, a broken one, an empty one), models.CauseLocalError where host
// is an address of the other family. Who waits for one of the lookups under way to end (there are at most 256), and waits
// in vain, gets models.CauseDNSError too: it is slow servers that fill them.
//
// With "auto" a name that has both is pinged by IPv4: a prober without IPv6 (most containers) still has an address for
// it in DNS, and a monitor must not change its target with the machine that measures it. For the same reason, of several
// addresses the one of the last answer is kept while the new answer still has it; else it is the answer's first.
//
// Equal lookups are one: all who ask meanwhile get its answer, each within its own ctx. It ends when the last of them
// leaves, and that one waits for its end.
func (r *Resolver) Resolve(ctx context.Context, host, family string) (netip.Addr, error) {
	if r.files.look() {
		r.cache.clear()
	}
	if addr, err, ok := r.Cached(host, family); ok {
		return addr, err
	}
	q := newQuestion(host, family)
	if _, ok := dns.IsDomainName(q.name); !ok || len(q.name) > maxNameLength {
		return netip.Addr{}, &Unmeasured{models.CauseNameNotFound, fmt.Sprintf("%s is neither a name nor an address", host)}
	}
	l := r.join(ctx, q)
	defer r.leave(l)
	select {
	case <-l.done:
	case <-ctx.Done():
	case r.slots <- struct{}{}:
		// Who waits takes the slot, and not a goroutine for each lookup: thousands may wait.
		if ctx.Err() == nil && l.started.CompareAndSwap(false, true) {
			go r.run(l)
		} else {
			<-r.slots
		}
		select {
		case <-l.done:
		case <-ctx.Done():
		}
	}
	select {
	case <-l.done: // also where both had come
		return l.found.addr, l.found.err
	default:
		return netip.Addr{}, l.unanswered()
	}
}

// Cached returns what Resolve would return without asking anybody, and ok; for addresses, names of /etc/hosts and answers
// that have not expired, be it that the name does not exist. Else ok is false, and err nil: that is for Resolve. It does
// not wait, and allocates nothing where host is an IPv4 or IPv6 address or a name in lower case.
//
// Once in five seconds it leaves a name to Resolve, so that changes of the system's files are noticed.
func (r *Resolver) Cached(host, family string) (addr netip.Addr, err error, ok bool) {
	// These are the hosts that can be addresses; to try it with every name would cost an error each.
	if strings.Contains(host, ":") || models.EndsInNumber(host) {
		addr, err = literal(host, family)
		return addr, err, true
	}
	if !r.files.fresh() {
		return netip.Addr{}, nil, false
	}
	q := newQuestion(host, family)
	if addr, ok := r.files.host(q); ok {
		return addr, nil, true
	}
	e, ok := r.cache.get(q)
	if !ok {
		return netip.Addr{}, nil, false
	}
	return e.addr, e.err, true
}

// Forget lets host be looked up again the next time. It is called after a check that failed: the host may have moved.
func (r *Resolver) Forget(host string) { r.cache.forget(newQuestion(host, "").name) }

// literal takes host as an address. What only the C library reads as one, such as 127.1 and 0x7f000001, and DNS as a
// name, is to us neither.
func literal(host, family string) (netip.Addr, error) {
	a, err := netip.ParseAddr(host)
	if err != nil {
		return netip.Addr{}, &Unmeasured{models.CauseNameNotFound, fmt.Sprintf("%s is neither a name nor an address", host)}
	}
	a = a.Unmap()
	if family == "4" && !a.Is4() || family == "6" && !a.Is6() {
		return netip.Addr{}, &Unmeasured{models.CauseLocalError, fmt.Sprintf("%s is not an IPv%s address", host, family)}
	}
	return a, nil
}

// lookup is one lookup under way.
type lookup struct {
	question
	ctx     context.Context // ends when nobody waits any more
	cancel  context.CancelFunc
	started atomic.Bool
	// asking is the server that was asked last, nil before the first.
	asking atomic.Pointer[string]
	done   chan struct{}
	found  cached // valid when done is closed

	// Under the Resolver's lock:
	waiters int
	until   time.Time // the latest of their deadlines
}

// join returns the lookup for q that is under way, or a new one that the caller is to start.
func (r *Resolver) join(ctx context.Context, q question) *lookup {
	until, ok := ctx.Deadline()
	if !ok {
		until = time.Now().Add(models.MaxTimeout)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	l := r.underWay[q]
	if l == nil {
		l = &lookup{question: q, done: make(chan struct{})}
		l.ctx, l.cancel = context.WithCancel(context.WithoutCancel(ctx))
		r.underWay[q] = l
	}
	l.waiters++
	if until.After(l.until) {
		l.until = until
	}
	return l
}

// leave ends l with its last waiter.
func (r *Resolver) leave(l *lookup) {
	r.mu.Lock()
	l.waiters--
	last := l.waiters == 0
	if last && r.underWay[l.question] == l {
		delete(r.underWay, l.question)
	}
	r.mu.Unlock()
	if !last {
		return
	}
	l.cancel()
	if l.started.Load() {
		<-l.done
	}
}

// run asks for l, stores what it finds and tells those who wait.
func (r *Resolver) run(l *lookup) {
	defer func() { <-r.slots }()
	defer close(l.done)
	addrs, ttl, err := l.resolve(r.files.servers(), func() time.Duration {
		r.mu.Lock()
		defer r.mu.Unlock()
		return time.Until(l.until)
	})
	l.found = r.cache.put(l.question, addrs, ttl, err)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.underWay[l.question] == l {
		delete(r.underWay, l.question)
	}
}

// unanswered is the error of a waiter whose time is over.
func (l *lookup) unanswered() error {
	server := l.asking.Load()
	if server == nil {
		return &Unmeasured{models.CauseDNSError, fmt.Sprintf("lookup %s: %d others were under way", l.name, maxLookups)}
	}
	return &Unmeasured{models.CauseDNSError, fmt.Sprintf("lookup %s: no answer from %s", l.name, *server)}
}
