package handlers

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"echolot/models"

	"github.com/PuerkitoBio/goquery"
	"github.com/google/uuid"
)

// tellingPage makes a published page of the house's first customer.
func (h *house) tellingPage() models.StatusPage {
	h.t.Helper()
	p, err := h.store.CreateStatusPage(context.Background(), h.organization, object(h.t, `{"customerId":1,"name":"Clinics","slug":"clinics","isPublished":true}`))
	if err != nil {
		h.t.Fatal(err)
	}
	return p
}

// visit reads the page's part as a visitor does.
func (h *house) visit(path, part string) string {
	h.t.Helper()
	a := h.request("GET", path, "")
	if a.status != http.StatusOK {
		h.t.Fatalf("%s: got %d %s", path, a.status, firstBytes(a.body))
	}
	doc, err := goquery.NewDocumentFromReader(strings.NewReader(a.body))
	if err != nil {
		h.t.Fatal(err)
	}
	return strings.Join(strings.Fields(doc.Find(part).Text()), " ")
}

// An operator tells of an outage from the incident's page on, in forms alone; visitors read it, in their language, and nothing of the
// operator's.
func TestTellPeople(t *testing.T) {
	houses(t, func(h *house) {
		page, session := h.tellingPage(), h.session("admin@example.com")
		incident := h.fail(h.monitor)
		if got := h.visit("/status/clinics", "#status-open"); !strings.Contains(got, "Gateway is down") {
			h.t.Errorf("got %q, want the measured incident", got)
		}
		if doc, _ := h.read("admin@example.com", "/incidents/"+incident); doc.Find("a[href$='/tell']").Length() != 1 {
			h.t.Error("the incident's page has no way to tell people")
		}
		form := "/status-pages/" + page.PublicID.String() + "/posts/new?kind=incident&incident=" + incident
		if doc, _ := h.read("admin@example.com", "/incidents/"+incident+"/tell"); doc.Find("main a[href='"+form+"']").Length() != 1 || doc.Find("main a[href*='/posts/new']").Length() != 2 {
			h.t.Fatalf("got the choice %s, want both pages that show the monitor", doc.Find("main").Text())
		}
		if err := h.store.DeleteStatusPage(h.t.Context(), h.organization, uuid.MustParse(h.page)); err != nil {
			h.t.Fatal(err)
		}
		if a := h.browser(session, "GET", "/incidents/"+incident+"/tell", nil); a.status != http.StatusSeeOther || a.header.Get("Location") != form {
			h.t.Fatalf("got %d to %q, want the form of the one page", a.status, a.header.Get("Location"))
		}
		doc, _ := h.read("admin@example.com", form)
		box := "monitor." + h.monitor.PublicID.String()
		if _, ticked := doc.Find("input[name='" + box + "']").Attr("checked"); !ticked || doc.Find("input[name^='monitor.']").Length() != 1 {
			h.t.Errorf("got %d boxes, ticked: %t; want the page's one monitor, ticked", doc.Find("input[name^='monitor.']").Length(), ticked)
		}
		posts := "/status-pages/" + page.PublicID.String() + "/posts"
		sent := url.Values{"kind": {"incident"}, "whole": {"yes"}, "incidentId": {incident}, "title": {""}, "state": {"identified"}, "body": {"A **cut** cable."}, box: {"yes"}}
		if a := h.browser(session, "POST", posts, sent); a.status != http.StatusUnprocessableEntity || !strings.Contains(a.body, "Type a title") || !strings.Contains(a.body, "A **cut** cable.") {
			h.t.Errorf("without a title: got %d, want 422 with what was typed", a.status)
		}
		sent.Set("title", "Cut cable & <b>more</b>")
		a := h.browser(session, "POST", posts, sent)
		post := a.header.Get("Location")
		if a.status != http.StatusSeeOther || !strings.HasPrefix(post, posts+"/") {
			h.t.Fatalf("got %d to %q, want the post's page", a.status, post)
		}
		if got := h.visit("/status/clinics", "#status-open"); !strings.Contains(got, "Cut cable & <b>more</b>") || !strings.Contains(got, "Identified. A cut cable.") || strings.Contains(got, "admin@example.com") || strings.Contains(got, "Gateway is down") {
			h.t.Errorf("got %q, want what was told in the place of what was measured, and nobody's name", got)
		}
		if got := h.visit("/status/clinics?lang=de", "#status-open"); !strings.Contains(got, "Gerade jetzt") || !strings.Contains(got, "Ursache gefunden. A cut cable.") {
			h.t.Errorf("got %q, want it in German", got)
		}
		if a := h.browser(session, "POST", posts, sent); a.status != http.StatusConflict {
			h.t.Errorf("a second post of the incident: got %d, want 409", a.status)
		}
		if a := h.browser(session, "POST", post+"/updates", url.Values{"state": {"identified"}, "body": {""}}); a.status != http.StatusUnprocessableEntity {
			h.t.Errorf("an update that says nothing: got %d, want 422", a.status)
		}
		if a := h.browser(session, "POST", post+"/updates", url.Values{"state": {"monitoring"}, "body": {"Mended."}, "at": {""}}); a.status != http.StatusSeeOther {
			h.t.Errorf("an update: got %d %s, want 303", a.status, firstBytes(a.body))
		}
		doc, _ = h.read("admin@example.com", post)
		edit, _ := doc.Find("[data-testid=update-row] a").First().Attr("href")
		doc, _ = h.read("admin@example.com", edit)
		at, _ := doc.Find("input[name=at]").Attr("value") // to the minute, which must not move it before the first update
		if a := h.browser(session, "POST", edit, url.Values{"state": {"monitoring"}, "body": {"Spliced."}, "at": {"tomorrow"}}); a.status != http.StatusUnprocessableEntity || !strings.Contains(a.body, "Type a date and a time") {
			h.t.Errorf("no time: got %d, want 422", a.status)
		}
		if a := h.browser(session, "POST", edit, url.Values{"state": {"monitoring"}, "body": {"Spliced."}, "at": {at}}); a.status != http.StatusSeeOther {
			h.t.Errorf("an update changed: got %d, want 303", a.status)
		}
		if got := h.visit("/status/clinics", "#status-open"); !strings.Contains(got, "Monitoring. Spliced.") || strings.Contains(got, "Mended") {
			h.t.Errorf("got %q, want the update as it was changed", got)
		}
		if a := h.browser(session, "POST", edit+"/delete", url.Values{"x": {"y"}}); a.status != http.StatusSeeOther {
			h.t.Errorf("an update taken back: got %d, want 303", a.status)
		}
		readonly, _ := h.read("readonly@example.com", post)
		if rows := readonly.Find("[data-testid=update-row]"); rows.Length() != 1 || readonly.Find("main form").Length() != 0 {
			h.t.Errorf("readonly: got %d updates and %d forms, want one and none", rows.Length(), readonly.Find("main form").Length())
		}
		if a := h.browser(session, "POST", post, url.Values{"title": {"Left out"}, "whole": {"yes"}, "hidden": {"yes"}}); a.status != http.StatusSeeOther {
			h.t.Errorf("hidden: got %d, want 303", a.status)
		}
		if got := h.visit("/status/clinics", "#status-open"); got != "" {
			h.t.Errorf("hidden: got %q, want nothing told", got)
		}
		if a := h.browser(session, "POST", post+"/delete", url.Values{"x": {"y"}}); a.status != http.StatusSeeOther {
			h.t.Errorf("deleted: got %d, want 303", a.status)
		}
		row, _ := h.read("admin@example.com", posts)
		if got := row.Find("[data-testid=measured-row]"); got.Length() != 1 || !strings.Contains(got.Text(), "shown by rule") || got.Find("form input[name=incidentId]").AttrOr("value", "") != incident {
			h.t.Errorf("got %q, want the measured incident with the way to leave it out", got.Text())
		}
	})
}

