package dispatch

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/rs/zerolog"

	"svar/contact"
	"svar/queue"
	"svar/queue/bus"
	"svar/queue/journal"
)

const (
	// maxTurn is how many commands are decided in one turn at the most: more would only
	// make the first of them wait, and a record holds 256 KB.
	maxTurn = 256
	// signOfLife is how often consoles hear of a dispatcher with nothing to say.
	signOfLife = time.Second
	// waitingCommands is how many commands may wait for their turn; further ones are
	// answered with a fault, and their senders try again.
	waitingCommands = 16 << 10
)

// Config is what a dispatcher is made of. All fields are needed, except Seen.
type Config struct {
	Node    contact.NodeID
	Journal *journal.Journal
	Bus     *bus.Bus
	// Seen is the newest record that anybody beside the journal knows, the projection
	// above all; 0 when nobody does. A journal that ends before it has lost records and is
	// refused.
	Seen uint64
	// Now is the clock. It may go back; the engine's does not.
	Now func() time.Time
	Log zerolog.Logger
}

// Dispatcher is made by [New]; [Dispatcher.Run] is its one goroutine.
type Dispatcher struct {
	config   Config
	incoming chan bus.Incoming
	asked    chan func()
	ready    chan struct{}

	// What follows belongs to Run's goroutine.

	engine *queue.Engine
	// last is the sequence of the last record.
	last uint64
	// numbers count the orders of each node in this epoch.
	numbers map[contact.NodeID]uint64
}

// New returns a dispatcher that does not lead yet.
func New(config Config) *Dispatcher {
	return &Dispatcher{
		config: config, incoming: make(chan bus.Incoming, waitingCommands), asked: make(chan func()),
		ready: make(chan struct{}), numbers: map[contact.NodeID]uint64{},
	}
}

// Ready is closed when the dispatcher leads and takes commands.
func (d *Dispatcher) Ready() <-chan struct{} { return d.ready }

// Run restores the state, becomes the leader of a new epoch and decides commands until
// ctx ends. It returns an error when it cannot begin, or when another leader has
// written to the journal.
func (d *Dispatcher) Run(ctx context.Context) (err error) {
	if err := d.lead(ctx); err != nil {
		return fmt.Errorf("take over the queue: %w", err)
	}
	stop, err := d.serve()
	defer func() { err = errors.Join(err, stop()) }()
	if err != nil {
		return err
	}
	close(d.ready)
	life := time.NewTicker(signOfLife)
	defer life.Stop()
	for {
		due := d.untilDue()
		select {
		case <-ctx.Done():
			return nil
		case <-life.C:
			d.warn(d.config.Bus.PublishChange(bus.Change{Epoch: d.engine.Epoch(), Sequence: d.last, Now: d.now()}))
		case answer := <-d.asked:
			answer()
		case first := <-d.incoming:
			err = d.decide(ctx, d.waiting(first))
		case <-due:
			err = d.decide(ctx, []request{{command: contact.Tick{}, reply: func(error) {}}})
		}
		if err != nil {
			return err
		}
	}
}

func (d *Dispatcher) now() contact.Instant { return contact.InstantOf(d.config.Now()) }

func (d *Dispatcher) warn(err error) {
	if err != nil {
		d.config.Log.Warn().Err(err).Msg("something could not be published; its receivers will ask for it")
	}
}

// untilDue returns a channel that is ready when the engine has something to decide by
// time alone; nil, which never is, when it has not.
func (d *Dispatcher) untilDue() <-chan time.Time {
	deadline, some := d.engine.Deadline()
	if !some {
		return nil
	}
	return time.After(deadline.Sub(d.now()).Duration())
}

// lead restores the state and writes the first record of a new epoch.
func (d *Dispatcher) lead(ctx context.Context) error {
	if err := d.restore(ctx); err != nil {
		return err
	}
	now := d.now()
	events, err := d.engine.Elect(d.engine.Epoch()+1, d.config.Node, now)
	if err != nil {
		return fmt.Errorf("begin a new epoch: %w", err)
	}
	d.numbers = map[contact.NodeID]uint64{}
	turn := turn{now: d.engine.Last(), steps: []step{{events: events, touched: d.touched(events)}}}
	if err := d.append(ctx, turn); err != nil {
		return err
	}
	d.config.Log.Info().Uint64("epoch", d.engine.Epoch()).Uint64("sequence", d.last).Int("open", len(d.engine.Contacts())).Msg("leads the queue")
	return nil
}

// restore folds the journal into a fresh engine.
func (d *Dispatcher) restore(ctx context.Context) error {
	engine, last, err := restore(ctx, d.config.Journal, d.config.Log)
	if err != nil {
		return err
	}
	d.engine, d.last = engine, last
	return nil
}

