package views

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"echolot/models"
)

// sampleSmoke is a day as a network has them: a rush in the evening, an hour of maintenance, a gap, an outage, and loss at the end.
func sampleSmoke() Smoke {
	rng := rand.New(rand.NewPCG(7, 7))
	from := noon.Add(-22 * time.Hour)
	s := Smoke{Series: models.Series{From: from, To: from.Add(24 * time.Hour), Step: 5 * time.Minute}, Interval: 10 * time.Second,
		Limits: []SmokeLimit{{25 * time.Millisecond, "degraded above 25 ms"}}}
	walk := 0.0
	for i := range 288 {
		start := from.Add(time.Duration(i) * 5 * time.Minute)
		hour := float64(start.Hour()) + float64(start.Minute())/60
		if hour >= 7.25 && hour < 7.92 {
			continue
		}
		walk = 0.86*walk + rng.NormFloat64()*0.16
		rush := math.Exp(-math.Pow((hour-19.6)/1.5, 2))
		median := 10.4 + 4.6*rush + walk*(0.5+rush)
		spread := 0.5 + 3.6*rush + math.Abs(rng.NormFloat64()*.22)
		lost := 0
		if rush > .5 && rng.Float64() < .3 {
			lost = 2
		}
		b := models.Bucket{Start: start, Length: 5 * time.Minute, Up: 5 * time.Minute, Successes: 30, Sent: 120, ReplyTTL: 57, Address: "198.51.100.37"}
		switch {
		case hour >= 9.12 && hour < 9.22:
			lost, median, spread = 98, 17, 5
		case hour >= 9.22 && hour < 9.36:
			lost, median, spread = 31, 15, 4
		case hour >= 13.2 && hour < 14:
			lost, median, spread = 15, 15, 4
		case hour >= 2 && hour < 3:
			b.Maintenance = b.Length
			median += rng.Float64() * 7
		}
		if hour >= 9.3 && hour < 14 {
			b.ReplyTTL = 55
		}
		b.Received = b.Sent - lost
		ms := func(v float64) time.Duration { return time.Duration(v * float64(time.Millisecond)) }
		b.Quantiles = [5]time.Duration{ms(median - spread*.42), ms(median - spread*.2), ms(median), ms(median + spread*.55), ms(median + spread*1.8)}
		b.RTTMin, b.RTTAvg, b.RTTMax = ms(median-spread*.5), ms(median), ms(median+spread*2)
		s.Series.Buckets = append(s.Series.Buckets, b)
	}
	at := func(h float64) time.Time {
		return time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC).Add(time.Duration(h * float64(time.Hour)))
	}
	s.Flags = []SmokeFlag{{models.IncidentDowntime, at(9.14), at(9.21)}, {models.IncidentDegraded, at(13.69), time.Time{}}}
	return s
}

// inside is the chart at one width, as a page draws it, without its svg element.
func inside(s Smoke, width int) string {
	return string(newDrawing(s).appendTo(nil, width, classBrush))
}

// plainSmoke is an hour in buckets of five minutes, with a median of 10 ms and no loss.
func plainSmoke() Smoke {
	s := Smoke{Series: models.Series{From: noon.Add(-time.Hour), To: noon, Step: 5 * time.Minute}, Interval: time.Minute}
	for i := range 12 {
		ms := time.Millisecond
		s.Series.Buckets = append(s.Series.Buckets, models.Bucket{Start: s.Series.From.Add(time.Duration(i) * s.Series.Step), Length: s.Series.Step,
			Successes: 5, Sent: 20, Received: 20, RTTMin: 8 * ms, RTTAvg: 10 * ms, RTTMax: 14 * ms, Quantiles: [5]time.Duration{8 * ms, 9 * ms, 10 * ms, 11 * ms, 12 * ms}})
	}
	return s
}

// paths are the d attributes of a part, by class.
func paths(t *testing.T, svg, class string) string {
	t.Helper()
	d, _ := parse(t, "<svg>"+svg+"</svg>").Find(`path[class="` + class + `"]`).Attr("d")
	return d
}

