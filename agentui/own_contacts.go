package agentui

import (
	"context"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"svar/contact"
	"svar/report"
)

// OwnContacts reads what an agent had; the store is one.
type OwnContacts interface {
	// AgentContacts returns the contacts that the agent had, those given back among them: those
	// taken before the instant, the newest first, at most limit.
	AgentContacts(ctx context.Context, agent contact.AgentID, before contact.Instant, limit int) ([]report.AgentContact, error)
}

type ownContactsInput struct {
	SessionInput
	Before string `query:"before" maxLength:"20" pattern:"^[0-9]*$" doc:"What the page before had as next"`
	Limit  int    `query:"limit" minimum:"1" maximum:"50" default:"20"`
}

// OwnContact is one of the agent's last contacts. Numbers, and what senders said of
// themselves, are not told of a contact that is over: who it was is known by the directory
// or not at all.
type OwnContact struct {
	Contact  contact.ID           `json:"contact"`
	Channel  contact.Channel      `json:"channel"`
	Line     contact.LineID       `json:"line"`
	Audience contact.Audience     `json:"audience,omitempty"`
	Caller   Caller               `json:"caller"`
	State    contact.State        `json:"state"`
	End      contact.End          `json:"end,omitempty"`
	Parted   report.Parted        `json:"parted,omitempty" doc:"How the agent's part in it ended; empty while the agent has it"`
	Code     contact.OutcomeCode  `json:"code,omitempty"`
	Ticket   contact.TicketNumber `json:"ticket,omitempty"`
	Taken    contact.Instant      `json:"taken" doc:"When the agent got it last, in milliseconds since 1970"`
	Arrived  contact.Instant      `json:"arrived"`
	Answered contact.Instant      `json:"answered,omitempty"`
	Closed   contact.Instant      `json:"closed,omitempty"`
	TalkMs   contact.Millis       `json:"talkMs"`
	HeldMs   contact.Millis       `json:"heldMs"`
	WrapUpMs contact.Millis       `json:"wrapUpMs"`
	Lapsed   bool                 `json:"lapsed,omitempty" doc:"Wrap-up ran out before the agent finished it"`
	Quality  *report.CallQuality  `json:"quality,omitempty"`
}

type ownContactsOutput struct {
	Body struct {
		Contacts []OwnContact `json:"contacts" nullable:"false"`
		Next     string       `json:"next,omitempty" doc:"What to ask for the next page with; absent on the last one"`
	}
}

// ownContactsAhead lets a page begin with what a clock that is ahead of ours has written.
const ownContactsAhead = time.Hour

func (u *UI) listOwnContacts(ctx context.Context, in *ownContactsInput) (*ownContactsOutput, error) {
	_, account, err := u.require(in.SessionInput)
	if err != nil {
		return nil, err
	}
	before := u.instant().Add(contact.MillisOf(ownContactsAhead))
	if in.Before != "" {
		at, err := strconv.ParseInt(in.Before, 10, 64)
		if err != nil || at > int64(before) {
			return nil, huma.Error422UnprocessableEntity("before is not what a page had as next",
				&huma.ErrorDetail{Location: "query.before", Message: "is not what a page had as next"})
		}
		before = contact.Instant(at)
	}
	agent, viewer := contact.AgentID(account.Name), account.Viewer()
	list, err := u.config.OwnContacts.AgentContacts(ctx, agent, before, in.Limit+1)
	if err != nil {
		return nil, u.unavailable(err, "an agent's own contacts could not be read")
	}
	out := &ownContactsOutput{}
	if len(list) > in.Limit {
		list = list[:in.Limit]
		out.Body.Next = strconv.FormatInt(int64(list[in.Limit-1].Taken), 10)
	}
	var looks []look
	out.Body.Contacts = make([]OwnContact, len(list))
	for i, had := range list {
		who := u.states.callers.remembered(had, viewer)
		if who.Person != "" {
			looks = append(looks, look{account: account.Name, surface: surfaceOwnContacts, contact: had.Contact, person: who.Person})
		}
		out.Body.Contacts[i] = OwnContact{
			Contact: had.Contact, Channel: had.Channel, Line: had.Line, Audience: had.Audience, Caller: who,
			State: had.State, End: had.End, Parted: had.Parted, Code: had.Code, Ticket: had.Ticket,
			Taken: had.Taken, Arrived: had.Arrived, Answered: had.Answered, Closed: had.Closed,
			TalkMs: had.Talk, HeldMs: had.Held, WrapUpMs: had.WrapUp, Lapsed: had.Lapsed, Quality: had.Quality,
		}
	}
	if err := u.accesses.before(ctx, looks...); err != nil {
		return nil, u.unavailable(err, "the looks at an agent's own contacts could not be logged")
	}
	return out, nil
}
