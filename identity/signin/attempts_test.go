package signin

import (
	"context"
	"fmt"
	"testing"
	"time"
)

func TestTooManyFailedSignIns(t *testing.T) {
	t.Parallel()
	a, now := New(), time.Unix(0, 0)
	fail, succeed := func() bool { return false }, func() bool { return true }
	try := func(account, address string, check func() bool) bool {
		_, allowed := a.Try(t.Context(), now, account, address, check)
		return allowed
	}
	// A school behind one address signs in at eight o'clock.
	for i := range 500 {
		if !try(fmt.Sprint("agent", i), "192.0.2.1", succeed) || !try("anna", "192.0.2.1", succeed) {
			t.Fatal("signing in counts as an attempt to guess")
		}
	}
	// One account from many places.
	for i := range accountBurst {
		if !try("anna", fmt.Sprint("198.51.100.", i), fail) {
			t.Fatalf("refused after %d failures", i)
		}
	}
	if try("anna", "198.51.100.99", succeed) {
		t.Error("an account can be guessed at for ever")
	}
	if !try("bo", "198.51.100.99", succeed) {
		t.Error("another account suffers")
	}
	now = now.Add(attemptsEvery)
	if !try("anna", "198.51.100.99", succeed) {
		t.Error("the account stays shut")
	}
	// Many accounts from one customer's network.
	for i := range addressBurst {
		if !try(fmt.Sprint("guess", i), fmt.Sprintf("2001:db8:0:1::%x", i), fail) {
			t.Fatalf("refused after %d failures", i)
		}
	}
	before := len(a.by)
	for i := range 1000 {
		if try(fmt.Sprint("more", i), fmt.Sprintf("2001:db8:0:1:ffff::%x", i), fail) {
			t.Fatal("accounts can be tried out from one network")
		}
	}
	if len(a.by) != before {
		t.Error("refused attempts fill the table")
	}
	if !try("guess0", "2001:db8:0:2::1", succeed) {
		t.Error("the neighbours suffer")
	}
}

func TestFailedSignInsTakeBoundedMemory(t *testing.T) {
	t.Parallel()
	a, now := New(), time.Unix(0, 0)
	for range accountBurst {
		a.reserve(now, "anna", "192.0.2.1")
	}
	for i := range 3 * maxAttempts { // from very many places at once
		a.reserve(now, fmt.Sprint("guess", i), fmt.Sprint("place", i))
		if len(a.by) > maxAttempts {
			t.Fatalf("%d keys are kept", len(a.by))
		}
	}
	a.limiter(now.Add(time.Hour), "one more", 1)
	if len(a.by) > 1 {
		t.Errorf("%d keys are kept though nobody failed lately", len(a.by))
	}
}

// Who is gone while many passwords are checked waits no longer.
func TestPasswordsThatAreCheckedAtOnceAreBounded(t *testing.T) {
	t.Parallel()
	a := New()
	for range hashesAtOnce {
		a.hashing <- struct{}{}
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, allowed := a.Try(gone, time.Unix(0, 0), "bo", "198.51.100.2", func() bool { return true }); allowed {
		t.Error("more passwords are checked at once than memory is meant for")
	}
}