// request is a command with the way to tell its sender the outcome.
type request struct {
	command contact.Command
	reply   func(error)
}

// waiting returns the first command and all that wait behind it.
func (d *Dispatcher) waiting(first bus.Incoming) []request {
	take := func(in bus.Incoming) request {
		return request{command: in.Command, reply: func(outcome error) { d.warn(in.Reply(outcome)) }}
	}
	requests := []request{take(first)}
	for len(requests) < maxTurn {
		select {
		case next := <-d.incoming:
			requests = append(requests, take(next))
		default:
			return requests
		}
	}
	return requests
}

// decide is one turn: decide, record, publish. An error means that this dispatcher may
// not go on.
func (d *Dispatcher) decide(ctx context.Context, requests []request) error {
	now := d.now()
	decided := turn{}
	var recorded []request
	for _, r := range requests {
		events, err := d.engine.Step(r.command, now)
		switch {
		case err != nil:
			r.reply(err)
		case len(events) == 0:
			// Done before. It is on record, or it follows from what this turn records.
			recorded = append(recorded, r)
		default:
			decided.steps = append(decided.steps, step{command: r.command, events: events, touched: d.touched(events)})
			recorded = append(recorded, r)
		}
	}
	decided.now = d.engine.Last()
	var err error
	if len(decided.steps) > 0 {
		err = d.append(ctx, decided)
	}
	for _, r := range recorded {
		r.reply(err)
	}
	if err == nil {
		return nil
	}
	// Step has changed the engine, but nothing is on record: its state is void.
	if errors.Is(err, journal.ErrFenced) || ctx.Err() != nil {
		return err
	}
	d.config.Log.Error().Err(err).Msg("a turn could not be recorded; the state is restored from the journal")
	return d.recover(ctx)
}

// recover restores the state after a failed append, as soon as the journal can be read,
// and begins a new epoch: what was published of the void state is void too.
func (d *Dispatcher) recover(ctx context.Context) error {
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		err := d.lead(ctx)
		if errors.Is(err, journal.ErrFenced) || errors.Is(err, journal.ErrDamaged) || errors.Is(err, journal.ErrUnknownFormat) {
			err = backoff.Permanent(err)
		}
		return struct{}{}, err
	}, backoff.WithMaxElapsedTime(0), backoff.WithNotify(func(err error, wait time.Duration) {
		d.config.Log.Error().Err(err).Dur("again_in", wait).Msg("the journal cannot be written or read")
	}))
	return err
}

// append writes the turn as one record, or as several when it is too large, and
// publishes each when it is on disk.
func (d *Dispatcher) append(ctx context.Context, t turn) error {
	record := t.record(d.engine.Epoch())
	sequence, err := d.config.Journal.Append(ctx, record, d.last)
	if errors.Is(err, journal.ErrTooLarge) && len(t.steps) > 1 {
		half := len(t.steps) / 2
		if err := d.append(ctx, turn{now: t.now, steps: t.steps[:half]}); err != nil {
			return err
		}
		return d.append(ctx, turn{now: t.now, steps: t.steps[half:]})
	}
	if err != nil {
		return err
	}
	d.last = sequence
	d.publish(sequence, t)
	return nil
}

// serve begins to take commands and questions.
func (d *Dispatcher) serve() (stop func() error, err error) {
	var stops []func() error
	stop = func() error {
		var failed error
		for _, stop := range stops {
			failed = errors.Join(failed, stop())
		}
		return failed
	}
	begin := func(one func() error, failed error) {
		if failed == nil {
			stops = append(stops, one)
		}
		err = errors.Join(err, failed)
	}
	begin(d.config.Bus.ServeView(func(ctx context.Context) (bus.View, error) { return ask(ctx, d, d.view) }))
	begin(d.config.Bus.ServeNodeState(func(ctx context.Context, node contact.NodeID) (bus.NodeState, error) {
		return ask(ctx, d, func() bus.NodeState { return d.nodeState(node) })
	}))
	begin(d.config.Bus.ServeCommands(func(in bus.Incoming) {
		select {
		case d.incoming <- in:
		default:
			d.warn(in.Reply(errors.New("too many commands wait")))
		}
	}))
	return stop, err
}

// ask lets the loop's goroutine answer a question about the state.
func ask[T any](ctx context.Context, d *Dispatcher, answer func() T) (T, error) {
	answered := make(chan T, 1)
	var none T
	select {
	case d.asked <- func() { answered <- answer() }:
	case <-ctx.Done():
		return none, fmt.Errorf("the dispatcher is busy: %w", ctx.Err())
	}
	select {
	case value := <-answered:
		return value, nil
	case <-ctx.Done():
		return none, fmt.Errorf("the dispatcher is busy: %w", ctx.Err())
	}
}
