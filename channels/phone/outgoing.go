package phone

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/emiago/sipgo/sip"

	"svar/channels"
	"svar/channels/media"
	"svar/contact"
)

// dialling sends INVITE and waits for the user.
func (d *dialled) dialling() state {
	_ = d.socket.Start(d.stream) // what comes before the answer is thrown away, not kept for later
	if err := d.sendInvite(); err != nil {
		d.log.Warn().Err(err).Str("trunk", d.hop.trunkName()).Msg("INVITE could not be sent")
		return d.onward(contact.DialRefused, channels.EndedByFault)
	}
	wait := 64 * d.gateway.config.T1
	if d.passage.hasNext() {
		wait = failOver * d.gateway.config.T1
	}
	patience := time.NewTimer(wait)
	defer patience.Stop()
	for {
		select {
		case response := <-d.transaction.Responses():
			if !response.IsProvisional() {
				return d.final(response)
			}
			if !d.ringing {
				d.ringing = true
				patience.Reset(maxRinging)
			}
			d.provisional(response)
		case in := <-d.requests:
			d.takeBeforeAnswer(in)
		case t := <-d.takeovers:
			if next := d.takeOverEarly(t); next != nil {
				return next
			}
		case <-d.transaction.Done():
			d.log.Warn().Err(d.transaction.Err()).Str("trunk", d.hop.trunkName()).Msg("INVITE without answer")
			return d.onward(contact.DialNoAnswer, channels.EndedByParty)
		case <-patience.C:
			switch {
			case d.ringing:
				return d.giveUp(contact.DialNoAnswer, channels.EndedByParty)
			case d.passage.hasNext():
				d.log.Warn().Str("trunk", d.hop.trunkName()).Msg("INVITE without answer: another proxy is tried")
				d.abandon(false)
				return d.onward(contact.DialNoAnswer, channels.EndedByParty)
			}
			d.hop.took(false)
			d.transaction.Terminate()
			return d.giveUp(contact.DialNoAnswer, channels.EndedByParty)
		case <-d.hungUp:
			return d.giveUp(contact.DialCancelled, channels.EndedByUs)
		case <-d.gateway.closing:
			return d.giveUp(contact.DialCancelled, channels.EndedByUs)
		}
	}
}

// onward tries the next proxy (RFC 3263 §4.3), or ends the call when there is none.
func (d *dialled) onward(reason contact.DialFailure, ending channels.Ending) state {
	d.hop.took(false)
	if !d.passage.hasNext() || d.isClosing() {
		return d.failed(reason, ending)
	}
	hop, address, err := d.gateway.nextHop(d.gateway.life, d.passage)
	if err != nil {
		return d.failed(reason, ending)
	}
	dialog := d.gateway.towards(d.dialog, hop.trunk, address, d.shown, d.passage.number)
	dialog.Sequence++
	if dialog.validate() != nil {
		return d.failed(reason, ending)
	}
	d.hop, d.authorization, d.challenges = hop, nil, 0
	d.session.address, d.session.secure = d.gateway.localAddress(address.Addr()), dialog.Transport == "TLS"
	d.protect(cryptoLine{})
	d.resend(dialog)
	d.log.Info().Str("trunk", hop.trunk.Name).Str("transport", dialog.Transport).Msg("call dialled by another proxy")
	return d.dialling
}

// resend makes the dialog that of the INVITE that is sent next.
func (d *dialled) resend(dialog record) {
	d.gateway.redial(d.leg, dialog)
	d.dialog, d.ringing, d.early = dialog, false, nil
	d.publish()
}

// inviteAgain sends INVITE to the same proxy, with what the refused one lacked.
func (d *dialled) inviteAgain() state {
	dialog := d.dialog
	dialog.Sequence++
	dialog.Branch = newBranch()
	d.resend(dialog)
	return d.dialling
}

func (d *dialled) isClosing() bool {
	select {
	case <-d.hungUp:
		return true
	case <-d.gateway.closing:
		return true
	default:
		return false
	}
}

