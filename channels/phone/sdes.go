package phone

import (
	"encoding/base64"
	"strings"

	"github.com/emiago/sipgo/sip"
	"github.com/pion/sdp/v3"

	"svar/channels/media"
)

// Keys of encrypted voice stand in the session description (SDES, RFC 4568). They are worth something only where
// nobody reads the signalling: a call that came by TLS has encrypted voice, always, and any other one never has. Keys are
// in no log and no record.

// offeredSuites are what our own offers have, by the tag that they have there; taken are what we take of others' offers.
var (
	offeredSuites = []media.SRTPSuite{media.AES128HMACSHA180, media.AES128GCM}
	takenSuites   = map[media.SRTPSuite]bool{media.AES128HMACSHA180: true, media.AES128GCM: true, media.AES128HMACSHA132: true}
)

const (
	// maxCryptoLines bounds the a=crypto of one media that are looked at.
	maxCryptoLines = 20
	plainVoice     = "RTP/AVP"
	encryptedVoice = "RTP/SAVP"
)

// cryptoLine is an a=crypto (RFC 4568 §9.1): the key by which its sender encrypts.
type cryptoLine struct {
	tag string
	key media.SRTPKey
}

// isSecure tells whether a request came by TLS.
func isSecure(request *sip.Request) bool { return sip.NetworkToUpper(request.Transport()) == "TLS" }

// chooseCrypto takes the first key of a media that we can decrypt by.
func chooseCrypto(line *sdp.MediaDescription) (cryptoLine, bool) {
	seen := 0
	for _, attribute := range line.Attributes {
		if attribute.Key != "crypto" {
			continue
		}
		if seen++; seen > maxCryptoLines {
			break
		}
		if crypto, usable := readCrypto(attribute.Value); usable {
			return crypto, true
		}
	}
	return cryptoLine{}, false
}

// readCrypto reads "1 AES_CM_128_HMAC_SHA1_80 inline:KEY|2^31". Of key parameters it takes one key without MKI; its
// lifetime is longer than any call of ours. Session parameters that we do not know must not be ignored
// (RFC 4568 §6.3.8), but for those that only advise.
func readCrypto(value string) (cryptoLine, bool) {
	fields := strings.Fields(value)
	if len(fields) < 3 || len(fields[0]) > 9 || strings.Trim(fields[0], "0123456789") != "" {
		return cryptoLine{}, false
	}
	suite := media.SRTPSuite(strings.ToUpper(fields[1]))
	if !takenSuites[suite] {
		return cryptoLine{}, false
	}
	for _, parameter := range fields[3:] {
		if !strings.HasPrefix(parameter, "-") && !strings.HasPrefix(parameter, "WSH=") {
			return cryptoLine{}, false
		}
	}
	method, info, _ := strings.Cut(fields[2], ":")
	parts := strings.Split(info, "|")
	if !strings.EqualFold(method, "inline") || strings.Contains(info, ";") || len(parts) > 2 || len(parts) == 2 && strings.Contains(parts[1], ":") {
		return cryptoLine{}, false
	}
	// Some leave out the padding.
	master, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(parts[0], "="))
	if err != nil || len(master) != suite.Len() {
		return cryptoLine{}, false
	}
	return cryptoLine{tag: fields[0], key: media.SRTPKey{Suite: suite, Master: master}}, true
}

func (c cryptoLine) String() string { return c.tag + " " + string(c.key.Suite) + " (secret)" }

// value is the attribute's.
func (c cryptoLine) value() string {
	return c.tag + " " + string(c.key.Suite) + " inline:" + base64.StdEncoding.EncodeToString(c.key.Master)
}

// keyring is our keys for one media of a session, by suite. Each media has its own: one key for two streams of equal SSRC
// would give both away (RFC 4568 §6.1).
type keyring map[media.SRTPSuite]media.SRTPKey

// keyFor is our key for a suite, the same as long as the session lasts.
func (k *keyring) keyFor(suite media.SRTPSuite) media.SRTPKey {
	if key, made := (*k)[suite]; made {
		return key
	}
	if *k == nil {
		*k = make(keyring)
	}
	(*k)[suite] = media.NewSRTPKey(suite)
	return (*k)[suite]
}

// protected adds our keys to our line of a media: the one for what we answer to, or one for each suite that we offer.
func (s *session) protected(line *sdp.MediaDescription, keys *keyring, answersTo cryptoLine) *sdp.MediaDescription {
	if !s.secure {
		return line
	}
	line.MediaName.Protos = strings.Split(encryptedVoice, "/")
	if answersTo.tag != "" {
		return line.WithValueAttribute("crypto", cryptoLine{answersTo.tag, keys.keyFor(answersTo.key.Suite)}.value())
	}
	for i, suite := range offeredSuites {
		line = line.WithValueAttribute("crypto", cryptoLine{string(rune('1' + i)), keys.keyFor(suite)}.value())
	}
	return line
}

// protect encrypts the voice as was agreed.
func (l *leg) protect(theirs cryptoLine) { l.protectBy(l.socket, &l.session.keys, theirs) }

// protectBy encrypts what goes by a socket. Nothing goes until their key is known.
func (l *leg) protectBy(socket *media.Socket, keys *keyring, theirs cryptoLine) {
	if !l.session.secure {
		socket.Unprotect()
		return
	}
	ours := media.SRTPKey{}
	if theirs.tag != "" {
		ours = keys.keyFor(theirs.key.Suite)
	}
	if err := socket.Protect(ours, theirs.key); err != nil {
		l.log.Error().Err(err).Msg("the media could not be encrypted: nothing goes")
	}
}
