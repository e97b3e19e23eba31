package models

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"image"
	_ "image/jpeg" // a decoder that image.Decode finds
	_ "image/png"

	"github.com/google/uuid"
	"github.com/uptrace/bun"
	_ "golang.org/x/image/webp"
)

// The bounds of a logo: what is stored, and what it may unpack to.
const (
	MaxStatusLogo = 100_000 // bytes
	maxLogoSide   = 2000    // pixels; 16 MB at most when it is unpacked
)

// SetStatusLogo gives the page a picture: PNG, JPEG or WebP, unpacked here once to prove it. No bytes take it away.
// Errors: ErrForbidden, *Invalid for the field "logo", *NotFound.
func (s *Store) SetStatusLogo(ctx context.Context, by Actor, id uuid.UUID, picture []byte) (StatusPage, error) {
	if err := by.check(MayChangeMonitors); err != nil {
		return StatusPage{}, err
	}
	kind := ""
	if len(picture) > 0 {
		var wrong string
		if kind, wrong = logoType(picture); wrong != "" {
			return StatusPage{}, &Invalid{Fields: []FieldError{{Field: "logo", Message: "logo must be a PNG, JPEG or WebP picture of at most 100 kB", Advice: wrong}}}
		}
	}
	return s.updateStatusPage(ctx, by, id, "status_page.logo", func(ctx context.Context, tx bun.Tx, p *StatusPage) error {
		p.LogoType = kind
		q := tx.NewUpdate().TableExpr("status_pages").Where("id = ?", p.ID)
		if kind == "" {
			q = q.Set("logo = NULL")
		} else {
			q = q.Set("logo = ?", picture)
		}
		if _, err := q.Exec(ctx); err != nil {
			return fmt.Errorf("writing a status page's logo: %w", err)
		}
		return nil
	})
}

// logoType is the picture's media type, or what is wrong with it.
func logoType(picture []byte) (kind, wrong string) {
	if len(picture) > MaxStatusLogo {
		return "", "Larger than 100 kB: make it smaller"
	}
	head, format, err := image.DecodeConfig(bytes.NewReader(picture))
	if err != nil || format != "png" && format != "jpeg" && format != "webp" {
		return "", "Choose a PNG, JPEG or WebP picture"
	}
	if head.Width > maxLogoSide || head.Height > maxLogoSide {
		return "", fmt.Sprintf("Larger than %d × %d pixels: make it smaller", maxLogoSide, maxLogoSide)
	}
	if _, _, err := image.Decode(bytes.NewReader(picture)); err != nil {
		return "", "This picture is damaged: save it anew"
	}
	return "image/" + format, ""
}

// UnscopedStatusLogo returns the page's picture with its media type, whoever may see the page. Errors: *NotFound where it has none.
func (s *Store) UnscopedStatusLogo(ctx context.Context, p StatusPage) (picture []byte, kind string, err error) {
	var row struct {
		Logo     []byte
		LogoType string
	}
	err = s.ro.NewSelect().TableExpr("status_pages").Column("logo", "logo_type").Where("id = ? AND logo IS NOT NULL", p.ID).Scan(ctx, &row)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, "", &NotFound{What: "Logo"}
	}
	if err != nil {
		return nil, "", fmt.Errorf("reading a status page's logo: %w", err)
	}
	return row.Logo, row.LogoType, nil
}
