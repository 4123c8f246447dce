package phone

import (
	"context"
	"crypto/hmac"
	"crypto/md5" //nolint:gosec // RFC 3261's digest; SHA-256 is offered first
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"

	"svar/identity"
)

// Desk phones, and trunks that have to, sign on by digest (RFC 3261 §22, RFC 7616), with SHA-256 before MD5 (RFC 8760). A nonce
// proves itself, so that a challenge costs no memory: only who has answered one rightly is remembered.
const (
	// nonceLife is how long a nonce counts. Phones register again after at most maxRegistration, with a
	// new one then.
	nonceLife = 5 * time.Minute
	// nonceHead is the time and the chance in a nonce, in bytes, nonceProof what proves that it is ours.
	nonceHead, nonceProof = 16, 16
	// maxCredentials bounds the Authorization headers that are looked at, and maxAuthorization each of
	// them, in bytes.
	maxCredentials, maxAuthorization = 4, 2048
	// maxAccountName bounds the name by which failures are counted.
	maxAccountName = 64
)

// PhoneAttempts limits failures to sign on, by account and by address. Try runs check, which tells
// whether somebody succeeds, unless there were too many failures: then allowed is false. It is safe for
// concurrent use.
type PhoneAttempts interface {
	Try(ctx context.Context, now time.Time, account, address string, check func() bool) (succeeded, allowed bool)
}

// nonces makes nonces and knows them again. Safe for concurrent use.
type nonces struct {
	key []byte

	mutex sync.Mutex
	// counts are the highest counts (nc) by which nonces were answered.
	counts map[string]uint32
	known  memory[string]
	// forgotten is when the youngest nonce was made whose count is not known any more: up to then all are stale.
	forgotten time.Time
}

func newNonces() *nonces {
	n := &nonces{key: make([]byte, 32), counts: map[string]uint32{}}
	_, _ = rand.Read(n.key) // never fails (crypto/rand)
	return n
}

// fresh returns a nonce for who asks from an address.
func (n *nonces) fresh(now time.Time, from netip.Addr) string {
	head := make([]byte, nonceHead)
	binary.BigEndian.PutUint64(head, uint64(now.UnixMilli()))
	_, _ = rand.Read(head[8:]) // never fails
	return base64.RawURLEncoding.EncodeToString(slices.Concat(head, n.prove(head, from)))
}

func (n *nonces) prove(head []byte, from netip.Addr) []byte {
	mac := hmac.New(sha256.New, n.key)
	_, _ = mac.Write(head)
	_, _ = mac.Write(from.Unmap().AsSlice())
	return mac.Sum(nil)[:nonceProof]
}

// isFresh tells whether a nonce is one of ours, for this address, and not too old.
func (n *nonces) isFresh(nonce string, now time.Time, from netip.Addr) bool {
	data, err := base64.RawURLEncoding.DecodeString(nonce)
	if err != nil || len(data) != nonceHead+nonceProof || !hmac.Equal(data[nonceHead:], n.prove(data[:nonceHead], from)) {
		return false
	}
	n.mutex.Lock()
	defer n.mutex.Unlock()
	made := madeAt(data)
	return now.Sub(made) < nonceLife && made.After(n.forgotten)
}

// madeAt is when a nonce was made.
func madeAt(nonce []byte) time.Time { return time.UnixMilli(int64(binary.BigEndian.Uint64(nonce))) }

// spend takes a count of a nonce that was answered rightly. A count that is not higher than the last
// one is somebody who repeats what he overheard (RFC 7616 §3.4).
func (n *nonces) spend(nonce string, count uint32, now time.Time) bool {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	if count <= n.counts[nonce] {
		return false
	}
	n.counts[nonce] = count
	n.known.add(nonce, now, nonceLife)
	if len(n.counts) > 2*maxSources {
		for old := range n.counts {
			if n.known.has(old) {
				continue
			}
			delete(n.counts, old)
			if data, err := base64.RawURLEncoding.DecodeString(old); err == nil && madeAt(data).After(n.forgotten) {
				n.forgotten = madeAt(data)
			}
		}
	}
	return true
}

