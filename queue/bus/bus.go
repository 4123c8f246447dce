package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/nats-io/nats.go"

	"svar/contact"
)

// MaxMessage is the largest message in bytes, well under the server's limit.
const MaxMessage = 512 << 10

// Bus is one node's connection to the bus. Its methods may be called concurrently.
type Bus struct {
	conn *nats.Conn
}

// New returns a bus over a connection that the caller closes.
func New(conn *nats.Conn) *Bus { return &Bus{conn: conn} }

const prefix = "svar.v1."

// token makes an id fit for one part of a subject. Ids that come from people (agents'
// names) may hold characters that NATS gives a meaning to.
func token(id string) string {
	return strings.NewReplacer("%", "%25", ".", "%2E", "*", "%2A", ">", "%3E", " ", "%20").Replace(id)
}

// envelope is the outer form of commands, so that a list of a closed set can travel.
type envelope struct {
	Commands contact.Commands `json:"commands"`
}

type reply struct {
	Rejection *contact.Rejection `json:"rejection,omitempty"`
	// Fault is set when the dispatcher could not record the command; nothing happened.
	Fault string `json:"fault,omitempty"`
}

// Fault is the dispatcher's word that a command could not be recorded, so that
// nothing of it happened.
type Fault struct{ Text string }

func (f *Fault) Error() string { return "not recorded: " + f.Text }

// Send hands a command to the dispatcher and returns when its outcome is on record.
// A [*contact.Rejection] is the engine's no. While there is no dispatcher (a new
// leader is being found) or it cannot record, Send tries again until ctx ends:
// commands are idempotent.
func (b *Bus) Send(ctx context.Context, c contact.Command) error {
	data, err := json.Marshal(envelope{Commands: contact.Commands{c}})
	if err != nil {
		return fmt.Errorf("encode command %s: %w", contact.CommandName(c), err)
	}
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval, wait.MaxInterval = 20*time.Millisecond, time.Second
	_, err = backoff.Retry(ctx, func() (struct{}, error) {
		err := b.sendOnce(ctx, data)
		if rejection := (*contact.Rejection)(nil); errors.As(err, &rejection) {
			err = backoff.Permanent(err)
		}
		return struct{}{}, err
	}, backoff.WithBackOff(wait), backoff.WithMaxElapsedTime(0))
	if err != nil {
		return fmt.Errorf("command %s: %w", contact.CommandName(c), err)
	}
	return nil
}

func (b *Bus) sendOnce(ctx context.Context, data []byte) error {
	try, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	message, err := b.conn.RequestWithContext(try, prefix+"command", data)
	if err != nil {
		return err
	}
	var r reply
	if err := json.Unmarshal(message.Data, &r); err != nil {
		return backoff.Permanent(fmt.Errorf("read the dispatcher's reply: %w", err))
	}
	switch {
	case r.Rejection != nil:
		return r.Rejection
	case r.Fault != "":
		return &Fault{Text: r.Fault}
	}
	return nil
}

// Incoming is a command as the dispatcher receives it.
type Incoming struct {
	Command contact.Command
	message *nats.Msg
}

// Reply tells the sender the outcome, once: nil (it is on record), a
// [*contact.Rejection], or any other error (nothing happened).
func (in Incoming) Reply(outcome error) error {
	var r reply
	if rejection := (*contact.Rejection)(nil); errors.As(outcome, &rejection) {
		r.Rejection = rejection
	} else if outcome != nil {
		r.Fault = outcome.Error()
	}
	return respond(in.message, r)
}

func respond(message *nats.Msg, value any) error {
	if message == nil || message.Reply == "" {
		return nil
	}
	data, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("encode reply: %w", err)
	}
	return message.Respond(data)
}

// ServeCommands hands every command to handle until the returned function is called.
// handle must not block. Messages that cannot be read are answered with what is wrong.
func (b *Bus) ServeCommands(handle func(Incoming)) (stop func() error, err error) {
	return b.subscribe(prefix+"command", func(message *nats.Msg) {
		var e envelope
		err := json.Unmarshal(message.Data, &e)
		if err == nil && len(e.Commands) != 1 {
			err = fmt.Errorf("%d commands in one message; 1 is expected", len(e.Commands))
		}
		if err != nil {
			_ = respond(message, reply{Rejection: &contact.Rejection{Code: contact.Invalid}})
			return
		}
		handle(Incoming{Command: e.Commands[0], message: message})
	})
}

// PublishOrder sends an order to a node.
func (b *Bus) PublishOrder(node contact.NodeID, o Order) error {
	return b.publish(prefix+"order."+token(string(node)), o)
}

// FollowOrders hands every order to this node to handle, in order, until stopped.
func (b *Bus) FollowOrders(node contact.NodeID, handle func(Order)) (stop func() error, err error) {
	return follow(b, prefix+"order."+token(string(node)), handle)
}

// PublishChange tells all nodes what a record changed.
func (b *Bus) PublishChange(c Change) error { return b.publish(prefix+"change", c) }

