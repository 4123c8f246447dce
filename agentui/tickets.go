package agentui

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"svar/contact"
	"svar/identity"
	"svar/ticket"
)

// Tickets keeps tickets; the store is one, by way of cmd. A ticket, an entry or a file that is
// not there is [ErrNotFound]; what the rules of tickets refuse is a [*ticket.Refusal].
type Tickets interface {
	// OpenTicket registers a ticket, with the draft's contacts linked to it.
	OpenTicket(ctx context.Context, d ticket.Draft, now contact.Instant) (contact.TicketNumber, error)
	Ticket(ctx context.Context, number contact.TicketNumber) (ticket.Ticket, error)
	Tickets(ctx context.Context, f ticket.Filter) ([]ticket.Ticket, error)
	// AddEntry writes to the log. An answer is mailed to the reporter when there is an address.
	AddEntry(ctx context.Context, number contact.TicketNumber, e ticket.Entry, now contact.Instant) (ticket.Entry, error)
	SetStatus(ctx context.Context, number contact.TicketNumber, to ticket.Status, by contact.AgentID, now contact.Instant) error
	LinkContact(ctx context.Context, number contact.TicketNumber, id contact.ID, by contact.AgentID, now contact.Instant) error
	EntryHTML(ctx context.Context, number contact.TicketNumber, entry int64) (string, error)
	Attachment(ctx context.Context, number contact.TicketNumber, id int64) (ticket.Attachment, []byte, error)
}

// ErrNotFound: the store has nothing of that name.
var ErrNotFound = errors.New("there is nothing of that name")

// ticketNumber is the form of a main number.
var ticketNumber = regexp.MustCompile(`^[A-Z]{1,8}-[0-9]{1,12}$`)

// maxSearchPages is how many pages of hits are gone through for one page of those that the
// viewer may see.
const maxSearchPages = 5

func ticketRow(t ticket.Ticket) TicketRow {
	return TicketRow{
		Number: t.Number, Kind: string(t.Kind), Status: string(t.Status), Subject: t.Subject, Service: t.Service,
		Created: t.Created, Changed: t.Changed,
	}
}

// ListedTicket is a ticket in a list that was asked for.
type ListedTicket struct {
	TicketRow
	Person   contact.PersonID `json:"person,omitempty"`
	Reporter string           `json:"reporter,omitempty" doc:"The reporter's name"`
	// Masked says that it is a protected person's: nothing that could tell whose is set.
	Masked bool `json:"masked,omitempty"`
}

func listed(t ticket.Ticket, masked bool) ListedTicket {
	if masked {
		return ListedTicket{Masked: true, TicketRow: TicketRow{
			Number: t.Number, Kind: string(t.Kind), Status: string(t.Status), Created: t.Created, Changed: t.Changed,
		}}
	}
	return ListedTicket{TicketRow: ticketRow(t), Person: t.Person, Reporter: t.Reporter.Name}
}

// OpenedTicket is a ticket as its page shows it.
type OpenedTicket struct {
	ticket.Ticket
	Masked bool `json:"masked,omitempty"`
}

// masks reports whether the ticket has to be masked for the account: one of its people is
// protected.
func (u *UI) masks(account identity.Account, t ticket.Ticket) bool {
	return hides(u.config.People.Directory(), account.Viewer(), t.Person, t.Reporter.Person)
}

// looksAt are the looks that showing the ticket is: one at each of its people, or one at a
// person whom the directory does not know.
func looksAt(account identity.Account, surface string, t ticket.Ticket) []look {
	l := look{account: account.Name, surface: surface, ticket: t.Number, person: t.Person}
	if t.Reporter.Person == "" || t.Reporter.Person == t.Person {
		return []look{l}
	}
	reporter := l
	reporter.person = t.Reporter.Person
	if t.Person == "" {
		return []look{reporter}
	}
	return []look{l, reporter}
}

