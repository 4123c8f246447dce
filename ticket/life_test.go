package ticket

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"svar/contact"
)

var statuses = []Status{Registered, InProgress, Solved, Closed}

func draft() Draft {
	return Draft{
		Ticket: Ticket{
			Kind: Incident, Subject: "Skrivaren är trasig", Channel: contact.Mail, Line: "post", Language: "sv",
			Reporter: Reporter{Name: "Åsa", Address: "Asa@example.org"},
		},
		First: Entry{Kind: FromUser, Text: "Den skriver inte ut."},
	}
}

func registered(t testing.TB) Ticket {
	t.Helper()
	registered, err := New(draft(), 1000)
	if err != nil {
		t.Fatal(err)
	}
	return registered
}

// apply must be allowed.
func apply(t testing.TB, to Ticket, told bool, entries ...Entry) Ticket {
	t.Helper()
	for _, e := range entries {
		e.At = max(e.At, to.Changed)
		var err error
		if to, err = to.Apply(e, told); err != nil {
			t.Fatalf("%+v: %v", e, err)
		}
	}
	return to
}

func refusal(err error) RefusalCode {
	if refused := (*Refusal)(nil); errors.As(err, &refused) {
		return refused.Code
	}
	return ""
}

func become(status Status) Entry { return Entry{Kind: StatusChange, Agent: "anna", Status: status} }

func TestTheWayOfATicket(t *testing.T) {
	t.Parallel()
	legal := map[[2]Status]bool{
		{Registered, InProgress}: true, {InProgress, Solved}: true, {Solved, Closed}: true, {Solved, InProgress}: true,
	}
	way := map[Status][]Status{Registered: nil, InProgress: {InProgress}, Solved: {InProgress, Solved}, Closed: {InProgress, Solved, Closed}}
	for _, from := range statuses {
		for _, to := range statuses {
			at := registered(t)
			for _, step := range way[from] {
				at = apply(t, at, true, become(step))
			}
			e := become(to)
			e.At = at.Changed
			_, err := at.Apply(e, true)
			want := RefusedStatus
			switch {
			case legal[[2]Status{from, to}]:
				want = ""
			case from == Closed:
				want = RefusedClosed
			}
			if refusal(err) != want || (want == "" && err != nil) {
				t.Errorf("%s to %s: %v", from, to, err)
			}
		}
	}
}

func TestStepsLeaveNoneOut(t *testing.T) {
	t.Parallel()
	tests := []struct {
		from, to Status
		want     []Status
		refused  RefusalCode
	}{
		{Registered, Closed, []Status{InProgress, Solved, Closed}, ""},
		{Registered, InProgress, []Status{InProgress}, ""},
		{InProgress, Closed, []Status{Solved, Closed}, ""},
		{Solved, InProgress, []Status{InProgress}, ""},
		{Solved, Registered, nil, RefusedStatus},
		{InProgress, Registered, nil, RefusedStatus},
		{Closed, InProgress, nil, RefusedClosed},
		{Registered, "gone", nil, RefusedInvalid},
	}
	for _, test := range tests {
		got, err := test.from.Steps(test.to)
		if !slices.Equal(got, test.want) || refusal(err) != test.refused {
			t.Errorf("%s to %s: %v, %v", test.from, test.to, got, err)
		}
	}
}

// Requirement 2.1f: whoever was told nothing keeps his ticket open.
func TestNobodyIsLeftUntold(t *testing.T) {
	t.Parallel()
	at := apply(t, registered(t), false, become(InProgress))
	solved := become(Solved)
	solved.At = at.Changed
	if _, err := at.Apply(solved, false); refusal(err) != RefusedNotTold {
		t.Errorf("solved without a word: %v", err)
	}
	if _, err := at.Apply(solved, true); err != nil {
		t.Errorf("solved after an answer: %v", err)
	}
}

