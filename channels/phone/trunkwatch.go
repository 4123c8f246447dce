package phone

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"

	"svar/contact"
)

const (
	// askPatience times T1 is how long a trunk may take to answer OPTIONS or REGISTER: 8 s.
	askPatience = 16
	// registerAgain times T1 is the wait after a registration that failed, 30 s; each further one
	// doubles it, up to registerAtLatest times T1, 5 minutes (RFC 5626 §4.5 has more).
	registerAgain    = 60
	registerAtLatest = 600
	// renewBefore is how long before its end a registration is renewed, at the most; a short one
	// after four fifths.
	renewBefore = 30 * time.Second
	// longestRest is the most that is believed of a trunk that says when to come again: after it, nobody should have to
	// remember that we were sent away.
	longestRest = 10 * time.Minute
	// longestRegistration is the most that is believed of what a registrar grants.
	longestRegistration = 24 * time.Hour
)

// tooBrief is the response to REGISTER that wants a longer time (RFC 3261 §21.4.17).
const tooBrief = 423

// TrunkState is what is known of a trunk.
type TrunkState struct {
	Name string
	// Up says that a call by it can be expected to go through: one of its proxies lives, or nothing is known of
	// one, and it is registered if it registers.
	Up bool
	// Watched says that anything tells: we ask it, or register with it.
	Watched bool
	// Proxies is how many it has, Dead how many of them do not answer OPTIONS.
	Proxies, Dead int
	// Registers says that we register with it, Registered that we are.
	Registers, Registered bool
	// Calls are those that we make by it now.
	Calls int
}

// Trunks are the trunks as they are now, in the order of the configuration.
func (g *Gateway) Trunks() []TrunkState {
	states := make([]TrunkState, 0, len(g.config.Trunks))
	for _, trunk := range g.config.Trunks {
		state := TrunkState{Name: trunk.Name, Proxies: len(trunk.Proxies), Calls: g.gate.calls(trunk.Name)}
		for _, hop := range g.carriers.hops[trunk.Name] {
			if hop.state() == dead {
				state.Dead++
			}
		}
		if registration := g.registrations[trunk.Name]; registration != nil {
			state.Registers, state.Registered = true, registration.holds(time.Now())
		}
		state.Watched = state.Registers || trunk.KeepAlive > 0 && state.Proxies > 0
		state.Up = (state.Proxies == 0 || state.Dead < state.Proxies) && state.Registers == state.Registered
		states = append(states, state)
	}
	return states
}

// TrunksDown names the trunks that are watched and by which no call can be expected to go through now.
func (g *Gateway) TrunksDown() []string {
	var down []string
	for _, trunk := range g.Trunks() {
		if trunk.Watched && !trunk.Up {
			down = append(down, trunk.Name)
		}
	}
	return down
}

// watchTrunks begins to ask trunks whether they live, and to register.
func (g *Gateway) watchTrunks() {
	watch := func(work func(ctx context.Context)) {
		ctx, done, serving := g.begin(g.life)
		if !serving {
			return
		}
		go func() {
			defer done()
			if g.awaitServed(ctx) == nil {
				work(ctx)
			}
		}()
	}
	for i := range g.config.Trunks {
		trunk := &g.config.Trunks[i]
		if trunk.KeepAlive > 0 {
			for _, hop := range g.carriers.hops[trunk.Name] {
				watch(func(ctx context.Context) { g.keepAlive(ctx, hop) })
			}
		}
		if registration := g.registrations[trunk.Name]; registration != nil {
			watch(func(ctx context.Context) { g.keepRegistered(ctx, registration) })
		}
	}
}

// pause waits, and reports false when the gateway closes.
func (g *Gateway) pause(ctx context.Context, wait time.Duration) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-g.closing:
	case <-ctx.Done():
	}
	return false
}

// keepAlive asks a proxy again and again whether it lives.
func (g *Gateway) keepAlive(ctx context.Context, hop *hop) {
	for {
		rest, err := g.askAlive(ctx, hop)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil && hop.found(dead):
			g.log.Warn().Err(err).Str("trunk", hop.trunk.Name).Str("proxy", hop.place).Msg("a proxy of the trunk does not answer")
		case err == nil && hop.found(alive):
			g.log.Info().Str("trunk", hop.trunk.Name).Str("proxy", hop.place).Msg("a proxy of the trunk answers")
		}
		// Not all at the same moment.
		if !g.pause(ctx, max(hop.trunk.KeepAlive-mathrand.N(hop.trunk.KeepAlive/10+1), rest)) {
			return
		}
	}
}