// searchTicketsInput has what is looked for in its body: names and words about people do not
// belong into addresses, which others write into their logs (requirement D7).
type searchTicketsInput struct {
	SessionInput
	Body TicketSearch
}

// TicketSearch says which tickets are wanted; it is exported for huma.
type TicketSearch struct {
	Search string `json:"search,omitempty" maxLength:"200" doc:"Words of the subject, the number and the reporter; a protected person's tickets are no hit for those outside the group that sees them"`
	Status string `json:"status,omitempty" enum:"registered,in-progress,solved,closed"`
	Open   bool   `json:"open,omitempty" doc:"Leave out the solved and the closed"`
	Person string `json:"person,omitempty" maxLength:"128"`
	Mine   bool   `json:"mine,omitempty" doc:"Only those of the contacts that you have now"`
	Before string `json:"before,omitempty" maxLength:"32" doc:"The number of the last ticket of the page before"`
	Limit  int    `json:"limit,omitempty" minimum:"1" maximum:"100" default:"50"`
}

type searchTicketsOutput struct {
	Body struct {
		Tickets []ListedTicket `json:"tickets" nullable:"false"`
		More    bool           `json:"more" doc:"There are further ones before the last of these"`
	}
}

func (u *UI) searchTickets(ctx context.Context, in *searchTicketsInput) (*searchTicketsOutput, error) {
	_, account, err := u.require(in.SessionInput)
	if err != nil {
		return nil, err
	}
	out, wanted := &searchTicketsOutput{}, in.Body
	found, surface := []ticket.Ticket(nil), surfaceList
	if wanted.Mine {
		found, err = u.ticketsOfContacts(ctx, contact.AgentID(account.Name))
	} else {
		if wanted.Search != "" {
			surface = surfaceSearch
		}
		found, out.Body.More, err = u.findTickets(ctx, account, wanted)
	}
	if err != nil {
		return nil, u.ticketProblem(err)
	}
	looks := []look{}
	out.Body.Tickets = make([]ListedTicket, len(found))
	for i, t := range found {
		masked := u.masks(account, t)
		out.Body.Tickets[i] = listed(t, masked)
		if !masked && (t.Person != "" || t.Reporter != (ticket.Reporter{})) {
			looks = append(looks, looksAt(account, surface, t)...)
		}
	}
	if err := u.accesses.before(ctx, looks...); err != nil {
		return nil, u.ticketProblem(err)
	}
	return out, nil
}

// findTickets returns a page of tickets. To search for a protected person, and to ask for all
// tickets of one, finds nothing for those outside the group: a masked hit would be an answer.
func (u *UI) findTickets(ctx context.Context, account identity.Account, in TicketSearch) ([]ticket.Ticket, bool, error) {
	filter := ticket.Filter{
		Person: contact.PersonID(in.Person), Status: ticket.Status(in.Status), Open: in.Open, Search: in.Search,
		Before: contact.TicketNumber(in.Before), Limit: in.Limit + 1,
	}
	narrow := in.Search != "" || in.Person != ""
	var found []ticket.Ticket
	for range maxSearchPages {
		page, err := u.config.Tickets.Tickets(ctx, filter)
		if err != nil {
			return nil, false, err
		}
		for _, t := range page {
			if !narrow || !u.masks(account, t) {
				found = append(found, t)
			}
		}
		if len(found) > in.Limit {
			return found[:in.Limit], true, nil
		}
		if len(page) < filter.Limit {
			break
		}
		filter.Before = page[len(page)-1].Number
	}
	return found, false, nil
}

