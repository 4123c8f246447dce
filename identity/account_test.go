package identity

import (
	"fmt"
	"strings"
	"testing"

	"github.com/alexedwards/argon2id"
)

func TestCheckAccountName(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"bo", "anna", "a1", "eva.berg-2_x", "a" + strings.Repeat("b", 31)} {
		if err := CheckAccountName(name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, name := range []string{"", "a", "1a", ".a", "Anna", "åsa", "an na", "anna\n", "a/b", "a" + strings.Repeat("b", 32)} {
		if err := CheckAccountName(name); err == nil {
			t.Errorf("%q is a login name", name)
		}
	}
}

func TestAccountCheck(t *testing.T) {
	t.Parallel()
	good := Account{Name: "anna", DisplayName: "Anna Lind", Role: Agent, Skills: []Skill{{"pupils", 1}, {"staff", 5}}}
	if err := good.Check(); err != nil {
		t.Errorf("a good account: %v", err)
	}
	tests := map[string]struct {
		spoil func(*Account)
		want  string
	}{
		"login name":        {func(a *Account) { a.Name = "Anna" }, `login name "Anna"`},
		"no display name":   {func(a *Account) { a.DisplayName = " " }, "display name"},
		"long display name": {func(a *Account) { a.DisplayName = strings.Repeat("å", 101) }, "display name"},
		"role":              {func(a *Account) { a.Role = "staff" }, `no role "staff"`},
		"level 0":           {func(a *Account) { a.Skills = []Skill{{"staff", 0}} }, "level 0"},
		"level 6":           {func(a *Account) { a.Skills = []Skill{{"staff", 6}} }, "level 6"},
		"nameless skill":    {func(a *Account) { a.Skills = []Skill{{"", 3}} }, `skill ""`},
		"skill twice":       {func(a *Account) { a.Skills = []Skill{{"staff", 3}, {"staff", 4}} }, "twice"},
		"skills unsorted":   {func(a *Account) { a.Skills = []Skill{{"staff", 3}, {"pupils", 4}} }, "out of order"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			account := good
			test.spoil(&account)
			if err := account.Check(); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error = %v; want %q", err, test.want)
			}
		})
	}
	if err := (Account{}).Check(); err == nil || strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("not all three faults of the zero account are named: %v", err)
	}
}

func TestCheckNewPassword(t *testing.T) {
	t.Parallel()
	for password, good := range map[string]bool{
		"": false, "svar-demo": false, "ååååååååå": false, "åååååååååå": true, "1234567890": true,
		strings.Repeat("ö", 128): true, strings.Repeat("a", 129): false, "abcdefghij\xff": false,
	} {
		if err := CheckNewPassword(password); (err == nil) != good {
			t.Errorf("CheckNewPassword(%q) = %v", password, err)
		}
	}
}

func TestCheckPassword(t *testing.T) {
	t.Parallel()
	const password = "häst batteri häftklammer"
	hash, err := HashPassword(password)
	if err != nil {
		t.Fatal(err)
	}
	active := Account{Name: "anna", PasswordHash: hash, Active: true}
	tests := map[string]struct {
		account  Account
		password string
		want     bool
	}{
		"right":              {active, password, true},
		"wrong":              {active, password + "x", false},
		"empty":              {active, "", false},
		"a megabyte":         {active, strings.Repeat("x", 1<<20), false},
		"the hash itself":    {active, hash, false},
		"not active":         {Account{PasswordHash: hash}, password, false},
		"no account":         {Account{}, password, false},
		"no account, empty":  {Account{}, "", false},
		"no hash":            {Account{Active: true}, "", false},
		"a hash that is not": {Account{PasswordHash: "rubbish", Active: true}, "rubbish", false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := CheckPassword(test.account, test.password); got != test.want {
				t.Errorf("CheckPassword = %t", got)
			}
		})
	}
	if strings.Contains(fmt.Sprintf("%v %+v %s", active, active, active), hash) {
		t.Error("printing an account shows its hash")
	}
}

// The answer for an account that does not exist takes as long as any other only if its hash
// can be read and costs the same.
func TestUnknownAccountsCostTheSame(t *testing.T) {
	t.Parallel()
	params, salt, key, err := argon2id.DecodeHash(nobody)
	if err != nil {
		t.Fatal(err)
	}
	if *params != *hashing || len(salt) != int(hashing.SaltLength) || len(key) != int(hashing.KeyLength) {
		t.Errorf("unknown accounts are checked with %+v, others with %+v", params, hashing)
	}
}

// The right to see protected people comes with no role (row D1).
func TestOnlyTheGroupSeesProtectedPeople(t *testing.T) {
	t.Parallel()
	for _, role := range Roles() {
		if (Account{Role: role}).Viewer().SeesProtected {
			t.Errorf("%s sees protected people by the role alone", role)
		}
		if !(Account{Role: role, SeesProtected: true}).Viewer().SeesProtected {
			t.Errorf("%s of the group does not see protected people", role)
		}
	}
}
