package store

import (
	"slices"
	"testing"
	"time"

	"svar/contact"
)

// A pupil's contact is due once it has been closed for long enough, once (requirement D3).
func TestContactsAreForgotten(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	j := journal{t: t, store: s}
	arrive := func(id contact.ID, line contact.LineID) {
		c := call(id, after(0))
		c.Line = line
		j.record(after(1), contact.ContactArrived{Contact: c})
	}
	closed := func(id contact.ID, seconds int) {
		j.record(after(seconds), contact.ContactClosed{Contact: id, End: contact.EndHandled, Agent: "anna", Code: "solved"})
	}
	arrive("late", "pupils")
	arrive("early", "pupils")
	arrive("open", "pupils")
	arrive("fresh", "pupils")
	arrive("staff", "staff")
	closed("early", 10)
	closed("staff", 10)
	closed("late", 20)
	closed("fresh", 100)
	due := func(limit int) []contact.ID {
		t.Helper()
		ids, err := s.DueToForget(t.Context(), []contact.LineID{"pupils", "pupils-chat"}, after(100).Time(), limit)
		if err != nil {
			t.Fatal(err)
		}
		return ids
	}
	if got := due(1); !slices.Equal(got, []contact.ID{"early"}) {
		t.Errorf("the first that is due: %v", got)
	}
	if got := due(10); !slices.Equal(got, []contact.ID{"early", "late"}) {
		t.Errorf("due are %v", got)
	}
	for range 2 { // a crash before the next step, and again
		if err := s.MarkForgotten(t.Context(), []contact.ID{"early", "early"}, after(200)); err != nil {
			t.Fatal(err)
		}
	}
	if got := due(10); !slices.Equal(got, []contact.ID{"late"}) {
		t.Errorf("still due are %v", got)
	}
	if n := count(t, s, `select count(*) from forgotten_contacts where at = $1`, after(200).Time()); n != 1 {
		t.Errorf("%d are written down as forgotten", n)
	}
	if got, err := s.DueToForget(t.Context(), nil, noon.Add(time.Hour), 10); err != nil || len(got) != 0 {
		t.Errorf("without lines: %v, %v", got, err)
	}
}

func TestForgettingEmptiesTheText(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	number := openTicket(t, s, formDraft(), formText("k-1"))
	if err := s.MarkForgotten(t.Context(), []contact.ID{"k-1"}, after(200)); err != nil {
		t.Fatal(err)
	}
	text, err := s.TextContactOf(t.Context(), "k-1")
	if err != nil || text.Personal != (contact.Personal{}) || text.Contact.Ticket != number {
		t.Errorf("it is still %+v, %v", text, err)
	}
}
