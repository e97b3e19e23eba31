package models

import "time"

// Rule is when a verdict falls. Limits of loss and latency are not judged yet.
type Rule struct {
	// Confirmations is the number of failed checks in a row that make a monitor down, the first included.
	Confirmations int
	// Recoveries is the number of good checks in a row that make a monitor that is down up again.
	Recoveries int
	// Retry is the pause before a confirming check.
	Retry time.Duration
}
