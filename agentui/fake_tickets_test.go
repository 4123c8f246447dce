package agentui

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"svar/contact"
	"svar/identity"
	"svar/report"
	"svar/ticket"
)

// fakeTickets keeps tickets by the rules of package ticket, as the store does.
type fakeTickets struct {
	mutex   sync.Mutex
	by      map[contact.TicketNumber]ticket.Ticket
	html    map[int64]string
	files   map[int64][]byte
	entries int64
	reads   int
	failed  error
}

func newFakeTickets() *fakeTickets {
	return &fakeTickets{by: map[contact.TicketNumber]ticket.Ticket{}, html: map[int64]string{}, files: map[int64][]byte{}}
}

func (f *fakeTickets) put(t ticket.Ticket) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.by[t.Number] = t
}

func (f *fakeTickets) fail(err error) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.failed = err
}

func (f *fakeTickets) OpenTicket(_ context.Context, d ticket.Draft, now contact.Instant) (contact.TicketNumber, error) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	t, err := ticket.New(d, now)
	if err != nil || f.failed != nil {
		return "", first(f.failed, err)
	}
	t.Number = contact.TicketNumber(fmt.Sprint("SD-", 100_001+len(f.by)))
	f.by[t.Number] = t
	return t.Number, nil
}

func first(list ...error) error {
	for _, err := range list {
		if err != nil {
			return err
		}
	}
	return nil
}

func (f *fakeTickets) find(number contact.TicketNumber) (ticket.Ticket, error) {
	t, known := f.by[number]
	if f.failed == nil && !known {
		return t, fmt.Errorf("read a ticket: %w", ErrNotFound)
	}
	return t, f.failed
}

func (f *fakeTickets) Ticket(_ context.Context, number contact.TicketNumber) (ticket.Ticket, error) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	return f.find(number)
}

func (f *fakeTickets) Tickets(_ context.Context, filter ticket.Filter) ([]ticket.Ticket, error) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.reads++
	var found []ticket.Ticket
	before := filter.Before == ""
	for _, number := range slices.Backward(slices.Sorted(maps.Keys(f.by))) {
		t := f.by[number]
		text := t.Subject + " " + t.Reporter.Name + " " + t.Reporter.Address
		for _, e := range t.Entries {
			text += " " + e.Text
		}
		if before && len(found) < filter.Limit && (filter.Person == "" || filter.Person == t.Person) &&
			(filter.Address == "" || strings.EqualFold(filter.Address, t.Reporter.Address)) &&
			(filter.Status == "" || filter.Status == t.Status) && (!filter.Open || t.Status.Open()) && strings.Contains(text, filter.Search) {
			t.Entries = nil
			found = append(found, t)
		}
		before = before || number == filter.Before
	}
	return found, f.failed
}

func (f *fakeTickets) change(number contact.TicketNumber, e ticket.Entry) (ticket.Entry, error) {
	t, err := f.find(number)
	if err != nil {
		return e, err
	}
	f.entries++
	e.ID = f.entries
	if t, err = t.Apply(e, true); err == nil {
		f.by[number] = t
	}
	return e, err
}

func (f *fakeTickets) AddEntry(_ context.Context, number contact.TicketNumber, e ticket.Entry, now contact.Instant) (ticket.Entry, error) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	e.At = now
	return f.change(number, e)
}

func (f *fakeTickets) SetStatus(_ context.Context, number contact.TicketNumber, to ticket.Status, by contact.AgentID, now contact.Instant) error {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	_, err := f.change(number, ticket.Entry{At: now, Kind: ticket.StatusChange, Agent: by, Status: to})
	return err
}

func (f *fakeTickets) LinkContact(_ context.Context, number contact.TicketNumber, id contact.ID, by contact.AgentID, now contact.Instant) error {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	_, err := f.change(number, ticket.Entry{At: now, Kind: ticket.Link, Agent: by, Contact: id})
	return err
}

