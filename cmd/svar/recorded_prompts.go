package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"

	"github.com/rs/zerolog"

	"svar/agentui"
	"svar/channels/media"
)

// recordedPrompts are prompts that somebody recorded: 16 kHz WAV files in a directory, NAME.LANGUAGE.wav, all of
// them in memory. Safe for concurrent use.
type recordedPrompts struct {
	directory string

	// writing is held while a file changes, mutex while clips is read or changed.
	writing sync.Mutex
	mutex   sync.RWMutex
	clips   map[promptKey]*media.Clip
}

// recordedSuffix is how the files end.
const recordedSuffix = ".wav"

// openRecordedPrompts reads the directory, and makes it if it is missing. A file that cannot be read is passed
// over: then the prompt is spoken.
func openRecordedPrompts(directory string, log zerolog.Logger) (*recordedPrompts, error) {
	if err := os.MkdirAll(directory, 0o755); err != nil {
		return nil, fmt.Errorf("make the directory for recorded prompts: %w", err)
	}
	r := &recordedPrompts{directory: directory, clips: map[promptKey]*media.Clip{}}
	files, err := filepath.Glob(filepath.Join(directory, "*"+recordedSuffix))
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		name, language, named := strings.Cut(strings.TrimSuffix(filepath.Base(file), recordedSuffix), ".")
		if !named {
			continue
		}
		clip, err := media.LoadWAV(file)
		if err != nil {
			log.Error().Err(err).Msg("a recorded prompt cannot be used: it is spoken instead")
			continue
		}
		r.clips[promptKey{name, language}] = clip
	}
	return r, nil
}

// clip returns the recording, or nil.
func (r *recordedPrompts) clip(name, language string) *media.Clip {
	r.mutex.RLock()
	defer r.mutex.RUnlock()
	return r.clips[promptKey{name, language}]
}

// recordable is how a prompt is named that can be recorded: its name becomes that of a file.
var recordable = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,63}$`)

func (r *recordedPrompts) path(key promptKey) string {
	return filepath.Join(r.directory, key.name+"."+key.language+recordedSuffix)
}

func (r *recordedPrompts) set(key promptKey, clip *media.Clip) error {
	r.writing.Lock()
	defer r.writing.Unlock()
	if err := clip.SaveWAV(r.path(key)); err != nil {
		return err
	}
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.clips[key] = clip
	return nil
}

// remove reports whether there was a recording.
func (r *recordedPrompts) remove(key promptKey) (bool, error) {
	r.writing.Lock()
	defer r.writing.Unlock()
	if err := os.Remove(r.path(key)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	r.mutex.Lock()
	defer r.mutex.Unlock()
	_, was := r.clips[key]
	delete(r.clips, key)
	return was, nil
}

// promptStudio is where administrators replace spoken prompts by recordings, one by one. It is used by the next call.
type promptStudio struct{ catalogue *promptCatalogue }

// Record implements [agentui.Prompts].
func (s promptStudio) Record(_ context.Context, name, language string, wav []byte) (agentui.PromptRecording, error) {
	if !recordable.MatchString(name) || !s.catalogue.knows(name, language) {
		return agentui.PromptRecording{}, agentui.ErrNotFound
	}
	clip, err := media.ReadWAV(bytes.NewReader(wav))
	if errors.Is(err, media.ErrSound) {
		return agentui.PromptRecording{}, agentui.WrongSound(err.Error())
	}
	if err != nil {
		return agentui.PromptRecording{}, agentui.WrongSound("the file cannot be read as WAV")
	}
	if err := s.catalogue.recorded.set(promptKey{name, language}, clip); err != nil {
		return agentui.PromptRecording{}, err
	}
	return agentui.PromptRecording{LengthMs: clip.Duration().Milliseconds()}, nil
}

// Speak implements [agentui.Prompts].
func (s promptStudio) Speak(_ context.Context, name, language string) error {
	was := false
	var err error
	if recordable.MatchString(name) && recordable.MatchString(strings.ToLower(language)) {
		was, err = s.catalogue.recorded.remove(promptKey{name, language})
	}
	if err == nil && !was {
		return agentui.ErrNotFound
	}
	return err
}
