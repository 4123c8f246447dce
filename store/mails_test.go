package store

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"svar/contact"
	"svar/ticket"
)

// mail is the mail with the UID, from Åsa, with everything that a mail can have.
func mail(uid uint32) IncomingMail {
	id := contact.ID(fmt.Sprintf("mail-%d", uid))
	return IncomingMail{
		Line: "post", UIDValidity: 7, UID: uid, MessageID: fmt.Sprintf("<%d@example.org>", uid), References: []string{"<0@example.org>"},
		FromName: "Åsa Lind", From: "asa@example.org", Subject: "Skrivaren är trasig", Text: "Den skriver inte ut.", HTML: "<p>Den skriver inte ut.</p>",
		Files:   []File{{Name: "bild.png", Type: "image/png", Data: []byte{0x89, 0, 0xff}}, {Name: "tom.txt", Type: "text/plain"}},
		Contact: contact.Contact{ID: id, Channel: contact.Mail, Line: "post", Audience: contact.AudienceStaff, Service: "print", Language: "sv", Arrived: after(0)},
		Enqueue: contact.Enqueue{Needs: contact.Needs{{Skill: "print", Level: 1}}, Target: 28_800_000},
	}
}

func takeMail(t testing.TB, s *Store, m IncomingMail) {
	t.Helper()
	if err := s.TakeMail(t.Context(), m, after(1)); err != nil {
		t.Fatal(err)
	}
}

// tally is what mails have become.
type tally struct{ Tickets, Entries, Contacts, Arrivals, Sendings, Mails int }

