package bus

import (
	"encoding/json"

	"svar/contact"
)

// Version of all messages on the bus. It is part of every subject, so that nodes of
// different versions never misread each other.
const Version = 5

// OrderKind is what an order asks of a node.
type OrderKind string

// The orders. Each is idempotent by offer or contact.
const (
	// OrderRing: make a leg to the agent for this offer.
	OrderRing OrderKind = "ring"
	// OrderWithdraw: end that leg; the contact goes on waiting, unless released.
	OrderWithdraw OrderKind = "withdraw"
	// OrderConnect: the agent accepted; connect the two legs and confirm.
	OrderConnect OrderKind = "connect"
	// OrderRelease: end the contact's legs.
	OrderRelease OrderKind = "release"
	// OrderDial: call the user back for this offer, and connect the two when he answers.
	// OrderWithdraw ends the attempt.
	OrderDial OrderKind = "dial"
	// OrderConsult: make a leg to the agent, who is asked by the one who has the call, for this offer.
	// The user is on hold.
	OrderConsult OrderKind = "consult"
	// OrderConsultConnect: he accepted; connect the two agents and confirm.
	OrderConsultConnect OrderKind = "consult-connect"
	// OrderConsultEnd: end his leg; the user stays on hold with the agent who has the call, or with him when all three
	// heard each other.
	OrderConsultEnd OrderKind = "consult-end"
	// OrderHandOver: leave the user to the agent who was consulted by this offer, and end the leg of the
	// one who asked.
	OrderHandOver OrderKind = "hand-over"
	// OrderOutside: call the place To outside for the agent who has the call, by this offer and with Leg as its
	// leg's id, the user on hold. Connect the two when it answers and confirm, or fail the dial.
	OrderOutside OrderKind = "outside"
	// OrderOutsideEnd: end that leg; the user stays on hold with the agent, or with him when all three heard each other.
	OrderOutsideEnd OrderKind = "outside-end"
	// OrderOutsideTake: leave the user to that place and end the agent's leg. The two are connected until
	// one of them hangs up, whatever becomes of the contact.
	OrderOutsideTake OrderKind = "outside-take"
	// OrderConference: mix the user, the agent and whoever is consulted (On), or separate them again, the user on hold.
	OrderConference OrderKind = "conference"
	// OrderSupervise: take the supervisor Agent into the call in Mode, with a voice of his own; out of it when Mode is empty.
	OrderSupervise OrderKind = "supervise"
	// OrderReconcile: a new leader began; ask for the node's whole state. It names no
	// contact.
	OrderReconcile OrderKind = "reconcile"
)

// Order tells a node to do something. (Epoch, Sequence, Index) says where it was
// decided: a node refuses an epoch older than the newest it has seen. Number counts
// the orders of one node in one epoch from 1; after a gap the node asks for its
// whole state.
type Order struct {
	Epoch    uint64          `json:"epoch"`
	Sequence uint64          `json:"sequence"`
	Index    uint32          `json:"index"`
	Number   uint64          `json:"number"`
	Kind     OrderKind       `json:"kind"`
	Contact  contact.ID      `json:"contact"`
	Offer    contact.OfferID `json:"offer,omitempty"`
	Agent    contact.AgentID `json:"agent,omitempty"`
	// Leg is the id of the user's leg, set when it is to be dialled: the new leg takes the
	// place of the one that broke, under its id, and is reported by it.
	Leg contact.LegID `json:"leg,omitempty"`
	// To is the place outside that is called, On whether the conference is.
	To   contact.DestinationID   `json:"to,omitempty"`
	On   bool                    `json:"on,omitempty"`
	Mode contact.SupervisionMode `json:"mode,omitempty"`
	// Confirmed says that the agent confirmed the number that is dialled. One that nobody vouches for is not
	// dialled without.
	Confirmed bool `json:"confirmed,omitempty"`
}

// NodeState is all that the dispatcher wants of a node: what its contacts should be
// doing. Orders up to Number are included.
type NodeState struct {
	Epoch    uint64        `json:"epoch"`
	Number   uint64        `json:"number"`
	Contacts []ContactView `json:"contacts"`
	// HandedOver are contacts, of those that are open or were closed lately, whose user is connected to a place outside that was
	// called for him: their legs are released by nobody but the two who talk. Sorted.
	HandedOver []contact.ID `json:"handed_over,omitempty"`
}

