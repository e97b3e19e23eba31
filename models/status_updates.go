package models

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/uptrace/bun"
)

// clockSlack is how far a moment of a person's may be ahead of our clock.
const clockSlack = 2 * time.Minute

// lastRun is the update that brought the state which holds now: the first of the last unbroken run of one state. What is told later
// without another state, such as what was learned of it, moves nothing. nil = none has a state. Updates are newest first.
func lastRun(updates []StatusUpdate) (first *StatusUpdate) {
	for i := range updates {
		switch {
		case updates[i].State == "":
		case first == nil || updates[i].State == first.State:
			first = &updates[i]
		default:
			return first
		}
	}
	return first
}

// firstState is the state of a post before somebody tells of another; empty for an announcement.
func firstState(k StatusKind) StatusPostState {
	if states := PostStates(k); len(states) > 0 {
		return states[0]
	}
	return ""
}

// stateAt is the state that was told by the moment. Updates are newest first.
func (p StatusPost) stateAt(updates []StatusUpdate, at time.Time) StatusPostState {
	for _, u := range updates {
		if u.State != "" && !u.At.After(at) {
			return u.State
		}
	}
	return firstState(p.Kind)
}

// check notes in e what is wrong with when it was told. People type minutes: of that in which an incident began, it is told when it began.
func (u *StatusUpdate) check(p StatusPost, now time.Time, e *Invalid) {
	switch {
	case u.At.After(now.Add(clockSlack)):
		e.add("at", "at must not be in the future", "In the future: choose when it was told")
	case p.Kind != KindIncident:
	case u.At.Before(p.StartsAt.Truncate(time.Minute)):
		e.add("at", "at must not be before startsAt", "Before the incident began: choose a later time")
	default:
		u.At = later(u.At, p.StartsAt)
	}
}

// apply changes u as the fields say and notes in e what is wrong with them.
func (u *StatusUpdate) apply(f Fields, p StatusPost, create bool, now time.Time, e *Invalid) {
	in := reader{Fields: f, e: e}
	if st := in.state(p.Kind); st != "" {
		u.State = st
	}
	if body, ok := in.markdown("body"); ok {
		u.Body = body
	}
	if t, ok := in.moment("at", true); ok {
		u.At = t
	}
	if _, wrong := e.Field("state"); u.Body == "" && u.State == "" && !wrong {
		e.add("body", "body is required", "Type what to tell")
	}
	if create || f.Has("at") {
		u.check(p, now, e)
	}
}

// insertUpdate stores an update with its author's name.
func (s *Store) insertUpdate(ctx context.Context, tx bun.Tx, by Actor, p StatusPost, u *StatusUpdate) error {
	n, err := tx.NewSelect().TableExpr("status_updates").Where("post_id = ?", p.ID).Count(ctx)
	if err != nil {
		return fmt.Errorf("counting updates: %w", err)
	}
	if n >= mostTold {
		return &Conflict{Message: fmt.Sprintf("The post has %d updates, and takes no more", mostTold)}
	}
	if u.Author, err = s.actorName(ctx, tx, by); err != nil {
		return err
	}
	u.OrganizationID, u.PostID = p.OrganizationID, p.ID
	if _, err := tx.NewInsert().Model(u).ExcludeColumn("id").Returning("id").Exec(ctx); err != nil {
		return fmt.Errorf("inserting an update: %w", err)
	}
	return nil
}

// AddStatusUpdate tells more of a post: state, body and at, which may lie in the past. Without a state it has the one that held at that
// moment. Errors: ErrForbidden, *Invalid, *NotFound, *Conflict where there are 200 already.
func (s *Store) AddStatusUpdate(ctx context.Context, by Actor, page, post uuid.UUID, f Fields) (StatusPostDetail, error) {
	return s.tellMore(ctx, by, page, post, "status_update.create", func(ctx context.Context, tx bun.Tx, p StatusPost, e *Invalid) (before, after any, err error) {
		now := s.clock()
		u := StatusUpdate{PublicID: newID(), CreatedAt: now, At: now}
		if _, ok := (reader{Fields: f, e: new(Invalid)}).text("body", true); !ok && !f.Has("state") {
			e.add("body", "body is required", "Type what to tell")
		}
		if at, ok := (reader{Fields: f, e: new(Invalid)}).moment("at", true); ok {
			u.At = at
		}
		updates, err := s.postUpdates(ctx, tx, p.ID)
		if err != nil {
			return nil, nil, err
		}
		held := p.stateAt(updates, u.At)
		u.State = held
		u.apply(f, p, true, now, e)
		if _, wrong := e.Field("state"); u.Body == "" && u.State == held && !wrong {
			e.add("body", "body is required", "Type what to tell, or choose another state")
		}
		if len(e.Fields) > 0 {
			return nil, nil, nil
		}
		return nil, &u, s.insertUpdate(ctx, tx, by, p, &u)
	})
}

