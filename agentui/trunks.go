package agentui

import (
	"context"
	"slices"
	"sync"
	"time"
)

// trunksEvery is how often it is looked whether all trunks live: their own watch takes some seconds to know.
const trunksEvery = 2 * time.Second

// Trunks are the ways into the telephone network of this node.
type Trunks interface {
	// TrunksDown names those that are watched and by which no call can be expected to go through now. It must not block.
	TrunksDown() []string
}

// noTrunks is what there is without any.
type noTrunks struct{}

func (noTrunks) TrunksDown() []string { return nil }

// downTrunks are those that were down at the last look.
type downTrunks struct {
	mutex sync.Mutex
	names []string
}

func (d *downTrunks) all() []string {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	return d.names
}

// take takes over what is so now, and reports whether that is otherwise than before.
func (d *downTrunks) take(names []string) (changed bool) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	changed = !slices.Equal(d.names, names)
	d.names = names
	return changed
}

// watchTrunks tells the consoles when a trunk dies or comes back, until ctx ends.
func (u *UI) watchTrunks(ctx context.Context) {
	u.watch(ctx, trunksEvery, func() (changed bool) { return u.trunks.take(u.config.Trunks.TrunksDown()) })
}