// Change is what one record changed, as whole values. Sequence is the record's;
// sequences have no gaps, so a receiver that sees one asks for the [View]. Every second
// without a record an empty one repeats the last sequence, as a sign of life.
type Change struct {
	Epoch    uint64          `json:"epoch"`
	Sequence uint64          `json:"sequence"`
	Now      contact.Instant `json:"now"`
	Contacts []ContactView   `json:"contacts,omitempty"`
	Agents   []AgentView     `json:"agents,omitempty"`
	// Rules is set when they changed.
	Rules *contact.Rules `json:"rules,omitempty"`
	// Everything says that more may have changed than is told here, for there is a new leader, or new rules, or a
	// new roster: a receiver asks for the [View].
	Everything bool `json:"everything,omitempty"`
}

// View is everything that is open, at a sequence: contacts that are not closed,
// sorted by id, and all agents of the roster, sorted by id.
type View struct {
	Epoch    uint64          `json:"epoch"`
	Sequence uint64          `json:"sequence"`
	Now      contact.Instant `json:"now"`
	Contacts []ContactView   `json:"contacts"`
	Agents   []AgentView     `json:"agents"`
	Rules    contact.Rules   `json:"rules"`
}

// ContactView is an open contact, or one that just closed, as others may see it.
type ContactView struct {
	Contact contact.Contact `json:"contact"`
	// Node has the user's leg, or had it last; both are empty for a mail or a form.
	Node  contact.NodeID `json:"node,omitempty"`
	Leg   contact.LegID  `json:"leg,omitempty"`
	State contact.State  `json:"state"`
	// Place decides between two that arrived at one instant: see routing.CompareClaims.
	Place uint64 `json:"place"`
	// Since is when the state began.
	Since contact.Instant `json:"since"`
	// Callback says that it waits to be called back, or is being dialled: nobody is on the
	// line.
	Callback bool `json:"callback,omitempty"`
	// Dials are when it was dialled within an hour of the last time, oldest first.
	Dials []contact.Instant `json:"dials,omitempty"`
	// Queued is when it could be offered first; 0 when not yet.
	Queued contact.Instant `json:"queued,omitempty"`
	// Needs are what it was queued with, StillNeeded what of that is needed after Relaxed steps of
	// relaxation; RelaxesAt is when the next step comes, 0 when there is none.
	Needs       contact.Needs   `json:"needs,omitempty"`
	StillNeeded contact.Needs   `json:"still_needed,omitempty"`
	Relaxed     uint8           `json:"relaxed,omitempty"`
	RelaxesAt   contact.Instant `json:"relaxes_at,omitempty"`
	// RelaxesTo is what is needed after that step; empty for anybody.
	RelaxesTo contact.Needs `json:"relaxes_to,omitempty"`
	// Class is the one that it was queued in, or that its impact gives.
	Class contact.Class `json:"class,omitempty"`
	// Target counts in the opening hours Hours; in all of time when that is empty.
	Target contact.Millis  `json:"target_ms,omitempty"`
	Hours  contact.HoursID `json:"hours,omitempty"`
	// RisesAt is when it has waited its way up into the next class; 0 when it does not.
	RisesAt contact.Instant `json:"rises_at,omitempty"`
	// Residents is for how many residents and companies it stands.
	Residents uint32 `json:"residents,omitempty"`
	// Returned says that it comes before the others of its class, because its agent was lost.
	Returned bool `json:"returned,omitempty"`
	// Prefer is the agent whom it is kept for until PreferUntil (0: for as long as he is ready), and
	// PreferRule why.
	Prefer      contact.AgentID `json:"prefer,omitempty"`
	PreferUntil contact.Instant `json:"prefer_until,omitempty"`
	PreferRule  contact.Rule    `json:"prefer_rule,omitempty"`
	// DueAt is when a call-back is offered or promised for; 0 when its turn alone decides. For is the
	// agent who promised it himself, Tries how often it was dialled in vain; Exhausted says that it
	// is offered no more and waits for an agent to decide.
	DueAt     contact.Instant `json:"due_at,omitempty"`
	For       contact.AgentID `json:"for,omitempty"`
	Tries     uint8           `json:"tries,omitempty"`
	Exhausted bool            `json:"exhausted,omitempty"`
	// Consult is the asking of a colleague that is under way; nil when there is none.
	Consult *ConsultView `json:"consult,omitempty"`
	// Conference says that user, agent and whoever is consulted hear each other.
	Conference bool `json:"conference,omitempty"`
	// Supervisors are in the call, by name.
	Supervisors []SupervisorView `json:"supervisors,omitempty"`
	// Marks are what agents said of it, in order; Recording how far its recording is, empty when there is none.
	Marks     []contact.MarkKind     `json:"marks,omitempty"`
	Recording contact.RecordingState `json:"recording,omitempty"`
	// NotReached is the last call of ours about it that reached nobody: to a place outside, until something else is done
	// with it, or, when it is closed as not reached, to its user. Nil when there is none.
	NotReached *NotReachedView `json:"not_reached,omitempty"`
	// HandedOver is the place outside that has the user, in wrap-up.
	HandedOver contact.DestinationID `json:"handed_over,omitempty"`
	// Offer is the open one, or the one by which it is being dialled.
	Offer *OfferView `json:"offer,omitempty"`
	// Agent has it, from connected on, by the offer ConnectedBy.
	Agent       contact.AgentID `json:"agent,omitempty"`
	ConnectedBy contact.OfferID `json:"connected_by,omitempty"`
	// ConnectedAt is when agent and user were connected by that offer, hold or not; 0 when they
	// are not.
	ConnectedAt contact.Instant `json:"connected_at,omitempty"`
	// WrapUpUntil is when wrap-up runs out; 0 means never.
	WrapUpUntil contact.Instant `json:"wrap_up_until,omitempty"`
	// Code and Ticket are what the agent has chosen so far, or what it was closed with.
	Code   contact.OutcomeCode  `json:"code,omitempty"`
	Ticket contact.TicketNumber `json:"ticket,omitempty"`
	// Answered is when an agent first answered, by voice or by a reply; 0 when not yet.
	Answered contact.Instant `json:"answered,omitempty"`
	// End is set when the state is closed.
	End contact.End `json:"end,omitempty"`
}

