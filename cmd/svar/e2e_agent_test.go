package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/websocket"

	"svar/agentui"
	"svar/channels/webrtc/webrtctest"
	"svar/contact"
	"svar/identity"
)

// What they say, in Hz: a caller, his agent, and another agent where two are told apart.
const (
	agentTone     = 700.0
	callerTone    = 1100.0
	colleagueTone = 1500.0
)

// agent is an agent's console with a browser's voice, as the page does it.
type agent struct {
	t      testing.TB
	name   string
	web    string
	cookie *http.Cookie
	dial   net.Dialer
	// console names the window, also after it was loaded again.
	console string

	socket  *websocket.Conn
	writing sync.Mutex
	// unwatched says that what the console shows is not read: a thousand that are would take the processor from the
	// server that is measured beside them.
	unwatched atomic.Bool
	reading   sync.WaitGroup

	mutex    sync.Mutex
	number   int64
	replies  map[int64]chan string
	state    agentui.ConsoleState
	changed  chan struct{}
	lost     bool
	closing  bool
	browsers map[contact.OfferID]*webrtctest.Browser
	legs     map[contact.OfferID]contact.LegID // which of the voices of an offer the browser is for
	seen     map[contact.OfferID]bool
	tone     float64 // what he says from his next voice on
	chats    map[contact.ID][]contact.KeptLine
}

var hashedPassword = sync.OnceValues(func() (string, error) { return identity.HashPassword(identity.DemoPassword) })

// addAgent adds an account with the desk's skill. Level tells who is asked first.
func (a *testApp) addAgent(t testing.TB, d desk, level uint8) string {
	t.Helper()
	return a.addSkilled(t, identity.Skill{Name: d.skill, Level: level})
}

func (a *testApp) addSkilled(t testing.TB, skills ...identity.Skill) string {
	t.Helper()
	return a.addAccount(t, identity.Agent, skills...)
}

func (a *testApp) addAccount(t testing.TB, role identity.Role, skills ...identity.Skill) string {
	t.Helper()
	hash, err := hashedPassword()
	if err != nil {
		t.Fatal(err)
	}
	account := identity.Account{
		Name: fmt.Sprintf("agent-%d", a.agents.Add(1)), DisplayName: "En Agent", Role: role, Active: true,
		PasswordHash: hash, Skills: skills,
	}
	if err := account.Check(); err != nil {
		t.Fatal(err)
	}
	if err := a.store.AddAccounts(t.Context(), time.Now(), account); err != nil {
		t.Fatal(err)
	}
	return account.Name
}

// skilled adds an account with the skills and signs it in. It is paused at first.
func (a *testApp) skilled(t testing.TB, skills ...string) *agent {
	t.Helper()
	var all []identity.Skill
	for _, skill := range slices.Sorted(slices.Values(skills)) {
		all = append(all, identity.Skill{Name: skill, Level: 3})
	}
	return signIn(t, a.web(), a.addSkilled(t, all...), identity.DemoPassword)
}

// agent adds an account for the desk and signs it in. It is paused at first.
func (a *testApp) agent(t testing.TB, d desk) *agent {
	t.Helper()
	return a.agentOf(t, d, 3)
}

func (a *testApp) agentOf(t testing.TB, d desk, level uint8) *agent {
	t.Helper()
	name := a.addAgent(t, d, level)
	// Trying before the server knows the account would count as guessing, for all agents of the tests.
	eventually(t, func() bool {
		_, known := a.directory.Account(name)
		return known
	}, func() string { return "the server does not know " + name })
	return signIn(t, a.web(), name, identity.DemoPassword)
}

// signIn signs an account in at a server and opens its console. A new account is known to
// the server a moment after it was added.
func signIn(t testing.TB, web, account, password string) *agent {
	t.Helper()
	c := client(t)
	var cookie *http.Cookie
	var status int
	eventually(t, func() bool {
		var err error
		cookie, status, err = trySession(t.Context(), web, c, account, password)
		if err != nil || status == http.StatusTooManyRequests {
			t.Fatalf("sign %s in: status %d, %v", account, status, err)
		}
		return cookie != nil
	}, func() string { return fmt.Sprintf("%s could not sign in: status %d", account, status) })
	a := newAgent(t, web, account, cookie)
	a.open()
	t.Cleanup(func() {
		a.close()
		if t.Failed() {
			t.Logf("%s last saw %s", a.name, asJSON(a.State()))
		}
	})
	return a
}

