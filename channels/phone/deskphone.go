package phone

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/emiago/sipgo/sip"
	"github.com/rs/zerolog"

	"svar/channels"
	"svar/channels/media"
	"svar/contact"
	"svar/identity"
)

// ErrNoPhone says that an agent has no desk phone registered now.
var ErrNoPhone = errors.New("the agent has no desk phone registered")

// Shown is what a desk phone shows of who calls.
type Shown struct {
	// Name is what it shows, as the line's name. It may be empty.
	Name string
	// Number is the caller's, empty when the agent may not see it.
	Number identity.Number
}

// deskLeg is a leg towards an agent's desk phone: one call to each of his telephones until he picks
// one up, and then that one.
type deskLeg struct {
	gateway *Gateway
	id      contact.LegID
	log     zerolog.Logger
	rings   []*dialled

	taken    atomic.Pointer[dialled]
	pickedUp chan struct{} // closed when taken is set
	hungUp   chan struct{}
	hangUp   func()
	over     chan struct{}
	held     chan bool
	typed    chan string // closed with over
	// transfers decides about what the agent sends on; nil until somebody does.
	transfers atomic.Pointer[func(dialled string, done func(contact.DialFailure)) error]

	ending  channels.Ending     // written before over is closed
	failure contact.DialFailure // likewise
}

var (
	_ channels.Endpoint     = (*Gateway)(nil)
	_ channels.DialledLeg   = (*deskLeg)(nil)
	_ channels.PickedUp     = (*deskLeg)(nil)
	_ channels.Holding      = (*deskLeg)(nil)
	_ channels.Transferring = (*deskLeg)(nil)
	_ channels.Prompter     = (*deskLeg)(nil)
	_ channels.KeyPresser   = (*deskLeg)(nil)
	_ channels.Keypad       = (*deskLeg)(nil)
	_ channels.Measured     = (*deskLeg)(nil)
)

// Ring implements [channels.Endpoint]: all telephones ring that the agent has registered. Errors wrap
// [ErrNoPhone] when there is none. An agent who declines, or is busy, ends the leg as its party
// ([deskLeg.Failure] says which); a telephone that can not be reached ends it by fault.
func (g *Gateway) Ring(ctx context.Context, r channels.Ring) (channels.Leg, error) {
	found := g.registrar.of(r.Agent)
	if len(found) == 0 {
		return nil, ErrNoPhone
	}
	if err := g.awaitServed(ctx); err != nil {
		return nil, err
	}
	l := &deskLeg{
		gateway: g, id: r.Leg, log: g.log.With().Str("contact", string(r.Contact)).Str("leg", string(r.Leg)).Logger(),
		pickedUp: make(chan struct{}), hungUp: make(chan struct{}), over: make(chan struct{}), held: make(chan bool, holdBuffer), typed: make(chan string),
	}
	l.hangUp = sync.OnceFunc(func() { close(l.hungUp) })
	for _, b := range found {
		ring, err := g.prepareRing(l, b, r)
		if err != nil {
			l.discard()
			return nil, err
		}
		l.rings = append(l.rings, ring)
	}
	if err := g.registerRings(l); err != nil {
		l.discard()
		return nil, err
	}
	l.log.Info().Str("agent", string(r.Agent)).Int("telephones", len(l.rings)).Msg("desk phone rings")
	for _, ring := range l.rings {
		go ring.run() // counted by registerRings, and counted down when it is over; so is live
	}
	go l.live()
	return l, nil
}

// prepareRing makes the call to one telephone, with its ports open and nothing sent.
func (g *Gateway) prepareRing(l *deskLeg, b binding, r channels.Ring) (*dialled, error) {
	own := hostText(g.localAddress(b.source.Addr()))
	shown := g.shownTo(r)
	from := "sip:anonymous@anonymous.invalid"
	if shown.Number != "" {
		from = "sip:" + string(shown.Number) + "@" + own + ";user=phone"
	}
	dialog := record{
		Version: recordVersion, CallID: newID(), LocalTag: rand.Text(), Branch: newBranch(), Latched: true,
		LocalURI: from, RemoteURI: "sip:" + string(b.agent) + "@" + own, Target: b.target,
		Transport: b.transport, Source: b.source, Sequence: inviteSequence,
	}
	if err := dialog.validate(); err != nil {
		return nil, fmt.Errorf("ring a desk phone: %w", err)
	}
	encoded, err := dialog.encode()
	if err != nil {
		return nil, err
	}
	socket, err := g.ports.Open()
	if err != nil {
		return nil, fmt.Errorf("open the ports of a desk phone's voice: %w", err)
	}
	ring := &dialled{leg: g.newLegOf(dialog, encoded, socket), up: make(chan struct{}), display: displayName(shown.Name)}
	ring.id, ring.first, ring.log = r.Leg, ring.dialling, l.log
	ring.dialogID = dialogID{callID: dialog.CallID, localTag: dialog.LocalTag}
	ring.invited = inviteID{callID: dialog.CallID, fromTag: dialog.LocalTag, sequence: inviteSequence}
	// It is counted as nobody's call, but its voice goes where it comes from, as a stranger's does: a
	// telephone at home does not know its own address.
	ring.trusted, ring.latched = true, true
	ring.onHold = func(held bool) { l.passHold(ring, held) }
	ring.domain = b.domain
	ring.onRefer = func(dialled string, done func(contact.DialFailure)) error { return l.askTransfer(ring, dialled, done) }
	ring.prefers = callerFormat(r.Caller)
	if mayText(r.Caller) {
		ring.offerText() // ports are opened only where they can serve
	}
	return ring, nil
}

