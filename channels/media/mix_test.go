package media_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"svar/channels/media"
	"svar/channels/media/mediatest"
)

const everybody = media.User | media.Agent | media.Supervisor

// member is a leg that says a tone of its own.
type member struct {
	leg
	*speaker
	format media.Format
	tone   float64
	sounds [][]byte
	from   int // of the wire, what listen looks at
}

func newMember(t *testing.T, pacer *media.Pacer, format media.Format, tone float64) *member {
	t.Helper()
	p := &member{
		leg: newLeg(t, pacer, format), speaker: newSpeaker(format), format: format, tone: tone,
	}
	if format.Codec != 0 {
		p.sounds = mediatest.TonePayloads(format.Codec, tone, 50)
	}
	p.packet.SSRC = uint32(tone)
	return p
}

// say sends 20 ms of the tone.
func (p *member) say(t *testing.T) {
	t.Helper()
	packet := p.next()
	packet.Payload = p.sounds[int(packet.SequenceNumber)%len(p.sounds)]
	if err := p.Receive(packet); err != nil {
		t.Fatal(err)
	}
}

// talk lets all of them speak for so many frames.
func talk(t *testing.T, frames int, parties ...*member) {
	t.Helper()
	for range frames {
		for _, p := range parties {
			p.say(t)
		}
		time.Sleep(media.FrameDuration)
	}
}

// hears is whether the tone is in what the party heard since the last look, at its level.
func (p *member) hears(tone float64) bool {
	var heard [][]byte
	for _, packet := range p.wire.all()[p.from:] {
		if packet.PayloadType == p.format.PayloadType {
			heard = append(heard, packet.payload)
		}
	}
	level := mediatest.ToneLevelOf(p.format.Codec, heard, tone)
	if level > -17 && level < -13 {
		return true
	}
	if level > -38 {
		panic(fmt.Sprintf("%.0f Hz is heard at %.1f dBFS: neither well nor not at all", tone, level))
	}
	return false
}

// forget makes hears begin anew, once what is under way has been heard.
func forget(parties ...*member) {
	time.Sleep(200 * time.Millisecond)
	for _, p := range parties {
		p.from = len(p.wire.all())
	}
}

func join(t *testing.T, c *media.Conference, p *member, kind, heardBy media.Kind) {
	t.Helper()
	if err := c.Join(p.Stream, media.Seat{Kind: kind, HeardBy: heardBy}); err != nil {
		t.Fatal(err)
	}
}

func newConference(t *testing.T, pacer *media.Pacer) *media.Conference {
	t.Helper()
	conference := media.NewConference(pacer)
	t.Cleanup(conference.Close)
	return conference
}

