package agentui

import (
	"context"
	"html"
	"mime"
)

// framePolicy lets what a stranger wrote do nothing at all: it is shown in a frame of the
// console, without scripts, forms, links that open, and anything that is fetched.
const framePolicy = "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'; frame-ancestors 'self'"

// filePolicy is for a file that a browser opens instead of saving.
const filePolicy = "sandbox; default-src 'none'; frame-ancestors 'none'"

type entryInput struct {
	TicketInput
	Entry int64 `path:"id" minimum:"1"`
}

type rawOutput struct {
	ContentType string `header:"Content-Type"`
	Policy      string `header:"Content-Security-Policy"`
	Disposition string `header:"Content-Disposition"`
	Body        []byte
}

// entryHTML serves the HTML body of an entry. It was sanitised when it came in; the policy
// holds even if that failed.
func (u *UI) entryHTML(ctx context.Context, in *entryInput) (*rawOutput, error) {
	_, account, err := u.require(in.SessionInput)
	if err != nil {
		return nil, err
	}
	t, err := u.openOwnTicket(ctx, account, in.Number, surfaceHTML)
	if err != nil {
		return nil, err
	}
	body, err := u.config.Tickets.EntryHTML(ctx, t.Number, in.Entry)
	if err != nil {
		return nil, u.ticketProblem(err)
	}
	page := `<!doctype html><html lang="` + html.EscapeString(t.Language) + `"><head><meta charset="utf-8"><title>` +
		html.EscapeString(string(t.Number)) + `</title><style>body{font:1rem/1.5 system-ui,sans-serif;margin:.75rem;overflow-wrap:anywhere}img{max-width:100%}</style></head><body>` +
		body + `</body></html>`
	return &rawOutput{ContentType: "text/html; charset=utf-8", Policy: framePolicy, Disposition: "inline", Body: []byte(page)}, nil
}

type attachmentInput struct {
	TicketInput
	Attachment int64 `path:"id" minimum:"1"`
}

// attachment serves a file to be saved. What the sender calls its type is not believed.
func (u *UI) attachment(ctx context.Context, in *attachmentInput) (*rawOutput, error) {
	_, account, err := u.require(in.SessionInput)
	if err != nil {
		return nil, err
	}
	t, err := u.openOwnTicket(ctx, account, in.Number, surfaceAttachment)
	if err != nil {
		return nil, err
	}
	file, data, err := u.config.Tickets.Attachment(ctx, t.Number, in.Attachment)
	if err != nil {
		return nil, u.ticketProblem(err)
	}
	disposition := mime.FormatMediaType("attachment", map[string]string{"filename": file.Name})
	if disposition == "" {
		disposition = "attachment"
	}
	return &rawOutput{ContentType: "application/octet-stream", Policy: filePolicy, Disposition: disposition, Body: data}, nil
}
