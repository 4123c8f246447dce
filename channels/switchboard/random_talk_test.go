package switchboard_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"svar/channels"
	"svar/channels/switchboard"
	"svar/contact"
	engine "svar/queue"
	"svar/queue/bus"
)

// Conferences, supervisors, places outside, colleagues and recordings, in any order: what the node hears of its legs and of
// its agents, what it tells the queue, and what the queue orders, each on its way for a while. When all has arrived, those
// hear each other whom the record names, and nobody else; a place that has not answered hears nobody at any time. In the end
// nothing is left.
func TestNoOrderOfEventsLetsAnybodyHearWhatHeMustNot(t *testing.T) {
	t.Parallel()
	for seed := range uint64(24) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			d := &desk{random: rand.New(rand.NewPCG(seed, 7)), engine: engine.New(), legs: map[contact.AgentID][]*leg{}, came: map[*leg]bool{}}
			files := &recordings{directory: t.TempDir()}
			inWorldOf(t, func(w *world, config *switchboard.Config) {
				d.world, d.answers = w, make(chan error)
				config.VoiceGrace, config.Dispatcher, config.Recordings = grace, deskDispatcher{w.dispatcher, d}, files
				w.agents.dress = func(agent contact.AgentID, l *leg) channels.Leg {
					d.legs[agent] = append(d.legs[agent], l)
					return l
				}
				w.dialler.dress = func(l *dialledLeg) channels.DialledLeg { return soundingLeg{l} }
				d.prepare()
			}, func(t *testing.T, w *world) {
				d.begin(seed%2 == 0)
				for range 7 {
					for range 7 {
						d.act()
					}
					if d.check(); t.Failed() || d.handed() || d.caller.isOver() {
						break
					}
				}
				d.end()
				if ended, left := len(files.ended), files.files(t); ended != left {
					t.Errorf("%d recordings ended, and %d files are left, after\n%q", ended, left, d.log)
				}
			})
		})
	}
}

// newest is the agent's newest leg; nil when he has none.
func (d *desk) newest(agent contact.AgentID) *leg {
	if legs := d.legs[agent]; len(legs) > 0 {
		return legs[len(legs)-1]
	}
	return nil
}

// working is the agent's leg if it lives and came up.
func (d *desk) working(agent contact.AgentID) *leg {
	if l := d.newest(agent); l != nil && d.came[l] && !l.isOver() {
		return l
	}
	return nil
}

func (d *desk) up(agent contact.AgentID) {
	if l := d.newest(agent); l != nil && !d.came[l] && !l.isOver() {
		d.note("%s is up", agent)
		d.came[l] = true
		up(l)
	}
}

// place is the leg that was dialled last; nil when it is over.
func (d *desk) place() *dialledLeg {
	if l := d.dialler.last(); l != nil && !l.isOver() {
		return l
	}
	return nil
}

