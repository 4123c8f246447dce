package private

import (
	"errors"
	"fmt"
	"strings"
)

// Kinds of failure, for errors.Is. The errors that wrap them say in plain words what was wrong, where, and what to do.
var (
	// ErrLocked: another process runs this directory's cluster. See LockedError for its process id.
	ErrLocked = errors.New("the data directory is in use by another process")
	// ErrNotInstalled: no PostgreSQL server of a version that Svar can use was found on this machine.
	ErrNotInstalled = errors.New("PostgreSQL is not installed")
	// ErrVersion: the cluster was written by a major version of PostgreSQL that is not installed.
	ErrVersion = errors.New("the data was written by another version of PostgreSQL")
	// ErrUnreachable: the unprivileged user that the server runs as cannot reach the directory.
	ErrUnreachable = errors.New("the data directory cannot be reached by the database's user")
	// ErrOwner: the cluster belongs to another user than the one the server would run as.
	ErrOwner = errors.New("the data belongs to another user")
	// ErrDamaged: the cluster's directory lacks what every whole cluster has.
	ErrDamaged = errors.New("the data is damaged")
	// ErrServer: the server program ended when it should not have. See ServerError for its last words.
	ErrServer = errors.New("PostgreSQL ended unexpectedly")
)

// LockedError says who holds a directory's lock.
type LockedError struct {
	// Directory that was to be locked.
	Directory string
	// PID of the holder as it wrote it into the lock file; 0 when it could not be read.
	PID int
}

func (e *LockedError) Error() string {
	holder := "another process"
	if e.PID > 0 {
		holder = fmt.Sprintf("process %d", e.PID)
	}
	return fmt.Sprintf("%s is in use by %s: stop that one first, or choose another directory with --data", e.Directory, holder)
}

// Unwrap makes errors.Is(err, ErrLocked) true.
func (e *LockedError) Unwrap() error { return ErrLocked }

// ServerError carries the last lines that PostgreSQL wrote before it ended.
type ServerError struct {
	// Doing is what was going on, for example "starting the database in /var/lib/svar/postgres".
	Doing string
	// Advice is what the operator can do, one sentence.
	Advice string
	// Lines are the last lines of the server's own log, oldest first; at most tailLines.
	Lines []string
	// Exit is how the program ended.
	Exit error
}

func (e *ServerError) Error() string {
	var text strings.Builder
	fmt.Fprintf(&text, "%s: PostgreSQL ended (%v)", e.Doing, e.Exit)
	if e.Advice != "" {
		text.WriteString(". " + e.Advice)
	}
	if len(e.Lines) > 0 {
		text.WriteString(" Its last words were:")
		for _, line := range e.Lines {
			text.WriteString("\n  " + line)
		}
	}
	return text.String()
}

// Unwrap makes errors.Is(err, ErrServer) true and keeps how the program ended.
func (e *ServerError) Unwrap() []error { return []error{ErrServer, e.Exit} }
