package queue

import (
	"fmt"
	"slices"

	"svar/contact"
	"svar/routing"
)

// EngineVersion counts changes of what the engine decides. Every record carries it: the
// same commands give the same events on the same version.
const EngineVersion = 5

// Engine is the queue. See the package comment.
type Engine struct {
	// The state: the fold of the events, and what a snapshot holds.

	last      contact.Instant
	epoch     uint64
	leader    contact.NodeID
	settled   contact.Instant
	rules     contact.Rules
	contacts  map[contact.ID]*entry
	agents    map[contact.AgentID]*AgentState
	closed    []closedContact
	dials     []contact.Instant // of the desk within an hour of the last one, oldest first
	handling  map[handlingKey]handlingMean
	lastOffer contact.OfferID
	lastPlace uint64
	handled   memory

	// What follows from the state, kept for speed.

	closedBy   map[contact.ID]closedContact
	offers     map[contact.OfferID]*entry
	alarms     alarms
	passedOver map[contact.ID]*entry
	away       map[contact.AgentID]*AgentState // those without a console who have contacts
	leaving    map[contact.AgentID]*AgentState // those who have nothing more before their planned presence
	clock      contact.Instant                 // up to when the pools know what time has brought
	ramping    map[contact.AgentID]contact.Instant
	rampAlarms rampAlarms
	pools      map[contact.Channel]*routing.Pool
	lines      map[lineKey]*line
	byRanking  map[*routing.Ranking][]*line
	idleLines  int // how many of them nobody stands in
	waiting    int
	asked      int // how many call-backs are offered
	callbacks  int // how many wait to be called back or are dialled
	clocks     map[contact.HoursID]*contact.Clock
	keptFor    map[contact.AgentID]map[contact.ID]*entry
	crews      map[string]*crew // those on duty, by what they may be asked for
	crewOf     map[contact.AgentID]*crew
	// supervising is the call that each supervisor is in.
	supervising map[contact.AgentID]*entry
	musters     uint64 // counts the changes of crews
	sweepAt     int    // how many alarms there are when void ones are looked for

	// What happened in the last call.

	emitted    []contact.Event
	justClosed []*entry
	doubted    []*entry // those whose keeping may have to end
}

// closedContact is remembered of a contact that closed, so that a command that comes
// late or twice finds its work done.
type closedContact struct {
	Contact contact.ID      `json:"contact"`
	Agent   contact.AgentID `json:"agent,omitempty"`
	// Lapsed says that its wrap-up ran out: what its agent chooses later comes too late.
	Lapsed bool `json:"lapsed,omitempty"`
	// HandedBy is the offer by which a place outside was called that has its user, on Node.
	HandedBy contact.OfferID `json:"handed_by,omitempty"`
	Node     contact.NodeID  `json:"node,omitempty"`
	// Recording is how far its recording was: the end of one may come later.
	Recording contact.RecordingState `json:"recording,omitempty"`
}

// closedMemory is how many closed contacts are remembered. At a hundred contacts a
// second it is 40 s, far longer than a sender tries again.
const closedMemory = 4096

// DefaultRules hold until the first [contact.ChangeRules]. They have no outcome codes, room
// for one contact of whatever channel, and nobody is dialled.
func DefaultRules() contact.Rules {
	return contact.Rules{OfferTimeout: 15_000, ConnectTimeout: 5_000, MissLimit: 1, UnreachableGrace: 30_000}
}

// New returns an engine in which nothing has happened.
func New() *Engine {
	pools := make(map[contact.Channel]*routing.Pool, len(channels))
	for _, channel := range channels {
		pools[channel] = routing.NewPool()
	}
	return &Engine{
		rules:      DefaultRules(),
		contacts:   map[contact.ID]*entry{},
		agents:     map[contact.AgentID]*AgentState{},
		closedBy:   map[contact.ID]closedContact{},
		offers:     map[contact.OfferID]*entry{},
		passedOver: map[contact.ID]*entry{},
		away:       map[contact.AgentID]*AgentState{},
		leaving:    map[contact.AgentID]*AgentState{},
		ramping:    map[contact.AgentID]contact.Instant{},
		pools:      pools,
		lines:      map[lineKey]*line{},
		byRanking:  map[*routing.Ranking][]*line{},
		keptFor:    map[contact.AgentID]map[contact.ID]*entry{},
		handling:   map[handlingKey]handlingMean{},
		crews:      map[string]*crew{},
		crewOf:     map[contact.AgentID]*crew{},

		supervising: map[contact.AgentID]*entry{},
		sweepAt:     minSweep,
	}
}

