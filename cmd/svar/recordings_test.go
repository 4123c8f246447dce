package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"svar/agentui"
	"svar/channels/media"
	"svar/contact"
)

func newRecordings(t *testing.T) *recordings {
	t.Helper()
	r, err := openRecordings(filepath.Join(t.TempDir(), "recordings"), zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// begin begins a file that may be kept for so long.
func (r *recordings) begin(t *testing.T, id contact.ID, kept time.Duration) (*media.Recording, string) {
	t.Helper()
	recording, file, err := r.Begin(id, contact.InstantOf(time.Now().Add(kept)))
	if err != nil {
		t.Fatal(err)
	}
	return recording, file
}

func (r *recordings) keep(t *testing.T, id contact.ID, kept time.Duration) {
	t.Helper()
	recording, file := r.begin(t, id, kept)
	if _, err := recording.Close(); err != nil {
		t.Fatal(err)
	}
	if err := r.End(file); err != nil {
		t.Fatal(err)
	}
}

func TestRecordingIsOpenedWhenItIsWhole(t *testing.T) {
	t.Parallel()
	r := newRecordings(t)
	recording, file := r.begin(t, "call-1", time.Hour)
	defer recording.Close()
	info, err := os.Stat(filepath.Join(r.directory, file+".part"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("the file is %v, %v; want it for its owner alone", info, err)
	}
	if _, err := r.Open(t.Context(), "call-1"); !errors.Is(err, agentui.ErrNotFound) {
		t.Errorf("a recording that goes on is opened: %v", err)
	}
	if _, err := recording.Close(); err != nil {
		t.Fatal(err)
	}
	if err := r.End(file); err != nil {
		t.Fatal(err)
	}
	opened, err := r.Open(t.Context(), "call-1")
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Close()
	if data, err := io.ReadAll(opened); err != nil || !bytes.HasPrefix(data, []byte("RIFF")) {
		t.Errorf("it holds %q, %v", data, err)
	}
	for _, id := range []contact.ID{"call", "1", "call-2", "*", "../recordings/call-1"} {
		if _, err := r.Open(t.Context(), id); !errors.Is(err, agentui.ErrNotFound) {
			t.Errorf("%s is opened: %v", id, err)
		}
	}
	if _, _, err := r.Begin("../call", 1); err == nil {
		t.Error("a file outside of the directory was made")
	}
}

func TestRecordingsAreDeletedWhenTheyAreDue(t *testing.T) {
	t.Parallel()
	r := newRecordings(t)
	r.keep(t, "due", time.Hour)
	r.keep(t, "kept", 3*time.Hour)
	r.keep(t, "over", -time.Minute)
	if err := os.WriteFile(filepath.Join(r.directory, "notes.txt"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Open(t.Context(), "over"); !errors.Is(err, agentui.ErrNotFound) {
		t.Errorf("one that is due is opened before it is deleted: %v", err)
	}
	for range 2 {
		if err := r.deleteDue(time.Now().Add(2 * time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	files, err := r.files()
	if err != nil || len(files) != 1 || files[0].id != "kept" {
		t.Errorf("left are %+v, %v", files, err)
	}
	if _, err := os.Stat(filepath.Join(r.directory, "notes.txt")); err != nil {
		t.Errorf("a file of somebody else is gone: %v", err)
	}
}

// A crash leaves a file that can be played, and the next start puts it on record.
func TestRecordingOfACrashedProcessIsRecovered(t *testing.T) {
	t.Parallel()
	r := newRecordings(t)
	recording, file := r.begin(t, "call-1", time.Hour)
	if _, err := recording.Close(); err != nil { // never ended
		t.Fatal(err)
	}
	path := filepath.Join(r.directory, file)
	whole, err := os.ReadFile(path + ".part")
	if err != nil {
		t.Fatal(err)
	}
	sound := bytes.Repeat([]byte{1, 0, 2, 0}, 8000) // a second, and then what no header tells of
	whole[40], whole[41], whole[42], whole[43] = byte(len(sound)), byte(len(sound)>>8), byte(len(sound)>>16), 0
	whole = append(whole, sound...)
	if err := os.WriteFile(path+".part", append(bytes.Clone(whole), "half a frame"...), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(r.directory, "9999999999-empty.wav.part"), []byte("RIFF"), 0o600); err != nil {
		t.Fatal(err)
	}
	reports, err := r.recover()
	if err != nil || len(reports) != 1 {
		t.Fatalf("recovered %+v, %v", reports, err)
	}
	sum := sha256.Sum256(whole)
	got, want := reports[0], contact.ReportRecording{
		Contact: "call-1", Recording: contact.RecordingEnded, File: file, SHA256: hex.EncodeToString(sum[:]),
		Bytes: int64(len(whole)), Length: 1000, DeleteAfter: reports[0].DeleteAfter,
	}
	if got != want || time.Until(got.DeleteAfter.Time()) < 59*time.Minute {
		t.Errorf("on record is %+v, want %+v", got, want)
	}
	if opened, err := r.Open(t.Context(), "call-1"); err != nil {
		t.Errorf("it cannot be heard: %v", err)
	} else {
		_ = opened.Close()
	}
	if again, err := r.recover(); err != nil || len(again) != 0 {
		t.Errorf("recovered again: %+v, %v", again, err)
	}
	if files, err := r.files(); err != nil || len(files) != 1 {
		t.Errorf("left are %+v, %v", files, err)
	}
}
