package handlers

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"echolot/models"
	"echolot/views"

	ics "github.com/arran4/golang-ical"
	"github.com/gofiber/fiber/v2"
)

// showCalendar is the page's maintenance as an iCalendar (RFC 5545), to subscribe to.
func (s *Server) showCalendar(c *fiber.Ctx, p models.StatusPage, v views.StatusPage) error {
	cal := ics.NewCalendar()
	cal.SetProductId("-//Echolot//Status page//EN")
	cal.SetMethod(ics.MethodPublish)
	name := plain(v.Board.Name) + ", " + v.T("maintenance")
	cal.SetName(name) // RFC 7986 §5.1, and the older name of the same
	cal.SetXWRCalName(name)
	cal.SetXWRTimezone(v.Board.TimeZone)
	cal.SetRefreshInterval("PT1H") // the library writes its VALUE=DURATION
	cal.SetXPublishedTTL("PT1H")
	for _, n := range slices.Concat(v.Board.Announced, v.Board.Open, v.Board.Past) {
		if n.Kind != models.KindMaintenance {
			continue
		}
		e := cal.AddEvent(n.ID.String())
		// A calendar that is asked for again is the same until something changes: its stamp is when that was, and the sequence grows
		// with it (RFC 5545 §3.8.7.4).
		e.SetDtStampTime(n.UpdatedAt.UTC())
		e.SetLastModifiedAt(n.UpdatedAt.UTC())
		e.SetSequence(int(max(0, n.UpdatedAt.Unix()-n.CreatedAt.Unix())))
		from, to, status := n.StartsAt, n.EndsAt, ics.ObjectStatusConfirmed
		if n.Cancelled { // it keeps its place in people's calendars, struck out
			from, to, status = n.PlannedFrom, n.PlannedTo, ics.ObjectStatusCancelled
		}
		e.SetStartAt(from.UTC())
		if !to.IsZero() {
			e.SetEndAt(to.UTC())
		}
		e.SetSummary(plain(v.NoticeTitle(n)))
		e.SetDescription(plain(calendarText(v, n)))
		e.SetURL(s.noticeAddress(p, n))
		e.SetStatus(status)
		e.SetTimeTransparency(ics.TransparencyTransparent) // it keeps nobody from meeting
	}
	if len(cal.Events()) == 0 {
		// A calendar has one component at least (RFC 5545 §3.6), or programs refuse to subscribe to it: the zone of its times says the
		// least (§3.6.5).
		standard := ics.NewStandard()
		standard.SetProperty(ics.ComponentPropertyDtStart, "19700101T000000")
		standard.SetProperty(ics.ComponentProperty(ics.PropertyTzoffsetfrom), "+0000")
		standard.SetProperty(ics.ComponentProperty(ics.PropertyTzoffsetto), "+0000")
		zone := cal.AddTimezone("UTC")
		zone.Components = append(zone.Components, standard)
	}
	var b bytes.Buffer
	if err := cal.SerializeTo(&b, ics.WithNewLineWindows); err != nil {
		return fmt.Errorf("writing a status page's calendar: %w", err)
	}
	return sendFile(c, p, "text/calendar; charset=utf-8", b.Bytes())
}

// calendarText is what is affected and all that was told, newest first.
func calendarText(v views.StatusPage, n models.StatusNotice) string {
	var parts []string
	if len(n.Components) > 0 {
		parts = append(parts, v.T("Affects: %s", strings.Join(n.Components, ", ")))
	}
	for _, u := range n.Updates {
		text := strings.TrimSpace(u.Body)
		if word := v.PostState(u.State); word != "" {
			text = word + ": " + text
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, "\n\n")
}

// plain is the text without what neither XML nor iCalendar has a place for: control characters, but for ends of lines.
func plain(s string) string {
	s = strings.ToValidUTF8(strings.ReplaceAll(s, "\r\n", "\n"), "�")
	return strings.Map(func(r rune) rune {
		if r != '\n' && (unicode.IsControl(r) || r == '\ufffe' || r == '\uffff') {
			return ' '
		}
		return r
	}, s)
}
