package phone

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"svar/channels"
	"svar/channels/media"
	"svar/contact"
	"svar/identity"
)

// Defaults of [Config].
const (
	DefaultMaxCalls           = 500
	DefaultMaxArriving        = 500
	DefaultStrangerInvites    = 20
	DefaultAllStrangerInvites = 100
	DefaultStrangerAnswers    = 5
	DefaultT1                 = 500 * time.Millisecond
	DefaultProbeAfter         = 30 * time.Second
)

// DefaultAddress is where SIP is taken when the configuration names no address.
var DefaultAddress = netip.MustParseAddrPort("127.0.0.1:5060")

// Line is an entrance.
type Line struct {
	ID contact.LineID
	// Number is what callers dial: a telephone number in any form that
	// [identity.ParseNumber] reads, or the plain user part of a SIP address. Needed.
	Number string
	// Shown is the number that users see who are called for the line. Empty means Number.
	Shown identity.Number
}

// Prompts is the prompt catalogue. Its methods may be called concurrently.
type Prompts interface {
	// Clip returns the sound of a prompt by its name and an IETF language tag, or an error
	// when there is none.
	Clip(name, language string) (*media.Clip, error)
	// Speak returns the sound of a text that the catalogue does not have.
	Speak(ctx context.Context, language, text string) (*media.Clip, error)
}

// Config says where calls come in, for what, and from whom.
type Config struct {
	// Address is where SIP is taken, on UDP and TCP alike. The zero value is
	// DefaultAddress; port 0 takes a free one. An unspecified address (0.0.0.0) serves all
	// interfaces.
	Address netip.AddrPort
	// TLS is how SIP is taken by TLS as well; nil means not at all. A trunk by TLS needs it.
	TLS *TLS
	// Advertise is the IP address that peers are told to send signalling and voice to.
	// The zero value means Address's, or, when that is unspecified, the one from which
	// each peer is reached. Set it behind NAT.
	Advertise netip.Addr
	// RTPFirst and RTPLast bound the UDP ports of voice, both included; each call takes
	// two, and they rest after it. Both zero mean 20000–29999.
	RTPFirst, RTPLast uint16
	// Lines are what can be called. A call to anything else gets 404.
	Lines []Line
	// Trunks are the peers that are configured. Without any, every caller is a stranger: he is
	// served, but his P-Asserted-Identity is not read and his rate is limited.
	Trunks []Trunk
	// Routes say which trunks carry which calls of ours. Without any, Dial refuses.
	Routes []Route
	// DialPlan says who may be called. The zero value allows Swedish numbers that cost nothing
	// extra.
	DialPlan DialPlan
	// Region is where numbers without country code belong (ISO 3166-1). Empty means
	// [identity.HomeRegion].
	Region string
	// MaxCalls bounds the calls at one time; further ones get 503. 0 means
	// DefaultMaxCalls. Each costs about 100 KB and a hundred packets a second. With trunks,
	// callers outside them get half of it at the most. One address outside them
	// gets a quarter of what all such callers get.
	MaxCalls int
	// MaxArriving bounds the calls that wait at one time to be put on record; further ones get 503 before they cost
	// anything. That takes milliseconds, until more come than can be served: then few enough wait that they do not all
	// wait in vain. With trunks, callers outside them get half of it at the most. 0 means DefaultMaxArriving.
	MaxArriving int
	// StrangerInvites is how many calls a second one address outside the trunks may begin,
	// with a burst of twice as many; further ones get 503. 0 means
	// DefaultStrangerInvites. Too low turns away a school behind one address.
	StrangerInvites int
	// AllStrangerInvites is how many calls a second all addresses outside the trunks may begin
	// together, with a burst of twice as many; further ones get 503. 0 means
	// DefaultAllStrangerInvites. It bounds what a flood from many addresses costs.
	AllStrangerInvites int
	// StrangerAnswers is how many messages a second of one address outside the trunks that are
	// for no line and no call are answered, with a burst of four times as many; all such
	// addresses together get allStrayAnswers. Further messages get no answer at all. 0 means
	// DefaultStrangerAnswers.
	StrangerAnswers int
	// T1 is the estimate of the round-trip time (RFC 3261 §17.1.1.1) from which the
	// repetition of 200 and the wait for ACK (64·T1) follow. 0 means DefaultT1; less makes
	// calls over slow networks fail.
	T1 time.Duration
	// ProbeAfter is how long a connected caller may send no voice before OPTIONS asks
	// whether the call still exists at his side; if it does not, it ends by fault. A caller
	// whose side answers is kept, however long he is silent. 0 means DefaultProbeAfter, and a
	// negative value that nobody is asked. Shorter costs messages for callers who are muted.
	// Callers on hold and those who said by comfort noise that they are silent are asked
	// after quietProbes times as long.
	ProbeAfter time.Duration

	// Phones are the accounts that may register a desk phone; nil means that none may.
	Phones Phones
	// PhoneAttempts limits failures to sign on as one, or as a trunk that is challenged. Needed with either.
	PhoneAttempts PhoneAttempts
	// ShownTo says what an agent's desk phone shows of a caller on a line. It must not block. Without
	// it nothing is shown.
	ShownTo func(agent contact.AgentID, line contact.LineID, who identity.CallerID) Shown

	// Intake takes the contacts. Needed.
	Intake channels.Intake
	// Prompts is the prompt catalogue. Without one nothing can be played.
	Prompts Prompts
	// Pacer drives what is played. Needed; shared by the gateways of a node.
	Pacer *media.Pacer
	// Log takes one line for each transition of a call. Its zero value is silent.
	Log zerolog.Logger
}

