package phone

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"

	"svar/identity"
)

const (
	// resolveTime bounds the look-up of a proxy's address.
	resolveTime = 2 * time.Second
	// passedOver is how long a proxy that did not take a call is tried only after the others, if
	// nothing else tells whether it lives.
	passedOver = 30 * time.Second
	// maxProxies bounds those of one trunk.
	maxProxies = 10
)

// Trunk is a SIP peer that is configured: a carrier, or another switchboard.
type Trunk struct {
	// Name stands in logs, records and figures. Needed, and its own.
	Name string
	// Prefixes are the addresses that its signalling comes from. A trunk that takes calls from us or is
	// challenged may have none; what comes from it is then from a stranger, until it has signed on.
	Prefixes []netip.Prefix
	// Challenge says that it has to sign on for each call to us, by User and Password (both needed), which is how a trunk
	// without fixed addresses is known: its INVITE names User in From, in the Request-URI or in its
	// credentials, or Domain in From.
	Challenge bool
	// Distrusted says that its word on who calls (P-Asserted-Identity, RFC 3325) is not believed.
	Distrusted bool
	// Proxies take calls from us, host:port, in the order in which they are tried; at most maxProxies.
	// A call goes on to the next one by 503, when nothing is answered in failOver, and when one cannot
	// be reached. A name is looked up for each call. None means that the trunk takes no calls.
	Proxies []string
	// Transport is UDP, TCP or TLS; empty means UDP. Voice by TLS is encrypted (SDES, RFC 4568).
	Transport string
	// Domain is what stands behind the @ in what we send; empty means the proxy's address.
	Domain string
	// User and Password are who we are to it, and who it is to us: they answer its challenges (RFC 8760: SHA-256, SHA-512-256 and MD5). Without a
	// password none is answered.
	User, Password string
	// Register is for how long we register at a time, so that the trunk knows where we are
	// (RFC 3261 §10); what it grants counts. 0 means that we do not register. Registrars are where,
	// host:port, in the order in which they are tried; none means Proxies.
	Register   time.Duration
	Registrars []string
	// KeepAlive is how often OPTIONS asks each proxy whether it lives; 0 means never.
	KeepAlive time.Duration
	// MaxCalls and CallsPerHour bound the calls that we make by it; 0 means no bound of its own.
	MaxCalls, CallsPerHour int
	// RootCAs are who may have signed its certificate; nil means the system's. ServerName is
	// the name in it; empty means the host of each proxy.
	RootCAs    *x509.CertPool
	ServerName string
}

// Route says which trunks carry calls to numbers that begin alike.
type Route struct {
	// Prefix is in E.164 with the plus sign; a plus alone is every number. The longest one counts.
	Prefix string
	// Trunks are tried in this order. Needed.
	Trunks []string
}

// transport is how what is for the trunk is sent.
func (t *Trunk) transport() string {
	if t.Transport == "" {
		return "UDP"
	}
	return sip.NetworkToUpper(t.Transport)
}

// registrars are where we register.
func (t *Trunk) registrars() []string {
	if len(t.Registrars) > 0 {
		return t.Registrars
	}
	return t.Proxies
}

// check says, joined, what cannot be.
func (t *Trunk) check() error {
	var faults []error
	fault := func(format string, values ...any) {
		faults = append(faults, fmt.Errorf("trunk %q: "+format, append([]any{t.Name}, values...)...))
	}
	if t.Name == "" || len(t.Name) > maxToken {
		fault("a name of up to %d bytes is needed", maxToken)
	}
	if len(t.Prefixes) == 0 && len(t.Proxies) == 0 && !t.Challenge {
		fault("it has no addresses")
	}
	if t.Challenge && (t.User == "" || t.Password == "") {
		fault("to be challenged takes a user and a password")
	}
	for _, prefix := range t.Prefixes {
		if !prefix.IsValid() {
			fault("one of its addresses is none")
		}
	}
	if len(t.Proxies) > maxProxies || len(t.Registrars) > maxProxies {
		fault("there are more than %d proxies or registrars", maxProxies)
	}
	for _, place := range slices.Concat(t.Proxies, t.Registrars) {
		if _, _, err := splitPlace(place); err != nil {
			fault("who carries our calls must be named by host:port")
		}
	}
	if transport := t.transport(); transport != "UDP" && transport != "TCP" && transport != "TLS" {
		fault("calls are made over UDP, TCP or TLS")
	}
	if t.Register < 0 || t.KeepAlive < 0 || t.MaxCalls < 0 || t.CallsPerHour < 0 {
		fault("numbers and times must not be negative")
	}
	if t.Register > 0 && (t.User == "" || len(t.registrars()) == 0) {
		fault("to register takes a user and a registrar")
	}
	if strings.ContainsFunc(t.User+t.Domain, func(r rune) bool { return isControl(r) || strings.ContainsRune(" <>@\"", r) }) {
		fault("its user or domain cannot stand in a SIP address")
	}
	return errors.Join(faults...)
}

