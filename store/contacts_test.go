package store

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"svar/contact"
	"svar/report"
	"svar/store/storetest"
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
	connString := storetest.Database(t)
	connection := connect(t, connString)
	_, err := connection.Exec(t.Context(), `
		insert into contacts (id, channel, line, audience, person, language, node, callable, state, arrived)
		select 'k' || i, 'voice', 'staff', '', '', 'sv', 'node-1', true, 'closed', timestamptz '2026-09-01 00:00Z' + i * interval '1 minute'
		from generate_series(1, 20000) i`)
	if err != nil {
		t.Fatal(err)
	}
	_, err = connection.Exec(t.Context(), `
		insert into events (sequence, index, at, event, contact, data)
		select i, 0, '2026-09-01', 'contact-greeted', 'k' || i, '{}' from generate_series(1, 20000) i`)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := connection.Exec(t.Context(), `analyze`); err != nil {
		t.Fatal(err)
	}
	const interval = `'2026-09-01 00:00Z', '2027-01-01 00:00Z'`
	tests := map[string]struct{ sql, arguments, want string }{
		"first page": {selectContacts, interval + `, '', '', '', 50`, "Index Scan Backward using contacts_by_arrival"},
		"deep page":  {selectContacts, interval + `, '', '', 'k5000', 50`, "Index Scan Backward using contacts_by_arrival"},
		"one line":   {selectContacts, interval + `, 'staff', '', 'k5000', 50`, "Index Scan Backward using contacts_by_arrival"},
		"events":     {selectEventsOf, `'{k1,k2,k3}'`, "events_of_contact"},
	}
	for name, test := range tests {
		// The server may plan for the arguments, or once for all.
		for _, mode := range []string{"force_custom_plan", "force_generic_plan"} {
			t.Run(name+" "+mode, func(t *testing.T) {
				t.Parallel()
				connection := connect(t, connString)
				if _, err := connection.Exec(t.Context(), `set plan_cache_mode = `+mode+`; prepare planned as `+test.sql); err != nil {
					t.Fatal(err)
				}
				rows, err := connection.Query(t.Context(), `explain execute planned(`+test.arguments+`)`, pgx.QueryExecModeSimpleProtocol)
				if err != nil {
					t.Fatal(err)
				}
				lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
				if err != nil {
					t.Fatal(err)
				}
				plan := strings.Join(lines, "\n")
				if !strings.Contains(plan, test.want) || strings.Contains(plan, "Seq Scan") {
					t.Errorf("the plan is\n%s", plan)
				}
				// Reading on from where the page before ended is part of the index's condition.
				condition := regexp.MustCompile(`Index Cond: .*ROW\(arrived, id\) < ROW\(`)
				if test.sql == selectContacts && !condition.MatchString(plan) {
					t.Errorf("the plan reads the pages before too:\n%s", plan)
				}
			})
		}
	}
}

// A cohort is of one channel, one line and one interval, in the order of the record.
func TestCohort(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	j := journal{t: t, store: s}
	for id, change := range map[contact.ID]func(*contact.Contact){
		"early":   func(c *contact.Contact) { c.Arrived-- },
		"late":    func(c *contact.Contact) { c.Arrived = after(3600) },
		"chat":    func(c *contact.Contact) { c.Channel = contact.Chat },
		"pupil's": func(c *contact.Contact) { c.Line = "pupils" },
	} {
		other := call(id, after(0))
		change(&other)
		j.record(after(1), contact.ContactArrived{Contact: other, Node: "node-1", Leg: "leg"})
	}
	want := []recorded{
		{contact.ContactArrived{Contact: call("b", after(0)), Node: "node-1", Leg: "leg"}, after(2)},
		{contact.ContactArrived{Contact: call("a", after(3599)), Node: "node-1", Leg: "leg"}, after(3600)},
		{contact.ContactGreeted{Contact: "a"}, after(3600)},
		{contact.ContactGreeted{Contact: "b"}, after(9000)}, // of the cohort, though later than it
	}
	j.record(want[0].at, want[0].event)
	j.record(want[1].at, want[1].event, want[2].event)
	j.record(want[3].at, want[3].event)
	var got []recorded
	read := func() error {
		got = nil
		return s.Cohort(t.Context(), report.Query{Channel: contact.Voice, Line: "staff", From: noon, To: noon.Add(time.Hour)}, func(event contact.Event, at contact.Instant) {
			got = append(got, recorded{event, at})
		})
	}
	if err := read(); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v\n got %v\nwant %v", err, got, want)
	}
	// What this version cannot read is never left out in silence.
	if _, err := s.pool.Exec(t.Context(), `update events set event = 'contact-teleported' where contact = 'b'`); err != nil {
		t.Fatal(err)
	}
	if err := read(); err == nil || !strings.Contains(err.Error(), "record 5") || !strings.Contains(err.Error(), "contact-teleported") {
		t.Errorf("error = %v", err)
	}
}

// When the server ends all connections a call may fail; the next ones work.
func TestAStoreOutlivesItsConnections(t *testing.T) {
	t.Parallel()
	connString := storetest.Database(t)
	s, err := Open(t.Context(), connString)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	j := journal{t: t, store: s}
	j.record(after(1), contact.ContactArrived{Contact: call("k", after(0)), Node: "node-1", Leg: "leg"})
	if _, err := connect(t, connString).Exec(t.Context(), `select pg_terminate_backend(pid) from pg_stat_activity
		where datname = current_database() and pid <> pg_backend_pid()`); err != nil {
		t.Fatal(err)
	}
	greeted := contact.Events{contact.ContactGreeted{Contact: "k"}}
	if err := s.Project(t.Context(), Turn{Sequence: 2, Now: after(2), Events: greeted}); err != nil {
		if err := s.Project(t.Context(), Turn{Sequence: 2, Now: after(2), Events: greeted}); err != nil {
			t.Fatal(err)
		}
	}
	if last, err := s.Projected(t.Context()); err != nil || last != 2 {
		t.Errorf("projected to %d, %v", last, err)
	}
}
