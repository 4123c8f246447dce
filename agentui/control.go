package agentui

import (
	"context"
	"encoding/json"

	"svar/contact"
	"svar/queue/bus"
)

// Controls carries out what an agent does with a call, on the node that has the caller;
// *bus.Bus is one.
type Controls interface {
	// Control returns when it was done. A [*contact.Rejection] is the node's no; any other error
	// says that it did not answer in its time.
	Control(ctx context.Context, node contact.NodeID, c bus.Control) error
}

// EchoCalls makes voices in which an agent hears himself.
type EchoCalls interface {
	// Echo begins one for the agent; send carries its set-up to the window and does not block.
	// ctx bounds the beginning alone.
	Echo(ctx context.Context, agent contact.AgentID, send func(json.RawMessage)) (EchoCall, error)
}

// EchoCall is a voice that plays back what it hears.
type EchoCall interface {
	// Signal takes a message of the window, as of [VoiceSignal].
	Signal(message json.RawMessage) error
	// HangUp ends it, at any time, also twice; Done is closed when it is over.
	HangUp()
	Done() <-chan struct{}
}
