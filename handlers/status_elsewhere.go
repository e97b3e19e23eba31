package handlers

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"echolot/models"
	"echolot/views"

	"github.com/gofiber/fiber/v2"
)

// What stands on other people's pages and in their programs: badges, feeds, JSON, the calendar, the widget. All of it goes through
// openStatusPage and statusBoard, as the page does, and depends on nothing of the reader but the address.

// elsewhereAge is for how many seconds a copy of a public page's file may be shown without asking again.
const elsewhereAge = "15"

// localFile is set where what is asked for is a file of a status page: its errors are JSON, since no person reads them as a page.
const localFile = "status_file"

// statusFile is a handler of a page's file: it gets the page, what it shows, and the language, which is the page's unless the address
// names another one.
type statusFile func(c *fiber.Ctx, p models.StatusPage, v views.StatusPage) error

// elsewhere is the way to all of them.
func (s *Server) elsewhere(file statusFile) fiber.Handler {
	return func(c *fiber.Ctx) error {
		c.Locals(localFile, true)
		p, err := s.openStatusPage(c)
		if err != nil {
			return err
		}
		language, err := oneOf(c, "lang", p.Language, s.words.Languages()...)
		if err != nil {
			return err
		}
		board, err := s.statusBoard(c, p)
		if err != nil {
			return err
		}
		return file(c, p, s.statusView(c, p, board, language))
	}
}

// isFile tells whether the answer is a status page's file, by its route or, where none was found, by its name.
func isFile(c *fiber.Ctx) bool {
	if yes, _ := c.Locals(localFile).(bool); yes {
		return true
	}
	if !forVisitors(c) {
		return false
	}
	_, rest, _ := strings.Cut(strings.TrimPrefix(c.Path(), statusPrefix), "/")
	switch path.Ext(rest) {
	case ".svg", ".atom", ".json", ".ics", ".js", ".css", ".txt":
		return true
	}
	return rest == "events" || rest == "logo" || rest == "widget" || strings.HasPrefix(rest, "api/")
}

// sendFile answers with the content or, where the reader has it, without. Who may see the page without anything may use the file on any
// page; a page with a link is opened by its address, so that pictures may stand elsewhere, but no script may read them.
func sendFile(c *fiber.Ctx, p models.StatusPage, contentType string, content []byte) error {
	sum := sha256.Sum256(content)
	tag := `"` + hex.EncodeToString(sum[:12]) + `"`
	c.Set(fiber.HeaderETag, tag)
	c.Set(fiber.HeaderContentType, contentType)
	switch p.Visibility {
	case models.VisiblePublic:
		c.Set(fiber.HeaderCacheControl, "public, max-age="+elsewhereAge)
		c.Set(fiber.HeaderAccessControlAllowOrigin, "*")
		c.Set("Cross-Origin-Resource-Policy", "cross-origin")
	case models.VisibleLink:
		c.Set(fiber.HeaderCacheControl, "private, no-cache")
		c.Set("Cross-Origin-Resource-Policy", "cross-origin")
	default:
		c.Set(fiber.HeaderCacheControl, "private, no-cache")
	}
	if hasTag(c.Get(fiber.HeaderIfNoneMatch), tag) {
		c.Status(http.StatusNotModified)
		return nil
	}
	return c.Send(content)
}

// hasTag compares weakly with each tag of If-None-Match (RFC 9110 §13.1.2).
func hasTag(header, tag string) bool {
	for t := range strings.SplitSeq(header, ",") {
		if t = strings.TrimSpace(t); t == "*" || strings.TrimPrefix(t, "W/") == tag {
			return true
		}
	}
	return false
}

// sendFileJSON is sendFile of a value.
func sendFileJSON(c *fiber.Ctx, p models.StatusPage, contentType string, value any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // these are read by programs, and served as no page
	if err := e.Encode(value); err != nil {
		return fmt.Errorf("writing a status page's JSON: %w", err)
	}
	return sendFile(c, p, contentType, b.Bytes())
}

// oneOf is a parameter that has few values; otherwise where it is not there.
func oneOf(c *fiber.Ctx, name, otherwise string, values ...string) (string, error) {
	v := c.Query(name, otherwise)
	if !slices.Contains(values, v) {
		last := len(values) - 1
		return "", badField(name, name+" must be "+strings.Join(values[:last], ", ")+" or "+values[last])
	}
	return v, nil
}

// shortText is a parameter of at most so many characters that can be drawn.
func shortText(c *fiber.Ctx, name, otherwise string, most int) (string, error) {
	if !c.Context().QueryArgs().Has(name) {
		return otherwise, nil
	}
	v := strings.TrimSpace(c.Query(name))
	if !utf8.ValidString(v) || utf8.RuneCountInString(v) > most || strings.ContainsFunc(v, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return "", badField(name, fmt.Sprintf("%s must be a text of at most %d characters", name, most))
	}
	return v, nil
}

// cut is the text, or its first characters and three dots where it is longer than so many.
func cut(s string, most int) string {
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return strings.TrimSpace(string([]rune(s)[:most-1])) + "…"
}
