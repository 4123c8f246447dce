package agentui

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"svar/contact"
	"svar/identity"
	"svar/queue/bus"
)

// Each kind of caller, on each card that shows callers, for each role (requirements D1, D2,
// D3 and 5.2p; jambonz-feature-server#1363).
func TestCallersAreShownAsFarAsTheyMayBe(t *testing.T) {
	t.Parallel()
	known := Caller{Kind: "known", Person: "karin", Name: "Karin Ek", Role: "staff", Title: "Rektor", School: "Ekbackens skola", Number: string(numberKnown), Verification: "number-known"}
	tests := map[string]struct {
		line contact.LineID
		who  contact.Personal
		want Caller
	}{
		"known":                   {"staff", contact.Personal{Number: numberKnown}, known},
		"nobody's number":         {"staff", contact.Personal{Number: numberNobody}, Caller{Kind: "unknown", Number: string(numberNobody), Verification: "none"}},
		"no number":               {"staff", contact.Personal{}, Caller{Kind: "unknown", Verification: "none"}},
		"protected":               {"staff", contact.Personal{Number: numberProtected}, Caller{Kind: "protected", Verification: "none"}},
		"shared with a protected": {"staff", contact.Personal{Number: numberShared}, Caller{Kind: "protected", Verification: "none"}},
		"withheld":                {"staff", contact.Personal{Withheld: true}, Caller{Kind: "withheld", Verification: "none"}},
		"withheld, but carried":   {"staff", contact.Personal{Withheld: true, Number: numberKnown}, Caller{Kind: "withheld", Verification: "none"}},
		"pupils' line, known":     {"pupils", contact.Personal{Number: numberKnown}, Caller{Kind: "unknown", Number: string(numberKnown), Verification: "none"}},
		"pupils' line, withheld":  {"pupils", contact.Personal{Withheld: true, Number: numberKnown}, Caller{Kind: "withheld", Verification: "none"}},
		"a line nobody knows":     {"else", contact.Personal{Number: numberKnown}, Caller{Kind: "unknown", Number: string(numberKnown), Verification: "none"}},
	}
	for name, test := range tests {
		for _, role := range []contact.AgentID{"anna", "eva", "adam"} {
			w := newWorld(t)
			w.personal.by["c"] = test.who
			base := waitingContact("c", test.line, 1)
			surfaces := map[string]func(s ConsoleState) (Caller, bool){}
			show := func(contacts []bus.ContactView, agents []bus.AgentView) ConsoleState {
				w.ui.board.merge(bus.Change{Contacts: contacts, Agents: agents})
				return w.ui.states.state(t.Context(), role)
			}
			ring := show(offeredTo(role, 1, base))
			surfaces["ring card"] = func(ConsoleState) (Caller, bool) { return ring.Offer.Caller, ring.Offer != nil }
			ongoing := show(connectedWith(role, 1, base))
			surfaces["ongoing card"] = func(ConsoleState) (Caller, bool) {
				return ongoing.Contacts[0].Caller, len(ongoing.Contacts) == 1
			}
			held := connected(base, "colleague", 1)
			held.Consult = &bus.ConsultView{Offer: 2, With: role}
			has := []bus.AgentView{{Agent: role, Contacts: []contact.ID{"c"}}}
			asked := show([]bus.ContactView{held}, has)
			surfaces["ring card of a colleague's call"] = func(ConsoleState) (Caller, bool) { return asked.Offer.Caller, asked.Offer != nil }
			held.Consult = &bus.ConsultView{Offer: 2, With: role, Accepted: true, Connected: true}
			talking := show([]bus.ContactView{held}, has)
			surfaces["ongoing card of a colleague's call"] = func(ConsoleState) (Caller, bool) {
				return talking.Contacts[0].Caller, len(talking.Contacts) == 1
			}
			base.Callback = true
			callback := show([]bus.ContactView{base}, []bus.AgentView{{Agent: role}})
			surfaces["call-back card"] = func(ConsoleState) (Caller, bool) {
				return callback.Callbacks[0].Caller, len(callback.Callbacks) == 1
			}
			for surface, of := range surfaces {
				if got, has := of(ring); !has || got != test.want {
					t.Errorf("%s, %s, %s: %+v; want %+v", name, surface, role, got, test.want)
				}
			}
			if test.want.Kind == "known" {
				continue
			}
			text, err := json.Marshal([]ConsoleState{ring, ongoing, asked, talking, callback})
			if err != nil {
				t.Fatal(err)
			}
			for _, secret := range []string{"Karin", "Petra", "Hemliga", "9B", "Ekbacken", "hidden", string(numberProtected), string(numberShared)} {
				if strings.Contains(string(text), secret) {
					t.Errorf("%s, %s: the state holds %q: %s", name, role, secret, text)
				}
			}
		}
	}
}

