package agentui

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"svar/identity"
)

// Prompts are what lines say: spoken from their text, or recorded.
type Prompts interface {
	// Record replaces the spoken prompt by a WAV file from the next call on. Errors: [ErrNotFound] when there is
	// no such prompt in the language, [WrongSound].
	Record(ctx context.Context, name, language string, wav []byte) (PromptRecording, error)
	// Speak lets it be spoken again. [ErrNotFound]: it was not recorded.
	Speak(ctx context.Context, name, language string) error
}

// PromptRecording is a recorded prompt.
type PromptRecording struct {
	LengthMs int64 `json:"lengthMs"`
}

// WrongSound says in words why a file is no recording.
type WrongSound string

func (w WrongSound) Error() string { return string(w) }

// maxPromptFile bounds a recorded prompt: ten minutes at 16 kHz, or two minutes of what studios deliver.
const maxPromptFile = 20 << 20

// PromptInput names a prompt in a language.
type PromptInput struct {
	SessionInput
	Name     string `path:"name" minLength:"1" maxLength:"64"`
	Language string `path:"language" pattern:"^[a-z]{2}(-[A-Z]{2})?$"`
}

type promptFileInput struct {
	PromptInput
	ContentType string `header:"Content-Type"`
	RawBody     []byte `contentType:"audio/wav"`
}

type promptOutput struct{ Body PromptRecording }

func (u *UI) servePrompts(a *operations) {
	record := a.operation("record-prompt", "PUT /prompts/{name}/{language}", "Replace a spoken prompt by a recording: WAV with plain samples, 8–48 kHz, at most ten minutes")
	record.MaxBodyBytes, record.Middlewares = maxPromptFile, huma.Middlewares{within(countingTime)}
	record.Errors = append(record.Errors, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity)
	huma.Register(a.API, record, u.recordPrompt)
	huma.Register(a.API, a.silent("speak-prompt", "DELETE /prompts/{name}/{language}", "Let a recorded prompt be spoken again"), u.speakPrompt)
}

// recordPrompt takes a recording. Calls that hear the prompt go on with what they hear.
func (u *UI) recordPrompt(ctx context.Context, in *promptFileInput) (*promptOutput, error) {
	account, err := u.requireAdministrator(in.SessionInput, "record prompts")
	if err != nil {
		return nil, err
	}
	if !strings.HasPrefix(in.ContentType, "audio/") { // no form of a page can send that
		return nil, huma.Error415UnsupportedMediaType("send the recording as audio/wav")
	}
	recorded, err := u.config.Prompts.Record(ctx, in.Name, in.Language, in.RawBody)
	if wrong := WrongSound(""); errors.As(err, &wrong) {
		return nil, huma.Error422UnprocessableEntity("the file is no recording", &huma.ErrorDetail{Location: "body", Message: string(wrong)})
	}
	if err != nil {
		return nil, u.promptProblem(err)
	}
	u.config.Log.Info().Str("agent", account.Name).Str("prompt", in.Name).Str("language", in.Language).Int64("length_ms", recorded.LengthMs).Msg("a prompt was recorded")
	return &promptOutput{Body: recorded}, nil
}

// speakPrompt removes a recording.
func (u *UI) speakPrompt(ctx context.Context, in *PromptInput) (*struct{}, error) {
	account, err := u.requireAdministrator(in.SessionInput, "remove recorded prompts")
	if err != nil {
		return nil, err
	}
	if err := u.config.Prompts.Speak(ctx, in.Name, in.Language); err != nil {
		return nil, u.promptProblem(err)
	}
	u.config.Log.Info().Str("agent", account.Name).Str("prompt", in.Name).Str("language", in.Language).Msg("a recorded prompt was removed; it is spoken again")
	return nil, nil
}

func (u *UI) requireAdministrator(in SessionInput, what string) (identity.Account, error) {
	_, account, err := u.require(in)
	if err == nil && account.Role != identity.Administrator {
		err = huma.Error403Forbidden("only administrators may " + what)
	}
	return account, err
}

func (u *UI) promptProblem(err error) error {
	if errors.Is(err, ErrNotFound) {
		return huma.Error404NotFound("there is no such prompt in that language, or no recording of it")
	}
	u.logFailure(err, "a recorded prompt could not be kept")
	return huma.ErrorWithHeaders(huma.Error503ServiceUnavailable("the recording could not be kept; try this again in a moment"), http.Header{"Retry-After": {retryAfter}})
}
