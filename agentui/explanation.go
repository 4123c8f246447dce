package agentui

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"svar/contact"
	"svar/report"
)

// Explanations reads what was recorded of one contact; the store is one.
type Explanations interface {
	// Recorded returns all that was recorded of the contact, in order; nothing when there is no
	// such contact.
	Recorded(ctx context.Context, id contact.ID) ([]report.Recorded, error)
}

type explanationInput struct {
	SessionInput
	ID       contact.ID `path:"id" maxLength:"64" doc:"The contact"`
	Language string     `query:"language" enum:"sv,en" default:"sv"`
}

type explanationOutput struct {
	Body report.Explanation
}

// explainContact tells supervisors, and the agents who had the contact, what happened to it, and
// for each offer why this agent and why then. It shows no caller: not even his id.
func (u *UI) explainContact(ctx context.Context, in *explanationInput) (*explanationOutput, error) {
	_, account, err := u.require(in.SessionInput)
	if err != nil {
		return nil, err
	}
	recorded, err := u.config.Explanations.Recorded(ctx, in.ID)
	if err != nil {
		return nil, u.unavailable(err, "what was recorded of a contact could not be read")
	}
	switch {
	case !supervises(account) && !report.HadBy(contact.AgentID(account.Name), recorded):
		return nil, huma.Error403Forbidden("only supervisors, administrators and the agents who had the contact may read its explanation")
	case len(recorded) == 0:
		return nil, huma.Error404NotFound("there is no such contact")
	}
	return &explanationOutput{Body: report.Explain(in.ID, recorded, in.Language)}, nil
}
