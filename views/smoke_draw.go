package views

import (
	"math"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/a-h/templ"

	"echolot/models"
)

// SmokeWidths are the widths that the chart is drawn at, widest first. A page holds all three and shows one by media query, so
// that text stays at 11 px.
var SmokeWidths = [...]int{1184, 704, 342}

// smokeHeight is the height that belongs to a width.
func smokeHeight(width int) int {
	switch width {
	case 1184:
		return 330
	case 704:
		return 290
	default:
		return 250
	}
}

const (
	smokeTop   = 30 // room above the plot for flags and words
	smokeStrip = 30 // height of the strip that loss hangs into
	smokeGap   = 10 // between plot and strip
	smokeFoot  = 20 // room for the time axis
	smokeRight = 2
	flagTop    = 8
	wordBase   = 17 // base line of the words above the plot
	noteTop    = 34
	noteBase   = 44
	letter     = 7  // width of a letter of 11 px, roughly: words must not run into each other
	leastLoss  = 3  // px of the shortest loss that can be seen
	tickApart  = 74 // px between marks of the time axis, at least
)

// smokeFrame is where everything stands in a chart of one width, in whole pixels.
type smokeFrame struct {
	width, height, left, right, plot int
	from                             time.Time
	span                             time.Duration
	scale                            rttScale
}

func newSmokeFrame(width int, s Smoke, scale rttScale) smokeFrame {
	f := smokeFrame{width: width, height: smokeHeight(width), left: 44, right: width - smokeRight, from: s.Series.From, span: s.Series.To.Sub(s.Series.From), scale: scale}
	if f.small() {
		f.left = 30
	}
	f.plot = f.height - smokeTop - smokeStrip - smokeGap - smokeFoot
	return f
}

func (f smokeFrame) small() bool { return f.width < 400 }
func (f smokeFrame) wide() bool  { return f.width > 900 }

// floor is the plot's lower edge, surface the strip's upper one, bottom its lower one.
func (f smokeFrame) floor() int   { return smokeTop + f.plot }
func (f smokeFrame) surface() int { return f.floor() + smokeGap }
func (f smokeFrame) bottom() int  { return f.surface() + smokeStrip }

func (f smokeFrame) x(t time.Time) tenths {
	share := float64(t.Sub(f.from)) / float64(max(f.span, 1))
	return px(f.left) + tenths(math.Round(float64(px(f.right-f.left))*min(max(share, 0), 1)))
}

// y is where an RTT stands; what is above the axis stands at its top.
func (f smokeFrame) y(rtt time.Duration) tenths {
	share := min(float64(rtt)/float64(f.scale.top), 1)
	return px(f.floor()) - tenths(math.Round(float64(px(f.plot))*share))
}

func px(n int) tenths { return tenths(n * 10) }

// crisp is the middle of a pixel, where a line of one is sharp.
func crisp(t tenths) tenths { return (t+5)/10*10 + 5 }

// smokeCanvas gathers the SVG of one chart.
type smokeCanvas struct {
	smokeFrame
	out   []byte
	paint brush
	// words are the stretches of the line above the plot that are written on.
	words []stretch
}

// stretch is a part of a line, in tenths.
type stretch struct{ from, to tenths }

func (c *smokeCanvas) path(part string, p *pen) {
	if p.empty() {
		return
	}
	c.out = append(c.out, "<path"...)
	c.out = c.paint(c.out, part)
	c.out = append(c.out, ` d="`...)
	c.out = append(c.out, p.d...)
	c.out = append(c.out, `"/>`...)
}

// text writes a word; anchor is start, middle or end.
func (c *smokeCanvas) text(part string, x, y tenths, anchor, words string) {
	c.out = append(c.out, "<text"...)
	c.out = c.paint(c.out, part)
	c.out = append(c.out, ` x="`...)
	c.out = appendTenths(c.out, x, false)
	c.out = append(c.out, `" y="`...)
	c.out = appendTenths(c.out, y, false)
	if anchor != "start" {
		c.out = append(c.out, `" text-anchor="`...)
		c.out = append(c.out, anchor...)
	}
	c.out = append(c.out, `">`...)
	c.out = append(c.out, templ.EscapeString(words)...)
	c.out = append(c.out, "</text>"...)
}

