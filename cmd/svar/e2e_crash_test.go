package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"svar/agentui"
	"svar/contact"
	"svar/identity"
	"svar/report"
)

// crashSeed makes the random moments; it is logged with each of them.
const crashSeed = 2

// crashRounds is how often the server is killed at a random moment, crashSpan how long after
// the calls began at the latest.
const (
	crashRounds = 4
	crashSpan   = 2500 * time.Millisecond
)

// kill -9 with a call in every stage, and at random moments on the way there. The next process
// ends what the dead one had answered, so that no carrier goes on charging, and accounts for
// every contact once, with its true times. freeswitch#1973, freeswitch#1833.
func TestKilledInTheMiddleOfCalls(t *testing.T) {
	t.Parallel()
	home := newHome(t)
	random := rand.New(rand.NewPCG(crashSeed, 0))
	server := home.serve(t)
	for i, d := range crashDesks() {
		if status, _, complaints := home.run(t, "a good password\n", "user", "add", "--skill", d.skill+"=3", fmt.Sprintf("agent-%d", i)); status != 0 {
			t.Fatalf("user add: %s", complaints)
		}
	}
	stages := startCalls(t, server)
	stages.settle(t)
	server = stages.killAndRestart(t, home, server)
	stages.checkStages(t, server)
	stages.finish(t)

	for round := range crashRounds {
		moment := time.Duration(random.Int64N(int64(crashSpan)))
		t.Logf("round %d of seed %d: killed after %s", round, crashSeed, moment)
		stages := startCalls(t, server)
		late := time.After(moment)
		stages.work(late)
		server = stages.killAndRestart(t, home, server)
		stages.finish(t)
	}
	checkBooks(t, home, server)
	server.terminate()
}

// crashDesks are the lines of the stages, in their order: welcome, queue, ringing, talk, wrap-up.
func crashDesks() []desk {
	return []desk{staffDesk, deskNamed("desk", 0), deskNamed("desk", 1), deskNamed("desk", 2), deskNamed("desk", 3)}
}

// stages are one caller in each stage.
type stages struct {
	begun   time.Time
	desks   []desk
	agents  []*agent
	callers []*caller
	talk    agentui.OngoingCard
	wrapUp  agentui.OngoingCard
}

func startCalls(t testing.TB, server *program) *stages {
	t.Helper()
	s := &stages{begun: time.Now().Truncate(time.Millisecond), desks: crashDesks()}
	for i := range s.desks {
		s.agents = append(s.agents, signIn(t, server.web, fmt.Sprintf("agent-%d", i), "a good password"))
	}
	for i, one := range s.agents {
		if i >= 2 { // nobody is there for the callers in the welcome and in the queue
			one.Ready()
		}
	}
	for i, d := range s.desks {
		s.callers = append(s.callers, dial(t, call{scenario: "killed", to: server.sip, number: d.number, from: fmt.Sprintf("<sip:+4670174069%d@127.0.0.1>", i)}))
	}
	return s
}

// settle waits until every caller is in his stage.
func (s *stages) settle(t testing.TB) {
	t.Helper()
	s.agents[2].Ring()
	s.talk = s.agents[3].Accept(s.agents[3].Ring())
	s.wrapUp = s.agents[4].Accept(s.agents[4].Ring())
	s.agents[4].HangUp(s.wrapUp)
	s.agents[1].WaitWaiting(s.desks[1].id, 1)
}

// work lets the agents do what they do in their stages until it is too late.
func (s *stages) work(late <-chan time.Time) {
	over := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.workUntil(over)
	}()
	<-late
	close(over)
	<-done
}

func (s *stages) workUntil(over <-chan struct{}) {
	for {
		var changes [2]chan struct{}
		for i, one := range s.agents[3:] {
			one.mutex.Lock()
			state, changed := one.state, one.changed
			one.mutex.Unlock()
			changes[i] = changed
			switch {
			case state.Offer != nil && !state.Offer.Accepted:
				one.tell(agentui.Request{Do: agentui.DoAccept, Offer: state.Offer.Offer})
			case i == 1 && len(state.Contacts) > 0 && state.Contacts[0].State == contact.StateConnected:
				one.tell(agentui.Request{Do: agentui.DoHangUp, Contact: state.Contacts[0].Contact})
			}
		}
		select {
		case <-changes[0]:
		case <-changes[1]:
		case <-over:
			return
		}
	}
}

// killAndRestart kills the server and starts it again on the same data. Every caller whom the
// dead process had answered gets BYE from the new one. Who was not answered yet gets a BYE
// that he does not know, or, when he repeats his INVITE, is a new caller or has the place of the
// call-back that waits for his number, or, if all that came of his INVITE was a 100, nothing: nobody
// knows of him.
func (s *stages) killAndRestart(t testing.TB, home *home, server *program) *program {
	t.Helper()
	for _, one := range s.agents {
		one.expectLoss()
	}
	server.kill()
	for _, one := range s.agents {
		one.close()
	}
	restarted := time.Now()
	server = home.serve(t)
	records := recordsAt(t, server.web)
	for i, caller := range s.callers {
		eventually(t, func() bool {
			select {
			case <-caller.done:
				return true
			default:
			}
			all := records.of(t, s.desks[i].id)
			if slices.ContainsFunc(all, func(c agentui.StoredContact) bool { return rejoined(c, restarted) }) {
				return true
			}
			ofRound := slices.DeleteFunc(all, func(c agentui.StoredContact) bool { return c.Arrived.Before(s.begun) })
			calledAgain := slices.ContainsFunc(ofRound, func(c agentui.StoredContact) bool { return c.Arrived.After(restarted) })
			messages := caller.file("messages.log")
			unknown := len(ofRound) == 0 && strings.Contains(messages, "SIP/2.0 100") && !strings.Contains(messages, "SIP/2.0 200")
			return calledAgain || unknown
		}, func() string {
			return fmt.Sprintf("the caller on %s neither got BYE nor called again", s.desks[i].id)
		})
		select {
		case <-caller.done:
			caller.Wait()
		default:
			_ = caller.process.Process.Kill() // he hangs up his phone without a word
		}
	}
	return server
}