// newAgent returns an agent whose console is to be opened, in a window of its own.
func newAgent(t testing.TB, web, account string, cookie *http.Cookie) *agent {
	return &agent{
		tone: agentTone,
		t:    t, name: account, web: web, cookie: cookie, console: uuid.NewString(),
		replies: map[int64]chan string{}, changed: make(chan struct{}),
		browsers: map[contact.OfferID]*webrtctest.Browser{}, legs: map[contact.OfferID]contact.LegID{}, seen: map[contact.OfferID]bool{},
		chats: map[contact.ID][]contact.KeptLine{},
		dial:  net.Dialer{LocalAddr: &net.TCPAddr{IP: nextAddress().AsSlice()}},
	}
}

// open opens the console's socket and waits until the queue knows that the agent is there.
func (a *agent) open() {
	a.t.Helper()
	dialer := websocket.Dialer{NetDialContext: a.dial.DialContext, HandshakeTimeout: patience}
	address := "ws" + strings.TrimPrefix(a.web, "http") + "/console/socket?protocol=" + strconv.Itoa(agentui.ProtocolVersion) + "&console=" + a.console
	socket, response, err := dialer.DialContext(a.t.Context(), address, http.Header{"Cookie": {a.cookie.String()}})
	if err != nil {
		a.t.Fatalf("open the console of %s: %v", a.name, err)
	}
	_ = response.Body.Close()
	a.mutex.Lock()
	a.socket, a.lost, a.closing, a.state = socket, false, false, agentui.ConsoleState{}
	a.mutex.Unlock()
	a.reading.Go(func() { a.read(socket) })
	a.waitState("reachable", func(s agentui.ConsoleState) bool { return s.Connected && s.Me.Reachable })
}

// close closes the page: the socket and the voice.
func (a *agent) close() {
	a.mutex.Lock()
	a.closing = true
	browsers := make([]*webrtctest.Browser, 0, len(a.browsers))
	for _, browser := range a.browsers {
		browsers = append(browsers, browser)
	}
	a.mutex.Unlock()
	_ = a.socket.Close()
	a.reading.Wait()
	for _, browser := range browsers {
		browser.Close()
	}
}

// window opens another console of the agent, in a window of its own.
func (a *agent) window() *agent {
	a.t.Helper()
	other := newAgent(a.t, a.web, a.name, a.cookie)
	other.open()
	a.t.Cleanup(other.close)
	return other
}

// reload loads the page again: its socket and its voices are gone, and it asks for the voice of the call.
func (a *agent) reload() {
	a.t.Helper()
	a.close()
	a.mutex.Lock()
	clear(a.browsers)
	clear(a.legs)
	clear(a.seen)
	a.mutex.Unlock()
	a.open()
}

// expectLoss says that the socket will be lost, and that this is right.
func (a *agent) expectLoss() {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	a.closing = true
}

// lose loses the console's socket alone; the voice is still there.
func (a *agent) lose() {
	a.expectLoss()
	_ = a.socket.Close()
	a.reading.Wait()
}

// read takes what the server sends until the socket is closed.
func (a *agent) read(socket *websocket.Conn) {
	for {
		var message agentui.Message
		_, reader, err := socket.NextReader()
		if err == nil && a.unwatched.Load() {
			_, err = io.Copy(io.Discard, reader)
		} else if err == nil {
			err = json.NewDecoder(reader).Decode(&message)
		}
		if err != nil {
			a.mutex.Lock()
			a.lost = true
			a.wake()
			a.mutex.Unlock()
			return
		}
		switch {
		case message.State != nil:
			a.take(*message.State)
		case message.Reply != nil:
			a.mutex.Lock()
			if reply := a.replies[message.Reply.ID]; reply != nil {
				reply <- message.Reply.Error
				delete(a.replies, message.Reply.ID)
			}
			a.mutex.Unlock()
		case message.Signal != nil:
			a.signal(*message.Signal)
		case message.Chat != nil:
			a.mutex.Lock()
			a.chats[message.Chat.Contact] = append(a.chats[message.Chat.Contact], message.Chat.Lines...)
			a.wake()
			a.mutex.Unlock()
		}
	}
}

// wake tells all that wait. The mutex is held.
func (a *agent) wake() {
	close(a.changed)
	a.changed = make(chan struct{})
}

