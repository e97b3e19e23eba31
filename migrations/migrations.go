// Package migrations carries the SQL files that make and change the schema, one directory for each database.
package migrations

import "embed"

// SQLite holds sqlite/NNNN_what.tx.{up,down}.sql.
//
//go:embed sqlite/*.sql
var SQLite embed.FS

// Postgres holds postgres/NNNN_what.tx.{up,down}.sql: the same names as SQLite's.
//
//go:embed postgres/*.sql
var Postgres embed.FS
