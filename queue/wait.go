package queue

import (
	"slices"
	"sort"

	"svar/contact"
	"svar/routing"
)

// WaitQuestion asks for the expected wait: of Contact when it is open, or of one that would come now
// with the rest. The rest is also what an open contact is taken for that was not queued yet.
type WaitQuestion struct {
	Contact contact.ID
	Channel contact.Channel
	Needs   contact.Needs
	Class   contact.Class
	Target  contact.Millis
	Hours   contact.HoursID
}

// Wait is how long a contact is expected to wait (measure: expected wait).
type Wait struct {
	// Known is false when nobody suitable is on duty, or nothing is known of how long contacts take:
	// then no number is said.
	Known    bool
	Expected contact.Millis
	// Ahead is how many are served before it by agents who could serve it, Agents how many those are:
	// ready and reachable, busy or not.
	Ahead  int
	Agents int
}

// Wait returns how long a contact is expected to wait from now on. It is reckoned from the state alone: while
// all who could serve it are busy, they become free at the rate at which they were done with such
// contacts lately, and it is the turn of the contact after those that are ahead of it. Others that come
// later and pass it, and users who give up, are left out of it. It costs a search in each line.
func (e *Engine) Wait(q WaitQuestion, now contact.Instant) Wait {
	now = max(now, e.last)
	c := e.inQuestion(q, now)
	if c == nil || e.pools[c.Contact.Channel] == nil {
		return Wait{}
	}
	if c.Offer != nil || c.Agent != "" {
		return Wait{Known: true} // its turn has come
	}
	channel := c.Contact.Channel
	crews, agents := e.crewsFor(channel, c.Class, c.StillNeeded)
	if agents == 0 {
		return Wait{}
	}
	ahead, load := e.ahead(c, crews, now)
	wait := Wait{Ahead: ahead, Agents: agents}
	mean, known := e.handlingTime(channel, c.StillNeeded)
	settling := max(0, e.settled.Sub(now))
	switch {
	case e.someFree(c, now):
		wait.Known, wait.Expected = true, settling
	case known:
		slots := contact.Millis(agents * e.capacity(channel))
		wait.Known, wait.Expected = true, max(settling, (load+perContact)*mean/(slots*perContact))
		if c.Prefer != "" && c.PreferUntil != 0 { // until then his agent alone is asked
			wait.Expected = max(wait.Expected, min(mean, c.PreferUntil.Sub(now)))
		}
	}
	return wait
}

// inQuestion returns the contact that is asked about, as it would wait: nil when the question makes
// no sense, or the contact waits for nobody.
func (e *Engine) inQuestion(q WaitQuestion, now contact.Instant) *entry {
	c := e.contacts[q.Contact]
	switch {
	case c == nil && q.Contact != "" && q.Channel == "":
		return nil
	case c != nil && (c.line != nil || c.Offer != nil || c.State.Joined()):
		return c
	case c != nil && c.State != contact.StateArrived && c.State != contact.StateGreeted:
		return nil
	case !validNeeds(q.Needs, maxNeeds) || q.Target < 0 || q.Target > maxTarget:
		return nil
	}
	asked := &entry{ContactState: ContactState{
		Contact: contact.Contact{Channel: q.Channel, Arrived: now}, Place: e.lastPlace + 1, Target: q.Target, Hours: q.Hours,
		StillNeeded: q.Needs, Class: q.Class,
	}}
	if c != nil { // it keeps the place of its arrival
		asked.Contact, asked.Place, asked.Class = c.Contact, c.Place, e.impactClass(q.Class, c.Residents)
	}
	e.reckon(asked)
	return asked
}

// perContact is what one contact adds to a load, so that shares of it stay integers.
const perContact = 1000

// ahead counts the contacts before c that are served by the crews that could serve it, and the load that
// they are for those: a contact that others can serve too is theirs in part.
func (e *Engine) ahead(c *entry, crews []*crew, now contact.Instant) (count int, load contact.Millis) {
	own := e.claim(c, now)
	for _, l := range e.lines {
		if l.key.channel != c.Contact.Channel {
			continue
		}
		waiting := l.waiting.All()
		before := sort.Search(len(waiting), func(i int) bool { return routing.CompareClaims(e.claim(waiting[i], now), own) >= 0 })
		if before == 0 {
			continue
		}
		if part, of := e.share(l, waiting[0], crews); part > 0 {
			count += before
			load += contact.Millis(before) * perContact * contact.Millis(part) / contact.Millis(of)
		}
	}
	return count, load
}

// share returns how many of the agents who may be asked for the contacts of the line, which are like
// the first, belong to the crews.
func (e *Engine) share(l *line, first *entry, crews []*crew) (part, of int) {
	if first.Prefer != "" {
		if slices.Contains(crews, e.crewOf[first.Prefer]) {
			return 1, 1
		}
		return 0, 1
	}
	for _, k := range crews {
		if k.serves(l.key.channel, l.key.class, first.StillNeeded) {
			part += k.size
		}
	}
	if l.staffed != e.musters {
		_, l.staff = e.crewsFor(l.key.channel, l.key.class, first.StillNeeded)
		l.staffed = e.musters
	}
	return part, max(1, l.staff)
}

// someFree reports whether somebody could be asked for the contact at once.
func (e *Engine) someFree(c *entry, now contact.Instant) bool {
	pool := e.pools[c.Contact.Channel]
	ranking := pool.Use(c.StillNeeded, c.Class)
	if c.Prefer != "" {
		pool.Release(ranking)
		ranking = pool.UseOnly(c.Prefer)
	}
	defer pool.Release(ranking)
	return slices.ContainsFunc(ranking.Sorted(), func(free routing.Candidate) bool { return !c.passes(free.Agent, now) })
}

// capacity is how many contacts of the channel an agent may have at once.
func (e *Engine) capacity(channel contact.Channel) int {
	for i := range e.rules.Channels {
		if rule := &e.rules.Channels[i]; rule.Channel == channel {
			return int(rule.Capacity)
		}
	}
	return 1
}
