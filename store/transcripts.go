package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"svar/contact"
	"svar/ticket"
)

// orderTranscripts makes the job that files what was said in a chat with the ticket that the
// chat was closed with, by its agent or by the end of wrap-up. It belongs to the transaction
// that projects the end: there is one job for each, whatever is away or killed meanwhile.
func (s *Store) orderTranscripts(ctx context.Context, tx pgx.Tx, events contact.Events) error {
	for _, event := range events {
		closed, is := event.(contact.ContactClosed)
		if !is || closed.Ticket == "" {
			continue
		}
		var language string
		err := tx.QueryRow(ctx, `select language from contacts where id = $1 and channel = $2`, closed.Contact, contact.Chat).Scan(&language)
		if errors.Is(err, pgx.ErrNoRows) {
			continue
		}
		if err != nil {
			return err
		}
		if _, err := s.jobs.InsertTx(ctx, tx, transcriptArgs{Contact: closed.Contact, Language: language, Ticket: closed.Ticket}, nil); err != nil {
			return err
		}
	}
	return nil
}

type transcriptWorker struct {
	river.WorkerDefaults[transcriptArgs]
	store  *Store
	handle func(context.Context, contact.ID, string) (string, error)
	now    func() time.Time
}

// errNotTaken is what is kept of a transcript that its ticket does not take.
var errNotTaken = errors.New("the ticket of a chat does not take its transcript")

func (w *transcriptWorker) Work(ctx context.Context, job *river.Job[transcriptArgs]) error {
	text, err := w.handle(ctx, job.Args.Contact, job.Args.Language)
	if err != nil || text == "" {
		return err
	}
	err = w.store.fileTranscript(ctx, job, text, contact.InstantOf(w.now()))
	if refusal := (*ticket.Refusal)(nil); errors.Is(err, ErrNotFound) || errors.As(err, &refusal) {
		return river.JobCancel(fmt.Errorf("%w: %w", errNotTaken, err))
	}
	return err
}

func (w *transcriptWorker) NextRetry(job *river.Job[transcriptArgs]) time.Time {
	return backoff(*job.AttemptedAt, job.Attempt, time.Second, time.Minute)
}

// fileTranscript writes the conversation to the ticket and ends the job, in one transaction. It
// brings nothing with it: it is no new word of the user's, and whoever solved the ticket since
// had the conversation himself.
func (s *Store) fileTranscript(ctx context.Context, job *river.Job[transcriptArgs], text string, now contact.Instant) error {
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		of, err := lockTicket(ctx, tx, job.Args.Ticket)
		if err != nil {
			return err
		}
		if _, err := of.write(ctx, tx, ticket.Entry{At: now, Kind: ticket.FromUser, Text: text}, body{}); err != nil {
			return err
		}
		_, err = river.JobCompleteTx[*riverpgxv5.Driver](ctx, tx, job)
		return err
	})
	if err != nil {
		return fmt.Errorf("file the transcript of a chat: %w", err)
	}
	return nil
}
