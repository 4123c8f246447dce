package agentui

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"svar/contact"
	"svar/identity"
	"svar/queue/bus"
	"svar/report"
)

// fakeQueue is the dispatcher and the bus in one: it tells what a test says, and remembers
// what was asked of it.
type fakeQueue struct {
	mutex    sync.Mutex
	view     bus.View
	viewErr  error
	silent   bool
	asked    int
	waits    map[contact.ID]contact.Millis
	waitErr  map[contact.ID]error
	handlers map[int]func(bus.Change)
	signals  func(bus.Signal)
	commands []contact.Command
	decide   func(context.Context, contact.Command) error
	passed   []bus.Signal
	passedTo []contact.NodeID
	// controls are what was asked of nodes; act answers.
	controls   []bus.Control
	controlled []contact.NodeID
	act        func(context.Context, bus.Control) error
}

func newFakeQueue() *fakeQueue {
	return &fakeQueue{view: bus.View{Epoch: 1, Sequence: 10}, handlers: map[int]func(bus.Change){}}
}

// live repeats the last sequence every second, as the dispatcher does.
func (q *fakeQueue) live(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			q.mutex.Lock()
			silent, change := q.silent, bus.Change{Epoch: q.view.Epoch, Sequence: q.view.Sequence}
			q.mutex.Unlock()
			if !silent {
				q.send(change)
			}
		}
	}
}

func (q *fakeQueue) send(change bus.Change) {
	q.mutex.Lock()
	handlers := slices.Collect(maps.Values(q.handlers))
	q.mutex.Unlock()
	for _, handle := range handlers {
		handle(change)
	}
}

// record takes a change into the view and returns it as the dispatcher would publish it.
func (q *fakeQueue) record(contacts []bus.ContactView, agents []bus.AgentView) bus.Change {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	q.view.Sequence++
	for _, view := range contacts {
		q.view.Contacts = slices.DeleteFunc(slices.Clone(q.view.Contacts), func(old bus.ContactView) bool { return old.Contact.ID == view.Contact.ID })
		if view.State != contact.StateClosed {
			q.view.Contacts = append(q.view.Contacts, view)
		}
	}
	for _, view := range agents {
		q.view.Agents = append(slices.DeleteFunc(slices.Clone(q.view.Agents), func(old bus.AgentView) bool { return old.Agent == view.Agent }), view)
	}
	return bus.Change{Epoch: q.view.Epoch, Sequence: q.view.Sequence, Contacts: contacts, Agents: agents}
}

func (q *fakeQueue) contacts(views ...bus.ContactView) { q.send(q.record(views, nil)) }
func (q *fakeQueue) agents(views ...bus.AgentView)     { q.send(q.record(nil, views)) }

func (q *fakeQueue) set(change func()) {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	change()
}

func (q *fakeQueue) timesAsked() int {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	return q.asked
}

func (q *fakeQueue) sent() []contact.Command {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	return slices.Clone(q.commands)
}

func (q *fakeQueue) Send(ctx context.Context, c contact.Command) error {
	q.mutex.Lock()
	q.commands = append(q.commands, c)
	decide := q.decide
	q.mutex.Unlock()
	if decide != nil {
		return decide(ctx, c)
	}
	return nil
}

func (q *fakeQueue) FollowChanges(handle func(bus.Change)) (func() error, error) {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	key := len(q.handlers)
	q.handlers[key] = handle
	return func() error {
		q.mutex.Lock()
		defer q.mutex.Unlock()
		delete(q.handlers, key)
		return nil
	}, nil
}

// AskWait tells what the test has set for the contact.
func (q *fakeQueue) AskWait(_ context.Context, asked bus.WaitQuestion) (bus.Wait, error) {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	expected, known := q.waits[asked.Contact]
	return bus.Wait{Known: known, Expected: expected}, q.waitErr[asked.Contact]
}

func (q *fakeQueue) AskView(context.Context) (bus.View, error) {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	q.asked++
	return q.view, q.viewErr
}

func (q *fakeQueue) SignalNode(node contact.NodeID, s bus.Signal) error {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	q.passed, q.passedTo = append(q.passed, s), append(q.passedTo, node)
	return nil
}

func (q *fakeQueue) FollowAgentSignals(handle func(bus.Signal)) (func() error, error) {
	q.signals = handle
	return func() error { return nil }, nil
}

func (q *fakeQueue) Control(ctx context.Context, node contact.NodeID, c bus.Control) error {
	q.mutex.Lock()
	q.controls, q.controlled = append(q.controls, c), append(q.controlled, node)
	act := q.act
	q.mutex.Unlock()
	if act != nil {
		return act(ctx, c)
	}
	return nil
}

func (q *fakeQueue) controlsAsked() []bus.Control {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	return slices.Clone(q.controls)
}

// fakeEcho makes echo calls that tests look at.
type fakeEcho struct {
	mutex sync.Mutex
	calls []*fakeEchoCall
	err   error
}

type fakeEchoCall struct {
	agent   contact.AgentID
	send    func(json.RawMessage)
	mutex   sync.Mutex
	signals []string
	over    chan struct{}
	once    sync.Once
}

func (e *fakeEcho) Echo(_ context.Context, agent contact.AgentID, send func(json.RawMessage)) (EchoCall, error) {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	if e.err != nil {
		return nil, e.err
	}
	call := &fakeEchoCall{agent: agent, send: send, over: make(chan struct{})}
	e.calls = append(e.calls, call)
	send(json.RawMessage(`{"sdp":"offer"}`))
	return call, nil
}

