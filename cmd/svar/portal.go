package main

import (
	"context"
	"errors"
	"fmt"

	"svar/agentui/web"
	"svar/channels/portal"
	"svar/configs"
	"svar/contact"
	"svar/identity"
	"svar/store"
	"svar/ticket"
)

// audienceOf is the audience that a person of the directory speaks for.
var audienceOf = map[identity.PersonRole]contact.Audience{
	identity.RoleStaff: contact.AudienceStaff, identity.RolePupil: contact.AudiencePupil,
	identity.RoleGuardian: contact.AudienceGuardian, identity.RoleSupplier: contact.AudienceSupplier,
}

// portalUsers are those who may sign in to the portal: the invented ones of a demonstration.
// Real users come by the City's own sign-in.
type portalUsers struct {
	directory *directory
	// hash is that of the demo users' password; empty when there is no demo.
	hash string
}

// SignIn implements [portal.Users].
func (u portalUsers) SignIn(_ context.Context, name, password, _ string) (portal.User, error) {
	account, person := identity.Account{}, identity.PersonID("") // nobody: the answer takes as long
	for _, user := range identity.DemoUsers() {
		if u.hash != "" && user.Name == name {
			account, person = identity.Account{Name: name, PasswordHash: u.hash, Active: true}, user.Person
		}
	}
	right := identity.CheckPassword(account, password)
	if found, known := u.User(person); right && known {
		return found, nil
	}
	return portal.User{}, portal.ErrWrongPassword
}

// User implements [portal.Users].
func (u portalUsers) User(id identity.PersonID) (portal.User, bool) {
	person, known := u.directory.Directory().ByID(id)
	return portal.User{Person: person.ID, Name: person.Name, Audience: audienceOf[person.Role]}, known
}

// portalDesk takes what users report at the portal.
type portalDesk struct{ texts }

// Report implements [portal.Desk]. A form's id is its sender's choice, so it names a contact of
// his alone.
func (d portalDesk) Report(ctx context.Context, r portal.Report) (contact.TicketNumber, error) {
	return d.open(ctx, contactOf("portal "+string(r.User.Person)+" "+r.ID), ticket.Draft{
		Ticket: ticket.Ticket{
			Kind: r.Kind, Subject: r.Subject, Service: r.Service, Category: r.Category, Channel: contact.Form,
			Line: d.config().Portal.Form.ID, Audience: r.User.Audience, Language: r.Language,
			Person: r.User.Person, Reporter: ticket.Reporter{Person: r.User.Person, Name: r.User.Name},
		},
		First: ticket.Entry{Kind: ticket.FromUser, Text: r.Text},
	})
}

// open registers a ticket with the contact that brings it to the queue.
func (d portalDesk) open(ctx context.Context, id contact.ID, draft ticket.Draft) (contact.TicketNumber, error) {
	text := d.form(id, draft.Ticket)
	return d.store.OpenTicket(ctx, draft, &text, text.Contact.Arrived)
}

// form is the contact that a form makes about a ticket.
func (d portalDesk) form(id contact.ID, t ticket.Ticket) store.TextContact {
	return store.TextContact{
		Contact: contact.Contact{
			ID: id, Channel: contact.Form, Line: d.config().Portal.Form.ID, Audience: t.Audience, Person: t.Person, Service: t.Service,
			Language: t.Language, Arrived: contact.InstantOf(d.now()),
		},
		Personal: contact.Personal{Name: t.Reporter.Name, Subject: t.Subject},
		Enqueue:  d.enqueue(t.Audience, t.Service, t.Category, t.Language),
	}
}

// ownTickets bounds how many of a user's tickets are shown, the newest changes first.
const ownTickets = 100

// TicketsOf implements [portal.Desk].
func (d portalDesk) TicketsOf(ctx context.Context, person identity.PersonID) ([]ticket.Ticket, error) {
	return d.store.Tickets(ctx, ticket.Filter{Person: person, Limit: ownTickets})
}

// TicketOf implements [portal.Desk].
func (d portalDesk) TicketOf(ctx context.Context, person identity.PersonID, number contact.TicketNumber) (ticket.Ticket, error) {
	found, err := d.store.Ticket(ctx, number)
	if errors.Is(err, store.ErrNotFound) || err == nil && !concerns(found, person) {
		return ticket.Ticket{}, portal.ErrNotFound
	}
	return found, err
}

// concerns reports whether the ticket is the person's own, or was reported by him.
func concerns(t ticket.Ticket, person identity.PersonID) bool {
	return person != "" && (t.Person == person || t.Reporter.Person == person)
}

// WriteBack implements [portal.Desk]. What is written brings the ticket to the queue again.
func (d portalDesk) WriteBack(ctx context.Context, user portal.User, number contact.TicketNumber, id, text, language string) error {
	found, err := d.TicketOf(ctx, user.Person, number)
	if err != nil {
		return err
	}
	found.Language = language
	reached := d.form(contactOf("portal "+string(user.Person)+" "+string(number)+" "+id), found)
	reached.Contact.Ticket, reached.Contact.Person, reached.Personal.Name = number, user.Person, user.Name
	_, err = d.store.AddEntry(ctx, number, ticket.Entry{Kind: ticket.FromUser, Text: text}, &reached, reached.Contact.Arrived)
	if err != nil {
		return fmt.Errorf("write to ticket %s: %w", number, err)
	}
	return nil
}

func portalConfig(a *App, key []byte) portal.Config {
	config := a.config()
	return portal.Config{
		Catalogue: portalCatalogue(config), Notices: a.notices, Users: portalUsers{directory: a.directory, hash: a.demoHash},
		Desk: portalDesk{a.texts()}, SessionKey: key, Tokens: web.Tokens, FormLine: config.Portal.Form.ID, BaseURL: config.Portal.BaseURL,
		Now: a.texts().now, Log: a.options.Log,
	}
}

// portalCatalogue is what the portal shows of the configuration.
func portalCatalogue(config configs.Config) portal.Catalogue {
	out := portal.Catalogue{Hours: config.Hours.Opening(), Services: portalServices(config)}
	for _, line := range config.Lines {
		if len(line.Parties) > 0 {
			continue // a priority line is not for everybody
		}
		// The configuration was checked: every number can be read.
		number, _ := identity.ParseNumber(line.Number, identity.HomeRegion)
		out.Lines = append(out.Lines, portal.Line{Name: line.Name, Number: number, Audience: line.Audience})
	}
	for _, topic := range config.Chat.Topics {
		out.ChatTopics = append(out.ChatTopics, portal.Topic{Line: topic.ID, Name: topic.Name})
	}
	for _, box := range config.Mail.Mailboxes {
		out.MailAddresses = append(out.MailAddresses, box.Address)
	}
	return out
}

func portalServices(config configs.Config) []portal.Service {
	var out []portal.Service
	for _, service := range config.Services {
		shown := portal.Service{ID: service.ID, Name: service.Name}
		for _, category := range service.Categories {
			shown.Categories = append(shown.Categories, portal.Category{ID: category.ID, Name: category.Name})
		}
		out = append(out, shown)
	}
	return out
}
