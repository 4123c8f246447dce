package dispatch

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v5"

	"svar/contact"
	"svar/queue"
	"svar/queue/bus"
	"svar/queue/journal"
)

// request is a command with the way to tell its sender the outcome.
type request struct {
	command contact.Command
	// sender is nil when time alone was the cause.
	sender *bus.Incoming
}

func (d *Dispatcher) reply(r request, outcome error) {
	if r.sender != nil {
		d.warn(r.sender.Reply(outcome))
	}
}

// waiting returns the first command and all that wait behind it.
func (d *Dispatcher) waiting(first bus.Incoming) []request {
	requests := d.take(nil, first)
	for len(requests) < maxTurn {
		select {
		case next := <-d.incoming:
			requests = d.take(requests, next)
		default:
			return requests
		}
	}
	return requests
}

// maxCommand is the largest command in bytes. Its record holds little else; the events
// that follow from it go into further ones if need be.
const maxCommand = journal.MaxRecord - 4<<10

// take adds a command to the turn, or rejects one that no record can hold.
func (d *Dispatcher) take(requests []request, in bus.Incoming) []request {
	if in.Size() > maxCommand/8 { // other encodings of the same may be so much shorter
		record := turn{steps: []step{{command: in.Command}}}.record(0)
		if data, err := record.Encode(); err != nil || len(data) > maxCommand {
			d.warn(in.Reply(&contact.Rejection{Code: contact.Invalid}))
			return requests
		}
	}
	return append(requests, request{command: in.Command, sender: &in})
}

// decide is one turn: decide, record, publish. An error means that this dispatcher may
// not go on.
func (d *Dispatcher) decide(ctx context.Context, requests []request) error {
	now := d.now()
	took := Turn{Commands: len(requests)}
	begun := time.Now()
	decided := turn{}
	outcomes := make([]error, len(requests))
	for i, r := range requests {
		events, err := d.engine.Step(r.command, now)
		outcomes[i] = err
		if len(events) > 0 { // else it was done before, or follows from what this turn records
			decided.steps = append(decided.steps, step{command: r.command, events: events, touched: d.touched(events)})
		}
		took.Events += len(events)
	}
	decided.now = d.engine.Last()
	took.Decide = time.Since(begun)
	var failure error
	if len(decided.steps) > 0 {
		begun = time.Now()
		failure = d.append(ctx, decided)
		took.Append, took.Failed = time.Since(begun), failure != nil
	}
	if d.config.Observe != nil {
		d.config.Observe(took)
	}
	for i, r := range requests {
		if failure != nil {
			// A no may have followed from what is not on record: nobody hears of it.
			outcomes[i] = failure
		}
		d.reply(r, outcomes[i])
	}
	if failure == nil {
		return nil
	}
	// Step has changed the engine, but not all of it is on record: its state is void.
	if errors.Is(failure, journal.ErrFenced) || ctx.Err() != nil {
		return failure
	}
	return d.recover(ctx, failure)
}

// lead restores the state and writes the first record of a new epoch.
func (d *Dispatcher) lead(ctx context.Context) error {
	engine, last, err := restore(ctx, d.config.Journal, max(d.config.Seen, d.last), d.config.Log)
	if err != nil {
		return err
	}
	d.engine, d.last = engine, last
	events, err := d.engine.Elect(d.engine.Epoch()+1, d.config.Node, d.now())
	if err != nil {
		return fmt.Errorf("begin a new epoch: %w", err)
	}
	d.numbers = map[contact.NodeID]uint64{}
	if err := d.append(ctx, turn{now: d.engine.Last(), steps: []step{{events: events, touched: d.touched(events)}}}); err != nil {
		return err
	}
	d.callNodes()
	d.config.Log.Info().Uint64("epoch", d.engine.Epoch()).Uint64("sequence", d.last).Int("open", len(d.engine.Contacts())).Msg("leads the queue")
	return nil
}

const (
	// recoverAtMost bounds the pause between two tries to write to a journal that failed.
	recoverAtMost = 5 * time.Second
	// complaintInterval is how often a failure that goes on is logged.
	complaintInterval = time.Minute
)

