package agentui

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/gorilla/websocket"
	"github.com/rs/zerolog"
	"golang.org/x/time/rate"

	"svar/contact"
	"svar/identity"
	"svar/queue/bus"
)

// The limits of one console's socket.
const (
	maxRequest    = 64 << 10 // bytes of one message; an SDP with many candidates has 10 KB
	maxNote       = 10_000   // characters
	maxReason     = 200      // characters
	requestRate   = 50       // per second, with bursts of requestBurst
	requestBurst  = 200
	requestsAhead = 64 // requests that wait for earlier ones
	stateEvery    = 100 * time.Millisecond
	pingEvery     = 15 * time.Second
	pongWithin    = 35 * time.Second
	writeWithin   = 10 * time.Second
	requestTime   = 5 * time.Second
	signalsAhead  = 64
)

// Signals carries messages of the set-up of voice; *bus.Bus is one.
type Signals interface {
	SignalNode(node contact.NodeID, s bus.Signal) error
	FollowAgentSignals(handle func(bus.Signal)) (stop func() error, err error)
}

// consoles are the open sockets of this node.
type consoles struct {
	mutex sync.Mutex
	open  map[contact.AgentID][]*console // the newest last
}

func (s *consoles) add(c *console) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.open[c.agent] = append(s.open[c.agent], c)
}

func (s *consoles) remove(c *console) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	var rest []*console
	for _, other := range s.open[c.agent] {
		if other != c {
			rest = append(rest, other)
		}
	}
	if s.open[c.agent] = rest; len(rest) == 0 {
		delete(s.open, c.agent)
	}
}

// changed tells every console that there is something new to show.
func (s *consoles) changed() {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for _, list := range s.open {
		for _, c := range list {
			c.changed()
		}
	}
}

// signal hands a message to the agent's newest console: one browser has the voice.
func (s *consoles) signal(m bus.Signal) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if list := s.open[m.Agent]; len(list) > 0 {
		list[len(list)-1].signal(VoiceSignal{Offer: m.Offer, Payload: m.Payload})
	}
}

// signOut closes the sockets of a session that was ended.
func (s *consoles) signOut(sessionID string) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for _, list := range s.open {
		for _, c := range list {
			if c.session == sessionID {
				c.close(closeSignedOut, "signed out")
			}
		}
	}
}

// console is one open socket.
type console struct {
	ui      *UI
	agent   contact.AgentID
	session string
	socket  *websocket.Conn
	log     zerolog.Logger
	end     context.CancelFunc

	dirty    chan struct{}
	messages chan Message // replies and signals
}

func (c *console) changed() {
	select {
	case c.dirty <- struct{}{}:
	default:
	}
}

// signal and reply never block the bus: a console that does not read is closed.
func (c *console) signal(s VoiceSignal) { c.queue(Message{Signal: &s}) }

func (c *console) queue(m Message) {
	select {
	case c.messages <- m:
	default:
		c.close(websocket.ClosePolicyViolation, "the console does not read")
	}
}

// close says why and ends the socket; the loops end by it.
func (c *console) close(code int, why string) {
	_ = c.socket.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, why), time.Now().Add(time.Second))
	c.end()
}

var upgrader = websocket.Upgrader{
	HandshakeTimeout: 10 * time.Second, ReadBufferSize: 4 << 10, WriteBufferSize: 4 << 10,
	// The zero CheckOrigin takes only pages of our own origin.
}

// serveSocket opens a console for the session of the request.
func (u *UI) serveSocket(w http.ResponseWriter, r *http.Request) {
	session, err := u.sessionOf(r)
	if err != nil {
		problem(w, http.StatusUnauthorized, "not signed in", "sign in first")
		return
	}
	account, known := u.config.Accounts.Account(session.Account)
	if !known {
		problem(w, http.StatusUnauthorized, "not signed in", "the account is no longer there")
		return
	}
	socket, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return // the upgrader has answered
	}
	ctx, end := context.WithCancel(u.life)
	c := &console{
		ui: u, agent: contact.AgentID(session.Account), session: session.ID, socket: socket, end: end,
		log:   u.config.Log.With().Str("agent", session.Account).Logger(),
		dirty: make(chan struct{}, 1), messages: make(chan Message, signalsAhead),
	}
	if r.URL.Query().Get("protocol") != strconv.Itoa(ProtocolVersion) {
		c.close(closeWrongProtocol, "reload: this server speaks protocol "+strconv.Itoa(ProtocolVersion))
		_ = socket.Close()
		return
	}
	u.tasks.Add(1)
	defer u.tasks.Done()
	c.serve(ctx, account)
}

// serve runs the socket's three loops and returns when all have ended.
func (c *console) serve(ctx context.Context, account identity.Account) {
	defer c.end()
	c.ui.consoles.add(c)
	defer c.ui.consoles.remove(c)
	c.ui.reach.opened(c.agent)
	defer c.ui.reach.closed(c.agent)

	requests := make(chan Request, requestsAhead)
	var loops sync.WaitGroup
	loops.Go(func() { c.write(ctx, c.ui.hello(account)) })
	loops.Go(func() { c.work(ctx, requests) })
	loops.Go(func() { <-ctx.Done(); _ = c.socket.Close() }) // ends a blocked read
	c.changed()
	c.read(requests)
	close(requests)
	c.end()
	loops.Wait()
}

