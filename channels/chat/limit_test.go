package chat

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/websocket"

	"svar/contact"
)

func TestSocketsAreOpenedByOurPagesOnly(t *testing.T) {
	t.Parallel()
	s := newWorld(t).serve()
	for _, origin := range []string{"", "https://start.example", "https://evil.example", "null", s.http.URL + ".evil.example"} {
		header := http.Header{}
		if origin != "" {
			header.Set("Origin", origin)
		}
		socket, response, err := s.dial("protocol=1", header)
		if err == nil {
			socket.Close()
			t.Errorf("a page of %q opened a socket", origin)
		} else if response == nil || response.StatusCode != http.StatusForbidden {
			t.Errorf("%q: %v", origin, err)
		}
	}
}

func TestSocketsThatMakeNoSenseAreClosed(t *testing.T) {
	t.Parallel()
	s := newWorld(t).serve()
	greeting := request{Hello: &hello{Topic: "chat-staff", Language: "sv"}}
	for name, test := range map[string]struct {
		do   func(*page)
		want int
	}{
		"no such topic":   {func(p *page) { p.say(request{Hello: &hello{Topic: "x"}}) }, closeNoTopic},
		"no hello":        {func(p *page) { p.send("Hej") }, websocket.CloseInvalidFramePayloadData},
		"hello twice":     {func(p *page) { p.say(greeting); p.say(greeting) }, websocket.CloseInvalidFramePayloadData},
		"nothing":         {func(p *page) { p.say(greeting); p.say(request{}) }, websocket.CloseInvalidFramePayloadData},
		"no JSON":         {func(p *page) { _ = p.socket.WriteMessage(websocket.TextMessage, []byte("{")) }, websocket.CloseInvalidFramePayloadData},
		"no text":         {func(p *page) { _ = p.socket.WriteMessage(websocket.BinaryMessage, []byte("{}")) }, websocket.CloseUnsupportedData},
		"too large":       {func(p *page) { p.say(greeting); p.send(strings.Repeat("x", maxRequest)) }, websocket.CloseMessageTooBig},
		"without any end": {func(p *page) { p.say(greeting); flood(p) }, websocket.ClosePolicyViolation},
	} {
		t.Run(name, func(t *testing.T) {
			p := s.open()
			p.t = t
			test.do(p)
			if code := p.closed(); code != test.want {
				t.Errorf("closed by %d, want %d", code, test.want)
			}
		})
	}
	t.Run("another protocol", func(t *testing.T) {
		socket, _, err := s.dial("protocol=0", http.Header{"Origin": {s.http.URL}})
		if err != nil {
			t.Fatal(err)
		}
		defer socket.Close()
		if code := (&page{t: t, socket: socket}).closed(); code != closeWrongProtocol {
			t.Errorf("closed by %d", code)
		}
	})
}

func flood(p *page) {
	for range 2 * requestsBurst {
		if p.socket.WriteJSON(request{End: &struct{}{}}) != nil {
			return
		}
	}
}

func TestLinesThatCannotBeSent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.serve().visit()
	longest := strings.Repeat("\U0001F600", contact.MaxChatText)
	for name, line := range map[string]sendLine{
		"too long":     {uuid.NewString(), strings.Repeat("x", contact.MaxChatText+1)},
		"empty":        {uuid.NewString(), " \n\t"},
		"a NUL":        {uuid.NewString(), "a\x00b"},
		"no id":        {"", "Hej"},
		"a strange id": {"svar.chat.>", "Hej"},
		"a braced id":  {"{" + uuid.NewString() + "}", "Hej"},
	} {
		p.say(request{Send: &line})
		if r := p.refused(); r.Code != refusedInvalid || r.ID != line.ID {
			t.Errorf("%s: refused by %+v", name, r)
		}
	}
	if len(w.arrivals) != 0 {
		t.Error("what cannot be sent opened a chat")
	}
	p.acknowledged(p.send(longest))
	p.shows(longest)
}

func TestNobodyWritesTooFast(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.serve()
	p := s.visit()
	for range linesBurst {
		p.acknowledged(p.send("Hej"))
	}
	p = s.resume(p) // another socket has no further lines
	p.send("Hej")
	if r := p.refused(); r.Code != refusedTooFast {
		t.Errorf("refused by %q", r.Code)
	}
	w.set(func() { w.now = noon.Add(linesEvery) })
	p.acknowledged(p.send("Hej"))
}

