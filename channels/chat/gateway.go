package chat

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"svar/channels"
	"svar/contact"
)

// Gateway is made by [New] and works while [Gateway.Serve] runs. Its methods may be called
// concurrently.
type Gateway struct {
	config Config
	topics atomic.Pointer[map[contact.LineID]Topic]
	chats  *addressLimiter
	texts  *addressLimiter
	assets map[string]asset // by name; empty in a binary that was built without them

	began    chan struct{} // closed when Serve takes visitors
	mutex    sync.Mutex
	serving  bool
	restored time.Time // until then an unknown token may still become known; zero: all are
	legs     map[tokenHash]*leg
	live     int // legs that are not over
	ended    endedChats
	visitors map[*visitor]struct{}
	sockets  map[netip.Addr]int
	desks    map[contact.LineID]standing
	// life ends with Serve; tasks are the goroutines that it waits for.
	life  context.Context
	end   context.CancelFunc
	tasks sync.WaitGroup
}

// standing is what is known of a topic, in no language yet.
type standing struct {
	open    bool
	opens   contact.Instant
	notices []contact.Notice
}

// New returns a gateway that accepts nothing yet.
func New(config Config) (*Gateway, error) {
	config, err := config.complete()
	if err != nil {
		return nil, err
	}
	assets, err := builtAssets()
	if err != nil {
		return nil, err
	}
	g := &Gateway{
		config: config, assets: assets,
		chats: newAddressLimiter(config.ChatsPerAddress), texts: newAddressLimiter(config.ChatsPerAddress),
		began: make(chan struct{}), legs: map[tokenHash]*leg{}, visitors: map[*visitor]struct{}{}, sockets: map[netip.Addr]int{}, desks: map[contact.LineID]standing{},
	}
	g.restored = time.Now().Add(config.timing.restore)
	if err := g.SetTopics(config.Topics); err != nil {
		return nil, err
	}
	g.life, g.end = context.WithCancel(context.Background())
	return g, nil
}

// Serve implements [channels.Gateway]. Chats that are left at its end can be restored by the
// next process: their visitors are told that the server ends, not that the chat does. It is
// called once.
func (g *Gateway) Serve(ctx context.Context) error {
	g.look()
	g.mutex.Lock()
	g.serving = true
	g.mutex.Unlock()
	close(g.began)

	g.watch(ctx)

	g.mutex.Lock()
	g.serving = false
	left := make([]*leg, 0, len(g.legs))
	for _, l := range g.legs {
		left = append(left, l)
	}
	g.mutex.Unlock()
	g.end()
	for _, l := range left {
		l.detach()
	}
	g.tasks.Wait()
	return nil
}

// watch keeps the desks true until ctx ends.
func (g *Gateway) watch(ctx context.Context) {
	ticker := time.NewTicker(g.config.timing.look)
	defer ticker.Stop()
	for {
		changed := g.config.Notices.NoticesChanged()
		g.look()
		select {
		case <-ctx.Done():
			return
		case <-changed:
		case <-ticker.C:
		}
	}
}

// look looks at opening hours and outage messages, and tells the visitors what has changed.
func (g *Gateway) look() {
	now, notices := g.config.Now(), g.config.Notices.Notices()
	g.mutex.Lock()
	defer g.mutex.Unlock()
	for line, topic := range *g.topics.Load() {
		hours := g.hours(topic)
		open := hours.Open(now)
		var opens contact.Instant
		if next, known := hours.Next(now); known && !open {
			opens = contact.InstantOf(next)
		}
		is := standing{open, opens, notices.Told(line, topic.Audience, contact.InstantOf(now))}
		if reflect.DeepEqual(is, g.desks[line]) {
			continue
		}
		g.desks[line] = is
		for v := range g.visitors {
			v.changed()
		}
	}
}

// desk returns a topic's state in a language.
func (g *Gateway) desk(line contact.LineID, language string) desk {
	g.mutex.Lock()
	is := g.desks[line]
	g.mutex.Unlock()
	shown := desk{Open: is.open, Opens: is.opens, Notices: []shownNotice{}}
	for _, notice := range is.notices {
		shown.Notices = append(shown.Notices, shownNotice{ID: notice.ID, Text: notice.In(language)})
	}
	return shown
}

// admit counts a visitor's socket; release takes it back. Serve waits for those admitted.
func (g *Gateway) admit(v *visitor) error {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	switch {
	case !g.serving:
		return errNotServing
	case len(g.visitors) >= maxSockets || g.sockets[v.address] >= maxSocketsOfOne:
		return errors.New("too many chat pages are open; try again later")
	}
	g.visitors[v] = struct{}{}
	g.sockets[v.address]++
	g.tasks.Add(1)
	return nil
}

func (g *Gateway) release(v *visitor) {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	delete(g.visitors, v)
	if g.sockets[v.address]--; g.sockets[v.address] == 0 {
		delete(g.sockets, v.address)
	}
	g.tasks.Done()
}

// find returns the leg of a token once its contact is on record. settled is false while the
// token of an earlier process may still become known.
func (g *Gateway) find(ctx context.Context, token tokenHash) (found *leg, settled bool) {
	g.mutex.Lock()
	l, settled := g.legs[token], !time.Now().Before(g.restored)
	g.mutex.Unlock()
	if l == nil {
		return nil, settled
	}
	select {
	case <-l.onRecord:
		return l, true
	default:
	}
	select {
	case <-l.onRecord:
		return l, true
	case <-l.done: // it could not be put on record
		return nil, true
	case <-ctx.Done():
		return nil, false
	}
}