func TestWhatFollows(t *testing.T) {
	t.Parallel()
	at := registered(t)
	write := Entry{Kind: FromUser, Text: "Nu fungerar det igen.", At: 2000}
	answer := Entry{Kind: Answer, Agent: "anna", Text: "Vi tittar på det.", At: 2000}
	if next := at.FollowUps(answer); !reflect.DeepEqual(next, []Entry{{At: 2000, Kind: StatusChange, Agent: "anna", Status: InProgress}}) {
		t.Errorf("an answer begins the work: %+v", next)
	}
	if next := at.FollowUps(write); next != nil {
		t.Errorf("a registered ticket is open already: %+v", next)
	}
	solved := apply(t, at, true, become(InProgress), become(Solved))
	if next := solved.FollowUps(write); !reflect.DeepEqual(next, []Entry{{At: 2000, Kind: StatusChange, Status: InProgress}}) {
		t.Errorf("the user writes to a solved one: %+v", next)
	}
	again := apply(t, solved, false, solved.FollowUps(write)...)
	if again.Status != InProgress || again.Solved != 0 {
		t.Errorf("taken up again it is %s, solved at %d", again.Status, again.Solved)
	}
}

// A closed ticket takes notes and links, and nothing that somebody waits for an answer to.
func TestClosedStaysClosed(t *testing.T) {
	t.Parallel()
	closed := apply(t, registered(t), true, become(InProgress), become(Solved), become(Closed))
	for _, e := range []Entry{{Kind: FromUser, Text: "Hallå?"}, {Kind: Answer, Text: "Ja?"}, become(InProgress)} {
		e.At = closed.Changed
		if _, err := closed.Apply(e, true); refusal(err) != RefusedClosed {
			t.Errorf("%s: %v", e.Kind, err)
		}
	}
	apply(t, closed, true, Entry{Kind: Note, Text: "Jfr SD-100002."}, Entry{Kind: Link, Contact: "k"})
}

func TestTheLogIsInOrder(t *testing.T) {
	t.Parallel()
	at := registered(t)
	if _, err := at.Apply(Entry{Kind: Note, Text: "sen", At: at.Changed - 1}, true); refusal(err) != RefusedOrder {
		t.Errorf("an entry of the past: %v", err)
	}
}

func TestWhoMayGoOn(t *testing.T) {
	t.Parallel()
	at := registered(t)
	for address, want := range map[string]bool{
		"asa@EXAMPLE.org": true, "\tasa@example.org": true, "eva@example.org": false, "": false, "asa@example.org.evil.example": false,
	} {
		if got := at.Participant(address); got != want {
			t.Errorf("%q: %v", address, got)
		}
	}
	at.Reporter.Address = ""
	if at.Participant("") {
		t.Error("nobody may go on with the ticket of somebody without an address")
	}
}

