package probe

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"echolot/models"
	"echolot/probe/lab"
)

// causeOf is the cause of a lookup's error, or none.
func causeOf(err error) models.Cause {
	var unmeasured *Unmeasured
	if errors.As(err, &unmeasured) {
		return unmeasured.Cause
	}
	return models.CauseNone
}

// resolves resolves host within five seconds and fails the test where that does not give want, an address or a cause.
func resolves(t *testing.T, r *Resolver, host, family, want string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	addr, err := r.Resolve(ctx, host, family)
	if cause := causeOf(err); err != nil && want != string(cause) || err == nil && want != addr.String() {
		t.Errorf("%s by %q: got %s, %v (cause %q), want %s", host, family, addr, err, cause, want)
	}
}

// T15 of the resolver: whatever servers do, it is the right address or nobody's.
func TestResolveBadServers(t *testing.T) {
	lab.Inside(t, func(t *testing.T) {
		server := lab.NewDNS(t)
		right := lab.Addresses("192.168.7.7", "2a00:1::7")
		onlyFor := func(kind uint16, script, else_ lab.Script) lab.Script {
			return func(w dns.ResponseWriter, r *dns.Msg, n int) {
				if r.Question[0].Qtype == kind {
					script(w, r, n)
				} else {
					else_(w, r, n)
				}
			}
		}
		firstThen := func(first, then lab.Script) lab.Script {
			return func(w dns.ResponseWriter, r *dns.Msg, n int) {
				if n == 0 {
					first(w, r, n)
				} else {
					then(w, r, n)
				}
			}
		}
		resolver := NewResolver(server.Addr)
		var all sync.WaitGroup
		for _, c := range []struct {
			name   string
			script lab.Script
			want   string
			asked  int
		}{
			{"right", right, "192.168.7.7", 1},
			{"six", lab.Addresses("2a00:1::7"), "2a00:1::7", 2},
			{"truncated", lab.TruncatedByUDP(right), "192.168.7.7", 2},
			{"always-truncated", lab.Truncated, "dns_error", 4},
			{"spoofed", lab.Spoofed("6.6.6.6", right), "192.168.7.7", 1},
			{"aliases", lab.Aliases(8, "192.168.7.7"), "192.168.7.7", 1},
			{"too-many-aliases", lab.Aliases(9, "192.168.7.7"), "dns_error", 2},
			{"loop", lab.CNAMELoop, "dns_error", 2},
			{"dangling", lab.Aliases(3), "dns_error", 2}, // A, AAAA
			{"empty", lab.Empty, "dns_error", 2},
			{"missing", lab.NXDomain, "name_not_found", 1},
			{"servfail", lab.ServFail, "dns_error", 2},
			{"refused", lab.Refused, "dns_error", 2},
			{"cut-off", lab.CutOff, "dns_error", 2},
			{"silent", lab.NoAnswer, "dns_error", 2},
			{"late", lab.Late(10*time.Second, right), "dns_error", 2},
			{"once-lost", firstThen(lab.NoAnswer, right), "192.168.7.7", 2},
			{"once-failed", firstThen(lab.ServFail, right), "192.168.7.7", 2},
			// What is lost or failed for A moves nobody to AAAA.
			{"lost-a", onlyFor(dns.TypeA, lab.NoAnswer, right), "dns_error", 2},
			{"failed-a", onlyFor(dns.TypeA, lab.ServFail, right), "dns_error", 2},
			{"empty-a", onlyFor(dns.TypeA, lab.Empty, right), "2a00:1::7", 2},
		} {
			name := c.name + ".test"
			server.Name(name, c.script)
			all.Go(func() {
				resolves(t, resolver, name, "auto", c.want)
				if got := server.Asked(name); got != c.asked {
					t.Errorf("%s: got %d questions, want %d", name, got, c.asked)
				}
			})
		}
		all.Wait()
		if got := server.AskedByTCP("truncated.test"); got != 1 {
			t.Errorf("truncated.test: got %d questions by TCP, want 1", got)
		}
	})
}

// system is a resolver with a resolv.conf and a hosts file of the test, both looked at anew for each question.
type system struct {
	*Resolver
	resolvConf, hosts string
	stamp             time.Time
}

func newSystem(t *testing.T, resolvConf, hosts string) *system {
	dir := t.TempDir()
	s := &system{resolvConf: filepath.Join(dir, "resolv.conf"), hosts: filepath.Join(dir, "hosts"), stamp: time.Now()}
	s.write(t, s.resolvConf, resolvConf)
	s.write(t, s.hosts, hosts)
	s.Resolver = newResolver(newResolverFiles("", s.resolvConf, s.hosts))
	return s
}

// write replaces a file, and lets the five seconds until the next look be over.
func (s *system) write(t *testing.T, path, text string) {
	t.Helper()
	s.stamp = s.stamp.Add(time.Second)
	if err := errors.Join(os.WriteFile(path, []byte(text), 0o600), os.Chtimes(path, s.stamp, s.stamp)); err != nil {
		t.Fatal(err)
	}
	if s.Resolver != nil {
		s.files.looked.Store(nil)
	}
}

