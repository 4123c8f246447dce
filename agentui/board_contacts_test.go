package agentui

import (
	"fmt"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"svar/contact"
	"svar/queue/bus"
)

// written is a text that waits.
func written(id contact.ID, channel contact.Channel, arrived contact.Instant, target contact.Millis) bus.ContactView {
	view := waitingContact(id, "staff", arrived)
	view.Contact.Channel, view.Target, view.Node = channel, target, ""
	return view
}

// merge takes views in as one change would bring them.
func (w *world) merge(agent bus.AgentView, contacts ...bus.ContactView) {
	for _, view := range contacts {
		if isOffered(view, agent.Agent) || isWith(view, agent.Agent) {
			agent.Contacts = append(agent.Contacts, view.Contact.ID)
		}
	}
	agent.Reachable = true
	w.ui.board.mutex.Lock()
	defer w.ui.board.mutex.Unlock()
	w.ui.board.merge(bus.Change{Contacts: contacts, Agents: []bus.AgentView{agent}})
}

func offered(view bus.ContactView, agent contact.AgentID, offer contact.OfferID) bus.ContactView {
	contacts, _ := offeredTo(agent, offer, view)
	return contacts[0]
}

func connected(view bus.ContactView, agent contact.AgentID, offer contact.OfferID) bus.ContactView {
	contacts, _ := connectedWith(agent, offer, view)
	return contacts[0]
}

// Three chats and a mail beside each other, and a call that is offered meanwhile.
func TestAgentHasSeveralContacts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	wrapUp := connected(written("chat-2", contact.Chat, 2, 1), "anna", 2)
	wrapUp.State = contact.StateWrapUp
	mail := connected(written("mail", contact.Mail, 4, 1), "anna", 3)
	mail.Answered = 0 // opened, but not answered
	call := offered(waitingContact("call", "staff", 5), "anna", 5)
	w.merge(bus.AgentView{Agent: "anna", Presence: contact.Ready, Offer: 5},
		connected(written("chat-1", contact.Chat, 1, 1), "anna", 1), wrapUp, mail, call,
		connected(written("bos", contact.Chat, 3, 1), "bo", 4))
	s := w.ui.states.state(t.Context(), "anna")
	var got []string
	for _, card := range s.Contacts {
		got = append(got, fmt.Sprint(card.Contact, " ", card.Channel, " ", card.State, " ", card.Offer, " ", card.Replied != 0))
	}
	want := []string{"chat-1 chat connected 1 true", "chat-2 chat wrap-up 2 true", "mail mail connected 3 false"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("anna has %q; want %q", got, want)
	}
	if s.Offer == nil || s.Offer.Contact != "call" || s.Me.Activity != "offered" || s.Me.ActivitySince != call.Offer.Since {
		t.Errorf("offered %+v, activity %q since %d", s.Offer, s.Me.Activity, s.Me.ActivitySince)
	}
	if s.Agents.Busy != 1 {
		t.Errorf("%+v", s.Agents)
	}
}

// A mail at 90 % of its eight hours and a call at 90 % of its minute compete fairly, and the
// priority line stands before all.
func TestQueueIsShownInTheOrderOfService(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		now := contact.InstantOf(time.Now())
		const hour = contact.Millis(3_600_000)
		ago := func(d contact.Millis) contact.Instant { return now.Add(-d) }
		priority := written("priority", contact.Voice, ago(1_000), 60_000)
		priority.Class = contact.ClassPriorityLine
		callback := waitingContact("call-back", "staff", ago(hour))
		callback.Callback = true
		greeted := waitingContact("greeted", "staff", ago(hour))
		greeted.State = contact.StateGreeted
		twin := written("twin", contact.Voice, ago(30_000), 60_000)
		twin.Place = 7
		other := written("other", contact.Voice, ago(30_000), 60_000)
		other.Place = 8
		w.merge(bus.AgentView{Agent: "anna"},
			written("mail", contact.Mail, ago(7*hour), 8*hour),                   // 87 %
			written("call", contact.Voice, ago(54_000), 60_000),                  // 90 %
			offered(written("chat", contact.Chat, ago(60_000), 60_000), "bo", 1), // 100 %
			written("form", contact.Form, ago(hour), 8*hour),                     // 12 %
			other, twin, priority, callback, greeted, // 50 %
			connected(written("anna's", contact.Chat, ago(hour), 60_000), "anna", 2))
		s := w.ui.states.state(t.Context(), "anna")
		var got []contact.ID
		for _, row := range s.Queue {
			got = append(got, row.Contact)
			if row.Offered != (row.Contact == "chat") {
				t.Errorf("%+v", row)
			}
		}
		if want := []contact.ID{"priority", "chat", "call", "mail", "twin", "other", "form"}; !reflect.DeepEqual(got, want) {
			t.Errorf("the queue is %q; want %q", got, want)
		}
		if s.QueueLength != 7 {
			t.Errorf("%d wait; want 7", s.QueueLength)
		}
	})
}

func TestQueueOfManyShowsTheFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range 3 * maxQueueRows {
		i = (i * 37) % (3 * maxQueueRows) // in no order
		w.merge(bus.AgentView{Agent: "anna"}, waitingContact(contact.ID(fmt.Sprintf("c%03d", i)), "staff", contact.Instant(i+1)))
	}
	s := w.ui.states.state(t.Context(), "anna")
	if len(s.Queue) != maxQueueRows || s.QueueLength != 3*maxQueueRows {
		t.Fatalf("%d rows of %d", len(s.Queue), s.QueueLength)
	}
	for i, row := range s.Queue {
		if want := contact.ID(fmt.Sprintf("c%03d", i)); row.Contact != want {
			t.Errorf("row %d is %s; want %s", i, row.Contact, want)
		}
	}
}

func TestCallbacksTellWhoDialsAndHowOftenTheyMay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		now := contact.InstantOf(time.Now())
		waits := waitingContact("waits", "staff", 1)
		waits.Callback, waits.Dials = true, []contact.Instant{now - 3_600_000, now - 3_599_999, now - 1000}
		dialled := waitingContact("dialled", "staff", 2)
		dialled.State, dialled.Callback, dialled.Dials = contact.StateDialling, true, []contact.Instant{now - 3, now - 2, now - 1}
		dialled.Offer = &bus.OfferView{Offer: 9, Agent: "bo", Accepted: true}
		w.ui.board.merge(bus.Change{Rules: &contact.Rules{DialsPerContact: 3}})
		w.merge(bus.AgentView{Agent: "bo", Offer: 9}, waits, dialled)
		s := w.ui.states.state(t.Context(), "bo")
		if len(s.Callbacks) != 2 {
			t.Fatalf("%+v", s.Callbacks)
		}
		if c := s.Callbacks[0]; c.Dials != 2 || c.DialsLeft != 1 || c.Agent != "" {
			t.Errorf("one that waits: %+v", c)
		}
		if c := s.Callbacks[1]; c.Dials != 3 || c.DialsLeft != 0 || c.Agent != "bo" {
			t.Errorf("one that is dialled: %+v", c)
		}
		if len(s.Contacts) != 1 || s.Contacts[0].State != contact.StateDialling || s.Contacts[0].Offer != 9 || s.Me.Activity != "dialling" {
			t.Errorf("bo dials, but has %+v, activity %q", s.Contacts, s.Me.Activity)
		}
		if other := w.ui.states.state(t.Context(), "anna"); len(other.Contacts) != 0 {
			t.Errorf("anna has %+v", other.Contacts)
		}
	})
}

// An outage message stands in every console from the moment when it is published, is marked
// when the City blocks it, and is gone when it is withdrawn or its time is over.
func TestOutageMessagesReachConsoles(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t).run().serve(nil)
		c := w.console("anna")
		now := contact.InstantOf(time.Now())
		planned := contact.Notice{ID: "planned", Text: map[string]string{"sv": "Arbete"}, From: now + 60_000, Until: now + 120_000}
		w.notices.change(func() {
			w.notices.all = contact.Notices{Notices: []contact.Notice{{ID: "n", Service: "login", Text: map[string]string{"sv": "Störning"}, From: now}, planned}}
		})
		s := c.state(func(s *ConsoleState) bool { return len(s.Notices) == 1 })
		if s.Notices[0].ID != "n" || s.Notices[0].Blocked {
			t.Errorf("%+v", s.Notices)
		}
		w.notices.change(func() { w.notices.all.Embargoes = []contact.Embargo{{ID: "e", Service: "login"}} })
		c.state(func(s *ConsoleState) bool { return len(s.Notices) == 1 && s.Notices[0].Blocked })
		s = c.state(func(s *ConsoleState) bool { return len(s.Notices) == 2 })
		if late := s.Now - planned.From; late < 0 || late > 1_000 || s.Notices[1].Blocked {
			t.Errorf("the planned one stands %d ms after its beginning: %+v", late, s.Notices)
		}
		s = c.state(func(s *ConsoleState) bool { return len(s.Notices) == 1 })
		if late := s.Now - planned.Until; late < 0 || late > 1_000 {
			t.Errorf("the planned one is gone %d ms after its end", late)
		}
		w.notices.change(func() { w.notices.all.Notices = nil })
		c.state(func(s *ConsoleState) bool { return len(s.Notices) == 0 })
	})
}

