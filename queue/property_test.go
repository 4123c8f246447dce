package queue_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"svar/contact"
	"svar/queue"
)

// Whatever is asked for in whatever order, after every single step the queue is sound.
func TestInvariants(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		soundAfterEveryStep(t, evenly(t), 40+evenly(t)("steps", 80), seldom)
	})
}

// seldom is how many steps of a random sequence come to one that is held against restored engines too: those
// are most of what a step costs. The fuzzer's sequences are held against them at each.
const seldom = 8

// soundAfterEveryStep plays random commands and checks the queue after each.
func soundAfterEveryStep(t failer, draw func(what string, most int) int, steps, restoredEvery int) *checker {
	return soundWorld(t, &world{draw: draw, now: begin}, steps, restoredEvery)
}

func soundWorld(t failer, w *world, steps, restoredEvery int) *checker {
	c := &checker{
		t: t, engine: queue.New(), follower: queue.New(), restoredEvery: restoredEvery,
		world: w, places: map[contact.ID]placed{}, closed: map[contact.ID]int{},
	}
	c.world.engine = c.engine
	c.elect()
	for _, command := range c.opening() {
		c.step(command)
	}
	for range steps {
		c.world.pass()
		if c.world.oneIn(60, "elect") {
			c.elect()
		} else {
			c.step(c.world.command())
		}
	}
	return c
}

type failer interface {
	Fatalf(format string, args ...any)
}

// checker runs an engine beside one that only applies events.
type checker struct {
	t        failer
	engine   *queue.Engine
	follower *queue.Engine
	world    *world
	settled  contact.Instant
	places   map[contact.ID]placed
	closed   map[contact.ID]int
	dials    []dialled
	closings []closing
	command  contact.Command // the one that is being played
	book     bookOfParts
	// restoredEvery is how many steps come to one that is held against restored engines; steps counts them.
	restoredEvery, steps int
	// tape has all events, by the instant of their step.
	tape []recorded
}

type recorded struct {
	now    contact.Instant
	events contact.Events
}

type placed struct {
	arrived contact.Instant
	place   uint64
}

// opening gets a working desk, so that most sequences meet calls that are answered.
func (c *checker) opening() []contact.Command {
	commands := []contact.Command{contact.ChangeRules{Rules: c.world.rules()}, contact.ChangeRoster{Roster: c.world.roster()}}
	for _, agent := range []contact.AgentID{"anna", "bo", "cecilia"} {
		commands = append(commands,
			contact.SetReachable{Agent: agent, Node: "node-1", Reachable: true},
			contact.SetPresence{Agent: agent, Presence: contact.Ready})
	}
	return commands
}

func (c *checker) elect() {
	if len(c.engine.Contacts()) > 0 {
		c.settled = max(c.world.now, c.engine.Last()).Add(1000)
	} else {
		c.settled = 0
	}
	before, shown := c.snapshot(c.engine), views(c.engine)
	twin := c.restored(before)
	events, err := c.engine.Elect(c.engine.Epoch()+1, "node-1", c.world.now)
	if err != nil {
		c.t.Fatalf("elect: %v", err)
	}
	if again, _ := twin.Elect(twin.Epoch()+1, "node-1", c.world.now); !reflect.DeepEqual(events, again) || c.snapshot(twin) != c.snapshot(c.engine) {
		c.t.Fatalf("a restored engine elects otherwise:\n%v\n%v", events, again)
	}
	c.tells(shown, events)
	c.deadlineHolds(c.snapshot(c.engine))
	c.follow(events, max(c.world.now, c.engine.Last()))
	c.sound()
}

