package agentui

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/websocket"
	"github.com/rs/zerolog"
	"golang.org/x/time/rate"

	"svar/contact"
	"svar/identity"
)

// The limits of one console's socket.
const (
	maxRequest    = 64 << 10 // bytes of one message; an SDP with many candidates has 10 KB
	requestRate   = 50       // per second, with bursts of requestBurst
	requestBurst  = 200
	requestsAhead = 64 // requests that wait for earlier ones, in each lane
	maxWindows    = 20 // of one agent, on this node; about
	messagesAhead = 64 // replies and signals that the console has not read
	stateEvery    = 100 * time.Millisecond
	pingEvery     = 15 * time.Second
	pongWithin    = 35 * time.Second
	writeWithin   = 10 * time.Second
	requestTime   = 5 * time.Second // from when the request came in
	closeTime     = time.Second     // for the console's answer to a close
)

// console is one open socket.
type console struct {
	ui    *UI
	agent contact.AgentID
	// id is the window's, a UUID that it keeps over a reload.
	id      string
	session identity.Session
	socket  *websocket.Conn
	log     zerolog.Logger
	// end ends the console; the cause, if it is a [closing], is told to the other side.
	end context.CancelCauseFunc

	// life is the socket's.
	life     context.Context
	dirty    chan struct{}
	shared   chan time.Duration // something that all show changed; to be told within that time
	messages chan Message       // replies and signals
	chats    *chats
	voices   voices
	echo     echo
	// colleagues is the number of their list that was sent last, colleaguesAt when; they belong to the loop that writes.
	colleagues   uint64
	colleaguesAt time.Time
	// shows is how much of what was new its last state had, began whether there was one; they belong to that loop too.
	shows uint64
	began bool
}

// closing is why a socket is closed by us.
type closing struct {
	code int
	why  string
}

func (c closing) Error() string { return c.why }

// close ends the console and never blocks: the board and the bus call it.
func (c *console) close(code int, why string) { c.end(closing{code, why}) }

func (c *console) changed() {
	select {
	case c.dirty <- struct{}{}:
	default:
	}
}

// sharedChanged is changed where all consoles are told: each comes at another moment of the time.
func (c *console) sharedChanged(within time.Duration) {
	select {
	case c.shared <- within:
	default:
	}
}

// queue never blocks the bus: a console that does not read is closed.
func (c *console) queue(m Message) {
	select {
	case c.messages <- m:
	default:
		c.close(websocket.ClosePolicyViolation, "the console does not read")
	}
}

var upgrader = websocket.Upgrader{
	HandshakeTimeout: 10 * time.Second, ReadBufferSize: 4 << 10, WriteBufferSize: 4 << 10, WriteBufferPool: &sync.Pool{},
	// The zero CheckOrigin takes only pages of our own origin.
	Error: func(w http.ResponseWriter, _ *http.Request, status int, reason error) {
		problem(w, status, reason.Error())
	},
}

// serveSocket opens a console for the session of the request.
func (u *UI) serveSocket(w http.ResponseWriter, r *http.Request) {
	session, account, err := u.signedIn(r)
	if err != nil {
		problem(w, http.StatusUnauthorized, err.Error())
		return
	}
	window, err := windowOf(r)
	if err != nil {
		problem(w, http.StatusBadRequest, err.Error())
		return
	}
	if u.consoles.beside(contact.AgentID(account.Name), window) >= maxWindows {
		problem(w, http.StatusTooManyRequests, "you have too many windows open; close some")
		return
	}
	if !u.begin() {
		problem(w, http.StatusServiceUnavailable, "this server is ending; try again")
		return
	}
	defer u.tasks.Done()
	socket, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return // the upgrader has answered
	}
	ctx, end := context.WithCancelCause(u.life)
	c := &console{
		life: ctx, chats: newChats(),
		ui: u, agent: contact.AgentID(account.Name), id: window, session: session, socket: socket, end: end,
		log:   u.config.Log.With().Str("agent", account.Name).Logger(),
		dirty: make(chan struct{}, 1), shared: make(chan time.Duration, 1), messages: make(chan Message, messagesAhead),
	}
	c.echo.send = func(payload json.RawMessage) { c.queue(Message{Signal: &VoiceSignal{Payload: payload}}) }
	if !speaksProtocol(r) {
		c.close(closeWrongProtocol, "reload: this server speaks protocol "+strconv.Itoa(ProtocolVersion))
	}
	c.serve(ctx, account)
}

func speaksProtocol(r *http.Request) bool {
	return r.URL.Query().Get("protocol") == strconv.Itoa(ProtocolVersion)
}

