package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog" //nolint:depguard // River takes no other logger; it is given a silent one
	"math"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivertype"
	"github.com/rs/zerolog"

	"svar/contact"
)

// silent is what River logs to: what matters is logged by job, without its data.
var silent = slog.New(slog.DiscardHandler)

// JobHandlers do the work of jobs. Each is called again until it succeeds, by any process and
// perhaps after it has done its work already. The context ends after [jobTimeout]. Errors are
// logged and kept with the job, so they hold nothing personal; only the text of one that is
// [ErrPermanent] goes to nobody but the desk.
type JobHandlers struct {
	// Arrive brings a text to the queue.
	Arrive func(context.Context, TextContact) error
	// SendMail sends an answer or a receipt. [ErrPermanent] gives it up at once.
	SendMail func(context.Context, OutgoingMail) error
	// Reply records that the agent answered the contact; nothing is wrong when the agent does
	// not have it.
	Reply func(context.Context, contact.ID, contact.AgentID) error
	// Transcript returns what was said in a chat, in the language, to be filed with its ticket;
	// empty when nothing was.
	Transcript func(ctx context.Context, of contact.ID, language string) (string, error)
	// Retention deletes what is due.
	Retention func(context.Context) error
	// Now is the clock.
	Now func() time.Time
	// Node names this process among those of the database, the same after a restart: what it
	// was working on when it was killed is worked again at once. When it is empty, that waits
	// until the job counts as stuck.
	Node contact.NodeID
}

func (h JobHandlers) check() error {
	if h.Arrive == nil || h.SendMail == nil || h.Reply == nil || h.Transcript == nil || h.Retention == nil || h.Now == nil {
		return errors.New("set up the jobs: one has no handler, or there is no clock")
	}
	return nil
}

// The jobs. They hold ids only: what they are about is read when they are worked.
type (
	arriveArgs struct {
		Contact contact.ID `json:"contact"`
	}
	sendMailArgs struct {
		Mail int64 `json:"mail"`
	}
	replyArgs struct {
		Contact contact.ID      `json:"contact"`
		Agent   contact.AgentID `json:"agent"`
	}
	transcriptArgs struct {
		Contact  contact.ID           `json:"contact"`
		Language string               `json:"language"`
		Ticket   contact.TicketNumber `json:"ticket"`
	}
	retentionArgs struct{}
)

// The names that the jobs have in the database.
func (arriveArgs) Kind() string     { return "arrive" }
func (sendMailArgs) Kind() string   { return "send-mail" }
func (replyArgs) Kind() string      { return "reply" }
func (transcriptArgs) Kind() string { return "transcript" }
func (retentionArgs) Kind() string  { return "retention" }

// The queues: a slow mail server holds nobody up who waits to be in the queue.
const (
	queueContacts = "contacts"
	queueMail     = "mail"
	queueChores   = "chores"
)

// How often a job is tried. What came in must come to the queue, and what was said to its
// ticket, so these are tried for weeks.
const (
	arriveAttempts     = 30_000
	transcriptAttempts = 30_000
	replyAttempts      = 20
	sendMailAttempts   = 60 // about two days, as mail servers do
)

// InsertOpts names the queue and the tries.
func (arriveArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: queueContacts, MaxAttempts: arriveAttempts}
}

// InsertOpts names the queue and the tries.
func (sendMailArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: queueMail, MaxAttempts: sendMailAttempts}
}

// InsertOpts names the queue and the tries.
func (replyArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: queueContacts, MaxAttempts: replyAttempts}
}

// InsertOpts names the queue and the tries.
func (transcriptArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: queueContacts, MaxAttempts: transcriptAttempts}
}

// InsertOpts lets one wait or run at a time; the next interval tries again.
func (retentionArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: queueChores, MaxAttempts: 1, UniqueOpts: river.UniqueOpts{ByState: []rivertype.JobState{
		rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRetryable, rivertype.JobStateRunning, rivertype.JobStateScheduled,
	}}}
}

