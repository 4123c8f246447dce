package agentui

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"svar/identity"
)

// Configuration can be read again while everything goes on.
type Configuration interface {
	// Reload reads the configuration and takes over what may change live. A configuration with
	// faults changes nothing: the error is a [WrongConfiguration].
	Reload(ctx context.Context) (Reloaded, error)
}

// Reloaded is what came of it. Settings are named by their paths: desk.rise_after.
type Reloaded struct {
	Changed  []string `json:"changed" nullable:"false" doc:"Settings that hold from now on; contacts go on with those that they began with"`
	Restart  []string `json:"restart" nullable:"false" doc:"Settings that hold from the next start on"`
	Warnings []string `json:"warnings" nullable:"false" doc:"What is allowed but hardly meant, each as file:line:column: what"`
}

// WrongConfiguration are the faults of a configuration, each as file:line:column: what.
type WrongConfiguration []string

func (w WrongConfiguration) Error() string { return strings.Join(w, "\n") }

type reloadedOutput struct{ Body Reloaded }

// reload lets administrators have the configuration read again.
func (u *UI) reload(ctx context.Context, in *SessionInput) (*reloadedOutput, error) {
	_, account, err := u.require(*in)
	switch {
	case err != nil:
		return nil, err
	case account.Role != identity.Administrator:
		return nil, huma.Error403Forbidden("only administrators may have the configuration read again")
	}
	reloaded, err := u.config.Configuration.Reload(ctx)
	if wrong := WrongConfiguration(nil); errors.As(err, &wrong) {
		var faults []error
		for _, fault := range wrong {
			faults = append(faults, &huma.ErrorDetail{Location: "configuration", Message: fault})
		}
		return nil, huma.Error422UnprocessableEntity("the configuration has faults; nothing was changed", faults...)
	}
	if err != nil {
		u.logFailure(err, "the configuration could not be taken over")
		return nil, huma.ErrorWithHeaders(
			huma.Error503ServiceUnavailable("the configuration could not be taken over; try this again in a moment"),
			http.Header{"Retry-After": {retryAfter}})
	}
	u.config.Log.Info().Str("agent", account.Name).Msg("the configuration was read again")
	out := &reloadedOutput{Body: reloaded}
	out.Body.Changed, out.Body.Restart, out.Body.Warnings = listOf(reloaded.Changed), listOf(reloaded.Restart), listOf(reloaded.Warnings)
	return out, nil
}