// claim takes a place on the line above the plot for words; false where something stands there, or where they do not fit.
func (c *smokeCanvas) claim(x tenths, anchor, words string) bool {
	wide := wordsWide(words)
	s := stretch{x, x + wide}
	switch anchor {
	case "middle":
		s = stretch{x - wide/2, x + wide/2}
	case "end":
		s = stretch{x - wide, x}
	}
	if s.from < 0 || s.to > px(c.width) {
		return false
	}
	for _, w := range c.words {
		if s.from < w.to+px(5) && s.to > w.from-px(5) {
			return false
		}
	}
	c.words = append(c.words, s)
	return true
}

// wordsWide is about how wide words are.
func wordsWide(words string) tenths {
	return tenths(float64(utf8.RuneCountInString(words)) * letter * 10)
}

// drawing is a chart ready to be drawn at any width.
type drawing struct {
	Smoke
	slots []slot
	scale rttScale
}

func newDrawing(s Smoke) drawing {
	slots := s.slots()
	return drawing{s, slots, scaleFor(slots, s.Limits)}
}

// appendTo draws the inside of the chart's svg element at one width.
func (d drawing) appendTo(out []byte, width int, paint brush) []byte {
	c := &smokeCanvas{smokeFrame: newSmokeFrame(width, d.Smoke, d.scale), out: out, paint: paint}
	hatch := "hatch" + strconv.Itoa(width)
	c.out = append(c.out, `<defs><pattern id="`+hatch+`" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><path`...)
	c.out = c.paint(c.out, "hatch-line")
	c.out = append(c.out, ` d="M0 0V5"/></pattern></defs>`...)
	d.drawMaintenance(c)
	d.drawAxes(c)
	d.drawGaps(c, hatch)
	d.drawBands(c)
	d.drawLimits(c)
	d.drawMedian(c)
	d.drawLoss(c)
	d.drawNotes(c)
	d.drawFlags(c)
	d.drawWords(c)
	return c.out
}

func (d drawing) drawAxes(c *smokeCanvas) {
	var lines pen
	for v := time.Duration(0); v <= d.scale.top; v += d.scale.step {
		y := crisp(c.y(v))
		if v > 0 {
			lines.across(y, px(c.left), px(c.right))
		}
		c.text("tick", px(c.left-7), y+px(4), "end", d.scale.label(v, !c.small()))
	}
	for _, t := range ticksFor(d.Series.From, d.Series.To, d.zone(), max(2, (c.right-c.left)/tickApart)) {
		x := crisp(c.x(t.at))
		if x < px(c.left+12) || x > px(c.right-16) {
			continue
		}
		lines.down(x, px(smokeTop), px(c.bottom()))
		part := "tick"
		if t.strong {
			part = "day-t"
		}
		c.text(part, x, px(c.height-4), "middle", t.text)
	}
	c.path("grid", &lines)
	var base pen
	base.across(crisp(px(c.floor())), px(c.left), px(c.right))
	base.across(crisp(px(c.surface())), px(c.left), px(c.right))
	c.path("base", &base)
	c.text("strip-t", px(c.left-7), px(c.surface()+12), "end", "loss")
}

// maintenance are the stretches for most of which people had announced work.
func (d drawing) maintenance() []slot {
	var out []slot
	for _, s := range d.slots {
		if s.gap || s.Maintenance == 0 || 2*s.Maintenance < s.Length {
			continue
		}
		if n := len(out); n > 0 && s.start.Sub(out[n-1].end) <= d.tolerance(s.Length) {
			out[n-1].end = s.end
			continue
		}
		out = append(out, slot{start: s.start, end: s.end})
	}
	return out
}

func (d drawing) drawMaintenance(c *smokeCanvas) {
	var ground, edges pen
	for _, m := range d.maintenance() {
		a, b := c.x(m.start), c.x(m.end)
		ground.box(a, px(smokeTop), max(b-a, 10), px(c.bottom()-smokeTop))
		edges.down(a, px(smokeTop), px(c.bottom()))
		edges.down(b, px(smokeTop), px(c.bottom()))
	}
	c.path("maint", &ground)
	c.path("maint-edge", &edges)
}

