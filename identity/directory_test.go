package identity

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

var (
	testAnna  = Person{ID: "p1", Name: "Anna Berg", Role: RoleStaff, Title: "Lärare", School: "Ekbackens skola", Numbers: []Number{"+46701740605", "+46846500401"}}
	testBirk  = Person{ID: "p2", Name: "Birk Lund", Role: RoleStaff, Title: "Rektor", School: "Ekbackens skola", Numbers: []Number{"+46846500401"}}
	testMasha = Person{ID: "masha.dahl", Name: "Masha Dahl", Role: RolePupil, Title: "7B", School: "Lindängens skola", Numbers: []Number{"+46701740606"}, Protected: true}
)

func newTestDirectory(t testing.TB, people ...Person) *Directory {
	t.Helper()
	directory, err := NewDirectory(people)
	if err != nil {
		t.Fatal(err)
	}
	return directory
}

func TestDirectory(t *testing.T) {
	t.Parallel()
	directory := newTestDirectory(t, testAnna, testBirk, testMasha)
	if directory.Len() != 3 {
		t.Errorf("Len() = %d", directory.Len())
	}
	for number, want := range map[Number][]Person{
		"+46701740605": {testAnna},
		"+46846500401": {testAnna, testBirk},
		"+46701740699": nil,
		"":             nil,
	} {
		if got := directory.ByNumber(number); !reflect.DeepEqual(got, want) {
			t.Errorf("ByNumber(%q) = %v; want %v", number, got, want)
		}
	}
	if got, found := directory.ByID("p2"); !found || !reflect.DeepEqual(got, testBirk) {
		t.Errorf("ByID(p2) = %v, %t", got, found)
	}
	if got, found := directory.ByID("p9"); found {
		t.Errorf("ByID(p9) = %v", got)
	}
}

func TestNilDirectoryIsEmpty(t *testing.T) {
	t.Parallel()
	var directory *Directory
	if _, found := directory.ByID("p1"); found || directory.Len() != 0 || directory.ByNumber("+46701740605") != nil {
		t.Error("the nil directory holds somebody")
	}
}

func TestDirectoryRefusesOneIDTwice(t *testing.T) {
	t.Parallel()
	if _, err := NewDirectory([]Person{testAnna, testBirk, {ID: "p1"}}); !errors.Is(err, ErrDuplicatePerson) || !strings.Contains(err.Error(), `"p1"`) {
		t.Errorf("error = %v", err)
	}
}

func TestDirectoryNeverChanges(t *testing.T) {
	t.Parallel()
	people := []Person{{ID: "p1", Name: "Anna", Numbers: []Number{"+46701740605", "+46701740605"}}}
	directory := newTestDirectory(t, people...)
	people[0].Name, people[0].Numbers[0] = "changed", "+46701740699"
	directory.ByNumber("+46701740605")[0].Numbers[0] = "+46701740698"
	got := directory.ByNumber("+46701740605")
	if len(got) != 1 || got[0].Name != "Anna" || got[0].Numbers[0] != "+46701740605" {
		t.Errorf("the directory became %#v", got)
	}
}

// The index agrees with looking through the whole list.
func TestDirectoryAgainstPlainSearch(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		number := rapid.Map(rapid.IntRange(0, 9), func(i int) Number { return Number(fmt.Sprintf("+4670174060%d", i)) })
		people := make([]Person, rapid.IntRange(0, 20).Draw(t, "people"))
		for i := range people {
			people[i] = Person{ID: PersonID(fmt.Sprint(i)), Numbers: rapid.SliceOfN(number, 1, 4).Draw(t, "numbers")}
		}
		directory, err := NewDirectory(people)
		if err != nil {
			t.Fatal(err)
		}
		wanted := number.Draw(t, "wanted")
		var want []Person
		for _, person := range people {
			if slices.Contains(person.Numbers, wanted) {
				want = append(want, person)
			}
		}
		if got := directory.ByNumber(wanted); !reflect.DeepEqual(got, want) {
			t.Fatalf("ByNumber(%s) = %#v; want %#v", wanted, got, want)
		}
	})
}

