package journal

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"
	"golang.org/x/sys/unix"
)

const (
	// keepInterval is how often the keeper looks: so long a writer may wait in vain for an answer.
	keepInterval = 500 * time.Millisecond
	// mendInterval bounds the pause between two tries to mend the streams.
	mendInterval = 5 * time.Second
	// complaintInterval is how often a lack of room that goes on is logged.
	complaintInterval = time.Minute
	// probeBytes must be writable before the streams are tried again.
	probeBytes = 256 << 10

	// floorBytes are never written, so that a stream's last write is a whole one.
	floorBytes = 1 << 20

	defaultWarnBytes    = 1 << 30
	defaultReserveBytes = 64 << 20
)

// keeper watches the server's streams and mends them. A stream whose write failed is dead: the server answers no
// publisher any more, even when there is room again (nats-server v2.15, filestore.go setWriteErr); and when the directory
// may not be written it closes all streams by itself. Only another server reads them anew (opening them within the
// old one is a data race there).
type keeper struct {
	embedded             *Embedded
	directory            string
	limit, warn, reserve int64
	log                  zerolog.Logger

	complained time.Time
	mendAfter  time.Time
	pause      time.Duration
}

// run looks until ctx ends.
func (k *keeper) run(ctx context.Context) {
	tick := time.NewTicker(keepInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			k.look(time.Now())
		}
	}
}

// look takes in how the streams are doing, and mends them when they are broken and can be mended.
func (k *keeper) look(now time.Time) {
	fault := k.fault()
	if fault != "" {
		k.tell(now, fault) // before it is mended, which takes long when the streams are large
	}
	if fault != "" && !now.Before(k.mendAfter) {
		problem := k.probe()
		if problem == nil {
			problem = k.embedded.replace()
		}
		if problem == nil {
			fault = k.fault()
		} else {
			fault += "; " + problem.Error()
		}
		k.pause = min(max(2*k.pause, keepInterval), mendInterval)
		k.mendAfter = now.Add(k.pause)
	}
	if fault == "" {
		k.pause, k.mendAfter = 0, time.Time{}
	}
	k.tell(now, fault)
}

// tell lets the guard know how the place is doing with the fault, if there is one.
func (k *keeper) tell(now time.Time, fault string) {
	next := k.measure(fault)
	k.complain(now, k.embedded.guard.set(next), next)
}

// fault is what is wrong with the streams in the server's words; empty when nothing is.
func (k *keeper) fault() string {
	running := k.embedded.running()
	if !running.Running() {
		return "the server has ended" // an attempt to replace it failed
	}
	var words []string
	for _, one := range running.Healthz(&server.HealthzOptions{Details: true}).Errors {
		// A stream that is being made or purged is not there for a moment.
		if strings.Contains(one.Error, "write error") || one.Type == server.HealthzErrorJetStream {
			words = append(words, one.Error)
		}
	}
	return strings.Join(words, "; ")
}

// probe proves that the disk takes something.
func (k *keeper) probe() error {
	path := filepath.Join(k.directory, "probe")
	file, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(make([]byte, probeBytes))
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close(), os.Remove(path))
}

// measure is how the place is doing with the fault, if there is one.
func (k *keeper) measure(fault string) Storage {
	s := Storage{Limit: k.limit, Used: int64(k.embedded.running().GlobalAccount().JetStreamUsage().Store)}
	s.Free = max(s.Limit-s.Used, 0)
	where := "the store that the streams in " + k.directory + " may fill"
	if free, err := freeBytes(k.directory); err != nil {
		fault = strings.TrimPrefix(fault+"; "+err.Error(), "; ")
	} else if free < s.Free {
		s.Free, where = free, "the disk of "+k.directory
	}
	left := fmt.Sprintf("%d MB are left of %s", s.Free>>20, where)
	switch {
	case fault != "":
		s.Level = Unwritable
		s.Problem = fmt.Sprintf("nothing can be recorded, talks go on: the streams in %s cannot be written. Make room, or let svar write there. %s. The server said: %s", k.directory, left, fault)
	case s.Free < k.bound(Unwritable, floorBytes):
		s.Level = Unwritable
		s.Problem = "nothing can be recorded, talks go on: " + left + ". Make room"
	case s.Free < k.bound(Reserved, k.reserve):
		s.Level = Reserved
		s.Problem = "new contacts are turned away, what goes on is recorded: " + left + ". Make room"
	case s.Free < k.bound(Low, k.warn):
		s.Level = Low
		s.Problem = left + ". Make room before contacts are turned away"
	}
	return s
}

// bound is the room below which the level begins, and an eighth more before it ends: room that comes and goes, since a
// database lies beside the journal, must not take contacts in and turn them away by turns.
func (k *keeper) bound(level Level, begins int64) int64 {
	if k.embedded.guard.Storage().Level >= level {
		return begins + begins/8
	}
	return begins
}

func freeBytes(directory string) (int64, error) {
	var disk unix.Statfs_t
	if err := unix.Statfs(directory, &disk); err != nil {
		return 0, fmt.Errorf("look at the disk of %s: %w", directory, err)
	}
	return int64(min(disk.Bavail*uint64(disk.Bsize), math.MaxInt64)), nil
}

// complain logs what has changed, and again from time to time while contacts are turned away.
func (k *keeper) complain(now time.Time, was, is Storage) {
	changed := is.Level != was.Level
	if !changed && (is.Level < Reserved || now.Sub(k.complained) < complaintInterval) {
		return
	}
	k.complained = now
	line := k.log.Info()
	switch is.Level {
	case Ample:
	case Low:
		line = k.log.Warn()
	case Reserved, Unwritable:
		line = k.log.Error()
	}
	line = line.Int64("free", is.Free).Int64("used", is.Used)
	if is.Level == Ample {
		line.Msg("there is room enough for the journal again")
	} else {
		line.Msg(is.Problem)
	}
}

// inPlainWords tells a store that has reached its limit from other refusals.
func inPlainWords(err error) error {
	refused := (*jetstream.APIError)(nil)
	if !errors.As(err, &refused) || !slices.Contains(noRoomCodes, refused.ErrorCode) {
		return err
	}
	return fmt.Errorf("%w: its store is full: %w", ErrNotWritable, err)
}

// noRoomCodes are those of the server for insufficient resources, for storage that is exceeded and for a write that
// failed; nats.go has no names for them (nats-server v2.15, jetstream_errors_generated.go).
var noRoomCodes = []jetstream.ErrorCode{10023, 10047, 10077}
