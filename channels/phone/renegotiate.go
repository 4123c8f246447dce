package phone

import (
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
	body, fault := l.reply(in.request)
	if fault != nil {
		l.gateway.reject(in.request, in.transaction, fault)
		return
	}
	l.retarget(in.request)
	response := l.response(in.request, body)
	if err := in.transaction.Respond(response); err != nil {
		return // it is repeated by the caller, or given up
	}
	l.accepted(in.transaction, response, in.request.CSeq().SeqNo, answerDue)
}

// update answers UPDATE (RFC 3311), with which some refresh the call and some hold it.
func (l *leg) update(in received) {
	var body []byte
	if len(in.request.Body()) > 0 {
		var fault *fault
		if body, fault = l.reply(in.request); fault != nil {
			l.gateway.reject(in.request, in.transaction, fault)
			return
		}
	}
	l.retarget(in.request)
	_ = in.transaction.Respond(l.response(in.request, body)) // repeated with the request
}

// reply makes the answer to a request's offer, or an offer if it has none.
func (l *leg) reply(request *sip.Request) ([]byte, *fault) {
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
	offer, err := readDescription(request.Body(), l.offer.format.Codec)
	if err != nil {
		offer, err = readDescription(request.Body(), 0)
	}
	if err != nil {
		return nil, notAcceptable(l.session.address, err)
	}
	body, err := l.session.answer(offer)
	if err != nil {
		return nil, refuse(500, "Server Internal Error")
	}
	l.settle(offer)
	return body, nil
}

// retarget follows the peer's Contact (RFC 3261 §12.2.2), and where it sends from: a NAT may
// have given it another port, and our BYE must find it.
func (l *leg) retarget(request *sip.Request) {
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