func TestAnAddressBeginsSoManyChats(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.serve(func(c *Config) {
		c.ChatsPerAddress = 2
		c.Proxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	})
	from := func(address string) *page {
		socket, _, err := s.dial("protocol=1", http.Header{"Origin": {s.http.URL}, "X-Forwarded-For": {address}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { socket.Close() })
		p := &page{t: t, socket: socket}
		p.say(request{Hello: &hello{Topic: "chat-staff", Language: "sv"}})
		return p
	}
	for range 2 {
		p := from("192.0.2.1")
		p.acknowledged(p.send("Hej"))
	}
	third := from("192.0.2.1")
	third.send("Hej")
	if r := third.refused(); r.Code != refusedTooMany {
		t.Errorf("refused by %q", r.Code)
	}
	other := from("192.0.2.1, 192.0.2.2") // only the last hop is the proxy's own word
	other.acknowledged(other.send("Hej"))
	w.set(func() { w.now = noon.Add(addressEvery) })
	third.acknowledged(third.send("Hej"))
}

// A network that is cut again and again leaves sockets behind that nobody has closed yet: they
// keep nobody out.
func TestAChatIsOpenSoManyTimes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.serve()
	first := s.visit()
	first.acknowledged(first.send("Hej"))
	var newest *page
	for range socketsOfOneChat {
		newest = s.resume(&page{token: first.token})
	}
	if code := first.closed(); code != closeElsewhere {
		t.Errorf("the oldest is closed by %d", code)
	}
	newest.acknowledged(newest.send("Hej igen"))
}

// Without the very token there is no way to a chat.
func TestATokenThatNobodyKnowsOpensNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.serve()
	p := s.visit()
	p.acknowledged(p.send("Hej"))
	tokens := []string{newToken(), p.token + "A", strings.ToUpper(p.token), p.token[:42], "", strings.Repeat("A", 43)}
	for _, token := range tokens {
		other := s.open()
		other.say(request{Hello: &hello{Topic: "chat-staff", Resume: token}})
		m := other.until("welcome", func(m message) bool { return m.Welcome != nil })
		if m.Welcome.Resumed || m.Welcome.Token == token || m.Welcome.Token == p.token {
			t.Errorf("%q: %+v", token, *m.Welcome)
		}
	}
}

func TestAddressesAreCountedForWhoeverSends(t *testing.T) {
	t.Parallel()
	c := Config{Proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}
	for _, test := range []struct{ remote, forwarded, want string }{
		{"192.0.2.1:5", "198.51.100.1", "192.0.2.1"},
		{"10.0.0.1:5", "", "10.0.0.1"},
		{"10.0.0.1:5", "198.51.100.1", "198.51.100.1"},
		{"10.0.0.1:5", "203.0.113.9, 198.51.100.1, 10.0.0.2", "198.51.100.1"},
		{"10.0.0.1:5", "198.51.100.1, nonsense", "10.0.0.1"},
		{"[::ffff:192.0.2.1]:5", "", "192.0.2.1"},
		{"[2001:db8:1:2:3:4:5:6]:5", "", "2001:db8:1:2::"},
	} {
		r := &http.Request{RemoteAddr: test.remote, Header: http.Header{}}
		if test.forwarded != "" {
			r.Header.Set("X-Forwarded-For", test.forwarded)
		}
		if got := c.addressOf(r).String(); got != test.want {
			t.Errorf("%+v: got %s", test, got)
		}
	}
}

func TestTheLimitersTableIsBounded(t *testing.T) {
	t.Parallel()
	l := newAddressLimiter(1)
	now := noon
	for n := range 3 * maxAddresses {
		address := netip.MustParseAddr(fmt.Sprintf("10.%d.%d.%d", n>>16, n>>8&255, n&255))
		if _, allowed := l.take(address, now); !allowed {
			t.Fatalf("%s was shut out", address)
		}
		if len(l.by) > maxAddresses {
			t.Fatalf("the table has %d addresses", len(l.by))
		}
		now = now.Add(time.Millisecond)
	}
}
