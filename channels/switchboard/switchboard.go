package switchboard

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"svar/channels"
	"svar/channels/media"
	"svar/contact"
	"svar/identity"
	"svar/queue/bus"
)

// Dispatcher is the way to the queue and back; *bus.Bus is one.
type Dispatcher interface {
	Send(ctx context.Context, c contact.Command) error
	AskNodeState(ctx context.Context, node contact.NodeID) (bus.NodeState, error)
	AskWait(ctx context.Context, question bus.WaitQuestion) (bus.Wait, error)
	FollowOrders(node contact.NodeID, handle func(bus.Order)) (stop func() error, err error)
	FollowNodeSignals(node contact.NodeID, handle func(bus.Signal)) (stop func() error, err error)
	SignalAgent(s bus.Signal) error
	ServeControls(node contact.NodeID, handle func(c bus.Control, done func(error))) (stop func() error, err error)
}

// PersonalRecords keeps what records must not hold, by contact.
type PersonalRecords interface {
	PutPersonal(ctx context.Context, id contact.ID, p contact.Personal) error
	PutLeg(ctx context.Context, r contact.LegRecord) error
	DeleteLeg(ctx context.Context, r contact.LegRecord) error
	// Personal returns who is behind a contact; the zero value when nothing is kept.
	Personal(ctx context.Context, id contact.ID) (contact.Personal, error)
	// LegsOf returns the records of legs that the node has not deleted.
	LegsOf(ctx context.Context, node contact.NodeID) ([]contact.LegRecord, error)
}

// Callers tells who is calling. It must not block.
type Callers interface {
	// Identify returns the one person with the number, or "" when there is none or more.
	Identify(p contact.Personal) contact.PersonID
}

// Config is what a switchboard is made of. All fields are needed, except Orphans, Restorers,
// Callbacks, Dialler, Transfers, Recordings, Protection and Nuisances.
type Config struct {
	Node contact.NodeID
	// Lines hold until the first [Switchboard.SetLines].
	Lines      []Line
	Dispatcher Dispatcher
	Personal   PersonalRecords
	Callers    Callers
	// Agents makes the legs towards agents.
	Agents channels.Endpoint
	// Orphans ends legs that an earlier process left behind, by channel.
	Orphans map[contact.Channel]channels.OrphanEnder
	// Restorers go on with such legs instead, by channel. Their legs are left as they are when
	// this process ends.
	Restorers map[contact.Channel]channels.LegRestorer
	// Dialler calls users back, and places outside; nil when this node can call nobody.
	Dialler channels.Dialler
	// Destinations tells the number of a place outside. It must not block.
	Destinations func(contact.DestinationID) (identity.Number, bool)
	// Transfers tells to whom a contact goes that an agent sends on at his telephone by what he dialled, which a
	// stranger may have made up; false when that is nobody. nil knows nobody. It must not block.
	Transfers func(agent contact.AgentID, dialled string) (contact.Destination, bool)
	// Pacer beats the time for talks that are mixed.
	Pacer *media.Pacer
	// Callbacks finds the places of callers who ring again; nil when nobody has his again.
	Callbacks Callbacks
	// Recordings is where calls are recorded, nil when none is; Protection knows whose never are.
	Recordings Recordings
	Protection Protection
	// Nuisances knows who waits before he is queued; nil when nobody does.
	Nuisances Nuisances
	// Notices are the outage messages that callers hear.
	Notices Notices
	// VoiceGrace is how long a caller stays with an agent whose voice is gone, hearing music,
	// until it comes back or the caller waits in his old place; 0 means not at all.
	VoiceGrace time.Duration
	// Hours are those of lines that have none of their own. The zero value is never open.
	Hours contact.Hours
	Log   zerolog.Logger
	// Now is the clock.
	Now func() time.Time
	// NewLeg makes leg ids; tests give their own.
	NewLeg func() contact.LegID
}

// Switchboard is made by [New] and lives between [Switchboard.Start] and
// [Switchboard.Close]. Its methods may be called concurrently.
type Switchboard struct {
	config Config
	lines  atomic.Pointer[map[contact.LineID]Line]

	mutex  sync.Mutex
	calls  map[contact.ID]*call
	epoch  uint64 // the newest seen
	number uint64 // the last order carried out in it
	open   bool   // contacts are taken
	// started is closed when contacts are taken first.
	started chan struct{}
	// dialled is the newest offer that was dialled. Offers are counted, so that an order which
	// comes twice, by the state or by itself, rings nobody twice.
	dialled contact.OfferID
	// reconciling says that reconcile is at work, again that it must look once more.
	reconciling, again bool

	life    context.Context // ends when Close has told the dispatcher all it must know
	end     context.CancelFunc
	running sync.WaitGroup
	stops   []func() error

	// service ends when Close begins. What is left of an earlier process may take long to
	// end: the next process tries again.
	service context.Context
	leave   context.CancelFunc
}

