package phone

import (
	"bytes"
	"io"

	"github.com/emiago/sipgo/sip"
	"github.com/icholy/digest"
)

// maxChallenges are answered for one request: the second one says that our nonce is stale.
const maxChallenges = 2

// isChallenge tells whether a response asks who we are (RFC 3261 §22).
func isChallenge(code int) bool {
	return code == sip.StatusUnauthorized || code == sip.StatusProxyAuthRequired
}

// hasPassword tells whether the trunk's challenges are answered; nil is a stranger's.
func (t *Trunk) hasPassword() bool { return t != nil && t.Password != "" }

// credentials answers the challenge of a response to a request, by the topmost algorithm that we
// know (RFC 8760 §2.4). It returns nil when the trunk has no password, when it asks for what we do not know, and when
// a request with credentials was refused for another reason than a stale nonce: the password is wrong then, and
// trying again would lock us out.
func (t *Trunk) credentials(request *sip.Request, response *sip.Response) sip.Header {
	if !t.hasPassword() {
		return nil
	}
	challenges, name := "WWW-Authenticate", "Authorization"
	if response.StatusCode == sip.StatusProxyAuthRequired {
		challenges, name = "Proxy-Authenticate", "Proxy-Authorization"
	}
	for _, header := range response.GetHeaders(challenges) {
		challenge, err := digest.ParseChallenge(header.Value())
		if err != nil || !digest.CanDigest(challenge) {
			continue
		}
		if request.GetHeader(name) != nil && !challenge.Stale {
			return nil
		}
		answer, err := digest.Digest(challenge, digest.Options{
			Method: string(request.Method), URI: request.Recipient.String(), Username: t.User, Password: t.Password, Count: 1,
			GetBody: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(request.Body())), nil },
		})
		if err != nil {
			continue
		}
		return sip.NewHeader(name, answer.String())
	}
	return nil
}
