package contact

// Event says what happened. The set is closed: only the types of this file are
// events. State is the fold of events, and every report too, so an event carries
// all that its readers need and is never changed after it is recorded.
type Event interface{ event() }

// LeaderElected is the first event of an epoch. Orders of an older epoch are void.
type LeaderElected struct {
	Epoch uint64 `json:"epoch"`
	Node  NodeID `json:"node"`
}

// RulesChanged: these rules hold from now on.
type RulesChanged struct {
	Rules Rules `json:"rules"`
}

// RosterChanged: these are the agents from now on.
type RosterChanged struct {
	Roster Roster `json:"roster"`
}

// ContactArrived: the contact is on record and its place in the queue is kept.
type ContactArrived struct {
	Contact Contact `json:"contact"`
	Node    NodeID  `json:"node"`
	Leg     LegID   `json:"leg"`
}

// ContactGreeted: the system answered it.
type ContactGreeted struct {
	Contact ID `json:"contact"`
}

// ContactQueued: it may be offered from now on. Needs, class and target hold until
// the next ContactQueued of the same contact.
type ContactQueued struct {
	Contact ID      `json:"contact"`
	Needs   Needs   `json:"needs"`
	Class   Class   `json:"class,omitempty"`
	Target  Millis  `json:"target_ms"`
	Hours   HoursID `json:"hours,omitempty"`
	// Prefer, when set, is the agent who is asked alone until PreferUntil: the last one who handled
	// this ticket, this person or this visitor.
	Prefer      AgentID `json:"prefer,omitempty"`
	PreferUntil Instant `json:"prefer_until,omitempty"`
}

// NeedsRelaxed: the contact has waited so long that less is needed of an agent from now on. Step
// counts from 1; Needs are what is still needed, empty for anybody.
type NeedsRelaxed struct {
	Contact ID    `json:"contact"`
	Step    uint8 `json:"step"`
	Needs   Needs `json:"needs"`
}

// PreferenceEnded: the contact is no longer kept for one agent; anybody who fits may be asked.
type PreferenceEnded struct {
	Contact ID              `json:"contact"`
	Agent   AgentID         `json:"agent"`
	Cause   PreferenceCause `json:"cause"`
}

// PreferenceCause is why a contact is no longer kept for one agent.
type PreferenceCause string

// The causes.
const (
	// PreferenceOver: he was not free in time.
	PreferenceOver PreferenceCause = "time"
	// PreferenceAway: he is paused, signed out, unreachable or gone.
	PreferenceAway PreferenceCause = "agent-away"
	// PreferenceRefused: he declined, missed or gave it back.
	PreferenceRefused PreferenceCause = "refused"
)

// ImpactSet: the contact stands for so many residents and companies. Agent is who said so, if one
// did.
type ImpactSet struct {
	Contact   ID      `json:"contact"`
	Agent     AgentID `json:"agent,omitempty"`
	Residents uint32  `json:"residents"`
}

// ContactOffered: the contact is reserved for the agent until Expires.
type ContactOffered struct {
	Contact ID      `json:"contact"`
	Offer   OfferID `json:"offer"`
	Agent   AgentID `json:"agent"`
	Expires Instant `json:"expires"`
	Why     Why     `json:"why"`
}

// Why explains an offer: what the engine compared when it made it.
type Why struct {
	// Candidates is how many agents could have been offered it.
	Candidates uint32 `json:"candidates"`
	// Waiting is how many contacts waited, this one included.
	Waiting uint32 `json:"waiting"`
	// Rule is what set the chosen agent apart.
	Rule Rule `json:"rule"`
	// Level is the agent's lowest level over the needed skills; 0 when none is needed.
	Level uint8 `json:"level,omitempty"`
	// Idle is how long the agent had been idle.
	Idle Millis `json:"idle_ms"`
	// Relaxed is how many steps of relaxation the contact had gone through; 0 means none.
	Relaxed uint8 `json:"relaxed,omitempty"`
	// Class is the one that the contact was served in. Risen says that it waited its way up to it.
	Class Class `json:"class,omitempty"`
	Risen bool  `json:"risen,omitempty"`
	// Waited and Target are what its turn was reckoned from, on its own clock.
	Waited Millis `json:"waited_ms,omitempty"`
	Target Millis `json:"target_ms,omitempty"`
	// Returned says that it came before the others of its class, because its agent was lost.
	Returned bool `json:"returned,omitempty"`
}

