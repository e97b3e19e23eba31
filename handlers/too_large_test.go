package handlers

import (
	"strings"
	"testing"
)

// A body that is too large is told the limit of its address, to programs and to people, also where it is not read to its end.
func TestTooLarge(t *testing.T) {
	h := liteHouse(t)
	session, admin := h.session("admin@example.com"), h.token("admin@example.com")
	form := []string{"Content-Type", "application/x-www-form-urlencoded"}
	for _, test := range []struct {
		path   string
		size   int
		header []string
		want   string
	}{
		{"/monitors", maxBody + 1, form, "The request is larger than 64 KiB."},
		{"/monitors", maxRead + 50_000, form, "The request is larger than 64 KiB."},
		{"/monitors", maxBody + 1, append([]string{"HX-Request", "true"}, form...), "The request is larger than 64 KiB."},
		{statusPagePath(h, "/layout"), maxLayout + 1, form, "The request is larger than 200 KiB."},
		{statusPagePath(h, "/logo"), maxRead + 1, []string{"Content-Type", "multipart/form-data; boundary=x"}, "The request is larger than 256 KiB. A logo may have 100 kB at most."},
		{"/api/icmp-monitors", maxBody + 1, []string{"Authorization", "Bearer " + admin, "Content-Type", "application/json"}, `"message":"The body is larger than 64 KiB"`},
		{"/api/status-pages", maxLayout + 1, []string{"Authorization", "Bearer " + admin, "Content-Type", "application/json"}, `"message":"The body is larger than 200 KiB"`},
		{"/api/status-pages", maxRead + 1, []string{"Authorization", "Bearer " + admin, "Content-Type", "application/json"}, `"message":"The body is larger than 200 KiB"`},
	} {
		a := h.as(session, "POST", test.path, strings.Repeat(" ", test.size), test.header...)
		if a.status != 413 || !strings.Contains(a.body, test.want) {
			t.Errorf("%s with %d bytes: got %d %s, want 413 and %q", test.path, test.size, a.status, a.body, test.want)
		}
	}
}