// complete fills in the defaults and says, joined, all that cannot be.
func (c Config) complete() (Config, error) {
	var faults []error
	if c.Address == (netip.AddrPort{}) {
		c.Address = DefaultAddress
	}
	if c.Region == "" {
		c.Region = identity.HomeRegion
	}
	if c.MaxCalls == 0 {
		c.MaxCalls = DefaultMaxCalls
	}
	if c.MaxArriving == 0 {
		c.MaxArriving = DefaultMaxArriving
	}
	if c.StrangerInvites == 0 {
		c.StrangerInvites = DefaultStrangerInvites
	}
	if c.AllStrangerInvites == 0 {
		c.AllStrangerInvites = DefaultAllStrangerInvites
	}
	if c.StrangerAnswers == 0 {
		c.StrangerAnswers = DefaultStrangerAnswers
	}
	if c.T1 == 0 {
		c.T1 = DefaultT1
	}
	if c.ProbeAfter == 0 {
		c.ProbeAfter = DefaultProbeAfter
	}
	if c.MaxCalls < 0 || c.MaxArriving < 0 || c.StrangerInvites < 0 || c.AllStrangerInvites < 0 || c.StrangerAnswers < 0 || c.T1 < 0 {
		faults = append(faults, errors.New("numbers and times must not be negative"))
	}
	if !c.Address.Addr().IsValid() || c.Address.Addr().Zone() != "" {
		faults = append(faults, errors.New("the address must be an IP address with a port"))
	}
	if c.Advertise.IsUnspecified() || c.Advertise.IsMulticast() {
		faults = append(faults, fmt.Errorf("%s is not an address that peers could send to", c.Advertise))
	}
	if c.Phones != nil && c.PhoneAttempts == nil {
		faults = append(faults, errors.New("desk phones may register, but nothing limits failures"))
	}
	if c.Intake == nil {
		faults = append(faults, errors.New("no intake was given"))
	}
	var err error
	if c.DialPlan, err = c.DialPlan.complete(); err != nil {
		faults = append(faults, err)
	}
	if c.Pacer == nil {
		faults = append(faults, errors.New("no pacer was given"))
	}
	faults = append(faults, c.checkTrunks()...)
	return c, errors.Join(faults...)
}

