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
}

// line holds the contacts of one channel, class, needs and target that may be offered. Within
// it the order is that of arrival and never changes, so that the engine compares only
// the heads of lines.
type line struct {
	key     lineKey
	ranking *routing.Ranking
	// room holds the contacts from index first on, sorted by arrival. The free room
	// before first is what those left who were offered from the head; one who comes
	// back to the head takes it again, so that neither moves the rest.
	room  []*entry
	first int
}

type lineKey struct {
	channel contact.Channel
	class   contact.Class
	target  contact.Millis
	needs   string
}

func (l *line) waiting() []*entry { return l.room[l.first:] }

// insert puts the contact into its place by arrival.
func (l *line) insert(c *entry) {
	waiting := l.waiting()
	at, _ := slices.BinarySearchFunc(waiting, c, byArrival)
	if l.first > 0 && at <= len(waiting)/2 {
		l.first--
		copy(l.room[l.first:], waiting[:at])
		l.room[l.first+at] = c
		return
	}
	if l.first > len(waiting) { // most of the room is free: use it before growing
		copy(l.room, waiting)
		clear(l.room[len(waiting):])
		l.room, l.first = l.room[:len(waiting)], 0
	}
	l.room = slices.Insert(l.room, l.first+at, c)
}

// remove takes the contact out.
func (l *line) remove(c *entry) {
	waiting := l.waiting()
	at, found := slices.BinarySearchFunc(waiting, c, byArrival)
	switch {
	case !found:
	case at <= len(waiting)/2:
		copy(waiting[1:at+1], waiting[:at])
		waiting[0] = nil
		l.first++
	default:
		l.room = slices.Delete(l.room, l.first+at, l.first+at+1)
	}
}

// byArrival orders contacts by when they arrived, those of one instant as they came in. It
// is the order within a line, where [routing.CompareClaims] finds class and target equal.
func byArrival(a, b *entry) int {
	return cmp.Or(cmp.Compare(a.Contact.Arrived, b.Contact.Arrived), cmp.Compare(a.Place, b.Place))
}

// byUrgency orders waiting contacts, the one to be served first first.
func byUrgency(a, b *entry, now contact.Instant) int {
	return routing.CompareClaims(a.claim(), b.claim(), now)
}

func (c *entry) claim() routing.Claim {
	return routing.Claim{Class: c.Class, Target: c.Target, Arrived: c.Contact.Arrived, Place: c.Place}
}

// Order returns the contacts that may be offered at now, in the order in which they would
// be served, at most limit of them. Those that are offered already are not among them.
func (e *Engine) Order(now contact.Instant, limit int) []contact.ID {
	now = max(now, e.last)
	var ids []contact.ID
	taken := make([]int, len(e.lineList)) // how many of each line are in the list
	for len(ids) < limit {
		first, of := (*entry)(nil), 0
		for i, l := range e.lineList {
			waiting := l.waiting()
			if taken[i] == len(waiting) {
				continue
			}
			if c := waiting[taken[i]]; first == nil || byUrgency(c, first, now) < 0 {
				first, of = c, i
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
	key := lineKey{channel: c.Contact.Channel, class: c.Class, target: c.Target, needs: routing.Key(c.Needs)}
	l := e.lines[key]
	if l == nil {
		if len(e.lines) >= maxIdleLines {
			e.forgetEmptyLines()
		}
		l = &line{key: key, ranking: e.pools[c.Contact.Channel].Use(c.Needs)}
		e.lines[key] = l
		e.lineList = append(e.lineList, l)
	}
	l.insert(c)
	c.line = l
	e.waiting++
}

// stepOut takes a contact out of its line.
func (e *Engine) stepOut(c *entry) {
	if c.line == nil {
		return
	}
	c.line.remove(c)
	c.line = nil
	e.waiting--
}

func (e *Engine) forgetEmptyLines() {
	e.lineList = slices.DeleteFunc(e.lineList, func(l *line) bool {
		if len(l.waiting()) > 0 {
			return false
		}
		e.pools[l.key.channel].Release(l.ranking)
		delete(e.lines, l.key)
		return true
	})
}
