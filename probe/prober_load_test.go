package probe

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"echolot/models"
)

// What is loaded is probed while the rest is read, however long that takes; so is what is asked for or changed meanwhile,
// and the heart beats.
func TestProberLoadsPageByPage(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		var rows []models.MonitorRow
		for i := range 10 {
			rows = append(rows, h.create(h.store.Store, fmt.Sprintf("m%d.example", i), 60))
		}
		pass(2 * time.Second)
		if err := h.stop(); err != nil {
			t.Fatal(err)
		}
		pass(2 * time.Hour) // all are overdue
		h.fakePinger = &fakePinger{}
		h.store.page.Store(2)
		h.start()
		pass(5 * time.Second)
		h.expect("of the first page", rows[0].ID, 1, "m0.example")
		h.expect("of the last page", rows[9].ID, 0, "")
		if _, _, err := h.store.RequestCheck(t.Context(), h.by, rows[9].PublicID); err != nil {
			t.Fatal(err)
		}
		h.delete(h.store.Store, rows[8].PublicID)
		h.change(h.store.Store, rows[0].PublicID, `{"hostname":"new.example"}`)
		pass(4 * time.Second)
		h.expect("asked for before it was loaded", rows[9].ID, 1, "m9.example")
		h.expect("changed after it was loaded", rows[0].ID, 2, "new.example")
		for range 4 {
			pass(4 * time.Second)
			if age := time.Since(h.heartbeat().SeenAt); age > 10*time.Second {
				t.Errorf("age of the heartbeat while monitors are read: %s", age)
			}
		}
		pass(10 * time.Second)
		for i, row := range rows[1:8] {
			h.expect("overdue", row.ID, 1, fmt.Sprintf("m%d.example", i+1))
		}
		h.expect("deleted before it was loaded", rows[8].ID, 0, "")
		h.expect("loaded after it was checked", rows[9].ID, 1, "m9.example")
		if n := h.heartbeat().Monitors; n != 9 {
			t.Errorf("monitors: got %d, want 9", n)
		}
		if got := h.log.String(); strings.Count(got, "msg=probing") != 2 {
			t.Errorf("lines that say it probes, want one for each start:\n%s", got)
		}
	})
}

// What there is no room for is said in the log once a minute, and in the history.
func TestProberIsOverloaded(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		if err := h.stop(); err != nil {
			t.Fatal(err)
		}
		h.takes = func(models.Check) time.Duration { return 50 * time.Second }
		h.parallel = 1
		var rows []models.MonitorRow
		for i := range 3 {
			rows = append(rows, h.create(h.store.Store, fmt.Sprintf("m%d.example", i), 1))
		}
		h.start()
		pass(20 * time.Minute)
		if n := strings.Count(h.log.String(), "checks skipped"); n < 5 || n > 20 {
			t.Errorf("lines about skipped checks in 20 minutes: got %d, want one a minute at most", n)
		}
		for _, row := range rows {
			history := h.history(row.PublicID)
			measured, unknown := strings.Count(history, ":success"), strings.Count(history, "scheduled:unknown")
			if measured < 5 || unknown < 8 || measured+unknown < 17 {
				t.Errorf("%s: got %d checks measured and %d left out of 20", row.Hostname, measured, unknown)
			}
			if state := h.state(row.PublicID).State; state != models.StateUp && state != models.StateUnknown {
				t.Errorf("%s is %s for want of room", row.Hostname, state)
			}
		}
	})
}
