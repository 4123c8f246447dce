package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"svar/agentui"
	"svar/channels/media"
	"svar/channels/media/mediatest"
	"svar/configs"
)

// speaker counts what it says, and fails when told so.
type speaker struct {
	mutex sync.Mutex
	said  int
	texts []string
	fail  error
}

func (s *speaker) Speak(_ context.Context, language, text string) (*media.Clip, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.said++
	s.texts = append(s.texts, language+" "+text)
	return &media.Clip{}, s.fail
}

func (s *speaker) Check(_ context.Context, _, text string) error {
	if text == "" {
		return media.ErrText
	}
	return nil
}

// noRecordings is a place for recorded prompts in which there is none.
func noRecordings(t *testing.T) *recordedPrompts {
	t.Helper()
	recorded, err := openRecordedPrompts(filepath.Join(t.TempDir(), "recorded"), zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	return recorded
}

func TestATextIsSpokenOnceForAllWhoAsk(t *testing.T) {
	t.Parallel()
	engine := &speaker{}
	catalogue := newPromptCatalogue(engine, noRecordings(t))
	var callers sync.WaitGroup
	for range 100 {
		callers.Go(func() {
			if clip, err := catalogue.Speak(t.Context(), "sv", "Nätet ligger nere."); err != nil || clip == nil {
				t.Errorf("Speak: %v, %v", clip, err)
			}
		})
	}
	callers.Wait()
	if engine.said != 1 {
		t.Errorf("the text was spoken %d times", engine.said)
	}
}

func TestAFailedTextIsTriedAgain(t *testing.T) {
	t.Parallel()
	engine := &speaker{fail: errors.New("no voice")}
	catalogue := newPromptCatalogue(engine, noRecordings(t))
	if _, err := catalogue.Speak(t.Context(), "sv", "Hej"); err == nil {
		t.Error("the failure is hidden")
	}
	engine.fail = nil
	if _, err := catalogue.Speak(t.Context(), "sv", "Hej"); err != nil {
		t.Errorf("the failure is kept: %v", err)
	}
}

func TestTheTextsInMemoryAreBounded(t *testing.T) {
	t.Parallel()
	catalogue := newPromptCatalogue(&speaker{}, noRecordings(t))
	for i := range 3 * maxSpoken {
		if _, err := catalogue.Speak(t.Context(), "sv", strconv.Itoa(i)); err != nil {
			t.Fatal(err)
		}
	}
	if len(catalogue.spoken) != maxSpoken || len(catalogue.order) != maxSpoken {
		t.Errorf("%d texts and %d keys are held; want %d", len(catalogue.spoken), len(catalogue.order), maxSpoken)
	}
}

var welcomePrompt = []configs.Prompt{{Name: "welcome", Text: map[string]string{"sv": "Öppet 07:00–22:00.", "en": "Hello."}}}

// withWelcome is a catalogue of one prompt.
func withWelcome(t *testing.T, engine *speaker) *promptCatalogue {
	t.Helper()
	catalogue := newPromptCatalogue(engine, noRecordings(t))
	texts, err := readPrompts(t.Context(), engine, welcomePrompt)
	if err != nil {
		t.Fatal(err)
	}
	catalogue.use(texts)
	return catalogue
}

// No start waits until its prompts are spoken: the first call that needs one speaks it, in words.
func TestPromptsAreSpokenWhenTheyAreNeeded(t *testing.T) {
	t.Parallel()
	engine := &speaker{}
	catalogue := withWelcome(t, engine)
	if engine.said != 0 {
		t.Fatalf("the start spoke %d prompts", engine.said)
	}
	for range 2 {
		if clip, err := catalogue.Clip("welcome", "sv"); err != nil || clip == nil {
			t.Fatalf("Clip = %v, %v", clip, err)
		}
	}
	catalogue.speakAll(t.Context(), zerolog.Nop())
	catalogue.speakAll(t.Context(), zerolog.Nop())
	want := []string{"sv Öppet klockan sju till klockan tjugotvå.", "en Hello."}
	if !slices.Equal(engine.texts, want) {
		t.Errorf("spoken: %q, want each once: %q", engine.texts, want)
	}
	for _, key := range []promptKey{{"welcome", "fi"}, {"lost", "sv"}} {
		if _, err := catalogue.Clip(key.name, key.language); err == nil {
			t.Errorf("%v is there", key)
		}
	}
}

func TestPromptThatIsGoneIsForgotten(t *testing.T) {
	t.Parallel()
	catalogue := withWelcome(t, &speaker{})
	catalogue.speakAll(t.Context(), zerolog.Nop())
	catalogue.use(promptTexts{})
	if _, err := catalogue.Clip("welcome", "sv"); err == nil || len(catalogue.prompts) != 0 {
		t.Errorf("the prompt is there: %v, and %d sounds", err, len(catalogue.prompts))
	}
	if _, err := readPrompts(t.Context(), &speaker{}, []configs.Prompt{{Name: "mute", Text: map[string]string{"sv": ""}}}); !errors.Is(err, media.ErrText) {
		t.Errorf("a prompt without a text is read: %v", err)
	}
}

// wave is a recording as people upload it.
func wave(t *testing.T, length time.Duration) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "upload.wav")
	if err := mediatest.Tone(440, length).SaveWAV(path); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// The next call hears it, and so does the first one after a restart.
