package chat

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/websocket"

	"svar/channels"
	"svar/contact"
)

func TestTheFirstMessageIsTheArrival(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.serve().visit()
	id := p.send("  Jag kommer inte in på nätet\noch har försökt")
	a := w.arrived()
	want := contact.Contact{
		ID: a.contact.ID, Channel: contact.Chat, Line: "chat-staff", Service: "network", Language: "sv", Arrived: contact.InstantOf(noon),
	}
	if a.contact != want || a.contact.ID == "" {
		t.Errorf("the contact is %+v, want %+v", a.contact, want)
	}
	if a.personal.Subject != "Jag kommer inte in på nätet" {
		t.Errorf("the subject is %q", a.personal.Subject)
	}
	kept := p.acknowledged(id)
	lines := w.stream.await(t, a.contact.ID, 1)
	if lines[0].ID != id || lines[0].Sequence != kept.Sequence || lines[0].From != contact.PartyCaller || lines[0].Kind != contact.ChatText {
		t.Errorf("kept is %+v; acknowledged was %+v", lines[0], kept)
	}
	if err := a.leg.Answer(t.Context()); err != nil {
		t.Error(err)
	}
	// The second one opens nothing.
	p.acknowledged(p.send("Är någon där?"))
	if len(w.arrivals) != 0 {
		t.Error("a second contact arrived")
	}
}

func TestBothSidesWrite(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.serve().visit()
	p.acknowledged(p.send("Hej"))
	a := w.arrived()
	prompter, texting := a.leg.(channels.Prompter), a.leg.(channels.Texting)
	if err := prompter.Play(t.Context(), channels.Prompt{Name: "short", Language: "sv"}); err != nil {
		t.Fatal(err)
	}
	if err := prompter.Play(t.Context(), channels.Prompt{Name: "x", Text: "Driftstörning"}); err != nil {
		t.Fatal(err)
	}
	texting.Joined("anna")
	p.until("joined", func(m message) bool { return m.State == stateJoined })
	w.stream.await(t, a.contact.ID, 4)
	said := contact.ChatLine{ID: uuid.NewString(), From: contact.PartyAgent, Kind: contact.ChatText, Text: "Hej, hej", Agent: "anna"}
	if _, err := w.stream.Append(t.Context(), a.contact.ID, said); err != nil {
		t.Fatal(err)
	}
	p.shows("Hej", "Du står i kö.", "Driftstörning", "", "Hej, hej")
	if p.lines[3].Kind != contact.ChatJoined || p.lines[4].From != contact.PartyAgent {
		t.Errorf("the page has %+v", p.lines)
	}
	texting.Left()
	p.until("waiting again", func(m message) bool { return m.State == stateWaiting })
	a.leg.HangUp()
	p.until("the end", func(m message) bool { return m.State == stateEnded })
	p.shows("Hej", "Du står i kö.", "Driftstörning", "", "Hej, hej", "", "")
	if last := p.lines[6]; last.Kind != contact.ChatEnded || last.From != contact.PartySystem {
		t.Errorf("the last line is %+v", last)
	}
	p.send("Tack")
	if r := p.refused(); r.Code != refusedEnded {
		t.Errorf("refused by %q", r.Code)
	}
}

// A prompt that is too long for a line, or not there, is an error and no line.
func TestPromptsThatCannotBeSaid(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.serve().visit()
	p.acknowledged(p.send("Hej"))
	a := w.arrived()
	for _, name := range []string{"long", "none"} {
		if err := a.leg.(channels.Prompter).Play(t.Context(), channels.Prompt{Name: name, Language: "sv"}); err == nil {
			t.Errorf("%s was said", name)
		}
	}
	if err := a.leg.(channels.Prompter).Loop(channels.Prompt{Name: "queue-music"}); err != nil {
		t.Error(err)
	}
	if lines := w.stream.await(t, a.contact.ID, 1); len(lines) != 1 {
		t.Errorf("kept are %+v", lines)
	}
}

// The network is cut again and again, and each time the page sends what it has no
// acknowledgement for: nothing is there twice, nothing is missing (chatwoot#14934, #995).
func TestACutCostsNothingAndDoublesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.serve()
	p := s.visit()
	p.acknowledged(p.send("0"))
	a := w.arrived()
	var want []string
	want = append(want, "0")
	for n := 1; n <= 12; n++ {
		id, text := uuid.NewString(), fmt.Sprint(n)
		w.set(func() { w.now = w.now.Add(time.Minute) }) // nobody is too fast
		line := request{Send: &sendLine{ID: id, Text: text}}
		p.say(line)
		if n%2 == 0 { // cut after it is kept, but before the page knows
			w.stream.await(t, a.contact.ID, n)
		}
		_ = p.socket.NetConn().Close() // no goodbye
		if n%3 == 0 {                  // meanwhile the agent writes
			w.stream.await(t, a.contact.ID, n-1)
		}
		p = s.resume(p)
		p.say(line)
		p.acknowledged(id)
		want = append(want, text)
		p.shows(want...)
	}
	if lines := w.stream.await(t, a.contact.ID, len(want)); len(lines) != len(want) {
		t.Errorf("kept are %d lines, want %d", len(lines), len(want))
	}
	if len(w.arrivals) != 0 {
		t.Error("a cut opened another chat")
	}
	reloaded := s.resume(&page{token: p.token}) // it has nothing
	reloaded.shows(want...)
}

