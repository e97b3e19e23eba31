package probe

import (
	"net/netip"
	"time"

	"echolot/models"
)

// at is the slot of minute n of the tests' day.
func at(n int) int64 {
	return time.Date(2026, 3, 1, 12, n, 0, 0, time.UTC).UnixMilli()
}

// found is a result with the outcome, as a pinger would fill it in.
func found(slot int64, outcome models.Outcome) models.Result {
	r := models.Result{Monitor: 1, Rev: 1, Location: 1, Slot: slot, Outcome: outcome, StartedOffset: 3 * time.Millisecond}
	switch outcome {
	case models.OutcomeSuccess:
		r.Sent, r.Received, r.ReplyTTL, r.Address = 2, 2, 64, netip.MustParseAddr("192.0.2.1")
		r.Packets = []models.Packet{{State: models.PacketReplied, RTT: 2 * time.Millisecond}, {State: models.PacketReplied, RTT: 4 * time.Millisecond}}
	case models.OutcomeFailure:
		r.Sent, r.Cause, r.Address = 2, models.CauseTooBig, netip.MustParseAddr("192.0.2.1")
		r.CauseSource, r.CauseMTU = netip.MustParseAddr("192.0.2.254"), 1280
		r.Packets = make([]models.Packet, 2)
	default:
		r.Cause = models.CauseDNSError
	}
	return r
}
