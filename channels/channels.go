package channels

import (
	"context"
	"encoding/json"

	"svar/contact"
	"svar/identity"
)

// Gateway accepts contacts of one channel from outside.
type Gateway interface {
	// Serve accepts contacts until ctx ends. Then it takes no new ones, ends the legs
	// that are left and returns when none of its goroutines and sockets remain. The
	// error is nil after an orderly end.
	Serve(ctx context.Context) error
}

// Intake takes what a gateway accepted. Its methods may be called concurrently.
type Intake interface {
	// Arrive puts the contact on record and takes the leg over. The gateway sets ID,
	// Channel, Line, Callable and Arrived; the intake completes the rest from the line.
	// It returns when the contact is on record, before the leg is answered. After an
	// error the leg is still the gateway's, which turns the contact away (a call: 503).
	Arrive(ctx context.Context, c contact.Contact, p contact.Personal, leg Leg) error
	// Refuse records a contact that the gateway turned away by rule, response being the
	// SIP status code. It is best effort: the refusal does not wait for it.
	Refuse(ctx context.Context, c contact.Contact, response int)
}

// Leg is one live connection to one party. Its methods may be called concurrently,
// in any order and after its end, when they do nothing.
type Leg interface {
	ID() contact.LegID
	// Answer makes the connection: on a caller's leg it accepts the call and returns
	// when 200 OK was sent; on an agent's leg it returns when sound can flow both ways.
	// A leg that is over before that returns [ErrLegOver].
	Answer(ctx context.Context) error
	// HangUp ends the leg. It does not wait; Done tells the end.
	HangUp()
	// Done is closed when the leg is over for whatever reason.
	Done() <-chan struct{}
	// Ending says why the leg is over. It is valid after Done is closed.
	Ending() Ending
	// Record returns what the gateway needs to end this leg in another process, after
	// a crash: opaque, at most 8 KB, complete from the moment that the leg is handed
	// over. nil when there is nothing to end.
	Record() []byte
}

// Ending is why a leg is over.
type Ending string

// The endings.
const (
	// EndedByParty: the party at the other end hung up, cancelled or closed.
	EndedByParty Ending = "party"
	// EndedByUs: HangUp was called, or the gateway shuts down.
	EndedByUs Ending = "us"
	// EndedByFault: the network or a protocol failed: no ACK, no media, no socket.
	EndedByFault Ending = "fault"
)

// Prompt names a recording, text or loop by its name in the prompt catalogue and an
// IETF language tag. A voice leg plays it, a chat leg writes it.
type Prompt struct {
	Name     string `json:"name"`
	Language string `json:"language"`
	// Text, when set, is said instead of what the catalogue has under the name.
	Text string `json:"text,omitempty"`
}

// Prompter is a leg that can say something.
type Prompter interface {
	// Play says the prompt to its end. It waits until the leg can carry it. It returns
	// ctx's error when interrupted and [ErrLegOver] when the leg ends.
	Play(ctx context.Context, p Prompt) error
	// Loop repeats the prompt until something else is played, the leg is connected to
	// another one, or it ends.
	Loop(p Prompt) error
}

// Keypad is a leg whose party can press keys.
type Keypad interface {
	// Digits delivers each key once: 0–9, *, #, A–D. It is closed at the leg's end. Keys
	// that nobody reads are dropped from the oldest on.
	Digits() <-chan byte
}

// KeyPresser is a leg towards a phone that keys can be pressed for.
type KeyPresser interface {
	// Press sends one key (0–9, *, #, A–D) as a telephone event (RFC 4733), or as its tones
	// where the phone takes none. Keys pressed meanwhile follow one another. It does not wait.
	// After the leg's end it returns [ErrLegOver].
	Press(key byte) error
}

// Measured is a leg whose voice is measured.
type Measured interface {
	// Quality is how it is up to now; after the leg's end how it was, which changes no more.
	Quality() contact.Quality
}

// Texting is a leg whose party writes. What both sides write goes through the conversation's
// own stream, so that it is joined to an agent without a leg towards him.
type Texting interface {
	// Joined says that the agent reads and writes from now on, Left that nobody does.
	Joined(agent contact.AgentID)
	Left()
}

// Signalled is a leg that is set up by messages through the party's console.
type Signalled interface {
	// Signal hands over a message from the party. A message that makes no sense ends
	// the leg by fault; the error says what was wrong with it.
	Signal(message json.RawMessage) error
}

// Ring asks an endpoint for a leg towards an agent.
type Ring struct {
	Leg     contact.LegID
	Agent   contact.AgentID
	Contact contact.ID
	// Caller is the leg that it will be connected to; the new leg prefers its codec.
	Caller Leg
	// Send carries a message of the leg's set-up to the agent's consoles. It does not
	// block and may be called until the leg is over.
	Send func(message json.RawMessage)
}

