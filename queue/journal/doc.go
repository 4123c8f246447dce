// Package journal keeps what happened: records on a NATS JetStream stream, from which the queue is restored after a restart
// and every report is made.
//
// It owns the way to NATS, whether that runs inside this process (StartEmbedded) or elsewhere (Connect). It decides
// nothing about contacts, and what is in a record is the queue's business.
package journal
