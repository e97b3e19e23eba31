package models

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/uptrace/bun"
)

// mostTemplates bounds an organization's templates.
const mostTemplates = 200

// errNoTemplate is the one answer for a template that is not there, or another organization's.
func errNoTemplate() error { return &NotFound{What: "Template"} }

// StatusTemplates returns the organization's templates by name. Errors: ErrForbidden.
func (s *Store) StatusTemplates(ctx context.Context, by Actor) ([]StatusTemplate, error) {
	if err := by.check(MayHandleIncidents); err != nil {
		return nil, err
	}
	list := []StatusTemplate{}
	err := s.ro.NewSelect().Model(&list).Where("st.organization_id = ?", by.OrganizationID).OrderExpr("st.name, st.id").Limit(mostTemplates).Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("listing templates: %w", err)
	}
	return list, nil
}

// StatusTemplate returns one template. Errors: ErrForbidden, *NotFound.
func (s *Store) StatusTemplate(ctx context.Context, by Actor, id uuid.UUID) (StatusTemplate, error) {
	if err := by.check(MayHandleIncidents); err != nil {
		return StatusTemplate{}, err
	}
	return s.template(ctx, s.ro, by, id)
}

func (s *Store) template(ctx context.Context, db bun.IDB, by Actor, id uuid.UUID) (StatusTemplate, error) {
	var t StatusTemplate
	err := db.NewSelect().Model(&t).Where("st.organization_id = ? AND st.public_id = ?", by.OrganizationID, id).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return t, errNoTemplate()
	}
	if err != nil {
		return t, fmt.Errorf("reading a template: %w", err)
	}
	return t, nil
}

// apply changes t as the fields say and notes in e what is wrong.
func (t *StatusTemplate) apply(f Fields, create bool, e *Invalid) {
	in := reader{Fields: f, e: e}
	if v, ok := in.text("name", true); ok {
		name, wrong := cleanName(v, maxName)
		if wrong != "" {
			e.add("name", "name "+wrong, nameAdvice(wrong))
		}
		t.Name = name
	} else if create {
		e.add("name", "name is required", "Type a name")
	}
	if create || f.Has("kind") {
		t.Kind = in.kind()
	}
	in.title(&t.Title, false)
	if f.Has("state") {
		t.State = in.state(t.Kind)
	}
	if body, ok := in.markdown("body"); ok {
		t.Body = body
	}
}

// CreateStatusTemplate makes a template of name, kind, title, state and body. Errors: ErrForbidden, *Invalid, *Conflict where there are
// 200 already.
func (s *Store) CreateStatusTemplate(ctx context.Context, by Actor, f Fields) (StatusTemplate, error) {
	if err := by.check(MayChangeStatusTemplates); err != nil {
		return StatusTemplate{}, err
	}
	now := s.clock()
	t := StatusTemplate{PublicID: newID(), OrganizationID: by.OrganizationID, CreatedAt: now, UpdatedAt: now}
	e := new(Invalid)
	t.apply(f, true, e)
	if err := e.orNil(); err != nil {
		return StatusTemplate{}, err
	}
	err := s.inTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		n, err := tx.NewSelect().TableExpr("status_templates").Where("organization_id = ?", by.OrganizationID).Count(ctx)
		if err != nil {
			return fmt.Errorf("counting templates: %w", err)
		}
		if n >= mostTemplates {
			return &Conflict{Message: fmt.Sprintf("There are %d templates; delete one that nobody uses", mostTemplates)}
		}
		if _, err := tx.NewInsert().Model(&t).ExcludeColumn("id").Returning("id").Exec(ctx); err != nil {
			return fmt.Errorf("inserting a template: %w", err)
		}
		return s.audit(ctx, tx, by, "status_template.create", "status_template", t.ID, nil, t)
	})
	return t, err
}

// ChangeStatusTemplate changes what the fields say. Errors: ErrForbidden, *Invalid, *NotFound.
func (s *Store) ChangeStatusTemplate(ctx context.Context, by Actor, id uuid.UUID, f Fields) (StatusTemplate, error) {
	if err := by.check(MayChangeStatusTemplates); err != nil {
		return StatusTemplate{}, err
	}
	var t StatusTemplate
	err := s.inTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		before, err := s.template(ctx, tx, by, id)
		if err != nil {
			return err
		}
		t = before
		e := new(Invalid)
		t.apply(f, false, e)
		if err := e.orNil(); err != nil {
			return err
		}
		t.UpdatedAt = s.clock()
		if _, err := tx.NewUpdate().Model(&t).Column("name", "kind", "title", "state", "body", "updated_at").WherePK().Exec(ctx); err != nil {
			return fmt.Errorf("changing a template: %w", err)
		}
		return s.audit(ctx, tx, by, "status_template.change", "status_template", t.ID, before, t)
	})
	return t, err
}

// DeleteStatusTemplate deletes a template; what was told with it stays. Errors: ErrForbidden, *NotFound.
func (s *Store) DeleteStatusTemplate(ctx context.Context, by Actor, id uuid.UUID) error {
	if err := by.check(MayChangeStatusTemplates); err != nil {
		return err
	}
	return s.inTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		t, err := s.template(ctx, tx, by, id)
		if err != nil {
			return err
		}
		if _, err := tx.NewDelete().Model(&t).WherePK().Exec(ctx); err != nil {
			return fmt.Errorf("deleting a template: %w", err)
		}
		return s.audit(ctx, tx, by, "status_template.delete", "status_template", t.ID, t, nil)
	})
}
