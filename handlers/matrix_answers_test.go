package handlers

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"echolot/models"
	"echolot/models/modelstest"

	"github.com/google/uuid"
)

// refuseAll asks, as every caller, for what the caller must not get.
func (k *knocking) refuseAll(key string, r route, l line) {
	if l.who == open {
		return
	}
	before := modelstest.Digest(k.T, k.h.store)
	for _, c := range k.callers {
		k.refuse(key, r, l, c)
	}
	// One digest for all callers; only to name the one who changed something are there more.
	if after := modelstest.Digest(k.T, k.h.store); after != before {
		k.Errorf("%s: refused requests changed the database from\n%s to\n%s", key, before, after)
		for _, c := range k.callers {
			before = modelstest.Digest(k.T, k.h.store)
			k.refuse(key, r, l, c)
			if modelstest.Digest(k.T, k.h.store) != before {
				k.Errorf("%s: it is changed by %s", key, c.name)
			}
		}
	}
}

// allowAll asks, as every caller, for what the caller may have.
func (k *knocking) allowAll(key string, r route, l line) {
	if l.who == open { // nobody is refused, so three kinds of credential are enough
		for _, c := range k.callers[:3] {
			k.allow(key, r, l, c)
		}
		return
	}
	for _, c := range k.callers {
		if (r.isAPI() || !c.token) && slices.Contains(c.may, l.who) && !c.nowhere {
			k.allow(key, r, l, c)
		}
	}
}

func (r route) isAPI() bool { return strings.HasPrefix(r.path, "/api/") }

// whole is the status of a caller whom no id helps; 0 where it depends on the id.
func (k *knocking) whole(l line, c caller, api bool) int {
	switch {
	case c.may == nil || c.token && !api:
		if api {
			return http.StatusUnauthorized
		}
		return http.StatusSeeOther
	case !slices.Contains(c.may, l.who):
		return http.StatusForbidden
	case c.nowhere && l.who != anybodySignedIn && l.who != organizationChoosers:
		return http.StatusBadRequest
	}
	return 0
}

// request fills in the line: the path's object, the query's, the body's.
func (r route) request(l line, path, query, body string) (target, sent string) {
	target = strings.NewReplacer(":id", path, ":token", "none", ":file", "none.js", ":month", "2026-11").Replace(toldPath(l, path, r.path))
	if l.query != "" && query != "" {
		target += "?" + l.query + "=" + query
	}
	return target, strings.NewReplacer("REF", body, "SLUG", uuid.NewString()).Replace(l.body)
}

// refuse asks for everything that the caller must not get, and compares the answers with those for what is not there.
func (k *knocking) refuse(key string, r route, l line, c caller) {
	api := r.isAPI()
	whole := k.whole(l, c, api)
	goodPath, goodQuery, goodBody := "", "", ""
	if l.path != noObject {
		goodPath = k.refs(l.path, c.home(), api)[0]
	}
	if l.queryKind != noObject {
		goodQuery = k.refs(l.queryKind, c.home(), api)[0]
	}
	if l.bodyKind != noObject {
		goodBody = quoted(k.refs(l.bodyKind, c.home(), api), api)[0]
	}
	if whole != 0 && l.path == noObject && l.queryKind == noObject && l.bodyKind == noObject {
		target, body := r.request(l, "", "", "")
		k.want(key, c, whole, k.send(c, r.method, target, body))
		return
	}
	k.refuseAt(key, r, l, c, api, whole, http.StatusNotFound, l.path, func(ref string) (string, string) { return r.request(l, ref, goodQuery, goodBody) }, k.refs)
	k.refuseAt(key, r, l, c, api, whole, http.StatusNotFound, l.queryKind, func(ref string) (string, string) { return r.request(l, goodPath, ref, goodBody) }, k.refs)
	otherwise := l.refused
	if otherwise == 0 {
		otherwise = http.StatusNotFound
	}
	k.refuseAt(key, r, l, c, api, whole, otherwise, l.bodyKind, func(ref string) (string, string) { return r.request(l, goodPath, goodQuery, ref) },
		func(kind int, at place, api bool) []string { return quoted(k.refs(kind, at, api), api) })
	if whole == 0 && l.who >= readers && l.who != organizationChoosers && c.organization == "" && !c.nowhere {
		k.refuseOrganization(key, r, l, c, goodPath, goodQuery, goodBody)
	}
}

