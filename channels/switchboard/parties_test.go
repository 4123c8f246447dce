package switchboard_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing/synctest"
	"time"

	"github.com/pion/rtp"

	"svar/channels"
	"svar/channels/media"
	"svar/contact"
	"svar/identity"
	"svar/queue/bus"
)

// dispatcher writes down what it is told.
type dispatcher struct {
	mutex   sync.Mutex
	told    []contact.Command
	fail    error
	reject  contact.Command // what is rejected
	deaf    int             // questions that get no answer
	asked   func()
	state   bus.NodeState
	wait    bus.Wait // what every contact is expected to wait
	order   func(bus.Order)
	signal  func(bus.Signal)
	control func(bus.Control, func(error))
	toAgent []bus.Signal
	away    chan struct{} // while it is open nobody answers
	follows atomic.Int32  // what is followed or served
}

func (d *dispatcher) Send(ctx context.Context, c contact.Command) error {
	d.mutex.Lock()
	away := d.away
	d.mutex.Unlock()
	if away != nil { // as the bus, which tries until its context ends
		select {
		case <-away:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	d.mutex.Lock()
	defer d.mutex.Unlock()
	if d.fail != nil {
		return d.fail
	}
	d.told = append(d.told, c)
	if d.reject != nil && reflect.DeepEqual(d.reject, c) {
		return &contact.Rejection{Code: contact.OfferGone}
	}
	return nil
}

func (d *dispatcher) sent() []contact.Command {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	told := d.told
	d.told = nil
	return told
}

func (d *dispatcher) AskNodeState(context.Context, contact.NodeID) (bus.NodeState, error) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	if d.deaf > 0 {
		d.deaf--
		return bus.NodeState{}, errors.New("nobody answers")
	}
	state := d.state
	if d.asked != nil {
		d.asked() // what comes between the answer and its arrival
	}
	return state, nil
}

// AskWait knows nothing of one who would come now: who rings has a place already.
func (d *dispatcher) AskWait(_ context.Context, q bus.WaitQuestion) (bus.Wait, error) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	if q.Contact == "" {
		return bus.Wait{}, nil
	}
	return d.wait, nil
}

func (d *dispatcher) FollowOrders(_ contact.NodeID, handle func(bus.Order)) (func() error, error) {
	d.order = handle
	return d.follow(), nil
}

func (d *dispatcher) FollowNodeSignals(_ contact.NodeID, handle func(bus.Signal)) (func() error, error) {
	d.signal = handle
	return d.follow(), nil
}

func (d *dispatcher) ServeControls(_ contact.NodeID, handle func(bus.Control, func(error))) (func() error, error) {
	d.control = handle
	return d.follow(), nil
}

func (d *dispatcher) follow() (stop func() error) {
	d.follows.Add(1)
	once := sync.OnceFunc(func() { d.follows.Add(-1) }) // stories close the switchboard themselves
	return func() error { once(); return nil }
}

func (d *dispatcher) SignalAgent(s bus.Signal) error {
	d.toAgent = append(d.toAgent, s)
	return nil
}

// endpoint makes scripted legs to agents.
type endpoint struct {
	pacer    *media.Pacer
	measured bool // the legs tell how their voice came in
	mutex    sync.Mutex
	refuse   error
	made     []*leg
	// dress makes another leg of the one that is made; nil leaves it.
	dress func(agent contact.AgentID, l *leg) channels.Leg
}

func (e *endpoint) Ring(_ context.Context, r channels.Ring) (channels.Leg, error) {
	l := newLeg(e.pacer, r.Leg)
	l.up, l.send = make(chan struct{}), r.Send
	e.mutex.Lock()
	defer e.mutex.Unlock()
	if e.refuse != nil {
		return nil, e.refuse
	}
	e.made = append(e.made, l)
	switch {
	case e.dress != nil:
		return e.dress(r.Agent, l), nil
	case e.measured:
		return measuredLeg{l}, nil
	}
	return l, nil
}

func (e *endpoint) last() *leg {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	if len(e.made) == 0 {
		return nil
	}
	return e.made[len(e.made)-1]
}

// dialler makes scripted legs to users, which are answered when up is closed.
type dialler struct {
	pacer  *media.Pacer
	mutex  sync.Mutex
	refuse error
	number identity.Number
	call   channels.Call // the last one
	made   []*dialledLeg
	// dress makes another leg of the one that is made; nil leaves it.
	dress func(l *dialledLeg) channels.DialledLeg
}

