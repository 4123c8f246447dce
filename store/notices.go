package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"svar/contact"
)

// noticesChannel is what a writer of notices or embargoes notifies on.
const noticesChannel = "svar_notices"

// ErrExists: there is one of that id already.
var ErrExists = errors.New("there is one of that id already")

const selectNotices = `
	select id, service, lines, audiences, text, starts, ends, published, by, withdrawn, withdrawn_by from notices`

const selectEmbargoes = `
	select id, service, contact, scope, relief, starts, by, lifted, lifted_by from embargoes`

// Notices returns all notices that are not withdrawn and all embargoes in force, newest last,
// as of one moment.
func (s *Store) Notices(ctx context.Context) (contact.Notices, error) {
	return s.notices(ctx, selectNotices+` where withdrawn is null order by published, id`, selectEmbargoes+` where lifted is null order by starts, id`)
}

// NoticeLog returns the notices and embargoes that ever were, newest first, at most limit of
// each: those that come after the moment and the id of the last one seen, or from the newest on
// when the moment is 0.
func (s *Store) NoticeLog(ctx context.Context, before contact.Instant, beforeID string, limit int) (contact.Notices, error) {
	return s.notices(ctx,
		selectNotices+` where $2::timestamptz is null or (published, id) < ($2, $3) order by published desc, id desc limit $1`,
		selectEmbargoes+` where $2::timestamptz is null or (starts, id) < ($2, $3) order by starts desc, id desc limit $1`,
		limit, momentOf(before), beforeID)
}

func (s *Store) notices(ctx context.Context, notices, embargoes string, arguments ...any) (contact.Notices, error) {
	found := contact.Notices{}
	oneMoment := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	err := pgx.BeginTxFunc(ctx, s.pool, oneMoment, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, notices, arguments...)
		if err != nil {
			return err
		}
		if found.Notices, err = pgx.CollectRows(rows, scanNotice); err != nil {
			return err
		}
		if rows, err = tx.Query(ctx, embargoes, arguments...); err != nil {
			return err
		}
		found.Embargoes, err = pgx.CollectRows(rows, scanEmbargo)
		return err
	})
	if err != nil {
		return contact.Notices{}, fmt.Errorf("read the outage messages: %w", err)
	}
	return found, nil
}

func scanNotice(row pgx.CollectableRow) (n contact.Notice, err error) {
	var from, published time.Time
	var until, withdrawn *time.Time
	err = row.Scan(&n.ID, &n.Service, &n.Lines, &n.Audiences, &n.Text, &from, &until, &published, &n.By, &withdrawn, &n.WithdrawnBy)
	n.From, n.Published = contact.InstantOf(from), contact.InstantOf(published)
	n.Until, n.Withdrawn = instantOf(until), instantOf(withdrawn)
	return n, err
}

func scanEmbargo(row pgx.CollectableRow) (e contact.Embargo, err error) {
	var from time.Time
	var lifted *time.Time
	err = row.Scan(&e.ID, &e.Service, &e.Contact, &e.Scope, &e.Relief, &from, &e.By, &lifted, &e.LiftedBy)
	e.From, e.Lifted = contact.InstantOf(from), instantOf(lifted)
	return e, err
}

// PublishNotice adds a notice; [ErrExists] when it was published already.
func (s *Store) PublishNotice(ctx context.Context, n contact.Notice) error {
	return s.changeNotices(ctx, "publish an outage message", ErrExists, `
		insert into notices (id, service, lines, audiences, text, starts, ends, published, by) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		n.ID, n.Service, append([]contact.LineID{}, n.Lines...), append([]contact.Audience{}, n.Audiences...), n.Text,
		n.From.Time(), momentOf(n.Until), n.Published.Time(), n.By)
}

// WithdrawNotice takes a notice back; [ErrNotFound] when there is none that stands.
func (s *Store) WithdrawNotice(ctx context.Context, id contact.NoticeID, by contact.AgentID, now contact.Instant) error {
	return s.changeNotices(ctx, "withdraw an outage message", ErrNotFound,
		`update notices set withdrawn = $2, withdrawn_by = $3 where id = $1 and withdrawn is null`, id, now.Time(), by)
}

// SetEmbargo adds an instruction of the City; [ErrExists] when it is there already.
func (s *Store) SetEmbargo(ctx context.Context, e contact.Embargo) error {
	return s.changeNotices(ctx, "set an embargo", ErrExists, `
		insert into embargoes (id, service, contact, scope, relief, starts, by) values ($1, $2, $3, $4, $5, $6, $7)`,
		e.ID, e.Service, e.Contact, e.Scope, e.Relief, e.From.Time(), e.By)
}

// LiftEmbargo ends an embargo; [ErrNotFound] when there is none in force.
func (s *Store) LiftEmbargo(ctx context.Context, id contact.EmbargoID, by contact.AgentID, now contact.Instant) error {
	return s.changeNotices(ctx, "lift an embargo", ErrNotFound,
		`update embargoes set lifted = $2, lifted_by = $3 where id = $1 and lifted is null`, id, now.Time(), by)
}

// changeNotices changes one row and tells all that listen. unchanged is the error when none
// was changed, or when the row is there.
func (s *Store) changeNotices(ctx context.Context, doing string, unchanged error, sql string, arguments ...any) error {
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		changed, err := tx.Exec(ctx, sql, arguments...)
		if refused := (*pgconn.PgError)(nil); errors.As(err, &refused) && refused.Code == uniqueViolation {
			return unchanged
		}
		if err != nil {
			return err
		}
		if changed.RowsAffected() == 0 {
			return unchanged
		}
		_, err = tx.Exec(ctx, `select pg_notify($1, '')`, noticesChannel)
		return err
	})
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}

// FollowNotices calls read at once, and again after every change of notices or embargoes by
// any process; it ends and fails as [Store.WaitForChange].
func (s *Store) FollowNotices(ctx context.Context, read func(context.Context) error) error {
	return s.follow(ctx, noticesChannel, read)
}