// askAlive sends OPTIONS. Every answer is a sign of life but 503, which says that calls would get it too. rest is how long
// we are told to wait.
func (g *Gateway) askAlive(ctx context.Context, hop *hop) (rest time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, askPatience*g.config.T1)
	defer cancel()
	address, err := g.resolve(ctx, hop.place)
	if err != nil {
		return 0, err
	}
	dialog := g.outside(hop.trunk, address)
	response, err := g.exchange(ctx, dialog, sip.OPTIONS, inviteSequence, newBranch())
	if err != nil {
		return 0, err
	}
	if response.StatusCode == sip.StatusServiceUnavailable {
		err = errors.New("it answers 503")
	}
	return restAfter(response), err
}

// restAfter is for how long a response sends us away (Retry-After, RFC 3261 §20.33); 0 when it does not.
func restAfter(response *sip.Response) time.Duration {
	header := response.GetHeader("retry-after")
	if header == nil {
		return 0
	}
	text, _, _ := strings.Cut(header.Value(), ";") // a duration of being there, and a comment, may follow
	text, _, _ = strings.Cut(text, "(")
	return min(seconds(sip.NewHeader("Retry-After", text)), longestRest)
}

// outside is what a request to a trunk needs that is in no dialog.
func (g *Gateway) outside(trunk *Trunk, address netip.AddrPort) record {
	user := trunk.User
	if user == "" {
		user = "svar"
	}
	own, theirs, target := hostText(g.localAddress(address.Addr())), hostText(address.Addr()), address.String()
	if trunk.Domain != "" {
		own, theirs, target = trunk.Domain, trunk.Domain, trunk.Domain
	}
	return record{
		CallID: newID(), LocalTag: rand.Text(), LocalURI: "sip:" + user + "@" + own, RemoteURI: "sip:" + theirs, Target: "sip:" + target,
		Transport: trunk.transport(), Source: address, Trunk: trunk.Name,
		Branch: "outside", // it goes where the configuration says
	}
}

// trunkRegistration is what we have with a registrar.
type trunkRegistration struct {
	trunk *Trunk
	// callID, tag and sequence stay the same for all of them (RFC 3261 §10.2.4). Used by one goroutine.
	callID, tag string
	sequence    uint32
	// current is the index of the registrar that took the last one.
	current int
	// rests are until when registrars sent us away, by index; likewise.
	rests []time.Time

	mutex sync.Mutex
	until time.Time
}

func newRegistrations(c Config) map[string]*trunkRegistration {
	all := make(map[string]*trunkRegistration)
	for i := range c.Trunks {
		if trunk := &c.Trunks[i]; trunk.Register > 0 {
			all[trunk.Name] = &trunkRegistration{trunk: trunk, callID: newID(), tag: rand.Text(), rests: make([]time.Time, len(trunk.registrars()))}
		}
	}
	return all
}

func (r *trunkRegistration) holds(now time.Time) bool {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return now.Before(r.until)
}

func (r *trunkRegistration) hold(until time.Time) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.until = until
}

// keepRegistered registers, renews that before it ends, and takes it back when the gateway closes.
func (g *Gateway) keepRegistered(ctx context.Context, r *trunkRegistration) {
	wait := time.Duration(0)
	for failures := 0; g.pause(ctx, wait); {
		begun := time.Now()
		granted, err := g.registerSomewhere(ctx, r)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			g.log.Warn().Err(err).Str("trunk", r.trunk.Name).Msg("the trunk's registration failed")
			wait = time.Duration(min(registerAgain<<min(failures, 10), registerAtLatest)) * g.config.T1
			wait -= mathrand.N(wait/4 + 1)
			if rest := time.Until(slices.MinFunc(r.rests, time.Time.Compare)); rest > 0 {
				wait = rest + mathrand.N(rest/10+1) // all sent us away
			}
			failures++
		default:
			if !r.holds(begun) {
				g.log.Info().Str("trunk", r.trunk.Name).Dur("for", granted).Msg("registered with the trunk")
			}
			r.hold(begun.Add(granted))
			wait, failures = granted-min(granted/5, renewBefore), 0
		}
	}
	if r.holds(time.Now()) {
		if _, err := g.registerWith(ctx, r, r.current, 0); err != nil {
			g.log.Warn().Err(err).Str("trunk", r.trunk.Name).Msg("the registration was not taken back: it runs out by itself")
		}
	}
}

