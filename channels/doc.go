// Package channels is the contract between the world outside and Svar: what a
// gateway (phone, chat, mail, portal form) must offer, and what it can rely on.
//
// A [Gateway] accepts something from outside, makes a [contact.Contact] and hands
// it with its live [Leg] to this node's [Intake], the switchboard. From then on the
// switchboard owns the leg; the gateway only carries out what the leg's methods ask
// and says when the leg is over. An [Endpoint] makes legs the other way, towards an
// agent. What only some legs can do is a small interface beside [Leg]: [Prompter],
// [Keypad], [Signalled].
//
// Gateways never see the queue and never import each other. Package channeltest
// holds the suite that every gateway passes.
package channels
