// Package dispatch is the one goroutine around the engine: it takes all commands that
// wait, lets [queue.Engine] decide each one, appends commands and events as one record
// to the journal, and only then publishes what follows: orders to nodes, changes to
// consoles, and replies to the senders. Persist, then act.
//
// It decides nothing itself and knows node, leg, contact and offer ids only; it imports
// no channel, media or HTTP. Beside the loop a follower ([Snapshotter]) folds the journal
// and writes snapshots, so that the loop never pauses for one.
package dispatch
