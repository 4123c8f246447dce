package phone

import (
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/emiago/sipgo/sip"

	"svar/channels"
	"svar/channels/media"
)

const (
	// t2 is the longest time between two repetitions (RFC 3261 §17.1.2.2).
	t2 = 4 * time.Second
	// reportInterval is the mean time between two RTCP reports; each is a random half to one
	// and a half of it (RFC 3550 §6.3.1).
	reportInterval = 5 * time.Second
	// overtaking is how far a request may come before the ACK that was sent before it: each
	// message is handled by a goroutine of its own.
	overtaking = 200 * time.Millisecond
)

// beforeBye bounds the wait of a BYE for the answer to what was sent before it and must not come after.
const beforeBye = time.Second

// state is what a dialog does next: one method per state. nil is the end.
type state func() state

// run is the dialog's life.
func (l *leg) run() {
	l.gateway.voices.Open(l.stream)
	l.helpers.Go(l.passDigits)
	for next := l.first; next != nil; {
		next = next()
	}
	if l.waiting != nil {
		l.waiting.patience.Stop()
		l.gateway.respond(l.waiting.request, l.waiting.transaction, 481, "Call/Transaction Does Not Exist")
	}
	l.stopPending()
	l.stopProvisional()
	l.stopTiming()
	l.end(channels.EndedByFault) // counts only if a state forgot to
	if l.answering != nil {
		l.answering <- channels.ErrLegOver
	}
	l.gateway.remember(l)
	close(l.finished)
	if l.bye != nil {
		l.bye.Terminate() // copies are answered as those of any dialog that is over
	}
	l.helpers.Wait()
	l.gateway.forget(l)
}

// early: the INVITE has no final response yet.
func (l *leg) early() state {
	select {
	case <-l.cancelled:
		return l.endCancelled()
	default:
	}
	repeat, giveUp := l.provisionalTimers()
	answers := l.answers
	if l.answering != nil {
		answers = nil
	}
	select {
	case reply := <-answers:
		return l.accept(reply)
	case in := <-l.requests:
		return l.takeEarly(in)
	case <-l.rings:
		l.ring()
		return l.early
	case t := <-l.takeovers:
		// An early dialog that the other side began (RFC 3891 §3).
		t.taken <- refuse(481, "Call/Transaction Does Not Exist")
		return l.early
	case <-repeat:
		l.repeatProvisional()
		return l.early
	case <-giveUp:
		// Who insists on acknowledging and does not, gets a 5xx (RFC 3262 §3).
		l.log.Warn().Msg("no PRACK came")
		return l.endFault(504, "Server Time-out")
	case <-l.cancelled:
		return l.endCancelled()
	case <-l.hungUp:
		return l.endRefused(480, "Temporarily Unavailable")
	case <-l.refused:
		return l.endRefused(503, "Service Unavailable")
	case <-l.gateway.closing:
		return l.endRefused(503, "Service Unavailable")
	}
}

// endCancelled answers 487. The transaction has done so already if it met the CANCEL; then
// this only makes sure that nothing else is repeated.
func (l *leg) endCancelled() state {
	l.gateway.respond(l.invite, l.transaction, 487, "Request Terminated")
	l.end(channels.EndedByParty)
	return nil
}

func (l *leg) endRefused(code int, reason string) state {
	var headers []sip.Header
	if code == 503 {
		headers = append(headers, sip.NewHeader("Retry-After", strconv.Itoa(retryAfter)))
	}
	l.gateway.respond(l.invite, l.transaction, code, reason, headers...)
	l.end(channels.EndedByUs)
	return nil
}