// TestSmokeGaps: what is missing is hatched, and no line goes across.
func TestSmokeGaps(t *testing.T) {
	s := plainSmoke()
	b := s.Series.Buckets
	failed := b[9]
	failed.Received, failed.Quantiles = 0, [5]time.Duration{}
	unknown := models.Bucket{Start: b[4].Start, Length: s.Series.Step, Unknowns: 5}
	s.Series.Buckets = append(append(append(append(append([]models.Bucket{}, b[:3]...), unknown), b[5:9]...), failed), b[10:]...)
	at := func(i int) time.Time { return s.Series.From.Add(time.Duration(i) * s.Series.Step) }
	var gaps []slot
	slots := s.slots()
	for _, sl := range slots {
		if sl.gap {
			gaps = append(gaps, sl)
		}
	}
	// The missing bucket and the one of unknown checks beside it are one gap; the failed one is none.
	if len(gaps) != 1 || !gaps[0].start.Equal(at(3)) || !gaps[0].end.Equal(at(5)) || gaps[0].Unknowns != 5 {
		t.Fatalf("got gaps %+v, want one from %s to %s with 5 unknown checks", gaps, at(3), at(5))
	}
	svg := inside(s, 1184)
	if got := strings.Count(paths(t, svg, "m m0"), "M"); got != 3 {
		t.Errorf("got the median in %d pieces, want 3: before the gap, before the failure, after it", got)
	}
	for _, band := range []string{"b1", "b2"} {
		if got := strings.Count(paths(t, svg, band), "z"); got != 3 {
			t.Errorf("got band %s in %d pieces, want 3", band, got)
		}
	}
	f := newSmokeFrame(1184, s, newDrawing(s).scale)
	left, right := f.x(at(3)), f.x(at(5))
	if hatched, _ := parse(t, "<svg>"+svg+"</svg>").Find(`path[fill^="url(#hatch1184)"]`).Attr("d"); !strings.HasPrefix(hatched, "M"+string(appendTenths(nil, left, false))+" 30h"+string(appendTenths(nil, right-left, false))) {
		t.Errorf("got hatching %q, want it from %d to %d tenths", hatched, left, right)
	}
	// No point of the line lies within the gap.
	for _, x := range xs(paths(t, svg, "m m0")) {
		if x > float64(left)/10 && x < float64(right)/10 {
			t.Errorf("got a point of the median at %.1f, within the gap", x)
		}
	}
	if l4 := paths(t, svg, "l4"); !strings.Contains(l4, "v30") {
		t.Errorf("got loss %q, want the failed bucket at full height", l4)
	}
}

// xs are the places of a path of M and l.
func xs(d string) []float64 {
	var out []float64
	x := 0.0
	for _, piece := range strings.FieldsFunc(strings.NewReplacer("M", " |M ", "l", " l ", "-", " -", "z", " ").Replace(d), func(r rune) bool { return r == '|' }) {
		relative := false
		var pair []float64
		for word := range strings.FieldsSeq(piece) {
			switch word {
			case "M":
				relative = false
			case "l":
				relative = true
			default:
				v, _ := strconv.ParseFloat(word, 64)
				if pair = append(pair, v); len(pair) == 2 {
					if relative {
						x += pair[0]
					} else {
						x = pair[0]
					}
					out, pair = append(out, x), nil
				}
			}
		}
	}
	return out
}

// TestSmokeGapRules: where a check stands for its interval one and a half are allowed, buckets may be shorter than the interval,
// and before the monitor there was nothing to miss.
func TestSmokeGapRules(t *testing.T) {
	raw := func(interval time.Duration, starts ...time.Duration) Smoke {
		s := Smoke{Series: models.Series{From: noon, To: noon.Add(10 * time.Minute)}, Interval: interval}
		for _, at := range starts {
			s.Series.Buckets = append(s.Series.Buckets, models.Bucket{Start: noon.Add(at), Length: interval, Sent: 1, Received: 1})
		}
		return s
	}
	sparse := plainSmoke()
	sparse.Interval, sparse.Series.Step = 30*time.Minute, 5*time.Minute
	sparse.Series.Buckets = []models.Bucket{sparse.Series.Buckets[0], sparse.Series.Buckets[6]}
	young := plainSmoke()
	young.Series.Buckets = young.Series.Buckets[6:]
	young.Begun = young.Series.Buckets[0].Start.Add(-time.Second)
	moved := plainSmoke()
	moved.Series.Buckets, moved.Begun = append(moved.Series.Buckets[:3:3], moved.Series.Buckets[6:]...), noon.Add(-time.Minute)
	ended := plainSmoke()
	ended.Series.Buckets = ended.Series.Buckets[:6]
	for name, c := range map[string]struct {
		s    Smoke
		want int
	}{
		"regular":                            {raw(2*time.Minute, 0, 2*time.Minute, 4*time.Minute, 6*time.Minute, 8*time.Minute), 0},
		"late by less than half an interval": {raw(2*time.Minute, 0, 2*time.Minute, 4*time.Minute+50*time.Second, 6*time.Minute, 8*time.Minute), 0},
		"one left out":                       {raw(2*time.Minute, 0, 2*time.Minute, 6*time.Minute, 8*time.Minute), 1},
		"buckets shorter than the interval":  {sparse, 0},
		"a young monitor":                    {young, 0},
		"older than its monitor":             {moved, 1},
		"silent since half an hour":          {ended, 1},
		"nothing at all":                     {Smoke{Series: models.Series{From: noon, To: noon.Add(time.Hour)}}, 1},
	} {
		got := 0
		for _, sl := range c.s.slots() {
			if sl.gap {
				got++
			}
		}
		if got != c.want {
			t.Errorf("%s: got %d gaps, want %d", name, got, c.want)
		}
	}
}

