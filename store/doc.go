// Package store is PostgreSQL: the projection of the journal, the people and the accounts,
// a file per noun. All SQL of Svar is here, plain, and gets `now` as an argument.
//
// It owns the schema ([Migrate]) and the connections ([Store]). Of the projection the
// journal is the truth: [Store.Project] only writes down what happened and decides
// nothing, and what it wrote can be made anew. Of people and accounts the tables are.
//
// It does not own the cluster (package store/private runs one), it keeps no cache, and it
// tries nothing again: an error goes to the caller, who has the patience and the log.
// Nothing that is live waits for it: calls, look-ups and sessions work from memory, and the
// projector catches up when the database is back.
//
// No error of this package shows a connection string, a password or a value of a row.
package store
