package agentui

import (
	"context"
	"errors"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"svar/contact"
	"svar/identity"
	"svar/ticket"
)

// maxTicketBody is the largest body of an operation on tickets: a text has up to 100,000
// characters of at most four bytes.
const maxTicketBody = 512 << 10

type openTicketInput struct {
	SessionInput
	Body struct {
		Kind     string `json:"kind" enum:"incident,question,order"`
		Subject  string `json:"subject" minLength:"1" maxLength:"200"`
		Service  string `json:"service,omitempty" maxLength:"64"`
		Category string `json:"category,omitempty" maxLength:"64"`
		Note     string `json:"note,omitempty" maxLength:"100000" doc:"The first entry of the log, for the desk alone"`
		Contact  string `json:"contact,omitempty" maxLength:"64" doc:"The contact of yours that it comes from; it is linked"`
		Language string `json:"language,omitempty" enum:"sv,en" doc:"The contact's, or sv, by default"`
	}
}

type openTicketOutput struct {
	Body struct {
		Number contact.TicketNumber `json:"number"`
	}
}

// createTicket registers a ticket. Who it is about is taken from the contact, never from
// the console.
func (u *UI) createTicket(ctx context.Context, in *openTicketInput) (*openTicketOutput, error) {
	_, account, err := u.require(in.SessionInput)
	if err != nil {
		return nil, err
	}
	agent := contact.AgentID(account.Name)
	d := ticket.Draft{
		Ticket: ticket.Ticket{
			Kind: ticket.Kind(in.Body.Kind), Subject: in.Body.Subject, Service: contact.ServiceID(in.Body.Service),
			Category: in.Body.Category, Language: in.Body.Language,
		},
		First: ticket.Entry{Kind: ticket.Note, Agent: agent, Text: in.Body.Note},
	}
	if !u.offers(d.Service, d.Category) {
		return nil, huma.Error422UnprocessableEntity("there is no such service or category",
			&huma.ErrorDetail{Location: "body.service", Message: "is not in the catalogue"})
	}
	if d.First.Text == "" {
		d.First.Text = in.Body.Subject
	}
	if in.Body.Contact != "" {
		if err := u.fromContact(ctx, &d, agent, contact.ID(in.Body.Contact)); err != nil {
			return nil, err
		}
	}
	if d.Channel == "" {
		d.Channel = contact.Voice // somebody said it at the desk
	}
	if d.Language == "" {
		d.Language = "sv"
	}
	number, err := u.config.Tickets.OpenTicket(ctx, d, u.instant())
	if err != nil {
		return nil, u.ticketProblem(err)
	}
	u.earlier.changed()
	out := &openTicketOutput{}
	out.Body.Number = number
	return out, nil
}

func (u *UI) instant() contact.Instant { return contact.InstantOf(u.config.Now()) }

// offers reports whether the catalogue has the service and the category; neither is needed.
func (u *UI) offers(service contact.ServiceID, category string) bool {
	if service == "" {
		return category == ""
	}
	for _, offered := range u.catalogue.Load().Services {
		if offered.ID != service {
			continue
		}
		for _, c := range offered.Categories {
			if c.ID == category {
				return true
			}
		}
		return category == ""
	}
	return false
}

// fromContact adds what is known of a contact that the agent has.
func (u *UI) fromContact(ctx context.Context, d *ticket.Draft, agent contact.AgentID, id contact.ID) error {
	view, has := u.board.Holds(agent, id)
	if !has {
		return huma.Error409Conflict("you do not have this contact (any more)")
	}
	c := view.Contact
	d.Channel, d.Line, d.Audience, d.Person, d.Contacts = c.Channel, c.Line, c.Audience, c.Person, []contact.ID{id}
	if d.Language == "" {
		d.Language = c.Language
	}
	if d.Service == "" {
		d.Service = c.Service
	}
	bounded, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	who, err := u.states.callers.read(bounded, id)
	if err != nil {
		return u.ticketProblem(err)
	}
	d.Reporter = ticket.Reporter{Person: c.Person, Name: who.Name, Address: who.Address}
	return nil
}

type addEntryInput struct {
	TicketInput
	Body struct {
		Kind    string `json:"kind" enum:"note,answer" doc:"An answer goes to the user, by mail where there is an address; a note is for the desk alone"`
		Text    string `json:"text" minLength:"1" maxLength:"100000"`
		Contact string `json:"contact,omitempty" maxLength:"64" doc:"The mail or form that it answers"`
	}
}

type addEntryOutput struct {
	Body ticket.Entry
}

