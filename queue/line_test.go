package queue

import (
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"svar/contact"
	"svar/routing"
)

// However contacts come, go and come back, a line is as sorted as a list that is sorted
// after every change.
func TestLineKeepsPlaces(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var l routing.Row[*entry]
		var want, away []*entry
		place := uint64(0)
		// Only the seed is rapid's, whose own numbers are mostly small.
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		for range 300 {
			move := byte(random.Uint32())
			switch {
			case move < 100 || len(want) == 0: // somebody arrives, now and then with an earlier arrival
				place++
				c := &entry{ContactState: ContactState{
					Contact: contact.Contact{Arrived: contact.Instant(place - uint64(move)%3)}, Place: place,
				}}
				l.Insert(c, byArrival)
				want = append(want, c)
			case move < 220 || len(away) == 0: // somebody leaves, mostly from the head
				at := 0
				if move%4 == 0 {
					at = int(move) % len(want)
				}
				l.Remove(want[at], byArrival)
				away = append(away, want[at])
				want = slices.Delete(want, at, at+1)
			default: // somebody comes back
				at := int(move) % len(away)
				l.Insert(away[at], byArrival)
				want = append(want, away[at])
				away = slices.Delete(away, at, at+1)
			}
			slices.SortFunc(want, byArrival)
			if !slices.Equal(l.All(), want) {
				t.Fatalf("the line is out of order after %d moves", place)
			}
		}
	})
}

// Lines that nobody stands in are forgotten when there are many, and those in use stay.
func TestEmptyLinesAreForgotten(t *testing.T) {
	t.Parallel()
	e := New()
	stays := &entry{ContactState: ContactState{Contact: contact.Contact{Channel: contact.Chat}, Target: 1}}
	e.lineUp(stays)
	for target := contact.Millis(2); target < 3*maxIdleLines; target++ {
		c := &entry{ContactState: ContactState{Contact: contact.Contact{Channel: contact.Voice}, Target: target}}
		e.lineUp(c)
		e.stepOut(c)
	}
	if len(e.lines) > maxIdleLines+1 || e.idleLines != len(e.lines)-1 || e.waiting != 1 {
		t.Fatalf("%d lines, %d of them idle, %d waiting", len(e.lines), e.idleLines, e.waiting)
	}
	if e.lines[stays.line.key] != stays.line {
		t.Fatal("the line in use is forgotten")
	}
}

// What is remembered of closed contacts is bounded.
func TestClosedMemoryIsBounded(t *testing.T) {
	t.Parallel()
	e := New()
	for n := range closedMemory + 10 {
		e.remember(closedContact{Contact: contact.ID(rune(0x4e00 + n))})
	}
	if len(e.closed) != closedMemory || len(e.closedBy) != closedMemory || e.isClosed(contact.ID(rune(0x4e00))) {
		t.Fatalf("%d remembered, %d found", len(e.closed), len(e.closedBy))
	}
}