// credentials are what an Authorization header says (RFC 7616 §3.4).
type credentials struct {
	username, realm, nonce, uri, response, algorithm, clientNonce, quality string
	// count is nc as a number, countText as it was written.
	count     uint32
	countText string
}

// readCredentials reads the value of an Authorization header. ok is false when it is not one that can
// be checked.
func readCredentials(value string) (c credentials, ok bool) {
	scheme, rest, _ := strings.Cut(strings.TrimSpace(value), " ")
	if len(value) > maxAuthorization || !strings.EqualFold(scheme, "Digest") {
		return credentials{}, false
	}
	fields := map[string]string{}
	for rest = strings.TrimSpace(rest); rest != ""; {
		name, after, found := strings.Cut(rest, "=")
		if !found {
			return credentials{}, false
		}
		name = strings.ToLower(strings.TrimSpace(name))
		content, left, fine := readValue(strings.TrimLeft(after, " \t"))
		if _, twice := fields[name]; twice || !fine || strings.ContainsAny(name, "\" \t") {
			return credentials{}, false
		}
		fields[name], rest = content, left
	}
	count, err := strconv.ParseUint(fields["nc"], 16, 32)
	if err != nil || count == 0 || len(fields["nc"]) != 8 {
		return credentials{}, false // without a count somebody could repeat what he overheard
	}
	c = credentials{
		username: fields["username"], realm: fields["realm"], nonce: fields["nonce"], uri: fields["uri"],
		response: strings.ToLower(fields["response"]), algorithm: strings.ToUpper(fields["algorithm"]),
		clientNonce: fields["cnonce"], quality: fields["qop"], count: uint32(count), countText: fields["nc"],
	}
	if c.algorithm == "" {
		c.algorithm = algorithmMD5
	}
	ok = c.username != "" && len(c.username) <= maxAccountName && c.realm == identity.PhoneRealm && c.quality == "auth" &&
		(c.algorithm == algorithmMD5 || c.algorithm == algorithmSHA256)
	return c, ok
}

// readValue reads a token or a quoted string, and the comma behind it.
func readValue(text string) (value, rest string, ok bool) {
	if !strings.HasPrefix(text, `"`) {
		value, rest, _ = strings.Cut(text, ",")
		return strings.TrimSpace(value), strings.TrimLeft(rest, " \t"), true
	}
	var content strings.Builder
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			if i++; i < len(text) {
				content.WriteByte(text[i])
			}
		case '"':
			rest = strings.TrimLeft(text[i+1:], " \t")
			if rest != "" && rest[0] != ',' {
				return "", "", false
			}
			return content.String(), strings.TrimLeft(strings.TrimPrefix(rest, ","), " \t"), true
		default:
			content.WriteByte(text[i])
		}
	}
	return "", "", false
}

// Algorithms of the digest (RFC 7616 §6.1).
const (
	algorithmMD5    = "MD5"
	algorithmSHA256 = "SHA-256"
)

// answers tells whether the credentials are of who has the secret (RFC 7616 §3.4.1), in a time that
// does not depend on it.
func (c credentials) answers(secret identity.PhoneSecret, method sip.RequestMethod) bool {
	hash, secretHash := hexMD5, secret.MD5
	if c.algorithm == algorithmSHA256 {
		hash, secretHash = hexSHA256, secret.SHA256
	}
	want := hash(secretHash + ":" + c.nonce + ":" + c.countText + ":" + c.clientNonce + ":" + c.quality + ":" + hash(string(method)+":"+c.uri))
	return subtle.ConstantTimeCompare([]byte(want), []byte(c.response)) == 1
}

func hexMD5(text string) string {
	sum := md5.Sum([]byte(text)) //nolint:gosec // see the import
	return hex.EncodeToString(sum[:])
}