// splitPlace reads host:port.
func splitPlace(place string) (host string, port uint16, err error) {
	host, text, err := net.SplitHostPort(place)
	if err != nil {
		return "", 0, fmt.Errorf("read host:port: %w", err)
	}
	number, err := strconv.ParseUint(text, 10, 16)
	if err != nil || number == 0 || host == "" {
		return "", 0, errors.New("read host:port: there is no such port, or no host")
	}
	return host, uint16(number), nil
}

// health is what is known of a proxy.
type health int

const (
	unknown health = iota
	alive
	dead
)

// hop is one proxy of a trunk; nil is the way to a desk phone. Safe for concurrent use.
type hop struct {
	trunk *Trunk
	place string

	mutex  sync.Mutex
	health health
	// failed is when it last did not take a call, and rests until when it wants none.
	failed, rests time.Time
}

// of is the trunk, or nil.
func (h *hop) of() *Trunk {
	if h == nil {
		return nil
	}
	return h.trunk
}

func (h *hop) trunkName() string {
	if h == nil {
		return ""
	}
	return h.trunk.Name
}

// passedOver tells whether others are tried first.
func (h *hop) passedOver(now time.Time) bool {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	return h.health == dead || now.Before(h.rests) || !h.failed.IsZero() && now.Sub(h.failed) < passedOver
}

// took remembers whether it took a call. One that did lives, whatever OPTIONS told.
func (h *hop) took(call bool) {
	if h == nil {
		return
	}
	h.mutex.Lock()
	defer h.mutex.Unlock()
	if call {
		h.failed, h.rests = time.Time{}, time.Time{}
		return
	}
	h.failed = time.Now()
}

// rest remembers that it wants no calls until then.
func (h *hop) rest(until time.Time) {
	if h == nil {
		return
	}
	h.mutex.Lock()
	defer h.mutex.Unlock()
	h.rests = until
}

// found remembers what OPTIONS told, and reports whether that is news.
func (h *hop) found(now health) bool {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	news := h.health != now
	h.health = now
	return news
}

func (h *hop) state() health {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	return h.health
}

// carriers are the proxies of all trunks.
type carriers struct {
	routes []Route
	hops   map[string][]*hop // by trunk
}

func newCarriers(c Config) *carriers {
	all := &carriers{routes: slices.Clone(c.Routes), hops: make(map[string][]*hop)}
	for i := range c.Trunks {
		trunk := &c.Trunks[i]
		for _, place := range trunk.Proxies {
			all.hops[trunk.Name] = append(all.hops[trunk.Name], &hop{trunk: trunk, place: place})
		}
	}
	// The longest first.
	slices.SortStableFunc(all.routes, func(a, b Route) int { return cmp.Compare(len(b.Prefix), len(a.Prefix)) })
	return all
}

// of are the proxies of trunks, in the order in which they are tried: what does not live comes
// last, for it may live again by now.
func (c *carriers) of(trunks []string, now time.Time) []*hop {
	var lives, rest []*hop
	for _, trunk := range trunks {
		for _, hop := range c.hops[trunk] {
			if hop.passedOver(now) {
				rest = append(rest, hop)
			} else {
				lives = append(lives, hop)
			}
		}
	}
	return append(lives, rest...)
}

// to are the proxies that carry calls to a number.
func (c *carriers) to(number identity.Number, now time.Time) []*hop {
	for _, route := range c.routes {
		if strings.HasPrefix(string(number), route.Prefix) || route.Prefix == "+" {
			return c.of(route.Trunks, now)
		}
	}
	return nil
}

// resolve returns the address of a place that the configuration names, so that its name may be
// looked up.
func (g *Gateway) resolve(ctx context.Context, place string) (netip.AddrPort, error) {
	host, port, err := splitPlace(place)
	if err != nil {
		return netip.AddrPort{}, err
	}
	if address, err := netip.ParseAddr(host); err == nil {
		return netip.AddrPortFrom(address.Unmap(), port), nil
	}
	ctx, cancel := context.WithTimeout(ctx, resolveTime)
	defer cancel()
	family := "ip"
	if g.config.Address.Addr().Is4() {
		family = "ip4"
	}
	addresses, err := net.DefaultResolver.LookupNetIP(ctx, family, host)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("find the carrier's address: %w", err)
	}
	return netip.AddrPortFrom(addresses[0].Unmap(), port), nil
}

// trunkNamed returns a trunk, or nil.
func (c Config) trunkNamed(name string) *Trunk {
	for i := range c.Trunks {
		if name != "" && c.Trunks[i].Name == name {
			return &c.Trunks[i]
		}
	}
	return nil
}

// believed tells whether its word on who calls counts. nil is a stranger.
func (t *Trunk) believed() bool { return t != nil && !t.Distrusted }
