package handlers

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"echolot/models"
	"echolot/models/modelstest"

	"github.com/google/uuid"
)

// everyURL fills the route's parameters with what the first organization has.
func (h *house) everyURL(r route) string {
	h.t.Helper()
	id := h.monitor.PublicID.String()
	switch {
	case strings.Contains(r.path, "/customers"):
		id = h.customer.PublicID.String()
	case strings.Contains(r.path, "/status-pages"):
		id = h.page
	case strings.Contains(r.path, "/tokens"):
		id = "1"
	case strings.Contains(r.path, "/incidents") && h.opened != "":
		id = h.opened
	case strings.Contains(r.path, "/status-templates/:id"):
		list, err := h.store.StatusTemplates(h.t.Context(), h.organization)
		if err != nil {
			h.t.Fatal(err)
		}
		if len(list) > 0 {
			id = list[0].PublicID.String()
		}
	}
	post, update := "none", "none"
	if strings.Contains(r.path, ":post") {
		post, update = h.told()
	}
	asset, err := url.Parse(h.s.assets.Style)
	if err != nil {
		h.t.Fatal(err)
	}
	return strings.NewReplacer(":id", id, ":post", post, ":update", update, ":token", "none", "/static/:file", asset.Path).Replace(r.path)
}

// told names the last post on the status page and its update, where the test told people something.
func (h *house) told() (post, update string) {
	h.t.Helper()
	ctx, page := h.t.Context(), uuid.MustParse(h.page)
	posts, _, err := h.store.StatusPosts(ctx, h.organization, page, 1, 0)
	var gone *models.NotFound // an earlier request may have deleted the page
	if err != nil && !errors.As(err, &gone) {
		h.t.Fatal(err)
	}
	if len(posts) == 0 {
		return "none", "none"
	}
	d, err := h.store.StatusPost(ctx, h.organization, page, posts[0].PublicID)
	if err != nil {
		h.t.Fatal(err)
	}
	return d.PublicID.String(), d.Updates[0].PublicID.String()
}

// tellPeople makes a post with an update on the status page, and a template.
func (h *house) tellPeople() {
	h.t.Helper()
	if _, err := h.store.CreateStatusPost(h.t.Context(), h.organization, uuid.MustParse(h.page), object(h.t, `{"kind":"incident","title":"x","body":"y"}`)); err != nil {
		h.t.Fatal(err)
	}
	if _, err := h.store.CreateStatusTemplate(h.t.Context(), h.organization, object(h.t, `{"name":"Fresh","kind":"incident","title":"x"}`)); err != nil {
		h.t.Fatal(err)
	}
}

// TestForgedRequests: a request that changes something and comes with the cookie needs to come from our own pages and to
// carry the session's token, on every route there is.
func TestForgedRequests(t *testing.T) {
	h := liteHouse(t)
	if _, _, err := h.store.CreateToken(t.Context(), h.organization, object(t, `{"name":"target"}`)); err != nil {
		t.Fatal(err)
	}
	h.tellPeople()
	session, other := h.session("admin@example.com"), h.session("admin@example.com")
	token := csrfOf(session)
	tests := map[string][]string{
		"from another site":                {"Sec-Fetch-Site", "cross-site", "X-CSRF-Token", token},
		"from a sister domain":             {"Sec-Fetch-Site", "same-site", "X-CSRF-Token", token},
		"with an unknown Sec-Fetch-Site":   {"Sec-Fetch-Site", "elsewhere", "X-CSRF-Token", token},
		"from another origin":              {"Origin", "https://evil.example", "X-CSRF-Token", token},
		"from another port":                {"Origin", "http://127.0.0.1:1", "X-CSRF-Token", token},
		"from a sandbox":                   {"Origin", "null", "X-CSRF-Token", token},
		"from nowhere":                     {"X-CSRF-Token", token},
		"another site that names ours":     {"Sec-Fetch-Site", "cross-site", "Origin", h.url, "X-CSRF-Token", token},
		"from our page without token":      {"Sec-Fetch-Site", "same-origin", "Origin", h.url},
		"from our page with a wrong token": {"Sec-Fetch-Site", "same-origin", "X-CSRF-Token", "wrong"},
		"with another session's token":     {"Sec-Fetch-Site", "same-origin", "X-CSRF-Token", csrfOf(other)},
		"with the token in the address":    {"Sec-Fetch-Site", "same-origin"},
		"with the token's empty session's": {"Sec-Fetch-Site", "same-origin", "X-CSRF-Token", csrfOf("")},
		"with a Bearer of another scheme":  {"Authorization", "Basic " + session, "Origin", "https://evil.example"},
		"with the token in a text":         {"Sec-Fetch-Site", "same-origin", "Content-Type", "text/plain"},
	}
	before := modelstest.Digest(t, h.store)
	for _, r := range h.s.routes() {
		if r.method == http.MethodGet || r.path == "/login" || r.path == "/api/auth/login" || strings.HasPrefix(r.path, "/setup/") || strings.HasPrefix(r.path, "/status/") {
			continue // visitors have no session
		}
		for name, header := range tests {
			target, body := h.everyURL(r), ""
			switch {
			case strings.Contains(name, "in the address"):
				target += "?_csrf=" + url.QueryEscape(token)
			case strings.Contains(name, "in a text"):
				body = `_csrf=` + url.QueryEscape(token)
			case strings.HasPrefix(r.path, "/api/"):
				body, header = `{"name":"Forged","status":"disabled"}`, append([]string{"Content-Type", "application/json"}, header...)
			default:
				body, header = "name=Forged", append([]string{"Content-Type", "application/x-www-form-urlencoded"}, header...)
			}
			a := h.request(r.method, target, body, append([]string{"Cookie", "sid=" + session}, header...)...)
			if a.status != http.StatusForbidden {
				t.Errorf("%s %s %s: got %d, want 403", r.method, r.path, name, a.status)
			}
		}
	}
	if after := modelstest.Digest(t, h.store); after != before {
		t.Errorf("a forged request changed the database from\n%s to\n%s", before, after)
	}
}