// act lets something happen.
func (d *desk) act() {
	time.Sleep(600 * time.Millisecond) // the bubble's clock: what an agent does is limited
	synctest.Wait()
	c := d.record()
	agents := []contact.AgentID{"anna", "bo", "eva"}
	agent := agents[d.random.IntN(len(agents))]
	switch d.random.IntN(24) {
	case 0, 1, 2, 3, 4:
		d.deliver()
	case 5, 6, 7, 8:
		d.hear()
	case 9:
		d.note("%s holds", c.Agent)
		_ = d.world.ask(bus.Control{Kind: bus.ControlHold, Agent: c.Agent})
	case 10:
		d.note("%s resumes", c.Agent)
		_ = d.world.ask(bus.Control{Kind: bus.ControlResume, Agent: c.Agent})
	case 11:
		d.ask("consult bo", contact.Consult{Contact: "c1", Agent: c.Agent, To: contact.Destination{Agent: "bo"}})
	case 12, 13:
		d.ask("call the office", contact.Consult{Contact: "c1", Agent: c.Agent, To: contact.Destination{Outside: "office"}})
	case 14:
		if c.Consult != nil && c.Consult.With != "" {
			d.ask("the colleague accepts", contact.AcceptOffer{Offer: c.Consult.Offer, Agent: c.Consult.With})
		}
		if c.Offer != nil && !c.Offer.Accepted {
			d.ask("the next agent accepts", contact.AcceptOffer{Offer: c.Offer.Offer, Agent: c.Offer.Agent})
		}
	case 15:
		on := d.random.IntN(3) > 0
		d.ask(fmt.Sprint("conference ", on), contact.SetConference{Contact: "c1", Agent: c.Agent, On: on})
	case 16:
		mode := []contact.SupervisionMode{contact.SuperviseListen, contact.SuperviseWhisper, contact.SuperviseBarge, ""}[d.random.IntN(4)]
		d.ask(fmt.Sprint("supervise ", mode), contact.Supervise{Contact: "c1", Supervisor: "eva", Mode: mode})
	case 17, 18:
		d.up(agent)
	case 19:
		if l := d.newest(agent); l != nil && !l.isOver() {
			d.note("%s is gone", agent)
			l.over(channels.EndedByParty)
		} else {
			d.note("%s wants the voice", agent)
			_ = d.world.ask(bus.Control{Kind: bus.ControlVoice, Agent: agent, Console: "desk"})
		}
	case 20, 21:
		if place := d.place(); place != nil {
			d.note("the place sounds")
			place.sounds()
		}
	case 22:
		if place := d.place(); place != nil && !d.came[place.leg] {
			d.note("the place answers")
			d.came[place.leg] = true
			up(place.leg)
		}
	default:
		d.rarely(c)
	}
	synctest.Wait()
	if place := d.place(); place != nil && !d.came[place.leg] {
		for _, l := range append(d.agents.made, d.caller) {
			if place.hears(l) {
				d.t.Errorf("a place that has not answered hears %s, after\n%q", l.ID(), d.log)
			}
		}
	}
	if eva := d.working("eva"); eva != nil && d.mode != contact.SuperviseBarge && d.caller.hears(eva) {
		d.t.Errorf("the caller hears a supervisor who may %q, after\n%q", d.mode, d.log)
	}
}

// rarely lets happen what ends or records things.
func (d *desk) rarely(c engine.ContactState) {
	switch d.random.IntN(6) {
	case 0:
		if place := d.place(); place != nil {
			d.note("the place hangs up")
			place.failure = contact.DialBusy
			place.over(channels.EndedByParty)
		}
	case 1:
		d.ask("end of the consultation", contact.EndConsult{Contact: "c1", Agent: c.Agent})
	case 2:
		d.ask("complete", contact.CompleteTransfer{Contact: "c1", Agent: c.Agent})
	case 3:
		kind := []bus.ControlKind{bus.ControlRecordingPause, bus.ControlRecordingResume}[d.random.IntN(2)]
		d.note("%s", kind)
		_ = d.world.ask(bus.Control{Kind: kind, Agent: c.Agent})
	case 4:
		d.note("a key")
		d.caller.press("0")
	default:
		d.note("time passes")
		time.Sleep(10 * time.Second)
	}
}

// check lets everything arrive, and compares who hears whom with what the record says.
func (d *desk) check() {
	for {
		d.settle()
		want, parties := d.expected(d.record())
		got := hearing(parties...)
		if synctest.Wait(); d.told.Load() != nil || len(d.orders) > 0 {
			continue // somebody was gone for too long meanwhile
		}
		if got != want {
			c := d.record()
			d.t.Errorf("heard %q, want %q by the record: %s, agent %q, consult %+v, conference %t, supervisors %+v, after\n%q",
				got, want, c.State, c.Agent, c.Consult, c.Conference, c.Supervisors, d.log)
		}
		return
	}
}