// A measured incident that was left out comes back by one button; what leaves it out has no title of ours that visitors could read.
func TestLeaveOutAndShowAgain(t *testing.T) {
	houses(t, func(h *house) {
		page, session, admin := h.tellingPage(), h.session("admin@example.com"), h.token("admin@example.com")
		incident := h.fail(h.monitor)
		posts := "/status-pages/" + page.PublicID.String() + "/posts"
		press := func(button string) {
			h.t.Helper()
			doc, _ := h.read("admin@example.com", posts)
			form := doc.Find("[data-testid=measured-row] form").FilterFunction(func(_ int, f *goquery.Selection) bool { return f.Find("button").Text() == button })
			if form.Length() != 1 {
				h.t.Fatalf("got %q, want a button %q", doc.Find("[data-testid=measured-row]").Text(), button)
			}
			values := url.Values{}
			for _, input := range form.Find("input").EachIter() {
				values.Set(input.AttrOr("name", ""), input.AttrOr("value", ""))
			}
			if a := h.browser(session, "POST", form.AttrOr("action", ""), values); a.status != http.StatusSeeOther || a.header.Get("Location") != posts {
				h.t.Fatalf("%s: got %d to %q, want the list again", button, a.status, a.header.Get("Location"))
			}
		}
		reads := func(what, want string) {
			h.t.Helper()
			if got := h.visit("/status/clinics", "#status-open"); !strings.Contains(got, want) || want == "" && got != "" {
				h.t.Errorf("%s: visitors read %q, want %q", what, got, want)
			}
		}
		reads("at first", "Gateway is down")
		press("Leave out")
		reads("left out", "")
		doc, _ := h.read("admin@example.com", posts)
		one := doc.Find("[data-testid=post-row] a.name").AttrOr("href", "")
		if got := doc.Find("[data-testid=post-row] a.name").Text(); got != "Measured incident, left out" {
			h.t.Errorf("operators read %q", got)
		}
		for _, body := range []string{`{"hidden":false}`, `{"hidden":false,"title":" "}`} {
			if a := h.api(admin, "PATCH", "/api"+one, body); a.status != http.StatusBadRequest || !strings.Contains(a.body, "delete the post") {
				h.t.Errorf("%s: got %d %s, want 400 that says what to do", body, a.status, a.body)
			}
		}
		if a := h.browser(session, "POST", one, url.Values{"title": {""}, "whole": {"yes"}}); a.status != http.StatusUnprocessableEntity || !strings.Contains(a.body, "or delete this, then visitors read what was measured") {
			h.t.Errorf("unticked: got %d %s, want 422 that says what to do", a.status, firstBytes(a.body))
		}
		reads("after all that", "")
		press("Show again")
		reads("shown again", "Gateway is down")
		if doc, _ := h.read("admin@example.com", posts); doc.Find("[data-testid=post-row]").Length() != 0 {
			h.t.Errorf("got %q, want no post left", doc.Find("[data-testid=post-row]").Text())
		}
		press("Leave out")
		if a := h.api(admin, "PATCH", "/api"+one, `{"hidden":false,"title":"x"}`); a.status != http.StatusNotFound {
			h.t.Errorf("the deleted one: got %d, want 404", a.status)
		}
		doc, _ = h.read("admin@example.com", posts)
		one = doc.Find("[data-testid=post-row] a.name").AttrOr("href", "")
		if a := h.browser(session, "POST", one+"/updates", url.Values{"state": {"identified"}, "body": {"A cut."}}); a.status != http.StatusSeeOther {
			h.t.Errorf("an update: got %d", a.status)
		}
		if doc, _ := h.read("admin@example.com", posts); strings.Contains(doc.Find("[data-testid=measured-row]").Text(), "Show again") {
			h.t.Error("what was told of it would go with one button")
		}
		if a := h.browser(session, "POST", one, url.Values{"title": {"Cut"}, "whole": {"yes"}}); a.status != http.StatusSeeOther {
			h.t.Errorf("with a title: got %d %s", a.status, firstBytes(a.body))
		}
		reads("told", "Identified. A cut.")
		// Not everything may be without a title.
		for _, body := range []string{`{"kind":"incident","hidden":true}`, `{"kind":"incident","incidentId":"` + incident + `"}`, `{"kind":"announcement","hidden":true,"incidentId":null}`} {
			if a := h.api(admin, "POST", "/api"+posts, body); a.status != http.StatusBadRequest || !strings.Contains(a.body, `"title":"Type a title"`) {
				h.t.Errorf("%s: got %d %s, want 400 for the title", body, a.status, a.body)
			}
		}
	})
}

