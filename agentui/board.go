package agentui

import (
	"context"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"svar/contact"
	"svar/queue/bus"
)

// Changes is where the board hears of the queue; *bus.Bus is one.
type Changes interface {
	FollowChanges(handle func(bus.Change)) (stop func() error, err error)
	AskView(ctx context.Context) (bus.View, error)
}

const (
	// staleAfter is how long the dispatcher may be silent before the board says that it
	// is not connected; it sends a change at least every second.
	staleAfter = 3 * time.Second
	// askTime bounds one question to the dispatcher.
	askTime = 5 * time.Second
)

// Board mirrors what is open in the queue: it follows the dispatcher's changes and asks
// for the whole when it missed one. Its methods may be called concurrently.
type Board struct {
	changes Changes
	log     zerolog.Logger

	mutex     sync.RWMutex
	epoch     uint64
	sequence  uint64
	heard     time.Time // when the dispatcher was last heard
	connected bool
	contacts  map[contact.ID]bus.ContactView
	agents    map[contact.AgentID]bus.AgentView
	rules     contact.Rules
	// lastContact is when the newest contact arrived, open or not; 0 when none was seen.
	lastContact contact.Instant
	// notReached are the calls that agents placed last, of those who reached nobody by it.
	notReached map[contact.AgentID]NotReachedCard
	// version counts what was taken in, so that others know when to look anew.
	version uint64

	// updated is called after each change, without the lock.
	updated func(bus.Change)
	resync  chan struct{}
}

// NewBoard returns a board that knows nothing yet.
func NewBoard(changes Changes, log zerolog.Logger) *Board {
	return &Board{
		changes: changes, log: log, updated: func(bus.Change) {}, resync: make(chan struct{}, 1),
		contacts: map[contact.ID]bus.ContactView{}, agents: map[contact.AgentID]bus.AgentView{},
		notReached: map[contact.AgentID]NotReachedCard{},
	}
}

// Run follows the queue until ctx ends.
func (b *Board) Run(ctx context.Context) error {
	stop, err := b.changes.FollowChanges(b.apply)
	if err != nil {
		return err
	}
	defer func() {
		if err := stop(); err != nil {
			b.log.Warn().Err(err).Msg("the board could not end its subscription")
		}
	}()
	var loading sync.WaitGroup
	defer loading.Wait()
	loading.Go(func() { b.keepLoading(ctx) }) // apart: a question that nobody answers must not hide the silence
	b.askForAll()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			b.watch()
		}
	}
}

func (b *Board) keepLoading(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-b.resync:
			b.load(ctx)
		}
	}
}

func (b *Board) askForAll() {
	select {
	case b.resync <- struct{}{}:
	default:
	}
}

// watch notices a silent dispatcher, and asks for the whole until one answers.
func (b *Board) watch() {
	b.mutex.Lock()
	lost := b.connected && time.Since(b.heard) > staleAfter
	if lost {
		b.connected = false
		b.version++
	}
	ask := !b.connected
	b.mutex.Unlock()
	if lost {
		b.log.Warn().Msg("the dispatcher is silent")
		b.updated(bus.Change{})
	}
	if ask {
		b.askForAll()
	}
}

func (b *Board) load(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	view, err := b.changes.AskView(ctx)
	if err != nil {
		b.log.Debug().Err(err).Msg("no dispatcher told what is open")
		return
	}
	b.mutex.Lock()
	if view.Epoch < b.epoch || (view.Epoch == b.epoch && view.Sequence < b.sequence) {
		b.mutex.Unlock()
		return // a change came in meanwhile
	}
	b.epoch, b.sequence, b.heard, b.connected = view.Epoch, view.Sequence, time.Now(), true
	b.contacts, b.agents = map[contact.ID]bus.ContactView{}, map[contact.AgentID]bus.AgentView{}
	change := bus.Change{Contacts: view.Contacts, Agents: view.Agents, Rules: &view.Rules}
	b.merge(change)
	b.mutex.Unlock()
	b.updated(change)
}

// apply takes one change in. One that is known already is a sign of life. An empty one that
// is not may repeat the sequence of one that was lost, so the whole is asked for; and so it is when
// a change says that it does not tell all.
func (b *Board) apply(change bus.Change) {
	b.mutex.Lock()
	switch {
	case change.Epoch < b.epoch:
		b.mutex.Unlock()
		return // of a leader that lost its place
	case !b.connected:
		b.mutex.Unlock()
		b.askForAll()
		return
	case change.Epoch == b.epoch && change.Sequence <= b.sequence:
		b.heard = time.Now()
		b.mutex.Unlock()
		return
	case change.Sequence != b.sequence+1, change.Everything, len(change.Contacts)+len(change.Agents) == 0 && change.Rules == nil:
		b.mutex.Unlock()
		b.askForAll()
		return
	}
	b.epoch, b.sequence, b.heard = change.Epoch, change.Sequence, time.Now()
	b.merge(change)
	b.mutex.Unlock()
	b.updated(change)
}

