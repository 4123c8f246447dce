package switchboard

import (
	"context"
	"errors"
	"maps"
	"slices"

	"svar/channels"
	"svar/channels/media"
)

// Who hears whom follows from where the call is: [call.arrange] looks at that and makes it so. Two who talk are
// relayed packet by packet; as soon as there is a third ear or a recording, the talk is mixed.

// audible is a leg that has sound.
type audible interface{ Stream() *media.Stream }

// party is somebody in the talk, and who hears him.
type party struct {
	leg  channels.Leg
	seat media.Seat
	// agent is his leg when it is an agent's or a supervisor's.
	agent *agentLeg
}

const everybody = media.User | media.Agent | media.Supervisor

// talk is who hears each other now.
type talk struct {
	parties []party
	// mix is nil while two are relayed, or nobody is.
	mix *media.Conference
}

// arrange lets those hear each other who should by now, and the user music when he no longer is one of
// them. When it fails somebody's leg is over, and its end is on its way.
func (c *call) arrange() error {
	talks := c.userTalks()
	if talks {
		c.walk.stop()
		c.walk.wait() // else its music could replace the agent's voice
	}
	err := c.bridge(c.parties(), talks)
	talked := c.talking
	c.talking = talks && err == nil
	if v := c.agents[c.connected]; c.talking && v != nil && v.leg != nil {
		v.leg.talked = true
		c.beginMeasuring(v.offer)
	}
	if talked && !talks && c.connected != 0 && !c.ended {
		c.startWalk(c.playMusic)
	}
	c.ringForPlace()
	c.watchDecline()
	c.withholdRecording()
	c.tellReaders()
	return err
}

// goOnTalking arranges who hears whom anew in the middle of a call. A user who can not be connected hears music.
func (c *call) goOnTalking() {
	if c.ended {
		return
	}
	if err := c.arrange(); err != nil {
		c.log.Warn().Err(err).Msg("those who talk could not be connected anew")
		if c.userTalks() {
			c.startWalk(c.playMusic)
		}
	}
}

// playMusic lets the user hear the music of his queue, and nothing else.
func (c *call) playMusic(context.Context) { c.music() }

// userTalks reports whether somebody should hear the user now.
func (c *call) userTalks() bool {
	if c.handed != nil {
		return true
	}
	v := c.agents[c.connected]
	agent := c.connected != 0 && v != nil && v.leg != nil
	if c.conference {
		return agent || c.otherLeg() != nil
	}
	return agent && !c.held
}

// parties are those who should hear each other now: the agent, and whoever he talks with.
func (c *call) parties() []party {
	user := party{leg: c.leg, seat: media.Seat{Kind: media.User, HeardBy: everybody}}
	if c.handed != nil {
		return []party{user, c.handed.party(true)}
	}
	var in []party
	if c.userTalks() {
		in = append(in, user)
	}
	if v := c.agents[c.connected]; c.connected != 0 && v != nil && v.leg != nil {
		in = append(in, v.leg.party())
	}
	if p := c.consult.place; p != nil && (c.consult.joined || p.sounds && len(in) > 0) {
		in = append(in, p.party(c.consult.joined))
	} else if c.consult.joined {
		if v := c.agents[c.consult.offer]; v != nil && v.leg != nil {
			in = append(in, v.leg.party())
		}
	}
	if len(in) == 0 {
		return nil
	}
	for _, agent := range slices.Sorted(maps.Keys(c.supervisors)) {
		if s := c.supervisors[agent]; s.joined && s.leg != nil {
			in = append(in, party{leg: s.leg.Leg, seat: s.seat(), agent: s.leg})
		}
	}
	return in
}

// party is an agent's place in a talk.
func (l *agentLeg) party() party {
	return party{leg: l.Leg, seat: media.Seat{Kind: media.Agent, HeardBy: everybody}, agent: l}
}

// otherLeg is that of the colleague or the place who is consulted and talks; nil when there is none.
func (c *call) otherLeg() channels.Leg {
	if !c.consult.joined {
		return nil
	}
	if p := c.consult.place; p != nil {
		return p.leg
	}
	if v := c.agents[c.consult.offer]; v != nil && v.leg != nil {
		return v.leg.Leg
	}
	return nil
}