// ticketsOfContacts returns the tickets that the agent's open contacts came with.
func (u *UI) ticketsOfContacts(ctx context.Context, agent contact.AgentID) ([]ticket.Ticket, error) {
	var found []ticket.Ticket
	_, mine := u.board.of(agent)
	for _, view := range mine {
		number := view.Contact.Ticket
		if number == "" || slices.ContainsFunc(found, func(t ticket.Ticket) bool { return t.Number == number }) {
			continue
		}
		t, err := u.config.Tickets.Ticket(ctx, number)
		if errors.Is(err, ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		found = append(found, t)
	}
	return found, nil
}

// TicketInput is the input of every operation on one ticket; it is exported for huma.
type TicketInput struct {
	SessionInput
	Number string `path:"number" maxLength:"32"`
}

type openedTicketOutput struct {
	Body OpenedTicket
}

func (u *UI) readTicket(ctx context.Context, in *TicketInput) (*openedTicketOutput, error) {
	_, account, err := u.require(in.SessionInput)
	if err != nil {
		return nil, err
	}
	t, masked, err := u.openTicket(ctx, account, in.Number, surfaceTicket)
	if err != nil {
		return nil, err
	}
	if masked {
		return &openedTicketOutput{Body: OpenedTicket{Masked: true, Ticket: ticket.Ticket{
			Number: t.Number, Kind: t.Kind, Status: t.Status, Created: t.Created, Changed: t.Changed,
			Contacts: []contact.ID{}, Entries: []ticket.Entry{},
		}}}, nil
	}
	t.Contacts, t.Entries = listOf(t.Contacts), listOf(t.Entries)
	return &openedTicketOutput{Body: OpenedTicket{Ticket: t}}, nil
}

// openTicket reads a ticket for the account, and logs the look before it returns one that is
// not masked. Its errors are problems.
func (u *UI) openTicket(ctx context.Context, account identity.Account, number, surface string) (t ticket.Ticket, masked bool, err error) {
	if !ticketNumber.MatchString(number) {
		return t, false, u.ticketProblem(ErrNotFound)
	}
	if t, err = u.config.Tickets.Ticket(ctx, contact.TicketNumber(number)); err != nil {
		return t, false, u.ticketProblem(err)
	}
	if u.masks(account, t) {
		return t, true, nil
	}
	if err := u.accesses.before(ctx, looksAt(account, surface, t)...); err != nil {
		return t, false, u.ticketProblem(err)
	}
	return t, false, nil
}

// openOwnTicket is [UI.openTicket] for what is refused when the ticket is masked.
func (u *UI) openOwnTicket(ctx context.Context, account identity.Account, number, surface string) (ticket.Ticket, error) {
	t, masked, err := u.openTicket(ctx, account, number, surface)
	if err == nil && masked {
		err = huma.Error403Forbidden("the ticket is that of a protected person; only those who may see protected people can open it")
	}
	return t, err
}

// ticketProblem says an error in plain words.
func (u *UI) ticketProblem(err error) error {
	refusal := (*ticket.Refusal)(nil)
	switch {
	case errors.Is(err, ErrNotFound):
		return huma.Error404NotFound("there is no such ticket")
	case errors.As(err, &refusal):
		return refused(refusal)
	}
	return u.unavailable(err, "tickets could not be read or written")
}

// refused says in words what the rules of tickets refuse.
func refused(r *ticket.Refusal) error {
	switch r.Code {
	case ticket.RefusedInvalid:
		return huma.Error422UnprocessableEntity(fmt.Sprintf("%s is missing or not allowed", r.Field),
			&huma.ErrorDetail{Location: "body." + r.Field, Message: "is missing or not allowed"})
	case ticket.RefusedClosed:
		return huma.Error409Conflict("the ticket is closed; register a new one")
	case ticket.RefusedStatus:
		return huma.Error409Conflict("the ticket cannot get this status from the one that it has")
	case ticket.RefusedNotTold:
		return huma.Error409Conflict("tell the user the outcome first: write an answer, or link the contact in which it was told")
	case ticket.RefusedOrder:
		return huma.Error409Conflict("somebody else wrote to the ticket at the same moment; try again")
	default:
		return huma.Error409Conflict("the ticket does not allow it")
	}
}
