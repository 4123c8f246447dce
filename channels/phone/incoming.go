package phone

import (
	"context"
	"errors"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"
	"github.com/google/uuid"

	"svar/contact"
)

const (
	// arriveTime bounds how long a call waits to be put on record.
	arriveTime = 10 * time.Second
	// cancelPatience is how long the answer to a CANCEL waits for its INVITE, which may be a
	// step behind: each message is handled by a goroutine of its own.
	cancelPatience = 200 * time.Millisecond
	retryAfter     = 5 // seconds, when there are too many calls
)

// handle is called for each request that begins a transaction, on a goroutine of its own.
func (g *Gateway) handle(request *sip.Request, transaction *sip.ServerTx) {
	ctx, done, serving := g.begin(context.Background())
	if !serving {
		transaction.Terminate()
		return
	}
	defer done()
	fault := validate(request)
	if fault != nil {
		g.counters.malformed.Add(1)
	}
	// What strangers send by UDP was judged before it came here.
	if request.Transport() != "UDP" && g.config.trunkOf(sourceOf(request).Addr()) == nil && g.doorman.turnAway(request, transaction, fault) {
		return
	}
	if fault != nil {
		g.reject(request, transaction, fault)
		return
	}
	switch request.Method {
	case sip.INVITE:
		g.handleInvite(ctx, request, transaction)
	case sip.ACK:
		g.forward(request, transaction)
		// Nothing is ever responded to an ACK, and the library would keep its transaction.
		transaction.Terminate()
	case sip.CANCEL:
		g.handleCancel(ctx, request, transaction)
	case sip.BYE, sip.PRACK:
		if !g.forward(request, transaction) {
			g.respondOutside(request, transaction)
		}
	case sip.REFER:
		// Outside of a call nobody may make us call anybody.
		if tag(request.To().Params) == "" {
			g.reject(request, transaction, forbidden())
		} else if !g.forward(request, transaction) {
			g.respondOutside(request, transaction)
		}
	case sip.OPTIONS, sip.UPDATE, sip.INFO:
		if tag(request.To().Params) == "" && request.Method == sip.OPTIONS {
			g.respondOptions(request, transaction)
		} else if !g.forward(request, transaction) {
			g.respondOutside(request, transaction)
		}
	case sip.REGISTER:
		if !g.registrar.serves() {
			g.refuseMethod(request, transaction)
			break
		}
		g.handleRegister(ctx, request, transaction)
	default:
		g.refuseMethod(request, transaction)
	}
}

// refuseMethod answers a request of a method that is not served.
func (g *Gateway) refuseMethod(request *sip.Request, transaction *sip.ServerTx) {
	g.respond(request, transaction, 405, "Method Not Allowed", sip.NewHeader("Allow", allowed))
}

// reject answers with a fault, but for ACK, which is never answered.
func (g *Gateway) reject(request *sip.Request, transaction *sip.ServerTx, fault *fault) {
	if request.Method == sip.ACK {
		transaction.Terminate()
		return
	}
	g.respond(request, transaction, fault.code, fault.reason, fault.headers...)
}

func (g *Gateway) respondOptions(request *sip.Request, transaction *sip.ServerTx) {
	g.respond(request, transaction, 200, "OK", abilities()...)
}

// abilities are the headers that answer OPTIONS (RFC 3261 §11.2).
func abilities() []sip.Header {
	return []sip.Header{
		sip.NewHeader("Allow", allowed), sip.NewHeader("Accept", "application/sdp"), sip.NewHeader("Accept-Language", "sv, en"),
		sip.NewHeader("Supported", supported),
	}
}

// respondOutside answers a request in a dialog that is over or never was.
func (g *Gateway) respondOutside(request *sip.Request, transaction *sip.ServerTx) {
	g.mutex.Lock()
	over := g.ended.has(dialogOf(request))
	g.mutex.Unlock()
	if over && request.Method == sip.BYE {
		g.respond(request, transaction, 200, "OK") // it crossed ours
		return
	}
	g.respond(request, transaction, 481, "Call/Transaction Does Not Exist")
}

// knowsDialog tells whether a request is in a dialog that lives, or that ended lately.
func (g *Gateway) knowsDialog(request *sip.Request) bool {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	dialog := dialogOf(request)
	return g.legs[dialog] != nil || g.ended.has(dialog)
}

// dialogOf and inviteOf copy the tags: ids are remembered, and a part of a header would keep all
// of it, which a stranger can make very long.
func dialogOf(request *sip.Request) dialogID {
	return dialogID{
		callID: request.CallID().Value(), localTag: strings.Clone(tag(request.To().Params)), remoteTag: strings.Clone(tag(request.From().Params)),
	}
}

func inviteOf(request *sip.Request) inviteID {
	return inviteID{callID: request.CallID().Value(), fromTag: strings.Clone(tag(request.From().Params)), sequence: request.CSeq().SeqNo}
}

