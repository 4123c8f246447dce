package configs

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"svar/contact"
	"svar/identity"
)

// The shortest times that a carrier does not take for a flood, and the longest that is a time at all.
const (
	shortestRegistration = contact.Millis(60 * 1000)
	shortestKeepAlive    = contact.Millis(5 * 1000)
	longestRegistration  = contact.Millis(24 * 60 * 60 * 1000)
)

// transports are how trunks are spoken to.
var transports = []string{"udp", "tcp", "tls"}

// outbound checks the trunks, and where calls of ours go.
func (c *checker) outbound(phone Phone, lines []Line) {
	for i, trunk := range phone.Trunks {
		path := fmt.Sprintf("$.phone.trunks[%d]", i)
		if trunk.Name == "" || slices.ContainsFunc(phone.Trunks[:i], func(t Trunk) bool { return t.Name == trunk.Name }) {
			c.fault(path+".name", "a trunk has a name of its own; %q is none", trunk.Name)
		}
		c.trunk(path, trunk)
		c.challenge(path, trunk, phone.Trunks[:i], lines)
	}
	if phone.Outbound.Trunk != "" {
		if _, found := phone.trunk(phone.Outbound.Trunk); !found && !isHostPort(phone.Outbound.Trunk) {
			c.fault("$.phone.outbound.trunk", "%q is neither the name of a trunk with a proxy nor host:port", phone.Outbound.Trunk)
		}
	}
	c.phoneTLS(phone)
	c.routes(phone)
	c.dialPlan(phone.Outbound)
	for line, number := range phone.Outbound.Numbers {
		path := "$.phone.outbound.numbers." + string(line)
		if !slices.ContainsFunc(lines, func(l Line) bool { return l.ID == line }) {
			c.fault(path, "there is no line %q", line)
		}
		if _, err := identity.ParseNumber(number, identity.HomeRegion); err != nil {
			c.fault(path, "%q is not a telephone number", number)
		}
	}
}

// phoneTLS checks SIP by TLS, and that there is one where a trunk needs it.
func (c *checker) phoneTLS(phone Phone) {
	settings := phone.TLS
	if _, err := netip.ParseAddrPort(settings.Address); settings.Address != "" && err != nil {
		c.fault("$.phone.tls.address", "%q is not IP:port", settings.Address)
	}
	switch {
	case (settings.Certificate == "") != (settings.Key == ""):
		c.fault("$.phone.tls.certificate", "a certificate needs its key, and a key its certificate")
	case settings.Certificate != "":
		if _, err := ReadCertificate(settings.Certificate, settings.Key); err != nil {
			c.fault("$.phone.tls.certificate", "%v", err)
		}
	}
	if settings.Address != "" {
		return
	}
	for i, trunk := range phone.Trunks {
		if trunk.Transport == "tls" {
			c.fault(fmt.Sprintf("$.phone.trunks[%d].transport", i), "a trunk by tls needs phone.tls.address")
		}
	}
	if phone.Outbound.Transport == "tls" {
		c.fault("$.phone.outbound.transport", "tls needs phone.tls.address")
	}
}

func (c *checker) trunk(path string, trunk Trunk) {
	if trunk.Proxy != "" && !isHostPort(trunk.Proxy) {
		c.fault(path+".proxy", "%q is not host:port", trunk.Proxy)
	}
	for key, places := range map[string][]string{"proxies": trunk.Proxies, "register.registrars": trunk.Register.Registrars} {
		for i, place := range places {
			if !isHostPort(place) {
				c.fault(fmt.Sprintf("%s.%s[%d]", path, key, i), "%q is not host:port", place)
			}
		}
	}
	if len(trunk.Addresses) == 0 && len(trunk.Places()) == 0 && !trunk.Challenge {
		c.fault(path, "a trunk has addresses or a proxy, or both, or signs on: challenge")
	}
	if trunk.Transport != "" && !slices.Contains(transports, trunk.Transport) {
		c.fault(path+".transport", "there is no transport %q; there are udp, tcp and tls", trunk.Transport)
	}
	if strings.ContainsFunc(trunk.User+trunk.Domain, func(r rune) bool { return r <= ' ' || strings.ContainsRune("<>@\"", r) }) {
		c.fault(path, "user and domain cannot hold spaces or any of < > @ \"")
	}
	if trunk.Password != "" && trunk.User == "" {
		c.fault(path+".password", "a password is somebody's: set user as well")
	}
	switch expires := trunk.Register.Expires; {
	case expires == 0:
	case expires < shortestRegistration || expires > longestRegistration || expires%contact.MillisOf(time.Second) != 0:
		c.fault(path+".register.expires", "one registers for 1m to 24h, in whole seconds; 0s: not at all")
	case trunk.User == "" || len(trunk.Places())+len(trunk.Register.Registrars) == 0:
		c.fault(path+".register", "to register takes a user, and a proxy or a registrar")
	}
	if trunk.KeepAlive < 0 || trunk.KeepAlive > 0 && trunk.KeepAlive < shortestKeepAlive {
		c.fault(path+".keep_alive", "a trunk is asked every %s at the most; 0s: never", shortestKeepAlive.Duration())
	}
	if trunk.MaxCalls < 0 || trunk.CallsPerHour < 0 {
		c.fault(path+".max_calls", "a number of calls is not below 0; 0 means no bound")
	}
	if _, err := trunk.Roots(); err != nil {
		c.fault(path+".ca_file", "%v", err)
	}
}

