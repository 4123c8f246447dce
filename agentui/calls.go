package agentui

import (
	"context"
	"errors"
	"slices"

	"svar/contact"
	"svar/queue/bus"
)

// aboutCalls are the requests that are carried out apart from the others: a talk waits for no
// dispatcher, so that what is done with it must not stand behind a command that does.
var aboutCalls = map[RequestDo]bool{
	DoHangUp: true, DoHold: true, DoResume: true, DoKey: true, DoVoice: true, DoRecording: true, DoEcho: true, DoEchoEnd: true,
}

// keypadKeys are the keys of a telephone (RFC 4733 §3.2, events 0 to 15).
var keypadKeys = []string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "#", "A", "B", "C", "D"}

// errBoardBehind: the board has not been told of a contact that there may well be.
var errBoardBehind = errors.New("the dispatcher is silent, and nothing is known of this contact")

// carryOutCall does what the console asks for of a call, or of the agent's own sound.
func (c *console) carryOutCall(ctx context.Context, r Request) error {
	switch r.Do {
	case DoHangUp:
		return c.hangUp(ctx, r)
	case DoHold:
		return c.control(ctx, bus.Control{Kind: bus.ControlHold, Contact: r.Contact})
	case DoResume:
		return c.control(ctx, bus.Control{Kind: bus.ControlResume, Contact: r.Contact})
	case DoKey:
		if !slices.Contains(keypadKeys, r.Key) {
			return errInvalid
		}
		return c.control(ctx, bus.Control{Kind: bus.ControlKey, Contact: r.Contact, Key: r.Key})
	case DoVoice:
		return c.control(ctx, bus.Control{Kind: bus.ControlVoice, Contact: r.Contact, Take: r.Take})
	case DoRecording:
		if r.On {
			return c.control(ctx, bus.Control{Kind: bus.ControlRecordingResume, Contact: r.Contact})
		}
		return c.control(ctx, bus.Control{Kind: bus.ControlRecordingPause, Contact: r.Contact})
	case DoEcho:
		return c.echo.begin(ctx, c.ui.config.Echo, c.agent)
	case DoEchoEnd:
		c.echo.hangUp()
		return nil
	default:
		return errInvalid
	}
}

// control asks the node that has the caller. Whether the agent has the call, and what may be
// done with it now, is that node's to say: it may know more than the board.
func (c *console) control(ctx context.Context, what bus.Control) error {
	node, err := c.ui.board.nodeOf(c.agent, what.Contact)
	if supervised, is := c.ui.board.supervised(c.agent, what.Contact); is && what.Kind == bus.ControlVoice {
		node, err = supervised, nil // of the call he has nothing but his own voice
	}
	if err != nil {
		return err
	}
	what.Agent, what.Console = c.agent, c.id
	return c.ui.config.Controls.Control(ctx, node, what)
}

// hangUp ends a call on its node. What is no call, and one that is still being dialled, is
// the engine's to end, and so is a call whose node does not answer.
func (c *console) hangUp(ctx context.Context, r Request) error {
	command := contact.HangUp{Contact: r.Contact, Agent: c.agent}
	view, has := c.ui.board.Has(c.agent, r.Contact)
	if has && view.Contact.Channel == contact.Voice && (view.State == contact.StateConnected || view.State == contact.StateHeld) {
		err := c.control(ctx, bus.Control{Kind: bus.ControlHangUp, Contact: r.Contact})
		if errorCode(err) != codeUnavailable {
			return err
		}
		c.log.Warn().Err(err).Str("contact", string(r.Contact)).Msg("the node of a call did not end it; the dispatcher is asked")
	}
	return c.ui.config.Commands.Send(ctx, command)
}

// nodeOf returns the node that has the caller of a call that the agent is asked for, dials or
// has. Its errors are rejections, but while the dispatcher is silent.
func (b *Board) nodeOf(agent contact.AgentID, id contact.ID) (contact.NodeID, error) {
	b.mutex.RLock()
	defer b.mutex.RUnlock()
	view, open := b.contacts[id]
	switch {
	case !open && !b.connected:
		return "", errBoardBehind
	case !open, !isOffered(view, agent) && !isWith(view, agent) && !isConsulted(view, agent):
		return "", errNotYours
	case view.Contact.Channel != contact.Voice:
		return "", errInvalid
	case view.Node == "":
		return "", errWrongState
	}
	return view.Node, nil
}
