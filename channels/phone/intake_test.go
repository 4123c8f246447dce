package phone

import (
	"context"
	"errors"
	"sync"
	"time"

	"svar/channels"
	"svar/channels/media"
	"svar/channels/media/mediatest"
	"svar/contact"
)

// switchboard plays the intake: it collects what arrives.
type switchboard struct {
	arrivals chan arrival
	refusals chan refusal
	// fail is what Arrive returns.
	fail error
	// recording, when it is set, is closed once calls can be put on record.
	recording chan struct{}
	// answer says that every call is answered at once.
	answer bool
}

type arrival struct {
	contact  contact.Contact
	personal contact.Personal
	leg      channels.Leg
}

type refusal struct {
	contact contact.Contact
	code    int
}

func (s *switchboard) Arrive(ctx context.Context, c contact.Contact, p contact.Personal, l channels.Leg) error {
	if s.fail != nil {
		return s.fail
	}
	select {
	case s.arrivals <- arrival{c, p, l}:
	default: // a test that reads none
	}
	if s.recording != nil {
		<-s.recording
	}
	if s.answer {
		return l.Answer(ctx)
	}
	return nil
}

func (s *switchboard) Refuse(_ context.Context, c contact.Contact, code int) {
	select {
	case s.refusals <- refusal{c, code}:
	default:
	}
}

// catalogue is a prompt catalogue of tones.
type catalogue map[string]*media.Clip

func (c catalogue) Clip(name, _ string) (*media.Clip, error) {
	if clip, found := c[name]; found {
		return clip, nil
	}
	return nil, errors.New("no such prompt")
}

// Speak says a text as the tone of its name.
func (c catalogue) Speak(_ context.Context, _, text string) (*media.Clip, error) {
	return c.Clip(text, "")
}

var tones = sync.OnceValue(func() catalogue {
	return catalogue{
		"welcome": mediatest.Tone(440, 2*time.Second), "music": mediatest.Tone(620, time.Second),
		"long": mediatest.Tone(500, 12*time.Second),
	}
})
