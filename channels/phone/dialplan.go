package phone

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"svar/channels"
	"svar/contact"
	"svar/identity"
)

// ErrNotDialled says that a call was not even tried; it is wrapped with the reason, which
// never holds the number.
var ErrNotDialled = errors.New("the call is not dialled")

// Refusal is why the dial plan refuses a call, as the figures name it.
type Refusal string

// The refusals.
const (
	RefusedNoTrunk     Refusal = "no-trunk"     // nobody is configured to carry it
	RefusedOurs        Refusal = "ours"         // a line of ours
	RefusedNumber      Refusal = "number"       // no complete number
	RefusedDestination Refusal = "destination"  // the dial plan has no such destination
	RefusedCostly      Refusal = "costly"       // it costs extra, or is a service
	RefusedUnconfirmed Refusal = "unconfirmed"  // nobody vouched for it, and nobody looked at it
	RefusedEmergency   Refusal = "emergency"    // no trunk takes emergency calls
	RefusedTooMany     Refusal = "too-many"     // too many calls at one time
	RefusedNumberOften Refusal = "number-often" // the number was called too often within an hour
	RefusedHour        Refusal = "hour"         // too many calls within an hour
	RefusedTrunk       Refusal = "trunk"        // the trunks that carry it have as many calls as they may
)

var refusalWords = map[Refusal]string{
	RefusedNoTrunk: "nobody is configured to carry calls", RefusedOurs: "it is a line of ours", RefusedNumber: "it is not a complete number",
	RefusedDestination: "the dial plan has no such destination", RefusedCostly: "it is a service or costs extra",
	RefusedUnconfirmed: "nobody vouches for the number, and nobody has confirmed it",
	RefusedEmergency:   "emergency calls are not possible from here: use another telephone",
	RefusedTooMany:     "there are too many calls", RefusedNumberOften: "the number was called too often within an hour",
	RefusedHour: "there were too many calls within an hour", RefusedTrunk: "the trunk has as many calls as it may",
}

// RefusedError is the dial plan's no. It is [ErrNotDialled], and never holds the number.
type RefusedError struct{ Reason Refusal }

func (e *RefusedError) Error() string { return ErrNotDialled.Error() + ": " + refusalWords[e.Reason] }

// Is reports that this is ErrNotDialled.
func (e *RefusedError) Is(target error) bool { return target == ErrNotDialled }

// DialPlan guards every call that is made: whoever gets at an agent's account, or forges a
// caller's number, must not be able to run up a bill.
type DialPlan struct {
	// Prefixes are the beginnings of the numbers that may be called, in E.164 with the plus
	// sign. None means Sweden, +46. Numbers that cost the caller extra stay refused.
	Prefixes []string
	// Short are the short numbers that may be called beside, such as 11414.
	Short []identity.Number
	// Emergency is the name of the trunk that takes calls to 112. Empty means that they are refused. They need
	// no confirmation and no other limit holds them.
	Emergency string
	// MaxCalls bounds the calls of ours at one time. 0 means DefaultDialled.
	MaxCalls int
	// NumberPerHour and CallsPerHour bound the calls to one number, and all, within any hour. 0 means
	// DefaultNumberPerHour and DefaultCallsPerHour.
	NumberPerHour, CallsPerHour int
}

// Defaults of [DialPlan].
const (
	DefaultDialled       = 20
	DefaultNumberPerHour = 10
	DefaultCallsPerHour  = 600
)

// maxCallsPerHour bounds what is remembered of the calls of an hour.
const maxCallsPerHour = 100_000

// maxDialledDigits is the longest international number (ITU-T E.164, section 6).
const maxDialledDigits = 15

// costly are the Swedish numbers that cost extra (the numbering plan of PTS), and those that
// are none: a zero after the country code.
var costly = []string{"+46900", "+46939", "+46944", "+4699", "+4677", "+46718", "+460"}

// emergencies are 112 as it may be written.
var emergencies = []identity.Number{"112", "+46112"}

// emergency is 112 as it is dialled.
const emergency identity.Number = "112"

// shortestSwedish is the shortest Swedish subscriber number with its country code and plus
// sign; what is shorter are services, such as +46112 and +46118118.
const shortestSwedish = len("+468000000")

// complete fills in the defaults.
func (p DialPlan) complete() (DialPlan, error) {
	if len(p.Prefixes) == 0 {
		p.Prefixes = []string{"+46"}
	}
	for setting, fallback := range map[*int]int{
		&p.MaxCalls: DefaultDialled, &p.NumberPerHour: DefaultNumberPerHour, &p.CallsPerHour: DefaultCallsPerHour,
	} {
		if *setting == 0 {
			*setting = fallback
		}
		if *setting < 0 || *setting > maxCallsPerHour {
			return p, fmt.Errorf("the dial plan allows a number of calls below 1 or above %d", maxCallsPerHour)
		}
	}
	for _, prefix := range p.Prefixes {
		if !isPrefix(prefix) || len(prefix) < 2 {
			return p, fmt.Errorf("%q is not the beginning of a number, such as +46", prefix)
		}
	}
	for _, number := range p.Short {
		if !isShort(number) || slices.Contains(emergencies, number) {
			return p, fmt.Errorf("%q is not a short number, such as 11414", string(number))
		}
	}
	return p, nil
}

