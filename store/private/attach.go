package private

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"
)

// attachInterval is how often a command looks whether the server that another process starts has become ready.
const attachInterval = 20 * time.Millisecond

// Attachment is a usable cluster for a command beside (or instead of) a running Svar.
type Attachment struct {
	connectionString string
	started          *Cluster // nil when the cluster is another process's
}

// Attach serves commands such as `svar report`: when a process runs the directory's cluster its connection string is
// returned, as soon as that server is ready; otherwise the cluster is started. Errors are those of Start, and the
// context's when the other process's server does not become ready.
func Attach(ctx context.Context, config Config) (*Attachment, error) {
	ticker := time.NewTicker(attachInterval)
	defer ticker.Stop()
	for {
		started, err := Start(ctx, config)
		if err == nil {
			return &Attachment{connectionString: started.ConnString(), started: started}, nil
		}
		var locked *LockedError
		if !errors.As(err, &locked) {
			return nil, err
		}
		connectionString, err := connectToRunning(config)
		if err == nil {
			return &Attachment{connectionString: connectionString}, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		select {
		case <-ticker.C: // it still starts, or has just ended: try again
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for the database that another process starts (%w): %w", locked, ctx.Err())
		}
	}
}

// connectToRunning returns fs.ErrNotExist when no server is ready.
func connectToRunning(config Config) (string, error) {
	as, err := serverAccount()
	if err != nil {
		return "", err
	}
	place, err := prepare(config.Dir, as)
	if err != nil {
		return "", err
	}
	found, err := readPIDFile(place.cluster())
	if err != nil {
		return "", adviseOnPermission(fmt.Errorf("read %s of the running database: %w", pidFileName, err))
	}
	if found.status != statusReady || !isPostmasterOf(found.pid, place.cluster(), as.uid) {
		return "", fmt.Errorf("the database in %s is not ready: %w", place.directory, fs.ErrNotExist)
	}
	password, err := place.readPassword()
	if err != nil {
		return "", adviseOnPermission(err)
	}
	return connectionString(found.socketDirectory, password), nil
}

// ConnString is like Cluster.ConnString.
func (a *Attachment) ConnString() string { return a.connectionString }

// Close stops the cluster when Attach started it and leaves another process's alone.
func (a *Attachment) Close(ctx context.Context) error {
	if a.started == nil {
		return nil
	}
	return a.started.Stop(ctx)
}