// TestSmokeLoss: five steps, as colour and thickness of the median and in the strip.
func TestSmokeLoss(t *testing.T) {
	s := plainSmoke()
	for i, lost := range []int{0, 3, 10, 40, 90} {
		s.Series.Buckets[2*i+1].Sent, s.Series.Buckets[2*i+1].Received = 100, 100-lost
	}
	svg := inside(s, 704)
	for step := range 5 {
		class := "m m" + strconv.Itoa(step)
		if step > 0 {
			if got := strings.Count(paths(t, svg, class), "M"); got != 1 {
				t.Errorf("got %d pieces of %q, want the one that ends at its bucket", got, class)
			}
			if got := strings.Count(paths(t, svg, "l"+strconv.Itoa(step)), "M"); got != 1 {
				t.Errorf("got %d bars of loss in step %d, want 1", got, step)
			}
		}
	}
	for loss, want := range map[float64]int{0: 0, 0.001: 1, 0.4: 1, 0.5: 1, 3.9: 1, 4: 2, 14.9: 2, 15: 3, 49.9: 3, 50: 4, 100: 4} {
		if got := lossStep(loss); got != want {
			t.Errorf("%g %%: got step %d, want %d", loss, got, want)
		}
	}
	// The root: 4 per cent hang a fifth of the strip.
	s = plainSmoke()
	s.Series.Buckets[3].Sent, s.Series.Buckets[3].Received = 100, 96
	if got := paths(t, inside(s, 1184), "l2"); !strings.Contains(got, "v6h") {
		t.Errorf("got %q, want a bar of 6 px", got)
	}
}

// TestSmokeBands: the bands' edges are where the axis says.
func TestSmokeBands(t *testing.T) {
	s := plainSmoke()
	d := newDrawing(s)
	if d.scale.top != 15*time.Millisecond || d.scale.step != 5*time.Millisecond {
		t.Fatalf("got an axis to %s by %s, want 15 ms by 5 ms", d.scale.top, d.scale.step)
	}
	f := newSmokeFrame(1184, s, d.scale)
	floor, plot := float64(f.floor()), float64(f.plot)
	for class, edges := range map[string][2]float64{"b1": {12, 8}, "b2": {11, 9}} {
		got := paths(t, inside(s, 1184), class)
		_, after, _ := strings.Cut(got, " ")
		first, _, _ := strings.Cut(after, "l")
		up, err := strconv.ParseFloat(first, 64)
		if want := floor - plot*edges[0]/15; err != nil || math.Abs(up-want) > 0.06 {
			t.Errorf("%s: got %q, its upper edge at %.2f, want %.2f", class, got, up, want)
		}
		if n := strings.Count(got, "M"); n != 1 {
			t.Errorf("%s: got %d shapes, want 1", class, n)
		}
	}
}

