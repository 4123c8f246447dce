// Package migrations holds the database's schema as numbered steps, applied by tern in
// order and never changed after a release: a later step mends an earlier one. They go up
// only; the way back is a backup.
package migrations

import "embed"

// Files are the steps, named NNN_what.sql.
//
//go:embed *.sql
var Files embed.FS