const (
	// jobTimeout bounds one try; mail servers are slow.
	jobTimeout = time.Minute
	// stuckAfter is when a job of a process that is gone is given to another one.
	stuckAfter = 2 * time.Minute
)

// retentionInterval is how often what is due is looked for.
const retentionInterval = 10 * time.Minute

// newJobInserter makes the client that adds jobs to transactions and works none.
func newJobInserter(pool *pgxpool.Pool) (*river.Client[pgx.Tx], error) {
	client, err := river.NewClient(riverpgxv5.New(pool), &river.Config{Logger: silent})
	if err != nil {
		return nil, fmt.Errorf("set up the jobs: %w", err)
	}
	return client, nil
}

// Jobs are the workers of this process.
type Jobs struct{ client *river.Client[pgx.Tx] }

// StartJobs starts the workers. They end with [Jobs.Close]; ctx is only for the start.
func (s *Store) StartJobs(ctx context.Context, handlers JobHandlers, log zerolog.Logger) (*Jobs, error) {
	j, err := s.newJobs(handlers, log)
	if err != nil {
		return nil, err
	}
	if err := j.start(ctx, s); err != nil {
		return nil, err
	}
	return j, nil
}

func (j *Jobs) start(ctx context.Context, s *Store) error {
	if err := s.takeUpJobs(ctx, contact.NodeID(j.client.ID())); err != nil {
		return err
	}
	// River's workers live as long as the context of their start.
	if err := j.client.Start(context.WithoutCancel(ctx)); err != nil {
		return fmt.Errorf("start the jobs: %w", err)
	}
	return nil
}

func (s *Store) newJobs(handlers JobHandlers, log zerolog.Logger) (*Jobs, error) {
	if err := handlers.check(); err != nil {
		return nil, err
	}
	workers := river.NewWorkers()
	river.AddWorker(workers, &arriveWorker{store: s, handle: handlers.Arrive})
	river.AddWorker(workers, &sendMailWorker{store: s, handle: handlers.SendMail, now: handlers.Now})
	river.AddWorker(workers, &replyWorker{handle: handlers.Reply})
	river.AddWorker(workers, &transcriptWorker{store: s, handle: handlers.Transcript, now: handlers.Now})
	river.AddWorker(workers, &retentionWorker{handle: handlers.Retention})
	client, err := river.NewClient(riverpgxv5.New(s.pool), &river.Config{
		ID:      string(handlers.Node),
		Logger:  silent,
		Workers: workers,
		Queues: map[string]river.QueueConfig{
			queueContacts: {MaxWorkers: 8},
			queueMail:     {MaxWorkers: 4},
			queueChores:   {MaxWorkers: 1},
		},
		JobTimeout:           jobTimeout,
		RescueStuckJobsAfter: stuckAfter,
		ErrorHandler:         jobErrors{log},
		PeriodicJobs: []*river.PeriodicJob{river.NewPeriodicJob(river.PeriodicInterval(retentionInterval),
			func() (river.JobArgs, *river.InsertOpts) { return retentionArgs{}, nil }, &river.PeriodicJobOpts{RunOnStart: true})},
	})
	if err != nil {
		return nil, fmt.Errorf("set up the jobs: %w", err)
	}
	return &Jobs{client: client}, nil
}

// takeUpJobs lets the jobs be worked again that the node was working on when it was killed.
// River makes up a new name for a process that has none, and nothing was left under it.
func (s *Store) takeUpJobs(ctx context.Context, node contact.NodeID) error {
	_, err := s.pool.Exec(ctx, `update river_job set state = 'available'
		where state = 'running' and attempted_by[array_length(attempted_by, 1)] = $1 and attempt < max_attempts`, node)
	if err != nil {
		return fmt.Errorf("take up the jobs that were left: %w", err)
	}
	return nil
}

