package switchboard_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"svar/channels"
	"svar/contact"
	"svar/queue/bus"
)

// Whatever an agent does with a call, and whatever breaks of it, in any order: nobody is heard
// whom the user should not hear, the voice works as soon as there is one, no leg is left, and
// the record tells a story that can have happened.
func TestNoOrderOfEventsBreaksACall(t *testing.T) {
	t.Parallel()
	for seed := range uint64(24) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			withGrace(t, func(t *testing.T, w *world) {
				s := &scene{world: w, random: rand.New(rand.NewPCG(seed, 1)), came: map[*leg]bool{}}
				s.caller, _ = w.inTalk()
				s.came[w.agents.last()] = true
				for range 40 {
					s.step()
					if s.check(); t.Failed() || s.failed {
						break
					}
				}
				s.end()
			})
		})
	}
}

// scene is a talk to which things happen.
type scene struct {
	*world
	random *rand.Rand
	caller *leg
	held   bool
	failed bool          // the agent lost the contact
	came   map[*leg]bool // the legs that came up
	log    []string
}

func (s *scene) step() {
	time.Sleep(time.Second) // the bubble's clock: what an agent does is limited
	if s.look(); s.failed {
		return
	}
	window := []string{"desk", "laptop"}[s.random.IntN(2)]
	legs := s.agents.made
	leg := legs[s.random.IntN(len(legs))]
	switch action := s.random.IntN(9); action {
	case 0, 1:
		s.note("hold")
		s.do(bus.ControlHold)
		s.held = true
	case 2, 3:
		s.note("resume")
		s.do(bus.ControlResume)
		s.held = false
	case 4, 5:
		take := s.random.IntN(2) == 0
		s.note(fmt.Sprint("voice in ", window, ", take ", take))
		_ = s.ask(bus.Control{Kind: bus.ControlVoice, Console: window, Take: take}) // it may be elsewhere
	case 6:
		if newest := s.agents.last(); !s.came[newest] && !newest.isOver() {
			s.note("up " + string(newest.ID()))
			s.came[newest] = true
			up(newest)
		}
	case 7:
		ending := []channels.Ending{channels.EndedByParty, channels.EndedByFault}[s.random.IntN(2)]
		s.note(fmt.Sprint("over ", leg.ID(), " by ", ending))
		leg.over(ending)
		synctest.Wait()
	default:
		wait := time.Duration(s.random.IntN(20)) * time.Second
		s.note(fmt.Sprint("wait ", wait))
		time.Sleep(wait)
		synctest.Wait()
	}
}

func (s *scene) note(line string) { s.log = append(s.log, line) }

// look finds out whether the agent lost the contact.
func (s *scene) look() {
	synctest.Wait()
	s.dispatcher.mutex.Lock()
	defer s.dispatcher.mutex.Unlock()
	for _, command := range s.dispatcher.told {
		_, failed := command.(contact.FailConnect)
		s.failed = s.failed || failed
	}
}

// check compares who hears whom with what the legs allow.
func (s *scene) check() {
	s.look()
	alive, working, heard := 0, 0, 0
	for _, l := range s.agents.made {
		if !l.isOver() {
			alive++
			if s.came[l] {
				working++
			}
		}
		agentHeard, callerHeard := s.caller.hears(l), l.hears(s.caller)
		if agentHeard != callerHeard {
			s.t.Errorf("over %s only one hears the other", l.ID())
		}
		if agentHeard {
			heard++
		}
	}
	want := min(working, 1)
	if s.held || s.failed {
		want = 0
	}
	if heard != want || alive > 2 || s.failed && alive > 0 {
		s.t.Errorf("held %t, lost %t: the user hears %d agents, want %d; %d legs live; after\n%q", s.held, s.failed, heard, want, alive, s.log)
	}
}

// end lets the caller hang up and reads the record.
func (s *scene) end() {
	s.caller.over(channels.EndedByParty)
	synctest.Wait()
	for _, l := range s.agents.made {
		if !l.isOver() {
			s.t.Errorf("the leg %s lives on", l.ID()) // freeswitch#2529
		}
	}
	told := s.dispatcher.sent()
	held, lost := false, false
	for at, command := range told {
		impossible := lost && at != len(told)-1
		switch command.(type) {
		case contact.Hold:
			impossible = impossible || held
			held = true
		case contact.Resume:
			impossible = impossible || !held
			held = false
		case contact.FailConnect:
			lost = true
		case contact.Leave:
			impossible = at != len(told)-1
		default:
			impossible = true
		}
		if impossible {
			s.t.Errorf("%d: %#v cannot have happened, in\n%#v", at, command, told)
		}
	}
	if len(told) == 0 || told[len(told)-1] != contact.Command(contact.Leave{Contact: "c1"}) || lost != s.failed || !lost && held != s.held {
		s.t.Errorf("the record ends wrong:\n%#v", told)
	}
}
