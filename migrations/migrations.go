// Package migrations carries the SQL files that make and change the schema: sqlite/NNNN_what.tx.{up,down}.sql and, with
// equal names, postgres/…
package migrations

import "embed"

// Files holds the directories sqlite and postgres.
//
//go:embed sqlite/*.sql postgres/*.sql
var Files embed.FS
