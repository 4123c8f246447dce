package phone

import (
	"context"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"

	"svar/channels/media"
)

// Taking a call over: an INVITE with Replaces (RFC 3891) puts another device in the place of the one
// that has the call, which is how most systems end a consulted transfer. The leg, and with it the
// contact, goes on; only its dialog is another one. Whoever may do that hears the call, so it is for
// trunks and for registered desk phones.

// replaced is the dialog that a Replaces header names, as it is at our side.
type replaced struct {
	dialogID
	earlyOnly bool
}

// takeover is an INVITE that takes a call over.
type takeover struct {
	received
	dialog  record
	id      dialogID
	invited inviteID
	offer   description // its codec is 0 when the INVITE has none
	timing  expiry
	// trusted says that it comes from a trunk.
	trusted   bool
	earlyOnly bool
	// taken is told how it went: nil when it was answered.
	taken chan *fault
}

// readReplaces reads the header of an INVITE. found is false without one.
func readReplaces(request *sip.Request) (r replaced, found bool, refusal *fault) {
	fields := headersOf(request, "replaces")
	switch {
	case len(fields) == 0:
		return r, false, nil
	case len(fields) > 1, strings.Contains(fields[0].Value(), ","), request.Method != sip.INVITE:
		return r, true, refuse(400, "More than one Replaces")
	}
	callID, parameters, _ := strings.Cut(fields[0].Value(), ";")
	r.callID = strings.TrimSpace(callID)
	for parameter := range strings.SplitSeq(parameters, ";") {
		name, value, _ := strings.Cut(parameter, "=")
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "to-tag":
			r.localTag = strings.TrimSpace(value)
		case "from-tag":
			r.remoteTag = strings.TrimSpace(value)
		case "early-only":
			r.earlyOnly = true
		}
	}
	if r.callID == "" || r.localTag == "" || r.remoteTag == "" {
		return r, true, refuse(400, "No usable Replaces")
	}
	return r, true, nil
}

// handleReplaces answers an INVITE that takes a call over: a trunk's (nil for nobody's), or that of a desk phone, which has to
// sign on. That something comes from where one is registered proves nothing: an address can be forged, or shared.
func (g *Gateway) handleReplaces(ctx context.Context, request *sip.Request, transaction *sip.ServerTx, of replaced, trunk *Trunk) {
	fault := forbidden()
	switch {
	case trunk != nil:
		fault = nil
	case g.registrar.isPhone(sourceOf(request)):
		_, _, fault = g.registrar.signedOn(ctx, request)
	}
	if fault == nil {
		fault = g.replace(ctx, request, transaction, of, trunk)
	}
	if fault != nil {
		g.counters.refused.Add(1)
		g.reject(request, transaction, fault)
	}
}

func (g *Gateway) replace(ctx context.Context, request *sip.Request, transaction *sip.ServerTx, of replaced, trunk *Trunk) *fault {
	g.mutex.Lock()
	l, over := g.legs[of.dialogID], g.ended.has(of.dialogID)
	_, merged := g.arriving[inviteOf(request)]
	g.mutex.Unlock()
	switch {
	case merged:
		return refuse(482, "Loop Detected")
	case l == nil && over:
		return refuse(603, "Decline") // RFC 3891 §3
	case l == nil:
		return refuse(481, "Call/Transaction Does Not Exist")
	}
	t, fault := g.newTakeover(request, transaction, trunk)
	if fault != nil {
		return fault
	}
	t.earlyOnly = of.earlyOnly
	waiting, cancel := context.WithTimeout(ctx, arriveTime)
	defer cancel()
	select {
	case l.takeovers <- t:
		return <-t.taken
	case <-l.finished:
		return refuse(603, "Decline")
	case <-waiting.Done():
		return refuse(503, "Service Unavailable")
	}
}