// Rule is what decided between the candidates.
type Rule string

// The rules.
const (
	OnlyCandidate Rule = "only-candidate"
	HighestLevel  Rule = "highest-level"
	LongestIdle   Rule = "longest-idle"
	// ByName: level and idle time were equal; the order of names decided.
	ByName Rule = "by-name"
	// Preferred: the agent has handled this ticket, person or visitor last.
	Preferred Rule = "preferred"
	// Transferred: a colleague has sent the contact to this agent.
	Transferred Rule = "transferred"
	// Appointed: the agent has promised to call back himself.
	Appointed Rule = "appointed"
)

// OfferAccepted: the agent said yes; the node connects the two.
type OfferAccepted struct {
	Contact ID      `json:"contact"`
	Offer   OfferID `json:"offer"`
	Agent   AgentID `json:"agent"`
}

// OfferDeclined: the agent said no. The contact is back in its place.
type OfferDeclined struct {
	Contact ID      `json:"contact"`
	Offer   OfferID `json:"offer"`
	Agent   AgentID `json:"agent"`
	Reason  string  `json:"reason,omitempty"`
	// Again is when this agent may be offered this contact again.
	Again Instant `json:"again"`
}

// OfferMissed: the agent did not answer in time. The contact is back in its place.
type OfferMissed struct {
	Contact ID      `json:"contact"`
	Offer   OfferID `json:"offer"`
	Agent   AgentID `json:"agent"`
	// Again is when this agent may be offered this contact again.
	Again Instant `json:"again"`
}

// OfferWithdrawn: the offer was taken back without counting against the agent.
// The contact is back in its place, unless a later event of it says more.
type OfferWithdrawn struct {
	Contact ID            `json:"contact"`
	Offer   OfferID       `json:"offer"`
	Agent   AgentID       `json:"agent"`
	Cause   WithdrawCause `json:"cause"`
}

// ContactConnected: user and agent reach each other. The first one of a call is its
// answer (measure: answer time); a text is answered by [ContactReplied].
type ContactConnected struct {
	Contact ID      `json:"contact"`
	Offer   OfferID `json:"offer"`
	Agent   AgentID `json:"agent"`
	// Leg is the agent's; empty when the user writes.
	Leg LegID `json:"leg"`
}

// ContactReplied: the agent's first answer to a text was sent. It is the answer (measure:
// answer time) and happens once in a contact.
type ContactReplied struct {
	Contact ID      `json:"contact"`
	Agent   AgentID `json:"agent"`
}

// ContactReturned: the contact was with an agent and waits in the old place again, with
// the user still there: the agent's leg broke, or a text was given back or taken back.
type ContactReturned struct {
	Contact ID      `json:"contact"`
	Offer   OfferID `json:"offer"`
	Agent   AgentID `json:"agent"`
	// Cause is why; empty for a broken leg.
	Cause ReturnCause `json:"cause,omitempty"`
	// Again is when this agent may be offered this contact again, set when he gave it back.
	Again Instant `json:"again,omitempty"`
}

// CallbackScheduled: the contact goes on as a call-back in its old place, with nobody on the line.
// It is due at At; 0 means at once. By says who wanted it.
type CallbackScheduled struct {
	Contact ID    `json:"contact"`
	By      Party `json:"by"`
	// Agent is who promised it, when By is the agent, and had the contact in the state From.
	Agent AgentID `json:"agent,omitempty"`
	From  State   `json:"from"`
	At    Instant `json:"at,omitempty"`
	// For is the agent who is asked alone when it is due; empty for whoever fits.
	For AgentID `json:"for,omitempty"`
}

// CallbackDue: the time of a scheduled call-back, or of its next try, has come: it may be offered
// from now on. It is kept for For until PreferUntil, when those are set.
type CallbackDue struct {
	Contact     ID      `json:"contact"`
	For         AgentID `json:"for,omitempty"`
	PreferUntil Instant `json:"prefer_until,omitempty"`
}

// ContactRejoined: the caller rang again and has the place of his call-back. He waits on a new
// leg.
type ContactRejoined struct {
	Contact ID     `json:"contact"`
	Node    NodeID `json:"node"`
	Leg     LegID  `json:"leg"`
}

