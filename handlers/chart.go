package handlers

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strconv"
	"time"

	"echolot/models"
	"echolot/views"

	"github.com/gofiber/fiber/v2"
)

// chartPoints is how many steps a chart has, about: more would be thinner than a pixel on a phone.
const chartPoints = 300

// smoke reads what the chart of a monitor shows.
func (s *Server) smoke(c *fiber.Ctx, m models.MonitorRow, q chartQuery) (views.Smoke, error) {
	ctx, by := c.UserContext(), actorOf(c)
	series, err := s.Store.Series(ctx, by, m.PublicID, models.SeriesRange{From: q.from, To: q.to, Points: chartPoints})
	if err != nil {
		return views.Smoke{}, err
	}
	incidents, err := s.Store.IncidentsBetween(ctx, by, m.PublicID, q.from, q.to)
	if err != nil {
		return views.Smoke{}, err
	}
	series.From, series.To = q.from, q.to
	smoke := views.Smoke{Series: series, Begun: m.CreatedAt, Interval: m.Interval(), Zone: q.zone, Limits: smokeLimits(m.Config)}
	for _, i := range incidents {
		smoke.Flags = append(smoke.Flags, views.SmokeFlag{Kind: i.Type, Start: i.StartedAt, End: i.EndedAt})
	}
	return smoke, nil
}

// smokeLimits are the round-trip times that the monitor's rule names.
func smokeLimits(config models.IcmpConfig) []views.SmokeLimit {
	var limits []views.SmokeLimit
	for _, l := range []struct {
		ms   *float64
		text string
	}{{config.DegradedLatencyMs, "degraded"}, {config.FailedLatencyMs, "failed"}} {
		if l.ms != nil && *l.ms > 0 {
			limits = append(limits, views.SmokeLimit{RTT: time.Duration(*l.ms * float64(time.Millisecond)),
				Text: l.text + " from " + strconv.FormatFloat(*l.ms, 'f', -1, 64) + " ms"})
		}
	}
	return limits
}

// chartPanel is the chart as its monitor's page shows it.
func (s *Server) chartPanel(c *fiber.Ctx, m models.MonitorRow) (views.ChartPanel, error) {
	now := time.Now()
	q, err := chartRange(c, now)
	if err != nil {
		return views.ChartPanel{}, err
	}
	smoke, err := s.smoke(c, m, q)
	return views.ChartPanel{Smoke: smoke, PublicID: m.PublicID.String(), Range: q.name, Live: q.live, Now: now, TZ: c.Query("tz")}, err
}

// showChart is the chart as a file of its own, for whoever saves it or puts it elsewhere.
func (s *Server) showChart(c *fiber.Ctx) error {
	m, err := s.monitorOfPath(c)
	if err != nil {
		return err
	}
	q, err := chartRange(c, time.Now())
	if err != nil {
		return err
	}
	width := views.SmokeWidths[0]
	if asked := c.Query("width"); asked != "" {
		width, err = strconv.Atoi(asked)
		if err != nil || !slices.Contains(views.SmokeWidths[:], width) {
			return badField("width", "width must be 1184, 704 or 342")
		}
	}
	theme := c.Query("theme", "light")
	if theme != "light" && theme != "dark" {
		return badField("theme", "theme must be light or dark")
	}
	smoke, err := s.smoke(c, m, q)
	if err != nil {
		return err
	}
	file := views.SmokeFile(smoke, m.Name, width, theme)
	sum := sha256.Sum256(file)
	tag := `"` + hex.EncodeToString(sum[:12]) + `"`
	c.Set(fiber.HeaderETag, tag)
	// A copy may be kept, but only by who asked, and is asked for anew each time: it may hold what was measured a moment ago.
	c.Set(fiber.HeaderCacheControl, "private, no-cache")
	c.Set(fiber.HeaderContentType, "image/svg+xml; charset=utf-8")
	if c.Get(fiber.HeaderIfNoneMatch) == tag {
		return c.SendStatus(http.StatusNotModified)
	}
	return c.Send(file)
}
