package switchboard_test

import (
	"errors"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"svar/channels"
	"svar/channels/switchboard"
	"svar/contact"
	"svar/identity"
	"svar/queue/bus"
)

// expectHeard compares what the leg's party heard up to now.
func (w *world) expectHeard(l *leg, want ...string) {
	w.t.Helper()
	synctest.Wait()
	if got := l.heard(); !reflect.DeepEqual(got, want) {
		w.t.Errorf("heard\n  %q\nwant\n  %q", got, want)
	}
}

func (l *leg) press(digits string) {
	for _, digit := range []byte(digits) {
		l.digits <- digit
	}
}

func (l *leg) endPrompt() {
	l.promptOver <- nil
	synctest.Wait()
}

// failPrompt lets what is said fail.
func (l *leg) failPrompt() {
	l.promptOver <- errors.New("no such prompt")
	synctest.Wait()
}

func notice(id contact.NoticeID) contact.Notice {
	return contact.Notice{ID: id, Text: map[string]string{"sv": string(id)}, From: 1}
}

func queuedFor(skill contact.SkillID) contact.Enqueue {
	return contact.Enqueue{Contact: "c1", Needs: contact.Needs{{Skill: skill, Level: 1}}, Target: 60_000}
}

// greeted lets a caller in on the line with a menu.
func (w *world) greeted() *leg {
	w.t.Helper()
	caller := w.callOn("desk", contact.Personal{})
	synctest.Wait()
	w.dispatcher.sent()
	return caller
}

func TestMenuGoesByTheKeyThatIsPressed(t *testing.T) {
	t.Parallel()
	for name, story := range map[string]struct {
		press func(caller *leg)
		want  contact.Enqueue
	}{
		"while it is said": {func(caller *leg) { caller.press("1") }, queuedFor("platform")},
		"after it was said": {func(caller *leg) {
			caller.endPrompt()
			caller.press("1")
		}, queuedFor("platform")},
		"a wrong key": {func(caller *leg) { caller.press("7") }, queuedFor("staff")},
		"no key at all": {func(caller *leg) {
			caller.endPrompt()
			time.Sleep(6 * time.Second) // the bubble's clock
		}, queuedFor("staff")},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				caller := w.greeted()
				w.expectHeard(caller, "play menu sv")
				story.press(caller)
				w.expect(story.want)
			})
		})
	}
}

// The key that ends an outage message must not choose from a menu that was not heard.
func TestKeyEndsAnOutageMessageAndNoMore(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.notices.publish(nil, notice("power"), notice("mail"))
		caller := w.greeted()
		w.expectHeard(caller, "play notice sv power")
		caller.press("11")
		w.expectHeard(caller, "play notice sv power", "cut", "play notice sv mail")
		caller.endPrompt()
		w.expectHeard(caller, "play notice sv power", "cut", "play notice sv mail", "play menu sv")
		w.expect() // place is kept, and nothing was chosen
	})
}

func TestOutageMessageIsCutOffWhenItIsNotToldAnyMore(t *testing.T) {
	t.Parallel()
	for name, silence := range map[string]func(w *world){
		"withdrawn": func(w *world) { w.notices.publish(nil) },
		"blocked by the City": func(w *world) {
			w.notices.publish([]contact.Embargo{{ID: "e1"}}, notice("power"))
		},
		"over": func(*world) { time.Sleep(time.Minute) },
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				ending := notice("power")
				ending.Until = contact.InstantOf(time.Now().Add(time.Minute))
				w.notices.publish(nil, ending)
				caller := w.greeted()
				w.notices.publish(nil, ending, notice("mail")) // another one is no reason
				w.expectHeard(caller, "play notice sv power")
				silence(w)
				synctest.Wait()
				if heard := caller.heard(); len(heard) < 2 || heard[1] != "cut" {
					t.Errorf("heard %q, want the message cut off", heard)
				}
			})
		})
	}
}

func TestHangUpInAnOutageMessageComesBeforeTheQueue(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.notices.publish(nil, notice("power"))
		w.greeted().over(channels.EndedByParty)
		w.expect(contact.Leave{Contact: "c1"})
	})
}

func TestWhoWaitsHearsANewOutageMessageOnce(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.notices.publish(nil, notice("old")) // this line does not tell them beforehand
		caller := w.call()
		synctest.Wait()
		caller.endPrompt()
		w.expectHeard(caller, "play welcome sv", "loop music sv")
		w.notices.publish(nil, notice("old"), notice("new"))
		w.expectHeard(caller, "play welcome sv", "loop music sv", "play notice sv new")
		caller.endPrompt()
		w.notices.publish([]contact.Embargo{{ID: "e1"}}, notice("old"), notice("new"))
		w.notices.publish(nil, notice("old"), notice("new"))
		w.expectHeard(caller, "play welcome sv", "loop music sv", "play notice sv new", "loop music sv")
	})
}

func TestOutageMessageOfALaterTimeIsToldThen(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		caller := w.queued()
		later := notice("later")
		later.From = contact.InstantOf(time.Now().Add(time.Hour))
		w.notices.publish(nil, later)
		time.Sleep(59 * time.Minute)
		w.expectHeard(caller, "play welcome sv", "loop music sv")
		time.Sleep(2 * time.Minute)
		w.expectHeard(caller, "play welcome sv", "loop music sv", "play notice sv later", "loop music sv")
	})
}