func (c *checker) step(command contact.Command) {
	before, shown := c.snapshot(c.engine), views(c.engine)
	now := max(c.world.now, c.engine.Last())
	c.command = command
	twin := (*queue.Engine)(nil)
	if c.steps++; c.steps%max(1, c.restoredEvery) == 0 {
		c.deadlineHolds(before)
		twin = c.restored(before)
	}
	events, err := c.engine.Step(command, c.world.now)
	if twin != nil {
		c.doesTheSame(twin, events, err)
	}
	if err != nil {
		if rejection := (*contact.Rejection)(nil); !errors.As(err, &rejection) {
			c.t.Fatalf("%#v: %v is no rejection", command, err)
		}
		if len(events) > 0 || c.snapshot(c.engine) != before {
			c.t.Fatalf("%#v was rejected, but something changed", command)
		}
		return
	}
	c.tells(shown, events)
	c.follow(events, now)
	c.sound()
	if now >= c.settled {
		if left, found := slowNext(c.engine, now, c.dialsLeft(c.engine, now)); found {
			c.t.Fatalf("%#v: left apart: %+v", command, left)
		}
		c.ordered(now)
	}
	c.settledOrder(now)
	c.expects(now)
	c.repeat(command)
}

// doesTheSame checks that an engine that was restored before the step does what this one did.
func (c *checker) doesTheSame(twin *queue.Engine, events []contact.Event, err error) {
	twinEvents, twinErr := twin.Step(c.command, c.world.now)
	if !reflect.DeepEqual(events, twinEvents) || (err == nil) != (twinErr == nil) {
		c.t.Fatalf("%#v: a restored engine does otherwise:\n%v %v\n%v %v", c.command, events, err, twinEvents, twinErr)
	}
	if c.snapshot(twin) != c.snapshot(c.engine) {
		c.t.Fatalf("%#v: a restored engine ends in another state", c.command)
	}
}

// repeat sends the command once more: its work is done. Only what ended an offer finds
// it gone, and what connected a text with an agent who stays away.
func (c *checker) repeat(command contact.Command) {
	returned := slices.ContainsFunc(c.tape[len(c.tape)-1].events, func(event contact.Event) bool {
		_, is := event.(contact.ContactReturned)
		return is
	})
	before := c.snapshot(c.engine)
	events, err := c.engine.Step(command, c.world.now)
	if err != nil && !slices.Contains([]string{"fail-connect", "hang-up", "fail-dial"}, contact.CommandName(command)) &&
		(!returned || contact.CommandName(command) != "confirm-connected") {
		c.t.Fatalf("%#v twice: %v", command, err)
	}
	if len(events) > 0 || c.snapshot(c.engine) != before {
		c.t.Fatalf("%#v twice changes something twice: %v", command, events)
	}
}

// follow applies the events one by one to the follower and checks each on its way.
func (c *checker) follow(events []contact.Event, now contact.Instant) {
	c.tape = append(c.tape, recorded{now, events})
	for _, event := range events {
		switch v := event.(type) {
		case contact.ContactOffered:
			c.matches(v, now)
		case contact.CallbackTaken:
			c.mayDial(v, now)
		case contact.ConsultOffered:
			c.mayAsk(v)
		case contact.OutsideCalled:
			c.callsOutside("", now) // no dial of its contact's user
		case contact.CallPlaced:
			c.callsOutside(v.Contact.ID, now)
		}
		id, _ := queue.Touched(event)
		before, _ := c.follower.Contact(id)
		c.takesBreak(event)
		switch v := event.(type) {
		case contact.NeedsRelaxed:
			c.relaxes(v, before, now)
		case contact.ContactQueued:
			c.queues(v, before, now)
		case contact.PreferenceEnded:
			c.endsKeeping(v, before, now)
		case contact.ContactClosed:
			c.remembers(v, before, now)
		}
		if err := c.follower.Apply(event, now); err != nil {
			c.t.Fatalf("the follower cannot follow: %v", err)
		}
		after, open := c.follower.Contact(id)
		if recorded, is := event.(contact.RecordingChanged); is && !open && c.closed[id] == 1 && recorded.Recording == contact.RecordingEnded {
			continue // whose file was whole late
		}
		if before.State != after.State && !before.State.CanBecome(after.State) {
			c.t.Fatalf("%#v: from %q to %q", event, before.State, after.State)
		}
		c.account(event, after)
		c.wrapsUp(event, before, after)
		c.keepsTexts(event, after)
		c.sendsOn(event, after)
		c.book.note(c.t, event)
	}
	if c.snapshot(c.follower) != c.snapshot(c.engine) {
		c.t.Fatalf("after %v the fold of the events is not the state:\n%s\n%s", events, c.snapshot(c.follower), c.snapshot(c.engine))
	}
}

