package private

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

const (
	// socketFile is the name that PostgreSQL gives its socket for port 5432. The port is only a part of that name.
	socketFile = ".s.PGSQL.5432"
	// socketPathLimit is the longest path of a Unix socket in bytes, without the final zero (unix(7)).
	socketPathLimit = 107
)

// layout is the directory and the names in it.
type layout struct{ directory string }

func (l layout) cluster() string { return filepath.Join(l.directory, "cluster") }

func (l layout) logDirectory() string { return filepath.Join(l.directory, "log") }

// prepare resolves the directory to its real, absolute path, proves that the account can reach it and creates it.
// As root it stays root's, open for passing through: the server's user owns only what is its own, so it can neither
// change who may log in nor make root write elsewhere.
func prepare(directory string, as account) (layout, error) {
	absolute, err := filepath.Abs(directory)
	if err != nil {
		return layout{}, fmt.Errorf("resolve the data directory %s: %w", directory, err)
	}
	if err := os.MkdirAll(filepath.Dir(absolute), 0o755); err != nil {
		return layout{}, adviseOnPermission(fmt.Errorf("create the data directory: %w", err))
	}
	parent, err := filepath.EvalSymlinks(filepath.Dir(absolute))
	if err != nil {
		return layout{}, fmt.Errorf("resolve the data directory: %w", err)
	}
	absolute = filepath.Join(parent, filepath.Base(absolute))
	if resolved, err := filepath.EvalSymlinks(absolute); err == nil {
		absolute = resolved
	}
	if err := as.checkReachable(absolute); err != nil {
		return layout{}, err
	}
	if err := os.Mkdir(absolute, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return layout{}, adviseOnPermission(fmt.Errorf("create the data directory: %w", err))
	}
	mode := fs.FileMode(0o700)
	if as.credential != nil {
		mode = 0o711
	}
	if err := os.Chmod(absolute, mode); err != nil {
		return layout{}, adviseOnPermission(fmt.Errorf("set the mode of the database's directory: %w", err))
	}
	return layout{directory: absolute}, nil
}

func adviseOnPermission(err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("%w. Run svar as the user that owns it, or choose another place with --data", err)
	}
	return err
}

// socketDirectory prepares the place of the socket and returns it as PostgreSQL and libpq write it. A path that is too
// long is replaced by an abstract socket ("@" and a name). Any local user of the same network namespace can reach
// that one, so its name is new and random at every start (nobody can take it first), the server demands the password, and
// clients refuse a server that does not prove that it knows it (see PrepareConfig).
func (l layout) socketDirectory(as account) (string, error) {
	directory := filepath.Join(l.directory, "socket")
	if len(filepath.Join(directory, socketFile)) > socketPathLimit {
		random := make([]byte, 16)
		_, _ = rand.Read(random)
		directory = "@svar-" + hex.EncodeToString(random)
	}
	return directory, l.clearSocket(directory, as)
}

// clearSocket makes the place of the socket anew: its lock file of an earlier run names a process id that may be
// somebody else's today. An abstract socket leaves nothing behind.
func (l layout) clearSocket(directory string, as account) error {
	if err := os.RemoveAll(filepath.Join(l.directory, "socket")); err != nil {
		return fmt.Errorf("remove an earlier socket: %w", err)
	}
	if strings.HasPrefix(directory, "@") {
		return nil
	}
	if err := os.Mkdir(directory, 0o700); err != nil {
		return fmt.Errorf("create the socket's directory: %w", err)
	}
	if err := as.own(directory); err != nil {
		return fmt.Errorf("give the socket's directory to %s: %w", as.name, err)
	}
	return nil
}

// hostBasedAuthentication lets in one role, by the socket, with its password; there is no "trust" for anybody.
const hostBasedAuthentication = `# Written by svar at every start: changes are lost.
local all ` + roleName + ` scram-sha-256
`

func (l layout) writeHostBasedAuthentication() (string, error) {
	path := filepath.Join(l.directory, "pg_hba.conf")
	if err := os.WriteFile(path, []byte(hostBasedAuthentication), 0o644); err != nil {
		return "", fmt.Errorf("write who may log in to the database: %w", err)
	}
	// The server's user must be able to read it whatever our umask is; there is no secret in it.
	if err := os.Chmod(path, 0o644); err != nil {
		return "", fmt.Errorf("set the mode of %s: %w", path, err)
	}
	return path, nil
}
