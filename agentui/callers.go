package agentui

import (
	"context"
	"sync"

	"github.com/rs/zerolog"

	"svar/contact"
	"svar/identity"
	"svar/queue/bus"
)

// callers tells who is calling, as far as those who answer may see it. What is read of an
// open contact is kept in memory, and forgotten with the contact: it does not change while
// the contact is open.
type callers struct {
	personal Personal
	people   People
	lookUps  map[contact.LineID]bool
	log      zerolog.Logger

	mutex sync.Mutex
	kept  map[contact.ID]contact.Personal
}

// of returns the caller of a contact. The second value is false when he could not be read
// now; the caller is unknown then.
func (c *callers) of(ctx context.Context, of contact.Contact) (Caller, bool) {
	who, err := c.read(ctx, of.ID)
	if err != nil {
		c.log.Warn().Err(err).Str("contact", string(of.ID)).Msg("the caller of a contact could not be read")
	}
	var matches []identity.Person
	if c.lookUps[of.Line] && who.Number != "" {
		matches = c.people.Directory().ByNumber(who.Number)
	}
	return present(who, matches), err == nil
}

func (c *callers) read(ctx context.Context, id contact.ID) (contact.Personal, error) {
	c.mutex.Lock()
	who, kept := c.kept[id]
	c.mutex.Unlock()
	if kept {
		return who, nil
	}
	who, err := c.personal.Personal(ctx, id)
	if err != nil {
		return contact.Personal{}, err
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.kept[id] = who
	return who, nil
}

// forgetAllBut forgets the callers of contacts that are no longer open.
func (c *callers) forgetAllBut(open map[contact.ID]bus.ContactView) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	for id := range c.kept {
		if _, still := open[id]; !still {
			delete(c.kept, id)
		}
	}
}

// present puts a caller into the console's words. Nobody who answers is in the group that
// may open protected people, so all see the same (requirement D1).
func present(who contact.Personal, matches []identity.Person) Caller {
	card := identity.PresentCaller(identity.CallerID{Number: who.Number, Withheld: who.Withheld}, matches, identity.Viewer{})
	shown := Caller{Kind: string(card.Kind), Number: string(card.Number), Verification: string(card.Verification)}
	switch card.Kind {
	case identity.CallerKnown:
		person := card.People[0]
		shown.Name, shown.Role, shown.Title, shown.School = person.Name, string(person.Role), person.Title, person.School
	case identity.CallerShared, identity.CallerNumber:
		shown.Kind = string(identity.CallerUnknown)
	case identity.CallerUnknown, identity.CallerWithheld, identity.CallerProtected:
	}
	return shown
}
