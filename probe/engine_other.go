//go:build !linux

package probe

import (
	"log/slog"

	"echolot/models"
)

// Parallel is how many checks may be under way at once.
const Parallel = defaultParallel

// EnginePinger is pro-bing on this system: the packet engine needs Linux.
type EnginePinger struct{ *ProbingPinger }

// NewPinger makes the pinger for this system. pro-bing keeps to no caps.
func NewPinger(resolver *Resolver, policy models.TargetPolicy, _ Caps, log *slog.Logger) *EnginePinger {
	return &EnginePinger{NewProbingPinger(resolver, policy, log)}
}

// Kind names what sends.
func (p *EnginePinger) Kind() string { return EngineProbing }

// Abilities are what this process may open.
func (p *EnginePinger) Abilities() Abilities { return ProbeAbilities() }

// Stats say how it sends; pro-bing counts nothing itself.
func (p *EnginePinger) Stats() EngineStats { return probingStats() }
