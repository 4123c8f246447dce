package agentui

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// fakePrompts notes what becomes of prompts.
type fakePrompts struct {
	mutex sync.Mutex
	did   []string
	err   error
}

func (p *fakePrompts) note(what string) error {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.err == nil {
		p.did = append(p.did, what)
	}
	return p.err
}

func (p *fakePrompts) Record(_ context.Context, name, language string, wav []byte) (PromptRecording, error) {
	return PromptRecording{LengthMs: int64(len(wav))}, p.note("record " + name + " " + language)
}

func (p *fakePrompts) Speak(_ context.Context, name, language string) error {
	return p.note("speak " + name + " " + language)
}

const promptPath = "/api/v1/prompts/welcome-staff/sv"

func TestOnlyAdministratorsRecordPrompts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for account, want := range map[string]int{"": http.StatusUnauthorized, "anna": http.StatusForbidden, "eva": http.StatusForbidden} {
		token := ""
		if account != "" {
			token = w.token(account)
		}
		wantProblem(t, account, w.do("PUT", promptPath, token, "RIFF", "Content-Type", "audio/wav"), want)
		wantProblem(t, account, w.do("DELETE", promptPath, token, nil), want)
	}
	if got := decode[PromptRecording](t, w.do("PUT", promptPath, w.token("adam"), "RIFF", "Content-Type", "audio/wav")); got.LengthMs != 4 {
		t.Errorf("the answer is %+v", got)
	}
	if response := w.do("DELETE", promptPath, w.token("adam"), nil); response.Code != http.StatusNoContent {
		t.Errorf("the removal is answered with %d", response.Code)
	}
	if got := strings.Join(w.prompts.did, ", "); got != "record welcome-staff sv, speak welcome-staff sv" {
		t.Errorf("done: %s", got)
	}
	if logged := w.log.String(); !strings.Contains(logged, "a prompt was recorded") || !strings.Contains(logged, "a recorded prompt was removed") {
		t.Errorf("the log says %s", logged)
	}
}

func TestWhatIsNoRecordingIsSaidInWords(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, test := range map[string]struct {
		err  error
		want int
	}{
		"no sound":  {WrongSound("not a WAV file"), http.StatusUnprocessableEntity},
		"no prompt": {ErrNotFound, http.StatusNotFound},
		"no disk":   {errFake, http.StatusServiceUnavailable},
	} {
		w.prompts.err = test.err
		p := wantProblem(t, name, w.do("PUT", promptPath, w.token("adam"), "RIFF", "Content-Type", "audio/wav"), test.want)
		if test.want == http.StatusUnprocessableEntity && (len(p.Errors) != 1 || p.Errors[0].Message != "not a WAV file") {
			t.Errorf("the faults are %+v", p.Errors)
		}
	}
	w.prompts.err = nil
	wantProblem(t, "no sound at all", w.do("PUT", promptPath, w.token("adam"), "RIFF", "Content-Type", "text/plain"), http.StatusUnsupportedMediaType)
	large := strings.Repeat("x", maxPromptFile+1)
	wantProblem(t, "too large", w.do("PUT", promptPath, w.token("adam"), large, "Content-Type", "audio/wav"), http.StatusRequestEntityTooLarge)
	wantProblem(t, "no language", w.do("PUT", "/api/v1/prompts/welcome-staff/..%2Fx", w.token("adam"), "RIFF", "Content-Type", "audio/wav"), http.StatusUnprocessableEntity)
	if len(w.prompts.did) > 0 {
		t.Errorf("done: %q", w.prompts.did)
	}
}
