package media_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"svar/channels/media"
	"svar/channels/media/mediatest"
)

func newCache(t *testing.T, directory string, synthesizer media.Synthesizer) *media.SpeechCache {
	t.Helper()
	cache, err := media.NewSpeechCache(directory, synthesizer)
	if err != nil {
		t.Fatal(err)
	}
	return cache
}

func TestEspeakSpeaksSwedishAndEnglish(t *testing.T) {
	t.Parallel()
	cache := newCache(t, filepath.Join(t.TempDir(), "prompts"), &media.Espeak{})
	for language, text := range map[string]string{
		"sv":    "Hej! Du har kommit till Service Desk. Samtalet är gratis.",
		"sv-SE": "Du är nummer tre i kön.",
		"en":    "Welcome to Service Desk.",
	} {
		clip, err := cache.Speak(t.Context(), language, text)
		if err != nil {
			t.Fatal(err)
		}
		if clip.Duration() < time.Second || clip.Duration() > 10*time.Second {
			t.Errorf("%s: %s long", language, clip.Duration())
		}
		if level := clip.Level(); level < -24 || level > -19.5 {
			t.Errorf("%s: level %.1f dBFS", language, level)
		}
		highest := 0
		for _, sample := range clip.Samples() {
			highest = max(highest, int(sample), -int(sample))
		}
		if highest > 23300 { // −3 dBFS, and a little for rounding
			t.Errorf("%s: peak %d", language, highest)
		}
	}
}

// A text is data, never an option of the program.
func TestEspeakTakesNoOptionsFromText(t *testing.T) {
	t.Parallel()
	target := filepath.Join(t.TempDir(), "written")
	cache := newCache(t, t.TempDir(), &media.Espeak{})
	if _, err := cache.Speak(t.Context(), "sv", "-w "+target); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(target); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("an option was obeyed: %v", err)
	}
}

func TestMissingEspeakIsSaidPlainly(t *testing.T) {
	t.Parallel()
	cache := newCache(t, t.TempDir(), &media.Espeak{Command: filepath.Join(t.TempDir(), "espeak-ng")})
	_, err := cache.Speak(t.Context(), "sv", "Hej")
	if !errors.Is(err, media.ErrEspeakMissing) || !strings.Contains(err.Error(), "apt install espeak-ng") {
		t.Fatal(err)
	}
}

func TestFailingEspeakIsReported(t *testing.T) {
	t.Parallel()
	command := filepath.Join(t.TempDir(), "espeak-ng")
	if err := os.WriteFile(command, []byte("#!/bin/sh\necho 'no such voice' >&2\nexit 3\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	_, err := (&media.Espeak{Command: command}).Synthesize(t.Context(), "sv", "Hej")
	if err == nil || !strings.Contains(err.Error(), "no such voice") {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := (&media.Espeak{}).Synthesize(ctx, "sv", "Hej"); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
}

// synthesizer stands for an engine: a second of silence, a second of tone, and silence.
type synthesizer struct {
	version string
	calls   atomic.Int32
}

func (s *synthesizer) Identity(context.Context) (string, error) { return s.version, nil }

func (s *synthesizer) Voice(language string) (string, error) {
	if language == "xx" {
		return "", media.ErrLanguage
	}
	return language, nil
}

func (s *synthesizer) Synthesize(_ context.Context, _, text string) (*media.Clip, error) {
	s.calls.Add(1)
	silence := make([]int16, media.ClipRate)
	if text == "tyst" {
		return media.NewClip(silence, media.ClipRate)
	}
	return media.NewClip(slices.Concat(silence, mediatest.Tone(500, time.Second).Samples(), silence), media.ClipRate)
}

func TestSpeechIsKeptAndMadeAgain(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	engine := &synthesizer{version: "1"}
	speak := func(engine *synthesizer, language, text string, wantCalls int32) *media.Clip {
		t.Helper()
		clip, err := newCache(t, directory, engine).Speak(t.Context(), language, text)
		if err != nil {
			t.Fatal(err)
		}
		if calls := engine.calls.Load(); calls != wantCalls {
			t.Fatalf("%d syntheses, want %d", calls, wantCalls)
		}
		return clip
	}
	first := speak(engine, "sv", "hej", 1)
	if first.Duration() < time.Second || first.Duration() > 1100*time.Millisecond {
		t.Errorf("not trimmed: %s", first.Duration())
	}
	if level := first.Level(); level < -20.5 || level > -19.5 {
		t.Errorf("level %.1f dBFS", level)
	}
	speak(engine, "sv", "  hej\n", 1)
	speak(engine, "en", "hej", 2)
	speak(engine, "sv", "hejdå", 3)
	speak(&synthesizer{version: "2"}, "sv", "hej", 1)
	// What a crash or a full disk damaged is made again, and left-over files do no harm.
	files, err := filepath.Glob(filepath.Join(directory, "*"))
	if err != nil || len(files) != 4 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, file := range files {
		if err := os.WriteFile(file, []byte("RIFF"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	speak(engine, "sv", "hej", 4)
	speak(engine, "sv", "hej", 4)
}

func TestWhatCanNotBeSpokenIsRefused(t *testing.T) {
	t.Parallel()
	cache := newCache(t, t.TempDir(), &synthesizer{version: "1"})
	for name, test := range map[string]struct {
		language, text string
		want           error
	}{
		"nothing":       {"sv", " \n", media.ErrText},
		"too much":      {"sv", strings.Repeat("a", 4001), media.ErrText},
		"not text":      {"sv", "a\xff", media.ErrText},
		"a zero":        {"sv", "a\x00b", media.ErrText},
		"language":      {"xx", "hej", media.ErrLanguage},
		"without sound": {"sv", "tyst", media.ErrSound},
	} {
		if _, err := cache.Speak(t.Context(), test.language, test.text); !errors.Is(err, test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := (&media.Espeak{}).Voice("fi"); !errors.Is(err, media.ErrLanguage) {
		t.Errorf("Finnish: %v", err)
	}
}
