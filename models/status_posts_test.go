package models_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"echolot/models"
	"echolot/models/events"

	"github.com/google/uuid"
)

// An incident goes from its first update to the one that says resolved; what is taken back opens it again. Visitors' streams are told
// each time.
func TestStatusPostCourse(t *testing.T) {
	withPage(t, func(h *tellingHouse) {
		sub := h.s.Bus().Subscribe(20, events.StatusPageChanged)
		defer sub.Close()
		d := h.post(`{"kind":"incident","title":"Packets are lost","body":"We look.","monitorIds":["` + h.second.PublicID.String() + `"]}`)
		if d.State != models.PostInvestigating || !d.StartsAt.Equal(h.now) || len(d.Updates) != 1 || d.Updates[0].Author != "ops@example.com" || len(d.Monitors) != 1 || d.Monitors[0].Name != "Riesa" {
			h.Errorf("got %+v, want it investigating since now, with its first update, of Riesa", d)
		}
		h.shows("new", h.board().Open, `incident "Packets are lost" investigating 12:00- of Riesa`)
		h.now = h.now.Add(time.Hour)
		d = h.told(d, `{"state":"identified","body":"The carrier moved us.","at":"2026-11-25T12:30:00Z"}`)
		d = h.told(d, `{"state":"resolved"}`)
		if d.State != models.PostResolved || !d.EndsAt.Equal(h.now) || d.Updates[0].State != models.PostResolved || d.Updates[2].Body != "We look." {
			h.Errorf("got %+v, want it resolved now, the newest update first", d)
		}
		h.shows("resolved", h.board().Past, `incident "Packets are lost" resolved 12:00-13:00 of Riesa`)
		if open := h.board().Open; len(open) != 0 {
			h.Errorf("got %d open, want none", len(open))
		}
		resolved := d.Updates[0].PublicID
		d, err := h.s.ChangeStatusUpdate(h.Context(), h.by, h.page.PublicID, d.PublicID, resolved, fields(h.T, `{"body":"**Over.**","at":"2026-11-25T12:45:00Z"}`))
		if err != nil || d.Updates[0].Body != "**Over.**" || !d.EndsAt.Equal(time.Date(2026, 11, 25, 12, 45, 0, 0, time.UTC)) {
			h.Errorf("got %+v, %v; want it resolved at 12:45", d, err)
		}
		if d, err = h.s.DeleteStatusUpdate(h.Context(), h.by, h.page.PublicID, d.PublicID, resolved); err != nil || d.State != models.PostIdentified || !d.EndsAt.IsZero() {
			h.Errorf("got %+v, %v; want it identified and open", d, err)
		}
		d, err = h.s.ChangeStatusPost(h.Context(), h.by, h.page.PublicID, d.PublicID, fields(h.T, `{"title":"Other","hidden":true,"monitorIds":[]}`))
		if err != nil || d.Title != "Other" || len(d.Monitors) != 0 {
			h.Errorf("got %+v, %v; want another title and no monitor", d, err)
		}
		if open := h.board().Open; len(open) != 0 {
			h.Errorf("hidden: got %d open, want none", len(open))
		}
		if err := h.s.DeleteStatusPost(h.Context(), h.by, h.page.PublicID, d.PublicID); err != nil {
			h.Error(err)
		}
		list, total, err := h.s.StatusPosts(h.Context(), h.by, h.page.PublicID, 10, 0)
		if err != nil || total != 0 || len(list) != 0 {
			h.Errorf("got %d of %d, %v; want none left", len(list), total, err)
		}
		if len(sub.C) != 7 || (<-sub.C).Data != "page" {
			h.Errorf("got %d more events, want one for each of seven changes, with the page's slug", len(sub.C))
		}
		if p, err := h.s.UnscopedStatusPage(h.Context(), "page"); err != nil || p.Version != h.page.Version+7 {
			h.Errorf("got version %d, %v; want seven more than %d", p.Version, err, h.page.Version)
		}
	})
}

