package store

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"

	"svar/contact"
	"svar/ticket"
)

// formDraft is what a signed-in user registers by the portal's form.
func formDraft() ticket.Draft {
	return ticket.Draft{
		Ticket: ticket.Ticket{
			Kind: ticket.Incident, Subject: "Skrivaren är trasig", Service: "print", Category: "Papper", Channel: contact.Form, Line: "portal",
			Audience: contact.AudienceStaff, Language: "sv", Person: "p-2",
			Reporter: ticket.Reporter{Person: "p-1", Name: "Åsa Lind", Address: "Asa@example.org"},
		},
		First: ticket.Entry{Kind: ticket.FromUser, Text: "Den skriver inte ut."},
	}
}

// formText is the contact of a form.
func formText(id contact.ID) *TextContact {
	return &TextContact{
		Contact:  contact.Contact{ID: id, Channel: contact.Form, Line: "portal", Audience: contact.AudienceStaff, Person: "p-1", Language: "sv", Arrived: after(0)},
		Personal: contact.Personal{Name: "Åsa Lind", Address: "Asa@example.org", Subject: "Skrivaren är trasig"},
		Enqueue:  contact.Enqueue{Needs: contact.Needs{{Skill: "print", Level: 1}}, Target: 60_000},
	}
}

func openTicket(t testing.TB, s *Store, draft ticket.Draft, text *TextContact) contact.TicketNumber {
	t.Helper()
	number, err := s.OpenTicket(t.Context(), draft, text, after(0))
	if err != nil {
		t.Fatal(err)
	}
	return number
}

