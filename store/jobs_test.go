package store

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/riverqueue/river"
	"github.com/rs/zerolog"

	"svar/contact"
	"svar/ticket"
)

// idle does nothing with any job.
func idle() JobHandlers {
	return JobHandlers{
		Arrive:     func(context.Context, TextContact) error { return nil },
		SendMail:   func(context.Context, OutgoingMail) error { return nil },
		Reply:      func(context.Context, contact.ID, contact.AgentID) error { return nil },
		Retention:  func(context.Context) error { return nil },
		Transcript: func(context.Context, contact.ID, string) (string, error) { return "", nil },
		Now:        func() time.Time { return after(500).Time() },
		Node:       "node-1",
	}
}

// startJobs works jobs until the test ends, and hands on what became of them.
func startJobs(t testing.TB, s *Store, handlers JobHandlers) <-chan *river.Event {
	t.Helper()
	j, err := s.newJobs(handlers, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	events, cancel := j.client.Subscribe(river.EventKindJobCompleted, river.EventKindJobFailed, river.EventKindJobCancelled)
	if err := j.start(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		if err := j.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return events
}

// await returns the next event of a job of the kind.
func await(events <-chan *river.Event, kind string) *river.Event {
	for event := range events {
		if event.Job.Kind == kind {
			return event
		}
	}
	return nil
}

func TestATextIsBroughtToTheQueue(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	takeMail(t, s, mail(1))
	handlers := idle()
	arrived := make(chan TextContact, 1)
	handlers.Arrive = func(_ context.Context, text TextContact) error {
		arrived <- text
		return nil
	}
	events := startJobs(t, s, handlers)
	want, err := s.TextContactOf(t.Context(), "mail-1")
	if err != nil {
		t.Fatal(err)
	}
	if got := <-arrived; !reflect.DeepEqual(got, want) {
		t.Errorf("\n got %+v\nwant %+v", got, want)
	}
	if event := await(events, "arrive"); event.Kind != river.EventKindJobCompleted {
		t.Errorf("it %s", event.Kind)
	}
	// One that comes while the workers are there is brought at once.
	takeMail(t, s, mail(2))
	if got := <-arrived; got.Contact.ID != "mail-2" {
		t.Errorf("got %+v", got)
	}
}

// What cannot be brought now is brought later: no text is lost because the queue was away.
func TestAJobIsTriedAgain(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	openTicket(t, s, formDraft(), formText("k-1"))
	handlers := idle()
	var tries atomic.Int32
	handlers.Arrive = func(context.Context, TextContact) error {
		switch tries.Add(1) {
		case 1:
			return errors.New("the queue is away")
		case 2:
			panic("a defect")
		}
		return nil
	}
	events := startJobs(t, s, handlers)
	for _, want := range []river.EventKind{river.EventKindJobFailed, river.EventKindJobFailed, river.EventKindJobCompleted} {
		if got := await(events, "arrive"); got.Kind != want {
			t.Fatalf("it %s, want %s", got.Kind, want)
		}
	}
}

// A process that is killed leaves its jobs running. When it is back it takes them up.
func TestAKilledProcessTakesItsJobsUp(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	openTicket(t, s, formDraft(), formText("k-1"))
	openTicket(t, s, formDraft(), formText("k-2"))
	if _, err := s.pool.Exec(t.Context(), `update river_job set state = 'running', attempt = 1, attempted_at = now(),
		attempted_by = array['node-0', case when args->>'contact' = 'k-1' then 'node-1' else 'node-2' end]`); err != nil {
		t.Fatal(err)
	}
	handlers := idle()
	arrived := make(chan contact.ID, 2)
	handlers.Arrive = func(_ context.Context, text TextContact) error {
		arrived <- text.Contact.ID
		return nil
	}
	startJobs(t, s, handlers)
	if got := <-arrived; got != "k-1" {
		t.Errorf("taken up was %s", got)
	}
	if n := count(t, s, `select count(*) from river_job where kind = 'arrive' and state = 'running' and args->>'contact' = 'k-2'`); n != 1 {
		t.Error("a job that another node works on was taken from it")
	}
}

func TestAMailIsSentWithItsThread(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	takeMail(t, s, mail(1))
	answer := write(t, s, "SD-100001", ticket.Answer, "Nu är den lagad.")
	handlers := idle()
	sent := make(chan OutgoingMail, 2)
	handlers.SendMail = func(_ context.Context, m OutgoingMail) error {
		sent <- m
		return nil
	}
	replied := make(chan string, 1)
	handlers.Reply = func(_ context.Context, id contact.ID, by contact.AgentID) error {
		replied <- string(id) + " by " + string(by)
		return nil
	}
	events := startJobs(t, s, handlers)
	byText := map[string]OutgoingMail{}
	for range 2 {
		m := <-sent
		byText[m.Text] = m
	}
	want := OutgoingMail{
		Line: "post", Ticket: "SD-100001", Audience: contact.AudienceStaff, Service: "print", Language: "sv", To: "asa@example.org", Subject: "Skrivaren är trasig",
		InReplyTo: "<1@example.org>", References: []string{"<0@example.org>"},
	}
	receipt, reply := want, want
	receipt.Automatic, receipt.Key = true, byText[""].Key
	reply.Text, reply.Key = answer.Text, byText[answer.Text].Key
	if got := byText[""]; !reflect.DeepEqual(got, receipt) || got.Key == "" {
		t.Errorf("the receipt\n got %+v\nwant %+v", got, receipt)
	}
	if got := byText[answer.Text]; !reflect.DeepEqual(got, reply) || got.Key == "" || got.Key == receipt.Key {
		t.Errorf("the answer\n got %+v\nwant %+v", got, reply)
	}
	if got := <-replied; got != "mail-1 by anna" {
		t.Errorf("recorded is %s", got)
	}
	for range 2 {
		await(events, "send-mail")
	}
	if n := count(t, s, `select count(*) from outgoing_mails where sent = $1 and failed_at is null`, after(500).Time()); n != 2 {
		t.Errorf("%d are written down as sent", n)
	}
}

// A mail that is being sent again is the same one, so that nobody gets it as two.
func TestAMailThatIsTriedAgainKeepsItsID(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	write(t, s, openTicket(t, s, formDraft(), nil), ticket.Answer, "Klart.")
	id := int64(count(t, s, `select id from outgoing_mails`))
	first, done, err := s.outgoingMail(t.Context(), id)
	if err != nil || done {
		t.Fatal(done, err)
	}
	again, _, err := s.outgoingMail(t.Context(), id)
	if err != nil || !reflect.DeepEqual(first, again) || first.Line != "portal" || first.InReplyTo != "" {
		t.Errorf("first %+v, again %+v, %v", first, again, err)
	}
	if err := s.mailSent(t.Context(), id, noon); err != nil {
		t.Fatal(err)
	}
	if _, done, err = s.outgoingMail(t.Context(), id); err != nil || !done {
		t.Errorf("sent, it is to be sent again: %v", err)
	}
}

// The chain of an endless conversation is bounded; its beginning, which others thread by, stays.
func TestReferencesAreBounded(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	m := mail(1)
	m.References = nil
	for i := range 50 {
		m.References = append(m.References, fmt.Sprintf("<%d@old.example>", i))
	}
	takeMail(t, s, m)
	got, _, err := s.outgoingMail(t.Context(), int64(count(t, s, `select id from outgoing_mails`)))
	if err != nil || len(got.References) != maxReferences || got.References[0] != "<0@old.example>" || got.References[maxReferences-1] != "<49@old.example>" || got.InReplyTo != "<1@example.org>" {
		t.Errorf("got %q, %v", got.References, err)
	}
}

// A receipt answers the mail that it is for, even when another one came before it was sent.
func TestAReceiptAnswersItsOwnMail(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	takeMail(t, s, mail(1))
	later := mail(2)
	later.Ticket = "SD-100001"
	takeMail(t, s, later)
	receipt, _, err := s.outgoingMail(t.Context(), int64(count(t, s, `select id from outgoing_mails`)))
	if err != nil || receipt.InReplyTo != "<1@example.org>" {
		t.Errorf("it answers %q, %v", receipt.InReplyTo, err)
	}
	answer := write(t, s, "SD-100001", ticket.Answer, "Klart.")
	reply, _, err := s.outgoingMail(t.Context(), int64(count(t, s, `select id from outgoing_mails where entry = $1`, answer.ID)))
	if err != nil || reply.InReplyTo != "<2@example.org>" {
		t.Errorf("the answer answers %q, %v", reply.InReplyTo, err)
	}
}

// Nobody has that address: it is not tried again, the desk sees it, and neither the job nor
// the log names anybody.
func TestAMailThatCannotBeSentIsGivenUp(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	takeMail(t, s, mail(1))
	answer := write(t, s, "SD-100001", ticket.Answer, "Klart.")
	handlers := idle()
	handlers.SendMail = func(_ context.Context, m OutgoingMail) error {
		if m.Automatic {
			return nil
		}
		return fmt.Errorf("%w: 550 <asa@example.org> is nobody", ErrPermanent)
	}
	var log strings.Builder
	j, err := s.newJobs(handlers, zerolog.New(zerolog.SyncWriter(&log)))
	if err != nil {
		t.Fatal(err)
	}
	events, cancel := j.client.Subscribe(river.EventKindJobCancelled)
	defer cancel()
	if err := j.start(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	await(events, "send-mail")
	if err := j.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	found := ticketOf(t, s, "SD-100001").Entries
	last := found[len(found)-1]
	if last.Kind != ticket.Note || !strings.Contains(last.Text, "550") || last.At != after(500) {
		t.Errorf("the desk sees %+v", last)
	}
	for _, e := range found {
		if (e.Failed != "") != (e.ID == answer.ID) {
			t.Errorf("%+v", e)
		}
	}
	if n := count(t, s, `select count(*) from river_job where errors::text like '%asa@%'`); n != 0 || strings.Contains(log.String(), "asa@") {
		t.Errorf("the address is in %d jobs; the log says %s", n, log.String())
	}
}

// What a mail server refuses for now is tried again by and by, and given up when the tries
// are used up.
func TestAMailIsTriedForAWhile(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	write(t, s, openTicket(t, s, formDraft(), nil), ticket.Answer, "Klart.")
	handlers := idle()
	handlers.SendMail = func(context.Context, OutgoingMail) error { return errors.New("try later") }
	events := startJobs(t, s, handlers)
	failed := await(events, "send-mail")
	if failed.Kind != river.EventKindJobFailed {
		t.Fatalf("it %s", failed.Kind)
	}
	if n := count(t, s, `select count(*) from outgoing_mails where failed_at is null and sent is null`); n != 1 {
		t.Error("it is given up at the first failure")
	}
	if wait := failed.Job.ScheduledAt.Sub(*failed.Job.AttemptedAt); wait != 30*time.Second {
		t.Errorf("it is tried again after %s", wait)
	}
	if _, err := s.pool.Exec(t.Context(), `update river_job set attempt = max_attempts - 1, state = 'available', scheduled_at = now() where kind = 'send-mail'`); err != nil {
		t.Fatal(err)
	}
	if last := await(events, "send-mail"); last.Kind != river.EventKindJobCancelled {
		t.Errorf("at last it %s", last.Kind)
	}
	if n := count(t, s, `select count(*) from outgoing_mails where failed = 'try later'`); n != 1 {
		t.Error("it is not given up at last")
	}
}

func TestTheWaitGrowsToItsBound(t *testing.T) {
	t.Parallel()
	for attempt, want := range map[int]time.Duration{1: time.Second, 2: 2 * time.Second, 6: 32 * time.Second, 7: time.Minute, 30_000: time.Minute} {
		if got := backoff(noon, attempt, time.Second, time.Minute).Sub(noon); got != want {
			t.Errorf("after %d tries it is %s, want %s", attempt, got, want)
		}
	}
}

func TestRetentionRuns(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	handlers := idle()
	ran := make(chan struct{}, 1)
	handlers.Retention = func(context.Context) error {
		select {
		case ran <- struct{}{}:
		default:
		}
		return nil
	}
	startJobs(t, s, handlers)
	<-ran
}

// Close waits for what is under way.
func TestCloseWaitsForJobs(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	openTicket(t, s, formDraft(), formText("k-1"))
	handlers := idle()
	begun, finish := make(chan struct{}), make(chan struct{})
	var finished atomic.Bool
	handlers.Arrive = func(context.Context, TextContact) error {
		close(begun)
		<-finish
		finished.Store(true)
		return nil
	}
	j, err := s.StartJobs(t.Context(), handlers, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	<-begun
	closed := make(chan error, 1)
	go func() { closed <- j.Close(context.Background()) }()
	close(finish)
	if err := <-closed; err != nil || !finished.Load() {
		t.Errorf("closed with %v, finished: %v", err, finished.Load())
	}
	<-j.client.Stopped()
}

// When there is no time to wait, the job is cancelled, and worked by the next process.
func TestCloseCancelsWhatTakesTooLong(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	openTicket(t, s, formDraft(), formText("k-1"))
	handlers := idle()
	begun := make(chan struct{})
	handlers.Arrive = func(ctx context.Context, _ TextContact) error {
		close(begun)
		<-ctx.Done()
		return ctx.Err()
	}
	j, err := s.StartJobs(t.Context(), handlers, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	<-begun
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := j.Close(ctx); err != nil {
		t.Error(err)
	}
	if n := count(t, s, `select count(*) from river_job where kind = 'arrive' and state in ('available', 'retryable')`); n != 1 {
		t.Error("the job is not to be worked again")
	}
}

func TestJobsNeedTheirHandlers(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	for name, spoil := range map[string]func(*JobHandlers){
		"arrive": func(h *JobHandlers) { h.Arrive = nil }, "send": func(h *JobHandlers) { h.SendMail = nil },
		"reply": func(h *JobHandlers) { h.Reply = nil }, "retention": func(h *JobHandlers) { h.Retention = nil },
		"clock": func(h *JobHandlers) { h.Now = nil },
	} {
		handlers := idle()
		spoil(&handlers)
		if _, err := s.StartJobs(t.Context(), handlers, zerolog.Nop()); err == nil {
			t.Errorf("%s: started", name)
		}
	}
}
