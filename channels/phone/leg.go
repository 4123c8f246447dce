package phone

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/emiago/sipgo/sip"
	"github.com/rs/zerolog"

	"svar/channels"
	"svar/channels/media"
	"svar/contact"
	"svar/identity"
)

const (
	// digitBuffer bounds the keys that wait to be read.
	digitBuffer = 32
	// speakTime bounds the wait for the sound of a text.
	speakTime = 5 * time.Second
)

// leg is one call. Its dialog belongs to the goroutine in run; the methods of the contract
// only tell that goroutine what to do, or read what it published.
type leg struct {
	gateway *Gateway
	id      contact.LegID
	log     zerolog.Logger

	// first is the state that the dialog begins in.
	first state
	// outgoing says that we called.
	outgoing bool
	// passage is the leave of a call that we make, for as long as it lasts.
	passage *passage
	// invite and transaction are those of a caller.
	invite      *sip.Request
	transaction *sip.ServerTx
	dialogID    dialogID
	aliases     []dialogID // early dialogs; guarded by the gateway's mutex
	invited     inviteID
	branch      string // of that INVITE; both are guarded by the gateway's mutex
	peer        netip.Addr
	trusted     bool
	// latched says that voice goes where it comes from, though the party is trusted.
	latched bool
	// line and who are what the call came by, for the agent's desk phone to show.
	line contact.LineID
	who  identity.CallerID
	// onHold is told when the party puts us on hold, and takes us back; nil when nobody asks.
	onHold func(held bool)
	// onRefer is asked when the party sends the user on; nil refuses it. domain is the one that the party registered with.
	onRefer func(dialled string, done func(contact.DialFailure)) error
	domain  string

	socket  *media.Socket
	stream  *media.Stream
	text    *media.TextStream
	textWay textWay
	texts   atomic.Bool // the party takes text, or offers to
	digits  chan byte
	// informed takes the keys that came by INFO.
	informed chan byte

	requests  chan received
	answers   chan chan error
	rings     chan struct{}
	takeovers chan takeover
	cancelled chan struct{}
	hungUp    chan struct{}
	refused   chan struct{}
	cancel    func() // closes cancelled, at most once; so do HangUp and turnAway
	hangUp    func()
	turnAway  func()
	over      chan struct{} // closed when the leg is over
	finished  chan struct{} // closed when the dialog is, too, and nobody reads requests

	ending    channels.Ending // written before over is closed
	published atomic.Pointer[[]byte]
	keys      earlyKeys

	// What follows belongs to run's goroutine.

	dialog         record
	remoteSequence uint32
	session        session
	offer          description
	pending        *acceptance
	answered2xx    int64 // the CSeq number of the last INVITE that got a 2xx; -1 before
	unacknowledged *provisional
	lastReliable   uint32     // the RSeq of our last reliable response
	described      bool       // offer and answer were exchanged before the INVITE's final response
	answering      chan error // an Answer that waits for the PRACK with the answer to our offer
	waiting        *deferred
	timing         sessionTimer
	takesUpdate    bool         // the peer does
	asking         chan outcome // takes what comes of our INVITE or UPDATE; nil: none is under way
	inviting       bool         // that request is an INVITE
	confirmedAt    time.Time
	probedAt       time.Time
	claimed        netip.AddrPort  // where the peer said last that it takes voice
	probe          chan bool       // takes whether the peer still knows the call; nil: none under way
	referral       *referral       // the one whose outcome is open; nil: none
	referred       bool            // there was one
	told           <-chan struct{} // closed when the telephone has answered what it was told last of one; nil: it was told nothing
	bye            *sip.ServerTx   // of the party's BYE
	helpers        sync.WaitGroup
}

// received is a request in a call's dialog.
type received struct {
	request     *sip.Request
	transaction *sip.ServerTx
}

var (
	_ channels.Leg      = (*leg)(nil)
	_ channels.Prompter = (*leg)(nil)
	_ channels.Keypad   = (*leg)(nil)
)

