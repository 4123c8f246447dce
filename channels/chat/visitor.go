package chat

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
	"golang.org/x/time/rate"

	"svar/channels"
	"svar/contact"
)

// How long a socket waits.
const (
	messagesAhead = 64 // messages that the page has not read
	linesAtOnce   = 50 // of a chat that is resumed
	helloWithin   = 10 * time.Second
	pingEvery     = 20 * time.Second
	pongWithin    = 50 * time.Second
	writeWithin   = 10 * time.Second
	askTime       = 10 * time.Second // one question to the stream, or one ticket
	closeTime     = time.Second      // for the page's answer to a close
)

// visitor is one open socket of a page.
type visitor struct {
	gateway *Gateway
	address netip.Addr
	socket  *websocket.Conn
	// end ends the socket; the cause, if it is a [closing], is told to the page.
	end   context.CancelCauseFunc
	dirty chan struct{}
	out   chan message
	// chat is the leg whose state is shown.
	chat atomic.Pointer[leg]
	// greeted is set by the welcome, before which nothing is shown.
	greeted atomic.Pointer[greeting]

	// What follows belongs to the goroutine that reads.

	token      tokenHash
	follows    contact.ID // the chat that is over and that a new one goes on with; empty: none
	stopFollow func()
}

// greeting is what the page's hello came to.
type greeting struct {
	topic    Topic
	language string
}

// closing is why a socket is closed by us.
type closing struct {
	code int
	why  string
}

func (c closing) Error() string { return c.why }

func (v *visitor) close(code int, why string) { v.end(closing{code, why}) }

// changed never blocks.
func (v *visitor) changed() {
	select {
	case v.dirty <- struct{}{}:
	default:
	}
}

// say queues a message; whoever has much to say waits for a page that reads slowly.
func (v *visitor) say(ctx context.Context, m message) {
	select {
	case v.out <- m:
	case <-ctx.Done():
	}
}

var upgrader = websocket.Upgrader{
	HandshakeTimeout: 10 * time.Second, ReadBufferSize: 4 << 10, WriteBufferSize: 4 << 10, WriteBufferPool: &sync.Pool{},
	CheckOrigin: fromOurPage,
}

// fromOurPage reports whether a page of our own opens the socket: the frame is always ours,
// whatever page it stands in.
func fromOurPage(r *http.Request) bool {
	origin, err := url.Parse(r.Header.Get("Origin"))
	return err == nil && origin.Host != "" && strings.EqualFold(origin.Host, r.Host)
}

// serveSocket opens a visitor's socket.
func (g *Gateway) serveSocket(w http.ResponseWriter, r *http.Request) {
	ctx, end := context.WithCancelCause(g.life)
	defer end(nil)
	v := &visitor{
		gateway: g, address: g.config.addressOf(r), end: end, dirty: make(chan struct{}, 1), out: make(chan message, messagesAhead),
		stopFollow: func() {},
	}
	if err := g.admit(v); err != nil {
		w.Header().Set("Retry-After", "5")
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	defer g.release(v)
	socket, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return // the upgrader has answered
	}
	v.socket = socket
	if r.URL.Query().Get("protocol") != strconv.Itoa(ProtocolVersion) {
		v.close(closeWrongProtocol, "reload: this server speaks protocol "+strconv.Itoa(ProtocolVersion))
	}
	v.serve(ctx)
}

// serve runs the socket's loops and returns when all have ended.
func (v *visitor) serve(ctx context.Context) {
	left := make(chan struct{})
	var loops sync.WaitGroup
	loops.Go(func() { v.write(ctx) })
	loops.Go(func() { <-ctx.Done(); v.sayGoodbye(ctx, left) })
	v.read(ctx)
	close(left)
	v.end(nil)
	v.stopFollow()
	if chat := v.chat.Load(); chat != nil {
		chat.leave(v)
	}
	loops.Wait()
}

// sayGoodbye tells the page why its socket ends, and closes it once the other side has left: a
// socket that is closed with something unread loses what was written last.
func (v *visitor) sayGoodbye(ctx context.Context, left <-chan struct{}) {
	defer v.socket.Close()
	reason := closing{}
	if v.gateway.life.Err() != nil {
		reason = closing{websocket.CloseGoingAway, "the server is ending"}
	}
	if !errors.As(context.Cause(ctx), &reason) && reason.code == 0 {
		return // the other side ended it, or is gone
	}
	text := websocket.FormatCloseMessage(reason.code, reason.why)
	if v.socket.WriteControl(websocket.CloseMessage, text, time.Now().Add(closeTime)) != nil {
		return
	}
	wait := time.NewTimer(closeTime)
	defer wait.Stop()
	select {
	case <-left:
	case <-wait.C:
	}
}