// Of an outage that is over the form tells that it is, and since when; the last thing that is told of a post is not taken back alone.
func TestTellOfEnded(t *testing.T) {
	h := liteHouse(t)
	page, session := h.tellingPage(), h.session("admin@example.com")
	incident := h.fail(h.monitor)
	posts := "/status-pages/" + page.PublicID.String() + "/posts"
	form := posts + "/new?kind=incident&incident=" + incident
	state := func() (state, at string) {
		doc, _ := h.read("admin@example.com", form)
		return doc.Find("select[name=state] option[selected]").AttrOr("value", ""), doc.Find("input[name=at]").AttrOr("value", "")
	}
	if state, at := state(); state == "resolved" || at != "" {
		t.Errorf("open: got %q at %q, want nothing resolved", state, at)
	}
	a := h.browser(session, "POST", posts, url.Values{"kind": {"incident"}, "whole": {"yes"}, "incidentId": {incident}, "title": {"Soon over"}, "state": {"identified"}, "body": {"x"}})
	soon := a.header.Get("Location")
	more := func() (state string) {
		doc, _ := h.read("admin@example.com", soon)
		return doc.Find("form[action$='/updates'] option[selected]").AttrOr("value", "")
	}
	if got := more(); got != "identified" {
		t.Errorf("more of what is open: got %q, want the state that it has", got)
	}
	h.recover(h.monitor)
	if got := more(); got != "resolved" {
		t.Errorf("more of what is over: got %q, want resolved", got)
	}
	if a := h.browser(session, "POST", soon+"/delete", url.Values{"x": {"y"}}); a.status != http.StatusSeeOther {
		t.Fatalf("got %d %s", a.status, firstBytes(a.body))
	}
	measured, err := h.store.StatusPageIncidents(t.Context(), h.organization, page.PublicID)
	if err != nil || len(measured) != 1 || measured[0].EndedAt.IsZero() {
		t.Fatalf("got %+v, %v; want an incident that is over", measured, err)
	}
	chosen, at := state()
	if chosen != "resolved" || at != momentValue(measured[0].EndedAt, page.Zone()) {
		t.Errorf("over: got %q at %q, want it resolved at %s", chosen, at, measured[0].EndedAt)
	}
	a = h.browser(session, "POST", posts, url.Values{"kind": {"incident"}, "whole": {"yes"}, "incidentId": {incident}, "title": {"Cut"}, "state": {chosen}, "at": {at}, "body": {"It was a cable."},
		"monitor." + h.monitor.PublicID.String(): {"yes"}})
	if a.status != http.StatusSeeOther {
		t.Fatalf("got %d %s", a.status, firstBytes(a.body))
	}
	if got := h.visit("/status/clinics/history/"+time.Now().UTC().Format(monthForm), "main"); !strings.Contains(got, "Resolved. It was a cable.") {
		t.Errorf("got %q, want it told as over", got)
	}
	doc, _ := h.read("admin@example.com", a.header.Get("Location"))
	edit := doc.Find("[data-testid=update-row] a").AttrOr("href", "")
	doc, _ = h.read("admin@example.com", edit)
	if doc.Find("[formaction]").Length() != 0 || doc.Find("a[href='"+a.header.Get("Location")+"/delete']").Length() != 1 {
		t.Error("the only update can be taken back alone, or there is no way to delete the post")
	}
	if a := h.browser(session, "POST", edit+"/delete", url.Values{"x": {"y"}}); a.status != http.StatusConflict || !strings.Contains(a.body, "delete the post instead") {
		t.Errorf("got %d %s, want 409 and what to do", a.status, firstBytes(a.body))
	}
}

