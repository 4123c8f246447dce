package store

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"svar/contact"
	"svar/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m, Migrate) }

// noon is when the tests' contacts arrive, unless they say otherwise.
var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// after is so many seconds after noon.
func after(seconds int) contact.Instant {
	return contact.InstantOf(noon.Add(time.Duration(seconds) * time.Second))
}

// newStore opens a database that belongs to the test alone.
func newStore(t testing.TB) *Store {
	t.Helper()
	s, err := Open(t.Context(), storetest.Database(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// connect opens a connection that is closed with the test.
func connect(t testing.TB, connString string) *pgx.Conn {
	t.Helper()
	config, err := parseConnConfig(connString)
	if err != nil {
		t.Fatal(err)
	}
	connection, err := pgx.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = connection.Close(context.Background()) })
	return connection
}

// journal numbers records as the journal does.
type journal struct {
	t     testing.TB
	store *Store
	last  uint64
}

// record projects the next record.
func (j *journal) record(now contact.Instant, events ...contact.Event) {
	j.t.Helper()
	j.last++
	if err := j.store.Project(j.t.Context(), Turn{Sequence: j.last, Now: now, Events: events}); err != nil {
		j.t.Fatal(err)
	}
}

// call is a contact on the staff line.
func call(id contact.ID, arrived contact.Instant) contact.Contact {
	return contact.Contact{
		ID: id, Channel: contact.Voice, Line: "staff", Audience: contact.AudienceStaff, Person: "p-1",
		Language: "sv", Callable: true, Arrived: arrived,
	}
}

// contacts returns all that arrived in the day from noon on, by id.
func contacts(t testing.TB, s *Store) map[contact.ID]Contact {
	t.Helper()
	list, err := s.Contacts(t.Context(), ContactFilter{From: noon, To: noon.Add(24 * time.Hour), Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	byID := map[contact.ID]Contact{}
	for _, c := range list {
		byID[c.ID] = c
	}
	return byID
}

// count returns the number that a query gives.
func count(t testing.TB, s *Store, sql string, arguments ...any) int {
	t.Helper()
	var n int
	if err := s.pool.QueryRow(t.Context(), sql, arguments...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}
