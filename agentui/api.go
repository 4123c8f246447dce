package agentui

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"svar/contact"
	"svar/identity"
)

// ContactFilter says which stored contacts are wanted: those that arrived in [From, To),
// newest first, at most Limit, before the contact Before.
type ContactFilter struct {
	From, To time.Time
	Line     contact.LineID
	State    contact.State
	Before   contact.ID
	Limit    int
}

// StoredContact is a contact as the database has it, without the caller's name: who
// calls is shown where it is needed, in the console.
type StoredContact struct {
	ID       contact.ID          `json:"id"`
	Channel  contact.Channel     `json:"channel"`
	Line     contact.LineID      `json:"line"`
	Audience contact.Audience    `json:"audience,omitempty"`
	State    contact.State       `json:"state"`
	End      contact.End         `json:"end,omitempty"`
	Stage    contact.Stage       `json:"stage,omitempty"`
	Callback bool                `json:"callback,omitempty"`
	Agent    contact.AgentID     `json:"agent,omitempty"`
	Outcome  contact.OutcomeCode `json:"outcome,omitempty"`
	// Outgoing is one that the desk began; Failure says why nobody was reached.
	Outgoing bool                `json:"outgoing,omitempty" doc:"The desk called"`
	Failure  contact.DialFailure `json:"failure,omitempty" doc:"Why nobody was reached"`
	Arrived  time.Time           `json:"arrived"`
	Greeted  *time.Time          `json:"greeted,omitempty" doc:"When the system answered (200 OK)"`
	Queued   *time.Time          `json:"queued,omitempty"`
	Answered *time.Time          `json:"answered,omitempty" doc:"When an agent first answered"`
	Ended    *time.Time          `json:"ended,omitempty" doc:"When the talk ended"`
	Closed   *time.Time          `json:"closed,omitempty"`
	// Transitions are all that happened to it, in order.
	Transitions []Transition `json:"transitions"`
}

// Transition is one recorded event of a contact.
type Transition struct {
	Sequence uint64          `json:"sequence"`
	At       time.Time       `json:"at"`
	Event    string          `json:"event"`
	Data     json.RawMessage `json:"data"`
}

// Contacts reads stored contacts; the store is one.
type Contacts interface {
	Contacts(ctx context.Context, f ContactFilter) ([]StoredContact, error)
}

const maxPage = 200

type contactsInput struct {
	SessionInput
	From   time.Time `query:"from" doc:"Arrived at or after this; 24 hours ago by default"`
	To     time.Time `query:"to" doc:"Arrived before this; now by default"`
	Line   string    `query:"line" maxLength:"64"`
	State  string    `query:"state" enum:"arrived,greeted,waiting,offered,dialling,connected,held,wrap-up,closed"`
	Before string    `query:"before" maxLength:"64" doc:"The id of the last contact of the page before"`
	Limit  int       `query:"limit" minimum:"1" maximum:"200" default:"50"`
}

type contactsOutput struct {
	Body struct {
		Contacts []StoredContact `json:"contacts" nullable:"false"`
		// Next is the id to ask for the next page with; empty on the last one.
		Next contact.ID `json:"next,omitempty"`
	}
}

func (u *UI) listContacts(ctx context.Context, in *contactsInput) (*contactsOutput, error) {
	_, account, err := u.require(in.SessionInput)
	if err != nil {
		return nil, err
	}
	if account.Role != identity.Supervisor && account.Role != identity.Administrator {
		return nil, huma.Error403Forbidden("only supervisors and administrators may list contacts")
	}
	filter := ContactFilter{
		From: in.From, To: in.To, Line: contact.LineID(in.Line), State: contact.State(in.State),
		Before: contact.ID(in.Before), Limit: min(in.Limit, maxPage),
	}
	if filter.To.IsZero() {
		filter.To = u.config.Now()
	}
	if filter.From.IsZero() {
		filter.From = filter.To.Add(-24 * time.Hour)
	}
	if !filter.From.Before(filter.To) {
		return nil, huma.Error422UnprocessableEntity("from must be before to",
			&huma.ErrorDetail{Location: "query.from", Message: "is not before to"})
	}
	contacts, err := u.config.Contacts.Contacts(ctx, filter)
	if err != nil {
		return nil, u.unavailable(err, "stored contacts could not be read")
	}
	out := &contactsOutput{}
	out.Body.Contacts = listOf(contacts)
	for i := range out.Body.Contacts {
		if err := withoutPeople(&out.Body.Contacts[i]); err != nil {
			return nil, err
		}
	}
	if len(contacts) == filter.Limit {
		out.Body.Next = contacts[len(contacts)-1].ID
	}
	return out, nil
}

const apiDescription = `What the console asks for besides its socket. Sign in by POST /session, which sets a cookie.

Whatever goes wrong is answered as application/problem+json (RFC 9457): 401 nobody is signed in, 403 the account may not, or a page of another origin
asks, 404 and 405 there is no such thing, 409 its state does not allow it, 413 and 422 the request is too large or not valid (each fault by its place),
429 and 503 try again after Retry-After.

Long lists come in pages: ask again with what the answer calls next, until there is none.`

