package models_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"echolot/models"
	"echolot/models/events"
	"echolot/models/modelstest"
)

// toldSlugs are the slugs of the pages that the bus told of so far.
func toldSlugs(sub *events.Subscription) []string {
	var slugs []string
	for len(sub.C) > 0 {
		slugs = append(slugs, (<-sub.C).Data.(string))
	}
	return slugs
}

// Every change of a page is told once it is committed, under its old slug too; what was refused is not told.
func TestStatusPageIsTold(t *testing.T) {
	modelstest.Stores(t, func(t *testing.T, s *models.Store) {
		by, rows := liveMonitors(t, s, "127.0.0.1")
		sub := s.Bus().Subscribe(20, events.StatusPageChanged)
		defer sub.Close()
		want := func(what string, slugs ...string) {
			t.Helper()
			if got := toldSlugs(sub); !slices.Equal(got, slugs) {
				t.Errorf("%s: got %q told, want %q", what, got, slugs)
			}
		}
		p, err := s.CreateStatusPage(t.Context(), by, fields(t, `{"customerId":1,"name":"Page","slug":"page"}`))
		if err != nil {
			t.Fatal(err)
		}
		want("made", "page")
		for _, test := range []struct {
			body  string
			slugs []string
		}{
			{`{"name":"Other"}`, []string{"page"}},
			{`{"slug":"other"}`, []string{"page", "other"}},
			{`{"monitors":[{"monitorId":"` + rows[0].PublicID.String() + `"}]}`, []string{"other"}},
		} {
			before := p
			if p, err = s.ChangeStatusPage(t.Context(), by, p.PublicID, fields(t, test.body), p.ETag()); err != nil || p.Version != before.Version+1 || p.ETag() == before.ETag() {
				t.Fatalf("%s: got version %d and ETag %s after %d and %s, error %v", test.body, p.Version, p.ETag(), before.Version, before.ETag(), err)
			}
			want(test.body, test.slugs...)
		}
		if _, err = s.ChangeStatusPage(t.Context(), by, p.PublicID, fields(t, `{"slug":"x"}`), ""); err == nil {
			t.Error("a slug of one character: got no error")
		}
		if _, err = s.TryStatusPage(t.Context(), by, p.PublicID, fields(t, `{"name":"Tried"}`)); err != nil {
			t.Error(err)
		}
		want("refused, and tried")
		if _, err = s.RenewStatusLink(t.Context(), by, p.PublicID); err != nil {
			t.Error(err)
		}
		want("a new link", "other")
		if err := s.DeleteStatusPage(t.Context(), by, p.PublicID); err != nil {
			t.Error(err)
		}
		want("deleted", "other")
	})
}

// Of many who want the same slug at once, one gets it.
func TestStatusSlugAtOnce(t *testing.T) {
	modelstest.Stores(t, func(t *testing.T, s *models.Store) {
		by, _ := liveMonitors(t, s, "127.0.0.1")
		errs := make([]error, 8)
		var wait sync.WaitGroup
		for i := range errs {
			wait.Go(func() {
				_, errs[i] = s.CreateStatusPage(t.Context(), by, fields(t, fmt.Sprintf(`{"customerId":1,"name":"Page %d","slug":"page"}`, i)))
			})
		}
		wait.Wait()
		made := 0
		for _, err := range errs {
			var taken *models.Conflict
			switch {
			case err == nil:
				made++
			case !errors.As(err, &taken) || taken.Stale:
				t.Errorf("got %v, want a conflict", err)
			}
		}
		if _, total, err := s.StatusPages(t.Context(), by, models.StatusPagesFilter{Page: 1, PerPage: 10}); made != 1 || total != 1 || err != nil {
			t.Errorf("got %d made and %d there, %v; want one", made, total, err)
		}
	})
}

// Two who change different settings at once both get what they asked for.
func TestStatusPageChangedAtOnce(t *testing.T) {
	modelstest.Stores(t, func(t *testing.T, s *models.Store) {
		by, _ := liveMonitors(t, s, "127.0.0.1")
		p, err := s.CreateStatusPage(t.Context(), by, fields(t, `{"customerId":1,"name":"Page","slug":"page"}`))
		if err != nil {
			t.Fatal(err)
		}
		bodies := []string{`{"name":"Other"}`, `{"isPublished":true}`, `{"language":"de"}`, `{"accent":"#123456"}`, `{"latency":"none"}`}
		var wait sync.WaitGroup
		for _, body := range bodies {
			wait.Go(func() {
				if _, err := s.ChangeStatusPage(t.Context(), by, p.PublicID, fields(t, body), ""); err != nil {
					t.Errorf("%s: %v", body, err)
				}
			})
		}
		wait.Wait()
		p, err = s.StatusPage(t.Context(), by, p.PublicID)
		if err != nil || p.Name != "Other" || !p.IsPublished || p.Language != "de" || p.Accent != "#123456" || p.Latency != models.LatencyNone || p.Version != 6 {
			t.Errorf("got %+v, %v; want all five changes", p, err)
		}
	})
}
