package handlers

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"echolot/models"
	"echolot/models/modelstest"
)

// together runs all at once and waits for them.
func together(all ...func()) {
	start := make(chan struct{})
	var wg sync.WaitGroup
	for _, f := range all {
		wg.Go(func() {
			<-start
			f()
		})
	}
	close(start)
	wg.Wait()
}

// Two PATCHes at once: without If-Match both land and nothing of either is lost; with it one lands and the other is told.
func TestTwoPatchesAtOnce(t *testing.T) {
	houses(t, func(h *house) {
		admin := h.token("admin@example.com")
		one := monitorsPath + "/" + h.monitor.PublicID.String()
		version := func() int64 {
			h.t.Helper()
			m, err := h.store.Monitor(h.t.Context(), h.organization, h.monitor.PublicID)
			if err != nil {
				h.t.Fatal(err)
			}
			return m.Version
		}
		for round := range 20 {
			before := version()
			var a, b answer
			together(
				func() { a = h.api(admin, "PATCH", one, fmt.Sprintf(`{"name":"Round %d"}`, round)) },
				func() { b = h.api(admin, "PATCH", one, fmt.Sprintf(`{"port":%d}`, round+1)) })
			if a.status != 200 || b.status != 200 || version() != before+2 {
				h.t.Fatalf("got %d and %d, and version %d after %d, want both landed", a.status, b.status, version(), before)
			}
			h.wantValues("both", h.api(admin, "GET", one, ""), 200, fmt.Sprintf(`{"name":"Round %d","port":%d}`, round, round+1))

			tag := h.api(admin, "GET", one, "").header.Get("ETag")
			guarded := func(body string) answer {
				return h.request("PATCH", one, body, "Authorization", "Bearer "+admin, "Content-Type", "application/json", "If-Match", tag)
			}
			together(func() { a = guarded(`{"name":"First"}`) }, func() { b = guarded(`{"name":"Second"}`) })
			if a.status+b.status != 200+412 || version() != before+3 {
				h.t.Fatalf("with If-Match: got %d and %d, and version %d after %d, want one landed", a.status, b.status, version(), before+2)
			}
			want := "First"
			if b.status == 200 {
				want = "Second"
			}
			h.wantValues("the one that landed", h.api(admin, "GET", one, ""), 200, `{"name":"`+want+`"}`)
		}
	})
}

// The same for a customer, which has no ETag: both land.
func TestTwoCustomerPatchesAtOnce(t *testing.T) {
	houses(t, func(h *house) {
		admin := h.token("admin@example.com")
		for round := range 20 {
			together(
				func() { h.api(admin, "PATCH", "/api/customers/1", fmt.Sprintf(`{"name":"Round %d"}`, round)) },
				func() {
					h.api(admin, "PATCH", "/api/customers/1", fmt.Sprintf(`{"email":"round%d@example.com"}`, round))
				})
			h.wantValues("both", h.api(admin, "GET", "/api/customers/1", ""), 200, fmt.Sprintf(`{"name":"Round %d","email":"round%d@example.com"}`, round, round))
		}
	})
}

// A monitor is deleted, and another one changed, while results of both arrive: the recorder never fails, nothing of the
// deleted one comes back, and results of an older rev are thrown away.
func TestChangedAndDeletedWhileBeingChecked(t *testing.T) {
	houses(t, func(h *house) {
		admin := h.token("admin@example.com")
		for round := range 10 {
			var ids [2]int64
			var paths [2]string
			for i := range ids {
				a := h.api(admin, "POST", monitorsPath, monitorBody(""))
				var m struct{ ID int64 }
				a.decode(h.t, &m)
				ids[i], paths[i] = m.ID, a.header.Get("Location")
			}
			var failed error
			slot := time.Now().UnixMilli()
			record := func() int {
				slot += 1000
				var results []models.Result
				for _, id := range ids {
					results = append(results, models.Result{Monitor: id, Rev: 1, Slot: slot, Location: models.LocationID, Kind: models.KindScheduled, Outcome: models.OutcomeSuccess})
				}
				recorded, err := h.store.RecordResults(context.Background(), results, judgeUp)
				if err != nil {
					failed = err
				}
				return len(recorded)
			}
			record()
			var gone, changed answer
			together(
				func() {
					for range 20 {
						record()
					}
				},
				func() { gone = h.api(admin, "DELETE", paths[0], "") },
				func() { changed = h.api(admin, "PATCH", paths[1], `{"hostname":"127.0.0.2"}`) })
			after := record()
			if failed != nil || gone.status != 200 || changed.status != 200 || after != 0 {
				h.t.Fatalf("round %d: got error %v, %d for the deletion, %d for the change, %d results stored after both, want none of them", round, failed, gone.status, changed.status, after)
			}
			for _, path := range []string{"", "/check-history"} {
				if a := h.api(admin, "GET", paths[0]+path, ""); a.status != 404 || !strings.Contains(a.body, "ICMP monitor not found") {
					h.t.Errorf("the deleted monitor%s: got %d %s, want 404", path, a.status, a.body)
				}
			}
			if a := h.api(admin, "DELETE", paths[0], ""); a.status != 404 {
				h.t.Errorf("deleting again: got %d, want 404", a.status)
			}
			h.wantValues("the changed one", h.api(admin, "GET", paths[1], ""), 200, `{"state":"pending","hostname":"127.0.0.2"}`)
			var states int
			db := modelstest.Connect(h.t, modelstest.URL(h.t, h.store))
			if err := db.QueryRowContext(h.t.Context(), fmt.Sprintf("SELECT count(*) FROM monitor_states WHERE monitor_id = %d", ids[0])).Scan(&states); err != nil || states != 0 {
				h.t.Errorf("got %d states of the deleted monitor, error %v, want none", states, err)
			}
		}
	})
}