func TestSmokeScale(t *testing.T) {
	for need, want := range map[time.Duration]rttScale{
		37 * time.Microsecond:  {40 * time.Microsecond, 10 * time.Microsecond},
		26 * time.Millisecond:  {30 * time.Millisecond, 10 * time.Millisecond},
		900 * time.Microsecond: {time.Millisecond, 200 * time.Microsecond},
		4 * time.Second:        {4 * time.Second, time.Second},
	} {
		s := slot{Bucket: models.Bucket{Sent: 1, Received: 1, Quantiles: [5]time.Duration{need, need, need, need, need}}}
		if got := scaleFor([]slot{s}, nil); got != want {
			t.Errorf("%s: got %+v, want %+v", need, got, want)
		}
	}
	// One wild bucket in a hundred is cut off, a wild median is not; a limit near the data is held, a far one is not.
	calm := plainSmoke().slots()
	var many []slot
	for range 10 {
		many = append(many, calm...)
	}
	many[5].Quantiles[p95] = time.Second
	if got := scaleFor(many, nil).top; got != 15*time.Millisecond {
		t.Errorf("one wild p95: got an axis to %s, want 15 ms", got)
	}
	many[5].Quantiles[p50] = time.Second
	if got := scaleFor(many, nil).top; got != time.Second {
		t.Errorf("a wild median: got an axis to %s, want 1 s", got)
	}
	if got := scaleFor(calm, []SmokeLimit{{20 * time.Millisecond, ""}}).top; got < 20*time.Millisecond {
		t.Errorf("a limit of 20 ms: got an axis to %s, want it inside", got)
	}
	if got := scaleFor(calm, []SmokeLimit{{500 * time.Millisecond, ""}}).top; got != 15*time.Millisecond {
		t.Errorf("a limit of 500 ms: got an axis to %s, want 15 ms", got)
	}
	if got := (rttScale{40 * time.Microsecond, 10 * time.Microsecond}).label(40*time.Microsecond, true); got != "40\u00a0µs" {
		t.Errorf("got %q", got)
	}
}

