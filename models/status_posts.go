package models

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/uptrace/bun"
)

// StatusPostDetail is a post with what was told of it.
type StatusPostDetail struct {
	StatusPost
	// Monitors are what it affects, as far as the actor sees them; Updates are newest first.
	Monitors []StatusTarget
	Updates  []StatusUpdate
	// Incident is the measured one that it tells of; its PublicID is nil where there is none.
	Incident IncidentTold
}

// IncidentTold is what a post has to know of the measured incident that it tells of.
type IncidentTold struct {
	PublicID           uuid.UUID
	Type               IncidentType
	StartedAt, EndedAt time.Time `bun:",nullzero"`
}

// errNoPost is the one answer for a post that is not there, or not the page's.
func errNoPost() error { return &NotFound{What: "Post"} }

// StatusPosts returns the page's posts, newest first, and how many there are. Errors: ErrForbidden, *NotFound.
func (s *Store) StatusPosts(ctx context.Context, by Actor, page uuid.UUID, limit, offset int) ([]StatusPost, int, error) {
	if err := by.check(MayRead); err != nil {
		return nil, 0, err
	}
	p, err := s.statusPage(ctx, s.ro, by, page, false)
	if err != nil {
		return nil, 0, err
	}
	list := []StatusPost{}
	total, err := s.ro.NewSelect().Model(&list).Where("p.organization_id = ? AND p.page_id = ?", p.OrganizationID, p.ID).OrderExpr("p.starts_at DESC, p.id DESC").
		Limit(int64(limit)).Offset(int64(offset)).ScanAndCount(ctx)
	if err != nil {
		return nil, 0, fmt.Errorf("listing posts: %w", err)
	}
	return list, int(total), nil
}

// StatusPost returns one post of the page. Errors: ErrForbidden, *NotFound.
func (s *Store) StatusPost(ctx context.Context, by Actor, page, id uuid.UUID) (StatusPostDetail, error) {
	if err := by.check(MayRead); err != nil {
		return StatusPostDetail{}, err
	}
	p, err := s.statusPage(ctx, s.ro, by, page, false)
	if err != nil {
		return StatusPostDetail{}, err
	}
	return s.postDetail(ctx, s.ro, by, p, id)
}

func (s *Store) post(ctx context.Context, db bun.IDB, p StatusPage, id uuid.UUID) (StatusPost, error) {
	var post StatusPost
	err := db.NewSelect().Model(&post).Where("p.organization_id = ? AND p.page_id = ? AND p.public_id = ?", p.OrganizationID, p.ID, id).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return post, errNoPost()
	}
	if err != nil {
		return post, fmt.Errorf("reading a post: %w", err)
	}
	return post, nil
}

func (s *Store) postDetail(ctx context.Context, db bun.IDB, by Actor, p StatusPage, id uuid.UUID) (d StatusPostDetail, err error) {
	if d.StatusPost, err = s.post(ctx, db, p, id); err != nil {
		return d, err
	}
	if d.Updates, err = s.postUpdates(ctx, db, d.ID); err != nil {
		return d, err
	}
	targets, err := s.statusTargets(ctx, db, by, p)
	if err != nil {
		return d, err
	}
	ids, err := s.postMonitors(ctx, db, d.ID)
	if err != nil {
		return d, err
	}
	for _, t := range targets {
		if slices.Contains(ids, t.ID) {
			d.Monitors = append(d.Monitors, t)
		}
	}
	if d.IncidentID != 0 {
		parts := visible(db.NewSelect().TableExpr("incident_monitors AS im").ColumnExpr("1").Join("JOIN monitors AS m ON m.id = im.monitor_id").
			Join("JOIN customers AS c ON c.id = m.customer_id").Where("im.incident_id = i.id"), by)
		err = db.NewSelect().TableExpr("incidents AS i").ColumnExpr("i.public_id, i.type, i.started_at, i.ended_at").
			Where("i.organization_id = ? AND i.id = ? AND EXISTS (?)", d.OrganizationID, d.IncidentID, parts).Scan(ctx, &d.Incident)
		if err != nil && !errors.Is(err, sql.ErrNoRows) { // it went with its monitor, or is of one that the actor does not see
			return d, fmt.Errorf("reading a post's incident: %w", err)
		}
	}
	return d, nil
}

func (s *Store) postUpdates(ctx context.Context, db bun.IDB, post int64) ([]StatusUpdate, error) {
	list := []StatusUpdate{}
	if err := db.NewSelect().Model(&list).Where("u.post_id = ?", post).OrderExpr("u.at DESC, u.id DESC").Limit(mostTold).Scan(ctx); err != nil {
		return nil, fmt.Errorf("reading what was told: %w", err)
	}
	return list, nil
}

