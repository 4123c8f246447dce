package private

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

const (
	// roleName owns the database of the same name. It is not a superuser: what reaches SQL through a mistake of ours
	// can neither read files nor start programs.
	roleName     = "svar"
	databaseName = "svar"
	passwordName = "password"
	newPrefix    = "cluster.new-"
)

// initialize makes a cluster beside its place and renames it into place as the last step. A machine that dies before
// that leaves a directory that the next start throws away, never half a cluster.
//
// The locale is C.UTF-8: case and letters are those of Unicode (lower('Å'), trigrams of Swedish words), order is by code
// point and so does not change with the C library, which would break indexes. Queries that show names in Swedish order say so
// (COLLATE "sv-x-icu").
func (l layout) initialize(ctx context.Context, programs installation, as account, log *serverLog, sync bool) error {
	fresh, err := os.MkdirTemp(l.directory, newPrefix)
	if err != nil {
		return fmt.Errorf("create the database's directory: %w", err)
	}
	defer func() { _ = os.RemoveAll(fresh) }() // nothing is left of it after the rename
	if err := as.own(fresh); err != nil {
		return fmt.Errorf("give %s to %s: %w", fresh, as.name, err)
	}
	// Written to disk once, at the end, and not by every step.
	err = run(ctx, as, log, "", "creating the database in "+l.directory, programs.program("initdb"), "-D", fresh,
		"--username=postgres", "--auth=reject", "--encoding=UTF8", "--locale=C.UTF-8", "--data-checksums",
		"--no-instructions", "--no-sync")
	if err != nil {
		return err
	}
	password := newPassword()
	statements := []string{
		fmt.Sprintf("CREATE ROLE %s LOGIN CREATEDB PASSWORD '%s'", roleName, password),
		fmt.Sprintf("CREATE DATABASE %s OWNER %s", databaseName, roleName),
	}
	if err := singleUser(ctx, programs, as, log, fresh, "off", statements...); err != nil {
		return err
	}
	if sync {
		if err := run(ctx, as, log, "", "writing the new database to disk", programs.program("initdb"), "--sync-only", "-D", fresh); err != nil {
			return err
		}
	}
	if err := l.writePassword(password); err != nil {
		return err
	}
	if err := os.Rename(fresh, l.cluster()); err != nil {
		return fmt.Errorf("put the new database into place: %w", err)
	}
	l.removeHalfMade()
	return syncDirectory(l.directory)
}

// removeHalfMade throws away what interrupted set-ups left. It does what it can: the programs of a set-up whose Svar has
// just been killed may still write there for a moment, and what stays is in nobody's way and goes at the next start.
func (l layout) removeHalfMade() {
	leftovers, _ := filepath.Glob(filepath.Join(escapeGlob(l.directory), newPrefix+"*")) // the pattern is well formed
	for _, leftover := range leftovers {
		_ = os.RemoveAll(leftover)
	}
}

func escapeGlob(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

// ensurePassword returns the role's password. Where the file is lost it sets a new one, which needs the server stopped.
func (l layout) ensurePassword(ctx context.Context, programs installation, as account, log *serverLog) (string, error) {
	password, err := l.readPassword()
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return password, err
	}
	password = newPassword()
	statement := fmt.Sprintf("ALTER ROLE %s PASSWORD '%s'", roleName, password)
	if err := singleUser(ctx, programs, as, log, l.cluster(), "on", statement); err != nil {
		return "", err
	}
	return password, l.writePassword(password)
}

func (l layout) readPassword() (string, error) {
	text, err := os.ReadFile(filepath.Join(l.directory, passwordName))
	if err != nil {
		return "", fmt.Errorf("read the database's password: %w", err)
	}
	password := strings.TrimSpace(string(text))
	if password == "" {
		return "", fmt.Errorf("the database's password file is empty: %w", fs.ErrNotExist)
	}
	return password, nil
}

func (l layout) writePassword(password string) error {
	path := filepath.Join(l.directory, passwordName)
	temporary := path + ".new"
	if err := os.Remove(temporary); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove an unfinished password file: %w", err)
	}
	file, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("create the database's password file: %w", err)
	}
	_, err = file.WriteString(password + "\n")
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return fmt.Errorf("write the database's password file: %w", err)
	}
	if err := os.Rename(temporary, path); err != nil {
		return fmt.Errorf("put the database's password file into place: %w", err)
	}
	return syncDirectory(l.directory)
}

// newPassword is 256 random bits, in letters that need no quoting in SQL or in a URL.
func newPassword() string {
	random := make([]byte, 32)
	_, _ = rand.Read(random) // never fails: the program ends when the system has no randomness
	return hex.EncodeToString(random)
}

func syncDirectory(directory string) error {
	handle, err := os.Open(directory)
	if err != nil {
		return fmt.Errorf("open %s: %w", directory, err)
	}
	if err := errors.Join(handle.Sync(), handle.Close()); err != nil {
		return fmt.Errorf("write %s to disk: %w", directory, err)
	}
	return nil
}

// singleUser runs statements in a server that nobody can connect to: secrets pass through its standard input.
func singleUser(ctx context.Context, programs installation, as account, log *serverLog, cluster, fsync string, statements ...string) error {
	// Without log_min_error_statement a statement that fails would stand in the log with its password.
	return run(ctx, as, log, strings.Join(statements, ";\n")+";\n", "preparing the database in "+cluster,
		programs.program("postgres"), "--single", "-D", cluster, "-c", "exit_on_error=on", "-c", "fsync="+fsync,
		"-c", "log_min_error_statement=panic", "-c", "log_checkpoints=off", "-c", "log_timezone=UTC", "postgres")
}

// run runs one of PostgreSQL's programs to its end. When the context ends first the program is ended.
func run(ctx context.Context, as account, log *serverLog, input, doing, program string, arguments ...string) error {
	log.forget()
	command := exec.CommandContext(ctx, program, arguments...)
	command.Env, command.Dir = environment(), "/"
	command.Stdin = strings.NewReader(input)
	command.Stdout, command.Stderr = log, log
	started, err := startChild(command, as, unix.SIGKILL)
	if err != nil {
		return fmt.Errorf("%s: start %s as %s: %w", doing, program, as.name, err)
	}
	<-started.ended
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	if started.err != nil {
		return &ServerError{Doing: doing, Lines: log.lastLines(), Exit: started.err}
	}
	return nil
}