func TestRecordedPromptReplacesTheSpokenOne(t *testing.T) {
	t.Parallel()
	engine := &speaker{}
	catalogue := withWelcome(t, engine)
	studio := promptStudio{catalogue}
	recorded, err := studio.Record(t.Context(), "welcome", "sv", wave(t, 1500*time.Millisecond))
	if err != nil || recorded.LengthMs != 1500 {
		t.Fatalf("Record = %+v, %v", recorded, err)
	}
	length := func(c *promptCatalogue) time.Duration {
		clip, err := c.Clip("welcome", "sv")
		if err != nil {
			t.Fatal(err)
		}
		return clip.Duration()
	}
	if length(catalogue) != 1500*time.Millisecond || engine.said != 0 {
		t.Errorf("the recording is not played; %d texts were spoken", engine.said)
	}
	again, err := openRecordedPrompts(catalogue.recorded.directory, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	restarted := newPromptCatalogue(engine, again)
	if length(restarted) != 1500*time.Millisecond {
		t.Error("the recording is gone after a restart")
	}
	for range 2 {
		err = studio.Speak(t.Context(), "welcome", "sv")
		if length(catalogue) != 0 || engine.said != 1 {
			t.Errorf("it is not spoken again: %d texts were", engine.said)
		}
	}
	if !errors.Is(err, agentui.ErrNotFound) {
		t.Errorf("a recording that is gone can be removed: %v", err)
	}
	if files, err := os.ReadDir(catalogue.recorded.directory); err != nil || len(files) != 0 {
		t.Errorf("%d files are left, %v", len(files), err)
	}
}

func TestOnlyRecordingsOfPromptsAreTaken(t *testing.T) {
	t.Parallel()
	studio := promptStudio{withWelcome(t, &speaker{})}
	tone := wave(t, time.Second)
	for _, key := range []promptKey{{"lost", "sv"}, {"welcome", "fi"}, {"../welcome", "sv"}, {"ringing", "sv"}, {"notice", "sv"}} {
		if _, err := studio.Record(t.Context(), key.name, key.language, tone); !errors.Is(err, agentui.ErrNotFound) {
			t.Errorf("%v was recorded: %v", key, err)
		}
	}
	for name, data := range map[string][]byte{"nothing": nil, "text": []byte("hello"), "half a header": tone[:20], "no samples": tone[:44], "an MP3": bytes.Repeat([]byte{0xFF, 0xFB}, 5000)} {
		wrong := agentui.WrongSound("")
		if _, err := studio.Record(t.Context(), "welcome", "sv", data); !errors.As(err, &wrong) || strings.Contains(string(wrong), "/") {
			t.Errorf("%s was taken: %v", name, err)
		}
	}
	if _, err := studio.Record(t.Context(), configs.QueueMusic, "sv", tone); err != nil {
		t.Errorf("music of one's own: %v", err)
	}
}