// merge takes views in. The board is locked.
func (b *Board) merge(change bus.Change) {
	b.version++
	for _, view := range change.Contacts {
		if view.End != contact.EndRefused && !view.Contact.Outgoing {
			b.lastContact = max(b.lastContact, view.Contact.Arrived)
		}
		b.followPlaced(view, change.Now)
		if view.State == contact.StateClosed {
			delete(b.contacts, view.Contact.ID)
		} else {
			b.contacts[view.Contact.ID] = view
		}
	}
	for _, view := range change.Agents {
		b.agents[view.Agent] = view
	}
	if change.Rules != nil {
		b.rules = *change.Rules
	}
}

// concerned are the agents whose own part of the state a change may have changed, some of them more than once.
func concerned(change bus.Change) []contact.AgentID {
	agents := make([]contact.AgentID, 0, len(change.Agents)+2*len(change.Contacts))
	for _, view := range change.Agents {
		agents = append(agents, view.Agent)
	}
	for _, view := range change.Contacts {
		agents = append(agents, view.Agent, view.For)
		if view.Offer != nil {
			agents = append(agents, view.Offer.Agent)
		}
		if view.Consult != nil {
			agents = append(agents, view.Consult.With)
		}
		for _, supervision := range view.Supervisors {
			agents = append(agents, supervision.Supervisor)
		}
	}
	return agents
}

// remember takes the arrival of a stored contact in: a board that just began has seen none.
func (b *Board) remember(arrived contact.Instant) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if arrived > b.lastContact {
		b.lastContact = arrived
		b.version++
	}
}

// Agent returns what the queue knows of an agent.
func (b *Board) Agent(id contact.AgentID) (bus.AgentView, bool) {
	b.mutex.RLock()
	defer b.mutex.RUnlock()
	view, known := b.agents[id]
	return view, known
}

// of returns what the queue knows of an agent, and the open contacts that the agent is
// offered or has, in the order in which they were given.
func (b *Board) of(agent contact.AgentID) (bus.AgentView, []bus.ContactView) {
	b.mutex.RLock()
	defer b.mutex.RUnlock()
	me := b.agents[agent]
	var mine []bus.ContactView
	for _, id := range me.Contacts {
		if view, open := b.contacts[id]; open && (isOffered(view, agent) || isWith(view, agent) || isConsulted(view, agent)) {
			mine = append(mine, view)
		}
	}
	return me, mine
}

// Has returns the contact if the agent is connected with it, dials it, wraps it up or talks with
// the colleague who has it: it is not enough to be rung for it.
func (b *Board) Has(agent contact.AgentID, id contact.ID) (bus.ContactView, bool) {
	b.mutex.RLock()
	defer b.mutex.RUnlock()
	view, open := b.contacts[id]
	return view, open && isWith(view, agent)
}

// Holds returns the contact if it is the agent's own: he is connected with it, dials it or wraps it
// up. Who was asked about it by a colleague has nothing to write of it.
func (b *Board) Holds(agent contact.AgentID, id contact.ID) (bus.ContactView, bool) {
	view, has := b.Has(agent, id)
	return view, has && !isConsulted(view, agent)
}

// isOffered reports whether the agent is asked for the contact.
func isOffered(view bus.ContactView, agent contact.AgentID) bool {
	return view.State == contact.StateOffered && view.Offer != nil && view.Offer.Agent == agent
}

// isWith reports whether the agent has the contact, be it that it is being dialled for him.
func isWith(view bus.ContactView, agent contact.AgentID) bool {
	if agent == "" {
		return false
	}
	dials := view.State == contact.StateDialling && view.Offer != nil && view.Offer.Agent == agent
	return dials || view.Agent == agent || isConsulted(view, agent) && view.Consult.Connected
}

// isConsulted reports whether the agent is asked about the contact of a colleague, or talks with
// him.
func isConsulted(view bus.ContactView, agent contact.AgentID) bool {
	return agent != "" && view.Consult != nil && view.Consult.With == agent
}

// offerOf returns the offer that is open, or by which an agent has the contact.
func offerOf(view bus.ContactView) contact.OfferID {
	if view.Offer != nil {
		return view.Offer.Offer
	}
	return view.ConnectedBy
}

// followPlaced takes in what became of a call that an agent placed. The board is locked, and has the contact as it was.
func (b *Board) followPlaced(view bus.ContactView, now contact.Instant) {
	if !view.Contact.Outgoing {
		return
	}
	if view.State == contact.StateDialling && view.Offer != nil {
		delete(b.notReached, view.Offer.Agent)
	}
	before := b.contacts[view.Contact.ID]
	if view.End != contact.EndNotReached || before.Offer == nil {
		return
	}
	card := NotReachedCard{Contact: view.Contact.ID, At: now}
	if view.NotReached != nil {
		card.Failure, card.At = view.NotReached.Failure, view.NotReached.At
	}
	b.notReached[before.Offer.Agent] = card
}

// notReachedBy returns the call that the agent placed last, if it reached nobody.
func (b *Board) notReachedBy(agent contact.AgentID) *NotReachedCard {
	b.mutex.RLock()
	defer b.mutex.RUnlock()
	if card, is := b.notReached[agent]; is {
		return &card
	}
	return nil
}
