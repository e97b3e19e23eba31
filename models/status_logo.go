package models

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

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
