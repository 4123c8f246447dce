// Package switchboard owns every live leg of one node. It is the node's
// [channels.Intake]: a gateway hands it a contact with its leg, and from then on it
// walks the line's flow on the leg, tells the dispatcher over the bus what happens to
// it, and carries out the dispatcher's orders: ring this agent, connect the two,
// withdraw, release, call this user back, ask this colleague.
//
// Each contact has one goroutine of its own ([call]) that decides everything about
// its legs, so that a hang-up, an order and a broken leg never race. What the user hears
// while no agent is connected (a welcome, outage messages, a menu, music) is a [walk]
// beside it, which any of them stops at once. A user who writes is joined to an agent
// without a leg towards him.
//
// What an agent does with his call comes to the same goroutine: hold, resume, keys, hang-up
// act at once and are told to the dispatcher afterwards, in that order, so that no talk waits
// for an election or a full disk. An agent's [voice] is more than a leg: it belongs to one
// window, may be made anew in it or in another one while the talk goes on, and may be gone for
// [Config.VoiceGrace] before the user has to wait for somebody else. How both came in is told
// when their talk is over, over all legs together.
//
// Who hears whom is arranged in one place ([call.arrange]): two are relayed, more are mixed, and a supervisor has a
// seat that says who hears him. A place outside that has the user keeps him until one of the two hangs up, whatever
// becomes of the contact.
//
// A colleague who is asked about a call has a voice of his own in it, connected with the agent's while the
// user hears music; an order leaves the user to him. Who waits long may choose by a key to be called
// back, and who rings again then goes on in the same contact, on a new leg.
//
// The switchboard decides no routing and keeps no truth: what it holds is legs. After a
// crash those are gone, and their records tell the next process which of them to end; a
// chat outlives its process, and goes on in the next one where it was.
package switchboard