type dialledLeg struct {
	*leg
	failure contact.DialFailure
}

func (l *dialledLeg) Failure() contact.DialFailure { return l.failure }

func (d *dialler) Dial(_ context.Context, call channels.Call) (channels.DialledLeg, error) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	if d.refuse != nil {
		return nil, d.refuse
	}
	l := &dialledLeg{leg: newLeg(d.pacer, call.Leg)}
	l.up = make(chan struct{})
	d.number, d.call, d.made = call.Number, call, append(d.made, l)
	if d.dress != nil {
		return d.dress(l), nil
	}
	return l, nil
}

func (d *dialler) last() *dialledLeg {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	if len(d.made) == 0 {
		return nil
	}
	return d.made[len(d.made)-1]
}

// notices are those that stand.
type notices struct {
	mutex   sync.Mutex
	now     contact.Notices
	changed chan struct{}
}

func (n *notices) Notices() contact.Notices {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	return n.now
}

func (n *notices) NoticesChanged() <-chan struct{} {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	return n.changed
}

func (n *notices) publish(embargoes []contact.Embargo, all ...contact.Notice) {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	n.now = contact.Notices{Notices: all, Embargoes: embargoes}
	close(n.changed)
	n.changed = make(chan struct{})
}

// leg is a scripted leg, of a caller or an agent, with real media.
type leg struct {
	id         contact.LegID
	stream     *media.Stream
	sink       *sink
	up         chan struct{} // an agent's leg comes up when it is closed; nil: at once
	promptOver chan error    // with what Play returns
	answered   atomic.Bool
	send       func(json.RawMessage)
	signals    []string
	digits     chan byte
	spoken     uint16 // packets that its party sent
	keysFull   error
	slow       bool // it is not over as soon as we hang up

	once   sync.Once
	done   chan struct{}
	ending channels.Ending

	mutex sync.Mutex
	log   []string
}

func newLeg(pacer *media.Pacer, id contact.LegID) *leg {
	out := &sink{}
	l := &leg{id: id, sink: out, stream: media.NewStream(pacer, out), done: make(chan struct{}), promptOver: make(chan error), digits: make(chan byte, 8)}
	if err := l.stream.Start(media.Format{Codec: media.PCMA, PayloadType: media.PCMA.PayloadType()}); err != nil {
		panic(err)
	}
	return l
}

func (l *leg) ID() contact.LegID       { return l.id }
func (l *leg) Stream() *media.Stream   { return l.stream }
func (l *leg) Record() []byte          { return []byte("record") }
func (l *leg) Done() <-chan struct{}   { return l.done }
func (l *leg) Ending() channels.Ending { return l.ending }
func (l *leg) HangUp() {
	if !l.slow {
		l.over(channels.EndedByUs)
	}
}

func (l *leg) over(e channels.Ending) {
	l.once.Do(func() {
		l.ending = e
		_ = l.stream.Close()
		close(l.digits)
		close(l.done)
	})
}

func (l *leg) isOver() bool {
	select {
	case <-l.done:
		return true
	default:
		return false
	}
}

