package handlers

import (
	"context"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"echolot/models"
	"echolot/models/modelstest"

	"github.com/gofiber/fiber/v2"
)

// pastDay is when the houses of pasts begin.
var pastDay = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

// pasts runs f with a house whose clock says two o'clock of pastDay; its first monitor was checked each minute since midnight, and
// was silent from 1:00 to 1:04.
func pasts(t *testing.T, f func(h *house)) {
	t.Helper()
	now := pastDay
	modelstest.Stores(t, func(t *testing.T, store *models.Store) {
		now = pastDay
		h := newHouse(t, store)
		now = pastDay.Add(2 * time.Hour)
		var results []models.Result
		for minute := range 120 {
			r := models.Result{Monitor: h.monitor.ID, Rev: h.monitor.Rev, Location: models.LocationID, Slot: pastDay.Add(time.Duration(minute) * time.Minute).UnixMilli(),
				Kind: models.KindScheduled, Outcome: models.OutcomeSuccess, Sent: 2, Received: 2, ReplyTTL: 57,
				Packets: []models.Packet{{State: models.PacketReplied, RTT: 10 * time.Millisecond}, {State: models.PacketReplied, RTT: 12 * time.Millisecond}}}
			if minute >= 60 && minute < 65 {
				r.Outcome, r.Cause, r.Received, r.ReplyTTL, r.Packets = models.OutcomeFailure, models.CauseTimeout, 0, 0, make([]models.Packet, 2)
			}
			results = append(results, r)
		}
		if _, err := store.RecordResults(context.Background(), results, models.Judge); err != nil {
			t.Fatal(err)
		}
		f(h)
	}, func(o *models.Options) { o.Now = func() time.Time { return now } })
}

func TestGoldenDetails(t *testing.T) {
	pasts(t, func(h *house) {
		b, admin := &book{h: h}, h.token("admin@example.com")
		one := monitorsPath + "/" + h.monitor.PublicID.String() + "/details"
		b.ask("by the hour", admin, "GET", one+"?startDate=2026-03-01T00:00:00Z&endDate=2026-03-01T02:00:00Z&granularity=1h", "")
		b.ask("each check", admin, "GET", one+"?startDate=2026-03-01T00:59:00.000Z&endDate=2026-03-01T01:01:00Z&granularity=raw", "")
		b.ask("one day", admin, "GET", one+"?date=2026-03-01&granularity=1d&excludeMaintenance=true", "")
		b.ask("nothing measured", admin, "GET", monitorsPath+"/"+h.hidden.PublicID.String()+"/details?range=week&date=2026-03-01", "")
		b.ask("everything wrong", admin, "GET", one+"?range=decade&startDate=yesterday&endDate=0001-01-01&date=x&granularity=2h&excludeMaintenance=maybe", "")
		b.ask("an empty range", admin, "GET", one+"?startDate=2026-03-02&endDate=2026-03-01", "")
		b.ask("too long a range", admin, "GET", one+"?startDate=1990-01-01&endDate=2026-03-01", "")
		b.ask("too many steps", admin, "GET", one+"?startDate=2020-01-01&endDate=2026-03-01&granularity=5m", "")
		b.ask("no identifier", admin, "GET", monitorsPath+"/1/details", "")
		b.ask("somebody else's", admin, "GET", monitorsPath+"/"+h.foreignOne.PublicID.String()+"/details?date=2026-03-01", "")
		b.close("details")
	})
}

