package probe

import (
	"context"
	"strings"
	"testing"

	"echolot/models"
	"echolot/probe/lab"
)

func TestAbilities(t *testing.T) {
	lab.Inside(t, func(t *testing.T) {
		all := ProbeAbilities()
		var names []string
		for _, a := range all {
			names = append(names, a.String())
		}
		if got, want := strings.Join(names, ", "), "datagram IPv4, raw IPv4, datagram IPv6, raw IPv6"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		for _, a := range all {
			if a.OK != (a.Mode == ModeRaw) || a.OK == (a.Error != "") {
				t.Errorf("with CAP_NET_RAW: got %+v", a)
			}
		}
		if all.Mode("4") != ModeRaw || all.Mode("6") != ModeRaw || all.Fix() != "" {
			t.Errorf("with CAP_NET_RAW: got modes %q, %q, fix %q, want raw and nothing to fix", all.Mode("4"), all.Mode("6"), all.Fix())
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
		lab.AllowDatagram(t)
		lab.WithoutRaw(t, func() { all = ProbeAbilities() })
		if all.Mode("4") != ModeDatagram || all.Mode("6") != ModeDatagram || all.Fix() != "" {
			t.Errorf("with the group: got %+v, want datagram and nothing to fix", all)
		}
	})
}

// sameThread is a pinger that measures in Ping: lab.WithoutRaw takes the right from one thread alone.
type sameThread struct{ *ProbingPinger }

func (p sameThread) Ping(c models.Check, done func(models.Result)) (cancel func()) {
	done(p.check(context.Background(), c))
	return func() {}
}

// T14: rights that are withdrawn while we run make checks unknown, and are taken up again when they are back.
func TestPingWithoutPermission(t *testing.T) {
	lab.Inside(t, func(t *testing.T) {
		p := newPinger(t, "", models.TargetPolicy{})
		pings := func(outcome models.Outcome, cause models.Cause) {
			for _, host := range []string{"127.0.0.1", "::1"} {
				r := ping(t, sameThread{p.(*ProbingPinger)}, pingSpec(host))
				expect(t, host, r, outcome, cause)
				if cause != "" && (r.Sent != 0 || !strings.Contains(r.Detail, "not permitted")) {
					t.Errorf("got %+v, want nothing sent and the system's words", r)
				}
			}
		}
		pings(models.OutcomeSuccess, models.CauseNone)
		lab.WithoutRaw(t, func() {
			pings(models.OutcomeUnknown, models.CauseNoPermission)
			lab.AllowDatagram(t)
			pings(models.OutcomeSuccess, models.CauseNone)
		})
	})
}
