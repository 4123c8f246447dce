package main

import (
	"testing"
	"time"

	"svar/store"
)

// A connection that died without a word is noticed, and made again, within the time that a block of outage messages may take
// to be heard of (requirement 3.6).
func TestABlockIsHeardOfInTime(t *testing.T) {
	t.Parallel()
	if worst := store.NoticedWithin + noticesAgain; worst > 8*time.Second {
		t.Errorf("changes of outage messages may be missed for %s", worst)
	}
}
