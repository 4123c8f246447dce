package agentui

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// How long an operation may take before it says that the database does not answer. One that
// writes has more: whether it was done is not known after it.
const (
	readingTime  = 3 * time.Second
	writingTime  = 5 * time.Second
	countingTime = 20 * time.Second
)

// retryAfter is what a client is told to wait, in seconds, when the server cannot answer now.
const retryAfter = "5"

// within bounds what follows.
func within(limit time.Duration) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		bounded, cancel := context.WithTimeout(ctx.Context(), limit)
		defer cancel()
		next(huma.WithContext(ctx, bounded))
	}
}

// unavailable is the answer of an operation that the database did not let through. The log has
// what it was.
func (u *UI) unavailable(err error, what string) error {
	u.logFailure(err, what)
	return huma.ErrorWithHeaders(
		huma.Error503ServiceUnavailable("the database does not answer; calls, chats and notes go on without it; try this again in a moment"),
		http.Header{"Retry-After": {retryAfter}})
}

// logFailure says that a request failed through no fault of its own. Whoever has left the
// page waits for no answer; that is none.
func (u *UI) logFailure(err error, what string) {
	event := u.config.Log.Error()
	if errors.Is(err, context.Canceled) {
		event = u.config.Log.Debug()
	}
	event.Err(err).Msg(what)
}

// problem answers as RFC 9457 has it, where huma does not serve.
func problem(w http.ResponseWriter, status int, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	if status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", retryAfter)
	}
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(huma.ErrorModel{Status: status, Title: http.StatusText(status), Detail: detail})
}

// withoutValues keeps what was sent out of the answer that refuses it: it may be a password.
func withoutValues(_ huma.Context, _ string, body any) (any, error) {
	if refusal, is := body.(*huma.ErrorModel); is {
		for _, detail := range refusal.Errors {
			detail.Value = nil
		}
	}
	return body, nil
}

// refuseOthers answers in the API's way what no operation does.
func (a *operations) refuseOthers(mux *http.ServeMux) {
	mux.HandleFunc("/api/", func(w http.ResponseWriter, _ *http.Request) {
		problem(w, http.StatusNotFound, "there is no such operation; /api/v1/openapi.json lists them")
	})
	for path, methods := range a.methods {
		allowed := strings.Join(methods, ", ")
		mux.HandleFunc(apiPath+path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Allow", allowed)
			problem(w, http.StatusMethodNotAllowed, "use "+allowed)
		})
	}
}
