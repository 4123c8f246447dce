// Package ticket is the case (ärende) that lives until its user has had the answer: its
// life cycle, and the log that everything about it is written to.
//
// It is pure: it says which changes are right ([Ticket.Apply]) and nothing of where tickets
// are kept. Their truth is PostgreSQL, behind package store; the log is only added to.
package ticket
