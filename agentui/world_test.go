package agentui

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/websocket"
	"github.com/rs/zerolog"

	"svar/contact"
	"svar/identity"
	"svar/queue/bus"
	"svar/report"
)

const testPassword = "a password of tests"

var testHash = sync.OnceValue(func() string {
	hash, err := identity.HashPassword(testPassword)
	if err != nil {
		panic(err)
	}
	return hash
})

// world is the surface under test with everything around it faked.
type world struct {
	t         testing.TB
	ui        *UI
	handler   http.Handler
	queue     *fakeQueue
	accounts  *fakeAccounts
	personal  *fakePersonal
	figures   *fakeFigures
	contacts  *fakeContacts
	tickets   *fakeTickets
	chats     *fakeConversations
	notices   *fakeNotices
	counted   *fakeContactFigures
	access    *fakeAccessLog
	echo      *fakeEcho
	own       *fakeOwnContacts
	explained *fakeExplanations
	settings  *fakeConfiguration
	recorded  *fakeRecordings
	callLog   *fakeCallLog
	prompts   *fakePrompts
	log       *lockedBuffer
}

type lockedBuffer struct {
	mutex  sync.Mutex
	buffer bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.buffer.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.buffer.String()
}

// The people of the directory.
const (
	numberKnown     = identity.Number("+46846500401")
	numberProtected = identity.Number("+46701740605")
	numberShared    = identity.Number("+46850800000")
	numberNobody    = identity.Number("+46701740699")
)

