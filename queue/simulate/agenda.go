package simulate

import (
	"cmp"

	"svar/contact"
)

// happening is something that will come at an instant.
type happening struct {
	at contact.Instant
	// order is that of being planned: it decides at one instant.
	order uint64
	what  what
	// of is the contact, or nil; offer the one that it holds for, or 0. number is the stream, agent or pause.
	of     *call
	offer  contact.OfferID
	number int
	pause  int
}

type what uint8

const (
	arrival what = iota
	accept
	connect
	losePatience
	hangUp
	finish
	comeToWork
	goHome
	goHomeAtLast
	goOnPause
	comeBack
)

// agenda is a heap of what will come, the earliest first. (container/heap would allocate for
// every one.)
type agenda struct {
	list    []happening
	planned uint64
}

func (a *agenda) before(i, j int) bool {
	return cmp.Or(cmp.Compare(a.list[i].at, a.list[j].at), cmp.Compare(a.list[i].order, a.list[j].order)) < 0
}

func (a *agenda) plan(h happening) {
	a.planned++
	h.order = a.planned
	a.list = append(a.list, h)
	for i := len(a.list) - 1; i > 0; {
		parent := (i - 1) / 2
		if !a.before(i, parent) {
			return
		}
		a.list[i], a.list[parent] = a.list[parent], a.list[i]
		i = parent
	}
}

// next takes the earliest out.
func (a *agenda) next() happening {
	first, last := a.list[0], len(a.list)-1
	a.list[0] = a.list[last]
	a.list[last] = happening{} // so that its contact is not kept
	a.list = a.list[:last]
	for i := 0; ; {
		child := 2*i + 1
		if child >= last {
			return first
		}
		if child+1 < last && a.before(child+1, child) {
			child++
		}
		if !a.before(child, i) {
			return first
		}
		a.list[i], a.list[child] = a.list[child], a.list[i]
		i = child
	}
}
