package handlers

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"echolot/models"

	"github.com/PuerkitoBio/goquery"
)

// Months lead back to the page's first and no further, and each of their moments has its day.
func TestStatusMonths(t *testing.T) {
	houses(t, func(h *house) {
		p := h.pageFor("acme", models.VisiblePublic)
		read := func(month time.Time) *goquery.Document {
			h.t.Helper()
			a := h.request("GET", "/status/acme/history/"+month.Format(monthForm), "")
			h.wantStatus(month.Format(monthForm), a, http.StatusOK)
			doc, err := goquery.NewDocumentFromReader(strings.NewReader(a.body))
			if err != nil {
				h.t.Fatal(err)
			}
			return doc
		}
		now := time.Now().UTC()
		month := time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, time.UTC)
		before := month.AddDate(0, -1, 0)
		if doc := read(month); doc.Find("a[rel=prev], a[rel=next]").Length() != 0 {
			h.t.Errorf("the month of a new page leads to others")
		}
		h.wantStatus("before the page", h.request("GET", "/status/acme/history/"+before.Format(monthForm), ""), http.StatusNotFound)
		began := before.Add(36 * time.Hour)
		for _, body := range []string{`{"kind":"incident","title":"Long ago","body":"We look.","startsAt":"` + began.Format(time.RFC3339) + `"}`, `{"kind":"incident","title":"Today","body":"We look."}`} {
			if _, err := h.store.CreateStatusPost(h.t.Context(), h.organization, p.PublicID, object(h.t, body)); err != nil {
				h.t.Fatal(err)
			}
		}
		h.statusChanged("acme")
		doc := read(month)
		if doc.Find("a[rel=prev]").Length() != 1 {
			h.t.Error("the month does not lead to the one before, in which something was told")
		}
		moments := doc.Find("main time")
		moments.Each(func(_ int, s *goquery.Selection) {
			if _, dated := s.Attr("data-dated"); !dated || !strings.Contains(s.Text(), ", ") {
				h.t.Errorf("got the moment %q, want it with its day", s.Text())
			}
		})
		if moments.Length() < 4 {
			h.t.Errorf("got %d moments, want two of each incident at least", moments.Length())
		}
		if doc := read(before); doc.Find("a[rel=prev]").Length() != 0 || doc.Find("a[rel=next]").Length() != 1 {
			h.t.Error("the first month leads back, or not on")
		}
		next := read(month.AddDate(0, 1, 0))
		if next.Find(`[data-testid="status-notice"]`).Length() != 0 || next.Find("a[rel=next]").Length() != 0 {
			h.t.Errorf("got %s of the month to come, want nothing of what is open", next.Find("main").Text())
		}
	})
}
