package bus

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/google/uuid"
	"github.com/nats-io/nats.go"

	"svar/contact"
)

// Bus is one node's connection to the bus. Its methods may be called concurrently.
type Bus struct {
	conn  *nats.Conn
	id    string
	alone bool
	local local
}

// New returns a bus over a connection that the caller closes.
func New(conn *nats.Conn) *Bus { return &Bus{conn: conn, id: uuid.NewString()} }

// NewAlone is New where nobody else can be connected to the server: what is published stays on this bus.
func NewAlone(conn *nats.Conn) *Bus { return &Bus{conn: conn, id: uuid.NewString(), alone: true} }

// prefix begins every subject.
var prefix = "svar.v" + strconv.Itoa(Version) + "."

var escape = strings.NewReplacer("%", "%25", ".", "%2E", "*", "%2A", ">", "%3E", " ", "%20", "\t", "%09", "\r", "%0D", "\n", "%0A")

// token makes an id fit for one part of a subject. Ids that come from people
// may hold characters that NATS gives a meaning to.
func token(id string) string {
	return escape.Replace(id)
}

// envelope is the outer form of commands, so that a list of a closed set can travel.
type envelope struct {
	Commands contact.Commands `json:"commands"`
}

type reply struct {
	Rejection *contact.Rejection `json:"rejection,omitempty"`
	// Fault is set when it could not be done, or not be recorded.
	Fault string `json:"fault,omitempty"`
}

// Fault is the dispatcher's word that it cannot say that a command is on record, or
// that it cannot answer. Nothing of the command happened that anybody was told of; sent
// again, it is decided anew.
type Fault struct{ Text string }

func (f *Fault) Error() string { return "the dispatcher has a fault: " + f.Text }

// sendTime bounds one try to hand over a command: so long after the death of a leader its
// successor is asked. A slow one sees the command again, which is harmless.
const sendTime = 2 * time.Second

// localSendTime is sendTime for a leader in this process: what it took it answers, also when it leads no more. One that has more to
// do than it can must not be given everything twice.
const localSendTime = 5 * sendTime

// Send hands a command to the dispatcher and returns when its outcome is on record.
// A [*contact.Rejection] is the engine's no. While there is no dispatcher (a new
// leader is being found) or it cannot record, Send tries again until ctx ends:
// commands are idempotent. The error then holds the last failure too.
func (b *Bus) Send(ctx context.Context, c contact.Command) error {
	message, size, err := encodeSized(prefix+"command", envelope{Commands: contact.Commands{c}})
	if err != nil {
		return fmt.Errorf("command %s: %w", contact.CommandName(c), err)
	}
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval, wait.MaxInterval = 20*time.Millisecond, time.Second
	var last error
	_, err = backoff.Retry(ctx, func() (struct{}, error) {
		last = b.sendOnce(ctx, c, size, message)
		if rejection := (*contact.Rejection)(nil); errors.As(last, &rejection) || errors.Is(last, nats.ErrConnectionClosed) {
			return struct{}{}, backoff.Permanent(last)
		}
		return struct{}{}, last
	}, backoff.WithBackOff(wait), backoff.WithMaxElapsedTime(0))
	switch {
	case err == nil:
		return nil
	case last != nil && !errors.Is(err, last):
		return fmt.Errorf("command %s: %w; the last try: %w", contact.CommandName(c), err, last)
	default:
		return fmt.Errorf("command %s: %w", contact.CommandName(c), err)
	}
}

func (b *Bus) sendOnce(ctx context.Context, c contact.Command, size int, encoded *nats.Msg) error {
	outcome := make(chan error, 1)
	if leader := b.local.leader(); leader != nil && readsAlike(encoded) && leader.take(Incoming{Command: c, size: size, outcome: outcome}) {
		try, cancel := context.WithTimeout(ctx, localSendTime)
		defer cancel()
		select {
		case err := <-outcome:
			return err
		case <-try.Done():
			return try.Err()
		}
	}
	try, cancel := context.WithTimeout(ctx, sendTime)
	defer cancel()
	message, err := b.conn.RequestMsgWithContext(try, encoded)
	if err != nil {
		return err
	}
	return readReply(message)
}

// readReply returns the outcome that a reply tells.
func readReply(message *nats.Msg) error {
	var r reply
	if err := decode(message, &r); err != nil {
		return fmt.Errorf("read the reply: %w", err)
	}
	switch {
	case r.Rejection != nil:
		return r.Rejection
	case r.Fault != "":
		return &Fault{Text: r.Fault}
	}
	return nil
}

