package models

import (
	"database/sql/driver"
	"encoding/json"
	"time"
)

// OnTime is how late after its slot a check may begin and still be on time.
const OnTime = 50 * time.Millisecond

// oldWaiting is how long results wait before a page says so: several times what a recorder under load takes.
const oldWaiting = 10 * time.Second

// failingWaiting is the same where the database has refused them: longer than one that is only tried again.
const failingWaiting = 2 * time.Second

// ProberFigures is what a prober says of its own work. It holds sums only, nothing of any tenant. Counts are since StartedAt.
// It is kept as JSON; durations in it are nanoseconds.
type ProberFigures struct {
	// StartedAt is when the prober's process started; zero = it said nothing of itself.
	StartedAt time.Time `json:"startedAt"`
	// Lately covers about the last hour, Ever the time since the start.
	Lately  Punctuality   `json:"lately"`
	Ever    Punctuality   `json:"ever"`
	Engine  EngineFigures `json:"engine"`
	Packets PacketFigures `json:"packets"`
	// Delayed are packets that had to wait for a cap, or were refused by it.
	Delayed CapFigures     `json:"delayed"`
	Storage StorageFigures `json:"storage"`
	// Skipped are slots that no check was made in, Shed those among them that are recorded as overload.
	Skipped int64 `json:"skipped"`
	Shed    int64 `json:"shed"`
	// ClockSteps is how often the clock was set, or the machine slept.
	ClockSteps int64 `json:"clockSteps"`
	// Sentinels are who tells whether this machine's own network works; Blind is set while they are silent.
	Sentinels []SentinelFigures `json:"sentinels,omitempty"`
	Blind     *Blindness        `json:"blind,omitempty"`
	// NotMeasured counts the results of OutcomeUnknown by their cause.
	NotMeasured map[Cause]int64 `json:"notMeasured,omitempty"`
}

// SentinelFigures say of a sentinel what it is and how it fares.
type SentinelFigures struct {
	// Host is its address, or the name that the operator gave.
	Host string `json:"host"`
	// Gateway is true where it is a default gateway that was found.
	Gateway bool `json:"gateway,omitempty"`
	// Counts is true where its silence means something: a gateway that has never answered does not count.
	Counts bool `json:"counts"`
	// Answers is true where its last request was answered.
	Answers bool `json:"answers"`
	// Trouble says why it is not asked, or not answered; empty for mere silence.
	Trouble string `json:"trouble,omitempty"`
}

// String says how it fares: "gateway 10.99.0.1 answers".
func (f SentinelFigures) String() string {
	name := f.Host
	if f.Gateway {
		name = "gateway " + name
	}
	switch {
	case f.Answers:
		return name + " answers"
	case f.Trouble != "":
		return name + " can not be asked: " + f.Trouble
	case !f.Counts:
		return name + " has never answered and does not count"
	default:
		return name + " is silent"
	}
}

// Punctuality is how late after their slots checks began.
type Punctuality struct {
	Since time.Time `json:"since"`
	// Checks began, and so many of them within OnTime.
	Checks int64 `json:"checks"`
	OnTime int64 `json:"onTime"`
	// P50 and P99 are quantiles of the lateness, within one per cent; zero where there were no checks.
	P50 time.Duration `json:"p50"`
	P99 time.Duration `json:"p99"`
}

// EngineFigures say what sends and how exact it is.
type EngineFigures struct {
	// Kind is "echolot" or "pro-bing".
	Kind string `json:"kind"`
	// Stamps is where the times of packets are taken: "kernel" or "user".
	Stamps string `json:"stamps"`
	// PacketsPerSecond is the cap on all packets; 0 = none is kept to.
	PacketsPerSecond int `json:"packetsPerSecond"`
	// ErrorP50 and ErrorP99 are quantiles of |RTT by user-space stamps − RTT by kernel stamps| over ErrorCount packets.
	ErrorP50   time.Duration `json:"errorP50"`
	ErrorP99   time.Duration `json:"errorP99"`
	ErrorCount int64         `json:"errorCount"`
}

// PacketFigures count echo requests and what came back. The names are those of echolot_packets_total.
type PacketFigures struct {
	Sent       int64 `json:"sent"`
	Received   int64 `json:"received"`
	Duplicates int64 `json:"duplicates"`
	Late       int64 `json:"late"`
	// Reordered came after the reply to a later packet of the same check; they are among the received.
	Reordered int64 `json:"reordered"`
	// Forged carried a wrong tag or came from another address, Stray belong to no check, Short had too few bytes.
	Forged int64 `json:"forged"`
	Stray  int64 `json:"stray"`
	Short  int64 `json:"short"`
	// ICMPErrors were sent by routers and hosts; SendErrors and SocketDrops are our own.
	ICMPErrors  int64 `json:"icmpErrors"`
	SendErrors  int64 `json:"sendErrors"`
	SocketDrops int64 `json:"socketDrops"`
}

// CapFigures count by the cap that bit.
type CapFigures struct {
	Global int64 `json:"global"`
	Group  int64 `json:"group"` // an organization's
	Target int64 `json:"target"`
}

// Any tells whether a cap bit at all.
func (c CapFigures) Any() bool { return c.Global+c.Group+c.Target > 0 }

// StorageFigures say what was measured and is not stored yet.
type StorageFigures struct {
	// Waiting results are in memory, SpoolResults in the spool's files.
	Waiting      int64 `json:"waiting"`
	WaitingBytes int64 `json:"waitingBytes"`
	SpoolResults int64 `json:"spoolResults"`
	SpoolBytes   int64 `json:"spoolBytes"`
	// Stored and Dropped since the start. Dropped are those that nothing had room for, that were damaged in the spool, or that
	// the database refused.
	Stored  int64 `json:"stored"`
	Dropped int64 `json:"dropped"`
	// Failing is true from a refused transaction to the next one that is committed.
	Failing bool `json:"failing"`
	// OldestWaiting is when the check of the oldest that waits began, in memory or in the spool; zero where none waits.
	OldestWaiting time.Time `json:"oldestWaiting"`
}

// Behind is how many results wait because the database was away; 0 where those that wait are only gathered for a batch.
func (f StorageFigures) Behind(now time.Time) int64 {
	limit := oldWaiting
	if f.Failing {
		limit = failingWaiting
	}
	if f.SpoolResults > 0 || f.Waiting > 0 && !f.OldestWaiting.IsZero() && now.Sub(f.OldestWaiting) > limit {
		return f.SpoolResults + f.Waiting
	}
	return 0
}

// Value stores the figures as text.
func (f ProberFigures) Value() (driver.Value, error) {
	b, err := json.Marshal(f)
	return string(b), err
}

// Scan reads the stored text. What another version wrote and this one can not read counts as nothing said: whether
// somebody probes must not depend on it.
func (f *ProberFigures) Scan(src any) error {
	*f = ProberFigures{}
	if err := scanJSON(src, f); err != nil {
		*f = ProberFigures{}
	}
	return nil
}
