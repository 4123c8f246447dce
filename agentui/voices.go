package agentui

import (
	"slices"
	"sync"

	"svar/contact"
	"svar/queue/bus"
)

// maxVoices is for how many offers a window can have its voice set up at once; the oldest is
// forgotten.
const maxVoices = 8

// voices are where a window's messages of the set-up of voice go: to the node that spoke
// first. The change that tells the board of an offer may come later than that.
type voices struct {
	mutex sync.Mutex
	// begun are the first messages without their payload, the newest last.
	begun []bus.Signal
}

// heard takes in that a node sets up the voice of an offer.
func (v *voices) heard(m bus.Signal) {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	v.begun = slices.DeleteFunc(v.begun, func(old bus.Signal) bool { return old.Offer == m.Offer && (m.Offer != 0 || old.Contact == m.Contact) })
	if len(v.begun) == maxVoices {
		v.begun = slices.Delete(v.begun, 0, 1)
	}
	v.begun = append(v.begun, bus.Signal{Node: m.Node, Contact: m.Contact, Offer: m.Offer})
}

// of returns where the voice of an offer is set up; that of a supervisor has offer 0 and is known by its contact.
func (v *voices) of(offer contact.OfferID, id contact.ID) (bus.Signal, bool) {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	for _, begun := range v.begun {
		if begun.Offer == offer && (offer != 0 || begun.Contact == id) {
			return begun, true
		}
	}
	return bus.Signal{}, false
}

// voiceOf returns where the voice of an offer is set up that the agent is asked for or has a
// call by: a socket that was opened again heard nothing of it.
func (b *Board) voiceOf(agent contact.AgentID, offer contact.OfferID) (bus.Signal, bool) {
	_, mine := b.of(agent)
	for _, view := range mine {
		if view.Contact.Channel == contact.Voice && view.Node != "" && offerOf(view) == offer {
			return bus.Signal{Node: view.Node, Contact: view.Contact.ID, Offer: offer}, true
		}
	}
	return bus.Signal{}, false
}

// passSignal passes a message of the set-up of voice on: to the echo of this window, or to
// the node with the caller. That node alone says who may have a voice in a call: a window answers what it was sent.
func (c *console) passSignal(r Request) error {
	if r.ID <= 0 || len(r.Payload) == 0 || len(r.Leg) > maxUUID {
		return errInvalid
	}
	if r.Offer == 0 && r.Contact == "" {
		return c.echo.signal(r.Payload)
	}
	voice, begun := c.voices.of(r.Offer, r.Contact)
	switch {
	case begun:
	case r.Offer == 0:
		voice = bus.Signal{Contact: r.Contact}
		voice.Node, begun = c.ui.board.supervised(c.agent, r.Contact)
	default:
		voice, begun = c.ui.board.voiceOf(c.agent, r.Offer)
	}
	if !begun {
		return errOfferGone
	}
	return c.ui.config.Signals.SignalNode(voice.Node, bus.Signal{
		Agent: c.agent, Contact: voice.Contact, Offer: r.Offer, Console: c.id, Leg: r.Leg, Payload: r.Payload,
	})
}
