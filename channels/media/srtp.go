package media

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"

	"github.com/pion/srtp/v3"
)

// SRTPSuite is a way to encrypt voice, by the name that SDP has for it.
type SRTPSuite string

// The suites (RFC 4568 §6.2, RFC 7714 §14.2).
const (
	AES128HMACSHA180 SRTPSuite = "AES_CM_128_HMAC_SHA1_80"
	AES128HMACSHA132 SRTPSuite = "AES_CM_128_HMAC_SHA1_32"
	AES128GCM        SRTPSuite = "AEAD_AES_128_GCM"
)

// srtpProfiles are the suites as the library has them, and how long key and salt are together.
var srtpProfiles = map[SRTPSuite]struct {
	profile srtp.ProtectionProfile
	key     int
	salt    int
}{
	AES128HMACSHA180: {srtp.ProtectionProfileAes128CmHmacSha1_80, 16, 14},
	AES128HMACSHA132: {srtp.ProtectionProfileAes128CmHmacSha1_32, 16, 14},
	AES128GCM:        {srtp.ProtectionProfileAeadAes128Gcm, 16, 12},
}

// Len is how long master key and salt are together, in bytes; 0 for a suite that is not known.
func (s SRTPSuite) Len() int { return srtpProfiles[s].key + srtpProfiles[s].salt }

// SRTPKey is what one direction of a call is encrypted by. It prints as nothing.
type SRTPKey struct {
	Suite SRTPSuite
	// Master is the master key and the salt after it (RFC 4568 §6.1).
	Master []byte
}

// NewSRTPKey makes a key. It panics for a suite that is not known.
func NewSRTPKey(suite SRTPSuite) SRTPKey {
	if suite.Len() == 0 {
		panic("media: unknown SRTP suite")
	}
	key := SRTPKey{Suite: suite, Master: make([]byte, suite.Len())}
	_, _ = rand.Read(key.Master) // never fails (crypto/rand)
	return key
}

// String keeps the key out of logs, and so do GoString and MarshalText.
func (k SRTPKey) String() string { return "(secret)" }

// GoString keeps the key out of %#v.
func (k SRTPKey) GoString() string { return k.String() }

// MarshalText keeps the key out of JSON.
func (k SRTPKey) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

func (k SRTPKey) isZero() bool { return k.Suite == "" }

func (k SRTPKey) equal(other SRTPKey) bool {
	return k.Suite == other.Suite && bytes.Equal(k.Master, other.Master)
}

// replayWindow is how many packets may overtake one before it is taken for a repetition (RFC 3711 §3.3.2).
const replayWindow = 128

func (k SRTPKey) context() (*srtp.Context, error) {
	known, found := srtpProfiles[k.Suite]
	if !found || len(k.Master) != k.Suite.Len() {
		return nil, errors.New("SRTP: no such key")
	}
	context, err := srtp.CreateContext(k.Master[:known.key], k.Master[known.key:], known.profile,
		srtp.SRTPReplayProtection(replayWindow), srtp.SRTCPReplayProtection(replayWindow))
	if err != nil {
		return nil, fmt.Errorf("SRTP: %w", err)
	}
	return context, nil
}

var errUnprotected = errors.New("the voice is to be encrypted, and there is no key")

// protection encrypts what a socket sends and opens what it receives (RFC 3711). Until [Socket.Protect] it passes
// everything as it is. Safe for concurrent use.
type protection struct {
	mutex            sync.Mutex
	required         bool
	local, remote    SRTPKey
	out, in          *srtp.Context
	outgoing, opened []byte
}

// set changes keys. A key that is the same goes on, with its counters: packets that were sent by it can not be played
// again.
func (p *protection) set(required bool, local, remote SRTPKey) error {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.required = required
	if !required {
		local, remote = SRTPKey{}, SRTPKey{}
	}
	if !local.equal(p.local) {
		p.local, p.out = local, nil
		if !local.isZero() {
			out, err := local.context()
			if err != nil {
				return err
			}
			p.out = out
		}
	}
	if !remote.equal(p.remote) {
		p.remote, p.in = remote, nil
		if !remote.isZero() {
			in, err := remote.context()
			if err != nil {
				return err
			}
			p.in = in
		}
	}
	return nil
}

// seal returns the packet as it goes out. What it returns is valid until the next call, which the caller sees to.
func (p *protection) seal(packet []byte, isRTCP bool) ([]byte, error) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	switch {
	case !p.required:
		return packet, nil
	case p.out == nil:
		return nil, errUnprotected
	case isRTCP:
		sealed, err := p.out.EncryptRTCP(nil, packet, nil)
		if err != nil {
			return nil, fmt.Errorf("encrypt RTCP: %w", err)
		}
		return sealed, nil
	}
	sealed, err := p.out.EncryptRTP(p.outgoing[:0], packet, nil)
	if err != nil {
		return nil, fmt.Errorf("encrypt RTP: %w", err)
	}
	p.outgoing = sealed
	return sealed, nil
}

// open returns what a packet holds. What is not encrypted by the key, was changed or came before is an error. An opened RTP
// packet is valid until the next one.
func (p *protection) open(packet []byte, isRTCP bool) ([]byte, error) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if !p.required {
		return packet, nil
	}
	if p.in == nil {
		return nil, errUnprotected
	}
	// The library remembers only sources that have proved to have the key.
	if isRTCP {
		opened, err := p.in.DecryptRTCP(nil, packet, nil)
		if err != nil {
			return nil, fmt.Errorf("decrypt RTCP: %w", err)
		}
		return opened, nil
	}
	opened, err := p.in.DecryptRTP(p.opened[:0], packet, nil)
	if err != nil {
		return nil, fmt.Errorf("decrypt RTP: %w", err)
	}
	p.opened = opened
	return opened, nil
}

// Protect says that what the socket carries is encrypted from now on: what it sends by local, what it receives by
// remote. Without a key in one direction nothing goes that way, and nothing goes unencrypted. The same keys again change
// nothing. The error is that of a key that is none.
func (s *Socket) Protect(local, remote SRTPKey) error { return s.protection.set(true, local, remote) }

// Unprotect says that what the socket carries is not encrypted, as at the beginning.
func (s *Socket) Unprotect() { _ = s.protection.set(false, SRTPKey{}, SRTPKey{}) } // without keys there is no error
