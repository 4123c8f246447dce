// Package store is PostgreSQL: the projection of the journal, the people, the accounts.
// A file per noun; the SQL is plain and gets `now` as an argument.
//
// Nothing that is live waits for it: calls, look-ups and sessions work from memory, and
// the projector catches up when the database is back.
package store