func (u *UI) addEntry(ctx context.Context, in *addEntryInput) (*addEntryOutput, error) {
	_, account, err := u.require(in.SessionInput)
	if err != nil {
		return nil, err
	}
	t, err := u.openOwnTicket(ctx, account, in.Number, surfaceTicket)
	if err != nil {
		return nil, err
	}
	agent := contact.AgentID(account.Name)
	e := ticket.Entry{Kind: ticket.EntryKind(in.Body.Kind), Agent: agent, Text: in.Body.Text}
	answers := contact.ID(in.Body.Contact)
	if answers != "" {
		view, has := u.board.Holds(agent, answers)
		if !has || view.Contact.Ticket != t.Number {
			return nil, huma.Error409Conflict("you do not have this contact (any more), or it is not one of this ticket")
		}
		if e.Kind == ticket.Answer {
			e.Contact = answers
		}
	}
	entry, err := u.config.Tickets.AddEntry(ctx, t.Number, e, u.instant())
	if err != nil {
		return nil, u.ticketProblem(err)
	}
	u.earlier.changed()
	if e.Kind == ticket.Answer {
		u.tellAnswered(ctx, agent, t.Number, answers)
	}
	return &addEntryOutput{Body: entry}, nil
}

// tellAnswered lets the queue know at once that the agent answered his mail or form. The
// answer is safe already: whoever sends it tells the queue again.
func (u *UI) tellAnswered(ctx context.Context, agent contact.AgentID, number contact.TicketNumber, id contact.ID) {
	bounded, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	_, mine := u.board.of(agent)
	for _, view := range mine {
		c := view.Contact
		if !isWith(view, agent) || !c.Channel.Written() || c.Channel == contact.Chat || c.Ticket != number || id != "" && c.ID != id {
			continue
		}
		if err := u.config.Commands.Send(bounded, contact.Reply{Contact: c.ID, Agent: agent}); err != nil {
			u.config.Log.Warn().Err(err).Str("contact", string(c.ID)).Msg("the queue was not told of an answer; the job that sends it will")
		}
	}
}

type setStatusInput struct {
	TicketInput
	Body struct {
		Status string `json:"status" enum:"in-progress,solved,closed"`
	}
}

func (u *UI) setStatus(ctx context.Context, in *setStatusInput) (*struct{}, error) {
	return nil, u.change(ctx, in.TicketInput, func(number contact.TicketNumber, account identity.Account) error {
		return u.config.Tickets.SetStatus(ctx, number, ticket.Status(in.Body.Status), contact.AgentID(account.Name), u.instant())
	})
}

// change does something to a ticket that the account may open.
func (u *UI) change(ctx context.Context, in TicketInput, do func(contact.TicketNumber, identity.Account) error) error {
	_, account, err := u.require(in.SessionInput)
	if err != nil {
		return err
	}
	t, err := u.openOwnTicket(ctx, account, in.Number, surfaceTicket)
	if err != nil {
		return err
	}
	if err := do(t.Number, account); err != nil {
		return u.ticketProblem(err)
	}
	u.earlier.changed()
	return nil
}

type linkContactInput struct {
	TicketInput
	Body struct {
		Contact string `json:"contact" minLength:"1" maxLength:"64" doc:"A contact that you have"`
	}
}

// linkContact links a contact to a ticket. It shows nothing of the ticket, so whoever has the
// contact may do it to a masked one too.
func (u *UI) linkContact(ctx context.Context, in *linkContactInput) (*struct{}, error) {
	_, account, err := u.require(in.SessionInput)
	if err != nil {
		return nil, err
	}
	agent, id := contact.AgentID(account.Name), contact.ID(in.Body.Contact)
	if _, has := u.board.Holds(agent, id); !has {
		return nil, huma.Error409Conflict("you do not have this contact (any more)")
	}
	if !ticketNumber.MatchString(in.Number) {
		return nil, u.ticketProblem(ErrNotFound)
	}
	if err := u.config.Tickets.LinkContact(ctx, contact.TicketNumber(in.Number), id, agent, u.instant()); err != nil {
		return nil, u.ticketProblem(err)
	}
	u.earlier.changed()
	return nil, nil
}

// checkTime bounds the look whether a ticket is there before a contact is finished with it.
const checkTime = time.Second

// exists reports whether there is such a ticket, as far as the database can say now: an end
// of a contact does not wait for one that is away.
func (u *UI) exists(ctx context.Context, number contact.TicketNumber) bool {
	if !ticketNumber.MatchString(string(number)) {
		return false
	}
	bounded, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	_, err := u.config.Tickets.Ticket(bounded, number)
	return !errors.Is(err, ErrNotFound)
}