// ordered compares the order that is shown with the one that the slow twin serves in.
func (c *checker) ordered(now contact.Instant) {
	waiting := slices.DeleteFunc(c.engine.Contacts(), func(k queue.ContactState) bool {
		return !slowStands(c.engine.Rules(), k)
	})
	rules := c.engine.Rules()
	slices.SortFunc(waiting, func(a, b queue.ContactState) int { return slowOrder(rules, a, b, now) })
	var want []contact.ID
	for _, k := range waiting[:min(len(waiting), 5)] {
		want = append(want, k.Contact.ID)
	}
	if got := c.engine.Order(now, 5); !slices.Equal(got, want) {
		c.t.Fatalf("the order is shown as %v, it is %v", got, want)
	}
}

// matches compares an offer with what the slow twin would have done.
func (c *checker) matches(offered contact.ContactOffered, now contact.Instant) {
	want, found := slowNext(c.follower, now, c.dialsLeft(c.follower, now))
	if got := (pair{offered.Contact, offered.Agent, offered.Why}); !found || got != want {
		c.t.Fatalf("offered %+v, the twin would have offered %+v (%v)", got, want, found)
	}
	if now < c.settled {
		c.t.Fatalf("offered at %d, before the new leader has settled at %d", now, c.settled)
	}
}

// account keeps the book: who arrived is open or was closed once.
func (c *checker) account(event contact.Event, after queue.ContactState) {
	switch v := event.(type) {
	case contact.ContactArrived:
		if _, before := c.places[v.Contact.ID]; before {
			c.t.Fatalf("%s arrives twice", v.Contact.ID)
		}
		c.places[v.Contact.ID] = placed{v.Contact.Arrived, after.Place}
	case contact.CallPlaced:
		c.places[v.Contact.ID] = placed{v.Contact.Arrived, after.Place}
	case contact.ContactClosed:
		c.closed[v.Contact]++
		if c.closed[v.Contact] > 1 {
			c.t.Fatalf("%s is closed twice", v.Contact)
		}
		if !after.Contact.Channel.Held() && v.End != contact.EndHandled && v.End != contact.EndHandedOver && v.End != contact.EndOutsideHours && v.End != contact.EndRefused {
			c.t.Fatalf("%s came by %s and is lost: %s", v.Contact, after.Contact.Channel, v.End)
		}
		if v.Refused != nil {
			c.places[v.Contact] = placed{v.Refused.Arrived, 0}
		}
		if after.State != contact.StateClosed || after.End != v.End {
			c.t.Fatalf("%s just closed and cannot be read as such: %+v", v.Contact, after)
		}
	}
}

// wrapsUp checks that the end of wrap-up is what was ruled when it began, moves only when
// the agent asks, and closes the contact in time, with what was chosen.
func (c *checker) wrapsUp(event contact.Event, before, after queue.ContactState) {
	rules := c.follower.Rules()
	switch v := event.(type) {
	case contact.ContactHungUp:
		want := contact.Instant(0)
		if rules.WrapUpLimit > 0 {
			want = after.Since.Add(rules.WrapUpLimit)
		}
		if v.Until != want || after.WrapUpUntil != want {
			c.t.Fatalf("%s ends wrap-up at %d, not %d", v.Contact, after.WrapUpUntil, want)
		}
	case contact.WrapUpExtended:
		if v.Until <= before.WrapUpUntil || before.WrapUpUntil == 0 {
			c.t.Fatalf("%s is extended from %d to %d", v.Contact, before.WrapUpUntil, v.Until)
		}
	case contact.ContactClosed:
		if v.Lapsed && (v.Ticket != before.Ticket || v.Code != before.Code && (before.Code != "" || before.Ticket != "" || v.Code != before.LapseCode)) {
			c.t.Fatalf("%s was left with %q %q (or %q) and is closed with %q %q", v.Contact, before.Code, before.Ticket, before.LapseCode, v.Code, v.Ticket)
		}
		if agent, known := c.follower.Agent(v.Agent); v.Lapsed && known && !agent.Gone && (before.WrapUpUntil == 0 || before.WrapUpUntil > c.follower.Last()) {
			c.t.Fatalf("%s ran out at %d, before %d", v.Contact, c.follower.Last(), before.WrapUpUntil)
		}
	default:
		if before.State == contact.StateWrapUp && after.State == contact.StateWrapUp && after.WrapUpUntil != before.WrapUpUntil { // asterisk#1006, #1972
			c.t.Fatalf("%#v moves the end of the wrap-up of %s", event, before.Contact.ID)
		}
	}
}

