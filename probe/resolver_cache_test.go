package probe

import (
	"context"
	"fmt"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"echolot/models"
	"echolot/probe/lab"
)

func TestResolverCaches(t *testing.T) {
	lab.Inside(t, func(t *testing.T) {
		server := lab.NewDNS(t)
		server.Name("hour.test", lab.WithTTL(86400, lab.Changing("192.168.7.1", "192.168.7.2")))
		server.Name("second.test", lab.WithTTL(1, lab.Changing("192.168.7.1", "192.168.7.2")))
		server.Name("zero.test", lab.WithTTL(0, lab.Changing("192.168.7.1", "192.168.7.2")))
		server.Name("gone.test", lab.WithTTL(3600, lab.NXDomain))
		server.Name("empty.test", lab.WithTTL(3600, lab.Empty))
		server.Name("no-soa.test", lab.NXDomain)
		server.Name("failed.test", lab.ServFail)
		resolver := NewResolver(server.Addr)
		for _, c := range []struct {
			name, first, then string
			asked             int
		}{
			{"hour.test", "192.168.7.1", "192.168.7.1", 1},
			{"zero.test", "192.168.7.1", "192.168.7.2", 2},
			{"gone.test", "name_not_found", "name_not_found", 1},
			{"empty.test", "dns_error", "dns_error", 1},
			{"no-soa.test", "name_not_found", "name_not_found", 2},
			{"failed.test", "dns_error", "dns_error", 4},
		} {
			resolves(t, resolver, c.name, "4", c.first)
			resolves(t, resolver, c.name, "4", c.then)
			if n := server.Asked(c.name); n != c.asked {
				t.Errorf("%s: got %d questions, want %d", c.name, n, c.asked)
			}
		}
		for name, most := range map[string]time.Duration{"hour.test": time.Hour, "gone.test": time.Minute, "empty.test": time.Minute} {
			if left := time.Until(resolver.cache.entries[newQuestion(name, "4")].expires); left > most || left < most-10*time.Second {
				t.Errorf("%s: kept for another %s, want at most %s", name, left, most)
			}
		}
		if _, _, ok := resolver.Cached("hour.test", "6"); ok {
			t.Error("the answer for one family is known for another")
		}

		resolves(t, resolver, "second.test", "4", "192.168.7.1")
		lab.Eventually(t, func() bool { _, _, ok := resolver.Cached("second.test", "4"); return !ok }, "the end of a second")
		resolves(t, resolver, "second.test", "4", "192.168.7.2")

		// A check that fails lets the name be looked up again, and a pinger does that.
		resolver.Forget("HOUR.test")
		resolves(t, resolver, "hour.test", "4", "192.168.7.2")
		server.Name("moved.test", lab.WithTTL(3600, lab.Changing("127.0.0.66", "127.0.0.1")))
		lab.NewResponder(t, netip.MustParseAddr("127.0.0.66"), netip.MustParseAddr("127.0.0.67")).Behave(lab.Silent)
		lab.Sysctl(t, "net.ipv4.icmp_echo_ignore_all", "0")
		lab.NewResponder(t, netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("127.0.0.2"))
		p := newPinger(t, server.Addr, models.TargetPolicy{})
		expect(t, "before", ping(t, p, pingSpec("moved.test")), models.OutcomeFailure, models.CauseTimeout)
		expect(t, "after", ping(t, p, pingSpec("moved.test")), models.OutcomeSuccess, models.CauseNone)
	})
}

// A name with several addresses keeps its target while DNS turns them round.
func TestResolveKeepsItsAddress(t *testing.T) {
	lab.Inside(t, func(t *testing.T) {
		server := lab.NewDNS(t)
		resolver := NewResolver(server.Addr)
		for _, c := range []struct {
			answer []string
			want   string
		}{
			{[]string{"192.168.7.1", "192.168.7.2"}, "192.168.7.1"},
			{[]string{"192.168.7.2", "192.168.7.1"}, "192.168.7.1"},
			{[]string{"192.168.7.3", "192.168.7.2"}, "192.168.7.3"},
			{[]string{"192.168.7.2", "192.168.7.3"}, "192.168.7.3"},
		} {
			server.Name("round.test", lab.WithTTL(60, lab.Addresses(c.answer...)))
			resolves(t, resolver, "round.test", "4", c.want)
			resolver.Forget("round.test")
			server.Name("round.test", lab.ServFail) // in between
			resolves(t, resolver, "round.test", "4", "dns_error")
		}
	})
}

func TestAddressCacheIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newAddressCache(1000)
		addr := []netip.Addr{netip.MustParseAddr("192.168.7.7")}
		for i := range 5000 {
			c.put(question{fmt.Sprintf("n%d.test", i), '4'}, addr, time.Minute, nil)
			if len(c.entries) > 1000 {
				t.Fatalf("got %d entries, want at most 1000", len(c.entries))
			}
		}
		if len(c.entries) != 1000 {
			t.Errorf("got %d entries, want 1000", len(c.entries))
		}
		last := question{"n4999.test", '4'}
		if _, ok := c.get(last); !ok {
			t.Error("the newest entry is gone")
		}
		time.Sleep(time.Minute)
		if _, ok := c.get(last); ok {
			t.Error("an entry lives on when it has expired")
		}
		// What has expired makes room before what has not.
		for i := range 500 {
			c.put(question{fmt.Sprintf("m%d.test", i), '4'}, addr, time.Hour, nil)
		}
		for i := range 500 {
			if _, ok := c.get(question{fmt.Sprintf("m%d.test", i), '4'}); !ok {
				t.Errorf("m%d.test is gone while entries that have expired are there", i)
			}
		}
	})
}

// The engine asks here for each check.
func TestCachedAllocatesNothing(t *testing.T) {
	resolver := newResolver(newResolverFiles("127.0.0.1:1", "", ""))
	resolver.files.look()
	resolver.cache.put(newQuestion("one.test", "auto"), []netip.Addr{netip.MustParseAddr("192.168.7.7")}, time.Hour, nil)
	for _, host := range []string{"192.168.7.7", "2a00:1::1", "one.test"} {
		allocs := testing.AllocsPerRun(100, func() {
			if _, err, ok := resolver.Cached(host, "auto"); err != nil || !ok {
				t.Errorf("%s: got %v, %v", host, err, ok)
			}
		})
		if allocs != 0 {
			t.Errorf("%s: got %v allocations, want none", host, allocs)
		}
	}
	if _, _, ok := resolver.Cached("two.test", "auto"); ok {
		t.Error("a name that nobody asked for is known")
	}
}

func BenchmarkCached(b *testing.B) {
	resolver := newResolver(newResolverFiles("127.0.0.1:1", "", ""))
	resolver.files.look()
	resolver.cache.put(newQuestion("one.test", "auto"), []netip.Addr{netip.MustParseAddr("192.168.7.7")}, time.Hour, nil)
	for _, host := range []string{"192.168.7.7", "one.test"} {
		b.Run(host, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := resolver.Resolve(context.Background(), host, "auto"); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
