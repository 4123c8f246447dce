package agentui

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"svar/contact"
	"svar/identity"
	"svar/queue/bus"
)

// Personal reads and keeps what records do not hold; the journal's personal stream is one.
type Personal interface {
	Personal(ctx context.Context, id contact.ID) (contact.Personal, error)
	Note(ctx context.Context, id contact.ID) (string, error)
	PutNote(ctx context.Context, id contact.ID, note string) error
	// PutPersonal keeps the number of a call that is about to be placed, Forget removes all that is kept of a contact.
	PutPersonal(ctx context.Context, id contact.ID, value contact.Personal) error
	Forget(ctx context.Context, id contact.ID) error
}

// People is the directory in memory.
type People interface{ Directory() *identity.Directory }

// stateMaker makes a console's whole state from the board. Its methods may be called
// concurrently.
type stateMaker struct {
	board    *Board
	accounts Accounts
	phones   Phones
	callers  *callers
	earlier  *earlierTickets
	accesses *accesses
	notices  Notices
	notes    *notes
	figures  *figures
	waits    *waits
	trunks   *downTrunks
	// catalogue has the lines, in the order in which they are shown, and the pause reasons.
	catalogue *atomic.Pointer[Catalogue]
	now       func() contact.Instant

	outdated atomic.Bool
	mutex    sync.Mutex
	shared   *sharedState
	// lists counts the lists of call-backs, and those of colleagues.
	lists uint64
}

// sharedState is the part that consoles show alike. It is made and encoded once for a change,
// not once for a console.
type sharedState struct {
	version   uint64
	directory *identity.Directory
	// masked is for those outside the group that sees protected people, open for those in it.
	masked, open variant
	// complete is false when a caller could not be read.
	complete bool
}

// variant is the shared part as some may see it.
type variant struct {
	SharedState
	// encoded is all of it, brief what is left without the colleagues.
	encoded, brief []byte
	// list is the number of the list of call-backs: another one for other people in it. colleagues is
	// that of the list of colleagues, another one for any change.
	list, colleagues uint64
}

// viewer returns what the agent may see of people. Who is in the group is what the account
// says now.
func (m *stateMaker) viewer(agent contact.AgentID) identity.Viewer {
	account, known := m.accounts.Account(string(agent))
	if !known {
		return identity.Viewer{}
	}
	return account.Viewer()
}

// state returns everything that the agent's console shows now. Its lists are shared with
// other consoles' states and must not be changed.
func (m *stateMaker) state(ctx context.Context, agent contact.AgentID) ConsoleState {
	shared := m.sharedOf(agent, m.sharedNow(ctx))
	return ConsoleState{OwnState: m.own(ctx, agent, shared), SharedState: shared.SharedState}
}

// message writes what state returns, as a [Message], of what all show alike what it was when they were told last. The list of colleagues is
// left out when it is the one that the console was told last: it is as long as the desk is large, and
// most changes are none of it. due says, where it is another one, whether one of that many bytes may be told; else it is left
// out too. The number returned is that of the list told now or before.
func (m *stateMaker) message(ctx context.Context, to *bytes.Buffer, agent contact.AgentID, told uint64, due func(size int) bool) (colleagues uint64, err error) {
	shared := m.sharedOf(agent, m.sharedLately(ctx))
	part := m.own(ctx, agent, shared)
	both := shared.brief
	colleagues = told
	if told != shared.colleagues && (told == 0 || due(len(shared.encoded)-len(shared.brief))) {
		both, colleagues = shared.encoded, shared.colleagues
	}
	if len(both) == 0 {
		return 0, fmt.Errorf("encode a state: %w", errNotEncoded)
	}
	to.WriteString(`{"state":`)
	if err := json.NewEncoder(to).Encode(part); err != nil {
		return 0, fmt.Errorf("encode a state: %w", err)
	}
	// Both are objects that are not empty, and share no member: they are joined as one.
	to.Truncate(to.Len() - len("}\n"))
	to.WriteByte(',')
	to.Write(both[1:])
	to.WriteByte('}')
	return colleagues, nil
}

// sharedOf returns the variant that the agent may see.
func (m *stateMaker) sharedOf(agent contact.AgentID, both *sharedState) *variant {
	if m.viewer(agent).SeesProtected {
		return &both.open
	}
	return &both.masked
}

