package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// startBytes must be writable in the data directory, or nothing is started: what would fail behind
// it says so in less plain words.
const startBytes = 256 << 10

// checkDataDirectory says what is wrong with a directory that cannot be written, and what to do.
func checkDataDirectory(directory string) error {
	path := filepath.Join(directory, "start-probe")
	err := writeProbe(path)
	advice := "put it right, or choose another place with --data"
	switch {
	case err == nil:
		return nil
	case errors.Is(err, unix.ENOSPC), errors.Is(err, unix.EDQUOT):
		advice = "make room there; what was recorded is kept"
	case errors.Is(err, unix.EROFS):
		advice = "it is mounted read-only: mount it for writing, or choose another place with --data"
	case errors.Is(err, fs.ErrPermission):
		advice = "run svar as the user that owns it, or choose another place with --data"
	}
	return fmt.Errorf("the data directory %s cannot be written: %w; %s", directory, err, advice)
}

func writeProbe(path string) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(make([]byte, startBytes))
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close(), os.Remove(path))
}
