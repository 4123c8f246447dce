package portal

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"

	"svar/contact"
	"svar/ticket"
)

// maxText is what a user may write at once, in characters. It is far below the ticket's own
// limit, which conversations and mails need.
const maxText = 20_000

type choice struct{ Value, Name string }

type serviceChoice struct {
	Name    string
	Choices []choice
}

type reportForm struct {
	ID, Kind, About, Subject, Text string
	Kinds                          []string
	Services                       []serviceChoice
	MaxSubject                     int
}

// between parts service and category in one value of the list.
const between = "/"

func (p *Portal) reportPage(w http.ResponseWriter, r *http.Request, status int, form reportForm, faults ...string) {
	content := p.newPage(r, "report")
	for _, field := range faults {
		named := fault{field, content.T("fault." + field)}
		if field == "desk" {
			named.Field = ""
		}
		content.Faults = append(content.Faults, named)
	}
	form.MaxSubject = ticket.MaxSubject
	form.Kinds = []string{string(ticket.Incident), string(ticket.Question), string(ticket.Order)}
	for _, service := range p.catalogue.Load().Services {
		shown := serviceChoice{Name: in(service.Name, content.Lang)}
		shown.Choices = append(shown.Choices, choice{string(service.ID) + between, shown.Name + ": " + content.T("about.whole")})
		for _, category := range service.Categories {
			shown.Choices = append(shown.Choices, choice{string(service.ID) + between + category.ID, shown.Name + ": " + in(category.Name, content.Lang)})
		}
		form.Services = append(form.Services, shown)
	}
	content.Data = form
	p.show(w, r, status, "report", content)
}

func (p *Portal) showReport(w http.ResponseWriter, r *http.Request, _ User) {
	p.reportPage(w, r, http.StatusOK, reportForm{ID: uuid.NewString()})
}

// about reads what was chosen in the list of services.
func (p *Portal) about(value string) (contact.ServiceID, string, bool) {
	if value == "" {
		return "", "", true
	}
	id, category, _ := strings.Cut(value, between)
	for _, service := range p.catalogue.Load().Services {
		if string(service.ID) != id {
			continue
		}
		for _, known := range service.Categories {
			if known.ID == category {
				return service.ID, category, true
			}
		}
		return service.ID, "", category == ""
	}
	return "", "", false
}

func (p *Portal) report(w http.ResponseWriter, r *http.Request, user User) {
	if !p.parse(w, r) {
		return
	}
	f := r.PostForm
	form := reportForm{ID: formID(f.Get("id")), Kind: f.Get("kind"), About: f.Get("about"), Subject: f.Get("subject"), Text: f.Get("text")}
	var faults []string
	switch ticket.Kind(form.Kind) {
	case ticket.Incident, ticket.Question, ticket.Order:
	default:
		faults = append(faults, "kind")
	}
	service, category, known := p.about(form.About)
	if !known {
		faults = append(faults, "about")
	}
	if subject := strings.TrimSpace(form.Subject); !written(subject, ticket.MaxSubject) || strings.ContainsAny(subject, "\r\n") {
		faults = append(faults, "subject")
	}
	if !written(form.Text, maxText) {
		faults = append(faults, "text")
	}
	if faults != nil {
		p.reportPage(w, r, http.StatusUnprocessableEntity, form, faults...)
		return
	}
	number, err := p.config.Desk.Report(r.Context(), Report{
		ID: form.ID, User: user, Kind: ticket.Kind(form.Kind), Service: service, Category: category,
		Subject: strings.TrimSpace(form.Subject), Text: form.Text, Language: choose(r),
	})
	if err != nil {
		p.config.Log.Error().Err(err).Msg("a report of the portal could not be taken")
		p.reportPage(w, r, http.StatusServiceUnavailable, form, "desk")
		return
	}
	http.Redirect(w, r, "/tickets/"+string(number)+"?new=1", http.StatusSeeOther)
}

// written tells that something was written, within a limit, that can be stored and shown.
func written(text string, limit int) bool {
	return strings.TrimSpace(text) != "" && utf8.ValidString(text) && !strings.ContainsRune(text, 0) && utf8.RuneCountInString(text) <= limit
}

// formID returns the form's id, or a new one instead of what we did not make.
func formID(text string) string {
	if id, err := uuid.Parse(text); err == nil {
		return id.String()
	}
	return uuid.NewString()
}