// windowOf returns the id of the window that opens a socket. A page of another protocol,
// which is told to reload, may have none.
func windowOf(r *http.Request) (string, error) {
	given := r.URL.Query().Get("console")
	id, err := uuid.Parse(given)
	if speaksProtocol(r) && (err != nil || len(given) != maxUUID) {
		return "", errors.New("console must be the window's UUID, like 6f1f3c1e-9a53-4a0e-8f1d-2f6f6f0a0001")
	}
	return id.String(), nil
}

// serve runs the socket's loops and returns when all have ended.
func (c *console) serve(ctx context.Context, account identity.Account) {
	if ctx.Err() == nil {
		c.ui.consoles.add(c)
		defer c.ui.consoles.remove(c)
		c.ui.reach.opened(c.agent)
		defer c.ui.reach.closed(c.agent)
		if c.ui.revocations.Revoked(c.session.ID) { // between the check and the adding
			c.close(closeSignedOut, "signed out")
		}
	}
	requests, left := newLanes(), make(chan struct{})
	var loops sync.WaitGroup
	loops.Go(func() { c.write(ctx, c.ui.hello(account)) })
	loops.Go(func() { c.work(ctx, requests.others, c.carryOut) })
	loops.Go(func() { c.work(ctx, requests.calls, c.carryOutCall) })
	loops.Go(func() { <-ctx.Done(); c.sayGoodbye(ctx, left) })
	c.changed()
	c.read(ctx, requests)
	close(left)
	requests.close()
	c.end(nil)
	loops.Wait()
	c.echo.end()
	c.chats.dropAll()
}

// sayGoodbye tells the console why its socket ends, and closes it once the other side has
// left: a socket that is closed with something unread loses what was written last.
func (c *console) sayGoodbye(ctx context.Context, left <-chan struct{}) {
	defer c.socket.Close()
	reason := closing{}
	if c.ui.life.Err() != nil {
		reason = closing{websocket.CloseGoingAway, "the server is ending"}
	}
	if !errors.As(context.Cause(ctx), &reason) && reason.code == 0 {
		return // the other side ended it, or is gone
	}
	message := websocket.FormatCloseMessage(reason.code, reason.why)
	if c.socket.WriteControl(websocket.CloseMessage, message, time.Now().Add(closeTime)) != nil {
		return
	}
	wait := time.NewTimer(closeTime)
	defer wait.Stop()
	select {
	case <-left:
	case <-wait.C:
	}
}

// dated is a request and when its time is over.
type dated struct {
	Request
	until time.Time
}

// lanes are the requests that wait: those about calls, and the others. Within a lane they are
// carried out in order.
type lanes struct {
	calls, others chan *dated
}

func newLanes() lanes {
	return lanes{calls: make(chan *dated, requestsAhead), others: make(chan *dated, requestsAhead)}
}

func (l lanes) of(do RequestDo) chan<- *dated {
	if aboutCalls[do] {
		return l.calls
	}
	return l.others
}

func (l lanes) close() {
	close(l.calls)
	close(l.others)
}

// read takes requests until the socket fails. Once the console ends it only waits for the
// other side's goodbye.
func (c *console) read(ctx context.Context, requests lanes) {
	c.socket.SetReadLimit(maxRequest)
	alive := func() { _ = c.socket.SetReadDeadline(time.Now().Add(pongWithin)) }
	alive()
	c.socket.SetPongHandler(func(string) error { alive(); return nil })
	limit := rate.NewLimiter(requestRate, requestBurst)
	for {
		kind, data, err := c.socket.ReadMessage()
		if err != nil {
			return
		}
		if ctx.Err() == nil {
			c.take(kind, data, limit, requests)
		}
	}
}

// take takes one message from the console.
func (c *console) take(kind int, data []byte, limit *rate.Limiter, requests lanes) {
	var request Request
	switch {
	case !limit.Allow():
		c.close(websocket.ClosePolicyViolation, "too many requests")
		return
	case kind != websocket.TextMessage:
		c.close(websocket.CloseUnsupportedData, "requests are text")
		return
	case json.Unmarshal(data, &request) != nil:
		c.close(websocket.CloseInvalidFramePayloadData, "the message is not a request")
		return
	case request.Do == DoSignal:
		c.reply(request, c.passSignal(request)) // never behind a command: voice is set up while others wait
		return
	}
	select {
	case requests.of(request.Do) <- &dated{request, time.Now().Add(requestTime)}:
	default:
		c.close(websocket.ClosePolicyViolation, "too many requests wait")
	}
}

// work carries the requests of a lane out, one after the other.
func (c *console) work(ctx context.Context, requests <-chan *dated, carryOut func(context.Context, Request) error) {
	for request := range requests {
		if ctx.Err() != nil {
			return
		}
		bounded, cancel := context.WithDeadline(ctx, request.until)
		err := bounded.Err() // one that waited too long is not begun
		switch {
		case err != nil:
		case request.ID <= 0:
			err = errInvalid
		default:
			err = carryOut(bounded, request.Request)
		}
		cancel()
		c.reply(request.Request, err)
	}
}