// rejoined reports whether the caller of a contact rang again after that.
func rejoined(c agentui.StoredContact, after time.Time) bool {
	return slices.ContainsFunc(c.Transitions, func(t agentui.Transition) bool { return t.Event == "contact-rejoined" && t.At.After(after) })
}

// checkStages asserts what became of each caller when all were in their stages.
func (s *stages) checkStages(t testing.TB, server *program) {
	t.Helper()
	records := recordsAt(t, server.web)
	var all []agentui.StoredContact
	for i, d := range s.desks {
		c := records.wait(t, d.id, "accounted for", func(agentui.StoredContact) bool { return true })
		all = append(all, c)
		if c.Arrived.Before(s.begun) || c.Arrived.After(time.Now()) {
			t.Errorf("its arrival is not true: %s", asJSON(c))
		}
		// Who talks or waits goes on as a call-back; wrap-up is the agent's and goes on.
		if i == 4 {
			if c.State != contact.StateWrapUp || c.Callback || c.Ended == nil || c.ID != s.wrapUp.Contact {
				t.Errorf("in wrap-up at the crash: %s", asJSON(c))
			}
			continue
		}
		if c.State != contact.StateWaiting || !c.Callback || count(c, "contact-dropped") != 1 {
			t.Errorf("stage %d at the crash: %s", i, asJSON(c))
		}
	}
	if talked := all[3]; talked.Answered == nil || talked.ID != s.talk.Contact {
		t.Errorf("in talk at the crash: %s", asJSON(talked))
	}
	anna := signIn(t, server.web, "agent-0", "a good password")
	state := anna.waitState("shown the call-backs", func(s agentui.ConsoleState) bool { return len(s.Callbacks) == 4 })
	for i, card := range state.Callbacks {
		at := slices.IndexFunc(all, func(c agentui.StoredContact) bool { return c.ID == card.Contact })
		if at < 0 || card.Arrived.Time() != all[at].Arrived.UTC() || card.Caller.Number != fmt.Sprintf("+4670174069%d", at) {
			t.Errorf("a call-back is shown as %s", asJSON(card))
		}
		if i > 0 && card.Arrived < state.Callbacks[i-1].Arrived {
			t.Error("the call-backs are not in their old places")
		}
	}
	anna.close()
	// The agent who was in wrap-up finishes it with the new process.
	last := signIn(t, server.web, "agent-4", "a good password")
	last.waitContact(contact.StateWrapUp)
	last.Finish(s.wrapUp.Contact, "solved")
	last.close()
}

// finish leaves no caller behind.
func (s *stages) finish(t testing.TB) {
	t.Helper()
	for _, caller := range s.callers {
		select {
		case <-caller.done:
		case <-time.After(patience):
			t.Fatal("a caller does not end")
		}
	}
}

// checkBooks asserts that every contact that ever arrived is on record once, in a state that
// its events lead to, and that the report's figures add up to all of them.
func checkBooks(t testing.TB, home *home, server *program) {
	t.Helper()
	records := recordsAt(t, server.web)
	for _, d := range crashDesks() {
		// Callers who called again and were cut off are open until their silence is noticed.
		all := records.of(t, d.id)
		fold, seen := report.NewContactFold(report.Query{From: time.UnixMilli(0), To: time.Now().Add(time.Hour)}), map[contact.ID]bool{}
		for _, c := range all {
			if seen[c.ID] || count(c, "contact-arrived") != 1 || count(c, "contact-closed") > 1 ||
				count(c, "contact-dropped") > 1+count(c, "contact-rejoined") {
				t.Errorf("it is on record more than once: %s", asJSON(c))
			}
			seen[c.ID] = true
			if (c.State == contact.StateClosed) != (count(c, "contact-closed") == 1) {
				t.Errorf("its state is not what happened: %s", asJSON(c))
			}
			for _, transition := range c.Transitions {
				event, err := contact.DecodeEvent(transition.Event, transition.Data)
				if err != nil {
					t.Fatal(err)
				}
				fold.Add(event, contact.InstantOf(transition.At))
			}
		}
		calls := fold.Total()
		abandoned := 0
		for _, row := range calls.Abandoned {
			abandoned += row.Count
		}
		if sum := calls.Answered + abandoned + calls.CalledBack + calls.OutsideHours + calls.Refused + calls.Dropped + calls.Open; sum != calls.Offered || sum != len(all) {
			t.Errorf("line %s: %d contacts, %d offered, and the rest makes %d: %+v", d.id, len(all), calls.Offered, sum, calls)
		}
		status, out, complaints := home.run(t, "", "report", "calls", "--line", string(d.id))
		if status != 0 || !containsFigure(out, "offered", calls.Offered) || !containsFigure(out, "answered", calls.Answered) {
			t.Errorf("the report differs from its contacts (%+v):\n%s%s", calls, out, complaints)
		}
	}
}

// recordsAt reads contacts from a program.
func recordsAt(t testing.TB, web string) *records {
	t.Helper()
	c := client(t)
	return &records{web: web, client: c, cookie: session(t, web, c, "eva", identity.DemoPassword)}
}
