package chat

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/websocket"

	"svar/channels"
	"svar/contact"
)

// patience bounds each wait of the tests. Nothing waits that long when all is well.
const patience = 20 * time.Second

// stream is the conversations in memory. It outlives gateways, as the real one does.
type stream struct {
	mutex    sync.Mutex
	sequence uint64
	lines    map[contact.ID][]contact.KeptLine
	grown    chan struct{} // closed at the next line
	failing  error         // of Append
}

func newStream() *stream {
	return &stream{lines: map[contact.ID][]contact.KeptLine{}, grown: make(chan struct{})}
}

func (s *stream) fail(err error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.failing = err
}

func (s *stream) Append(ctx context.Context, id contact.ID, line contact.ChatLine) (contact.KeptLine, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if err := errors.Join(ctx.Err(), s.failing); err != nil {
		return contact.KeptLine{}, err
	}
	for _, kept := range s.lines[id] {
		if kept.ID == line.ID {
			return kept, nil
		}
	}
	s.sequence++
	kept := contact.KeptLine{Sequence: s.sequence, ChatLine: line}
	s.lines[id] = append(s.lines[id], kept)
	close(s.grown)
	s.grown = make(chan struct{})
	return kept, nil
}

func (s *stream) Read(_ context.Context, id contact.ID, after uint64) ([]contact.KeptLine, error) {
	lines, _ := s.after(id, after)
	return lines, nil
}

func (s *stream) after(id contact.ID, after uint64) (lines []contact.KeptLine, grown <-chan struct{}) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for _, line := range s.lines[id] {
		if line.Sequence > after {
			lines = append(lines, line)
		}
	}
	return lines, s.grown
}

func (s *stream) Follow(_ context.Context, id contact.ID, after uint64, handle func(contact.KeptLine)) (func(), error) {
	life, end := context.WithCancel(context.Background())
	var following sync.WaitGroup
	following.Go(func() {
		for {
			lines, grown := s.after(id, after)
			for _, line := range lines {
				handle(line)
				after = line.Sequence
			}
			select {
			case <-grown:
			case <-life.Done():
				return
			}
		}
	})
	return func() { end(); following.Wait() }, nil
}

// await returns the lines of a contact once there are n.
func (s *stream) await(t *testing.T, id contact.ID, n int) []contact.KeptLine {
	t.Helper()
	deadline := time.After(patience)
	for {
		lines, grown := s.after(id, 0)
		if len(lines) >= n {
			return lines
		}
		select {
		case <-grown:
		case <-deadline:
			t.Fatalf("%d lines of %d are kept: %+v", len(lines), n, lines)
		}
	}
}

// arrival is what the intake was handed.
type arrival struct {
	contact  contact.Contact
	personal contact.Personal
	leg      channels.Leg
}

// world is everything around a gateway.
type world struct {
	t        *testing.T
	stream   *stream
	arrivals chan arrival
	left     chan Message

	mutex   sync.Mutex
	now     time.Time
	notices contact.Notices
	changed chan struct{}
	refuses error         // what Arrive returns
	holds   chan struct{} // when set, Arrive says so in holding and waits for it
	holding chan struct{}
}

// noon is within opening hours.
var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func newWorld(t *testing.T) *world {
	t.Helper()
	return &world{
		t: t, stream: newStream(), arrivals: make(chan arrival, 64), left: make(chan Message, 16), now: noon, changed: make(chan struct{}),
	}
}

func (w *world) Arrive(ctx context.Context, c contact.Contact, p contact.Personal, leg channels.Leg) error {
	w.mutex.Lock()
	refuses, holds := w.refuses, w.holds
	w.mutex.Unlock()
	if holds != nil {
		close(w.holding)
		select {
		case <-holds:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if refuses != nil {
		return refuses
	}
	w.arrivals <- arrival{c, p, leg}
	return nil
}

func (w *world) Refuse(context.Context, contact.Contact, int) { w.t.Error("a chat was refused") }

func (w *world) Leave(_ context.Context, m Message) (contact.TicketNumber, error) {
	w.left <- m
	return "SD-100234", nil
}

func (w *world) Notices() contact.Notices {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return w.notices
}

func (w *world) NoticesChanged() <-chan struct{} {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return w.changed
}

func (w *world) publish(notices ...contact.Notice) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.notices = contact.Notices{Notices: notices}
	close(w.changed)
	w.changed = make(chan struct{})
}

func (w *world) clock() time.Time {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return w.now
}

func (w *world) set(change func()) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	change()
}

// everyDay is 07:00–22:00 UTC.
func everyDay() contact.Hours {
	hours := contact.Hours{Zone: time.UTC}
	for day := range hours.Weekly {
		hours.Weekly[day] = []contact.Window{{From: 7 * time.Hour, To: 22 * time.Hour}}
	}
	return hours
}

func (w *world) config() Config {
	return Config{
		Node: "node-1", Intake: w, Conversations: w.stream, Notices: w, Hours: everyDay(), Messages: w, Now: w.clock,
		Topics: []Topic{
			{Line: "chat-staff", Name: map[string]string{"sv": "Medarbetare", "en": "Staff"}, Languages: []string{"sv", "en"}, Service: "network", Audience: contact.AudienceStaff},
			{Line: "chat-pupils", Name: map[string]string{"sv": "Elev"}, Languages: []string{"sv"}},
		},
		Origins: []string{"https://start.example"},
		Text: func(p channels.Prompt) string {
			return map[string]string{"short": "Du står i kö.", "long": strings.Repeat("x", contact.MaxChatText+1)}[p.Name]
		},
		timing: timing{look: 10 * time.Millisecond, restore: 0, keep: time.Hour},
	}
}

