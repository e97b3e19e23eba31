package models_test

import (
	"reflect"
	"testing"
	"time"

	"echolot/models"
	"echolot/models/modelstest"
)

// Whatever a verdict remembers comes back from both databases, to the next verdict and to who reads the monitor; what somebody
// adds later too. Incidents and roll-ups are not the judge's.
func TestAStateComesBackAsItWasJudged(t *testing.T) {
	modelstest.EachMigrated(t, func(t *testing.T, url string) {
		s := modelstest.Open(t, url)
		by, _ := admin(t, s)
		row, err := s.CreateMonitor(t.Context(), by, fields(t, `{"customerId":1,"name":"n","hostname":"127.0.0.1"}`))
		if err != nil {
			t.Fatal(err)
		}
		slot := time.Now().UnixMilli()
		want := models.MonitorState{MonitorID: row.ID, LocationID: models.LocationID, OrganizationID: row.OrganizationID,
			State: models.StateUp, Measured: models.StateUp, LastSlot: slot}
		v := reflect.ValueOf(&want).Elem()
		for i := range v.NumField() {
			f, name := v.Field(i), v.Type().Field(i).Name
			if name == "BaseModel" || name == "IncidentID" || name == "IncidentType" || name == "RolledUntil" || !f.IsZero() {
				continue
			}
			switch f.Interface().(type) {
			case time.Time:
				f.Set(reflect.ValueOf(time.UnixMicro(1772366460123456 + int64(i)).UTC()))
			case []byte:
				f.SetBytes([]byte{0, '\\', '\n', byte(i)})
			default:
				if f.Kind() == reflect.String {
					f.SetString(name)
				} else {
					f.SetInt(int64(i + 1))
				}
			}
		}
		record := func(slot int64, judge models.JudgeFunc) {
			t.Helper()
			r := measured(row.ID, slot)
			r.Rev = row.Rev
			if recorded, err := s.RecordResults(t.Context(), []models.Result{r}, judge); err != nil || len(recorded) != 1 {
				t.Fatalf("got %d recorded and error %v, want 1", len(recorded), err)
			}
		}
		record(slot, func(models.MonitorState, models.Result, models.Rule, models.Status) (models.MonitorState, bool) {
			return want, true
		})
		record(slot+1, func(got models.MonitorState, _ models.Result, _ models.Rule, _ models.Status) (models.MonitorState, bool) {
			t.Log("to the next verdict")
			sameRow(t, got, want)
			return got, true
		})
		read := func() models.MonitorState {
			t.Helper()
			got, err := s.Monitor(t.Context(), by, row.PublicID)
			if err != nil {
				t.Fatal(err)
			}
			return got.State
		}
		t.Log("to a reader")
		sameRow(t, read(), want)
		if _, err := s.ChangeMonitor(t.Context(), by, row.PublicID, fields(t, `{"status":"disabled"}`), ""); err != nil {
			t.Fatal(err)
		}
		if st := read(); st.State != models.StatePaused || st.Passes+st.Failures+st.DegradedInRow != 0 || !st.TroubleSince.IsZero() ||
			!st.FailingSince.IsZero() || st.Reason != "" || st.Flapping() || len(st.WindowChecks)+len(st.Flips) != 0 {
			t.Errorf("after a pause: got %+v, want nothing left", st)
		}
	})
}