func TestResolveBySystem(t *testing.T) {
	lab.Inside(t, func(t *testing.T) {
		first, second := lab.NewDNSAt(t, "127.0.0.1:53"), lab.NewDNSAt(t, "127.0.0.2:53")
		for name, script := range map[string]lab.Script{
			"down.test": lab.NoAnswer, "failed.test": lab.ServFail, "refused.test": lab.Refused, "both.test": lab.Addresses("192.168.1.1"),
		} {
			first.Name(name, script)
			second.Name(name, lab.Addresses("192.168.2.2"))
		}
		s := newSystem(t, "nameserver 127.0.0.1\nnameserver 127.0.0.2\noptions timeout:1 attempts:1\n", "")
		for _, name := range []string{"down.test", "failed.test", "refused.test"} {
			resolves(t, s.Resolver, name, "auto", "192.168.2.2")
		}
		resolves(t, s.Resolver, "both.test", "auto", "192.168.1.1")
		if n := second.Asked("both.test"); n != 0 {
			t.Errorf("the second server was asked %d times though the first knew", n)
		}

		// The files are read again when they change.
		s.write(t, s.resolvConf, "nameserver 127.0.0.9\nnameserver 127.0.0.2\n") // nobody listens at the first
		resolves(t, s.Resolver, "both.test", "auto", "192.168.2.2")
		s.write(t, s.hosts, "192.168.3.3 Both.test alias # comment\nbroken line\n2a00:1::3 both.test only6\n")
		resolves(t, s.Resolver, "both.test", "auto", "192.168.3.3")
		resolves(t, s.Resolver, "BOTH.test.", "6", "2a00:1::3")
		resolves(t, s.Resolver, "alias", "4", "192.168.3.3")
		resolves(t, s.Resolver, "only6", "auto", "2a00:1::3")
		resolves(t, s.Resolver, "only6", "4", "name_not_found") // for DNS to say
		s.write(t, s.hosts, "")
		resolves(t, s.Resolver, "both.test", "auto", "192.168.2.2")

		// Without a server in it, the machine itself is asked.
		s.write(t, s.resolvConf, "")
		resolves(t, s.Resolver, "both.test", "auto", "192.168.1.1")

		s.write(t, s.resolvConf, "nameserver 127.0.0.1\nnameserver 127.0.0.2\noptions rotate\n")
		before := [2]int{first.Asked("both.test"), second.Asked("both.test")}
		for range 4 {
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			s.Resolve(ctx, "both.test", "4")
			cancel()
		}
		if one, two := first.Asked("both.test")-before[0], second.Asked("both.test")-before[1]; one != 2 || two != 2 {
			t.Errorf("rotate: the servers were asked %d and %d times, want 2 each", one, two)
		}
	})
}

func TestResolveSearchList(t *testing.T) {
	lab.Inside(t, func(t *testing.T) {
		server := lab.NewDNSAt(t, "127.0.0.1:53")
		server.Name("web.two.test", lab.Addresses("192.168.1.1"))
		server.Name("a.b", lab.Addresses("192.168.1.2"))
		server.Name("a.b.one.test", lab.Addresses("192.168.1.3"))
		server.Name("empty.one.test", lab.Empty)
		server.Name("sick.one.test", lab.ServFail)
		server.Name("sick.two.test", lab.Addresses("192.168.1.4"))
		s := newSystem(t, "nameserver 127.0.0.1\nsearch one.test two.test.\n", "")
		resolves(t, s.Resolver, "web", "4", "192.168.1.1")
		resolves(t, s.Resolver, "web.", "4", "name_not_found")
		resolves(t, s.Resolver, "a.b", "4", "192.168.1.2")
		resolves(t, s.Resolver, "empty", "4", "dns_error")
		resolves(t, s.Resolver, "none", "4", "name_not_found")
		resolves(t, s.Resolver, "sick", "4", "dns_error") // a lost answer moves nobody to another name
		resolves(t, s.Resolver, strings.Repeat("long.", 50)+"com", "4", "name_not_found")
		s.write(t, s.resolvConf, "nameserver 127.0.0.1\nsearch one.test\noptions ndots:2\n")
		resolves(t, s.Resolver, "a.b", "4", "192.168.1.3")

		// The one server of ECHOLOT_RESOLVER knows no search list, and the hosts file is in force.
		given := newResolver(newResolverFiles(server.Addr, s.resolvConf, s.hosts))
		resolves(t, given, "web", "4", "name_not_found")
		s.write(t, s.hosts, "192.168.1.9 web\n")
		given.files.looked.Store(nil)
		resolves(t, given, "web", "4", "192.168.1.9")
	})
}