// Nothing is told of an incident before it began, measured or not, in minutes as people type them; all that is told of one stays.
func TestStatusUpdateNotBefore(t *testing.T) {
	withPage(t, func(h *tellingHouse) {
		h.next = h.next.Truncate(time.Minute).Add(50 * time.Second)
		h.check(h.first, "+---")
		measured, err := h.s.StatusPageIncidents(h.Context(), h.by, h.page.PublicID)
		if err != nil || len(measured) != 1 {
			h.Fatalf("got %d incidents, %v; want one", len(measured), err)
		}
		h.now = h.now.Add(10 * time.Minute)
		began := measured[0].StartedAt.Truncate(time.Minute)
		for what, d := range map[string]models.StatusPostDetail{
			"measured": h.post(`{"kind":"incident","title":"Cut","incidentId":"` + measured[0].PublicID.String() + `"}`),
			"told":     h.post(`{"kind":"incident","title":"Slow","startsAt":"` + measured[0].StartedAt.Format(time.RFC3339Nano) + `"}`),
		} {
			add := func(at time.Time) (models.StatusPostDetail, error) {
				return h.s.AddStatusUpdate(h.Context(), h.by, h.page.PublicID, d.PublicID, fields(h.T, `{"state":"identified","body":"x","at":"`+at.Format(time.RFC3339)+`"}`))
			}
			var invalid *models.Invalid
			if _, err := add(began.Add(-time.Minute)); !errors.As(err, &invalid) || invalid.Fields[0].Field != "at" {
				h.Errorf("%s: got %v, want the minute before it refused", what, err)
			}
			told, err := add(began)
			if n := len(told.Updates); err != nil || n != 2 || !told.Updates[n-1].At.Equal(d.StartsAt) || !began.Before(d.StartsAt) {
				h.Fatalf("%s: got %+v, %v; want what is told of the minute in which it began told when it began", what, told.Updates, err)
			}
			change := told.Updates[0].PublicID
			if _, err := h.s.ChangeStatusUpdate(h.Context(), h.by, h.page.PublicID, d.PublicID, change, fields(h.T, `{"at":"`+began.Add(-time.Minute).Format(time.RFC3339)+`"}`)); !errors.As(err, &invalid) {
				h.Errorf("%s: got %v, want it not moved before it", what, err)
			}
			if _, err := h.s.DeleteStatusUpdate(h.Context(), h.by, h.page.PublicID, d.PublicID, change); err != nil {
				h.Errorf("%s: %v", what, err)
			}
			var conflict *models.Conflict
			if _, err := h.s.DeleteStatusUpdate(h.Context(), h.by, h.page.PublicID, d.PublicID, told.Updates[1].PublicID); !errors.As(err, &conflict) {
				h.Errorf("%s: got %v, want all that is told of it to stay", what, err)
			}
		}
	})
}

