package store

import (
	"reflect"
	"testing"
	"time"

	"svar/identity"
)

func access(account string, seconds int) identity.Access {
	return identity.Access{
		At: noon.Add(time.Duration(seconds) * time.Second), Account: account, Surface: "ring-card",
		Contact: "k-1", Ticket: "SD-100001", Person: "p-1", Reason: "a complaint",
	}
}

func logAccess(t testing.TB, s *Store, accesses ...identity.Access) {
	t.Helper()
	if err := s.LogAccess(t.Context(), accesses); err != nil {
		t.Fatal(err)
	}
}

// Who has read about whom, when and where (requirement D6).
func TestAccessesAreLogged(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	logAccess(t, s)
	logAccess(t, s, access("anna", 0), access("bo", 2))
	logAccess(t, s, access("eva", 1), access("eva", 3600))
	for limit, want := range map[int][]identity.Access{
		10: {access("bo", 2), access("eva", 1), access("anna", 0)},
		2:  {access("bo", 2), access("eva", 1)},
	} {
		got, err := s.AccessLog(t.Context(), noon, noon.Add(time.Hour), limit)
		if err != nil {
			t.Fatal(err)
		}
		for i := range got {
			got[i].At = got[i].At.UTC()
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
}

func TestAccessesAreLoggedAllOrNone(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	if err := s.LogAccess(t.Context(), []identity.Access{access("anna", 0), access("bo\x00", 0)}); err == nil {
		t.Error("what cannot be stored was taken")
	}
	if n := count(t, s, `select count(*) from access_log`); n != 0 {
		t.Errorf("%d accesses are logged", n)
	}
}
