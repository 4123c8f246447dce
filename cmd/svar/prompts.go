package main

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

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

// speech is what prompts are spoken by; [media.SpeechCache] is one.
type speech interface {
	media.Speaker
	// Check says what is wrong with a text without speaking it.
	Check(ctx context.Context, language, text string) error
}

// promptCatalogue holds the sound of the prompts: the recording of one that has been recorded, and otherwise its
// text, spoken when it is needed first or in the background before that, so that no start waits for it.
type promptCatalogue struct {
	speaker  media.Speaker
	recorded *recordedPrompts
	// texts are those of the configuration, music the loops that are made.
	texts atomic.Pointer[promptTexts]
	music map[string]func() *media.Clip
	// changed has a value while there may be texts to be spoken in the background.
	changed chan struct{}

	mutex sync.Mutex
	// prompts are the sound of the texts of the configuration, spoken that of others said last.
	prompts map[spokenKey]*spokenText
	spoken  map[spokenKey]*spokenText
	order   []spokenKey // of spoken, the oldest first
}

type spokenKey struct{ language, text string }

// spokenText is the sound of a text, once done is closed.
type spokenText struct {
	done chan struct{}
	clip *media.Clip
	err  error
}

type promptKey struct{ name, language string }

// promptTexts are what the prompts say, and in which order the configuration has them.
type promptTexts struct {
	by    map[promptKey]string
	order []promptKey
}

func newPromptCatalogue(speaker media.Speaker, recorded *recordedPrompts) *promptCatalogue {
	c := &promptCatalogue{
		speaker: speaker, recorded: recorded, changed: make(chan struct{}, 1), prompts: map[spokenKey]*spokenText{}, spoken: map[spokenKey]*spokenText{},
		music: map[string]func() *media.Clip{configs.QueueMusic: sync.OnceValue(media.Music), configs.Ringing: sync.OnceValue(media.Ringback)},
	}
	c.texts.Store(&promptTexts{})
	return c
}

// Clip returns a prompt's sound by name and language. One that was not spoken yet is spoken now, which takes a
// moment once.
func (c *promptCatalogue) Clip(name, language string) (*media.Clip, error) {
	if clip := c.recorded.clip(name, language); clip != nil {
		return clip, nil
	}
	if music := c.music[name]; music != nil {
		return music(), nil
	}
	text, known := c.texts.Load().by[promptKey{name, language}]
	if !known {
		return nil, fmt.Errorf("there is no prompt %q in the language %q", name, language)
	}
	return c.say(context.Background(), spokenKey{language, text}, true)
}

// knows reports whether there is a prompt of that name in the language, to be recorded.
func (c *promptCatalogue) knows(name, language string) bool {
	_, known := c.texts.Load().by[promptKey{name, language}]
	return known || name == configs.QueueMusic
}

// Speak returns the sound of a text that is not in the catalogue. Who asks for one that is
// being made waits for it: a message that begins while hundreds call is made once.
func (c *promptCatalogue) Speak(ctx context.Context, language, text string) (*media.Clip, error) {
	return c.say(ctx, spokenKey{language, text}, false)
}

// say returns the sound of a text. That of a prompt is kept for as long as the configuration has it.
func (c *promptCatalogue) say(ctx context.Context, key spokenKey, prompt bool) (*media.Clip, error) {
	c.mutex.Lock()
	said, known := c.prompts[key]
	if !known {
		said, known = c.spoken[key]
	}
	if !known {
		said = &spokenText{done: make(chan struct{})}
		if prompt {
			c.prompts[key] = said
		} else {
			c.keep(key, said)
		}
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
		if c.prompts[key] == said {
			delete(c.prompts, key)
		}
		if c.spoken[key] == said {
			delete(c.spoken, key)
			c.order = slices.DeleteFunc(c.order, func(other spokenKey) bool { return other == key })
		}
		c.mutex.Unlock()
	}
	close(said.done)
}

// makePrompts makes the catalogue. A start does not wait until it is spoken: a first one has some thirty texts.
func (a *App) makePrompts(ctx context.Context) error {
	speech, err := media.NewSpeechCache(filepath.Join(a.options.Data, "prompts"), &media.Espeak{})
	if err != nil {
		return err
	}
	recorded, err := openRecordedPrompts(filepath.Join(a.options.Data, "recorded-prompts"), a.options.Log)
	if err != nil {
		return err
	}
	texts, err := readPrompts(ctx, speech, a.options.Config.Prompts)
	if err != nil {
		return err
	}
	var speaker media.Speaker = speech
	if a.options.speaker != nil {
		speaker = a.options.speaker(speaker)
	}
	a.speech, a.prompts = speech, newPromptCatalogue(speaker, recorded)
	a.prompts.use(texts)
	return nil
}

// startSpeaking speaks the prompts in the background, one at a time.
func (a *App) startSpeaking(context.Context) error {
	a.run("the prompts", func(ctx context.Context) error {
		for {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-a.prompts.changed:
				a.prompts.speakAll(ctx, a.options.Log)
			}
		}
	})
	return nil
}

// readPrompts returns the texts of all prompts. It finds what is wrong with them, and an engine that is not there,
// without speaking any.
func readPrompts(ctx context.Context, engine speech, prompts []configs.Prompt) (promptTexts, error) {
	texts := promptTexts{by: map[promptKey]string{}}
	for _, prompt := range prompts {
		for _, language := range slices.Sorted(maps.Keys(prompt.Text)) {
			if err := engine.Check(ctx, language, prompt.Text[language]); err != nil {
				return promptTexts{}, fmt.Errorf("make the prompt %s (%s): %w", prompt.Name, language, err)
			}
			key := promptKey{prompt.Name, language}
			texts.by[key] = prompt.Text[language]
			texts.order = append(texts.order, key)
		}
	}
	return texts, nil
}

// use takes texts over and forgets the sound of those that are gone.
func (c *promptCatalogue) use(texts promptTexts) {
	c.texts.Store(&texts)
	wanted := map[spokenKey]bool{}
	for key, text := range texts.by {
		wanted[spokenKey{key.language, text}] = true
	}
	c.mutex.Lock()
	maps.DeleteFunc(c.prompts, func(key spokenKey, _ *spokenText) bool { return !wanted[key] })
	c.mutex.Unlock()
	select {
	case c.changed <- struct{}{}:
	default:
	}
}

// speakAll speaks the prompts that were not spoken yet. One that fails is tried again by the first call that needs it.
func (c *promptCatalogue) speakAll(ctx context.Context, log zerolog.Logger) {
	texts := c.texts.Load()
	for _, key := range texts.order {
		if ctx.Err() != nil {
			return
		}
		if c.recorded.clip(key.name, key.language) != nil {
			continue
		}
		if _, err := c.say(ctx, spokenKey{key.language, texts.by[key]}, true); err != nil && ctx.Err() == nil {
			log.Error().Err(err).Str("prompt", key.name).Str("language", key.language).Msg("a prompt could not be spoken")
		}
	}
}
