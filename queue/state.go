package queue

import (
	"maps"
	"slices"
	"strings"

	"svar/contact"
)

// ContactState is an open contact, or one that has just closed. Its JSON form is part
// of the snapshot.
type ContactState struct {
	Contact contact.Contact `json:"contact"`
	// Node has the user's leg, or had it last; both are empty for a mail or a form.
	Node  contact.NodeID `json:"node,omitempty"`
	Leg   contact.LegID  `json:"leg,omitempty"`
	State contact.State  `json:"state"`
	// Since is when the state began.
	Since contact.Instant `json:"since"`
	// Place counts arrivals from 1. It decides between two that arrived at one instant.
	Place uint64 `json:"place"`
	// Callback says that it waits to be called back, or is being dialled, with nobody on
	// the line. It is offered in its turn if [contact.Rules.OfferCallbacks] says so.
	Callback bool `json:"callback,omitempty"`
	// Dials are when it was dialled within an hour of the last time, oldest first.
	Dials []contact.Instant `json:"dials,omitempty"`
	// Queued is when it could be offered first; 0 when not yet, and for a contact that broke
	// before: reached by a call-back and returned, it is offered to anybody, before others.
	Queued contact.Instant `json:"queued,omitempty"`
	// Needs are what it was queued or sent on with, NeedsSince when; StillNeeded is what of that
	// is needed after Relaxed steps of relaxation.
	Needs       contact.Needs   `json:"needs,omitempty"`
	NeedsSince  contact.Instant `json:"needs_since,omitempty"`
	StillNeeded contact.Needs   `json:"still_needed,omitempty"`
	Relaxed     uint8           `json:"relaxed,omitempty"`
	// Class is the one that it is served in as long as it has not risen: QueuedClass, which it was queued
	// in, or the one that its impact gave it.
	Class       contact.Class `json:"class,omitempty"`
	QueuedClass contact.Class `json:"queued_class,omitempty"`
	// Target counts in the opening hours Hours; in all of time when that is empty.
	Target contact.Millis  `json:"target_ms,omitempty"`
	Hours  contact.HoursID `json:"hours,omitempty"`
	// Residents is for how many residents and companies it stands.
	Residents uint32 `json:"residents,omitempty"`
	// Returned says that its agent was lost: it comes before the others of its class.
	Returned bool `json:"returned,omitempty"`
	// Prefer is the agent whom it is kept for while it waits, until PreferUntil (0: for as long as
	// he is ready), and PreferRule why.
	Prefer      contact.AgentID `json:"prefer,omitempty"`
	PreferUntil contact.Instant `json:"prefer_until,omitempty"`
	PreferRule  contact.Rule    `json:"prefer_rule,omitempty"`
	// DueAt is when a call-back may be offered first or again; 0 when its turn alone decides. For is
	// the agent who promised it, Tries how often it was dialled in vain since it was scheduled, and
	// Exhausted says that it is offered no more.
	DueAt     contact.Instant `json:"due_at,omitempty"`
	For       contact.AgentID `json:"for,omitempty"`
	Tries     uint8           `json:"tries,omitempty"`
	Exhausted bool            `json:"exhausted,omitempty"`
	// Greeted is when the system answered the call first; 0 while it still rings.
	Greeted contact.Instant `json:"greeted,omitempty"`
	// Consult is the asking of a colleague, or the call to a place outside, that is under way; nil when there is none.
	Consult *ConsultState `json:"consult,omitempty"`
	// Conference says that user, agent and whoever is consulted hear each other: it is connected then.
	Conference bool `json:"conference,omitempty"`
	// Supervisors are in the call, sorted by name.
	Supervisors []Supervision `json:"supervisors,omitempty"`
	// NotReached is the last call of ours about it that reached nobody, until something else is done with it; nil when
	// there is none.
	NotReached *NotReached `json:"not_reached,omitempty"`
	// Marks are what its agents said of it, in order, none twice.
	Marks []contact.MarkKind `json:"marks,omitempty"`
	// Recording is how far its recording is; empty when there is none.
	Recording contact.RecordingState `json:"recording,omitempty"`
	// SentBy is the agent who sent it on last, so that a word of his that is repeated is known.
	SentBy contact.AgentID `json:"sent_by,omitempty"`
	// HandedOver is the place outside that has the user, in wrap-up.
	HandedOver contact.DestinationID `json:"handed_over,omitempty"`
	// HandedBy is the offer by which that place was called for him; 0 when somebody else brought the two together.
	HandedBy contact.OfferID `json:"handed_by,omitempty"`
	// Offer is the open one, or the one by which it is dialled; nil otherwise.
	Offer *OfferState `json:"offer,omitempty"`
	// Agent has it, from connected on.
	Agent contact.AgentID `json:"agent,omitempty"`
	// Connected is the offer by which the agent has it, while connected.
	Connected contact.OfferID `json:"connected,omitempty"`
	// AgentLeg is the agent's leg, while connected.
	AgentLeg contact.LegID `json:"agent_leg,omitempty"`
	// ConnectedAt is when agent and user were connected by that offer, hold or not; 0 when
	// they are not.
	ConnectedAt contact.Instant `json:"connected_at,omitempty"`
	// TakenAt is when its agent got it, from connected on and in wrap-up too; 0 while nobody has it.
	TakenAt contact.Instant `json:"taken_at,omitempty"`
	// Code and Ticket are what the agent has chosen so far, or what it was closed with.
	Code   contact.OutcomeCode  `json:"code,omitempty"`
	Ticket contact.TicketNumber `json:"ticket,omitempty"`
	// WrapUpUntil is when wrap-up runs out, and LapseCode what the contact is then closed with
	// unless its agent has chosen something. They are those of the rules when wrap-up began:
	// later rules do not touch it. 0 means never.
	WrapUpUntil contact.Instant     `json:"wrap_up_until,omitempty"`
	LapseCode   contact.OutcomeCode `json:"lapse_code,omitempty"`
	// Measured are the reports of quality that were recorded, at most 4.
	Measured []Measured `json:"measured,omitempty"`
	// Answered is when an agent first answered: when a call was connected first, when a text
	// was first replied to. 0 when not yet.
	Answered contact.Instant `json:"answered,omitempty"`
	// PassedOver are the agents who declined, missed or gave it back lately, sorted by agent. One
	// whose time is over counts no more, and is left here until the next change.
	PassedOver []PassedOver `json:"passed_over,omitempty"`
	// End is set when the state is closed.
	End contact.End `json:"end,omitempty"`
}

