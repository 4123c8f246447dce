package identity

import (
	"errors"
	"fmt"
	"slices"
)

// ErrDuplicatePerson means that two people carry one id.
var ErrDuplicatePerson = errors.New("two people with the same id")

// Directory finds people by id and by number. It is an index in memory, so that no call waits
// for a database, and it never changes: whoever holds one replaces it as a whole, for example
// in an atomic.Pointer. It is safe for concurrent use. The nil Directory is empty.
type Directory struct {
	people   []Person
	byID     map[PersonID]int
	byNumber map[Number][]int
}

// NewDirectory builds the index over a copy of people. The error wraps [ErrDuplicatePerson].
func NewDirectory(people []Person) (*Directory, error) {
	directory := &Directory{
		people:   slices.Clone(people),
		byID:     make(map[PersonID]int, len(people)),
		byNumber: make(map[Number][]int, len(people)),
	}
	for i := range directory.people {
		person := &directory.people[i]
		if _, taken := directory.byID[person.ID]; taken {
			return nil, fmt.Errorf("build directory: %w: %q", ErrDuplicatePerson, person.ID)
		}
		directory.byID[person.ID] = i
		person.Numbers = slices.Clone(person.Numbers)
		for _, number := range person.Numbers {
			if number == "" {
				continue
			}
			holders := directory.byNumber[number]
			if !slices.Contains(holders, i) {
				directory.byNumber[number] = append(holders, i)
			}
		}
	}
	return directory, nil
}

// Len returns how many people the directory holds.
func (d *Directory) Len() int {
	if d == nil {
		return 0
	}
	return len(d.people)
}

// ByID returns the person with that id.
func (d *Directory) ByID(id PersonID) (Person, bool) {
	if d == nil {
		return Person{}, false
	}
	i, found := d.byID[id]
	if !found {
		return Person{}, false
	}
	return d.person(i), true
}

// ByNumber returns everybody who may call from that number, in the order of the register:
// nobody, one, or the many who share a switchboard. Only one match says who calls, and even
// then it proves nothing (row 5.2p). Nobody has the empty number.
//
// Callers on the pupils' line are not looked up at all (row D3); that is for the line to know.
func (d *Directory) ByNumber(number Number) []Person {
	if d == nil {
		return nil
	}
	holders := d.byNumber[number]
	if len(holders) == 0 {
		return nil
	}
	people := make([]Person, len(holders))
	for i, holder := range holders {
		people[i] = d.person(holder)
	}
	return people
}

// person returns a copy that its receiver may change.
func (d *Directory) person(i int) Person {
	person := d.people[i]
	person.Numbers = slices.Clone(person.Numbers)
	return person
}
