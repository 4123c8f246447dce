package phone

import (
	"strings"
	"testing"

	"github.com/emiago/sipgo/sip"

	"svar/channels"
)

// inform sends an INFO with a body and returns the response's code.
func (c *call) inform(kind, body string) int {
	c.peer.t.Helper()
	c.sequence++
	message := c.message(sip.INFO, "z9hG4bK"+newID(), "", body)
	c.send(strings.Replace(message, "Content-Type: application/sdp", "Content-Type: "+kind, 1))
	return c.final(sip.INFO).StatusCode
}

func TestKeysComeByInfo(t *testing.T) {
	t.Parallel()
	s := serve(t)
	c := newPeer(t, "UDP", s.Address()).call()
	a := s.connect(t, c)
	// Keys are taken while something is played: a menu is not waited for.
	if err := a.leg.(channels.Prompter).Loop(channels.Prompt{Name: "long", Language: "sv"}); err != nil {
		t.Fatal(err)
	}
	digits := a.leg.(channels.Keypad).Digits()
	for _, test := range []struct {
		kind, body string
		code       int
		key        byte // 0: none
	}{
		{"application/dtmf-relay", "Signal=5\r\nDuration=160\r\n", 200, '5'},
		{"application/dtmf-relay", "Signal= 5\r\nDuration= 160\r\n", 200, '5'}, // the same key again is another one
		{"application/dtmf-relay", "Duration=160\nsignal=*", 200, '*'},
		{"application/dtmf-relay", "Signal=11\r\n", 200, '#'},
		{"Application/DTMF; charset=utf-8", "0", 200, '0'},
		{"application/dtmf", "d\r\n", 200, 'D'},
		{"application/dtmf", "16", 200, 0}, // hook flash
		{"application/dtmf", "55", 400, 0},
		{"application/dtmf", "x", 400, 0},
		{"application/dtmf-relay", "Duration=160\r\n", 400, 0},
		{"application/dtmf-relay", "Signal=\r\n", 400, 0},
		{"application/dtmf-relay", "Signal=5" + strings.Repeat(" ", maxInfo), 413, 0},
		{"application/sdp", "v=0", 415, 0},
	} {
		if code := c.inform(test.kind, test.body); code != test.code {
			t.Errorf("%s %q got %d; want %d", test.kind, test.body, code, test.code)
		}
		if test.key == 0 {
			continue
		}
		if key := await(t, digits, "key"); key != test.key {
			t.Errorf("%s %q is %q; want %q", test.kind, test.body, key, test.key)
		}
	}
	select {
	case key := <-digits:
		t.Errorf("a key that was not pressed: %q", key)
	default:
	}
	c.within(sip.INFO, "", "")
	if got := c.final(sip.INFO); got.StatusCode != sip.StatusOK {
		t.Errorf("an empty INFO got %d", got.StatusCode)
	}
}

// A phone that sends each key in the voice and by INFO presses it once.
func TestAKeyThatComesBothWaysCountsOnce(t *testing.T) {
	t.Parallel()
	s := serve(t)
	p := newPhone(newPeer(t, "UDP", s.Address()).call())
	p.call.invite()
	a := s.arrival(t)
	if err := a.leg.Answer(t.Context()); err != nil {
		t.Fatal(err)
	}
	digits := a.leg.(channels.Keypad).Digits()
	until(t, "voice", func() bool { return a.leg.(*leg).Stream().Format().Codec != 0 }) // what comes before the ACK is not heard
	p.Press('1')
	if key := await(t, digits, "key"); key != '1' {
		t.Errorf("the key is %q", key)
	}
	p.mutex.Lock()
	p.call.sequence++
	message := p.call.message(sip.INFO, "z9hG4bK"+newID(), "", "1")
	p.call.send(strings.Replace(message, "application/sdp", "application/dtmf", 1))
	p.mutex.Unlock()
	p.Press('2')
	if key := await(t, digits, "key"); key != '2' {
		t.Errorf("the next key is %q; the first one counted twice", key)
	}
}