// OfferState is an open offer. One by which a contact is dialled is accepted from the
// beginning, since the agent asked for it.
type OfferState struct {
	Offer contact.OfferID `json:"offer"`
	Agent contact.AgentID `json:"agent"`
	// Since is when it was made.
	Since contact.Instant `json:"since"`
	// Expires is when it runs out: unanswered, or unconnected once it is accepted or dialled.
	Expires  contact.Instant `json:"expires"`
	Accepted bool            `json:"accepted,omitempty"`
	// Confirmed says that its agent confirmed the number that is dialled.
	Confirmed bool        `json:"confirmed,omitempty"`
	Why       contact.Why `json:"why"`
}

// ConsultState is a colleague who is asked, or talks, while the user of a call is on hold; or a place outside that is
// called, or talks.
type ConsultState struct {
	Offer contact.OfferID `json:"offer"`
	// With is the colleague, To the place outside: one of them is set. Blind says that the user is handed over to that
	// place when it answers.
	With  contact.AgentID       `json:"with,omitempty"`
	To    contact.DestinationID `json:"to,omitempty"`
	Blind bool                  `json:"blind,omitempty"`
	Since contact.Instant       `json:"since"`
	// Expires is when it runs out: unanswered, or unconnected once it is accepted; 0 once they talk.
	Expires contact.Instant `json:"expires,omitempty"`
	// Accepted is set from the beginning when a place outside is dialled.
	Accepted  bool `json:"accepted,omitempty"`
	Connected bool `json:"connected,omitempty"`
	// Leg is that of the other side, once they talk.
	Leg contact.LegID `json:"leg,omitempty"`
}

// NotReached is a call of ours that reached nobody: the place outside To, or the user when that is empty.
type NotReached struct {
	To      contact.DestinationID `json:"to,omitempty"`
	Failure contact.DialFailure   `json:"failure"`
	At      contact.Instant       `json:"at"`
}