// What is wrong with a post is said at its field.
func TestStatusPostRefused(t *testing.T) {
	withPage(t, func(h *tellingHouse) {
		for body, field := range map[string]string{
			`{}`:                            "kind",
			`{"kind":"outage","title":"x"}`: "kind",
			`{"kind":"incident"}`:           "title",
			`{"kind":"incident","title":"` + strings.Repeat("x", 201) + `"}`:                                        "title",
			`{"kind":"incident","title":"x","state":"completed"}`:                                                   "state",
			`{"kind":"announcement","title":"x","state":"resolved"}`:                                                "state",
			`{"kind":"incident","title":"x","endsAt":"2026-11-25T12:00:00Z"}`:                                       "endsAt",
			`{"kind":"incident","title":"x","at":"2026-11-25T12:03:00Z"}`:                                           "at",
			`{"kind":"incident","title":"x","at":"yesterday"}`:                                                      "at",
			`{"kind":"incident","title":"x","startsAt":"2026-11-25T11:00:00Z","at":"2026-11-25T10:00:00Z"}`:         "at",
			`{"kind":"incident","title":"x","body":"` + strings.Repeat("x", 5001) + `"}`:                            "body",
			`{"kind":"incident","title":"x","monitorIds":["` + h.strange.PublicID.String() + `"]}`:                  "monitorIds",
			`{"kind":"incident","title":"x","monitorIds":["0198a2b4-0000-7000-8000-000000000000"]}`:                 "monitorIds",
			`{"kind":"incident","title":"x","monitorIds":"x"}`:                                                      "monitorIds",
			`{"kind":"incident","title":"x","startsAt":"2026-11-25T13:00:00Z"}`:                                     "startsAt",
			`{"kind":"maintenance","title":"x","startsAt":"2026-11-25T12:00:00Z"}`:                                  "endsAt",
			`{"kind":"maintenance","title":"x"}`:                                                                    "startsAt",
			`{"kind":"maintenance","title":"x","startsAt":"2026-11-25T12:00:00Z","endsAt":"2026-11-25T12:00:00Z"}`:  "endsAt",
			`{"kind":"announcement","title":"x","startsAt":"2026-11-25T12:00:00Z","endsAt":"2026-11-25T11:00:00Z"}`: "endsAt",
			`{"kind":"maintenance","title":"x","remindMinutes":-1}`:                                                 "remindMinutes",
			`{"kind":"incident","title":"x","remindMinutes":60}`:                                                    "remindMinutes",
			`{"kind":"announcement","title":"x","incidentId":"0198a2b4-0000-7000-8000-000000000000"}`:               "incidentId",
		} {
			var invalid *models.Invalid
			_, err := h.s.CreateStatusPost(h.Context(), h.by, h.page.PublicID, fields(h.T, body))
			if !errors.As(err, &invalid) {
				h.Errorf("%s: got %v, want it refused", body, err)
				continue
			}
			if _, ok := invalid.Field(field); !ok {
				h.Errorf("%s: got %v, want it said at %s", body, invalid, field)
			}
		}
		d := h.post(`{"kind":"incident","title":"x"}`)
		for body, field := range map[string]string{`{}`: "body", `{"body":" "}`: "body", `{"state":"scheduled"}`: "state", `{"body":"x","at":"2026-11-25T11:59:59Z"}`: "at"} {
			var invalid *models.Invalid
			_, err := h.s.AddStatusUpdate(h.Context(), h.by, h.page.PublicID, d.PublicID, fields(h.T, body))
			if !errors.As(err, &invalid) {
				h.Errorf("update %s: got %v, want it refused", body, err)
			} else if _, ok := invalid.Field(field); !ok {
				h.Errorf("update %s: got %v, want it said at %s", body, invalid, field)
			}
		}
		var one *models.Invalid
		_, err := h.s.AddStatusUpdate(h.Context(), h.by, h.page.PublicID, d.PublicID, fields(h.T, `{"state":"completed"}`))
		if !errors.As(err, &one) || len(one.Fields) != 1 || one.Fields[0].Field != "state" {
			h.Errorf("a state that is not an incident's: got %v, want the state named and nothing else", err)
		}
		for body, field := range map[string]string{`{"kind":"announcement"}`: "kind", `{"remindMinutes":60}`: "remindMinutes"} {
			_, err := h.s.ChangeStatusPost(h.Context(), h.by, h.page.PublicID, d.PublicID, fields(h.T, body))
			if !errors.As(err, &one) || one.Fields[0].Field != field {
				h.Errorf("change %s: got %v, want it said at %s", body, err, field)
			}
		}
		list, _, err := h.s.StatusPosts(h.Context(), h.by, h.page.PublicID, 10, 0)
		if err != nil || len(list) != 1 {
			h.Errorf("got %d posts, %v; want the one that was good", len(list), err)
		}
	})
}

