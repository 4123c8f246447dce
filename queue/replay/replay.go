package replay

import (
	"context"
	"errors"
	"fmt"

	"svar/contact"
	"svar/queue"
	"svar/queue/journal"
)

// Source is a journal that is read; [journal.Journal] is one.
type Source interface {
	// Read hands the records from the sequence on to handle, in order, up to the one that is last when it is called.
	Read(ctx context.Context, from uint64, handle func(sequence uint64, r journal.Record) error) error
	// LoadSnapshot returns the newest snapshot, nil when there is none.
	LoadSnapshot(ctx context.Context) (*journal.Snapshot, error)
}

// Span says which records are run again: those from First to Last that were recorded in [From, To). A
// field that is 0 does not narrow.
type Span struct {
	First, Last uint64
	From, To    contact.Instant
}

func (s Span) begun(sequence uint64, now contact.Instant) bool {
	return sequence >= s.First && now >= s.From
}

func (s Span) over(sequence uint64, now contact.Instant) bool {
	return s.Last != 0 && sequence > s.Last || s.To != 0 && now >= s.To
}

// Result is what a replay found.
type Result struct {
	// First and Last are the sequences of the first and the last record that were compared; 0 when none was.
	First uint64 `json:"first"`
	Last  uint64 `json:"last"`
	// Records, Commands and Events count what was compared.
	Records  uint64 `json:"records"`
	Commands uint64 `json:"commands"`
	Events   uint64 `json:"events"`
	// Before counts the records ahead of the span that were only folded.
	Before uint64 `json:"before"`
	// NotCompared counts the records within the span that were only folded: those of another version of the engine, which
	// may decide otherwise, and the end of a turn whose beginning is not in the span.
	NotCompared uint64 `json:"notCompared"`
	// Difference is the first one, after which nothing is compared; nil when there is none.
	Difference *Difference `json:"difference,omitempty"`
}

// errOver ends the reading behind the span, or at a difference.
var errOver = errors.New("the span is over")

// Run runs the span's records again. A difference is no error; the errors are those of the source, and
// [journal.ErrDamaged] when a record cannot have followed the ones before.
func Run(ctx context.Context, source Source, span Span) (Result, error) {
	engine, last, err := begin(ctx, source, span)
	if err != nil {
		return Result{}, err
	}
	p := &player{engine: engine, span: span, joining: last > 0}
	err = source.Read(ctx, last+1, p.take)
	if err == nil {
		err = p.end()
	}
	if err != nil && !errors.Is(err, errOver) {
		return p.result, fmt.Errorf("replay: %w", err)
	}
	return p.result, nil
}

// begin returns the engine of the newest snapshot that lies before the span, with its sequence, or a new engine and 0.
func begin(ctx context.Context, source Source, span Span) (*queue.Engine, uint64, error) {
	if span.First <= 1 && span.From == 0 {
		return queue.New(), 0, nil
	}
	snapshot, err := source.LoadSnapshot(ctx)
	useless := errors.Is(err, journal.ErrDamaged) || errors.Is(err, journal.ErrUnknownFormat) // it only saves time
	if err != nil && !useless {
		return nil, 0, fmt.Errorf("replay: %w", err)
	}
	if useless || snapshot == nil || snapshot.Engine != queue.EngineVersion || span.First != 0 && snapshot.Sequence >= span.First {
		return queue.New(), 0, nil
	}
	engine, err := queue.Restore(snapshot.State)
	if useless = err != nil || span.From != 0 && engine.Last() >= span.From; useless {
		return queue.New(), 0, nil
	}
	return engine, snapshot.Sequence, nil
}

// placed is a record with its sequence.
type placed struct {
	sequence uint64
	journal.Record
}

// player takes records in order and plays a turn of the dispatcher's loop as soon as all its records are there: one that
// was too large goes on in the next record.
type player struct {
	engine *queue.Engine
	span   Span
	turn   []placed
	// joining says that the reading may have begun within a turn.
	joining bool
	result  Result
}

// take takes the next record in. errOver says that no more is wanted.
func (p *player) take(sequence uint64, r journal.Record) error {
	if n := len(p.turn); n > 0 && p.turn[n-1].Epoch != r.Epoch {
		// The leader could not write the rest; the next one did not know of it.
		if err := p.play(true); err != nil {
			return err
		}
	}
	if len(p.turn) == 0 && p.span.over(sequence, r.Now) {
		return errOver
	}
	if p.joining {
		if len(r.Commands) == 0 && !elects(r) {
			p.result.Before++
			return apply(p.engine, placed{sequence, r})
		}
		p.joining = false
	}
	p.turn = append(p.turn, placed{sequence, r})
	if r.More {
		return nil
	}
	return p.play(false)
}

// end plays a turn that the last record did not end.
func (p *player) end() error {
	if len(p.turn) == 0 {
		return nil
	}
	return p.play(true)
}

// play compares the turn's records with what the engine decides, or folds them. cut says that the end of the turn is not
// on record.
func (p *player) play(cut bool) error {
	records := p.turn
	p.turn = nil
	n := uint64(len(records))
	first := records[0]
	if !p.span.begun(first.sequence, first.Now) {
		for _, record := range records {
			if p.span.begun(record.sequence, record.Now) {
				p.result.NotCompared++
			} else {
				p.result.Before++
			}
		}
		return applyAll(p.engine, records)
	}
	if first.Engine != queue.EngineVersion {
		p.result.NotCompared += n
		return applyAll(p.engine, records)
	}
	decider := p.engine
	if cut {
		// What was decided and is not on record did not happen: the engine goes on without it.
		var err error
		if decider, err = copyOf(p.engine); err != nil {
			return err
		}
	}
	t := newComparison(records, cut)
	t.run(decider)
	p.result.Difference = t.difference
	if t.difference != nil {
		return errOver
	}
	if p.result.First == 0 {
		p.result.First = first.sequence
	}
	p.result.Last = records[n-1].sequence
	p.result.Records += n
	p.result.Commands += uint64(len(t.commands))
	p.result.Events += uint64(len(t.events))
	if cut {
		return applyAll(p.engine, records)
	}
	return nil
}

// elects reports whether a new leader begins with the record.
func elects(r journal.Record) bool {
	if len(r.Events) == 0 {
		return false
	}
	_, is := r.Events[0].(contact.LeaderElected)
	return is
}

func copyOf(engine *queue.Engine) (*queue.Engine, error) {
	state, err := engine.Snapshot()
	if err != nil {
		return nil, err
	}
	return queue.Restore(state)
}

func applyAll(engine *queue.Engine, records []placed) error {
	for _, record := range records {
		if err := apply(engine, record); err != nil {
			return err
		}
	}
	return nil
}

func apply(engine *queue.Engine, record placed) error {
	for _, event := range record.Events {
		if err := engine.Apply(event, record.Now); err != nil {
			return fmt.Errorf("%w: record %d: %w", journal.ErrDamaged, record.sequence, err)
		}
	}
	return nil
}