// callerFormat is what the caller speaks, as our offer has it: the agent's telephone prefers it then.
func callerFormat(caller channels.Leg) media.Format {
	if audible, able := caller.(interface{ Stream() *media.Stream }); able {
		if codec := audible.Stream().Format().Codec; codec != 0 {
			return media.Format{Codec: codec, PayloadType: codec.PayloadType()}
		}
	}
	return media.Format{}
}

// shownTo is what the agent's telephone shows of who calls.
func (g *Gateway) shownTo(r channels.Ring) Shown {
	if g.config.ShownTo == nil {
		return Shown{}
	}
	var line contact.LineID
	var who identity.CallerID
	switch caller := r.Caller.(type) {
	case *leg:
		line, who = caller.line, caller.who
	case *dialled:
		line, who = caller.line, caller.who
	}
	return g.config.ShownTo(r.Agent, line, who)
}

// maxDisplay bounds the name that a telephone is told, in runes.
const maxDisplay = 64

// displayName makes a display name of a text (RFC 3261 §25.1, quoted-string).
func displayName(text string) string {
	var out strings.Builder
	for at, r := range []rune(text) {
		if at >= maxDisplay {
			break
		}
		switch {
		case r == '"' || r == '\\':
			out.WriteByte('\\')
			out.WriteRune(r)
		case !isControl(r):
			out.WriteRune(r)
		}
	}
	if out.Len() == 0 {
		return ""
	}
	return `"` + out.String() + `"`
}

// discard frees what never rang.
func (l *deskLeg) discard() {
	for _, ring := range l.rings {
		ring.discard()
	}
}

// registerRings makes calls to desk phones known. They cost nothing, and are in no limit of calls:
// agents must be reached however many callers there are.
func (g *Gateway) registerRings(l *deskLeg) error {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	if g.state != running {
		return errors.New("ring a desk phone: the gateway does not serve")
	}
	for _, ring := range l.rings {
		g.legs[ring.dialogID] = ring.leg
		g.arriving[ring.invited] = ring.leg
		g.doorman.open(ring.dialogID.callID)
		g.parties[ring.peer]++
		g.add()
	}
	g.add() // for live
	return nil
}

// live waits for the first telephone that is picked up, and then for its end.
func (l *deskLeg) live() {
	defer func() {
		l.gateway.mutex.Lock()
		defer l.gateway.mutex.Unlock()
		l.gateway.done()
	}()
	type event struct {
		ring *dialled
		up   bool
	}
	events := make(chan event)
	over := make(chan struct{})
	defer close(over)
	for _, ring := range l.rings {
		go func() {
			select {
			case <-ring.up:
				select {
				case events <- event{ring, true}:
				case <-over:
				}
			case <-ring.over:
				select {
				case events <- event{ring, false}:
				case <-over:
				}
			}
		}()
	}
	hungUp := l.hungUp
	for left := len(l.rings); left > 0; {
		select {
		case e := <-events:
			if e.up {
				l.take(e.ring)
				return
			}
			left--
			l.note(e.ring)
			if e.ring.code >= 600 {
				l.hangUpAllBut(nil) // he declines, wherever it rings (RFC 3261 §16.7, step 5)
			}
		case <-hungUp:
			hungUp = nil
			l.hangUpAllBut(nil)
		}
	}
	l.end()
}

// take goes on with the telephone that was picked up.
func (l *deskLeg) take(ring *dialled) {
	l.taken.Store(ring)
	l.hangUpAllBut(ring)
	close(l.pickedUp)
	var passing sync.WaitGroup
	passing.Go(func() { l.passText(ring) })
	select {
	case <-ring.over:
	case <-l.hungUp:
		ring.HangUp()
		<-ring.over
	}
	passing.Wait()
	l.ending, l.failure = ring.ending, ""
	l.end()
}

func (l *deskLeg) hangUpAllBut(kept *dialled) {
	for _, ring := range l.rings {
		if ring != kept {
			ring.HangUp()
		}
	}
}

// note keeps why a telephone was not picked up: that the agent declined says more than that another
// one could not be reached.
func (l *deskLeg) note(ring *dialled) {
	ending := ring.ending
	if ending == channels.EndedByParty && !declined(ring.code) {
		ending = channels.EndedByFault
	}
	if l.ending == "" || l.ending != channels.EndedByParty && ending != channels.EndedByUs {
		l.ending, l.failure = ending, ring.failure
	}
}