func TestWhoHearsWhomInAConference(t *testing.T) {
	t.Parallel()
	stories := map[string]struct {
		supervisor media.Kind // who hears him
		third      media.Seat
		user       string // whom each one hears
		agent      string
		fourth     string
		boss       string
	}{
		"listen":                     {0, media.Seat{Kind: media.Agent, HeardBy: everybody}, "at", "ut", "ua", "uat"},
		"whisper":                    {media.Agent, media.Seat{Kind: media.Agent, HeardBy: everybody}, "at", "uts", "uas", "uat"},
		"barge":                      {everybody, media.Seat{Kind: media.Agent, HeardBy: everybody}, "ats", "uts", "uas", "uat"},
		"a second supervisor":        {media.Agent, media.Seat{Kind: media.Supervisor, HeardBy: media.Agent}, "a", "uts", "ua", "ua"},
		"two supervisors barge":      {everybody, media.Seat{Kind: media.Supervisor, HeardBy: everybody}, "ats", "uts", "uas", "uat"},
		"a third who is not heard":   {media.Agent, media.Seat{Kind: media.User}, "a", "us", "ua", "ua"},
		"whisper to nobody but boss": {media.Supervisor, media.Seat{Kind: media.Supervisor, HeardBy: media.Supervisor}, "a", "u", "uas", "uat"},
	}
	formats := []media.Format{formatA, formatG, formatU, formatG}
	for name, story := range stories {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				pacer := newPacer(t)
				c := newConference(t, pacer)
				user, agent := newMember(t, pacer, formats[0], 600), newMember(t, pacer, formats[1], 1000)
				third, boss := newMember(t, pacer, formats[2], 1400), newMember(t, pacer, formats[3], 2100)
				join(t, c, user, media.User, everybody)
				join(t, c, agent, media.Agent, everybody)
				join(t, c, third, story.third.Kind, story.third.HeardBy)
				join(t, c, boss, media.Supervisor, story.supervisor)
				talk(t, 25, user, agent, third, boss)
				for _, p := range []*member{user, agent, third, boss} {
					p.from = len(p.wire.all())
				}
				talk(t, 50, user, agent, third, boss)
				names := map[*member]rune{user: 'u', agent: 'a', third: 't', boss: 's'}
				for listener, want := range map[*member]string{user: story.user, agent: story.agent, third: story.fourth, boss: story.boss} {
					heard := ""
					for _, speaker := range []*member{user, agent, third, boss} {
						if listener.hears(speaker.tone) {
							heard += string(names[speaker])
						}
					}
					if heard != want {
						t.Errorf("%c hears %q, wants %q", names[listener], heard, want)
					}
				}
			})
		})
	}
}

// The mode of a supervisor changes without a new leg.
func TestASeatChangesWithinATalk(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pacer := newPacer(t)
		c := newConference(t, pacer)
		user, agent, boss := newMember(t, pacer, formatA, 600), newMember(t, pacer, formatA, 1000), newMember(t, pacer, formatA, 2100)
		join(t, c, user, media.User, everybody)
		join(t, c, agent, media.Agent, everybody)
		for _, mode := range []struct {
			heardBy            media.Kind
			byUser, byTheAgent bool
		}{{0, false, false}, {media.Agent, false, true}, {everybody, true, true}, {media.Agent, false, true}, {0, false, false}} {
			join(t, c, boss, media.Supervisor, mode.heardBy)
			forget(user, agent)
			talk(t, 60, user, agent, boss)
			if user.hears(2100) != mode.byUser || agent.hears(2100) != mode.byTheAgent {
				t.Errorf("heard by %03b: by the user %v, by the agent %v", mode.heardBy, user.hears(2100), agent.hears(2100))
			}
			user.from, agent.from = len(user.wire.all()), len(agent.wire.all())
		}
	})
}

// One who has not answered yet is heard, and hears nobody, nor their keys.
func TestADeafSeat(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pacer := newPacer(t)
		c := newConference(t, pacer)
		place, agent, boss := newMember(t, pacer, formatA, 600), newMember(t, pacer, formatA, 1000), newMember(t, pacer, formatA, 2100)
		join(t, c, agent, media.Agent, everybody)
		join(t, c, boss, media.Supervisor, 0)
		for _, deaf := range []bool{true, false} {
			if err := c.Join(place.Stream, media.Seat{Kind: media.User, HeardBy: everybody, Deaf: deaf}); err != nil {
				t.Fatal(err)
			}
			forget(place, agent, boss)
			talk(t, 60, place, agent, boss)
			if !agent.hears(600) || !boss.hears(600) || place.hears(1000) == deaf {
				t.Errorf("deaf %t: heard by the agent %t, by the supervisor %t, hears the agent %t", deaf,
					agent.hears(600), boss.hears(600), place.hears(1000))
			}
			before := len(place.wire.all())
			for _, packet := range pressed(agent.speaker, 5, 4) {
				if err := agent.Receive(packet); err != nil {
					t.Fatal(err)
				}
				time.Sleep(media.FrameDuration)
			}
			keys := 0
			for _, packet := range place.wire.all()[before:] {
				if packet.PayloadType == formatA.TelephoneEvent {
					keys++
				}
			}
			if (keys == 0) != deaf {
				t.Errorf("deaf %t: %d packets of keys came", deaf, keys)
			}
		}
	})
}

