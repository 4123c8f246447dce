package agentui

import (
	"context"
	"errors"
	"slices"
	"strings"
	"unicode/utf8"

	"svar/contact"
)

// maxNote is how much people write into a note, in characters.
const maxNote = 10_000

// declineReasons are those that an agent may give when he declines an offer.
var declineReasons = []string{"busy", "not-my-skill", "conflict", "technical"}

// codeUnavailable is the Reply's word for whatever is no rejection.
const codeUnavailable = "unavailable"

func errorCode(err error) string {
	rejection := (*contact.Rejection)(nil)
	switch {
	case err == nil:
		return ""
	case errors.As(err, &rejection):
		return string(rejection.Code)
	default:
		return codeUnavailable
	}
}

var (
	errInvalid    = &contact.Rejection{Code: contact.Invalid}
	errNotYours   = &contact.Rejection{Code: contact.NotYours}
	errOfferGone  = &contact.Rejection{Code: contact.OfferGone}
	errWrongState = &contact.Rejection{Code: contact.WrongState}
)

// carryOut does what the console asks for. Whose contact or offer it is, and whether it
// may be done now, is for the dispatcher to say.
func (c *console) carryOut(ctx context.Context, r Request) error {
	send := c.ui.config.Commands.Send
	switch r.Do {
	case DoPresence:
		// What is on record holds no free text about a person: reasons are chosen.
		if _, known := c.ui.catalogue.Load().pause(r.Reason); r.Reason != "" && !known {
			return errInvalid
		}
		channels := slices.Compact(slices.Sorted(slices.Values(r.Channels)))
		return send(ctx, contact.SetPresence{
			Agent: c.agent, Presence: r.Presence, Reason: r.Reason, Channels: channels, After: r.AfterContact,
		})
	case DoCall:
		return c.placeCall(ctx, r)
	case DoConference:
		return send(ctx, contact.SetConference{Contact: r.Contact, Agent: c.agent, On: r.On})
	case DoMark:
		return c.mark(ctx, r)
	case DoSupervise:
		return c.supervise(ctx, r)
	case DoTransfer, DoConsult:
		return c.moveOn(ctx, r)
	case DoConsultEnd:
		return send(ctx, contact.EndConsult{Contact: r.Contact, Agent: c.agent})
	case DoComplete:
		return send(ctx, contact.CompleteTransfer{Contact: r.Contact, Agent: c.agent})
	case DoCallback:
		if r.At < 0 {
			return errInvalid
		}
		return send(ctx, contact.ScheduleCallback{Contact: r.Contact, Agent: c.agent, At: r.At, Mine: r.Mine})
	case DoImpact:
		return c.setImpact(ctx, r)
	case DoAccept:
		return c.accept(ctx, r)
	case DoDecline:
		if r.Reason != "" && !slices.Contains(declineReasons, r.Reason) {
			return errInvalid // as with pauses
		}
		return send(ctx, contact.DeclineOffer{Offer: r.Offer, Agent: c.agent, Reason: r.Reason})
	case DoNote:
		return c.keepNote(ctx, r)
	case DoOutcome:
		return c.chooseOutcome(ctx, r)
	case DoExtend:
		return send(ctx, contact.ExtendWrapUp{Contact: r.Contact, Agent: c.agent})
	case DoFinish:
		return c.finish(ctx, r)
	case DoGiveBack:
		return send(ctx, contact.GiveBack{Contact: r.Contact, Agent: c.agent})
	case DoDial:
		return c.callBack(ctx, r)
	case DoChatFollow:
		return c.followChat(ctx, r)
	case DoChatSend:
		return c.sendChat(ctx, r)
	default:
		return errInvalid
	}
}

// chooseOutcome keeps what is chosen so far. It may be what the contact is closed with, so
// that a ticket must be there.
func (c *console) chooseOutcome(ctx context.Context, r Request) error {
	if r.Ticket != "" && !c.ui.exists(ctx, r.Ticket) {
		return errInvalid
	}
	return c.ui.config.Commands.Send(ctx, contact.ChooseOutcome{Contact: r.Contact, Agent: c.agent, Code: r.Code, Ticket: r.Ticket})
}

// finish ends a contact. A ticket that is not there must not stand in the record for ever.
func (c *console) finish(ctx context.Context, r Request) error {
	if r.Ticket != "" && !c.ui.exists(ctx, r.Ticket) {
		return errInvalid
	}
	return c.ui.config.Commands.Send(ctx, contact.Finish{Contact: r.Contact, Agent: c.agent, Code: r.Code, Ticket: r.Ticket})
}

// keepNote keeps the note of a contact that is this agent's own: two who write one note would undo
// each other's words.
func (c *console) keepNote(ctx context.Context, r Request) error {
	if utf8.RuneCountInString(r.Note) > maxNote || strings.ContainsRune(r.Note, 0) {
		return errInvalid
	}
	if _, holds := c.ui.board.Holds(c.agent, r.Contact); !holds {
		return errNotYours
	}
	return c.ui.states.notes.put(ctx, r.Contact, r.Note)
}
