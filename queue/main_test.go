package queue_test

import (
	"flag"
	"fmt"
	"os"
	"testing"
)

// TestMain draws fewer random worlds where races are looked for: the engine starts no goroutine, so that what a world
// proves is proven without, and the race detector needs no more than a look at each kind. Who asks for a number of
// worlds (-rapid.checks) gets it.
func TestMain(m *testing.M) {
	flag.Parse()
	asked := false
	flag.Visit(func(f *flag.Flag) { asked = asked || f.Name == "rapid.checks" })
	if underRace && !asked {
		if err := flag.Set("rapid.checks", "8"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
	}
	os.Exit(m.Run())
}
