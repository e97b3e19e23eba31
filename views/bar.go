package views

import (
	"context"
	"io"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/a-h/templ"

	"echolot/models"
)

// The bar of the last checks: RTT stands on the floor, loss hangs from the surface. Its measures are units of its viewBox.
const (
	barPitch  = 5  // one check, gap included
	barWide   = 3  // one check's column
	barHeight = 28 // surface to floor
	barLow    = 3  // the shortest column that can be seen
	barHang   = 4  // the shortest loss that can be seen
)

// column is one check of the bar in pixels: what stands on the floor and what hangs from the surface.
type column struct {
	x, stand, hang   int
	fail, none, plum bool
}

// usual is the median RTT of the checks shown, the height of half a bar; 0 where nothing was answered.
func usual(beats []models.Beat) time.Duration {
	var held [models.RecentChecks]time.Duration
	rtts := held[:0]
	for _, b := range beats {
		if b.RTT > 0 {
			rtts = append(rtts, b.RTT)
		}
	}
	if len(rtts) == 0 {
		return 0
	}
	slices.Sort(rtts)
	return rtts[len(rtts)/2]
}

// stand is the height of an RTT: half for the usual one, a quarter more for each doubling.
func stand(rtt, usual time.Duration, hang int) int {
	h := int(math.Round(barHeight * (0.46 + 0.26*math.Log2(float64(rtt)/float64(usual)))))
	h = max(barLow, min(barHeight-3, h))
	if hang > 0 {
		h = max(barLow, min(h, barHeight-hang-2))
	}
	return h
}

// columns lays the checks out, oldest left, the last one always at the right edge.
func columns(beats []models.Beat, into []column) []column {
	mid := usual(beats)
	first := max(0, models.RecentChecks-len(beats))
	for i, b := range beats {
		c := column{x: (first + i) * barPitch, plum: b.Maintenance}
		switch {
		case b.Outcome == models.OutcomeUnknown:
			c.none = true
		case b.RTT <= 0 || b.Outcome == models.OutcomeFailure && b.LossPercent >= 100:
			c.fail = true
		default:
			if b.LossPercent > 0 {
				c.hang = max(barHang, int(math.Round(float64(b.LossPercent)*barHeight/100)))
			}
			c.stand = stand(b.RTT, mid, c.hang)
		}
		into = append(into, c)
	}
	return into
}

// appendBox adds a rectangle to the d of a path. It is called for each check of each row, so it writes bytes.
func appendBox(d []byte, x, y, w, h int) []byte {
	d = append(d, 'M')
	d = strconv.AppendInt(d, int64(x), 10)
	d = append(d, ' ')
	d = strconv.AppendInt(d, int64(y), 10)
	d = append(d, 'h')
	d = strconv.AppendInt(d, int64(w), 10)
	d = append(d, 'v')
	d = strconv.AppendInt(d, int64(h), 10)
	d = append(d, "h-"...)
	d = strconv.AppendInt(d, int64(w), 10)
	return append(d, 'z')
}

// appendPath adds one path of the n columns that box draws with a height; nothing where there are none.
func appendPath(out []byte, n int, class string, cols []column, box func(c column) (y, w, h int)) []byte {
	if n == 0 {
		return out
	}
	out = append(out, `<path class="`...)
	out = append(out, class...)
	out = append(out, `" d="`...)
	for _, c := range cols {
		if y, w, h := box(c); h > 0 {
			out = appendBox(out, c.x, y, w, h)
		}
	}
	return append(out, `"/>`...)
}

