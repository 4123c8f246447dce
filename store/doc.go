// Package store is PostgreSQL: the projection of the journal, and tickets, mails, outage
// messages, people and accounts, a file per noun. All SQL of Svar is here, plain, and gets
// `now` as an argument.
//
// It owns the schema ([Migrate]) and the connections ([Store]). Of the projection the
// journal is the truth: [Store.Project] only writes down what happened and decides
// nothing, and what it wrote can be made anew. Of all else the tables are. What a ticket
// allows is package ticket's to say; its row is the fold of its log, which is only added to.
//
// What has to happen elsewhere because of a row (a contact comes to the queue, a mail is
// sent) is a job in the transaction of that row, worked by [Jobs] until it succeeds. So a mail
// or a form is taken whole or not at all, and taken twice it is still one.
//
// It does not own the cluster (package store/private runs one), it keeps no cache, and but
// for jobs it tries nothing again: an error goes to the caller, who has the patience and the
// log. Nothing that is live waits for it: calls, look-ups and sessions work from memory, and
// the projector catches up when the database is back.
//
// No error of this package shows a connection string, a password or a value of a row.
package store