// Endpoint makes legs towards agents.
type Endpoint interface {
	// Ring begins a leg. It returns at once; the leg is set up while the agent's console
	// rings, silent in both directions until it is connected to another leg.
	Ring(ctx context.Context, r Ring) (Leg, error)
}

// OrphanEnder is a gateway that can end a leg that another process left behind.
type OrphanEnder interface {
	// EndOrphan ends the leg described by [Leg.Record]: for a SIP dialog it sends BYE and
	// waits for the answer. It works only while Serve runs.
	EndOrphan(ctx context.Context, record []byte) error
}

// LegRestorer is a gateway whose legs outlive the process: their parties find their way back.
type LegRestorer interface {
	// RestoreLeg returns the leg described by [Leg.Record], with the id that it had. It works
	// only while Serve runs.
	RestoreLeg(ctx context.Context, id contact.LegID, of contact.ID, record []byte) (Leg, error)
}

// EchoRoom makes legs towards agents who try their headset: they hear themselves.
type EchoRoom interface {
	// Echo begins a leg as [Endpoint.Ring] does, which plays back what it hears a second
	// later, for a minute at most.
	Echo(ctx context.Context, r Ring) (Leg, error)
}

// Dialler makes calls to telephones outside.
type Dialler interface {
	// Dial rings the number and returns the leg at once; [Leg.Answer] returns when it is
	// answered. The leg's Ending after an unanswered call is EndedByParty; [DialledLeg.Failure]
	// says more. Whether the number may be called at all is decided here, for every caller alike.
	Dial(ctx context.Context, call Call) (DialledLeg, error)
}

// Call is one that we make.
type Call struct {
	Leg     contact.LegID
	Contact contact.ID
	// Line is the one whose number is shown.
	Line   contact.LineID
	Number identity.Number
	// Confirmed says that a person has looked at the number and wants it called, or that the
	// configuration names it. A number that nobody vouched for is not called without.
	Confirmed bool
}

// DialledLeg is a leg that we called.
type DialledLeg interface {
	Leg
	// Failure says why the user was not reached; valid after Done of a leg that was never
	// answered.
	Failure() contact.DialFailure
}

// EarlySound is a leg that we called, which may sound before it is answered: the network's own ringing,
// or an announcement (early media, RFC 3960).
type EarlySound interface {
	// EarlySound is closed when the other side is heard first, before the answer or after it. Who
	// called should hear that then instead of our ringing; nothing that he says may be sent there
	// before the answer.
	EarlySound() <-chan struct{}
}

// Ringer is a caller's leg that can be let ring before it is answered.
type Ringer interface {
	// Ringing tells the caller that it rings (180), as often as it is called; nothing once the leg
	// is answered or over.
	Ringing()
}

// PickedUp is an agent's leg that the agent himself answers, on a telephone that rings beside his
// console: that accepts the offer.
type PickedUp interface {
	// PickedUp is closed when he answered. An ended leg that was never answered leaves it open.
	PickedUp() <-chan struct{}
}

// Holding is an agent's leg whose telephone has a hold of its own.
type Holding interface {
	// Held tells true when the agent puts the other side on hold at his telephone, and false when he
	// takes it back. When nobody reads, what is older is dropped. It is never closed.
	Held() <-chan bool
}

// Transferring is an agent's leg whose telephone has a transfer key of its own (SIP REFER, RFC 3515).
type Transferring interface {
	// FollowTransfers says who decides when the agent sends the user on at his telephone. Without, and until then, it
	// is refused there.
	//
	// ask gets what he dialled: at most [MaxDialled] bytes that a stranger may have made up. It must not
	// block. An error refuses it, [ErrNobodyThere] because there is nobody of that name. After nil, done is to be
	// called once: with "" when the user has been sent on, or else with why not. It does not block, and may be called
	// from any goroutine and after the leg's end.
	FollowTransfers(ask func(dialled string, done func(contact.DialFailure)) error)
}

// MaxDialled bounds what an agent can dial at his telephone, in bytes.
const MaxDialled = 64

// RealTimeText is a leg that carries text as it is typed, beside the voice (ITU-T T.140, RFC 4103 and
// RFC 8865; EN 301 549, 6.2).
type RealTimeText interface {
	// TextAble reports whether the party's side takes text; it is valid once the leg is answered.
	TextAble() bool
	// Text delivers what the party types, in order: UTF-8 with the control characters of T.140 (BS erases,
	// U+2028 is a new line, U+FFFD stands for what was lost). It is closed when the leg is over.
	Text() <-chan string
	// WriteText sends it to the party, at latest 300 ms later. Nothing happens when the side takes none.
	WriteText(text string) error
}

type constError string

func (e constError) Error() string { return string(e) }

// ErrLegOver is returned by what needs a live leg.
const ErrLegOver = constError("the leg is over")

// ErrNobodyThere refuses a transfer to somebody who is not known.
const ErrNobodyThere = constError("nobody of that name takes contacts")
