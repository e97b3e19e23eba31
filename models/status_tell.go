package models

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/uptrace/bun"
)

const (
	// maxTitle bounds a post's title, maxTold what is told at once, in characters.
	maxTitle = 200
	maxTold  = 5000
	// mostTold bounds the updates of a post, and mostPosts the posts of a page.
	mostTold  = 200
	mostPosts = 5000
)

// StatusTarget is a monitor of a page as its visitors call it.
type StatusTarget struct {
	ID       int64
	PublicID uuid.UUID
	Name     string
	// Placed is true where the page has a place for it; else it stands behind those that have one.
	Placed bool
}

// StatusPageToTell returns the page, and those of its monitors that the actor sees, in the page's order: what can be told about.
// Errors: ErrForbidden, *NotFound, also for a page that shows monitors that the actor does not see.
func (s *Store) StatusPageToTell(ctx context.Context, by Actor, page uuid.UUID) (StatusPage, []StatusTarget, error) {
	if err := by.check(MayRead); err != nil {
		return StatusPage{}, nil, err
	}
	p, err := s.statusPage(ctx, s.ro, by, page, false)
	if err != nil {
		return StatusPage{}, nil, err
	}
	targets, err := s.statusTargets(ctx, s.ro, by, p)
	return p, targets, err
}

// onPage limits a query on monitors AS m and status_page_monitors AS spm to those that the page shows.
func onPage(q *bun.SelectQuery, p StatusPage) *bun.SelectQuery {
	q = q.Join("LEFT JOIN status_page_monitors AS spm ON spm.monitor_id = m.id AND spm.page_id = ?", p.ID).
		Where("m.organization_id = ? AND coalesce(spm.hidden, FALSE) = FALSE", p.OrganizationID)
	if p.AllMonitors {
		return q.Where("(spm.page_id IS NOT NULL OR m.customer_id = ?)", p.CustomerID)
	}
	return q.Where("spm.page_id IS NOT NULL")
}

func (s *Store) statusTargets(ctx context.Context, db bun.IDB, by Actor, p StatusPage) ([]StatusTarget, error) {
	var list []StatusTarget
	q := onPage(db.NewSelect().TableExpr("monitors AS m").Join("JOIN customers AS c ON c.id = m.customer_id"), p).
		ColumnExpr("m.id, m.public_id, coalesce(nullif(spm.display_name, ''), m.name) AS name, spm.page_id IS NOT NULL AS placed").
		OrderExpr("spm.position IS NULL, spm.position, m.search, m.id").Limit(mostStatusMonitors)
	if err := visible(q, by).Scan(ctx, &list); err != nil {
		return nil, fmt.Errorf("reading a status page's monitors: %w", err)
	}
	countedOrder(list, p.Language, func(t StatusTarget) bool { return t.Placed }, func(t StatusTarget) string { return t.Name })
	return list, nil
}

// tell has write change what the page tells, in a transaction, and tells its visitors' streams. e is what is wrong with the input so far;
// write may add to it.
func (s *Store) tell(ctx context.Context, by Actor, page uuid.UUID, e *Invalid, write func(ctx context.Context, tx bun.Tx, p StatusPage) error) error {
	if err := by.check(MayHandleIncidents); err != nil {
		return err
	}
	if err := e.orNil(); err != nil {
		return err
	}
	var p StatusPage
	err := s.inTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		var err error
		if p, err = s.statusPage(ctx, tx, by, page, false); err != nil {
			return err
		}
		// First, so that of two changes at once the second waits for what the first one left.
		if _, err := tx.NewUpdate().TableExpr("status_pages").Set("version = version + 1").Where("id = ?", p.ID).Exec(ctx); err != nil {
			return fmt.Errorf("changing the status page: %w", err)
		}
		if err := write(ctx, tx, p); err != nil {
			return err
		}
		return e.orNil()
	})
	if err != nil {
		return err
	}
	s.publishStatusPage(p)
	return nil
}

// moment reads a time in RFC 3339 form; ok is false too for null.
func (r reader) moment(key string, notNull bool) (t time.Time, ok bool) {
	v, ok := r.text(key, notNull)
	if !ok {
		return t, false
	}
	t, err := time.Parse(time.RFC3339, v)
	if err != nil || t.Year() < 2000 || t.Year() > 2199 {
		r.e.add(key, key+" must be a time like 2026-11-25T13:41:00Z", "Type a date and a time")
		return time.Time{}, false
	}
	return t.UTC().Truncate(time.Microsecond), true
}

// title reads a title into t, which needs one unless it is optional.
func (r reader) title(t *string, optional bool) {
	v, ok := r.text("title", true)
	if !ok {
		if _, wrong := r.e.Field("title"); *t == "" && !optional && !wrong {
			r.e.add("title", "title is required", "Type a title")
		}
		return
	}
	title, wrong := cleanName(v, maxTitle)
	if wrong == "is required" && optional {
		wrong = ""
	}
	switch wrong {
	case "":
	case "is required":
		r.e.add("title", "title is required", "Type a title")
	case "is too long":
		r.e.add("title", fmt.Sprintf("title must have at most %d characters", maxTitle), fmt.Sprintf("Longer than %d characters: shorten it", maxTitle))
	default:
		r.e.add("title", "title "+wrong, "Leave out control characters")
	}
	*t = title
}

// markdown reads a text as it was typed, without space around it.
func (r reader) markdown(key string) (string, bool) {
	v, ok := r.text(key, true)
	v = strings.TrimSpace(strings.ReplaceAll(v, "\r\n", "\n"))
	if utf8.RuneCountInString(v) > maxTold {
		r.e.add(key, fmt.Sprintf("%s must have at most %d characters", key, maxTold), fmt.Sprintf("Longer than %d characters: shorten it", maxTold))
	}
	if strings.ContainsFunc(v, func(c rune) bool { return unicode.IsControl(c) && c != '\n' && c != '\t' }) {
		r.e.add(key, key+" contains a control character", "Leave out control characters")
	}
	return v, ok
}

// kind reads what kind of thing is told.
func (r reader) kind() StatusKind {
	v, ok := r.text("kind", true)
	k := StatusKind(v)
	if !ok || k != KindIncident && k != KindAnnouncement && k != KindMaintenance {
		r.e.add("kind", "kind must be incident, announcement or maintenance", "Choose what it is")
	}
	return k
}

// state reads a state that the kind has; empty where none was sent.
func (r reader) state(k StatusKind) StatusPostState {
	v, ok := r.text("state", true)
	if !ok || v == "" {
		return ""
	}
	states := PostStates(k)
	if !slices.Contains(states, StatusPostState(v)) {
		words := make([]string, len(states))
		for i, st := range states {
			words[i] = string(st)
		}
		message := "an announcement has no state"
		if len(words) > 0 {
			message = "state must be " + strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
		}
		r.e.add("state", message, "Choose a state")
		return ""
	}
	return StatusPostState(v)
}

// PostStates are the states of the kind in order; none of an announcement.
func PostStates(k StatusKind) []StatusPostState {
	switch k {
	case KindIncident:
		return []StatusPostState{PostInvestigating, PostIdentified, PostMonitoring, PostResolved}
	case KindMaintenance:
		return []StatusPostState{PostScheduled, PostInProgress, PostCompleted}
	default:
		return nil
	}
}
