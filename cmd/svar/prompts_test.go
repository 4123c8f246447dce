package main

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"testing"

	"svar/channels/media"
)

// speaker counts what it says, and fails when told so.
type speaker struct {
	mutex sync.Mutex
	said  int
	fail  error
}

func (s *speaker) Speak(context.Context, string, string) (*media.Clip, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.said++
	return &media.Clip{}, s.fail
}

func TestATextIsSpokenOnceForAllWhoAsk(t *testing.T) {
	t.Parallel()
	engine := &speaker{}
	catalogue := &promptCatalogue{speaker: engine, spoken: make(map[spokenKey]*spokenText)}
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
	catalogue := &promptCatalogue{speaker: engine, spoken: make(map[spokenKey]*spokenText)}
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
	catalogue := &promptCatalogue{speaker: &speaker{}, spoken: make(map[spokenKey]*spokenText)}
	for i := range 3 * maxSpoken {
		if _, err := catalogue.Speak(t.Context(), "sv", strconv.Itoa(i)); err != nil {
			t.Fatal(err)
		}
	}
	if len(catalogue.spoken) != maxSpoken || len(catalogue.order) != maxSpoken {
		t.Errorf("%d texts and %d keys are held; want %d", len(catalogue.spoken), len(catalogue.order), maxSpoken)
	}
}