// recover restores the state after a failed append, as soon as the journal can be read,
// and begins a new epoch: what was published of the void state is void too.
func (d *Dispatcher) recover(ctx context.Context, failure error) error {
	d.fails(failure)
	d.config.Log.Error().Err(failure).Msg("a turn could not be recorded: nothing is decided until the journal can be written; talks go on")
	begun, complained := time.Now(), time.Now()
	pause := backoff.NewExponentialBackOff()
	pause.MaxInterval = recoverAtMost
	err := d.turnAwayWhile(func() error {
		_, err := backoff.Retry(ctx, func() (struct{}, error) {
			err := d.config.Journal.Writable()
			if err == nil {
				err = d.lead(ctx)
			}
			for _, final := range []error{journal.ErrFenced, journal.ErrDamaged, journal.ErrStoreDamaged, journal.ErrPurged, journal.ErrUnknownFormat} {
				if errors.Is(err, final) {
					return struct{}{}, backoff.Permanent(err)
				}
			}
			return struct{}{}, err
		}, backoff.WithBackOff(pause), backoff.WithMaxElapsedTime(0), backoff.WithNotify(func(err error, wait time.Duration) {
			d.fails(err)
			if time.Since(complained) < complaintInterval {
				return
			}
			complained = time.Now()
			d.config.Log.Error().Err(err).Dur("for", time.Since(begun)).Dur("again_in", wait).Msg("the journal still cannot be written or read")
		}))
		return err
	})
	if err != nil {
		return err
	}
	d.leads()
	d.config.Log.Info().Dur("after", time.Since(begun)).Msg("the journal can be written again: the queue goes on")
	return nil
}

// append writes the turn as one record, or as several when it is too large, and
// publishes each when it is on disk.
func (d *Dispatcher) append(ctx context.Context, t turn) error {
	sequence, err := d.config.Journal.Append(ctx, t.record(d.engine.Epoch()), d.last)
	if errors.Is(err, journal.ErrTooLarge) {
		if first, rest, able := t.split(); able {
			if err := d.append(ctx, first); err != nil {
				return err
			}
			return d.append(ctx, rest)
		}
	}
	if err != nil {
		return err
	}
	d.last = sequence
	d.publish(sequence, t)
	return nil
}

// turn is what one turn of the loop decided.
type turn struct {
	now   contact.Instant
	steps []step
	// more says that the events of the last step go on in the next record.
	more bool
}

// step is one command with what followed, and what it left changed.
type step struct {
	command contact.Command // nil when a new leader begins, or when the step goes on
	events  []contact.Event
	touched touched
}

// touched is what a step changed, taken right after it: a contact that closed is gone
// from the engine in the next step.
type touched struct {
	// nodes and legs are those of the contacts.
	nodes map[contact.ID]contact.NodeID
	legs  map[contact.ID]contact.LegID
	// callbacks are those of the contacts that have nobody on the line.
	callbacks []contact.ID
	contacts  []bus.ContactView
	agents    []bus.AgentView
	rules     *contact.Rules
	// everything says that more may have changed than these.
	everything bool
}

// split halves a turn: between two steps, or within its only one. Then the views go with
// the last part, since they show all of it.
func (t turn) split() (first, rest turn, able bool) {
	if n := len(t.steps) / 2; n > 0 {
		return turn{now: t.now, steps: t.steps[:n]}, turn{now: t.now, steps: t.steps[n:], more: t.more}, true
	}
	whole := t.steps[0]
	n := len(whole.events) / 2
	if n == 0 && (whole.command == nil || len(whole.events) == 0) {
		return turn{}, turn{}, false
	}
	begin := step{command: whole.command, events: whole.events[:n], touched: touched{nodes: whole.touched.nodes, legs: whole.touched.legs, callbacks: whole.touched.callbacks}}
	end := step{events: whole.events[n:], touched: whole.touched}
	return turn{now: t.now, steps: []step{begin}, more: true}, turn{now: t.now, steps: []step{end}, more: t.more}, true
}

func (t turn) record(epoch uint64) journal.Record {
	record := journal.Record{
		Format: journal.Format, Epoch: epoch, Engine: queue.EngineVersion, Now: t.now, More: t.more,
		Commands: contact.Commands{}, Events: contact.Events{},
	}
	for _, step := range t.steps {
		if step.command != nil {
			record.Commands = append(record.Commands, step.command)
		}
		record.Events = append(record.Events, step.events...)
	}
	return record
}
