package agentui

import (
	"context"
	"encoding/json"
	"errors"
	"sync"

	"svar/contact"
)

// errNoEcho: this server was made without echo calls.
var errNoEcho = errors.New("there are no echo calls here")

// echo is the voice of one window in which its agent hears himself, while there is one.
type echo struct {
	// send carries its set-up to the window and does not block.
	send func(json.RawMessage)

	mutex sync.Mutex
	call  EchoCall
	// turn counts the calls: an older one says nothing more.
	turn int
	// early are messages of a call that is not known yet: the window's answer would find nobody.
	early []json.RawMessage
	over  bool
}

// begin begins one, in place of the one before. ctx bounds the beginning.
func (e *echo) begin(ctx context.Context, calls EchoCalls, agent contact.AgentID) error {
	if calls == nil {
		return errNoEcho
	}
	e.hangUp()
	e.mutex.Lock()
	turn := e.turn
	e.mutex.Unlock()
	call, err := calls.Echo(ctx, agent, func(message json.RawMessage) { e.say(turn, message) })
	if err != nil {
		return err
	}
	e.mutex.Lock()
	defer e.mutex.Unlock()
	if e.over {
		call.HangUp()
		return nil
	}
	e.call = call
	for _, message := range e.early {
		e.send(message)
	}
	e.early = nil
	return nil
}

// say hands a message of the call to the window.
func (e *echo) say(turn int, message json.RawMessage) {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	switch {
	case e.over || e.turn != turn:
	case e.call == nil:
		e.early = append(e.early, message)
	default:
		e.send(message)
	}
}

// signal hands the window's message to the call.
func (e *echo) signal(message json.RawMessage) error {
	e.mutex.Lock()
	call := e.call
	e.mutex.Unlock()
	if call == nil {
		return errOfferGone
	}
	select {
	case <-call.Done():
		return errOfferGone
	default:
		return call.Signal(message)
	}
}

// hangUp ends the call, if there is one.
func (e *echo) hangUp() {
	e.mutex.Lock()
	call := e.call
	e.call, e.early = nil, nil
	e.turn++
	e.mutex.Unlock()
	if call != nil {
		call.HangUp()
	}
}

// end ends the call with its socket: none begins any more.
func (e *echo) end() {
	e.mutex.Lock()
	e.over = true
	e.mutex.Unlock()
	e.hangUp()
}