// server is a gateway that serves.
type server struct {
	t       *testing.T
	gateway *Gateway
	http    *httptest.Server
	stop    func()
}

// serve starts a gateway of the world; stop ends it, as the test does.
func (w *world) serve(changes ...func(*Config)) *server {
	w.t.Helper()
	config := w.config()
	for _, change := range changes {
		change(&config)
	}
	gateway, err := New(config)
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- gateway.Serve(ctx) }()
	s := &server{t: w.t, gateway: gateway, http: httptest.NewServer(gateway.Handler())}
	s.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-served; err != nil {
			w.t.Error(err)
		}
		s.http.Close()
	})
	w.t.Cleanup(s.stop)
	<-gateway.began
	return s
}

// page is a visitor's page.
type page struct {
	t      *testing.T
	socket *websocket.Conn
	// token, lines and last are what it was told.
	token string
	lines []shownLine
	last  uint64
}

// dial opens a socket, which may be refused.
func (s *server) dial(query string, header http.Header) (*websocket.Conn, *http.Response, error) {
	return websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(s.http.URL, "http")+"/chat/socket?"+query, header)
}

func (s *server) open() *page {
	s.t.Helper()
	socket, _, err := s.dial(fmt.Sprint("protocol=", ProtocolVersion), http.Header{"Origin": {s.http.URL}})
	if err != nil {
		s.t.Fatal(err)
	}
	p := &page{t: s.t, socket: socket}
	s.t.Cleanup(func() { socket.Close() })
	return p
}

// visit opens a page and says hello.
func (s *server) visit() *page {
	s.t.Helper()
	p := s.open()
	p.say(request{Hello: &hello{Topic: "chat-staff", Language: "sv"}})
	p.token = p.until("welcome", func(m message) bool { return m.Welcome != nil }).Welcome.Token
	return p
}

// resume opens a page that goes on with another's chat.
func (s *server) resume(earlier *page) *page {
	s.t.Helper()
	p := s.open()
	p.token, p.lines, p.last = earlier.token, earlier.lines, earlier.last
	p.say(request{Hello: &hello{Topic: "chat-staff", Language: "sv", Resume: p.token, After: p.last}})
	if m := p.until("welcome", func(m message) bool { return m.Welcome != nil }); !m.Welcome.Resumed || m.Welcome.Token != p.token {
		s.t.Fatalf("the chat was not resumed: %+v", *m.Welcome)
	}
	p.state()
	return p
}

func (p *page) say(r request) {
	p.t.Helper()
	if err := p.socket.WriteJSON(r); err != nil {
		p.t.Fatal(err)
	}
}

// next returns the next message, and remembers the lines in it.
func (p *page) next() (message, error) {
	_ = p.socket.SetReadDeadline(time.Now().Add(patience))
	var m message
	if err := p.socket.ReadJSON(&m); err != nil {
		return m, err
	}
	for _, line := range m.Lines {
		if line.Sequence <= p.last {
			p.t.Errorf("line %d came after line %d", line.Sequence, p.last)
		}
		p.lines, p.last = append(p.lines, line), line.Sequence
	}
	return m, nil
}

func (p *page) until(what string, is func(message) bool) message {
	p.t.Helper()
	for {
		m, err := p.next()
		if err != nil {
			p.t.Fatalf("waiting for %s: %v", what, err)
		}
		if is(m) {
			return m
		}
	}
}

func (p *page) state() state {
	p.t.Helper()
	return p.until("a state", func(m message) bool { return m.State != "" }).State
}

// send sends a text and returns its id.
func (p *page) send(text string) string {
	p.t.Helper()
	id := uuid.NewString()
	p.say(request{Send: &sendLine{ID: id, Text: text}})
	return id
}

func (p *page) acknowledged(id string) ack {
	p.t.Helper()
	return *p.until("the acknowledgement", func(m message) bool {
		if m.Refused != nil {
			p.t.Fatalf("refused: %+v", *m.Refused)
		}
		return m.Ack != nil && m.Ack.ID == id
	}).Ack
}

func (p *page) refused() refused {
	p.t.Helper()
	return *p.until("a refusal", func(m message) bool { return m.Refused != nil }).Refused
}

// shows waits until the page has the texts, in order.
func (p *page) shows(want ...string) {
	p.t.Helper()
	for len(p.lines) < len(want) {
		if _, err := p.next(); err != nil {
			p.t.Fatalf("the page shows %+v: %v", p.lines, err)
		}
	}
	var texts []string
	for _, line := range p.lines {
		texts = append(texts, line.Text)
	}
	if strings.Join(texts, "|") != strings.Join(want, "|") {
		p.t.Fatalf("the page shows %q, want %q", texts, want)
	}
}

// closed waits for the socket's end and returns its code.
func (p *page) closed() int {
	p.t.Helper()
	for {
		_, err := p.next()
		if closed := (*websocket.CloseError)(nil); errors.As(err, &closed) {
			return closed.Code
		}
		if err != nil {
			p.t.Fatalf("the socket ended without a word: %v", err)
		}
	}
}

func (w *world) arrived() arrival {
	w.t.Helper()
	select {
	case a := <-w.arrivals:
		return a
	case <-time.After(patience):
		w.t.Fatal("nothing arrived")
		return arrival{}
	}
}