// Step decides the command at now, which is moved up to the instant of the last event if
// it lies before it, and returns what happened, in order; nil when nothing did. The
// engine has applied the events already.
//
// An error is always a [*contact.Rejection]: nothing happened then, not even what was
// due; the next Step or Tick brings that.
func (e *Engine) Step(command contact.Command, now contact.Instant) ([]contact.Event, error) {
	now = max(now, e.last)
	before := e.clock
	passed := e.passTo(now)
	perform, rejection := e.plan(command, now)
	if rejection != nil {
		e.takeBackTime(before, passed)
		return nil, rejection
	}
	e.begin()
	e.due(now)
	perform()
	e.due(now) // what came back may have waited long enough for more
	e.keepPlans(now)
	e.endKeepings(now)
	e.match(now)
	return e.emitted, nil
}

// Elect begins the epoch of a new leader at now. Open offers are withdrawn without
// counting as missed; accepted ones get their time to connect again; a call-back that was
// being dialled waits again, since nobody knows what came of it, and so does nobody of a call that the desk began, which
// is closed; and wrap-up lasts long enough
// for its agent to say what he could not say while nobody led. No offer is made
// before the nodes have had a second to report, unless nothing was open. The epoch must
// be above the last one's, else the error is a [*contact.Rejection] and nothing happened.
func (e *Engine) Elect(epoch uint64, node contact.NodeID, now contact.Instant) ([]contact.Event, error) {
	if epoch <= e.epoch {
		return nil, reject(contact.Invalid)
	}
	now = max(now, e.last)
	e.passTo(now)
	e.begin()
	e.emit(contact.LeaderElected{Epoch: epoch, Node: node}, now)
	for _, c := range e.sortedContacts() {
		switch {
		case c.State == contact.StateDialling:
			e.failDial(c, contact.DialFault, now)
		case c.Offer != nil && !c.Offer.Accepted:
			e.withdraw(c, contact.TakeOver, now)
		case c.Consult != nil && c.Consult.talksOutside() && !c.Consult.Connected:
			e.endOutside(c, contact.DialFault, now) // nobody knows what came of it
		case c.Consult != nil && !c.Consult.Accepted:
			e.overConsult(c, now)
		default:
			e.resumeWrapUp(c, now)
		}
	}
	e.keepPlans(now)
	e.endKeepings(now)
	return e.emitted, nil
}

// Apply takes over an event that was recorded at now. An error says that the event
// cannot have followed the ones before: the state is not to be used any more.
func (e *Engine) Apply(event contact.Event, now contact.Instant) error {
	e.passTo(max(now, e.last))
	e.begin()
	return e.apply(event, now)
}

func (e *Engine) begin() {
	clear(e.justClosed)
	e.emitted, e.justClosed, e.doubted = nil, e.justClosed[:0], e.doubted[:0]
}

// emit decides that the event happened.
func (e *Engine) emit(event contact.Event, now contact.Instant) {
	if err := e.apply(event, now); err != nil {
		// The engine contradicts itself: going on would record a lie.
		panic(fmt.Sprintf("queue: decided what cannot be applied: %v", err))
	}
	if e.emitted == nil {
		e.emitted = make([]contact.Event, 0, 4) // most steps bring no more
	}
	e.emitted = append(e.emitted, event)
}

// sortedContacts returns all open contacts, sorted by id.
func (e *Engine) sortedContacts() []*entry {
	list := make([]*entry, 0, len(e.contacts))
	for _, c := range e.contacts {
		list = append(list, c)
	}
	slices.SortFunc(list, byID)
	return list
}
