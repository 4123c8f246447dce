package main

import (
	"context"
	"fmt"
	"path/filepath"

	"svar/channels/media"
	"svar/configs"
)

// promptCatalogue holds the sound of every prompt in memory.
type promptCatalogue struct{ clips map[promptKey]*media.Clip }

type promptKey struct{ name, language string }

// Clip returns a prompt's sound by name and language.
func (c *promptCatalogue) Clip(name, language string) (*media.Clip, error) {
	if name == configs.QueueMusic {
		language = ""
	}
	clip, known := c.clips[promptKey{name, language}]
	if !known {
		return nil, fmt.Errorf("there is no prompt %q in the language %q", name, language)
	}
	return clip, nil
}

// makePrompts speaks all texts of the configuration, from the cache where it has them,
// and makes the queue's music.
func (a *App) makePrompts(ctx context.Context) error {
	speech, err := media.NewSpeechCache(filepath.Join(a.options.Data, "prompts"), &media.Espeak{})
	if err != nil {
		return err
	}
	catalogue := &promptCatalogue{clips: map[promptKey]*media.Clip{{name: configs.QueueMusic}: media.Music()}}
	for _, prompt := range a.options.Config.Prompts {
		for language, text := range prompt.Text {
			clip, err := speech.Speak(ctx, language, text)
			if err != nil {
				return fmt.Errorf("make the prompt %s (%s): %w", prompt.Name, language, err)
			}
			catalogue.clips[promptKey{prompt.Name, language}] = clip
		}
	}
	a.prompts = catalogue
	return nil
}
