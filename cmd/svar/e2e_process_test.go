package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"svar/agentui"
)

// program is svar as a process of its own.
type program struct {
	t       testing.TB
	command *exec.Cmd
	out     *lockedBuffer
	log     *lockedBuffer
	ready   chan struct{} // closed when it said so
	done    chan struct{}
	err     error
	web     string
	sip     netip.AddrPort
}

// home is a data directory for programs, with the ports that they keep over a restart.
type home struct {
	directory string
	settings  map[string]string
	// program is the executable: svar as it is shipped, or itself, the test binary.
	program string
}

// itself is this test binary, which is svar when asProgram is set.
const itself = "/proc/self/exe"

// shipped is svar as it is shipped. Where races are looked for it is built anew: a process that is killed tells of none that
// were found in it, and each start of one that looks for them costs seconds of a processor. That of TestSIGTERMWithCallsAlive does,
// and so do the Apps in this process, which are made of the same parts.
var shipped = sync.OnceValues(func() (string, error) {
	if !underRace {
		return itself, nil
	}
	directory, err := os.MkdirTemp("", "svar-built-")
	if err != nil {
		return "", err
	}
	builtIn.Store(&directory)
	program := filepath.Join(directory, "svar")
	build := exec.Command("go", "build", "-o", program, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if said, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build svar: %w\n%s", err, said)
	}
	return program, nil
})

// builtIn is the directory that shipped built in; nil when it did not.
var builtIn atomic.Pointer[string]

func newHome(t testing.TB) *home {
	t.Helper()
	directory, err := dataDirectory()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(directory); err != nil {
			t.Error(err)
		}
	})
	program, err := shipped()
	if err != nil {
		t.Fatal(err)
	}
	h := &home{directory: directory, settings: testSettings(), program: program}
	h.settings["SVAR_PHONE_ADDRESS"] = net.JoinHostPort("127.0.0.1", strconv.Itoa(freePort(t)))
	h.settings["SVAR_HTTP_ADDRESS"] = net.JoinHostPort("127.0.0.1", strconv.Itoa(freePort(t)))
	h.settings["SVAR_CONFIG"] = filepath.Join(directory, "svar.yaml")
	h.settings["SVAR_DATA"] = h.data()
	return h
}

func (h *home) data() string { return filepath.Join(h.directory, "data") }

// command is the program with a command line, not yet started.
func (h *home) command(ctx context.Context, arguments ...string) *exec.Cmd {
	command := exec.CommandContext(ctx, h.program, arguments...)
	command.Args[0] = "svar"
	command.Env = []string{asProgram + "=1", "PATH=" + os.Getenv("PATH"), "HOME=" + h.directory}
	for name, value := range h.settings {
		command.Env = append(command.Env, name+"="+value)
	}
	return command
}

// run runs a command to its end.
func (h *home) run(t testing.TB, input string, arguments ...string) (status int, out, complaints string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	command := h.command(ctx, arguments...)
	var stdout, stderr strings.Builder
	command.Stdin, command.Stdout, command.Stderr = strings.NewReader(input), &stdout, &stderr
	err := command.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("svar %s: %v", strings.Join(arguments, " "), err)
	}
	return command.ProcessState.ExitCode(), stdout.String(), stderr.String()
}

var servedPatterns = struct{ web, sip *regexp.Regexp }{
	regexp.MustCompile(`Console  (http://\S+)/console`), regexp.MustCompile(`sip:\+\d+@(\S+)`),
}

// serve starts a server and waits until it says that it is ready.
func (h *home) serve(t testing.TB) *program {
	t.Helper()
	p := h.begin(t)
	select {
	case <-p.ready:
	case <-p.done:
		t.Fatalf("svar serve ended by itself: %v\n%s\n%s", p.err, p.out, p.log.tail())
	case <-time.After(patience):
		t.Fatalf("svar serve is never ready:\n%s\n%s", p.out, p.log.tail())
	}
	text := p.out.String()
	if web := servedPatterns.web.FindStringSubmatch(text); web != nil {
		p.web = web[1]
	}
	if sip := servedPatterns.sip.FindStringSubmatch(text); sip != nil {
		p.sip = netip.MustParseAddrPort(sip[1])
	}
	if p.web == "" || !p.sip.IsValid() {
		t.Fatalf("svar serve does not say where it is:\n%s", text)
	}
	return p
}