func (l *leg) takeEarly(in received) state {
	switch in.request.Method {
	case sip.BYE:
		l.gateway.respond(in.request, in.transaction, 200, "OK")
		return l.endCancelled()
	case sip.ACK:
	case sip.OPTIONS:
		l.gateway.respondOptions(in.request, in.transaction)
	case sip.INFO:
		l.info(in)
	case sip.PRACK:
		l.follow(in.request)
		l.prack(in)
		if reply := l.answering; reply != nil && l.unacknowledged == nil {
			l.answering = nil
			return l.accept(reply)
		}
	case sip.REFER:
		l.refer(in)
	case sip.UPDATE:
		if len(in.request.Body()) == 0 || l.described { // a refresh, or nothing is open
			l.follow(in.request)
			l.update(in)
			break
		}
		l.gateway.respond(in.request, in.transaction, 500, "Server Internal Error", retrySoon())
	default:
		// RFC 3261 §14.2 and RFC 3311 §5.2: the first offer is not answered yet.
		l.gateway.respond(in.request, in.transaction, 500, "Server Internal Error", retrySoon())
	}
	return l.early
}

// follow remembers the number of a request before the answer, where some may be lost.
func (l *leg) follow(request *sip.Request) {
	l.remoteSequence = max(l.remoteSequence, request.CSeq().SeqNo)
}

// accept sends 200.
func (l *leg) accept(reply chan error) state {
	if l.unacknowledged != nil && l.unacknowledged.answerDue {
		l.answering = reply // no 2xx before the answer to our offer (RFC 3262 §5)
		return l.early
	}
	l.stopProvisional()
	answerDue := len(l.invite.Body()) == 0 && !l.described
	var (
		body []byte
		err  error
	)
	switch {
	case answerDue:
		body, err = l.session.offer(media.Format{}, media.SendReceive)
	case len(l.invite.Body()) > 0:
		body, err = l.answer(l.offer)
	}
	if err != nil {
		l.log.Error().Err(err).Msg("call could not be answered")
		reply <- channels.ErrLegOver
		return l.endFault(500, "Server Internal Error")
	}
	response := l.response(l.invite, body)
	tellExpiry(l.invite, response, l.timing.expiry)
	if err := l.transaction.Respond(response); err != nil {
		reply <- channels.ErrLegOver
		select {
		case <-l.cancelled:
			// CANCEL won at the last moment. The transaction now holds our 200 as what it
			// would repeat: put 487 in its place.
			return l.endCancelled()
		default:
		}
		l.log.Error().Err(err).Msg("call could not be answered")
		l.end(channels.EndedByFault)
		return nil
	}
	l.accepted(l.transaction, response, l.invite.CSeq().SeqNo, answerDue)
	if !answerDue && !l.described {
		l.settle(l.offer)
	}
	_ = l.socket.Start(l.stream) // fails only when it was closed
	l.gateway.counters.answered.Add(1)
	l.log.Info().Str("leg", string(l.id)).Msg("call answered")
	reply <- nil
	return l.waitingForACK
}

func (l *leg) endFault(code int, reason string) state {
	l.gateway.respond(l.invite, l.transaction, code, reason)
	l.end(channels.EndedByFault)
	return nil
}

// response is a 200 that may carry a description.
func (l *leg) response(request *sip.Request, body []byte) *sip.Response {
	response := sip.NewResponseFromRequest(request, 200, "OK", nil)
	response.AppendHeader(l.gateway.contactHeader(l.peer, l.dialog.Transport))
	response.AppendHeader(sip.NewHeader("Allow", l.allowed()))
	response.AppendHeader(sip.NewHeader("Supported", supported))
	if body != nil {
		describe(response, body)
	}
	return response
}