func (e *fakeEcho) all() []*fakeEchoCall {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	return slices.Clone(e.calls)
}

func (c *fakeEchoCall) Signal(message json.RawMessage) error {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.signals = append(c.signals, string(message))
	return nil
}

func (c *fakeEchoCall) HangUp()               { c.once.Do(func() { close(c.over) }) }
func (c *fakeEchoCall) Done() <-chan struct{} { return c.over }

func (c *fakeEchoCall) ended() bool {
	select {
	case <-c.over:
		return true
	default:
		return false
	}
}

type fakeAccounts struct {
	mutex sync.Mutex
	by    map[string]identity.Account
}

func (a *fakeAccounts) Account(name string) (identity.Account, bool) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	account, known := a.by[name]
	return account, known
}

func (a *fakeAccounts) set(account identity.Account) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	a.by[account.Name] = account
}

func (a *fakeAccounts) remove(name string) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	delete(a.by, name)
}

type fakePeople struct{ directory *identity.Directory }

func (p fakePeople) Directory() *identity.Directory { return p.directory }

type fakePersonal struct {
	mutex sync.Mutex
	by    map[contact.ID]contact.Personal
	notes map[contact.ID]string
	// noteReads counts the readings of notes, reads those of callers.
	noteReads int
	failed    error
	reads     int
	forgotten []contact.ID
}

func (p *fakePersonal) Personal(_ context.Context, id contact.ID) (contact.Personal, error) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.reads++
	return p.by[id], p.failed
}

func (p *fakePersonal) Note(_ context.Context, id contact.ID) (string, error) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.noteReads++
	return p.notes[id], p.failed
}

func (p *fakePersonal) PutNote(_ context.Context, id contact.ID, note string) error {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.notes[id] = note
	return p.failed
}

func (p *fakePersonal) PutPersonal(_ context.Context, id contact.ID, value contact.Personal) error {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.by[id] = value
	return p.failed
}

func (p *fakePersonal) Forget(_ context.Context, id contact.ID) error {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	delete(p.by, id)
	p.forgotten = append(p.forgotten, id)
	return nil
}

// kept returns what is kept of all contacts.
func (p *fakePersonal) kept() map[contact.ID]contact.Personal {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return maps.Clone(p.by)
}

// fakeRecordings has some calls' recordings, and counts those that are open.
type fakeRecordings struct {
	by    map[contact.ID]string
	err   error
	open  atomic.Int64
	calls []report.RecordedCall // the newest first
	asked []report.RecordedCallFilter
}

func (r *fakeRecordings) RecordedCalls(_ context.Context, f report.RecordedCallFilter) ([]report.RecordedCall, error) {
	r.asked = append(r.asked, f)
	if r.err != nil {
		return nil, r.err
	}
	from := slices.IndexFunc(r.calls, func(c report.RecordedCall) bool { return c.Contact == f.Before }) + 1
	return r.calls[from:min(len(r.calls), from+f.Limit)], nil
}

func (r *fakeRecordings) Open(_ context.Context, id contact.ID) (io.ReadSeekCloser, error) {
	text, is := r.by[id]
	if !is {
		return nil, cmp.Or(r.err, ErrNotFound)
	}
	r.open.Add(1)
	return &fakeRecording{strings.NewReader(text), r}, nil
}

type fakeRecording struct {
	*strings.Reader
	of *fakeRecordings
}

func (r *fakeRecording) Close() error { r.of.open.Add(-1); return nil }

func (p *fakePersonal) fail(err error) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.failed = err
}

type fakeFigures struct {
	mutex sync.Mutex
	day   DayFigures
	err   error
}

func (f *fakeFigures) Today(context.Context, time.Time) (DayFigures, error) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	return f.day, f.err
}

// fakeOwnContacts reads as the store does.
type fakeOwnContacts struct {
	mutex sync.Mutex
	by    map[contact.AgentID][]report.AgentContact // the newest first
	err   error
}

func (c *fakeOwnContacts) AgentContacts(_ context.Context, agent contact.AgentID, before contact.Instant, limit int) ([]report.AgentContact, error) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	var found []report.AgentContact
	for _, had := range c.by[agent] {
		if had.Taken < before && len(found) < limit {
			found = append(found, had)
		}
	}
	return found, c.err
}

// fakeExplanations reads as the store does.
type fakeExplanations struct {
	by  map[contact.ID][]report.Recorded
	err error
}

func (e *fakeExplanations) Recorded(_ context.Context, id contact.ID) ([]report.Recorded, error) {
	return e.by[id], e.err
}

// fakeContacts filters as the store does.
type fakeContacts struct {
	mutex sync.Mutex
	list  []StoredContact
	err   error
	asked []ContactFilter
}

func (c *fakeContacts) Contacts(_ context.Context, f ContactFilter) ([]StoredContact, error) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.asked = append(c.asked, f)
	var found []StoredContact
	sorted := slices.SortedFunc(slices.Values(c.list), func(a, b StoredContact) int {
		return cmp.Or(b.Arrived.Compare(a.Arrived), cmp.Compare(b.ID, a.ID))
	})
	before := f.Before == ""
	for _, stored := range sorted {
		in := !stored.Arrived.Before(f.From) && stored.Arrived.Before(f.To) && (f.Line == "" || f.Line == stored.Line) &&
			(f.State == "" || f.State == stored.State)
		if before && in && len(found) < f.Limit {
			found = append(found, stored)
		}
		before = before || stored.ID == f.Before
	}
	return found, c.err
}

var errFake = errors.New("out of order, says the test")