func (g *Gateway) makeLeg(
	invite *sip.Request, transaction *sip.ServerTx, dialog record, encoded []byte, offer description,
	socket *media.Socket, trusted bool,
) *leg {
	l := g.newLegOf(dialog, encoded, socket)
	l.id, l.invite, l.transaction = contact.LegID(newID()), invite, transaction
	l.dialogID, l.invited, l.trusted = dialogOf(invite), inviteOf(invite), trusted
	l.branch = branchOf(invite)
	l.remoteSequence, l.offer = invite.CSeq().SeqNo, offer
	l.texts.Store(offer.text != nil)
	return l
}

// newLegOf makes what all legs have.
func (g *Gateway) newLegOf(dialog record, encoded []byte, socket *media.Socket) *leg {
	l := &leg{
		gateway: g, peer: dialog.Source.Addr(),
		socket: socket, stream: media.NewStream(g.config.Pacer, socket),
		digits: make(chan byte, digitBuffer), informed: make(chan byte, digitBuffer),
		requests: make(chan received), answers: make(chan chan error), rings: make(chan struct{}, 1), takeovers: make(chan takeover),
		lastReliable: rand.Uint32N(1 << 16), answered2xx: -1,
		cancelled: make(chan struct{}), hungUp: make(chan struct{}), refused: make(chan struct{}),
		over: make(chan struct{}), finished: make(chan struct{}), dialog: dialog,
		session: session{id: rand.Uint64() >> 1, address: g.localAddress(dialog.Source.Addr()), port: socket.Port(), secure: dialog.Transport == "TLS"},
	}
	l.protect(cryptoLine{}) // nothing goes, until the keys are there, where they are due
	l.text = media.NewTextStream(&l.textWay)
	l.first = l.early
	l.cancel = sync.OnceFunc(func() { close(l.cancelled) })
	l.hangUp = sync.OnceFunc(func() { close(l.hungUp) })
	l.turnAway = sync.OnceFunc(func() { close(l.refused) })
	l.published.Store(&encoded)
	return l
}

// discard frees a leg that never ran.
func (l *leg) discard() {
	_ = l.stream.Close()
	_ = l.socket.Close()
	l.endText()
}

// ID implements [channels.Leg].
func (l *leg) ID() contact.LegID { return l.id }

