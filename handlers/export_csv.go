package handlers

import (
	"strconv"
	"strings"
	"time"

	"echolot/models"
)

// checkColumns head a file of single checks; rtts_ms has the packets in the order sent: milliseconds, lost, late or refused.
var checkColumns = [...]string{"time", "monitor", "host", "location", "status", "state", "maintenance", "kind", "sent", "received", "late", "duplicates", "loss_percent",
	"min_ms", "avg_ms", "max_ms", "stddev_ms", "jitter_ms", "ttl", "address", "cause", "cause_source", "rtts_ms"}

// bucketColumns head a file of summed up checks.
var bucketColumns = [...]string{"time", "length_seconds", "monitor", "host", "up_ms", "degraded_ms", "down_ms", "unknown_ms", "maintenance_ms", "checks", "successes", "warnings",
	"failures", "unknowns", "sent", "received", "loss_percent", "longest_loss_packets", "min_ms", "avg_ms", "max_ms", "p5_ms", "p25_ms", "p50_ms", "p75_ms", "p95_ms", "ttl", "address"}

// cell is a text in a CSV file. What people typed and a spreadsheet would take for a formula gets an apostrophe in front (ASVS 5.0
// §1.2.10, OWASP "CSV Injection").
func cell(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r\n\x00", rune(text[0])) {
		return "'" + text
	}
	return text
}

func millisCell(d time.Duration) string { return strconv.FormatFloat(ms(d), 'f', 3, 64) }

// numberCell is a number, or nothing where it means nothing.
func numberCell(n int, known bool) string {
	if !known {
		return ""
	}
	return strconv.Itoa(n)
}

func lossCell(sent int, percent float64) string {
	if sent == 0 {
		return ""
	}
	return strconv.FormatFloat(percent, 'f', 2, 64)
}

func stampCell(t time.Time) string { return t.UTC().Format(isoLayout) }

func (x *export) checkRecord(c models.StoredCheck) []string {
	figures := [5]string{}
	if f, ok := c.RTTs(); ok {
		figures = [...]string{millisCell(f.Min), millisCell(f.Avg), millisCell(f.Max), millisCell(f.Stddev), millisCell(f.Jitter)}
	}
	address, source := "", ""
	if c.Address.IsValid() {
		address = c.Address.String()
	}
	if c.CauseSource.IsValid() {
		source = c.CauseSource.String()
	}
	packets := make([]string, len(c.Packets))
	for i, p := range c.Packets {
		switch p.State {
		case models.PacketReplied:
			packets[i] = millisCell(p.RTT)
		case models.PacketLate:
			packets[i] = "late"
		case models.PacketRefused:
			packets[i] = "refused"
		default:
			packets[i] = "lost"
		}
	}
	return []string{stampCell(c.StartedAt()), cell(x.monitor.Name), cell(x.monitor.HostnameTyped), cell(x.location.Code), string(c.Outcome), string(c.State), strconv.FormatBool(c.Maintenance),
		string(c.Kind), strconv.Itoa(c.Sent), strconv.Itoa(c.Received), strconv.Itoa(c.Late), strconv.Itoa(c.Duplicates), lossCell(c.Sent, c.LossPercent()),
		figures[0], figures[1], figures[2], figures[3], figures[4], numberCell(c.ReplyTTL, c.ReplyTTL > 0), address, string(c.Cause), source, strings.Join(packets, " ")}
}

func (x *export) bucketRecord(b models.Bucket) []string {
	whole := func(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }
	record := []string{stampCell(b.Start), strconv.FormatInt(int64(b.Length/time.Second), 10), cell(x.monitor.Name), cell(x.monitor.HostnameTyped),
		whole(b.Up), whole(b.Degraded), whole(b.Down), whole(b.Unknown), whole(b.Maintenance),
		strconv.Itoa(b.Checks()), strconv.Itoa(b.Successes), strconv.Itoa(b.Warnings), strconv.Itoa(b.Failures), strconv.Itoa(b.Unknowns),
		strconv.Itoa(b.Sent), strconv.Itoa(b.Received), lossCell(b.Sent, b.LossPercent()), strconv.Itoa(b.LossRun)}
	for _, rtt := range [...]time.Duration{b.RTTMin, b.RTTAvg, b.RTTMax, b.Quantiles[0], b.Quantiles[1], b.Quantiles[2], b.Quantiles[3], b.Quantiles[4]} {
		if b.Received == 0 {
			record = append(record, "")
		} else {
			record = append(record, millisCell(rtt))
		}
	}
	return append(record, numberCell(b.ReplyTTL, b.ReplyTTL > 0), b.Address)
}