// newTakeover reads what the new dialog will be.
func (g *Gateway) newTakeover(request *sip.Request, transaction *sip.ServerTx, trunk *Trunk) (takeover, *fault) {
	source := sourceOf(request)
	t := takeover{
		received: received{request, transaction}, id: dialogOf(request), invited: inviteOf(request),
		trusted: trunk != nil, taken: make(chan *fault, 1),
	}
	var err error
	if t.dialog, err = newRecord(request, t.id.localTag, source); err != nil {
		return t, refuse(400, "Unusable dialog")
	}
	if trunk != nil {
		t.dialog.Trunk = trunk.Name
	}
	if len(request.Body()) > 0 {
		if t.offer, err = readDescription(request.Body(), 0, isSecure(request)); err != nil {
			return t, notAcceptable(g.localAddress(source.Addr()), err)
		}
	}
	var tooShort *fault
	t.timing, tooShort = agree(request, expiry{})
	return t, tooShort
}

// takeOver gives the call to another device: it is answered, and the one that had it gets BYE.
func (l *leg) takeOver(t takeover) {
	if t.earlyOnly {
		t.taken <- refuse(486, "Busy Here") // the call is up (RFC 3891 §3)
		return
	}
	l.moveTo(t, func() {
		l.send(sip.BYE, func(_ int, err error) {
			if err != nil {
				l.log.Warn().Err(err).Msg("BYE to a device whose call was taken over")
			}
		})
	})
}

// takeOverEarly gives a call of ours that rings to another device of the trunk that carries it, which is how a colleague picks it
// up; the one that rings gets CANCEL. A desk phone's is not given away: the agent whom the queue chose must be the one who answers. It
// returns nil when the call rings on.
func (d *dialled) takeOverEarly(t takeover) state {
	if d.hop == nil || t.dialog.Trunk != d.hop.trunkName() {
		t.taken <- refuse(481, "Call/Transaction Does Not Exist")
		return nil
	}
	moved := d.moveTo(t, func() {
		d.sendCancel()
		d.abandon(true)
	})
	if !moved {
		return nil
	}
	d.hop.took(true)
	if d.offer.format.Codec != 0 {
		d.begin(d.offer.format)
	}
	d.confirmedAt = time.Now()
	d.gateway.counters.answered.Add(1)
	close(d.up)
	return d.confirmed
}

// moveTo makes the call one with another device and lets go of the one before, by leave. It reports whether it did.
func (l *leg) moveTo(t takeover, leave func()) bool {
	session := l.session
	l.session = session.elsewhere(l.gateway.localAddress(t.dialog.Source.Addr()), t.dialog.Transport == "TLS")
	answerDue := len(t.request.Body()) == 0
	var (
		body []byte
		err  error
	)
	if answerDue {
		body, err = l.session.offer(media.Format{}, media.SendReceive)
	} else {
		body, err = l.answer(t.offer)
	}
	if err != nil {
		l.session = session
		t.taken <- refuse(500, "Server Internal Error")
		return false
	}
	if fault := l.gateway.move(l, t); fault != nil {
		l.session = session
		t.taken <- fault
		return false
	}
	leave()
	l.stopPending()
	if l.waiting != nil {
		l.refuseDeferred()
	}
	l.log.Info().Str("leg", string(l.id)).Str("transport", t.dialog.Transport).Msg("call taken over by another device")
	l.dialog, l.remoteSequence = t.dialog, t.request.CSeq().SeqNo
	l.invite, l.transaction = t.request, t.transaction
	l.publish()
	l.asking, l.inviting, l.takesUpdate = nil, false, false
	l.learnMethods(t.request)
	response := l.response(t.request, body)
	tellExpiry(t.request, response, t.timing)
	l.refreshed(t.timing)
	_ = t.transaction.Respond(response) // repeated until its ACK comes
	l.accepted(t.transaction, response, t.request.CSeq().SeqNo, answerDue)
	if !answerDue {
		l.settle(t.offer)
	}
	t.taken <- nil
	return true
}

// move makes a call known by the dialog that takes it over.
func (g *Gateway) move(l *leg, t takeover) *fault {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	if _, merged := g.arriving[t.invited]; merged {
		return refuse(482, "Loop Detected")
	}
	g.leave(l)
	g.ended.add(l.dialogID, time.Now(), 64*g.config.T1)
	l.dialogID, l.invited, l.peer, l.trusted = t.id, t.invited, t.dialog.Source.Addr(), t.trusted
	l.branch = branchOf(t.request)
	g.enter(l)
	return nil
}
