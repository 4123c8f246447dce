package agentui

import (
	"context"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"svar/contact"
	"svar/report"
)

// RecordedCalls reads of which calls a recording is kept; the store is one.
type RecordedCalls interface {
	RecordedCalls(ctx context.Context, f report.RecordedCallFilter) ([]report.RecordedCall, error)
}

type recordedCallsInput struct {
	SessionInput
	From    time.Time `query:"from" doc:"Arrived at or after this; 24 hours ago by default, and as long ago as any where a ticket or contact is given"`
	To      time.Time `query:"to" doc:"Arrived before this; now by default"`
	Agent   string    `query:"agent" maxLength:"64" doc:"One of those who had the call"`
	Ticket  string    `query:"ticket" maxLength:"32" doc:"The number of a ticket that the call was closed with or is linked to"`
	Contact string    `query:"contact" maxLength:"64" doc:"The contact's id"`
	Before  string    `query:"before" maxLength:"64" doc:"The id of the last call of the page before"`
	Limit   int       `query:"limit" minimum:"1" maximum:"200" default:"50"`
}

// RecordedCall is a call of which a recording is kept, without who called: that is heard only by who says why.
type RecordedCall struct {
	Contact     contact.ID           `json:"contact"`
	Line        contact.LineID       `json:"line"`
	Agents      []Colleague          `json:"agents" nullable:"false" doc:"Who had it, in that order"`
	Ticket      contact.TicketNumber `json:"ticket,omitempty" doc:"What it was closed with"`
	Outgoing    bool                 `json:"outgoing,omitempty" doc:"The desk called"`
	Arrived     contact.Instant      `json:"arrived" doc:"In milliseconds since 1970"`
	LengthMs    contact.Millis       `json:"lengthMs"`
	DeleteAfter contact.Instant      `json:"deleteAfter,omitempty" doc:"Until when it may be kept"`
}

type recordedCallsOutput struct {
	Body struct {
		Calls []RecordedCall `json:"calls" nullable:"false"`
		// Next is the id to ask for the next page with; empty on the last one.
		Next contact.ID `json:"next,omitempty" doc:"What to ask for the next page with; absent on the last one"`
	}
}

// listRecordedCalls tells those who may hear recordings of which calls there are some. It tells of no person, so that it is no look
// at one.
func (u *UI) listRecordedCalls(ctx context.Context, in *recordedCallsInput) (*recordedCallsOutput, error) {
	_, account, err := u.require(in.SessionInput)
	switch {
	case err != nil:
		return nil, err
	case !joinsTalks(account):
		return nil, huma.Error403Forbidden("only supervisors may see of which calls there are recordings")
	}
	now := u.config.Now()
	if in.To.IsZero() {
		in.To = now
	}
	if in.From.IsZero() && in.Ticket == "" && in.Contact == "" {
		in.From = in.To.Add(-24 * time.Hour)
	}
	if !in.From.Before(in.To) {
		return nil, huma.Error422UnprocessableEntity("from must be before to",
			&huma.ErrorDetail{Location: "query.from", Message: "is not before to"})
	}
	filter := report.RecordedCallFilter{
		To: contact.InstantOf(in.To), Agent: contact.AgentID(in.Agent), Ticket: contact.TicketNumber(in.Ticket), Contact: contact.ID(in.Contact),
		Before: contact.ID(in.Before), Now: contact.InstantOf(now), Limit: in.Limit + 1,
	}
	if !in.From.IsZero() {
		filter.From = contact.InstantOf(in.From)
	}
	calls, err := u.config.RecordedCalls.RecordedCalls(ctx, filter)
	if err != nil {
		return nil, u.unavailable(err, "the recorded calls could not be read")
	}
	out := &recordedCallsOutput{}
	if len(calls) > in.Limit {
		calls = calls[:in.Limit]
		out.Body.Next = calls[in.Limit-1].Contact
	}
	out.Body.Calls = make([]RecordedCall, len(calls))
	for i, call := range calls {
		agents := make([]Colleague, len(call.Agents))
		for n, agent := range call.Agents {
			agents[n] = *u.states.colleague(agent)
		}
		out.Body.Calls[i] = RecordedCall{
			Contact: call.Contact, Line: call.Line, Agents: agents, Ticket: call.Ticket, Outgoing: call.Outgoing,
			Arrived: call.Arrived, LengthMs: call.Length, DeleteAfter: call.DeleteAfter,
		}
	}
	return out, nil
}