// take shows a new state. The voice of an offer that is no more is closed.
func (a *agent) take(s agentui.ConsoleState) {
	a.mutex.Lock()
	a.state = s
	current := map[contact.OfferID]bool{}
	if s.Offer != nil {
		current[s.Offer.Offer] = true
	}
	for _, card := range s.Contacts {
		// A call-back has its voice from the dialling on.
		if card.State == contact.StateConnected || card.State == contact.StateHeld || card.State == contact.StateDialling {
			current[card.Offer] = true
		}
	}
	var gone []*webrtctest.Browser
	for offer, browser := range a.browsers {
		if a.seen[offer] && !current[offer] {
			gone = append(gone, browser)
			delete(a.browsers, offer)
		}
	}
	for offer := range current {
		a.seen[offer] = true
	}
	a.wake()
	a.mutex.Unlock()
	for _, browser := range gone {
		browser.Close()
	}
}

// signal hands a message to the browser's voice of its leg, which is made by the first one. A voice that lives in
// another window is let go of.
func (a *agent) signal(s agentui.VoiceSignal) {
	a.mutex.Lock()
	browser := a.browsers[s.Offer]
	if s.Bound != "" {
		if s.Bound != a.console && browser != nil {
			delete(a.browsers, s.Offer)
			delete(a.legs, s.Offer)
			a.wake()
			defer browser.Close()
		}
		a.mutex.Unlock()
		return
	}
	if (browser == nil || a.legs[s.Offer] != s.Leg) && !a.closing {
		// The one before is closed by the server, once this one is up.
		browser = webrtctest.New(a.t, webrtctest.Options{Tone: a.tone, Send: func(payload json.RawMessage) {
			a.send(agentui.Request{ID: a.nextNumber(), Do: agentui.DoSignal, Offer: s.Offer, Contact: s.Contact, Leg: s.Leg, Payload: payload})
		}})
		a.browsers[s.Offer], a.legs[s.Offer] = browser, s.Leg
		a.wake()
	}
	a.mutex.Unlock()
	if browser == nil {
		return
	}
	if err := browser.Signal(s.Payload); err != nil {
		select {
		case <-browser.Over(): // the offer is gone already
		default:
			a.t.Logf("%s: %v", a.name, err)
		}
	}
}

func (a *agent) nextNumber() int64 {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	a.number++
	return a.number
}

func (a *agent) send(r agentui.Request) {
	a.writing.Lock()
	defer a.writing.Unlock()
	if err := a.socket.WriteJSON(r); err != nil {
		a.mutex.Lock()
		defer a.mutex.Unlock()
		if !a.closing {
			a.t.Logf("%s could not send %q: %v", a.name, r.Do, err)
		}
	}
}

// ask sends a request and returns the reply: empty when it was done.
func (a *agent) ask(r agentui.Request) string {
	a.t.Helper()
	r.ID = a.nextNumber()
	reply := make(chan string, 1)
	a.mutex.Lock()
	a.replies[r.ID] = reply
	a.mutex.Unlock()
	a.send(r)
	select {
	case outcome := <-reply:
		return outcome
	case <-time.After(patience):
		a.t.Fatalf("%s got no reply to %q", a.name, r.Do)
		return ""
	}
}

func (a *agent) mustAsk(r agentui.Request) {
	a.t.Helper()
	if outcome := a.ask(r); outcome != "" {
		a.t.Fatalf("%s: %q got the answer %q; the state is %s", a.name, r.Do, outcome, asJSON(a.State()))
	}
}

// State is what the console shows now.
func (a *agent) State() agentui.ConsoleState {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	return a.state
}

// waitState waits until the console shows what is asked for.
func (a *agent) waitState(what string, is func(agentui.ConsoleState) bool) agentui.ConsoleState {
	a.t.Helper()
	return a.waitStateFor(patience, what, is)
}

func (a *agent) waitStateFor(longest time.Duration, what string, is func(agentui.ConsoleState) bool) agentui.ConsoleState {
	a.t.Helper()
	late := time.After(longest)
	for {
		a.mutex.Lock()
		state, changed, lost := a.state, a.changed, a.lost && !a.closing
		a.mutex.Unlock()
		if is(state) {
			return state
		}
		if lost {
			a.t.Fatalf("the socket of %s was lost while it waited to be %s", a.name, what)
		}
		select {
		case <-changed:
		case <-late:
			a.t.Fatalf("%s was never %s; the state is %s", a.name, what, asJSON(state))
		}
	}
}

