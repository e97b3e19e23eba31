package probe

import (
	"sync"
	"time"
)

// perMinute lets a key through once a minute, so that a log line per trouble does not become one per check.
type perMinute struct {
	mu   sync.Mutex
	last map[string]time.Time
}

func newPerMinute() *perMinute {
	return &perMinute{last: make(map[string]time.Time)}
}

func (p *perMinute) allow(key string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if last, seen := p.last[key]; seen && now.Sub(last) < time.Minute {
		return false
	}
	p.last[key] = now
	return true
}