// replyOf returns the reply that tells the outcome.
func replyOf(outcome error) reply {
	var r reply
	if rejection := (*contact.Rejection)(nil); errors.As(outcome, &rejection) {
		r.Rejection = rejection
	} else if outcome != nil {
		r.Fault = outcome.Error()
	}
	return r
}

// Incoming is a command as the dispatcher receives it.
type Incoming struct {
	Command contact.Command
	size    int
	message *nats.Msg
	// outcome goes to a sender on the same bus; else message is answered.
	outcome chan<- error
}

// Size is that of the command's message in bytes, before it was compressed.
func (in Incoming) Size() int { return in.size }

// Reply tells the sender the outcome, once: nil (it is on record), a
// [*contact.Rejection], or any other error (a [Fault], after which it tries again).
func (in Incoming) Reply(outcome error) error {
	if in.outcome != nil {
		if rejection := (*contact.Rejection)(nil); outcome != nil && !errors.As(outcome, &rejection) {
			outcome = &Fault{Text: outcome.Error()}
		} else if outcome != nil {
			outcome = rejection
		}
		in.outcome <- outcome
		return nil
	}
	return respond(in.message, replyOf(outcome))
}

func respond(question *nats.Msg, value any) error {
	if question == nil || question.Reply == "" {
		return nil
	}
	message, err := encode(question.Reply, value)
	if err != nil {
		return err
	}
	return question.RespondMsg(message)
}

