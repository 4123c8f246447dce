package main

import (
	"net/http"
	"strings"
	"testing"

	"svar/agentui"
	"svar/contact"
)

// A pupil's number is gone when its time is over; who is no pupil keeps his. It was never on
// record, nor in the log.
func TestPupilsNumberIsForgotten(t *testing.T) {
	t.Parallel()
	app := startApp(t, map[string]string{"SVAR_RETENTION_PUPIL_NUMBERS": "1ms"}, nil)
	pupils := desk{id: "pupils", number: "+4620000000", skill: "pupils"}
	const number = "+46701740655"
	var ids []contact.ID
	for _, d := range []desk{pupils, app.desk(t)} {
		anna := app.agent(t, d)
		anna.Ready()
		caller := dial(t, call{scenario: "until-bye", to: app.phone.Address(), number: d.number, from: "<sip:" + number + "@127.0.0.1>"})
		talk := anna.Accept(anna.Ring())
		if kept, err := app.personal.Personal(t.Context(), talk.Contact); err != nil || kept.Number != number {
			t.Fatalf("of the call is known %v, %v", kept, err)
		}
		anna.HangUp(talk)
		caller.Wait()
		anna.Finish(talk.Contact, "solved")
		app.records(t).closed(t, d.id)
		ids = append(ids, talk.Contact)
	}
	if err := app.forget(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left, err := app.personal.Personal(t.Context(), ids[0]); err != nil || left != (contact.Personal{}) {
		t.Errorf("of the pupil is left %v, %v", left, err)
	}
	if kept, err := app.personal.Personal(t.Context(), ids[1]); err != nil || kept.Number != number {
		t.Errorf("of the other caller is left %v, %v", kept, err)
	}
	var page struct{ Contacts []agentui.StoredContact }
	app.records(t).ask(t, http.MethodGet, "/contacts", nil, &page)
	if len(page.Contacts) != 2 || strings.Contains(asJSON(page), number[1:]) {
		t.Errorf("the records are %s", asJSON(page))
	}
	if strings.Contains(app.log.String(), number[1:]) {
		t.Error("the number is in the log")
	}
}