// isPrefix tells whether numbers can begin so: a plus sign and digits, if any.
func isPrefix(text string) bool {
	return strings.HasPrefix(text, "+") && strings.Trim(text[1:], "0123456789") == "" && len(text) <= maxDialledDigits
}

func isShort(number identity.Number) bool {
	return len(number) >= 3 && len(number) <= 6 && strings.Trim(string(number), "0123456789") == ""
}

// allow returns why a number may not be called, or "".
func (p DialPlan) allow(number identity.Number) Refusal {
	if slices.Contains(p.Short, number) {
		return ""
	}
	text := string(number)
	digits, international := strings.CutPrefix(text, "+")
	if !international || len(digits) > maxDialledDigits || len(digits) < 7 || strings.Trim(digits, "0123456789") != "" {
		return RefusedNumber
	}
	begins := func(prefixes []string) bool {
		return slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(text, prefix) })
	}
	switch {
	case !begins(p.Prefixes):
		return RefusedDestination
	case begins(costly), strings.HasPrefix(text, "+46") && len(text) < shortestSwedish:
		return RefusedCostly
	}
	return ""
}

// shown returns the number of a line, which who is called sees.
func (g *Gateway) shown(id contact.LineID) (identity.Number, error) {
	for _, line := range g.config.Lines {
		if line.ID != id {
			continue
		}
		if line.Shown != "" {
			return line.Shown, nil
		}
		if number, err := identity.ParseNumber(line.Number, g.config.Region); err == nil && !number.IsShort() {
			return number, nil
		}
		break
	}
	return "", fmt.Errorf("%w: the line has no number to be shown", ErrNotDialled)
}

// permit is the guard of every call that is made, whoever asks for it: a call-back, a transfer, a REFER, a
// desk phone. It says whether the number may be called at all, and counts a refusal; limits of number and
// rate are in [Gateway.pass]. The error is a [*RefusedError].
func (g *Gateway) permit(number identity.Number, confirmed bool) error {
	if refusal := g.judgeNumber(number, confirmed); refusal != "" {
		return g.gate.refuse(refusal)
	}
	return nil
}

func (g *Gateway) judgeNumber(number identity.Number, confirmed bool) Refusal {
	plan := g.config.DialPlan
	if slices.Contains(emergencies, number) {
		if plan.Emergency == "" {
			return RefusedEmergency
		}
		return ""
	}
	if len(g.carriers.routes) == 0 {
		return RefusedNoTrunk
	}
	if g.isOurs(number) {
		return RefusedOurs
	}
	if refusal := plan.allow(number); refusal != "" {
		return refusal
	}
	if !confirmed {
		return RefusedUnconfirmed
	}
	return ""
}

// isOurs tells whether a call to a number would come back to us.
func (g *Gateway) isOurs(number identity.Number) bool {
	_, ours := g.lines.numbers[number]
	return ours || slices.ContainsFunc(g.config.Lines, func(line Line) bool { return line.Shown == number })
}

// readDialled reads the number out of an address that somebody wants to be called: a tel or sip URI, or what is
// typed. What is no plain number is refused: escapes, parameters that change the number and digits of other
// scripts are how a dial plan is led around.
func (g *Gateway) readDialled(text string) (identity.Number, error) {
	number, err := identity.ParseNumber(text, g.config.Region)
	if err != nil {
		return "", g.gate.refuse(RefusedNumber)
	}
	return number, nil
}

// gate counts the calls that are made, and those that are refused. Safe for concurrent use.
type gate struct {
	plan DialPlan

	mutex   sync.Mutex
	active  int
	byTrunk map[string]int
	// made are the calls of the last hour, the oldest first.
	made    []madeCall
	refused map[Refusal]uint64
}

// madeCall is a call to a number, or one by a trunk: a call that went on to another trunk counts once for its
// number and for both trunks.
type madeCall struct {
	at     time.Time
	number identity.Number
	trunk  string
}

func newGate(plan DialPlan) *gate {
	return &gate{plan: plan, byTrunk: make(map[string]int), refused: make(map[Refusal]uint64)}
}

// refuse counts a refusal.
func (g *gate) refuse(why Refusal) error {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	g.refused[why]++
	return &RefusedError{why}
}