// read carries requests out, one after the other, until the socket fails. Once it ends it only
// waits for the other side's goodbye.
func (v *visitor) read(ctx context.Context) {
	v.socket.SetReadLimit(maxRequest)
	within := helloWithin
	alive := func() { _ = v.socket.SetReadDeadline(time.Now().Add(within)) }
	v.socket.SetPongHandler(func(string) error { alive(); return nil })
	limit := rate.NewLimiter(rate.Every(requestsEvery), requestsBurst)
	for {
		alive()
		kind, data, err := v.socket.ReadMessage()
		if err != nil {
			return
		}
		if ctx.Err() != nil {
			continue
		}
		var r request
		switch {
		case !limit.Allow():
			v.close(websocket.ClosePolicyViolation, "too many requests")
		case kind != websocket.TextMessage:
			v.close(websocket.CloseUnsupportedData, "requests are text")
		case json.Unmarshal(data, &r) != nil:
			v.close(websocket.CloseInvalidFramePayloadData, "the message is not a request")
		default:
			v.carryOut(ctx, r)
			within = pongWithin
		}
	}
}

func (v *visitor) carryOut(ctx context.Context, r request) {
	g := v.greeted.Load()
	switch {
	case r.Hello != nil && g == nil:
		v.hello(ctx, *r.Hello)
	case r.Hello != nil || g == nil:
		v.close(websocket.CloseInvalidFramePayloadData, "hello is the first message, and said once")
	case r.Send != nil:
		v.send(ctx, *g, *r.Send)
	case r.End != nil:
		if chat := v.chat.Load(); chat != nil {
			chat.end(channels.EndedByParty, contact.PartyCaller)
		}
	case r.Leave != nil:
		v.leaveText(ctx, *g, *r.Leave)
	default:
		v.close(websocket.CloseInvalidFramePayloadData, "the message asks for nothing")
	}
}

// hello welcomes the page, with its chat when it has one.
func (v *visitor) hello(ctx context.Context, h hello) {
	topic, known := v.gateway.topic(h.Topic)
	if !known {
		v.close(closeNoTopic, "there is no such topic")
		return
	}
	language := topic.languageOf(h.Language)
	answer := welcome{Name: topic.nameIn(language), Language: language, Languages: topic.Languages}
	var chat *leg
	if token, valid := hashToken(h.Resume); valid {
		var settled bool
		if chat, settled = v.gateway.find(ctx, token); chat == nil && !settled {
			v.close(websocket.CloseTryAgainLater, "the chat may be found again in a moment")
			return
		}
		v.token, answer.Token, answer.Resumed = token, h.Resume, chat != nil
	}
	if chat == nil {
		v.follows = v.gateway.followed(h.Resume, h.Follows)
		answer.Token = newToken()
		v.token, _ = hashToken(answer.Token)
	}
	v.say(ctx, message{Welcome: &answer})
	is := v.gateway.desk(topic.Line, language)
	v.say(ctx, message{Desk: &is})
	v.greeted.Store(&greeting{topic, language})
	v.changed()
	if chat != nil {
		v.follow(ctx, chat, h.After)
	}
}

// follow shows the page its chat: what it misses first, then the state, then what comes.
func (v *visitor) follow(ctx context.Context, chat *leg, after uint64) bool {
	chat.attach(v)
	asked, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	missed, err := v.gateway.config.Conversations.Read(asked, chat.contact, after)
	if err == nil {
		for len(missed) > 0 {
			part := missed[:min(linesAtOnce, len(missed))]
			v.say(ctx, message{Lines: showAll(part)})
			after, missed = part[len(part)-1].Sequence, missed[len(part):]
		}
		v.say(ctx, message{State: chat.stand()})
		v.stopFollow, err = v.gateway.config.Conversations.Follow(asked, chat.contact, after, func(line contact.KeptLine) {
			v.say(ctx, message{Lines: showAll([]contact.KeptLine{line})})
		})
	}
	if err != nil {
		v.stopFollow = func() {}
		chat.leave(v)
		chat.log.Warn().Err(err).Msg("a visitor could not be shown the chat")
		v.close(websocket.CloseTryAgainLater, "the chat cannot be read now")
		return false
	}
	v.chat.Store(chat)
	v.changed()
	return true
}

func showAll(lines []contact.KeptLine) []shownLine {
	list := make([]shownLine, 0, len(lines))
	for _, line := range lines {
		list = append(list, shown(line))
	}
	return list
}

