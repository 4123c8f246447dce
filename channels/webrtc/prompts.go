package webrtc

import (
	"context"
	"errors"
	"fmt"
	"time"

	"svar/channels"
	"svar/channels/media"
)

// speakTime bounds the wait for the sound of a text.
const speakTime = 5 * time.Second

// Prompts is the prompt catalogue. Its methods may be called concurrently.
type Prompts interface {
	// Clip returns the sound of a prompt by its name and an IETF language tag, or an error
	// when there is none.
	Clip(name, language string) (*media.Clip, error)
	// Speak returns the sound of a text that the catalogue does not have.
	Speak(ctx context.Context, language, text string) (*media.Clip, error)
}

// Play says the prompt to its end. It waits until the leg is connected.
func (l *leg) Play(ctx context.Context, p channels.Prompt) error {
	clip, err := l.clip(ctx, p)
	if err != nil {
		return err
	}
	return legOver(l.stream.Play(ctx, clip))
}

// Loop repeats the prompt until something else is played, the leg is bridged or over.
func (l *leg) Loop(p channels.Prompt) error {
	clip, err := l.clip(context.Background(), p) // bounded by speakTime
	if err != nil {
		return err
	}
	return legOver(l.stream.Loop(clip))
}

func (l *leg) clip(ctx context.Context, p channels.Prompt) (*media.Clip, error) {
	if l.gateway.config.Prompts == nil {
		return nil, fmt.Errorf("prompt %q: browsers have no prompt catalogue", p.Name)
	}
	if p.Text != "" {
		ctx, cancel := context.WithTimeout(ctx, speakTime)
		defer cancel()
		clip, err := l.gateway.config.Prompts.Speak(ctx, p.Language, p.Text)
		if err != nil {
			return nil, fmt.Errorf("say the text of prompt %q (%s): %w", p.Name, p.Language, err)
		}
		return clip, nil
	}
	clip, err := l.gateway.config.Prompts.Clip(p.Name, p.Language)
	if err != nil {
		return nil, fmt.Errorf("prompt %q (%s): %w", p.Name, p.Language, err)
	}
	return clip, nil
}

// legOver puts a stream's end into the words of the contract.
func legOver(err error) error {
	if errors.Is(err, media.ErrClosed) {
		return channels.ErrLegOver
	}
	return err
}
