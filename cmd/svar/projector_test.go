package main

import (
	"testing"
	"time"

	"svar/contact"
	"svar/store"
)

// A transaction holds what the database can do in its time, however full the records are: one that is too much would be
// tried again for ever.
func TestATransactionOfTheProjectionIsBounded(t *testing.T) {
	t.Parallel()
	for _, one := range []struct{ events, want int }{
		{1, projectAtOnce}, {projectEvents / 4, 4}, {projectEvents/4 + 1, 4}, {2 * projectEvents, 1},
	} {
		turns := make(chan store.Turn, projectAtOnce)
		for range cap(turns) {
			turns <- store.Turn{Events: make(contact.Events, one.events)}
		}
		together := gather(<-turns, turns, nil)
		if len(together) != one.want {
			t.Errorf("%d records of %d events at once; want %d", len(together), one.events, one.want)
		}
		if len(turns) != cap(turns)-len(together) {
			t.Errorf("%d of %d records are left after %d", len(turns), cap(turns), len(together))
		}
	}
	few := make(chan store.Turn, 1)
	few <- store.Turn{Sequence: 2}
	close(few)
	if together := gather(store.Turn{Sequence: 1}, few, nil); len(together) != 2 || together[1].Sequence != 2 {
		t.Errorf("gathered %+v before the end", together)
	}
	now := make(chan time.Time, 1)
	now <- time.Time{}
	if together := gather(store.Turn{Sequence: 1}, nil, now); len(together) != 1 {
		t.Errorf("gathered %+v though it is time", together)
	}
}
