package mailtest

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// limit bounds each start and end; it is far above what they take.
const limit = time.Minute

// account is who an unprivileged server runs as: ourselves, or nobody when we are root.
type account struct {
	user, group string
	uid, gid    int
	credential  *syscall.Credential // nil for ourselves
}

func unprivileged() (account, error) {
	name := "nobody"
	if os.Geteuid() != 0 {
		name = ""
	}
	found, err := user.Current()
	if name != "" {
		found, err = user.Lookup(name)
	}
	if err != nil {
		return account{}, fmt.Errorf("find who the mail server may run as: %w", err)
	}
	group, err := user.LookupGroupId(found.Gid)
	if err != nil {
		return account{}, fmt.Errorf("find the group of %s: %w", found.Username, err)
	}
	result := account{user: found.Username, group: group.Name}
	if result.uid, err = strconv.Atoi(found.Uid); err != nil {
		return account{}, err
	}
	if result.gid, err = strconv.Atoi(found.Gid); err != nil {
		return account{}, err
	}
	if name != "" {
		result.credential = &syscall.Credential{Uid: uint32(result.uid), Gid: uint32(result.gid)}
	}
	return result, nil
}

// process is a server that cannot outlive the test binary.
type process struct {
	command *exec.Cmd
	ended   chan struct{}
	// ready is closed when the line that says so was written.
	ready chan struct{}

	mutex sync.Mutex
	log   bytes.Buffer
}

// startProcess starts a server, which ends by its owner's wish and not by a context. It logs
// to its standard output or error. The kernel ends it when the thread that started it ends, so
// that one is kept for as long as it lives.
func startProcess(as account, readyLine string, name string, arguments ...string) (*process, error) {
	p := &process{command: exec.CommandContext(context.Background(), name, arguments...), ended: make(chan struct{}), ready: make(chan struct{})}
	p.command.SysProcAttr = &syscall.SysProcAttr{Credential: as.credential, Pdeathsig: syscall.SIGTERM, Setsid: true}
	p.command.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", "TZ=UTC"}
	reader, writer, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	p.command.Stdout, p.command.Stderr = writer, writer
	var reading sync.WaitGroup
	reading.Go(func() { p.follow(reader, readyLine) })
	outcome := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := p.command.Start()
		_ = writer.Close()
		outcome <- err
		if err == nil {
			_ = p.command.Wait()
			// Its children have its log open, and their group is its own.
			_ = syscall.Kill(-p.command.Process.Pid, syscall.SIGKILL)
		}
		reading.Wait()
		_ = reader.Close()
		close(p.ended)
	}()
	if err := <-outcome; err != nil {
		<-p.ended
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	err = p.waitReady()
	return p, err
}

func (p *process) follow(reader io.Reader, readyLine string) {
	lines := bufio.NewReader(reader)
	said := false
	for {
		line, err := lines.ReadString('\n')
		p.mutex.Lock()
		p.log.WriteString(line)
		p.mutex.Unlock()
		if !said && strings.Contains(line, readyLine) {
			said = true
			close(p.ready)
		}
		if err != nil {
			return
		}
	}
}

func (p *process) waitReady() error {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-p.ready:
		return nil
	case <-p.ended:
		return fmt.Errorf("%s ended at once:\n%s", p.command.Path, p.written())
	case <-timer.C:
		p.end()
		return fmt.Errorf("%s was not ready in %v:\n%s", p.command.Path, limit, p.written())
	}
}

func (p *process) written() string {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.log.String()
}

// end asks the server to end, and ends it and its children when it does not.
func (p *process) end() {
	_ = p.command.Process.Signal(syscall.SIGTERM)
	timer := time.NewTimer(limit / 4)
	defer timer.Stop()
	select {
	case <-p.ended:
	case <-timer.C:
		_ = syscall.Kill(-p.command.Process.Pid, syscall.SIGKILL)
		<-p.ended
	}
}

// freePorts returns ports that were free a moment ago.
func freePorts(ctx context.Context, count int) ([]int, error) {
	var ports []int
	var held []net.Listener // until all are known, so that they differ
	defer func() {
		for _, listener := range held {
			_ = listener.Close()
		}
	}()
	for range count {
		listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		held = append(held, listener)
		ports = append(ports, listener.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}

// withFreePorts starts something again when another program took one of its ports meanwhile.
func withFreePorts(ctx context.Context, count int, start func(ports []int) error) error {
	var failures error
	for range 5 {
		ports, err := freePorts(ctx, count)
		if err != nil {
			return err
		}
		err = start(ports)
		if err == nil {
			return nil
		}
		failures = errors.Join(failures, err)
		if !strings.Contains(err.Error(), "in use") {
			break
		}
	}
	return failures
}
