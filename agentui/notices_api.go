package agentui

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"svar/contact"
	"svar/identity"
)

// NoticeDesk keeps outage messages and embargoes; the store is one. What is not there, or
// was withdrawn or lifted before, is [ErrNotFound].
type NoticeDesk interface {
	// NoticeLog returns what was ever published or set, the newest first: at most limit of each
	// that come after that moment and id, or from the newest on when the moment is 0.
	NoticeLog(ctx context.Context, before contact.Instant, beforeID string, limit int) (contact.Notices, error)
	PublishNotice(ctx context.Context, n contact.Notice) error
	WithdrawNotice(ctx context.Context, id contact.NoticeID, by contact.AgentID, now contact.Instant) error
	SetEmbargo(ctx context.Context, e contact.Embargo) error
	LiftEmbargo(ctx context.Context, id contact.EmbargoID, by contact.AgentID, now contact.Instant) error
}

// The limits of outage messages and embargoes.
const (
	maxNoticeText = 500
	// maxNotices bounds how many stand at once: each caller hears those that concern him.
	maxNotices = 50
)

// supervises reports whether the account may publish outage messages and read the figures of
// all.
func supervises(account identity.Account) bool {
	return account.Role == identity.Supervisor || account.Role == identity.Administrator
}

// requireSupervisor returns the account that is signed in if it may do what supervisors may.
func (u *UI) requireSupervisor(in SessionInput, what string) (identity.Account, error) {
	_, account, err := u.require(in)
	if err == nil && !supervises(account) {
		err = huma.Error403Forbidden("only supervisors and administrators may " + what)
	}
	return account, err
}

type noticesOutput struct {
	Body struct {
		// Notices are those that are not withdrawn: standing, planned and past.
		Notices    []NoticeCard      `json:"notices" nullable:"false"`
		Embargoes  []contact.Embargo `json:"embargoes" nullable:"false" doc:"Those in force"`
		Log        []contact.Notice  `json:"log" nullable:"false" doc:"All, the newest first; a page of these and of embargoLog together"`
		EmbargoLog []contact.Embargo `json:"embargoLog" nullable:"false" doc:"All, the newest first"`
		Next       string            `json:"next,omitempty" doc:"What to ask for the next page of the two logs with; absent on the last one"`
	}
}

