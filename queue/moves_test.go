package queue_test

import (
	"cmp"
	"slices"

	"svar/contact"
	"svar/queue"
)

// bookOfParts says who has which contact, from the events alone: a part of a contact begins and ends
// by what is on record, so that the segments of a contact add up (asterisk#759).
type bookOfParts map[contact.ID]contact.AgentID

func (b *bookOfParts) note(t failer, event contact.Event) {
	if *b == nil {
		*b = bookOfParts{}
	}
	book := *b
	part := func(id contact.ID, agent contact.AgentID) {
		if book[id] != agent {
			t.Fatalf("%#v: %q has the contact", event, book[id])
		}
		delete(book, id)
	}
	begin := func(id contact.ID, agent contact.AgentID) {
		if book[id] != "" {
			t.Fatalf("%#v: %q has the contact still", event, book[id])
		}
		book[id] = agent
	}
	switch v := event.(type) {
	case contact.ContactConnected:
		begin(v.Contact, v.Agent)
	case contact.ContactReturned:
		part(v.Contact, v.Agent)
	case contact.ContactTransferred:
		part(v.Contact, v.Agent)
	case contact.ConsultEnded:
		if v.Cause == contact.ConsultCompleted {
			part(v.Contact, v.Agent)
			begin(v.Contact, v.With)
		}
	case contact.ContactDropped:
		delete(book, v.Contact)
	case contact.CallbackScheduled:
		delete(book, v.Contact)
	case contact.ContactClosed:
		delete(book, v.Contact)
	}
}

// agrees compares the book with an open contact.
func (b *bookOfParts) agrees(t failer, k queue.ContactState) {
	if (*b)[k.Contact.ID] != k.Agent || (k.TakenAt != 0) != (k.Agent != "") {
		t.Fatalf("%q has %+v by the book, since %d", (*b)[k.Contact.ID], k, k.TakenAt)
	}
}

// callers are the agents who have the contact, a call, on the line or are asked for it: whoever has
// it, and whoever is consulted.
func callers(k queue.ContactState) []contact.AgentID {
	var agents []contact.AgentID
	if k.Contact.Channel != contact.Voice {
		return nil
	}
	if k.Offer != nil {
		agents = append(agents, k.Offer.Agent)
	} else if k.Agent != "" {
		agents = append(agents, k.Agent)
	}
	if k.Consult != nil && k.Consult.To == "" {
		agents = append(agents, k.Consult.With)
	}
	return agents
}

// soundConsult checks that a colleague is asked only about a call on hold, has it among his contacts,
// and is asked for nothing else before the two talk.
func (c *checker) soundConsult(k queue.ContactState, has map[contact.AgentID][]contact.ID, asked map[contact.AgentID]contact.OfferID) {
	if k.HandedOver != "" && k.State != contact.StateWrapUp {
		c.t.Fatalf("%s is %s and handed over", k.Contact.ID, k.State)
	}
	if k.Consult == nil {
		return
	}
	if k.State != contact.StateHeld && !k.Conference || k.Consult.With == k.Agent || (k.Consult.With == "") == (k.Consult.To == "") || k.Consult.Connected != (k.Consult.Expires == 0) ||
		k.Consult.Connected != (k.Consult.Leg != "") || k.Consult.Connected && !k.Consult.Accepted {
		c.t.Fatalf("%s is %s with %s and is asked about: %+v", k.Contact.ID, k.State, k.Agent, k.Consult)
	}
	if k.Consult.To != "" {
		return
	}
	with := k.Consult.With
	has[with] = append(has[with], k.Contact.ID)
	if k.Consult.Connected {
		return
	}
	if other, twice := asked[with]; twice {
		c.t.Fatalf("%s is asked by %d and %d", with, other, k.Consult.Offer)
	}
	asked[with] = k.Consult.Offer
}