// serveAPI adds /api/v1 with its description at /api/v1/openapi.json.
func (u *UI) serveAPI(mux *http.ServeMux) {
	config := huma.DefaultConfig("Svar", "1")
	config.Info.Description = apiDescription
	config.OpenAPIPath, config.DocsPath, config.SchemasPath = "/api/v1/openapi", "", ""
	config.CreateHooks = nil // no $schema members in the bodies
	config.Transformers = append(config.Transformers, withoutValues)
	config.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"session":      {Type: "apiKey", In: "cookie", Name: secureCookie, Description: "Over TLS"},
		"sessionPlain": {Type: "apiKey", In: "cookie", Name: sessionCookie, Description: "Where there is no TLS"},
	}
	a := &operations{API: humago.New(mux, config), methods: map[string][]string{}}
	a.UseMiddleware(onlyText(a.API))
	for _, description := range []string{"/openapi.json", "/openapi.yaml", "/openapi-3.0.json", "/openapi-3.0.yaml"} {
		a.methods[description] = []string{http.MethodGet}
	}
	signIn := a.operation("sign-in", "POST /session", "Sign in")
	signIn.DefaultStatus, signIn.MaxBodyBytes, signIn.Security = http.StatusNoContent, maxCredentials, nil
	signIn.Middlewares = nil // it asks no database, and may stand in a line of those who try
	signIn.Errors = []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusRequestEntityTooLarge, http.StatusTooManyRequests}
	huma.Register(a.API, signIn, u.signIn)
	signOut := a.silent("sign-out", "DELETE /session", "Sign out")
	signOut.Middlewares = nil // it bounds itself
	signOut.Errors = []int{http.StatusForbidden, http.StatusConflict}
	huma.Register(a.API, signOut, u.signOut)
	huma.Register(a.API, a.operation("get-session", "GET /session", "Who is signed in"), u.whoAmI)
	huma.Register(a.API, a.operation("list-own-contacts", "GET /me/contacts", "Your own last contacts, newest first"), u.listOwnContacts)
	huma.Register(a.API, a.operation("list-contacts", "GET /contacts", "Contacts with all their transitions, newest first"), u.listContacts)
	huma.Register(a.API, a.operation("explain-contact", "GET /contacts/{id}/explanation", "What happened to a contact in words, and why it went to whom"), u.explainContact)
	huma.Register(a.API, a.operation("list-recordings", "GET /recordings", "Calls of which a recording is kept, newest first, for supervisors"), u.listRecordedCalls)
	u.serveCalls(a)
	hear := file(a.operation("get-recording", "GET /contacts/{id}/recording", "What was recorded of a call, for supervisors who say why"), "audio/wav")
	hear.Errors = append(hear.Errors, http.StatusUnprocessableEntity)
	huma.Register(a.API, hear, u.recording)
	reload := a.operation("reload-configuration", "POST /configuration/reload", "Read the configuration again, and take over what may change live")
	reload.Errors = append(reload.Errors, http.StatusUnprocessableEntity)
	huma.Register(a.API, reload, u.reload)
	u.serveTickets(a)
	u.serveNotices(a)
	u.servePrompts(a)
	huma.Register(a.API, a.count("get-figures", "GET /figures", "Figures of contacts by interval, channel, line and audience"), u.listFigures)
	huma.Register(a.API, file(a.count("export-figures", "GET /figures.csv", "The same for spreadsheets"), "text/csv"), u.exportFigures)
	a.refuseOthers(mux)
}

func (u *UI) serveTickets(a *operations) {
	huma.Register(a.API, a.operation("search-tickets", "POST /search/tickets", "Tickets, the newest change first"), u.searchTickets)
	huma.Register(a.API, a.creation("open-ticket", "POST /tickets", "Register a ticket"), u.createTicket)
	huma.Register(a.API, a.operation("get-ticket", "GET /tickets/{number}", "A ticket with its log"), u.readTicket)
	huma.Register(a.API, a.creation("add-entry", "POST /tickets/{number}/entries", "Write a note, or an answer to the user"), u.addEntry)
	huma.Register(a.API, a.silent("set-status", "POST /tickets/{number}/status", "Change the status"), u.setStatus)
	huma.Register(a.API, a.silent("link-contact", "POST /tickets/{number}/contacts", "Link a contact"), u.linkContact)
	huma.Register(a.API, file(a.operation("get-entry-html", "GET /tickets/{number}/entries/{id}/html", "The HTML of an entry, for a sandboxed frame"), "text/html"), u.entryHTML)
	huma.Register(a.API, file(a.operation("get-attachment", "GET /tickets/{number}/attachments/{id}", "A file of a ticket, to be saved"), "application/octet-stream"), u.attachment)
}

