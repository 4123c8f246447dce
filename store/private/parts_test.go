package private

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/rs/zerolog"
	"golang.org/x/sys/unix"
)

func TestLock(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	first, err := Lock(directory)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Lock(directory)
	var locked *LockedError
	if !errors.As(err, &locked) || !errors.Is(err, ErrLocked) || locked.PID != os.Getpid() || locked.Directory != directory {
		t.Fatalf("got %v", err)
	}
	if !strings.Contains(err.Error(), fmt.Sprint(os.Getpid())) {
		t.Errorf("%q does not name the holder", err)
	}
	// What a child that is being started has between fork and exec: the lock must not outlive its release for that.
	copied, err := unix.FcntlInt(first.file.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Close(copied) }()
	if err := errors.Join(first.Release(), first.Release()); err != nil {
		t.Fatal(err)
	}
	second, err := Lock(directory)
	if err != nil {
		t.Fatalf("after the release: %v", err)
	}
	if err := second.Release(); err != nil {
		t.Fatal(err)
	}
	if _, err := Lock(filepath.Join(directory, "missing")); err == nil || errors.Is(err, ErrLocked) {
		t.Errorf("a missing directory gives %v", err)
	}
}

func TestChooseInstallation(t *testing.T) {
	t.Parallel()
	at := func(majors ...int) []installation {
		var found []installation
		for _, major := range majors {
			found = append(found, installation{major: major, directory: fmt.Sprintf("/%d", major)})
		}
		return found
	}
	for _, test := range []struct {
		name   string
		found  []installation
		wanted int
		major  int
		err    error
		says   string
	}{
		{"newest", at(15, 17, 16), 0, 17, nil, ""},
		{"the cluster's", at(15, 17), 15, 15, nil, ""},
		{"none", nil, 0, 0, ErrNotInstalled, "make setup"},
		{"only too old", at(13), 0, 0, ErrNotInstalled, "15 or newer"},
		{"none for an existing cluster", nil, 15, 0, ErrNotInstalled, "make setup"},
		{"another one", at(17), 15, 0, ErrVersion, "apt install postgresql-15"},
		{"a newer cluster", at(15), 17, 0, ErrVersion, "apt install postgresql-17"},
	} {
		got, err := chooseInstallation(test.found, test.wanted, "/data/cluster")
		if !errors.Is(err, test.err) || got.major != test.major {
			t.Errorf("%s: got %d, %v", test.name, got.major, err)
		}
		if err != nil && !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %q does not say %q", test.name, err, test.says)
		}
	}
}

func TestFindInstallations(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	program := func(mode os.FileMode, text string, path ...string) {
		t.Helper()
		file := filepath.Join(append([]string{base}, path...)...)
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(text), mode)); err != nil {
			t.Fatal(err)
		}
	}
	script := "#!/bin/sh\necho 'postgres (PostgreSQL) 16.4'\n"
	program(0o755, script, "17", "bin", "postgres")
	program(0o755, script, "17", "bin", "initdb")
	program(0o755, script, "18", "bin", "psql") // a client only
	program(0o644, script, "19", "bin", "postgres")
	program(0o755, script, "19", "bin", "initdb")
	program(0o755, script, "own", "postgres")
	program(0o755, script, "own", "initdb")
	path := filepath.Join(base, "own") + ":" + filepath.Join(base, "missing") + "::relative"

	found := findInstallations(testContext(t), filepath.Join(base, "*", "bin"), path)
	if len(found) != 2 || found[0].major != 17 || found[1].major != 16 {
		t.Errorf("found %v", found)
	}
}

func TestUnreachableDirectoryIsRefusedAndNothingChanged(t *testing.T) {
	t.Parallel()
	closed := filepath.Join(reachableDirectory(t), "closed")
	if err := os.MkdirAll(filepath.Join(closed, "data"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	// Who else we might be is given here, so that the test says the same whoever runs it.
	stranger := account{name: "stranger", uid: 4000000, groups: []uint32{4000000}, credential: &syscall.Credential{Uid: 4000000, Gid: 4000000}}
	_, err := prepare(filepath.Join(closed, "data", "postgres"), stranger)
	if !errors.Is(err, ErrUnreachable) {
		t.Fatalf("got %v, want ErrUnreachable", err)
	}
	for _, word := range []string{"stranger", closed + " ", "--data", "/var/lib/svar"} {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%q does not say %q", err, word)
		}
	}
	info, err := os.Stat(closed)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the parent's mode was changed: %v, %v", info.Mode(), err)
	}
	if _, err := os.Stat(filepath.Join(closed, "data", "postgres")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the directory was created all the same: %v", err)
	}
	if os.Geteuid() == 0 {
		if _, err := Start(testContext(t), Config{Dir: filepath.Join(closed, "data", "postgres"), Log: zerolog.Nop()}); !errors.Is(err, ErrUnreachable) {
			t.Errorf("Start gives %v", err)
		}
	}
}