// abandon leaves an INVITE that was not answered to itself. If its proxy wakes up it gets CANCEL, unless it was cancelled already, and BYE
// when somebody has picked up: he would be in two calls.
func (d *dialled) abandon(cancelled bool) {
	transaction, dialog, g, log := d.transaction, d.dialog, d.gateway, d.log
	ctx, done, serving := g.begin(g.life)
	if !serving {
		return
	}
	g.doorman.open(dialog.CallID)
	go func() {
		defer done()
		defer g.doorman.close(dialog.CallID)
		patience := time.NewTimer(64 * g.config.T1)
		defer patience.Stop()
		for {
			select {
			case response := <-transaction.Responses():
				switch {
				case response.IsSuccess():
					if answered, err := dialog.established(response); err == nil && acknowledge(g, transaction.Connection(), answered, nil) == nil {
						_, _ = g.request(ctx, answered, sip.BYE, answered.Sequence+1) // he gives up by himself
					}
					return
				case !response.IsProvisional():
					return
				case !cancelled:
					cancelled = true
					if _, err := g.requestAs(ctx, dialog, sip.CANCEL, dialog.Sequence, dialog.Branch); err != nil {
						log.Warn().Err(err).Msg("CANCEL")
					}
				}
			case <-transaction.Done():
				return
			case <-patience.C:
				transaction.Terminate()
				return
			case <-ctx.Done():
				transaction.Terminate()
				return
			}
		}
	}()
}

// inviteRequest makes the INVITE that is sent next.
func (d *dialled) inviteRequest() (*sip.Request, error) {
	// Its line may have another address or be secure now: the offer is made for each proxy, anew.
	d.session.lines = nil
	if socket := d.textWay.socket.Load(); socket != nil {
		d.protectBy(socket, &d.session.textKeys, cryptoLine{})
	}
	offer, err := d.session.offer(d.prefers, media.SendReceive)
	if err != nil {
		return nil, err
	}
	request, err := d.dialog.request(sip.INVITE, d.dialog.Sequence)
	if err != nil {
		return nil, err
	}
	d.gateway.address(request, d.dialog, d.dialog.Branch)
	if d.display != "" {
		request.ReplaceHeader(sip.NewHeader("From", d.display+" <"+d.dialog.LocalURI+">;tag="+d.dialog.LocalTag))
	}
	request.AppendHeader(d.gateway.contactHeader(d.peer, d.dialog.Transport))
	request.AppendHeader(sip.NewHeader("P-Asserted-Identity", "<"+d.dialog.LocalURI+">"))
	request.AppendHeader(sip.NewHeader("Allow", d.allowed()))
	askExpiry(request, d.timing.expiry, d.timing.minimum)
	if d.authorization != nil {
		request.AppendHeader(d.authorization)
	}
	contentType := sip.ContentTypeHeader("application/sdp")
	request.AppendHeader(&contentType)
	request.SetBody(offer)
	return request, nil
}

// sendInvite sends INVITE.
func (d *dialled) sendInvite() error {
	request, err := d.inviteRequest()
	if err != nil {
		return err
	}
	if d.session.offersText && request.Transport() == "UDP" && len(request.String()) > largeMessage {
		d.withoutText() // it is not worth the detour by TCP, which some do not take
		if request, err = d.inviteRequest(); err != nil {
			return err
		}
	}
	d.sent = request
	ctx, cancel := context.WithTimeout(d.gateway.life, dialTimeout)
	defer cancel()
	d.usual = d.dialog.Transport
	if d.transaction, err = d.gateway.transact(ctx, request, d.hop.of()); err != nil {
		return fmt.Errorf("send INVITE: %w", err)
	}
	d.dialog.Transport = request.Transport() // a large one goes by TCP, and its CANCEL too
	return nil
}

// failed ends a call that the user did not answer.
func (d *dialled) failed(reason contact.DialFailure, ending channels.Ending) state {
	d.failure = reason
	d.end(ending)
	return nil
}