func tallyOf(t testing.TB, s *Store) (n tally) {
	t.Helper()
	err := s.pool.QueryRow(t.Context(), `select (select count(*) from tickets), (select count(*) from ticket_entries where kind = 'from-user'),
		(select count(*) from text_contacts), (select count(*) from river_job where kind = 'arrive'),
		(select count(*) from river_job where kind = 'send-mail'), (select count(*) from mails)`).
		Scan(&n.Tickets, &n.Entries, &n.Contacts, &n.Arrivals, &n.Sendings, &n.Mails)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func cursor(t testing.TB, s *Store, line contact.LineID) [2]uint32 {
	t.Helper()
	uidValidity, uid, err := s.MailCursor(t.Context(), line)
	if err != nil {
		t.Fatal(err)
	}
	return [2]uint32{uidValidity, uid}
}

func TestAMailBecomesATicket(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	if got := cursor(t, s, "post"); got != [2]uint32{} {
		t.Errorf("before the first mail the cursor is %v", got)
	}
	takeMail(t, s, mail(1))
	got := ticketOf(t, s, "SD-100001")
	if got.Kind != ticket.Question || got.Subject != "Skrivaren är trasig" || got.Channel != contact.Mail || got.Line != "post" || got.Service != "print" ||
		got.Reporter != (ticket.Reporter{Name: "Åsa Lind", Address: "asa@example.org"}) || !slices.Equal(got.Contacts, []contact.ID{"mail-1"}) {
		t.Errorf("got %+v", got)
	}
	first := got.Entries[0]
	if first.Kind != ticket.FromUser || first.Text != "Den skriver inte ut." || !first.HTML || len(first.Attachments) != 2 {
		t.Fatalf("its first entry is %+v", first)
	}
	if html, err := s.EntryHTML(t.Context(), "SD-100001", first.ID); err != nil || html != mail(1).HTML {
		t.Errorf("its body is %q, %v", html, err)
	}
	for i, want := range mail(1).Files {
		file, data, err := s.Attachment(t.Context(), "SD-100001", first.Attachments[i].ID)
		if err != nil || file != first.Attachments[i] || file.Name != want.Name || file.Type != want.Type || !slices.Equal(data, want.Data) {
			t.Errorf("file %d is %+v with %v, %v", i, file, data, err)
		}
	}
	// What is another ticket's is not found by this one's number.
	takeMail(t, s, mail(2))
	if _, err := s.EntryHTML(t.Context(), "SD-100002", first.ID); !errors.Is(err, ErrNotFound) {
		t.Errorf("another ticket's body: %v", err)
	}
	if _, _, err := s.Attachment(t.Context(), "SD-100002", first.Attachments[0].ID); !errors.Is(err, ErrNotFound) {
		t.Errorf("another ticket's file: %v", err)
	}
	text, err := s.TextContactOf(t.Context(), "mail-1")
	if err != nil || text.Personal != (contact.Personal{Name: "Åsa Lind", Address: "asa@example.org", Subject: "Skrivaren är trasig"}) ||
		text.Contact.Ticket != "SD-100001" || text.Enqueue.Contact != "mail-1" || text.Enqueue.Target != 28_800_000 {
		t.Errorf("its contact is %+v, %v", text, err)
	}
	if got := cursor(t, s, "post"); got != [2]uint32{7, 2} {
		t.Errorf("the cursor is %v", got)
	}
}

// However often and by however many a mail is taken, it is one ticket, one contact and one
// receipt (chatwoot#10503, libredesk#355): after a crash, by two processes at a time, and after
// the mailbox was numbered anew.
func TestAMailIsTakenOnce(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	const mails, processes = 5, 4
	var group sync.WaitGroup
	for process := range processes {
		group.Go(func() {
			for uid := range uint32(mails) {
				m := mail(uid + 1)
				m.Contact.ID = contact.ID(fmt.Sprintf("%s-%d", m.Contact.ID, process)) // each makes an id of its own
				if err := s.TakeMail(t.Context(), m, after(1)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	want := tally{Tickets: mails, Entries: mails, Contacts: mails, Arrivals: mails, Sendings: mails, Mails: mails}
	if got := tallyOf(t, s); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	for uid := range uint32(mails) {
		anew := mail(uid + 1)
		anew.UIDValidity, anew.UID, anew.Contact.ID = 8, uid+1, "another"
		takeMail(t, s, anew)
	}
	if got := tallyOf(t, s); got != want {
		t.Errorf("numbered anew: got %+v, want %+v", got, want)
	}
	if got := cursor(t, s, "post"); got != [2]uint32{8, mails} {
		t.Errorf("the cursor is %v", got)
	}
	// The same mail to another mailbox is another one's.
	other := mail(1)
	other.Line, other.Contact.ID = "other", "other"
	takeMail(t, s, other)
	if got := tallyOf(t, s).Tickets; got != mails+1 {
		t.Errorf("%d tickets after a mail to two mailboxes", got)
	}
}

// An empty Message-ID is nobody's (libredesk#122).
func TestMailsWithoutMessageIDAreNotMerged(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	for uid := range uint32(3) {
		m := mail(uid + 1)
		m.MessageID = ""
		takeMail(t, s, m)
		takeMail(t, s, m)
	}
	if got := tallyOf(t, s); got.Tickets != 3 || got.Mails != 3 {
		t.Errorf("got %+v", got)
	}
}

// Wherever taking a mail breaks off, nothing of it is left and the cursor stands before it, so
// that the next try takes it whole.
func TestTakingAMailIsWholeOrNot(t *testing.T) {
	t.Parallel()
	for _, table := range []string{"mail_cursors", "tickets", "ticket_entries", "entry_html", "attachments", "text_contacts", "ticket_contacts", "river_job", "outgoing_mails", "mails"} {
		t.Run(table, func(t *testing.T) {
			t.Parallel()
			s := newStore(t)
			if _, err := s.pool.Exec(t.Context(), `create trigger crash before insert on `+table+` for each row execute function refuse_change()`); err != nil {
				t.Fatal(err)
			}
			if err := s.TakeMail(t.Context(), mail(1), after(1)); err == nil {
				t.Fatal("it was taken")
			} else if strings.Contains(err.Error(), "asa@") || strings.Contains(err.Error(), "skriver") {
				t.Errorf("the error shows the mail: %v", err)
			}
			if got := tallyOf(t, s); got != (tally{}) || cursor(t, s, "post") != [2]uint32{} {
				t.Errorf("left are %+v, the cursor is %v", got, cursor(t, s, "post"))
			}
			if _, err := s.pool.Exec(t.Context(), `drop trigger crash on `+table); err != nil {
				t.Fatal(err)
			}
			takeMail(t, s, mail(1))
			if got, want := tallyOf(t, s), (tally{1, 1, 1, 1, 1, 1}); got != want {
				t.Errorf("then it is %+v", got)
			}
		})
	}
}

// Only the reporter goes on with a ticket, by a token that is proved and from his address:
// whoever got the mail forwarded begins another one.
func TestWhoGoesOnWithATicket(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(*IncomingMail)
		goesOn bool
	}{
		"the reporter":       {func(m *IncomingMail) { m.From = "ASA@Example.org" }, true},
		"somebody else":      {func(m *IncomingMail) { m.From = "eva@example.org" }, false},
		"nobody":             {func(m *IncomingMail) { m.From = "" }, false},
		"without a token":    {func(m *IncomingMail) { m.Ticket, m.Subject = "", "SV: [SD-100001] Skrivaren" }, false},
		"of an unknown one":  {func(m *IncomingMail) { m.Ticket = "SD-100099" }, false},
		"in an odd spelling": {func(m *IncomingMail) { m.Ticket = "sd-100001" }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStore(t)
			takeMail(t, s, mail(1))
			reply := mail(2)
			reply.Ticket, reply.Text = "SD-100001", "En sak till."
			test.change(&reply)
			takeMail(t, s, reply)
			got := tallyOf(t, s)
			if wanted := map[bool]int{true: 1, false: 2}[test.goesOn]; got.Tickets != wanted || got.Contacts != 2 || got.Arrivals != 2 {
				t.Errorf("got %+v", got)
			}
			contacts := ticketOf(t, s, "SD-100001").Contacts
			if slices.Contains(contacts, "mail-2") != test.goesOn {
				t.Errorf("its contacts are %v", contacts)
			}
			if follows := count(t, s, `select count(*) from tickets where follows is not null`); follows != 0 {
				t.Error("a stranger's ticket names the other one")
			}
		})
	}
}

func TestAMailToASolvedOrClosedTicket(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	takeMail(t, s, mail(1))
	write(t, s, "SD-100001", ticket.Answer, "Klart.")
	setStatus(t, s, "SD-100001", ticket.Solved)
	reply := mail(2)
	reply.Ticket = "SD-100001"
	takeMail(t, s, reply)
	if got := ticketOf(t, s, "SD-100001"); got.Status != ticket.InProgress {
		t.Errorf("a solved one is then %s", got.Status)
	}
	setStatus(t, s, "SD-100001", ticket.Closed)
	late := mail(3)
	late.Ticket = "SD-100001"
	takeMail(t, s, late)
	if got := ticketOf(t, s, "SD-100001"); got.Status != ticket.Closed || len(got.Contacts) != 2 {
		t.Errorf("a closed one is then %s with %v", got.Status, got.Contacts)
	}
	if got := ticketOf(t, s, "SD-100002"); got.Follows != "SD-100001" || got.Status != ticket.Registered {
		t.Errorf("the new one is %+v", got)
	}
}

// Receipts go to people who have written something new, and come to rest (freescout#5638).
func TestWhoGetsAReceipt(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	receipts := func() int { return count(t, s, `select count(*) from outgoing_mails where entry is null`) }
	automatic, nobody, goesOn := mail(1), mail(2), mail(4)
	automatic.Automatic, nobody.From, goesOn.Ticket = true, "", "SD-100003"
	for i, step := range []struct {
		mail IncomingMail
		want int
	}{{automatic, 0}, {nobody, 0}, {mail(3), 1}, {goesOn, 1}} {
		takeMail(t, s, step.mail)
		if got := receipts(); got != step.want {
			t.Errorf("after mail %d there are %d receipts, want %d", i+1, got, step.want)
		}
	}
	for uid := range uint32(20) {
		takeMail(t, s, mail(10+uid))
	}
	if got := receipts(); got != receiptsPerHour {
		t.Errorf("one address got %d receipts within the hour", got)
	}
	other := mail(40)
	other.From = "eva@example.org"
	takeMail(t, s, other)
	if got := receipts(); got != receiptsPerHour+1 {
		t.Errorf("another address got none: %d", got)
	}
	if err := s.TakeMail(t.Context(), mail(41), after(3700)); err != nil || receipts() != receiptsPerHour+2 {
		t.Errorf("after an hour: %d, %v", receipts(), err)
	}
}

// A bounce marks the answer that did not arrive. It makes no ticket and wakes no machine.
func TestABounceIsAboutItsAnswer(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	takeMail(t, s, mail(1))
	answer := write(t, s, "SD-100001", ticket.Answer, "Klart.")
	var key string
	if err := s.pool.QueryRow(t.Context(), `select key from outgoing_mails where entry = $1`, answer.ID).Scan(&key); err != nil {
		t.Fatal(err)
	}
	bounce := mail(2)
	bounce.Automatic, bounce.From = true, "mailer-daemon@example.org"
	bounce.Bounce = &Bounce{Ticket: "SD-100001", Key: key, Reason: "550 5.1.1 okänd mottagare\x00"}
	before := tallyOf(t, s)
	for range 2 {
		takeMail(t, s, bounce)
	}
	after := tallyOf(t, s)
	after.Mails--
	if after != before {
		t.Errorf("it made %+v of %+v", after, before)
	}
	log := ticketOf(t, s, "SD-100001").Entries
	at := slices.IndexFunc(log, func(e ticket.Entry) bool { return e.ID == answer.ID })
	if note := log[len(log)-1]; log[at].Failed == "" || note.Kind != ticket.Note || note.Text != log[at].Failed || strings.Contains(note.Text, "\x00") {
		t.Errorf("the answer is %+v, the last entry %+v", log[at], note)
	}
	// What it is about may be unknown: the desk sees it all the same.
	unknown := mail(3)
	unknown.Bounce = &Bounce{Ticket: "SD-100001"}
	takeMail(t, s, unknown)
	if log := ticketOf(t, s, "SD-100001").Entries; log[len(log)-1].Kind != ticket.Note || log[len(log)-1].Text != unknown.Text {
		t.Errorf("the last entry is %+v", log[len(log)-1])
	}
	foreign := mail(4)
	foreign.Automatic, foreign.Bounce = true, &Bounce{Ticket: "SD-100099"}
	takeMail(t, s, foreign)
	if got := ticketOf(t, s, "SD-100002"); len(got.Contacts) != 1 {
		t.Errorf("a bounce about nothing of ours is %+v", got)
	}
}

// Whatever is in a mail, it can be taken: one that could not would hold up its mailbox for
// ever (glpi#24200).
func TestNoMailIsPoison(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("å", 300_000)
	for name, change := range map[string]func(*IncomingMail){
		"NUL": func(m *IncomingMail) {
			m.Text, m.HTML, m.Subject, m.FromName, m.Files[0].Name = "a\x00", "<p>\x00", "\x00", "\x00", "\x00"
			m.MessageID, m.References = "<\x00>", []string{"\x00"}
		},
		"no text": func(m *IncomingMail) {
			m.Text, m.HTML, m.Subject, m.FromName, m.Files[0].Name = "\xff", "\xff", "\xff", "\xff", "\xff"
		},
		"too long": func(m *IncomingMail) {
			m.Text, m.HTML, m.Subject, m.FromName, m.Category = long, long, long, long, long
		},
		"an address": func(m *IncomingMail) { m.From = long + "@example.org" },
		"lines": func(m *IncomingMail) {
			m.Subject, m.From = "a\r\nBcc: b@example.org", "a@example.org\r\nBcc: b@example.org"
		},
		"empty": func(m *IncomingMail) {
			m.Text, m.HTML, m.Subject, m.FromName, m.From, m.Files = "", "", " ", "", "", nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStore(t)
			m := mail(1)
			change(&m)
			takeMail(t, s, m)
			if got := ticketOf(t, s, "SD-100001"); got.Subject == "" || strings.ContainsAny(got.Subject+got.Reporter.Address, "\r\n\x00") {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestQuarantine(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	takeMail(t, s, mail(1))
	for range 2 {
		if err := s.QuarantineMail(t.Context(), "post", 7, 2, []byte("From: \x00"), "cannot be parsed", after(9)); err != nil {
			t.Fatal(err)
		}
	}
	if got := cursor(t, s, "post"); got != [2]uint32{7, 2} {
		t.Errorf("the cursor is %v: it holds up the next one", got)
	}
	got, err := s.QuarantinedMails(t.Context(), 10)
	if err != nil || len(got) != 1 {
		t.Fatalf("put aside are %+v, %v", got, err)
	}
	got[0].At = got[0].At.UTC()
	want := QuarantinedMail{ID: got[0].ID, Line: "post", UIDValidity: 7, UID: 2, Reason: "cannot be parsed", At: after(9).Time(), Bytes: 7}
	if !reflect.DeepEqual(got[0], want) {
		t.Errorf("got %+v, want %+v", got[0], want)
	}
}

// An older process that is late does not turn the cursor back.
func TestTheCursorDoesNotGoBack(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	takeMail(t, s, mail(5))
	takeMail(t, s, mail(3))
	if got := cursor(t, s, "post"); got != [2]uint32{7, 5} {
		t.Errorf("the cursor is %v", got)
	}
}
