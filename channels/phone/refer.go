package phone

import "github.com/emiago/sipgo/sip"

// A referrer takes the REFER (RFC 3515) of a call whose party may transfer it, a registered desk
// phone, and answers it. It reports false, having done nothing, for everybody else. It is called
// by the call's own goroutine and must not wait.
type referrer func(l *leg, request *sip.Request, transaction *sip.ServerTx) bool

// refer answers REFER: whoever is no desk phone of ours can not make us call anybody.
func (l *leg) refer(in received) {
	if take := l.gateway.referrer; take != nil && take(l, in.request, in.transaction) {
		return
	}
	l.gateway.reject(in.request, in.transaction, forbidden())
}

func forbidden() *fault { return refuse(403, "Forbidden") }
