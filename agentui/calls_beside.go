package agentui

import (
	"context"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"svar/contact"
	"svar/report"
)

// CallLog reads what went on beside the calls that came in; the store is one.
type CallLog interface {
	OutgoingCalls(ctx context.Context, f report.CallFilter) ([]report.OutgoingCall, error)
	Supervisions(ctx context.Context, f report.CallFilter) ([]report.Supervision, error)
	Marks(ctx context.Context, f report.CallFilter) ([]report.MarkedContact, error)
}

// maxCallKey bounds what tells the rows of a call log apart: a contact's id with what is counted of it.
const maxCallKey = 100

// CallsInput asks for a page of a call log; it is exported for huma.
type CallsInput struct {
	SessionInput
	From    time.Time `query:"from" doc:"Began at or after this; 24 hours ago by default"`
	To      time.Time `query:"to" doc:"Began before this; now by default"`
	Agent   string    `query:"agent" maxLength:"64" doc:"Of that agent or supervisor only"`
	Contact string    `query:"contact" maxLength:"64" doc:"The contact's id"`
	Before  string    `query:"before" maxLength:"120" doc:"What the page before had as next"`
	Limit   int       `query:"limit" minimum:"1" maximum:"200" default:"50"`
}

// OutgoingCall is a call that the desk made. Which number was called is not told: it is no record.
type OutgoingCall struct {
	Contact     contact.ID            `json:"contact"`
	Line        contact.LineID        `json:"line"`
	Agent       Colleague             `json:"agent" doc:"Who had it made"`
	Destination contact.DestinationID `json:"destination,omitempty" doc:"The place outside; absent when a person was called"`
	Blind       bool                  `json:"blind,omitempty" doc:"The user was to be handed over as soon as the place answered"`
	TookOver    bool                  `json:"tookOver,omitempty" doc:"The user was handed over; how long the two talk is not on record"`
	Called      contact.Instant       `json:"called" doc:"In milliseconds since 1970"`
	Answered    contact.Instant       `json:"answered,omitempty"`
	Ended       contact.Instant       `json:"ended,omitempty" doc:"When it was over, or had the user"`
	Failure     contact.DialFailure   `json:"failure,omitempty" doc:"Why nobody was reached"`
}

// Supervision is a supervisor's part in a talk in one mode.
type Supervision struct {
	Contact    contact.ID              `json:"contact"`
	Line       contact.LineID          `json:"line"`
	Supervisor Colleague               `json:"supervisor"`
	Agents     []Colleague             `json:"agents" nullable:"false" doc:"Who had the contact meanwhile, in that order"`
	Mode       contact.SupervisionMode `json:"mode" doc:"listen, whisper or barge"`
	Begun      contact.Instant         `json:"begun" doc:"In milliseconds since 1970"`
	Ended      contact.Instant         `json:"ended,omitempty" doc:"Absent while it lasts"`
}

// MarkedContact is a contact that its agent marked as a threat or a nuisance.
type MarkedContact struct {
	Contact contact.ID       `json:"contact"`
	Line    contact.LineID   `json:"line"`
	Mark    contact.MarkKind `json:"mark" doc:"threat or nuisance"`
	Agent   Colleague        `json:"agent" doc:"Who marked it"`
	At      contact.Instant  `json:"at" doc:"In milliseconds since 1970"`
}

type outgoingOutput struct {
	Body struct {
		Calls []OutgoingCall `json:"calls" nullable:"false"`
		Next  string         `json:"next,omitempty" doc:"What to ask for the next page with; absent on the last one"`
	}
}

type supervisionsOutput struct {
	Body struct {
		Supervisions []Supervision `json:"supervisions" nullable:"false"`
		Next         string        `json:"next,omitempty" doc:"What to ask for the next page with; absent on the last one"`
	}
}

type marksOutput struct {
	Body struct {
		Marks []MarkedContact `json:"marks" nullable:"false"`
		Next  string          `json:"next,omitempty" doc:"What to ask for the next page with; absent on the last one"`
	}
}

