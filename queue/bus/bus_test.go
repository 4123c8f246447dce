package bus

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"go.uber.org/goleak"

	"svar/contact"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// testContext bounds what could hang; no test's outcome depends on its length.
func testContext(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func startServer(t testing.TB) *server.Server {
	t.Helper()
	s, err := server.NewServer(&server.Options{DontListen: true, NoSigs: true, NoLog: true})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	return s
}

func connect(t testing.TB, s *server.Server) *Bus {
	t.Helper()
	conn, err := nats.Connect("", nats.InProcessServer(s))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	return New(conn)
}

// during serves or follows until the test ends.
func during(t testing.TB) func(stop func() error, err error) {
	return func(stop func() error, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := stop(); err != nil {
				t.Error(err)
			}
		})
	}
}

// theWays are how a node and the leader may be connected.
var theWays = map[string]func(t *testing.T) (node, leader *Bus){
	"two processes": func(t *testing.T) (*Bus, *Bus) { s := startServer(t); return connect(t, s), connect(t, s) },
	"one of several": func(t *testing.T) (*Bus, *Bus) {
		b := connect(t, startServer(t))
		return b, b
	},
	"alone": func(t *testing.T) (*Bus, *Bus) {
		b := NewAlone(connect(t, startServer(t)).conn)
		return b, b
	},
}

func TestSendTellsTheOutcome(t *testing.T) {
	t.Parallel()
	for name, connected := range theWays {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			node, leader := connected(t)
			sendTellsTheOutcome(t, node, leader)
		})
	}
}

func sendTellsTheOutcome(t *testing.T, node, dispatcher *Bus) {
	t.Helper()
	faults := 0
	during(t)(dispatcher.ServeCommands(func(in Incoming) {
		var outcome error
		switch command := in.Command.(type) {
		case contact.AcceptOffer:
			outcome = fmt.Errorf("decide: %w", &contact.Rejection{Code: contact.OfferGone})
		case contact.Leave:
			if faults++; faults < 3 {
				outcome = errors.New("the disk is full")
			}
		case contact.Greet:
			if command.Contact != "c1" {
				t.Errorf("got %+v", command)
			}
		}
		if err := in.Reply(outcome); err != nil {
			t.Error(err)
		}
	}))
	if err := node.Send(testContext(t), contact.Greet{Contact: "c1"}); err != nil {
		t.Error(err)
	}
	rejection := (*contact.Rejection)(nil)
	if err := node.Send(testContext(t), contact.AcceptOffer{Offer: 7, Agent: "anna"}); !errors.As(err, &rejection) || rejection.Code != contact.OfferGone {
		t.Errorf("got %v", err)
	}
	if err := node.Send(testContext(t), contact.Leave{Contact: "c1"}); err != nil || faults != 3 {
		t.Errorf("after %d faults: %v; a command is sent until it is on record", faults, err)
	}
}

func TestSendWaitsForADispatcher(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	node, dispatcher := connect(t, s), connect(t, s)
	sent := make(chan error, 1)
	go func() { sent <- node.Send(context.Background(), contact.Tick{}) }()
	if err := node.Flush(testContext(t)); err != nil { // the first try is over or under way
		t.Fatal(err)
	}
	during(t)(dispatcher.ServeCommands(func(in Incoming) { _ = in.Reply(nil) }))
	if err := <-sent; err != nil {
		t.Error(err)
	}
}

func TestSendEndsWithItsContext(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	node, dispatcher := connect(t, s), connect(t, s)
	ctx, cancel := context.WithCancel(testContext(t))
	during(t)(dispatcher.ServeCommands(func(in Incoming) {
		_ = in.Reply(errors.New("the disk is full"))
		cancel()
	}))
	err := node.Send(ctx, contact.Tick{})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if err := node.Send(ctx, contact.Tick{}); !errors.Is(err, context.Canceled) {
		t.Errorf("with an ended context: %v", err)
	}
	node.conn.Close()
	if err := node.Send(testContext(t), contact.Tick{}); !errors.Is(err, nats.ErrConnectionClosed) {
		t.Errorf("on a closed connection: %v; it never comes back", err)
	}
}

