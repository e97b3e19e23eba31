package handlers

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"sync"
	"time"

	"echolot/views"

	"github.com/a-h/templ"
	"github.com/valyala/fasthttp"
)

// drawing is a status page in one language, at one moment, as every visitor gets it. It does not change; what is drawn of it
// beside its parts is drawn once, when somebody asks.
type drawing struct {
	drawnParts
	measured time.Time
	// html is the whole page, gzip and brotli are its compressed forms.
	html, gzip, brotli func() form
}

// form is a drawing as it goes out.
type form struct {
	body         []byte
	coding, etag string
}

// drawnParts are the parts of a page that are sent again when they changed, by the ids of their elements.
type drawnParts struct {
	version string // tells two drawings apart
	// frame is what stands around the parts: a page with another one has to be read as a whole.
	frame string
	ids   []string // the parts from top to bottom
	parts map[string]string
}

// drawStatus draws the parts of a page; those that are as before share old's memory. It panics like render.
func drawStatus(p views.StatusPage, old *drawing) *drawing {
	d := &drawing{drawnParts: drawParts(p), measured: p.Board.Measured}
	if old != nil {
		for id, html := range d.parts {
			if before, ok := old.parts[id]; ok && before == html {
				d.parts[id] = before
			}
		}
	}
	p.Version, p.Whole = d.version, true
	d.html = sync.OnceValue(func() form {
		body := []byte(render(views.Status(p)))
		sum := sha256.Sum256(body)
		return form{body: body, etag: hex.EncodeToString(sum[:12])}
	})
	// A strong validator is of one form only (RFC 9110 §8.8.3). The levels: a page of 50 monitors takes 2 ms.
	compressed := func(coding string, compress func(dst, src []byte, level int) []byte, level int) func() form {
		return sync.OnceValue(func() form {
			html := d.html()
			return form{body: compress(nil, html.body, level), coding: coding, etag: html.etag + "-" + coding}
		})
	}
	d.gzip, d.brotli = compressed("gzip", fasthttp.AppendGzipBytesLevel, 6), compressed("br", fasthttp.AppendBrotliBytesLevel, 5)
	return d
}

func drawParts(p views.StatusPage) drawnParts {
	d := drawnParts{parts: map[string]string{}}
	sum := sha256.New()
	add := func(id string, component templ.Component) {
		html := render(component)
		d.ids = append(d.ids, id)
		d.parts[id] = html
		sum.Write([]byte(html))
	}
	b := p.Board
	frame := fmt.Sprintf("%q %q %q %q %q %v %v", b.Name, b.Description, b.FooterText, b.Accent, b.TimeZone, b.HasLogo, b.Latency)
	frame += fmt.Sprintf(" %v %v", b.Interval, b.Longest)
	if b.HasLogo { // another picture has another address, which stands in the head
		frame += fmt.Sprintf(" %d", b.Version)
	}
	add("status-stale", views.StatusStale(p))
	add("status-banner", views.StatusBanner(p))
	add("status-open", views.StatusOpen(p))
	for _, g := range b.Groups {
		frame += fmt.Sprintf(" %q", g.Name)
		for _, c := range g.Components {
			id := c.ID.String()
			frame += " " + id
			add("status-c-"+id, views.StatusLine(p, c))
			add("status-d-"+id, views.StatusDays(p, c))
		}
	}
	add("status-announced", views.StatusAnnounced(p))
	add("status-past", views.StatusPast(p))
	sum.Write([]byte(frame))
	d.version, d.frame = hex.EncodeToString(sum.Sum(nil)[:8]), frame
	return d
}

// changes are the parts of d that are not as in old, one after the other. ok is false where a page with old's parts can not become
// d by them.
func (d drawnParts) changes(old drawnParts) (html string, ok bool) {
	if d.frame != old.frame {
		return "", false
	}
	var b bytes.Buffer
	for _, id := range d.ids {
		if d.parts[id] != old.parts[id] {
			b.WriteString(d.parts[id])
		}
	}
	return b.String(), true
}

// statusFrame is one event to visitors of a status page. Its id comes back as Last-Event-ID when a browser reconnects (HTML,
// Server-sent events, §9.2.4), and says what its page shows.
func statusFrame(b *bytes.Buffer, version, event, data string) {
	b.WriteString("id: " + version + "\n")
	sse(b, event, data)
}

// measuredFrame tells when the newest check was.
func (d *drawing) measuredFrame(b *bytes.Buffer) {
	if !d.measured.IsZero() {
		statusFrame(b, d.version, "measured", d.measured.UTC().Format(isoLayout))
	}
}

// update is what visitors who see old are sent so that they see d: the changed parts, or, where that is not enough, sync, on which
// a page reads itself again. It is empty where they see the same.
func (d *drawing) update(old *drawing) []byte {
	var b bytes.Buffer
	if d.version != old.version {
		if html, ok := d.changes(old.drawnParts); ok {
			statusFrame(&b, d.version, "parts", html)
		} else {
			statusFrame(&b, d.version, "sync", d.version)
		}
	}
	if !d.measured.Equal(old.measured) {
		d.measuredFrame(&b)
	}
	return b.Bytes()
}
