package handlers

import (
	"math"
	"time"

	"echolot/models"

	"github.com/gofiber/fiber/v2"
)

// detailsAnswer is all that is told of one monitor. The keys are the reference's; what is in uptimeStatsMeta, monitoringData,
// incidents and testResultLog is ours.
type detailsAnswer struct {
	IcmpMonitorID  int64           `json:"icmpMonitorId"`
	Monitor        shownMonitor    `json:"monitor"`
	LatestCheck    *latestCheck    `json:"latestCheck"`
	UptimeStats    uptimeStats     `json:"uptimeStats"`
	UptimeMeta     uptimeMeta      `json:"uptimeStatsMeta"`
	MonitoringData any             `json:"monitoringData"` // []bucketItem, or []checkItem where each check was asked for
	Incidents      []historyItem   `json:"incidents"`
	Alerts         []struct{}      `json:"alerts"`
	TestResultLog  []checkItem     `json:"testResultLog"`
	Maintenance    maintenanceInfo `json:"maintenance"`
}

type latestCheck struct {
	Status       models.Outcome `json:"status"`
	CheckedAt    isoTime        `json:"checkedAt"`
	TimingIcmp   *int64         `json:"timingIcmp"`
	LocationCode string         `json:"locationCode"`
	LocationName string         `json:"locationName"`
}

// uptimeStats are percent with two decimals, cut and never rounded, and milliseconds; null where nothing was measured.
type uptimeStats struct {
	Day              *string  `json:"day"`
	Month            *string  `json:"month"`
	Year             *string  `json:"year"`
	DayAvgResponse   *float64 `json:"dayAvgResponse"`
	MonthAvgResponse *float64 `json:"monthAvgResponse"`
	YearAvgResponse  *float64 `json:"yearAvgResponse"`
}

// uptimeMeta is how the figures came about.
type uptimeMeta struct {
	ExcludeMaintenance bool        `json:"excludeMaintenance"`
	Day                uptimeItem  `json:"day"`
	Month              uptimeItem  `json:"month"`
	Year               uptimeItem  `json:"year"`
	Range              uptimeRange `json:"range"`
}

// uptimeItem is a time taken apart: measuredMs = upMs + degradedMs + downMs, and uptime = (upMs + degradedMs) / measuredMs.
type uptimeItem struct {
	From          isoTime `json:"from"`
	To            isoTime `json:"to"`
	MeasuredMs    int64   `json:"measuredMs"`
	UpMs          int64   `json:"upMs"`
	DegradedMs    int64   `json:"degradedMs"`
	DownMs        int64   `json:"downMs"`
	NotMeasuredMs int64   `json:"notMeasuredMs"`
	MaintenanceMs int64   `json:"maintenanceMs"`
	Checks        int     `json:"checks"`
}

// uptimeRange is the same of the range that was asked for; stepSeconds is the length of the buckets of monitoringData, 0 where each
// is a check.
type uptimeRange struct {
	uptimeItem
	Uptime      *string  `json:"uptime"`
	AvgResponse *float64 `json:"avgResponse"`
	StepSeconds int64    `json:"stepSeconds"`
}

type maintenanceInfo struct {
	InMaintenance bool       `json:"inMaintenance"`
	ActiveWindows []struct{} `json:"activeWindows"`
	AllWindows    []struct{} `json:"allWindows"`
}

// bucketItem is what was measured in one stretch of time; see models.Bucket. Round-trip times are milliseconds, null without a
// reply; the loss is percent, null where nothing was sent.
type bucketItem struct {
	StartedAt     isoTime  `json:"startedAt"`
	LengthMs      int64    `json:"lengthMs"`
	UpMs          int64    `json:"upMs"`
	DegradedMs    int64    `json:"degradedMs"`
	DownMs        int64    `json:"downMs"`
	UnknownMs     int64    `json:"unknownMs"`
	MaintenanceMs int64    `json:"maintenanceMs"`
	Checks        int      `json:"checks"`
	Successes     int      `json:"successes"`
	Warnings      int      `json:"warnings"`
	Failures      int      `json:"failures"`
	Unknowns      int      `json:"unknowns"`
	Sent          int      `json:"sent"`
	Received      int      `json:"received"`
	PacketLoss    *float64 `json:"packetLoss"`
	LossRun       int      `json:"lossRun"`
	Min           *float64 `json:"min"`
	Avg           *float64 `json:"avg"`
	Max           *float64 `json:"max"`
	P5            *float64 `json:"p5"`
	P25           *float64 `json:"p25"`
	P50           *float64 `json:"p50"`
	P75           *float64 `json:"p75"`
	P95           *float64 `json:"p95"`
	ReplyTTL      *int     `json:"replyTtl"`
	Address       *string  `json:"address"`
}

