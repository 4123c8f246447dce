package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"svar/agentui"
	"svar/channels/media"
	"svar/contact"
)

// recordings are the recordings of calls on this node, each in one file of one directory: UNTIL-CONTACT.wav, UNTIL
// being the second (Unix time) from which on it may be kept no longer. So each node deletes what is due by itself,
// whatever became of the database. While a call goes on its file ends in .part.
type recordings struct {
	directory string
	log       zerolog.Logger
}

const (
	recordingSuffix = ".wav"
	partSuffix      = ".part"
	// wavHeader is how long a recording's header is, and octetsPerMilli how much sound follows: two sides of 16 bits at 8 kHz.
	wavHeader      = 44
	octetsPerMilli = 32
)

func openRecordings(directory string, log zerolog.Logger) (*recordings, error) {
	if err := os.MkdirAll(directory, 0o700); err != nil {
		return nil, fmt.Errorf("make the directory for recordings: %w", err)
	}
	return &recordings{directory: directory, log: log}, nil
}

// recordableID is a contact's id that can be part of a file's name.
var recordableID = regexp.MustCompile(`^[A-Za-z0-9-]{1,64}$`)

// Begin implements [switchboard.Recordings].
func (r *recordings) Begin(id contact.ID, until contact.Instant) (*media.Recording, string, error) {
	if !recordableID.MatchString(string(id)) {
		return nil, "", fmt.Errorf("no file can be named after contact %q", id)
	}
	file := fmt.Sprintf("%d-%s%s", until.Time().Unix(), id, recordingSuffix)
	recording, err := media.NewRecording(filepath.Join(r.directory, file+partSuffix))
	return recording, file, err
}

// End implements [switchboard.Recordings].
func (r *recordings) End(file string) error {
	path := filepath.Join(r.directory, file)
	return os.Rename(path+partSuffix, path)
}

// recordingFile is a file of the directory.
type recordingFile struct {
	name  string
	id    contact.ID
	until time.Time
	part  bool
}

// files lists the directory, those that are kept longest first. Others' files are passed over.
func (r *recordings) files() ([]recordingFile, error) {
	entries, err := os.ReadDir(r.directory)
	if err != nil {
		return nil, fmt.Errorf("read the directory of recordings: %w", err)
	}
	var found []recordingFile
	for _, entry := range entries {
		name, part := strings.CutSuffix(entry.Name(), partSuffix)
		base, is := strings.CutSuffix(name, recordingSuffix)
		until, id, named := strings.Cut(base, "-")
		seconds, err := strconv.ParseInt(until, 10, 64)
		if is && named && err == nil {
			found = append(found, recordingFile{name: name, id: contact.ID(id), until: time.Unix(seconds, 0), part: part})
		}
	}
	slices.SortFunc(found, func(a, b recordingFile) int {
		return cmp.Or(b.until.Compare(a.until), strings.Compare(a.name, b.name))
	})
	return found, nil
}

// Open implements [agentui.Recordings]. What is due is not opened any more, though it may not be deleted yet.
func (r *recordings) Open(_ context.Context, id contact.ID) (io.ReadSeekCloser, error) {
	files, err := r.files()
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		if file.id != id || file.part || !time.Now().Before(file.until) {
			continue
		}
		opened, err := os.Open(filepath.Join(r.directory, file.name))
		if err == nil {
			return opened, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("open a recording: %w", err)
		}
	}
	return nil, fmt.Errorf("there is no recording of the contact on this node: %w", agentui.ErrNotFound)
}

