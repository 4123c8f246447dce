package agentui

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"svar/contact"
	"svar/identity"
)

// CallsLine is a phone line whose number agents may call by. Calls are held in Language.
type CallsLine struct {
	ID       contact.LineID
	Audience contact.Audience
	Language string
}

// errUnconfirmed: nobody vouches for the number, and the agent has not said that he has looked at it.
var errUnconfirmed = &contact.Rejection{Code: contact.Unconfirmed}

// called is who is to be called.
type called struct {
	number identity.Number
	person contact.PersonID
	ticket contact.TicketNumber
	// vouched says that the directory has the number.
	vouched bool
}

// placeCall begins a call to somebody. Its number goes into the stream of personal data before the dispatcher hears of the
// call: records hold its id alone. It stands there as vouched for, since the directory has it or the agent has looked at
// it; whether it may be called at all is for the one dial plan of the node to say.
func (c *console) placeCall(ctx context.Context, r Request) error {
	line, known := c.ui.catalogue.Load().callsLine(r.Line)
	if !known {
		return errNotAllowed
	}
	to, err := c.whomToCall(ctx, r)
	switch {
	case err != nil:
		return err
	case !to.vouched && !r.Confirmed:
		return errUnconfirmed
	}
	id, err := uuid.NewV7()
	if err != nil {
		return fmt.Errorf("make an id for a call: %w", err)
	}
	leg, err := uuid.NewV7()
	if err != nil {
		return fmt.Errorf("make an id for a leg: %w", err)
	}
	placed := contact.Contact{
		ID: contact.ID(id.String()), Channel: contact.Voice, Line: line.ID, Audience: line.Audience, Language: line.Language,
		Person: to.person, Ticket: to.ticket, Outgoing: true, Arrived: contact.InstantOf(c.ui.config.Now()),
	}
	personal := c.ui.config.Personal
	if err := personal.PutPersonal(ctx, placed.ID, contact.Personal{Number: to.number, Vouched: true}); err != nil {
		return fmt.Errorf("keep the number of a call: %w", err)
	}
	err = c.ui.config.Commands.Send(ctx, contact.PlaceCall{
		Contact: placed, Agent: c.agent, Node: c.ui.config.Node, Leg: contact.LegID(leg.String()),
	})
	if rejection := (*contact.Rejection)(nil); errors.As(err, &rejection) {
		// There is no such contact. After any other error there may be: its number stays for as long as that of others.
		if err := personal.Forget(context.WithoutCancel(ctx), placed.ID); err != nil {
			c.log.Warn().Err(err).Str("contact", string(placed.ID)).Msg("the number of a call that was refused could not be removed")
		}
	}
	return err
}

// accept takes an offer. A call-back is dialled by that.
func (c *console) accept(ctx context.Context, r Request) error {
	_, contacts := c.ui.board.of(c.agent)
	for _, view := range contacts {
		if view.Callback && isOffered(view, c.agent) && view.Offer.Offer == r.Offer {
			if err := c.mustBeVouched(ctx, view.Contact.ID, r.Confirmed); err != nil {
				return err
			}
		}
	}
	return c.ui.config.Commands.Send(ctx, contact.AcceptOffer{Offer: r.Offer, Agent: c.agent, Confirmed: r.Confirmed})
}

// callBack has a waiting call-back dialled. The agent's voice comes up on this node, so it is this one that dials.
func (c *console) callBack(ctx context.Context, r Request) error {
	if err := c.mustBeVouched(ctx, r.Contact, r.Confirmed); err != nil {
		return err
	}
	return c.ui.config.Commands.Send(ctx, contact.TakeCallback{
		Contact: r.Contact, Agent: c.agent, Node: c.ui.config.Node, Confirmed: r.Confirmed,
	})
}

// mustBeVouched rejects a call-back to a number that no trusted trunk gave, unless the agent has looked at it: whoever made
// it up would choose whom we call. The node that dials asks the same.
func (c *console) mustBeVouched(ctx context.Context, id contact.ID, confirmed bool) error {
	if _, known := c.ui.board.contact(id); confirmed || !known {
		return nil // the dispatcher knows whether there is such a contact
	}
	who, err := c.ui.states.callers.read(ctx, id)
	switch {
	case err != nil:
		return fmt.Errorf("read the number of a call-back: %w", err)
	case who.Number != "" && !who.Vouched:
		return errUnconfirmed
	default:
		return nil
	}
}

