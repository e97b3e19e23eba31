package probe

import (
	"log/slog"
	"time"

	"echolot/models"
)

// The kinds of engine, and where they take the times of packets.
const (
	EngineEcholot = "echolot"
	EngineProbing = "pro-bing"
	StampsKernel  = "kernel"
	StampsUser    = "user"
)

// EngineStats are the counts of what sends, since its start. They only grow, but for InFlight and what says how it works.
type EngineStats struct {
	// Kind is EngineEcholot or EngineProbing; Stamps is StampsKernel or StampsUser.
	Kind, Stamps string
	// Mode4 and Mode6 are ModeDatagram or ModeRaw, or empty where no socket of the family may be opened.
	Mode4, Mode6 string
	// Sent echo requests and what came back to them; see models.PacketFigures.
	Sent, Received, Duplicates, Late, Forged, Stray, Short uint64
	// Reordered replies came after one to a later packet of the same check; they are counted as received too.
	Reordered uint64
	// ICMPErrors came from routers and hosts; SendErrors and SocketDrops are this machine's.
	ICMPErrors, SendErrors, SocketDrops uint64
	// CapGlobal, CapGroup and CapTarget are packets that had to wait for a cap, or were refused by it.
	CapGlobal, CapGroup, CapTarget uint64
	// InFlight is the number of checks under way.
	InFlight int
	// PacketsPerSecond is the cap on all packets that is kept to; 0 = none is.
	PacketsPerSecond int
	StampError       StampError
}

// probingStats say how pro-bing sends on this machine; it counts nothing itself.
func probingStats() EngineStats {
	abilities := ProbeAbilities()
	return EngineStats{Kind: EngineProbing, Stamps: StampsUser, Mode4: abilities.Mode("4"), Mode6: abilities.Mode("6")}
}

// EngineHere says what would send on this machine, and how, by trying; it has no counts.
func EngineHere(log *slog.Logger) EngineStats {
	p := NewPinger(NewResolver(""), models.TargetPolicy{}, Caps{}, log)
	defer p.Close()
	return p.Stats()
}

// StampError is |RTT by user-space stamps − RTT by kernel stamps| over Count packets.
type StampError struct {
	P50, P99 time.Duration
	Count    uint64
}

// WorkStats are what the scheduler has to do, and whether the sentinels are silent. Skipped, Shed and ClockSteps are since the start; see models.ProberFigures.
type WorkStats struct {
	Monitors, InFlight        int
	Skipped, Shed, ClockSteps int64
	Blind                     bool
}

// Work is the scheduler's load as of the last heartbeat, zero where this instance does not probe.
func (p *Prober) Work() WorkStats {
	s := p.stats.Load()
	if s == nil || p.Standby() {
		return WorkStats{}
	}
	return WorkStats{Monitors: s.Monitors, InFlight: s.Running, Skipped: s.Skipped, Shed: s.Shed, ClockSteps: int64(s.ClockSteps), Blind: p.sentinels.Blindness() != nil}
}

// Storage is what the recorder keeps.
func (p *Prober) Storage() models.StorageFigures {
	s := p.recorder.Stats()
	return models.StorageFigures{
		Waiting: int64(s.Waiting), WaitingBytes: s.WaitingBytes, SpoolResults: s.SpoolResults, SpoolBytes: s.SpoolBytes,
		Stored: s.Stored, Dropped: s.Dropped, Failing: s.Failing, OldestWaiting: s.OldestWaiting,
	}
}
