package views

import (
	"strconv"
	"time"

	"echolot/models"
)

// LivePage is a monitor measured live: for those who are signed in, and by a link for somebody outside.
type LivePage struct {
	Page
	// Name is the monitor's. Host is as it was typed, and PublicID the monitor's; both are empty by a link.
	Name, Host, PublicID string
	Session              models.LiveSession
	// Running is true while packets are sent or awaited.
	Running bool
	// Lines are the last ones, oldest first, and Summary is of all.
	Lines   []models.LivePacket
	Summary models.LiveSummary
	// ShowHost lets addresses be seen.
	ShowHost bool
	// Events is the URL of the page's own stream; empty where nothing was measured yet.
	Events string
	// MayStart shows the forms; Paused says why there is none.
	MayStart, Paused bool
	MaxRate          int
	// Values and Errors are the form's: rate, minutes; Refused stands above it.
	Values, Errors map[string]string
	Refused        string
	// Link is the one just made, shown this once, and LinkUntil how long it works.
	Link      string
	LinkUntil time.Time
	Now       time.Time
}

// ShownLive is how many lines a page shows before its stream brings more.
const ShownLive = 60

func (p LivePage) path(what string) string { return "/monitors/" + p.PublicID + "/live" + what }

func (p LivePage) number(name, label, unit, standard string) field {
	value := p.Values[name]
	if value == "" {
		value = standard
	}
	return field{Name: name, Label: label, Unit: unit, Number: true, Value: value, Error: p.Errors[name]}
}

// rate is the form's standard: quick enough to see, and allowed.
func (p LivePage) rate() string { return strconv.Itoa(min(5, p.MaxRate)) }

// began is true where something was measured.
func (p LivePage) began() bool { return p.Session.ID != 0 }

// pace says how fast the packets follow each other.
func (p LivePage) pace() string {
	return count(p.Session.Rate, "packet", "packets") + " a second"
}

// ended says why nothing is sent any more.
func (p LivePage) ended() string {
	if p.Session.Why == "" {
		return "over"
	}
	return p.Session.Why
}

// liveClass is a line's, by what became of its packet.
func liveClass(p models.LivePacket) string {
	switch p.Fate {
	case models.LiveReply:
		if p.Reordered {
			return "odd"
		}
		return "ok"
	case models.LiveLost, models.LiveRefused:
		return "bad"
	default:
		return "odd"
	}
}

// liveText is a line as ping writes it. Without host it names no address.
func liveText(p models.LivePacket, host bool) string {
	seq := "seq=" + strconv.FormatInt(p.Seq, 10)
	from := "reply: "
	if host && p.Source != "" {
		from = "from " + p.Source + ": "
	}
	answer := from + seq
	if p.TTL > 0 {
		answer += " ttl=" + number(p.TTL)
	}
	answer += " time=" + milliseconds(time.Duration(p.RTT)*time.Microsecond) + nbsp + "ms"
	switch p.Fate {
	case models.LiveReply:
		if p.Reordered {
			answer += " (out of order)"
		}
		return answer
	case models.LiveDuplicate:
		return answer + " (again)"
	case models.LiveLate:
		return answer + " (late, counted as lost)"
	case models.LiveRefused:
		source := ""
		if host {
			source = p.Source
		}
		return seq + " " + CauseText(p.Cause, source, 0, 1)
	case models.LiveUnmeasured:
		return seq + " not sent: " + CauseText(p.Cause, "", 0, 1)
	default:
		return seq + " no reply in 2" + nbsp + "s"
	}
}

// liveCounts is ping's first line of the end.
func liveCounts(s models.LiveSummary) string {
	text := count(s.Sent, "packet", "packets") + " sent, " + thousands(int64(s.Received)) + " received, " + percent(s.LossPercent()) + nbsp + "% loss"
	for _, more := range []struct {
		n    int
		word string
	}{{s.Refused, "refused"}, {s.Late, "late"}, {s.Duplicates, "came twice"}, {s.Reordered, "out of order"}, {s.Unmeasured, "not sent"}} {
		if more.n > 0 {
			text += ", " + thousands(int64(more.n)) + " " + more.word
		}
	}
	return text
}

// liveRTTs is ping's second line; empty without a reply.
func liveRTTs(s models.LiveSummary) string {
	if s.Received == 0 {
		return ""
	}
	return "RTT min/avg/max/mdev " + milliseconds(s.Min) + "/" + milliseconds(s.Avg()) + "/" + milliseconds(s.Max) + "/" + milliseconds(s.Deviation()) + nbsp + "ms"
}
