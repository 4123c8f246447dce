package configs

import (
	"crypto/x509"
	"net"
	"net/netip"

	"svar/contact"
)

// PhoneTLS is SIP by TLS, where voice is encrypted too.
type PhoneTLS struct {
	// Address is IP:port; empty means that none is taken, and no trunk has tls.
	Address string `yaml:"address"`
	// Certificate and Key are PEM files, read again when they change. Without them it is the certificate of
	// [HTTPS].
	Certificate string `yaml:"certificate"`
	Key         string `yaml:"key"`
}

// Trunk is a SIP peer that is known.
type Trunk struct {
	Name string `yaml:"name"`
	// Addresses are where its signalling comes from.
	Addresses []netip.Prefix `yaml:"addresses"`
	// Challenge says that it signs on for each call to us, by User and Password; it needs no addresses then.
	Challenge bool `yaml:"challenge"`
	// TrustCallerID says whether its word on the caller's number is believed (P-Asserted-Identity,
	// RFC 3325); it is when nothing is said.
	TrustCallerID *bool `yaml:"trust_caller_id"`
	// Proxy and Proxies are where it takes calls from us, host:port, in the order in which they are tried,
	// Proxy first; without any it takes none.
	Proxy   string   `yaml:"proxy"`
	Proxies []string `yaml:"proxies"`
	// Transport is udp, tcp or tls; empty means that of [Outbound]. By tls voice is encrypted as well.
	Transport string `yaml:"transport"`
	// Domain stands behind the @ in what we send; empty means the proxy's address.
	Domain string `yaml:"domain"`
	// User and Password are who we are to it, and with Challenge who it is to us.
	User     string `yaml:"user"`
	Password Secret `yaml:"password"`
	// Register says that we tell it where we are.
	Register Registration `yaml:"register"`
	// KeepAlive is how often it is asked whether it lives; 0 means never.
	KeepAlive contact.Millis `yaml:"keep_alive"`
	// MaxCalls and CallsPerHour bound the calls that we make by it; 0 means no bound of its own.
	MaxCalls     int `yaml:"max_calls"`
	CallsPerHour int `yaml:"calls_per_hour"`
	// CAFile holds the certificates (PEM) that its own is proved by over tls; without it the machine's are
	// used. ServerName is the name in it; empty means the proxy's host.
	CAFile     string `yaml:"ca_file"`
	ServerName string `yaml:"server_name"`
}

// Registration is how we register with a trunk (RFC 3261 §10).
type Registration struct {
	// Expires is for how long at a time; 0 means that we do not register.
	Expires contact.Millis `yaml:"expires"`
	// Registrars are where, host:port; without any, the proxies.
	Registrars []string `yaml:"registrars"`
}

// Places are where the trunk takes calls from us.
func (t Trunk) Places() []string {
	if t.Proxy == "" {
		return t.Proxies
	}
	return append([]string{t.Proxy}, t.Proxies...)
}

// Roots are who may have signed its certificate; nil means those that the machine trusts.
func (t Trunk) Roots() (*x509.CertPool, error) { return roots(t.CAFile) }

// Outbound is which calls we make. Without Trunk and Routes there are none.
type Outbound struct {
	// Trunk is the name of a trunk that has a proxy, or a host:port. It carries what no route does.
	Trunk string `yaml:"trunk"`
	// Routes say by how numbers begin which trunks carry them.
	Routes []Route `yaml:"routes"`
	// Emergency is the trunk that takes calls to 112; empty means that they are refused.
	Emergency Emergency `yaml:"emergency"`
	// Numbers are shown to those who are called, by the line of the contact. A line that is
	// not among them shows its own.
	Numbers map[contact.LineID]string `yaml:"numbers"`
	// Transport is what calls are sent by to trunks that do not say: udp, tcp or tls.
	Transport string `yaml:"transport"`
	// Prefixes are how the numbers that may be called begin, in E.164: +46. Numbers that cost
	// extra stay refused. Short are short numbers that may be called beside, such as 11414.
	Prefixes []string `yaml:"prefixes"`
	Short    []string `yaml:"short"`
	// MaxCalls bounds the calls of ours at one time, CallsPerHour those of an hour, and NumberPerHour those
	// to one number.
	MaxCalls      int `yaml:"max_calls"`
	CallsPerHour  int `yaml:"calls_per_hour"`
	NumberPerHour int `yaml:"number_per_hour"`
}

// Route says who carries numbers that begin alike.
type Route struct {
	// Prefix is in E.164; the longest one counts.
	Prefix string `yaml:"prefix"`
	// Trunks are tried in this order.
	Trunks []string `yaml:"trunks"`
}

// Emergency is how 112 is called.
type Emergency struct {
	Trunk string `yaml:"trunk"`
}

// trunk returns a trunk by its name that takes calls from us.
func (p Phone) trunk(name string) (Trunk, bool) {
	for _, trunk := range p.Trunks {
		if trunk.Name == name && len(trunk.Places()) > 0 {
			return trunk, true
		}
	}
	return Trunk{}, false
}

// OutboundAddress returns the first host:port that takes our calls, "" when nobody does.
func (p Phone) OutboundAddress() string {
	names := []string{p.Outbound.Trunk}
	for _, route := range p.Outbound.Routes {
		names = append(names, route.Trunks...)
	}
	for _, name := range names {
		if trunk, found := p.trunk(name); found {
			return trunk.Places()[0]
		}
	}
	if _, _, err := net.SplitHostPort(p.Outbound.Trunk); err != nil {
		return ""
	}
	return p.Outbound.Trunk
}
