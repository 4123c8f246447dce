package routing

import "slices"

// Row is a sorted list that is cheap at both ends: what leaves at the head leaves its room for one
// who comes back to the head, so that neither moves the rest. The zero value is empty.
type Row[T any] struct {
	room  []T
	first int
}

// All returns the list, sorted. It is the row's own: it must not be changed, and holds until the
// row changes.
func (r *Row[T]) All() []T { return r.room[r.first:] }

// Len returns how many there are.
func (r *Row[T]) Len() int { return len(r.room) - r.first }

// Insert puts v into its place by the order, before those that are equal.
func (r *Row[T]) Insert(v T, order func(a, b T) int) {
	all := r.All()
	at, _ := slices.BinarySearchFunc(all, v, order)
	if r.first > 0 && at <= len(all)/2 {
		r.first--
		copy(r.room[r.first:], all[:at])
		r.room[r.first+at] = v
		return
	}
	if r.first > len(all) { // most of the room is free: use it before growing
		copy(r.room, all)
		clear(r.room[len(all):])
		r.room, r.first = r.room[:len(all)], 0
	}
	r.room = slices.Insert(r.room, r.first+at, v)
}

// Remove takes out the one that the order finds equal to v, if there is one.
func (r *Row[T]) Remove(v T, order func(a, b T) int) {
	all := r.All()
	at, found := slices.BinarySearchFunc(all, v, order)
	switch {
	case !found:
	case at <= len(all)/2:
		copy(all[1:at+1], all[:at])
		clear(all[:1])
		r.first++
	default:
		r.room = slices.Delete(r.room, r.first+at, r.first+at+1)
	}
}