// registerSomewhere registers with the registrar that took the last registration, or the next one that does. Those that sent
// us away are left alone until their time is over.
func (g *Gateway) registerSomewhere(ctx context.Context, r *trunkRegistration) (time.Duration, error) {
	var faults []error
	places := r.trunk.registrars()
	for range places {
		if rest := time.Until(r.rests[r.current]); rest > 0 {
			faults = append(faults, fmt.Errorf("a registrar wants to be left alone for another %s", rest.Round(time.Second)))
			r.current = (r.current + 1) % len(places)
			continue
		}
		granted, err := g.registerWith(ctx, r, r.current, r.trunk.Register)
		if err == nil {
			return granted, nil
		}
		faults = append(faults, err)
		r.current = (r.current + 1) % len(places)
	}
	return 0, errors.Join(faults...)
}

// registerWith sends REGISTER (RFC 3261 §10.2) and returns for how long it holds.
func (g *Gateway) registerWith(ctx context.Context, r *trunkRegistration, registrar int, ask time.Duration) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, askPatience*g.config.T1)
	defer cancel()
	address, err := g.resolve(ctx, r.trunk.registrars()[registrar])
	if err != nil {
		return 0, err
	}
	dialog := g.outside(r.trunk, address)
	dialog.CallID, dialog.LocalTag, dialog.RemoteURI = r.callID, r.tag, dialog.LocalURI
	ours := g.contactHeader(address.Addr(), dialog.Transport).(*sip.ContactHeader)
	ours.Address.User = r.trunk.User
	for tries := 0; ; tries++ {
		r.sequence += maxChallenges + 1
		response, err := g.exchange(ctx, dialog, sip.REGISTER, r.sequence, newBranch(),
			ours.Clone(), sip.NewHeader("Expires", strconv.Itoa(int(ask/time.Second))))
		switch {
		case err != nil:
			return 0, err
		case response.IsSuccess():
			return grantedTo(ours, response, ask)
		case response.StatusCode == tooBrief && tries == 0:
			ask = seconds(response.GetHeader("Min-Expires"))
			if ask <= 0 || ask > longestRegistration {
				return 0, errors.New("the registrar wants another time, and does not say which")
			}
		default:
			r.rests[registrar] = time.Now().Add(restAfter(response))
			return 0, fmt.Errorf("the registrar answers %d", response.StatusCode)
		}
	}
}

// grantedTo is for how long our contact is registered.
func grantedTo(ours *sip.ContactHeader, response *sip.Response, asked time.Duration) (time.Duration, error) {
	granted := asked
	if header := response.GetHeader("Expires"); header != nil {
		granted = seconds(header)
	}
	for _, header := range response.GetHeaders("Contact") {
		binding, is := header.(*sip.ContactHeader)
		if !is || binding.Address.User != ours.Address.User || binding.Address.Host != ours.Address.Host || binding.Address.Port != ours.Address.Port {
			continue
		}
		if text, found := binding.Params.Get("expires"); found {
			granted = seconds(sip.NewHeader("Expires", text))
		}
	}
	if granted <= 0 && asked > 0 {
		return 0, errors.New("the registrar took it for no time at all")
	}
	return min(granted, longestRegistration), nil
}

// seconds reads a header's whole seconds; 0 if it has none.
func seconds(header sip.Header) time.Duration {
	if header == nil {
		return 0
	}
	number, err := strconv.ParseUint(strings.TrimSpace(header.Value()), 10, 32)
	if err != nil {
		return 0
	}
	return time.Duration(number) * time.Second
}

// lineOf finds the line of an INVITE. A trunk that we register with may call the user that is registered, and one
// that signs on its own; the number that was dialled is in To then.
func (g *Gateway) lineOf(request *sip.Request, trunk *Trunk) (contact.LineID, bool) {
	line, found := g.lines.find(&request.Recipient)
	if !found && trunk != nil && (trunk.Register > 0 || trunk.Challenge) && request.Recipient.User == trunk.User {
		return g.lines.find(&request.To().Address)
	}
	return line, found
}
