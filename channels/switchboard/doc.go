// Package switchboard owns every live leg of one node. It is the node's
// [channels.Intake]: a gateway hands it a contact with its leg, and from then on it
// runs the line's flow on the leg, tells the dispatcher over the bus what happens to
// it, and carries out the dispatcher's orders: ring this agent, connect the two,
// withdraw, release.
//
// Each contact has one goroutine of its own ([call]) that decides everything about
// its legs, so that a hang-up, an order and a broken leg never race. The switchboard
// decides no routing and keeps no truth: what it holds is legs, and after a crash they
// are gone; their records tell the next process which of them to end.
package switchboard