// Ready says that the agent takes contacts, and waits until that is shown or one is offered.
func (a *agent) Ready() {
	a.t.Helper()
	a.mustAsk(agentui.Request{Do: agentui.DoPresence, Presence: contact.Ready})
	a.waitState("ready", func(s agentui.ConsoleState) bool { return s.Me.Presence == contact.Ready })
}

// Pause says that the agent takes none.
func (a *agent) Pause(reason string) {
	a.t.Helper()
	a.mustAsk(agentui.Request{Do: agentui.DoPresence, Presence: contact.Paused, Reason: reason})
	a.waitState("paused", func(s agentui.ConsoleState) bool { return s.Me.Presence == contact.Paused })
}

// Ring waits for an offer.
func (a *agent) Ring() agentui.RingCard {
	a.t.Helper()
	state := a.waitState("rung", func(s agentui.ConsoleState) bool { return s.Offer != nil && !s.Offer.Accepted })
	return *state.Offer
}

// Accept accepts the offer and waits until the two are connected.
func (a *agent) Accept(card agentui.RingCard) agentui.OngoingCard {
	a.t.Helper()
	a.mustAsk(agentui.Request{Do: agentui.DoAccept, Offer: card.Offer})
	return a.waitContact(contact.StateConnected)
}

// waitContact waits until the agent has a contact in a state.
func (a *agent) waitContact(in contact.State) agentui.OngoingCard {
	a.t.Helper()
	state := a.waitState("with a contact "+string(in), func(s agentui.ConsoleState) bool {
		return slices.ContainsFunc(s.Contacts, func(c agentui.OngoingCard) bool { return c.State == in })
	})
	return state.Contacts[0]
}

// Decline refuses the offer.
func (a *agent) Decline(card agentui.RingCard) {
	a.t.Helper()
	a.mustAsk(agentui.Request{Do: agentui.DoDecline, Offer: card.Offer})
}

// HangUp ends the talk and waits for wrap-up.
func (a *agent) HangUp(card agentui.OngoingCard) {
	a.t.Helper()
	a.mustAsk(agentui.Request{Do: agentui.DoHangUp, Contact: card.Contact})
	a.waitContact(contact.StateWrapUp)
}

// Finish ends wrap-up.
func (a *agent) Finish(id contact.ID, code contact.OutcomeCode) {
	a.t.Helper()
	a.mustAsk(agentui.Request{Do: agentui.DoFinish, Contact: id, Code: code})
	a.waitState("free", func(s agentui.ConsoleState) bool { return len(s.Contacts) == 0 || s.Contacts[0].Contact != id })
}

// WaitWaiting waits until so many contacts wait on a line.
func (a *agent) WaitWaiting(line contact.LineID, count int) {
	a.t.Helper()
	a.waitState(fmt.Sprintf("shown %d waiting", count), func(s agentui.ConsoleState) bool {
		at := slices.IndexFunc(s.Waiting, func(l agentui.WaitingLine) bool { return l.Line == line })
		return at >= 0 && s.Waiting[at].Waiting == count
	})
}

// WaitGreeted waits until so many contacts hear a welcome on a line.
func (a *agent) WaitGreeted(line contact.LineID, count int) {
	a.t.Helper()
	a.waitState(fmt.Sprintf("shown %d in the welcome", count), func(s agentui.ConsoleState) bool {
		at := slices.IndexFunc(s.Waiting, func(l agentui.WaitingLine) bool { return l.Line == line })
		return at >= 0 && s.Waiting[at].Greeted == count
	})
}

// browser is the voice of an offer, once it is being set up.
func (a *agent) browser(offer contact.OfferID) *webrtctest.Browser {
	a.t.Helper()
	late := time.After(patience)
	for {
		a.mutex.Lock()
		browser, changed := a.browsers[offer], a.changed
		a.mutex.Unlock()
		if browser != nil {
			return browser
		}
		select {
		case <-changed:
		case <-late:
			a.t.Fatalf("%s got no voice for offer %d", a.name, offer)
		}
	}
}

// Hears waits until the agent hears a tone.
func (a *agent) Hears(offer contact.OfferID, tone float64) {
	a.t.Helper()
	ctx, cancel := context.WithTimeout(a.t.Context(), patience)
	defer cancel()
	if _, err := a.browser(offer).WaitTone(ctx, tone); err != nil {
		a.t.Fatalf("%s: %v", a.name, err)
	}
}