// The card is drawn at once, and again when the database has told; without one it stays so.
func TestEarlierTicketsNeverHoldUpACard(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t).run().serve(nil)
		w.tickets.fail(errFake)
		mine := w.ticket("SD-1", "karin", "Kan inte logga in")
		w.ticket("SD-2", "karin", "Ny dator")
		w.ticket("SD-3", "olle", "Skrivare")
		closed := w.ticket("SD-4", "karin", "Löst")
		closed.Status = "solved"
		w.tickets.put(closed)
		w.personal.by["call"] = contact.Personal{Number: numberKnown}
		c := w.console("anna")
		w.queue.send(w.queue.record(offeredTo("anna", 1, waitingContact("call", "staff", 1))))
		s := c.state(func(s *ConsoleState) bool { return s.Offer != nil })
		if s.Offer.Caller.Person != "karin" || len(s.Offer.Tickets) != 0 {
			t.Errorf("%+v", s.Offer)
		}
		synctest.Wait()
		w.tickets.fail(nil)
		// Nothing changes, but what was missing is read again.
		s = c.state(func(s *ConsoleState) bool { return len(s.Offer.Tickets) > 0 })
		if got := s.Offer.Tickets; len(got) != 2 || got[0].Number != "SD-2" || got[1].Number != mine.Number {
			t.Errorf("earlier tickets are %+v", got)
		}
		// Read once for all cards that show the same person within its time.
		reads := w.tickets.reads
		for i := range 20 {
			w.queue.contacts(waitingContact(contact.ID(fmt.Sprint(i)), "staff", 1))
			time.Sleep(stateEvery)
		}
		synctest.Wait()
		if w.tickets.reads > reads {
			t.Errorf("read %d times for one card", w.tickets.reads)
		}
	})
}

// zammad#3299: ten states a second with three contacts each read no note anew, and show the
// newest all the same.
func TestNotesAreReadOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.personal.notes["a"] = "från en annan nod"
	shown := func() string {
		s := w.ui.states.state(t.Context(), "anna")
		return s.Contacts[0].Note
	}
	a := written("a", contact.Chat, 1, 1)
	w.merge(bus.AgentView{Agent: "anna"}, connected(a, "anna", 1))
	for range 20 {
		if got := shown(); got != "från en annan nod" {
			t.Fatalf("shown %q", got)
		}
	}
	if w.personal.noteReads != 1 {
		t.Errorf("read %d times", w.personal.noteReads)
	}
	if err := w.ui.states.notes.put(t.Context(), "a", "ny"); err != nil || shown() != "ny" {
		t.Errorf("written, but shown %q, %v", shown(), err)
	}
	// Given back, noted elsewhere, and taken again.
	w.personal.notes["a"] = "bos"
	w.merge(bus.AgentView{Agent: "anna"}, connected(a, "anna", 2))
	if got := shown(); got != "bos" {
		t.Errorf("taken again, but shown %q", got)
	}
	w.merge(bus.AgentView{Agent: "anna"}, func() bus.ContactView { a.State = contact.StateClosed; return a }())
	w.ui.states.state(t.Context(), "anna")
	if len(w.ui.states.notes.kept) != 0 {
		t.Errorf("kept after the contact: %v", w.ui.states.notes.kept)
	}
}

// Without the database nobody can say whose ticket a mail goes on with: its sender is shown
// when it can.
func TestSenderOfATicketsMailIsShownWhenItIsKnownWhose(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.ticket("SD-1", "", "Kan inte logga in")
	w.tickets.fail(errFake)
	w.personal.by["mail"] = contact.Personal{Name: "Sara", Address: "sara@example.se", Subject: "SV: Kan inte logga in"}
	view := connected(written("mail", contact.Mail, 1, 1), "anna", 1)
	view.Contact.Ticket = "SD-1"
	w.merge(bus.AgentView{Agent: "anna"}, view)
	now := testNoon
	w.ui.earlier.now = func() time.Time { return now }
	shown := func() OngoingCard {
		w.ui.states.state(t.Context(), "anna")
		w.ui.tasks.Wait()
		return w.ui.states.state(t.Context(), "anna").Contacts[0]
	}
	if card := shown(); card.Caller != (Caller{Kind: "unknown", Verification: "none"}) || card.Subject != "" || card.Ticket != "SD-1" {
		t.Errorf("without the database: %+v", card)
	}
	w.tickets.fail(nil)
	now = now.Add(earlierFresh)
	want := Caller{Kind: "claimed", Name: "Sara", Address: "sara@example.se", Verification: "none"}
	if card := shown(); card.Caller != want || card.Subject != "SV: Kan inte logga in" {
		t.Errorf("with it: %+v", card)
	}
}
