package media

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

// Speaker turns text into sound. Language is a BCP 47 tag, such as "sv" or "en".
type Speaker interface {
	Speak(ctx context.Context, language, text string) (*Clip, error)
}

// Synthesizer is a speech engine behind a SpeechCache.
type Synthesizer interface {
	// Identity names engine, version and every setting that changes the sound: equal
	// identities sound equal. It may ask the engine.
	Identity(ctx context.Context) (string, error)
	// Voice is the engine's voice for a language, or ErrLanguage.
	Voice(language string) (string, error)
	// Synthesize speaks text with a voice.
	Synthesize(ctx context.Context, voice, text string) (*Clip, error)
}

var (
	// ErrLanguage says that no voice speaks a language.
	ErrLanguage = errors.New("no voice for this language")
	// ErrText says that a text can not be spoken; it is wrapped with the reason.
	ErrText = errors.New("text can not be spoken")
)

// longestText bounds what is spoken at once, in octets: about five minutes.
const longestText = 4000

// SpeechCache is a Speaker that keeps what it said as 16 kHz WAV files in a directory, so
// that a restart costs no synthesis. A file is written whole or not at all, and one that
// can not be read is made again. Safe for concurrent use, by several processes too.
type SpeechCache struct {
	directory   string
	synthesizer Synthesizer
}

// NewSpeechCache makes the directory if it is missing.
func NewSpeechCache(directory string, synthesizer Synthesizer) (*SpeechCache, error) {
	if err := os.MkdirAll(directory, 0o755); err != nil {
		return nil, fmt.Errorf("make directory for prompts: %w", err)
	}
	return &SpeechCache{directory: directory, synthesizer: synthesizer}, nil
}

// Speak returns the clip of a text, trimmed and at an even level. Errors: ErrText,
// ErrLanguage, those of the engine (ErrEspeakMissing), and of the disk.
func (c *SpeechCache) Speak(ctx context.Context, language, text string) (*Clip, error) {
	text = strings.TrimSpace(text)
	voice, err := c.voiceFor(language, text)
	if err != nil {
		return nil, err
	}
	identity, err := c.synthesizer.Identity(ctx)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(c.directory, speechKey(identity, voice, text)+".wav")
	clip, err := LoadWAV(path)
	if err == nil {
		return clip, nil
	}
	if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, ErrSound) {
		return nil, fmt.Errorf("read prompt: %w", err)
	}
	spoken, err := c.synthesizer.Synthesize(ctx, voice, text)
	if err != nil {
		return nil, err
	}
	clip, err = levelled(spoken)
	if err != nil {
		return nil, fmt.Errorf("speak %d characters: %w", utf8.RuneCountInString(text), err)
	}
	if err := clip.SaveWAV(path); err != nil {
		return nil, fmt.Errorf("keep prompt: %w", err)
	}
	return clip, nil
}

// Check says what Speak would find wrong with a text before it is spoken, and whether the engine is there at all.
// Errors: ErrText, ErrLanguage, those of the engine (ErrEspeakMissing).
func (c *SpeechCache) Check(ctx context.Context, language, text string) error {
	if _, err := c.voiceFor(language, strings.TrimSpace(text)); err != nil {
		return err
	}
	_, err := c.synthesizer.Identity(ctx)
	return err
}

// voiceFor returns the voice of the language for a text that can be spoken.
func (c *SpeechCache) voiceFor(language, text string) (string, error) {
	switch {
	case text == "":
		return "", fmt.Errorf("%w: it is empty", ErrText)
	case len(text) > longestText:
		return "", fmt.Errorf("%w: %d octets are more than %d", ErrText, len(text), longestText)
	case !utf8.ValidString(text) || strings.ContainsRune(text, 0):
		return "", fmt.Errorf("%w: it is not plain text", ErrText)
	}
	return c.synthesizer.Voice(language)
}

// speechFormat is part of the key: raise it when the treatment of the sound changes.
const speechFormat = "1"

func speechKey(parts ...string) string {
	hash := sha256.New()
	for _, part := range append([]string{speechFormat}, parts...) {
		// The length keeps parts apart whatever they hold; a hash takes all.
		_, _ = fmt.Fprintf(hash, "%d:%s", len(part), part)
	}
	return hex.EncodeToString(hash.Sum(nil)[:16])
}

// levelled trims silence and brings speech to the common level.
func levelled(clip *Clip) (*Clip, error) {
	samples := trimmed(toFloat(clip.samples), ClipRate)
	return newClip(normalised(samples, speechLevel, speechPeak), ClipRate)
}