func hexSHA256(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// isFor tells whether credentials are for a request, by its address's user and host: some write its
// parameters otherwise.
func (c credentials) isFor(request *sip.Request) bool {
	var uri sip.Uri
	return len(c.uri) <= maxURI && sip.ParseUri(c.uri, &uri) == nil &&
		uri.User == request.Recipient.User && strings.EqualFold(uri.Host, request.Recipient.Host)
}

// Some telephones give up when an algorithm that they do not know is offered beside one that they do
// (RFC 8760 §2.4 wants it passed over). They come again without credentials, or are known by name.
const md5Patience = 3 * time.Minute // libre 1 and 2 try again after half a minute to one

// onlyMD5 are parts of the User-Agent of such telephones, in lower case.
var onlyMD5 = []string{"baresip v0.", "baresip v1.", "baresip v2."}

// algorithmsFor are those that who sent a request is offered.
func (r *registrar) algorithmsFor(request *sip.Request, from netip.Addr) []string {
	both, short := []string{algorithmSHA256, algorithmMD5}, []string{algorithmMD5}
	if given, found := credentialsOf(request); found {
		if given.algorithm == algorithmMD5 {
			return short
		}
		return both
	}
	if isNamed(request, onlyMD5) {
		return short
	}
	user := request.To().Address.User
	key := from.String() + " " + strings.Clone(user[:min(len(user), maxAccountName)])
	r.mutex.Lock()
	defer r.mutex.Unlock()
	now := time.Now()
	if r.offered.hasAt(key, now) {
		return short
	}
	r.offered.add(key, now, md5Patience)
	return both
}

// challenge is the 401 that asks who somebody is. It is the same for every account.
func (r *registrar) challenge(request *sip.Request, from netip.Addr, stale bool) *fault {
	return r.challengeBy(r.algorithmsFor(request, from), from, stale)
}

func (r *registrar) challengeBy(algorithms []string, from netip.Addr, stale bool) *fault {
	nonce := r.nonces.fresh(time.Now(), from)
	var headers []sip.Header
	for _, algorithm := range algorithms {
		value := `Digest realm="` + identity.PhoneRealm + `", nonce="` + nonce + `", algorithm=` + algorithm + `, qop="auth"`
		if stale {
			value += ", stale=true"
		}
		headers = append(headers, sip.NewHeader("WWW-Authenticate", value))
	}
	return refuse(401, "Unauthorized", headers...)
}

// signedOn returns the account that a request of a phone is of, or what it is refused with. Whether an
// account or its phone exists can be learned neither from the answer nor from the time that it takes.
func (r *registrar) signedOn(ctx context.Context, request *sip.Request) (account string, secret identity.PhoneSecret, refusal *fault) {
	from := sourceOf(request).Addr()
	given, found := credentialsOf(request)
	if !found || !given.isFor(request) {
		return "", secret, r.challenge(request, from, false)
	}
	secret, known := r.phones.PhoneSecret(given.username)
	if !known {
		secret = r.nobody
	}
	// Failures of others elsewhere must not shut out the phone that is registered here.
	counted := given.username
	if r.isAt(given.username, from) {
		counted += " at " + from.String()
	}
	if refusal := r.prove(ctx, request, given, secret, known, counted); refusal != nil {
		return "", secret, refusal
	}
	return given.username, secret, nil
}

// prove checks what answers a challenge, with failures counted by a name and the address. It returns what the request is
// refused with. Whoever has no fresh nonce has not received one where he claims to be, and so costs nobody an attempt.
func (r *registrar) prove(
	ctx context.Context, request *sip.Request, given credentials, secret identity.PhoneSecret, known bool, counted string,
) *fault {
	from, now := sourceOf(request).Addr(), time.Now()
	if !r.nonces.isFresh(given.nonce, now, from) {
		return r.challenge(request, from, true)
	}
	succeeded, allowed := r.gateway.config.PhoneAttempts.Try(ctx, now, counted, from.String(), func() bool {
		return given.answers(secret, request.Method) && known
	})
	switch {
	case !allowed:
		r.refused.Add(1)
		return busy()
	case !succeeded:
		r.refused.Add(1)
		return r.challenge(request, from, false)
	case !r.nonces.spend(given.nonce, given.count, now):
		return r.challenge(request, from, true)
	}
	return nil
}

// credentialsOf returns the credentials of a request for our realm.
func credentialsOf(request *sip.Request) (credentials, bool) {
	headers := request.GetHeaders("authorization")
	for _, header := range headers[:min(len(headers), maxCredentials)] {
		if given, usable := readCredentials(header.Value()); usable {
			return given, true
		}
	}
	return credentials{}, false
}
