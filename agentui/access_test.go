package agentui

import (
	"context"
	"fmt"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"svar/contact"
	"svar/queue/bus"
)

// runAccesses runs the log of looks until the returned function is called.
func runAccesses(target AccessLog) (*accesses, *lockedBuffer, func()) {
	text := &lockedBuffer{}
	a := newAccesses(target, time.Now, zerolog.New(text))
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { a.run(ctx) })
	return a, text, func() { cancel(); running.Wait() }
}

func TestLooksAreLoggedOnceAnHour(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		target := &fakeAccessLog{}
		a, _, stop := runAccesses(target)
		time.Sleep(time.Until(time.Now().Truncate(time.Hour).Add(time.Hour)))
		for range 100 {
			for _, l := range []look{
				{account: "anna", surface: surfaceRing, contact: "c", person: "karin"},
				{account: "anna", surface: surfaceOngoing, contact: "c", person: "karin"},
				{account: "bo", surface: surfaceRing, contact: "c", person: "karin"},
				{account: "bo", surface: surfaceRing, contact: "d", person: "karin"},
				{surface: surfaceRing, contact: "c", person: "karin"}, // nobody looks
			} {
				a.noticed(l)
			}
			time.Sleep(30 * time.Second) // 50 minutes in all
		}
		synctest.Wait()
		if len(target.list) != 4 {
			t.Errorf("logged %d: %+v", len(target.list), target.list)
		}
		time.Sleep(15 * time.Minute)
		a.noticed(look{account: "anna", surface: surfaceRing, contact: "c", person: "karin"})
		synctest.Wait()
		if n := target.has("anna", surfaceRing, "karin"); n != 2 {
			t.Errorf("logged %d times in two hours", n)
		}
		if first := target.list[0]; first.Contact != "c" || first.At.IsZero() {
			t.Errorf("%+v", first)
		}
		stop()
	})
}

// A database that is away loses no look, and holds nobody up.
func TestLooksWaitForTheDatabase(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		target := &fakeAccessLog{failed: errFake}
		a, log, stop := runAccesses(target)
		const many = 3*accessBatch + 1
		began := time.Now()
		for i := range many {
			a.noticed(look{account: "anna", surface: surfaceRing, contact: contact.ID(fmt.Sprint(i)), person: "karin"})
		}
		if time.Since(began) != 0 {
			t.Error("looks were held up")
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		target.fail(nil)
		time.Sleep(2 * accessRetry)
		synctest.Wait()
		if len(target.list) != many {
			t.Errorf("%d of %d looks are logged", len(target.list), many)
		}
		// What waits at the end is written then.
		a.noticed(look{account: "bo", surface: surfaceRing, contact: "c", person: "karin"})
		stop()
		if n := target.has("bo", surfaceRing, "karin"); n != 1 {
			t.Errorf("the last look is logged %d times", n)
		}
		if text := log.String(); !strings.Contains(text, "trying again") || strings.Contains(text, "karin") {
			t.Errorf("log: %s", text)
		}
	})
}

func TestLooksThatAreLostAreTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		target := &fakeAccessLog{failed: errFake}
		a, log, stop := runAccesses(target)
		for i := range accessBuffered + 7 {
			a.noticed(look{account: "anna", surface: surfaceRing, contact: contact.ID(fmt.Sprint(i)), person: "karin"})
		}
		if len(a.waiting) > accessBuffered {
			t.Errorf("%d looks wait", len(a.waiting))
		}
		stop()
		if text := log.String(); !strings.Contains(text, "could not be logged before the end") || !strings.Contains(text, `"looks":7`) {
			t.Errorf("log: %s", text)
		}
	})
}

// What is asked for is logged first, or not answered.
func TestNothingIsAnsweredThatCannotBeLogged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.ticket("SD-1", "karin", "Kan inte logga in")
	w.tickets.html[1], w.tickets.files[1] = "<p>hemligt</p>", []byte("hemligt")
	w.access.fail(errFake)
	paths := []string{"search ", "search logga", "/api/v1/tickets/SD-1", "/api/v1/tickets/SD-1/entries/1/html", "/api/v1/tickets/SD-1/attachments/1"}
	read := func(path string) *httptest.ResponseRecorder {
		if words, is := strings.CutPrefix(path, "search "); is {
			return w.do("POST", "/api/v1/search/tickets", w.token("anna"), TicketSearch{Search: words})
		}
		return w.do("GET", path, w.token("anna"), nil)
	}
	for _, path := range paths {
		r := read(path)
		wantProblem(t, path, r, 503)
		if strings.Contains(r.Body.String(), "logga in") || strings.Contains(r.Body.String(), "hemligt") {
			t.Errorf("%s: %s", path, r.Body)
		}
	}
	w.access.fail(nil)
	for range 2 {
		for _, path := range paths {
			if r := read(path); r.Code != 200 {
				t.Errorf("%s: %d %s", path, r.Code, r.Body)
			}
		}
	}
	for _, surface := range []string{surfaceList, surfaceSearch, surfaceTicket, surfaceHTML, surfaceAttachment} {
		if n := w.access.has("anna", surface, "karin"); n != 1 {
			t.Errorf("%s is logged %d times", surface, n)
		}
	}
	for _, look := range w.access.list {
		if look.Ticket != "SD-1" {
			t.Errorf("%+v", look)
		}
	}
}

// A ticket has the person whom it concerns and the one who told of it: both are seen.
func TestBothPeopleOfATicketAreLogged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	both := w.ticket("SD-1", "karin", "Kan inte logga in")
	both.Reporter.Person = "olle"
	w.tickets.put(both)
	if r := w.do("GET", "/api/v1/tickets/SD-1", w.token("anna"), nil); r.Code != 200 {
		t.Fatalf("%d %s", r.Code, r.Body)
	}
	for _, person := range []contact.PersonID{"karin", "olle"} {
		if n := w.access.has("anna", surfaceTicket, person); n != 1 {
			t.Errorf("%s is logged %d times", person, n)
		}
	}
}

// A list that stays the same is looked through once for all states, and again when somebody
// else comes into it or the hour is over.
func TestCallbacksAreLoggedWhenTheirListChanges(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		time.Sleep(time.Until(time.Now().Truncate(time.Hour).Add(time.Hour)))
		add := func(id contact.ID) {
			view := waitingContact(id, "staff", 1)
			view.Callback = true
			w.personal.by[id] = contact.Personal{Number: numberKnown}
			w.merge(bus.AgentView{Agent: "anna"}, view)
		}
		logged := func() int {
			w.ui.states.state(t.Context(), "anna")
			w.ui.accesses.write(t.Context())
			return w.access.has("anna", surfaceCallbacks, "karin")
		}
		add("a")
		if n := logged(); n != 1 {
			t.Errorf("logged %d", n)
		}
		w.merge(bus.AgentView{Agent: "anna"}, waitingContact("other", "staff", 1))
		if n := logged(); n != 1 {
			t.Errorf("logged %d after a change elsewhere", n)
		}
		add("b")
		if n := logged(); n != 2 {
			t.Errorf("logged %d after another one", n)
		}
		time.Sleep(time.Hour)
		if n := logged(); n != 4 {
			t.Errorf("logged %d in the next hour", n)
		}
	})
}
