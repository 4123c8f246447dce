package store

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"svar/contact"
)

func TestContactsAreFiltered(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	j := journal{t: t, store: s}
	arrive := func(id contact.ID, line contact.LineID, seconds int) {
		c := call(id, after(seconds))
		c.Line = line
		j.record(after(3600), contact.ContactArrived{Contact: c, Node: "node-1", Leg: "leg"})
	}
	arrive("b", "staff", 10)
	arrive("a", "staff", 10) // at the same instant: the id decides
	arrive("c", "pupils", 5)
	arrive("d", "staff", 0)
	arrive("e", "staff", 60)
	j.record(after(3601), contact.ContactGreeted{Contact: "d"})

	all := ContactFilter{From: noon, To: noon.Add(time.Hour), Limit: 10}
	tests := map[string]struct {
		narrow func(*ContactFilter)
		want   string
	}{
		"all, newest first": {func(*ContactFilter) {}, "e b a c d"},
		"from":              {func(f *ContactFilter) { f.From = after(5).Time() }, "e b a c"},
		"to is outside":     {func(f *ContactFilter) { f.To = after(60).Time() }, "b a c d"},
		"another zone":      {func(f *ContactFilter) { f.To = after(60).Time().In(time.FixedZone("", 3600)) }, "b a c d"},
		"empty interval":    {func(f *ContactFilter) { f.To = f.From }, ""},
		"line":              {func(f *ContactFilter) { f.Line = "pupils" }, "c"},
		"unknown line":      {func(f *ContactFilter) { f.Line = "fax" }, ""},
		"state":             {func(f *ContactFilter) { f.State = contact.StateGreeted }, "d"},
		"line and state":    {func(f *ContactFilter) { f.Line, f.State = "pupils", contact.StateGreeted }, ""},
		"limit":             {func(f *ContactFilter) { f.Limit = 2 }, "e b"},
		"before":            {func(f *ContactFilter) { f.Before = "b" }, "a c d"},
		"before the last":   {func(f *ContactFilter) { f.Before = "d" }, ""},
		"before nobody":     {func(f *ContactFilter) { f.Before = "nobody" }, ""},
		"before, one line":  {func(f *ContactFilter) { f.Before, f.Line = "c", "staff" }, "d"},
		"what SQL would be": {func(f *ContactFilter) { f.Line = "' or '' = '" }, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			filter := all
			test.narrow(&filter)
			if got := ids(page(t, s, filter)); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func page(t *testing.T, s *Store, filter ContactFilter) []Contact {
	t.Helper()
	list, err := s.Contacts(t.Context(), filter)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range list {
		if len(c.Events) == 0 || c.Events[0].Contact != c.ID {
			t.Errorf("%s comes without its events: %v", c.ID, c.Events)
		}
	}
	return list
}

func ids(list []Contact) string {
	var names []string
	for _, c := range list {
		names = append(names, string(c.ID))
	}
	return strings.Join(names, " ")
}

// Page after page gives every contact once, also while new ones arrive.
func TestPagesGiveEveryContactOnce(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	j := journal{t: t, store: s}
	var want []string
	for i := range 25 {
		id := contact.ID(fmt.Sprintf("k%02d", i))
		j.record(after(i), contact.ContactArrived{Contact: call(id, after(i/3)), Node: "node-1", Leg: "leg"})
		want = append(want, string(id))
	}
	slices.Reverse(want)
	filter := ContactFilter{From: noon, To: noon.Add(time.Hour), Limit: 7}
	var got []string
	for {
		list := page(t, s, filter)
		if len(list) == 0 {
			break
		}
		got = append(got, strings.Fields(ids(list))...)
		filter.Before = list[len(list)-1].ID
		late := contact.ID("late-" + string(filter.Before))
		j.record(after(99), contact.ContactArrived{Contact: call(late, after(99)), Node: "node-1", Leg: "leg"})
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

// A page costs what is on it, however many contacts there are.
func TestPagesAreReadByIndex(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	_, err := s.pool.Exec(t.Context(), `
		insert into contacts (id, channel, line, audience, person, language, node, callable, state, arrived)
		select 'k' || i, 'voice', 'staff', '', '', 'sv', 'node-1', true, 'closed', timestamptz '2026-09-01 00:00Z' + i * interval '1 minute'
		from generate_series(1, 20000) i`)
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.pool.Exec(t.Context(), `
		insert into events (sequence, index, at, event, contact, data)
		select i, 0, '2026-09-01', 'contact-greeted', 'k' || i, '{}' from generate_series(1, 20000) i`)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.pool.Exec(t.Context(), `analyze`); err != nil {
		t.Fatal(err)
	}
	from, to := time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC), time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	tests := map[string]struct {
		sql       string
		arguments []any
		index     string
	}{
		"first page": {selectContacts, []any{from, to, "", "", "", 50}, "contacts_by_arrival"},
		"deep page":  {selectContacts, []any{from, to, "", "", "k5000", 50}, "contacts_by_arrival"},
		"one line":   {selectContacts, []any{from, to, "staff", "", "k5000", 50}, "contacts_by_arrival"},
		"events":     {selectEventsOf, []any{[]string{"k1", "k2", "k3"}}, "events_of_contact"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rows, err := s.pool.Query(t.Context(), `explain `+test.sql, test.arguments...)
			if err != nil {
				t.Fatal(err)
			}
			lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
			if err != nil {
				t.Fatal(err)
			}
			plan := strings.Join(lines, "\n")
			if !strings.Contains(plan, test.index) || strings.Contains(plan, "Seq Scan") {
				t.Errorf("the plan is\n%s", plan)
			}
			// Reading on from where the page before ended is part of the index's condition.
			if from := "ROW(arrived, id) < ROW("; name != "events" && name != "first page" && !strings.Contains(plan, from) {
				t.Errorf("the plan reads the pages before too:\n%s", plan)
			}
		})
	}
}