func ticketOf(t testing.TB, s *Store, number contact.TicketNumber) ticket.Ticket {
	t.Helper()
	found, err := s.Ticket(t.Context(), number)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func write(t testing.TB, s *Store, number contact.TicketNumber, kind ticket.EntryKind, text string) ticket.Entry {
	t.Helper()
	e := ticket.Entry{Kind: kind, Text: text}
	if kind != ticket.FromUser {
		e.Agent = "anna"
	}
	kept, err := s.AddEntry(t.Context(), number, e, nil, after(60))
	if err != nil {
		t.Fatal(err)
	}
	return kept
}

func setStatus(t testing.TB, s *Store, number contact.TicketNumber, status ticket.Status) {
	t.Helper()
	if err := s.SetStatus(t.Context(), number, status, "anna", after(90)); err != nil {
		t.Fatal(err)
	}
}

// jobs counts the jobs of a kind that nobody has worked.
func jobs(t testing.TB, s *Store, kind string) int {
	t.Helper()
	return count(t, s, `select count(*) from river_job where kind = $1 and state = 'available'`, kind)
}

func TestATicketComesBack(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	number := openTicket(t, s, formDraft(), formText("k-1"))
	if number != "SD-100001" {
		t.Errorf("the first number is %s", number)
	}
	if second := openTicket(t, s, formDraft(), nil); second != "SD-100002" {
		t.Errorf("the second number is %s", second)
	}
	got := ticketOf(t, s, number)
	want := formDraft().Ticket
	want.Number, want.Status, want.Created, want.Changed, want.Contacts = number, ticket.Registered, after(0), after(0), []contact.ID{"k-1"}
	want.Entries = []ticket.Entry{
		{ID: got.Entries[0].ID, At: after(0), Kind: ticket.FromUser, Text: "Den skriver inte ut."},
		{ID: got.Entries[1].ID, At: after(0), Kind: ticket.Link, Contact: "k-1"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("\n got %+v\nwant %+v", got, want)
	}
	text, err := s.TextContactOf(t.Context(), "k-1")
	wantText := *formText("k-1")
	wantText.Contact.Ticket, wantText.Enqueue.Contact = number, "k-1"
	if err != nil || !reflect.DeepEqual(text, wantText) {
		t.Errorf("\n got %+v, %v\nwant %+v", text, err, wantText)
	}
	if n := jobs(t, s, "arrive"); n != 1 {
		t.Errorf("%d jobs bring it to the queue", n)
	}
	for _, err := range []error{
		func() error { _, err := s.Ticket(t.Context(), "SD-1"); return err }(),
		func() error { _, err := s.TextContactOf(t.Context(), "k-2"); return err }(),
		s.SetStatus(t.Context(), "SD-1", ticket.Solved, "anna", after(1)),
		s.LinkContact(t.Context(), "SD-1", "k", "anna", after(1)),
	} {
		if !errors.Is(err, ErrNotFound) {
			t.Errorf("error = %v", err)
		}
	}
}

// A form that is sent again, by an impatient user or after a lost answer, at the same moment
// or later, is one ticket and one contact (chatwoot#4130).
func TestAFormSentAgainIsOneTicket(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	numbers := make([]contact.TicketNumber, 8)
	var group sync.WaitGroup
	for i := range numbers {
		group.Go(func() {
			var err error
			if numbers[i], err = s.OpenTicket(t.Context(), formDraft(), formText("k-1"), after(i)); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if numbers[0] == "" || len(slices.Compact(slices.Clone(numbers))) != 1 {
		t.Errorf("the numbers are %v", numbers)
	}
	if tickets, arrivals := count(t, s, `select count(*) from tickets`), jobs(t, s, "arrive"); tickets != 1 || arrivals != 1 {
		t.Errorf("%d tickets, %d contacts", tickets, arrivals)
	}
	more := ticket.Entry{Kind: ticket.FromUser, Text: "Ännu en sak."}
	first, err := s.AddEntry(t.Context(), numbers[0], more, formText("k-2"), after(9))
	if err != nil {
		t.Fatal(err)
	}
	again, err := s.AddEntry(t.Context(), numbers[0], more, formText("k-2"), after(10))
	if err != nil || !reflect.DeepEqual(again, first) || jobs(t, s, "arrive") != 2 {
		t.Errorf("written again it is %+v, %v; it was %+v", again, err, first)
	}
}

// What is refused leaves nothing: neither a ticket nor a contact nor a job.
func TestARefusedTicketLeavesNothing(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	draft := formDraft()
	draft.Kind = ""
	_, err := s.OpenTicket(t.Context(), draft, formText("k-1"), after(0))
	if refused := (*ticket.Refusal)(nil); !errors.As(err, &refused) || refused.Field != "kind" {
		t.Errorf("error = %v", err)
	}
	if left := count(t, s, `select (select count(*) from tickets) + (select count(*) from text_contacts) + (select count(*) from river_job)`); left != 0 {
		t.Errorf("%d rows are left", left)
	}
}

func TestTheLogGoesOn(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	number := openTicket(t, s, formDraft(), nil)
	write(t, s, number, ticket.Answer, "Starta om den.")
	if got := ticketOf(t, s, number); got.Status != ticket.InProgress {
		t.Errorf("answered, it is %s", got.Status)
	}
	setStatus(t, s, number, ticket.Solved)
	setStatus(t, s, number, ticket.Solved) // it is already
	if got := ticketOf(t, s, number); got.Status != ticket.Solved || got.Solved != after(90) {
		t.Errorf("solved, it is %s, at %d", got.Status, got.Solved)
	}
	write(t, s, number, ticket.FromUser, "Det hjälpte inte.")
	if got := ticketOf(t, s, number); got.Status != ticket.InProgress || got.Solved != 0 {
		t.Errorf("written to, it is %s", got.Status)
	}
	setStatus(t, s, number, ticket.Closed)
	if got := ticketOf(t, s, number); got.Status != ticket.Closed || got.Closed != after(90) {
		t.Errorf("closed, it is %s", got.Status)
	}
	_, err := s.AddEntry(t.Context(), number, ticket.Entry{Kind: ticket.FromUser, Text: "Hallå?"}, nil, after(99))
	if refused := (*ticket.Refusal)(nil); !errors.As(err, &refused) || refused.Code != ticket.RefusedClosed {
		t.Errorf("error = %v", err)
	}
	var log []string
	for _, e := range ticketOf(t, s, number).Entries {
		log = append(log, strings.TrimSpace(string(e.Kind)+" "+string(e.Status)))
	}
	want := []string{
		"from-user", "answer", "status in-progress", "status solved", "from-user", "status in-progress", "status solved", "status closed",
	}
	if !slices.Equal(log, want) {
		t.Errorf("the log is %q", log)
	}
}

// Requirement 2.1f: without an answer, or a talk, nothing is closed.
func TestNoTicketIsClosedWithoutAWord(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	j := journal{t: t, store: s}
	j.record(after(1), contact.ContactArrived{Contact: call("missed", after(0))}, contact.ContactArrived{Contact: call("talk", after(0))})
	j.record(after(2), contact.ContactConnected{Contact: "talk", Agent: "anna"})
	chat := call("silence", after(0))
	chat.Channel = contact.Chat
	j.record(after(3), contact.ContactArrived{Contact: chat})
	j.record(after(4), contact.ContactClosed{Contact: "silence", End: contact.EndHandled, Agent: "anna", Code: "spam"})
	j.record(after(5), contact.ContactArrived{Contact: call("called back", after(0))}, contact.ContactDropped{Contact: "called back"},
		contact.ContactConnected{Contact: "called back", Agent: "anna"})
	for name, tell := range map[string]struct {
		do   func(contact.TicketNumber)
		told bool
	}{
		"nothing":          {func(contact.TicketNumber) {}, false},
		"a note":           {func(n contact.TicketNumber) { write(t, s, n, ticket.Note, "Ringt, ej svar.") }, false},
		"an answer":        {func(n contact.TicketNumber) { write(t, s, n, ticket.Answer, "Klart.") }, true},
		"a talk":           {func(n contact.TicketNumber) { link(t, s, n, "talk") }, true},
		"a call, no talk":  {func(n contact.TicketNumber) { link(t, s, n, "missed") }, false},
		"a call-back":      {func(n contact.TicketNumber) { link(t, s, n, "called back") }, true},
		"a silent chat":    {func(n contact.TicketNumber) { link(t, s, n, "silence") }, false},
		"a lost contact":   {func(n contact.TicketNumber) { link(t, s, n, "nowhere") }, false},
		"an answer bounce": {func(n contact.TicketNumber) { bounced(t, s, n) }, false},
	} {
		number := openTicket(t, s, formDraft(), nil)
		tell.do(number)
		err := s.SetStatus(t.Context(), number, ticket.Closed, "anna", after(99))
		if refused := (*ticket.Refusal)(nil); tell.told != (err == nil) || (err != nil && (!errors.As(err, &refused) || refused.Code != ticket.RefusedNotTold)) {
			t.Errorf("%s: %v", name, err)
		}
		if got := ticketOf(t, s, number).Status; !tell.told && !got.Open() {
			t.Errorf("%s: it is %s", name, got)
		}
	}
}

func link(t testing.TB, s *Store, number contact.TicketNumber, id contact.ID) {
	t.Helper()
	if err := s.LinkContact(t.Context(), number, id, "anna", after(70)); err != nil {
		t.Fatal(err)
	}
}

// bounced answers, and lets the answer come back.
func bounced(t testing.TB, s *Store, number contact.TicketNumber) {
	t.Helper()
	answer := write(t, s, number, ticket.Answer, "Klart.")
	mail := count(t, s, `select id from outgoing_mails where entry = $1`, answer.ID)
	if err := s.mailFailed(t.Context(), int64(mail), "550 no such user", after(80)); err != nil {
		t.Fatal(err)
	}
}

func TestContactsAreLinkedOnce(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	number := openTicket(t, s, formDraft(), nil)
	for range 2 {
		link(t, s, number, "k-1")
		link(t, s, number, "k-2")
	}
	got := ticketOf(t, s, number)
	if !slices.Equal(got.Contacts, []contact.ID{"k-1", "k-2"}) || len(got.Entries) != 3 {
		t.Errorf("linked are %v by %d entries", got.Contacts, len(got.Entries))
	}
}

// What stands in the log stands there for ever, whoever asks (requirement 5.2j).
func TestTheLogIsOnlyAddedTo(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	takeMail(t, s, mail(1))
	for _, table := range []string{"ticket_entries", "entry_html", "attachments", "access_log"} {
		if table == "access_log" {
			logAccess(t, s, access("anna", 1))
		}
		if count(t, s, `select count(*) from `+table) == 0 {
			t.Fatalf("%s has no rows to try it with", table)
		}
		column := map[string]string{"ticket_entries": "text", "entry_html": "html", "attachments": "name", "access_log": "account"}[table]
		for _, statement := range []string{`update ` + table + ` set ` + column + ` = 'x'`, `delete from ` + table, `truncate ` + table + ` cascade`} {
			if _, err := s.pool.Exec(t.Context(), statement); err == nil || !strings.Contains(err.Error(), "only added to") {
				t.Errorf("%s: %v", statement, err)
			}
		}
	}
	if _, err := s.pool.Exec(t.Context(), `delete from tickets`); err == nil {
		t.Error("a ticket was deleted")
	}
}

// The row of a ticket says what its log says, whatever several people do to it at once.
func TestTheRowIsTheFoldOfTheLog(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	numbers := []contact.TicketNumber{openTicket(t, s, formDraft(), nil), openTicket(t, s, formDraft(), nil)}
	rapid.Check(t, func(rt *rapid.T) {
		var plans [3][]func(context.Context) error
		for i := range plans {
			for range rapid.IntRange(1, 4).Draw(rt, "steps") {
				plans[i] = append(plans[i], drawChange(rt, s, rapid.SampledFrom(numbers).Draw(rt, "number")))
			}
		}
		var group sync.WaitGroup
		for _, plan := range plans {
			group.Go(func() {
				for _, change := range plan {
					if err := change(t.Context()); err != nil && !errors.As(err, new(*ticket.Refusal)) {
						t.Error(err)
					}
				}
			})
		}
		group.Wait()
		for i, number := range numbers {
			row := ticketOf(t, s, number)
			folded, err := ticket.Fold(row, row.Entries)
			if err != nil {
				rt.Fatal(err)
			}
			if len(folded.Contacts) == 0 {
				folded.Contacts = []contact.ID{}
			}
			if !reflect.DeepEqual(folded, row) {
				rt.Fatalf("the log says %+v\nthe row says %+v", folded, row)
			}
			if row.Status == ticket.Closed || len(row.Entries) > 200 {
				numbers[i] = openTicket(t, s, formDraft(), nil)
			}
		}
	})
}

func drawChange(t *rapid.T, s *Store, number contact.TicketNumber) func(context.Context) error {
	now := after(rapid.IntRange(0, 1000).Draw(t, "seconds"))
	switch kind := rapid.SampledFrom([]string{"from-user", "answer", "note", "status", "link"}).Draw(t, "change"); kind {
	case "status":
		status := rapid.SampledFrom([]ticket.Status{ticket.InProgress, ticket.Solved, ticket.Solved, ticket.Closed}).Draw(t, "status")
		return func(ctx context.Context) error { return s.SetStatus(ctx, number, status, "anna", now) }
	case "link":
		id := contact.ID(fmt.Sprintf("k-%d", rapid.IntRange(0, 3).Draw(t, "contact")))
		return func(ctx context.Context) error { return s.LinkContact(ctx, number, id, "anna", now) }
	default:
		return func(ctx context.Context) error {
			_, err := s.AddEntry(ctx, number, ticket.Entry{Kind: ticket.EntryKind(kind), Text: "text"}, nil, now)
			return err
		}
	}
}

// An answer is mailed, and recorded as the reply of the texts that nobody has answered.
func TestAnAnswerIsDelivered(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	j := journal{t: t, store: s}
	number := openTicket(t, s, formDraft(), formText("replied"))
	for _, id := range []contact.ID{"closed", "waiting", "unprojected"} {
		if _, err := s.AddEntry(t.Context(), number, ticket.Entry{Kind: ticket.FromUser, Text: "mer"}, formText(id), after(1)); err != nil {
			t.Fatal(err)
		}
	}
	for _, id := range []contact.ID{"replied", "closed", "waiting"} {
		j.record(after(2), contact.ContactArrived{Contact: formText(id).Contact})
	}
	j.record(after(3), contact.ContactReplied{Contact: "replied", Agent: "anna"}, contact.ContactClosed{Contact: "closed", End: contact.EndHandled, Agent: "anna"})
	write(t, s, number, ticket.Answer, "Nu är den lagad.")
	rows, err := s.pool.Query(t.Context(), `select args->>'contact' from river_job where kind = 'reply' and args->>'agent' = 'anna' order by 1`)
	if err != nil {
		t.Fatal(err)
	}
	if replied, err := pgx.CollectRows(rows, pgx.RowTo[string]); err != nil || !slices.Equal(replied, []string{"unprojected", "waiting"}) {
		t.Errorf("recorded as replied are %v, %v", replied, err)
	}
	if n := jobs(t, s, "send-mail"); n != 1 {
		t.Errorf("%d mails are to be sent", n)
	}
	without := formDraft()
	without.Reporter.Address = ""
	write(t, s, openTicket(t, s, without, nil), ticket.Answer, "Läs det i portalen.")
	write(t, s, number, ticket.Note, "Internt.")
	if n := jobs(t, s, "send-mail"); n != 1 {
		t.Errorf("%d mails are to be sent after an answer to nobody and a note", n)
	}
	// Jobs hold ids, and nothing about people.
	if n := count(t, s, `select count(*) from river_job where args::text ilike '%example%' or args::text like '%lagad%'`); n != 0 {
		t.Errorf("%d jobs name somebody", n)
	}
}

func TestTicketsAreFiltered(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	open := func(seconds int, change func(*ticket.Draft)) contact.TicketNumber {
		t.Helper()
		draft := formDraft()
		change(&draft)
		number, err := s.OpenTicket(t.Context(), draft, nil, after(seconds))
		if err != nil {
			t.Fatal(err)
		}
		return number
	}
	concerned := open(0, func(d *ticket.Draft) { d.Person, d.Reporter = "p-9", ticket.Reporter{} })
	reporter := open(10, func(d *ticket.Draft) { d.Reporter.Person = "p-9" })
	mailed := open(10, func(d *ticket.Draft) { d.Reporter = ticket.Reporter{Name: "Bo", Address: "BO@example.org"} })
	percent := open(30, func(d *ticket.Draft) { d.Subject = "100 % full" })
	closed := open(5, func(d *ticket.Draft) { d.Subject = "Klart" })
	write(t, s, closed, ticket.Answer, "Ja.") // at 60: the newest change
	setStatus(t, s, closed, ticket.Closed)
	all := []contact.TicketNumber{closed, percent, mailed, reporter, concerned}
	for name, test := range map[string]struct {
		filter ticket.Filter
		want   []contact.TicketNumber
	}{
		"all":         {ticket.Filter{}, all},
		"limit":       {ticket.Filter{Limit: 2}, all[:2]},
		"next page":   {ticket.Filter{Limit: 2, Before: percent}, all[2:4]},
		"last page":   {ticket.Filter{Before: concerned}, nil},
		"no place":    {ticket.Filter{Before: "SD-1"}, nil},
		"person":      {ticket.Filter{Person: "p-9"}, []contact.TicketNumber{reporter, concerned}},
		"address":     {ticket.Filter{Address: "bo@EXAMPLE.org"}, []contact.TicketNumber{mailed}},
		"status":      {ticket.Filter{Status: ticket.Closed}, []contact.TicketNumber{closed}},
		"open":        {ticket.Filter{Open: true}, all[1:]},
		"number":      {ticket.Filter{Search: string(mailed)}, []contact.TicketNumber{mailed}},
		"subject":     {ticket.Filter{Search: " KLART "}, []contact.TicketNumber{closed}},
		"name":        {ticket.Filter{Search: "bo", Open: true}, []contact.TicketNumber{mailed}},
		"no wildcard": {ticket.Filter{Search: "%"}, []contact.TicketNumber{percent}},
		"nothing":     {ticket.Filter{Search: `\_`}, nil},
	} {
		got, err := s.Tickets(t.Context(), test.filter)
		if err != nil {
			t.Fatal(err)
		}
		var numbers []contact.TicketNumber
		for _, found := range got {
			numbers = append(numbers, found.Number)
			if found.Entries != nil {
				t.Errorf("%s: a list has logs", name)
			}
		}
		if !slices.Equal(numbers, test.want) {
			t.Errorf("%s: got %v, want %v", name, numbers, test.want)
		}
	}
}
