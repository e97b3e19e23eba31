package handlers

import (
	"net/url"
	"strconv"
	"strings"
	"testing"
)

// layoutForm is the layout's form as it stands in the page.
func (h *house) layoutForm(session, query string) url.Values {
	h.t.Helper()
	form := url.Values{}
	doc := h.browser(session, "GET", statusPagePath(h, "/layout")+query, nil).page(h.t)
	for _, n := range doc.Find(`form[method="post"][action$="/layout"] input`).EachIter() {
		if name := n.AttrOr("name", ""); n.AttrOr("type", "") != "checkbox" || n.Is("[checked]") {
			form.Add(name, n.AttrOr("value", ""))
		}
	}
	return form
}

// rowOf is where the form has the monitor.
func rowOf(form url.Values, id string) string {
	for i := 0; form.Has("id." + strconv.Itoa(i)); i++ {
		if form.Get("id."+strconv.Itoa(i)) == id {
			return "." + strconv.Itoa(i)
		}
	}
	return ".none"
}

// The layout's form, read and sent back with a few changes, says what the page shows; sent back as it is it changes nothing.
func TestStatusLayoutForm(t *testing.T) {
	houses(t, func(h *house) {
		t := h.t
		session := h.session("admin@example.com")
		more, err := h.store.CreateMonitor(t.Context(), h.organization, object(t, `{"customerId":1,"name":"More","hostname":"127.0.0.3"}`))
		if err != nil {
			t.Fatal(err)
		}
		first, second, third := h.monitor.PublicID.String(), more.PublicID.String(), h.hidden.PublicID.String()
		board := func() string {
			t.Helper()
			p, err := h.store.UnscopedStatusPage(t.Context(), "own-page")
			if err != nil {
				t.Fatal(err)
			}
			b, err := h.store.UnscopedStatusBoard(t.Context(), p)
			if err != nil {
				t.Fatal(err)
			}
			var words []string
			for _, g := range b.Groups {
				for _, c := range g.Components {
					words = append(words, g.Name+":"+c.Name)
				}
			}
			return strings.Join(words, " ")
		}
		save := func(form url.Values, status int) answer {
			t.Helper()
			a := h.browser(session, "POST", statusPagePath(h, "/layout"), form)
			if a.status != status {
				t.Fatalf("got %d %s, want %d", a.status, a.body, status)
			}
			return a
		}
		want := func(what, words string) {
			t.Helper()
			if got := board(); got != words {
				t.Errorf("%s: got %q, want %q", what, got, words)
			}
		}
		want("at first", ":Gateway :More")
		save(h.layoutForm(session, ""), 303)
		want("sent back as it was", ":Gateway :More")

		form := h.layoutForm(session, "")
		form.Set("position"+rowOf(form, second), "1")
		form.Set("group"+rowOf(form, second), "Lines")
		form.Set("name"+rowOf(form, second), "Uplink")
		save(form, 303)
		want("one placed", "Lines:Uplink :Gateway")

		form = h.layoutForm(session, "?monitors=hidd")
		if form.Get("id"+rowOf(form, third)) == "" {
			t.Fatalf("got %v, want what the search found among them", form)
		}
		form.Set("show"+rowOf(form, third), "true")
		form.Set("position"+rowOf(form, third), "0.5")
		form.Set("name"+rowOf(form, third), "Picked")
		form.Del("show" + rowOf(form, first))
		save(form, 303)
		want("one picked, one hidden", ":Picked Lines:Uplink")

		form = h.layoutForm(session, "")
		form["allMonitors"] = []string{"false"}
		form.Del("show" + rowOf(form, third))
		save(form, 303)
		want("only those that were picked", "Lines:Uplink")

		form = h.layoutForm(session, "")
		form.Set("position"+rowOf(form, second), "first")
		form.Set("name"+rowOf(form, second), "Typed")
		doc := save(form, 422).page(t)
		if doc.Find(`[name="name`+rowOf(form, second)+`"]`).AttrOr("value", "") != "Typed" || doc.Find(`[aria-invalid="true"]`).Length() != 1 {
			t.Errorf("got %s, want what was typed and one sentence", doc.Find(".places").Text())
		}
		form.Set("position"+rowOf(form, second), "1")
		form.Set("group"+rowOf(form, second), strings.Repeat("x", 81))
		doc = save(form, 422).page(t)
		if got := doc.Find(`[aria-invalid="true"]`).AttrOr("name", ""); got != "group"+rowOf(form, second) {
			t.Errorf("got %q marked, want the group that is too long", got)
		}
		form.Set("group"+rowOf(form, second), "x")
		form.Set("version", `"1"`)
		save(form, 412)
		want("after all that was refused", "Lines:Uplink")
	})
}

