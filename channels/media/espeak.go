package media

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
)

// ErrEspeakMissing says that the speech engine is not installed, and what to do.
var ErrEspeakMissing = errors.New("espeak-ng is not installed: run `apt install espeak-ng`, or provide recorded prompts")

// espeakSpeed is in words a minute; the engine's own 175 is hard to follow on a telephone.
const espeakSpeed = 150

var espeakVoices = map[string]string{"sv": "sv", "en": "en-gb"}

// Espeak is the Synthesizer that runs espeak-ng. The zero value finds it in PATH. Safe for
// concurrent use.
type Espeak struct {
	// Command is the program's path; empty means espeak-ng in PATH.
	Command string

	mutex   sync.Mutex
	version string
}

// Identity names the engine, its version and our speed. The version is asked once.
func (e *Espeak) Identity(ctx context.Context) (string, error) {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	if e.version == "" {
		output, err := e.run(ctx, "", "--version")
		if err != nil {
			return "", err
		}
		// "eSpeak NG text-to-speech: 1.51  Data at: …": where the data lies changes no sound.
		version, _, _ := strings.Cut(strings.TrimSpace(output), "  Data at")
		e.version = version
	}
	return fmt.Sprintf("%s speed %d", e.version, espeakSpeed), nil
}

// Voice knows Swedish and English, with or without a region ("sv-SE").
func (e *Espeak) Voice(language string) (string, error) {
	base, _, _ := strings.Cut(language, "-")
	if voice, ok := espeakVoices[strings.ToLower(base)]; ok {
		return voice, nil
	}
	return "", fmt.Errorf("%w: %q", ErrLanguage, language)
}

// Synthesize runs espeak-ng once. The text goes through its input, so that it can never be
// taken for an option or be seen in the list of processes.
func (e *Espeak) Synthesize(ctx context.Context, voice, text string) (*Clip, error) {
	directory, err := os.MkdirTemp("", "speech-")
	if err != nil {
		return nil, fmt.Errorf("make room for speech: %w", err)
	}
	defer func() { _ = os.RemoveAll(directory) }()
	path := filepath.Join(directory, "speech.wav")
	if _, err := e.run(ctx, text, "-v", voice, "-s", strconv.Itoa(espeakSpeed), "-b", "1", "-w", path, "--stdin"); err != nil {
		return nil, err
	}
	return LoadWAV(path)
}

func (e *Espeak) run(ctx context.Context, input string, arguments ...string) (string, error) {
	name := e.Command
	if name == "" {
		name = "espeak-ng"
	}
	command := exec.CommandContext(ctx, name, arguments...)
	command.Stdin = strings.NewReader(input)
	var output, complaint bytes.Buffer
	command.Stdout, command.Stderr = &output, &complaint
	err := command.Run()
	switch {
	case err == nil:
		return output.String(), nil
	case ctx.Err() != nil:
		return "", fmt.Errorf("run espeak-ng: %w", ctx.Err())
	case errors.Is(err, exec.ErrNotFound), errors.Is(err, os.ErrNotExist):
		return "", fmt.Errorf("%w (%w)", ErrEspeakMissing, err)
	default:
		return "", fmt.Errorf("run espeak-ng: %w: %s", err, firstLine(complaint.String()))
	}
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return line
}
