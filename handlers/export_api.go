package handlers

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"mime"
	"net"
	"net/http/httputil"
	"runtime/debug"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
)

// exportMonitorAPI sends a monitor's history as a file, page by page: as much as is asked for, in as little memory as a page takes.
// Query: start and end, or startDate and endDate (default: the seven days up to now), granularity (default: the finest that is kept).
func (s *Server) exportMonitorAPI(csv bool) fiber.Handler {
	return func(c *fiber.Ctx) error {
		id, err := monitorID(c)
		if err != nil {
			return err
		}
		from, to, granularity, err := exportRange(c, time.Now())
		if err != nil {
			return err
		}
		x := &export{server: s, by: actorOf(c), again: s.whoAgain(c), checked: time.Now(), from: from, to: to, step: stepOf(granularity)}
		if x.monitor, err = s.Store.Monitor(c.UserContext(), x.by, id); err != nil {
			return err
		}
		if x.step == 0 {
			if x.step, err = s.Store.FinestStep(c.UserContext(), x.by, id, from, to); err != nil {
				return err
			}
		}
		if x.location, err = s.Store.Location(c.UserContext()); err != nil {
			return err
		}
		kind, ending := "application/json; charset=utf-8", "json"
		if csv {
			kind, ending = "text/csv; charset=utf-8", "csv"
		}
		if c.Method() != fiber.MethodHead {
			if err := s.exports.begin(x.by.OrganizationID); err != nil {
				c.Set(fiber.HeaderRetryAfter, "10")
				return err
			}
		}
		c.Set(fiber.HeaderContentType, kind)
		c.Set(fiber.HeaderContentDisposition, mime.FormatMediaType("attachment", map[string]string{"filename": x.name() + "." + ending}))
		if c.Method() == fiber.MethodHead {
			return nil
		}
		s.download(c, x, csv)
		return nil
	}
}

// exportRange reads start, end (or startDate, endDate) and granularity.
func exportRange(c *fiber.Ctx, now time.Time) (from, to time.Time, granularity string, err error) {
	q := historyQuery{c: c}
	startName, endName := q.either("start", "startDate"), q.either("end", "endDate")
	from, to, granularity = q.moment(startName, false), q.moment(endName, true), q.granularity()
	if to.IsZero() || to.After(now) {
		to = now
	}
	if from.IsZero() {
		from = to.AddDate(0, 0, -7)
	}
	q.ordered(startName, endName, from, to)
	return from, to, granularity, q.err()
}

// name is the file's, without its ending: of the monitor's name only what is safe in one.
func (x *export) name() string {
	name := strings.Trim(strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			return r
		case r >= 'A' && r <= 'Z':
			return r - 'A' + 'a'
		default:
			return '-'
		}
	}, x.monitor.Name), "-")
	if name == "" {
		name = "monitor"
	}
	return fmt.Sprintf("%.60s_%s_%s", name, x.from.Format(time.DateOnly), x.to.Format(time.DateOnly))
}

// download takes the connection over, as live streams do: fasthttp's own way has one deadline for the whole of an answer. It is
// chunked, so that a client can tell a file that was cut off from one that ended.
func (s *Server) download(c *fiber.Ctx, x *export, csv bool) {
	ctx, organization := c.Context(), x.by.OrganizationID
	ctx.HijackSetNoResponse(true)
	c.Response().SetConnectionClose()
	chunked := ctx.Request.Header.IsHTTP11()
	if chunked {
		c.Response().Header.SetContentLength(-1)
	} else {
		c.Response().Header.SetContentLength(-2)
	}
	head := bytes.Replace(bytes.Clone(c.Response().Header.Header()), []byte("Transfer-Encoding: identity\r\n"), nil, 1)
	ctx.Hijack(func(conn net.Conn) {
		defer s.exports.end(organization)
		defer func() { _ = conn.Close() }() // whoever takes a connection over closes it; see KeepHijackedConns
		defer func() {
			if p := recover(); p != nil {
				s.Log.Error("panic in an export", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			}
		}()
		ctx, cancel := context.WithTimeout(s.exports.ctx, exportTime)
		defer cancel()
		if err := x.send(ctx, conn, head, chunked, csv, s.hub.writeTime); err != nil {
			s.Log.Info("export not finished", "monitor", x.monitor.ID, "error", err)
		}
	})
}

// patientWriter gives each write to a connection its own time.
type patientWriter struct {
	conn net.Conn
	time time.Duration
}

func (w patientWriter) Write(b []byte) (int, error) {
	if err := w.conn.SetWriteDeadline(time.Now().Add(w.time)); err != nil {
		return 0, err
	}
	return w.conn.Write(b)
}

// send writes the head and the file; each write has to be taken within the time given.
func (x *export) send(ctx context.Context, conn net.Conn, head []byte, chunked, csv bool, writeTime time.Duration) error {
	const buffer = 32 << 10
	wire := bufio.NewWriterSize(patientWriter{conn, writeTime}, buffer)
	if _, err := wire.Write(head); err != nil {
		return err
	}
	body := wire
	finish := func() error { return nil }
	if chunked {
		chunks := httputil.NewChunkedWriter(wire)
		body = bufio.NewWriterSize(chunks, buffer)
		finish = func() error {
			if err := chunks.Close(); err != nil {
				return err
			}
			_, err := wire.WriteString("\r\n")
			return err
		}
	}
	x.begin(body, csv)
	flush := func() error {
		if err := x.flush(); err != nil {
			return err
		}
		return wire.Flush()
	}
	if err := x.pages(ctx, flush); err != nil {
		return err
	}
	if err := x.finish(); err != nil {
		return err
	}
	if err := finish(); err != nil {
		return err
	}
	return wire.Flush()
}
