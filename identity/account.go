package identity

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/alexedwards/argon2id"
)

// Role is what an account may do in the console. The order is by rights: each may do what
// the ones before may.
type Role string

// The roles of those who work in the console.
const (
	Agent         Role = "agent"
	Supervisor    Role = "supervisor"
	Administrator Role = "administrator"
)

// Roles returns all roles, the least rights first.
func Roles() []Role { return []Role{Agent, Supervisor, Administrator} }

// Skill is a skill or competence group that an account holds, at a level from 1 to 5, 5
// being the best (row 7.2a).
type Skill struct {
	Name  string
	Level uint8
}

// Account is somebody who signs in to the console.
type Account struct {
	// Name is what he signs in with; see [CheckAccountName].
	Name string
	// DisplayName is what colleagues see.
	DisplayName string
	Role        Role
	// PasswordHash is the encoded argon2id hash.
	PasswordHash string
	// Skills are sorted by name. An account without skills is offered no contacts that
	// need any.
	Skills []Skill
	// Active tells that he may sign in.
	Active bool
	// SeesProtected tells that he is in the group that may open protected people (row D1). It
	// comes with no role: an administrator is not in it by himself.
	SeesProtected bool
	// Reserved is the lowest priority class of contacts that he is asked for, one of
	// [ReservedClasses]; empty for all contacts.
	Reserved string
}

// ReservedClasses are those that an account may be kept for.
func ReservedClasses() []string { return []string{"resident-impact", "priority"} }

// Viewer is the account as one that people are shown to.
func (a Account) Viewer() Viewer { return Viewer{SeesProtected: a.SeesProtected} }

// String keeps the hash out of logs and error texts that print an Account by mistake.
func (a Account) String() string { return "account " + a.Name }

// accountName allows what is safe in logs, addresses and the journal.
var accountName = regexp.MustCompile(`^[a-z][a-z0-9._-]{1,31}$`)

// CheckAccountName says what is wrong with a login name; nil when nothing is.
func CheckAccountName(name string) error {
	if !accountName.MatchString(name) {
		return fmt.Errorf("the login name %q is not 2 to 32 characters of a–z, 0–9, dot, hyphen and underscore, beginning with a letter", name)
	}
	return nil
}

// Check says all that is wrong with an account, joined; nil when nothing is.
func (a Account) Check() error {
	faults := []error{CheckAccountName(a.Name)}
	if strings.TrimSpace(a.DisplayName) == "" || utf8.RuneCountInString(a.DisplayName) > 100 {
		faults = append(faults, errors.New("the display name must have 1 to 100 characters"))
	}
	if !slices.Contains(Roles(), a.Role) {
		faults = append(faults, fmt.Errorf("there is no role %q; the roles are agent, supervisor and administrator", a.Role))
	}
	if a.Reserved != "" && !slices.Contains(ReservedClasses(), a.Reserved) {
		faults = append(faults, fmt.Errorf("there is no class %q to reserve the account for; there are resident-impact and priority", a.Reserved))
	}
	for i, skill := range a.Skills {
		if skill.Name == "" || skill.Level < 1 || skill.Level > 5 {
			faults = append(faults, fmt.Errorf("the skill %q has level %d; a skill has a name and a level from 1 to 5", skill.Name, skill.Level))
		}
		if i > 0 && a.Skills[i-1].Name >= skill.Name {
			faults = append(faults, fmt.Errorf("the skill %q is named twice or out of order", skill.Name))
		}
	}
	return errors.Join(faults...)
}

// The length of a password in characters. There are no rules about kinds of characters:
// they make passwords worse (NIST SP 800-63B §3.1.1.2).
const (
	minPassword = 10
	maxPassword = 128
)

// CheckNewPassword says what is wrong with a new password; nil when nothing is.
func CheckNewPassword(password string) error {
	switch n := utf8.RuneCountInString(password); {
	case !utf8.ValidString(password):
		return errors.New("the password is not text")
	case n < minPassword || n > maxPassword:
		return fmt.Errorf("the password has %d characters; it must have %d to %d", n, minPassword, maxPassword)
	}
	return nil
}

// hashing follows the first choice of the OWASP Password Storage Cheat Sheet for
// argon2id with one lane: 19 MiB and two passes, about 20 ms.
var hashing = &argon2id.Params{Memory: 19 * 1024, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32}

// HashPassword returns the encoded argon2id hash of a password.
func HashPassword(password string) (string, error) {
	hash, err := argon2id.CreateHash(password, hashing)
	if err != nil {
		return "", fmt.Errorf("hash the password: %w", err)
	}
	return hash, nil
}

// nobody is the hash that is compared where there is no account, so that the time of the
// answer does not tell which accounts there are. No password matches it: it is a hash of
// 32 random bytes that nobody kept.
const nobody = "$argon2id$v=19$m=19456,t=2,p=1$c3ZhcnN2YXJzdmFyc3Zhcg$TGuXpU0Bl9jcKqcPM2n7pFqVbS6k0hH8b1oQ2g0dK5Y"

// CheckPassword tells whether the password is the account's and the account may sign in.
// For the zero Account it takes as long and says no.
func CheckPassword(account Account, password string) bool {
	hash := account.PasswordHash
	if hash == "" {
		hash = nobody
	}
	if len(password) > 4*maxPassword {
		return false
	}
	match, err := argon2id.ComparePasswordAndHash(password, hash)
	return err == nil && match && account.Active && account.PasswordHash != ""
}
