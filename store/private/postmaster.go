package private

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	pidFileName = "postmaster.pid"
	statusReady = "ready"
	// leftoverGrace is how long the processes of an earlier run may take to end. An immediate shutdown ends its own
	// children by force after 5 s.
	leftoverGrace = 15 * time.Second
)

// pidFile is what a postmaster writes about itself into its data directory. Its lines are PostgreSQL's contract with
// pg_ctl (src/include/utils/pidfile.h): process id, data directory, start time, port, socket directory, address, shared
// memory, status.
type pidFile struct {
	pid             int
	socketDirectory string
	status          string
}

// readPIDFile returns fs.ErrNotExist when no postmaster is there. A file that is only half written has missing lines.
func readPIDFile(cluster string) (pidFile, error) {
	text, err := os.ReadFile(filepath.Join(cluster, pidFileName))
	if err != nil {
		return pidFile{}, err
	}
	lines := strings.Split(string(text), "\n")
	line := func(number int) string {
		if number > len(lines) {
			return ""
		}
		return strings.TrimSpace(lines[number-1])
	}
	pid, err := strconv.Atoi(line(1))
	if err != nil {
		pid = 0
	}
	return pidFile{pid: max(pid, 0), socketDirectory: line(5), status: line(8)}, nil
}

// process is a handle on one process; unlike a process id it never means another one later.
type process struct {
	pid        int
	descriptor int
}

func openProcess(pid int) (*process, error) {
	descriptor, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return nil, err
	}
	return &process{pid: pid, descriptor: descriptor}, nil
}

func (p *process) close() { _ = unix.Close(p.descriptor) }
func (p *process) signal(s syscall.Signal) error {
	return unix.PidfdSendSignal(p.descriptor, s, nil, 0)
}

// waitGone reports whether the process ended before the deadline and before the context.
func (p *process) waitGone(ctx context.Context, deadline time.Time) bool {
	const slice = 50 * time.Millisecond // how late a cancelled context may be noticed
	for ctx.Err() == nil {
		poll := []unix.PollFd{{Fd: int32(p.descriptor), Events: unix.POLLIN}}
		ready, err := unix.Poll(poll, int(slice.Milliseconds()))
		switch {
		case err != nil && !errors.Is(err, unix.EINTR):
			return false
		case ready > 0:
			return true
		case time.Now().After(deadline):
			return false
		}
	}
	return false
}

// isPostmasterOf proves that a process is the postmaster of a cluster: the right user, and -D with that directory.
func isPostmasterOf(pid int, cluster string, uid uint32) bool {
	if pid <= 0 || !runsAs(pid, uid) {
		return false
	}
	text, err := os.ReadFile(processPath(pid, "cmdline"))
	if err != nil {
		return false
	}
	arguments := strings.Split(strings.TrimRight(string(text), "\x00"), "\x00")
	if len(arguments) == 0 || !slices.Contains([]string{"postgres", "postmaster"}, filepath.Base(arguments[0])) {
		return false
	}
	for index, argument := range arguments {
		if argument == "-D" && index+1 < len(arguments) && sameDirectory(arguments[index+1], cluster) {
			return true
		}
	}
	return false
}

func processPath(pid int, name string) string {
	return filepath.Join("/proc", strconv.Itoa(pid), name)
}

func runsAs(pid int, uid uint32) bool {
	info, err := os.Stat(filepath.Join("/proc", strconv.Itoa(pid)))
	if err != nil {
		return false
	}
	status, ok := info.Sys().(*syscall.Stat_t)
	return ok && status.Uid == uid
}

func sameDirectory(one, other string) bool {
	first, err := os.Stat(one)
	if err != nil {
		return false
	}
	second, err := os.Stat(other)
	return err == nil && os.SameFile(first, second)
}

// clearLeftovers makes sure that nothing of an earlier run uses the cluster. The caller holds the directory's lock, so
// the Svar that started an earlier postmaster is dead and that postmaster is about to die too.
//
// Only a postmaster proven ours gets a signal. Other server processes that stand in the directory (children of a
// postmaster that was killed, or one that somebody started by hand) are waited for and never ended. After that a pid
// file is stale, whatever process has its number today.
func clearLeftovers(ctx context.Context, cluster string, owner account) error {
	found, err := readPIDFile(cluster)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read %s of the database: %w", pidFileName, err)
	}
	deadline := time.Now().Add(leftoverGrace)
	if err := endPostmaster(ctx, found.pid, cluster, owner, deadline); err != nil {
		return err
	}
	if remaining := waitForServerProcesses(ctx, cluster, owner, deadline); len(remaining) > 0 {
		return fmt.Errorf("%w: the PostgreSQL processes %v still work in %s. Stop them, then start svar again", ErrLocked, remaining, cluster)
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("wait for an earlier database to end: %w", err)
	}
	if err := os.Remove(filepath.Join(cluster, pidFileName)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove the stale %s: %w", pidFileName, err)
	}
	return nil
}

func endPostmaster(ctx context.Context, pid int, cluster string, owner account, deadline time.Time) error {
	if pid <= 0 {
		return nil
	}
	postmaster, err := openProcess(pid)
	if errors.Is(err, unix.ESRCH) || errors.Is(err, unix.EINVAL) {
		return nil // ended, or the number is a thread's: nothing that could be a postmaster
	}
	if err != nil {
		return fmt.Errorf("look at process %d of an earlier database: %w", pid, err)
	}
	defer postmaster.close()
	// Proven after the handle was opened: from here on the number cannot pass to another process.
	if !isPostmasterOf(pid, cluster, owner.uid) {
		return nil
	}
	if err := postmaster.signal(unix.SIGQUIT); err != nil && !errors.Is(err, unix.ESRCH) {
		return fmt.Errorf("end the earlier database (process %d): %w", pid, err)
	}
	if !postmaster.waitGone(ctx, deadline) {
		return fmt.Errorf("%w: an earlier PostgreSQL (process %d) in %s does not end. Stop it, then start svar again", ErrLocked, pid, cluster)
	}
	return nil
}

// waitForServerProcesses returns the process ids that did not end in time.
func waitForServerProcesses(ctx context.Context, cluster string, owner account, deadline time.Time) []int {
	var remaining []int
	for _, pid := range serverProcesses(cluster, owner.uid) {
		running, err := openProcess(pid)
		if err != nil {
			continue
		}
		// Looked at again behind the handle, as the number may have passed on in between.
		if isServerProcess(pid, cluster, owner.uid) && !running.waitGone(ctx, deadline) {
			remaining = append(remaining, pid)
		}
		running.close()
	}
	return remaining
}

// serverProcesses lists the server's processes that have the cluster as working directory; each of them does.
func serverProcesses(cluster string, uid uint32) []int {
	entries, _ := os.ReadDir("/proc") // what could be read is returned with the error
	var found []int
	for _, entry := range entries {
		if pid, err := strconv.Atoi(entry.Name()); err == nil && isServerProcess(pid, cluster, uid) {
			found = append(found, pid)
		}
	}
	return found
}

func isServerProcess(pid int, cluster string, uid uint32) bool {
	if !runsAs(pid, uid) {
		return false
	}
	name, err := os.ReadFile(processPath(pid, "comm"))
	return err == nil && bytes.HasPrefix(name, []byte("postgres")) && sameDirectory(processPath(pid, "cwd"), cluster)
}