func newBucketItem(b models.Bucket) bucketItem {
	item := bucketItem{StartedAt: isoTime{b.Start}, LengthMs: b.Length.Milliseconds(), UpMs: b.Up.Milliseconds(), DegradedMs: b.Degraded.Milliseconds(),
		DownMs: b.Down.Milliseconds(), UnknownMs: b.Unknown.Milliseconds(), MaintenanceMs: b.Maintenance.Milliseconds(), Checks: b.Checks(),
		Successes: b.Successes, Warnings: b.Warnings, Failures: b.Failures, Unknowns: b.Unknowns, Sent: b.Sent, Received: b.Received, LossRun: b.LossRun,
		Address: nonEmpty(b.Address)}
	if b.Sent > 0 {
		loss := math.Round(b.LossPercent()*100) / 100
		item.PacketLoss = &loss
	}
	if b.ReplyTTL > 0 {
		item.ReplyTTL = &b.ReplyTTL
	}
	if b.Received > 0 {
		v := [...]float64{ms(b.RTTMin), ms(b.RTTAvg), ms(b.RTTMax), ms(b.Quantiles[0]), ms(b.Quantiles[1]), ms(b.Quantiles[2]), ms(b.Quantiles[3]), ms(b.Quantiles[4])}
		item.Min, item.Avg, item.Max, item.P5, item.P25, item.P50, item.P75, item.P95 = &v[0], &v[1], &v[2], &v[3], &v[4], &v[5], &v[6], &v[7]
	}
	return item
}

func newUptimeItem(u models.Uptime) uptimeItem {
	return uptimeItem{From: isoTime{u.From}, To: isoTime{u.To}, MeasuredMs: u.Measured().Milliseconds(), UpMs: u.Up.Milliseconds(), DegradedMs: u.Degraded.Milliseconds(),
		DownMs: u.Down.Milliseconds(), NotMeasuredMs: u.NotMeasured().Milliseconds(), MaintenanceMs: u.Maintenance.Milliseconds(), Checks: u.Checks}
}

// avgResponse is the average of all replies in milliseconds; null without one.
func avgResponse(s models.Summary) *float64 {
	if s.Replies == 0 {
		return nil
	}
	v := ms(s.RTTAvg)
	return &v
}

func newDetailsAnswer(d models.Details, l models.Location) detailsAnswer {
	answer := detailsAnswer{
		IcmpMonitorID: d.Monitor.ID, Monitor: newShownMonitor(d.Monitor), Incidents: make([]historyItem, len(d.Incidents)), Alerts: []struct{}{},
		UptimeStats: uptimeStats{Day: nonEmpty(d.Day.Percent(2)), Month: nonEmpty(d.Month.Percent(2)), Year: nonEmpty(d.Year.Percent(2)),
			DayAvgResponse: avgResponse(d.Day), MonthAvgResponse: avgResponse(d.Month), YearAvgResponse: avgResponse(d.Year)},
		UptimeMeta: uptimeMeta{ExcludeMaintenance: d.Range.Excluded, Day: newUptimeItem(d.Day.Uptime), Month: newUptimeItem(d.Month.Uptime), Year: newUptimeItem(d.Year.Uptime),
			Range: uptimeRange{uptimeItem: newUptimeItem(d.Range.Uptime), Uptime: nonEmpty(d.Range.Percent(2)), AvgResponse: avgResponse(d.Range), StepSeconds: int64(d.Series.Step / time.Second)}},
		TestResultLog: make([]checkItem, len(d.Checks)),
		Maintenance:   maintenanceInfo{InMaintenance: d.Monitor.Status == models.StatusMaintenance, ActiveWindows: []struct{}{}, AllWindows: []struct{}{}},
	}
	for i, r := range d.Checks {
		answer.TestResultLog[i] = newCheckItem(r, l)
	}
	if len(d.Checks) > 0 {
		last := answer.TestResultLog[0]
		answer.LatestCheck = &latestCheck{last.Status, last.CheckedAt, last.TimingIcmp, l.Code, l.Name}
	}
	for i, row := range d.Incidents {
		answer.Incidents[i] = newHistoryItem(row, d.At)
	}
	return answer
}

func (s *Server) monitorDetailsAPI(c *fiber.Ctx) error {
	id, err := monitorID(c)
	if err != nil {
		return err
	}
	r, err := detailsRange(c, time.Now())
	if err != nil {
		return err
	}
	d, err := s.Store.Details(c.UserContext(), actorOf(c), id, r)
	if err != nil {
		return err
	}
	location, err := s.Store.Location(c.UserContext())
	if err != nil {
		return err
	}
	answer := newDetailsAnswer(d, location)
	if r.Step == models.EachCheck {
		checks := make([]checkItem, len(d.Raw))
		for i, check := range d.Raw {
			checks[i] = newCheckItem(check.Result, location)
		}
		answer.MonitoringData = checks
	} else {
		buckets := make([]bucketItem, len(d.Series.Buckets))
		for i, b := range d.Series.Buckets {
			buckets[i] = newBucketItem(b)
		}
		answer.MonitoringData = buckets
	}
	return sendJSON(c, fiber.StatusOK, answer)
}
