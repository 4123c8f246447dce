// Package bus carries what passes between nodes and the dispatcher, over NATS:
// commands to the dispatcher (request and reply), orders to nodes (numbered per
// node), changes to consoles, and the set-up messages of agents' voice.
//
// It owns the subjects and the wire forms, each with a version ([Version]); golden
// files pin them. It knows no rule: what a command means is the engine's business,
// what an order asks for is the switchboard's.
//
// What is for somebody in the same process is handed over as it is, and must not be changed
// by anybody; where others may be connected it goes out over NATS too. Nobody who uses it
// can tell the difference.
package bus