// CreateStatusPost tells something new on the page: kind, title, startsAt, endsAt, hidden, remindMinutes, monitorIds, incidentId, and its
// first update's state, body and at. What only hides a measured incident needs no title. Errors: ErrForbidden, *Invalid, *NotFound, also for the incident; *Conflict for one that has a post.
func (s *Store) CreateStatusPost(ctx context.Context, by Actor, page uuid.UUID, f Fields) (StatusPostDetail, error) {
	now, e := s.clock(), new(Invalid)
	in := reader{Fields: f, e: e}
	p := StatusPost{PublicID: newID(), Kind: in.kind(), CreatedAt: now, UpdatedAt: now}
	first := StatusUpdate{PublicID: newID(), State: in.state(p.Kind), CreatedAt: now, At: now}
	first.Body, _ = in.markdown("body")
	at, dated := in.moment("at", true)
	if dated {
		first.At = at
	}
	if p.Kind != KindMaintenance {
		p.StartsAt = first.At
	}
	p.apply(f, true, e)
	var d StatusPostDetail
	err := s.tell(ctx, by, page, e, func(ctx context.Context, tx bun.Tx, page StatusPage) error {
		p.OrganizationID, p.PageID = page.OrganizationID, page.ID
		targets, err := s.statusTargets(ctx, tx, by, page)
		if err != nil {
			return err
		}
		monitors, err := s.tellOf(ctx, tx, by, page, f, &p, e)
		if err != nil {
			return err
		}
		if ids, ok := affects(f, targets, e); ok {
			monitors = ids
		}
		told := first.Body != "" || first.State != "" || p.Kind == KindIncident && p.Title != ""
		if told && first.State == "" {
			first.State = firstState(p.Kind)
		}
		if f.Has("startsAt") {
			p.checkBegin(nil, now, e)
		}
		first.check(p, now, e)
		if err := e.orNil(); err != nil {
			return err
		}
		if told {
			p.settle(&first)
		} else {
			p.settle(nil)
		}
		if err := s.countPosts(ctx, tx, page.ID); err != nil {
			return err
		}
		if _, err := tx.NewInsert().Model(&p).ExcludeColumn("id").Returning("id").Exec(ctx); isDuplicate(err) {
			return &Conflict{Message: "This page has a post of the incident already"}
		} else if err != nil {
			return fmt.Errorf("inserting a post: %w", err)
		}
		if err := s.setPostMonitors(ctx, tx, p, targets, monitors); err != nil {
			return err
		}
		if told {
			if err := s.insertUpdate(ctx, tx, by, p, &first); err != nil {
				return err
			}
		}
		if err := s.audit(ctx, tx, by, "status_post.create", "status_post", p.ID, nil, p); err != nil {
			return err
		}
		d, err = s.postDetail(ctx, tx, by, page, p.PublicID)
		return err
	})
	return d, err
}

func (s *Store) countPosts(ctx context.Context, tx bun.Tx, page int64) error {
	n, err := tx.NewSelect().TableExpr("status_posts").Where("page_id = ?", page).Count(ctx)
	if err != nil {
		return fmt.Errorf("counting posts: %w", err)
	}
	if n >= mostPosts {
		return &Conflict{Message: fmt.Sprintf("The page has %d posts, and takes no more: delete old ones", mostPosts)}
	}
	return nil
}

// ChangeStatusPost changes title, startsAt, endsAt, hidden, remindMinutes and monitorIds. Errors: ErrForbidden, *Invalid, *NotFound.
func (s *Store) ChangeStatusPost(ctx context.Context, by Actor, page, id uuid.UUID, f Fields) (StatusPostDetail, error) {
	e := new(Invalid)
	var d StatusPostDetail
	err := s.tell(ctx, by, page, e, func(ctx context.Context, tx bun.Tx, page StatusPage) error {
		before, err := s.post(ctx, tx, page, id)
		if err != nil {
			return err
		}
		work, err := s.postWork(ctx, tx, before)
		if err != nil {
			return err
		}
		p := before
		p.apply(f, false, e)
		targets, err := s.statusTargets(ctx, tx, by, page)
		if err != nil {
			return err
		}
		ids, affected := affects(f, targets, e)
		if p.IncidentID != 0 && !p.StartsAt.Equal(before.StartsAt) {
			e.add("startsAt", "the measured incident says when it began", "Leave it as it was measured")
		}
		if !p.StartsAt.Equal(before.StartsAt) {
			updates, err := s.postUpdates(ctx, tx, p.ID)
			if err != nil {
				return err
			}
			p.checkBegin(updates, s.clock(), e)
		}
		if now := s.clock(); work.to.Before(now) && p.EndsAt.After(work.to) && work != (postWork{}) {
			e.add("endsAt", "maintenance that is over can not be made longer", "It is over: leave its end, and tell of new maintenance")
		}
		if err := e.orNil(); err != nil {
			return err
		}
		if affected {
			if err := s.setPostMonitors(ctx, tx, p, targets, ids); err != nil {
				return err
			}
		}
		if err := s.savePost(ctx, tx, &p); err != nil {
			return err
		}
		if err := s.announceAnew(ctx, tx, p, work); err != nil {
			return err
		}
		if err := s.audit(ctx, tx, by, "status_post.change", "status_post", p.ID, before, p); err != nil {
			return err
		}
		d, err = s.postDetail(ctx, tx, by, page, id)
		return err
	})
	return d, err
}

// savePost stores the post with the state and the end that follow from what was told.
func (s *Store) savePost(ctx context.Context, tx bun.Tx, p *StatusPost) error {
	updates, err := s.postUpdates(ctx, tx, p.ID)
	if err != nil {
		return err
	}
	p.settle(lastRun(updates))
	p.UpdatedAt = s.clock()
	if _, err := tx.NewUpdate().Model(p).Column("title", "state", "starts_at", "ends_at", "hidden", "remind_minutes", "updated_at").WherePK().Exec(ctx); err != nil {
		return fmt.Errorf("changing a post: %w", err)
	}
	return nil
}

// DeleteStatusPost takes the post off the page with all that was told of it; a measured incident is then shown as the page's rule says.
// Errors: ErrForbidden, *NotFound.
func (s *Store) DeleteStatusPost(ctx context.Context, by Actor, page, id uuid.UUID) error {
	return s.tell(ctx, by, page, new(Invalid), func(ctx context.Context, tx bun.Tx, page StatusPage) error {
		p, err := s.post(ctx, tx, page, id)
		if err != nil {
			return err
		}
		if _, err := tx.NewDelete().Model(&p).WherePK().Exec(ctx); err != nil {
			return fmt.Errorf("deleting a post: %w", err)
		}
		return s.audit(ctx, tx, by, "status_post.delete", "status_post", p.ID, p, nil)
	})
}
