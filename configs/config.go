package configs

import (
	"net/netip"

	"svar/contact"
	"svar/identity"
)

// Config is everything that can be set. Every field has a value in the defaults.
type Config struct {
	// Demo adds invented people and accounts (password svar-demo). Never with real users.
	Demo      bool      `yaml:"demo"`
	Log       Log       `yaml:"log"`
	HTTP      HTTP      `yaml:"http"`
	HTTPS     HTTPS     `yaml:"https"`
	Metrics   Metrics   `yaml:"metrics"`
	Phone     Phone     `yaml:"phone"`
	Voice     Voice     `yaml:"voice"`
	NATS      NATS      `yaml:"nats"`
	Database  Database  `yaml:"database"`
	Retention Retention `yaml:"retention"`
	Hours     Hours     `yaml:"hours"`
	// HoursSets are further opening hours, which an entrance has by naming one.
	HoursSets []HoursSet `yaml:"hours_sets"`
	Desk      Desk       `yaml:"desk"`
	Groups    []Group    `yaml:"groups"`
	// Languages are what contacts need as well that are held in a language.
	Languages map[string][]Need `yaml:"languages"`
	Services  []Service         `yaml:"services"`
	// Destinations are places outside that calls are sent to.
	Destinations []Destination `yaml:"destinations"`
	Prompts      []Prompt      `yaml:"prompts"`
	Lines        []Line        `yaml:"lines"`
	Chat         Chat          `yaml:"chat"`
	Mail         Mail          `yaml:"mail"`
	Portal       Portal        `yaml:"portal"`

	// Warnings say what is allowed but hardly meant, each as "file:line:column: what".
	Warnings []string `yaml:"-"`
}

// HTTP is where browsers reach the console and the portal.
type HTTP struct {
	// Address is host:port. Port 0 takes a free one.
	Address string `yaml:"address"`
	// Proxies are the addresses whose X-Forwarded-For is believed.
	Proxies []netip.Prefix `yaml:"proxies"`
	// Connections bounds the browsers' connections at one time, of HTTP and HTTPS together;
	// further ones wait. ConnectionsPerAddress is how many of them one address may have, except
	// this machine and the proxies; further ones are closed. A console or an open chat
	// takes one or two, and a school behind one address has many.
	Connections           int `yaml:"connections"`
	ConnectionsPerAddress int `yaml:"connections_per_address"`
}

// Log is what the process writes to its standard error.
type Log struct {
	// Level is the least that is written: debug, info, warn or error.
	Level string `yaml:"level"`
	// Format is [LogAuto], [LogJSON] or [LogConsole].
	Format string `yaml:"format"`
}

// The forms of the log. LogAuto is LogConsole on a terminal, and else LogJSON.
const (
	LogAuto    = "auto"
	LogJSON    = "json"
	LogConsole = "console"
)

// Metrics is who may read /metrics and the details of /readyz, beside this machine itself.
type Metrics struct {
	// Allow are their addresses. What a proxy brings that http.proxies does not name is nobody's.
	Allow []netip.Prefix `yaml:"allow"`
	// Token lets in whoever sends it as "Authorization: Bearer …", from anywhere; empty
	// means that nobody is let in by it.
	Token Secret `yaml:"token"`
}

// Phone is where SIP peers reach the phone lines.
type Phone struct {
	// Address is where SIP is taken, by UDP and TCP: IP:port. Port 0 takes a free one.
	Address netip.AddrPort `yaml:"address"`
	// TLS is where SIP is taken by TLS.
	TLS PhoneTLS `yaml:"tls"`
	// Advertise is the IP address that peers are told to send to, in Contact and SDP; unset
	// means Address's. Behind NAT it is the outer one.
	Advertise Address `yaml:"advertise"`
	// RTP is the range of UDP ports for the callers' voice; each call takes two.
	RTP PortRange `yaml:"rtp"`
	// MaxCalls bounds the calls at one time; further ones get 503.
	MaxCalls int `yaml:"max_calls"`
	// Strangers bounds what callers outside the trunks may ask for.
	Strangers Strangers `yaml:"strangers"`
	// ProbeAfter is how long a connected caller may send no voice before his side is asked
	// whether the call still exists; if it does not, the call ends. 0 asks nobody.
	ProbeAfter contact.Millis `yaml:"probe_after"`
	// Trunks are carriers and other switchboards, which are not limited in rate.
	Trunks []Trunk `yaml:"trunks"`
	// Outbound is which calls we make, and by whom.
	Outbound Outbound `yaml:"outbound"`
}

// Strangers are callers outside the trunks. All limits are by second, and a burst may be larger.
type Strangers struct {
	// Calls is how many calls one address may begin; further ones get 503. Too few turn away
	// a school behind one address.
	Calls int `yaml:"calls_per_second"`
	// AllCalls is how many all addresses may begin together: what a flood from many costs.
	AllCalls int `yaml:"all_calls_per_second"`
	// Answers is how many messages of one address that are for no line and no call are
	// answered; further ones get no answer at all.
	Answers int `yaml:"answers_per_second"`
}

// PortRange is From–To, both included.
type PortRange struct {
	From uint16 `yaml:"from"`
	To   uint16 `yaml:"to"`
}

// ShownNumber returns the number that a user sees who is called back for a line.
func (c Config) ShownNumber(line contact.LineID) identity.Number {
	text := c.Phone.Outbound.Numbers[line]
	for _, l := range c.Lines {
		if text == "" && l.ID == line {
			text = l.Number
		}
	}
	// The configuration was checked: every number can be read.
	number, _ := identity.ParseNumber(text, identity.HomeRegion)
	return number
}

// Voice is where agents' browsers send their voice.
type Voice struct {
	// Address is one UDP and one TCP port for all of them: IP:port.
	Address netip.AddrPort `yaml:"address"`
	// Public are the addresses that browsers are told instead of Address's, behind NAT.
	Public []netip.Addr `yaml:"public"`
	// MaxLegs bounds the browsers' connections at one time.
	MaxLegs int `yaml:"max_legs"`
	// ICEServers are handed to the browsers as they are: STUN, or TURN for closed networks.
	ICEServers []ICEServer `yaml:"ice_servers"`
}

// ICEServer is one entry of RTCConfiguration.iceServers.
type ICEServer struct {
	URLs       []string `yaml:"urls"`
	Username   string   `yaml:"username"`
	Credential string   `yaml:"credential"`
}

// NATS is the bus and the journal. Without URL the server runs in this process.
type NATS struct {
	// Engine says that this node may lead the queue. A node without it needs URL.
	Engine bool `yaml:"engine"`
	// URL is that of an outside server with JetStream, nats://host:port.
	URL string `yaml:"url"`
	// Listen is host:port where the server in this process takes other nodes; empty
	// means that it takes none.
	Listen string `yaml:"listen"`
	// Token is what nodes authenticate with; needed with Listen, and with URL if the
	// outside server asks for one.
	Token string `yaml:"token"`
}

// Database is PostgreSQL. Without URL a private cluster runs below the data directory.
type Database struct {
	URL string `yaml:"url"`
}

// Retention is how long personal data is kept.
type Retention struct {
	// PupilNumbers is how long after the contact a pupil's number is gone (requirement D3).
	PupilNumbers contact.Millis `yaml:"pupil_numbers"`
}

// Address is an IP address that may be left empty.
type Address struct{ netip.Addr }

// UnmarshalText implements encoding.TextUnmarshaler; empty text is the zero address.
func (a *Address) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*a = Address{}
		return nil
	}
	return a.Addr.UnmarshalText(text)
}
