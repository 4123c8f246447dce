package bus

import (
	"errors"
	"testing"
	"testing/synctest"

	"svar/contact"
)

// What is published reaches everybody who follows once and in order: on the same bus, on another one, or both.
func TestEveryReceiverHearsOnce(t *testing.T) {
	t.Parallel()
	const changes = 1000
	for name, connected := range theWays {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			node, leader := connected(t)
			heard := map[*Bus]chan uint64{}
			for _, b := range []*Bus{node, leader} {
				if heard[b] != nil {
					continue
				}
				heard[b] = make(chan uint64, 2*changes)
				during(t)(b.FollowChanges(func(c Change) { heard[b] <- c.Sequence }))
			}
			for sequence := range uint64(changes) {
				if err := leader.PublishChange(Change{Epoch: 1, Sequence: sequence}); err != nil {
					t.Fatal(err)
				}
			}
			if err := errors.Join(leader.Flush(testContext(t)), node.Flush(testContext(t))); err != nil {
				t.Fatal(err)
			}
			for b := range heard {
				for sequence := range uint64(changes) {
					select {
					case got := <-heard[b]:
						if got != sequence {
							t.Fatalf("heard %d, want %d", got, sequence)
						}
					case <-testContext(t).Done():
						t.Fatalf("change %d was not heard", sequence)
					}
				}
				if len(heard[b]) != 0 {
					t.Errorf("%d more", len(heard[b]))
				}
			}
		})
	}
}

// A leader that ends takes no more commands; they go to whoever leads next, wherever that is.
func TestCommandsFollowTheLeader(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	here, there := connect(t, s), connect(t, s)
	by := make(chan string, 10)
	lead := func(b *Bus, name string) func() error {
		stop, err := b.ServeCommands(func(in Incoming) {
			by <- name
			_ = in.Reply(nil)
		})
		if err != nil {
			t.Fatal(err)
		}
		return stop
	}
	stop := lead(here, "here")
	if err := here.Send(testContext(t), contact.Tick{}); err != nil || <-by != "here" {
		t.Fatal(err)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	during(t)(lead(there, "there"), nil)
	if err := here.Send(testContext(t), contact.Tick{}); err != nil || <-by != "there" {
		t.Fatal(err)
	}
}

// The journal holds JSON: a leader that decides by other text than a restart finds there would decide otherwise after it, and
// the database takes none that is not UTF-8.
func TestALeaderReadsTheSameTextFromEverywhere(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	here, there := connect(t, s), connect(t, s)
	agents := make(chan contact.AgentID, 1)
	during(t)(here.ServeCommands(func(in Incoming) {
		agents <- in.Command.(contact.AcceptOffer).Agent
		_ = in.Reply(nil)
	}))
	for _, agent := range []contact.AgentID{"anna", "an\xffna", "an\ufffdna", `an\ufffdna`} {
		var read []contact.AgentID
		for _, b := range []*Bus{here, there} {
			if err := b.Send(testContext(t), contact.AcceptOffer{Offer: 1, Agent: agent}); err != nil {
				t.Fatal(err)
			}
			read = append(read, <-agents)
		}
		if read[0] != read[1] {
			t.Errorf("%q: read as %q", agent, read)
		}
	}
}

func TestAStoppedReceiverHearsNoMore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var l local
		heard, enter, leave := 0, make(chan struct{}), make(chan struct{})
		stop := l.receive("a", func(any) { heard++; enter <- struct{}{}; <-leave })
		other := 0
		l.receive("a", func(any) { other++ })
		for range 3 {
			l.publish("a", 1)
		}
		<-enter // the first is in hand, two wait
		stop()
		leave <- struct{}{}
		l.publish("a", 1)
		l.publish("b", 1)
		synctest.Wait()
		if heard != 1 || other != 4 {
			t.Errorf("heard %d, and the other one %d", heard, other)
		}
	})
}

// A leader that has ended takes nothing from a sender who found it just before: nobody would answer.
func TestAStoppedLeaderTakesNoCommand(t *testing.T) {
	t.Parallel()
	var l local
	taken := 0
	stop := l.serveCommands(func(Incoming) { taken++ })
	leader := l.leader()
	if !leader.take(Incoming{}) {
		t.Error("a leader takes no command")
	}
	stop()
	if leader.take(Incoming{}) || taken != 1 {
		t.Errorf("%d commands were taken", taken)
	}
}
