package ticket

import (
	"slices"

	"svar/contact"
)

var transitions = map[Status][]Status{
	Registered: {InProgress},
	InProgress: {Solved},
	Solved:     {InProgress, Closed},
	Closed:     nil,
}

// CanBecome reports whether a ticket may go from s to next in one step.
func (s Status) CanBecome(next Status) bool { return slices.Contains(transitions[s], next) }

// Open reports whether the desk has something left to do.
func (s Status) Open() bool { return s == Registered || s == InProgress }

// Steps returns the statuses that lead from s to the one that somebody wants, the last one
// being it: solving what was only registered is two steps of the log, not a jump over one.
func (s Status) Steps(to Status) ([]Status, error) {
	order := []Status{Registered, InProgress, Solved, Closed}
	at, goal := slices.Index(order, s), slices.Index(order, to)
	switch {
	case at < 0 || goal < 0:
		return nil, &Refusal{Code: RefusedInvalid, Field: "status"}
	case at < goal:
		return order[at+1 : goal+1], nil
	case s.CanBecome(to):
		return []Status{to}, nil
	case s == Closed:
		return nil, &Refusal{Code: RefusedClosed}
	}
	return nil, &Refusal{Code: RefusedStatus}
}

// Apply returns the ticket with the entry added to its log, or a [*Refusal]. told says
// whether the user knows the outcome already: he got an answer, or was spoken with. What
// else has to follow from the entry is [Ticket.FollowUps].
func (t Ticket) Apply(e Entry, told bool) (Ticket, error) {
	if e.At < t.Changed {
		return t, &Refusal{Code: RefusedOrder}
	}
	if err := e.check(); err != nil {
		return t, err
	}
	switch e.Kind {
	case FromUser, Answer:
		if t.Status == Closed {
			return t, &Refusal{Code: RefusedClosed}
		}
	case StatusChange:
		if err := t.become(e, told); err != nil {
			return t, err
		}
	case Link:
		if !slices.Contains(t.Contacts, e.Contact) {
			t.Contacts = append(slices.Clone(t.Contacts), e.Contact)
		}
	case Note:
	}
	t.Changed = e.At
	t.Entries = append(slices.Clone(t.Entries), e)
	return t, nil
}

func (t *Ticket) become(e Entry, told bool) error {
	switch {
	case t.Status == Closed:
		return &Refusal{Code: RefusedClosed}
	case !t.Status.CanBecome(e.Status):
		return &Refusal{Code: RefusedStatus}
	case !e.Status.Open() && !told:
		return &Refusal{Code: RefusedNotTold}
	}
	t.Status = e.Status
	switch e.Status {
	case Solved:
		t.Solved = e.At
	case Closed:
		t.Closed = e.At
	case Registered, InProgress:
		t.Solved = 0
	}
	return nil
}

// FollowUps returns the entries that an entry, which was applied to the ticket, brings with
// it: what the user writes takes a solved ticket up again, and an answer begins the work
// on a registered one.
func (t Ticket) FollowUps(e Entry) []Entry {
	again := e.Kind == FromUser && t.Status == Solved
	begun := e.Kind == Answer && t.Status == Registered
	if !again && !begun {
		return nil
	}
	return []Entry{{At: e.At, Kind: StatusChange, Agent: e.Agent, Status: InProgress}}
}

// Participant reports whether somebody who wrote from the mail address may go on with the
// ticket: the number alone is no proof, since it stands in every forwarded mail.
func (t Ticket) Participant(address string) bool {
	return t.Reporter.Address != "" && sameAddress(t.Reporter.Address, address)
}

// Fold returns the ticket that has the log of entries, from its header as it was registered:
// what the status and the times of its row must be. The log holds only what was allowed.
func Fold(registered Ticket, entries []Entry) (Ticket, error) {
	t := registered
	t.Status, t.Changed, t.Solved, t.Closed = Registered, t.Created, 0, 0
	t.Contacts, t.Entries = nil, nil
	for _, e := range entries {
		var err error
		if t, err = t.Apply(e, true); err != nil {
			return registered, err
		}
	}
	return t, nil
}

// New returns the ticket of a draft, registered at now, with its first entry and the links
// to the contacts that the draft names. It has no number yet.
func New(d Draft, now contact.Instant) (Ticket, error) {
	t := d.Ticket
	if err := t.check(); err != nil {
		return Ticket{}, err
	}
	linked := t.Contacts
	t.Number, t.Status = "", Registered
	t.Created, t.Changed, t.Solved, t.Closed = now, now, 0, 0
	t.Contacts, t.Entries = nil, nil
	first := d.First
	if first.Kind != FromUser && first.Kind != Note {
		return Ticket{}, &Refusal{Code: RefusedInvalid, Field: "entry"}
	}
	first.At = now
	t, err := t.Apply(first, false)
	if err != nil {
		return Ticket{}, err
	}
	for _, id := range linked {
		if t, err = t.Apply(Entry{At: now, Kind: Link, Agent: first.Agent, Contact: id}, false); err != nil {
			return Ticket{}, err
		}
	}
	return t, nil
}
