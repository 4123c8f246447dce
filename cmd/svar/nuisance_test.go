package main

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"svar/configs"
	"svar/contact"
	"svar/identity"
	"svar/store"
)

// nuisanceTable keeps marks as the database does.
type nuisanceTable struct{ marks []store.NuisanceMark }

func (n *nuisanceTable) MarkNuisance(_ context.Context, mark store.NuisanceMark) error {
	n.marks = append(n.marks, mark)
	return nil
}

func (n *nuisanceTable) NuisanceMarks(context.Context, time.Time) ([]store.NuisanceMark, error) {
	return n.marks, nil
}

func (n *nuisanceTable) ForgetNuisance(context.Context, time.Time) error { return nil }

// people are callers by their contacts.
type people map[contact.ID]contact.Personal

func (p people) Personal(_ context.Context, id contact.ID) (contact.Personal, error) {
	return p[id], nil
}

func nuisanceRule() configs.Config {
	return configs.Config{Desk: configs.Desk{Nuisance: configs.Nuisance{After: 3, Wait: 30_000, Keep: 720 * 3600_000}}}
}

// From the third mark on within 30 days a caller waits, by whatever process.
func TestRepeatedNuisanceIsCountedByTheHashOfTheNumber(t *testing.T) {
	t.Parallel()
	const number, other = identity.Number("+46701740605"), identity.Number("+46701740606")
	vouched := func(n identity.Number) contact.Personal { return contact.Personal{Number: n, Vouched: true} }
	table := &nuisanceTable{}
	callers := people{
		"a": vouched(number), "b": vouched(number), "c": vouched(number), "d": vouched(other),
		"withheld": {Number: number, Vouched: true, Withheld: true}, "made-up": {Number: number},
	}
	start := func() *nuisanceCallers {
		n, err := newNuisanceCallers(t.Context(), []byte("a key"), table, callers, nuisanceRule, zerolog.Nop())
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	n := start()
	for _, id := range []contact.ID{"a", "a", "b", "withheld", "made-up", "d", "forgotten"} {
		n.marked(t.Context(), id)
	}
	if got := n.Delay(vouched(number)); got != 0 || len(table.marks) != 3 {
		t.Fatalf("after two marks the caller waits %s; %d marks are kept", got, len(table.marks))
	}
	n = start() // a restart forgets none
	n.marked(t.Context(), "c")
	if got, others := n.Delay(vouched(number)), n.Delay(vouched(other)); got != 30*time.Second || others != 0 {
		t.Errorf("the caller waits %s, another one %s", got, others)
	}
	for _, mark := range table.marks {
		if len(mark.Caller) != 32 || bytes.Contains(mark.Caller, []byte(number)) {
			t.Errorf("kept is %q", mark.Caller)
		}
	}
	now := time.Now().Add(31 * 24 * time.Hour)
	n.now = func() time.Time { return now }
	if got := n.Delay(vouched(number)); got != 0 {
		t.Errorf("after 31 days the caller waits %s", got)
	}
	if err := n.forget(t.Context()); err != nil || len(n.marks)+len(n.known) != 0 {
		t.Errorf("%d callers and %d contacts are left, %v", len(n.marks), len(n.known), err)
	}
}