// declined tells whether a final response is the agent's own, rather than a telephone's trouble.
func declined(code int) bool {
	switch code {
	case 480, 486, 600, 603:
		return true
	}
	return false
}

func (l *deskLeg) end() {
	select {
	case <-l.hungUp:
		if l.taken.Load() == nil {
			l.ending = channels.EndedByUs
		}
	default:
	}
	close(l.typed)
	close(l.over)
}

// current is the call to the telephone that was picked up, or to the first one.
func (l *deskLeg) current() *dialled {
	if taken := l.taken.Load(); taken != nil {
		return taken
	}
	return l.rings[0]
}

// ID implements [channels.Leg].
func (l *deskLeg) ID() contact.LegID { return l.id }

// Answer implements [channels.Leg]: it waits for the agent.
func (l *deskLeg) Answer(ctx context.Context) error {
	select {
	case <-l.over:
		return channels.ErrLegOver
	default:
	}
	select {
	case <-l.pickedUp:
		return nil
	case <-l.over:
		return channels.ErrLegOver
	case <-ctx.Done():
		return ctx.Err()
	}
}

// PickedUp implements [channels.PickedUp].
func (l *deskLeg) PickedUp() <-chan struct{} { return l.pickedUp }

// HangUp implements [channels.Leg].
func (l *deskLeg) HangUp() { l.hangUp() }

// Done implements [channels.Leg].
func (l *deskLeg) Done() <-chan struct{} { return l.over }

// Ending implements [channels.Leg]. It is empty before Done is closed.
func (l *deskLeg) Ending() channels.Ending {
	select {
	case <-l.over:
		return l.ending
	default:
		return ""
	}
}

// Failure says why the agent did not pick up; valid after Done of a leg that was never answered.
func (l *deskLeg) Failure() contact.DialFailure {
	select {
	case <-l.over:
		return l.failure
	default:
		return ""
	}
}

// holdBuffer bounds how many changes of hold wait to be read.
const holdBuffer = 8

// Held implements [channels.Holding].
func (l *deskLeg) Held() <-chan bool { return l.held }

// passHold tells that the agent put the caller on hold at his telephone, or took him back. Of what
// nobody reads the newest is kept.
func (l *deskLeg) passHold(ring *dialled, held bool) {
	if l.taken.Load() != ring {
		return
	}
	for {
		select {
		case l.held <- held:
			return
		default:
		}
		select {
		case <-l.held:
		default:
		}
	}
}

// Stream is the leg's voice, for bridging. It is the right one from Answer on.
func (l *deskLeg) Stream() *media.Stream { return l.current().Stream() }

// Play implements [channels.Prompter], once the leg is answered.
func (l *deskLeg) Play(ctx context.Context, p channels.Prompt) error {
	if err := l.Answer(ctx); err != nil {
		return err
	}
	return l.current().Play(ctx, p)
}

// Loop implements [channels.Prompter].
func (l *deskLeg) Loop(p channels.Prompt) error { return l.current().Loop(p) }

// Press implements [channels.KeyPresser].
func (l *deskLeg) Press(key byte) error { return l.current().Press(key) }

// Digits implements [channels.Keypad], once the leg is answered.
func (l *deskLeg) Digits() <-chan byte { return l.current().Digits() }

// Quality implements [channels.Measured].
func (l *deskLeg) Quality() contact.Quality { return l.current().Quality() }

// deskRecord is the record of a leg whose telephones ring.
type deskRecord struct {
	Rings []json.RawMessage `json:"rings"`
}

// Record implements [channels.Leg]: all calls while it rings, and then the one that was picked up.
func (l *deskLeg) Record() []byte {
	if taken := l.taken.Load(); taken != nil {
		return taken.Record()
	}
	if len(l.rings) == 1 {
		return l.rings[0].Record()
	}
	var all deskRecord
	var encoded []byte
	for _, ring := range l.rings {
		all.Rings = append(all.Rings, ring.Record())
		more, err := json.Marshal(all)
		if err != nil || len(more) > maxRecord {
			break // the others stop ringing by themselves
		}
		encoded = more
	}
	return encoded
}

// recordsIn returns the dialogs of a leg's record: one, or those of all telephones that rang.
func recordsIn(encoded []byte) [][]byte {
	var all deskRecord
	if len(encoded) > maxRecord || json.Unmarshal(encoded, &all) != nil || len(all.Rings) == 0 {
		return [][]byte{encoded}
	}
	var each [][]byte
	for _, one := range all.Rings {
		each = append(each, one)
	}
	return each
}

// refusePhoneCall answers an INVITE by which a desk phone wants to dial out. Calls are placed in the
// console, where the dial plan and the record see them; so a phone that proves who it is gets 403, and
// what only claims to be one is asked.
func (g *Gateway) refusePhoneCall(ctx context.Context, request *sip.Request, transaction *sip.ServerTx) {
	_, _, refusal := g.registrar.signedOn(ctx, request)
	if refusal == nil {
		refusal = refuse(403, "Calls are placed in the console")
	}
	g.counters.refused.Add(1)
	g.reject(request, transaction, refusal)
}