// refuseAt puts every reference of the kind into one place of the request.
func (k *knocking) refuseAt(key string, r route, l line, c caller, api bool, whole, otherwise, kind int, request func(ref string) (string, string), refs func(int, place, bool) []string) {
	if kind == noObject {
		return
	}
	var missing []answer // for what is nowhere, by form of the reference
	for i, ref := range refs(kind, nowhere, api) {
		target, body := request(ref)
		a := k.send(c, r.method, target, body)
		status := otherwise
		if whole != 0 {
			status = whole
		}
		k.want(fmt.Sprintf("%s, no such thing, form %d", key, i), c, status, a)
		missing = append(missing, a.without(ref))
	}
	for _, at := range places(kind) {
		seen := slices.Contains(c.sees, at)
		if (kind == aToken || kind == aTemplate) && slices.Contains(c.sees, hidden) {
			seen = at == own
		}
		if kind == anOrganization && whole == 0 {
			seen = at != nowhere
		}
		if at == nowhere || seen && whole == 0 {
			continue
		}
		for i, ref := range refs(kind, at, api) {
			target, body := request(ref)
			if a := k.send(c, r.method, target, body); a.without(ref).text() != missing[i].text() {
				k.Errorf("%s: %s: for what is %s (form %d) got\n%s\nwant what the one that is not there gets:\n%s", key, c.name, at, i, a.without(ref).text(), missing[i].text())
			}
			if r.method == http.MethodGet && i == 0 {
				k.want(key+" by HEAD", c, missing[0].status, k.send(c, http.MethodHead, target, body))
			}
		}
	}
}

// refuseOrganization names the other organization, and one that is not there, in the query.
func (k *knocking) refuseOrganization(key string, r route, l line, c caller, path, query, body string) {
	other := "2"
	if slices.Contains(c.sees, foreign) {
		other = "1"
	}
	others, err := k.h.store.Organizations(context.Background(), models.Actor{Role: models.RoleGlobalAdmin})
	if err != nil {
		k.Fatal(err)
	}
	public := ""
	for _, o := range others {
		if fmt.Sprint(o.ID) == other {
			public = o.PublicID.String()
		}
	}
	target, sent := r.request(l, path, query, body)
	var texts []string
	for _, ref := range []string{other, "99999", public, "0198a2b4-0000-7000-8000-000000000000"} {
		there := c
		there.organization = ref
		if slices.Contains(c.may, organizationChoosers) && (ref == other || ref == public) {
			continue // a global role may look there; what it sees is tested as another caller
		}
		a := k.send(there, r.method, target, sent)
		k.want(key+" ?organizationId="+ref, c, http.StatusNotFound, a)
		texts = append(texts, a.without(ref).text())
	}
	if len(slices.Compact(texts)) != 1 {
		k.Errorf("%s: %s: the answers for another organization and for none differ: %q", key, c.name, texts)
	}
}

// allow asks for what the caller may have, and wants it.
func (k *knocking) allow(key string, r route, l line, c caller) {
	api := r.isAPI()
	changes := r.method != http.MethodGet
	try := func(path, query, body string) {
		who := c
		if l.session && c.email != "" {
			if !slices.Contains([]string{"admin", "readonly", "supporter who names the house"}, c.name) {
				return // each costs one more password hashed, and the rest is no other case
			}
			who.credential = k.h.session(c.email)
		}
		good := l.good
		if l.byToken != 0 && c.token {
			good = l.byToken
		}
		if l.home && c.email != "" {
			good = http.StatusSeeOther
		}
		target, sent := r.request(l, path, query, body)
		k.want(key, c, good, k.send(who, r.method, target, sent))
	}
	path := func(at place) string {
		switch {
		case l.path == noObject:
			return ""
		case changes:
			return k.fresh(l.path, at)
		}
		return k.refs(l.path, at, api)[0]
	}
	switch {
	case l.bodyKind == anOrganization:
		try("", "", "2")
		try("", "", "1")
	case l.bodyKind != noObject:
		for _, at := range c.sees {
			for _, ref := range quoted(k.refs(l.bodyKind, at, api), api) {
				try(path(c.home()), "", ref)
			}
		}
	case l.queryKind != noObject:
		for _, at := range c.sees {
			for _, ref := range k.refs(l.queryKind, at, api) {
				try("", ref, "")
			}
		}
	case l.path != noObject:
		for _, at := range c.sees {
			if (l.path == aToken || l.path == aTemplate) && at == hidden {
				continue
			}
			try(path(at), "", "")
		}
	default:
		try("", "", "")
	}
}

func (k *knocking) want(what string, c caller, status int, a answer) {
	k.Helper()
	if a.status != status {
		k.Errorf("%s: %s: got %d %s, want %d", what, c.name, a.status, firstBytes(a.body), status)
	}
}

func firstBytes(s string) string { return s[:min(len(s), 300)] }
