package phone

import (
	"context"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"

	"svar/identity"
)

// A trunk without fixed addresses is known by its password: each INVITE that begins a call and names it is challenged, by
// the registrar's digest (digest.go). Until one has answered rightly it is a stranger's, with a stranger's limits.

// trunkSignOns are the trunks that sign on, and from where they did. Safe for concurrent use.
type trunkSignOns struct {
	secrets map[string]identity.PhoneSecret // by trunk

	// proving lets one answer be checked at a time: attempts are counted beforehand, and many calls at once are not
	// many guesses.
	proving sync.Mutex

	mutex sync.Mutex
	// proven are the addresses from where a trunk has signed on lately.
	proven memory[netip.Addr]
}

func newTrunkSignOns(c Config) *trunkSignOns {
	s := &trunkSignOns{secrets: make(map[string]identity.PhoneSecret)}
	for i := range c.Trunks {
		if trunk := &c.Trunks[i]; trunk.Challenge {
			s.secrets[trunk.Name] = identity.NewPhoneSecret(trunk.User, trunk.Password)
		}
	}
	return s
}

// isProven tells whether a trunk has signed on from an address lately: its calls and the challenges of them
// are in no stranger's limits. What it sends must still be proven.
func (s *trunkSignOns) isProven(from netip.Addr) bool {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.proven.hasAt(from, time.Now())
}

func (s *trunkSignOns) prove(from netip.Addr) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.proven.add(from, time.Now(), nonceLife)
}

// claimed returns the trunk that an INVITE claims to be from, among those that sign on; nil when it claims none.
func (c Config) claimed(request *sip.Request) *Trunk {
	for i := range c.Trunks {
		if trunk := &c.Trunks[i]; trunk.Challenge && trunk.isNamedBy(request) {
			return trunk
		}
	}
	return nil
}

func (t *Trunk) isNamedBy(request *sip.Request) bool {
	from := request.From().Address
	if from.User == t.User || request.Recipient.User == t.User || t.Domain != "" && strings.EqualFold(from.Host, t.Domain) {
		return true
	}
	given, found := credentialsOf(request)
	return found && given.username == t.User
}

// judgeTrunk is judgeInvite for an INVITE that claims to be a trunk's. Only what answers a nonce that
// was received at its address goes on, at a stranger's rate until such an answer was right.
func (d *doorman) judgeTrunk(request *sip.Request, from netip.Addr) *fault {
	r := d.gateway.registrar
	given, found := credentialsOf(request)
	if !found || !r.nonces.isFresh(given.nonce, time.Now(), from) {
		return r.challengeTrunk(from, found)
	}
	if !d.gateway.signOns.isProven(from) && !d.answers.allow(from) {
		r.refused.Add(1)
		return silence // he sends it again
	}
	return nil
}

// challengeTrunk asks a trunk who it is. Unlike a telephone, it is known to take the algorithm that it knows.
func (r *registrar) challengeTrunk(from netip.Addr, stale bool) *fault {
	return r.challengeBy([]string{algorithmSHA256, algorithmMD5}, from, stale)
}

// callingTrunk returns the trunk that an INVITE which begins a call is from, nil for a stranger's, or what it is refused
// with until it has signed on.
func (g *Gateway) callingTrunk(ctx context.Context, request *sip.Request) (*Trunk, *fault) {
	from := sourceOf(request).Addr()
	trunk := g.config.trunkOf(from)
	if trunk == nil {
		trunk = g.config.claimed(request)
	}
	if trunk == nil || !trunk.Challenge {
		return trunk, nil
	}
	given, found := credentialsOf(request)
	if !found || !given.isFor(request) {
		return nil, g.registrar.challengeTrunk(from, false)
	}
	s, counted := g.signOns, "trunk "+trunk.Name
	if s.isProven(from) {
		counted += " at " + from.String() // failures of others elsewhere must not shut it out
	}
	s.proving.Lock()
	refusal := g.registrar.prove(ctx, request, given, s.secrets[trunk.Name], given.username == trunk.User, counted)
	s.proving.Unlock()
	if refusal != nil {
		return nil, refusal
	}
	s.prove(from)
	return trunk, nil
}
