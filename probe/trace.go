package probe

import (
	"context"
	"net/netip"
	"slices"
	"sync"
	"time"

	"echolot/models"
)

const (
	// lastHop is the highest TTL asked for, as in traceroute.
	lastHop = 30
	// waveHops is how many hops are asked at once: a path of usual length takes two waves.
	waveHops = 8
	// hopProbes is how often each hop is asked, and probeGap the time in between: routers that limit their errors answer the
	// second where they left out the first.
	hopProbes = 3
	probeGap  = 100 * time.Millisecond
	// hopTimeout is how long an answer may take. Four waves of it end within ten seconds.
	hopTimeout = 1500 * time.Millisecond
	// silentHops past the last answer end a trace.
	silentHops = 5
	// tracePacket bounds the payload, in bytes: what a link takes whole. A token needs 16.
	tracePacket, smallestTrace = 1400, 16
	// tracePackets is what a trace costs, about: a path of twelve hops, and what was asked beyond its end.
	tracePackets = 48
)

// tracing is one trace under way.
type tracing struct {
	pinger Pinger
	check  models.Check
	probes int
	host   string
}

// trace asks the hops to a target, by echo requests whose TTL ends on the way (RFC 792, RFC 1812 §5.3.1), three for each hop,
// several hops at once. host is what is asked for: an address, or the monitor's name. It ends at the target, where a router
// says that the packets go no further, or after five hops that nobody answers, in ten seconds at most; ok is false where
// nothing could be sent or ctx ended.
func trace(ctx context.Context, pinger Pinger, target models.ProbeTarget, location int64, host string, probes int) (t models.Trace, ok bool) {
	t = models.Trace{MonitorID: target.MonitorID, OrganizationID: target.OrganizationID, LocationID: location, At: time.Now().UTC()}
	spec := target.Spec
	spec.Count, spec.Timeout = 1, hopTimeout
	spec.PacketSize = min(max(spec.PacketSize, smallestTrace), tracePacket)
	run := tracing{pinger: pinger, probes: probes, host: host, check: models.Check{Monitor: target.MonitorID, Rev: target.Rev, Kind: models.KindManual,
		Location: location, Organization: target.OrganizationID, Spec: spec}}
	last := 0 // the last hop that answered
	for first := 1; first <= lastHop; first += waveHops {
		results := run.wave(ctx, first, min(first+waveHops-1, lastHop))
		if ctx.Err() != nil {
			return t, false
		}
		for i, of := range results {
			hop, end, address := newHop(first+i, of)
			if address.IsValid() {
				t.Address, run.host = address.String(), address.String() // the same for all waves, whatever the name becomes meanwhile
			}
			t.Hops = append(t.Hops, hop)
			if len(hop.Addresses) > 0 {
				last = hop.TTL
			}
			t.Reached = end == reached
			if end != goesOn || hop.TTL-last >= silentHops {
				return t, anySent(t.Hops)
			}
		}
	}
	return t, anySent(t.Hops)
}

func anySent(hops models.Hops) bool {
	return slices.ContainsFunc(hops, func(h models.Hop) bool { return h.Sent > 0 })
}

// wave asks the hops from first to last, and returns their results by hop in the order sent.
func (run tracing) wave(ctx context.Context, first, last int) [][]models.Result {
	results := make([][]models.Result, last-first+1)
	var waiting sync.WaitGroup
	var cancels []func()
	for hop := range results {
		results[hop] = make([]models.Result, run.probes)
	}
	for probe := range run.probes {
		for hop := range results {
			c := run.check
			c.Slot, c.Spec.TTL, c.Spec.Host = time.Now().UnixMilli(), first+hop, run.host
			waiting.Add(1)
			cancels = append(cancels, run.pinger.Ping(c, func(r models.Result) {
				results[hop][probe] = r
				waiting.Done()
			}))
		}
		if probe < run.probes-1 {
			sleep(ctx, probeGap)
		}
	}
	stop := context.AfterFunc(ctx, func() {
		for _, cancel := range cancels {
			cancel()
		}
	})
	defer stop()
	waiting.Wait()
	return results
}

// ending is how a hop ends its path.
type ending int

const (
	goesOn  ending = iota
	refused        // somebody said that there is no way
	reached        // the target answered
)

// newHop sums up what was asked of one hop. address is what was asked for.
func newHop(ttl int, results []models.Result) (hop models.Hop, end ending, address netip.Addr) {
	hop = models.Hop{TTL: ttl, Addresses: []string{}, RTTs: []int64{}}
	for _, r := range results {
		if r.Address.IsValid() {
			address = r.Address
		}
		if r.Sent == 0 {
			continue // a cap, or trouble of our own: neither lost nor answered
		}
		hop.Sent += r.Sent
		from := r.CauseSource
		switch p := r.Packets[0]; p.State {
		case models.PacketReplied:
			end, from = reached, r.Address
			hop.RTTs = append(hop.RTTs, p.RTT.Microseconds())
		case models.PacketRefused:
			hop.RTTs = append(hop.RTTs, p.RTT.Microseconds())
			if r.Cause != models.CauseTTLExceeded {
				hop.Cause = r.Cause
				end = max(end, refused)
			}
		default:
			hop.Lost++
			continue
		}
		if a := from.String(); from.IsValid() && !slices.Contains(hop.Addresses, a) {
			hop.Addresses = append(hop.Addresses, a)
		}
	}
	return hop, end, address
}