// begin starts a server.
func (h *home) begin(t testing.TB) *program {
	t.Helper()
	p := &program{t: t, out: &lockedBuffer{}, log: &lockedBuffer{}, ready: make(chan struct{}), done: make(chan struct{})}
	p.command = h.command(context.Background(), "serve")
	p.command.Stderr = p.log
	stdout, err := p.command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.command.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.done)
		lines := bufio.NewScanner(io.TeeReader(stdout, p.out))
		for said := false; lines.Scan(); {
			// The data directory's line comes after all addresses.
			if !said && strings.HasPrefix(lines.Text(), "  Data") {
				close(p.ready)
				said = true
			}
		}
		p.err = p.command.Wait()
	}()
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("the log of process %d:\n%s", p.command.Process.Pid, p.log.tail())
		}
	})
	return p
}

// kill is kill -9. It waits until the process is gone.
func (p *program) kill() {
	_ = p.command.Process.Kill()
	<-p.done
}

// terminate sends SIGTERM and asserts that the process ends in order.
func (p *program) terminate() {
	p.t.Helper()
	if err := p.command.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
	select {
	case <-p.done:
	case <-time.After(patience):
		p.t.Fatal("SIGTERM does not end it")
	}
	if p.err != nil {
		p.t.Fatalf("after SIGTERM it ended with %v", p.err)
	}
}

// processesOf finds processes that name a directory on their command line.
func processesOf(directory string) []string {
	var found []string
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err == nil && strings.Contains(string(data), directory) {
			found = append(found, strings.ReplaceAll(string(data), "\x00", " "))
		}
	}
	return found
}

// SIGTERM in the middle of a call: the caller gets BYE, the exit status is 0, and nothing is
// left. A second server on the same directory is refused meanwhile, and welcome afterwards.
func TestSIGTERMWithCallsAlive(t *testing.T) {
	t.Parallel()
	home := newHome(t)
	home.program = itself
	server := home.serve(t)
	desks := []desk{deskNamed("desk", 0), deskNamed("desk", 1)}
	if status, _, complaints := home.run(t, "a good password\n", "user", "add", "--skill", desks[0].skill+"=3", "ida"); status != 0 {
		t.Fatalf("user add: %s", complaints)
	}
	ida := signIn(t, server.web, "ida", "a good password")
	ida.Ready()
	talking := dial(t, call{scenario: "until-bye", to: server.sip, number: desks[0].number})
	card := ida.Ring()
	ida.Accept(card)
	waiting := dial(t, call{scenario: "until-bye", to: server.sip, number: desks[1].number})
	ida.WaitWaiting(desks[1].id, 1)

	status, _, complaints := home.run(t, "", "serve")
	checkComplaint(t, status, complaints, `is in use by process `+strconv.Itoa(server.command.Process.Pid)+`: .*--data`)

	ida.expectLoss()
	server.terminate()
	talking.Wait()
	waiting.Wait()
	if left := processesOf(home.data()); len(left) > 0 {
		t.Errorf("these processes are left: %q", left)
	}
	for _, network := range []string{"SVAR_PHONE_ADDRESS", "SVAR_HTTP_ADDRESS"} {
		listener, err := net.Listen("tcp", home.settings[network])
		if err != nil {
			t.Errorf("the port is still taken: %v", err)
			continue
		}
		_ = listener.Close()
	}

	again := home.serve(t)
	back := signIn(t, again.web, "ida", "a good password")
	state := back.waitState("shown the call-backs", func(s agentui.ConsoleState) bool { return len(s.Callbacks) == 2 })
	for _, card := range state.Callbacks {
		if card.Caller.Number != "+46701740699" {
			t.Errorf("the call-back is %s", asJSON(card))
		}
	}
	back.expectLoss()
	again.terminate()
}

