package private

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/sys/unix"
)

const (
	logName = "postgresql.log"
	// logLimit is the size in bytes at which the log becomes postgresql.log.1; so at most twice as much is kept.
	logLimit = 8 << 20
	// tailLines is how many last lines an error can show.
	tailLines = 12
	// tailLineLimit cuts a line in an error, in bytes.
	tailLineLimit = 400
)

// serverLog writes what the server says into a file of limited size and remembers the last lines for errors. It is safe
// for concurrent use.
//
// It is here, and not PostgreSQL's own collector, because that one cannot limit the size, and a failed start must be
// able to show its reason whichever stage it reached.
type serverLog struct {
	mutex sync.Mutex
	path  string
	file  *os.File
	size  int64
	tail  [][]byte
	open  bool // the last line of tail has no newline yet
}

func openServerLog(directory string) (*serverLog, error) {
	if err := os.Mkdir(directory, 0o700); err != nil && !os.IsExist(err) {
		return nil, fmt.Errorf("create the directory of the database's log: %w", err)
	}
	log := &serverLog{path: filepath.Join(directory, logName)}
	if err := log.reopen(); err != nil {
		return nil, err
	}
	return log, nil
}

func (l *serverLog) reopen() error {
	file, err := os.OpenFile(l.path, os.O_WRONLY|os.O_APPEND|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return fmt.Errorf("open the database's log: %w", err)
	}
	info, err := file.Stat()
	if err != nil {
		_ = file.Close()
		return fmt.Errorf("look at the database's log: %w", err)
	}
	l.file, l.size = file, info.Size()
	return nil
}

// Write never fails: a full disk must not end the pipe that the server writes to, which would stop the server.
func (l *serverLog) Write(text []byte) (int, error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.remember(text)
	if l.size > 0 && l.size+int64(len(text)) > logLimit {
		l.rotate()
	}
	if l.file != nil {
		written, _ := l.file.Write(text)
		l.size += int64(written)
	}
	return len(text), nil
}

func (l *serverLog) rotate() {
	if l.file != nil {
		_ = l.file.Close()
	}
	l.file, l.size = nil, 0
	_ = os.Rename(l.path, l.path+".1")
	_ = l.reopen()
}

func (l *serverLog) remember(text []byte) {
	for line := range bytes.Lines(text) {
		whole := bytes.HasSuffix(line, []byte("\n"))
		line = bytes.TrimRight(line, "\r\n")
		if l.open && len(l.tail) > 0 {
			last := len(l.tail) - 1
			l.tail[last] = append(l.tail[last], line...)
		} else {
			l.tail = append(l.tail, bytes.Clone(line))
		}
		if last := len(l.tail) - 1; len(l.tail[last]) > tailLineLimit {
			l.tail[last] = l.tail[last][:tailLineLimit]
		}
		l.open = !whole
	}
	if excess := len(l.tail) - tailLines; excess > 0 {
		l.tail = append(l.tail[:0:0], l.tail[excess:]...)
	}
}

// lastLines returns up to tailLines lines, oldest first.
func (l *serverLog) lastLines() []string {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	lines := make([]string, 0, len(l.tail))
	for _, line := range l.tail {
		if len(line) > 0 {
			lines = append(lines, string(line))
		}
	}
	return lines
}

// forget begins a new tail, so that an error shows only the program that failed.
func (l *serverLog) forget() {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.tail, l.open = nil, false
}

func (l *serverLog) close() {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if l.file != nil {
		_ = l.file.Close()
		l.file = nil
	}
}
