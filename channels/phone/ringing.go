package phone

import (
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"

	"svar/channels"
	"svar/channels/media"
)

var _ channels.Ringer = (*leg)(nil)

// Ringing implements [channels.Ringer].
func (l *leg) Ringing() {
	select {
	case l.rings <- struct{}{}:
	default: // it is about to
	}
}

// provisional is a reliable provisional response that waits for its PRACK (RFC 3262 §3).
type provisional struct {
	response *sip.Response
	number   uint32 // RSeq
	// answerDue says that the response held our offer, whose answer comes with the PRACK.
	answerDue bool

	interval time.Duration
	repeat   *time.Timer
	giveUp   *time.Timer
}

// ring sends 180: once and reliably if the caller insists on that, otherwise as often as we are
// told, in the hope that it arrives.
func (l *leg) ring() {
	if l.unacknowledged != nil {
		return // it is repeated anyway
	}
	response := sip.NewResponseFromRequest(l.invite, 180, "Ringing", nil)
	response.AppendHeader(l.gateway.contactHeader(l.peer, l.dialog.Transport))
	response.AppendHeader(sip.NewHeader("Allow", allowed))
	if !requires(l.invite, optionReliable) {
		_ = l.transaction.Respond(response) // the caller hears nothing, and is answered all the same
		return
	}
	answerDue := false
	if len(l.invite.Body()) == 0 && !l.described {
		// The first reliable response has to make the offer (RFC 3262 §5).
		body, err := l.session.offer(media.Format{}, media.SendReceive)
		if err != nil {
			l.log.Error().Err(err).Msg("ringing could not be told")
			return
		}
		answerDue = true
		describe(response, body)
	}
	l.lastReliable++
	response.AppendHeader(sip.NewHeader("Require", optionReliable))
	response.AppendHeader(sip.NewHeader("RSeq", strconv.FormatUint(uint64(l.lastReliable), 10)))
	t1 := l.gateway.config.T1
	l.unacknowledged = &provisional{
		response: response, number: l.lastReliable, answerDue: answerDue,
		interval: t1, repeat: time.NewTimer(t1), giveUp: time.NewTimer(64 * t1),
	}
	_ = l.transaction.Respond(response) // repeated until PRACK comes
}

// describe puts a session description into a message.
func describe(message sip.Message, body []byte) {
	contentType := sip.ContentTypeHeader("application/sdp")
	message.AppendHeader(&contentType)
	message.SetBody(body)
}

// provisionalTimers are the channels of the reliable response under way; nil without one.
func (l *leg) provisionalTimers() (repeat, giveUp <-chan time.Time) {
	if l.unacknowledged == nil {
		return nil, nil
	}
	return l.unacknowledged.repeat.C, l.unacknowledged.giveUp.C
}

func (l *leg) repeatProvisional() {
	p := l.unacknowledged
	_ = l.transaction.Respond(p.response) // the next repetition comes anyway
	p.interval *= 2
	p.repeat.Reset(p.interval)
}

// stopProvisional ends the repetition. PRACK is still taken after a final response (RFC 3262 §3).
func (l *leg) stopProvisional() {
	if l.unacknowledged != nil {
		l.unacknowledged.repeat.Stop()
		l.unacknowledged.giveUp.Stop()
	}
}

// prack answers PRACK: 481 unless it acknowledges the response that waits for it (RFC 3262 §3).
func (l *leg) prack(in received) {
	waiting := l.unacknowledged
	if waiting == nil || !acknowledges(in.request, waiting.number, l.invite.CSeq().SeqNo) {
		l.gateway.respond(in.request, in.transaction, 481, "Call/Transaction Does Not Exist")
		return
	}
	if waiting.answerDue {
		if fault := l.keysInTheOpen(in.request); fault != nil {
			l.gateway.reject(in.request, in.transaction, fault)
			return
		}
		answer, err := readDescription(in.request.Body(), 0, l.session.secure)
		if err != nil {
			l.gateway.reject(in.request, in.transaction, notAcceptable(l.session.address, err))
			return // PRACK may come again, with a better one
		}
		l.settle(answer)
		l.described = true
	} else if len(in.request.Body()) > 0 {
		// Our answer to the INVITE's offer is still to come, and so there is no room for another.
		l.gateway.reject(in.request, in.transaction, notAcceptable(l.session.address, unfit("an offer before the answer to the first")))
		return
	}
	l.stopProvisional()
	l.unacknowledged = nil
	_ = in.transaction.Respond(l.response(in.request, nil)) // repeated with the request
}

// acknowledges tells whether the RAck of a PRACK means the reliable response of a number to an
// INVITE of a CSeq (RFC 3262 §7.2).
func acknowledges(prack *sip.Request, response, sequence uint32) bool {
	header := prack.GetHeader("rack")
	if header == nil {
		return false
	}
	fields := strings.Fields(header.Value())
	if len(fields) != 3 || !strings.EqualFold(fields[2], string(sip.INVITE)) {
		return false
	}
	gotResponse, isNumber := number(fields[0])
	gotSequence, isSequence := number(fields[1])
	return isNumber && isSequence && gotResponse == response && gotSequence == sequence
}
