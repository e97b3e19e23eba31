package probe

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"echolot/models"
	"echolot/probe/lab"
)

// T63: no broadcast and no multicast leaves, whatever the mask, with either kind of socket. The peer would answer.
func TestPingNeverBroadcasts(t *testing.T) {
	lab.Inside(t, func(t *testing.T) {
		peer := lab.NewPeer(t)
		peer.Cable("near", "far")
		lab.IP(t, "addr", "add", "10.95.0.1/24", "dev", "near")
		lab.IP(t, "addr", "add", "10.96.0.1/25", "dev", "near")
		lab.IP(t, "addr", "add", "10.97.0.1/30", "dev", "near")
		lab.IP(t, "addr", "add", "10.98.0.1/24", "broadcast", "10.98.0.77", "dev", "near") // only the kernel knows this one
		lab.IP(t, "addr", "add", "2a00:1::1/64", "dev", "near", "nodad")
		lab.IP(t, "route", "add", "default", "dev", "near")
		lab.IP(t, "-6", "route", "add", "default", "dev", "near")
		peer.IP("addr", "add", "10.95.0.2/24", "dev", "far")
		peer.IP("addr", "add", "239.1.2.3/32", "dev", "far", "autojoin")
		peer.Sysctl("net.ipv4.icmp_echo_ignore_broadcasts", "0")
		capture := peer.Capture("far")
		control := netip.MustParseAddr("10.95.0.2")
		bothModes(t, func(t *testing.T, mode string, newPinger maker) {
			p := newPinger(t, "", models.TargetPolicy{})
			// A policy that knows no network is on its own with the kernel's routing table.
			ignorant := newPinger(t, "", models.TargetPolicy{Local: func() (own, broadcasts []netip.Addr) { return nil, nil }})
			for _, host := range []string{
				"10.95.0.255", "10.96.0.127", "10.97.0.3", "10.98.0.77", "127.255.255.255",
			} {
				expect(t, host+" by the kernel", ping(t, ignorant, pingSpec(host)), models.OutcomeUnknown, models.CauseTargetNotAllowed)
			}
			for _, host := range []string{
				"10.95.0.255", "10.95.0.0", "10.96.0.127", "10.96.0.0", "10.97.0.3", "10.97.0.0", "10.98.0.77", "10.98.0.255",
				"127.255.255.255", "127.0.0.0", "255.255.255.255", "0.0.0.0",
				"224.0.0.1", "224.0.0.251", "239.1.2.3", "::ffff:239.1.2.3", "::ffff:10.95.0.255", "ff02::1", "ff02::1%near", "ff0e::1",
			} {
				r := ping(t, p, pingSpec(host))
				expect(t, host, r, models.OutcomeUnknown, models.CauseTargetNotAllowed)
				if r.Sent != 0 || r.Address.IsValid() {
					t.Errorf("%s: got %+v, want nothing sent", host, r)
				}
			}
			expect(t, "control", ping(t, p, pingSpec(control.String())), models.OutcomeSuccess, models.CauseNone)
		})
		capture.WaitFor(t, control, 6)
		if seen := capture.Seen(); len(seen) != 1 {
			t.Errorf("echo requests at the peer: %v, want only those to %s", seen, control)
		}
	})
}

// A target that becomes a broadcast address in the middle of a check gets nothing more.
func TestPingTargetBecomesBroadcast(t *testing.T) {
	lab.Inside(t, func(t *testing.T) {
		peer := lab.NewPeer(t)
		peer.Cable("near", "far")
		lab.IP(t, "addr", "add", "10.95.0.1/16", "dev", "near")
		peer.IP("addr", "add", "10.95.7.255/16", "dev", "far")
		target := netip.MustParseAddr("10.95.7.255")
		capture := peer.Capture("far")
		bothModes(t, func(t *testing.T, mode string, newPinger maker) {
			p := newPinger(t, "", models.TargetPolicy{})
			before := capture.Seen()[target]
			spec := pingSpec(target.String())
			spec.Count, spec.Interval, spec.Timeout = 10, 250*time.Millisecond, 5*time.Second
			results := make(chan models.Result, 1)
			p.Ping(models.Check{Spec: spec}, func(r models.Result) { results <- r })
			capture.WaitFor(t, target, before+1)
			lab.IP(t, "addr", "add", "10.95.7.1/24", "dev", "near")
			r := <-results
			lab.IP(t, "addr", "del", "10.95.7.1/24", "dev", "near")
			if r.Sent > 3 || r.Outcome == models.OutcomeFailure {
				t.Errorf("got %s with %d sent, want at most those sent before", r.Outcome, r.Sent)
			}
			if sent := capture.Seen()[target] - before; sent > 3 {
				t.Errorf("%d echo requests left", sent)
			}
		})
	})
}