func TestWhatIsNoTicket(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*Draft){
		"kind":        func(d *Draft) { d.Kind = "" },
		"subject":     func(d *Draft) { d.Subject = " " },
		"subject ":    func(d *Draft) { d.Subject = strings.Repeat("å", MaxSubject+1) },
		"subject  ":   func(d *Draft) { d.Subject = "a\r\nBcc: b@example.org" },
		"service":     func(d *Draft) { d.Service = contact.ServiceID(strings.Repeat("s", 201)) },
		"category":    func(d *Draft) { d.Category = "\xff" },
		"channel":     func(d *Draft) { d.Channel = "" },
		"language":    func(d *Draft) { d.Language = "" },
		"reporter":    func(d *Draft) { d.Reporter.Name = "\x00" },
		"reporter ":   func(d *Draft) { d.Reporter.Address = "a@example.org\nBcc: b@example.org" },
		"contacts":    func(d *Draft) { d.Contacts = make([]contact.ID, MaxContacts+1) },
		"contact":     func(d *Draft) { d.Contacts = []contact.ID{""} },
		"text":        func(d *Draft) { d.First.Text = strings.Repeat("ö", MaxText+1) },
		"text ":       func(d *Draft) { d.First = Entry{Kind: Note, Text: "\n"} },
		"entry":       func(d *Draft) { d.First.Kind = "shout" },
		"entry ":      func(d *Draft) { d.First = become(Closed) },
		"entry  ":     func(d *Draft) { d.First.Kind = Answer },
		"status":      func(d *Draft) { d.First.Status = Solved },
		"attachments": func(d *Draft) { d.First.Attachments = make([]Attachment, MaxAttachments+1) },
	} {
		d := draft()
		spoil(&d)
		_, err := New(d, 1000)
		refused := (*Refusal)(nil)
		if !errors.As(err, &refused) || refused.Code != RefusedInvalid || refused.Field != strings.TrimSpace(name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	longest := draft()
	longest.Subject, longest.First.Text = strings.Repeat("å", MaxSubject), strings.Repeat("ö", MaxText)
	if _, err := New(longest, 1000); err != nil {
		t.Errorf("as long as allowed: %v", err)
	}
}

// Whoever makes a draft cannot give it a status, a number or a log of his own.
func TestADraftBeginsAtTheBeginning(t *testing.T) {
	t.Parallel()
	d := draft()
	d.Number, d.Status, d.Solved, d.Closed, d.Contacts = "SD-1", Closed, 5, 5, []contact.ID{"k", "k"}
	d.Entries = []Entry{{Kind: Answer, Text: "Klart."}}
	got, err := New(d, 1000)
	if err != nil {
		t.Fatal(err)
	}
	if got.Number != "" || got.Status != Registered || got.Solved != 0 || got.Closed != 0 || got.Created != 1000 || got.Changed != 1000 {
		t.Errorf("got %+v", got)
	}
	if len(got.Entries) != 3 || got.Entries[0].Text != d.First.Text || !slices.Equal(got.Contacts, []contact.ID{"k"}) {
		t.Errorf("the log is %+v, the contacts %v", got.Entries, got.Contacts)
	}
}

// Whatever is tried, in whatever order: a closed ticket stays closed, none is solved or closed
// whose user was told nothing, the log never shrinks, and the row is the fold of the log.
func TestAnyLog(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		at, err := New(draft(), contact.Instant(rapid.Int64Range(1, 1000).Draw(t, "now")))
		if err != nil {
			t.Fatal(err)
		}
		header, told := at, false
		for range rapid.IntRange(0, 30).Draw(t, "entries") {
			e := drawEntry(t, at.Changed)
			next, err := at.Apply(e, told)
			if err != nil {
				if refusal(err) == "" || !reflect.DeepEqual(next, at) {
					t.Fatalf("refused with %v: %+v", err, next)
				}
				continue
			}
			for _, follow := range next.FollowUps(e) {
				if next, err = next.Apply(follow, told); err != nil {
					t.Fatalf("what follows is refused: %v", err)
				}
			}
			if at.Status == Closed && next.Status != Closed {
				t.Fatalf("a closed ticket became %s", next.Status)
			}
			if next.Status != at.Status && !next.Status.Open() && !told {
				t.Fatalf("%s, and the user was told nothing", next.Status)
			}
			if len(next.Entries) <= len(at.Entries) || !reflect.DeepEqual(next.Entries[:len(at.Entries)], at.Entries) {
				t.Fatalf("the log was changed")
			}
			told = told || e.Kind == Answer
			at = next
		}
		folded, err := Fold(header, at.Entries)
		if err != nil || !reflect.DeepEqual(folded, at) {
			t.Fatalf("the log says %+v, %v\nthe row says %+v", folded, err, at)
		}
	})
}

func drawEntry(t *rapid.T, after contact.Instant) Entry {
	e := Entry{
		At:   after + contact.Instant(rapid.Int64Range(-1, 1000).Draw(t, "later")),
		Kind: rapid.SampledFrom([]EntryKind{FromUser, Answer, Note, StatusChange, StatusChange, StatusChange, Link, "none"}).Draw(t, "kind"),
	}
	switch e.Kind {
	case StatusChange:
		e.Status = rapid.SampledFrom(statuses).Draw(t, "status")
	case Link:
		e.Contact = contact.ID(rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "contact"))
	default:
		e.Text = rapid.SampledFrom([]string{"", "text", "\x00"}).Draw(t, "text")
	}
	return e
}
