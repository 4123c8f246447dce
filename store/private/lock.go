package private

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// lockName is the file inside a directory that carries its flock.
const lockName = "lock"

// DirectoryLock is a held lock on a directory. It ends with Release or with the process, however that dies.
type DirectoryLock struct {
	release sync.Once
	file    *os.File
	err     error
}

// Lock takes the lock of a directory that exists. It does not wait: when another process (or another part of this
// one) holds it the error is a *LockedError, which is ErrLocked. The file is never removed, because removing a
// locked file lets two holders in.
func Lock(directory string) (*DirectoryLock, error) {
	path := filepath.Join(directory, lockName)
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the lock of %s: %w", directory, err)
	}
	if err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		holder := readHolder(file)
		_ = file.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, &LockedError{Directory: directory, PID: holder}
		}
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	if err := writeHolder(file); err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("write the process id into %s: %w", path, err)
	}
	return &DirectoryLock{file: file}, nil
}

// Release gives the lock back. It may be called more than once and from any goroutine.
func (l *DirectoryLock) Release() error {
	l.release.Do(func() {
		// An empty file says "nobody" to whoever reads it before the next holder has written. Closing alone is not
		// enough: flock(2) lasts until the last copy of the descriptor is gone, and a child that another goroutine is
		// just starting has one between its fork and its exec.
		l.err = errors.Join(l.file.Truncate(0), unix.Flock(int(l.file.Fd()), unix.LOCK_UN), l.file.Close())
	})
	return l.err
}

func readHolder(file *os.File) int {
	buffer := make([]byte, 32)
	length, _ := file.ReadAt(buffer, 0)
	pid, err := strconv.Atoi(strings.TrimSpace(string(buffer[:length])))
	if err != nil || pid < 0 {
		return 0
	}
	return pid
}

func writeHolder(file *os.File) error {
	if err := file.Truncate(0); err != nil {
		return err
	}
	_, err := file.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	return err
}