// checkComplaint asserts that a command failed with one plain line that says what and what to
// do. What another program said may follow it, indented.
func checkComplaint(t testing.TB, status int, complaints, pattern string) {
	t.Helper()
	var said []string
	for line := range strings.SplitSeq(strings.TrimSpace(complaints), "\n") {
		if strings.HasPrefix(line, "svar: ") && !strings.HasPrefix(line, "svar:  ") {
			said = append(said, line)
		}
	}
	if status != 1 || len(said) != 1 || !regexp.MustCompile(pattern).MatchString(said[0]) {
		t.Errorf("status %d, want 1, with one line that matches %q:\n%s", status, pattern, complaints)
	}
}

// What is wrong is said in one line, with what to do.
func TestWhatIsWrongIsSaidPlainly(t *testing.T) {
	t.Parallel()
	taken := func(t *testing.T, h *home, name string) {
		listener, err := net.Listen("tcp", h.settings[name])
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = listener.Close() })
	}
	for name, one := range map[string]struct {
		damaging func(t *testing.T, h *home)
		pattern  string
	}{
		"the HTTP port is taken": {
			func(t *testing.T, h *home) { taken(t, h, "SVAR_HTTP_ADDRESS") }, `SVAR_HTTP_ADDRESS`,
		},
		"the phone port is taken": {
			func(t *testing.T, h *home) { taken(t, h, "SVAR_PHONE_ADDRESS") }, `SVAR_PHONE_ADDRESS`,
		},
		"the voice port is taken": {
			func(t *testing.T, h *home) {
				h.settings["SVAR_VOICE_ADDRESS"] = net.JoinHostPort("127.0.0.1", strconv.Itoa(freePort(t)))
				taken(t, h, "SVAR_VOICE_ADDRESS")
			}, `SVAR_VOICE_ADDRESS`,
		},
		"the data directory is a file": {
			func(t *testing.T, h *home) {
				h.settings["SVAR_DATA"] = filepath.Join(h.directory, "svar.yaml")
			}, `--data`,
		},
		"the data directory cannot be reached": {
			func(t *testing.T, h *home) {
				if os.Geteuid() != 0 {
					if err := os.Chmod(h.directory, 0o500); err != nil {
						t.Fatal(err)
					}
					t.Cleanup(func() { _ = os.Chmod(h.directory, 0o700) })
					return
				}
				// As root everything is permitted, but not to the database's own user.
				if err := os.Chmod(h.directory, 0o700); err != nil {
					t.Fatal(err)
				}
			}, `--data`,
		},
		"there is no PostgreSQL": {
			func(t *testing.T, h *home) { h.settings["SVAR_DATABASE_URL"] = "postgres://nobody@127.0.0.1:1/none" }, `SVAR_DATABASE_URL`,
		},
		"the journal is damaged": {
			func(t *testing.T, h *home) {
				server := h.serve(t)
				dial(t, call{scenario: "not-found", to: server.sip, number: "+46850899999"}).Wait()
				server.terminate()
				damage(t, filepath.Join(h.data(), "nats"))
			}, `(?i)journal|nats`,
		},
		"the database is damaged": {
			func(t *testing.T, h *home) {
				h.serve(t).terminate()
				control, err := filepath.Glob(filepath.Join(h.data(), "postgres", "cluster", "global", "pg_control"))
				if err != nil || len(control) != 1 {
					t.Fatalf("no pg_control: %v", err)
				}
				if err := os.Truncate(control[0], 10); err != nil {
					t.Fatal(err)
				}
			}, `(?i)postgres|database`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			home := newHome(t)
			one.damaging(t, home)
			status, _, complaints := home.run(t, "", "serve")
			checkComplaint(t, status, complaints, one.pattern)
			if left := processesOf(home.data()); len(left) > 0 {
				t.Errorf("these processes are left: %q", left)
			}
		})
	}
}

// damage overwrites the middle of every block of a stream.
func damage(t testing.TB, directory string) {
	t.Helper()
	damaged := 0
	err := filepath.WalkDir(directory, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".blk") {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil || len(data) < 100 {
			return err
		}
		copy(data[len(data)/2:], strings.Repeat("damaged ", 4))
		damaged++
		return os.WriteFile(path, data, 0o600)
	})
	if err != nil || damaged == 0 {
		t.Fatalf("damaged %d blocks: %v", damaged, err)
	}
}