func (u *UI) serveCalls(a *operations) {
	huma.Register(a.API, a.operation("list-outgoing-calls", "GET /calls/outgoing", "Calls that the desk made, to people and to places outside, newest first"), u.listOutgoingCalls)
	huma.Register(a.API, a.operation("list-supervisions", "GET /calls/supervisions", "Supervisors who listened, whispered or took part in talks, newest first"), u.listSupervisions)
	huma.Register(a.API, a.operation("list-marks", "GET /calls/marks", "Contacts that agents marked as threats or nuisances, newest first"), u.listMarks)
}

func (u *UI) listOutgoingCalls(ctx context.Context, in *CallsInput) (*outgoingOutput, error) {
	out := &outgoingOutput{}
	var err error
	out.Body.Calls, out.Body.Next, err = callPage(ctx, u, in, u.config.CallLog.OutgoingCalls,
		func(c report.OutgoingCall) (OutgoingCall, logCursor) {
			return OutgoingCall{
				Contact: c.Contact, Line: c.Line, Agent: *u.states.colleague(c.Agent), Destination: c.Destination, Blind: c.Blind, TookOver: c.TookOver,
				Called: c.Called, Answered: c.Answered, Ended: c.Ended, Failure: c.Failure,
			}, logCursor{c.Called, c.Key}
		})
	return out, err
}

func (u *UI) listSupervisions(ctx context.Context, in *CallsInput) (*supervisionsOutput, error) {
	out := &supervisionsOutput{}
	var err error
	out.Body.Supervisions, out.Body.Next, err = callPage(ctx, u, in, u.config.CallLog.Supervisions,
		func(c report.Supervision) (Supervision, logCursor) {
			agents := make([]Colleague, len(c.Agents))
			for i, agent := range c.Agents {
				agents[i] = *u.states.colleague(agent)
			}
			return Supervision{
				Contact: c.Contact, Line: c.Line, Supervisor: *u.states.colleague(c.Supervisor), Agents: agents, Mode: c.Mode, Begun: c.Begun, Ended: c.Ended,
			}, logCursor{c.Begun, c.Key}
		})
	return out, err
}

func (u *UI) listMarks(ctx context.Context, in *CallsInput) (*marksOutput, error) {
	out := &marksOutput{}
	var err error
	out.Body.Marks, out.Body.Next, err = callPage(ctx, u, in, u.config.CallLog.Marks,
		func(m report.MarkedContact) (MarkedContact, logCursor) {
			return MarkedContact{Contact: m.Contact, Line: m.Line, Mark: m.Mark, Agent: *u.states.colleague(m.Agent), At: m.At}, logCursor{m.At, m.Key}
		})
	return out, err
}

// callPage reads a page of a call log for a supervisor. It tells of no user, so that it is no look at one.
func callPage[Row, Shown any](
	ctx context.Context, u *UI, in *CallsInput, read func(context.Context, report.CallFilter) ([]Row, error), show func(Row) (Shown, logCursor),
) (shown []Shown, next string, err error) {
	if _, err := u.requireSupervisor(in.SessionInput, "read the log of calls"); err != nil {
		return nil, "", err
	}
	before, valid := parseLogCursor(in.Before, maxCallKey)
	if !valid {
		return nil, "", noLogCursor()
	}
	from, to := in.From, in.To
	if to.IsZero() {
		to = u.config.Now()
	}
	if from.IsZero() {
		from = to.Add(-day)
	}
	if !from.Before(to) {
		return nil, "", huma.Error422UnprocessableEntity("from must be before to", &huma.ErrorDetail{Location: "query.from", Message: "is not before to"})
	}
	rows, err := read(ctx, report.CallFilter{
		From: contact.InstantOf(from), To: contact.InstantOf(to), Agent: contact.AgentID(in.Agent), Contact: contact.ID(in.Contact),
		Before: before.at, BeforeKey: before.id, Limit: in.Limit + 1,
	})
	if err != nil {
		return nil, "", u.unavailable(err, "the log of calls could not be read")
	}
	more := len(rows) > in.Limit
	shown = make([]Shown, min(len(rows), in.Limit))
	last := logCursor{}
	for i := range shown {
		shown[i], last = show(rows[i])
	}
	if more {
		next = last.String()
	}
	return shown, next, nil
}