func testDirectory(t testing.TB) *identity.Directory {
	t.Helper()
	directory, err := identity.NewDirectory([]identity.Person{
		{ID: "karin", Name: "Karin Ek", Role: identity.RoleStaff, Title: "Rektor", School: "Ekbackens skola", Numbers: []identity.Number{numberKnown}},
		{ID: "hidden", Name: "Petra Gömd", Role: identity.RolePupil, Title: "Elev 9B", School: "Hemliga skolan", Numbers: []identity.Number{numberProtected, numberShared}, Protected: true},
		{ID: "olle", Name: "Olle Asp", Role: identity.RoleStaff, School: "Ekbackens skola", Numbers: []identity.Number{numberShared}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return directory
}

// newWorld returns a surface that does not run yet.
func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{
		t: t, queue: newFakeQueue(), log: &lockedBuffer{},
		accounts: &fakeAccounts{by: map[string]identity.Account{}},
		personal: &fakePersonal{by: map[contact.ID]contact.Personal{}, notes: map[contact.ID]string{}},
		figures:  &fakeFigures{}, contacts: &fakeContacts{}, tickets: newFakeTickets(), chats: newFakeConversations(),
		notices: newFakeNotices(), counted: &fakeContactFigures{}, access: &fakeAccessLog{},
		echo: &fakeEcho{}, own: &fakeOwnContacts{by: map[contact.AgentID][]report.AgentContact{}},
		explained: &fakeExplanations{by: map[contact.ID][]report.Recorded{}}, settings: &fakeConfiguration{},
		prompts: &fakePrompts{}, recorded: &fakeRecordings{by: map[contact.ID]string{}}, callLog: &fakeCallLog{},
	}
	for name, role := range map[string]identity.Role{"anna": identity.Agent, "bo": identity.Agent, "eva": identity.Supervisor, "adam": identity.Administrator} {
		w.accounts.set(identity.Account{Name: name, DisplayName: strings.ToUpper(name), Role: role, Active: true, PasswordHash: testHash()})
	}
	for _, name := range []contact.AgentID{"anna", "bo", "eva"} {
		w.queue.view.Agents = append(w.queue.view.Agents, bus.AgentView{Agent: name, Presence: contact.SignedOut})
	}
	ui, err := New(Config{
		Node: "node-1", Commands: w.queue, Changes: w.queue, Waits: w.queue, Signals: w.queue, Controls: w.queue, Echo: w.echo, Accounts: w.accounts,
		People: fakePeople{testDirectory(t)}, Personal: w.personal, Figures: w.figures, Contacts: w.contacts, OwnContacts: w.own, Explanations: w.explained,
		Tickets: w.tickets, Conversations: w.chats, Notices: w.notices, NoticeDesk: w.notices, ContactFigures: w.counted, Access: w.access,
		Recordings: w.recorded, RecordedCalls: w.recorded, CallLog: w.callLog, Configuration: w.settings, Prompts: w.prompts, SessionKey: []byte("a key of the tests, 32 bytes long"),
		Catalogue: Catalogue{
			Lines:    []LineInfo{{ID: "staff", Channel: contact.Voice, Name: map[string]string{"sv": "Medarbetare"}}, {ID: "pupils", Channel: contact.Voice, Name: map[string]string{"sv": "Elever"}}},
			Services: []ServiceInfo{{ID: "login", Name: map[string]string{"sv": "Inloggning"}, Categories: []CategoryInfo{{ID: "password", Name: map[string]string{"sv": "Lösenord"}}}}},
			LookUps:  map[contact.LineID]bool{"staff": true}, PauseReasons: []PauseInfo{{Reason: "lunch", LimitMs: 1_800_000, Break: true}}, OutcomeCodes: []contact.OutcomeCode{"solved"},
			Destinations:    []DestinationInfo{{ID: "administration", Name: map[string]string{"sv": "Administrativ enhet"}}},
			CallsLines:      []CallsLine{{ID: "staff", Audience: contact.AudienceStaff, Language: "sv"}, {ID: "pupils", Audience: contact.AudiencePupil, Language: "sv"}},
			WrapUpExtension: 120_000, Groups: []GroupInfo{{ID: "staff", Name: map[string]string{"sv": "Medarbetare"}}, {ID: "pupils", Name: map[string]string{"sv": "Elever"}}},
		},
		Now: time.Now, Log: zerolog.New(w.log),
	})
	if err != nil {
		t.Fatal(err)
	}
	w.ui, w.handler = ui, ui.Handler()
	return w
}

// run runs the surface until the test ends, and waits for the board's first view.
func (w *world) run() *world {
	w.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var tasks sync.WaitGroup
	loaded := make(chan struct{})
	update := w.ui.board.updated
	var once sync.Once
	w.ui.board.updated = func(change bus.Change) { update(change); once.Do(func() { close(loaded) }) }
	tasks.Go(func() { w.queue.live(ctx) })
	tasks.Go(func() {
		if err := w.ui.Run(ctx); err != nil {
			w.t.Errorf("run: %v", err)
		}
	})
	w.t.Cleanup(func() { cancel(); tasks.Wait() })
	<-loaded
	return w
}

// token signs an account in without the trouble of a password.
func (w *world) token(account string) string {
	w.t.Helper()
	who, _ := w.accounts.Account(account)
	who.Name = account
	token, err := w.ui.signer.Issue(who, "session-of-"+account, w.ui.config.Now(), sessionLife)
	if err != nil {
		w.t.Fatal(err)
	}
	return token
}

// serve serves over a listener; nil is a network in memory, which fits into a bubble.
func (w *world) serve(listener net.Listener) *wire {
	n := &wire{world: w, dial: (&net.Dialer{}).DialContext}
	if listener == nil {
		pipes := &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
		listener, n.dial = pipes, pipes.dial
	}
	server := &httptest.Server{Listener: listener, Config: &http.Server{Handler: w.handler}}
	server.Start()
	w.t.Cleanup(server.Close)
	n.host = listener.Addr().String()
	return n
}

type wire struct {
	*world
	host string
	dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// connect opens a socket with the header and query given, without reading from it.
func (n *wire) connect(token, query string, header http.Header) (*websocket.Conn, *http.Response, error) {
	if header == nil {
		header = http.Header{}
	}
	if token != "" {
		header.Set("Cookie", sessionCookie+"="+token)
	}
	dialer := websocket.Dialer{NetDialContext: n.dial}
	return dialer.Dial("ws://"+n.host+"/console/socket"+query, header)
}

// window is the query of a window with that id; of a new one when it is empty.
func window(id string) string {
	if id == "" {
		id = uuid.NewString()
	}
	return fmt.Sprintf("?protocol=%d&console=%s", ProtocolVersion, id)
}

// console opens a console in a new window and reads all that comes.
func (n *wire) console(account string) *client {
	n.t.Helper()
	return n.window(account, "")
}

// window opens a console in the window of that id.
func (n *wire) window(account, id string) *client {
	n.t.Helper()
	socket, _, err := n.connect(n.token(account), window(id), nil)
	if err != nil {
		n.t.Fatalf("open a console: %v", err)
	}
	return n.read(socket)
}

// client is a console at the other end of a socket.
type client struct {
	t        testing.TB
	socket   *websocket.Conn
	messages chan Message
	ended    chan struct{}
	err      error // why reading ended; read after ended
}

func (n *wire) read(socket *websocket.Conn) *client {
	c := &client{t: n.t, socket: socket, messages: make(chan Message, 10_000), ended: make(chan struct{})}
	go func() {
		defer close(c.ended)
		defer close(c.messages)
		for {
			var m Message
			if c.err = socket.ReadJSON(&m); c.err != nil {
				return
			}
			c.messages <- m
		}
	}()
	n.t.Cleanup(func() { _ = socket.Close(); <-c.ended })
	return c
}

// next returns the next message that holds what the test waits for.
func (c *client) next(wanted func(Message) bool) Message {
	c.t.Helper()
	for m := range c.messages {
		if wanted(m) {
			return m
		}
	}
	c.t.Fatalf("the socket ended: %v", c.err)
	return Message{}
}

func (c *client) state(wanted func(*ConsoleState) bool) *ConsoleState {
	c.t.Helper()
	return c.next(func(m Message) bool { return m.State != nil && wanted(m.State) }).State
}

func (c *client) send(request any) {
	c.t.Helper()
	if err := c.socket.WriteJSON(request); err != nil {
		c.t.Fatal(err)
	}
}

// ask sends a request and returns the reply's error.
func (c *client) ask(r Request) string {
	c.t.Helper()
	c.send(r)
	return c.next(func(m Message) bool { return m.Reply != nil && m.Reply.ID == r.ID }).Reply.Error
}

// closeCode waits for the end and returns the code.
func (c *client) closeCode() int {
	for range c.messages { // read to the end
	}
	<-c.ended
	closed := (*websocket.CloseError)(nil)
	if !errors.As(c.err, &closed) {
		c.t.Errorf("the socket ended without a close: %v", c.err)
		return 0
	}
	return closed.Code
}

// received returns what came so far.
func (c *client) received() []Message {
	var list []Message
	for {
		select {
		case m, open := <-c.messages:
			if !open {
				return list
			}
			list = append(list, m)
		default:
			return list
		}
	}
}

// pipeListener is a network in memory.
type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error { l.once.Do(func() { close(l.closed) }); return nil }
func (l *pipeListener) Addr() net.Addr {
	return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8080}
}

func (l *pipeListener) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case l.conns <- theirs:
		return ours, nil
	case <-l.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// do sends a request to the handler without a network.
func (w *world) do(method, path, token string, body any, header ...string) *httptest.ResponseRecorder {
	w.t.Helper()
	var text io.Reader
	switch body := body.(type) {
	case nil:
	case string:
		text = strings.NewReader(body)
	default:
		data, err := json.Marshal(body)
		if err != nil {
			w.t.Fatal(err)
		}
		text = bytes.NewReader(data)
	}
	r := httptest.NewRequest(method, path, text)
	if text != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		r.AddCookie(&http.Cookie{Name: sessionCookie, Value: token})
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	recorder := httptest.NewRecorder()
	w.handler.ServeHTTP(recorder, r)
	return recorder
}

func decode[T any](t testing.TB, r *httptest.ResponseRecorder) T {
	t.Helper()
	var value T
	if err := json.Unmarshal(r.Body.Bytes(), &value); err != nil {
		t.Fatalf("%v in %s", err, r.Body)
	}
	return value
}

// The views of a test's contacts.
func waitingContact(id contact.ID, line contact.LineID, arrived contact.Instant) bus.ContactView {
	return bus.ContactView{
		Contact: contact.Contact{ID: id, Channel: contact.Voice, Line: line, Language: "sv", Arrived: arrived},
		Node:    "node-2", State: contact.StateWaiting, Since: arrived, Target: 60_000,
	}
}

func offeredTo(agent contact.AgentID, offer contact.OfferID, view bus.ContactView) ([]bus.ContactView, []bus.AgentView) {
	view.State = contact.StateOffered
	view.Offer = &bus.OfferView{Offer: offer, Agent: agent, Since: view.Since + 1, Expires: view.Since + 15_000, Why: contact.Why{Candidates: 1}}
	return []bus.ContactView{view}, []bus.AgentView{{Agent: agent, Presence: contact.Ready, Reachable: true, Contacts: []contact.ID{view.Contact.ID}}}
}

func connectedWith(agent contact.AgentID, offer contact.OfferID, view bus.ContactView) ([]bus.ContactView, []bus.AgentView) {
	view.State, view.Agent, view.ConnectedBy, view.Answered, view.Offer = contact.StateConnected, agent, offer, view.Since+2, nil
	return []bus.ContactView{view}, []bus.AgentView{{Agent: agent, Presence: contact.Ready, Reachable: true, Contacts: []contact.ID{view.Contact.ID}}}
}
