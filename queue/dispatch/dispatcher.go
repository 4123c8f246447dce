package dispatch

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

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

// Config is what a dispatcher is made of. All fields are needed, except Seen and Observe.
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
	// Observe, when set, is told of every turn by the loop, which waits for it.
	Observe func(Turn)
}

// Turn is what one turn of the loop took.
type Turn struct {
	Commands, Events int
	// Decide is the time that the engine took, Append until the record was on disk, which
	// is 0 when nothing had to be recorded.
	Decide, Append time.Duration
	// Failed says that the record could not be appended.
	Failed bool
}

// Dispatcher is made by [New]; [Dispatcher.Run] is its one goroutine.
type Dispatcher struct {
	config   Config
	incoming chan bus.Incoming
	asked    chan question
	ready    chan struct{}
	over     chan struct{}

	mutex     sync.Mutex
	condition Condition

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
		config: config, incoming: make(chan bus.Incoming, waitingCommands), asked: make(chan question),
		ready: make(chan struct{}), over: make(chan struct{}), numbers: map[contact.NodeID]uint64{},
	}
}

// Ready is closed when the dispatcher leads and takes commands.
func (d *Dispatcher) Ready() <-chan struct{} { return d.ready }

// Run restores the state, becomes the leader of a new epoch and decides commands until
// ctx ends. It returns an error when it cannot begin, or when another leader has
// written to the journal. It may be called once.
func (d *Dispatcher) Run(ctx context.Context) (err error) {
	defer close(d.over)
	defer func() {
		if err != nil {
			d.fails(err)
		}
	}()
	if err := d.lead(ctx); err != nil {
		return fmt.Errorf("take over the queue: %w", err)
	}
	d.leads()
	stop, err := d.serve()
	defer func() {
		err = errors.Join(err, stop())
		d.turnAway()
	}()
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
			if d.config.Journal.Writable() != nil {
				continue // nothing can be decided: no console must think so
			}
			d.warn(d.config.Bus.PublishChange(bus.Change{Epoch: d.engine.Epoch(), Sequence: d.last, Now: d.shown()}))
		case asked := <-d.asked:
			asked(nil)
		case first := <-d.incoming:
			err = d.decide(ctx, d.waiting(first))
		case <-due:
			err = d.decide(ctx, []request{{command: contact.Tick{}}})
		}
		switch {
		case err == nil:
		case ctx.Err() != nil && !errors.Is(err, journal.ErrFenced):
			return nil // told to end; what is not on record is sent again
		default:
			return err
		}
	}
}

func (d *Dispatcher) now() contact.Instant { return contact.InstantOf(d.config.Now()) }

// shown is the instant that is shown with the state; like the engine's it never goes back.
func (d *Dispatcher) shown() contact.Instant { return max(d.now(), d.engine.Last()) }

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

var (
	errBusy = errors.New("too many commands wait")
	errOver = errors.New("this dispatcher has ended")
	// errAway holds no more: what is wrong with the journal is nobody's business but the operator's.
	errAway = errors.New("the journal cannot be written now")
)

// turnAway answers the commands that came too late for a turn; their senders try again.
func (d *Dispatcher) turnAway() {
	for {
		select {
		case in := <-d.incoming:
			d.warn(in.Reply(errOver))
		default:
			return
		}
	}
}

// turnAwayWhile runs do in this goroutine and answers at once whoever comes meanwhile: a sender
// that has to turn somebody away must know that soon, and a command that waited for long would
// be of somebody who has gone.
func (d *Dispatcher) turnAwayWhile(do func() error) error {
	done := make(chan struct{})
	var doorman sync.WaitGroup
	doorman.Go(func() {
		for {
			select {
			case in := <-d.incoming:
				d.warn(in.Reply(errAway))
			case asked := <-d.asked:
				asked(errAway)
			case <-done:
				return
			}
		}
	})
	defer doorman.Wait()
	defer close(done)
	return do()
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
	begin(d.config.Bus.ServeWait(func(ctx context.Context, q bus.WaitQuestion) (bus.Wait, error) {
		return ask(ctx, d, func() bus.Wait { return bus.Wait(d.engine.Wait(queue.WaitQuestion(q), d.now())) })
	}))
	begin(d.config.Bus.ServeCommands(func(in bus.Incoming) {
		select {
		case d.incoming <- in:
		default:
			d.warn(in.Reply(errBusy))
		}
	}))
	return stop, err
}

// question is something that is asked of the state. It is answered at once, with an error when
// the state is void.
type question func(void error)

// ask lets the loop's goroutine answer a question about the state.
func ask[T any](ctx context.Context, d *Dispatcher, find func() T) (T, error) {
	var found T
	answered := make(chan error, 1)
	question := func(void error) {
		if void == nil {
			found = find()
		}
		answered <- void
	}
	var none T
	select {
	case d.asked <- question:
		if err := <-answered; err != nil {
			return none, err
		}
		return found, nil
	case <-d.over:
		return none, errOver
	case <-ctx.Done():
		return none, fmt.Errorf("the dispatcher is busy: %w", ctx.Err())
	}
}
