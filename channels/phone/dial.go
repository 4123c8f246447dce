package phone

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/netip"
	"time"

	"github.com/emiago/sipgo/sip"

	"svar/channels"
	"svar/channels/media"
	"svar/contact"
	"svar/identity"
)

const (
	// maxRinging is the longest that a call of ours rings (timer C, RFC 3261 §16.6).
	maxRinging = 3 * time.Minute
	// inviteSequence is the CSeq number of our first INVITE. One more follows when a trunk asks who we
	// are, or does not take the call and another one is tried.
	inviteSequence = 1
	// failOver times T1 is how long a proxy may say nothing at all while there is another one to be
	// tried: 4 s.
	failOver = 8
)

// dialled is a leg that we called. Once answered it lives as any other.
type dialled struct {
	*leg

	// prefers is what we offer first.
	prefers media.Format
	// display is the name that a desk phone shows of who calls, as a quoted string.
	display string

	shown   identity.Number     // who is called sees it
	up      chan struct{}       // closed when the user answered
	failure contact.DialFailure // written before over is closed
	code    int                 // of the final response that refused the call; 0 without one; likewise

	// What follows belongs to run's goroutine. It rings from the first response on.

	hop         *hop // who carries it; nil for a desk phone
	transaction *sip.ClientTx
	ringing     bool
	usual       string // the transport, but for an INVITE that was too large for it
	// sent is the INVITE under way, and authorization what it answered to challenges of them.
	sent          *sip.Request
	authorization sip.Header
	challenges    int
	// early are the dialogs of devices that ring, by their tags.
	early map[string]*earlyDialog
	// begun says that the voice began before the answer.
	begun bool
	// highest is the largest CSeq number in any of them.
	highest uint32
	// patient says that a longer session was asked for already.
	patient bool
}

var (
	_ channels.Dialler    = (*Gateway)(nil)
	_ channels.DialledLeg = (*dialled)(nil)
	_ channels.EarlySound = (*dialled)(nil)
)

// Dial implements [channels.Dialler]. It waits for nothing but the look-up of a proxy's
// name. Errors wrap [ErrNotDialled], or say what is missing; none holds the number. What the dial plan refuses
// is a [*RefusedError].
func (g *Gateway) Dial(ctx context.Context, call channels.Call) (channels.DialledLeg, error) {
	log := g.log.With().Str("contact", string(call.Contact)).Logger()
	l, err := g.prepareDial(ctx, call)
	if err == nil {
		l.log = log
		err = g.registerDialled(l.leg)
	}
	if err != nil {
		if l != nil {
			l.passage.end()
			l.discard()
		}
		log.Warn().Err(err).Str("line", string(call.Line)).Msg("call not dialled")
		return nil, err
	}
	l.log.Info().Str("line", string(call.Line)).Str("leg", string(call.Leg)).Str("trunk", l.hop.trunk.Name).
		Str("transport", l.dialog.Transport).Msg("call dialled")
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

// prepareDial makes the leg, with its ports open and nothing sent. What it returns has a passage that must end.
func (g *Gateway) prepareDial(ctx context.Context, call channels.Call) (*dialled, error) {
	shown, err := g.shown(call.Line)
	if err != nil {
		return nil, err
	}
	passage, err := g.pass(call)
	if err != nil {
		return nil, err
	}
	l, err := g.newDialled(ctx, call, shown, passage)
	if err != nil {
		passage.end()
		return nil, err
	}
	return l, nil
}

func (g *Gateway) newDialled(ctx context.Context, call channels.Call, shown identity.Number, passage *passage) (*dialled, error) {
	hop, address, err := g.nextHop(ctx, passage)
	if err != nil {
		return nil, err
	}
	if err := g.awaitServed(ctx); err != nil {
		return nil, err
	}
	dialog := record{Version: recordVersion, CallID: newID(), LocalTag: rand.Text(), Sequence: inviteSequence}
	dialog = g.towards(dialog, hop.trunk, address, shown, passage.number)
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
	l := &dialled{leg: g.newLegOf(dialog, encoded, socket), shown: shown, hop: hop, up: make(chan struct{})}
	l.id, l.first, l.outgoing, l.passage = call.Leg, l.dialling, true, passage
	l.dialogID = dialogID{callID: dialog.CallID, localTag: dialog.LocalTag}
	l.invited = inviteID{callID: dialog.CallID, fromTag: dialog.LocalTag, sequence: inviteSequence}
	l.line, l.who = call.Line, identity.CallerID{Number: passage.number}
	l.offerText()    // whichever agent talks in this call has text in his browser
	l.trusted = true // whoever carries our calls is configured
	return l, nil
}

// nextHop is the next proxy of a passage that has an address.
func (g *Gateway) nextHop(ctx context.Context, passage *passage) (*hop, netip.AddrPort, error) {
	var fault error
	for {
		hop := passage.next()
		switch {
		case hop == nil && fault != nil:
			return nil, netip.AddrPort{}, fault
		case hop == nil:
			return nil, netip.AddrPort{}, g.gate.refuse(RefusedTrunk)
		}
		address, err := g.resolve(ctx, hop.place)
		if err == nil {
			return hop, address, nil
		}
		hop.took(false)
		fault = fmt.Errorf("%w: %w", ErrNotDialled, err)
	}
}

// towards is a dialog that begins with an INVITE to a trunk.
func (g *Gateway) towards(dialog record, trunk *Trunk, address netip.AddrPort, from, to identity.Number) record {
	user := func(number identity.Number, at string) string {
		return "sip:" + string(number) + "@" + at + ";user=phone"
	}
	own, theirs, target := hostText(g.localAddress(address.Addr())), hostText(address.Addr()), address.String()
	if trunk.Domain != "" {
		own, theirs, target = trunk.Domain, trunk.Domain, trunk.Domain
	}
	dialog.LocalURI, dialog.RemoteURI, dialog.Target = user(from, own), user(to, theirs), user(to, target)
	dialog.Transport, dialog.Source, dialog.Trunk, dialog.Branch = trunk.transport(), address, trunk.Name, newBranch()
	return dialog
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
	case len(g.legs) >= g.config.MaxCalls:
		return fmt.Errorf("%w: there are too many calls", ErrNotDialled)
	}
	g.legs[l.dialogID] = l
	g.arriving[l.invited] = l
	g.doorman.open(l.dialogID.callID)
	g.parties[l.peer]++
	g.add()
	return nil
}

// redial makes a call of ours known by the INVITE that is sent next, which goes to dialog's address.
func (g *Gateway) redial(l *leg, dialog record) {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	g.unalias(l)
	delete(g.arriving, l.invited)
	l.invited.sequence = dialog.Sequence
	g.arriving[l.invited] = l
	if g.parties[l.peer]--; g.parties[l.peer] == 0 {
		delete(g.parties, l.peer)
	}
	l.peer = dialog.Source.Addr()
	g.parties[l.peer]++
}

// establish makes an answered call known by its whole dialog.
func (g *Gateway) establish(l *leg, remoteTag string) {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	g.unalias(l)
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