// Equal lookups are one, and each of those who wait has its own time.
func TestResolveJoins(t *testing.T) {
	lab.Inside(t, func(t *testing.T) {
		server := lab.NewDNS(t)
		answer := make(chan struct{})
		server.Name("one.test", func(w dns.ResponseWriter, r *dns.Msg, n int) {
			<-answer
			lab.Addresses("192.168.7.7")(w, r, n)
		})
		resolver := NewResolver(server.Addr)
		base := runtime.NumGoroutine()
		var waiting sync.WaitGroup
		for range 50 {
			waiting.Go(func() { resolves(t, resolver, "one.test", "4", "192.168.7.7") })
			waiting.Go(func() { resolves(t, resolver, "ONE.test", "4", "192.168.7.7") })
		}
		lab.Eventually(t, func() bool { return server.Asked("one.test") == 1 }, "the question")
		impatient, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if _, err := resolver.Resolve(impatient, "one.test", "4"); causeOf(err) != models.CauseDNSError || !strings.Contains(err.Error(), server.Addr) {
			t.Errorf("whose time was over: got %v, want a DNS error that names %s", err, server.Addr)
		}
		close(answer)
		waiting.Wait()
		if n := server.Asked("one.test"); n != 1 {
			t.Errorf("a hundred at once asked %d times, want once", n)
		}
		lab.Eventually(t, func() bool { return runtime.NumGoroutine() <= base }, "%d goroutines again", base)
	})
}

// A dead server is no reason for a burst, nor for a late answer.
func TestResolveBounded(t *testing.T) {
	lab.Inside(t, func(t *testing.T) {
		server := lab.NewDNS(t)
		const names = 2000
		for i := range names {
			server.Name(fmt.Sprintf("n%d.test", i), lab.NoAnswer)
		}
		server.Name("well.test", lab.WithTTL(60, lab.Addresses("192.168.7.7")))
		resolver := NewResolver(server.Addr)
		resolves(t, resolver, "well.test", "auto", "192.168.7.7")
		base, begun := runtime.NumGoroutine(), time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 6*time.Second)
		defer cancel()
		var waiting sync.WaitGroup
		queued := make(chan struct{}, names)
		for i := range names {
			waiting.Go(func() {
				_, err := resolver.Resolve(ctx, fmt.Sprintf("n%d.test", i), "4")
				if causeOf(err) != models.CauseDNSError {
					t.Errorf("got %v, want a DNS error", err)
				} else if !strings.Contains(err.Error(), "no answer from") {
					queued <- struct{}{}
				}
			})
		}
		lab.Eventually(t, func() bool { return len(resolver.slots) == maxLookups }, "%d lookups", maxLookups)
		resolves(t, resolver, "well.test", "auto", "192.168.7.7") // who is known needs no slot
		waiting.Wait()
		if took := time.Since(begun); took > 15*time.Second {
			t.Errorf("took %s with a deadline of 6s", took)
		}
		asked := 0
		for i := range names {
			asked += min(1, server.Asked(fmt.Sprintf("n%d.test", i)))
		}
		if asked == 0 || asked > maxLookups || len(queued) < names-maxLookups {
			t.Errorf("got %d of %d names asked for, %d told that they waited in vain; want at most %d asked for", asked, names, len(queued), maxLookups)
		}
		lab.Eventually(t, func() bool { return runtime.NumGoroutine() <= base && len(resolver.slots) == 0 }, "%d goroutines again", base)
		if n := len(resolver.underWay); n != 0 {
			t.Errorf("%d lookups are left that nobody waits for", n)
		}

		// Who is told to stop does not wait for its deadline.
		long, stop := context.WithTimeout(t.Context(), time.Minute)
		begun = time.Now()
		time.AfterFunc(50*time.Millisecond, stop)
		if _, err := resolver.Resolve(long, "n1.test", "4"); causeOf(err) != models.CauseDNSError {
			t.Errorf("got %v, want a DNS error", err)
		}
		if took := time.Since(begun); took > 20*time.Second {
			t.Errorf("a lookup that was told to stop took %s", took)
		}
	})
}

// FuzzReadAnswer: nothing that a server can send may do more than fail.
func FuzzReadAnswer(f *testing.F) {
	f.Add([]byte("\x00\x01\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00\x01a\x00\x00\x01\x00\x01\x01a\x00\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\x7f\x00\x00\x01"))
	f.Fuzz(func(t *testing.T, packet []byte) {
		m := new(dns.Msg)
		if m.Unpack(packet) != nil || len(m.Question) != 1 {
			return
		}
		a, err := read(m)
		if err != nil {
			return
		}
		if a.ttl < 0 || a.ttl > maxTTL || len(a.addrs) == 0 && a.ttl > maxNegativeTTL {
			t.Errorf("got a TTL of %s with %d addresses", a.ttl, len(a.addrs))
		}
		for _, addr := range a.addrs {
			if addr == (netip.Addr{}) || addr.Is4In6() {
				t.Errorf("got address %s", addr)
			}
		}
	})
}