// send keeps a text of the visitor's, the first of which opens the chat.
func (v *visitor) send(ctx context.Context, g greeting, s sendLine) {
	refuse := func(code refusal) { v.say(ctx, message{Refused: &refused{Code: code, ID: s.ID}}) }
	if !validID(s.ID) || !validText(s.Text) {
		refuse(refusedInvalid)
		return
	}
	chat := v.chat.Load()
	if chat == nil {
		begun, code := v.gateway.begin(g.topic, g.language, v.token, v.follows, v.address, s.Text)
		if code != "" {
			refuse(code)
			return
		}
		if chat = begun; !v.follow(ctx, chat, 0) {
			return // the page resumes it, and sends the line again
		}
	}
	now := v.gateway.config.Now()
	if code := chat.mayWrite(now); code != "" {
		refuse(code)
		return
	}
	line := contact.ChatLine{ID: s.ID, From: contact.PartyCaller, Kind: contact.ChatText, Text: s.Text, At: contact.InstantOf(now)}
	asked, cancel := context.WithTimeout(v.gateway.life, askTime) // a cut socket does not take it back
	defer cancel()
	kept, err := v.gateway.config.Conversations.Append(asked, chat.contact, line)
	if err != nil {
		chat.log.Warn().Err(err).Msg("a line of the visitor could not be kept")
		refuse(refusedUnavailable)
		return
	}
	chat.safe()
	v.say(ctx, message{Ack: &ack{ID: s.ID, Sequence: kept.Sequence}})
}

// leaveText makes a ticket of a text for which no chat is opened.
func (v *visitor) leaveText(ctx context.Context, g greeting, l leave) {
	refuse := func(code refusal) { v.say(ctx, message{Refused: &refused{Code: code, ID: l.ID}}) }
	l.Name, l.Address = strings.TrimSpace(l.Name), strings.TrimSpace(l.Address)
	switch {
	case !validID(l.ID) || !validText(l.Text) || !validLine(l.Name):
		refuse(refusedInvalid)
		return
	case l.Address != "" && !validAddress(l.Address):
		refuse(refusedAddress)
		return
	}
	now := v.gateway.config.Now()
	counted, allowed := v.gateway.texts.take(v.address, now)
	if !allowed {
		refuse(refusedTooMany)
		return
	}
	asked, cancel := context.WithTimeout(v.gateway.life, askTime)
	defer cancel()
	ticket, err := v.gateway.config.Messages.Leave(asked, Message{
		ID: l.ID, Line: g.topic.Line, Service: g.topic.Service, Language: g.language, Name: l.Name, Address: l.Address, Text: l.Text,
	})
	if err != nil {
		counted.CancelAt(now)
		v.gateway.config.Log.Error().Err(err).Str("topic", string(g.topic.Line)).Msg("a text that was left could not be made a ticket")
		refuse(refusedUnavailable)
		return
	}
	v.say(ctx, message{Left: &left{ID: l.ID, Ticket: ticket}})
}

// write sends what is said, and, once they were said, the desk and the chat's state when they
// have changed.
func (v *visitor) write(ctx context.Context) {
	ping := time.NewTicker(pingEvery)
	defer ping.Stop()
	var (
		err       error
		shownDesk *desk
		shownAt   state
	)
	for err == nil {
		select {
		case <-ctx.Done():
			return // what was not sent is not acknowledged, and sent again
		case <-ping.C:
			err = v.socket.WriteControl(websocket.PingMessage, nil, time.Now().Add(writeWithin))
		case m := <-v.out:
			if m.Desk != nil {
				shownDesk = m.Desk
				v.changed() // it may have changed since it was said
			}
			if m.State != "" {
				shownAt = m.State
				v.changed()
			}
			err = v.transmit(m)
		case <-v.dirty:
			err = v.update(&shownDesk, &shownAt)
		}
	}
	v.end(err)
}

// update sends the desk and the chat's state if they are others than those shown.
func (v *visitor) update(shownDesk **desk, shownAt *state) error {
	g, chat := v.greeted.Load(), v.chat.Load()
	if g != nil && *shownDesk != nil {
		if is := v.gateway.desk(g.topic.Line, g.language); !reflect.DeepEqual(is, **shownDesk) {
			*shownDesk = &is
			if err := v.transmit(message{Desk: &is}); err != nil {
				return err
			}
		}
	}
	if chat != nil && *shownAt != "" {
		if is := chat.stand(); is != *shownAt {
			*shownAt = is
			return v.transmit(message{State: is})
		}
	}
	return nil
}

func (v *visitor) transmit(m message) error {
	if err := v.socket.SetWriteDeadline(time.Now().Add(writeWithin)); err != nil {
		return err
	}
	return v.socket.WriteJSON(m)
}
