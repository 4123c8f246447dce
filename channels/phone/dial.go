package phone

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/emiago/sipgo/sip"

	"svar/channels"
	"svar/channels/media"
	"svar/contact"
	"svar/identity"
)

const (
	// resolveTime bounds the look-up of the carrier's address.
	resolveTime = 2 * time.Second
	// maxRinging is the longest that a call of ours rings (timer C, RFC 3261 §16.6).
	maxRinging = 3 * time.Minute
	// inviteSequence is the CSeq number of our INVITE.
	inviteSequence = 1
)

// dialled is a leg that we called. Once answered it lives as any other.
type dialled struct {
	*leg

	body []byte // our offer
	// display is the name that a desk phone shows of who calls, as a quoted string.
	display string

	up      chan struct{}       // closed when the user answered
	failure contact.DialFailure // written before over is closed
	code    int                 // of the final response that refused the call; 0 without one; likewise

	// kept is the dialog that was accepted. The transaction's goroutines read it, to tell
	// repetitions of its 200 from those of other devices.
	kept atomic.Pointer[record]

	// transaction and ringing belong to run's goroutine. It rings from the first response on.
	transaction *sip.ClientTx
	ringing     bool
}

var (
	_ channels.Dialler    = (*Gateway)(nil)
	_ channels.DialledLeg = (*dialled)(nil)
)

// Dial implements [channels.Dialler]. It waits for nothing but the look-up of the carrier's
// name. Errors wrap [ErrNotDialled], or say what is missing; none holds the number.
func (g *Gateway) Dial(ctx context.Context, call channels.Call) (channels.DialledLeg, error) {
	id, of, line := call.Leg, call.Contact, call.Line
	l, err := g.prepareDial(ctx, id, line, call.Number)
	if err == nil {
		err = g.awaitServed(ctx)
	}
	if err != nil {
		if l != nil {
			l.discard()
		}
		g.log.Warn().Err(err).Str("contact", string(of)).Str("line", string(line)).Msg("call not dialled")
		return nil, err
	}
	l.log = g.log.With().Str("contact", string(of)).Logger()
	if err := g.registerDialled(l.leg); err != nil {
		l.discard()
		l.log.Warn().Err(err).Str("line", string(line)).Msg("call not dialled")
		return nil, err
	}
	l.log.Info().Str("line", string(line)).Str("leg", string(id)).Str("transport", l.dialog.Transport).Msg("call dialled")
	go l.run() // counted by registerDialled, and counted down when it is over
	return l, nil
}

// awaitServed waits for the socket, which may be served only from just now on.
func (g *Gateway) awaitServed(ctx context.Context) error {
	select {
	case <-g.served:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%w: the gateway does not serve yet: %w", ErrNotDialled, ctx.Err())
	}
}

// prepareDial makes the leg, with its ports open and nothing sent.
func (g *Gateway) prepareDial(ctx context.Context, id contact.LegID, line contact.LineID, number identity.Number) (*dialled, error) {
	if err := g.mayDial(number); err != nil {
		return nil, err
	}
	shown, err := g.shown(line)
	if err != nil {
		return nil, err
	}
	carrier, err := g.carrier(ctx)
	if err != nil {
		return nil, err
	}
	own := g.localAddress(carrier.Addr())
	user := func(number identity.Number, at string) string {
		return "sip:" + string(number) + "@" + at + ";user=phone"
	}
	dialog := record{
		Version: recordVersion, CallID: newID(), LocalTag: rand.Text(), Branch: newBranch(),
		LocalURI: user(shown, hostText(own)), RemoteURI: user(number, hostText(carrier.Addr())), Target: user(number, carrier.String()),
		Transport: g.config.outboundTransport(), Source: carrier, Sequence: inviteSequence,
	}
	if err := dialog.validate(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotDialled, err)
	}
	encoded, err := dialog.encode()
	if err != nil {
		return nil, err
	}
	socket, err := g.ports.Open()
	if err != nil {
		return nil, fmt.Errorf("open the ports of a call's voice: %w", err)
	}
	l := &dialled{leg: g.newLegOf(dialog, encoded, socket), up: make(chan struct{})}
	l.id, l.first, l.outgoing = id, l.dialling, true
	l.dialogID = dialogID{callID: dialog.CallID, localTag: dialog.LocalTag}
	l.invited = inviteID{callID: dialog.CallID, fromTag: dialog.LocalTag, sequence: inviteSequence}
	l.line, l.who = line, identity.CallerID{Number: number}
	l.trusted = true // whoever carries our calls is configured
	if l.body, err = l.session.offer(media.Format{}, media.SendReceive); err != nil {
		l.discard()
		return nil, err
	}
	return l, nil
}

// carrier returns the address of who carries our calls. Its name comes from the configuration,
// so that it may be resolved.
func (g *Gateway) carrier(ctx context.Context) (netip.AddrPort, error) {
	host, port, err := net.SplitHostPort(g.config.Outbound)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("read the carrier's address: %w", err)
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("read the carrier's port: %w", err)
	}
	if address, err := netip.ParseAddr(host); err == nil {
		return netip.AddrPortFrom(address.Unmap(), uint16(number)), nil
	}
	ctx, cancel := context.WithTimeout(ctx, resolveTime)
	defer cancel()
	family := "ip"
	if g.config.Address.Addr().Is4() {
		family = "ip4"
	}
	addresses, err := net.DefaultResolver.LookupNetIP(ctx, family, host)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("find the carrier's address: %w", err)
	}
	return netip.AddrPortFrom(addresses[0].Unmap(), uint16(number)), nil
}

func hostText(address netip.Addr) string {
	if address.Is6() {
		return "[" + address.String() + "]"
	}
	return address.String()
}

func newBranch() string { return sip.RFC3261BranchMagicCookie + rand.Text() }

// registerDialled makes a call of ours known, unless there are too many. The carrier may send
// it back to us: arriving knows it then, and it is no call from outside.
func (g *Gateway) registerDialled(l *leg) error {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	switch {
	case g.state != running:
		return fmt.Errorf("%w: the gateway does not serve", ErrNotDialled)
	case g.dialled >= g.config.DialPlan.MaxCalls || len(g.legs) >= g.config.MaxCalls:
		return fmt.Errorf("%w: there are too many calls", ErrNotDialled)
	}
	g.dialled++
	g.legs[l.dialogID] = l
	g.arriving[l.invited] = l
	g.doorman.open(l.dialogID.callID)
	g.parties[l.peer]++
	g.add()
	return nil
}

// establish makes an answered call known by its whole dialog.
func (g *Gateway) establish(l *leg, remoteTag string) {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	delete(g.legs, l.dialogID)
	l.dialogID.remoteTag = remoteTag
	g.legs[l.dialogID] = l
}

// Answer implements [channels.Leg]: it waits for the user.
func (d *dialled) Answer(ctx context.Context) error {
	select {
	case <-d.over:
		return channels.ErrLegOver
	default:
	}
	select {
	case <-d.up:
		return nil
	case <-d.over:
		return channels.ErrLegOver
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Failure implements [channels.DialledLeg]. It is empty before Done is closed.
func (d *dialled) Failure() contact.DialFailure {
	if !d.isOver() {
		return ""
	}
	return d.failure
}

// failureOf says what a final response to our INVITE means. Redirections are never followed: a
// carrier, or who forges its answers, would choose whom we call.
func failureOf(code int) contact.DialFailure {
	switch code {
	case 486, 600:
		return contact.DialBusy
	case 408, 480:
		return contact.DialNoAnswer
	}
	return contact.DialRefused
}