// begin opens a chat: the contact is put on record, as one that goes on with the one that it follows, if any. It returns why it was not, or "".
func (g *Gateway) begin(topic Topic, language string, token tokenHash, follows contact.ID, address netip.Addr, text string) (begun *leg, refused refusal) {
	now := g.config.Now()
	if hours := g.hours(topic); !hours.Open(now) {
		return nil, refusedClosed
	}
	counted, allowed := g.chats.take(address, now)
	if !allowed {
		return nil, refusedTooMany
	}
	defer func() {
		if refused == refusedUnavailable { // that is our fault, not the visitor's
			counted.CancelAt(now)
		}
	}()
	id, err := uuid.NewV7()
	legID, legErr := uuid.NewV7()
	if err := errors.Join(err, legErr); err != nil {
		g.config.Log.Error().Err(err).Msg("no id could be made for a chat")
		return nil, refusedUnavailable
	}
	record := legRecord{Version: recordVersion, Contact: contact.ID(id.String()), Topic: topic.Line, Language: language, Token: token[:]}
	l, err := g.newLeg(contact.LegID(legID.String()), record, token)
	if err == nil {
		_, err = g.register(l)
	}
	if err != nil {
		g.config.Log.Warn().Err(err).Msg("a chat could not be opened")
		return nil, refusedUnavailable
	}
	c := contact.Contact{
		ID: l.contact, Channel: contact.Chat, Line: topic.Line, Service: topic.Service, Language: language, Arrived: contact.InstantOf(now),
		Follows: follows,
	}
	// A socket that is cut now must not cost the visitor the contact.
	ctx, cancel := context.WithTimeout(g.life, arriveTime)
	defer cancel()
	if err := g.config.Intake.Arrive(ctx, c, contact.Personal{Subject: subjectOf(text)}, l); err != nil {
		l.log.Error().Err(err).Msg("a chat could not be put on record")
		g.remove(l)
		l.close(channels.EndedByFault, nil)
		return nil, refusedUnavailable
	}
	l.recorded()
	l.log.Info().Str("topic", string(topic.Line)).Msg("a chat was opened")
	return l, ""
}

// arriveTime bounds how long a visitor waits for the contact to be on record.
const arriveTime = 10 * time.Second

// register makes the leg known by its token, and runs it. One that is known already is returned
// instead.
func (g *Gateway) register(l *leg) (*leg, error) {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	known := g.legs[l.token]
	switch {
	case !g.serving:
		return nil, errNotServing
	case known != nil:
		return known, nil
	case g.live >= maxChats:
		return nil, fmt.Errorf("%d chats are open, which is all that this node takes", g.live)
	}
	g.legs[l.token] = l
	g.live++
	g.tasks.Go(func() { g.runLeg(l) })
	return l, nil
}

// runLeg keeps a leg until it is over, and what it says readable for a while after.
func (g *Gateway) runLeg(l *leg) {
	l.run(g.life)
	g.mutex.Lock()
	g.live--
	if l.isReadable() && l.stand() == stateEnded {
		g.ended.note(l.token, l.contact, g.config.Now())
	}
	g.mutex.Unlock()
	l.log.Info().Str("ending", string(l.Ending())).Msg("a chat is over")
	if !l.isReadable() {
		return
	}
	keep := time.NewTimer(g.config.timing.keep)
	defer keep.Stop()
	select {
	case <-keep.C:
	case <-g.life.Done():
	}
	g.remove(l)
}

func (g *Gateway) remove(l *leg) {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	if g.legs[l.token] == l {
		delete(g.legs, l.token)
	}
}

// RestoreLeg implements [channels.LegRestorer]: the visitor's token is known again. Restored
// twice, it is the same leg.
func (g *Gateway) RestoreLeg(ctx context.Context, id contact.LegID, of contact.ID, record []byte) (channels.Leg, error) {
	read, token, err := decodeLegRecord(record)
	if err != nil {
		return nil, err
	}
	if read.Contact != of {
		return nil, fmt.Errorf("the record of a chat is of contact %s, not %s", read.Contact, of)
	}
	select {
	case <-g.began:
	case <-ctx.Done():
		return nil, fmt.Errorf("restore a chat: %w: %w", errNotServing, ctx.Err())
	}
	l, err := g.newLeg(id, read, token)
	if err != nil {
		return nil, err
	}
	if err := l.restore(ctx); err != nil {
		return nil, err
	}
	known, err := g.register(l)
	if err != nil {
		return nil, err
	}
	if known.id != id {
		return nil, fmt.Errorf("the token of contact %s is another leg's", of)
	}
	return known, nil
}

// Restored says that all legs of an earlier process are restored: a token that is unknown now
// is that of a chat that is over. Until it is called, but for a minute at most, the visitors
// of such chats are told to try again.
func (g *Gateway) Restored() {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	g.restored = time.Time{}
}

// languageOf returns the language if the topic has it, else the topic's first.
func (t Topic) languageOf(language string) string {
	if slices.Contains(t.Languages, language) {
		return language
	}
	return t.Languages[0]
}

// nameIn returns the topic's name in the language, or else in Swedish.
func (t Topic) nameIn(language string) string {
	if name := t.Name[language]; name != "" {
		return name
	}
	return t.Name["sv"]
}