// ContactTransferred: the agent sent the contact on. It waits in its old place, for To.
type ContactTransferred struct {
	Contact ID          `json:"contact"`
	Offer   OfferID     `json:"offer"`
	Agent   AgentID     `json:"agent"`
	To      Destination `json:"to"`
	// Until is how long it is kept for To.Agent; 0 when it is sent to a group, and when it is kept
	// for as long as he is ready.
	Until Instant `json:"until,omitempty"`
	// Again is when Agent may be offered this contact himself again.
	Again Instant `json:"again,omitempty"`
}

// ConsultOffered: With is asked to talk to Agent, who has the contact, until Expires. The user is
// on hold.
type ConsultOffered struct {
	Contact ID      `json:"contact"`
	Offer   OfferID `json:"offer"`
	Agent   AgentID `json:"agent"`
	With    AgentID `json:"with"`
	Expires Instant `json:"expires"`
}

// ConsultAccepted: With said yes; the node connects the two agents.
type ConsultAccepted struct {
	Contact ID      `json:"contact"`
	Offer   OfferID `json:"offer"`
	With    AgentID `json:"with"`
}

// ConsultConnected: the two agents talk. Leg is the consulted one's.
type ConsultConnected struct {
	Contact ID      `json:"contact"`
	Offer   OfferID `json:"offer"`
	With    AgentID `json:"with"`
	Leg     LegID   `json:"leg"`
}

// ConsultEnded: the two agents talk no more. When it was completed, With has the contact from now
// on, connected by Offer, and Agent is free; else it is on hold with Agent.
type ConsultEnded struct {
	Contact ID           `json:"contact"`
	Offer   OfferID      `json:"offer"`
	Agent   AgentID      `json:"agent"`
	With    AgentID      `json:"with"`
	Cause   ConsultCause `json:"cause"`
}

// ConsultCause is why a consultation ended.
type ConsultCause string

// The causes.
const (
	ConsultCompleted ConsultCause = "completed"
	ConsultCancelled ConsultCause = "cancelled" // by the agent who asked
	ConsultDeclined  ConsultCause = "declined"
	ConsultMissed    ConsultCause = "missed"
	ConsultLeft      ConsultCause = "left" // by the one who was asked, after talking
	ConsultFault     ConsultCause = "technical-fault"
	// ConsultOver: the user left, or the agent lost the contact.
	ConsultOver ConsultCause = "contact-over"
)

// ContactHandedOver: a place outside has the user; the agent's wrap-up begins.
type ContactHandedOver struct {
	Contact ID            `json:"contact"`
	Agent   AgentID       `json:"agent"`
	To      DestinationID `json:"to"`
	// Offer is the one by which that place was called; 0 when somebody else brought the two together.
	Offer OfferID `json:"offer,omitempty"`
	// Until is when wrap-up runs out; 0 means never.
	Until Instant `json:"until,omitempty"`
}

// CallbackTaken: a contact that waits to be called back is being dialled for the agent,
// on the node, until Expires. Its place stays.
type CallbackTaken struct {
	Contact ID      `json:"contact"`
	Offer   OfferID `json:"offer"`
	Agent   AgentID `json:"agent"`
	Node    NodeID  `json:"node"`
	Expires Instant `json:"expires"`
	// Confirmed says that the agent looked at the number, which nobody need vouch for, and wanted it called.
	Confirmed bool `json:"confirmed,omitempty"`
}

// CallbackFailed: the user was not reached. The contact waits to be called back again.
type CallbackFailed struct {
	Contact ID          `json:"contact"`
	Offer   OfferID     `json:"offer"`
	Agent   AgentID     `json:"agent"`
	Reason  DialFailure `json:"reason"`
}

// ContactHeld: the agent put the call on hold. It is still his.
type ContactHeld struct {
	Contact ID      `json:"contact"`
	Agent   AgentID `json:"agent"`
}

// ContactResumed: user and agent hear each other again.
type ContactResumed struct {
	Contact ID      `json:"contact"`
	Agent   AgentID `json:"agent"`
}

// ContactHungUp: the connection ended in the ordinary way; wrap-up begins.
type ContactHungUp struct {
	Contact ID      `json:"contact"`
	Agent   AgentID `json:"agent"`
	By      Party   `json:"by"`
	// Until is when wrap-up runs out; 0 means never.
	Until Instant `json:"until,omitempty"`
}

