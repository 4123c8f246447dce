package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// patience bounds each wait of the end-to-end tests. Nothing waits that long when all is
// well, except where a test says what it waits for.
const patience = 90 * time.Second

// asProgram makes this test binary be svar itself: tests that end or kill a process run it
// again with this variable set.
const asProgram = "SVAR_TEST_AS_PROGRAM"

// shared is the App of the tests that need none of their own.
var shared struct {
	once sync.Once
	app  *testApp
	err  error
}

// TestMain runs the tests, ends the shared App, and then looks whether anything is left.
func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		return
	}
	for _, socket := range sockets() {
		inherited[socket] = true
	}
	flag.Parse()
	if flag.Lookup("test.parallel").Value.String() == strconv.Itoa(runtime.GOMAXPROCS(0)) {
		// These tests wait more than they work.
		_ = flag.Set("test.parallel", "5")
	}
	code := m.Run()
	if shared.app != nil {
		shared.err = shared.app.end()
	}
	prompts, err := sharedPrompts()
	if built := builtIn.Load(); built != nil {
		err = errors.Join(err, os.RemoveAll(*built))
	}
	for _, err := range []error{shared.err, err, os.RemoveAll(prompts), goleak.Find(), nothingLeft()} {
		if err != nil {
			fmt.Fprintln(os.Stderr, "after the tests:", err)
			code = max(code, 1)
		}
	}
	os.Exit(code)
}

// nothingLeft reports child processes and sockets of this process. It gives them a moment:
// the kernel closes a killed child's sockets after its parent heard of the end.
func nothingLeft() error {
	var left []string
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if left = append(children(), sockets()...); len(left) == 0 {
			return nil
		}
	}
	return fmt.Errorf("these are left: %s", strings.Join(left, ", "))
}

func children() []string {
	var found []string
	files, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			continue // it ended meanwhile
		}
		// The name is in parentheses and may hold anything; the parent is the second field after it.
		fields := strings.Fields(string(data[strings.LastIndexByte(string(data), ')')+1:]))
		if len(fields) > 1 && fields[1] == strconv.Itoa(os.Getpid()) {
			found = append(found, "process "+filepath.Base(filepath.Dir(file)))
		}
	}
	return found
}

func sockets() []string {
	var found []string
	files, _ := filepath.Glob("/proc/self/fd/*")
	for _, file := range files {
		if to, err := os.Readlink(file); err == nil && strings.HasPrefix(to, "socket:") && !inherited[to] {
			found = append(found, to)
		}
	}
	return found
}

// inherited are sockets that were there before: those of whoever runs the tests.
var inherited = map[string]bool{}
