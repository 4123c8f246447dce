package phone

import (
	"time"

	"github.com/emiago/sipgo/sip"
)

// The transaction of an INVITE ends with its 2xx, as in RFC 3261 §13.3.1.4 and §17.1.1.2. What RFC 6026 has transactions do for another
// 64*T1 is done here, as that matters only where a message got lost: copies of the INVITE are absorbed, and further 2xx are acknowledged. The
// library's transactions would keep both messages of every call for half a minute, at 300 calls a second more than all else together.
func init() { sip.Timer_L, sip.Timer_M = 0, 0 }

// absorbs tells whether an INVITE that begins a call is a copy of one that was answered already (RFC 6026 §7.1), and not the same call by
// another way.
func (g *Gateway) absorbs(request *sip.Request) bool {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	if l := g.arriving[inviteOf(request)]; l != nil {
		return l.branch == branchOf(request)
	}
	return g.ended.has(dialogOf(request))
}

// branchOf is what a request's transaction is known by at the other side (RFC 3261 §17.2.3).
func branchOf(request *sip.Request) string {
	if via := request.Via(); via != nil {
		return via.Params.GetOr("branch", "")
	}
	return ""
}

// followAnswers lets answeredAgain give further 2xx to the INVITE of ours with a dialog's number to again, for as long as they may be
// repeated.
func (g *Gateway) followAnswers(dialog record, again func(*sip.Response)) {
	id := inviteID{callID: dialog.CallID, fromTag: dialog.LocalTag, sequence: dialog.Sequence}
	g.mutex.Lock()
	defer g.mutex.Unlock()
	g.acknowledged[id] = again
	time.AfterFunc(64*g.config.T1, func() {
		g.mutex.Lock()
		defer g.mutex.Unlock()
		delete(g.acknowledged, id)
	})
}

// answeredAgain takes a response whose transaction is over. A 2xx to an INVITE is one that was acknowledged in vain, or that of another
// device (RFC 3261 §13.2.2.4).
func (g *Gateway) answeredAgain(response *sip.Response) {
	sequence, from, to, callID := response.CSeq(), response.From(), response.To(), response.CallID()
	if sequence == nil || from == nil || to == nil || callID == nil || sequence.MethodName != sip.INVITE || !response.IsSuccess() {
		return
	}
	g.mutex.Lock()
	again := g.acknowledged[inviteID{callID: callID.Value(), fromTag: tag(from.Params), sequence: sequence.SeqNo}]
	g.mutex.Unlock()
	if again != nil {
		again(response)
	}
}
