package probe

import (
	"strings"
	"testing"

	"echolot/models"
	"echolot/probe/lab"
)

// A router whose next link is too narrow says so, with its MTU, to whom forbids fragments. Others lose one packet at most:
// our kernel learns what fits, and sends fragments.
func TestPingMTU(t *testing.T) {
	lab.Inside(t, func(t *testing.T) {
		const mtu, requests = 1280, 3
		lab.NewRouter(t).SetFarMTU(mtu)
		eachMode(t, func(t *testing.T, _ string) {
			p := newEnginePinger(t, "", models.TargetPolicy{})
			for far, router := range map[string]string{lab.Far4: lab.RouterIn4, lab.Far6: lab.RouterIn6} {
				lab.IP(t, "-4", "route", "flush", "cache") // what the other kind of sockets learned
				lab.IP(t, "-6", "route", "flush", "cache")
				spec := pingSpec(far)
				spec.PacketSize = 1400
				said := func(what string, r models.Result, source string, mtu int) {
					t.Helper()
					if got := strings.TrimPrefix(r.CauseSource.String(), "invalid IP"); got != source || r.CauseMTU != mtu {
						t.Errorf("%s, %s: said %q, MTU %d; want %q, %d", far, what, got, r.CauseMTU, source, mtu)
					}
				}

				first := ping(t, p, spec)
				expect(t, far+", with fragments, the first time", first, models.OutcomeSuccess, models.CauseTooBig)
				if first.Sent != requests || first.Received != requests-1 || first.Packets[0].State != models.PacketRefused {
					t.Errorf("%s, with fragments, the first time: got %d of %d, want all but the first, which was refused", far, first.Received, first.Sent)
				}
				said("with fragments, the first time", first, router, mtu)

				spec.DontFragment = true
				whole := ping(t, p, spec) // what was learned is not heeded: the packets go out and the router says it again
				expect(t, far+", whole", whole, models.OutcomeFailure, models.CauseTooBig)
				if whole.Sent != requests {
					t.Errorf("%s, whole: got %d sent, want %d", far, whole.Sent, requests)
				}
				said("whole", whole, router, mtu)

				spec.DontFragment = false
				then := ping(t, p, spec)
				expect(t, far+", with fragments", then, models.OutcomeSuccess, models.CauseNone)
				if then.Received != requests {
					t.Errorf("%s, with fragments: got %d of %d, want all", far, then.Received, then.Sent)
				}
				said("with fragments", then, "", 0)
			}
		})
	})
}