func (f *fakeTickets) EntryHTML(_ context.Context, number contact.TicketNumber, entry int64) (string, error) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if _, err := f.find(number); err != nil {
		return "", err
	}
	if html, has := f.html[entry]; has {
		return html, nil
	}
	return "", ErrNotFound
}

func (f *fakeTickets) Attachment(_ context.Context, number contact.TicketNumber, id int64) (ticket.Attachment, []byte, error) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if _, err := f.find(number); err != nil {
		return ticket.Attachment{}, nil, err
	}
	if data, has := f.files[id]; has {
		return ticket.Attachment{ID: id, Name: "Kallelse åk 9.html", Type: "text/html", Size: int64(len(data))}, data, nil
	}
	return ticket.Attachment{}, nil, ErrNotFound
}

// fakeConversations keeps lines as the stream does: each id once, in sequences with gaps.
type fakeConversations struct {
	mutex     sync.Mutex
	lines     map[contact.ID][]contact.KeptLine
	sequence  uint64
	following map[*follower]bool
	failed    error
}

type follower struct {
	id     contact.ID
	after  uint64
	wake   chan struct{}
	handle func(contact.KeptLine)
}

func newFakeConversations() *fakeConversations {
	return &fakeConversations{lines: map[contact.ID][]contact.KeptLine{}, following: map[*follower]bool{}}
}

func (c *fakeConversations) Append(_ context.Context, id contact.ID, line contact.ChatLine) (contact.KeptLine, error) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.failed != nil {
		return contact.KeptLine{}, c.failed
	}
	for _, kept := range c.lines[id] {
		if kept.ID == line.ID {
			return kept, nil
		}
	}
	c.sequence += 3
	kept := contact.KeptLine{Sequence: c.sequence, ChatLine: line}
	c.lines[id] = append(c.lines[id], kept)
	for f := range c.following {
		select {
		case f.wake <- struct{}{}:
		default:
		}
	}
	return kept, nil
}

func (c *fakeConversations) Read(_ context.Context, id contact.ID, after uint64) ([]contact.KeptLine, error) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	var found []contact.KeptLine
	for _, line := range c.lines[id] {
		if line.Sequence > after {
			found = append(found, line)
		}
	}
	return found, c.failed
}

func (c *fakeConversations) Follow(ctx context.Context, id contact.ID, after uint64, handle func(contact.KeptLine)) (func(), error) {
	if _, err := c.Read(ctx, id, after); err != nil {
		return nil, err
	}
	life, end := context.WithCancel(context.Background())
	f := &follower{id: id, after: after, wake: make(chan struct{}, 1), handle: handle}
	f.wake <- struct{}{}
	c.mutex.Lock()
	c.following[f] = true
	c.mutex.Unlock()
	var reading sync.WaitGroup
	reading.Go(func() {
		for {
			select {
			case <-life.Done():
				return
			case <-f.wake:
			}
			lines, _ := c.Read(life, id, f.after)
			for _, line := range lines {
				if f.after = line.Sequence; life.Err() == nil {
					handle(line)
				}
			}
		}
	})
	return func() {
		end()
		reading.Wait()
		c.mutex.Lock()
		defer c.mutex.Unlock()
		delete(c.following, f)
	}, nil
}

func (c *fakeConversations) followers() int {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return len(c.following)
}

// fakeNotices is the desk and the memory of outage messages in one.
type fakeNotices struct {
	mutex   sync.Mutex
	all     contact.Notices
	log     contact.Notices
	changed chan struct{}
	failed  error
}

func newFakeNotices() *fakeNotices { return &fakeNotices{changed: make(chan struct{})} }

func (n *fakeNotices) change(do func()) {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	do()
	close(n.changed)
	n.changed = make(chan struct{})
}

func (n *fakeNotices) Notices() contact.Notices {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	return n.all
}

func (n *fakeNotices) NoticesChanged() <-chan struct{} {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	return n.changed
}

