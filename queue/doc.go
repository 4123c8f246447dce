// Package queue is the engine: the one queue that every contact stands in, and the
// state of every contact, offer and agent.
//
// [Engine.Step] decides one command at a time: what was due by then happens first
// (offers and wrap-ups run out, connections time out, texts leave an agent who stays away), then
// what the command asks for, then contacts are matched with agents until no pair that fits
// is left apart. It returns what happened as events, and it has applied them to itself by
// the same code as [Engine.Apply], so that a restart or a follower that only applies the
// events stands in the same state.
//
// Contacts of every channel stand in one order, each on its own clock. What they need of an agent gives way
// with the time that they wait, by events; that they rise into the next class is a matter of the time
// alone. One may be kept for one agent for a while: who handled its matter last, whom it was sent to, or
// who promised to call back.
//
// How many an agent may have beside each
// other, and of what channels, is ruled ([contact.ChannelRule]); an agent is asked for one
// at a time. What has no leg, a mail or a form, is connected by being accepted, and no
// fault of a node touches it. A call that broke, or whose user was promised a call, waits
// in its old place to be called back: it is offered in its turn when the rules say so, and any agent may take it
// before.
//
// The package owns the life of a contact, the order of the queue, the exclusiveness of
// offers, and agents' presence. Which agent is preferred is decided by package routing.
// It does not own the clock (now is an argument), the record of what happened (package
// journal), legs and sound, or the names of people: it knows ids only.
//
// An Engine is not safe for concurrent use: one goroutine owns it (package dispatch).
// The package is pure: no I/O, no goroutine, no clock.
//
// The scenarios in testdata tell each rule as a story.
package queue
