package switchboard

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"svar/contact"
	"svar/identity"
	"svar/ivr"
)

// Line is an entrance of this node.
type Line struct {
	ID contact.LineID
	// Channel is the one that its contacts come by; voice when empty.
	Channel  contact.Channel
	Audience contact.Audience
	// Language is that of the line's prompts, as an IETF tag.
	Language string
	// Languages are others that a contact may be held in when its user chose one.
	Languages []string
	// LookUp says that callers are looked up by their number. Never on the pupils' line
	// (requirement D3).
	LookUp bool
	// RingFirst is for how long at most a call rings before it is answered, while an agent is free and no
	// outage message is due; 0 means that it is answered at once.
	RingFirst time.Duration
	// Recording is how calls are recorded; nil where they are not. Never on a pupils' line.
	Recording *Recording
	// Hours are its own; nil means the switchboard's ([Config.Hours]).
	Hours *contact.Hours
	// Flow has passed its Check.
	Flow ivr.Flow
	// Parties are the organisations whose priority line this is (requirement 3.1g), and
	// PartyFlow is walked by their callers. Everybody else walks Flow.
	Parties   []Party
	PartyFlow ivr.Flow
}

// Party is an organisation that may use a priority line.
type Party struct {
	ID       contact.PartyID
	Audience contact.Audience
	// Numbers are those that it calls from. One with a + also stands for all numbers that
	// begin with it.
	Numbers []identity.Number
}

// shortestPrefix keeps a number from standing for half a country.
const shortestPrefix = len("+46850")

func (l Line) check() error {
	faults := []error{l.Flow.Check()}
	if len(l.Parties) > 0 {
		if err := l.PartyFlow.Check(); err != nil {
			faults = append(faults, fmt.Errorf("the flow of its parties: %w", err))
		}
	}
	if r := l.Recording; r != nil {
		switch {
		case l.Audience == contact.AudiencePupil:
			faults = append(faults, errors.New("calls of a pupils' line are never recorded"))
		case r.Announcement == "" || !strings.ContainsRune("0123456789*#", rune(r.DeclineKey)) || r.Retention <= 0:
			faults = append(faults, errors.New("calls are recorded with an announcement, a key to decline and an end of their keeping only"))
		case l.RingFirst > 0:
			faults = append(faults, errors.New("calls that ring first are not recorded: nobody could hear the announcement before he is connected"))
		}
	}
	if l.RingFirst < 0 || l.RingFirst > maxRingFirst {
		faults = append(faults, fmt.Errorf("calls ring for %s before they are answered; it must be at most %s", l.RingFirst, maxRingFirst))
	}
	for _, party := range l.Parties {
		for _, number := range party.Numbers {
			if number == "" || strings.HasPrefix(string(number), "+") && len(number) < shortestPrefix {
				faults = append(faults, fmt.Errorf("the party %s has the number %q, which is too short", party.ID, number))
			}
		}
	}
	return errors.Join(faults...)
}

func (l Line) channel() contact.Channel {
	if l.Channel == "" {
		return contact.Voice
	}
	return l.Channel
}

// open reports whether the line is at t, by its own hours or else by the desk's.
func (l Line) open(t time.Time, desk contact.Hours) bool {
	if l.Hours != nil {
		return l.Hours.Open(t)
	}
	return desk.Open(t)
}

// language is the one that a contact is held in whose user chose this one, or none.
func (l Line) language(chosen string) string {
	if slices.Contains(l.Languages, chosen) {
		return chosen
	}
	return l.Language
}

// party returns the one that the caller belongs to. Who withholds the number belongs to none,
// nor does one whose number no trunk vouches for: priority is not to be had by a made-up From.
func (l Line) party(caller contact.Personal) (Party, bool) {
	if caller.Number == "" || caller.Withheld || !caller.Vouched {
		return Party{}, false
	}
	at := slices.IndexFunc(l.Parties, func(p Party) bool { return slices.ContainsFunc(p.Numbers, stands(caller.Number)) })
	if at < 0 {
		return Party{}, false
	}
	return l.Parties[at], true
}

func stands(caller identity.Number) func(identity.Number) bool {
	return func(number identity.Number) bool {
		whole := caller == number
		prefix := strings.HasPrefix(string(number), "+") && strings.HasPrefix(string(caller), string(number))
		return whole || prefix
	}
}

// flow is the one that the contact walks.
func (l Line) flow(c contact.Contact) ivr.Flow {
	if c.Party != "" && len(l.PartyFlow.Steps) > 0 {
		return l.PartyFlow
	}
	return l.Flow
}