// Whoever sends a form without its token reads to reload it, not that the role is too small; a program reads the old sentence.
func TestOldForm(t *testing.T) {
	h := liteHouse(t)
	header := []string{"Cookie", "sid=" + h.session("admin@example.com"), "Sec-Fetch-Site", "same-origin", "Content-Type", "application/x-www-form-urlencoded"}
	a := h.request("POST", "/monitors", "name=Old", header...)
	if a.status != http.StatusForbidden || !strings.Contains(a.body, "This form is too old") || strings.Contains(a.body, "Your role may not") {
		t.Errorf("got %d %s, want 403 that says to reload", a.status, a.body)
	}
	if a = h.request("POST", "/monitors", "name=Old", append(header, "HX-Request", "true")...); !strings.Contains(a.body, "This form is too old") {
		t.Errorf("HTMX: got %d %s, want the same", a.status, a.body)
	}
	header[5] = "application/json"
	if a = h.request("POST", "/api/icmp-monitors", `{"name":"Old"}`, header...); a.status != http.StatusForbidden || !strings.Contains(a.body, `"message":"Forbidden"`) {
		t.Errorf("API: got %d %s, want Forbidden", a.status, a.body)
	}
}

// TestHonestRequests are the other side: what must not be taken for forged.
func TestHonestRequests(t *testing.T) {
	h := liteHouse(t)
	session := h.session("admin@example.com")
	pause := "/api/icmp-monitors/" + h.monitor.PublicID.String()
	body, json := `{"status":"disabled"}`, []string{"Content-Type", "application/json"}
	for name, header := range map[string][]string{
		"cookie, same origin":             {"Cookie", "sid=" + session, "Sec-Fetch-Site", "same-origin", "X-CSRF-Token", csrfOf(session)},
		"cookie, typed in the bar":        {"Cookie", "sid=" + session, "Sec-Fetch-Site", "none", "X-CSRF-Token", csrfOf(session)},
		"cookie, an old browser's Origin": {"Cookie", "sid=" + session, "Origin", h.url, "X-CSRF-Token", csrfOf(session)},
		"Bearer of a session":             {"Authorization", "Bearer " + session},
		"Bearer of a token, from a page":  {"Authorization", "Bearer " + h.token("admin@example.com"), "Origin", "https://elsewhere.example", "Sec-Fetch-Site", "cross-site"},
		"bearer in small letters":         {"Authorization", "bearer " + session},
	} {
		if a := h.request("PATCH", pause, body, append(header, json...)...); a.status != http.StatusOK {
			t.Errorf("%s: got %d %s, want 200", name, a.status, a.body)
		}
	}
}

