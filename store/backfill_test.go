package store

import (
	"testing"

	"svar/contact"
	"svar/queue"
)

// What was recorded before transfers and call-backs were counted is counted when they are.
func TestMigrationCountsCallbacksOfBefore(t *testing.T) {
	t.Parallel()
	connString := emptied(t)
	connection := connect(t, connString)
	migrator, err := newMigrator(t.Context(), connection)
	if err != nil {
		t.Fatal(err)
	}
	if err := migrator.MigrateTo(t.Context(), 6); err != nil {
		t.Fatal(err)
	}
	events := contact.Events{
		contact.ContactArrived{Contact: call("reached", after(0))},
		contact.ContactDropped{Contact: "reached", From: contact.StateWaiting},
		contact.CallbackTaken{Contact: "reached", Offer: 1, Agent: "anna", Node: "node-1"},
		contact.CallbackFailed{Contact: "reached", Offer: 1, Agent: "anna", Reason: contact.DialBusy},
		contact.CallbackTaken{Contact: "reached", Offer: 2, Agent: "anna", Node: "node-1"},
		contact.ContactConnected{Contact: "reached", Offer: 2, Agent: "anna", Leg: "leg"},
		contact.ContactArrived{Contact: call("in-vain", after(0))},
		contact.ContactConnected{Contact: "in-vain", Offer: 3, Agent: "bo", Leg: "leg"}, // before the fault: that was no call of ours
		contact.ContactDropped{Contact: "in-vain", From: contact.StateConnected, Agent: "bo"},
		contact.CallbackTaken{Contact: "in-vain", Offer: 4, Agent: "bo", Node: "node-1"},
		contact.ContactArrived{Contact: call("answered", after(0))},
		contact.ContactConnected{Contact: "answered", Offer: 5, Agent: "bo", Leg: "leg"},
	}
	for index, event := range events {
		of, _ := queue.Touched(event)
		_, data, err := storable(event)
		if err != nil {
			t.Fatal(err)
		}
		if arrived, is := event.(contact.ContactArrived); is {
			if _, err := connection.Exec(t.Context(), `insert into contacts (id, channel, line, audience, person, language, node, callable, state, arrived)
				values ($1, 'voice', 'staff', '', '', 'sv', '', true, 'arrived', $2)`, of, arrived.Contact.Arrived.Time()); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := connection.Exec(t.Context(), `insert into events (sequence, index, at, event, contact, data) values (1, $1, now(), $2, $3, $4)`,
			index, contact.EventName(event), of, data); err != nil {
			t.Fatal(err)
		}
	}
	if err := Migrate(t.Context(), connString); err != nil {
		t.Fatal(err)
	}
	type counted struct {
		ToCallBack, Reached bool
		Tries               int
	}
	for id, want := range map[contact.ID]counted{
		"reached": {ToCallBack: true, Reached: true, Tries: 2}, "in-vain": {ToCallBack: true, Tries: 1}, "answered": {},
	} {
		var got counted
		err := connection.QueryRow(t.Context(), `select to_call_back, reached_by_call, tries from contacts where id = $1`, id).Scan(&got.ToCallBack, &got.Reached, &got.Tries)
		if err != nil || got != want {
			t.Errorf("%s: %+v, %v; want %+v", id, got, err, want)
		}
	}
}
