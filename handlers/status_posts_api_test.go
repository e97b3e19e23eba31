package handlers

import "testing"

// TestGoldenPosts: what the API answers of what people are told, byte for byte.
func TestGoldenPosts(t *testing.T) {
	houses(t, func(h *house) {
		b, admin, limited, readonly := &book{h: h}, h.token("admin@example.com"), h.token(h.limited), h.token("readonly@example.com")
		posts := statusPagesPath + "/" + h.page + "/posts"
		incident := h.fail(h.monitor)
		type made struct {
			PublicID string
			Updates  []struct{ PublicID string }
		}
		create := func(title, body string) (one string, m made) {
			a := b.ask(title, admin, "POST", posts, body)
			a.decode(h.t, &m)
			return posts + "/" + m.PublicID, m
		}
		box := `"monitorIds":["` + h.monitor.PublicID.String() + `"]`
		b.ask("list, nothing", admin, "GET", posts, "")
		cut, first := create("create, of a measured incident", `{"kind":"incident","title":" Cut cable ","body":"We **look**.","incidentId":"`+incident+`"}`)
		b.ask("create, of the same again", admin, "POST", posts, `{"kind":"incident","title":"Twice","incidentId":"`+incident+`"}`)
		b.ask("create, of one that is not there", admin, "POST", posts, `{"kind":"incident","title":"None","incidentId":"`+h.page+`"}`)
		old, _ := create("create, back-dated", `{"kind":"incident","title":"Power","state":"identified","body":"","at":"2026-01-01T10:00:00+01:00",`+box+`}`)
		create("create, maintenance", `{"kind":"maintenance","title":"Firmware","startsAt":"2031-05-01T22:00:00Z","endsAt":"2031-05-02T04:00:00Z","remindMinutes":60,`+box+`}`)
		create("create, an announcement", `{"kind":"announcement","title":"We move","body":"To [here](https://example.com).","startsAt":"2026-02-01T00:00:00Z","endsAt":null}`)
		b.ask("create, nothing", admin, "POST", posts, `{}`)
		b.ask("create, everything wrong", admin, "POST", posts, `{"kind":"incident","title":"","state":"done","body":7,"at":"now","startsAt":"2031-01-01","endsAt":"2031-01-01T00:00:00Z","hidden":1,"remindMinutes":5,"monitorIds":[1],"incidentId":"x"}`)
		b.ask("create, of a monitor that is not on the page", admin, "POST", posts, `{"kind":"incident","title":"x","monitorIds":["`+h.hidden.PublicID.String()+`"]}`)
		b.ask("create, that ends before it begins", admin, "POST", posts, `{"kind":"maintenance","title":"x","startsAt":"2031-05-02T00:00:00Z","endsAt":"2031-05-01T00:00:00Z"}`)
		b.ask("create, no JSON", admin, "POST", posts, `title`)
		b.ask("create, read-only", readonly, "POST", posts, `{}`)
		b.ask("create, signed out", "", "POST", posts, `{}`)
		b.ask("list", admin, "GET", posts, "")
		b.ask("list, the second", limited, "GET", posts+"?limit=1&offset=1", "")
		b.ask("list, everything wrong", admin, "GET", posts+"?limit=501&offset=-1", "")
		b.ask("list, of another organization", h.token(h.foreigner), "GET", posts, "")
		b.ask("list, no UUID", admin, "GET", statusPagesPath+"/1/posts", "")
		b.ask("show", readonly, "GET", cut, "")
		b.ask("show, not there", admin, "GET", posts+"/"+h.page, "")
		b.ask("show, no UUID", admin, "GET", posts+"/1", "")
		b.ask("change", admin, "PATCH", old, `{"title":"Power cut","hidden":true,"monitorIds":[]}`)
		b.ask("change, nothing", admin, "PATCH", old, `{}`)
		b.ask("change, its kind", admin, "PATCH", old, `{"kind":"maintenance"}`)
		b.ask("change, when a measured one began", admin, "PATCH", cut, `{"startsAt":"2026-01-01T00:00:00Z"}`)
		b.ask("change, read-only", readonly, "PATCH", old, `{}`)
		var more made
		b.ask("tell more", admin, "POST", old+"/updates", `{"state":"resolved","body":"Back.","at":"2026-01-01T11:30:00Z"}`).decode(h.t, &more)
		b.ask("tell more, of before it began", admin, "POST", old+"/updates", `{"body":"Soon.","at":"2026-01-01T08:30:00Z"}`)
		b.ask("tell more, nothing", admin, "POST", old+"/updates", `{}`)
		b.ask("tell more, everything wrong", admin, "POST", old+"/updates", `{"state":"scheduled","body":1,"at":"2199-01-01T00:00:00Z"}`)
		b.ask("tell more, read-only", readonly, "POST", old+"/updates", `{}`)
		one := cut + "/updates/" + first.Updates[0].PublicID
		b.ask("correct what was told", admin, "PATCH", one, `{"body":"We *searched*."}`)
		b.ask("correct, no UUID", admin, "PATCH", cut+"/updates/1", `{}`)
		b.ask("correct, what another post tells", admin, "PATCH", old+"/updates/"+first.Updates[0].PublicID, `{"body":"x"}`)
		b.ask("take back what was told", admin, "DELETE", old+"/updates/"+more.Updates[0].PublicID, "")
		b.ask("take it back again", admin, "DELETE", old+"/updates/"+more.Updates[0].PublicID, "")
		b.ask("take back all that was told", admin, "DELETE", one, "")
		b.ask("delete, read-only", readonly, "DELETE", cut, "")
		b.ask("delete", admin, "DELETE", cut, "")
		b.ask("delete again", admin, "DELETE", cut, "")
		left, _ := create("leave a measured one out", `{"kind":"incident","incidentId":"`+incident+`","hidden":true}`)
		b.ask("show what is left out, without a title", admin, "PATCH", left, `{"hidden":false}`)
		b.close("status_posts")
	})
}
