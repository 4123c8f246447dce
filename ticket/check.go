package ticket

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// The limits of what a ticket holds, in characters and in pieces.
const (
	MaxSubject     = 200
	MaxText        = 100_000
	MaxName        = 200
	MaxAttachments = 50
	MaxContacts    = 50
)

// Refusal is the rules' no to a ticket or to an entry of its log: nothing was changed. It is
// an error; callers find it by errors.As.
type Refusal struct {
	Code RefusalCode
	// Field is what was wrong, with RefusedInvalid.
	Field string
}

// RefusalCode is why. Surfaces have words for each.
type RefusalCode string

// The codes.
const (
	// RefusedInvalid: a field is missing or outside its range.
	RefusedInvalid RefusalCode = "invalid"
	// RefusedClosed: the ticket is closed; a new one goes on with it.
	RefusedClosed RefusalCode = "closed"
	// RefusedStatus: there is no way from the one status to the other.
	RefusedStatus RefusalCode = "status"
	// RefusedNotTold: the user was not told the outcome (requirement 2.1f).
	RefusedNotTold RefusalCode = "not-told"
	// RefusedOrder: the entry is older than the log's last one.
	RefusedOrder RefusalCode = "order"
)

func (r *Refusal) Error() string {
	if r.Field != "" {
		return "the ticket refuses it: " + string(r.Code) + " (" + r.Field + ")"
	}
	return "the ticket refuses it: " + string(r.Code)
}

func (t Ticket) check() error {
	switch {
	case !slices.Contains([]Kind{Incident, Question, Order}, t.Kind):
		return invalid("kind")
	case strings.TrimSpace(t.Subject) == "" || !fits(t.Subject, MaxSubject) || strings.ContainsAny(t.Subject, "\r\n"):
		return invalid("subject")
	case !fits(string(t.Service), MaxName):
		return invalid("service")
	case !fits(t.Category, MaxName):
		return invalid("category")
	case t.Channel == "":
		return invalid("channel")
	case t.Language == "":
		return invalid("language")
	case !fits(t.Reporter.Name, MaxName) || !fits(t.Reporter.Address, MaxName) || strings.ContainsAny(t.Reporter.Address, "\r\n"):
		return invalid("reporter")
	case len(t.Contacts) > MaxContacts:
		return invalid("contacts")
	}
	return nil
}

func (e Entry) check() error {
	spoken := e.Kind == FromUser || e.Kind == Answer || e.Kind == Note
	switch {
	case spoken && e.Status != "", e.Kind == StatusChange && e.Status == "":
		return invalid("status")
	case e.Kind == Link && e.Contact == "":
		return invalid("contact")
	case !spoken && e.Kind != StatusChange && e.Kind != Link:
		return invalid("entry")
	case !fits(e.Text, MaxText), (e.Kind == Answer || e.Kind == Note) && strings.TrimSpace(e.Text) == "":
		return invalid("text")
	case len(e.Attachments) > MaxAttachments:
		return invalid("attachments")
	}
	return nil
}

func invalid(field string) error { return &Refusal{Code: RefusedInvalid, Field: field} }

// fits also refuses what PostgreSQL and browsers cannot hold: NUL, and what is no UTF-8.
func fits(text string, limit int) bool {
	return utf8.ValidString(text) && !strings.ContainsRune(text, 0) && utf8.RuneCountInString(text) <= limit
}

// sameAddress compares as mail systems do in practice: the local part has no case either,
// though RFC 5321 §2.4 would allow one.
func sameAddress(a, b string) bool {
	return strings.EqualFold(strings.TrimSpace(a), strings.TrimSpace(b))
}
