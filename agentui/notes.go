package agentui

import (
	"context"
	"sync"

	"svar/contact"
	"svar/queue/bus"
)

// notes are what agents noted of the contacts that they have. They are read once for as long
// as an agent has a contact: every state shows them, and there are ten a second.
type notes struct {
	stored Personal

	mutex sync.Mutex
	kept  map[contact.ID]keptNote
	// written counts what was written here: whatever was being read then may be old.
	written uint64
}

// keptNote is the note of a contact as it was when the agent had got it by the offer, or as
// it was written here since. Before, an agent of another node may have had it.
type keptNote struct {
	offer contact.OfferID
	text  string
}

func newNotes(stored Personal) *notes {
	return &notes{stored: stored, kept: map[contact.ID]keptNote{}}
}

// of returns the note of a contact that an agent has.
func (n *notes) of(ctx context.Context, view bus.ContactView) (string, error) {
	id, offer := view.Contact.ID, offerOf(view)
	n.mutex.Lock()
	kept, is := n.kept[id]
	written := n.written
	n.mutex.Unlock()
	if is && kept.offer == offer {
		return kept.text, nil
	}
	text, err := n.stored.Note(ctx, id)
	if err != nil {
		return "", err
	}
	n.mutex.Lock()
	defer n.mutex.Unlock()
	if n.written == written {
		n.kept[id] = keptNote{offer: offer, text: text}
	}
	return text, nil
}

// put keeps the note of a contact as it stands.
func (n *notes) put(ctx context.Context, id contact.ID, text string) error {
	err := n.stored.PutNote(ctx, id, text)
	n.mutex.Lock()
	defer n.mutex.Unlock()
	n.written++
	delete(n.kept, id) // after an error nobody knows which one is stored
	return err
}

// forgetAllBut forgets the notes of contacts that are no longer open.
func (n *notes) forgetAllBut(open map[contact.ID]bus.ContactView) {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	for id := range n.kept {
		if _, still := open[id]; !still {
			delete(n.kept, id)
		}
	}
}
