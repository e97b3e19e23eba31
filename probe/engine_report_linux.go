package probe

import (
	"errors"
	"fmt"
	"net/netip"

	"echolot/models"
	"echolot/probe/echo"
)

// judgeReport makes a result of what the engine found. Packets that did not leave, or of which nobody could see what
// became of them, are left out: they are neither lost nor answered.
func judgeReport(result models.Result, r *echo.Report) models.Result {
	result.Packets = make([]models.Packet, 0, len(r.Packets))
	for _, p := range r.Packets {
		switch {
		case p.State == echo.Replied:
			result.Packets = append(result.Packets, models.Packet{State: models.PacketReplied, RTT: p.RTT})
		case p.State == echo.Refused:
			result.Packets = append(result.Packets, models.Packet{State: models.PacketRefused, RTT: p.RTT})
		case p.Late:
			result.Packets = append(result.Packets, models.Packet{State: models.PacketLate})
			result.Late++
		case p.State == echo.Lost:
			result.Packets = append(result.Packets, models.Packet{State: models.PacketLost})
		}
	}
	result.Sent, result.Received, result.Duplicates, result.ReplyTTL = r.Sent, r.Received, r.Duplicates, r.ReplyTTL
	if r.Err != nil {
		result.Detail = r.Err.Error()
	}
	if r.Sent == 0 {
		return result.Unknown(causeOfError(r.Err), result.Detail)
	}
	result.Outcome = models.OutcomeSuccess
	if r.Received < r.Sent {
		result.Cause = models.CauseTimeout
		if cause := causeOfTrouble(r.Trouble.Kind); cause != models.CauseNone {
			result.Cause, result.CauseSource, result.CauseMTU = cause, r.Trouble.Source, r.Trouble.MTU
			result.Detail = troubleDetail(r.Trouble)
		}
	}
	if r.Received == 0 {
		result.Outcome = models.OutcomeFailure
	}
	return result
}

// newSighting is what the engine saw of a packet to the address.
func newSighting(addr netip.Addr, p echo.Packet, ttl int, t echo.Trouble) Sighting {
	s := Sighting{RTT: p.RTT, TTL: ttl, Source: addr}
	switch p.State {
	case echo.Replied:
		s.State = models.PacketReplied
	case echo.Refused:
		s.State, s.Source, s.Cause = models.PacketRefused, t.Source, causeOfTrouble(t.Kind)
	}
	return s
}

// causeOfError is the cause of a check of which nothing could be measured.
func causeOfError(err error) models.Cause {
	var refused *echo.NotAllowed
	switch {
	case errors.As(err, &refused):
		return models.CauseTargetNotAllowed
	case errors.Is(err, echo.ErrCapped), errors.Is(err, echo.ErrLate):
		return models.CauseOverload
	}
	return models.CauseLocalError
}

// causeOfTrouble is the cause that an ICMP error names.
func causeOfTrouble(kind echo.TroubleKind) models.Cause {
	switch kind {
	case echo.NetUnreachable:
		return models.CauseNetUnreachable
	case echo.HostUnreachable:
		return models.CauseHostUnreachable
	case echo.PortUnreachable, echo.ProtocolUnreachable: // the target is there and does not take echo requests
		return models.CausePortUnreachable
	case echo.Prohibited:
		return models.CauseProhibited
	case echo.TTLExceeded:
		return models.CauseTTLExceeded
	case echo.TooBig:
		return models.CauseTooBig
	}
	return models.CauseNone
}

// troubleDetail says for the log what an ICMP error said.
func troubleDetail(t echo.Trouble) string {
	detail := fmt.Sprintf("ICMP type %d code %d from %s", t.Type, t.Code, t.Source)
	if t.MTU > 0 {
		detail += fmt.Sprintf(", next hop's MTU %d", t.MTU)
	}
	return detail
}

func (r Rate) echo() echo.Rate {
	return echo.Rate{Packets: r.Packets, Burst: r.Burst, Bytes: r.Bytes}
}