// Supervision is a supervisor in a call.
type Supervision struct {
	Supervisor contact.AgentID         `json:"supervisor"`
	Mode       contact.SupervisionMode `json:"mode"`
}

// Measured names a report of quality: whose voice over which connection.
type Measured struct {
	Offer contact.OfferID `json:"offer"`
	Party contact.Party   `json:"party"`
}

// PassedOver is an agent who is not offered a contact before Until.
type PassedOver struct {
	Agent contact.AgentID `json:"agent"`
	Until contact.Instant `json:"until"`
}

// AgentState is an agent of the roster, or one who is gone from it and still has a
// contact or a console. Its JSON form is part of the snapshot.
type AgentState struct {
	Agent  contact.AgentID `json:"agent"`
	Skills contact.Needs   `json:"skills,omitempty"`
	// Gone says that the agent is no longer in the roster.
	Gone     bool             `json:"gone,omitempty"`
	Presence contact.Presence `json:"presence"`
	Reason   string           `json:"reason,omitempty"`
	// Channels are those that a ready agent takes, sorted; all when empty.
	Channels []contact.Channel `json:"channels,omitempty"`
	// Next is the presence that comes when the last contact is closed; empty when none is planned.
	Next       contact.Presence `json:"next,omitempty"`
	NextReason string           `json:"next_reason,omitempty"`
	// Reserved is the lowest class of contacts that the agent is asked for.
	Reserved contact.Class `json:"reserved,omitempty"`
	// ReadySince is when the agent last became ready, or came back with nothing open while he was so;
	// ramp-up begins there.
	ReadySince contact.Instant       `json:"ready_since,omitempty"`
	Cause      contact.PresenceCause `json:"cause,omitempty"`
	// Since is when the presence began.
	Since contact.Instant `json:"since"`
	// Nodes are those that the agent has a console on, sorted.
	Nodes []contact.NodeID `json:"nodes,omitempty"`
	// UnreachableSince is when the last console was lost, or when a new leader began since
	// then; 0 while there is one, and for an agent who never had one.
	UnreachableSince contact.Instant `json:"unreachable_since,omitempty"`
	// Contacts are those offered to, dialled for, connected with or being wrapped up by the
	// agent, in the order in which they were given.
	Contacts []Held `json:"contacts,omitempty"`
	// Offer is the open one, or the one by which a user is dialled for the agent; 0 when
	// there is none. An agent is asked for one contact at a time.
	Offer contact.OfferID `json:"offer,omitempty"`
	// IdleSince is when the agent last became ready or reachable, took or ended a contact, dialled in vain,
	// or declined, missed or gave one back: so long the agent was left alone. Contacts that
	// are dealt beside each other thus go round among equals. An offer that was withdrawn
	// leaves it.
	IdleSince contact.Instant `json:"idle_since"`
	// MissedInRow counts missed offers since the agent last accepted one or became ready.
	MissedInRow uint8 `json:"missed_in_row,omitempty"`
	// Missed are the last offers that did not reach the agent, newest first, at most 10,
	// since the agent last signed in: who comes back after a missed one still sees it.
	Missed []MissedOffer `json:"missed,omitempty"`
	// Declined is the agent's last declined offer, so that a repeated no is known.
	Declined contact.OfferID `json:"declined,omitempty"`
}

// Held is a contact that an agent has.
type Held struct {
	Contact contact.ID      `json:"contact"`
	Channel contact.Channel `json:"channel"`
}

// MissedOffer is an offer that the agent did not answer in time, or that did not reach him.
type MissedOffer struct {
	Cause   contact.MissCause `json:"cause"`
	Contact contact.ID        `json:"contact"`
	Line    contact.LineID    `json:"line"`
	Offer   contact.OfferID   `json:"offer"`
	At      contact.Instant   `json:"at"`
}

// Reachable reports whether the agent has a console.
func (a AgentState) Reachable() bool { return len(a.Nodes) > 0 }

