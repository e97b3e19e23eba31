package models

import (
	"encoding/json"
	"errors"
	"strconv"

	"github.com/google/uuid"
	"github.com/uptrace/bun"
)

// Ref names a row by its internal number or its public id.
type Ref struct {
	ID       int64
	PublicID uuid.UUID
}

// nobody is an internal number that no row has. The nil UUID becomes it: as the zero Ref it would pass for "none named".
const nobody = -1

// errNoRef says that something is neither a number nor a UUID.
var errNoRef = errors.New("neither a number nor a UUID")

// ParseRef reads a number from 1 or a UUID in its usual form.
func ParseRef(s string) (Ref, error) {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil && n > 0 && s[0] != '+' {
		return Ref{ID: n}, nil
	}
	if id, err := ParsePublicID(s); err == nil {
		if id == uuid.Nil {
			return Ref{ID: nobody}, nil
		}
		return Ref{PublicID: id}, nil
	}
	return Ref{}, errNoRef
}

// ParsePublicID reads a UUID of 36 characters and no other form of one.
func ParsePublicID(s string) (uuid.UUID, error) {
	if len(s) != 36 {
		return uuid.Nil, errNoRef
	}
	return uuid.Parse(s)
}

// parseRef reads a JSON number or string.
func parseRef(raw json.RawMessage) (Ref, error) {
	var s string
	if json.Unmarshal(raw, &s) == nil && string(raw) != "null" {
		return ParseRef(s)
	}
	var n json.Number
	if json.Unmarshal(raw, &n) != nil || string(raw) == "null" {
		return Ref{}, errNoRef
	}
	// 5.0 and 5e0 are the number five too.
	f, err := n.Float64()
	if err != nil || f != float64(int64(f)) || f < 1 || f > 1<<53 {
		return Ref{}, errNoRef
	}
	if id, err := n.Int64(); err == nil {
		return Ref{ID: id}, nil
	}
	return Ref{ID: int64(f)}, nil
}

// where adds the condition to a query on a table with the alias.
func (r Ref) where(q *bun.SelectQuery, alias string) *bun.SelectQuery {
	if r.ID != 0 {
		return q.Where("?.id = ?", bun.Ident(alias), r.ID)
	}
	return q.Where("?.public_id = ?", bun.Ident(alias), r.PublicID)
}