// A measured incident ticks the monitors that were in it, also where another one is called the same.
func TestTellPeopleOfNamesakes(t *testing.T) {
	h := liteHouse(t)
	page := h.tellingPage()
	twin, err := h.store.CreateMonitor(t.Context(), h.organization, object(t, `{"customerId":1,"name":"Twin","hostname":"127.0.0.3"}`))
	if err != nil {
		t.Fatal(err)
	}
	h.changePage(page, `{"monitors":[{"monitorId":"`+h.monitor.PublicID.String()+`","displayName":"Uplink"},{"monitorId":"`+twin.PublicID.String()+`","displayName":"Uplink"}]}`)
	incident := h.fail(h.monitor)
	doc, _ := h.read("admin@example.com", "/status-pages/"+page.PublicID.String()+"/posts/new?kind=incident&incident="+incident)
	ticked := doc.Find("input[name^='monitor.'][checked]")
	if all := doc.Find("input[name^='monitor.']").Length(); all != 2 || ticked.Length() != 1 || ticked.AttrOr("name", "") != "monitor."+h.monitor.PublicID.String() {
		t.Errorf("got %d of %d boxes ticked, want the failed monitor's of two", ticked.Length(), all)
	}
	if doc, _ := h.read("admin@example.com", "/status-pages/"+page.PublicID.String()+"/posts"); !strings.Contains(doc.Find("[data-testid=measured-row]").Text(), "Uplink") {
		t.Error("the list does not name the monitor")
	}
}