func TestLeavingAConference(t *testing.T) {
	t.Parallel()
	leave := map[string]func(t *testing.T, c *media.Conference, user, agent, third *member){
		"left": func(_ *testing.T, c *media.Conference, _, _, third *member) {
			c.Leave(third.Stream)
			c.Leave(third.Stream)
		},
		"connected to somebody else": func(t *testing.T, c *media.Conference, _, _, third *member) {
			if err := media.Connect(third.Stream, newLeg(t, newPacer(t), formatA).Stream); err != nil {
				t.Error(err)
			}
			c.Leave(third.Stream) // a late order changes nothing
		},
		"closed": func(_ *testing.T, _ *media.Conference, _, _, third *member) { _ = third.Close() },
		"in another conference": func(t *testing.T, c *media.Conference, _, _, third *member) {
			join(t, newConference(t, newPacer(t)), third, media.Agent, everybody)
			c.Leave(third.Stream)
		},
	}
	for name, leave := range leave {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				pacer := newPacer(t)
				c := newConference(t, pacer)
				user, agent, third := newMember(t, pacer, formatA, 600), newMember(t, pacer, formatU, 1000), newMember(t, pacer, formatA, 1400)
				join(t, c, user, media.User, everybody)
				join(t, c, agent, media.Agent, everybody)
				join(t, c, third, media.Agent, everybody)
				talk(t, 50, user, agent, third)
				leave(t, c, user, agent, third)
				forget(user, agent, third)
				for range 50 {
					user.say(t)
					agent.say(t)
					if name != "closed" {
						third.say(t)
					}
					time.Sleep(media.FrameDuration)
				}
				if user.hears(1400) || agent.hears(1400) || third.hears(600) || third.hears(1000) {
					t.Error("who left is heard, or hears")
				}
				if !user.hears(1000) || !agent.hears(600) {
					t.Error("those who stayed do not hear each other")
				}
			})
		})
	}
}

// A bridge becomes a conference and a bridge again.
func TestConferenceTakesABridgeOverAndGivesItBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pacer := newPacer(t)
		user, agent, third := newMember(t, pacer, formatA, 600), newMember(t, pacer, formatU, 1000), newMember(t, pacer, formatA, 1400)
		check := func(when string, three bool) {
			t.Helper()
			forget(user, agent, third)
			talk(t, 60, user, agent, third)
			if !user.hears(1000) || !agent.hears(600) {
				t.Errorf("%s: the two do not hear each other", when)
			}
			if user.hears(1400) != three || agent.hears(1400) != three || third.hears(600) != three || user.hears(600) {
				t.Errorf("%s: the third one hears and is heard %v", when, !three)
			}
		}
		connect := func() {
			if err := media.Connect(user.Stream, agent.Stream); err != nil {
				t.Fatal(err)
			}
		}
		connect()
		check("bridged", false)
		c := newConference(t, pacer)
		join(t, c, third, media.Agent, everybody)
		join(t, c, user, media.User, everybody)
		join(t, c, agent, media.Agent, everybody)
		check("mixed", true)
		connect()
		check("bridged again", false)
		c.Close()
		check("closed", false)
		if err := c.Join(user.Stream, media.Seat{Kind: media.User}); !errors.Is(err, media.ErrClosed) {
			t.Errorf("join a closed conference: %v", err)
		}
		check("refused", false)
	})
}

func TestWhatIsPlayedToAPartyOfAConference(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pacer := newPacer(t)
		c := newConference(t, pacer)
		user, agent := newMember(t, pacer, formatA, 600), newMember(t, pacer, formatA, 1000)
		join(t, c, user, media.User, everybody)
		join(t, c, agent, media.Agent, everybody)
		if err := user.Loop(mediatest.Tone(2100, time.Second)); err != nil {
			t.Fatal(err)
		}
		forget(user, agent)
		talk(t, 50, user, agent)
		if !user.hears(2100) || user.hears(1000) || !agent.hears(600) || agent.hears(2100) {
			t.Error("what is played is not heard by its party alone")
		}
		join(t, c, user, media.User, everybody)
		forget(user, agent)
		talk(t, 50, user, agent)
		if user.hears(2100) || !user.hears(1000) {
			t.Error("joining again does not bring the talk back")
		}
	})
}

