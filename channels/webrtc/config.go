package webrtc

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/rs/zerolog"

	"svar/channels/media"
)

// Defaults of [Config].
const (
	DefaultAddress    = "127.0.0.1:5070"
	DefaultLegs       = 500
	DefaultSetUpLimit = 30 * time.Second
)

// Config says how browsers reach this node, and what legs are made of.
type Config struct {
	// UDPAddress is where the media of all legs arrive over UDP, as IP address and port.
	// Empty means DefaultAddress. An unspecified address (0.0.0.0 or [::]) listens on each
	// address that the machine has at the start, and then needs a port. Port 0 chooses a
	// free one.
	UDPAddress string `yaml:"udp_address"`
	// TCPAddress is the same for networks that let no UDP through (RFC 6544). Empty means
	// DefaultAddress.
	TCPAddress string `yaml:"tcp_address"`
	// PublicAddresses are the IP addresses that browsers are told instead of those listened
	// on, when address translation lies between. Ports must be translated to themselves.
	// Name the inner address too where agents sit on both sides. Empty means none.
	PublicAddresses []string `yaml:"public_addresses"`
	// ICEServers are handed to browsers as they are: TURN over TLS for networks that let
	// only the web through. We need none ourselves, since we can be reached.
	ICEServers []ICEServer `yaml:"ice_servers"`
	// Legs is how many legs may live at once on this node, 1 or more. 0 means DefaultLegs.
	// Each takes about 400 KB.
	Legs int `yaml:"legs"`
	// SetUpLimit is how long a leg may take to be connected, before it ends by fault. A
	// browser needs a second; 0 means DefaultSetUpLimit.
	SetUpLimit time.Duration `yaml:"set_up_limit"`

	// Pacer drives what is played. Needed; shared by the gateways of a node.
	Pacer *media.Pacer `yaml:"-"`
	// Prompts is the prompt catalogue. Without one nothing can be played to agents.
	Prompts Prompts `yaml:"-"`
	// Log takes one line for each leg that is connected and over.
	Log zerolog.Logger `yaml:"-"`

	// timing is shortened by tests that wait for a network to fail.
	timing timing
}

// ICEServer is one of RTCConfiguration.iceServers.
type ICEServer struct {
	URLs       []string `json:"urls" yaml:"urls"`
	Username   string   `json:"username,omitempty" yaml:"username"`
	Credential string   `json:"credential,omitempty" yaml:"credential"`
}

// timing is how a leg notices that its browser is gone, and when it ends by itself.
type timing struct {
	// disconnected after this time unheard, failed after this time more. Both count whatever
	// comes, and failed bounds the search for a way before the leg is connected too.
	disconnected, failed time.Duration
	keepAlive            time.Duration
	// unheard is how long a connected browser may send no sound. A muted microphone sends
	// silence.
	unheard time.Duration
	// echo is how long an echo lasts once it is connected.
	echo time.Duration
}

// Somebody who is lost must not be waited for in silence: after unheard the caller hears music,
// and the agent's console asks for another leg. A change of network takes browsers two or three
// seconds.
var usualTiming = timing{
	disconnected: 5 * time.Second, failed: 15 * time.Second, keepAlive: 2 * time.Second,
	unheard: 5 * time.Second, echo: time.Minute,
}

// complete takes what is not set from usualTiming.
func (t timing) complete() timing {
	return timing{
		disconnected: cmp.Or(t.disconnected, usualTiming.disconnected),
		failed:       cmp.Or(t.failed, usualTiming.failed),
		keepAlive:    cmp.Or(t.keepAlive, usualTiming.keepAlive),
		unheard:      cmp.Or(t.unheard, usualTiming.unheard),
		echo:         cmp.Or(t.echo, usualTiming.echo),
	}
}

// addresses are those of a Config, read.
type addresses struct {
	udp, tcp netip.AddrPort
	public   []string
}

// complete fills in the defaults and says what cannot be.
func (c Config) complete() (Config, addresses, error) {
	var (
		read addresses
		errs []error
		err  error
	)
	if c.UDPAddress == "" {
		c.UDPAddress = DefaultAddress
	}
	if c.TCPAddress == "" {
		c.TCPAddress = DefaultAddress
	}
	if read.udp, err = netip.ParseAddrPort(c.UDPAddress); err != nil {
		errs = append(errs, fmt.Errorf("udp_address %q is not an IP address and port: %w", c.UDPAddress, err))
	} else if read.udp.Addr().IsUnspecified() && read.udp.Port() == 0 {
		errs = append(errs, fmt.Errorf("udp_address %q: listening on all addresses needs a port", c.UDPAddress))
	}
	if read.tcp, err = netip.ParseAddrPort(c.TCPAddress); err != nil {
		errs = append(errs, fmt.Errorf("tcp_address %q is not an IP address and port: %w", c.TCPAddress, err))
	}
	for _, text := range c.PublicAddresses {
		address, err := netip.ParseAddr(text)
		if err != nil || address.IsUnspecified() || address.IsMulticast() || address.Zone() != "" {
			errs = append(errs, fmt.Errorf("public_addresses: %q is not an IP address that browsers could reach", text))
			continue
		}
		read.public = append(read.public, address.Unmap().String())
	}
	switch {
	case c.Legs == 0:
		c.Legs = DefaultLegs
	case c.Legs < 0:
		errs = append(errs, fmt.Errorf("legs: %d is below 1", c.Legs))
	}
	switch {
	case c.SetUpLimit == 0:
		c.SetUpLimit = DefaultSetUpLimit
	case c.SetUpLimit < 0:
		errs = append(errs, fmt.Errorf("set_up_limit: %s is below 0", c.SetUpLimit))
	}
	if c.Pacer == nil {
		errs = append(errs, errors.New("no pacer was given"))
	}
	c.timing = c.timing.complete()
	return c, read, errors.Join(errs...)
}
