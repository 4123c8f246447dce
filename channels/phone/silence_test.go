package phone

import (
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"
	"github.com/pion/rtp"

	"svar/channels"
)

func TestWhenAPartyIsAsked(t *testing.T) {
	t.Parallel()
	const after, never = 30 * time.Second, 24 * time.Hour
	for name, test := range map[string]struct {
		after, unheard, silent, probed time.Duration
		due                            bool
	}{
		"he talks":                     {after: after, silent: time.Millisecond, probed: never},
		"he paused":                    {after: after, unheard: 29 * time.Second, silent: 29 * time.Second, probed: never},
		"he is silent":                 {after: after, unheard: after, silent: after, probed: never, due: true},
		"he was asked just now":        {after: after, unheard: time.Hour, silent: time.Hour, probed: 29 * time.Second},
		"he was asked some time ago":   {after: after, unheard: time.Hour, silent: time.Hour, probed: after, due: true},
		"he holds":                     {after: after, silent: 299 * time.Second, probed: never},
		"he holds for long":            {after: after, silent: 300 * time.Second, probed: never, due: true},
		"he holds, and was asked":      {after: after, silent: time.Hour, probed: after},
		"nobody is asked":              {after: -1, unheard: never, silent: never, probed: never},
		"nobody is asked, on hold too": {after: -1, silent: never, probed: never},
	} {
		if got := probeDue(test.after, test.unheard, test.silent, test.probed); got != test.due {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// Three callers send nothing: one holds, one said by comfort noise that he is silent, and one
// just does not. Only the last one is asked, again and again, and as he is there he is kept,
// however long he is silent: people who write or sign through a relay say nothing for minutes.
func TestSilentCallersAreAskedAndKept(t *testing.T) {
	t.Parallel()
	s := serve(t, func(c *Config, _ *switchboard) { c.ProbeAfter = time.Second })
	holding := newPeer(t, "UDP", s.Address()).call()
	held := s.connect(t, holding)
	holding.within(sip.INVITE, "", holding.body+"a=sendonly\r\n")
	holding.ack(holding.finalOf(sip.INVITE, holding.sequence), "")

	resting := newPeer(t, "UDP", s.Address()).call()
	rests := s.connect(t, resting)
	noise := rtp.Packet{Header: rtp.Header{Version: 2, PayloadType: 13, SSRC: 5, SequenceNumber: 7}, Payload: []byte{70}}
	data, err := noise.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	until(t, "comfort noise", func() bool { // nothing is taken before the ACK is
		if _, err := resting.eventSender().WriteToUDPAddrPort(data, rests.leg.(*leg).socketAddress()); err != nil {
			t.Fatal(err)
		}
		return rests.leg.(*leg).Quality().Received > 0
	})

	silent := newPeer(t, "UDP", s.Address()).call()
	kept := s.connect(t, silent)
	silent.answerTo(silent.request(sip.OPTIONS), 200)
	again := silent.request(sip.OPTIONS)
	if got := s.Stats(); got.Silences != 2 || got.DeadRTP != 0 { // no third question before an answer
		t.Errorf("%d were asked and %d ended", got.Silences, got.DeadRTP)
	}
	silent.answerTo(again, 200)
	for _, a := range []arrival{held, rests, kept} {
		if a.leg.(*leg).isOver() {
			t.Error("a silent call was ended")
		}
	}
}

// A voice that comes back while the question is still open counts more than its answer.
func TestAVoiceThatComesBackIsKept(t *testing.T) {
	t.Parallel()
	s := serve(t, func(c *Config, _ *switchboard) { c.ProbeAfter = 10 * time.Millisecond })
	c := newPeer(t, "UDP", s.Address()).call()
	c.body = c.offer("8", "")
	a := s.connect(t, c)
	options := c.request(sip.OPTIONS)
	c.voice.SendTone(a.leg.(*leg).socketAddress(), 440)
	until(t, "voice", func() bool { return a.leg.(channels.Measured).Quality().Received > 0 })
	c.answerTo(options, 481)
	c.within(sip.OPTIONS, "", "") // the answer to ours was taken before this one
	if got := c.final(sip.OPTIONS).StatusCode; got != 200 {
		t.Errorf("OPTIONS got %d", got)
	}
	c.within(sip.BYE, "", "")
	if got := c.final(sip.BYE).StatusCode; got != 200 {
		t.Errorf("BYE got %d", got)
	}
	over(t, a.leg, channels.EndedByParty)
	if got := s.Stats().DeadRTP; got != 0 {
		t.Errorf("%d were ended", got)
	}
}