func TestOutageMessageInTheQueueDelaysNoAgent(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		caller := w.call()
		synctest.Wait()
		caller.endPrompt()
		w.notices.publish(nil, notice("new"))
		synctest.Wait()
		w.dispatcher.sent()
		w.order(bus.OrderRing, 7)
		w.order(bus.OrderConnect, 7)
		close(w.agents.last().up)
		w.expect(contact.ConfirmConnected{Offer: 7, Leg: w.agents.last().ID()})
		w.expectHeard(caller, "play welcome sv", "loop music sv", "play notice sv new", "cut")
	})
}

// D10: who calls outside hours hears that, and is in a count of his own.
func TestCallOutsideHoursIsClosedAndNotAbandoned(t *testing.T) {
	t.Parallel()
	evening := contact.InstantOf(time.Date(1999, 12, 31, 12, 0, 0, 0, time.UTC))
	for name, end := range map[string]func(w *world, caller *leg){
		"told to the end": func(_ *world, caller *leg) { caller.endPrompt() },
		"hung up":         func(_ *world, caller *leg) { caller.over(channels.EndedByParty) },
		"broken":          func(_ *world, caller *leg) { caller.over(channels.EndedByFault) },
		"shut down": func(w *world, _ *leg) {
			if err := w.board.Close(w.t.Context()); err != nil {
				w.t.Error(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.arrived = evening
				caller := w.greeted()
				w.expectHeard(caller, "play closed sv")
				w.expect()
				end(w, caller)
				w.expect(contact.CloseOutsideHours{Contact: "c1"})
				if !caller.isOver() || w.board.Live() != 0 {
					t.Error("the call goes on")
				}
			})
		})
	}
}

// It is the arrival that counts (requirement 3.1a): a call of the last moment is served.
func TestCallOfTheLastMomentIsServed(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.arrived = contact.InstantOf(time.Date(1999, 12, 31, 12, 0, 0, 0, time.UTC)) - 1
		w.expectHeard(w.greeted(), "play menu sv")
	})
}

// Requirement 3.1g: a party is known by its numbers; everybody else is queued as ordinary.
func TestPartyOfAPriorityLineIsKnownByItsNumber(t *testing.T) {
	t.Parallel()
	for name, story := range map[string]struct {
		caller   contact.Personal
		party    contact.PartyID
		audience contact.Audience
	}{
		"one of a range":       {contact.Personal{Vouched: true, Number: "+46850800123"}, "centre", contact.AudienceContactCentre},
		"a whole number":       {contact.Personal{Vouched: true, Number: "+46701740606"}, "supplier", contact.AudienceSupplier},
		"an extension":         {contact.Personal{Vouched: true, Number: "4711"}, "supplier", contact.AudienceSupplier},
		"a longer extension":   {contact.Personal{Vouched: true, Number: "47110"}, "", contact.AudienceUnknown},
		"somebody else":        {contact.Personal{Vouched: true, Number: "+46701740607"}, "", contact.AudienceUnknown},
		"a withheld number":    {contact.Personal{Vouched: true, Number: "+46850800123", Withheld: true}, "", contact.AudienceUnknown},
		"a number made up":     {contact.Personal{Number: "+46850800123"}, "", contact.AudienceUnknown},
		"nobody knows who":     {contact.Personal{}, "", contact.AudienceUnknown},
		"a number from abroad": {contact.Personal{Vouched: true, Number: "+4930123456"}, "", contact.AudienceUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				caller := w.callOn("priority", story.caller)
				synctest.Wait()
				told := w.dispatcher.sent()
				arrived, is := told[0].(contact.Arrive)
				if !is || arrived.Contact.Party != story.party || arrived.Contact.Audience != story.audience {
					t.Errorf("it arrived as %+v", told[0])
				}
				if story.party == "" {
					w.expectHeard(caller, "play welcome sv")
					return
				}
				w.expectHeard(caller, "loop music sv") // no welcome, no menu
				want := contact.Enqueue{Contact: "c1", Needs: contact.Needs{}, Class: contact.ClassPriorityLine, Target: 20_000}
				if got := told[len(told)-1]; !sameQueue(got, want) {
					t.Errorf("it was queued by %+v, want %+v", got, want)
				}
			})
		})
	}
}

func sameQueue(got contact.Command, want contact.Enqueue) bool {
	enqueue, is := got.(contact.Enqueue)
	return is && len(enqueue.Needs) == len(want.Needs) && enqueue.Class == want.Class && enqueue.Target == want.Target
}

func TestPartyNumberThatStandsForACountryIsRefused(t *testing.T) {
	t.Parallel()
	for _, number := range []string{"", "+46", "+4685"} {
		list := lines()
		list[2].Parties[0].Numbers[0] = identity.Number(number)
		if _, err := switchboard.New(switchboard.Config{Lines: list}); err == nil {
			t.Errorf("the number %q was taken", number)
		}
	}
}

func TestContactOfAnotherChannelThanItsLineIsRefused(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		c := contact.Contact{ID: "c1", Channel: contact.Chat, Line: "staff"}
		if err := w.board.Arrive(t.Context(), c, contact.Personal{}, newLeg(w.agents.pacer, "l")); err == nil {
			t.Error("a chat came in on a phone line")
		}
	})
}
