package replay

import (
	"bytes"
	"encoding/json"
	"errors"

	"svar/contact"
	"svar/queue"
)

// Difference is where the engine decides otherwise than was recorded.
type Difference struct {
	// Sequence is that of the record.
	Sequence uint64 `json:"sequence"`
	// Command is the name of the one that was decided; empty when a new leader began.
	Command string `json:"command,omitempty"`
	Kind    Kind   `json:"kind"`
	// Recorded and Decided are the two events, in the wire form of records; one that is not there is empty.
	Recorded json.RawMessage `json:"recorded,omitempty"`
	Decided  json.RawMessage `json:"decided,omitempty"`
	// Rejection is why the command is rejected now.
	Rejection contact.RejectionCode `json:"rejection,omitempty"`
}

// Kind is how a decision differs.
type Kind string

// The kinds.
const (
	// OtherEvent: another event was recorded than follows.
	OtherEvent Kind = "other-event"
	// NotRecorded: an event follows that is not on record.
	NotRecorded Kind = "not-recorded"
	// NotDecided: an event is on record that does not follow.
	NotDecided Kind = "not-decided"
	// Rejected: the command is on record, and is rejected.
	Rejected Kind = "rejected"
	// OtherTime: the record's instant is before one that was recorded earlier.
	OtherTime Kind = "other-time"
)

// recordedEvent is an event with the sequence of its record.
type recordedEvent struct {
	sequence uint64
	event    contact.Event
}

// comparison is one turn that is decided again.
type comparison struct {
	records  []placed
	cut      bool
	commands contact.Commands
	events   []recordedEvent
	// next is the recorded event that must follow.
	next       int
	difference *Difference
}

func newComparison(records []placed, cut bool) *comparison {
	t := &comparison{records: records, cut: cut}
	for _, record := range records {
		t.commands = append(t.commands, record.Commands...)
		for _, event := range record.Events {
			t.events = append(t.events, recordedEvent{record.sequence, event})
		}
	}
	return t
}

// run lets the engine decide the turn, and keeps the first difference.
func (t *comparison) run(engine *queue.Engine) {
	now := t.records[0].Now
	if len(t.commands) == 0 {
		t.elect(engine, now)
	}
	for i, command := range t.commands {
		events, err := engine.Step(command, now)
		name, last := contact.CommandName(command), i == len(t.commands)-1
		if rejection := (*contact.Rejection)(nil); errors.As(err, &rejection) {
			t.differs(Difference{Command: name, Kind: Rejected, Rejection: rejection.Code})
		} else if len(events) == 0 { // only what had a consequence is on record
			t.differs(Difference{Command: name, Kind: NotDecided})
		}
		if t.follow(name, events, t.cut && last); t.difference != nil {
			return
		}
	}
	name := ""
	if n := len(t.commands); n > 0 {
		name = contact.CommandName(t.commands[n-1])
	}
	if t.next < len(t.events) {
		t.differs(Difference{Command: name, Kind: NotDecided})
	}
	if !t.cut && engine.Last() != now {
		t.differs(Difference{Command: name, Kind: OtherTime})
	}
}

// elect lets a new leader begin, as the record says that one did.
func (t *comparison) elect(engine *queue.Engine, now contact.Instant) {
	var elected contact.LeaderElected
	if len(t.events) > 0 {
		elected, _ = t.events[0].event.(contact.LeaderElected)
	}
	events, err := engine.Elect(elected.Epoch, elected.Node, now)
	if err != nil { // it is no election, or one of an older epoch
		t.differs(Difference{Kind: NotDecided})
		return
	}
	t.follow("", events, t.cut)
}

// follow compares what was decided with the recorded events that are next. cut says that the record may end before what was
// decided does.
func (t *comparison) follow(command string, decided []contact.Event, cut bool) {
	for _, event := range decided {
		switch {
		case t.difference != nil, cut && t.next == len(t.events):
			return
		case t.next == len(t.events):
			t.differs(Difference{Command: command, Kind: NotRecorded, Decided: encode(event)})
		default:
			if is := encode(event); !bytes.Equal(is, encode(t.events[t.next].event)) {
				t.differs(Difference{Command: command, Kind: OtherEvent, Decided: is})
			}
		}
		t.next++
	}
}

// differs keeps a difference at the next recorded event, unless there is one already.
func (t *comparison) differs(d Difference) {
	if t.difference != nil {
		return
	}
	d.Sequence = t.records[len(t.records)-1].sequence
	if t.next < len(t.events) {
		at := t.events[t.next]
		d.Sequence, d.Recorded = at.sequence, encode(at.event)
	}
	t.difference = &d
}

// encode writes an event as records have it. Every event of the closed set can be written.
func encode(event contact.Event) json.RawMessage {
	data, err := json.Marshal(contact.Events{event})
	if err != nil {
		return json.RawMessage(`null`)
	}
	return data[1 : len(data)-1]
}