// keepsTexts checks that a text that leaves its agent waits again with nobody.
func (c *checker) keepsTexts(event contact.Event, after queue.ContactState) {
	returned, is := event.(contact.ContactReturned)
	if is && (after.State != contact.StateWaiting || after.Callback || after.Agent != "") {
		c.t.Fatalf("%s was returned and is %+v", returned.Contact, after)
	}
}

// sound checks what must be true of every state.
func (c *checker) sound() {
	contacts, agents := c.engine.Contacts(), c.engine.Agents()
	has := map[contact.AgentID][]contact.ID{}
	asked := map[contact.AgentID]contact.OfferID{}
	calls, listens := map[contact.AgentID]contact.ID{}, map[contact.AgentID]contact.ID{}
	for _, k := range contacts {
		id := k.Contact.ID
		if was := c.places[id]; was != (placed{k.Contact.Arrived, k.Place}) {
			c.t.Fatalf("%s has lost its place: %v, it was %v", id, k, was)
		}
		holder := k.Agent
		if k.Offer != nil {
			holder = k.Offer.Agent
			if other, twice := asked[holder]; twice {
				c.t.Fatalf("%s has the offers %d and %d", holder, other, k.Offer.Offer)
			}
			asked[holder] = k.Offer.Offer
		}
		if !k.Callback && (k.DueAt != 0 || k.For != "" || k.Tries != 0 || k.Exhausted) || k.Exhausted && (k.DueAt != 0 || k.State == contact.StateOffered) {
			c.t.Fatalf("%s is no call-back that may be offered: %+v", id, k)
		}
		c.comesDue(k)
		open := k.State == contact.StateOffered || k.State == contact.StateDialling
		mustHave := open || k.State.Joined() || k.State == contact.StateWrapUp
		c.soundTalk(k)
		c.soundPlace(k)
		if mustHave != (holder != "") || (k.Offer != nil) != open || k.Callback && k.State != contact.StateWaiting && !open {
			c.t.Fatalf("%s is %s with agent %q", id, k.State, holder)
		}
		if holder != "" {
			has[holder] = append(has[holder], id)
		}
		c.soundConsult(k, has, asked)
		c.soundOthers(k, listens)
		c.book.agrees(c.t, k)
		for _, agent := range callers(k) {
			if other, twice := calls[agent]; twice {
				c.t.Fatalf("%s has both calls %s and %s", agent, other, id)
			}
			calls[agent] = id
		}
	}
	for _, a := range agents {
		var list []contact.ID
		for _, held := range a.Contacts {
			list = append(list, held.Contact)
		}
		slices.Sort(list)
		if !slices.Equal(list, has[a.Agent]) || a.Offer != asked[a.Agent] {
			c.t.Fatalf("%s is thought to have %v and is asked %d, has %v and is asked %d", a.Agent, list, a.Offer, has[a.Agent], asked[a.Agent])
		}
		delete(has, a.Agent)
		if a.Next != "" && (len(a.Contacts) == 0 || a.Gone) {
			c.t.Fatalf("%s has nothing open and still only plans to be %s", a.Agent, a.Next)
		}
		for _, held := range a.Contacts {
			if k, _ := c.engine.Contact(held.Contact); !a.Reachable() && k.State == contact.StateOffered && !k.Offer.Accepted {
				c.t.Fatalf("%s is unreachable and is rung", a.Agent)
			} else if a.Next != "" && k.State == contact.StateOffered && !k.Offer.Accepted {
				c.t.Fatalf("%s is to be offered nothing more and is rung", a.Agent)
			}
		}
	}
	if len(has) > 0 {
		c.t.Fatalf("nobody of the name has a contact: %v", has)
	}
	if len(contacts)+len(c.closed) != len(c.places) {
		c.t.Fatalf("%d arrived or were refused, %d are open, %d closed", len(c.places), len(contacts), len(c.closed))
	}
}