// OfferView is an open offer. One by which a contact is dialled is accepted, since the
// agent asked for it, and has no Why.
type OfferView struct {
	Offer    contact.OfferID `json:"offer"`
	Agent    contact.AgentID `json:"agent"`
	Since    contact.Instant `json:"since"`
	Expires  contact.Instant `json:"expires"`
	Accepted bool            `json:"accepted,omitempty"`
	// Confirmed is that of [Order].
	Confirmed bool        `json:"confirmed,omitempty"`
	Why       contact.Why `json:"why"`
}

// ConsultView is a colleague who is asked, or talks, while the user is on hold.
type ConsultView struct {
	Offer contact.OfferID `json:"offer"`
	// With is the colleague, To the place outside: one of them is set. Blind says that the user is handed
	// over to that place when it answers.
	With      contact.AgentID       `json:"with,omitempty"`
	To        contact.DestinationID `json:"to,omitempty"`
	Blind     bool                  `json:"blind,omitempty"`
	Since     contact.Instant       `json:"since"`
	Expires   contact.Instant       `json:"expires"`
	Accepted  bool                  `json:"accepted,omitempty"`
	Connected bool                  `json:"connected,omitempty"`
	// Leg is the colleague's, once they talk; of a place outside the one that [OrderOutside] named, from the beginning.
	Leg contact.LegID `json:"leg,omitempty"`
}

// NotReachedView is a call of ours that reached nobody: the place To, or the user when that is empty.
type NotReachedView struct {
	To      contact.DestinationID `json:"to,omitempty"`
	Failure contact.DialFailure   `json:"failure"`
	At      contact.Instant       `json:"at"`
}

// SupervisorView is a supervisor in a call.
type SupervisorView struct {
	Supervisor contact.AgentID         `json:"supervisor"`
	Mode       contact.SupervisionMode `json:"mode"`
}

// Wait is how long a contact is expected to wait (measure: expected wait).
type Wait struct {
	// Known is false when nobody suitable is signed in, or nothing is known of how long contacts
	// take: then no number is said.
	Known    bool           `json:"known"`
	Expected contact.Millis `json:"expected_ms"`
	// Ahead is how many are served before it, Agents how many could serve it and are not paused.
	Ahead  int `json:"ahead"`
	Agents int `json:"agents"`
}

// WaitQuestion asks for the expected wait: of Contact, or of one that would come now with the rest.
type WaitQuestion struct {
	Contact contact.ID      `json:"contact,omitempty"`
	Channel contact.Channel `json:"channel,omitempty"`
	Needs   contact.Needs   `json:"needs,omitempty"`
	Class   contact.Class   `json:"class,omitempty"`
	Target  contact.Millis  `json:"target_ms,omitempty"`
	Hours   contact.HoursID `json:"hours,omitempty"`
}

