package views

import (
	"strings"
	"testing"
	"time"

	"echolot/models"
)

// path makes a trace of hops written as "address", "address lost", "-" for silence, "address cause" or "?" for not asked.
func path(reached bool, hops ...string) *models.Trace {
	t := &models.Trace{At: time.Date(2026, 11, 25, 13, 0, 0, 0, time.UTC), Address: "10.91.0.2", Reached: reached}
	for i, text := range hops {
		h := models.Hop{TTL: i + 1, Sent: 3, Addresses: []string{}, RTTs: []int64{}}
		who, what, _ := strings.Cut(text, " ")
		switch {
		case who == "?":
			h.Sent = 0
		case who == "-":
			h.Lost = 3
		default:
			h.Addresses, h.RTTs = []string{who}, []int64{300, 310, 9000}
		}
		switch what {
		case "":
		case "lost":
			h.Lost, h.RTTs = 1, h.RTTs[:2]
		default:
			h.Cause = models.Cause(what)
		}
		t.Hops = append(t.Hops, h)
	}
	return t
}

func TestPathSaysWhereTheLossStarts(t *testing.T) {
	well := path(true, "10.0.0.1", "10.0.1.1", "10.91.0.2")
	for name, c := range map[string]struct {
		before, now *models.Trace
		// mark is the amber line's text, above which hop it stands; rows how many hops are drawn.
		mark, hop string
		rows      int
	}{
		"all well":            {well, well, "", "", 3},
		"nothing before":      {nil, well, "", "", 3},
		"seldom answers":      {well, path(true, "10.0.0.1", "10.0.1.1 lost", "10.91.0.2"), "", "", 3},
		"silent router":       {well, path(true, "10.0.0.1", "-", "10.91.0.2"), "", "", 3},
		"loss from hop 2":     {well, path(true, "10.0.0.1", "10.0.1.1 lost", "10.91.0.2 lost"), "Loss starts here", "2", 3},
		"loss on another way": {well, path(true, "10.0.0.1", "10.0.9.9 lost", "10.91.0.2 lost"), "Loss starts here: hop 2 changed from 10.0.1.1 to 10.0.9.9", "2", 3},
		"dropped past hop 2":  {well, path(false, "10.0.0.1", "10.0.1.1", "-", "-", "-", "-", "-"), "Nobody answers past hop 2, 10.0.1.1", "3", 4},
		"dropped, no before":  {nil, path(false, "10.0.0.1", "-", "-", "-", "-", "-"), "Nobody answers past hop 1, 10.0.0.1", "2–6", 2},
		"dropped at once":     {well, path(false, "-", "-", "-", "-", "-"), "Nobody answers, from the first hop on", "1", 4},
		"refused":             {well, path(false, "10.0.0.1", "10.0.1.1 host_unreachable"), "The way ends here: host unreachable, said 10.0.1.1", "2", 3},
		"a cap of ours":       {well, path(false, "10.0.0.1", "?", "?"), "", "", 3},
	} {
		t.Run(name, func(t *testing.T) {
			doc := draw(t, Path(c.before, c.now, c.now.At.Add(time.Minute)))
			rows := doc.Find("[data-testid=hop]")
			if rows.Length() != c.rows {
				t.Errorf("got %d hops, want %d", rows.Length(), c.rows)
			}
			mark := doc.Find("[data-testid=path-mark]")
			if got := strings.TrimSpace(mark.Text()); got != c.mark {
				t.Errorf("got the mark %q, want %q", got, c.mark)
			}
			if got := mark.Next().Find("th").Text(); got != c.hop {
				t.Errorf("got the mark above hop %q, want %q", got, c.hop)
			}
			if moved := doc.Find("td.moved").Length() > 0; moved != strings.Contains(c.mark, "changed") {
				t.Errorf("a changed address is dotted: got %t", moved)
			}
		})
	}
}

// The median of three probes stands for the hop, and who may not ask sees no button.
func TestPathPanel(t *testing.T) {
	now := path(true, "10.0.0.1")
	panel := PathPanel{After: now, Now: now.At, Action: "/monitors/x/trace", CSRF: "token"}
	doc := draw(t, MonitorPath(panel))
	if got := doc.Find("td.rtt-c").Text(); got != "0.310" {
		t.Errorf("got %q ms, want the median 0.310", got)
	}
	if got, _ := doc.Find("form[action='/monitors/x/trace'] input[name=_csrf]").Attr("value"); got != "token" {
		t.Errorf("got the token %q, want the session's", got)
	}
	panel.Action = ""
	if doc = draw(t, MonitorPath(panel)); doc.Find("form").Length() != 0 {
		t.Error("a reader sees a form, want none")
	}
	if doc = draw(t, MonitorPath(PathPanel{})); !strings.Contains(doc.Text(), "No trace yet") {
		t.Errorf("without a trace: got %q", doc.Text())
	}
}

// A failure's trace is not called now, and a short way from before is not spread over hops that it never had.
func TestPathAtTheFailure(t *testing.T) {
	before, failed := path(true, "127.0.3.10"), path(false, "-", "-", "-", "-", "-")
	failed.Kind = models.TraceFailure
	doc := draw(t, Path(before, failed, failed.At.Add(time.Hour)))
	if head := doc.Find("thead").Text(); !strings.Contains(head, "At the failure, ") || !strings.Contains(head, "Last good, ") || strings.Contains(head, "Now") {
		t.Errorf("the head says %q, want the failure and the last good one", head)
	}
	rows := doc.Find("[data-testid=hop]")
	if first, rest := rows.First().Text(), rows.Last().Text(); rows.Length() != 2 || !strings.HasPrefix(strings.TrimSpace(first), "1127.0.3.10") || !strings.HasPrefix(strings.TrimSpace(rest), "2–5no answer") {
		t.Errorf("got %d rows, %q and %q; want hop 1 beside 127.0.3.10, and 2–5 alone", rows.Length(), first, rest)
	}
}