// whomToCall reads whom a request wants to call: a person, the user of a ticket, or a number as it was typed.
func (c *console) whomToCall(ctx context.Context, r Request) (called, error) {
	given := 0
	for _, is := range []bool{r.Person != "", r.Ticket != "", r.Number != ""} {
		if is {
			given++
		}
	}
	account, known := c.ui.config.Accounts.Account(string(c.agent))
	switch {
	case given != 1:
		return called{}, errInvalid
	case !known || !account.Active:
		return called{}, errNotAllowed
	case r.Person != "":
		return c.personToCall(r.Person, account.Viewer())
	case r.Ticket != "":
		return c.userToCall(ctx, r.Ticket, account)
	default:
		return c.numberToCall(r, account.Viewer())
	}
}

// personToCall finds the number of a person. One that is his alone comes before one that he shares with others.
func (c *console) personToCall(id contact.PersonID, viewer identity.Viewer) (called, error) {
	directory := c.ui.config.People.Directory()
	person, known := directory.ByID(id)
	if !known || hides(directory, viewer, id) {
		return called{}, errNotAllowed
	}
	if len(person.Numbers) == 0 {
		return called{}, errInvalid
	}
	number := person.Numbers[0]
	for _, own := range person.Numbers {
		if len(directory.ByNumber(own)) == 1 {
			number = own
			break
		}
	}
	return called{number: number, person: id, vouched: true}, nil
}

// userToCall finds the user of a ticket.
func (c *console) userToCall(ctx context.Context, number contact.TicketNumber, account identity.Account) (called, error) {
	if !ticketNumber.MatchString(string(number)) {
		return called{}, errInvalid
	}
	t, err := c.ui.config.Tickets.Ticket(ctx, number)
	switch {
	case errors.Is(err, ErrNotFound):
		return called{}, errInvalid
	case err != nil:
		return called{}, fmt.Errorf("read the ticket of a call: %w", err)
	case c.ui.masks(account, t):
		return called{}, errNotAllowed
	}
	user := cmp.Or(t.Reporter.Person, t.Person) // who told of it hears of it
	if user == "" {
		return called{}, errInvalid // nobody whom the directory knows
	}
	to, err := c.personToCall(user, account.Viewer())
	to.ticket = number
	return to, err
}

// numberToCall reads a number as people write it. On a line that looks callers up, one of the directory needs no look; it does
// for a protected person's, who is as unknown as anybody to those who may not see him.
func (c *console) numberToCall(r Request, viewer identity.Viewer) (called, error) {
	number, err := identity.ParseNumber(r.Number, identity.HomeRegion)
	if err != nil {
		return called{}, errInvalid // it is not logged either: the text may be personal data
	}
	to := called{number: number}
	if !c.ui.catalogue.Load().LookUps[r.Line] {
		return to, nil
	}
	directory := c.ui.config.People.Directory()
	found := directory.ByNumber(number)
	if len(found) == 1 {
		to.person = found[0].ID
	}
	to.vouched = len(found) > 0 && !slices.ContainsFunc(found, func(p identity.Person) bool { return hides(directory, viewer, p.ID) })
	return to, nil
}

// callsLine returns the line by whose number may be called.
func (c *Catalogue) callsLine(id contact.LineID) (CallsLine, bool) {
	for _, line := range c.CallsLines {
		if line.ID == id {
			return line, true
		}
	}
	return CallsLine{}, false
}

// callsLines are the ids of the lines by whose number may be called.
func (c *Catalogue) callsLines() []contact.LineID {
	lines := make([]contact.LineID, len(c.CallsLines))
	for i, line := range c.CallsLines {
		lines[i] = line.ID
	}
	return lines
}

func (c *Catalogue) hasDestination(id contact.DestinationID) bool {
	return slices.ContainsFunc(c.Destinations, func(known DestinationInfo) bool { return known.ID == id })
}