func (l *leg) Answer(ctx context.Context) error {
	l.answered.Store(true)
	if l.up == nil {
		return nil
	}
	select {
	case <-l.up:
		return nil
	case <-l.done:
		return channels.ErrLegOver
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (l *leg) Digits() <-chan byte { return l.digits }

// Play ends with the leg, its context, and promptOver; a text is what it says.
func (l *leg) Play(ctx context.Context, p channels.Prompt) error {
	l.note(strings.TrimSuffix("play "+p.Name+" "+p.Language+" "+p.Text, " "))
	select {
	case err := <-l.promptOver:
		return err
	case <-l.done:
		return channels.ErrLegOver
	case <-ctx.Done():
		l.note("cut")
		return ctx.Err()
	}
}

func (l *leg) Loop(p channels.Prompt) error {
	l.note("loop " + p.Name + " " + p.Language)
	return nil
}

func (l *leg) Signal(m json.RawMessage) error {
	l.signals = append(l.signals, string(m))
	return nil
}

// Press notes the key.
func (l *leg) Press(key byte) error {
	if l.isOver() {
		return channels.ErrLegOver
	}
	if l.keysFull != nil {
		return l.keysFull
	}
	l.note("press " + string(key))
	return nil
}

// say lets the leg's party say something.
func (l *leg) say() { l.utter(0x7F) }

func (l *leg) utter(mark byte) { l.speak(bytes.Repeat([]byte{mark}, 160)) }

func (l *leg) speak(payload []byte) {
	l.spoken++
	header := rtp.Header{Version: 2, PayloadType: 8, SequenceNumber: l.spoken, Timestamp: 160 * uint32(l.spoken), SSRC: 5}
	// An error says that the leg is over: then nobody hears it.
	_ = l.stream.Receive(&rtp.Packet{Header: header, Payload: payload})
}

// hears reports whether the leg's party hears the other one now.
func (l *leg) hears(other *leg) bool {
	const mark = 0x21                   // silence is another octet
	time.Sleep(2 * media.FrameDuration) // the bubble's clock: a voice does not come all at once
	l.sink.forget(mark)
	other.utter(mark)
	synctest.Wait()
	return l.sink.heard(mark)
}

// measuredLeg is one whose voice is measured: as many packets as its party said something.
type measuredLeg struct{ *leg }

func (l measuredLeg) Quality() contact.Quality { return contact.Quality{Received: uint64(l.spoken)} }

func (l *leg) note(line string) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.log = append(l.log, line)
}

func (l *leg) heard() []string {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return append([]string(nil), l.log...)
}

// textLeg is one where the user writes.
type textLeg struct{ *leg }

func (l textLeg) Joined(agent contact.AgentID) { l.note("joined " + string(agent)) }
func (l textLeg) Left()                        { l.note("left") }

// restorer hands legs of an earlier process out again.
type restorer struct {
	leg  textLeg
	fail error
}

func (r *restorer) RestoreLeg(context.Context, contact.LegID, contact.ID, []byte) (channels.Leg, error) {
	return r.leg, r.fail
}

// sink notes what the party hears: the first octet of each packet, and all of it while somebody listens.
type sink struct {
	marks   [256]atomic.Bool
	listens atomic.Bool
	mutex   sync.Mutex
	sound   [][]byte
}

func (s *sink) WriteRTP(_ *rtp.Header, payload []byte) error {
	s.marks[payload[0]].Store(true)
	if s.listens.Load() {
		s.mutex.Lock()
		defer s.mutex.Unlock()
		s.sound = append(s.sound, bytes.Clone(payload))
	}
	return nil
}

// listen returns what was heard since the last time.
func (s *sink) listen() [][]byte {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.listens.Store(true)
	sound := s.sound
	s.sound = nil
	return sound
}

func (s *sink) heard(mark byte) bool { return s.marks[mark].Load() }
func (s *sink) forget(mark byte)     { s.marks[mark].Store(false) }

type callers struct{}

func (callers) Identify(p contact.Personal) contact.PersonID {
	if p.Number == "+46701740605" {
		return "p1"
	}
	return ""
}

type orphans struct {
	ended  []byte
	silent bool // the peer does not answer
}

func (o *orphans) EndOrphan(ctx context.Context, record []byte) error {
	if o.silent {
		<-ctx.Done()
		return ctx.Err()
	}
	o.ended = record
	return nil
}

type personal struct {
	mutex sync.Mutex
	put   int
	kept  contact.Personal
	live  map[contact.LegID]contact.LegRecord
	full  error // what comes of keeping a new caller
}

func (p *personal) PutPersonal(_ context.Context, _ contact.ID, value contact.Personal) error {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.put++
	p.kept = value
	return p.full
}

func (p *personal) Personal(context.Context, contact.ID) (contact.Personal, error) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.kept, nil
}

func (p *personal) PutLeg(_ context.Context, r contact.LegRecord) error {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.put++
	if p.live == nil {
		p.live = map[contact.LegID]contact.LegRecord{}
	}
	p.live[r.Leg] = r
	return nil
}

func (p *personal) DeleteLeg(_ context.Context, r contact.LegRecord) error {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	delete(p.live, r.Leg)
	return nil
}

func (p *personal) LegsOf(context.Context, contact.NodeID) ([]contact.LegRecord, error) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	var records []contact.LegRecord
	for _, r := range p.live {
		records = append(records, r)
	}
	return records, nil
}

func (p *personal) legs() int {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return len(p.live)
}