// forward hands a request to its call. It reports false when there is none.
func (g *Gateway) forward(request *sip.Request, transaction *sip.ServerTx) bool {
	g.mutex.Lock()
	l, found := g.legs[dialogOf(request)]
	g.mutex.Unlock()
	if !found {
		return false
	}
	select {
	case l.requests <- received{request, transaction}:
		return true
	case <-l.finished:
		return false
	}
}

// handleCancel takes a CANCEL that matched no transaction. The library answers the others.
func (g *Gateway) handleCancel(ctx context.Context, request *sip.Request, transaction *sip.ServerTx) {
	find := func() *leg {
		g.mutex.Lock()
		defer g.mutex.Unlock()
		l := g.arriving[inviteOf(request)]
		if l == nil {
			g.cancelled.add(inviteOf(request), time.Now(), 64*g.config.T1)
		}
		return l
	}
	// The library sends responses to CANCEL past the transaction, and would keep it.
	defer transaction.Terminate()
	l := find()
	if l == nil {
		select {
		case <-time.After(cancelPatience):
		case <-ctx.Done():
		}
		l = find()
	}
	if l == nil {
		g.respond(request, transaction, 481, "Call/Transaction Does Not Exist")
		return
	}
	g.respond(request, transaction, 200, "OK")
	l.cancel()
}

// handleInvite takes a new call, or hands on a re-INVITE.
func (g *Gateway) handleInvite(ctx context.Context, request *sip.Request, transaction *sip.ServerTx) {
	// giveTag has set our tag if there was none. A re-INVITE has the tag of its dialog's first
	// INVITE, which had another CSeq.
	if !g.begins(request) {
		if !g.forward(request, transaction) {
			g.respondOutside(request, transaction)
		}
		return
	}
	if g.absorbs(request) {
		transaction.Terminate()
		return
	}
	arrived := time.Now()
	g.respond(request, transaction, 100, "Trying")

	source := sourceOf(request)
	trunk, refusal := g.callingTrunk(ctx, request)
	if refusal != nil {
		g.reject(request, transaction, refusal)
		return
	}
	turned := contact.Contact{Channel: contact.Voice, Arrived: contact.InstantOf(arrived)}
	turnAway := func(fault *fault) {
		g.counters.refused.Add(1)
		g.reject(request, transaction, fault)
		// What strangers dial at random is no contact of anybody's.
		if trunk != nil {
			turned.ID = contact.ID(newID())
			g.config.Intake.Refuse(ctx, turned, fault.code)
		}
	}
	if of, takesOver, fault := readReplaces(request); fault != nil {
		turnAway(fault)
		return
	} else if takesOver {
		g.handleReplaces(ctx, request, transaction, of, trunk)
		return
	}
	line, found := g.lineOf(request, trunk)
	if !found && g.registrar.isPhone(source) {
		g.refusePhoneCall(ctx, request, transaction)
		return
	}
	if !found {
		turnAway(refuse(404, "Not Found"))
		return
	}
	turned.Line = line
	id := caller(request, trunk.believed(), g.config.Region)
	turned.Callable = id.Number != "" && !id.Number.IsShort()

	inside, letIn := g.knock(trunk != nil)
	if !letIn {
		turnAway(busy())
		return
	}
	defer inside()
	l, fault := g.newLeg(request, transaction, source, trunk)
	if fault != nil {
		turnAway(fault)
		return
	}
	c := contact.Contact{
		ID: contact.ID(newID()), Channel: contact.Voice, Line: line,
		Callable: turned.Callable, Arrived: turned.Arrived,
	}
	l.line, l.who = line, id
	l.log = g.log.With().Str("contact", string(c.ID)).Logger()
	if fault := g.register(l); fault != nil {
		l.discard()
		if fault.code == 503 {
			turnAway(busy())
		} else {
			g.reject(request, transaction, fault)
		}
		return
	}
	g.counters.calls.Add(1)
	g.arrive(ctx, l, c, contact.Personal{Number: id.Number, Withheld: id.Withheld, Vouched: trunk.believed() && id.Number != ""}, trunk)
}

// arrive hands a call to the intake.
func (g *Gateway) arrive(ctx context.Context, l *leg, c contact.Contact, p contact.Personal, trunk *Trunk) {
	if !l.transaction.OnCancel(func(*sip.Request) { l.cancel() }) {
		l.cancel() // it came first
	}
	entry := l.log.Info().Str("line", string(c.Line)).Str("leg", string(l.id)).Str("transport", l.dialog.Transport)
	if trunk != nil {
		entry = entry.Str("trunk", trunk.Name)
	}
	entry.Msg("call arrived")
	go l.run() // counted by register, and counted down when it is over

	arriving, cancel := context.WithTimeout(ctx, arriveTime)
	defer cancel()
	if err := g.config.Intake.Arrive(arriving, c, p, l); err != nil {
		l.log.Error().Err(err).Msg("call could not be put on record")
		l.turnAway()
	}
}