// read takes requests until the socket fails.
func (c *console) read(requests chan<- Request) {
	c.socket.SetReadLimit(maxRequest)
	alive := func() { _ = c.socket.SetReadDeadline(time.Now().Add(pongWithin)) }
	alive()
	c.socket.SetPongHandler(func(string) error { alive(); return nil })
	limit := rate.NewLimiter(requestRate, requestBurst)
	for {
		_, data, err := c.socket.ReadMessage()
		if err != nil {
			return
		}
		var request Request
		switch err := json.Unmarshal(data, &request); {
		case err != nil:
			c.close(websocket.CloseInvalidFramePayloadData, "the message is not a request")
			return
		case !limit.Allow():
			c.close(websocket.ClosePolicyViolation, "too many requests")
			return
		case request.Do == DoSignal:
			c.passSignal(request) // never behind a command: voice is set up while others wait
			continue
		}
		select {
		case requests <- request:
		default:
			c.close(websocket.ClosePolicyViolation, "too many requests wait")
			return
		}
	}
}

// work carries the requests out, one after the other.
func (c *console) work(ctx context.Context, requests <-chan Request) {
	for request := range requests {
		if ctx.Err() != nil {
			return
		}
		bounded, cancel := context.WithTimeout(ctx, requestTime)
		err := c.carryOut(bounded, request)
		cancel()
		c.queue(Message{Reply: &Reply{ID: request.ID, Error: errorCode(err)}})
		if err != nil && errorCode(err) == codeUnavailable {
			c.log.Warn().Err(err).Str("request", string(request.Do)).Msg("a request of the console could not be carried out")
		}
	}
}

// codeUnavailable is the Reply's word for whatever is no rejection.
const codeUnavailable = "unavailable"

func errorCode(err error) string {
	rejection := (*contact.Rejection)(nil)
	switch {
	case err == nil:
		return ""
	case errors.As(err, &rejection):
		return string(rejection.Code)
	default:
		return codeUnavailable
	}
}

var (
	errInvalid  = &contact.Rejection{Code: contact.Invalid}
	errNotYours = &contact.Rejection{Code: contact.NotYours}
)

func (c *console) carryOut(ctx context.Context, r Request) error {
	send := c.ui.config.Commands.Send
	if utf8.RuneCountInString(r.Reason) > maxReason {
		return errInvalid
	}
	switch r.Do {
	case DoPresence:
		return send(ctx, contact.SetPresence{Agent: c.agent, Presence: r.Presence, Reason: r.Reason})
	case DoAccept:
		return send(ctx, contact.AcceptOffer{Offer: r.Offer, Agent: c.agent})
	case DoDecline:
		return send(ctx, contact.DeclineOffer{Offer: r.Offer, Agent: c.agent, Reason: r.Reason})
	case DoHangUp:
		return send(ctx, contact.HangUp{Contact: r.Contact, Agent: c.agent})
	case DoNote:
		return c.keepNote(ctx, r)
	case DoFinish:
		return send(ctx, contact.Finish{Contact: r.Contact, Agent: c.agent, Code: r.Code})
	default:
		return errInvalid
	}
}

// keepNote keeps the note of a contact that this agent has.
func (c *console) keepNote(ctx context.Context, r Request) error {
	if !utf8.ValidString(r.Note) || utf8.RuneCountInString(r.Note) > maxNote {
		return errInvalid
	}
	if me, known := c.ui.board.Agent(c.agent); !known || r.Contact == "" || me.Contact != r.Contact {
		return errNotYours
	}
	return c.ui.config.Personal.PutNote(ctx, r.Contact, r.Note)
}

// passSignal passes a message on to the node that has the caller of the agent's offer.
func (c *console) passSignal(r Request) {
	view, has := c.ui.board.OfferTo(c.agent, r.Offer)
	if !has || len(r.Payload) == 0 {
		c.queue(Message{Reply: &Reply{ID: r.ID, Error: string(contact.OfferGone)}})
		return
	}
	err := c.ui.config.Signals.SignalNode(view.Node, bus.Signal{
		Agent: c.agent, Contact: view.Contact.ID, Offer: r.Offer, Payload: r.Payload,
	})
	c.queue(Message{Reply: &Reply{ID: r.ID, Error: errorCode(err)}})
}

// write sends hello, then states when something changed, replies and signals.
func (c *console) write(ctx context.Context, hello Hello) {
	defer c.end()
	ping := time.NewTicker(pingEvery)
	defer ping.Stop()
	if c.send(Message{Hello: &hello}) != nil {
		return
	}
	pause := time.NewTimer(0) // states are at least stateEvery apart
	defer pause.Stop()
	dirty := false
	for {
		var err error
		select {
		case <-ctx.Done():
			return
		case <-ping.C:
			err = c.socket.WriteControl(websocket.PingMessage, nil, time.Now().Add(writeWithin))
		case m := <-c.messages:
			err = c.send(m)
		case <-whenNot(dirty, c.dirty):
			dirty = true
		case <-whenTrue(dirty, pause.C):
			dirty = false
			state := c.ui.states.state(ctx, c.agent)
			err = c.send(Message{State: &state})
			pause.Reset(stateEvery)
		}
		if err != nil {
			return
		}
	}
}

func whenNot[T any](off bool, source <-chan T) <-chan T { return whenTrue(!off, source) }

// whenTrue returns the channel, or nil, which is never ready.
func whenTrue[T any](on bool, source <-chan T) <-chan T {
	if on {
		return source
	}
	return nil
}

func (c *console) send(m Message) error {
	if err := c.socket.SetWriteDeadline(time.Now().Add(writeWithin)); err != nil {
		return err
	}
	return c.socket.WriteJSON(m)
}