// ChangeStatusUpdate changes state, body and at of what was told; its author stays. Errors: ErrForbidden, *Invalid, *NotFound.
func (s *Store) ChangeStatusUpdate(ctx context.Context, by Actor, page, post, id uuid.UUID, f Fields) (StatusPostDetail, error) {
	return s.tellMore(ctx, by, page, post, "status_update.change", func(ctx context.Context, tx bun.Tx, p StatusPost, e *Invalid) (before, after any, err error) {
		old, err := s.update(ctx, tx, p, id)
		if err != nil {
			return nil, nil, err
		}
		u := old
		if u.apply(f, p, false, s.clock(), e); len(e.Fields) > 0 {
			return nil, nil, nil
		}
		if _, err := tx.NewUpdate().Model(&u).Column("state", "body", "at").WherePK().Exec(ctx); err != nil {
			return nil, nil, fmt.Errorf("changing an update: %w", err)
		}
		return old, u, nil
	})
}

// DeleteStatusUpdate takes back what was told. Errors: ErrForbidden, *NotFound, *Conflict for all that is told of a post.
func (s *Store) DeleteStatusUpdate(ctx context.Context, by Actor, page, post, id uuid.UUID) (StatusPostDetail, error) {
	return s.tellMore(ctx, by, page, post, "status_update.delete", func(ctx context.Context, tx bun.Tx, p StatusPost, _ *Invalid) (before, after any, err error) {
		u, err := s.update(ctx, tx, p, id)
		if err != nil {
			return nil, nil, err
		}
		n, err := tx.NewSelect().TableExpr("status_updates").Where("post_id = ?", p.ID).Count(ctx)
		if err != nil {
			return nil, nil, fmt.Errorf("counting updates: %w", err)
		}
		if n == 1 {
			return nil, nil, &Conflict{Message: "This is all that is told of it: change it, or delete the post instead"}
		}
		if _, err := tx.NewDelete().Model(&u).WherePK().Exec(ctx); err != nil {
			return nil, nil, fmt.Errorf("deleting an update: %w", err)
		}
		return u, nil, nil
	})
}

func (s *Store) update(ctx context.Context, db bun.IDB, p StatusPost, id uuid.UUID) (StatusUpdate, error) {
	var u StatusUpdate
	err := db.NewSelect().Model(&u).Where("u.organization_id = ? AND u.post_id = ? AND u.public_id = ?", p.OrganizationID, p.ID, id).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return u, &NotFound{What: "Update"}
	}
	if err != nil {
		return u, fmt.Errorf("reading an update: %w", err)
	}
	return u, nil
}

// tellMore has write change what was told of a post; its state and end follow. write returns what the audit trail says of it.
func (s *Store) tellMore(ctx context.Context, by Actor, page, id uuid.UUID, action string,
	write func(ctx context.Context, tx bun.Tx, p StatusPost, e *Invalid) (before, after any, err error)) (StatusPostDetail, error) {
	e := new(Invalid)
	var d StatusPostDetail
	err := s.tell(ctx, by, page, e, func(ctx context.Context, tx bun.Tx, page StatusPage) error {
		p, err := s.post(ctx, tx, page, id)
		if err != nil {
			return err
		}
		work, err := s.postWork(ctx, tx, p)
		if err != nil {
			return err
		}
		before, after, err := write(ctx, tx, p, e)
		if err != nil {
			return err
		}
		if err := e.orNil(); err != nil {
			return err
		}
		if err := s.savePost(ctx, tx, &p); err != nil {
			return err
		}
		if err := s.announceAnew(ctx, tx, p, work); err != nil {
			return err
		}
		if err := s.audit(ctx, tx, by, action, "status_post", p.ID, before, after); err != nil {
			return err
		}
		d, err = s.postDetail(ctx, tx, by, page, id)
		return err
	})
	return d, err
}