// challenge checks a trunk that signs on, with those that come before it.
func (c *checker) challenge(path string, trunk Trunk, before []Trunk, lines []Line) {
	path += ".challenge"
	if !trunk.Challenge {
		return
	}
	if trunk.User == "" || trunk.Password == "" {
		c.fault(path, "a trunk signs on by a user and a password: set both")
		return
	}
	for _, line := range lines {
		if line.Number == trunk.User {
			c.fault(path, "the user %q is the number of line %q, and whoever calls that would have to sign on", trunk.User, line.ID)
		}
	}
	for _, other := range before {
		switch {
		case !other.Challenge:
		case other.User == trunk.User:
			c.fault(path, "trunk %q signs on as the same user: nobody could tell which one calls", other.Name)
		case trunk.Domain != "" && strings.EqualFold(other.Domain, trunk.Domain):
			c.fault(path, "trunk %q signs on from the same domain: nobody could tell which one calls", other.Name)
		}
	}
}

func (c *checker) routes(phone Phone) {
	takesCalls := func(path, name string) {
		if _, found := phone.trunk(name); !found {
			c.fault(path, "%q is not the name of a trunk with a proxy", name)
		}
	}
	for i, route := range phone.Outbound.Routes {
		path := fmt.Sprintf("$.phone.outbound.routes[%d]", i)
		if !isNumberPrefix(route.Prefix) {
			c.fault(path+".prefix", "%q is not the beginning of a number, such as +46", route.Prefix)
		}
		if len(route.Trunks) == 0 {
			c.fault(path+".trunks", "a route needs a trunk")
		}
		for j, name := range route.Trunks {
			takesCalls(fmt.Sprintf("%s.trunks[%d]", path, j), name)
		}
	}
	if phone.Outbound.Emergency.Trunk != "" {
		takesCalls("$.phone.outbound.emergency.trunk", phone.Outbound.Emergency.Trunk)
	}
}

func isNumberPrefix(text string) bool {
	return len(text) >= 2 && len(text) <= 15 && text[0] == '+' && strings.Trim(text[1:], "0123456789") == ""
}

// maxCallsPerHour is the most that the gateway remembers.
const maxCallsPerHour = 100_000

// dialPlan checks who may be called.
func (c *checker) dialPlan(outbound Outbound) {
	if !slices.Contains(transports, outbound.Transport) {
		c.fault("$.phone.outbound.transport", "there is no transport %q; there are udp, tcp and tls", outbound.Transport)
	}
	if len(outbound.Prefixes) == 0 {
		c.fault("$.phone.outbound.prefixes", "at least one beginning of numbers is needed, such as +46")
	}
	for i, prefix := range outbound.Prefixes {
		if !isNumberPrefix(prefix) {
			c.fault(fmt.Sprintf("$.phone.outbound.prefixes[%d]", i), "%q is not the beginning of a number, such as +46", prefix)
		}
	}
	for i, number := range outbound.Short {
		if len(number) < 3 || len(number) > 6 || strings.Trim(number, "0123456789") != "" || number == "112" {
			c.fault(fmt.Sprintf("$.phone.outbound.short[%d]", i), "%q is not a short number, such as 11414; 112 has emergency", number)
		}
	}
	if outbound.MaxCalls <= 0 {
		c.fault("$.phone.outbound.max_calls", "at least one call must be allowed")
	}
	for key, limit := range map[string]int{"calls_per_hour": outbound.CallsPerHour, "number_per_hour": outbound.NumberPerHour} {
		if limit <= 0 || limit > maxCallsPerHour {
			c.fault("$.phone.outbound."+key, "between one call and %d must be allowed", maxCallsPerHour)
		}
	}
}