func TestKeysInAConference(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pacer := newPacer(t)
		c := newConference(t, pacer)
		user, agent, boss := newMember(t, pacer, formatA, 600), newMember(t, pacer, formatU, 1000), newMember(t, pacer, formatU, 2100)
		toneOnly := newMember(t, pacer, media.Format{Codec: media.PCMA, PayloadType: 8}, 1400)
		join(t, c, user, media.User, media.Agent)
		join(t, c, agent, media.Agent, everybody)
		join(t, c, boss, media.Supervisor, everybody)
		join(t, c, toneOnly, media.Agent, everybody)
		talk(t, 25, user, agent, boss, toneOnly)
		for _, packet := range pressed(user.speaker, 5, 4) {
			if err := user.Receive(packet); err != nil {
				t.Fatal(err)
			}
			agent.say(t)
			time.Sleep(media.FrameDuration)
		}
		talk(t, 25, user, agent, boss, toneOnly)
		events := func(p *member) (payloads [][]byte, timestamps map[uint32]bool) {
			timestamps = map[uint32]bool{}
			for i, packet := range p.wire.all() {
				if packet.PayloadType == 96 || packet.PayloadType == 101 {
					payloads = append(payloads, packet.payload)
					timestamps[packet.Timestamp] = true
				} else if len(payloads) > 0 && len(payloads) < 5 {
					t.Errorf("packet %d is voice within the event", i)
				}
			}
			return payloads, timestamps
		}
		payloads, timestamps := events(agent)
		if len(payloads) != 7 || len(timestamps) != 1 || payloads[0][0] != 5 || payloads[6][1]&0x80 == 0 {
			t.Errorf("the agent got %v at %v", payloads, timestamps)
		}
		for _, other := range []*member{user, boss, toneOnly} {
			if payloads, _ := events(other); len(payloads) != 0 {
				t.Errorf("%.0f Hz got %v", other.tone, payloads)
			}
		}
		if got := <-user.Digits(); got != '5' {
			t.Errorf("digit %s", got)
		}
	})
}

func TestUnusableSeats(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pacer := newPacer(t)
		c := newConference(t, pacer)
		ended := newLeg(t, pacer, formatA)
		_ = ended.Close()
		for kind, want := range map[media.Kind]error{0: media.ErrSeat, media.User | media.Agent: media.ErrSeat, 8: media.ErrSeat, media.User: media.ErrClosed} {
			if err := c.Join(ended.Stream, media.Seat{Kind: kind}); !errors.Is(err, want) {
				t.Errorf("kind %d: %v", kind, err)
			}
		}
	})
}

// A party that is not there yet, and one that changes its codec.
func TestFormatsOfAConference(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pacer := newPacer(t)
		c := newConference(t, pacer)
		agent := newMember(t, pacer, formatA, 1000)
		user := newMember(t, pacer, media.Format{}, 600)
		join(t, c, user, media.User, everybody)
		join(t, c, agent, media.Agent, everybody)
		talk(t, 10, agent)
		if err := user.Start(formatU); err != nil {
			t.Fatal(err)
		}
		for _, format := range []media.Format{formatU, formatG, formatA, formatU} {
			if err := user.SetFormat(format); err != nil {
				t.Fatal(err)
			}
			user.format, user.sounds = format, mediatest.TonePayloads(format.Codec, 600, 50)
			user.packet.PayloadType = format.PayloadType
			forget(user, agent)
			talk(t, 60, user, agent)
			if !user.hears(1000) || !agent.hears(600) {
				t.Errorf("in %s they do not hear each other", format.Codec)
			}
		}
	})
}