// New returns a switchboard that takes nothing yet.
func New(config Config) (*Switchboard, error) {
	s := &Switchboard{config: config, calls: map[contact.ID]*call{}, started: make(chan struct{})}
	if err := s.SetLines(config.Lines); err != nil {
		return nil, err
	}
	s.life, s.end = context.WithCancel(context.Background())
	s.service, s.leave = context.WithCancel(s.life)
	return s, nil
}

// Start reports the node to the dispatcher as newly started, so that contacts whose
// legs died with an earlier process are accounted for, and begins to follow orders. Legs
// that are left of that process go on where their gateway can restore them, and are ended
// otherwise; those endings go on in the background. The gateways' Serve must be running.
func (s *Switchboard) Start(ctx context.Context) error {
	stopOrders, err := s.config.Dispatcher.FollowOrders(s.config.Node, s.order)
	if err != nil {
		return err
	}
	s.stops = append(s.stops, stopOrders)
	stopSignals, err := s.config.Dispatcher.FollowNodeSignals(s.config.Node, s.signal)
	if err != nil {
		return err
	}
	s.stops = append(s.stops, stopSignals)
	stopControls, err := s.config.Dispatcher.ServeControls(s.config.Node, s.control)
	if err != nil {
		return err
	}
	s.stops = append(s.stops, stopControls)
	left, err := s.config.Personal.LegsOf(ctx, s.config.Node)
	if err != nil {
		return fmt.Errorf("read the legs of an earlier process: %w", err)
	}
	restored, orphans, err := s.restore(ctx, left)
	if err != nil {
		return fmt.Errorf("restore the legs of an earlier process: %w", err)
	}
	report := contact.ReportNode{Node: s.config.Node, Legs: legsOf(restored), Restarted: true}
	if err := s.config.Dispatcher.Send(ctx, report); err != nil {
		return fmt.Errorf("report this node: %w", err)
	}
	s.begin(restored)
	for _, orphan := range orphans {
		s.running.Go(func() { s.endOrphan(orphan) })
	}
	return nil
}

// orphanTime bounds the end of one leg of an earlier process: a BYE is given up after
// 32 s by its transaction (RFC 3261 §17.1.2.2).
const orphanTime = 40 * time.Second

func (s *Switchboard) endOrphan(record contact.LegRecord) {
	ctx, cancel := context.WithTimeout(s.service, orphanTime)
	defer cancel()
	log := s.config.Log.With().Str("contact", string(record.Contact)).Str("leg", string(record.Leg)).Logger()
	if gateway, known := s.config.Orphans[record.Channel]; known {
		err := gateway.EndOrphan(ctx, record.Gateway)
		if s.service.Err() != nil {
			return // shutting down: the next process tries again
		}
		if err != nil {
			log.Warn().Err(err).Msg("a leg of the earlier process could not be ended")
		} else {
			log.Info().Msg("ended a leg of the earlier process")
		}
	}
	if s.has(record.Contact) {
		return // it was called back meanwhile: the record is that call's
	}
	if err := s.config.Personal.DeleteLeg(s.service, record); err != nil {
		log.Error().Err(err).Msg("the record of an ended leg could not be deleted")
	}
}

// Arrive implements [channels.Intake].
func (s *Switchboard) Arrive(ctx context.Context, c contact.Contact, p contact.Personal, leg channels.Leg) error {
	line, known := s.line(c.Line)
	if !known {
		return fmt.Errorf("contact %s came in on the line %q, which is not configured", c.ID, c.Line)
	}
	if c.Channel != line.channel() {
		return fmt.Errorf("contact %s came in by %q on the line %q, which takes %q", c.ID, c.Channel, c.Line, line.channel())
	}
	if former, waits := s.waitingFor(c, p, line); waits {
		if err := s.rejoin(ctx, former, leg); !isRejected(err) {
			return err
		}
	}
	c.Audience, c.Language = line.Audience, line.language(c.Language)
	if party, is := line.party(p); is {
		c.Party, c.Audience = party.ID, party.Audience
	}
	if line.LookUp {
		c.Person = s.config.Callers.Identify(p)
	}
	call := newCall(s, c, line, leg)
	call.delay = s.delayOf(c, p)
	if s.mayRecord(line, p) {
		call.recorder.consent.Store(int32(asking))
	}
	if !s.awaitStart(ctx) || !s.register(call) {
		return errors.New("this node does not take contacts now: it is starting or shutting down")
	}
	if err := s.putOnRecord(ctx, call, p); err != nil {
		s.running.Go(call.giveBack)
		s.running.Done()
		return err
	}
	call.recorded.Store(true)
	go func() {
		defer s.running.Done()
		call.run(call.welcome)
	}()
	return nil
}