// own returns what the agent's console alone shows, beside what it shares.
func (m *stateMaker) own(ctx context.Context, agent contact.AgentID, shared *variant) OwnState {
	viewer := m.viewer(agent)
	s := OwnState{Now: m.now(), Contacts: []OngoingCard{}, Missed: []MissedCard{}, Today: m.figures.of(agent)}
	s.Notices = standing(m.notices.Notices(), s.Now)
	if account, known := m.accounts.Account(string(agent)); known && joinsTalks(account) {
		s.Talks = m.talks(agent)
	}
	s.NotReached = m.board.notReachedBy(agent)
	m.accesses.listed(string(agent), shared.list, surfaceCallbacks, shared.Callbacks)
	me, mine := m.board.of(agent)
	catalogue := m.catalogue.Load()
	s.Me = Me{
		Presence: me.Presence, Reason: me.Reason, Cause: me.Cause, Since: me.Since, Overdue: catalogue.overdue(me.Presence, me.Reason, me.Since),
		Channels: me.Channels, Next: me.Next, NextReason: me.NextReason, Reachable: me.Reachable,
		Phone: m.phones.PhoneRegistered(agent),
	}
	if s.Me.Presence == "" {
		s.Me.Presence = contact.SignedOut
	}
	bounded, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	for _, view := range mine {
		m.addCard(bounded, &s, agent, viewer, view)
	}
	for _, missed := range me.Missed {
		s.Missed = append(s.Missed, MissedCard{
			Cause: missed.Cause, Channel: catalogue.channelOf(missed.Line), Contact: missed.Contact, Line: missed.Line, At: missed.At,
		})
	}
	return s
}

// shown logs that the agent is shown whose contact it is, if that is a person.
func (m *stateMaker) shown(agent contact.AgentID, surface string, id contact.ID, caller Caller) {
	if caller.Person != "" {
		m.accesses.noticed(look{account: string(agent), surface: surface, contact: id, person: caller.Person})
	}
}

// renew lets the shared part be made anew for the next message.
func (m *stateMaker) renew() { m.outdated.Store(true) }

// sharedLately returns the shared part as it was when renew was called last, or newer; the directory as it is.
func (m *stateMaker) sharedLately(ctx context.Context) *sharedState {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if m.shared != nil && m.shared.directory == m.callers.people.Directory() && !m.outdated.Load() {
		return m.shared
	}
	return m.makeShared(ctx)
}

// sharedNow returns the shared part for the board and the directory as they are.
func (m *stateMaker) sharedNow(ctx context.Context) *sharedState {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	return m.makeShared(ctx)
}

// makeShared needs the lock.
func (m *stateMaker) makeShared(ctx context.Context) *sharedState {
	m.outdated.Store(false) // before the look at the board
	directory := m.callers.people.Directory()
	m.board.mutex.RLock()
	if m.shared != nil && m.shared.version == m.board.version && m.shared.directory == directory {
		m.board.mutex.RUnlock()
		return m.shared
	}
	s := &sharedState{version: m.board.version, directory: directory, complete: true}
	shared := SharedState{
		Connected: m.board.connected, Waiting: m.waiting(), Callbacks: []CallbackCard{}, Agents: m.counts(), LastContact: m.board.lastContact,
		Colleagues: m.colleagues(), TrunksDown: m.trunks.all(),
	}
	shared.Queue, shared.QueueLength = queueRows(m.board.contacts, m.board.rules, m.now())
	m.waits.fill(shared.Queue)
	s.masked.SharedState, s.open.SharedState = shared, shared
	var callbacks []bus.ContactView
	for _, view := range m.board.contacts {
		if view.Callback {
			callbacks = append(callbacks, view)
		}
	}
	rules := m.board.rules
	m.callers.forgetAllBut(m.board.contacts)
	m.notes.forgetAllBut(m.board.contacts)
	m.board.mutex.RUnlock()

	slices.SortFunc(callbacks, func(a, b bus.ContactView) int {
		return cmp.Or(cmp.Compare(dueOf(a), dueOf(b)), cmp.Compare(a.Contact.Arrived, b.Contact.Arrived), cmp.Compare(a.Contact.ID, b.Contact.ID))
	})
	// All consoles wait for it and share it: the one that asks may be closing.
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), readTime)
	defer cancel()
	for _, view := range callbacks[:min(len(callbacks), maxCallbacks)] {
		m.addCallback(bounded, s, view, rules)
	}
	old := m.shared
	if old == nil {
		old = &sharedState{}
	}
	m.complete(&s.masked, old.masked)
	m.complete(&s.open, old.open)
	m.shared = s
	return s
}