// waitingForACK: 200 was sent and is repeated. Hanging up ends the leg now and the dialog
// when the ACK is there: no BYE may come before it (RFC 3261 §15).
func (l *leg) waitingForACK() state {
	hungUp := l.hungUp
	if l.isOver() {
		hungUp = nil
	}
	repeat, giveUp := l.pendingTimers()
	select {
	case in := <-l.requests:
		switch in.request.Method {
		case sip.ACK:
			return l.acknowledge(in.request)
		case sip.BYE:
			return l.endByParty(in)
		default:
			return l.take(in, l.waitingForACK)
		}
	case <-l.deferTimer():
		l.refuseDeferred()
		return l.waitingForACK
	case <-repeat:
		l.repeat()
		return l.waitingForACK
	case <-giveUp:
		return l.endUnacknowledged()
	case reply := <-l.answers:
		reply <- l.answeredAlready()
		return l.waitingForACK
	case <-hungUp:
		l.end(channels.EndedByUs)
		return l.waitingForACK
	case <-l.refused:
		return l.endWithBye(channels.EndedByUs)
	case <-l.gateway.closing:
		return l.endWithBye(channels.EndedByUs)
	}
}

// answeredAlready is what a second Answer gets.
func (l *leg) answeredAlready() error {
	if l.isOver() {
		return channels.ErrLegOver
	}
	return nil
}

// endUnacknowledged: no ACK came. The call is up at the other side for all we know, so it
// gets BYE, or its carrier would go on charging.
// From a trunk that is a fault, and the caller is owed a call-back; a stranger may have
// made up the call and its number, so his counts as given up.
func (l *leg) endUnacknowledged() state {
	l.gateway.counters.lostACKs.Add(1)
	l.log.Warn().Msg("no ACK came")
	reason := because(408, "No ACK came")
	if !l.trusted {
		return l.endWithBye(channels.EndedByParty, reason)
	}
	return l.endWithBye(channels.EndedByFault, reason)
}

// acknowledge takes the ACK of the first 200: the call is up, and sound begins.
func (l *leg) acknowledge(ack *sip.Request) state {
	if !l.acknowledges(ack) {
		return l.waitingForACK
	}
	if fault := l.takeAnswer(ack); fault != nil {
		return l.endWithBye(channels.EndedByFault, fault)
	}
	if l.isOver() {
		return l.endWithBye(channels.EndedByUs) // hung up in the meantime
	}
	l.begin(l.offer.format)
	l.confirmedAt = time.Now()
	l.refreshed(l.timing.expiry)
	l.takeDeferred()
	return l.confirmed
}

// because is the Reason of a BYE (RFC 3326): why a call ends that nobody hung up, for who looks
// at the other side's trace.
func because(code int, text string) sip.Header {
	return sip.NewHeader("Reason", "SIP;cause="+strconv.Itoa(code)+";text="+strconv.Quote(text))
}

// confirmed: the call is up.
func (l *leg) confirmed() state {
	interval := l.gateway.reports
	reports := time.NewTimer(interval/2 + rand.N(interval))
	defer reports.Stop()
	for {
		repeat, giveUp := l.pendingTimers()
		select {
		case in := <-l.requests:
			switch in.request.Method {
			case sip.ACK:
				if fault := l.acknowledgeAgain(in.request); fault != nil {
					return l.endWithBye(channels.EndedByFault, fault)
				}
			case sip.BYE:
				return l.endByParty(in)
			default:
				_ = l.take(in, nil)
			}
		case <-l.deferTimer():
			l.refuseDeferred()
		case <-repeat:
			l.repeat()
		case <-giveUp:
			return l.endUnacknowledged()
		case <-l.sessionDue():
			if l.expire() {
				return l.endExpired()
			}
		case t := <-l.takeovers:
			l.takeOver(t)
		case o := <-l.asking:
			if fault := l.answered(o); fault != nil {
				return l.endWithBye(channels.EndedByFault, fault)
			}
		case reply := <-l.answers:
			reply <- nil
		case <-l.hungUp:
			return l.endWithBye(channels.EndedByUs)
		case <-l.refused:
			return l.endWithBye(channels.EndedByUs)
		case <-l.gateway.closing:
			return l.endWithBye(channels.EndedByUs)
		case code := <-l.referral.results():
			l.notify(code, true)
		case answer := <-l.referral.answered():
			l.notified(answer)
		case <-reports.C:
			l.report()
			l.probeSilence(time.Now())
			reports.Reset(interval/2 + rand.N(interval))
		case alive := <-l.probe:
			if l.isDead(alive) {
				l.gateway.counters.deadRTP.Add(1)
				l.log.Warn().Msg("the other side no longer knows the call")
				return l.endWithBye(channels.EndedByFault, because(481, "The other side no longer knows the call"))
			}
		}
	}
}

