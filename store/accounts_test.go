package store

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"svar/identity"
)

// hash has the form of a real one; no password is known for it.
const hash = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g"

func account(name string, skills ...identity.Skill) identity.Account {
	return identity.Account{
		Name: name, DisplayName: "Åse " + name, Role: identity.Agent, PasswordHash: hash, Skills: skills, Active: true,
	}
}

func TestAccountsComeBack(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	gone := account("gone")
	gone.Active, gone.PasswordHash, gone.SeesProtected, gone.Reserved = false, "", true, "priority"
	want := []identity.Account{
		account("anna", identity.Skill{Name: "pupils", Level: 5}, identity.Skill{Name: "staff", Level: 1}),
		account("bo", identity.Skill{Name: "it.admin_1-x", Level: 3}),
		gone,
	}
	for _, role := range identity.Roles() {
		a := account("role-" + string(role))
		a.Role = role
		want = append(want, a)
	}
	if err := s.AddAccounts(t.Context(), noon, want[2:]...); err != nil {
		t.Fatal(err)
	}
	if err := s.AddAccounts(t.Context(), noon, want[1], want[0]); err != nil {
		t.Fatal(err)
	}
	got, err := s.Accounts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	byName := map[string]identity.Account{}
	for i, a := range got {
		if i > 0 && got[i-1].Name >= a.Name {
			t.Errorf("%s stands before %s", got[i-1].Name, a.Name)
		}
		byName[a.Name] = a
	}
	if len(got) != len(want) {
		t.Errorf("%d accounts, want %d", len(got), len(want))
	}
	for _, a := range want {
		if !reflect.DeepEqual(byName[a.Name], a) {
			t.Errorf("got %#v, want %#v", byName[a.Name], a)
		}
	}
	if count(t, s, `select count(*) from accounts where created = $1`, noon) != len(want) {
		t.Error("the accounts were created at another time")
	}
}

func TestTheTableTakesTheDemoAccounts(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	if err := s.AddAccounts(t.Context(), noon, identity.DemoAccounts()...); err != nil {
		t.Fatal(err)
	}
}

func TestAnAccountThatExistsIsLeftAlone(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	first := account("anna", identity.Skill{Name: "staff", Level: 1})
	if err := s.AddAccounts(t.Context(), noon, first); err != nil {
		t.Fatal(err)
	}
	second := account("anna", identity.Skill{Name: "staff", Level: 5})
	second.Role = identity.Administrator
	for name, accounts := range map[string][]identity.Account{
		"alone":        {second},
		"with another": {account("bo"), second},
	} {
		if err := s.AddAccounts(t.Context(), noon, accounts...); !errors.Is(err, ErrAccountExists) {
			t.Errorf("%s: error = %v", name, err)
		}
	}
	if got, err := s.Accounts(t.Context()); err != nil || !reflect.DeepEqual(got, []identity.Account{first}) {
		t.Errorf("the accounts are %+v, %v", got, err)
	}
}

// The table keeps the rules of identity too: whatever writes it, nobody gets a role that is
// none, and no password is stored as it is.
func TestTheTableRefusesWhatIsNoAccount(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	for name, spoil := range map[string]func(*identity.Account){
		"reserved":        func(a *identity.Account) { a.Reserved = "everything" },
		"role":            func(a *identity.Account) { a.Role = "root" },
		"no role":         func(a *identity.Account) { a.Role = "" },
		"login name":      func(a *identity.Account) { a.Name = "Anna" },
		"no login name":   func(a *identity.Account) { a.Name = "" },
		"no display name": func(a *identity.Account) { a.DisplayName = "" },
		"a password":      func(a *identity.Account) { a.PasswordHash = "correct horse" },
		"level 0":         func(a *identity.Account) { a.Skills = []identity.Skill{{Name: "staff", Level: 0}} },
		"level 6":         func(a *identity.Account) { a.Skills = []identity.Skill{{Name: "staff", Level: 6}} },
		"nameless skill":  func(a *identity.Account) { a.Skills = []identity.Skill{{Name: "", Level: 1}} },
		"the skill again": func(a *identity.Account) {
			a.Skills = []identity.Skill{{Name: "staff", Level: 1}, {Name: "staff", Level: 2}}
		},
		"NUL in the name":    func(a *identity.Account) { a.DisplayName = "a\x00" },
		"a trailing newline": func(a *identity.Account) { a.Name = "anna\n" },
	} {
		a := account("anna")
		spoil(&a)
		err := s.AddAccounts(t.Context(), noon, account("bo"), a)
		if err == nil {
			t.Errorf("%s: it was stored", name)
			continue
		}
		for _, private := range []string{"correct horse", "argon2id", "Åse"} {
			if strings.Contains(err.Error(), private) {
				t.Errorf("%s: the error shows %q: %v", name, private, err)
			}
		}
	}
	if got, err := s.Accounts(t.Context()); err != nil || len(got) != 0 {
		t.Errorf("something was stored: %v, %v", got, err)
	}
}
