package queue

import (
	"cmp"
	"slices"

	"svar/contact"
	"svar/routing"
)

// entry is a contact inside the engine.
type entry struct {
	ContactState
	// line is the one that it stands in; nil unless it may be offered.
	line *line
	// clock is the contact's own, and arrival its reading when the contact arrived; nil when it counts all of time.
	clock   *contact.Clock
	arrival contact.Millis
	// relaxesAt is when the next step of relaxation comes; 0 when there is none.
	relaxesAt contact.Instant
	// watched are the alarms that are set for it.
	watched [occasions]contact.Instant
}

// line holds the contacts that may be offered and are equal in all that decides whose turn it is, but
// for their arrival. Within it the order is that of arrival and never changes, so that the engine
// compares only the heads of lines.
type line struct {
	key     lineKey
	waiting routing.Row[*entry]
	// staff is how many on duty may be asked for its contacts, as it was when e.musters was staffed.
	staff   int
	staffed uint64
}

// lineKey is what the contacts of a line have in common. Channel, still needed skills, and the agent for whom
// they are kept are the ranking's: those who may be asked for them.
type lineKey struct {
	ranking  *routing.Ranking
	channel  contact.Channel
	class    contact.Class
	returned bool
	callback bool
	target   contact.Millis
	hours    contact.HoursID
}

// byArrival orders contacts by when they arrived, those of one instant as they came in. It
// is the order within a line, where [routing.CompareClaims] finds all else equal.
func byArrival(a, b *entry) int {
	return cmp.Or(cmp.Compare(a.Contact.Arrived, b.Contact.Arrived), cmp.Compare(a.Place, b.Place))
}

// stands reports whether the contact may be offered, so that it stands in a line.
func (e *Engine) stands(c *entry) bool {
	return c.State == contact.StateWaiting && (!c.Callback || e.offersCallback(c))
}

// stand lets a contact whose state has become another stand in its line, if it may be offered. A call-back
// that was dialled as often as it may be is due later.
func (e *Engine) stand(c *entry, now contact.Instant) {
	if c.Callback && c.State == contact.StateWaiting {
		e.postpone(c, now)
	}
	if e.stands(c) {
		e.lineUp(c)
		return
	}
	e.watch(c)
}

// waits reports whether the contact is on its way to an agent: it may be offered, or is so.
func (e *Engine) waits(c *entry) bool {
	return c.line != nil || c.State == contact.StateOffered || c.State == contact.StateDialling
}

// claim is what the contact has to say for being served at now before others.
func (e *Engine) claim(c *entry, now contact.Instant) routing.Claim {
	claim := routing.Claim{
		Class: c.Class, Returned: c.Returned, Waited: c.waited(now), Target: c.Target, Arrived: c.Contact.Arrived, Place: c.Place,
	}
	if routing.Rises(c.Class, claim.Waited, c.Target, e.rules.RiseAfter) {
		claim.Class++
	}
	return claim
}

// Order returns the contacts that may be offered at now, in the order in which they would
// be served, at most limit of them. Those that are offered already are not among them.
func (e *Engine) Order(now contact.Instant, limit int) []contact.ID {
	now = max(now, e.last)
	var ids []contact.ID
	lines := make([]*line, 0, len(e.lines))
	for _, l := range e.lines {
		lines = append(lines, l)
	}
	taken := make([]int, len(lines)) // how many of each line are in the list
	for len(ids) < limit {
		first, claim, of := (*entry)(nil), routing.Claim{}, 0
		for i, l := range lines {
			waiting := l.waiting.All()
			if taken[i] == len(waiting) {
				continue
			}
			c := waiting[taken[i]]
			if own := e.claim(c, now); first == nil || routing.CompareClaims(own, claim) < 0 {
				first, claim, of = c, own, i
			}
		}
		if first == nil {
			break
		}
		taken[of]++
		ids = append(ids, first.Contact.ID)
	}
	return ids
}

// maxIdleLines bounds the lines that are kept for later while nobody stands in them.
const maxIdleLines = 256

// lineUp puts a contact that may be offered into its line.
func (e *Engine) lineUp(c *entry) {
	key := lineKey{
		ranking: e.rank(c), channel: c.Contact.Channel, class: c.Class, returned: c.Returned, callback: c.Callback, target: c.Target, hours: c.Hours,
	}
	l := e.lines[key]
	switch {
	case l == nil:
		l = &line{key: key}
		e.lines[key] = l
		e.byRanking[key.ranking] = append(e.byRanking[key.ranking], l)
	case l.waiting.Len() == 0:
		e.idleLines--
		fallthrough
	default:
		e.pools[key.channel].Release(key.ranking) // the line uses it already
	}
	l.waiting.Insert(c, byArrival)
	c.line = l
	e.waiting++
	e.watch(c)
	e.doubt(c)
}

// rank returns the ranking of those who may be asked for the contact, in use once more.
func (e *Engine) rank(c *entry) *routing.Ranking {
	pool := e.pools[c.Contact.Channel]
	if c.Prefer != "" {
		return pool.UseOnly(c.Prefer)
	}
	return pool.Use(c.StillNeeded, c.Class)
}

// stepOut takes a contact out of its line.
func (e *Engine) stepOut(c *entry) {
	l := c.line
	if l == nil {
		return
	}
	l.waiting.Remove(c, byArrival)
	c.line = nil
	e.waiting--
	if l.waiting.Len() > 0 {
		return
	}
	e.idleLines++
	if c.Prefer != "" {
		e.forget(l)
	} else if e.idleLines > maxIdleLines {
		for _, other := range e.lines {
			if other.waiting.Len() == 0 {
				e.forget(other)
			}
		}
	}
}

// forget drops a line that nobody stands in.
func (e *Engine) forget(l *line) {
	e.idleLines--
	delete(e.lines, l.key)
	ranking := l.key.ranking
	others := slices.DeleteFunc(e.byRanking[ranking], func(other *line) bool { return other == l })
	if len(others) == 0 {
		delete(e.byRanking, ranking)
	} else {
		e.byRanking[ranking] = others
	}
	e.pools[l.key.channel].Release(ranking)
}

// restand changes what decides in which line the contact stands.
func (e *Engine) restand(c *entry, change func()) {
	stood := c.line != nil
	e.stepOut(c)
	change()
	if stood {
		e.lineUp(c)
	} else {
		e.watch(c)
	}
}