func TestPresentCaller(t *testing.T) {
	t.Parallel()
	insider, outsider := Viewer{SeesProtected: true}, Viewer{}
	caller := CallerID{Number: "+46846500401", Asserted: true, DisplayName: "Ekbacken"}
	ofMasha := CallerID{Number: "+46701740606", DisplayName: "Masha"}
	masked := CallerCard{Kind: CallerProtected, People: []PersonView{{Protected: true}}, Verification: NotVerified}
	tests := map[string]struct {
		caller  CallerID
		matches []Person
		viewer  Viewer
		want    CallerCard
	}{
		"one person": {caller, []Person{testAnna}, outsider, CallerCard{
			Kind: CallerKnown, Number: "+46846500401", DisplayName: "Ekbacken", People: []PersonView{testAnna.View(outsider)}, Verification: NumberKnown,
		}},
		"a switchboard": {caller, []Person{testAnna, testBirk}, outsider, CallerCard{
			Kind: CallerShared, Number: "+46846500401", DisplayName: "Ekbacken",
			People: []PersonView{testAnna.View(outsider), testBirk.View(outsider)}, Verification: NotVerified,
		}},
		"nobody": {caller, nil, outsider, CallerCard{
			Kind: CallerNumber, Number: "+46846500401", DisplayName: "Ekbacken", Verification: NotVerified,
		}},
		"unknown":  {CallerID{DisplayName: "Anna"}, nil, outsider, CallerCard{Kind: CallerUnknown, DisplayName: "Anna", Verification: NotVerified}},
		"withheld": {CallerID{Withheld: true}, nil, outsider, CallerCard{Kind: CallerWithheld, Verification: NotVerified}},
		"withheld, whatever came with it": {
			CallerID{Withheld: true, Number: "+46846500401"},
			[]Person{testAnna},
			insider,
			CallerCard{Kind: CallerWithheld, Verification: NotVerified},
		},
		"protected":                     {ofMasha, []Person{testMasha}, outsider, masked},
		"protected, on a shared number": {ofMasha, []Person{testAnna, testMasha}, outsider, masked},
		"protected, seen from the group": {ofMasha, []Person{testMasha}, insider, CallerCard{
			Kind: CallerKnown, Number: "+46701740606", DisplayName: "Masha", People: []PersonView{testMasha.View(insider)}, Verification: NumberKnown,
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := PresentCaller(test.caller, test.matches, test.viewer); !reflect.DeepEqual(got, test.want) {
				t.Errorf("PresentCaller\n got %+v\nwant %+v", got, test.want)
			}
		})
	}
}

// Row D1: whatever way a protected person is shown or printed, nothing of him is in it.
func TestNothingOfAProtectedPersonIsShown(t *testing.T) {
	t.Parallel()
	caller := CallerID{Number: testMasha.Numbers[0], DisplayName: testMasha.Name}
	view, err := json.Marshal(testMasha.View(Viewer{}))
	if err != nil {
		t.Fatal(err)
	}
	card, err := json.Marshal(PresentCaller(caller, []Person{testMasha}, Viewer{}))
	if err != nil {
		t.Fatal(err)
	}
	for _, shown := range []string{string(view), string(card), fmt.Sprint(testMasha), fmt.Sprintf("%+v", testMasha), fmt.Sprintf("%v", []Person{testMasha})} {
		for _, secret := range []string{"asha", "Dahl", "7B", "Lindäng", "0606", "pupil"} {
			if strings.Contains(shown, secret) {
				t.Errorf("%q is in %s", secret, shown)
			}
		}
	}
	if !strings.Contains(string(view), `"Protected":true`) {
		t.Errorf("nothing says that the person is protected: %s", view)
	}
}

func TestVerificationLevels(t *testing.T) {
	t.Parallel()
	levels := []Verification{NotVerified, NumberKnown, AnsweredRight, SignedIn}
	for i, level := range levels {
		for j, needed := range levels {
			if got := level.AtLeast(needed); got != (i >= j) {
				t.Errorf("%s.AtLeast(%s) = %t", level, needed, got)
			}
		}
		if level.AtLeast("rubbish") {
			t.Errorf("%s reaches a level that does not exist", level)
		}
	}
	if Verification("rubbish").AtLeast(NumberKnown) {
		t.Error("a level that does not exist reaches number-known")
	}
}

func TestPersonRoles(t *testing.T) {
	t.Parallel()
	for _, role := range PersonRoles() {
		if !role.Valid() {
			t.Errorf("%q is not valid", role)
		}
	}
	if PersonRole("").Valid() || PersonRole("agent").Valid() {
		t.Error("a role that does not exist is valid")
	}
}

// manyPeople makes a directory's worth: two numbers each, one in ten behind a switchboard.
func manyPeople(count int) []Person {
	people := make([]Person, count)
	for i := range people {
		people[i] = Person{
			ID: PersonID(fmt.Sprintf("p%06d", i)), Name: fmt.Sprintf("Person %d", i), Role: RoleStaff, School: "Ekbackens skola",
			Numbers: []Number{Number(fmt.Sprintf("+4670%07d", i)), Number(fmt.Sprintf("+4685%07d", i/10*10))},
		}
	}
	return people
}

func BenchmarkNewDirectory100000(b *testing.B) {
	people := manyPeople(100_000)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := NewDirectory(people); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDirectoryByNumber100000(b *testing.B) {
	people := manyPeople(100_000)
	directory := newTestDirectory(b, people...)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if len(directory.ByNumber(people[i%len(people)].Numbers[0])) != 1 {
			b.Fatal("not found")
		}
		i += 7919
	}
}