// Answer implements [channels.Leg]. A second call returns nil while the call lives.
func (l *leg) Answer(ctx context.Context) error {
	if l.isOver() {
		return channels.ErrLegOver
	}
	reply := make(chan error, 1)
	select {
	case l.answers <- reply:
	case <-l.over:
		return channels.ErrLegOver
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-reply: // at once, unless the caller's side owes an answer before
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// HangUp implements [channels.Leg].
func (l *leg) HangUp() { l.hangUp() }

// Done implements [channels.Leg].
func (l *leg) Done() <-chan struct{} { return l.over }

// Ending implements [channels.Leg]. It is empty before Done is closed.
func (l *leg) Ending() channels.Ending {
	if !l.isOver() {
		return ""
	}
	return l.ending
}

// Record implements [channels.Leg].
func (l *leg) Record() []byte { return *l.published.Load() }

// Stream is the leg's voice, for bridging. It is closed by the leg.
func (l *leg) Stream() *media.Stream { return l.stream }

func (l *leg) isOver() bool {
	select {
	case <-l.over:
		return true
	default:
		return false
	}
}

// Play implements [channels.Prompter]. Sound begins when ACK has come.
func (l *leg) Play(ctx context.Context, p channels.Prompt) error {
	clip, err := l.clip(ctx, p)
	if err != nil {
		return err
	}
	if err := l.stream.Play(ctx, clip); err != nil {
		return l.mediaError(err)
	}
	return nil
}

// Loop implements [channels.Prompter].
func (l *leg) Loop(p channels.Prompt) error {
	clip, err := l.clip(context.Background(), p) // bounded by speakTime
	if err != nil {
		return err
	}
	return l.mediaError(l.stream.Loop(clip))
}

func (l *leg) clip(ctx context.Context, p channels.Prompt) (*media.Clip, error) {
	if l.isOver() {
		return nil, channels.ErrLegOver
	}
	if l.gateway.config.Prompts == nil {
		return nil, fmt.Errorf("play prompt %q: there is no prompt catalogue", p.Name)
	}
	if p.Text != "" {
		ctx, cancel := context.WithTimeout(ctx, speakTime)
		defer cancel()
		clip, err := l.gateway.config.Prompts.Speak(ctx, p.Language, p.Text)
		if err != nil {
			return nil, fmt.Errorf("say the text of prompt %q in %q: %w", p.Name, p.Language, err)
		}
		return clip, nil
	}
	clip, err := l.gateway.config.Prompts.Clip(p.Name, p.Language)
	if err != nil {
		return nil, fmt.Errorf("play prompt %q in %q: %w", p.Name, p.Language, err)
	}
	return clip, nil
}

func (l *leg) mediaError(err error) error {
	if errors.Is(err, media.ErrClosed) {
		return channels.ErrLegOver
	}
	return err
}

// Digits implements [channels.Keypad].
func (l *leg) Digits() <-chan byte { return l.digits }

// keyWay is how a call's keys come.
type keyWay int

const (
	anyWay keyWay = iota
	byVoice
	byInfo
)

// passDigits hands the keys on until the voice ends. Some phones send each key in the voice
// (RFC 4733) and by INFO too: the way that the first key came by counts for the whole call.
func (l *leg) passDigits() {
	defer close(l.digits)
	way := anyWay
	for {
		key, came := byte(0), anyWay
		select {
		case digit, more := <-l.stream.Digits():
			if !more {
				return
			}
			key, came = byte(digit), byVoice
		case key = <-l.informed:
			came = byInfo
		}
		if way == anyWay {
			way = came
		}
		if way == came {
			l.pass(key)
		}
	}
}

// pass hands a key on, and drops the oldest when nobody reads.
func (l *leg) pass(key byte) {
	for {
		select {
		case l.digits <- key:
			return
		default:
		}
		select {
		case <-l.digits:
		default:
		}
	}
}

// publish makes the dialog's present state the leg's record. A state that does not fit leaves
// the former one, which still leads to the peer.
func (l *leg) publish() {
	if encoded, err := l.dialog.encode(); err == nil {
		l.published.Store(&encoded)
	}
}

// aim sends what goes by a socket to where the peer wants it.
func (l *leg) aim(socket *media.Socket, remote, remoteRTCP netip.AddrPort, moved bool) {
	switch {
	case !remote.IsValid(): // held as of old, or a name
	case l.trusted && !l.latched || remote.Addr() == l.peer:
		socket.SetRemote(remote, remoteRTCP)
	case moved:
		// A stranger could name anybody's address and flood it. What he sends shows where he is.
		socket.Relatch()
	}
}

// settle follows an offer or answer of the peer: where voice goes, which way, and in what
// format.
func (l *leg) settle(d description) {
	moved := d.remote.IsValid() && d.remote != l.claimed
	l.aim(l.socket, d.remote, d.remoteRTCP, moved)
	if moved {
		l.claimed = d.remote
	}
	l.settleText(d.text)
	l.socket.Multiplex(d.multiplexed)
	l.protect(d.crypto)
	l.stream.SetDirection(d.direction)
	if d.format != l.offer.format {
		// Before the voice has begun, it begins in the new one.
		if err := l.stream.SetFormat(d.format); err != nil && !errors.Is(err, media.ErrNotStarted) && !errors.Is(err, media.ErrClosed) {
			l.log.Error().Err(err).Msg("the voice could not change its format")
		}
	}
	held := l.holds()
	l.offer = d
	if l.onHold != nil && l.holds() != held {
		l.onHold(!held)
	}
}

// begin starts the voice, once, in the format that was settled.
func (l *leg) begin(format media.Format) {
	if err := l.stream.Start(format); err != nil && !errors.Is(err, media.ErrStarted) {
		l.log.Error().Err(err).Msg("voice could not begin")
	}
	l.pressEarly()
}

// report sends RTCP.
func (l *leg) report() {
	// A report that can not be sent is followed by the next one.
	_ = l.socket.WriteRTCP(l.stream.Reports(time.Now()))
}

// end makes the leg over: nothing is heard from it any more. The dialog may live on until its
// last messages are through. Only the first call counts.
func (l *leg) end(ending channels.Ending) {
	if l.isOver() {
		return
	}
	_ = l.stream.Close()
	_ = l.socket.Close()
	l.endText()
	l.gateway.voices.Close(l.stream)
	l.ending = ending
	close(l.over)
	l.log.Info().Str("leg", string(l.id)).Str("ending", string(ending)).Msg("call over")
}
