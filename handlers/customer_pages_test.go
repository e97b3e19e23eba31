package handlers

import (
	"net/url"
	"strings"
	"testing"

	"echolot/models"

	"github.com/PuerkitoBio/goquery"
)

// TestTwoPeopleEditOneCustomer: the second one is told, keeps what was typed, and may then save it.
func TestTwoPeopleEditOneCustomer(t *testing.T) {
	h := liteHouse(t)
	session := h.session("admin@example.com")
	path := "/customers/" + h.customer.PublicID.String()
	version := func(body string) string {
		doc, err := goquery.NewDocumentFromReader(strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		return doc.Find(`input[name="version"]`).AttrOr("value", "")
	}
	old := version(h.browser(session, "GET", path, nil).body)
	save := func(v, name, email string) answer {
		return h.browser(session, "POST", path, url.Values{"version": {v}, "name": {name}, "email": {email}})
	}
	if a := save(old, "Theirs", "a@example.com"); a.status != 303 {
		t.Fatalf("first save: got %d, want 303", a.status)
	}
	a := save(old, "Mine", "b@example.com")
	if a.status != 412 || !strings.Contains(a.body, `value="Mine"`) {
		t.Fatalf("second save: got %d, want 412 with what was typed", a.status)
	}
	if c, err := h.store.Customer(t.Context(), h.organization, models.Ref{ID: h.customer.ID}); err != nil || c.Name != "Theirs" {
		t.Errorf("after the conflict: got %q, error %v, want Theirs", c.Name, err)
	}
	if a := save(version(a.body), "Mine", "b@example.com"); a.status != 303 {
		t.Errorf("saved once more: got %d, want 303", a.status)
	}
}
