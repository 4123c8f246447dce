package store

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/riverqueue/river"

	"svar/contact"
	"svar/ticket"
)

// chatClosed projects a chat that was closed with a ticket.
func chatClosed(j *journal, id contact.ID, number contact.TicketNumber, lapsed bool) {
	j.t.Helper()
	chat := call(id, after(0))
	chat.Channel, chat.Language = contact.Chat, "en"
	j.record(after(0), contact.ContactArrived{Contact: chat, Node: "node-1", Leg: "leg-1"}, contact.ContactQueued{Contact: id})
	j.record(after(10), contact.ContactConnected{Contact: id, Offer: contact.OfferID(j.last), Agent: "anna"})
	j.record(after(20), contact.ContactHungUp{Contact: id, Agent: "anna", By: contact.PartyCaller, Until: after(80)},
		contact.OutcomeChosen{Contact: id, Agent: "anna", Ticket: number})
	j.record(after(80), contact.ContactClosed{Contact: id, End: contact.EndHandled, Agent: "anna", Ticket: number, Lapsed: lapsed})
}

// said are the words on a ticket that came of the conversation.
func said(t testing.TB, s *Store, number contact.TicketNumber) (texts []string) {
	t.Helper()
	for _, e := range ticketOf(t, s, number).Entries[1:] {
		if e.Kind == ticket.FromUser {
			texts = append(texts, e.Text)
		}
	}
	return texts
}

// What was said in a chat is filed with the ticket that it was closed with (requirement 3.3a),
// by the agent or by the end of wrap-up, once, whatever fails on the way.
func TestATranscriptIsFiledWithTheTicketOfItsChat(t *testing.T) {
	t.Parallel()
	for name, lapsed := range map[string]bool{"finished": false, "lapsed": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStore(t)
			number := openTicket(t, s, formDraft(), nil)
			j := journal{t: t, store: s}
			chatClosed(&j, "k", number, lapsed)
			if err := s.Project(t.Context(), Turn{Sequence: j.last, Now: after(80), Events: contact.Events{contact.ContactClosed{Contact: "k", Ticket: number}}}); err != nil {
				t.Fatal(err)
			}
			if n := jobs(t, s, "transcript"); n != 1 {
				t.Fatalf("%d jobs", n)
			}
			handlers := idle()
			var tries atomic.Int32
			handlers.Transcript = func(_ context.Context, of contact.ID, language string) (string, error) {
				if tries.Add(1) == 1 {
					return "", errors.New("the stream is away")
				}
				return "Hej, " + string(of) + " " + language, nil
			}
			events := startJobs(t, s, handlers)
			for _, want := range []river.EventKind{river.EventKindJobFailed, river.EventKindJobCompleted} {
				if got := await(events, "transcript"); got.Kind != want {
					t.Fatalf("it %s, want %s", got.Kind, want)
				}
			}
			if got := said(t, s, number); !slices.Equal(got, []string{"Hej, k en"}) {
				t.Errorf("filed %q", got)
			}
		})
	}
}

// A ticket that was solved since stays so; one that is not there takes nothing, and that is said.
func TestATranscriptChangesNothingElse(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	number := openTicket(t, s, formDraft(), nil)
	j := journal{t: t, store: s}
	write(t, s, number, ticket.Answer, "Pröva nu.")
	chatClosed(&j, "k", number, false)
	setStatus(t, s, number, ticket.Solved)
	handlers := idle()
	handlers.Transcript = func(context.Context, contact.ID, string) (string, error) { return "Hej", nil }
	events := startJobs(t, s, handlers)
	if got := await(events, "transcript"); got.Kind != river.EventKindJobCompleted {
		t.Fatalf("it %s", got.Kind)
	}
	if of := ticketOf(t, s, number); of.Status != ticket.Solved || !slices.Equal(said(t, s, number), []string{"Hej"}) {
		t.Errorf("it is %s, with %q", of.Status, said(t, s, number))
	}
	chatClosed(&j, "k-2", "SD-1", true)
	got := await(events, "transcript")
	if got.Kind != river.EventKindJobCancelled || !strings.Contains(got.Job.Errors[0].Error, errNotTaken.Error()) {
		t.Errorf("it %s: %v", got.Kind, got.Job.Errors)
	}
}

// Calls and texts have none, and a chat without a ticket has nowhere to put it.
func TestATranscriptIsOfAChatWithATicket(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	number := openTicket(t, s, formDraft(), nil)
	j := journal{t: t, store: s}
	j.record(after(0), contact.ContactArrived{Contact: call("call", after(0)), Node: "node-1", Leg: "leg-1"})
	j.record(after(1), contact.ContactClosed{Contact: "call", End: contact.EndHandled, Agent: "anna", Ticket: number})
	chatClosed(&j, "chat", "", true)
	if n := jobs(t, s, "transcript"); n != 0 {
		t.Errorf("%d jobs", n)
	}
}