type shownTicket struct{ Number, Subject, Status, Changed string }

func (p *Portal) tickets(w http.ResponseWriter, r *http.Request, user User) {
	found, err := p.config.Desk.TicketsOf(r.Context(), user.Person)
	if err != nil {
		p.deskFault(w, r, err)
		return
	}
	content := p.newPage(r, "tickets")
	shown := make([]shownTicket, 0, len(found))
	for _, t := range found {
		shown = append(shown, shownTicket{string(t.Number), t.Subject, statusWord(content.Lang, t.Status), p.when(t.Changed)})
	}
	content.Data = shown
	p.show(w, r, http.StatusOK, "tickets", content)
}

func statusWord(lang string, status ticket.Status) string {
	if status == ticket.Closed {
		return say(lang, "closed.status")
	}
	return say(lang, string(status))
}

func (p *Portal) when(at contact.Instant) string {
	t := at.Time()
	if zone := p.catalogue.Load().Hours.Zone; zone != nil {
		t = t.In(zone)
	}
	return t.Format("2006-01-02 15:04")
}

func (p *Portal) deskFault(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, ErrNotFound) {
		p.fail(w, r, http.StatusNotFound)
		return
	}
	p.config.Log.Error().Err(err).Msg("the portal could not read tickets")
	p.fail(w, r, http.StatusServiceUnavailable)
}

type shownEntry struct{ Who, At, Text string }

type ticketData struct {
	Number, Status, ID, Text string
	New, Closed              bool
	Entries                  []shownEntry
}

func (p *Portal) ticket(w http.ResponseWriter, r *http.Request, user User) {
	p.ticketPage(w, r, http.StatusOK, user, ticketData{ID: uuid.NewString(), New: r.URL.Query().Get("new") == "1"})
}

// ticketPage shows what its user may read of the ticket: public entries only.
func (p *Portal) ticketPage(w http.ResponseWriter, r *http.Request, status int, user User, data ticketData, faults ...fault) {
	t, err := p.config.Desk.TicketOf(r.Context(), user.Person, contact.TicketNumber(r.PathValue("number")))
	if err != nil {
		p.deskFault(w, r, err)
		return
	}
	content := p.newPage(r, "number")
	content.Title, content.Faults = t.Subject, faults
	data.Number, data.Status, data.Closed = string(t.Number), statusWord(content.Lang, t.Status), t.Status == ticket.Closed
	for _, entry := range t.Entries {
		if !entry.Kind.Public() {
			continue
		}
		shown := shownEntry{Who: content.T("desk"), At: p.when(entry.At), Text: entry.Text}
		switch entry.Kind {
		case ticket.Answer, ticket.Note, ticket.Link:
		case ticket.FromUser:
			shown.Who = content.T("you")
		case ticket.StatusChange:
			shown.Text = fmt.Sprintf(content.T("status-became"), statusWord(content.Lang, entry.Status))
		}
		data.Entries = append(data.Entries, shown)
	}
	content.Data = data
	p.show(w, r, status, "ticket", content)
}

func (p *Portal) writeBack(w http.ResponseWriter, r *http.Request, user User) {
	if !p.parse(w, r) {
		return
	}
	number := contact.TicketNumber(r.PathValue("number"))
	data := ticketData{ID: formID(r.PostForm.Get("id")), Text: r.PostForm.Get("text")}
	lang := choose(r)
	if !written(data.Text, maxText) {
		p.ticketPage(w, r, http.StatusUnprocessableEntity, user, data, fault{"text", say(lang, "fault.text")})
		return
	}
	err := p.config.Desk.WriteBack(r.Context(), user, number, data.ID, data.Text, lang)
	var refused *ticket.Refusal
	switch {
	case errors.Is(err, ErrNotFound):
		p.fail(w, r, http.StatusNotFound)
	case errors.As(err, &refused) && refused.Code == ticket.RefusedClosed:
		p.ticketPage(w, r, http.StatusConflict, user, data, fault{"", say(lang, "closed")})
	case err != nil:
		p.config.Log.Error().Err(err).Msg("what a user wrote could not be taken")
		p.ticketPage(w, r, http.StatusServiceUnavailable, user, data, fault{"", say(lang, "fault.desk")})
	default:
		http.Redirect(w, r, "/tickets/"+string(number), http.StatusSeeOther) //nolint:gosec // the ticket exists
	}
}