// putOnRecord makes the contact safe, the personal part first: a crash in between
// leaves a record that nobody refers to, never a contact that cannot be reached.
func (s *Switchboard) putOnRecord(ctx context.Context, call *call, p contact.Personal) error {
	id := call.contact.ID
	if err := s.config.Personal.PutPersonal(ctx, id, p); err != nil {
		return fmt.Errorf("keep the caller of contact %s: %w", id, err)
	}
	call.kept = true
	if err := s.config.Personal.PutLeg(ctx, call.record); err != nil {
		return fmt.Errorf("keep the leg of contact %s: %w", id, err)
	}
	call.announced = true
	arrive := contact.Arrive{Contact: call.contact, Node: s.config.Node, Leg: call.leg.ID()}
	if err := s.config.Dispatcher.Send(ctx, arrive); err != nil {
		return fmt.Errorf("put contact %s on record: %w", id, err)
	}
	return nil
}

// refuseTime bounds how long a refusal waits for a dispatcher.
const refuseTime = 10 * time.Second

// Refuse implements [channels.Intake].
func (s *Switchboard) Refuse(ctx context.Context, c contact.Contact, response int) {
	ctx, cancel := context.WithTimeout(ctx, refuseTime)
	defer cancel()
	if line, known := s.line(c.Line); known {
		c.Audience, c.Language = line.Audience, line.language(c.Language)
	}
	if err := s.config.Dispatcher.Send(ctx, contact.Refuse{Contact: c, Response: uint16(response)}); err != nil {
		s.config.Log.Warn().Err(err).Str("contact", string(c.ID)).Msg("a refusal could not be put on record")
	}
}

// Close takes no more contacts, gives up the calls that are left (they are recorded as
// dropped by a technical fault and go on as call-backs), ends their legs, and returns
// when all that is done, at the latest when ctx ends. Legs that the next process can restore
// are left to it, and so are those of an earlier one that do not answer.
func (s *Switchboard) Close(ctx context.Context) error {
	s.leave()
	s.mutex.Lock()
	s.open = false
	left := make([]*call, 0, len(s.calls))
	for _, call := range s.calls {
		left = append(left, call)
	}
	s.mutex.Unlock()
	for _, call := range left {
		call.post(giveUp{})
	}
	stopped := make(chan struct{})
	go func() {
		s.running.Wait()
		close(stopped)
	}()
	var late error
	select {
	case <-stopped:
	case <-ctx.Done():
		late = fmt.Errorf("close the switchboard: %d calls are left: %w", s.Live(), ctx.Err())
	}
	s.end()
	<-stopped
	for _, stop := range s.stops {
		late = errors.Join(late, stop())
	}
	return late
}

// Live is the number of contacts whose legs this node holds.
func (s *Switchboard) Live() int {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return len(s.calls)
}

// startTime bounds how long a contact waits that comes while the node starts: its gateway
// serves a moment before contacts are taken, and a caller who rang the process before this
// one must not be turned away for that.
const startTime = 5 * time.Second

// awaitStart reports whether contacts are taken, or were.
func (s *Switchboard) awaitStart(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	select {
	case <-s.started:
		return true
	case <-ctx.Done():
		return false
	case <-s.service.Done():
		return false
	}
}

// register reports whether the call may begin: not while the node is closed, nor beside another one
// of the same contact.
func (s *Switchboard) register(c *call) bool {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if !s.open || s.calls[c.contact.ID] != nil {
		return false
	}
	s.calls[c.contact.ID] = c
	s.running.Add(1)
	return true
}

func (s *Switchboard) forget(c *call) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.calls[c.contact.ID] == c {
		delete(s.calls, c.contact.ID)
	}
}

// has reports whether the node has a call of the contact.
func (s *Switchboard) has(id contact.ID) bool {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.calls[id] != nil
}

// isReplaced reports whether the contact has a newer call than this one.
func (s *Switchboard) isReplaced(c *call) bool {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	newest := s.calls[c.contact.ID]
	return newest != nil && newest != c
}

// order takes one order in; called in order by the bus.
func (s *Switchboard) order(o bus.Order) {
	s.mutex.Lock()
	switch {
	case o.Epoch < s.epoch:
		s.mutex.Unlock()
		s.config.Log.Warn().Uint64("epoch", o.Epoch).Str("contact", string(o.Contact)).Msg("refused an order of an older epoch")
		return
	case o.Epoch == s.epoch && o.Number <= s.number:
		s.mutex.Unlock()
		return // carried out already
	}
	gap := o.Number != s.number+1
	if o.Epoch > s.epoch { // a new leader counts from 1 and may not know what the last one ordered
		gap = o.Number != 1 || s.epoch != 0
	}
	gap = gap || o.Kind == bus.OrderReconcile
	s.epoch, s.number = o.Epoch, o.Number
	if o.Kind == bus.OrderDial {
		s.dial(o)
	}
	call := s.calls[o.Contact]
	if call != nil {
		call.note(o)
	}
	if gap {
		s.askSoon()
	}
	s.mutex.Unlock()
	if call != nil {
		call.post(o)
	}
}

// signal passes a message of an agent's console on to the leg that it is for.
func (s *Switchboard) signal(m bus.Signal) {
	s.mutex.Lock()
	call := s.calls[m.Contact]
	s.mutex.Unlock()
	if call != nil {
		call.post(m)
	}
}
