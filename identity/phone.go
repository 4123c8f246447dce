package identity

import (
	"crypto/md5" //nolint:gosec // the digest of RFC 3261 knows nothing else, and many telephones know nothing newer
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// PhoneRealm is the realm in which desk phones sign on (RFC 7616 §3.3). Secrets are bound to it.
const PhoneRealm = "svar"

// phonePassword is how many characters of five bits each a desk phone's password has.
const phonePassword = 24

// PhoneSecret is what is kept of the password of an account's desk phone: H(name:realm:password) by
// each algorithm of RFC 8760 that we offer, in lower-case hexadecimal. Who has it can register as the
// phone, but learns no password.
type PhoneSecret struct{ MD5, SHA256 string }

// String keeps the hashes out of logs that print a secret by mistake.
func (PhoneSecret) String() string { return "a desk phone's secret" }

// NewPhonePassword returns a password of 120 bits, in characters that any telephone's keys can write.
func NewPhonePassword() string { return strings.ToLower(rand.Text()[:phonePassword]) }

// NewPhoneSecret returns what is kept of a password.
func NewPhoneSecret(account, password string) PhoneSecret {
	text := []byte(account + ":" + PhoneRealm + ":" + password)
	short, long := md5.Sum(text), sha256.Sum256(text) //nolint:gosec // see the import
	return PhoneSecret{MD5: hex.EncodeToString(short[:]), SHA256: hex.EncodeToString(long[:])}
}