// checkTrunks says what cannot be in the trunks and what names them.
func (c Config) checkTrunks() []error {
	var faults []error
	for i := range c.Trunks {
		trunk := &c.Trunks[i]
		faults = append(faults, trunk.check())
		if slices.ContainsFunc(c.Trunks[:i], func(other Trunk) bool { return other.Name == trunk.Name }) {
			faults = append(faults, fmt.Errorf("there are two trunks %q", trunk.Name))
		}
		faults = append(faults, c.checkChallenge(trunk, c.Trunks[:i]))
	}
	if c.TLS == nil && slices.ContainsFunc(c.Trunks, func(trunk Trunk) bool { return trunk.transport() == "TLS" }) {
		faults = append(faults, errors.New("a trunk by TLS needs an address of ours for TLS"))
	}
	if c.TLS != nil && (c.TLS.Certificate == nil || !c.TLS.Address.Addr().IsValid() || c.TLS.Address.Addr().Zone() != "") {
		faults = append(faults, errors.New("SIP by TLS needs an IP address with a port, and a certificate"))
	}
	carries := func(name string) bool {
		trunk := c.trunkNamed(name)
		return trunk != nil && len(trunk.Proxies) > 0
	}
	for _, route := range c.Routes {
		if !isPrefix(route.Prefix) || len(route.Trunks) == 0 || !all(route.Trunks, carries) {
			faults = append(faults, fmt.Errorf("the route %q needs a prefix such as +46 and trunks that take calls", route.Prefix))
		}
	}
	if c.DialPlan.Emergency != "" && !carries(c.DialPlan.Emergency) {
		faults = append(faults, fmt.Errorf("emergency calls go to a trunk that takes calls; %q is none", c.DialPlan.Emergency))
	}
	return faults
}

// checkChallenge says what cannot be in a trunk that is challenged, with those that come before it.
func (c Config) checkChallenge(trunk *Trunk, before []Trunk) error {
	switch {
	case !trunk.Challenge:
		return nil
	case c.PhoneAttempts == nil:
		return fmt.Errorf("trunk %q signs on, but nothing limits failures", trunk.Name)
	case slices.ContainsFunc(c.Lines, func(line Line) bool { return line.Number == trunk.User }):
		return fmt.Errorf("trunk %q signs on as a line: whoever calls that line would have to", trunk.Name)
	case slices.ContainsFunc(before, func(other Trunk) bool {
		return other.Challenge && (other.User == trunk.User || trunk.Domain != "" && strings.EqualFold(other.Domain, trunk.Domain))
	}):
		return fmt.Errorf("trunk %q signs on as another trunk does, or from its domain", trunk.Name)
	}
	return nil
}

func all[T any](values []T, is func(T) bool) bool {
	return !slices.ContainsFunc(values, func(value T) bool { return !is(value) })
}

// strangersOf is how many of so many calls may be strangers'.
func (c Config) strangersOf(calls int) int {
	if len(c.Trunks) == 0 {
		return calls
	}
	return (calls + 1) / 2
}

// strangerCalls is how many calls strangers may have at one time.
func (c Config) strangerCalls() int { return c.strangersOf(c.MaxCalls) }

// callsOfOneStranger is how many calls one address outside the trunks may have at one time:
// a large school behind one address has fewer.
func (c Config) callsOfOneStranger() int { return max(c.strangerCalls()/4, 1) }

// trunkOf returns the trunk that an address belongs to, or nil.
func (c Config) trunkOf(address netip.Addr) *Trunk {
	address = address.Unmap()
	for i := range c.Trunks {
		for _, prefix := range c.Trunks[i].Prefixes {
			if prefix.Contains(address) {
				return &c.Trunks[i]
			}
		}
	}
	return nil
}
