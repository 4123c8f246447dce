package agentui

import (
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
)

// fakeTrunks are those that a test says are down.
type fakeTrunks struct{ down atomic.Pointer[[]string] }

func (f *fakeTrunks) TrunksDown() []string {
	if down := f.down.Load(); down != nil {
		return *down
	}
	return nil
}

func (f *fakeTrunks) set(names ...string) { f.down.Store(&names) }

func TestConsolesAreToldWhichTrunksAreDown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		made := newWorld(t)
		trunks := &fakeTrunks{}
		made.ui.config.Trunks = trunks
		w := made.run().serve(nil)
		c := w.console("anna")
		c.state(func(s *ConsoleState) bool { return len(s.TrunksDown) == 0 })
		trunks.set("north", "south")
		c.state(func(s *ConsoleState) bool { return slices.Equal(s.TrunksDown, []string{"north", "south"}) })
		trunks.set()
		c.state(func(s *ConsoleState) bool { return len(s.TrunksDown) == 0 })
	})
}