// Who does not have the contact sees nobody of it.
func TestOthersContactsShowNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.personal.by["c"] = contact.Personal{Number: numberKnown}
	for name, make := range map[string]func(contact.AgentID, contact.OfferID, bus.ContactView) ([]bus.ContactView, []bus.AgentView){"offered": offeredTo, "connected": connectedWith} {
		contacts, agents := make("bo", 1, waitingContact("c", "staff", 1))
		w.ui.board.merge(bus.Change{Contacts: contacts, Agents: agents})
		// A view of the agent that is behind the contact's changes nothing either.
		w.ui.board.merge(bus.Change{Agents: []bus.AgentView{{Agent: "anna", Contacts: []contact.ID{"c"}}}})
		s := w.ui.states.state(t.Context(), "anna")
		if s.Offer != nil || len(s.Contacts) != 0 || s.Me.Activity != "" {
			t.Errorf("%s to bo, but anna sees %+v %+v", name, s.Offer, s.Contacts)
		}
	}
}

func TestCallersAreReadOnceAndForgotten(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.personal.by["c"] = contact.Personal{Number: numberKnown}
	view := waitingContact("c", "staff", 1)
	view.Callback = true
	for i := range 10 {
		w.ui.board.merge(bus.Change{Contacts: []bus.ContactView{view, waitingContact(contact.ID(rune('d'+i)), "staff", 1)}})
		for _, agent := range []contact.AgentID{"anna", "bo", "eva"} {
			if s := w.ui.states.state(t.Context(), agent); s.Callbacks[0].Caller.Name != "Karin Ek" {
				t.Fatalf("%+v", s.Callbacks)
			}
		}
	}
	if w.personal.reads != 1 {
		t.Errorf("read %d times for 30 states; want 1", w.personal.reads)
	}
	view.State = contact.StateClosed
	w.ui.board.merge(bus.Change{Contacts: []bus.ContactView{view}})
	w.ui.states.state(t.Context(), "anna")
	if len(w.ui.states.callers.kept) != 0 {
		t.Errorf("kept after the contact: %v", w.ui.states.callers.kept)
	}
}

func TestCallerThatCouldNotBeReadIsShownLater(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t).run().serve(nil)
		w.personal.by["c"] = contact.Personal{Number: numberKnown}
		w.personal.fail(errFake)
		view := waitingContact("c", "staff", 1)
		view.Callback = true
		w.queue.contacts(view)
		c := w.console("anna")
		if s := c.state(anyState); !reflect.DeepEqual(s.Callbacks[0].Caller, Caller{Kind: "unknown", Verification: "none"}) {
			t.Errorf("unreadable, but %+v", s.Callbacks[0].Caller)
		}
		w.personal.fail(nil)
		time.Sleep(figuresEvery + stateEvery)
		if s := c.state(anyState); s.Callbacks[0].Caller.Name != "Karin Ek" {
			t.Errorf("readable again, but %+v", s.Callbacks[0].Caller)
		}
		if log := w.log.String(); !strings.Contains(log, "could not be read") || strings.Contains(log, string(numberKnown)) {
			t.Errorf("log: %s", log)
		}
	})
}

func TestFiguresReachIdleConsoles(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.contacts.list = []StoredContact{
			{ID: "refused", End: contact.EndRefused, Arrived: time.Now().Add(-time.Minute)},
			{ID: "last", End: contact.EndHandled, Arrived: time.Now().Add(-time.Hour)},
		}
		last := contact.InstantOf(time.Now().Add(-time.Hour))
		w.contacts.err = errFake // the database is late
		n := w.run().serve(nil)
		c := n.console("anna")
		if s := c.state(anyState); s.LastContact != 0 {
			t.Errorf("last contact %d without a database", s.LastContact)
		}
		w.contacts.mutex.Lock()
		w.contacts.err = nil
		w.contacts.mutex.Unlock()
		w.figures.mutex.Lock()
		w.figures.day = DayFigures{Handled: map[contact.AgentID]int{"anna": 3, "bo": 9}, WithinTarget: 8, Answerable: 10}
		w.figures.mutex.Unlock()
		s := c.state(func(s *ConsoleState) bool { return s.Today.Handled != 0 })
		if s.Today != (Today{Handled: 3, WithinTarget: 8, Answerable: 10}) || s.LastContact != last {
			t.Errorf("today %+v, last contact %d; want %d", s.Today, s.LastContact, last)
		}
		w.figures.mutex.Lock()
		w.figures.day, w.figures.err = DayFigures{}, errFake
		w.figures.mutex.Unlock()
		time.Sleep(time.Minute)
		synctest.Wait()
		if len(c.received()) != 0 {
			t.Error("a database that does not answer changed what is shown")
		}
	})
}

// A chat has no number that could be unknown: whoever opens one may say nothing of himself.
func TestWriterWhoGaveNoNameIsNoUnknownNumber(t *testing.T) {
	t.Parallel()
	shown := presentWriter(contact.Contact{Channel: contact.Chat}, contact.Personal{Subject: "Hej"}, testDirectory(t), identity.Viewer{})
	if shown.Kind != claimed || shown.Name != "" || shown.subject != "Hej" {
		t.Errorf("shown as %+v", shown)
	}
}
