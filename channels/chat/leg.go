package chat

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/cenkalti/backoff/v5"
	"github.com/google/uuid"
	"github.com/rs/zerolog"
	"golang.org/x/time/rate"

	"svar/channels"
	"svar/contact"
)

const (
	// writeTime bounds how long a line of the system's own is tried to be kept.
	writeTime = time.Minute
	// lastWriteTime is the same once the gateway ends.
	lastWriteTime = 2 * time.Second
)

// leg is one chat: the visitor's token, whichever sockets hold it now, and what the system
// says in it. One goroutine, run, writes that and waits for visitors who stay away.
type leg struct {
	gateway  *Gateway
	id       contact.LegID
	contact  contact.ID
	topic    contact.LineID
	language string
	token    tokenHash
	record   []byte
	log      zerolog.Logger
	limit    *rate.Limiter
	done     chan struct{} // closed when the leg is over
	// onRecord is closed when the intake has the contact, kept when the first message is safe.
	onRecord, kept chan struct{}
	wake           chan struct{}

	mutex    sync.Mutex
	state    state
	agent    contact.AgentID // who has joined
	ending   channels.Ending
	started  bool       // onRecord is closed
	written  int        // lines of the visitor
	first    bool       // kept is closed
	visitors []*visitor // the newest last
	visits   int        // how often a visitor came
	outbox   []outgoing
}

// outgoing is a line that waits to be kept. result, when there is one, takes what came of it.
type outgoing struct {
	line   contact.ChatLine
	ctx    context.Context // when it is over, nobody waits for the line any more, and it is not said
	result chan error
}

func (g *Gateway) newLeg(id contact.LegID, record legRecord, token tokenHash) (*leg, error) {
	data, err := record.encode()
	if err != nil {
		return nil, err
	}
	return &leg{
		gateway: g, id: id, contact: record.Contact, topic: record.Topic, language: record.Language, token: token, record: data,
		log:   g.config.Log.With().Str("contact", string(record.Contact)).Logger(),
		limit: rate.NewLimiter(rate.Every(linesEvery), linesBurst),
		done:  make(chan struct{}), onRecord: make(chan struct{}), kept: make(chan struct{}), wake: make(chan struct{}, 1),
		state: stateWaiting,
	}, nil
}

// ID implements [channels.Leg].
func (l *leg) ID() contact.LegID { return l.id }

// Done implements [channels.Leg].
func (l *leg) Done() <-chan struct{} { return l.done }

// Record implements [channels.Leg].
func (l *leg) Record() []byte { return l.record }

// Ending implements [channels.Leg].
func (l *leg) Ending() channels.Ending {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.ending
}

// Answer implements [channels.Leg]: the first message is kept.
func (l *leg) Answer(ctx context.Context) error {
	if l.isOver() {
		return channels.ErrLegOver
	}
	select {
	case <-l.kept:
		return nil
	case <-l.done:
		return channels.ErrLegOver
	case <-ctx.Done():
		return ctx.Err()
	}
}

// HangUp implements [channels.Leg]: nothing more can be written.
func (l *leg) HangUp() { l.end(channels.EndedByUs, contact.PartySystem) }

// Play implements [channels.Prompter]: it writes the prompt, which takes no time.
func (l *leg) Play(ctx context.Context, p channels.Prompt) error {
	if l.isOver() {
		return channels.ErrLegOver
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	text := p.Text
	if text == "" {
		text = l.gateway.config.Text(p)
	}
	if length := utf8.RuneCountInString(text); length == 0 || length > contact.MaxChatText {
		return fmt.Errorf("prompt %q has no text in %s, or one that is too long", p.Name, p.Language)
	}
	line := l.systemLine(contact.PartySystem, contact.ChatPrompt)
	line.Text = text
	result := make(chan error, 1)
	if !l.put(outgoing{line: line, ctx: ctx, result: result}) {
		return channels.ErrLegOver
	}
	select {
	case err := <-result:
		return err
	case <-ctx.Done():
		return ctx.Err()
	case <-l.done:
		return channels.ErrLegOver
	}
}

// Loop implements [channels.Prompter]. Nothing is repeated in a chat: whoever waits sees that.
func (l *leg) Loop(channels.Prompt) error {
	if l.isOver() {
		return channels.ErrLegOver
	}
	return nil
}

// Joined implements [channels.Texting].
func (l *leg) Joined(agent contact.AgentID) { l.turn(stateJoined, agent, contact.ChatJoined) }

// Left implements [channels.Texting].
func (l *leg) Left() { l.turn(stateWaiting, "", contact.ChatLeft) }

// turn changes who answers, and says so once.
func (l *leg) turn(to state, agent contact.AgentID, kind contact.ChatKind) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if l.state == stateEnded || (l.state == to && l.agent == agent) {
		return
	}
	line := l.systemLine(contact.PartyAgent, kind)
	if line.Agent = agent; agent == "" {
		line.Agent = l.agent
	}
	l.state, l.agent = to, agent
	l.outbox = append(l.outbox, outgoing{line: line})
	l.changed()
}

func (l *leg) systemLine(from contact.Party, kind contact.ChatKind) contact.ChatLine {
	return contact.ChatLine{ID: uuid.NewString(), From: from, Kind: kind, At: contact.InstantOf(l.gateway.config.Now())}
}

func (l *leg) isOver() bool {
	select {
	case <-l.done:
		return true
	default:
		return false
	}
}

// isReadable reports whether the contact is on record: otherwise there is nothing to read.
func (l *leg) isReadable() bool {
	select {
	case <-l.onRecord:
		return true
	default:
		return false
	}
}

// end ends the leg, and says so in the conversation.
func (l *leg) end(ending channels.Ending, by contact.Party) {
	line := l.systemLine(by, contact.ChatEnded)
	l.close(ending, &line)
}

