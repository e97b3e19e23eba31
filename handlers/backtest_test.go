package handlers

import (
	"net/url"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
)

// TestTryRules: the rules that were typed are tried on the history, with scripts and without, and nothing is saved.
func TestTryRules(t *testing.T) {
	pasts(t, func(h *house) {
		session := h.session("user@example.com")
		one := "/monitors/" + h.monitor.PublicID.String()
		form := func(more ...string) string {
			values := url.Values{"_csrf": {csrfOf(session)}, "name": {"Typed"}, "icmpConfig.count": {"2"}}
			for i := 0; i < len(more); i += 2 {
				values.Set(more[i], more[i+1])
			}
			return values.Encode()
		}
		send := func(body string, header ...string) (answer, *goquery.Document) {
			h.t.Helper()
			a := h.as(session, "POST", one+"/back-test", body, append(header, "Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "same-origin")...)
			doc, err := goquery.NewDocumentFromReader(strings.NewReader(a.body))
			if err != nil {
				h.t.Fatal(err)
			}
			return a, doc
		}
		said := func(doc *goquery.Document) string {
			return strings.ReplaceAll(doc.Find("[data-testid=back-test]").Text(), "\u00a0", " ")
		}
		htmx := []string{"HX-Request", "true"}
		a, doc := send(form(), htmx...)
		if got, want := said(doc), "These rules would have raised 1 incident in 1 h 59 min, 5 min in all."; a.status != 200 || got != want {
			h.t.Errorf("got %d %q, want %q", a.status, got, want)
		}
		if doc.Find("svg.smoke").Length() != 3 || doc.Find("path.flag").Length() != 3 || doc.Find("form").Length() != 0 {
			h.t.Errorf("got %s, want the chart with a flag, and no form", firstBytes(a.body))
		}
		if got := strings.ReplaceAll(doc.Find("li").Text(), "\u00a0", " "); got != "1 Mar 01:00:00 UTC, down for 5 min" {
			h.t.Errorf("got %q", got)
		}
		if _, doc = send(form("icmpConfig.confirmations", "6"), htmx...); said(doc) != "These rules would have raised no incident in 1 h 59 min." {
			h.t.Errorf("six in a row: got %q", said(doc))
		}
		if a, doc = send(form("icmpConfig.confirmations", "x"), htmx...); a.status != 422 || !strings.HasPrefix(said(doc), "Not tried: icmpConfig.confirmations must be") {
			h.t.Errorf("no number: got %d %q", a.status, said(doc))
		}

		a, doc = send(form("icmpConfig.confirmations", "6", "version", "v"))
		if a.status != 200 || said(doc) != "These rules would have raised no incident in 1 h 59 min." || doc.Find("input[name=name]").AttrOr("value", "") != "Typed" ||
			doc.Find("input[name='icmpConfig.confirmations']").AttrOr("value", "") != "6" || doc.Find("input[name=version]").AttrOr("value", "") != "v" {
			h.t.Errorf("without scripts: got %d %q, want the form as it was typed", a.status, said(doc))
		}
		if got := doc.Find("form[data-promise] button[type=submit]").First().Text(); got != "Save" {
			h.t.Errorf("the first button is %q, want the one that saves: the Enter key presses it", got)
		}
		if a, doc = send(form("icmpConfig.confirmations", "x")); a.status != 422 || doc.Find("input[name='icmpConfig.confirmations']").AttrOr("aria-invalid", "") != "true" {
			h.t.Errorf("without scripts, no number: got %d, want the field marked", a.status)
		}

		if m, err := h.store.Monitor(h.t.Context(), h.organization, h.monitor.PublicID); err != nil || m.Name != "Gateway" || m.Version != h.monitor.Version {
			h.t.Errorf("got %q version %d and error %v, want nothing saved", m.Name, m.Version, err)
		}
		if a := h.as(session, "GET", one+"/edit", ""); !strings.Contains(a.body, `formaction="`+one+`/back-test"`) {
			h.t.Error("the form has no button to try rules")
		}
		if a := h.as(session, "GET", "/monitors/new", ""); strings.Contains(a.body, "back-test") {
			h.t.Error("a new monitor has no history to try rules on")
		}
	})
}
