package configs

import (
	"net/netip"

	"svar/contact"
	"svar/ivr"
)

// Config is everything that can be set. Every field has a value in the defaults.
type Config struct {
	// Demo adds invented people and accounts (password svar-demo). Never with real users.
	Demo     bool     `yaml:"demo"`
	HTTP     HTTP     `yaml:"http"`
	Phone    Phone    `yaml:"phone"`
	Voice    Voice    `yaml:"voice"`
	NATS     NATS     `yaml:"nats"`
	Database Database `yaml:"database"`
	Desk     Desk     `yaml:"desk"`
	Prompts  []Prompt `yaml:"prompts"`
	Lines    []Line   `yaml:"lines"`
}

// HTTP is where browsers reach the console and the portal.
type HTTP struct {
	// Address is host:port. Port 0 takes a free one.
	Address string `yaml:"address"`
}

// Phone is where SIP peers reach the phone lines.
type Phone struct {
	// Address is where SIP is taken, by UDP and TCP: IP:port. Port 0 takes a free one.
	Address netip.AddrPort `yaml:"address"`
	// Advertise is the IP address that peers are told to send to, in Contact and SDP; unset
	// means Address's. Behind NAT it is the outer one.
	Advertise Address `yaml:"advertise"`
	// RTP is the range of UDP ports for the callers' voice; each call takes two.
	RTP PortRange `yaml:"rtp"`
	// MaxCalls bounds the calls at one time; further ones get 503.
	MaxCalls int `yaml:"max_calls"`
	// Trunks are the peers whose word on the caller's number is believed
	// (P-Asserted-Identity, RFC 3325) and who are not limited in rate.
	Trunks []Trunk `yaml:"trunks"`
}

// PortRange is From–To, both included.
type PortRange struct {
	From uint16 `yaml:"from"`
	To   uint16 `yaml:"to"`
}

// Trunk is a trusted SIP peer, known by its addresses.
type Trunk struct {
	Name      string         `yaml:"name"`
	Addresses []netip.Prefix `yaml:"addresses"`
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

// Desk is how the agents work.
type Desk struct {
	OfferTimeout   contact.Millis        `yaml:"offer_timeout"`
	ConnectTimeout contact.Millis        `yaml:"connect_timeout"`
	MissLimit      uint8                 `yaml:"miss_limit"`
	OutcomeCodes   []contact.OutcomeCode `yaml:"outcome_codes"`
	PauseReasons   []string              `yaml:"pause_reasons"`
}

// Rules are the part of the desk that the engine is ruled by.
func (d Desk) Rules() contact.Rules {
	return contact.Rules{
		OfferTimeout: d.OfferTimeout, ConnectTimeout: d.ConnectTimeout,
		MissLimit: d.MissLimit, OutcomeCodes: d.OutcomeCodes,
	}
}

// Prompt is something that a line can say, by language tag: a text to be spoken.
// The name queue-music is taken: that loop is made by Svar.
type Prompt struct {
	Name string            `yaml:"name"`
	Text map[string]string `yaml:"text"`
}

// QueueMusic is the name of the loop that Svar makes itself.
const QueueMusic = "queue-music"

// Line is an entrance: a number that people ring.
type Line struct {
	ID contact.LineID `yaml:"id"`
	// Number is what is rung, in E.164: +46850800100.
	Number   string           `yaml:"number"`
	Audience contact.Audience `yaml:"audience"`
	// Language is that of its prompts, as an IETF tag.
	Language string `yaml:"language"`
	// LookUp says that callers are looked up by number. Refused on a pupils' line
	// (requirement D3).
	LookUp bool `yaml:"look_up"`
	// Name and Greeting are shown to agents, by language tag.
	Name     map[string]string `yaml:"name"`
	Greeting map[string]string `yaml:"greeting"`
	Flow     []Step            `yaml:"flow"`
}

// Step is one step of a line's flow; see [ivr.Step].
type Step struct {
	Say   string `yaml:"say"`
	Queue *Queue `yaml:"queue"`
}

// Queue is what contacts of a line need; see [ivr.Queue].
type Queue struct {
	Needs  []Need         `yaml:"needs"`
	Class  contact.Class  `yaml:"class"`
	Target contact.Millis `yaml:"target"`
	Music  string         `yaml:"music"`
}

// Need is a skill at a level, 1–5.
type Need struct {
	Skill contact.SkillID `yaml:"skill"`
	Level uint8           `yaml:"level"`
}

// IVR returns the line's flow in the form that is interpreted.
func (l Line) IVR() ivr.Flow {
	var flow ivr.Flow
	for _, step := range l.Flow {
		out := ivr.Step{Say: step.Say}
		if step.Queue != nil {
			var needs []contact.Need
			for _, need := range step.Queue.Needs {
				needs = append(needs, contact.Need(need))
			}
			out.Queue = &ivr.Queue{
				Needs: contact.NewNeeds(needs...), Class: step.Queue.Class,
				Target: step.Queue.Target, Music: step.Queue.Music,
			}
		}
		flow.Steps = append(flow.Steps, out)
	}
	return flow
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
