package main

import (
	"context"
	"encoding/json"
	"errors"

	"svar/agentui"
	"svar/channels"
	"svar/contact"
)

// echoRoom lets agents hear themselves by a leg of their browsers' gateway.
type echoRoom struct{ gateway channels.EchoRoom }

// Echo implements [agentui.EchoCalls].
func (r echoRoom) Echo(ctx context.Context, agent contact.AgentID, send func(json.RawMessage)) (agentui.EchoCall, error) {
	leg, err := r.gateway.Echo(ctx, channels.Ring{Leg: newLegID(), Agent: agent, Send: send})
	if err != nil {
		return nil, err
	}
	signalled, able := leg.(channels.Signalled)
	if !able {
		leg.HangUp()
		return nil, errors.New("the echo's leg cannot be set up by a console")
	}
	return echoCall{leg, signalled}, nil
}

type echoCall struct {
	channels.Leg
	channels.Signalled
}