// TestSmokeTicks: round times of the zone, also on the day that has 25 hours.
func TestSmokeTicks(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	texts := func(from, to time.Time, zone *time.Location, most int) string {
		var out []string
		for _, tk := range ticksFor(from, to, zone, most) {
			text := tk.text
			if tk.strong {
				text += "!"
			}
			out = append(out, text)
		}
		return strings.Join(out, " ")
	}
	day := time.Date(2026, 10, 25, 0, 0, 0, 0, berlin) // 25 hours long
	for _, c := range []struct {
		got, want string
	}{
		{texts(noon.Add(-time.Hour), noon, time.UTC, 6), "11:00 11:10 11:20 11:30 11:40 11:50 12:00"},
		{texts(noon.Add(-24*time.Hour), noon, time.UTC, 4), "12:00 18:00 Mon 23! 06:00 12:00"},
		{texts(noon.Add(-24*time.Hour), noon, berlin, 4), "18:00 Mon 23! 06:00 12:00"},
		{texts(day, day.Add(25*time.Hour), berlin, 5), "Sun 25! 06:00 12:00 18:00 Mon 26!"},
		{texts(noon.Add(-7*24*time.Hour), noon, time.UTC, 7), "17 Nov 18 Nov 19 Nov 20 Nov 21 Nov 22 Nov 23 Nov"},
		{texts(noon.Add(-365*24*time.Hour), noon, time.UTC, 4), "2026! Apr Jul Oct"},
		{texts(noon, noon, time.UTC, 4), ""},
		{texts(noon, noon.Add(4*time.Second), time.UTC, 5), "12:00:00 12:00:01 12:00:02 12:00:03 12:00:04"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

// TestSmokeMarks: maintenance, incidents, changes of TTL and limits are drawn and named, and no two words stand on each other.
func TestSmokeMarks(t *testing.T) {
	s := sampleSmoke()
	for _, width := range SmokeWidths {
		doc := parse(t, "<svg>"+inside(s, width)+"</svg>")
		for _, class := range []string{"maint", "maint-edge", "gap-edge", "flag", "flag warn", "flag-cloth", "note", "limit", "b1", "b2", "m m0", "m m4", "l4", "grid", "base"} {
			if doc.Find(`path[class="`+class+`"]`).Length() != 1 {
				t.Errorf("%d px: got no single path %q", width, class)
			}
		}
		if got := doc.Find("text.flag-t").First().Text(); !strings.HasPrefix(got, "Down") {
			t.Errorf("%d px: got flag %q, want Down first", width, got)
		}
		if width > 400 && (doc.Find("text.note-t").Text() != "TTL 57 → 55TTL 55 → 57" && doc.Find("text.note-t").Text() != "TTL 57 → 55" || doc.Find("text.limit-t").Text() != "degraded above 25 ms") {
			t.Errorf("%d px: got notes %q, limit %q", width, doc.Find("text.note-t").Text(), doc.Find("text.limit-t").Text())
		}
	}
}

// TestSmokeFile: the file is well-formed, needs no style, escapes what people typed, and has the style sheet's colours.
func TestSmokeFile(t *testing.T) {
	css, err := os.ReadFile("../static/src/app.css")
	if err != nil {
		t.Fatal(err)
	}
	sheet := string(css)
	day, night, _ := strings.Cut(sheet, `:root[data-theme="dark"] {`)
	for _, width := range SmokeWidths {
		for theme, tokens := range map[string]string{"light": day, "dark": night} {
			file := SmokeFile(sampleSmoke(), nasty, width, theme)
			x := xml.NewDecoder(bytes.NewReader(file))
			colours := map[string]bool{}
			for {
				token, err := x.Token()
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				if e, ok := token.(xml.StartElement); ok {
					for _, a := range e.Attr {
						if a.Name.Local == "style" || a.Name.Local == "class" {
							t.Errorf("got %s=%q, want attributes of SVG alone", a.Name.Local, a.Value)
						}
						if strings.HasPrefix(a.Value, "#") {
							colours[a.Value] = true
						}
					}
				}
			}
			for c := range colours {
				if !strings.Contains(tokens, ": "+c+";") {
					t.Errorf("%s: got colour %s, want one of the style sheet's", theme, c)
				}
			}
			if len(colours) < 15 {
				t.Errorf("%s: got %d colours, want all parts painted", theme, len(colours))
			}
		}
	}
	for _, token := range []string{"surface", "line-2", "ink", "ink-2", "ink-3", "axis", "grid", "degraded", "degraded-mark", "down", "down-mark", "maint", "maint-mark", "maint-soft",
		"smoke-1", "smoke-2", "loss-0", "loss-1", "loss-2", "loss-3", "loss-4"} {
		for theme, text := range map[string]string{"light": day, "dark": night} {
			if want := "--" + token + ": " + tone(theme, token) + ";"; !strings.Contains(text, want) {
				t.Errorf("the style sheet has no %q by %s", want, theme)
			}
		}
	}
}

// TestChartPanel: the newest values stand in the readout, the table says the same, and the links lead on.
func TestChartPanel(t *testing.T) {
	s := sampleSmoke()
	p := ChartPanel{Smoke: s, PublicID: "id", Range: "day", Live: true, Now: s.Series.To}
	html := render(t, Chart(p))
	doc := parse(t, html)
	if got := plain(doc.Find("[data-readout]").Text()); got != "23 Nov 13:55–14:00 UTC median 15.000 ms p5–p95 13.320–22.200 p25–p75 14.200–17.200 loss 12.5 % (15 of 120)30 checks" {
		t.Errorf("got readout %q", got)
	}
	rows := doc.Find("[data-testid=chart-table] tbody tr")
	if n := rows.Length(); n == 0 || n > tableRows {
		t.Errorf("got %d rows, want 1 to %d", n, tableRows)
	}
	if got := rows.FilterFunction(func(_ int, r *goquery.Selection) bool { return strings.Contains(r.Text(), "not measured") }).Text(); got != "23 Nov 07:15–08:00not measured" {
		t.Errorf("got %q in the table, want the gap by itself", got)
	}
	if got := doc.Find(".smoke").First().AttrOr("aria-label", ""); !strings.Contains(got, "Not measured 23 Nov 07:15–08:00.") || !strings.Contains(got, "Loss of up to 81.6 %, 23 Nov 09:10–09:15.") {
		t.Errorf("got %q", got)
	}
	var points [][]int64
	if err := json.Unmarshal([]byte(doc.Find("[data-chart]").AttrOr("data-points", "")), &points); err != nil || len(points) != len(s.slots()) {
		t.Errorf("got %d points and %v, want one for each of %d slots", len(points), err, len(s.slots()))
	}
	if got := doc.Find("a[rel=prev]").AttrOr("href", ""); got != "/monitors/id?end=2026-11-22T14%3A00%3A00Z&range=day" {
		t.Errorf("got %q for earlier", got)
	}
	if doc.Find("a[rel=next]").Length() != 0 || doc.Find("[data-follow]").Length() != 1 {
		t.Error("want nothing later than now, and a chart that follows")
	}
	p.Live, p.Now = false, s.Series.To.Add(30*time.Hour)
	doc = draw(t, Chart(p))
	if got := doc.Find("a[rel=next]").AttrOr("href", ""); got != "/monitors/id?end=2026-11-24T14%3A00%3A00Z&range=day" || doc.Find("[data-follow]").Length() != 0 {
		t.Errorf("got %q for later", got)
	}
	if len(html) > 100<<10 {
		t.Errorf("got %d bytes, want less than 100 KiB", len(html))
	}
	empty := draw(t, Chart(ChartPanel{Smoke: Smoke{Series: models.Series{From: noon, To: noon.Add(time.Hour)}, Begun: noon.Add(2 * time.Hour)}, PublicID: "id"}))
	if got := plain(empty.Find("[data-readout]").Text()); got != "Nothing was measured yet." {
		t.Errorf("got readout %q of an empty chart", got)
	}
}

// update writes the stored pictures anew: go test ./views -run Picture -update.
var update = flag.Bool("update", false, "write the pictures of testdata anew")

// yearSmoke is a year in days: a line that grows slower, one month that was not measured, and a week with loss.
func yearSmoke() Smoke {
	rng := rand.New(rand.NewPCG(3, 3))
	from := noon.Truncate(24*time.Hour).AddDate(-1, 0, 1)
	s := Smoke{Series: models.Series{From: from, To: from.AddDate(1, 0, 0), Step: 24 * time.Hour}, Interval: time.Minute, Begun: from.AddDate(0, 0, 20),
		Limits: []SmokeLimit{{40 * time.Millisecond, "degraded from 40 ms"}}}
	for i := 20; i < 365; i++ {
		if i >= 140 && i < 170 {
			continue
		}
		ms := func(v float64) time.Duration {
			return time.Duration(v * float64(time.Millisecond)).Truncate(time.Microsecond)
		}
		median := 18 + float64(i)/40 + rng.Float64()
		spread := 2 + 3*rng.Float64()
		b := models.Bucket{Start: from.AddDate(0, 0, i), Length: 24 * time.Hour, Successes: 1440, Sent: 4320, Received: 4320, ReplyTTL: 57, RTTMin: ms(median - 3), RTTAvg: ms(median), RTTMax: ms(median * 3),
			Quantiles: [5]time.Duration{ms(median - spread*.5), ms(median - spread*.2), ms(median), ms(median + spread*.6), ms(median + spread*2)}}
		if i >= 250 && i < 257 {
			b.Received -= 100 * (i - 249)
		}
		if i >= 300 {
			b.ReplyTTL = 54
		}
		s.Series.Buckets = append(s.Series.Buckets, b)
	}
	s.Flags = []SmokeFlag{{models.IncidentDegraded, from.AddDate(0, 0, 251), from.AddDate(0, 0, 255)}}
	return s
}

// TestPictures compares with pictures that were looked at.
func TestPictures(t *testing.T) {
	for name, got := range map[string][]byte{"smoke-day.svg": SmokeFile(sampleSmoke(), "A day", 1184, "light"), "smoke-year.svg": SmokeFile(yearSmoke(), "A year", 1184, "light"),
		"smoke-year-dark.svg": SmokeFile(yearSmoke(), "A year", 704, "dark")} {
		file := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(file, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s: the picture is another one; look at it and, if it is right, run go test ./views -run Pictures -update", name)
		}
	}
}

// BenchmarkChart draws the panel of a day, all three widths, readout and table.
func BenchmarkChart(b *testing.B) {
	p := ChartPanel{Smoke: sampleSmoke(), PublicID: "id", Range: "day", Live: true, Now: noon}
	size := 0
	for b.Loop() {
		size = len(render(b, Chart(p)))
	}
	b.ReportMetric(float64(size)/1024, "KiB")
}

// A title of two years names them.
func TestTitleNamesTheYears(t *testing.T) {
	s := plainSmoke()
	s.Series.To = noon
	for span, want := range map[time.Duration]string{365 * 24 * time.Hour: noon.AddDate(0, 0, -365).Format("2 Jan 2006") + " to " + noon.Format("2 Jan 2006"), time.Hour: noon.Add(-time.Hour).Format("2 Jan 15:04")} {
		s.Series.From = noon.Add(-span)
		if got := (drawing{Smoke: s}).title(); !strings.Contains(got, want) {
			t.Errorf("%s: got %q, want %q in it", span, got, want)
		}
	}
}
