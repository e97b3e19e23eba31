package models

import (
	"fmt"
	"time"
)

// BreachKind is the figure of which a limit was reached.
type BreachKind string

// The kinds of breach.
const (
	BreachLoss    BreachKind = "loss"
	BreachAverage BreachKind = "avg"
	BreachP95     BreachKind = "p95"
)

// Breach is which limit of a rule was reached, and by how much: what a state says of itself beside a cause.
type Breach struct {
	What BreachKind
	// Value and Limit are percent of loss, or milliseconds.
	Value, Limit float64
	// Window is what the value is of; 0 = one check.
	Window time.Duration
	// Clearing is true where Limit is the one that ends a trouble, not the one that makes it.
	Clearing bool
}

// text packs the breach for MonitorState.Reason; empty for none.
func (b Breach) text() string {
	if b.What == "" {
		return ""
	}
	return fmt.Sprintf("%s %.3f %g %d %t", b.What, b.Value, b.Limit, int(b.Window/time.Second), b.Clearing)
}

// ParseBreach reads a MonitorState.Reason; ok is false where it is empty.
func ParseBreach(reason string) (b Breach, ok bool) {
	var seconds int
	if _, err := fmt.Sscanf(reason, "%s %g %g %d %t", &b.What, &b.Value, &b.Limit, &seconds, &b.Clearing); err != nil {
		return Breach{}, false
	}
	b.Window = time.Duration(seconds) * time.Second
	return b, true
}