// The socket is cut while the contact is put on record: what the page sends again belongs to it.
func TestACutInTheArrivalOpensOneChat(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.holds, w.holding = make(chan struct{}), make(chan struct{})
	s := w.serve()
	p := s.visit()
	id := p.send("Hej")
	<-w.holding
	_ = p.socket.NetConn().Close()
	again := s.open()
	again.say(request{Hello: &hello{Topic: "chat-staff", Language: "sv", Resume: p.token}})
	close(w.holds)
	if m := again.until("welcome", func(m message) bool { return m.Welcome != nil }); !m.Welcome.Resumed {
		t.Error("the chat was not found while it was begun")
	}
	again.state()
	again.say(request{Send: &sendLine{ID: id, Text: "Hej"}})
	again.acknowledged(id)
	again.shows("Hej")
	w.arrived()
	if len(w.arrivals) != 0 {
		t.Error("two contacts arrived")
	}
}

// The process ends without a word; the next one restores the leg, and the visitor goes on.
func TestAChatOutlivesTheProcess(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.serve()
	p := first.visit()
	p.acknowledged(p.send("Hej"))
	a := w.arrived()
	a.leg.(channels.Texting).Joined("anna")
	p.until("joined", func(m message) bool { return m.State == stateJoined })
	p.shows("Hej", "")
	first.stop()
	if code := p.closed(); code != websocket.CloseGoingAway {
		t.Errorf("closed by %d", code)
	}
	<-a.leg.Done()
	if lines := w.stream.await(t, a.contact.ID, 2); len(lines) != 2 {
		t.Errorf("the end of a process ended the chat: %+v", lines)
	}

	second := w.serve(func(c *Config) { c.timing.restore = time.Hour })
	early := second.open()
	early.say(request{Hello: &hello{Topic: "chat-staff", Language: "sv", Resume: p.token}})
	if code := early.closed(); code != websocket.CloseTryAgainLater {
		t.Errorf("before it is restored, the page is closed by %d", code)
	}
	leg, err := second.gateway.RestoreLeg(t.Context(), a.leg.ID(), a.contact.ID, a.leg.Record())
	if err != nil {
		t.Fatal(err)
	}
	again, err := second.gateway.RestoreLeg(t.Context(), a.leg.ID(), a.contact.ID, a.leg.Record())
	if err != nil || again != leg || leg.ID() != a.leg.ID() {
		t.Errorf("restored twice it is another: %v", err)
	}
	if err := leg.Answer(t.Context()); err != nil {
		t.Error(err)
	}
	leg.(channels.Texting).Joined("anna") // she has it already
	p = second.resume(p)
	p.acknowledged(p.send("Är du kvar?"))
	p.shows("Hej", "", "Är du kvar?")
	if len(w.arrivals) != 0 {
		t.Error("a restart opened another chat")
	}
	second.gateway.Restored()
	stranger := second.open()
	stranger.say(request{Hello: &hello{Topic: "chat-staff", Resume: newToken()}})
	if m := stranger.until("welcome", func(m message) bool { return m.Welcome != nil }); m.Welcome.Resumed {
		t.Error("an unknown token has a chat")
	}
	leg.HangUp()
	w.stream.await(t, a.contact.ID, 4)
	second.stop()

	third := w.serve() // it was over when its record was read
	over, err := third.gateway.RestoreLeg(t.Context(), a.leg.ID(), a.contact.ID, a.leg.Record())
	if err != nil {
		t.Fatal(err)
	}
	<-over.Done()
	if over.Ending() != channels.EndedByUs {
		t.Errorf("ended by %q", over.Ending())
	}
}