// T62's half of the sender: a name that leads to any refused address gets no packet, with a way out for all of them.
func TestPingRefusedTargets(t *testing.T) {
	lab.Inside(t, func(t *testing.T) {
		peer := lab.NewPeer(t)
		peer.Cable("near", "far")
		lab.IP(t, "addr", "add", "10.95.0.1/24", "dev", "near")
		lab.IP(t, "addr", "add", "2a00:1::1/64", "dev", "near", "nodad")
		lab.IP(t, "route", "add", "default", "dev", "near")
		lab.IP(t, "-6", "route", "add", "default", "dev", "near")
		peer.IP("addr", "add", "10.95.0.2/24", "dev", "far")
		lo, far := lab.NewCapture(t, "lo"), peer.Capture("far")
		dns := lab.NewDNS(t)
		refused := []string{
			"0.0.0.0", "0.1.2.3", "169.254.0.1", "169.254.169.254", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.254",
			"255.255.255.255", "192.0.0.1", "192.0.2.1", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1",
			"::", "::2", "::7f00:1", "fe80::1", "febf::1", "fec0::1", "ff02::1", "ff0e::1", "fd00:ec2::254", "2001:db8::1", "100::1", "3fff::1",
			"64:ff9b::169.254.169.254", "64:ff9b:1::a9fe:a9fe", "2002:a9fe:a9fe::1", "2002:e000:1::1",
			"2001:0:1:2:3:4:5601:5601", // Teredo, 169.254.169.254 inverted
		}
		public := []string{
			"127.0.0.1", "127.8.8.8", "10.0.0.1", "10.95.0.1", "10.95.0.2", "172.16.0.1", "172.31.255.1", "192.168.1.1", "100.64.0.1",
			"::1", "fc00::1", "fd12:3456::1", "2a00:1::1", "64:ff9b::127.0.0.1", "64:ff9b::10.0.0.1", "2002:c0a8:101::1",
		}
		dns.Name("control.test", lab.Addresses("10.95.0.2"))
		bothModes(t, func(t *testing.T, mode string, newPinger maker) {
			private := newPinger(t, dns.Addr, models.TargetPolicy{})
			strict := newPinger(t, dns.Addr, models.TargetPolicy{Public: true})
			refuses := func(p Pinger, addr string) {
				name := strings.NewReplacer(":", "-", ".", "-").Replace("t"+addr+"t") + ".test"
				dns.Name(name, lab.Addresses(addr))
				expect(t, addr, ping(t, p, pingSpec(name)), models.OutcomeUnknown, models.CauseTargetNotAllowed)
			}
			for _, addr := range refused {
				refuses(private, addr)
				refuses(strict, addr)
			}
			for _, addr := range public {
				refuses(strict, addr)
			}
			expect(t, "control", ping(t, private, pingSpec("control.test")), models.OutcomeSuccess, models.CauseNone)
		})
		control := netip.MustParseAddr("10.95.0.2")
		far.WaitFor(t, control, 6)
		if seen := far.Seen(); len(seen) != 1 {
			t.Errorf("echo requests at the peer: %v, want only those to %s", seen, control)
		}
		if seen := lo.Seen(); len(seen) != 0 {
			t.Errorf("echo requests on lo: %v", seen)
		}
	})
}
