package models

import (
	"context"
	"sync/atomic"

	"github.com/uptrace/bun"
)

// queryCount counts statements; the recorder's own on SQLite, which go past bun, are not among them.
type queryCount struct{ n atomic.Int64 }

// BeforeQuery counts one.
func (q *queryCount) BeforeQuery(ctx context.Context, _ *bun.QueryEvent) context.Context {
	q.n.Add(1)
	return ctx
}

// AfterQuery does nothing: bun asks for it.
func (q *queryCount) AfterQuery(context.Context, *bun.QueryEvent) {}

// Queries is how many statements were sent to the database so far; the recorder's own on SQLite are not counted.
func (s *Store) Queries() int64 { return s.queries.n.Load() }