// A form that did not arrive whole says what is wrong and changes nothing; a page without monitors may be saved without any.
func TestStatusLayoutIncomplete(t *testing.T) {
	h := liteHouse(t)
	session, id := h.session("admin@example.com"), h.monitor.PublicID.String()
	form := h.layoutForm(session, "")
	form.Set("group"+rowOf(form, id), "Lines")
	if a := h.browser(session, "POST", statusPagePath(h, "/layout"), form); a.status != 303 {
		t.Fatalf("got %d %s, want 303", a.status, a.body)
	}
	saved := h.layoutForm(session, "")
	for what, change := range map[string]func(url.Values){
		"nothing": func(f url.Values) {
			for key := range f {
				f.Del(key)
			}
		},
		"no rows": func(f url.Values) {
			for key := range f {
				if strings.Contains(key, ".") {
					f.Del(key)
				}
			}
		},
		"a monitor twice": func(f url.Values) { f.Set("id.1", f.Get("id.0")) },
		"a row missing":   func(f url.Values) { f.Set("id.5", f.Get("id.0")) },
		"no version":      func(f url.Values) { f.Del("version") },
	} {
		form := h.layoutForm(session, "")
		change(form)
		a := h.browser(session, "POST", statusPagePath(h, "/layout"), form)
		if a.status != 422 || !strings.Contains(a.body, "nothing was saved") {
			t.Errorf("%s: got %d, want 422 and why", what, a.status)
		}
		if now := h.layoutForm(session, ""); now.Encode() != saved.Encode() {
			t.Errorf("%s: got %v, want what was saved: %v", what, now, saved)
		}
	}
	h.sql("DELETE FROM monitors")
	if a := h.browser(session, "POST", statusPagePath(h, "/layout"), url.Values{"version": {saved.Get("version")}}); a.status != 303 {
		t.Errorf("a page without monitors: got %d, want 303", a.status)
	}
}

// The arrows move a monitor by a place in the form, with all that was typed; nothing is saved before Save, which then keeps the order.
func TestStatusLayoutMoves(t *testing.T) {
	h := liteHouse(t)
	session := h.session("admin@example.com")
	for _, name := range []string{"Second", "Third"} {
		if _, err := h.store.CreateMonitor(t.Context(), h.organization, object(t, `{"customerId":1,"name":"`+name+`","hostname":"127.0.0.3"}`)); err != nil {
			t.Fatal(err)
		}
	}
	send := func(form url.Values) (order string, next url.Values) {
		t.Helper()
		a := h.browser(session, "POST", statusPagePath(h, "/layout"), form)
		if a.status != 200 {
			t.Fatalf("got %d %s, want the form again", a.status, firstBytes(a.body))
		}
		doc, words := a.page(t), []string{}
		next = url.Values{}
		for _, n := range doc.Find(`form[method="post"][action$="/layout"] input`).EachIter() {
			if n.AttrOr("type", "") != "checkbox" || n.Is("[checked]") {
				next.Add(n.AttrOr("name", ""), n.AttrOr("value", ""))
			}
		}
		for i, row := range doc.Find("[data-testid=place]").EachIter() {
			words = append(words, next.Get("position."+strconv.Itoa(i))+row.Find(".name").Text())
		}
		return strings.Join(words, " "), next
	}
	form := h.layoutForm(session, "")
	form.Set("name.2", "Typed")
	form.Set("move", "up.2")
	order, form := send(form)
	if order != "1Gateway 2Third Second" || form.Get("name.1") != "Typed" {
		t.Errorf("got %q and the name %q, want the third one moved up with what was typed", order, form.Get("name.1"))
	}
	form.Set("move", "down.0")
	if order, form = send(form); order != "1Third 2Gateway Second" {
		t.Errorf("got %q, want the first one moved down", order)
	}
	for _, move := range []string{"up.0", "down.2", "up.9", "x", "up.x", "down.-1"} {
		form.Set("move", move)
		if order, form = send(form); order != "1Third 2Gateway Second" {
			t.Errorf("%s: got %q, want nothing moved", move, order)
		}
	}
	if saved := h.layoutForm(session, ""); saved.Get("position.0") != "" {
		t.Errorf("got the position %q, want nothing saved yet", saved.Get("position.0"))
	}
	if a := h.browser(session, "POST", statusPagePath(h, "/layout"), form); a.status != 303 {
		t.Errorf("saved: got %d %s, want 303", a.status, firstBytes(a.body))
	}
	if saved := h.layoutForm(session, ""); saved.Get("id.0") != form.Get("id.0") || saved.Get("name.0") != "Typed" || saved.Get("id.1") != form.Get("id.1") {
		t.Errorf("got %v, want the order of the form", saved)
	}
}