// addCallback adds a call-back to both lists.
func (m *stateMaker) addCallback(ctx context.Context, s *sharedState, view bus.ContactView, rules contact.Rules) {
	who, read := m.callers.of(ctx, view.Contact, identity.Viewer{})
	s.complete = s.complete && read
	card := CallbackCard{
		Contact: view.Contact.ID, Line: view.Contact.Line, Caller: who.Caller, Arrived: view.Contact.Arrived, Since: view.Since,
		DueAt: view.DueAt, For: view.For, Tries: view.Tries, Exhausted: view.Exhausted,
	}
	card.Dials, card.DialsLeft = dials(view, rules, m.now())
	if view.State == contact.StateDialling && view.Offer != nil {
		card.Agent = view.Offer.Agent
	}
	s.masked.Callbacks = append(s.masked.Callbacks, card)
	who, _ = m.callers.of(ctx, view.Contact, identity.Viewer{SeesProtected: true})
	card.Caller = who.Caller
	s.open.Callbacks = append(s.open.Callbacks, card)
}

// errNotEncoded: the shared part of a state could not be encoded, which was logged.
var errNotEncoded = errors.New("its shared part could not be encoded")

// complete encodes a variant and numbers its lists.
func (m *stateMaker) complete(v *variant, old variant) {
	same := func(a, b CallbackCard) bool { return a.Contact == b.Contact && a.Caller.Person == b.Caller.Person }
	if v.list = old.list; v.list == 0 || !slices.EqualFunc(v.Callbacks, old.Callbacks, same) {
		m.lists++
		v.list = m.lists
	}
	if v.colleagues = old.colleagues; v.colleagues == 0 || !reflect.DeepEqual(v.Colleagues, old.Colleagues) {
		m.lists++
		v.colleagues = m.lists
	}
	brief := v.SharedState
	brief.Colleagues = nil
	var err, briefErr error
	v.encoded, err = json.Marshal(v.SharedState)
	v.brief, briefErr = json.Marshal(brief)
	if err = cmp.Or(err, briefErr); err != nil {
		v.encoded, v.brief = nil, nil
		m.board.log.Error().Err(err).Msg("the state of consoles could not be encoded")
	}
}

// dials returns how often the contact was dialled within an hour, and how often it may be
// now. The bound of all contacts together is the engine's to say.
func dials(view bus.ContactView, rules contact.Rules, now contact.Instant) (dialled, left int) {
	for _, at := range view.Dials {
		if now.Sub(at) < contact.MillisOf(time.Hour) {
			dialled++
		}
	}
	return dialled, max(0, int(rules.DialsPerContact)-dialled)
}

// again makes the shared part anew when something of it could not be read, and reports
// whether there is something to show because of that.
func (m *stateMaker) again() bool {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if m.shared == nil || m.shared.complete {
		return false
	}
	m.shared = nil
	return true
}

// readTime bounds the reading of personal data for one state: a console shows what there
// is rather than nothing.
const readTime = time.Second

// maxCallbacks bounds what one state carries; the oldest are shown.
const maxCallbacks = 50

// waiting counts who waits, by line in the configured order. The board is locked.
func (m *stateMaker) waiting() []WaitingLine {
	lines := m.catalogue.Load().Lines
	rows := make([]WaitingLine, len(lines))
	index := map[contact.LineID]int{}
	for i, line := range lines {
		rows[i].Line, index[line.ID] = line.ID, i
	}
	for _, view := range m.board.contacts {
		i, known := index[view.Contact.Line]
		if !known || view.Callback {
			continue
		}
		row := &rows[i]
		switch view.State {
		case contact.StateArrived, contact.StateGreeted:
			row.Greeted++
		case contact.StateWaiting, contact.StateOffered:
			row.Waiting++
			if row.Longest == 0 || view.Contact.Arrived < row.Longest {
				row.Longest, row.TargetMs = view.Contact.Arrived, view.Target
			}
		default: // an agent has it
		}
	}
	return rows
}

// dueOf is when a call-back is promised; those without a time come first, as their turn decides.
func dueOf(view bus.ContactView) contact.Instant { return view.DueAt }

// counts counts agents without names. The board is locked.
func (m *stateMaker) counts() AgentCounts {
	var n AgentCounts
	for _, agent := range m.board.agents {
		switch {
		case agent.Presence == contact.SignedOut || !agent.Reachable:
		case len(agent.Contacts) > 0:
			n.Busy++
		case agent.Presence == contact.Ready:
			n.Ready++
		default:
			n.Paused++
		}
	}
	return n
}