// mayAsk checks that the colleague is free for a call, and the one whom routing prefers when a group
// is asked, of those who are not in the call already to supervise it.
func (c *checker) mayAsk(asked contact.ConsultOffered) {
	k, _ := c.follower.Contact(asked.Contact)
	if k.State != contact.StateHeld || k.Agent != asked.Agent || asked.With == asked.Agent {
		c.t.Fatalf("%+v, but %+v", asked, k)
	}
	command, is := c.command.(contact.Consult)
	if !is || command.Contact != asked.Contact || command.Agent != asked.Agent {
		c.t.Fatalf("%+v by %#v", asked, c.command)
	}
	wanted := queue.ContactState{Contact: k.Contact, StillNeeded: command.To.Needs, Class: k.Class}
	if command.To.Agent != "" {
		wanted.Prefer = command.To.Agent
	}
	level := func(a queue.AgentState) int { return slowLevel(wanted.StillNeeded, a.Skills) }
	var best *queue.AgentState
	for _, a := range c.follower.Agents() {
		inCall := slices.ContainsFunc(k.Supervisors, func(s queue.Supervision) bool { return s.Supervisor == a.Agent })
		if a.Agent == asked.Agent || inCall || !slowFits(c.follower.Rules(), wanted, a, max(c.world.now, c.follower.Last())) {
			continue
		}
		if best == nil || cmp.Or(-cmp.Compare(level(a), level(*best)), cmp.Compare(a.IdleSince, best.IdleSince), cmp.Compare(a.Agent, best.Agent)) < 0 {
			best = &a
		}
	}
	if best == nil || best.Agent != asked.With {
		c.t.Fatalf("%#v: %s is asked, not %+v", command, asked.With, best)
	}
}

// sendsOn checks that a contact that is sent on waits in its old place for whom it was sent to, and
// that one whose caller rang again has nothing of a call-back any more.
func (c *checker) sendsOn(event contact.Event, after queue.ContactState) {
	switch v := event.(type) {
	case contact.ContactTransferred:
		passed := slices.ContainsFunc(after.PassedOver, func(p queue.PassedOver) bool { return p.Agent == v.Agent && p.Until == v.Again })
		forGroup := v.To.Agent != "" || slices.Equal(after.Needs, v.To.Needs) && slices.Equal(after.StillNeeded, v.To.Needs) && after.Relaxed == 0
		if after.State != contact.StateWaiting || after.Callback || after.Agent != "" || after.Code != "" || after.Ticket != "" ||
			after.Prefer != v.To.Agent || after.PreferUntil != v.Until || !passed || !forGroup {
			c.t.Fatalf("%+v leaves %+v", v, after)
		}
	case contact.ContactRejoined:
		if after.State != contact.StateWaiting || after.Callback || after.DueAt != 0 || after.For != "" || after.Exhausted || after.Leg != v.Leg || after.Prefer != "" {
			c.t.Fatalf("%+v leaves %+v", v, after)
		}
	case contact.ContactHandedOver:
		if after.State != contact.StateWrapUp || after.HandedOver != v.To || after.Agent != v.Agent {
			c.t.Fatalf("%+v leaves %+v", v, after)
		}
	}
}

// expects compares the expected wait of each contact that waits with who is ahead of it and who could
// serve it, counted one by one.
func (c *checker) expects(now contact.Instant) {
	rules, agents := c.engine.Rules(), c.engine.Agents()
	waiting := slices.DeleteFunc(c.engine.Contacts(), func(k queue.ContactState) bool { return !slowStands(rules, k) })
	onDuty := slices.DeleteFunc(agents, func(a queue.AgentState) bool {
		return a.Gone || a.Presence != contact.Ready || len(a.Nodes) == 0 || a.Next != ""
	})
	for _, k := range waiting {
		want := queue.Wait{}
		free := false
		for _, a := range onDuty {
			if slowServes(a, k) {
				want.Agents++
			}
			free = free || slowFits(rules, k, a, now)
		}
		for _, other := range waiting {
			both := slices.ContainsFunc(onDuty, func(a queue.AgentState) bool {
				if other.Prefer != "" && other.Prefer != a.Agent {
					return false
				}
				return slowServes(a, k) && (other.Prefer != "" || slowServes(a, other))
			})
			if both && other.Contact.Channel == k.Contact.Channel && slowOrder(rules, other, k, now) < 0 {
				want.Ahead++
			}
		}
		got := c.engine.Wait(queue.WaitQuestion{Contact: k.Contact.ID}, now)
		if want.Agents == 0 {
			want.Ahead = 0
		}
		if got.Agents != want.Agents || got.Ahead != want.Ahead || got.Known && got.Agents == 0 || got.Expected < 0 || !got.Known && got.Expected != 0 {
			c.t.Fatalf("%s waits for %+v, not %+v", k.Contact.ID, got, want)
		}
		if got.Agents > 0 && free && !got.Known {
			c.t.Fatalf("%s has somebody free, and nobody knows", k.Contact.ID)
		}
	}
}

// slowServes reports whether the agent may be asked for such a contact when he is free.
func slowServes(a queue.AgentState, k queue.ContactState) bool {
	return (len(a.Channels) == 0 || slices.Contains(a.Channels, k.Contact.Channel)) &&
		a.Reserved <= k.Class && slowLevel(k.StillNeeded, a.Skills) >= 0
}