// AgentView is an agent of the roster.
type AgentView struct {
	Agent    contact.AgentID  `json:"agent"`
	Skills   contact.Needs    `json:"skills,omitempty"`
	Presence contact.Presence `json:"presence"`
	Reason   string           `json:"reason,omitempty"`
	// Channels are those that a ready agent takes; all when empty.
	Channels []contact.Channel `json:"channels,omitempty"`
	// Next is the presence that he will have after his last contact; empty when none is planned.
	Next       contact.Presence `json:"next,omitempty"`
	NextReason string           `json:"next_reason,omitempty"`
	Reserved   contact.Class    `json:"reserved,omitempty"`
	// Cause is why the presence is so.
	Cause contact.PresenceCause `json:"cause,omitempty"`
	// Since is when the presence began.
	Since     contact.Instant `json:"since"`
	Reachable bool            `json:"reachable"`
	// Contacts are those offered to, dialled for, connected with or being wrapped up by the
	// agent, in the order in which they were given.
	Contacts []contact.ID `json:"contacts,omitempty"`
	// Offer is the open one; 0 when the agent is asked for nothing and dials nobody.
	Offer contact.OfferID `json:"offer,omitempty"`
	// Missed are the last offers that did not reach the agent, newest first, at most 10, since
	// the agent last signed in.
	Missed []MissedOffer `json:"missed,omitempty"`
}

// MissedOffer is an offer that did not reach the agent, or that he did not answer.
type MissedOffer struct {
	Cause   contact.MissCause `json:"cause"`
	Contact contact.ID        `json:"contact"`
	Line    contact.LineID    `json:"line"`
	Offer   contact.OfferID   `json:"offer"`
	At      contact.Instant   `json:"at"`
}

// Signal is a message of the set-up of an agent's voice for one offer, between the
// agent's console and the node that has the caller. Its payload is theirs alone. The voice of a supervisor in a
// call has offer 0: contact and leg name it.
type Signal struct {
	// Node is the one that has the caller, told to the console so that it answers there: the
	// change that tells of the offer may come later than the first message of its voice.
	Node    contact.NodeID  `json:"node,omitempty"`
	Agent   contact.AgentID `json:"agent"`
	Contact contact.ID      `json:"contact"`
	Offer   contact.OfferID `json:"offer"`
	// Console is the window that it comes from or is for; from a node, empty means all of the
	// agent's. The first that answers has the voice.
	Console string `json:"console,omitempty"`
	// Leg is the one that is set up. A voice may be made anew within one offer; a window that
	// repeats the leg of the message that it answers is not taken for one that answers the next.
	Leg contact.LegID `json:"leg,omitempty"`
	// Bound is set instead of Payload, by the node: the voice of Offer lives in that window,
	// and every other one lets go of it.
	Bound   string          `json:"bound,omitempty"`
	Payload json.RawMessage `json:"payload,omitempty"`
	// Text is set instead of Payload, by the node: whether the user's side takes text beside the voice of Offer. Until that is
	// said it takes none.
	Text *bool `json:"text,omitempty"`
}

// ControlKind is what an agent does with a call that he has.
type ControlKind string

// The kinds.
const (
	// ControlHold and ControlResume: the user hears music, and the agent again.
	ControlHold   ControlKind = "hold"
	ControlResume ControlKind = "resume"
	// ControlHangUp ends the call.
	ControlHangUp ControlKind = "hang-up"
	// ControlKey presses Key towards the user's phone.
	ControlKey ControlKind = "key"
	// ControlVoice makes the agent's voice anew, in the window Console: its page was loaded
	// again, its network changed. While it lives in another window it stays there, rejected as
	// [contact.VoiceElsewhere], unless Take says that the agent wants it here.
	ControlVoice ControlKind = "voice"
	// ControlRecordingPause and ControlRecordingResume: nothing is recorded meanwhile.
	ControlRecordingPause  ControlKind = "recording-pause"
	ControlRecordingResume ControlKind = "recording-resume"
)

// Control is asked of the node that has the caller, which acts at once, with or without a
// dispatcher, and then tells the dispatcher.
type Control struct {
	Kind    ControlKind     `json:"kind"`
	Agent   contact.AgentID `json:"agent"`
	Contact contact.ID      `json:"contact"`
	Console string          `json:"console,omitempty"`
	// Key is one of 0–9, *, #, A–D.
	Key  string `json:"key,omitempty"`
	Take bool   `json:"take,omitempty"`
}