// Whoever does not see the page's customer, another organization, and another page find nothing; readonly may not tell.
func TestStatusPostTenants(t *testing.T) {
	withPage(t, func(h *tellingHouse) {
		ctx := h.Context()
		d := h.post(`{"kind":"incident","title":"x","body":"y"}`)
		if _, err := h.s.CreateStatusPage(ctx, h.foreign, fields(h.T, `{"customerId":2,"name":"Their","slug":"their"}`)); err == nil {
			h.Error("customer 2 is not the other organization's: want their own below")
		}
		page, err := h.s.CreateStatusPage(ctx, h.by, fields(h.T, `{"customerId":1,"name":"Other","slug":"other"}`))
		if err != nil {
			h.Fatal(err)
		}
		good, update := fields(h.T, `{"kind":"incident","title":"x","body":"y"}`), d.Updates[0].PublicID
		type attempt struct {
			by         models.Actor
			page, post uuid.UUID
		}
		for name, a := range map[string]attempt{"limited": {h.limited, h.page.PublicID, d.PublicID}, "foreign": {h.foreign, h.page.PublicID, d.PublicID}, "another page": {h.by, page.PublicID, d.PublicID},
			"no page": {h.by, d.PublicID, d.PublicID}} {
			_, read := h.s.StatusPost(ctx, a.by, a.page, a.post)
			_, change := h.s.ChangeStatusPost(ctx, a.by, a.page, a.post, good)
			_, add := h.s.AddStatusUpdate(ctx, a.by, a.page, a.post, good)
			_, edit := h.s.ChangeStatusUpdate(ctx, a.by, a.page, a.post, update, good)
			_, drop := h.s.DeleteStatusUpdate(ctx, a.by, a.page, a.post, update)
			for what, err := range map[string]error{"read": read, "change": change, "add": add, "edit": edit, "take back": drop, "delete": h.s.DeleteStatusPost(ctx, a.by, a.page, a.post)} {
				var gone *models.NotFound
				if !errors.As(err, &gone) {
					h.Errorf("%s, %s: got %v, want not found", name, what, err)
				}
			}
			if name == "another page" {
				continue
			}
			_, create := h.s.CreateStatusPost(ctx, a.by, a.page, good)
			_, _, list := h.s.StatusPosts(ctx, a.by, a.page, 10, 0)
			_, _, tell := h.s.StatusPageToTell(ctx, a.by, a.page)
			for what, err := range map[string]error{"create": create, "list": list, "tell": tell} {
				var gone *models.NotFound
				if !errors.As(err, &gone) {
					h.Errorf("%s, %s: got %v, want not found", name, what, err)
				}
			}
		}
		readonly := h.by
		readonly.Role = models.RoleReadonly
		if _, err := h.s.CreateStatusPost(ctx, readonly, h.page.PublicID, good); !errors.Is(err, models.ErrForbidden) {
			h.Errorf("readonly: got %v, want forbidden", err)
		}
		if _, err := h.s.StatusPost(ctx, readonly, h.page.PublicID, d.PublicID); err != nil {
			h.Errorf("readonly reads: got %v", err)
		}
	})
}

// An incident ends with the first update that says it is over and is not contradicted; what is told of it afterwards moves nothing.
func TestStatusPostEnd(t *testing.T) {
	withPage(t, func(h *tellingHouse) {
		h.now = time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
		for _, tc := range []struct{ updates, want string }{
			{`{"state":"resolved","at":"2026-11-25T10:20:00Z"}`, "25 10:20"},
			{`{"state":"resolved","at":"2026-11-25T10:20:00Z"}|{"body":"Post-mortem"}`, "25 10:20"},
			{`{"state":"resolved","at":"2026-11-25T10:20:00Z"}|{"state":"resolved","body":"Still so"}|{"body":"Post-mortem"}`, "25 10:20"},
			{`{"state":"resolved","at":"2026-11-25T10:20:00Z"}|{"state":"monitoring","at":"2026-11-25T10:30:00Z"}|{"state":"resolved","at":"2026-11-25T10:40:00Z"}|{"body":"Post-mortem"}`, "25 10:40"},
			{`{"state":"resolved","at":"2026-11-25T10:20:00Z"}|{"state":"investigating","body":"Again"}`, ""},
		} {
			d := h.post(`{"kind":"incident","title":"x","at":"2026-11-25T10:00:00Z"}`)
			for _, u := range strings.Split(tc.updates, "|") {
				d = h.told(d, u)
			}
			got := ""
			if !d.EndsAt.IsZero() {
				got = d.EndsAt.UTC().Format("02 15:04")
			}
			if got != tc.want {
				h.Errorf("%s: got the end %q, want %q", tc.updates, got, tc.want)
			}
		}
	})
}