func (u *UI) serveNotices(a *operations) {
	huma.Register(a.API, a.operation("list-notices", "GET /notices", "Outage messages and embargoes, with their log"), u.listNotices)
	huma.Register(a.API, a.creation("publish-notice", "POST /notices", "Publish an outage message"), u.publishNotice)
	huma.Register(a.API, a.silent("withdraw-notice", "POST /notices/{id}/withdraw", "Withdraw an outage message"), u.withdrawNotice)
	huma.Register(a.API, a.creation("set-embargo", "POST /embargoes", "Silence outage messages by the City's instruction"), u.setEmbargo)
	huma.Register(a.API, a.silent("lift-embargo", "POST /embargoes/{id}/lift", "End such an instruction"), u.liftEmbargo)
}

// operations are those of the API, and which methods each path has.
type operations struct {
	huma.API
	methods map[string][]string
}

// apiPath is before the path of every operation.
const apiPath = "/api/v1"

// operation describes one that somebody signed in may ask for.
func (a *operations) operation(id, route, summary string) huma.Operation {
	method, path, _ := strings.Cut(route, " ")
	a.methods[path] = append(a.methods[path], method)
	o := huma.Operation{
		OperationID: id, Method: method, Path: apiPath + path, Summary: summary, Tags: []string{tagOf(path)},
		Security:     []map[string][]string{{"session": {}}, {"sessionPlain": {}}},
		MaxBodyBytes: maxTicketBody, Middlewares: huma.Middlewares{within(readingTime)},
		Errors: []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusServiceUnavailable},
	}
	if strings.Contains(path, "{") {
		o.Errors = append(o.Errors, http.StatusNotFound)
	}
	if method == http.MethodPost {
		o.Errors = append(o.Errors, http.StatusConflict, http.StatusRequestEntityTooLarge)
		if !strings.HasPrefix(path, "/search/") {
			o.Middlewares = huma.Middlewares{within(writingTime)}
		}
	}
	return o
}

// onlyText refuses, in the path and the query of every operation, what the database takes for no text: it would fail by that as if it were
// away.
func onlyText(api huma.API) func(ctx huma.Context, next func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		address := ctx.URL()
		if !sayable(address.Path, len(address.Path)) {
			_ = huma.WriteErr(api, ctx, http.StatusNotFound, "the path is no text")
			return
		}
		for name, values := range address.Query() {
			if slices.ContainsFunc(values, func(value string) bool { return !sayable(value, len(value)) }) {
				_ = huma.WriteErr(api, ctx, http.StatusUnprocessableEntity, "a parameter is no text", &huma.ErrorDetail{Location: "query." + name, Message: "is no text"})
				return
			}
		}
		next(ctx)
	}
}

// tagOf is what an operation is about: the first part of its path, after what only says how.
func tagOf(path string) string {
	about := strings.Split(strings.TrimPrefix(strings.TrimPrefix(path, "/search"), "/"), "/")[0]
	about, _, _ = strings.Cut(about, ".")
	return about
}

// count is an operation that goes through many contacts.
func (a *operations) count(id, route, summary string) huma.Operation {
	o := a.operation(id, route, summary)
	o.Middlewares = huma.Middlewares{within(countingTime)}
	return o
}

// file is an operation that answers with a file of that type.
func file(o huma.Operation, contentType string) huma.Operation {
	o.Responses = map[string]*huma.Response{strconv.Itoa(http.StatusOK): {
		Description: http.StatusText(http.StatusOK),
		Content:     map[string]*huma.MediaType{contentType: {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}},
	}}
	return o
}

// creation is an operation that makes something.
func (a *operations) creation(id, route, summary string) huma.Operation {
	o := a.operation(id, route, summary)
	o.DefaultStatus = http.StatusCreated
	return o
}

// silent is an operation whose success says nothing more.
func (a *operations) silent(id, route, summary string) huma.Operation {
	o := a.operation(id, route, summary)
	o.DefaultStatus = http.StatusNoContent
	return o
}

// withoutPeople takes the person out of a stored contact's events: registers make ids from
// names, and a protected person is shown by nothing (requirement D1).
func withoutPeople(stored *StoredContact) error {
	stored.Transitions = listOf(stored.Transitions)
	for i := range stored.Transitions {
		event := &stored.Transitions[i]
		if !bytes.Contains(event.Data, []byte(`"person"`)) {
			continue
		}
		fields, err := membersOf(event.Data)
		if err != nil {
			return fmt.Errorf("read event %d of contact %s: %w", event.Sequence, stored.ID, err)
		}
		delete(fields, "person")
		if inner, err := membersOf(fields["contact"]); err == nil {
			delete(inner, "person")
			if fields["contact"], err = json.Marshal(inner); err != nil {
				return err
			}
		}
		if event.Data, err = json.Marshal(fields); err != nil {
			return err
		}
	}
	return nil
}

func membersOf(object json.RawMessage) (map[string]json.RawMessage, error) {
	var members map[string]json.RawMessage
	err := json.Unmarshal(object, &members)
	return members, err
}