// deleteDue deletes what may be kept no longer at now. Calls that go on are no exception: none takes so long.
func (r *recordings) deleteDue(now time.Time) error {
	files, err := r.files()
	if err != nil {
		return err
	}
	deleted := 0
	for _, file := range files {
		if now.Before(file.until) || file.part {
			continue
		}
		if err := os.Remove(filepath.Join(r.directory, file.name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("delete a recording: %w", err)
		}
		deleted++
	}
	if deleted > 0 {
		r.log.Info().Int("files", deleted).Msg("recordings were deleted by their lines' rules")
	}
	return nil
}

// recover makes whole files of those that an earlier process did not end, and returns what is to be put on record.
// It is called before calls are taken.
func (r *recordings) recover() ([]contact.ReportRecording, error) {
	files, err := r.files()
	if err != nil {
		return nil, err
	}
	var reports []contact.ReportRecording
	for _, file := range files {
		if !file.part {
			continue
		}
		report, err := r.recoverFile(file)
		if err != nil {
			r.log.Error().Err(err).Str("contact", string(file.id)).Msg("a recording of an earlier process cannot be used")
			continue
		}
		reports = append(reports, report)
	}
	return reports, nil
}

func (r *recordings) recoverFile(found recordingFile) (report contact.ReportRecording, err error) {
	path := filepath.Join(r.directory, found.name)
	file, err := os.OpenFile(path+partSuffix, os.O_RDWR, 0)
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	var header [wavHeader]byte
	if _, err := io.ReadFull(file, header[:]); err != nil {
		return report, errors.Join(errors.New("it has no sound"), os.Remove(path+partSuffix))
	}
	// What was written after the header was, nobody knows the end of.
	sound := int64(binary.LittleEndian.Uint32(header[wavHeader-4:]))
	if info, err := file.Stat(); err != nil {
		return report, err
	} else if info.Size() > wavHeader+sound {
		if err := file.Truncate(wavHeader + sound); err != nil {
			return report, err
		}
	}
	sum := sha256.New()
	size, err := io.Copy(sum, io.NewSectionReader(file, 0, wavHeader+sound))
	if err != nil {
		return report, err
	}
	return contact.ReportRecording{
		Contact: found.id, Recording: contact.RecordingEnded, File: found.name, SHA256: hex.EncodeToString(sum.Sum(nil)), Bytes: size,
		Length: contact.Millis((size - wavHeader) / octetsPerMilli), DeleteAfter: contact.InstantOf(found.until),
	}, r.End(found.name)
}

// recordingSweep is how often recordings are deleted that are due.
const recordingSweep = 10 * time.Minute

// openRecordings opens the directory, before calls are taken, and begins to delete what is due. It returns what is to be
// put on record.
func (a *App) openRecordings() (reports []contact.ReportRecording, err error) {
	if a.recordings, err = openRecordings(filepath.Join(a.options.Data, "recordings"), a.options.Log); err != nil {
		return nil, err
	}
	reports, err = a.recordings.recover()
	if err != nil {
		return nil, err
	}
	a.run("the recordings", func(ctx context.Context) error {
		sweep := func() {
			if err := a.recordings.deleteDue(time.Now()); err != nil {
				a.options.Log.Error().Err(err).Msg("recordings that may be kept no longer could not be deleted; this is tried again")
			}
		}
		sweep()
		return every(ctx, recordingSweep, sweep)
	})
	return reports, nil
}

// reportRecordings puts on record what an earlier process did not. A file that the queue knows nothing of is deleted in
// its time all the same.
func (a *App) reportRecordings(ctx context.Context, reports []contact.ReportRecording) {
	ctx, cancel := context.WithTimeout(ctx, databaseTime)
	defer cancel()
	for _, report := range reports {
		if err := a.bus.Send(ctx, report); err != nil {
			a.options.Log.Warn().Err(err).Str("contact", string(report.Contact)).Msg("a recording of an earlier process is on no record")
		}
	}
}

// forgetRecordings deletes what is due on this node and writes down that it is deleted: each node deletes its own files
// in the same minutes.
func (a *App) forgetRecordings(ctx context.Context) error {
	now := time.Now()
	if err := a.recordings.deleteDue(now); err != nil {
		return err
	}
	due, err := a.store.RecordingsDue(ctx, now.Add(-recordingSweep), forgetAtOnce)
	if err != nil {
		return err
	}
	for _, recording := range due {
		if err := a.store.MarkRecordingDeleted(ctx, recording.Contact, recording.File, contact.InstantOf(now)); err != nil {
			return err
		}
	}
	return nil
}