// giveUp ends the leg at once, and the call when the other side has been told.
func (d *dialled) giveUp(reason contact.DialFailure, ending channels.Ending) state {
	_ = d.failed(reason, ending)
	return d.cancelling
}

// cancelling sends CANCEL, once something came back (RFC 3261 §9.1), and waits for the final
// response. A 200 that crossed it is a call, which gets BYE.
func (d *dialled) cancelling() state {
	sent := false
	cancel := func() {
		if !sent {
			sent = true
			d.sendCancel()
		}
	}
	if d.ringing {
		cancel()
	}
	patience := time.NewTimer(64 * d.gateway.config.T1)
	defer patience.Stop()
	for {
		select {
		case response := <-d.transaction.Responses():
			switch {
			case response.IsProvisional():
				cancel()
			case response.IsSuccess():
				if err := d.accept200(response); err != nil {
					return nil
				}
				return d.endWithBye(channels.EndedByUs)
			default:
				return nil
			}
		case <-d.transaction.Done():
			return nil
		case <-patience.C:
			d.transaction.Terminate()
			return nil
		case <-d.gateway.life.Done():
			d.transaction.Terminate()
			return nil
		}
	}
}

func (d *dialled) sendCancel() {
	dialog, g, log := d.dialog, d.gateway, d.log
	ctx, done, serving := g.begin(g.life)
	if !serving {
		return
	}
	go func() {
		defer done()
		if _, err := g.requestAs(ctx, dialog, sip.CANCEL, dialog.Sequence, dialog.Branch); err != nil {
			log.Warn().Err(err).Msg("CANCEL")
		}
	}()
}

// final takes the final response to INVITE. The transaction acknowledges all but 200.
func (d *dialled) final(response *sip.Response) state {
	if isChallenge(response.StatusCode) && d.challenges < maxChallenges {
		if answer := d.hop.of().credentials(d.sent, response); answer != nil {
			d.authorization = answer
			d.challenges++
			return d.inviteAgain()
		}
	}
	if least := shortest(response); response.StatusCode == tooSmall && least > d.timing.minimum && !d.patient {
		// Somebody on the way wants to be bothered less often (RFC 4028 §7.4).
		d.patient = true
		d.timing.expiry, d.timing.minimum = expiry{interval: max(least, wantedSession), ours: true}, least
		return d.inviteAgain()
	}
	if d.session.offersText && cannotDescribe(response.StatusCode) {
		// Some refuse what they do not know instead of the text alone: they get the voice.
		d.withoutText()
		return d.inviteAgain()
	}
	if !response.IsSuccess() {
		d.code = response.StatusCode
	}
	if response.StatusCode == sip.StatusServiceUnavailable {
		d.log.Info().Int("response", response.StatusCode).Str("trunk", d.hop.trunkName()).Msg("call not taken")
		d.hop.rest(time.Now().Add(restAfter(response)))
		return d.onward(contact.DialRefused, channels.EndedByParty)
	}
	d.hop.took(true)
	if !response.IsSuccess() {
		d.log.Info().Int("response", response.StatusCode).Msg("call not answered")
		return d.failed(failureOf(response.StatusCode), channels.EndedByParty)
	}
	if err := d.accept200(response); err != nil {
		d.log.Error().Err(err).Msg("the answer to our call can not be used")
		return d.failed(contact.DialRefused, channels.EndedByFault)
	}
	answer, err := d.answerOf(response)
	if err != nil {
		d.log.Error().Err(err).Msg("the answer to our call can not be used")
		d.failure = contact.DialRefused
		return d.endWithBye(channels.EndedByFault)
	}
	if !d.begun {
		d.offer = answer // nothing changes by it
	}
	d.settle(answer)
	if d.session.offersText = false; answer.text == nil {
		d.withoutText()
	}
	d.begin(answer.format)
	d.confirmedAt = time.Now()
	d.learnMethods(response)
	d.refreshed(agreed(response))
	d.gateway.counters.answered.Add(1)
	d.log.Info().Str("leg", string(d.id)).Msg("call answered")
	close(d.up)
	return d.confirmed
}

