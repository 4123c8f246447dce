package phone

import (
	"time"

	"github.com/emiago/sipgo/sip"
)

// acceptance is a 2xx to an INVITE that waits for its ACK. It is repeated by us, not by the
// transaction (RFC 3261 §13.3.1.4), over TCP too.
type acceptance struct {
	connection sip.Connection
	response   *sip.Response
	sequence   uint32
	// answerDue says that the response held an offer, whose answer comes with the ACK.
	answerDue bool

	interval time.Duration
	repeat   *time.Timer
	giveUp   *time.Timer
}

func (l *leg) accepted(transaction *sip.ServerTx, response *sip.Response, sequence uint32, answerDue bool) {
	t1 := l.gateway.config.T1
	l.answered2xx = int64(sequence)
	l.pending = &acceptance{
		connection: transaction.Connection(), response: response, sequence: sequence, answerDue: answerDue,
		interval: t1, repeat: time.NewTimer(t1), giveUp: time.NewTimer(64 * t1),
	}
}

func (l *leg) stopPending() {
	if l.pending != nil {
		l.pending.repeat.Stop()
		l.pending.giveUp.Stop()
		l.pending = nil
	}
}

// pendingTimers are the channels of the acceptance under way; nil without one.
func (l *leg) pendingTimers() (repeat, giveUp <-chan time.Time) {
	if l.pending == nil {
		return nil, nil
	}
	return l.pending.repeat.C, l.pending.giveUp.C
}

// repeat sends the pending 2xx again.
func (l *leg) repeat() {
	p := l.pending
	_ = p.connection.WriteMsg(p.response) // the next repetition comes anyway
	l.gateway.counters.answersRepeated.Add(1)
	p.interval = min(2*p.interval, max(t2, l.gateway.config.T1))
	p.repeat.Reset(p.interval)
}

// acknowledges tells whether an ACK is that of the 2xx that waits for one. One whose keys others could read is none: the 2xx
// is sent again until there is another.
func (l *leg) acknowledges(ack *sip.Request) bool {
	if l.pending == nil || ack.CSeq().SeqNo != l.pending.sequence {
		return false
	}
	if l.pending.answerDue && l.keysInTheOpen(ack) != nil {
		l.log.Warn().Msg("an ACK with keys came by another way than TLS")
		return false
	}
	return true
}

// takeAnswer ends the pending acceptance. It returns why the call can not go on if the ACK owes
// an answer to our offer and has none that we can use (RFC 3261 §13.2.2.4).
func (l *leg) takeAnswer(ack *sip.Request) sip.Header {
	due := l.pending.answerDue
	l.stopPending()
	switch {
	case !due:
		return nil
	case len(ack.Body()) == 0 && l.offer.format.Codec != 0:
		// Some refresh a call by an INVITE without description and forget the answer. Before
		// a long call is torn down for that (livekit/sip#582), it stays as it was.
		l.log.Warn().Msg("no answer in the ACK of a re-INVITE")
		return nil
	case len(ack.Body()) == 0:
		l.log.Warn().Msg("no answer in ACK")
		return because(488, "No answer to our offer in ACK")
	}
	answer, err := readDescription(ack.Body(), 0, l.session.secure)
	if err != nil {
		l.log.Warn().Err(err).Msg("no usable answer in ACK")
		return because(488, "The answer in ACK can not be used: "+err.Error())
	}
	l.settle(answer)
	return nil
}

// acknowledgeAgain takes the ACK of a re-INVITE's 200; repeated ACKs do nothing. It returns why
// the call can not go on.
func (l *leg) acknowledgeAgain(ack *sip.Request) sip.Header {
	if !l.acknowledges(ack) {
		return nil
	}
	if fault := l.takeAnswer(ack); fault != nil {
		return fault
	}
	l.begin(l.offer.format) // a call that was taken over while it rang may begin only now
	l.takeDeferred()
	return nil
}