// NoticeLog reads as the store does.
func (n *fakeNotices) NoticeLog(_ context.Context, before contact.Instant, beforeID string, limit int) (contact.Notices, error) {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	var found contact.Notices
	after := func(at contact.Instant, id string) bool {
		return before == 0 || at < before || at == before && id < beforeID
	}
	for _, notice := range n.log.Notices {
		if after(notice.Published, string(notice.ID)) && len(found.Notices) < limit {
			found.Notices = append(found.Notices, notice)
		}
	}
	for _, embargo := range n.log.Embargoes {
		if after(embargo.From, string(embargo.ID)) && len(found.Embargoes) < limit {
			found.Embargoes = append(found.Embargoes, embargo)
		}
	}
	return found, n.failed
}

func (n *fakeNotices) PublishNotice(_ context.Context, notice contact.Notice) error {
	if n.failed == nil {
		n.change(func() {
			n.all.Notices = append(slices.Clone(n.all.Notices), notice)
			n.log.Notices = append([]contact.Notice{notice}, n.log.Notices...)
		})
	}
	return n.failed
}

func (n *fakeNotices) WithdrawNotice(_ context.Context, id contact.NoticeID, by contact.AgentID, now contact.Instant) error {
	err := ErrNotFound
	n.change(func() {
		n.all.Notices = slices.DeleteFunc(slices.Clone(n.all.Notices), func(old contact.Notice) bool {
			if old.ID == id {
				err = n.failed
			}
			return old.ID == id
		})
		for i := range n.log.Notices {
			if n.log.Notices[i].ID == id {
				n.log.Notices[i].Withdrawn, n.log.Notices[i].WithdrawnBy = now, by
			}
		}
	})
	return err
}

func (n *fakeNotices) SetEmbargo(_ context.Context, e contact.Embargo) error {
	if n.failed == nil {
		n.change(func() {
			n.all.Embargoes = append(slices.Clone(n.all.Embargoes), e)
			n.log.Embargoes = append(n.log.Embargoes, e)
		})
	}
	return n.failed
}

func (n *fakeNotices) LiftEmbargo(_ context.Context, id contact.EmbargoID, _ contact.AgentID, _ contact.Instant) error {
	err := ErrNotFound
	n.change(func() {
		n.all.Embargoes = slices.DeleteFunc(slices.Clone(n.all.Embargoes), func(old contact.Embargo) bool {
			if old.ID == id {
				err = n.failed
			}
			return old.ID == id
		})
	})
	return err
}

type fakeContactFigures struct {
	rows  []report.Row
	asked []report.Query
	err   error
}

func (f *fakeContactFigures) ContactFigures(_ context.Context, q report.Query) ([]report.Row, error) {
	f.asked = append(f.asked, q)
	return f.rows, f.err
}

type fakeAccessLog struct {
	mutex  sync.Mutex
	list   []identity.Access
	failed error
}

func (a *fakeAccessLog) LogAccess(_ context.Context, list []identity.Access) error {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	if a.failed == nil {
		a.list = append(a.list, list...)
	}
	return a.failed
}

func (a *fakeAccessLog) fail(err error) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	a.failed = err
}

// has counts the looks of an account on a surface at a person.
func (a *fakeAccessLog) has(account, surface string, person contact.PersonID) int {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	n := 0
	for _, look := range a.list {
		if look.Account == account && look.Surface == surface && look.Person == person {
			n++
		}
	}
	return n
}

// ticket puts an open ticket of a person in.
func (w *world) ticket(number contact.TicketNumber, person contact.PersonID, subject string) ticket.Ticket {
	t := ticket.Ticket{
		Number: number, Kind: ticket.Incident, Status: ticket.InProgress, Subject: subject, Channel: contact.Form, Language: "sv",
		Person: person, Created: 1, Changed: 2, Contacts: []contact.ID{}, Entries: []ticket.Entry{},
	}
	w.tickets.put(t)
	return t
}