// cannotDescribe tells whether a final response refuses what our offer describes (RFC 3261 §21.4.13, §21.4.26, §21.6.4).
func cannotDescribe(code int) bool { return code == 415 || code == 488 || code == 606 }

// accept200 makes the dialog and acknowledges it. The error is that of an answer that makes none.
func (d *dialled) accept200(response *sip.Response) error {
	dialog, err := d.dialog.established(response)
	if err != nil {
		return err
	}
	dialog.Transport = d.usual
	d.dialog = dialog
	if e := d.early[dialog.RemoteTag]; e != nil {
		d.dialog.Sequence = max(d.dialog.Sequence, e.dialog.Sequence)
	}
	d.publish()
	d.gateway.establish(d.leg, dialog.RemoteTag)
	d.gateway.followAnswers(dialog, accepted{
		gateway: d.gateway, dialog: dialog, highest: d.highest, connection: d.transaction.Connection(), authorization: d.authorization,
	}.again)
	if err := acknowledge(d.gateway, d.transaction.Connection(), dialog, d.authorization); err != nil {
		d.log.Warn().Err(err).Msg("ACK") // 200 is repeated until it arrives
	}
	return nil
}

// acknowledge sends the ACK of a 200, which is no part of the INVITE's transaction (RFC 3261
// §13.2.2.4). It has the credentials of the INVITE (§22.1).
func acknowledge(g *Gateway, connection sip.Connection, dialog record, authorization sip.Header) error {
	ack, err := dialog.request(sip.ACK, dialog.Sequence)
	if err != nil {
		return err
	}
	g.address(ack, dialog, newBranch())
	if authorization != nil {
		ack.AppendHeader(authorization)
	}
	if err := connection.WriteMsg(ack); err != nil {
		return fmt.Errorf("send ACK: %w", err)
	}
	return nil
}

// accepted is a call of ours that was answered, and no more of it than is needed to tell repetitions of its 200 from those of
// other devices.
type accepted struct {
	gateway       *Gateway
	dialog        record
	highest       uint32 // the largest CSeq number in any dialog of a device that rang
	connection    sip.Connection
	authorization sip.Header
}

// again takes a further 200, for half a minute after the first: a repetition, whose ACK was lost,
// or the answer of another device, which gets BYE.
func (a accepted) again(response *sip.Response) {
	acknowledge := func(dialog record) error { return acknowledge(a.gateway, a.connection, dialog, a.authorization) }
	if tag(response.To().Params) == a.dialog.RemoteTag {
		_ = acknowledge(a.dialog) // the next repetition comes anyway
		return
	}
	other := a.dialog
	other.RemoteTag, other.Routes = "", nil
	other, err := other.established(response)
	if err != nil || acknowledge(other) != nil {
		return
	}
	g := a.gateway
	ctx, done, serving := g.begin(g.life)
	if !serving {
		return
	}
	go func() {
		defer done()
		_, _ = g.request(ctx, other, sip.BYE, max(other.Sequence, a.highest)+1) // its device gives up by itself
	}()
}

// established is the dialog that a 200 to our INVITE makes (RFC 3261 §12.1.2).
func (r record) established(response *sip.Response) (record, error) {
	if response.To() == nil {
		return record{}, errors.New("no To in the answer")
	}
	r.RemoteTag, r.Branch = tag(response.To().Params), ""
	if contact := response.Contact(); contact != nil {
		r.Target = target(contact)
	}
	r.Routes = nil
	for _, header := range response.GetHeaders("record-route") {
		route, isRoute := header.(*sip.RecordRouteHeader)
		if !isRoute {
			return record{}, errors.New("unreadable Record-Route")
		}
		r.Routes = append(r.Routes, route.Address.String())
	}
	slices.Reverse(r.Routes) // the nearest last, as who called sees it
	if err := r.validate(); err != nil {
		return record{}, err
	}
	return r, nil
}
