package agentui

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"svar/contact"
)

// Recordings opens what was recorded of calls.
type Recordings interface {
	// Open returns the recording of a contact as a WAV file, or [ErrNotFound] when there is none (any more). The caller
	// closes it.
	Open(ctx context.Context, id contact.ID) (io.ReadSeekCloser, error)
}

// The length of a reason to listen, in characters.
const (
	minReason = 3
	maxReason = 200
)

type recordingInput struct {
	SessionInput
	ID contact.ID `path:"id" maxLength:"64" doc:"The contact"`
	// Reason is no part of the address, for addresses end up in logs.
	Reason string `header:"Svar-Reason" maxLength:"1800" doc:"Why it has to be heard, in 3 to 200 characters, UTF-8 percent-encoded (RFC 3986); kept in the log of accesses. Without it nothing is sent"`
}

// recording lets a supervisor hear what was recorded of a call. That he does, and why, is in the log of accesses before anything of
// it is sent. Of a protected person's call nothing is ever recorded; should there be a file, it is only for those who may see
// him.
func (u *UI) recording(ctx context.Context, in *recordingInput) (*huma.StreamResponse, error) {
	_, account, err := u.require(in.SessionInput)
	switch {
	case err != nil:
		return nil, err
	case !joinsTalks(account):
		return nil, huma.Error403Forbidden("only supervisors may listen to recordings")
	}
	recorded, err := u.config.Explanations.Recorded(ctx, in.ID)
	if err != nil {
		return nil, u.unavailable(err, "what was recorded of a contact could not be read")
	}
	reason, right := readReason(in.Reason)
	if !right {
		return nil, huma.Error422UnprocessableEntity("say why the recording has to be heard",
			&huma.ErrorDetail{Location: "header.Svar-Reason", Message: "is not a reason of 3 to 200 characters"})
	}
	if len(recorded) == 0 || u.config.Recordings == nil {
		return nil, huma.Error404NotFound("there is no recording of that contact")
	}
	var person contact.PersonID
	for _, entry := range recorded {
		switch event := entry.Event.(type) {
		case contact.ContactArrived:
			person = event.Contact.Person
		case contact.CallPlaced:
			person = event.Contact.Person
		}
	}
	if person != "" && hides(u.config.People.Directory(), account.Viewer(), person) {
		return nil, huma.Error403Forbidden("the call is that of a protected person; only those who may see protected people can hear it")
	}
	file, err := u.config.Recordings.Open(ctx, in.ID)
	if errors.Is(err, ErrNotFound) {
		return nil, huma.Error404NotFound("there is no recording of that contact")
	}
	if err != nil {
		return nil, u.unavailable(err, "a recording could not be opened")
	}
	if err := u.accesses.before(ctx, look{account: account.Name, surface: surfaceRecording, contact: in.ID, person: person, reason: reason}); err != nil {
		closeRecording(u, file, in.ID)
		return nil, u.unavailable(err, "a look at a recording could not be logged")
	}
	return &huma.StreamResponse{Body: func(stream huma.Context) {
		defer closeRecording(u, file, in.ID)
		r, w := humago.Unwrap(stream)
		w.Header().Set("Content-Type", "audio/wav")
		w.Header().Set("Content-Security-Policy", filePolicy)
		w.Header().Set("Cache-Control", "no-store")
		http.ServeContent(w, r, "", time.Time{}, file)
	}}, nil
}

// readReason decodes a reason; false when it says nothing, or too much.
func readReason(encoded string) (string, bool) {
	reason, err := url.PathUnescape(encoded)
	reason = strings.TrimSpace(reason)
	length := utf8.RuneCountInString(reason)
	return reason, err == nil && minReason <= length && length <= maxReason && utf8.ValidString(reason) && !strings.ContainsFunc(reason, unicode.IsControl)
}

func closeRecording(u *UI, file io.Closer, id contact.ID) {
	if err := file.Close(); err != nil {
		u.config.Log.Warn().Err(err).Str("contact", string(id)).Msg("a recording could not be closed")
	}
}