// expected is what those hear whom the record names: the user, his agent, whoever else talks, and the supervisor.
func (d *desk) expected(c engine.ContactState) (heard string, parties []named) {
	talks := c.State == contact.StateConnected || c.State == contact.StateHeld
	var agent, other, boss *leg
	colleague, answered := false, false
	if talks {
		agent = d.working(c.Agent)
		if consult := c.Consult; consult != nil && consult.With != "" && consult.Connected {
			other, colleague, answered = d.working(consult.With), true, true
		} else if consult != nil && consult.To != "" {
			if place := d.place(); place != nil {
				other, answered = place.leg, consult.Connected
			}
			if other != nil && !answered && (!heardOf(other) || agent == nil) {
				other = nil
			}
		}
		if len(c.Supervisors) > 0 {
			boss = d.working("eva")
		}
	}
	user := d.caller
	switch {
	case d.handed():
		if place := d.place(); place != nil {
			other, answered = place.leg, true
		}
	case c.Conference && (agent != nil || other != nil), c.State == contact.StateConnected && !c.Conference && agent != nil:
	default:
		user = nil
	}
	in := 0
	for _, l := range []*leg{user, agent, other} {
		if l != nil {
			in++
		}
	}
	if in == 0 {
		boss = nil
	}
	expect := func(listener *leg, whom ...*leg) (heard string) {
		for n, l := range []*leg{user, agent, other, boss} {
			if l != nil && listener != nil && l != listener && slices.Contains(whom, l) {
				heard += "uaos"[n : n+1]
			}
		}
		return heard
	}
	toUser, toAgent, toOther := []*leg{user, agent, other}, []*leg{user, agent, other}, []*leg{user, agent, other}
	mode := contact.SupervisionMode("")
	if len(c.Supervisors) > 0 {
		mode = c.Supervisors[0].Mode
	}
	if mode == contact.SuperviseWhisper || mode == contact.SuperviseBarge {
		toAgent = append(toAgent, boss)
		if colleague {
			toOther = append(toOther, boss)
		}
	}
	if mode == contact.SuperviseBarge {
		toUser = append(toUser, boss)
		if !colleague {
			toOther = append(toOther, boss)
		}
	}
	if !answered {
		toOther = nil
	}
	var want []string
	for _, p := range []struct {
		letter string
		leg    *leg
		hears  []*leg
	}{{"u", user, toUser}, {"a", agent, toAgent}, {"o", other, toOther}, {"s", boss, []*leg{user, agent, other}}} {
		l := p.leg
		if l == nil && p.letter == "u" {
			l = d.caller
		}
		if l != nil {
			parties = append(parties, named{p.letter, l})
			want = append(want, p.letter+":"+expect(p.leg, p.hears...))
		} else {
			parties = append(parties, named{p.letter, newLeg(d.agents.pacer, "nobody")})
			want = append(want, p.letter+":")
		}
	}
	return strings.Join(want, " "), parties
}

// heardOf reports whether anything came from the leg's party.
func heardOf(l *leg) bool {
	select {
	case <-l.stream.Heard():
		return true
	default:
		return false
	}
}

// end lets the caller hang up, or the agent, or the node end, and looks for what is left.
func (d *desk) end() {
	switch d.random.IntN(3) {
	case 0:
		_ = d.world.ask(bus.Control{Kind: bus.ControlHangUp, Agent: d.record().Agent})
	case 1:
		go func() { _ = d.board.Close(d.t.Context()) }()
	}
	synctest.Wait()
	d.caller.over(channels.EndedByParty)
	d.settle()
	d.slow.Store(false)
	for _, l := range append(d.agents.made, d.caller) {
		if !l.isOver() {
			d.t.Errorf("the leg %s lives on, after\n%q", l.ID(), d.log) // freeswitch#2529
		}
	}
	for _, l := range d.dialler.made {
		if !l.isOver() {
			d.t.Errorf("the place's leg %s lives on, after\n%q", l.ID(), d.log)
		}
	}
	if d.board.Live() != 0 || d.personal.legs() != 0 {
		d.t.Errorf("%d calls and %d records are left, after\n%q", d.board.Live(), d.personal.legs(), d.log)
	}
}
