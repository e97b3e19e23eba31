package views

import (
	"fmt"
	"math"
	"strconv"
)

// What links and buttons of the pages for visitors stand on, by day and by night: --surface, --bg and --hover of status.css.
var (
	dayGrounds   = [...]string{"#ffffff", "#f3f6f7", "#f1f5f7"}
	nightGrounds = [...]string{"#111a1f", "#0b1216", "#162127"}
)

// leastContrast is what text needs on its ground (WCAG 2.2, 1.4.3).
const leastContrast = 4.5

// StatusTheme is the style sheet for a page's accent, #rrggbb: by day darkened, by night lightened, as far as it takes to be read on
// every ground. ok is false for what is no colour.
func StatusTheme(accent string) (css string, ok bool) {
	c, ok := parseColour(accent)
	if !ok {
		return "", false
	}
	day, night := c.readableOn(dayGrounds[:], colour{}), c.readableOn(nightGrounds[:], colour{1, 1, 1})
	return fmt.Sprintf(":root{--accent:%s;--on-accent:%s}@media screen and (prefers-color-scheme:dark){:root{--accent:%s;--on-accent:%s}}",
		day, day.ink(), night, night.ink()), true
}

// themePath is where the page's accent is read. A preview may try one that is not saved: its address names it.
func (p StatusPage) themePath() string {
	if p.Preview {
		return p.path("/theme.css", "accent", p.Board.Accent)
	}
	return p.versioned("/theme.css")
}

// colour is red, green and blue of sRGB, each 0 to 1.
type colour [3]float64

func parseColour(text string) (c colour, ok bool) {
	if len(text) != 7 || text[0] != '#' {
		return c, false
	}
	for i := range c {
		v, err := strconv.ParseUint(text[1+2*i:3+2*i], 16, 8)
		if err != nil {
			return c, false
		}
		c[i] = float64(v) / 255
	}
	return c, true
}

// String is #rrggbb.
func (c colour) String() string {
	at := func(i int) int { return int(math.Round(255 * c[i])) }
	return fmt.Sprintf("#%02x%02x%02x", at(0), at(1), at(2))
}

// luminance is the relative luminance (WCAG 2.2, Terms), of the colour as it is written.
func (c colour) luminance() float64 {
	sum := 0.0
	for i, weight := range [...]float64{0.2126, 0.7152, 0.0722} {
		v := math.Round(255*c[i]) / 255
		if v <= 0.04045 {
			v /= 12.92
		} else {
			v = math.Pow((v+0.055)/1.055, 2.4)
		}
		sum += weight * v
	}
	return sum
}

// contrast is the ratio of the two luminances (WCAG 2.2, Terms), 1 to 21.
func (c colour) contrast(d colour) float64 {
	a, b := c.luminance(), d.luminance()
	return (max(a, b) + 0.05) / (min(a, b) + 0.05)
}

// readableOn is the colour mixed with as little of another one as makes it readable on all of the grounds.
func (c colour) readableOn(grounds []string, with colour) colour {
	const steps = 100
	mixed := c
	for step := range steps + 1 {
		share := float64(step) / steps
		for i := range c {
			mixed[i] = c[i] + share*(with[i]-c[i])
		}
		readable := true
		for _, g := range grounds {
			ground, _ := parseColour(g)
			readable = readable && mixed.contrast(ground) >= leastContrast
		}
		if readable {
			break
		}
	}
	return mixed
}

// ink is what is read best on the colour: one of the two has 4.58 at least.
func (c colour) ink() string {
	white, black := colour{1, 1, 1}, colour{}
	if c.contrast(white) >= c.contrast(black) {
		return white.String()
	}
	return black.String()
}
