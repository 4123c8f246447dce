package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"svar/identity"
)

// changedChannel is what a writer of people or accounts notifies on, so that a running
// server reads them again.
const changedChannel = "svar_directory"

// People returns the whole directory, sorted by id.
func (s *Store) People(ctx context.Context) ([]identity.Person, error) {
	rows, err := s.pool.Query(ctx, `select id, name, role, title, school, numbers, protected from people order by id`)
	if err != nil {
		return nil, fmt.Errorf("read the people: %w", err)
	}
	people, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (identity.Person, error) {
		var p identity.Person
		err := row.Scan(&p.ID, &p.Name, &p.Role, &p.Title, &p.School, &p.Numbers, &p.Protected)
		return p, err
	})
	if err != nil {
		return nil, fmt.Errorf("read the people: %w", err)
	}
	return people, nil
}

// ReplacePeople makes these the whole directory, or changes nothing.
func (s *Store) ReplacePeople(ctx context.Context, people []identity.Person) error {
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `delete from people`); err != nil {
			return err
		}
		columns := []string{"id", "name", "role", "title", "school", "numbers", "protected"}
		_, err := tx.CopyFrom(ctx, pgx.Identifier{"people"}, columns, pgx.CopyFromSlice(len(people), func(i int) ([]any, error) {
			p := people[i]
			numbers := make([]string, len(p.Numbers))
			for j, number := range p.Numbers {
				numbers[j] = string(number)
			}
			return []any{string(p.ID), p.Name, string(p.Role), p.Title, p.School, numbers, p.Protected}, nil
		}))
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `select pg_notify($1, 'people')`, changedChannel)
		return err
	})
	if err != nil {
		return fmt.Errorf("replace the people: %w", err)
	}
	return nil
}

// WaitForChange calls read at once, and again after every change of people or accounts by
// any process, until ctx ends; it returns nil then. It listens before it reads, so that no
// change falls between. When read fails or the connection is lost it returns the error: the
// caller calls it again, and it begins with a new read, since changes may have been missed.
func (s *Store) WaitForChange(ctx context.Context, read func(context.Context) error) error {
	return s.follow(ctx, changedChannel, read)
}

// follow does what [Store.WaitForChange] says, with the notifications of a channel.
func (s *Store) follow(ctx context.Context, channel string, read func(context.Context) error) error {
	connection, err := s.pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("listen for changes: %w", err)
	}
	// A connection that listens is not given back: it would listen for ever.
	hijacked := connection.Hijack()
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), partingTime)
		defer cancel()
		_ = hijacked.Close(ctx) // what was heard is done; nothing is lost with it
	}()
	if _, err := hijacked.Exec(ctx, "listen "+channel); err != nil {
		return fmt.Errorf("listen for changes: %w", err)
	}
	for {
		if err := read(ctx); err != nil {
			return err
		}
		if err := waitForNotification(ctx, hijacked); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("listen for changes: %w", err)
		}
	}
}

// silence is how long nothing may be heard before it is asked whether the connection is still good.
const silence = 3 * time.Second

// NoticedWithin bounds how long a connection that listens may have died without a word before [Store.WaitForChange] and
// [Store.FollowNotices] fail: for so long changes are not heard of.
const NoticedWithin = silence + pingTime

// waitForNotification returns when one has come. A connection that has died without a word is an error.
func waitForNotification(ctx context.Context, connection *pgx.Conn) error {
	for {
		bounded, cancel := context.WithTimeout(ctx, silence)
		_, err := connection.WaitForNotification(bounded)
		timeOver := bounded.Err() != nil
		cancel()
		if err == nil || !timeOver || ctx.Err() != nil {
			return err
		}
		bounded, cancel = context.WithTimeout(ctx, pingTime)
		err = connection.Ping(bounded)
		cancel()
		if err != nil {
			return err
		}
	}
}