// register makes a call known, unless there are too many or it came before by another way.
func (g *Gateway) register(l *leg) *fault {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	if _, merged := g.arriving[l.invited]; merged {
		return refuse(482, "Loop Detected")
	}
	if !g.roomFor(l.peer, l.trusted) || g.state != running {
		return refuse(503, "Service Unavailable")
	}
	g.enter(l)
	if g.cancelled.has(l.invited) {
		l.cancel()
	}
	g.add()
	return nil
}

// knock lets a call wait to be put on record, until inside is called, unless too many do.
func (g *Gateway) knock(trusted bool) (inside func(), letIn bool) {
	strangers := 1
	if trusted {
		strangers = 0
	}
	g.mutex.Lock()
	defer g.mutex.Unlock()
	if g.atDoor >= g.config.MaxArriving || !trusted && g.strangersAtDoor >= g.config.strangersOf(g.config.MaxArriving) {
		return nil, false
	}
	g.atDoor, g.strangersAtDoor = g.atDoor+1, g.strangersAtDoor+strangers
	return func() {
		g.mutex.Lock()
		defer g.mutex.Unlock()
		g.atDoor, g.strangersAtDoor = g.atDoor-1, g.strangersAtDoor-strangers
	}, true
}

// hasRoom tells whether a party may have one call more.
func (g *Gateway) hasRoom(party netip.Addr, trusted bool) bool {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	return g.roomFor(party, trusted)
}

// roomFor is hasRoom for who holds the mutex.
func (g *Gateway) roomFor(party netip.Addr, trusted bool) bool {
	if len(g.legs) >= g.config.MaxCalls {
		return false
	}
	return trusted || g.strangers < g.config.strangerCalls() && g.strangersAt[party] < g.config.callsOfOneStranger()
}

// hasCalls tells whether somebody at an address has a call.
func (g *Gateway) hasCalls(party netip.Addr) bool {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	return g.parties[party] > 0
}

// enter makes a leg's dialog known, and leave forgets it. The caller holds the mutex.
func (g *Gateway) enter(l *leg) {
	if !l.trusted {
		g.strangers++
		g.strangersAt[l.peer]++
	}
	g.legs[l.dialogID] = l
	g.arriving[l.invited] = l
	g.doorman.open(l.dialogID.callID)
	g.parties[l.peer]++
}

func (g *Gateway) leave(l *leg) {
	g.unalias(l)
	delete(g.legs, l.dialogID)
	delete(g.arriving, l.invited)
	g.doorman.close(l.dialogID.callID)
	if g.parties[l.peer]--; g.parties[l.peer] == 0 {
		delete(g.parties, l.peer)
	}
	if address := l.peer; !l.trusted {
		g.strangers--
		if g.strangersAt[address]--; g.strangersAt[address] == 0 {
			delete(g.strangersAt, address)
		}
	}
}

// forget is the counterpart of register, called by the leg when its dialog is over.
func (g *Gateway) forget(l *leg) {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	g.leave(l)
	if l.passage != nil {
		l.passage.end()
	}
	g.done()
}

// remember keeps a dialog that is over, before the leg takes no more requests.
func (g *Gateway) remember(l *leg) {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	g.ended.add(l.dialogID, time.Now(), 64*g.config.T1)
}

// newLeg makes the leg of a call that is acceptable: with its session negotiated and its
// ports open, and nothing begun.
func (g *Gateway) newLeg(request *sip.Request, transaction *sip.ServerTx, source netip.AddrPort, trunk *Trunk) (*leg, *fault) {
	dialog, err := newRecord(request, tag(request.To().Params), source)
	if trunk != nil {
		dialog.Trunk = trunk.Name
	}
	if err != nil {
		g.counters.malformed.Add(1)
		return nil, refuse(400, "Unusable dialog")
	}
	encoded, err := dialog.encode()
	if err != nil {
		return nil, refuse(513, "Message Too Large")
	}
	var offer description
	if len(request.Body()) > 0 {
		if offer, err = readDescription(request.Body(), 0, isSecure(request)); err != nil {
			return nil, notAcceptable(g.localAddress(source.Addr()), err)
		}
	}
	timing, tooShort := agree(request, expiry{})
	if tooShort != nil {
		return nil, tooShort
	}
	socket, err := g.ports.Open()
	if err != nil {
		g.log.Error().Err(err).Msg("call turned away")
		return nil, refuse(503, "Service Unavailable")
	}
	l := g.makeLeg(request, transaction, dialog, encoded, offer, socket, trunk != nil)
	l.timing.expiry = timing
	l.learnMethods(request)
	return l, nil
}

// notAcceptable is 488 with the reason (RFC 3261 §20.43).
func notAcceptable(agent netip.Addr, err error) *fault {
	reason := &descriptionError{warningOther, "not acceptable"}
	_ = errors.As(err, &reason)
	return refuse(488, "Not Acceptable Here", sip.NewHeader("Warning", strconv.Itoa(reason.warning)+" "+hostText(agent)+" "+strconv.Quote(reason.text)))
}

// newID is a UUID version 7.
func newID() string { return uuid.Must(uuid.NewV7()).String() }
