package handlers

import (
	"bytes"
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"echolot/models"
)

// keys are an object's keys in order, with their raw values.
func keys(t testing.TB, object []byte) (names []string, values map[string]string) {
	t.Helper()
	f, err := models.ParseFields(object)
	if err != nil {
		t.Fatalf("got %s: %v", object, err)
	}
	values = map[string]string{}
	for _, k := range f.Keys() {
		var compact bytes.Buffer
		if err := json.Compact(&compact, f.Raw(k)); err != nil {
			t.Fatal(err)
		}
		values[k] = compact.String()
	}
	return f.Keys(), values
}

// TestFoundingExample sends the founding page's request, with a customer and a host of ours, and wants the printed answer:
// its keys in its order, its values, and our keys after them.
func TestFoundingExample(t *testing.T) {
	request, err := os.ReadFile("testdata/founding_request.json")
	if err != nil {
		t.Fatal(err)
	}
	printed, err := os.ReadFile("testdata/founding_answer.json")
	if err != nil {
		t.Fatal(err)
	}
	wantKeys, want := keys(t, printed)
	time := regexp.MustCompile(`^"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"$`)
	houses(t, func(h *house) {
		for _, host := range []string{"claas.sh", "127.0.0.1"} { // nothing is pinged: no prober runs here
			body := strings.Replace(string(request), "6764e84f-f02a-43e6-a46d-cecaec556723", h.customer.PublicID.String(), 1)
			a := h.api(h.token("admin@example.com"), "POST", "/api/icmp-monitors", strings.Replace(body, "claas.sh", host, 1))
			if a.status != 201 {
				h.t.Fatalf("got %d %s, want 201", a.status, a.body)
			}
			gotKeys, got := keys(h.t, []byte(a.body))
			if len(gotKeys) < len(wantKeys) || !slices.Equal(gotKeys[:len(wantKeys)], wantKeys) || !slices.Equal(gotKeys[len(wantKeys):], []string{"publicId", "checkIntervalSeconds", "state"}) {
				h.t.Errorf("got keys %v, want %v and ours after them", gotKeys, wantKeys)
			}
			for _, k := range wantKeys {
				switch k {
				case "id", "customerId", "organizationId":
					if !regexp.MustCompile(`^\d+$`).MatchString(got[k]) {
						h.t.Errorf("%s: got %s, want a number", k, got[k])
					}
				case "createdAt", "updatedAt":
					if !time.MatchString(got[k]) {
						h.t.Errorf("%s: got %s, want a time like %s", k, got[k], want[k])
					}
				case "hostname":
					if got[k] != `"`+host+`"` {
						h.t.Errorf("%s: got %s, want %s", k, got[k], host)
					}
				default:
					if got[k] != want[k] {
						h.t.Errorf("%s: got %s, want %s", k, got[k], want[k])
					}
				}
			}
			if want := "/api/icmp-monitors/" + strings.Trim(got["publicId"], `"`); a.header.Get("Location") != want {
				h.t.Errorf("got Location %q, want %s", a.header.Get("Location"), want)
			}
		}
	})
}