// Templates fill in the form of their kind; maintenance is announced in the page's zone; months are read by visitors.
func TestTellFromTemplate(t *testing.T) {
	h := liteHouse(t)
	page, session := h.tellingPage(), h.session("admin@example.com")
	if a := h.browser(session, "POST", "/status-templates", url.Values{"kind": {"maintenance"}}); a.status != http.StatusUnprocessableEntity || !strings.Contains(a.body, "Type a name") {
		t.Errorf("without a name: got %d, want 422", a.status)
	}
	if a := h.browser(session, "POST", "/status-templates", url.Values{"name": {"Firmware"}, "kind": {"maintenance"}, "title": {"New firmware"}, "state": {""}, "body": {"Short breaks."}}); a.status != http.StatusSeeOther {
		t.Fatalf("got %d %s", a.status, firstBytes(a.body))
	}
	posts := "/status-pages/" + page.PublicID.String() + "/posts"
	doc, _ := h.read("admin@example.com", posts+"/new?kind=maintenance")
	link, _ := doc.Find("a[href*='template=']").Attr("href")
	doc, _ = h.read("admin@example.com", link)
	if title := doc.Find("input[name=title]").AttrOr("value", ""); title != "New firmware" || doc.Find("textarea[name=body]").Text() != "Short breaks." {
		t.Errorf("got title %q, want the template's", title)
	}
	begin := time.Now().UTC().Add(30 * time.Minute).Truncate(time.Minute)
	form := url.Values{"kind": {"maintenance"}, "whole": {"yes"}, "title": {"New firmware"}, "body": {"Short breaks."}, "startsAt": {begin.Format(formMoment)}, "endsAt": {""}, "remindMinutes": {"60"},
		"monitor." + h.monitor.PublicID.String(): {"yes"}}
	if a := h.browser(session, "POST", posts, form); a.status != http.StatusUnprocessableEntity || !strings.Contains(a.body, "Type when it ends") {
		t.Errorf("without an end: got %d, want 422", a.status)
	}
	form.Set("endsAt", begin.Add(time.Hour).Format(formMoment))
	if a := h.browser(session, "POST", posts, form); a.status != http.StatusSeeOther {
		t.Fatalf("got %d %s", a.status, firstBytes(a.body))
	}
	if got := h.visit("/status/clinics", "#status-announced"); !strings.Contains(got, "Maintenance New firmwareShort breaks. affects Gateway") {
		t.Errorf("got %q, want the maintenance announced", got)
	}
	if got := h.visit("/status/clinics/history/"+begin.Format(monthForm), "main"); !strings.Contains(got, "New firmware") {
		t.Errorf("got %q, want it in the month", got)
	}
	for _, month := range []string{"2026-13", "x", "1999-01", "2999-01", "2026-1"} {
		if a := h.request("GET", "/status/clinics/history/"+month, ""); a.status != http.StatusNotFound {
			t.Errorf("month %s: got %d, want 404", month, a.status)
		}
	}
}

// A post names only monitors of its page, and only measured incidents of theirs.
func TestTellNothingForeign(t *testing.T) {
	h := liteHouse(t)
	page, session := h.tellingPage(), h.session("admin@example.com")
	posts := "/status-pages/" + page.PublicID.String() + "/posts"
	var bodies []string
	for _, m := range []string{h.hidden.PublicID.String(), h.foreignOne.PublicID.String(), "0198a2b4-0000-7000-8000-000000000000"} {
		a := h.browser(session, "POST", posts, url.Values{"kind": {"incident"}, "whole": {"yes"}, "title": {"x"}, "monitor." + m: {"yes"}})
		if a.status != http.StatusUnprocessableEntity {
			t.Errorf("%s: got %d, want 422", m, a.status)
		}
		bodies = append(bodies, strings.ReplaceAll(a.body, m, "REF"))
	}
	if bodies[0] != bodies[2] || bodies[1] != bodies[2] {
		t.Error("the answers for monitors of others and for none differ")
	}
	for _, incident := range []string{h.fail(h.hidden), h.fail(h.foreignOne), "0198a2b4-0000-7000-8000-000000000000"} {
		if a := h.browser(session, "POST", posts, url.Values{"kind": {"incident"}, "title": {"x"}, "incidentId": {incident}}); a.status != http.StatusNotFound {
			t.Errorf("incident %s: got %d, want 404", incident, a.status)
		}
		if a := h.browser(session, "GET", posts+"/new?kind=incident&incident="+incident, nil); a.status != http.StatusNotFound {
			t.Errorf("form for incident %s: got %d, want 404", incident, a.status)
		}
	}
}

