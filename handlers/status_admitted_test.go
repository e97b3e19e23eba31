package handlers

import (
	"crypto/sha256"
	"image"
	"image/png"
	"net/http"
	"strings"
	"testing"
	"time"

	"echolot/models"
)

// countQueries is what n requests cost that must answer with the status.
func (h *house) countQueries(n, status int, path string, header ...string) int64 {
	h.t.Helper()
	before := h.store.Queries()
	for range n {
		h.wantStatus(path, h.request("GET", path, "", header...), status)
	}
	return h.store.Queries() - before
}

// visitOf is the cookie of somebody who gave the page's password.
func (h *house) visitOf(slug string) string {
	h.t.Helper()
	a := h.at("", "POST", "/status/"+slug+"/login", "password="+strings.ReplaceAll(pagePassword, " ", "+"))
	cookie, _, _ := strings.Cut(a.header.Get("Set-Cookie"), ";")
	if cookie == "" {
		h.t.Fatalf("got %d %s, want a visit", a.status, firstBytes(a.body))
	}
	return cookie
}

// TestStatusCookiesCostNoQueries: who was let in with a cookie costs no query again, nor does a logo.
func TestStatusCookiesCostNoQueries(t *testing.T) {
	houses(t, func(h *house) {
		h.pageFor("by-password", models.VisiblePassword)
		h.pageFor("members", models.VisibleMembers)
		p := h.pageFor("logo", models.VisiblePublic)
		var picture strings.Builder
		if err := png.Encode(&picture, image.NewRGBA(image.Rect(0, 0, 9, 9))); err != nil {
			t.Fatal(err)
		}
		if _, err := h.store.SetStatusLogo(t.Context(), h.organization, p.PublicID, []byte(picture.String())); err != nil {
			t.Fatal(err)
		}
		visit, limited := h.visitOf("by-password"), "sid="+h.session(h.limited)
		for path, cookie := range map[string]string{"/status/by-password": visit, "/status/members": limited, "/status/logo/logo": ""} {
			h.countQueries(1, http.StatusOK, path, "Cookie", cookie)
			if n := h.countQueries(50, http.StatusOK, path, "Cookie", cookie); n > 8 { // the page may have been read again meanwhile
				t.Errorf("%s: got %d queries for 50 visits, want none of theirs", path, n)
			}
		}
		if a := h.request("GET", "/status/logo/logo", ""); a.body != picture.String() || a.header.Get("Content-Type") != "image/png" {
			t.Errorf("got %d bytes as %q, want the logo", len(a.body), a.header.Get("Content-Type"))
		}
		if _, err := h.store.SetStatusLogo(t.Context(), h.organization, p.PublicID, nil); err != nil {
			t.Fatal(err)
		}
		h.wantStatus("a logo that was taken away", h.request("GET", "/status/logo/logo", ""), http.StatusNotFound)
	})
}

// TestStatusCookiesAreRevoked: whatever ends somebody's access in this process ends it for the next request, although it was
// remembered; a database that is gone right after lets nobody in.
func TestStatusCookiesAreRevoked(t *testing.T) {
	houses(t, func(h *house) {
		revoke := func(what, path, cookie string, status int, act func() error) {
			t.Helper()
			h.countQueries(3, http.StatusOK, path, "Cookie", cookie)
			if err := act(); err != nil {
				t.Fatal(err)
			}
			h.wantStatus(what, h.request("GET", path, "", "Cookie", cookie), status)
			h.wantStatus(what+", events", h.request("HEAD", path+"/events", "", "Cookie", cookie), max(status, http.StatusUnauthorized))
		}
		change := func(p models.StatusPage, fields string) func() error {
			return func() error {
				_, err := h.store.ChangeStatusPage(t.Context(), h.organization, p.PublicID, object(t, fields), "")
				return err
			}
		}
		p := h.pageFor("by-password", models.VisiblePassword)
		revoke("another password", "/status/by-password", h.visitOf("by-password"), http.StatusUnauthorized, change(p, `{"password":"`+pagePassword+`"}`))
		revoke("unpublished", "/status/by-password", h.visitOf("by-password"), http.StatusNotFound, change(p, `{"isPublished":false}`))
		change(p, `{"isPublished":true}`)()
		revoke("deleted", "/status/by-password", h.visitOf("by-password"), http.StatusNotFound, func() error {
			return h.store.DeleteStatusPage(t.Context(), h.organization, p.PublicID)
		})

		m := h.pageFor("members", models.VisibleMembers)
		signedIn := func(email string) (session, cookie string) {
			session = h.session(email)
			return session, "sid=" + session
		}
		session, cookie := signedIn("readonly@example.com")
		revoke("signed out", "/status/members", cookie, http.StatusSeeOther, func() error { return h.store.SignOut(t.Context(), h.organization, session) })
		session, cookie = signedIn(h.limited)
		by, err := h.store.Recheck(t.Context(), session, "")
		if err != nil {
			t.Fatal(err)
		}
		revoke("limited to another customer", "/status/members", cookie, http.StatusNotFound, func() error {
			return h.store.UnscopedLimitUser(t.Context(), by.UserID, []int64{h.second.ID})
		})
		if err := h.store.UnscopedLimitUser(t.Context(), by.UserID, []int64{h.customer.ID}); err != nil {
			t.Fatal(err)
		}
		revoke("another customer's page", "/status/members", cookie, http.StatusNotFound, change(m, `{"customerId":`+h.ref(h.second.ID)+`}`))
	})
}