// bridge lets the parties hear each other and nobody else. One of them alone hears nothing.
func (c *call) bridge(parties []party, withUser bool) error {
	former := c.talk
	recorded := c.recording != nil && withUser && c.consult.place == nil // a place outside has not agreed to it
	c.talk = talk{parties: parties, mix: former.mix}
	mixed := len(parties) > 2 || len(parties) == 2 && (recorded || slices.ContainsFunc(parties, supervises))
	if mixed {
		return c.mix(former, recorded)
	}
	c.talk.mix = nil
	var err error
	switch {
	case len(parties) == 2:
		if !slices.ContainsFunc(former.parties, func(p party) bool { return has(parties, p) }) {
			separate(former.parties)
		}
		err = connectTwo(parties[0], parties[1])
	case former.mix == nil:
		separate(former.parties)
	}
	if former.mix != nil {
		former.mix.Close()
	}
	hearNoRinging(parties, len(parties) == 2)
	return err
}

// mix lets the parties of the talk hear each other as their seats say.
func (c *call) mix(former talk, recorded bool) error {
	if c.talk.mix == nil {
		if c.board.config.Pacer == nil {
			return errors.New("this node mixes no talks")
		}
		if !slices.ContainsFunc(former.parties, func(p party) bool { return has(c.talk.parties, p) }) {
			separate(former.parties)
		}
		c.talk.mix = media.NewConference(c.board.config.Pacer)
	}
	for _, p := range former.parties {
		if leg, able := p.leg.(audible); able && !has(c.talk.parties, p) {
			c.talk.mix.Leave(leg.Stream())
		}
	}
	var failed error
	for _, p := range c.talk.parties {
		if leg, able := p.leg.(audible); able {
			failed = errors.Join(failed, c.talk.mix.Join(leg.Stream(), p.seat))
		}
	}
	hearNoRinging(c.talk.parties, true)
	if recorded {
		c.talk.mix.Record(c.recording)
	} else {
		c.talk.mix.Record(nil)
	}
	return failed
}

// endTalk lets nobody hear anybody.
func (c *call) endTalk() {
	if c.talk.mix != nil {
		c.talk.mix.Close()
	} else {
		separate(c.talk.parties)
	}
	c.talk, c.talking = talk{}, false
	c.watchDecline()
}

func supervises(p party) bool { return p.seat.Kind == media.Supervisor }

func has(parties []party, one party) bool {
	return slices.ContainsFunc(parties, func(p party) bool { return p.leg == one.leg })
}

// hearNoRinging notes that what was played to the parties was replaced by voices.
func hearNoRinging(parties []party, replaced bool) {
	for _, p := range parties {
		if replaced && p.agent != nil {
			p.agent.hearsRinging = false
		}
	}
}

// connectTwo lets two hear each other, or only the one whose seat is not deaf.
func connectTwo(one, other party) error {
	a, aAudible := one.leg.(audible)
	b, bAudible := other.leg.(audible)
	switch {
	case !aAudible || !bAudible:
		return errNoSound
	case other.seat.Deaf:
		return media.Overhear(a.Stream(), b.Stream())
	default:
		return media.Connect(a.Stream(), b.Stream())
	}
}

// overhear lets one leg hear another one, which hears nothing.
func overhear(one, other channels.Leg) error {
	return connectTwo(party{leg: one}, party{leg: other, seat: media.Seat{Deaf: true}})
}

var errNoSound = errors.New("one of the two legs has no sound")

// separate lets neither of the two hear the other.
func separate(parties []party) {
	if len(parties) != 2 {
		return
	}
	a, aAudible := parties[0].leg.(audible)
	b, bAudible := parties[1].leg.(audible)
	if aAudible && bAudible {
		media.Disconnect(a.Stream(), b.Stream())
	}
}

// talkWith lets user and agent hear each other.
func (c *call) talkWith(v *voice) error {
	c.walk.stop()
	c.walk.wait()
	if c.rings.Load() {
		c.answer()
	}
	c.connected = v.offer
	err := c.arrange()
	if err != nil {
		c.connected = 0
	}
	return err
}
