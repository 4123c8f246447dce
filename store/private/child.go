package private

import (
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// pipeGrace is how long after a program's end its own children may keep its output open (backends that have noticed
// that their postmaster is gone end within milliseconds).
const pipeGrace = 10 * time.Second

// child is a program that cannot outlive us.
type child struct {
	command *exec.Cmd
	ended   chan struct{}
	err     error // how it ended; read it only after ended is closed
}

// startChild starts a program as the account, in a session of its own (Ctrl-C in our terminal is ours to handle), and
// has the kernel send it the signal when we die.
//
// The kernel ties that signal to the thread that forked, not to the process. So one goroutine keeps one thread for as
// long as the program lives; it ends with the program.
func startChild(command *exec.Cmd, as account, whenWeDie syscall.Signal) (*child, error) {
	command.SysProcAttr = &syscall.SysProcAttr{
		Credential: as.credential, // the runtime sets Pdeathsig after it: a change of user clears it
		Pdeathsig:  whenWeDie,
		Setsid:     true,
	}
	command.WaitDelay = pipeGrace
	started := &child{command: command, ended: make(chan struct{})}
	outcome := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := command.Start()
		outcome <- err
		if err != nil {
			return
		}
		started.err = command.Wait()
		close(started.ended)
	}()
	if err := <-outcome; err != nil {
		return nil, err
	}
	return started, nil
}

func (c *child) pid() int { return c.command.Process.Pid }

// signal does nothing when the program has ended: os.Process knows, so a reused process id is never hit.
func (c *child) signal(s os.Signal) { _ = c.command.Process.Signal(s) }

// waitFor reports whether the program ended before the time was over or gaveUp was closed. A nil gaveUp waits for time only.
func (c *child) waitFor(limit time.Duration, gaveUp <-chan struct{}) bool {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-c.ended:
		return true
	case <-timer.C:
		return false
	case <-gaveUp:
		return false
	}
}

// environment is all that the server's programs get: no PGDATA, PGOPTIONS or locale of the caller changes what they do.
func environment() []string {
	return []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C.UTF-8", "TZ=UTC"}
}