func (c *ContactState) clone() ContactState {
	out := *c
	out.Needs = slices.Clone(c.Needs)
	out.PassedOver = slices.Clone(c.PassedOver)
	out.Dials = slices.Clone(c.Dials)
	out.Measured = slices.Clone(c.Measured)
	out.Supervisors = slices.Clone(c.Supervisors)
	out.Marks = slices.Clone(c.Marks)
	if c.Offer != nil {
		offer := *c.Offer
		out.Offer = &offer
	}
	out.StillNeeded = slices.Clone(c.StillNeeded)
	if c.NotReached != nil {
		notReached := *c.NotReached
		out.NotReached = &notReached
	}
	if c.Consult != nil {
		consult := *c.Consult
		out.Consult = &consult
	}
	return out
}

func (a *AgentState) clone() AgentState {
	out := *a
	out.Skills = slices.Clone(a.Skills)
	out.Nodes = slices.Clone(a.Nodes)
	out.Channels = slices.Clone(a.Channels)
	out.Contacts = slices.Clone(a.Contacts)
	out.Missed = slices.Clone(a.Missed)
	return out
}

// Contact returns an open contact, or one that closed in the last Step, Elect or Apply.
func (e *Engine) Contact(id contact.ID) (ContactState, bool) {
	if c := e.contacts[id]; c != nil {
		return c.clone(), true
	}
	for _, closed := range e.justClosed {
		if closed.Contact.ID == id {
			return closed.clone(), true
		}
	}
	return ContactState{}, false
}

// Contacts returns all open contacts, sorted by id.
func (e *Engine) Contacts() []ContactState {
	return e.selectContacts(func(*ContactState) bool { return true })
}

// ContactsOf returns the open contacts whose leg is or was on the node, sorted by id.
func (e *Engine) ContactsOf(node contact.NodeID) []ContactState {
	return e.selectContacts(func(c *ContactState) bool { return c.Node == node })
}

func (e *Engine) selectContacts(wanted func(*ContactState) bool) []ContactState {
	var list []ContactState
	for _, c := range e.contacts {
		if wanted(&c.ContactState) {
			list = append(list, c.clone())
		}
	}
	slices.SortFunc(list, func(a, b ContactState) int { return strings.Compare(string(a.Contact.ID), string(b.Contact.ID)) })
	return list
}

// Agent returns an agent of the roster, or one who is gone from it and has something
// open still.
func (e *Engine) Agent(id contact.AgentID) (AgentState, bool) {
	if a := e.agents[id]; a != nil {
		return a.clone(), true
	}
	return AgentState{}, false
}

// Agents returns every agent that [Engine.Agent] knows, sorted by id.
func (e *Engine) Agents() []AgentState {
	list := make([]AgentState, 0, len(e.agents))
	for _, id := range slices.Sorted(maps.Keys(e.agents)) {
		list = append(list, e.agents[id].clone())
	}
	return list
}

// Rules returns the rules in force.
func (e *Engine) Rules() contact.Rules { return cloneRules(e.rules) }

func cloneRules(r contact.Rules) contact.Rules {
	r.OutcomeCodes = slices.Clone(r.OutcomeCodes)
	r.Channels = slices.Clone(r.Channels)
	for i := range r.Channels {
		r.Channels[i].Beside = slices.Clone(r.Channels[i].Beside)
	}
	r.Groups = slices.Clone(r.Groups)
	for i := range r.Groups {
		r.Groups[i].Relax = slices.Clone(r.Groups[i].Relax)
		r.Groups[i].RelaxTexts = slices.Clone(r.Groups[i].RelaxTexts)
	}
	r.Hours = slices.Clone(r.Hours)
	for i := range r.Hours {
		for day, windows := range r.Hours[i].Weekly {
			r.Hours[i].Weekly[day] = slices.Clone(windows)
		}
		r.Hours[i].Exceptions = slices.Clone(r.Hours[i].Exceptions)
		for j := range r.Hours[i].Exceptions {
			r.Hours[i].Exceptions[j].Open = slices.Clone(r.Hours[i].Exceptions[j].Open)
		}
	}
	r.PauseReasons = slices.Clone(r.PauseReasons)
	return r
}

// Epoch returns that of the newest leader, 0 before the first.
func (e *Engine) Epoch() uint64 { return e.epoch }

// Last returns the instant of the last event.
func (e *Engine) Last() contact.Instant { return e.last }