// soundTalk checks what a connection and what comes after it leave in a state.
func (c *checker) soundTalk(k queue.ContactState) {
	joined := k.State.Joined()
	switch {
	case k.State == contact.StateHeld && k.Contact.Channel != contact.Voice:
		c.t.Fatalf("%s came by %s and is on hold", k.Contact.ID, k.Contact.Channel)
	case joined != (k.Connected != 0), joined != (k.ConnectedAt != 0):
		c.t.Fatalf("%s is %s, connected by %d since %d", k.Contact.ID, k.State, k.Connected, k.ConnectedAt)
	case k.WrapUpUntil != 0 && k.State != contact.StateWrapUp:
		c.t.Fatalf("%s is %s and has an end of wrap-up", k.Contact.ID, k.State)
	case (k.Code != "" || k.Ticket != "") && k.Agent == "":
		c.t.Fatalf("%s is with nobody, and %q %q is chosen", k.Contact.ID, k.Code, k.Ticket)
	case len(k.Measured) > 4:
		c.t.Fatalf("%s was measured %d times", k.Contact.ID, len(k.Measured))
	}
}

// deadlineHolds checks that time alone brings nothing before the deadline, and
// something at it.
func (c *checker) deadlineHolds(snapshot string) {
	at, due := c.engine.Deadline()
	early := c.engine.Last().Add(24 * 3600_000)
	if due {
		early = at - 1
	}
	if early >= c.engine.Last() {
		if events, _ := c.restored(snapshot).Step(contact.Tick{}, early); len(events) > 0 {
			c.t.Fatalf("the deadline is %d (%v), but at %d happens %v", at, due, early, events)
		}
	}
	if !due {
		return
	}
	for e := c.restored(snapshot); due; {
		if events, _ := e.Step(contact.Tick{}, at); len(events) > 0 {
			return
		}
		if !c.rampsUp(e, at) {
			c.t.Fatalf("nothing happens at the deadline %d", at)
		}
		was := at
		if at, due = e.Deadline(); due && at <= was {
			c.t.Fatalf("nothing happens at the deadline %d, and the next is %d", was, at)
		}
	}
}

func (c *checker) snapshot(e *queue.Engine) string {
	data, err := e.Snapshot()
	if err != nil {
		c.t.Fatalf("snapshot: %v", err)
	}
	return string(data)
}

func (c *checker) restored(snapshot string) *queue.Engine {
	e, err := queue.Restore([]byte(snapshot))
	if err != nil {
		c.t.Fatalf("restore: %v", err)
	}
	if again := c.snapshot(e); again != snapshot {
		c.t.Fatalf("a restored engine has another snapshot:\n%s\n%s", snapshot, again)
	}
	return e
}

// What the journal records is what the follower reads: events survive their wire form.
func TestFoldOfRecordedEvents(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := &world{draw: evenly(t), engine: queue.New(), now: begin}
		follower := queue.New()
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			w.pass()
			now := max(w.now, w.engine.Last())
			events, err := w.engine.Step(w.command(), now)
			if err != nil {
				continue
			}
			data, err := json.Marshal(contact.Events(events))
			if err != nil {
				t.Fatal(err)
			}
			var read contact.Events
			if err := json.Unmarshal(data, &read); err != nil {
				t.Fatal(err)
			}
			for _, event := range read {
				if err := follower.Apply(event, now); err != nil {
					t.Fatal(err)
				}
			}
			a, _ := w.engine.Snapshot()
			b, _ := follower.Snapshot()
			if string(a) != string(b) {
				t.Fatalf("the recorded events give another state:\n%s\n%s", a, b)
			}
		}
	})
}