// nextRequest is the dialog with the CSeq number of our next request. Each challenge that a trunk may ask takes
// one more.
func (l *leg) nextRequest() record {
	l.dialog.Sequence++
	next := l.dialog
	if l.gateway.config.trunkNamed(next.Trunk).hasPassword() {
		l.dialog.Sequence += maxChallenges
	}
	l.publish()
	return next
}

// send sends a request in the dialog and reports the outcome from another goroutine.
func (l *leg) send(method sip.RequestMethod, outcome func(code int, err error), headers ...sip.Header) {
	l.sendAfter(nil, method, outcome, headers...)
}

// sendAfter is send once another request is through, or seems lost; nil waits for nothing.
func (l *leg) sendAfter(before <-chan struct{}, method sip.RequestMethod, outcome func(code int, err error), headers ...sip.Header) {
	dialog, g := l.nextRequest(), l.gateway
	ctx, done, serving := g.begin(g.life)
	if !serving {
		return
	}
	go func() {
		defer done()
		if before != nil {
			select {
			case <-before:
			case <-time.After(beforeBye):
			case <-ctx.Done():
			}
		}
		outcome(g.request(ctx, dialog, method, dialog.Sequence, headers...))
	}()
}

// endWithBye ends the call from our side. Whatever is answered, and if nothing is, the
// dialog is over (RFC 3261 §15.1.1). reason says why if nobody hung up.
func (l *leg) endWithBye(ending channels.Ending, reason ...sip.Header) state {
	l.endReferral()
	log := l.log
	l.sendAfter(l.told, sip.BYE, func(code int, err error) {
		if err != nil {
			log.Warn().Err(err).Msg("BYE")
		}
	}, reason...)
	l.end(ending)
	return nil
}

// endByParty answers BYE.
func (l *leg) endByParty(in received) state {
	l.gateway.respond(in.request, in.transaction, 200, "OK")
	l.bye = in.transaction
	l.endReferral()
	l.end(channels.EndedByParty)
	return nil
}

// take answers a request other than ACK and BYE, and returns next.
func (l *leg) take(in received, next state) state {
	if in.request.Method == sip.INVITE && int64(in.request.CSeq().SeqNo) == l.answered2xx {
		in.transaction.Terminate() // a copy of one that was answered
		return next
	}
	if in.request.CSeq().SeqNo <= l.remoteSequence {
		l.gateway.respond(in.request, in.transaction, 500, "Out of order") // RFC 3261 §12.2.2
		return next
	}
	l.remoteSequence = in.request.CSeq().SeqNo
	switch in.request.Method {
	case sip.INVITE, sip.UPDATE:
		switch {
		case l.inviting && (in.request.Method == sip.INVITE || len(in.request.Body()) > 0):
			// One of ours is under way (RFC 3261 §14.2, RFC 3311 §5.2).
			l.gateway.respond(in.request, in.transaction, 491, "Request Pending")
		case l.pending != nil:
			l.deferRequest(in)
		default:
			l.change(in)
		}
	case sip.OPTIONS:
		l.gateway.respondOptions(in.request, in.transaction)
	case sip.INFO:
		l.info(in)
	case sip.PRACK:
		l.prack(in)
	case sip.REFER:
		l.refer(in)
	default:
		l.gateway.respond(in.request, in.transaction, 405, "Method Not Allowed", sip.NewHeader("Allow", l.allowed()))
	}
	return next
}
