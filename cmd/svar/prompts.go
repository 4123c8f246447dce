package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"svar/channels/media"
	"svar/configs"
	"svar/ivr/spoken"
)

const (
	// maxSpoken bounds the texts besides the catalogue whose sound is held in memory: the
	// outage messages that stand, and what those who wait are told, in each language.
	maxSpoken = 128
	// speakTime bounds the synthesis of one text, which usually takes some ten milliseconds.
	speakTime = 5 * time.Second
)

// promptCatalogue holds the sound of every prompt in memory, and of the texts said last.
type promptCatalogue struct {
	clips   atomic.Pointer[clips]
	speaker media.Speaker

	mutex  sync.Mutex
	spoken map[spokenKey]*spokenText
	order  []spokenKey // the oldest first
}

type spokenKey struct{ language, text string }

// spokenText is the sound of a text, once done is closed.
type spokenText struct {
	done chan struct{}
	clip *media.Clip
	err  error
}

type promptKey struct{ name, language string }

type clips map[promptKey]*media.Clip

// Clip returns a prompt's sound by name and language.
func (c *promptCatalogue) Clip(name, language string) (*media.Clip, error) {
	if name == configs.QueueMusic || name == configs.Ringing {
		language = ""
	}
	clip, known := (*c.clips.Load())[promptKey{name, language}]
	if !known {
		return nil, fmt.Errorf("there is no prompt %q in the language %q", name, language)
	}
	return clip, nil
}

// Speak returns the sound of a text that is not in the catalogue. Who asks for one that is
// being made waits for it: a message that begins while hundreds call is made once.
func (c *promptCatalogue) Speak(ctx context.Context, language, text string) (*media.Clip, error) {
	key := spokenKey{language, text}
	c.mutex.Lock()
	said, known := c.spoken[key]
	if !known {
		said = &spokenText{done: make(chan struct{})}
		c.keep(key, said)
	}
	c.mutex.Unlock()
	if !known {
		c.make(ctx, key, said)
	}
	select {
	case <-said.done:
		return said.clip, said.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// keep remembers a text, in place of the oldest one when there are too many. The mutex is held.
func (c *promptCatalogue) keep(key spokenKey, said *spokenText) {
	if len(c.order) >= maxSpoken {
		delete(c.spoken, c.order[0])
		c.order = c.order[1:]
	}
	c.spoken[key] = said
	c.order = append(c.order, key)
}

// make speaks a text. It goes on when the first one who asked hangs up, for the others who
// wait. A text that could not be spoken is tried again by the next one who asks.
func (c *promptCatalogue) make(ctx context.Context, key spokenKey, said *spokenText) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), speakTime)
	defer cancel()
	said.clip, said.err = c.speaker.Speak(ctx, key.language, spoken.Text(key.language, key.text))
	if said.err != nil {
		said.err = fmt.Errorf("speak a text (%s): %w", key.language, said.err)
		c.mutex.Lock()
		if c.spoken[key] == said {
			delete(c.spoken, key)
			c.order = slices.DeleteFunc(c.order, func(other spokenKey) bool { return other == key })
		}
		c.mutex.Unlock()
	}
	close(said.done)
}

// makePrompts speaks all texts of the configuration, from the cache where it has them,
// and makes the queue's music.
func (a *App) makePrompts(ctx context.Context) error {
	speech, err := media.NewSpeechCache(filepath.Join(a.options.Data, "prompts"), &media.Espeak{})
	if err != nil {
		return err
	}
	catalogue := &promptCatalogue{
		speaker: speech, spoken: make(map[spokenKey]*spokenText),
	}
	made, err := catalogue.prepare(ctx, a.options.Config.Prompts)
	if err != nil {
		return err
	}
	catalogue.clips.Store(&made)
	a.prompts = catalogue
	return nil
}

// prepare makes the sound of all prompts.
func (c *promptCatalogue) prepare(ctx context.Context, prompts []configs.Prompt) (clips, error) {
	made := clips{{name: configs.QueueMusic}: media.Music(), {name: configs.Ringing}: media.Ringback()}
	for _, prompt := range prompts {
		for language, text := range prompt.Text {
			clip, err := c.speaker.Speak(ctx, language, spoken.Text(language, text))
			if err != nil {
				return nil, fmt.Errorf("make the prompt %s (%s): %w", prompt.Name, language, err)
			}
			made[promptKey{prompt.Name, language}] = clip
		}
	}
	return made, nil
}
