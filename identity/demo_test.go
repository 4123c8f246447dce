package identity

import (
	"strings"
	"testing"
)

func TestDemoAccounts(t *testing.T) {
	t.Parallel()
	roles := map[string]Role{"anna": Agent, "bo": Agent, "eva": Supervisor, "adam": Administrator}
	accounts := DemoAccounts()
	if len(accounts) != len(roles) {
		t.Errorf("%d accounts", len(accounts))
	}
	for _, account := range accounts {
		if err := account.Check(); err != nil {
			t.Errorf("%s: %v", account.Name, err)
		}
		if roles[account.Name] != account.Role || !account.Active {
			t.Errorf("%s is %s, active %t", account.Name, account.Role, account.Active)
		}
	}
	// Well known and too short: nobody can give it to a real account.
	if CheckNewPassword(DemoPassword) == nil {
		t.Error("the demo password would do for a real account")
	}
}

// The demo shows every case of a caller, and rings nobody: its numbers are kept for fiction.
func TestDemoPeople(t *testing.T) {
	t.Parallel()
	directory, err := NewDirectory(DemoPeople())
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[CallerKind]int{}
	foreign := 0
	for _, person := range DemoPeople() {
		if person.Name == "" || !person.Role.Valid() || person.School == "" || (len(person.Numbers) == 0 && person.Role != RolePupil) {
			t.Errorf("%s lacks something: %#v", person.ID, person)
		}
		for _, number := range person.Numbers {
			if again, err := ParseNumber(string(number), HomeRegion); err != nil || again != number {
				t.Errorf("%s: %q is no number in its final form: %q, %v", person.ID, number, again, err)
			}
			if !forFiction(number) {
				t.Errorf("%s: %s may be somebody's", person.ID, number)
			}
			if !strings.HasPrefix(string(number), "+46") {
				foreign++
			}
			kinds[PresentCaller(CallerID{Number: number}, directory.ByNumber(number), Viewer{}).Kind]++
		}
	}
	if kinds[CallerKnown] == 0 || kinds[CallerShared] < 2 || kinds[CallerProtected] == 0 || foreign == 0 {
		t.Errorf("the demo lacks a case: %v, foreign %d", kinds, foreign)
	}
}

func TestDemoUsersAreDemoPeople(t *testing.T) {
	t.Parallel()
	directory, err := NewDirectory(DemoPeople())
	if err != nil {
		t.Fatal(err)
	}
	names, protected, pupil := map[string]bool{}, false, false
	for _, user := range DemoUsers() {
		person, known := directory.ByID(user.Person)
		if !known || names[user.Name] || CheckAccountName(user.Name) != nil {
			t.Errorf("%s is nobody, or there twice, or no login name", user.Name)
		}
		names[user.Name] = true
		protected = protected || person.Protected
		pupil = pupil || person.Role == RolePupil
	}
	if !protected || !pupil {
		t.Error("no protected person or no pupil can sign in")
	}
}

// forFiction tells the ranges that PTS (Sweden) and Bundesnetzagentur (Germany) keep free for
// films and examples.
func forFiction(number Number) bool {
	for _, reserved := range []struct{ from, to Number }{
		{"+46701740605", "+46701740699"},
		{"+46846500400", "+46846500499"},
		{"+493023125000", "+493023125999"},
	} {
		if len(number) == len(reserved.from) && reserved.from <= number && number <= reserved.to {
			return true
		}
	}
	return false
}
