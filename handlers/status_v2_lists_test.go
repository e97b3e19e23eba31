package handlers

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"echolot/models"
	"echolot/views"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"
)

// Lists of what was are bounded, by what changed last; and a component is the same wherever it stands, however far back the answer goes.
func TestStatusV2Lists(t *testing.T) {
	h := liteHouse(t)
	p, board := someBoard()
	want := v2Answer{}
	asked(t, h, v2Of(h.s, v2Components), p, board, "").decode(t, &want)
	var past []models.StatusNotice
	for i := range 2 * mostEntries {
		for _, kind := range []models.StatusKind{models.KindIncident, models.KindMaintenance} {
			at := someday.Add(-time.Duration(i) * time.Hour)
			past = append(past, models.StatusNotice{ID: uuid.UUID{0xbb, byte(i), 6: 0x70, 8: 0x80}, Kind: kind, Title: "Over", StartsAt: at.AddDate(0, 0, -20), EndsAt: someday.Add(time.Hour), UpdatedAt: at,
				Components: []string{"Riesa", "Pirna", "Riesa"}})
		}
	}
	slices.Reverse(past) // the oldest change first
	for name, fill := range map[string]func(v2, *v2Answer){"incidents": v2Incidents, "maintenance": v2Maintenances} {
		var got v2Answer
		asked(t, h, func(c *fiber.Ctx, p models.StatusPage, v views.StatusPage) error {
			return h.s.sendV2(c, p, v, past, fill)
		}, p, board, "").decode(t, &got)
		list := slices.Concat(got.Incidents, got.Maintenances)
		if len(list) != mostEntries || !slices.IsSortedFunc(list, func(x, y v2Incident) int { return y.UpdatedAt.Compare(x.UpdatedAt.Time) }) || !list[0].UpdatedAt.Equal(someday) {
			t.Errorf("%s: got %d from %v to %v, want the %d that changed last", name, len(list), list[0].UpdatedAt, list[len(list)-1].UpdatedAt, mostEntries)
		}
		for _, i := range list {
			if i.Name == "Over" && (len(i.Components) != 2 || !reflect.DeepEqual(i.Components, []v2Component{want.Components[1], want.Components[4]})) {
				t.Fatalf("%s: got %+v, want each of the two once, as among the components", name, i.Components)
			}
		}
	}
}
