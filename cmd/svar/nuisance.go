package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"slices"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"svar/configs"
	"svar/contact"
	"svar/identity"
	"svar/store"
)

// nuisanceCallers counts whose calls agents marked as a nuisance. It knows callers by a keyed hash of their number
// only, and each mark for as long as the configuration says. Safe for concurrent use.
type nuisanceCallers struct {
	key      []byte
	config   func() configs.Config
	personal nuisancePeople
	store    nuisanceStore
	now      func() time.Time
	log      zerolog.Logger

	mutex sync.Mutex
	// marks are when each caller was marked; known are the contacts that count already.
	marks map[string][]time.Time
	known map[contact.ID]time.Time
}

// nuisancePeople knows who called; [journal.Personal] is one.
type nuisancePeople interface {
	Personal(ctx context.Context, id contact.ID) (contact.Personal, error)
}

// nuisanceStore keeps marks beyond the process; the store is one.
type nuisanceStore interface {
	MarkNuisance(ctx context.Context, mark store.NuisanceMark) error
	NuisanceMarks(ctx context.Context, since time.Time) ([]store.NuisanceMark, error)
	ForgetNuisance(ctx context.Context, before time.Time) error
}

// newNuisanceCallers reads the marks that are remembered. The key is made of the sessions' one, which all nodes share.
func newNuisanceCallers(ctx context.Context, sessionKey []byte, kept nuisanceStore, personal nuisancePeople, config func() configs.Config, log zerolog.Logger) (*nuisanceCallers, error) {
	mac := hmac.New(sha256.New, sessionKey)
	mac.Write([]byte("callers marked as a nuisance"))
	n := &nuisanceCallers{
		key: mac.Sum(nil), config: config, personal: personal, store: kept, now: time.Now, log: log,
		marks: map[string][]time.Time{}, known: map[contact.ID]time.Time{},
	}
	ctx, cancel := context.WithTimeout(ctx, databaseTime)
	defer cancel()
	marks, err := kept.NuisanceMarks(ctx, n.since())
	if err != nil {
		return nil, err
	}
	for _, mark := range marks {
		n.count(mark)
	}
	return n, nil
}

// since is from when on marks count.
func (n *nuisanceCallers) since() time.Time {
	return n.now().Add(-n.config().Desk.Nuisance.Keep.Duration())
}

func (n *nuisanceCallers) hash(number identity.Number) []byte {
	mac := hmac.New(sha256.New, n.key)
	mac.Write([]byte(number))
	return mac.Sum(nil)
}

// count reports whether the mark is new.
func (n *nuisanceCallers) count(mark store.NuisanceMark) bool {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	if _, known := n.known[mark.Contact]; known {
		return false
	}
	n.known[mark.Contact] = mark.At
	n.marks[string(mark.Caller)] = append(n.marks[string(mark.Caller)], mark.At)
	return true
}

// Delay implements [switchboard.Nuisances].
func (n *nuisanceCallers) Delay(p contact.Personal) time.Duration {
	rule, since := n.config().Desk.Nuisance, n.since()
	n.mutex.Lock()
	defer n.mutex.Unlock()
	counted := 0
	for _, at := range n.marks[string(n.hash(p.Number))] {
		if at.After(since) {
			counted++
		}
	}
	if rule.After == 0 || counted < int(rule.After) {
		return 0
	}
	return rule.Wait.Duration()
}

// marked counts the mark of a contact, once. While the database is away it counts until the process ends.
func (n *nuisanceCallers) marked(ctx context.Context, id contact.ID) {
	n.mutex.Lock()
	_, known := n.known[id]
	n.mutex.Unlock()
	if known {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, waitingTime)
	defer cancel()
	p, err := n.personal.Personal(ctx, id)
	if err != nil {
		n.log.Warn().Err(err).Str("contact", string(id)).Msg("a call that was marked as a nuisance could not be counted")
		return
	}
	if p.Number == "" || p.Withheld || !p.Vouched {
		return // anybody could have another one's calls slowed
	}
	mark := store.NuisanceMark{Contact: id, Caller: n.hash(p.Number), At: n.now()}
	if !n.count(mark) {
		return
	}
	if err := n.store.MarkNuisance(ctx, mark); err != nil {
		n.log.Warn().Err(err).Str("contact", string(id)).Msg("a nuisance is counted until the next start only")
	}
}

// forget deletes what counts no longer.
func (n *nuisanceCallers) forget(ctx context.Context) error {
	since := n.since()
	n.mutex.Lock()
	for caller, marks := range n.marks {
		if marks = slices.DeleteFunc(marks, since.After); len(marks) == 0 {
			delete(n.marks, caller)
		} else {
			n.marks[caller] = marks
		}
	}
	for id, at := range n.known {
		if since.After(at) {
			delete(n.known, id)
		}
	}
	n.mutex.Unlock()
	return n.store.ForgetNuisance(ctx, since)
}
