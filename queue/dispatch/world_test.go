package dispatch

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/rs/zerolog"
	"go.uber.org/goleak"

	"svar/contact"
	"svar/queue"
	"svar/queue/bus"
	"svar/queue/journal"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// testContext bounds what could hang; no test's outcome depends on its length.
func testContext(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// world is a server with its journal, and a node that hears what is published.
type world struct {
	t       testing.TB
	server  *journal.Embedded
	conn    *nats.Conn
	bus     *bus.Bus
	journal *journal.Journal
	log     *logLines
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, log: &logLines{lines: make(chan string, 10_000)}}
	var err error
	if w.server, err = journal.StartEmbedded(testContext(t), journal.EmbeddedConfig{Dir: t.TempDir(), Log: zerolog.Nop()}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.server.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
	w.conn = w.connect()
	w.bus, w.journal = bus.New(w.conn), w.open(w.conn)
	return w
}

func (w *world) connect() *nats.Conn {
	w.t.Helper()
	conn, err := w.server.Connect("test")
	if err != nil {
		w.t.Fatal(err)
	}
	return conn
}

func (w *world) open(conn *nats.Conn) *journal.Journal {
	w.t.Helper()
	j, err := journal.Open(testContext(w.t), conn)
	if err != nil {
		w.t.Fatal(err)
	}
	return j
}

// leader is a dispatcher that runs.
type leader struct {
	t      testing.TB
	conn   *nats.Conn
	cancel context.CancelFunc
	result chan error
	err    error
}

// lead starts a dispatcher on a connection of its own and waits until it leads.
func (w *world) lead() *leader {
	w.t.Helper()
	l, dispatcher := w.begin(0)
	select {
	case <-dispatcher.Ready():
	case err := <-l.result:
		w.t.Fatal(err)
	}
	return l
}

func (w *world) begin(seen uint64) (*leader, *Dispatcher) {
	w.t.Helper()
	return w.beginObserved(seen, nil)
}

func (w *world) beginObserved(seen uint64, observe func(Turn)) (*leader, *Dispatcher) {
	w.t.Helper()
	conn := w.connect()
	dispatcher := New(Config{
		Node: "node-1", Journal: w.open(conn), Bus: bus.New(conn), Seen: seen, Now: time.Now, Log: zerolog.New(w.log),
		Observe: observe,
	})
	ctx, cancel := context.WithCancel(context.Background())
	l := &leader{t: w.t, conn: conn, cancel: cancel, result: make(chan error, 1)}
	over := make(chan struct{})
	go func() {
		defer close(over)
		l.result <- dispatcher.Run(ctx)
	}()
	w.t.Cleanup(func() {
		cancel()
		<-over
		conn.Close()
	})
	return l, dispatcher
}

// stop ends it with grace.
func (l *leader) stop() {
	l.t.Helper()
	l.cancel()
	if err := <-l.result; err != nil {
		l.t.Error(err)
	}
}

// kill ends it in the middle of whatever it does: nothing goes in or out any more.
func (l *leader) kill() {
	l.conn.Close()
	l.cancel()
	l.err = <-l.result
}

func (w *world) send(commands ...contact.Command) {
	w.t.Helper()
	for _, command := range commands {
		if err := w.bus.Send(testContext(w.t), command); err != nil {
			w.t.Fatal(err)
		}
	}
}

// refused sends a command that is rejected.
func (w *world) refused(command contact.Command, want contact.RejectionCode) {
	w.t.Helper()
	rejection := (*contact.Rejection)(nil)
	if err := w.bus.Send(testContext(w.t), command); !errors.As(err, &rejection) || rejection.Code != want {
		w.t.Errorf("%s was answered %v, want %s", contact.CommandName(command), err, want)
	}
}

func (w *world) last() uint64 {
	w.t.Helper()
	last, err := w.journal.Last(testContext(w.t))
	if err != nil {
		w.t.Fatal(err)
	}
	return last
}

type numbered struct {
	sequence uint64
	journal.Record
}

func (w *world) records() []numbered {
	w.t.Helper()
	var records []numbered
	err := w.journal.Read(testContext(w.t), 1, func(sequence uint64, r journal.Record) error {
		records = append(records, numbered{sequence, r})
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return records
}

// folded is the engine that the whole journal makes.
func (w *world) folded() *queue.Engine {
	w.t.Helper()
	engine := queue.New()
	for _, r := range w.records() {
		if err := fold(engine, r.sequence, r.Record); err != nil {
			w.t.Fatal(err)
		}
	}
	return engine
}

// orders hears those to the node. Each must be on record when it comes.
func (w *world) orders(node contact.NodeID) <-chan bus.Order {
	w.t.Helper()
	orders := make(chan bus.Order, 10_000)
	w.follow(w.bus.FollowOrders(node, func(o bus.Order) {
		if last, err := w.journal.Last(context.Background()); err != nil || last < o.Sequence {
			w.t.Errorf("the order %+v came before its record: the journal ends at %d (%v)", o, last, err)
		}
		orders <- o
	}))
	return orders
}

func (w *world) changes() <-chan bus.Change {
	w.t.Helper()
	changes := make(chan bus.Change, 10_000)
	w.follow(w.bus.FollowChanges(func(c bus.Change) { changes <- c }))
	return changes
}

func (w *world) follow(stop func() error, err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = stop() })
}

// agents signs in those agents, ready.
func (w *world) agents(names ...contact.AgentID) {
	w.t.Helper()
	var roster contact.Roster
	for _, name := range names {
		roster.Agents = append(roster.Agents, contact.Agent{ID: name, Skills: contact.NewNeeds(contact.Need{Skill: "staff", Level: 3})})
	}
	w.send(contact.ChangeRoster{Roster: roster})
	for _, name := range names {
		w.send(contact.SetReachable{Agent: name, Node: "node-1", Reachable: true}, contact.SetPresence{Agent: name, Presence: contact.Ready})
	}
}

var rules = contact.Rules{OfferTimeout: 60_000, ConnectTimeout: 60_000, MissLimit: 1, OutcomeCodes: []contact.OutcomeCode{"solved"}}

func arrive(id contact.ID) contact.Arrive {
	return contact.Arrive{
		Contact: contact.Contact{ID: id, Channel: contact.Voice, Line: "staff", Language: "sv", Arrived: contact.InstantOf(time.Now())},
		Node:    "node-1", Leg: "leg-" + contact.LegID(id),
	}
}

// call arrives, is greeted and waits.
func (w *world) call(id contact.ID) {
	w.t.Helper()
	w.send(arrive(id), contact.Greet{Contact: id}, enqueue(id))
}

func enqueue(id contact.ID) contact.Enqueue {
	return contact.Enqueue{Contact: id, Needs: contact.NewNeeds(contact.Need{Skill: "staff", Level: 1}), Target: 60_000}
}

func bytesOf(t testing.TB, engine *queue.Engine) string {
	t.Helper()
	state, err := engine.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	return string(state)
}

// logLines hands out the messages that are logged.
type logLines struct {
	mutex sync.Mutex
	seen  []string
	lines chan string
}

func (l *logLines) Write(line []byte) (int, error) {
	var event struct {
		Message string `json:"message"`
	}
	if err := json.Unmarshal(line, &event); err != nil {
		return 0, err
	}
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.seen = append(l.seen, event.Message)
	select {
	case l.lines <- event.Message:
	default:
	}
	return len(line), nil
}

func (l *logLines) has(message string) bool {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return slices.Contains(l.seen, message)
}

// await returns when the message is logged.
func (l *logLines) await(message string) {
	for line := range l.lines {
		if line == message {
			return
		}
	}
}
