package views

import (
	"strconv"
	"strings"
	"time"

	"echolot/models"
)

// MonitorPage is one monitor: what is measured now, its last checks, its settings.
type MonitorPage struct {
	Page
	Live LiveMonitor
	// Hostname is as it was typed.
	Name, Hostname, Customer, CustomerPublicID string
	// IntervalSeconds is the time between two checks.
	IntervalSeconds int
	// Checks are the last ones, newest first; at most ShownChecks are drawn.
	Checks []Check
	// Chart is the monitor's history.
	Chart ChartPanel
	// Uptimes are the shares of time that the monitor was up, for spans that end now.
	Uptimes []Uptime
	// Settings are shown as they are, in order.
	Settings []Setting
	Warnings []string
	Path     PathPanel
	// Incidents are the monitor's last ones.
	Incidents MonitorIncidents
	// MayEdit allows everything, MaySetStatus pause, resume and maintenance.
	MayEdit, MaySetStatus bool
}

// ShownChecks is how many checks the page of a monitor shows.
const ShownChecks = 50

// Setting is one line of the settings: a word and a sentence.
type Setting struct{ Label, Text string }

// Check is one check as its monitor's page shows it.
type Check struct {
	// MonitorPublicID and ID find the row again when the stream sends it twice.
	MonitorPublicID, ID string
	Result              models.Result
	// Now is when this is drawn.
	Now time.Time
}

// row is the list's row of the same monitor: the page's actions are the row's.
func (p MonitorPage) row() MonitorRow {
	return MonitorRow{Live: p.Live, Name: p.Name, Hostname: p.Hostname, Customer: p.Customer, IntervalSeconds: p.IntervalSeconds,
		MayEdit: p.MayEdit, MaySetStatus: p.MaySetStatus, CSRF: p.CSRF}
}

// word is the check's own, not the monitor's.
func (c Check) word() string { return OutcomeWord(c.Result.Outcome) }

// note is what else is to say of the check; empty mostly.
func (c Check) note() string {
	var notes []string
	source := ""
	if c.Result.CauseSource.IsValid() {
		source = c.Result.CauseSource.String()
	}
	if c.Result.Cause != models.CauseTimeout || c.Result.Received == 0 {
		if text := CauseText(c.Result.Cause, source, c.Result.CauseMTU, c.Result.Sent); text != "" {
			notes = append(notes, text)
		}
	}
	if c.Result.Late > 0 {
		notes = append(notes, count(c.Result.Late, "late reply", "late replies")+" not counted")
	}
	if c.Result.Duplicates > 0 {
		notes = append(notes, count(c.Result.Duplicates, "reply", "replies")+" came twice")
	}
	if k := kindNote(c.Result.Kind); k != "" {
		notes = append(notes, k)
	}
	return strings.Join(notes, "; ")
}

// kindNote tells why a check was made out of turn.
func kindNote(k models.Kind) string {
	switch k {
	case models.KindManual:
		return "asked for"
	case models.KindConfirm:
		return "asked again"
	case models.KindBurst:
		return "asked again at once"
	}
	return ""
}

// packetText is what became of one packet, for its place in the list.
func packetText(p models.Packet) string {
	switch p.State {
	case models.PacketReplied:
		return milliseconds(p.RTT) + nbsp + "ms"
	case models.PacketLate:
		return "late, not counted"
	default:
		return packetWord(p)
	}
}

// spokenPackets is how many packets a strip's name tells one by one; of more it tells the sum.
const spokenPackets = 12

// packetsLabel names the strip: what happened in one breath, in the order sent.
func (c Check) packetsLabel() string {
	text := strconv.Itoa(c.Result.Received) + " of " + count(c.Result.Sent, "packet", "packets") + " answered"
	if n := len(c.Result.Packets); n <= spokenPackets {
		words := make([]string, n)
		for i, p := range c.Result.Packets {
			words[i] = packetWord(p)
		}
		text += ": " + strings.Join(words, ", ")
	} else if refused := c.Result.Refused(); refused > 0 {
		text += ", " + thousands(int64(refused)) + " refused"
	}
	return text + "; show each"
}

// packetWord is what became of one packet.
func packetWord(p models.Packet) string {
	switch p.State {
	case models.PacketReplied:
		return "reply"
	case models.PacketLate:
		return "late"
	case models.PacketRefused:
		return "refused"
	default:
		return "lost"
	}
}

// repliedFrom is the address that was pinged, with the TTL of its last reply.
func (c Check) repliedFrom() string {
	if !c.Result.Address.IsValid() {
		return ""
	}
	if c.Result.ReplyTTL == 0 {
		return "to " + c.Result.Address.String()
	}
	return "from " + c.Result.Address.String() + ", reply TTL" + nbsp + strconv.Itoa(c.Result.ReplyTTL)
}

// lossClass weighs the loss of the check.
func (c Check) lossClass() string {
	switch {
	case c.Result.Received == c.Result.Sent:
		return "num"
	case c.Result.Received == 0:
		return "num lv-loss all"
	default:
		return "num lv-loss some"
	}
}

// jitter is the check's, from its packets; empty where there were not two replies.
func (c Check) jitter() string {
	f, ok := c.Result.RTTs()
	if !ok || c.Result.Received < 2 {
		return ""
	}
	return milliseconds(f.Jitter)
}

// jitter is the last check's.
func (p MonitorPage) jitter() string {
	if len(p.Checks) == 0 {
		return ""
	}
	return p.Checks[0].jitter()
}