// TestNoSignInFromElsewhere: nobody can be signed in to somebody else's account by another site.
func TestNoSignInFromElsewhere(t *testing.T) {
	h := liteHouse(t)
	before := modelstest.Digest(t, h.store)
	form := url.Values{"email": {"admin@example.com"}, "password": {password}}.Encode()
	for _, header := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "https://evil.example"}, {"Origin", "null"}} {
		a := h.request("POST", "/login", form, append(header, "Content-Type", "application/x-www-form-urlencoded")...)
		if a.status != http.StatusForbidden || a.header.Get("Set-Cookie") != "" {
			t.Errorf("%v: got %d and cookie %q, want 403 and none", header, a.status, a.header.Get("Set-Cookie"))
		}
		a = h.request("POST", "/api/auth/login", `{"email":"admin@example.com","password":"`+password+`"}`, append(header, "Content-Type", "application/json")...)
		if a.status != http.StatusForbidden {
			t.Errorf("%v on the API: got %d, want 403", header, a.status)
		}
	}
	if after := modelstest.Digest(t, h.store); after != before {
		t.Errorf("the database changed from\n%s to\n%s", before, after)
	}
}

// TestBodiesOfAnotherType: what a form of another site can send (text/plain, multipart) is no JSON and no form.
func TestBodiesOfAnotherType(t *testing.T) {
	h := liteHouse(t)
	session := h.session("admin@example.com")
	if _, _, err := h.store.CreateToken(t.Context(), h.organization, object(t, `{"name":"target"}`)); err != nil {
		t.Fatal(err)
	}
	h.tellPeople()
	before := modelstest.Digest(t, h.store)
	for _, r := range h.s.routes() {
		if r.method == http.MethodGet || r.method == http.MethodDelete || strings.HasPrefix(r.path, "/setup/") {
			continue
		}
		types := []string{"text/plain", "multipart/form-data; boundary=x", "application/xml", "application/json-seq", ""}
		header := []string{"Cookie", "sid=" + session, "Sec-Fetch-Site", "same-origin", "X-CSRF-Token", csrfOf(session)}
		body := `name=x`
		if strings.HasPrefix(r.path, "/api/") {
			types, body = append(types, "application/x-www-form-urlencoded"), `{"name":"x"}`
			header = []string{"Authorization", "Bearer " + session}
		} else {
			types = append(types, "application/json")
		}
		for _, kind := range types {
			if a := h.request(r.method, h.everyURL(r), body, append(header, "Content-Type", kind)...); a.status != http.StatusUnsupportedMediaType {
				t.Errorf("%s %s with a body of %q: got %d %s, want 415", r.method, r.path, kind, a.status, firstBytes(a.body))
			}
		}
	}
	if after := modelstest.Digest(t, h.store); after != before {
		t.Errorf("the database changed from\n%s to\n%s", before, after)
	}
}

// TestReadingChangesNothing asks for every page and list, as the one who may see all of them.
func TestReadingChangesNothing(t *testing.T) {
	houses(t, func(h *house) {
		session := h.session("admin@example.com")
		if _, _, err := h.store.CreateToken(h.t.Context(), h.organization, object(h.t, `{"name":"target"}`)); err != nil {
			h.t.Fatal(err)
		}
		if _, _, err := h.store.RequestCheck(h.t.Context(), h.organization, h.monitor.PublicID); err != nil {
			h.t.Fatal(err)
		}
		h.tellPeople()
		before := modelstest.Digest(h.t, h.store)
		asked := 0
		for _, r := range h.s.routes() {
			if r.method != http.MethodGet || strings.HasSuffix(r.path, "/events") {
				continue
			}
			for _, method := range []string{http.MethodGet, http.MethodHead} {
				a := h.request(method, h.everyURL(r), "", "Cookie", "sid="+session)
				if a.status >= 500 || a.status == http.StatusForbidden {
					h.t.Errorf("%s %s: got %d", method, r.path, a.status)
				}
				asked++
			}
		}
		if after := modelstest.Digest(h.t, h.store); after != before || asked < 40 {
			h.t.Errorf("%d requests that read changed the database from\n%s to\n%s", asked, before, after)
		}
	})
}

// TestBearerOpensNoPage: a page takes the browser's session alone.
func TestBearerOpensNoPage(t *testing.T) {
	h := liteHouse(t)
	credentials := []string{h.session("admin@example.com"), h.token("admin@example.com")}
	for _, r := range h.s.routes() {
		guarded := !strings.HasPrefix(r.path, "/api/") && matrix()[r.method+" "+r.path][0].who != open
		if !guarded {
			continue
		}
		for _, credential := range credentials {
			a := h.request(r.method, h.everyURL(r), "", "Authorization", "Bearer "+credential)
			if a.status != http.StatusSeeOther || !strings.HasPrefix(a.header.Get("Location"), "/login") {
				t.Errorf("%s %s: got %d to %q, want 303 to /login", r.method, r.path, a.status, a.header.Get("Location"))
			}
		}
	}
}
