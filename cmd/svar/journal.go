package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/rs/zerolog"

	"svar/queue/journal"
	"svar/store/private"
)

// journalDirectory is where the in-process NATS server keeps its streams, journalReaders tells commands how to read them
// while it runs, and legsFile has the records of this node's live legs; all below the data directory.
const (
	journalDirectory = "nats"
	legsFile         = "legs.db"
	journalReaders   = "journal.readers"
)

const (
	// journalWait is how long a command waits for a server that starts or ends, journalInterval how often it looks.
	journalWait     = 20 * time.Second
	journalInterval = 50 * time.Millisecond
)

// withJournal opens the journal to be read: that of the configuration's NATS (nats.url), that of the server which runs on
// the data directory, or the directory's own, which no server can be started on meanwhile.
func withJournal(ctx context.Context, g *global, do func(*journal.Journal) error) (err error) {
	config, err := g.load()
	if err != nil {
		return err
	}
	conn, end, err := connectJournal(ctx, g.Data, config.NATS.URL, config.NATS.Token)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, end()) }()
	opened, err := journal.OpenReader(ctx, conn)
	if err != nil {
		return err
	}
	return do(opened)
}

func connectJournal(ctx context.Context, data, address, token string) (*nats.Conn, func() error, error) {
	if address != "" {
		conn, err := journal.Connect(ctx, address, token)
		return conn, closing(conn), err
	}
	ctx, cancel := context.WithTimeout(ctx, journalWait)
	defer cancel()
	ticker := time.NewTicker(journalInterval)
	defer ticker.Stop()
	for {
		lock, err := private.Lock(data)
		if err == nil {
			return startJournal(ctx, data, lock)
		}
		locked := (*private.LockedError)(nil)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil, fmt.Errorf("there is no data directory %s: say which one with --data", data)
		}
		if !errors.As(err, &locked) {
			return nil, nil, err
		}
		conn, err := journal.ConnectReader(ctx, filepath.Join(data, journalReaders))
		if err == nil {
			return conn, closing(conn), nil
		}
		if errors.Is(err, fs.ErrPermission) {
			return nil, nil, fmt.Errorf("%w; run this as the user that runs the server", err)
		}
		select {
		case <-ticker.C: // it still starts, or has just ended
		case <-ctx.Done():
			return nil, nil, fmt.Errorf("the journal in %s cannot be reached (%w): %w", data, locked, err)
		}
	}
}

// startJournal serves the directory's streams for as long as the command reads them.
func startJournal(ctx context.Context, data string, lock *private.DirectoryLock) (*nats.Conn, func() error, error) {
	directory := filepath.Join(data, journalDirectory)
	if _, err := os.Stat(directory); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("%w in %s: say where it is with --data, or with SVAR_NATS_URL", journal.ErrNoJournal, data)
		}
		return nil, nil, errors.Join(err, lock.Release())
	}
	server, err := journal.StartEmbedded(ctx, journal.EmbeddedConfig{Dir: directory, Log: zerolog.Nop()})
	if err != nil {
		return nil, nil, errors.Join(err, lock.Release())
	}
	end := func() error {
		bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTime)
		defer cancel()
		return errors.Join(server.Shutdown(bounded), lock.Release())
	}
	conn, err := server.Connect("svar command")
	if err != nil {
		return nil, nil, errors.Join(err, end())
	}
	return conn, end, nil
}

func closing(conn *nats.Conn) func() error {
	return func() error {
		conn.Close()
		return nil
	}
}
