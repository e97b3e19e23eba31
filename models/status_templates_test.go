package models_test

import (
	"errors"
	"testing"

	"echolot/models"
)

// Templates are the organization's: who sees only some of it uses them, and does not change them.
func TestStatusTemplates(t *testing.T) {
	withPage(t, func(h *tellingHouse) {
		ctx := h.Context()
		made, err := h.s.CreateStatusTemplate(ctx, h.by, fields(h.T, `{"name":"Loss","kind":"incident","title":"Packets are lost","state":"investigating","body":"We *look*."}`))
		if err != nil {
			h.Fatal(err)
		}
		if _, err := h.s.ChangeStatusTemplate(ctx, h.by, made.PublicID, fields(h.T, `{"name":"Packet loss","kind":"maintenance","state":"scheduled"}`)); err != nil {
			h.Error(err)
		}
		list, err := h.s.StatusTemplates(ctx, h.limited)
		if err != nil || len(list) != 1 || list[0].Name != "Packet loss" || list[0].Kind != models.KindMaintenance || list[0].Body != "We *look*." {
			h.Errorf("got %+v, %v; want the one as it was changed", list, err)
		}
		if _, err := h.s.CreateStatusTemplate(ctx, h.limited, fields(h.T, `{}`)); !errors.Is(err, models.ErrForbidden) {
			h.Errorf("limited: got %v, want forbidden", err)
		}
		var gone *models.NotFound
		if err := h.s.DeleteStatusTemplate(ctx, h.foreign, made.PublicID); !errors.As(err, &gone) {
			h.Errorf("foreign: got %v, want not found", err)
		}
		var invalid *models.Invalid
		if _, err := h.s.CreateStatusTemplate(ctx, h.by, fields(h.T, `{"kind":"announcement","state":"resolved"}`)); !errors.As(err, &invalid) || len(invalid.Fields) != 3 {
			h.Errorf("got %v, want name, title and state refused", err)
		}
		if err := h.s.DeleteStatusTemplate(ctx, h.by, made.PublicID); err != nil {
			h.Error(err)
		}
	})
}
