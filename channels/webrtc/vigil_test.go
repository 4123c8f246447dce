package webrtc

import (
	"testing"
	"testing/synctest"
	"time"

	"svar/channels"
	"svar/channels/media"
	"svar/channels/media/mediatest"
	"svar/channels/webrtc/webrtctest"
)

func TestVigilPardonsWhatWeSlept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := newVigil(5*time.Second, time.Now())
		defer v.stop()
		var unheard time.Duration
		look := func(after time.Duration) bool {
			time.Sleep(after)
			unheard += after
			return v.lost(unheard, time.Now())
		}
		for range 10 {
			if look(500 * time.Millisecond) {
				t.Fatalf("lost after %s", unheard)
			}
		}
		if !look(500 * time.Millisecond) {
			t.Fatalf("not lost after %s", unheard)
		}
		// An hour of sleep says nothing about the browser, the time after it does.
		if look(time.Hour) {
			t.Fatal("lost after we slept ourselves")
		}
		for range 10 {
			if look(500 * time.Millisecond) {
				t.Fatal("lost too early after we slept")
			}
		}
		if !look(500 * time.Millisecond) {
			t.Fatal("not lost after we slept")
		}
	})
}

func TestUsualPatienceIsThatOfACaller(t *testing.T) {
	t.Parallel()
	if usual := (timing{}).complete(); usual.unheard != 5*time.Second || usual != usualTiming {
		t.Errorf("%+v", usual)
	}
}

// unheardSoon leaves ICE its usual patience: what ends a leg then is that it is silent.
func unheardSoon(c *Config) { c.timing.unheard = time.Second }

// freeswitch#2540: a caller does not wait for the voice of somebody who is gone.
func TestSilentBrowserIsAFault(t *testing.T) {
	t.Parallel()
	for name, story := range map[string]struct {
		options webrtctest.Options
		fall    func(*webrtctest.Browser)
	}{
		"its network is gone":        {webrtctest.Options{}, (*webrtctest.Browser).Vanish},
		"its microphone is gone":     {webrtctest.Options{}, (*webrtctest.Browser).FallDumb},
		"its microphone over TCP":    {webrtctest.Options{TCPOnly: true}, (*webrtctest.Browser).FallDumb},
		"its page is gone, over TCP": {webrtctest.Options{TCPOnly: true}, (*webrtctest.Browser).Close},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, browser := connectBrowser(t, newGateway(t, unheardSoon), media.PCMA, story.options)
			for l.Quality().Received == 0 {
				if err := waitABit(patient(t)); err != nil {
					t.Fatal("no sound came")
				}
			}
			story.fall(browser)
			await(t, "the end of the leg", l.Done())
			// A page over TCP may still get its farewell through.
			if ending := l.Ending(); ending != channels.EndedByFault && (ending != channels.EndedByParty || !story.options.TCPOnly) {
				t.Errorf("the leg ended by %s (%v)", ending, l.cause)
			}
		})
	}
}

// A muted microphone is silent but sends.
func TestMutedBrowserIsHeard(t *testing.T) {
	t.Parallel()
	l, browser := connectBrowser(t, newGateway(t, nil), media.PCMA, webrtctest.Options{})
	received := l.Quality().Received
	for l.Quality().Received < received+300 { // six seconds, longer than the patience
		if err := waitABit(patient(t)); err != nil {
			t.Fatal("no silence came")
		}
	}
	select {
	case <-l.Done():
		t.Errorf("ended by %s (%v)", l.Ending(), l.cause)
	default:
	}
	browser.Say(400)
}

// The agent's way to us goes away in the talk, and his console asks for another leg: after a
// reload, or over another network, which may let no UDP through.
func TestAnotherLegTakesTheTalkOver(t *testing.T) {
	t.Parallel()
	for name, story := range map[string]struct {
		next   webrtctest.Options
		depart func(*webrtctest.Browser)
	}{
		"another network":             {webrtctest.Options{}, (*webrtctest.Browser).Vanish},
		"another network without UDP": {webrtctest.Options{TCPOnly: true}, (*webrtctest.Browser).Vanish},
		"another window":              {webrtctest.Options{}, func(*webrtctest.Browser) {}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGateway(t, nil)
			user, userBrowser := connectBrowser(t, g, media.PCMA, webrtctest.Options{Tone: 400})
			former, formerBrowser := connectBrowser(t, g, media.PCMA, webrtctest.Options{Tone: 700})
			if err := media.Connect(user.Stream(), former.Stream()); err != nil {
				t.Fatal(err)
			}
			if _, err := userBrowser.WaitTone(patient(t), 700); err != nil {
				t.Fatal(err)
			}
			story.depart(formerBrowser)
			options := story.next
			options.Tone = 1000
			next, nextBrowser := connectBrowser(t, g, media.PCMA, options)
			if err := media.Connect(user.Stream(), next.Stream()); err != nil {
				t.Fatal(err)
			}
			former.HangUp() // after the new one was connected
			if _, err := userBrowser.WaitTone(patient(t), 1000); err != nil {
				t.Errorf("the user: %v", err)
			}
			if _, err := nextBrowser.WaitTone(patient(t), 400); err != nil {
				t.Errorf("the agent: %v", err)
			}
			if want := map[bool]string{true: "tcp", false: "udp"}[options.TCPOnly]; nextBrowser.Protocol() != want {
				t.Errorf("the voice goes over %s, not %s", nextBrowser.Protocol(), want)
			}
			expectOneSource(t, userBrowser)
		})
	}
}

// What holds and resumes is heard by a browser as one voice without a jump.
func TestHoldAndResumeInTheBrowser(t *testing.T) {
	t.Parallel()
	g := newGateway(t, nil)
	user, userBrowser := connectBrowser(t, g, media.PCMA, webrtctest.Options{Tone: 400})
	agent, agentBrowser := connectBrowser(t, g, media.PCMA, webrtctest.Options{Tone: 700})
	for _, tones := range [][3]float64{{400, 700, 1000}, {500, 800, 1100}} {
		userBrowser.Say(tones[0])
		agentBrowser.Say(tones[1])
		if err := media.Connect(user.Stream(), agent.Stream()); err != nil {
			t.Fatal(err)
		}
		if _, err := userBrowser.WaitTone(patient(t), tones[1]); err != nil {
			t.Errorf("the user: %v", err)
		}
		if _, err := agentBrowser.WaitTone(patient(t), tones[0]); err != nil {
			t.Errorf("the agent: %v", err)
		}
		media.Disconnect(user.Stream(), agent.Stream())
		if err := user.Stream().Loop(mediatest.Tone(tones[2], time.Second)); err != nil {
			t.Fatal(err)
		}
		if _, err := userBrowser.WaitTone(patient(t), tones[2]); err != nil {
			t.Errorf("the user on hold: %v", err)
		}
	}
	expectOneSource(t, userBrowser)
	expectOneSource(t, agentBrowser)
}

// expectOneSource: one SSRC, one sequence, and a timestamp that only goes on.
func expectOneSource(t *testing.T, browser *webrtctest.Browser) {
	t.Helper()
	packets := browser.Heard.Packets()
	for i := 1; i < len(packets); i++ {
		now, former := packets[i], packets[i-1]
		if now.SSRC != former.SSRC || int16(now.SequenceNumber-former.SequenceNumber) <= 0 || int32(now.Timestamp-former.Timestamp) <= 0 {
			t.Fatalf("packet %d does not follow: %+v after %+v", i, now.Header, former.Header)
		}
	}
}