// Changed returns the contacts and the agents whose state the events changed, each once; everything says
// that they may have changed all of them: who leads, the rules, the roster.
func Changed(events []contact.Event) (contacts []contact.ID, agents []contact.AgentID, everything bool) {
	var of distinct[contact.ID]
	var by distinct[contact.AgentID]
	for _, event := range events {
		id, agent := Touched(event)
		of.add(id)
		by.add(agent)
		switch v := event.(type) {
		case contact.LeaderElected, contact.RulesChanged, contact.RosterChanged:
			everything = true
		case contact.ConsultEnded:
			by.add(v.Agent) // one of the two is free now
		}
	}
	return of.list, by.list, everything
}

// distinct are ids, each once, in the order in which they came. One step may change all who wait: the needs of those
// who came overnight give way at the same instant.
type distinct[K ~string] struct {
	list []K
	has  map[K]bool
}

// add takes an id in, if it is one.
func (d *distinct[K]) add(id K) {
	if id == "" || d.has[id] {
		return
	}
	if d.has == nil {
		d.has = map[K]bool{}
	}
	d.has[id] = true
	d.list = append(d.list, id)
}

// Touched returns the contact and the agent that the event is about: the fold needs them to exist. What else it
// changes is told by [Changed].
func Touched(event contact.Event) (contact.ID, contact.AgentID) {
	switch v := event.(type) {
	case contact.ContactArrived:
		return v.Contact.ID, ""
	case contact.ContactGreeted:
		return v.Contact, ""
	case contact.ContactQueued:
		return v.Contact, ""
	case contact.ContactOffered:
		return v.Contact, v.Agent
	case contact.OfferAccepted:
		return v.Contact, v.Agent
	case contact.OfferDeclined:
		return v.Contact, v.Agent
	case contact.OfferMissed:
		return v.Contact, v.Agent
	case contact.OfferWithdrawn:
		return v.Contact, v.Agent
	case contact.ContactConnected:
		return v.Contact, v.Agent
	case contact.ContactReplied:
		return v.Contact, v.Agent
	case contact.ContactReturned:
		return v.Contact, v.Agent
	case contact.CallbackTaken:
		return v.Contact, v.Agent
	case contact.NeedsRelaxed:
		return v.Contact, ""
	case contact.PreferenceEnded:
		return v.Contact, ""
	case contact.ImpactSet:
		return v.Contact, ""
	case contact.CallbackScheduled:
		return v.Contact, v.Agent
	case contact.CallbackDue:
		return v.Contact, ""
	case contact.ContactRejoined:
		return v.Contact, ""
	case contact.ContactTransferred:
		return v.Contact, v.Agent
	case contact.ConsultOffered:
		return v.Contact, v.With
	case contact.ConsultAccepted:
		return v.Contact, v.With
	case contact.ConsultConnected:
		return v.Contact, v.With
	case contact.ConsultEnded:
		return v.Contact, v.With
	case contact.ContactHandedOver:
		return v.Contact, v.Agent
	case contact.OutsideCalled:
		return v.Contact, v.Agent
	case contact.OutsideAnswered:
		return v.Contact, ""
	case contact.OutsideEnded:
		return v.Contact, ""
	case contact.ConferenceChanged:
		return v.Contact, v.Agent
	case contact.SupervisionChanged:
		return v.Contact, "" // a supervisor need not be one who answers
	case contact.ContactMarked:
		return v.Contact, v.Agent
	case contact.CallPlaced:
		return v.Contact.ID, v.Agent
	case contact.RecordingChanged:
		return v.Contact, ""
	case contact.PresencePlanned:
		return "", v.Agent
	case contact.CallbackFailed:
		return v.Contact, v.Agent
	case contact.ContactHeld:
		return v.Contact, v.Agent
	case contact.ContactResumed:
		return v.Contact, v.Agent
	case contact.ContactHungUp:
		return v.Contact, v.Agent
	case contact.WrapUpExtended:
		return v.Contact, v.Agent
	case contact.OutcomeChosen:
		return v.Contact, v.Agent
	case contact.QualityReported:
		return v.Contact, ""
	case contact.ContactDropped:
		return v.Contact, v.Agent
	case contact.ContactClosed:
		return v.Contact, v.Agent
	case contact.PresenceChanged:
		return "", v.Agent
	case contact.ReachabilityChanged:
		return "", v.Agent
	default:
		return "", ""
	}
}