// WrapUpExtended: wrap-up runs out at Until instead.
type WrapUpExtended struct {
	Contact ID      `json:"contact"`
	Agent   AgentID `json:"agent"`
	Until   Instant `json:"until"`
}

// OutcomeChosen: so far the agent has chosen this; both empty means nothing.
type OutcomeChosen struct {
	Contact ID           `json:"contact"`
	Agent   AgentID      `json:"agent"`
	Code    OutcomeCode  `json:"code,omitempty"`
	Ticket  TicketNumber `json:"ticket,omitempty"`
}

// QualityReported: the voice of one party came in like this over the connection of Offer.
type QualityReported struct {
	Contact ID      `json:"contact"`
	Offer   OfferID `json:"offer"`
	Party   Party   `json:"party"`
	Quality Quality `json:"quality"`
}

// ContactDropped: a technical fault broke it. It goes on in its old place as a
// call-back: it is waiting, with nobody on the line, and is offered in its turn if
// [Rules.OfferCallbacks] says so. From is the state that it was in, Agent whoever had it then.
type ContactDropped struct {
	Contact ID      `json:"contact"`
	From    State   `json:"from"`
	Agent   AgentID `json:"agent,omitempty"`
}

// ContactClosed: the contact is accounted for. It is the only event that ends one.
type ContactClosed struct {
	Contact ID  `json:"contact"`
	End     End `json:"end"`
	// Stage is set when abandoned or dropped before an answer: how far it had come. It
	// is call-back when a contact that waited to be called back was finished without it.
	Stage Stage `json:"stage,omitempty"`
	// Waited is the time from arrival until the first answer, or until the end.
	Waited Millis `json:"waited_ms"`
	// Agent is who finished it when handled, who had it when dropped in connection, and for whom it was
	// dialled when nobody was reached, which Failure says the reason of.
	// Code, Ticket or both are set when handled.
	Agent  AgentID      `json:"agent,omitempty"`
	Code   OutcomeCode  `json:"code,omitempty"`
	Ticket TicketNumber `json:"ticket,omitempty"`
	// Lapsed says that wrap-up ran out before the agent finished it: code and ticket are
	// those chosen so far, or [Rules.WrapUpCode].
	Lapsed bool `json:"lapsed,omitempty"`
	// Failure is why a call that the desk began reached nobody.
	Failure DialFailure `json:"failure,omitempty"`
	// Response is the SIP status code, set when refused.
	Response uint16 `json:"response,omitempty"`
	// Refused is the whole contact when it was refused, since it never arrived.
	Refused *Contact `json:"refused,omitempty"`
}

// PresenceChanged: the agent's presence is this from now on. Cause tells the agent's
// own doing from a rule's.
type PresenceChanged struct {
	Agent    AgentID       `json:"agent"`
	Presence Presence      `json:"presence"`
	Reason   string        `json:"reason,omitempty"`
	Cause    PresenceCause `json:"cause"`
	// Channels are those that a ready agent takes, sorted; all when empty.
	Channels []Channel `json:"channels,omitempty"`
}

// OutsideCalled: a place outside is called about a held call, for the agent or, when Blind, for the user, who is
// handed over when it answers. Offer numbers it like a consultation; at Expires it is given up.
type OutsideCalled struct {
	Contact ID            `json:"contact"`
	Offer   OfferID       `json:"offer"`
	Agent   AgentID       `json:"agent"`
	To      DestinationID `json:"to"`
	Blind   bool          `json:"blind,omitempty"`
	Expires Instant       `json:"expires"`
}

// OutsideAnswered: it answered, and talks with the agent.
type OutsideAnswered struct {
	Contact ID            `json:"contact"`
	Offer   OfferID       `json:"offer"`
	To      DestinationID `json:"to"`
	Leg     LegID         `json:"leg"`
}

// OutsideEnded: the call to it is over, and the user is still the agent's. Failure says why it was not
// reached, or is empty when it had answered.
type OutsideEnded struct {
	Contact ID            `json:"contact"`
	Offer   OfferID       `json:"offer"`
	To      DestinationID `json:"to"`
	Failure DialFailure   `json:"failure,omitempty"`
}

// ConferenceChanged: agent, user and whoever is consulted hear each other, or no longer do.
type ConferenceChanged struct {
	Contact ID      `json:"contact"`
	Agent   AgentID `json:"agent"`
	On      bool    `json:"on"`
}