// refusals are how often each reason was given.
func (g *gate) refusals() map[Refusal]uint64 {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	out := make(map[Refusal]uint64, len(refusalWords))
	for why := range refusalWords {
		out[why] = g.refused[why]
	}
	return out
}

// calls is how many calls of ours a trunk carries.
func (g *gate) calls(trunk string) int {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	return g.byTrunk[trunk]
}

// forgetOld drops what is older than an hour. The caller holds the mutex.
func (g *gate) forgetOld(now time.Time) {
	keep := 0
	for keep < len(g.made) && now.Sub(g.made[keep].at) >= time.Hour {
		keep++
	}
	g.made = slices.Delete(g.made, 0, keep)
}

// tooMany tells why there may be no further call now. The caller holds the mutex.
func (g *gate) tooMany(number identity.Number) Refusal {
	to, all := 0, 0
	for _, call := range g.made {
		if call.number == number {
			to++
		}
		if call.number != "" {
			all++
		}
	}
	switch {
	case g.active >= g.plan.MaxCalls:
		return RefusedTooMany
	case to >= g.plan.NumberPerHour:
		return RefusedNumberOften
	case all >= g.plan.CallsPerHour:
		return RefusedHour
	}
	return ""
}

// hasRoom tells whether a trunk may carry a further call. The caller holds the mutex.
func (g *gate) hasRoom(trunk *Trunk) bool {
	if trunk.MaxCalls > 0 && g.byTrunk[trunk.Name] >= trunk.MaxCalls {
		return false
	}
	if trunk.CallsPerHour == 0 {
		return true
	}
	made := 0
	for _, call := range g.made {
		if call.trunk == trunk.Name {
			made++
		}
	}
	return made < trunk.CallsPerHour
}

// passage is the leave to make one call, which counts until end.
type passage struct {
	gate      *gate
	number    identity.Number
	emergency bool

	mutex sync.Mutex // guards what follows
	ended bool
	// left are the proxies that were not tried yet, trunk whose call it is now.
	left  []*hop
	trunk *Trunk
}

// pass lets a call through, with the proxies that carry it, or refuses it with a [*RefusedError]. Nothing is
// counted twice and nothing is let through between looking and counting: calls at the same moment share the limits.
func (g *Gateway) pass(call channels.Call) (*passage, error) {
	if err := g.permit(call.Number, call.Confirmed); err != nil {
		return nil, err
	}
	now := time.Now()
	p := &passage{gate: g.gate, number: call.Number, emergency: slices.Contains(emergencies, call.Number)}
	if p.emergency {
		p.number, p.left = emergency, g.carriers.of([]string{g.config.DialPlan.Emergency}, now)
	} else if p.left = g.carriers.to(call.Number, now); len(p.left) == 0 {
		return nil, g.gate.refuse(RefusedNoTrunk)
	}
	g.gate.mutex.Lock()
	g.gate.forgetOld(now)
	var refusal Refusal
	if !p.emergency {
		refusal = g.gate.tooMany(p.number)
		if refusal == "" && !slices.ContainsFunc(p.left, func(h *hop) bool { return g.gate.hasRoom(h.trunk) }) {
			refusal = RefusedTrunk
		}
	}
	if refusal == "" {
		g.gate.active++
		if !p.emergency {
			g.gate.made = append(g.gate.made, madeCall{at: now, number: p.number})
		}
	}
	g.gate.mutex.Unlock()
	if refusal != "" {
		return nil, g.gate.refuse(refusal)
	}
	return p, nil
}

// next takes the next proxy whose trunk has room, and counts the call for it; nil when there is none.
func (p *passage) next() *hop {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.gate.mutex.Lock()
	defer p.gate.mutex.Unlock()
	for len(p.left) > 0 && !p.ended {
		hop := p.left[0]
		p.left = p.left[1:]
		if p.trunk == hop.trunk {
			return hop
		}
		if !p.emergency && !p.gate.hasRoom(hop.trunk) {
			continue
		}
		p.leave()
		p.trunk = hop.trunk
		p.gate.byTrunk[hop.trunk.Name]++
		p.gate.made = append(p.gate.made, madeCall{at: time.Now(), trunk: hop.trunk.Name})
		return hop
	}
	return nil
}

// hasNext tells whether there is another proxy to be tried; nil has none.
func (p *passage) hasNext() bool {
	if p == nil {
		return false
	}
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return len(p.left) > 0
}

// leave takes the call off its trunk. The caller holds both mutexes.
func (p *passage) leave() {
	if p.trunk != nil {
		p.gate.byTrunk[p.trunk.Name]--
		p.trunk = nil
	}
}

// end says that the call is over. It may be called more than once.
func (p *passage) end() {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.ended {
		return
	}
	p.ended = true
	p.gate.mutex.Lock()
	defer p.gate.mutex.Unlock()
	p.leave()
	p.gate.active--
}