// TestDetailsSayWhatWas: the figures are those of what was stored, each for itself.
func TestDetailsSayWhatWas(t *testing.T) {
	pasts(t, func(h *house) {
		var d struct {
			LatestCheck     struct{ Status string }
			UptimeStats     struct{ Day, Month, Year string }
			UptimeStatsMeta struct {
				Day, Range struct{ MeasuredMs, UpMs, DownMs, NotMeasuredMs, Checks int64 }
			}
			MonitoringData []struct{ Checks, Failures, LossRun, DownMs int64 }
			Incidents      []struct{ Type, Status, Duration string }
			TestResultLog  []struct{ Status string }
		}
		h.api(h.token("readonly@example.com"), "GET", monitorsPath+"/"+h.monitor.PublicID.String()+"/details?date=2026-03-01&granularity=1h", "").decode(h.t, &d)
		// 5 of 120 minutes: 95.83333 %, cut.
		if d.UptimeStats.Day != "95.83" || d.UptimeStats.Month != "95.83" || d.UptimeStats.Year != "95.83" || d.LatestCheck.Status != "success" {
			h.t.Errorf("got %+v and %+v, want 95.83 and success", d.UptimeStats, d.LatestCheck)
		}
		if day := d.UptimeStatsMeta.Day; day.MeasuredMs != 7_200_000 || day.UpMs != 6_900_000 || day.DownMs != 300_000 || day.NotMeasuredMs != 0 || day.Checks != 120 {
			h.t.Errorf("got %+v, want two hours measured, five minutes of them down", day)
		}
		if len(d.MonitoringData) != 2 || d.MonitoringData[1].Failures != 5 || d.MonitoringData[1].LossRun != 10 || d.MonitoringData[1].DownMs != 300_000 {
			h.t.Errorf("got %+v, want two hours, the second with five failures", d.MonitoringData)
		}
		if len(d.Incidents) != 1 || d.Incidents[0].Type != "downtime" || d.Incidents[0].Status != "resolved" || d.Incidents[0].Duration != "5m" {
			h.t.Errorf("got %+v, want an incident of five minutes", d.Incidents)
		}
		if len(d.TestResultLog) != models.DetailsChecks {
			h.t.Errorf("got %d checks, want %d", len(d.TestResultLog), models.DetailsChecks)
		}
	})
}

// TestDetailsRange: what the address says becomes a time, given what the clock says.
func TestDetailsRange(t *testing.T) {
	now := time.Date(2026, 3, 4, 10, 30, 0, 0, time.UTC) // a Wednesday
	app := fiber.New()
	var got string
	app.Get("/", func(c *fiber.Ctx) error {
		r, err := detailsRange(c, now)
		if got = fmt.Sprintf("%s to %s", r.From.Format("2006-01-02 15:04"), r.To.Format("2006-01-02 15:04")); err != nil {
			got = err.Error()
		}
		return nil
	})
	for query, want := range map[string]string{
		"":                                     "2026-03-03 10:30 to 2026-03-04 10:30",
		"range=week":                           "2026-02-25 10:30 to 2026-03-04 10:30",
		"date=2026-03-03":                      "2026-03-03 00:00 to 2026-03-04 00:00",
		"date=2026-03-04":                      "2026-03-04 00:00 to 2026-03-04 10:30",
		"range=week&date=2026-03-01T09:00:00Z": "2026-02-23 00:00 to 2026-03-02 00:00",
		"range=month&date=2026-02-11":          "2026-02-01 00:00 to 2026-03-01 00:00",
		"range=year&date=2025-02-11":           "2025-01-01 00:00 to 2026-01-01 00:00",
		"startDate=2026-03-01":                 "2026-03-01 00:00 to 2026-03-04 10:30",
		"range=week&endDate=2026-02-28":        "2026-02-22 00:00 to 2026-03-01 00:00",
		"range=year&startDate=2026-02-01&endDate=2026-02-01":                 "2026-02-01 00:00 to 2026-02-02 00:00",
		"startDate=2026-03-01T12:00:00%2B02:00&endDate=2026-03-01T11:00:00Z": "2026-03-01 10:00 to 2026-03-01 11:00",
		"start=2026-03-01&end=2026-03-02":                                    "2026-03-01 00:00 to 2026-03-03 00:00",
		"start=2026-03-05":                                                   "start: start must be before endDate, and not in the future",
		"start=2026-03-01&startDate=2026-03-01":                              "start: start is another name of startDate: give one of them",
		"startDate=1900-01-01":                                               "startDate: startDate must be between the years 1970 and 9999",
		"startDate=2026-03-05":                                               "startDate: startDate must be before endDate, and not in the future",
		"date=2026-03-09":                                                    "startDate: startDate must be before endDate, and not in the future",
		"startDate=2026-03-01T00:00:00":                                      "startDate: startDate must be an ISO 8601 time like 2026-02-26T12:00:00.000Z, or a date",
	} {
		resp, err := app.Test(httptest.NewRequest("GET", "/?"+query, strings.NewReader("")))
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if got != want {
			t.Errorf("%s: got %q, want %q", query, got, want)
		}
	}
}