type noticesInput struct {
	SessionInput
	Before string `query:"before" maxLength:"100" doc:"What the page before had as next"`
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"100" doc:"How much of the two logs"`
}

func (u *UI) listNotices(ctx context.Context, in *noticesInput) (*noticesOutput, error) {
	if _, err := u.requireSupervisor(in.SessionInput, "read the log of outage messages"); err != nil {
		return nil, err
	}
	from, valid := parseLogCursor(in.Before, maxUUID)
	if !valid {
		return nil, noLogCursor()
	}
	log, err := u.config.NoticeDesk.NoticeLog(ctx, from.at, from.id, in.Limit+1)
	if err != nil {
		return nil, u.noticeProblem(err)
	}
	log, next := noticePage(log, in.Limit)
	now := u.config.Notices.Notices()
	out := &noticesOutput{}
	out.Body.Notices = []NoticeCard{}
	for _, notice := range now.Notices {
		out.Body.Notices = append(out.Body.Notices, NoticeCard{Notice: notice, Blocked: now.Blocked(notice)})
	}
	out.Body.Embargoes, out.Body.Log, out.Body.EmbargoLog = listOf(now.Embargoes), listOf(log.Notices), listOf(log.Embargoes)
	out.Body.Next = next
	return out, nil
}

type publishInput struct {
	SessionInput
	Body struct {
		Service   string            `json:"service,omitempty" maxLength:"64"`
		Lines     []string          `json:"lines,omitempty" maxItems:"100" doc:"Who is told; nobody is left out when empty"`
		Audiences []string          `json:"audiences,omitempty" maxItems:"10"`
		Text      map[string]string `json:"text" doc:"By language; sv is needed"`
		From      int64             `json:"from,omitempty" minimum:"0" doc:"Milliseconds since 1970; now when 0"`
		Until     int64             `json:"until,omitempty" minimum:"0" doc:"0 while nobody knows"`
	}
}

type publishedOutput struct {
	Body struct {
		ID string `json:"id"`
		// Blocked says that the City's embargo keeps it silent for now.
		Blocked bool `json:"blocked"`
	}
}

// publishNotice publishes an outage message. Under an embargo it is kept and shown as
// blocked: it is told when the embargo is lifted.
func (u *UI) publishNotice(ctx context.Context, in *publishInput) (*publishedOutput, error) {
	account, err := u.requireSupervisor(in.SessionInput, "publish outage messages")
	if err != nil {
		return nil, err
	}
	now := u.instant()
	notice := contact.Notice{
		ID: contact.NoticeID(newID()), Service: contact.ServiceID(in.Body.Service), Text: map[string]string{},
		From: contact.Instant(in.Body.From), Until: contact.Instant(in.Body.Until), Published: now, By: contact.AgentID(account.Name),
	}
	if notice.From == 0 {
		notice.From = now
	}
	for _, line := range in.Body.Lines {
		notice.Lines = append(notice.Lines, contact.LineID(line))
	}
	for _, audience := range in.Body.Audiences {
		notice.Audiences = append(notice.Audiences, contact.Audience(audience))
	}
	for language, text := range in.Body.Text {
		if text = strings.TrimSpace(text); text != "" {
			notice.Text[language] = text
		}
	}
	if faults := u.noticeFaults(notice, now); len(faults) > 0 {
		return nil, huma.Error422UnprocessableEntity("the outage message cannot be published like this", faults...)
	}
	if err := u.config.NoticeDesk.PublishNotice(ctx, notice); err != nil {
		return nil, u.noticeProblem(err)
	}
	out := &publishedOutput{}
	out.Body.ID, out.Body.Blocked = string(notice.ID), u.config.Notices.Notices().Blocked(notice)
	return out, nil
}

func newID() string { return uuid.Must(uuid.NewV7()).String() }

// audiences are those that a message can be narrowed to.
var audiences = []contact.Audience{
	contact.AudiencePupil, contact.AudienceStaff, contact.AudienceGuardian, contact.AudienceContactCentre, contact.AudienceSupplier,
}

// noticeFaults says all that is wrong with an outage message.
func (u *UI) noticeFaults(n contact.Notice, now contact.Instant) []error {
	var faults []error
	wrong := func(where, what string) {
		faults = append(faults, &huma.ErrorDetail{Location: "body." + where, Message: what})
	}
	if n.Text["sv"] == "" {
		wrong("text.sv", "is needed")
	}
	for _, language := range []string{"sv", "en"} {
		if !sayable(n.Text[language], maxNoticeText) {
			wrong("text."+language, "may have 500 characters, none of them control characters")
		}
	}
	for language := range n.Text {
		if language != "sv" && language != "en" {
			wrong("text", "may be in sv and en")
		}
	}
	if n.Until != 0 && (n.Until <= n.From || n.Until <= now) {
		wrong("until", "is not after the beginning, or is over")
	}
	if !u.offers(n.Service, "") {
		wrong("service", "is not in the catalogue")
	}
	for _, line := range n.Lines {
		if !u.catalogue.Load().hasLine(line) {
			wrong("lines", "names a line that there is not")
		}
	}
	for _, audience := range n.Audiences {
		if !slices.Contains(audiences, audience) {
			wrong("audiences", "names an audience that there is not")
		}
	}
	if len(u.config.Notices.Notices().Notices) >= maxNotices {
		wrong("text", "so many messages are published already that nobody would hear them all; withdraw some")
	}
	return faults
}

// sayable reports whether a text can be said and shown.
func sayable(text string, limit int) bool {
	control := func(r rune) bool { return unicode.IsControl(r) && r != '\n' }
	return utf8.ValidString(text) && utf8.RuneCountInString(text) <= limit && !strings.ContainsFunc(text, control)
}

// NamedInput is the input of an operation on something with an id; it is exported for huma.
type NamedInput struct {
	SessionInput
	ID string `path:"id" maxLength:"64"`
}

func (u *UI) withdrawNotice(ctx context.Context, in *NamedInput) (*struct{}, error) {
	account, err := u.requireSupervisor(in.SessionInput, "withdraw outage messages")
	if err != nil {
		return nil, err
	}
	err = u.config.NoticeDesk.WithdrawNotice(ctx, contact.NoticeID(in.ID), contact.AgentID(account.Name), u.instant())
	return nil, u.noticeProblem(err)
}

type embargoInput struct {
	SessionInput
	Body struct {
		Service string `json:"service,omitempty" maxLength:"64" doc:"Empty means all"`
		Contact string `json:"contact" minLength:"1" maxLength:"200" doc:"The person of the City who gave the instruction"`
		Scope   string `json:"scope" minLength:"1" maxLength:"500"`
		Relief  string `json:"relief,omitempty" maxLength:"200" doc:"The reference of the exemption from service credits"`
	}
}

type embargoOutput struct {
	Body struct {
		ID string `json:"id"`
	}
}

// setEmbargo silences outage messages from now on.
func (u *UI) setEmbargo(ctx context.Context, in *embargoInput) (*embargoOutput, error) {
	account, err := u.requireSupervisor(in.SessionInput, "block outage messages")
	if err != nil {
		return nil, err
	}
	embargo := contact.Embargo{
		ID: contact.EmbargoID(newID()), Service: contact.ServiceID(in.Body.Service), Contact: strings.TrimSpace(in.Body.Contact),
		Scope: strings.TrimSpace(in.Body.Scope), Relief: strings.TrimSpace(in.Body.Relief), From: u.instant(), By: contact.AgentID(account.Name),
	}
	var faults []error
	for _, field := range []struct{ name, text string }{{"contact", embargo.Contact}, {"scope", embargo.Scope}, {"relief", embargo.Relief}} {
		if field.text == "" && field.name != "relief" || !sayable(field.text, maxNoticeText) {
			faults = append(faults, &huma.ErrorDetail{Location: "body." + field.name, Message: "is missing or has control characters"})
		}
	}
	if !u.offers(embargo.Service, "") {
		faults = append(faults, &huma.ErrorDetail{Location: "body.service", Message: "is not in the catalogue"})
	}
	if len(faults) > 0 {
		return nil, huma.Error422UnprocessableEntity("the block cannot be set like this", faults...)
	}
	if err := u.config.NoticeDesk.SetEmbargo(ctx, embargo); err != nil {
		return nil, u.noticeProblem(err)
	}
	out := &embargoOutput{}
	out.Body.ID = string(embargo.ID)
	return out, nil
}

func (u *UI) liftEmbargo(ctx context.Context, in *NamedInput) (*struct{}, error) {
	account, err := u.requireSupervisor(in.SessionInput, "lift a block of outage messages")
	if err != nil {
		return nil, err
	}
	err = u.config.NoticeDesk.LiftEmbargo(ctx, contact.EmbargoID(in.ID), contact.AgentID(account.Name), u.instant())
	return nil, u.noticeProblem(err)
}

// noticeProblem says an error in plain words; nil stays nil.
func (u *UI) noticeProblem(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrNotFound):
		return huma.NewError(http.StatusNotFound, "there is none of that id that still stands")
	}
	return u.unavailable(err, "outage messages could not be read or written")
}