func TestMayPass(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	self, group := uint32(os.Geteuid()), uint32(os.Getegid())
	owner := account{uid: self, groups: []uint32{group}}
	member := account{uid: self + 1, groups: []uint32{group}}
	other := account{uid: self + 1, groups: []uint32{group + 1}}
	for _, test := range []struct {
		mode                 os.FileMode
		owner, member, other bool
	}{
		{0o700, true, false, false},
		{0o710, true, true, false},
		{0o701, true, false, true}, // the group's bits decide for a member, not the others'
		{0o711, true, true, true},
		{0o666, false, false, false},
		{0o011, false, true, true},
	} {
		if err := os.Chmod(directory, test.mode); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(directory)
		if err != nil {
			t.Fatal(err)
		}
		for name, check := range map[string]struct {
			as   account
			want bool
		}{"owner": {owner, test.owner}, "member": {member, test.member}, "other": {other, test.other}} {
			if got := check.as.mayPass(info); got != check.want {
				t.Errorf("mode %04o, %s: got %t, want %t", test.mode, name, got, check.want)
			}
		}
	}
}

func TestAnotherUsersClusterIsRefused(t *testing.T) {
	t.Parallel()
	err := account{name: "somebody", uid: uint32(os.Geteuid()) + 1}.checkOwner(t.TempDir())
	if !errors.Is(err, ErrOwner) || !strings.Contains(err.Error(), "somebody") {
		t.Errorf("got %v", err)
	}
}

func TestServerLogIsLimitedAndRemembersTheLastLines(t *testing.T) {
	t.Parallel()
	directory := filepath.Join(t.TempDir(), "log")
	log, err := openServerLog(directory)
	if err != nil {
		t.Fatal(err)
	}
	line := strings.Repeat("x", 1023) + "\n"
	for range 3 * logLimit / len(line) {
		_, _ = io.WriteString(log, line)
	}
	for _, name := range []string{logName, logName + ".1"} {
		info, err := os.Stat(filepath.Join(directory, name))
		if err != nil {
			t.Fatal(err)
		}
		if info.Size() > logLimit || info.Size() == 0 {
			t.Errorf("%s has %d bytes", name, info.Size())
		}
	}
	_, _ = io.WriteString(log, "first ")
	_, _ = io.WriteString(log, "half\nsecond\nopen")
	lines := log.lastLines()
	if len(lines) != tailLines || lines[tailLines-3] != "first half" || lines[tailLines-1] != "open" || len(lines[0]) != tailLineLimit {
		t.Errorf("the last lines are %q", lines)
	}
	log.close()
	if _, err := io.WriteString(log, "after the end\n"); err != nil {
		t.Errorf("a write after the end stops the server: %v", err)
	}
}

// As root the tests above run PostgreSQL as another user. Here the same tests run once more as a user without rights, who
// runs PostgreSQL as himself. (When it is not root who tests, all of them have done so already.)
func TestAsAnOrdinaryUser(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		return
	}
	directory := reachableDirectory(t)
	if err := os.Chmod(directory, 0o755); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(directory, "private.test")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if output, err := exec.Command("cp", self, program).CombinedOutput(); err != nil {
		t.Fatalf("copy the test: %v: %s", err, output)
	}
	command := exec.CommandContext(testContext(t), program, "-test.v",
		"-test.run=^Test(FirstStart|SecondInstance|KilledParent|OrphanOfOurs|StalePIDFile)")
	const nobody = 65534
	command.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	command.Dir, command.Env = "/", []string{"PATH=" + os.Getenv("PATH"), "TMPDIR=" + os.TempDir()}
	output, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	if passed := strings.Count(string(output), "--- PASS"); passed != 5 {
		t.Errorf("%d tests passed, want 5\n%s", passed, output)
	}
}
