// Package ivr says what happens to a contact on a line before the queue and while it
// waits there: a flow, written as data and interpreted purely.
//
// A [Flow] is a list of steps that ends in the queue; [Flow.Check] proves it, since a
// user who chose a contact path may not be refused (requirement 3.1f). A [Run] walks
// one flow for one contact: the switchboard carries out the action that [Run.Next]
// names and asks for the next one. Package ivr holds no leg, plays no sound and asks
// no clock.
package ivr