func (d drawing) drawGaps(c *smokeCanvas, hatch string) {
	var ground, edges pen
	for _, s := range d.slots {
		if !s.gap {
			continue
		}
		a, b := c.x(s.start), c.x(s.end)
		ground.box(a, px(smokeTop), max(b-a, 10), px(c.bottom()-smokeTop))
		edges.down(a, px(smokeTop), px(c.bottom()))
		edges.down(b, px(smokeTop), px(c.bottom()))
	}
	if ground.empty() {
		return
	}
	c.out = append(c.out, `<path fill="url(#`+hatch+`)" d="`...)
	c.out = append(c.out, ground.d...)
	c.out = append(c.out, `"/>`...)
	c.path("gap-edge", &edges)
}

// runs are the stretches of slots without a gap and without a slot that nobody answered: first and one past the last.
func (d drawing) runs(draw func(first, end int)) {
	first := -1
	for i := 0; i <= len(d.slots); i++ {
		in := i < len(d.slots) && d.slots[i].answered()
		switch {
		case in && first < 0:
			first = i
		case !in && first >= 0:
			draw(first, i)
			first = -1
		}
	}
}

func (d drawing) drawBands(c *smokeCanvas) {
	for _, band := range [...]struct {
		part    string
		low, up int
	}{{"b1", p5, p95}, {"b2", p25, p75}} {
		var p pen
		d.runs(func(first, end int) {
			if end-first == 1 { // a lone one has a width too
				s := d.slots[first]
				x, y := c.x(s.middle(d.Series.Step)), c.y(s.Quantiles[band.up])
				p.box(x-px(1), y, px(2), max(c.y(s.Quantiles[band.low])-y, 1))
				return
			}
			for i := first; i < end; i++ {
				x, y := c.x(d.slots[i].middle(d.Series.Step)), c.y(d.slots[i].Quantiles[band.up])
				if i == first {
					p.move(x, y)
				} else {
					p.to(x, y)
				}
			}
			for i := end - 1; i >= first; i-- {
				p.to(c.x(d.slots[i].middle(d.Series.Step)), c.y(d.slots[i].Quantiles[band.low]))
			}
			p.shut()
		})
		c.path(band.part, &p)
	}
}

// drawMedian draws the median as one path for each step of loss: every piece ends at a slot and has that slot's step.
func (d drawing) drawMedian(c *smokeCanvas) {
	var lines [5]pen
	d.runs(func(first, end int) {
		last := -1
		var px0, py0 tenths
		for i := first; i < end; i++ {
			s := d.slots[i]
			x, y := c.x(s.middle(d.Series.Step)), c.y(s.Quantiles[p50])
			step := lossStep(s.LossPercent())
			p := &lines[step]
			if i == first {
				px0, py0 = x-10, y
			}
			if step != last {
				p.move(px0, py0)
			}
			p.to(x, y)
			px0, py0, last = x, y, step
		}
	})
	for i := range lines {
		c.path("m m"+strconv.Itoa(i), &lines[i])
	}
}

// drawLoss hangs the loss from the surface: its height is the root, so that one per cent is seen beside a hundred.
func (d drawing) drawLoss(c *smokeCanvas) {
	var bars [5]pen
	for _, s := range d.slots {
		loss := s.LossPercent()
		if s.gap || lossStep(loss) == 0 {
			continue
		}
		a, b := c.x(s.start), c.x(s.end)
		height := max(px(leastLoss), tenths(math.Round(float64(px(smokeStrip))*math.Sqrt(loss/100))))
		bars[lossStep(loss)].box(a, px(c.surface()), max(b-a-8, 10), height)
	}
	for i := 1; i < len(bars); i++ {
		c.path("l"+strconv.Itoa(i), &bars[i])
	}
}

func (d drawing) drawLimits(c *smokeCanvas) {
	var p pen
	for _, l := range d.Limits {
		if l.RTT <= 0 || l.RTT > d.scale.top {
			continue
		}
		y := crisp(c.y(l.RTT))
		p.across(y, px(c.left), px(c.right))
		if !c.small() {
			c.text("limit-t", px(c.left+6), y-px(5), "start", l.Text)
		}
	}
	c.path("limit", &p)
}

// note is a change on the way that is no trouble by itself.
type note struct {
	at   time.Time
	text string
}

