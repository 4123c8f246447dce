package webrtc

import (
	"context"
	"errors"
	"fmt"
	"time"

	"svar/channels"
	"svar/channels/media"
)

// echoDelay is how much later agents hear themselves: late enough to be told from the own voice.
const echoDelay = time.Second

var _ channels.EchoRoom = (*Gateway)(nil)

// Echo begins a leg as [Gateway.Ring] does, on which the agent hears a short tone and then
// himself, a second later. We end it a minute after it was connected. It counts as a leg; an
// agent has one at most, so that a second one ends the first. The errors are those of Ring, and
// that no agent is named.
func (g *Gateway) Echo(ctx context.Context, r channels.Ring) (channels.Leg, error) {
	if r.Agent == "" {
		return nil, errors.New("echo: no agent is named")
	}
	l, err := g.begin(ctx, r, true)
	if err != nil {
		return nil, fmt.Errorf("echo: %w", err)
	}
	return l, nil
}

// playEcho runs from the leg's connection to its end.
func (l *leg) playEcho() {
	defer l.readers.group.Done()
	limit := time.NewTimer(l.gateway.config.timing.echo)
	defer limit.Stop()
	// Errors mean that the leg is over.
	if l.stream.Play(context.Background(), media.SignalTone()) == nil {
		_ = l.stream.Echo(echoDelay)
	}
	select {
	case <-limit.C:
		l.HangUp()
	case <-l.over:
	}
}