func TestAFaultIsKnownToTheSender(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	node, dispatcher := connect(t, s), connect(t, s)
	served := make(chan struct{}, 100)
	during(t)(dispatcher.ServeCommands(func(in Incoming) {
		_ = in.Reply(errors.New("the disk is full"))
		served <- struct{}{}
	}))
	ctx, cancel := context.WithCancel(testContext(t))
	sent := make(chan error, 1)
	go func() { sent <- node.Send(ctx, contact.Tick{}) }()
	<-served
	<-served // so that the first fault has been heard
	cancel()
	err := <-sent
	if fault := (*Fault)(nil); !errors.Is(err, context.Canceled) || (errors.As(err, &fault) && fault.Text != "the disk is full") {
		t.Errorf("got %v", err)
	}
}

func TestBadCommandsAreAnswered(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	node, dispatcher := connect(t, s), connect(t, s)
	during(t)(dispatcher.ServeCommands(func(in Incoming) {
		t.Errorf("%T reached the dispatcher", in.Command)
		_ = in.Reply(nil)
	}))
	for _, bad := range []string{
		"", "hello", "{}", `{"commands":[]}`, `{"commands":[{"type":"conquer","data":{}}]}`, `{"commands":[{"type":"greet","data":{"contact":"c","x":1}}]}`,
		`{"commands":[{"type":"tick","data":{}},{"type":"tick","data":{}}]}`, `{"commands":[{"type":"tick","data":{}}],"x":1}`, `{"commands":[null]}`,
	} {
		answer, err := node.conn.RequestWithContext(testContext(t), prefix+"command", []byte(bad))
		if err != nil {
			t.Fatalf("%q: %v", bad, err)
		}
		var r reply
		if err := decode(answer, &r); err != nil || r.Rejection == nil || r.Rejection.Code != contact.Invalid {
			t.Errorf("%q was answered %s (%v)", bad, answer.Data, err)
		}
	}
	// One without an address for the reply harms nobody.
	if err := node.conn.Publish(prefix+"command", []byte("hello")); err != nil {
		t.Fatal(err)
	}
	roster := contact.ChangeRoster{Roster: contact.Roster{Agents: []contact.Agent{{ID: contact.AgentID(tooLong())}}}}
	if err := node.Send(testContext(t), roster); !errors.Is(err, ErrTooLarge) {
		t.Errorf("got %v, want %v", err, ErrTooLarge)
	}
}

// tooLong cannot be compressed into a message, and stands in JSON as it is.
var tooLong = sync.OnceValue(func() string {
	source := rand.New(rand.NewPCG(1, 2))
	data := make([]byte, MaxMessage*3/2)
	for n := range data {
		data[n] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_"[source.IntN(64)]
	}
	return string(data)
})

func TestOrdersComeInOrderToTheirNode(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	dispatcher := connect(t, s)
	const orders = 2000
	nodes := []contact.NodeID{"node-1", "node.2", "*", ">", "node 3%"}
	received := map[contact.NodeID]chan Order{}
	for _, node := range nodes {
		orders := make(chan Order, orders)
		received[node] = orders
		during(t)(connect(t, s).FollowOrders(node, func(o Order) { orders <- o }))
	}
	for n := uint64(1); n <= orders; n++ {
		for _, node := range nodes {
			if err := dispatcher.PublishOrder(node, Order{Number: n, Contact: contact.ID(node)}); err != nil {
				t.Fatal(err)
			}
		}
		if n == orders/2 { // an unreadable one is lost, and its number shows it
			_ = dispatcher.conn.Publish(prefix+"order."+token("node-1"), []byte("?"))
		}
	}
	for _, node := range nodes {
		for n := uint64(1); n <= orders; n++ {
			if got := <-received[node]; got.Number != n || got.Contact != contact.ID(node) {
				t.Fatalf("%s got %+v where %d was due", node, got, n)
			}
		}
	}
}

