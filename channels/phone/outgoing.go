package phone

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/emiago/sipgo/sip"

	"svar/channels"
	"svar/contact"
)

// dialling sends INVITE and waits for the user.
func (d *dialled) dialling() state {
	_ = d.socket.Start(d.stream) // what comes before the answer is thrown away, not kept for later
	if err := d.sendInvite(); err != nil {
		d.log.Error().Err(err).Msg("call could not be dialled")
		return d.failed(contact.DialRefused, channels.EndedByFault)
	}
	patience := time.NewTimer(64 * d.gateway.config.T1)
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
		case <-d.transaction.Done():
			d.log.Warn().Err(d.transaction.Err()).Msg("INVITE without answer")
			return d.failed(contact.DialNoAnswer, channels.EndedByParty)
		case <-patience.C:
			if !d.ringing {
				d.transaction.Terminate()
			}
			return d.giveUp(contact.DialNoAnswer, channels.EndedByParty)
		case <-d.hungUp:
			return d.giveUp(contact.DialCancelled, channels.EndedByUs)
		case <-d.gateway.closing:
			return d.giveUp(contact.DialCancelled, channels.EndedByUs)
		}
	}
}

func (d *dialled) sendInvite() error {
	request, err := d.dialog.request(sip.INVITE, inviteSequence)
	if err != nil {
		return err
	}
	d.gateway.address(request, d.dialog, d.dialog.Branch)
	if d.display != "" {
		request.ReplaceHeader(sip.NewHeader("From", d.display+" <"+d.dialog.LocalURI+">;tag="+d.dialog.LocalTag))
	}
	request.AppendHeader(d.gateway.contactHeader(d.peer, d.dialog.Transport))
	request.AppendHeader(sip.NewHeader("P-Asserted-Identity", "<"+d.dialog.LocalURI+">"))
	request.AppendHeader(sip.NewHeader("Allow", allowed))
	contentType := sip.ContentTypeHeader("application/sdp")
	request.AppendHeader(&contentType)
	request.SetBody(d.body)
	ctx, cancel := context.WithTimeout(context.WithValue(d.gateway.life, ourDial{}, true), dialTimeout)
	defer cancel()
	if d.transaction, err = d.gateway.transactions.Request(ctx, request); err != nil {
		return fmt.Errorf("send INVITE: %w", err)
	}
	d.transaction.OnRetransmission(d.answeredAgain)
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
		if _, err := g.requestAs(ctx, dialog, sip.CANCEL, inviteSequence, dialog.Branch); err != nil {
			log.Warn().Err(err).Msg("CANCEL")
		}
	}()
}

// final takes the final response to INVITE. The transaction acknowledges all but 200.
func (d *dialled) final(response *sip.Response) state {
	if !response.IsSuccess() {
		d.code = response.StatusCode
		d.log.Info().Int("response", response.StatusCode).Msg("call not answered")
		return d.failed(failureOf(response.StatusCode), channels.EndedByParty)
	}
	if err := d.accept200(response); err != nil {
		d.log.Error().Err(err).Msg("the answer to our call can not be used")
		return d.failed(contact.DialRefused, channels.EndedByFault)
	}
	answer, err := readDescription(response.Body(), 0)
	if err != nil {
		d.log.Error().Err(err).Msg("the answer to our call can not be used")
		d.failure = contact.DialRefused
		return d.endWithBye(channels.EndedByFault)
	}
	d.offer = answer
	d.settle(answer)
	d.begin(answer.format)
	d.confirmedAt = time.Now()
	d.gateway.counters.answered.Add(1)
	d.log.Info().Str("leg", string(d.id)).Msg("call answered")
	close(d.up)
	return d.confirmed
}

// accept200 makes the dialog and acknowledges it. The error is that of an answer that makes none.
func (d *dialled) accept200(response *sip.Response) error {
	dialog, err := d.dialog.established(response)
	if err != nil {
		return err
	}
	d.dialog = dialog
	d.publish()
	d.gateway.establish(d.leg, dialog.RemoteTag)
	d.kept.Store(&dialog)
	if err := d.acknowledge200(dialog); err != nil {
		d.log.Warn().Err(err).Msg("ACK") // 200 is repeated until it arrives
	}
	return nil
}

// acknowledge200 sends the ACK of a 200, which is no part of the INVITE's transaction (RFC 3261
// §13.2.2.4).
func (d *dialled) acknowledge200(dialog record) error {
	ack, err := dialog.request(sip.ACK, inviteSequence)
	if err != nil {
		return err
	}
	d.gateway.address(ack, dialog, newBranch())
	if err := d.transaction.Connection().WriteMsg(ack); err != nil {
		return fmt.Errorf("send ACK: %w", err)
	}
	return nil
}

// answeredAgain takes a further 200, for half a minute after the first: a repetition, whose ACK
// was lost, or the answer of another device, which gets BYE. It runs on a goroutine of the
// transaction.
func (d *dialled) answeredAgain(response *sip.Response) {
	kept := d.kept.Load()
	if kept == nil || !response.IsSuccess() {
		return
	}
	if tag(response.To().Params) == kept.RemoteTag {
		_ = d.acknowledge200(*kept) // the next repetition comes anyway
		return
	}
	other := *kept
	other.RemoteTag, other.Routes = "", nil
	other, err := other.established(response)
	if err != nil || d.acknowledge200(other) != nil {
		return
	}
	g := d.gateway
	ctx, done, serving := g.begin(g.life)
	if !serving {
		return
	}
	go func() {
		defer done()
		_, _ = g.request(ctx, other, sip.BYE, inviteSequence+1) // its device gives up by itself
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