// detach ends the leg in this process only: the next one may restore it.
func (l *leg) detach() { l.close(channels.EndedByUs, nil) }

func (l *leg) close(ending channels.Ending, last *contact.ChatLine) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if l.ending != "" {
		return
	}
	l.ending = ending
	if last != nil {
		l.state = stateEnded
		if l.first { // a chat in which nothing was written has nothing to end
			l.outbox = append(l.outbox, outgoing{line: *last})
		}
	}
	close(l.done)
	l.changed()
}

// put queues a line, unless the leg is over.
func (l *leg) put(o outgoing) bool {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if l.ending != "" {
		return false
	}
	l.outbox = append(l.outbox, o)
	l.rouse()
	return true
}

// changed tells run and the visitors; the mutex is held.
func (l *leg) changed() {
	l.rouse()
	for _, v := range l.visitors {
		v.changed()
	}
}

func (l *leg) rouse() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// recorded says that the intake has the contact.
func (l *leg) recorded() {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if !l.started {
		l.started = true
		close(l.onRecord)
	}
}

// safe says that a message of the visitor is kept.
func (l *leg) safe() {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if !l.first {
		l.first = true
		close(l.kept)
	}
}

// mayWrite counts a line of the visitor, and returns why it may not be written, or "".
func (l *leg) mayWrite(now time.Time) refusal {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	switch {
	case l.state == stateEnded:
		return refusedEnded
	case l.written >= maxLines:
		return refusedTooMany
	case !l.limit.AllowN(now, 1):
		return refusedTooFast
	}
	l.written++
	return ""
}

// attach adds a visitor's socket. When the chat has too many, the oldest goes: it is most
// likely one whose network was cut without a word.
func (l *leg) attach(v *visitor) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.visitors = append(l.visitors, v)
	if len(l.visitors) > socketsOfOneChat {
		l.visitors[0].close(closeElsewhere, "the chat is open elsewhere")
		l.visitors = slices.Delete(l.visitors, 0, 1)
	}
	l.visits++
	l.rouse()
}

func (l *leg) leave(v *visitor) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if at := slices.Index(l.visitors, v); at >= 0 {
		l.visitors = slices.Delete(l.visitors, at, at+1)
	}
	l.rouse()
}

// stand returns where the chat stands.
func (l *leg) stand() state {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.state
}

// attendance returns whether a visitor is there, and how often one came.
func (l *leg) attendance() (present bool, visits int) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return len(l.visitors) > 0, l.visits
}

// run writes what the system says until the leg is over and all is written. A visitor who
// stays away too long ends it.
func (l *leg) run(ctx context.Context) {
	limit := l.gateway.config.AwayLimit
	away := time.NewTimer(limit)
	defer away.Stop()
	wasPresent, lastVisits := false, 0
	for {
		over := l.isOver() // asked before the outbox is emptied: nothing is put in after the end
		l.empty(ctx)
		if over {
			return
		}
		if present, visits := l.attendance(); present != wasPresent || visits != lastVisits {
			wasPresent, lastVisits = present, visits
			away.Stop()
			if !present {
				away.Reset(limit)
			}
		}
		select {
		case <-l.wake:
		case <-away.C:
			if present, _ := l.attendance(); !present {
				l.log.Info().Msg("the visitor stayed away")
				l.end(channels.EndedByParty, contact.PartyCaller)
			}
		}
	}
}

// empty keeps what waits, in order.
func (l *leg) empty(ctx context.Context) {
	for {
		l.mutex.Lock()
		if len(l.outbox) == 0 {
			l.mutex.Unlock()
			return
		}
		next := l.outbox[0]
		l.outbox = l.outbox[1:]
		l.mutex.Unlock()
		err := l.keep(ctx, next)
		if err != nil && next.result == nil {
			l.log.Error().Err(err).Str("kind", string(next.line.Kind)).Msg("a line of the system could not be kept")
		}
		if next.result != nil {
			next.result <- err
		}
	}
}

// keep tries until the line is kept. Once the gateway ends it has little time left.
func (l *leg) keep(ctx context.Context, o outgoing) error {
	try := func() (contact.KeptLine, error) {
		if o.ctx != nil && o.ctx.Err() != nil {
			return contact.KeptLine{}, backoff.Permanent(o.ctx.Err())
		}
		return l.gateway.config.Conversations.Append(ctx, l.contact, o.line)
	}
	if ctx.Err() == nil {
		_, err := backoff.Retry(ctx, try, backoff.WithMaxElapsedTime(writeTime))
		if err == nil || ctx.Err() == nil {
			return err
		}
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWriteTime)
	defer cancel()
	_, err := l.gateway.config.Conversations.Append(last, l.contact, o.line)
	return err
}

// restore takes over what an earlier process left in the conversation.
func (l *leg) restore(ctx context.Context) error {
	lines, err := l.gateway.config.Conversations.Read(ctx, l.contact, 0)
	if err != nil {
		return fmt.Errorf("read the chat of contact %s: %w", l.contact, err)
	}
	l.recorded()
	l.safe() // its visitor may still have to send the first message again
	for _, line := range lines {
		switch line.Kind {
		case contact.ChatJoined:
			l.state, l.agent = stateJoined, line.Agent
		case contact.ChatLeft:
			l.state, l.agent = stateWaiting, ""
		case contact.ChatEnded:
			ending := channels.EndedByUs
			if line.From == contact.PartyCaller {
				ending = channels.EndedByParty
			}
			l.close(ending, nil)
			l.state = stateEnded
			return nil
		case contact.ChatText, contact.ChatPrompt:
			if line.From == contact.PartyCaller {
				l.written++
			}
		}
	}
	return nil
}

var errNotServing = errors.New("the chat gateway is not running")
