package phone

import (
	"strconv"

	"github.com/emiago/sipgo/sip"

	"svar/channels/media"
)

// maxForks bounds the early dialogs of one call of ours: each device that rings may make one.
const maxForks = 16

// earlyDialog is what a provisional response to our INVITE makes (RFC 3261 §12.1.2): one for each
// device that rings.
type earlyDialog struct {
	// dialog's Sequence is the CSeq number of our last request in it.
	dialog record
	// reliable is the RSeq that was acknowledged last; 0 before the first.
	reliable uint32
	// description is the answer to our offer, if it came already; its codec is 0 before.
	description description
	// settled says that it came reliably, so that there is room for another offer (RFC 3262 §5).
	settled bool
}

// provisional takes a provisional response: it is acknowledged if the other side wants that, and
// what sounds already is heard from now on.
func (d *dialled) provisional(response *sip.Response) {
	if response.To() == nil || tag(response.To().Params) == "" {
		return
	}
	e := d.earlyDialogOf(response)
	if e == nil {
		return
	}
	d.learnMethods(response)
	reliable := requires(response, optionReliable)
	if reliable && !d.acknowledgeProvisional(e, response) {
		return // it came before
	}
	if len(response.Body()) == 0 {
		return
	}
	answer, err := readDescription(response.Body(), 0, d.session.secure)
	if err != nil {
		d.log.Debug().Err(err).Msg("the description before the answer can not be used")
		return
	}
	e.description, e.settled = answer, e.settled || reliable
	// Several devices may sound; the last one to begin is heard, until one of them is picked up.
	d.settle(answer)
	d.begin(answer.format)
	d.begun = true
}

// earlyDialogOf returns the early dialog of a response, or nil when it makes none.
func (d *dialled) earlyDialogOf(response *sip.Response) *earlyDialog {
	theirs := tag(response.To().Params)
	if e, known := d.early[theirs]; known {
		return e
	}
	dialog, err := d.dialog.established(response)
	if err != nil || len(d.early) >= maxForks {
		return nil
	}
	dialog.Transport = d.usual
	if d.early == nil {
		d.early = make(map[string]*earlyDialog)
	}
	e := &earlyDialog{dialog: dialog}
	d.early[theirs] = e
	d.gateway.alias(d.leg, theirs)
	return e
}

// acknowledgeProvisional sends PRACK (RFC 3262 §4). It reports false for a response that came before,
// or before the one that precedes it, which comes again.
func (d *dialled) acknowledgeProvisional(e *earlyDialog, response *sip.Response) bool {
	header := response.GetHeader("rseq")
	if header == nil {
		return false
	}
	got, isNumber := number(header.Value())
	if !isNumber || got == 0 || e.reliable != 0 && got != e.reliable+1 {
		return false
	}
	e.reliable = got
	e.dialog.Sequence++
	dialog, g, log := e.dialog, d.gateway, d.log
	if g.config.trunkNamed(dialog.Trunk).hasPassword() {
		e.dialog.Sequence += maxChallenges // each answered challenge is a request more
	}
	d.highest = max(d.highest, e.dialog.Sequence)
	acknowledged := strconv.FormatUint(uint64(got), 10) + " " + strconv.FormatUint(uint64(d.dialog.Sequence), 10) + " " + string(sip.INVITE)
	ctx, done, serving := g.begin(g.life)
	if !serving {
		return true
	}
	go func() {
		defer done()
		if _, err := g.request(ctx, dialog, sip.PRACK, dialog.Sequence, sip.NewHeader("RAck", acknowledged)); err != nil {
			log.Warn().Err(err).Msg("PRACK")
		}
	}()
	return true
}

// takeBeforeAnswer answers a request of a device that rings.
func (d *dialled) takeBeforeAnswer(in received) {
	e := d.early[tag(in.request.From().Params)]
	switch {
	case in.request.Method == sip.ACK:
	case e == nil, in.request.Method == sip.BYE: // who is called may not hang up before (RFC 3261 §15)
		d.gateway.respond(in.request, in.transaction, 481, "Call/Transaction Does Not Exist")
	case in.request.Method == sip.OPTIONS:
		d.gateway.respondOptions(in.request, in.transaction)
	case in.request.Method == sip.INFO:
		d.info(in)
	case in.request.Method == sip.REFER:
		d.refer(in)
	case in.request.Method == sip.INVITE, in.request.Method == sip.UPDATE && len(in.request.Body()) > 0 && !e.settled:
		// Our own offer is open (RFC 3261 §14.2, RFC 3311 §5.2).
		d.gateway.respond(in.request, in.transaction, 491, "Request Pending")
	case in.request.Method == sip.UPDATE:
		d.updateEarly(in, e)
	default:
		d.gateway.respond(in.request, in.transaction, 405, "Method Not Allowed", sip.NewHeader("Allow", allowed))
	}
}

// updateEarly answers UPDATE before the answer (RFC 3311): carriers change what sounds by it.
func (d *dialled) updateEarly(in received, e *earlyDialog) {
	var body []byte
	if len(in.request.Body()) > 0 {
		var fault *fault
		if body, fault = d.reply(in.request); fault != nil {
			d.gateway.reject(in.request, in.transaction, fault)
			return
		}
		e.description = d.offer
	}
	if contact := in.request.Contact(); contact != nil {
		changed := e.dialog
		if changed.Target = target(contact); changed.validate() == nil {
			e.dialog = changed
		}
	}
	_ = in.transaction.Respond(d.response(in.request, body)) // repeated with the request
}

// answerOf is the description that holds after a 200: its own, or, when it has none, the one that came
// before it (RFC 3261 §13.2.1).
func (d *dialled) answerOf(response *sip.Response) (description, error) {
	if e := d.early[d.dialog.RemoteTag]; len(response.Body()) == 0 && e != nil && e.description.format.Codec != 0 {
		return e.description, nil
	}
	return readDescription(response.Body(), media.Codec(0), d.session.secure)
}

// EarlySound implements [channels.EarlySound]. A description alone promises a voice that many a network
// does not send: what is heard counts (RFC 3960 §3.2).
func (d *dialled) EarlySound() <-chan struct{} { return d.stream.Heard() }

// alias makes a call of ours known by an early dialog, too.
func (g *Gateway) alias(l *leg, remoteTag string) {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	id := l.dialogID
	id.remoteTag = remoteTag
	g.legs[id] = l
	l.aliases = append(l.aliases, id)
}

// unalias forgets the early dialogs. The caller holds the mutex.
func (g *Gateway) unalias(l *leg) {
	for _, id := range l.aliases {
		delete(g.legs, id)
	}
	l.aliases = nil
}
