package chat

import (
	"time"

	"svar/contact"
)

// A visitor who writes again after his chat is over begins a new contact that follows the old one, so
// that whoever knows his matter can be asked first. The token of the old chat proves that it is he. Which
// ones are over is known to this process only: after a restart he is anybody.

const (
	// followWithin is how long after a chat another one can follow it. Whether anybody is asked first
	// is for the queue's rules to say.
	followWithin = 24 * time.Hour
	// maxEnded bounds the chats that are over and known.
	maxEnded = 10_000
)

// endedChats are chats that are over, by their tokens. The zero value has none.
type endedChats struct {
	contacts map[tokenHash]contact.ID
	oldest   []endedChat // in the order in which they ended
}

type endedChat struct {
	token tokenHash
	at    time.Time
}

// note remembers a chat that ended now, and forgets those of too long ago.
func (e *endedChats) note(token tokenHash, id contact.ID, now time.Time) {
	if e.contacts == nil {
		e.contacts = map[tokenHash]contact.ID{}
	}
	e.forget(now)
	if len(e.oldest) == maxEnded {
		e.drop()
	}
	e.contacts[token] = id
	e.oldest = append(e.oldest, endedChat{token, now})
}

// find returns the contact of a chat that is over; empty when there is none.
func (e *endedChats) find(token tokenHash, now time.Time) contact.ID {
	e.forget(now)
	return e.contacts[token]
}

func (e *endedChats) forget(now time.Time) {
	for len(e.oldest) > 0 && now.Sub(e.oldest[0].at) > followWithin {
		e.drop()
	}
}

func (e *endedChats) drop() {
	delete(e.contacts, e.oldest[0].token)
	e.oldest = e.oldest[1:]
}

// followed returns the contact of the first of the tokens whose chat is over; empty when there is none.
// Who guesses a token is not believed to be anybody, and hears nothing of it.
func (g *Gateway) followed(tokens ...string) contact.ID {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	for _, text := range tokens {
		token, valid := hashToken(text)
		if !valid {
			continue
		}
		if l := g.legs[token]; l != nil && l.isReadable() && l.stand() == stateEnded {
			return l.contact // its last line may not be kept yet
		}
		if id := g.ended.find(token, g.config.Now()); id != "" {
			return id
		}
	}
	return ""
}