// The API tells in the same words, with times in UTC; a body that is wrong is 400, field by field.
func TestTellAPI(t *testing.T) {
	h := liteHouse(t)
	page, admin := h.tellingPage(), h.token("admin@example.com")
	incident := h.fail(h.monitor)
	posts := "/api/status-pages/" + page.PublicID.String() + "/posts"
	for body, want := range map[string]string{`{}`: `"kind":"Choose what it is","title":"Type a title"`, `{"kind":"incident","title":"x","state":"done"}`: `"state":"Choose a state"`,
		`{"kind":"maintenance","title":"x"}`: `"startsAt":"Type when it begins"`} {
		if a := h.api(admin, "POST", posts, body); a.status != http.StatusBadRequest || !strings.Contains(a.body, want) {
			t.Errorf("%s: got %d %s, want 400 with %s", body, a.status, a.body, want)
		}
	}
	var made struct {
		PublicID, Kind, Title, State, StartsAt, IncidentID string
		EndsAt                                             *string
		MonitorIDs                                         []string
		Updates                                            []struct{ PublicID, State, Body, Author, At string }
	}
	a := h.api(admin, "POST", posts, `{"kind":"incident","title":"Cut","body":"We look.","incidentId":"`+incident+`"}`)
	if a.decode(t, &made); a.status != http.StatusCreated || made.IncidentID != incident || len(made.MonitorIDs) != 1 || made.MonitorIDs[0] != h.monitor.PublicID.String() || made.EndsAt != nil || len(made.Updates) != 1 {
		t.Fatalf("got %d %s, want it made of the incident's monitor, with its first update", a.status, a.body)
	}
	one := posts + "/" + made.PublicID
	if a := h.api(admin, "POST", one+"/updates", `{"state":"monitoring","body":"Spliced.","at":"2026-01-01T10:00:00+01:00"}`); a.status != http.StatusBadRequest || !strings.Contains(a.body, `"at":"Before the incident began: choose a later time"`) {
		t.Errorf("before it began: got %d %s, want 400", a.status, a.body)
	}
	if a := h.api(admin, "DELETE", one+"/updates/"+made.Updates[0].PublicID, ""); a.status != http.StatusConflict || !strings.Contains(a.body, "delete the post instead") {
		t.Errorf("all that was told: got %d %s, want 409 and what to do", a.status, a.body)
	}
	old := h.api(admin, "POST", posts, `{"kind":"incident","title":"Old","at":"2026-01-01T09:00:00Z"}`)
	var before struct{ PublicID string }
	old.decode(t, &before)
	if a := h.api(admin, "POST", posts+"/"+before.PublicID+"/updates", `{"state":"monitoring","body":"Spliced.","at":"2026-01-01T11:30:00+01:00"}`); a.status != http.StatusCreated || !strings.Contains(a.body, `"at":"2026-01-01T10:30:00.000Z"`) {
		t.Errorf("back-dated: got %d %s, want it at half past ten UTC", a.status, a.body)
	}
	if a := h.api(admin, "DELETE", posts+"/"+before.PublicID, ""); a.status != http.StatusOK {
		t.Errorf("delete: got %d %s", a.status, a.body)
	}
	if a := h.api(admin, "PATCH", one+"/updates/"+made.Updates[0].PublicID, `{"body":"We searched."}`); a.status != http.StatusOK || !strings.Contains(a.body, "We searched.") {
		t.Errorf("changed: got %d %s", a.status, a.body)
	}
	if a := h.api(admin, "GET", posts+"?limit=1", ""); a.status != http.StatusOK || !strings.Contains(a.body, `"total":1,"limit":1,"offset":0`) {
		t.Errorf("list: got %d %s", a.status, a.body)
	}
	if a := h.api(admin, "GET", posts+"/1", ""); a.status != http.StatusBadRequest || !strings.Contains(a.body, "Post public ID (UUID) required") {
		t.Errorf("no id: got %d %s, want 400", a.status, a.body)
	}
	if a := h.api(admin, "DELETE", one, ""); a.status != http.StatusOK {
		t.Errorf("delete: got %d %s", a.status, a.body)
	}
	if a := h.api(admin, "GET", one, ""); a.status != http.StatusNotFound {
		t.Errorf("deleted: got %d, want 404", a.status)
	}
}
