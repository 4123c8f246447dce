package store

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"svar/identity"
	"svar/store/storetest"
)

func TestPeopleComeBack(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	if people, err := s.People(t.Context()); err != nil || len(people) != 0 {
		t.Errorf("at first there are %v, %v", people, err)
	}
	want := identity.DemoPeople()
	for _, role := range identity.PersonRoles() {
		// Every role has its place, and somebody may have no number.
		want = append(want, identity.Person{ID: identity.PersonID("role-" + role), Name: `O'Neil "Åse" \ ☎`, Role: role, Numbers: []identity.Number{}})
	}
	slices.SortFunc(want, func(a, b identity.Person) int { return strings.Compare(string(a.ID), string(b.ID)) })
	for range 2 { // the second replaces the first
		if err := s.ReplacePeople(t.Context(), want); err != nil {
			t.Fatal(err)
		}
		if got, err := s.People(t.Context()); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%v\n got %#v\nwant %#v", err, got, want)
		}
	}
	if err := s.ReplacePeople(t.Context(), nil); err != nil || count(t, s, `select count(*) from people`) != 0 {
		t.Errorf("the directory cannot be emptied: %v", err)
	}
}

// Whatever is wrong with one person, nobody is replaced, and the error names no one.
func TestReplacePeopleAllOrNothing(t *testing.T) {
	t.Parallel()
	const private = "Hemlig"
	good := identity.Person{ID: "p-1", Name: private, Role: identity.RoleStaff, Numbers: []identity.Number{"+46701740605"}}
	spoiled := map[string]func(*identity.Person){
		"the id is there": func(*identity.Person) {},
		"no id":           func(p *identity.Person) { p.ID = "" },
		"unknown role":    func(p *identity.Person) { p.ID, p.Role = "p-2", "wizard" },
		"NUL":             func(p *identity.Person) { p.ID, p.School = "p-2", private+"\x00" },
		"not UTF-8":       func(p *identity.Person) { p.ID, p.Title = "p-2", private+"\xff" },
	}
	for name, spoil := range spoiled {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStore(t)
			before := identity.DemoPeople()
			if err := s.ReplacePeople(t.Context(), before); err != nil {
				t.Fatal(err)
			}
			bad := good
			spoil(&bad)
			err := s.ReplacePeople(t.Context(), []identity.Person{good, bad})
			if err == nil || strings.Contains(err.Error(), private) || strings.Contains(err.Error(), "+46") {
				t.Errorf("error = %v", err)
			}
			if got, err := s.People(t.Context()); err != nil || !reflect.DeepEqual(got, before) {
				t.Errorf("the people are now %d, %v", len(got), err)
			}
		})
	}
}

// watch calls WaitForChange and hands on what it read.
func watch(t *testing.T, s *Store) (reads <-chan int, done <-chan error, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	seen, ended := make(chan int), make(chan error, 1)
	go func() {
		ended <- s.WaitForChange(ctx, func(ctx context.Context) error {
			people, err := s.People(ctx)
			if err != nil {
				return err
			}
			select {
			case seen <- len(people):
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	}()
	return seen, ended, cancel
}

// Another process changes something: who waits reads it, and hears of each change.
func TestWaitForChange(t *testing.T) {
	t.Parallel()
	connString := storetest.Database(t)
	var processes [2]*Store
	for i := range processes {
		s, err := Open(t.Context(), connString)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.Close)
		processes[i] = s
	}
	reads, done, stop := watch(t, processes[0])
	if n := <-reads; n != 0 {
		t.Errorf("the first read has %d people", n)
	}
	people := identity.DemoPeople()
	for n := 1; n <= 3; n++ {
		if err := processes[1].ReplacePeople(t.Context(), people[:n]); err != nil {
			t.Fatal(err)
		}
		if got := <-reads; got != n {
			t.Errorf("%d people were read, there are %d", got, n)
		}
	}
	if err := processes[1].AddAccounts(t.Context(), noon, account("anna")); err != nil {
		t.Fatal(err)
	}
	<-reads // accounts wake it too
	stop()
	if err := <-done; err != nil {
		t.Errorf("ended by its context with %v", err)
	}
}

// What is rolled back wakes nobody: the next read is of the change after it.
func TestAFailedChangeWakesNobody(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	reads, _, stop := watch(t, s)
	defer stop()
	<-reads
	twice := identity.DemoPeople()[:1]
	if err := s.ReplacePeople(t.Context(), append(twice, twice[0])); err == nil {
		t.Fatal("the same person twice was taken")
	}
	if err := s.ReplacePeople(t.Context(), identity.DemoPeople()[:2]); err != nil {
		t.Fatal(err)
	}
	if n := <-reads; n != 2 {
		t.Errorf("woken with %d people", n)
	}
}

// A lost connection is an error; who calls again reads what was missed.
func TestWaitForChangeLosesItsConnection(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	reads, done, stop := watch(t, s)
	defer stop()
	<-reads
	ended := count(t, s, `select count(pg_terminate_backend(pid)) from pg_stat_activity
		where datname = current_database() and query like 'listen%'`)
	if ended != 1 {
		t.Fatalf("%d connections listened", ended)
	}
	if err := <-done; err == nil || !strings.Contains(err.Error(), "listen for changes") {
		t.Errorf("error = %v", err)
	}
	if err := s.ReplacePeople(t.Context(), identity.DemoPeople()[:3]); err != nil {
		t.Fatal(err)
	}
	reads, done, stop = watch(t, s)
	if n := <-reads; n != 3 {
		t.Errorf("%d people were read after the loss", n)
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestWaitForChangeReturnsTheReadersError(t *testing.T) {
	t.Parallel()
	unreadable := errors.New("cannot be read")
	if err := newStore(t).WaitForChange(t.Context(), func(context.Context) error { return unreadable }); !errors.Is(err, unreadable) {
		t.Errorf("error = %v", err)
	}
}

// cityPeople is about as many as a city's schools have staff and guardians.
const cityPeople = 100_000

func cityDirectory() []identity.Person {
	people := make([]identity.Person, cityPeople)
	for i := range people {
		people[i] = identity.Person{
			ID: identity.PersonID(fmt.Sprintf("p-%06d", i)), Name: fmt.Sprintf("Person %d", i), Role: identity.RoleStaff,
			Title: "Lärare", School: fmt.Sprintf("Skola %d", i%300), Numbers: []identity.Number{identity.Number(fmt.Sprintf("+467017%05d", i))},
		}
	}
	return people
}

func BenchmarkReplacePeople(b *testing.B) {
	s := newStore(b)
	people := cityDirectory()
	for b.Loop() {
		if err := s.ReplacePeople(b.Context(), people); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPeople(b *testing.B) {
	s := newStore(b)
	if err := s.ReplacePeople(b.Context(), cityDirectory()); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		people, err := s.People(b.Context())
		if err != nil || len(people) != cityPeople {
			b.Fatalf("%d people, %v", len(people), err)
		}
	}
}
