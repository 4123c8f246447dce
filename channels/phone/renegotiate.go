package phone

import (
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/emiago/sipgo/sip"

	"svar/channels/media"
)

// change answers a request that may change the session.
func (l *leg) change(in received) {
	if in.request.Method == sip.INVITE {
		l.renegotiate(in)
	} else {
		l.update(in)
	}
}

// renegotiate answers a re-INVITE (RFC 3261 §14.2): hold, its end, a new address, or nothing
// new at all, as a sign of life.
func (l *leg) renegotiate(in received) {
	answerDue := len(in.request.Body()) == 0
	timing, fault := agree(in.request, l.timing.expiry)
	if fault != nil {
		l.gateway.reject(in.request, in.transaction, fault)
		return
	}
	body, fault := l.reply(in.request)
	if fault != nil {
		l.gateway.reject(in.request, in.transaction, fault)
		return
	}
	l.retarget(in.request)
	response := l.response(in.request, body)
	tellExpiry(in.request, response, timing)
	l.refreshed(timing)
	if err := in.transaction.Respond(response); err != nil {
		return // it is repeated by the caller, or given up
	}
	l.accepted(in.transaction, response, in.request.CSeq().SeqNo, answerDue)
}

// update answers UPDATE (RFC 3311), with which some refresh the call and some hold it.
func (l *leg) update(in received) {
	timing, fault := agree(in.request, l.timing.expiry)
	if fault != nil {
		l.gateway.reject(in.request, in.transaction, fault)
		return
	}
	var body []byte
	if len(in.request.Body()) > 0 {
		if body, fault = l.reply(in.request); fault != nil {
			l.gateway.reject(in.request, in.transaction, fault)
			return
		}
	}
	l.retarget(in.request)
	response := l.response(in.request, body)
	if !l.confirmedAt.IsZero() { // before, the INVITE's own is agreed
		tellExpiry(in.request, response, timing)
		l.refreshed(timing)
	}
	_ = in.transaction.Respond(response) // repeated with the request
}

// reply makes the answer to a request's offer, or an offer if it has none.
func (l *leg) reply(request *sip.Request) ([]byte, *fault) {
	if fault := l.keysInTheOpen(request); fault != nil {
		return nil, fault
	}
	if len(request.Body()) == 0 {
		// Both ways, whatever holds now: this is how some peers end a hold. And all that we
		// speak, what is spoken now first: this is how some connect us to another phone.
		body, err := l.session.offer(l.offer.format, media.SendReceive)
		if err != nil {
			return nil, refuse(500, "Server Internal Error")
		}
		return body, nil
	}
	// The codec goes on if the offer has it, and changes otherwise.
	offer, err := readDescription(request.Body(), l.offer.format.Codec, l.session.secure)
	if err != nil {
		offer, err = readDescription(request.Body(), 0, l.session.secure)
	}
	if err != nil {
		return nil, notAcceptable(l.session.address, err)
	}
	body, err := l.answer(offer)
	if err != nil {
		return nil, refuse(500, "Server Internal Error")
	}
	l.settle(offer)
	return body, nil
}

// keysInTheOpen refuses a request of a call by TLS that came by another way: neither are its keys taken, nor are ours told where
// others can read them.
func (l *leg) keysInTheOpen(request *sip.Request) *fault {
	if !l.session.secure || isSecure(request) {
		return nil
	}
	return notAcceptable(l.session.address, unfit("keys are exchanged by TLS only"))
}

// retarget follows the peer's Contact (RFC 3261 §12.2.2), and where it sends from: a NAT may
// have given it another port, and our BYE must find it.
func (l *leg) retarget(request *sip.Request) {
	l.learnMethods(request)
	changed := l.dialog
	if contact := request.Contact(); contact != nil {
		changed.Target = target(contact)
	}
	if source := sourceOf(request); sip.NetworkToUpper(request.Transport()) == changed.Transport && source.Addr() == l.peer {
		changed.Source = source
	}
	if changed.validate() == nil && (changed.Target != l.dialog.Target || changed.Source != l.dialog.Source) {
		l.dialog = changed
		l.publish()
	}
}

// deferred is a request that came while an ACK was due.
type deferred struct {
	received
	patience *time.Timer
}

// deferRequest keeps one request until the ACK is there, and refuses a second one.
func (l *leg) deferRequest(in received) {
	if l.waiting != nil {
		l.refuseGlare(in)
		return
	}
	l.waiting = &deferred{received: in, patience: time.NewTimer(overtaking)}
}

func (l *leg) deferTimer() <-chan time.Time {
	if l.waiting == nil {
		return nil
	}
	return l.waiting.patience.C
}

// takeDeferred answers the request that waited for the ACK.
func (l *leg) takeDeferred() {
	if waiting := l.waiting; waiting != nil {
		l.waiting = nil
		waiting.patience.Stop()
		l.change(waiting.received)
	}
}

func (l *leg) refuseDeferred() {
	in := l.waiting.received
	l.waiting = nil
	l.refuseGlare(in)
}

// refuseGlare refuses a change while another one is under way: 491 when an offer of ours waits
// for its answer (RFC 3261 §14.2, RFC 3311 §5.2), otherwise 500, to be tried again later.
func (l *leg) refuseGlare(in received) {
	if l.pending != nil && l.pending.answerDue {
		l.gateway.respond(in.request, in.transaction, 491, "Request Pending")
		return
	}
	l.gateway.respond(in.request, in.transaction, 500, "Server Internal Error", retrySoon())
}

// retrySoon is after how many seconds a change may be tried again: by chance, as RFC 3261 §14.2
// wants it.
func retrySoon() sip.Header { return sip.NewHeader("Retry-After", strconv.Itoa(rand.IntN(11))) }