func TestRecordsThatCannotBeRestored(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.serve()
	p := s.visit()
	p.acknowledged(p.send("Hej"))
	a := w.arrived()
	record := string(a.leg.Record())
	for name, test := range map[string]struct {
		of     contact.ID
		record string
	}{
		"another contact's": {"c2", record},
		"a newer one":       {a.contact.ID, strings.Replace(record, `"version":1`, `"version":2`, 1)},
		"a torn one":        {a.contact.ID, record[:len(record)/2]},
		"a further field":   {a.contact.ID, strings.Replace(record, `"version":1`, `"version":1,"x":1`, 1)},
		"without a token":   {a.contact.ID, strings.Replace(record, `"token":"`, `"token":"","x":"`, 1)},
	} {
		if _, err := s.gateway.RestoreLeg(t.Context(), "l", test.of, []byte(test.record)); err == nil {
			t.Errorf("%s was restored", name)
		}
	}
	if _, err := s.gateway.RestoreLeg(t.Context(), "another", a.contact.ID, a.leg.Record()); err == nil {
		t.Error("one token has two legs")
	}
	if strings.Contains(record, p.token) {
		t.Error("the record has the token itself")
	}
}

func TestTheVisitorEndsIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.serve()
	p := s.visit()
	p.say(request{End: &struct{}{}}) // before it has begun
	p.acknowledged(p.send("Hej"))
	a := w.arrived()
	p.say(request{End: &struct{}{}})
	p.until("the end", func(m message) bool { return m.State == stateEnded })
	<-a.leg.Done()
	if a.leg.Ending() != channels.EndedByParty {
		t.Errorf("ended by %q", a.leg.Ending())
	}
	lines := w.stream.await(t, a.contact.ID, 2)
	if lines[1].Kind != contact.ChatEnded || lines[1].From != contact.PartyCaller {
		t.Errorf("the last line is %+v", lines[1])
	}
	again := s.resume(&page{token: p.token}) // it can still be read
	again.shows("Hej", "")
}

// A visitor who stays away long enough is gone; one who comes back in time is not, and one who
// is there may be silent for as long as he likes.
func TestAVisitorWhoStaysAwayEndsIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		config := newWorld(t).config()
		config.AwayLimit, config.timing.look = 10*time.Minute, time.Hour
		stream := config.Conversations.(*stream)
		g, err := New(config)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		served := make(chan error, 1)
		go func() { served <- g.Serve(ctx) }()
		hash, _ := hashToken(newToken())
		record, err := legRecord{Version: recordVersion, Contact: "c1", Topic: "chat-staff", Language: "sv", Token: hash[:]}.encode()
		if err != nil {
			t.Fatal(err)
		}
		restored, err := g.RestoreLeg(ctx, "l1", "c1", record)
		if err != nil {
			t.Fatal(err)
		}
		l := restored.(*leg)
		first, second := &visitor{dirty: make(chan struct{}, 1)}, &visitor{dirty: make(chan struct{}, 1)}
		l.attach(first)
		time.Sleep(time.Hour)
		l.attach(second)
		l.leave(first)
		time.Sleep(time.Hour)
		l.leave(second)
		time.Sleep(9 * time.Minute)
		l.attach(first)
		l.leave(first) // it counts from now
		time.Sleep(9 * time.Minute)
		synctest.Wait()
		if l.isOver() {
			t.Fatal("the leg is over too soon")
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if !l.isOver() || l.Ending() != channels.EndedByParty {
			t.Errorf("ended by %q", l.Ending())
		}
		if lines, _ := stream.after("c1", 0); len(lines) != 1 || lines[0].Kind != contact.ChatEnded {
			t.Errorf("kept are %+v", lines)
		}
		cancel()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
}

// Neither the intake nor the stream takes anything, and later both do: nothing is acknowledged
// before, and the same line is kept once after.
func TestNothingIsAcknowledgedBeforeItIsSafe(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.refuses = errors.New("no journal")
	s := w.serve(func(c *Config) { c.ChatsPerAddress = 1 })
	p := s.visit()
	line := request{Send: &sendLine{ID: uuid.NewString(), Text: "Hej"}}
	for range 3 { // our own faults count for nobody
		p.say(line)
		if r := p.refused(); r.Code != refusedUnavailable || r.ID != line.Send.ID {
			t.Errorf("refused by %+v", r)
		}
	}
	w.set(func() { w.refuses = nil })
	w.stream.fail(errors.New("no stream"))
	p.say(line)
	if r := p.refused(); r.Code != refusedUnavailable {
		t.Errorf("refused by %+v", r)
	}
	a := w.arrived()
	answered := make(chan error, 1)
	go func() { answered <- a.leg.Answer(t.Context()) }()
	w.stream.fail(nil)
	if len(answered) != 0 {
		t.Error("answered before the first message is kept")
	}
	p.say(line)
	p.acknowledged(line.Send.ID)
	p.say(line)
	p.acknowledged(line.Send.ID)
	if err := <-answered; err != nil {
		t.Error(err)
	}
	if lines := w.stream.await(t, a.contact.ID, 1); len(lines) != 1 {
		t.Errorf("kept are %+v", lines)
	}
}
