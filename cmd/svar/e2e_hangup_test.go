package main

import (
	"context"
	"slices"
	"strings"
	"testing"

	"svar/agentui"
	"svar/channels"
	"svar/contact"
)

// abandoned asserts that the line's contact was left by its caller at a stage.
func abandoned(t testing.TB, r *records, line contact.LineID, stage contact.Stage) agentui.StoredContact {
	t.Helper()
	c := r.closed(t, line)
	if c.End != contact.EndAbandoned || c.Stage != stage || c.Answered != nil || c.Agent != "" {
		t.Errorf("not on record as abandoned at the stage %s: %s", stage, asJSON(c))
	}
	if c.Closed == nil || c.Closed.Before(c.Arrived) {
		t.Errorf("it ended before it arrived: %s", asJSON(c))
	}
	return c
}

func TestACallerHangsUpInTheWelcome(t *testing.T) {
	t.Parallel()
	app := sharedApp(t)
	desk, records := app.welcomedDesk(t), app.records(t)
	watcher := app.agent(t, desk)
	caller := dial(t, call{scenario: "caller-hangs-up", to: app.phone.Address(), number: desk.number})
	watcher.WaitGreeted(desk.id, 1)
	caller.HangUp()
	caller.Wait()
	c := abandoned(t, records, desk.id, contact.StageMessage)
	if c.Greeted == nil || c.Queued != nil {
		t.Errorf("it was answered by the system and never in the queue: %s", asJSON(c))
	}
}

func TestACallerHangsUpInTheQueue(t *testing.T) {
	t.Parallel()
	app := sharedApp(t)
	desk, records := app.desk(t), app.records(t)
	watcher := app.agent(t, desk)
	caller := dial(t, call{scenario: "caller-hangs-up", to: app.phone.Address(), number: desk.number})
	watcher.WaitWaiting(desk.id, 1)
	music, err := app.prompts.Clip("queue-music", "sv")
	if err != nil {
		t.Fatal(err)
	}
	caller.HearsClip(music)
	caller.HangUp()
	caller.Wait()
	abandoned(t, records, desk.id, contact.StageQueue)
	watcher.WaitWaiting(desk.id, 0)
}

// The agent is free again at once, and not held by a caller who left (freeswitch#2529,
// freeswitch#2540).
func TestACallerHangsUpWhileItRings(t *testing.T) {
	t.Parallel()
	app := sharedApp(t)
	desk, records := app.desk(t), app.records(t)
	anna := app.agent(t, desk)
	anna.Ready()
	caller := dial(t, call{scenario: "caller-hangs-up", to: app.phone.Address(), number: desk.number})
	card := anna.Ring()
	caller.HangUp()
	caller.Wait()
	abandoned(t, records, desk.id, contact.StageRinging)
	state := anna.waitState("free", func(s agentui.ConsoleState) bool { return s.Offer == nil && s.Me.Activity == "" })
	if state.Me.Presence != contact.Ready || len(state.Missed) != 0 {
		t.Errorf("that the caller left counts against the agent: %s", asJSON(state.Me))
	}
	if got := anna.ask(agentui.Request{Do: agentui.DoAccept, Offer: card.Offer}); got != string(contact.OfferGone) {
		t.Errorf("accepting a call that is gone got the answer %q", got)
	}
	<-anna.over(card.Offer)
	again := dial(t, call{scenario: "caller-hangs-up", to: app.phone.Address(), number: desk.number})
	anna.Ring()
	again.HangUp()
	again.Wait()
}

// over is closed when the voice of an offer is over.
func (a *agent) over(offer contact.OfferID) <-chan struct{} {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	if browser := a.browsers[offer]; browser != nil {
		return browser.Over()
	}
	closed := make(chan struct{})
	close(closed)
	return closed
}

// heldBack holds calls back before they are on record.
type heldBack struct {
	channels.Intake
	arrived chan struct{}
	release chan struct{}
}

func (h *heldBack) Arrive(ctx context.Context, c contact.Contact, p contact.Personal, leg channels.Leg) error {
	h.arrived <- struct{}{}
	<-h.release
	return h.Intake.Arrive(ctx, c, p, leg)
}

// CANCEL comes while the call is being put on record: it is not answered, and on record all
// the same.
func TestACallerCancelsBeforeTheAnswer(t *testing.T) {
	t.Parallel()
	held := &heldBack{arrived: make(chan struct{}, 1), release: make(chan struct{})}
	app := startApp(t, nil, func(next channels.Intake) channels.Intake {
		held.Intake = next
		return held
	})
	records := app.records(t)
	caller := dial(t, call{scenario: "cancel", to: app.phone.Address(), number: staffDesk.number})
	<-held.arrived
	caller.Wait() // 487 and its ACK went through
	close(held.release)
	c := abandoned(t, records, staffDesk.id, contact.StageBeforeAnswer)
	if c.Greeted != nil {
		t.Errorf("a call that was cancelled is on record as answered by the system: %s", asJSON(c))
	}
}

// 200 is repeated, with doubled waits, until the call is given up by BYE 32 s later. Nobody
// was offered it, and it goes on as a call-back.
func TestTheACKIsLost(t *testing.T) {
	t.Parallel()
	app := sharedApp(t)
	desk, records := app.welcomedDesk(t), app.records(t)
	anna := app.agent(t, desk)
	anna.Ready()
	caller := dial(t, call{scenario: "lost-ack", to: app.phone.Address(), number: desk.number})
	caller.Wait()
	if again := strings.Count(caller.file("messages.log"), "\nSIP/2.0 200 OK\r\n"); again < 5 {
		t.Errorf("200 was sent %d times", again)
	}
	c := records.wait(t, desk.id, "a call-back", func(c agentui.StoredContact) bool { return c.Callback })
	if c.State != contact.StateWaiting || c.Queued != nil || slices.Contains(names(c), "contact-offered") {
		t.Errorf("the record is %s", asJSON(c))
	}
	state := anna.waitState("shown the call-back", func(s agentui.ConsoleState) bool {
		return slices.ContainsFunc(s.Callbacks, func(b agentui.CallbackCard) bool { return b.Contact == c.ID })
	})
	at := slices.IndexFunc(state.Callbacks, func(b agentui.CallbackCard) bool { return b.Contact == c.ID })
	if card := state.Callbacks[at]; card.Arrived.Time() != c.Arrived.UTC() {
		t.Errorf("the call-back lost its arrival: %+v, on record %s", card, c.Arrived)
	}
	anna.Finish(c.ID, "solved")
	if done := records.closed(t, desk.id); done.Stage != contact.StageCallback {
		t.Errorf("a call-back that was closed by hand is on record as %s", asJSON(done))
	}
}
