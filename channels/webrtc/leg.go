package webrtc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/pion/webrtc/v4"
	"github.com/rs/zerolog"

	"svar/channels"
	"svar/channels/media"
	"svar/contact"
)

// outboxSize bounds our own messages that wait to be sent; there are fewer than ten.
const outboxSize = 32

// audible is a caller's leg with a voice, which knows its codec once it was started.
type audible interface{ Stream() *media.Stream }

// leg is the voice of one contact in one agent's browser. One goroutine, run, makes the
// session and takes it down; everybody else only tells it what happened.
type leg struct {
	gateway *Gateway
	id      contact.LegID
	agent   contact.AgentID
	echo    bool // the agent hears himself
	codec   media.Codec
	send    func(json.RawMessage)
	log     zerolog.Logger

	stream *media.Stream
	track  *track
	text   textChannel

	outbox  chan message
	changed chan struct{} // the session's state may be another one
	offered chan struct{} // closed when the offer was made, or could not be
	up      chan struct{} // closed when connected for the first time
	over    chan struct{} // closed when the end is decided
	done    chan struct{} // closed when the leg has ended

	endOnce sync.Once
	ending  channels.Ending // set before over is closed
	cause   error           // of a fault; likewise

	signalling negotiation
	readers    readers
}

var (
	_ channels.Leg       = (*leg)(nil)
	_ channels.Signalled = (*leg)(nil)
	_ channels.Prompter  = (*leg)(nil)
)

func newLeg(g *Gateway, r channels.Ring) *leg {
	l := &leg{
		gateway: g,
		id:      r.Leg,
		agent:   r.Agent,
		codec:   defaultCodec,
		send:    r.Send,
		log:     g.config.Log.With().Str("contact", string(r.Contact)).Str("leg", string(r.Leg)).Logger(),
		outbox:  make(chan message, outboxSize),
		changed: make(chan struct{}, 1),
		offered: make(chan struct{}),
		up:      make(chan struct{}),
		over:    make(chan struct{}),
		done:    make(chan struct{}),
	}
	// The caller's codec alone: the browser's order would win otherwise, and with it a
	// transcoding for the length of the call. All browsers have both of G.711
	// (RFC 7874 §3), and Chromium and Firefox have G.722.
	if caller, able := r.Caller.(audible); able {
		if codec := caller.Stream().Format().Codec; slices.Contains(offeredCodecs, codec) {
			l.codec = codec
		}
	}
	l.text.typed = media.NewTextQueue()
	l.track = &track{codec: l.codec}
	l.stream = media.NewStream(g.config.Pacer, l.track)
	return l
}

// ID names the leg.
func (l *leg) ID() contact.LegID { return l.id }

// Stream is the leg's media, for whoever bridges.
func (l *leg) Stream() *media.Stream { return l.stream }

// Answer waits until ICE and DTLS are connected and the leg sends.
func (l *leg) Answer(ctx context.Context) error {
	select {
	case <-l.up:
	case <-l.over:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-l.over:
		<-l.done
		return channels.ErrLegOver
	default:
		return nil
	}
}

// HangUp ends the leg.
func (l *leg) HangUp() { l.end(channels.EndedByUs, nil) }

// Done is closed when the leg is over.
func (l *leg) Done() <-chan struct{} { return l.done }

// Ending is valid after Done.
func (l *leg) Ending() channels.Ending {
	select {
	case <-l.over:
		return l.ending
	default:
		return ""
	}
}

// Record is nil: a browser notices by itself that its process is gone.
func (l *leg) Record() []byte { return nil }

func (l *leg) end(ending channels.Ending, cause error) {
	l.endOnce.Do(func() {
		l.ending, l.cause = ending, cause
		close(l.over)
	})
}

func (l *leg) fail(err error) { l.end(channels.EndedByFault, err) }

func (l *leg) connected() bool {
	select {
	case <-l.up:
		return true
	default:
		return false
	}
}

// stateChanged wakes run; it never blocks.
func (l *leg) stateChanged() {
	select {
	case l.changed <- struct{}{}:
	default:
	}
}

// run is the life of the leg.
func (l *leg) run() {
	session, err := l.offer()
	close(l.offered)
	if err != nil {
		l.fail(fmt.Errorf("make an offer: %w", err))
	}
	limit := time.NewTimer(l.gateway.config.SetUpLimit)
	defer limit.Stop()
	listening := newVigil(l.gateway.config.timing.unheard, time.Now())
	defer listening.stop()
	for {
		select {
		case <-l.over:
			l.takeDown(session)
			return
		default:
		}
		select {
		case <-l.over:
		case m := <-l.outbox:
			l.post(m)
		case <-l.changed:
			l.observe(session.ConnectionState())
		case <-limit.C:
			if !l.connected() {
				l.fail(fmt.Errorf("the browser was not connected within %s", l.gateway.config.SetUpLimit))
			}
		case <-listening.ticks():
			if listening.lost(l.stream.Unheard(time.Now()), time.Now()) {
				l.fail(fmt.Errorf("no sound came from the agent's browser for %s", l.gateway.config.timing.unheard))
			}
		}
	}
}

func (l *leg) post(m message) {
	data, err := json.Marshal(m)
	if err != nil {
		l.fail(fmt.Errorf("write a message: %w", err))
		return
	}
	if l.send != nil {
		l.send(data)
	}
}

// observe follows the session. Its states are read, not handed over: the library tells each
// from a goroutine of its own, in any order.
func (l *leg) observe(state webrtc.PeerConnectionState) {
	switch state {
	case webrtc.PeerConnectionStateConnected:
		if l.connected() {
			l.log.Info().Msg("the agent's browser is heard again")
			return
		}
		if err := l.stream.Start(l.signalling.agreed()); err != nil {
			l.fail(fmt.Errorf("start the voice: %w", err))
			return
		}
		close(l.up)
		if l.echo && l.readers.begin() {
			go l.playEcho()
		}
		l.log.Info().Stringer("codec", l.codec).Msg("the agent's browser is connected")
	case webrtc.PeerConnectionStateDisconnected:
		l.log.Warn().Msg("the agent's browser is not heard")
	case webrtc.PeerConnectionStateFailed:
		l.fail(errors.New("the way to the agent's browser failed"))
	case webrtc.PeerConnectionStateClosed:
		// The library closes the session on DTLS close_notify, which a browser sends when its
		// page is closed or the agent hangs up. A browser that dies says nothing and fails.
		l.end(channels.EndedByParty, nil)
	case webrtc.PeerConnectionStateUnknown, webrtc.PeerConnectionStateNew, webrtc.PeerConnectionStateConnecting:
	}
}

// takeDown ends the leg towards everybody else first, then the session.
func (l *leg) takeDown(session *webrtc.PeerConnection) {
	_ = l.stream.Close()
	l.text.end()
	l.gateway.ledger.Close(l.stream)
	close(l.done)
	figures := l.stream.Statistics()
	l.log.Info().Str("ending", string(l.ending)).AnErr("cause", l.cause).
		Uint64("sent", figures.PacketsSent).Uint64("received", figures.PacketsReceived).Int64("lost", figures.PacketsLost).
		Dur("jitter", figures.Jitter).Dur("round_trip", figures.RoundTrip).Float64("remote_loss", figures.RemoteLoss).
		Msg("the leg to the agent's browser is over")
	if session != nil {
		if err := session.GracefulClose(); err != nil {
			l.log.Debug().Err(err).Msg("closing the session to the agent's browser")
		}
	}
	l.readers.wait()
}