func TestChangesAndSignals(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	a, b := connect(t, s), connect(t, s)
	changes, toNode, toAgent := make(chan Change, 1), make(chan Signal, 1), make(chan Signal, 1)
	during(t)(b.FollowChanges(func(c Change) { changes <- c }))
	during(t)(b.FollowNodeSignals("node-1", func(s Signal) { toNode <- s }))
	during(t)(b.FollowAgentSignals(func(s Signal) { toAgent <- s }))
	signal := Signal{Agent: "anna.b*", Contact: "c1", Offer: 7, Payload: []byte(`{"type":"offer"}`)}
	large := Change{Sequence: 7}
	for range 300 {
		large.Contacts = append(large.Contacts, someView)
	}
	if err := errors.Join(a.PublishChange(large), a.SignalNode("node-1", signal), a.SignalAgent(signal)); err != nil {
		t.Fatal(err)
	}
	if got := <-changes; got.Sequence != 7 || len(got.Contacts) != 300 {
		t.Errorf("got %d contacts of sequence %d", len(got.Contacts), got.Sequence)
	}
	for _, signals := range []chan Signal{toNode, toAgent} {
		if got := <-signals; got.Agent != signal.Agent || got.Offer != 7 || string(got.Payload) != string(signal.Payload) {
			t.Errorf("got %+v", got)
		}
	}
	signal.Payload = []byte(`"` + tooLong() + `"`)
	if err := a.SignalNode("node-1", signal); !errors.Is(err, ErrTooLarge) {
		t.Errorf("got %v, want %v", err, ErrTooLarge)
	}
}

func TestQuestionsAreAnswered(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	node, dispatcher := connect(t, s), connect(t, s)
	if _, err := node.AskView(testContext(t)); !errors.Is(err, nats.ErrNoResponders) {
		t.Errorf("without a dispatcher: %v", err)
	}
	during(t)(dispatcher.ServeView(func(context.Context) (View, error) {
		return View{Sequence: 42, Contacts: []ContactView{someView}}, nil
	}))
	during(t)(dispatcher.ServeNodeState(func(_ context.Context, node contact.NodeID) (NodeState, error) {
		if node == "huge" {
			return NodeState{Contacts: []ContactView{{Leg: contact.LegID(tooLong())}}}, nil
		}
		if node != "node-1" {
			return NodeState{}, errors.New("no such node")
		}
		return NodeState{Number: 9}, nil
	}))
	if view, err := node.AskView(testContext(t)); err != nil || view.Sequence != 42 || len(view.Contacts) != 1 {
		t.Errorf("got %+v: %v", view, err)
	}
	if state, err := node.AskNodeState(testContext(t), "node-1"); err != nil || state.Number != 9 {
		t.Errorf("got %+v: %v", state, err)
	}
	for name, words := range map[contact.NodeID]string{"node-2": "no such node", "huge": "too large"} {
		fault := (*Fault)(nil)
		if _, err := node.AskNodeState(testContext(t), name); !errors.As(err, &fault) || !strings.Contains(fault.Text, words) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	answer, err := node.conn.RequestWithContext(testContext(t), prefix+"node-state", []byte("?"))
	if err != nil || !strings.Contains(string(answer.Data), `"fault"`) {
		t.Errorf("an unreadable question was answered %v: %v", answer, err)
	}
}

func TestManySendersEachGetTheirOwnOutcome(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	node, dispatcher := connect(t, s), connect(t, s)
	during(t)(dispatcher.ServeCommands(func(in Incoming) {
		var outcome error
		if offer := in.Command.(contact.FailConnect).Offer; offer%2 == 1 {
			outcome = &contact.Rejection{Code: contact.RejectionCode(strconv.Itoa(int(offer)))}
		}
		_ = in.Reply(outcome)
	}))
	var senders sync.WaitGroup
	for n := range 500 {
		senders.Go(func() {
			err := node.Send(context.Background(), contact.FailConnect{Offer: contact.OfferID(n)})
			rejection := (*contact.Rejection)(nil)
			if rejected := errors.As(err, &rejection); rejected != (n%2 == 1) || (rejected && string(rejection.Code) != strconv.Itoa(n)) {
				t.Errorf("sender %d got %v", n, err)
			}
		})
	}
	senders.Wait()
}

func BenchmarkSend(b *testing.B) {
	s := startServer(b)
	node, dispatcher := connect(b, s), connect(b, s)
	during(b)(dispatcher.ServeCommands(func(in Incoming) { _ = in.Reply(nil) }))
	for _, senders := range []int{1, 8, 64} {
		b.Run(fmt.Sprintf("senders=%d", senders), func(b *testing.B) {
			b.SetParallelism(senders) // times GOMAXPROCS
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if err := node.Send(context.Background(), contact.Greet{Contact: someContact}); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}