// An incident begins neither in the future nor after what was told of it first; maintenance is moved freely.
func TestStatusPostMoved(t *testing.T) {
	withPage(t, func(h *tellingHouse) {
		incident := h.post(`{"kind":"incident","title":"x","at":"2026-11-25T11:00:00Z"}`)
		work := h.post(`{"kind":"maintenance","title":"x","body":"y","startsAt":"2026-11-26T13:00:00Z","endsAt":"2026-11-26T14:00:00Z"}`)
		for _, tc := range []struct {
			post  models.StatusPostDetail
			body  string
			wrong string
		}{
			{incident, `{"startsAt":"2026-11-25T11:00:01Z"}`, "startsAt"},
			{incident, `{"startsAt":"2026-11-26T11:00:00Z"}`, "startsAt"},
			{incident, `{"startsAt":"2026-11-25T10:00:00Z"}`, ""},
			{incident, `{"title":"y"}`, ""},
			{work, `{"startsAt":"2026-11-26T15:00:00Z"}`, "endsAt"},
			{work, `{"startsAt":"2026-11-27T13:00:00Z","endsAt":"2026-11-27T14:00:00Z"}`, ""},
		} {
			_, err := h.s.ChangeStatusPost(h.Context(), h.by, h.page.PublicID, tc.post.PublicID, fields(h.T, tc.body))
			var invalid *models.Invalid
			if tc.wrong == "" && err != nil || tc.wrong != "" && !errors.As(err, &invalid) {
				h.Errorf("%s: got %v, want it wrong at %q", tc.body, err, tc.wrong)
			} else if tc.wrong != "" {
				if _, ok := invalid.Field(tc.wrong); !ok {
					h.Errorf("%s: got %v, want it wrong at %q", tc.body, err, tc.wrong)
				}
			}
		}
	})
}

// What is told without a state has the one that held at its moment, and the first one of its kind where there was none.
func TestStatusUpdateState(t *testing.T) {
	withPage(t, func(h *tellingHouse) {
		d := h.post(`{"kind":"incident","title":"x","startsAt":"2026-11-25T09:00:00Z","at":"2026-11-25T10:00:00Z","state":"identified"}`)
		d = h.told(d, `{"state":"resolved","at":"2026-11-25T11:00:00Z"}`)
		for _, at := range []string{"09:30", "10:30", "11:30"} {
			d = h.told(d, `{"body":"`+at+`","at":"2026-11-25T`+at+`:00Z"}`)
		}
		var got []string
		for _, u := range d.Updates {
			got = append(got, u.At.UTC().Format("15:04")+" "+string(u.State))
		}
		if want := "11:30 resolved, 11:00 resolved, 10:30 identified, 10:00 identified, 09:30 investigating"; strings.Join(got, ", ") != want || d.EndsAt.UTC().Format("15:04") != "11:00" {
			h.Errorf("got %s and the end %s, want %s and 11:00", got, d.EndsAt, want)
		}
		for body, want := range map[string]models.StatusPostState{
			`{"kind":"maintenance","title":"x","body":"y","startsAt":"2026-11-26T13:00:00Z","endsAt":"2026-11-26T14:00:00Z"}`:            models.PostScheduled,
			`{"kind":"maintenance","title":"x","body":"y","state":"","startsAt":"2026-11-26T13:00:00Z","endsAt":"2026-11-26T14:00:00Z"}`: models.PostScheduled,
			`{"kind":"incident","title":"x","body":"y"}`:     models.PostInvestigating,
			`{"kind":"announcement","title":"x","body":"y"}`: "",
		} {
			if d := h.post(body); d.State != want || len(d.Updates) != 1 || d.Updates[0].State != want {
				h.Errorf("%s: got %q and %+v, want %q", body, d.State, d.Updates, want)
			}
		}
	})
}