// Close ends the workers and waits for the jobs that are under way. When ctx ends before
// that, they are cancelled; another process, or the next one, works them again.
func (j *Jobs) Close(ctx context.Context) error {
	err := j.client.Stop(ctx)
	if err == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), partingTime)
	defer cancel()
	if err := j.client.StopAndCancel(ctx); err != nil {
		return fmt.Errorf("end the jobs: %w", err)
	}
	return nil
}

// backoff returns when the next try is, after so many: first, doubled each time, at most most.
func backoff(now time.Time, attempt int, first, most time.Duration) time.Time {
	wait := float64(first) * math.Pow(2, float64(attempt-1))
	return now.Add(time.Duration(min(wait, float64(most))))
}

type arriveWorker struct {
	river.WorkerDefaults[arriveArgs]
	store  *Store
	handle func(context.Context, TextContact) error
}

func (w *arriveWorker) Work(ctx context.Context, job *river.Job[arriveArgs]) error {
	text, err := w.store.TextContactOf(ctx, job.Args.Contact)
	if err != nil {
		return err
	}
	return w.handle(ctx, text)
}

func (w *arriveWorker) NextRetry(job *river.Job[arriveArgs]) time.Time {
	return backoff(*job.AttemptedAt, job.Attempt, time.Second, time.Minute)
}

type replyWorker struct {
	river.WorkerDefaults[replyArgs]
	handle func(context.Context, contact.ID, contact.AgentID) error
}

func (w *replyWorker) Work(ctx context.Context, job *river.Job[replyArgs]) error {
	return w.handle(ctx, job.Args.Contact, job.Args.Agent)
}

func (w *replyWorker) NextRetry(job *river.Job[replyArgs]) time.Time {
	return backoff(*job.AttemptedAt, job.Attempt, time.Second, time.Minute)
}

type retentionWorker struct {
	river.WorkerDefaults[retentionArgs]
	handle func(context.Context) error
}

func (w *retentionWorker) Work(ctx context.Context, _ *river.Job[retentionArgs]) error {
	return w.handle(ctx)
}

type sendMailWorker struct {
	river.WorkerDefaults[sendMailArgs]
	store  *Store
	handle func(context.Context, OutgoingMail) error
	now    func() time.Time
}

// errGivenUp is what is kept of a mail that was given up. The other side's words, which name
// the address, are in the ticket.
var errGivenUp = errors.New("the mail cannot be sent; its ticket says why")

func (w *sendMailWorker) Work(ctx context.Context, job *river.Job[sendMailArgs]) error {
	mail, done, err := w.store.outgoingMail(ctx, job.Args.Mail)
	if err != nil || done {
		return err
	}
	err = w.handle(ctx, mail)
	switch {
	case err == nil:
		return w.store.mailSent(ctx, job.Args.Mail, w.now())
	case ctx.Err() != nil:
		return err // the process ends; the next try is another one's
	case errors.Is(err, ErrPermanent), job.Attempt >= job.MaxAttempts:
		if err := w.store.mailFailed(ctx, job.Args.Mail, err.Error(), contact.InstantOf(w.now())); err != nil {
			return err
		}
		return river.JobCancel(errGivenUp)
	}
	return err
}

func (w *sendMailWorker) NextRetry(job *river.Job[sendMailArgs]) time.Time {
	return backoff(*job.AttemptedAt, job.Attempt, 30*time.Second, time.Hour)
}

// jobErrors logs what goes wrong in jobs.
type jobErrors struct{ log zerolog.Logger }

func (e jobErrors) HandleError(_ context.Context, job *rivertype.JobRow, err error) *river.ErrorHandlerResult {
	e.log.Warn().Err(err).Str("job", job.Kind).Int64("number", job.ID).Int("attempt", job.Attempt).Msg("a job failed")
	return nil
}

func (e jobErrors) HandlePanic(_ context.Context, job *rivertype.JobRow, _ any, trace string) *river.ErrorHandlerResult {
	e.log.Error().Str("job", job.Kind).Int64("number", job.ID).Int("attempt", job.Attempt).Str("trace", trace).Msg("a job broke down")
	return nil
}
