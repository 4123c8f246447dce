package agentui

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/rs/zerolog"

	"svar/contact"
	"svar/identity"
	"svar/queue/bus"
	"svar/report"
)

// callers tells whose contacts are, as far as a viewer may see. What is read of an open
// contact is kept in memory, and forgotten with the contact: it does not change while the
// contact is open.
type callers struct {
	personal Personal
	people   People
	// catalogue says on which lines callers are looked up.
	catalogue *atomic.Pointer[Catalogue]
	log       zerolog.Logger

	mutex sync.Mutex
	kept  map[contact.ID]contact.Personal
}

// party is whom a viewer sees behind a contact.
type party struct {
	Caller
	// subject and address are for cards and for finding his tickets; empty when masked.
	subject, address string
	// masked says that he is protected and this viewer may not see him.
	masked bool
}

// of returns who is behind a contact. The second value is false when he could not be read
// now; he is unknown then.
func (c *callers) of(ctx context.Context, of contact.Contact, viewer identity.Viewer) (party, bool) {
	who, err := c.read(ctx, of.ID)
	if err != nil {
		c.log.Warn().Err(err).Str("contact", string(of.ID)).Msg("the caller of a contact could not be read")
	}
	return c.present(of, who, viewer), err == nil
}

// present puts who is behind a contact into the console's words.
func (c *callers) present(of contact.Contact, who contact.Personal, viewer identity.Viewer) party {
	directory := c.people.Directory()
	if of.Channel.Written() {
		return presentWriter(of, who, directory, viewer)
	}
	if hides(directory, viewer, of.Person) {
		return maskedCaller
	}
	var matches []identity.Person
	if c.catalogue.Load().LookUps[of.Line] && who.Number != "" {
		matches = directory.ByNumber(who.Number)
	}
	return presentCaller(who, matches, viewer)
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

// maskedCaller is all that is shown of a protected person to those outside the group that
// may open him (requirement D1).
var maskedCaller = party{Caller: Caller{Kind: string(identity.CallerProtected), Verification: string(identity.NotVerified)}, masked: true}

// presentCaller is for those who ring.
func presentCaller(who contact.Personal, matches []identity.Person, viewer identity.Viewer) party {
	card := identity.PresentCaller(identity.CallerID{Number: who.Number, Withheld: who.Withheld}, matches, viewer)
	shown := party{Caller: Caller{Kind: string(card.Kind), Number: string(card.Number), Verification: string(card.Verification)}}
	switch card.Kind {
	case identity.CallerProtected:
		return maskedCaller
	case identity.CallerKnown:
		shown.show(card.People[0])
	case identity.CallerShared, identity.CallerNumber:
		shown.Kind = string(identity.CallerUnknown)
	case identity.CallerUnknown, identity.CallerWithheld:
	}
	return shown
}

// claimed is the kind of somebody who writes: what name or address he gave, if any, proves
// nothing.
const claimed = "claimed"

// presentWriter is for those who write. The person is one who signed in or whose ticket it
// is; without one there is only what the sender says of himself.
func presentWriter(of contact.Contact, who contact.Personal, directory *identity.Directory, viewer identity.Viewer) party {
	if hides(directory, viewer, of.Person) {
		return maskedCaller
	}
	shown := party{subject: who.Subject, address: who.Address}
	shown.Caller = Caller{Kind: claimed, Person: of.Person, Name: who.Name, Address: who.Address, Verification: string(identity.NotVerified)}
	if person, known := directory.ByID(of.Person); known {
		shown.Kind = string(identity.CallerKnown)
		shown.show(person.View(viewer))
		if of.Channel == contact.Form {
			shown.Verification = string(identity.SignedIn)
		}
	}
	return shown
}

// show adds what the viewer may see of a person. A protected one is marked for those who may
// open him too: they have to know what they look at.
func (p *party) show(person identity.PersonView) {
	p.Person, p.Name, p.Role, p.Title, p.School = person.ID, person.Name, string(person.Role), person.Title, person.School
	if person.Protected {
		p.Kind = string(identity.CallerProtected)
	}
}

// hides reports whether one of the people has to be hidden from the viewer. Somebody who is
// gone from the directory may have been protected in it: he stays hidden.
func hides(directory *identity.Directory, viewer identity.Viewer, people ...contact.PersonID) bool {
	if viewer.SeesProtected {
		return false
	}
	for _, id := range people {
		if id == "" {
			continue
		}
		if person, known := directory.ByID(id); !known || person.Protected {
			return true
		}
	}
	return false
}

// remembered is for a contact that the viewer had. Nothing is shown of it that the directory
// does not know, and on a line whose callers are not looked up it shows nobody.
func (c *callers) remembered(had report.AgentContact, viewer identity.Viewer) Caller {
	nobody := party{Caller: Caller{Kind: string(identity.CallerUnknown), Verification: string(identity.NotVerified)}}
	directory := c.people.Directory()
	if hides(directory, viewer, had.Person) {
		return maskedCaller.Caller
	}
	person, known := directory.ByID(had.Person)
	if !known || had.Channel == contact.Voice && !c.catalogue.Load().LookUps[had.Line] {
		return nobody.Caller
	}
	nobody.Kind = string(identity.CallerKnown)
	nobody.show(person.View(viewer))
	return nobody.Caller
}