func (c *console) reply(r Request, err error) {
	code := errorCode(err)
	if code == codeUnavailable {
		c.log.Warn().Err(err).Str("request", string(r.Do)).Msg("a request of the console could not be carried out")
	}
	c.queue(Message{Reply: &Reply{ID: r.ID, Error: code}})
}

// write sends hello, then states when something changed, replies, signals and lines of chats.
func (c *console) write(ctx context.Context, hello Hello) {
	ping := time.NewTicker(pingEvery)
	defer ping.Stop()
	if ctx.Err() != nil {
		return
	}
	err := c.send(Message{Hello: &hello})
	pause := time.NewTimer(0) // states are at least stateEvery apart
	defer pause.Stop()
	later, list := stoppedTimer(), stoppedTimer() // for what all show alike, and for their colleagues
	defer later.Stop()
	defer list.Stop()
	dirty, awaited := false, false
	for err == nil {
		select {
		case <-ctx.Done():
			return
		case <-ping.C:
			c.checkSession()
			err = c.socket.WriteControl(websocket.PingMessage, nil, time.Now().Add(writeWithin))
		case m := <-c.messages:
			err = c.send(m)
		case <-c.chats.ready:
			err = c.sendChats()
		case <-when(!dirty, c.dirty):
			dirty = true
		case within := <-when(!dirty && !awaited, c.shared):
			if _, toldOf := c.ui.consoles.news(); c.began && c.shows >= toldOf {
				continue
			}
			dirty, awaited = within <= 0, within > 0
			if awaited {
				later.Reset(rand.N(within))
			}
		case <-later.C:
			dirty, awaited = true, false
		case <-list.C:
			dirty = true
		case <-when(dirty, pause.C):
			// Whatever was told until now will be in it.
			dirty, awaited = false, false
			later.Stop()
			list.Stop()
			c.forgetChanges()
			var rest time.Duration
			if rest, err = c.sendState(ctx); err == nil {
				err = c.sendChats() // what the agent has no more is not followed
			}
			if rest > 0 {
				list.Reset(rest)
			}
			pause.Reset(stateEvery)
		}
	}
	c.end(err)
}

// forgetChanges takes what was told of changes.
func (c *console) forgetChanges() {
	select {
	case <-c.dirty:
	default:
	}
	select {
	case <-c.shared:
	default:
	}
}

func stoppedTimer() *time.Timer {
	timer := time.NewTimer(0)
	timer.Stop()
	return timer
}

// when returns the channel, or nil, which is never ready.
func when[T any](on bool, source <-chan T) <-chan T {
	if on {
		return source
	}
	return nil
}

// checkSession ends a console whose sign-in has expired or whose account is gone, but
// nobody's in mid-contact.
func (c *console) checkSession() {
	account, known := c.ui.config.Accounts.Account(string(c.agent))
	expired := !c.ui.config.Now().Before(c.session.Expires)
	if !expired && known && account.Active {
		return
	}
	if me, _ := c.ui.board.Agent(c.agent); len(me.Contacts) == 0 {
		c.close(closeSignedOut, "the sign-in has ended")
	}
}

// stateBuffers hold states while they are sent: those of a large desk would be half of all that is allocated.
var stateBuffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// sendState sends what the console shows. rest is not 0 when the list of colleagues changed and was sent only just now: then
// it wants another state after that time.
func (c *console) sendState(ctx context.Context) (rest time.Duration, err error) {
	changes, shows := c.ui.consoles.news()
	if !c.began {
		shows = changes
		c.ui.states.renew()
	}
	c.began, c.shows = true, shows
	message := stateBuffers.Get().(*bytes.Buffer)
	defer stateBuffers.Put(message)
	message.Reset()
	colleagues, err := c.ui.states.message(ctx, message, c.agent, c.colleagues, func(size int) bool {
		rest = c.ui.consoles.colleaguesEvery(size) - time.Since(c.colleaguesAt)
		return rest <= 0
	})
	if err != nil {
		return 0, err
	}
	if colleagues != c.colleagues {
		c.colleagues, c.colleaguesAt, rest = colleagues, time.Now(), 0
	}
	if err := c.socket.SetWriteDeadline(time.Now().Add(writeWithin)); err != nil {
		return 0, err
	}
	return rest, c.socket.WriteMessage(websocket.TextMessage, message.Bytes())
}

func (c *console) send(m Message) error {
	if err := c.socket.SetWriteDeadline(time.Now().Add(writeWithin)); err != nil {
		return err
	}
	return c.socket.WriteJSON(m)
}
