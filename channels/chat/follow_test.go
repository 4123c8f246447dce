package chat

import (
	"testing"
	"time"

	"svar/contact"
)

// visitAfter opens a page whose visitor goes on with the chat of that token.
func (s *server) visitAfter(token string) *page {
	s.t.Helper()
	p := s.open()
	p.say(request{Hello: &hello{Topic: "chat-staff", Language: "sv", Follows: token}})
	m := p.until("welcome", func(m message) bool { return m.Welcome != nil })
	if m.Welcome.Resumed || m.Welcome.Token == token {
		s.t.Fatalf("a chat that is over goes on: %+v", *m.Welcome)
	}
	p.token = m.Welcome.Token
	return p
}

// follows sends a first text and returns what the new contact follows.
func (w *world) follows(p *page) contact.ID {
	w.t.Helper()
	p.acknowledged(p.send("Hej igen"))
	return w.arrived().contact.Follows
}

// talkedTo is a visitor whose chat is over.
func (w *world) talkedTo(s *server) (*page, contact.ID) {
	w.t.Helper()
	p := s.visit()
	p.acknowledged(p.send("Hej"))
	first := w.arrived()
	if first.contact.Follows != "" {
		w.t.Fatalf("the first chat follows %s", first.contact.Follows)
	}
	first.leg.HangUp()
	p.until("the end", func(m message) bool { return m.State == stateEnded })
	return p, first.contact.ID
}

func TestAVisitorGoesOnWithAChatThatIsOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.serve()
	p, first := w.talkedTo(s)
	again := s.visitAfter(p.token)
	if got := w.follows(again); got != first {
		t.Errorf("the new chat follows %q, want %q", got, first)
	}
	if got := w.follows(s.visitAfter(again.token)); got != "" {
		t.Errorf("a chat follows %q, which is not over", got)
	}
	if got := w.follows(s.visitAfter(newToken())); got != "" {
		t.Errorf("a stranger's chat follows %q", got)
	}
}

// A page that stood open over lunch asks for its chat, which can be read no more.
func TestAChatIsFollowedThatCannotBeReadAnyMore(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.serve(func(c *Config) { c.timing.keep = time.Nanosecond })
	p, first := w.talkedTo(s)
	for known := true; known; {
		token, _ := hashToken(p.token)
		found, _ := s.gateway.find(t.Context(), token)
		known = found != nil
	}
	late := s.open()
	late.say(request{Hello: &hello{Topic: "chat-staff", Language: "sv", Resume: p.token}})
	if got := w.follows(late); got != first {
		t.Errorf("the new chat follows %q, want %q", got, first)
	}
}

func TestEndedChatsAreForgotten(t *testing.T) {
	t.Parallel()
	var ended endedChats
	token := func(n int) tokenHash { return tokenHash{byte(n), byte(n >> 8)} }
	ended.note(token(0), "first", noon)
	if got := ended.find(token(0), noon.Add(followWithin)); got != "first" {
		t.Errorf("found %q", got)
	}
	if got := ended.find(token(0), noon.Add(followWithin+1)); got != "" {
		t.Errorf("found %q after its time", got)
	}
	for n := range maxEnded + 1 {
		ended.note(token(n), "c", noon)
	}
	if oldest, newest := ended.find(token(0), noon), ended.find(token(maxEnded), noon); oldest != "" || newest != "c" || len(ended.contacts) != maxEnded {
		t.Errorf("found %q and %q among %d", oldest, newest, len(ended.contacts))
	}
}