// ServeCommands hands every command to handle until the returned function is called.
// handle must not block. Messages that cannot be read are rejected as invalid.
func (b *Bus) ServeCommands(handle func(Incoming)) (stop func() error, err error) {
	unsubscribe, err := b.subscribe(prefix+"command", func(message *nats.Msg) {
		var e envelope
		size, err := decodeSized(message, &e)
		if err != nil || len(e.Commands) != 1 {
			_ = respond(message, reply{Rejection: &contact.Rejection{Code: contact.Invalid}})
			return
		}
		handle(Incoming{Command: e.Commands[0], size: size, message: message})
	})
	if err != nil {
		return nil, err
	}
	end := b.local.serveCommands(handle)
	return func() error {
		end()
		return unsubscribe()
	}, nil
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

// AskView returns everything that is open. It fails while there is no dispatcher, and
// after 5 s at the latest.
func (b *Bus) AskView(ctx context.Context) (View, error) {
	return ask[View](ctx, b, prefix+"view", struct{}{})
}

// ServeView answers AskView. find may block until its context ends.
func (b *Bus) ServeView(find func(context.Context) (View, error)) (stop func() error, err error) {
	return serve(b, prefix+"view", func(ctx context.Context, _ struct{}) (View, error) { return find(ctx) })
}

type nodeRequest struct {
	Node contact.NodeID `json:"node"`
}

// AskWait returns how long a contact is expected to wait. It fails as AskView does.
func (b *Bus) AskWait(ctx context.Context, q WaitQuestion) (Wait, error) {
	return ask[Wait](ctx, b, prefix+"wait", q)
}

// ServeWait answers AskWait. find may block until its context ends.
func (b *Bus) ServeWait(find func(context.Context, WaitQuestion) (Wait, error)) (stop func() error, err error) {
	return serve(b, prefix+"wait", find)
}

// AskNodeState returns what the dispatcher wants of a node. It fails as AskView does.
func (b *Bus) AskNodeState(ctx context.Context, node contact.NodeID) (NodeState, error) {
	return ask[NodeState](ctx, b, prefix+"node-state", nodeRequest{Node: node})
}

// ServeNodeState answers AskNodeState. find may block until its context ends.
func (b *Bus) ServeNodeState(find func(context.Context, contact.NodeID) (NodeState, error)) (stop func() error, err error) {
	return serve(b, prefix+"node-state", func(ctx context.Context, r nodeRequest) (NodeState, error) { return find(ctx, r.Node) })
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

// controlTime bounds how long a node may take for what an agent does with his call.
const controlTime = 3 * time.Second

// Control asks the node for it, and returns when it was done. A [*contact.Rejection] is the
// node's no: it has no such call of that agent ([contact.NotYours]), or the call is not in a
// state for it.
func (b *Bus) Control(ctx context.Context, node contact.NodeID, c Control) error {
	ctx, cancel := context.WithTimeout(ctx, controlTime)
	defer cancel()
	message, err := encode(controlSubject(node), c)
	if err != nil {
		return fmt.Errorf("control %s: %w", c.Kind, err)
	}
	answered, err := b.conn.RequestMsgWithContext(ctx, message)
	if err != nil {
		return fmt.Errorf("control %s: %w", c.Kind, err)
	}
	if err := readReply(answered); err != nil {
		return fmt.Errorf("control %s: %w", c.Kind, err)
	}
	return nil
}

// ServeControls hands what agents do with their calls on this node to handle, one after the
// other, until stopped. done answers the asker, once, at any later time.
func (b *Bus) ServeControls(node contact.NodeID, handle func(c Control, done func(error))) (stop func() error, err error) {
	return b.subscribe(controlSubject(node), func(message *nats.Msg) {
		var c Control
		if decode(message, &c) != nil {
			_ = respond(message, reply{Rejection: &contact.Rejection{Code: contact.Invalid}})
			return
		}
		handle(c, func(outcome error) { _ = respond(message, replyOf(outcome)) })
	})
}

func controlSubject(node contact.NodeID) string { return prefix + "control." + token(string(node)) }

// Flush returns when everything published so far has reached the server.
func (b *Bus) Flush(ctx context.Context) error { return b.conn.FlushWithContext(ctx) }

func (b *Bus) publish(subject string, value any) error {
	b.local.publish(subject, value)
	if b.alone {
		return nil
	}
	message, err := encode(subject, value)
	if err != nil {
		return err
	}
	message.Header.Set(senderHeader, b.id)
	return b.conn.PublishMsg(message)
}

// subscribe returns when the server knows of the subscription, so that nothing that is
// published afterwards, by whomever, is missed.
func (b *Bus) subscribe(subject string, handle nats.MsgHandler) (func() error, error) {
	subscription, err := b.conn.Subscribe(subject, handle)
	if err != nil {
		return nil, fmt.Errorf("subscribe to %s: %w", subject, err)
	}
	// A slow receiver keeps its messages: dropping one here would cost a whole state.
	if err := errors.Join(subscription.SetPendingLimits(-1, -1), b.conn.FlushTimeout(answerTime)); err != nil {
		return nil, errors.Join(fmt.Errorf("subscribe to %s: %w", subject, err), subscription.Unsubscribe())
	}
	return func() error {
		err := subscription.Unsubscribe()
		_ = b.conn.FlushTimeout(flushTime) // so that askers learn at once that nobody answers
		return err
	}, nil
}

// follow drops what cannot be read: orders and changes are numbered, so that a gap shows.
func follow[T any](b *Bus, subject string, handle func(T)) (func() error, error) {
	stop, err := b.subscribe(subject, func(message *nats.Msg) {
		var value T
		if !b.isOwn(message) && decode(message, &value) == nil {
			handle(value)
		}
	})
	if err != nil {
		return nil, err
	}
	end := b.local.receive(subject, func(value any) { handle(value.(T)) })
	return func() error {
		end()
		return stop()
	}, nil
}

// answer is the outer form of what is asked for.
type answer[A any] struct {
	// Fault is set when there is no answer.
	Fault  string `json:"fault,omitempty"`
	Answer *A     `json:"answer,omitempty"`
}

// answerTime bounds how long an answer may take.
const answerTime = 5 * time.Second

// flushTime bounds how long an end waits for a server that may be gone.
const flushTime = time.Second

func ask[A any](ctx context.Context, b *Bus, subject string, question any) (A, error) {
	var none A
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	message, err := encode(subject, question)
	if err != nil {
		return none, err
	}
	reply, err := b.conn.RequestMsgWithContext(ctx, message)
	if err != nil {
		return none, fmt.Errorf("ask %s: %w", subject, err)
	}
	var got answer[A]
	switch err := decode(reply, &got); {
	case err != nil:
		return none, fmt.Errorf("read the answer of %s: %w", subject, err)
	case got.Answer == nil:
		return none, fmt.Errorf("ask %s: %w", subject, &Fault{Text: got.Fault})
	}
	return *got.Answer, nil
}

func serve[Q, A any](b *Bus, subject string, find func(context.Context, Q) (A, error)) (func() error, error) {
	return b.subscribe(subject, func(message *nats.Msg) {
		ctx, cancel := context.WithTimeout(context.Background(), answerTime)
		defer cancel()
		var question Q
		var found A
		err := decode(message, &question)
		if err == nil {
			found, err = find(ctx, question)
		}
		if err == nil {
			err = respond(message, answer[A]{Answer: &found})
		}
		if err != nil {
			_ = respond(message, answer[A]{Fault: err.Error()}) // else the asker's time runs out
		}
	})
}
