package agentui

import (
	"net/http"
	"strings"
	"testing"

	"svar/contact"
	"svar/report"
)

// explained is a contact that anna had and bo was offered.
func explained() []report.Recorded {
	return []report.Recorded{
		{Sequence: 1, At: 1_000, Event: contact.ContactArrived{Contact: contact.Contact{ID: "c", Channel: contact.Voice, Line: "staff", Person: hiddenPerson}}},
		{Sequence: 2, At: 2_000, Event: contact.ContactOffered{Contact: "c", Offer: 1, Agent: "bo", Expires: 17_000, Why: contact.Why{Candidates: 2, Waiting: 1, Rule: contact.HighestLevel, Level: 4}}},
		{Sequence: 2, At: 2_000, Event: contact.ContactConnected{Contact: "c", Offer: 2, Agent: "anna"}},
	}
}

// Supervisors and the agents who had a contact may ask why it went as it did; nobody else may.
func TestExplanationIsForThoseWhoHadTheContact(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.explained.by["c"] = explained()
	for account, want := range map[string]int{
		"anna": http.StatusOK, "eva": http.StatusOK, "adam": http.StatusOK, "bo": http.StatusForbidden, // bo was only offered it
	} {
		r := w.do("GET", "/api/v1/contacts/c/explanation", w.token(account), nil)
		if r.Code != want {
			t.Errorf("%s: %d %s; want %d", account, r.Code, r.Body, want)
		}
		if strings.Contains(r.Body.String(), string(hiddenPerson)) {
			t.Errorf("%s is shown who called: %s", account, r.Body)
		}
	}
	for account, want := range map[string]int{"eva": http.StatusNotFound, "anna": http.StatusForbidden} { // whether there is one is nobody else's business
		wantProblem(t, "no such contact, "+account, w.do("GET", "/api/v1/contacts/x/explanation", w.token(account), nil), want)
		wantProblem(t, "no text, "+account, w.do("GET", "/api/v1/contacts/%00/explanation", w.token(account), nil), http.StatusNotFound)
	}
	w.explained.err = errFake
	wantProblem(t, "no database", w.do("GET", "/api/v1/contacts/c/explanation", w.token("eva"), nil), http.StatusServiceUnavailable)
}

func TestExplanationIsToldInTheLanguageAskedFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.explained.by["c"] = explained()
	for query, words := range map[string]string{"": "högst nivå", "?language=sv": "högst nivå", "?language=en": "the highest level"} {
		got := decode[report.Explanation](t, w.do("GET", "/api/v1/contacts/c/explanation"+query, w.token("eva"), nil))
		if got.Contact != "c" || len(got.Steps) != 3 {
			t.Fatalf("%q: %+v", query, got)
		}
		if step := got.Steps[1]; step.At != 2_000 || step.Sequence != 2 || step.Kind != "contact-offered" || !strings.Contains(step.Text, words) {
			t.Errorf("%q: %+v", query, step)
		}
	}
	p := wantProblem(t, "another language", w.do("GET", "/api/v1/contacts/c/explanation?language=de", w.token("eva"), nil), http.StatusUnprocessableEntity)
	if len(p.Errors) != 1 || p.Errors[0].Location != "query.language" {
		t.Errorf("%+v", p.Errors)
	}
}