// SupervisionChanged: a supervisor is in the call in this mode from now on; in none when empty.
type SupervisionChanged struct {
	Contact    ID              `json:"contact"`
	Supervisor AgentID         `json:"supervisor"`
	Mode       SupervisionMode `json:"mode,omitempty"`
}

// ContactMarked: an agent says this of the call.
type ContactMarked struct {
	Contact ID       `json:"contact"`
	Agent   AgentID  `json:"agent"`
	Mark    MarkKind `json:"mark"`
}

// CallPlaced: the desk began this contact, and dials it for the agent by Offer.
type CallPlaced struct {
	Contact Contact `json:"contact"`
	Node    NodeID  `json:"node"`
	Leg     LegID   `json:"leg"`
	Agent   AgentID `json:"agent"`
	Offer   OfferID `json:"offer"`
	Expires Instant `json:"expires"`
}

// RecordingChanged: the recording of the call is in this state from now on; see [ReportRecording].
type RecordingChanged struct {
	Contact   ID             `json:"contact"`
	Recording RecordingState `json:"recording"`
	Agent     AgentID        `json:"agent,omitempty"`
	File      string         `json:"file,omitempty"`
	SHA256    string         `json:"sha256,omitempty"`
	Bytes     int64          `json:"bytes,omitempty"`
	Length    Millis         `json:"length_ms,omitempty"`
	// DeleteAfter is until when the file may be kept.
	DeleteAfter Instant `json:"delete_after,omitempty"`
}

// PresencePlanned: the agent is offered nothing more, and has this presence when the last of his
// contacts is closed.
type PresencePlanned struct {
	Agent    AgentID  `json:"agent"`
	Presence Presence `json:"presence"`
	Reason   string   `json:"reason,omitempty"`
}

// PresenceCause is why a presence changed.
type PresenceCause string

// The causes.
const (
	ByAgent PresenceCause = "agent"
	// ByMisses: the agent missed as many offers in a row as the rules allow.
	ByMisses PresenceCause = "missed-offers"
	// ByRoster: the agent is gone from the roster.
	ByRoster PresenceCause = "roster"
	// ByFault: the agent's voice could not be connected, or broke. The agent is paused
	// so that the next caller does not meet the same fault.
	ByFault PresenceCause = "technical-fault"
)

// ReachabilityChanged: the agent has a console on the node, or has none there any
// more. An agent is reachable while there is one on any node.
type ReachabilityChanged struct {
	Agent     AgentID `json:"agent"`
	Node      NodeID  `json:"node"`
	Reachable bool    `json:"reachable"`
}

func (LeaderElected) event()       {}
func (RulesChanged) event()        {}
func (RosterChanged) event()       {}
func (ContactArrived) event()      {}
func (ContactGreeted) event()      {}
func (ContactQueued) event()       {}
func (ContactOffered) event()      {}
func (OfferAccepted) event()       {}
func (OfferDeclined) event()       {}
func (OfferMissed) event()         {}
func (OfferWithdrawn) event()      {}
func (ContactConnected) event()    {}
func (ContactReplied) event()      {}
func (ContactReturned) event()     {}
func (CallbackTaken) event()       {}
func (NeedsRelaxed) event()        {}
func (PreferenceEnded) event()     {}
func (ImpactSet) event()           {}
func (CallbackScheduled) event()   {}
func (CallbackDue) event()         {}
func (ContactRejoined) event()     {}
func (ContactTransferred) event()  {}
func (ConsultOffered) event()      {}
func (ConsultAccepted) event()     {}
func (ConsultConnected) event()    {}
func (ConsultEnded) event()        {}
func (ContactHandedOver) event()   {}
func (OutsideCalled) event()       {}
func (OutsideAnswered) event()     {}
func (OutsideEnded) event()        {}
func (ConferenceChanged) event()   {}
func (SupervisionChanged) event()  {}
func (ContactMarked) event()       {}
func (CallPlaced) event()          {}
func (RecordingChanged) event()    {}
func (PresencePlanned) event()     {}
func (CallbackFailed) event()      {}
func (ContactHeld) event()         {}
func (ContactResumed) event()      {}
func (ContactHungUp) event()       {}
func (WrapUpExtended) event()      {}
func (OutcomeChosen) event()       {}
func (QualityReported) event()     {}
func (ContactDropped) event()      {}
func (ContactClosed) event()       {}
func (PresenceChanged) event()     {}
func (ReachabilityChanged) event() {}
