package handlers

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"echolot/models"
	"echolot/views"
)

// TestWallPage: each customer's monitors are one picture, trouble stands beside it, and the words of each line can be asked for.
func TestWallPage(t *testing.T) {
	houses(t, func(h *house) {
		h.measure(10)
		down := make([]models.Result, 3)
		for i := range down {
			down[i] = models.Result{Monitor: h.hidden.ID, Rev: 1, Slot: time.Now().Add(time.Duration(i-3) * time.Minute).UnixMilli(), Location: models.LocationID, Kind: models.KindScheduled,
				Outcome: models.OutcomeFailure, Cause: models.CauseTimeout, Sent: 4}
		}
		if _, err := h.store.RecordResults(context.Background(), down, models.Judge); err != nil {
			h.t.Fatal(err)
		}
		look := func(email string) *goquery.Document {
			h.t.Helper()
			a := h.as(h.session(email), "GET", "/wall", "")
			if a.status != 200 {
				h.t.Fatalf("%s: got %d", email, a.status)
			}
			doc, err := goquery.NewDocumentFromReader(strings.NewReader(a.body))
			if err != nil {
				h.t.Fatal(err)
			}
			return doc
		}
		doc := look("readonly@example.com")
		groups := doc.Find("[data-testid=wall-group]")
		if groups.Length() != 2 || strings.Contains(doc.Text(), "Foreign") {
			t.Fatalf("got %d groups, want the house's two customers", groups.Length())
		}
		second := doc.Find(`[data-strips="` + h.second.PublicID.String() + `"]`)
		if second.AttrOr("data-trouble", "") != "0" || second.Find("path.w-down").Length() != 1 || second.AttrOr("aria-label", "") != "Second: 1\u00a0monitor, last 60 minutes" {
			html, _ := goquery.OuterHtml(second)
			t.Errorf("got %s, want its monitor down", html)
		}
		if up := doc.Find(`[data-strips="` + h.customer.PublicID.String() + `"]`); up.Find("path.w-up").Length() != 1 || up.Find("path.w-loss").Length() != 1 {
			t.Error("want the first customer's monitor up, with loss")
		}
		if got := doc.Find("[data-testid=worst-row]"); got.Length() != 1 || !strings.Contains(got.Text(), "Hidden") || !strings.Contains(got.Text(), "no reply") {
			t.Errorf("got %q beside the wall, want the one that is down", got.Text())
		}
		if got := look(h.limited).Find("[data-testid=wall-group]").Length(); got != 1 {
			t.Errorf("a limited user sees %d customers, want 1", got)
		}
		var texts []views.LineText
		a := h.as(h.session("readonly@example.com"), "GET", "/wall/lines?customerId="+h.second.PublicID.String(), "")
		a.decode(h.t, &texts)
		if len(texts) != 1 || texts[0].Name != "Hidden" || texts[0].Kind != "down" || texts[0].PublicID != h.hidden.PublicID.String() || texts[0].Since == 0 {
			t.Errorf("got %+v", texts)
		}
		for query, want := range map[string]int{"": 400, "customerId=x": 400, "customerId=" + h.second.PublicID.String() + "&page=0": 400, "customerId=" + h.foreign.PublicID.String(): 404} {
			if a := h.as(h.session("readonly@example.com"), "GET", "/wall/lines?"+query, ""); a.status != want {
				t.Errorf("%q: got %d, want %d", query, a.status, want)
			}
		}
	})
}
