package views

import "strconv"

// tenths is a place or a length in tenths of a pixel: the charts are rounded to it, and whole numbers do not drift.
type tenths int

// pen writes the d of an SVG path (SVG 1.1 §8.3). Lines are relative, which is half as long. The zero value is an empty path.
type pen struct {
	d    []byte
	x, y tenths
	// line is true while another pair of numbers goes on with the last line.
	line bool
}

func (p *pen) empty() bool { return len(p.d) == 0 }

// move begins anew at a place.
func (p *pen) move(x, y tenths) {
	p.d = append(p.d, 'M')
	p.d = appendTenths(p.d, x, false)
	p.d = appendTenths(p.d, y, true)
	p.x, p.y, p.line = x, y, false
}

// to draws a line to a place.
func (p *pen) to(x, y tenths) {
	if !p.line {
		p.d = append(p.d, 'l')
	}
	p.d = appendTenths(p.d, x-p.x, p.line)
	p.d = appendTenths(p.d, y-p.y, true)
	p.x, p.y, p.line = x, y, true
}

// shut closes the shape.
func (p *pen) shut() {
	p.d = append(p.d, 'z')
	p.line = false
}

// box draws a rectangle.
func (p *pen) box(x, y, w, h tenths) {
	p.move(x, y)
	p.d = append(p.d, 'h')
	p.d = appendTenths(p.d, w, false)
	p.d = append(p.d, 'v')
	p.d = appendTenths(p.d, h, false)
	p.d = append(p.d, 'h')
	p.d = appendTenths(p.d, -w, false)
	p.shut()
}

// down draws a vertical line.
func (p *pen) down(x, from, to tenths) {
	p.move(x, from)
	p.d = append(p.d, 'V')
	p.d = appendTenths(p.d, to, false)
}

// across draws a horizontal line.
func (p *pen) across(y, from, to tenths) {
	p.move(from, y)
	p.d = append(p.d, 'H')
	p.d = appendTenths(p.d, to, false)
}

// appendTenths writes a number as shortly as SVG takes it: 4, -.8, 12.3. With next it is parted from the number before it,
// which a minus does by itself.
func appendTenths(b []byte, n tenths, next bool) []byte {
	if n < 0 {
		b = append(b, '-')
		n = -n
	} else if next {
		b = append(b, ' ')
	}
	whole, part := n/10, n%10
	if whole > 0 || part == 0 {
		b = strconv.AppendInt(b, int64(whole), 10)
	}
	if part > 0 {
		b = append(b, '.', byte('0'+part))
	}
	return b
}