// notes are the changes of the replies' TTL and of the pinged address.
func (d drawing) notes() []note {
	var out []note
	var before models.Bucket
	for _, s := range d.slots {
		if !s.answered() {
			continue
		}
		if before.ReplyTTL != 0 && s.ReplyTTL != 0 && s.ReplyTTL != before.ReplyTTL {
			out = append(out, note{s.start, "TTL " + number(before.ReplyTTL) + " → " + number(s.ReplyTTL)})
		}
		if before.Address != "" && s.Address != "" && s.Address != before.Address {
			out = append(out, note{s.start, "now " + s.Address})
		}
		before = s.Bucket
	}
	return out
}

func (d drawing) drawNotes(c *smokeCanvas) {
	var p pen
	free := tenths(0) // where the next word may begin
	for _, n := range d.notes() {
		x := crisp(c.x(n.at))
		p.down(x, px(noteTop), px(c.floor()))
		wide := wordsWide(n.text)
		if !c.small() && x > free && x+px(5)+wide < px(c.right) {
			c.text("note-t", x+px(5), px(noteBase), "start", n.text)
			free = x + px(11) + wide
		}
	}
	c.path("note", &p)
}

// drawFlags puts a flag at the beginning of each incident. Near the right edge it flies to the left.
func (d drawing) drawFlags(c *smokeCanvas) {
	type flown struct {
		SmokeFlag
		x, side tenths
		text    string
	}
	var flags []flown
	for _, f := range d.Flags {
		if f.Start.Before(d.Series.From) || f.Start.After(d.Series.To) {
			continue
		}
		fl := flown{f, crisp(c.x(f.Start)), 1, c.flagText(f)}
		if fl.x+px(17)+wordsWide(fl.text) > px(c.right) {
			fl.side = -1
		}
		flags = append(flags, fl)
		c.words = append(c.words, stretch{min(fl.x, fl.x+fl.side*px(11)), max(fl.x, fl.x+fl.side*px(11))}) // no word stands on a flag
	}
	for _, kind := range [...]models.IncidentType{models.IncidentDowntime, models.IncidentDegraded} { // the worse one has the first choice of words
		var poles, cloths pen
		more := ""
		if kind == models.IncidentDegraded {
			more = " warn"
		}
		for _, f := range flags {
			if f.Kind != kind {
				continue
			}
			poles.down(f.x, px(flagTop), px(c.bottom()))
			cloths.move(f.x, px(flagTop))
			for _, corner := range [...]stretch{{130, 0}, {95, 45}, {130, 90}, {0, 90}} {
				cloths.to(f.x+f.side*corner.from, px(flagTop)+corner.to)
			}
			cloths.shut()
			anchor := "start"
			if f.side < 0 {
				anchor = "end"
			}
			if at := f.x + f.side*px(17); c.claim(at, anchor, f.text) {
				c.text("flag-t"+more, at, px(wordBase), anchor, f.text)
			} else if at := f.x - px(6); f.side > 0 && c.claim(at, "end", f.text) { // behind the pole
				c.text("flag-t"+more, at, px(wordBase), "end", f.text)
			}
		}
		c.path("flag"+more, &poles)
		c.path("flag-cloth"+more, &cloths)
	}
}

func (c *smokeCanvas) flagText(f SmokeFlag) string {
	text := "Down"
	if f.Kind == models.IncidentDegraded {
		text = "Degraded"
	}
	if c.wide() && !f.End.IsZero() {
		text += " " + Span(f.End.Sub(f.Start))
	}
	return text
}

// drawWords names what is shaded, where the flags left room.
func (d drawing) drawWords(c *smokeCanvas) {
	word := "Maintenance"
	if !c.wide() {
		word = "Maint."
	}
	for _, m := range d.maintenance() {
		if x := c.x(m.start); c.claim(x, "start", word) {
			c.text("maint-t", x, px(wordBase), "start", word)
		}
	}
	word = "not measured"
	if !c.wide() {
		word = "gap"
	}
	for _, s := range d.slots {
		if !s.gap {
			continue
		}
		if x := (c.x(s.start) + c.x(s.end)) / 2; c.x(s.end)-c.x(s.start) > px(8) && c.claim(x, "middle", word) {
			c.text("gap-t", x, px(wordBase), "middle", word)
		}
	}
}
