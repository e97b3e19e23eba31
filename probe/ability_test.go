package probe

import (
	"strings"
	"testing"

	"echolot/models"
	"echolot/probe/lab"
)

func TestAbilities(t *testing.T) {
	lab.Inside(t, func(t *testing.T) {
		lab.AllowDatagram(t, true)
		all := ProbeAbilities()
		var names []string
		for _, a := range all {
			names = append(names, a.String())
			if !a.OK || a.Error != "" {
				t.Errorf("%s: got %+v, want it to work", a, a)
			}
		}
		if got, want := strings.Join(names, ", "), "datagram IPv4, raw IPv4, datagram IPv6, raw IPv6"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if all.Mode("4") != ModeDatagram || all.Mode("6") != ModeDatagram || all.Fix() != "" {
			t.Errorf("got modes %q, %q, fix %q, want datagram and nothing to fix", all.Mode("4"), all.Mode("6"), all.Fix())
		}
		lab.AllowDatagram(t, false)
		all = ProbeAbilities()
		if all[0].OK || all[0].Error == "" || all.Mode("4") != ModeRaw || all.Mode("6") != ModeRaw {
			t.Errorf("without the group: got %+v, want raw", all)
		}
		lab.WithoutRaw(t, func() { all = ProbeAbilities() })
		if all.IPv4() || all.IPv6() || all.Mode("4") != "" {
			t.Errorf("without any right: got %+v", all)
		}
		for _, words := range []string{`sysctl -w net.ipv4.ping_group_range="0 2147483647"`, "setcap cap_net_raw+ep bin/echolot", "--cap-add NET_RAW", "--sysctl"} {
			if !strings.Contains(all.Fix(), words) {
				t.Errorf("the fix does not say %s:\n%s", words, all.Fix())
			}
		}
	})
}

// T14: rights that are withdrawn while we run make checks unknown, and are taken up again when they are back.
func TestPingWithoutPermission(t *testing.T) {
	lab.Inside(t, func(t *testing.T) {
		p := newPinger(t, "", models.TargetPolicy{})
		lab.WithoutRaw(t, func() {
			for i, allow := range []bool{true, false, true} {
				lab.AllowDatagram(t, allow)
				for _, host := range []string{"127.0.0.1", "::1"} {
					r := ping(t, p, pingSpec(host))
					if allow {
						expect(t, host, r, models.OutcomeSuccess, models.CauseNone)
						continue
					}
					expect(t, host, r, models.OutcomeUnknown, models.CauseNoPermission)
					if r.Sent != 0 || !strings.Contains(r.Detail, "not permitted") {
						t.Errorf("round %d: got %+v, want nothing sent and the system's words", i, r)
					}
				}
			}
		})
	})
}
