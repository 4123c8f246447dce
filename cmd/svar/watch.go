package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sys/unix"

	"svar/queue/journal"
)

// How the stores are watched: often enough to say within seconds what is wrong, and bounded so
// that a store that hangs is one that is away.
const (
	watchEvery = 5 * time.Second
	syncEvery  = 15 * time.Second
	watchTime  = 3 * time.Second
)

// watch looks at the stores again and again, so that neither /readyz nor /metrics makes them
// work or waits for them, however often they are asked.
type watch struct {
	app *App

	mutex sync.Mutex // guards what follows
	now   sightings
}

// sightings are what was seen last.
type sightings struct {
	// database and journal are what is wrong with PostgreSQL and the journal, nil when they
	// answer; databaseSince is since when.
	database, journal error
	databaseSince     time.Time
	// last and projected are record numbers of the journal.
	last, projected uint64
	// storage is how the place of the streams is doing, where their server is ours; with an
	// outside one only its sizes are known, if it tells them.
	storage journal.Storage
	// disk is why the data directory cannot be written, nil when it can.
	disk       error
	free, size uint64 // bytes
}

func (w *watch) seen() sightings {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return w.now
}

func (w *watch) note(change func(*sightings)) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	change(&w.now)
}

// startWatch begins to look, and returns when everything was seen once.
func (a *App) startWatch(ctx context.Context) error {
	a.watch = &watch{app: a}
	a.metrics.registry.MustRegister(gauges{a})
	a.watch.look(ctx)
	a.watch.keep()
	// Each on its own: a database that hangs says nothing about the disk.
	a.run("the watch over the stores", func(ctx context.Context) error { return every(ctx, watchEvery, func() { a.watch.look(ctx) }) })
	a.run("the watch over the disk", func(ctx context.Context) error { return every(ctx, syncEvery, a.watch.keep) })
	return nil
}

func every(ctx context.Context, length time.Duration, do func()) error {
	tick := time.NewTicker(length)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
			do()
		}
	}
}

// look asks the journal and PostgreSQL.
func (w *watch) look(ctx context.Context) {
	bounded, cancel := context.WithTimeout(ctx, watchTime)
	defer cancel()
	last, journalErr := w.app.journal.Last(bounded)
	storage := w.app.guard.Storage()
	if js, err := jetstream.New(w.app.conn); err == nil && w.app.guard == nil {
		if account, err := js.AccountInfo(bounded); err == nil {
			storage.Used, storage.Limit = int64(account.Store), max(account.Limits.MaxStore, 0)
		}
	}
	bounded, cancelDatabase := context.WithTimeout(ctx, watchTime)
	defer cancelDatabase()
	projected, databaseErr := w.app.store.Projected(bounded)
	if ctx.Err() != nil {
		return // closed meanwhile
	}
	w.note(func(s *sightings) {
		if s.databaseSince.IsZero() || (s.database == nil) != (databaseErr == nil) {
			s.databaseSince = time.Now()
		}
		s.journal, s.database = journalErr, databaseErr
		if journalErr == nil {
			s.last = last
		}
		s.storage = storage
		if databaseErr == nil {
			s.projected = projected
		}
	})
}

// keep tries whether the data directory's disk keeps what is written, and how fast.
func (w *watch) keep() {
	begun := time.Now()
	err := syncFile(filepath.Join(w.app.options.Data, "sync-probe"))
	if err != nil {
		w.app.metrics.syncFailures.Inc()
	} else {
		w.app.metrics.sync.Observe(time.Since(begun).Seconds())
	}
	var about unix.Statfs_t
	known := unix.Statfs(w.app.options.Data, &about) == nil
	w.note(func(s *sightings) {
		s.disk = err
		if known {
			s.free, s.size = about.Bavail*uint64(about.Bsize), about.Blocks*uint64(about.Bsize)
		}
	})
}

// syncFile writes a small file and waits until it is on disk.
func syncFile(path string) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(file, "Svar tries here whether the disk keeps what is written.")
	return errors.Join(err, file.Sync(), file.Close())
}

// diskWords says in words why the data directory cannot be written.
func diskWords(err error) string {
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return "the disk of the data directory is full"
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return "the data directory may not be written any more"
	}
	return fmt.Sprintf("the data directory cannot be written: %v", err)
}