// appendBar adds the bar as SVG, one path for each outcome. Nothing in it comes from people.
func appendBar(out []byte, beats []models.Beat) []byte {
	if over := len(beats) - models.RecentChecks; over > 0 {
		beats = beats[over:]
	}
	var held [models.RecentChecks]column
	cols := columns(beats, held[:0])
	var complete, lossy, failed, unmeasured, planned int
	for _, c := range cols {
		if c.plum {
			planned++
		}
		switch {
		case c.none:
			unmeasured++
		case c.fail:
			failed++
		case c.hang > 0:
			lossy++
		default:
			complete++
		}
	}
	out = append(out, `<svg class="hb" viewBox="0 0 198 32" preserveAspectRatio="none" role="img" aria-label="Last `...)
	out = strconv.AppendInt(out, int64(len(cols)), 10)
	out = append(out, ` checks: `...)
	out = strconv.AppendInt(out, int64(complete), 10)
	out = append(out, ` complete, `...)
	out = strconv.AppendInt(out, int64(lossy), 10)
	out = append(out, ` with loss, `...)
	out = strconv.AppendInt(out, int64(failed), 10)
	out = append(out, ` failed, `...)
	out = strconv.AppendInt(out, int64(unmeasured), 10)
	out = append(out, ` not measured">`...)
	out = appendPath(out, complete+lossy, "hb-ok", cols, func(c column) (int, int, int) { return barHeight - c.stand, barWide, c.stand })
	out = appendPath(out, lossy, "hb-loss", cols, func(c column) (int, int, int) { return 0, barWide, c.hang })
	out = appendPath(out, failed, "hb-fail", cols, func(c column) (int, int, int) { return 0, barWide, onlyIf(c.fail, barHeight) })
	out = appendPath(out, unmeasured, "hb-none", cols, func(c column) (int, int, int) { return barHeight - 2, barWide, onlyIf(c.none, 2) })
	out = appendPath(out, planned, "hb-maint", cols, func(c column) (int, int, int) { return barHeight + 2, barPitch, onlyIf(c.plum, 2) })
	return append(out, `</svg>`...)
}

func onlyIf(cond bool, n int) int {
	if cond {
		return n
	}
	return 0
}

// barBytes holds the bar of 40 checks with its element, so that its buffer is made once.
const barBytes = 1280

// packetPitch is the width of one packet in the strip and the height of a line of them, gap included.
const packetPitch = 11

// packetsALine is how many packets stand in one line of the strip: 100 of them are five lines. On a desk, where the settings
// stand beside, a full line is drawn at three quarters of its width: 8 px for each packet.
const packetsALine = 20

// appendPackets adds the strip of one check's packets in the order sent: a disc for a reply, half a disc for a late one, a ring
// for a lost one, a cross for one that was refused. Nothing in it comes from people.
func appendPackets(out []byte, packets []models.Packet) []byte {
	lines := max(1, (len(packets)+packetsALine-1)/packetsALine)
	wide := int64(packetPitch*min(max(1, len(packets)), packetsALine) - 1)
	out = append(out, `<svg class="pk" width="`...)
	out = strconv.AppendInt(out, wide, 10)
	out = append(out, `" viewBox="0 0 `...)
	out = strconv.AppendInt(out, wide, 10)
	out = append(out, ' ')
	out = strconv.AppendInt(out, int64(packetPitch*lines-1), 10)
	out = append(out, `" aria-hidden="true">`...)
	for i, p := range packets {
		at, top := int64(i%packetsALine*packetPitch), int64(i/packetsALine*packetPitch)
		switch p.State {
		case models.PacketReplied:
			out = appendDisc(out, "ok", at, top, "4")
		case models.PacketLate:
			out = appendDisc(out, "lost", at, top, "3.3")
			out = appendMark(out, "late", at+5, top+1, "a4 4 0 0 0 0 8z")
		case models.PacketRefused:
			out = appendMark(out, "bad", at+2, top+2, "l6 6m0-6l-6 6")
		default:
			out = appendDisc(out, "lost", at, top, "3.3")
		}
	}
	return append(out, `</svg>`...)
}

// appendDisc adds a circle in the middle of the packet's place, whose upper left corner is given.
func appendDisc(out []byte, class string, left, top int64, radius string) []byte {
	out = append(out, `<circle class="`...)
	out = append(out, class...)
	out = append(out, `" cx="`...)
	out = strconv.AppendInt(out, left+5, 10)
	out = append(out, `" cy="`...)
	out = strconv.AppendInt(out, top+5, 10)
	out = append(out, `" r="`...)
	out = append(out, radius...)
	return append(out, `"/>`...)
}

// appendMark adds a path that starts at x, y.
func appendMark(out []byte, class string, x, y int64, d string) []byte {
	out = append(out, `<path class="`...)
	out = append(out, class...)
	out = append(out, `" d="M`...)
	out = strconv.AppendInt(out, x, 10)
	out = append(out, ' ')
	out = strconv.AppendInt(out, y, 10)
	out = append(out, d...)
	return append(out, `"/>`...)
}

// strip draws the packets of one check.
func strip(packets []models.Packet) templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		_, err := w.Write(appendPackets(make([]byte, 0, 64+90*len(packets)), packets))
		return err
	})
}