// TestStatusRevokedWithoutDatabase: what was remembered is not taken for good where a change was told and could not be read.
func TestStatusRevokedWithoutDatabase(t *testing.T) {
	h := liteHouse(t)
	h.pageFor("by-password", models.VisiblePassword)
	visit := h.visitOf("by-password")
	h.countQueries(3, http.StatusOK, "/status/by-password", "Cookie", visit)
	h.sql("DELETE FROM status_visits")                                                                             // tells a change
	h.wantStatus("without the visit", h.request("GET", "/status/by-password", "", "Cookie", visit), http.StatusOK) // the page was read, and has its password still
	h.sql("ALTER TABLE status_pages RENAME TO away")
	if a := h.request("GET", "/status/by-password", "", "Cookie", visit); a.status == http.StatusOK {
		t.Errorf("a change that can not be read: got the page, want it to ask for the visit")
	}
}

// TestStatusRevokedElsewhere: what another process ended, or what nothing was heard of because the bus cut us off, is found out.
func TestStatusRevokedElsewhere(t *testing.T) {
	h := liteHouse(t)
	p := h.pageFor("members", models.VisibleMembers)
	session := h.session("readonly@example.com")
	a := h.s.admitted
	know := func(what string, known bool) {
		t.Helper()
		before := h.store.Queries()
		if err := h.s.mayVisit(t.Context(), p, statusVisitor{session: session}); err != nil {
			t.Fatal(err)
		}
		if got := h.store.Queries() == before; got != known {
			t.Errorf("%s: got remembered %t, want %t", what, got, known)
		}
	}
	h.wantStatus("the page", h.request("GET", "/status/members", "", "Cookie", "sid="+session), http.StatusOK)
	know("a moment later", true)
	key := sha256.Sum256([]byte(session))
	a.mu.Lock()
	m := a.members[key]
	m.at = m.at.Add(-revokedWithin)
	a.members[key] = m
	a.mu.Unlock()
	know("after its time", false)
	know("again", true)
	if err := h.s.mayVisit(t.Context(), p, statusVisitor{session: session, stays: true}); err != nil {
		t.Fatal(err)
	}
	h.s.status.mu.Lock()
	sub := h.s.status.sub
	h.s.status.mu.Unlock()
	sub.Close()
	know("cut off from the bus", false)
}

// What is remembered is bounded.
func TestAdmittedIsBounded(t *testing.T) {
	kept := map[int]time.Time{}
	for i := range mostAdmitted + 10 {
		makeRoomIn(kept, i)
		kept[i] = time.Time{}
	}
	if len(kept) != mostAdmitted {
		t.Errorf("got %d, want %d", len(kept), mostAdmitted)
	}
	logos := statusLogos{kept: map[int64]*statusLogo{}}
	for i := range int64(mostLogos + 10) {
		logos.keep(i, &statusLogo{version: 1, at: someday.Add(time.Duration(i))})
	}
	if len(logos.kept) != mostLogos || logos.kept[mostLogos+9] == nil {
		t.Errorf("got %d logos, the newest %v, want %d with it", len(logos.kept), logos.kept[mostLogos+9], mostLogos)
	}
}