// FollowChanges hands every change to handle, in order, until stopped.
func (b *Bus) FollowChanges(handle func(Change)) (stop func() error, err error) {
	return follow(b, prefix+"change", handle)
}

// AskView returns everything that is open. It fails while there is no dispatcher.
func (b *Bus) AskView(ctx context.Context) (View, error) {
	var v View
	return v, b.ask(ctx, prefix+"view", struct{}{}, &v)
}

// ServeView answers AskView. answer may block and may be called concurrently.
func (b *Bus) ServeView(answer func(context.Context) (View, error)) (stop func() error, err error) {
	return serve(b, prefix+"view", func(ctx context.Context, _ struct{}) (View, error) { return answer(ctx) })
}

type nodeRequest struct {
	Node contact.NodeID `json:"node"`
}

// AskNodeState returns what the dispatcher wants of a node.
func (b *Bus) AskNodeState(ctx context.Context, node contact.NodeID) (NodeState, error) {
	var s NodeState
	return s, b.ask(ctx, prefix+"node-state", nodeRequest{Node: node}, &s)
}

// ServeNodeState answers AskNodeState. answer may block and may be called concurrently.
func (b *Bus) ServeNodeState(answer func(context.Context, contact.NodeID) (NodeState, error)) (stop func() error, err error) {
	return serve(b, prefix+"node-state", func(ctx context.Context, r nodeRequest) (NodeState, error) { return answer(ctx, r.Node) })
}

// SignalNode sends a set-up message from an agent's console to the node with the caller.
func (b *Bus) SignalNode(node contact.NodeID, s Signal) error {
	return b.publish(prefix+"signal.node."+token(string(node)), s)
}

// FollowNodeSignals hands every set-up message to this node to handle, in order.
func (b *Bus) FollowNodeSignals(node contact.NodeID, handle func(Signal)) (stop func() error, err error) {
	return follow(b, prefix+"signal.node."+token(string(node)), handle)
}

// SignalAgent sends a set-up message to the agent's consoles, on whatever nodes they are.
func (b *Bus) SignalAgent(s Signal) error { return b.publish(prefix+"signal.agent", s) }

// FollowAgentSignals hands the set-up messages to all agents to handle, in order; a
// node passes on those of the agents whose consoles it has.
func (b *Bus) FollowAgentSignals(handle func(Signal)) (stop func() error, err error) {
	return follow(b, prefix+"signal.agent", handle)
}

// Flush returns when everything published so far has reached the server.
func (b *Bus) Flush(ctx context.Context) error { return b.conn.FlushWithContext(ctx) }

func (b *Bus) publish(subject string, value any) error {
	data, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("encode message to %s: %w", subject, err)
	}
	if len(data) > MaxMessage {
		return fmt.Errorf("message to %s is %d bytes, over the limit of %d", subject, len(data), MaxMessage)
	}
	return b.conn.Publish(subject, data)
}

func (b *Bus) subscribe(subject string, handle nats.MsgHandler) (func() error, error) {
	subscription, err := b.conn.Subscribe(subject, handle)
	if err != nil {
		return nil, fmt.Errorf("subscribe to %s: %w", subject, err)
	}
	if err := subscription.SetPendingLimits(-1, -1); err != nil {
		return nil, fmt.Errorf("lift the pending limits of %s: %w", subject, err)
	}
	return subscription.Unsubscribe, nil
}

func follow[T any](b *Bus, subject string, handle func(T)) (func() error, error) {
	return b.subscribe(subject, func(message *nats.Msg) {
		var value T
		if json.Unmarshal(message.Data, &value) == nil {
			handle(value)
		}
	})
}

func (b *Bus) ask(ctx context.Context, subject string, question, answer any) error {
	data, err := json.Marshal(question)
	if err != nil {
		return fmt.Errorf("encode question to %s: %w", subject, err)
	}
	message, err := b.conn.RequestWithContext(ctx, subject, data)
	if err != nil {
		return fmt.Errorf("ask %s: %w", subject, err)
	}
	var wrapped struct {
		Fault  string          `json:"fault"`
		Answer json.RawMessage `json:"answer"`
	}
	if err := json.Unmarshal(message.Data, &wrapped); err != nil {
		return fmt.Errorf("read the answer of %s: %w", subject, err)
	}
	if wrapped.Fault != "" {
		return fmt.Errorf("ask %s: %w", subject, &Fault{Text: wrapped.Fault})
	}
	return json.Unmarshal(wrapped.Answer, answer)
}

// answerTime bounds how long an answer may take before its asker has given up.
const answerTime = 5 * time.Second

func serve[Q, A any](b *Bus, subject string, answer func(context.Context, Q) (A, error)) (func() error, error) {
	return b.subscribe(subject, func(message *nats.Msg) {
		ctx, cancel := context.WithTimeout(context.Background(), answerTime)
		defer cancel()
		var question Q
		var value A
		err := json.Unmarshal(message.Data, &question)
		if err == nil {
			value, err = answer(ctx, question)
		}
		if err != nil {
			_ = respond(message, map[string]string{"fault": err.Error()})
			return
		}
		_ = respond(message, map[string]any{"answer": value})
	})
}
