package journal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"svar/contact"
)

const (
	// maxChanges bounds how many changes of legs one write to the disk takes.
	maxChanges = 256
	// deletionDelay is how long a deletion waits for a record that is written anyway. What is deleted too late costs a BYE to a call that is
	// over, should the process be killed then.
	deletionDelay = 20 * time.Millisecond
	// legsLockTime is how long another process that has the file is waited for.
	legsLockTime = 5 * time.Second
)

// legsBucket is the one of the file's, by contact, node and leg.
var legsBucket = []byte("legs")

// errLegsClosed: the file is closed.
var errLegsClosed = errors.New("the legs' records are closed")

// legs are the records of a node's live legs. Each call changes several, and a stream waits for the disk once for
// every message: here all that come while the disk is busy are one write. They have a file of the node's own, since
// nobody else can end its legs. Its methods may be called concurrently.
type legs struct {
	file    *bbolt.DB
	changes chan legChange
	closing chan struct{}
	close   sync.Once
	running sync.WaitGroup
}

// legChange is a record to keep, or, without one, to delete.
type legChange struct {
	key, record []byte
	// within deletes all whose keys begin with key.
	within bool
	done   chan error
}

// openLegs opens the file, or makes it. One that is damaged is put aside: the legs of an earlier process are lost by
// that, but no new call.
func openLegs(path string) (*legs, error) {
	file, err := openLegsFile(path)
	if errors.Is(err, bolterrors.ErrInvalid) || errors.Is(err, bolterrors.ErrVersionMismatch) || errors.Is(err, bolterrors.ErrChecksum) {
		if err := os.Rename(path, path+".damaged"); err != nil {
			return nil, fmt.Errorf("put the damaged records of legs aside: %w", err)
		}
		file, err = openLegsFile(path)
	}
	if errors.Is(err, bolterrors.ErrTimeout) {
		err = fmt.Errorf("%w: another process has it; end that first", err)
	}
	if err != nil {
		return nil, fmt.Errorf("open the records of legs in %s: %w", path, err)
	}
	l := &legs{file: file, changes: make(chan legChange), closing: make(chan struct{})}
	l.running.Go(l.write)
	return l, nil
}

func openLegsFile(path string) (*bbolt.DB, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	file, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: legsLockTime, NoFreelistSync: true, FreelistType: bbolt.FreelistMapType})
	if err != nil {
		return nil, err
	}
	err = file.Update(func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucketIfNotExists(legsBucket)
		return err
	})
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	return file, nil
}

// Close closes the file. Changes that are under way fail.
func (l *legs) Close() error {
	l.close.Do(func() { close(l.closing) })
	l.running.Wait()
	return l.file.Close()
}

// change makes a change, and returns when it is on disk. When ctx ends before, it may be or not.
func (l *legs) change(ctx context.Context, c legChange) error {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	c.done = make(chan error, 1)
	select {
	case l.changes <- c:
	case <-l.closing:
		return errLegsClosed
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	select {
	case err := <-c.done:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// write writes the changes until the file is closed.
func (l *legs) write() {
	for {
		batch := l.gather()
		if len(batch) == 0 {
			return
		}
		err := l.file.Update(func(tx *bbolt.Tx) error { return apply(tx.Bucket(legsBucket), batch) })
		if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
			err = fmt.Errorf("%w: %w", ErrNotWritable, err)
		}
		for _, c := range batch {
			c.done <- err
		}
	}
}

// gather waits for the changes of one write: a record is written at once, with all that wait by then. There are none when the file is
// closed.
func (l *legs) gather() (batch []legChange) {
	select {
	case c := <-l.changes:
		batch = append(batch, c)
	case <-l.closing:
		return nil
	}
	keeps := batch[0].record != nil
	if !keeps {
		patience := time.NewTimer(deletionDelay)
		defer patience.Stop()
		for waiting := true; waiting && !keeps && len(batch) < maxChanges; {
			select {
			case c := <-l.changes:
				batch, keeps = append(batch, c), c.record != nil
			case <-patience.C:
				waiting = false
			case <-l.closing:
				waiting = false
			}
		}
	}
	for len(batch) < maxChanges {
		select {
		case c := <-l.changes:
			batch = append(batch, c)
		default:
			return batch
		}
	}
	return batch
}

func apply(kept *bbolt.Bucket, batch []legChange) error {
	for _, c := range batch {
		var err error
		switch {
		case c.within:
			err = deleteWithin(kept, c.key)
		case c.record == nil:
			err = kept.Delete(c.key)
		default:
			err = kept.Put(c.key, c.record)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func deleteWithin(kept *bbolt.Bucket, prefix []byte) error {
	var keys [][]byte
	cursor := kept.Cursor()
	for key, _ := cursor.Seek(prefix); bytes.HasPrefix(key, prefix); key, _ = cursor.Next() {
		keys = append(keys, bytes.Clone(key))
	}
	for _, key := range keys {
		if err := kept.Delete(key); err != nil {
			return err
		}
	}
	return nil
}

// of returns the records of a node's legs, sorted by contact, and the keys of those that cannot be read.
func (l *legs) of(node contact.NodeID) (records []contact.LegRecord, damaged [][]byte, err error) {
	err = l.file.View(func(tx *bbolt.Tx) error {
		return tx.Bucket(legsBucket).ForEach(func(key, data []byte) error {
			if parts := bytes.Split(key, []byte(".")); len(parts) != 3 || string(parts[1]) != string(node) {
				return nil
			}
			if record, err := decodePersonal[contact.LegRecord](data); err == nil {
				records = append(records, record)
			} else {
				damaged = append(damaged, bytes.Clone(key))
			}
			return nil
		})
	})
	return records, damaged, err
}

// PutLeg keeps the record of a live leg of this node.
func (p *Personal) PutLeg(ctx context.Context, r contact.LegRecord) error {
	key, err := legKey(r)
	if err != nil {
		return err
	}
	data, err := encodePersonal(r)
	if err != nil {
		return err
	}
	if err := p.legs.change(ctx, legChange{key: key, record: data}); err != nil {
		return fmt.Errorf("keep a leg's record: %w", err)
	}
	return nil
}

// DeleteLeg deletes the record of a leg that is over. One that is gone already is no error.
func (p *Personal) DeleteLeg(ctx context.Context, r contact.LegRecord) error {
	key, err := legKey(r)
	if err != nil {
		return err
	}
	if err := p.legs.change(ctx, legChange{key: key}); err != nil {
		return fmt.Errorf("delete a leg's record: %w", err)
	}
	return nil
}

// LegsOf returns the records of legs that the node, which is this one, has not deleted, sorted by contact: those that an
// earlier process left alive. What cannot be read is deleted: one leg that cannot be ended must not keep the others, and
// the start, waiting.
func (p *Personal) LegsOf(ctx context.Context, node contact.NodeID) ([]contact.LegRecord, error) {
	if err := checkToken(string(node)); err != nil {
		return nil, err
	}
	records, damaged, err := p.legs.of(node)
	for _, key := range damaged {
		err = errors.Join(err, p.legs.change(ctx, legChange{key: key}))
	}
	if err != nil {
		return nil, fmt.Errorf("list the legs' records: %w", err)
	}
	return records, nil
}

func legKey(r contact.LegRecord) ([]byte, error) {
	key, err := subject("", r.Contact, string(r.Node), string(r.Leg))
	return []byte(key), err
}
