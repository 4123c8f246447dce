package contact

import (
	"slices"
	"strings"
	"time"

	"svar/identity"
)

// ID names one contact for ever. It is a UUID version 7 (RFC 9562 §5.7) in its
// text form, made by the gateway that met the contact first.
type ID string

// NodeID names one running Svar process. It stays the same over restarts of the
// same data directory.
type NodeID string

// LegID names one live connection of a party to a node: a SIP dialog, a
// browser's voice, a chat socket. It is a UUID version 7 in its text form.
type LegID string

// OfferID names one offer of one contact to one agent. The engine counts them
// from 1; 0 means no offer.
type OfferID uint64

// AgentID is the login name of an account that may answer contacts.
type AgentID string

// PersonID names a person of the directory.
type PersonID = identity.PersonID

// LineID names an entrance: a phone line, a mailbox, a form.
type LineID string

// SkillID names a skill or a competence group (requirement 7.2a).
type SkillID string

// HoursID names opening hours of [Rules.Hours] in which a contact's clock runs.
type HoursID string

// DestinationID names a place outside the desk to which contacts are handed over, as the
// configuration lists them: the service desk of the administrative operations, a supplier.
type DestinationID string

// ServiceID names a service of the catalogue that a contact or a ticket is about.
type ServiceID string

// PartyID names an organisation that may use a priority line (requirement 3.1g).
type PartyID string

// TicketNumber is the main number of a ticket (ärende), as people say it: SD-100234.
type TicketNumber string

// OutcomeCode says what came of an answered contact, chosen by the agent in
// wrap-up from [Rules.OutcomeCodes] (requirement 5.2c).
type OutcomeCode string

// Instant is a moment in milliseconds since the Unix epoch, UTC. 0 means never.
// Records hold integers only, so that they are the same bytes on every machine.
type Instant int64

// InstantOf returns the moment of t, cut to whole milliseconds.
func InstantOf(t time.Time) Instant { return Instant(t.UnixMilli()) }

// Time returns the moment in UTC.
func (i Instant) Time() time.Time { return time.UnixMilli(int64(i)).UTC() }

// Add returns the moment d later.
func (i Instant) Add(d Millis) Instant { return i + Instant(d) }

// Sub returns the time from earlier to i.
func (i Instant) Sub(earlier Instant) Millis { return Millis(i - earlier) }

// Millis is a length of time in milliseconds.
type Millis int64

// MillisOf returns d cut to whole milliseconds.
func MillisOf(d time.Duration) Millis { return Millis(d.Milliseconds()) }

// Duration returns the length as the standard library has it.
func (m Millis) Duration() time.Duration { return time.Duration(m) * time.Millisecond }

// Channel is the kind of connection that a contact came by.
type Channel string

// The channels (requirement 3.1b).
const (
	Voice Channel = "voice"
	Chat  Channel = "chat"
	Mail  Channel = "mail"
	Form  Channel = "form"
)

// Written reports whether users write in the channel, so that it can wait and go from one
// agent to another without anybody hanging on a line.
func (c Channel) Written() bool { return c != Voice }

// Held reports whether contacts of the channel have a live leg.
func (c Channel) Held() bool { return c == Voice || c == Chat }

// Audience is the kind of user that a line or a sign-in speaks for; every report
// is split by it (requirement 5.10.2a).
type Audience string

// The audiences.
const (
	AudienceUnknown       Audience = ""
	AudiencePupil         Audience = "pupil"
	AudienceStaff         Audience = "staff"
	AudienceGuardian      Audience = "guardian"
	AudienceContactCentre Audience = "contact-centre"
	AudienceSupplier      Audience = "supplier"
)

// Class is the priority class of a contact; a higher one is always served first
// (requirements 2.3b and 3.1h).
type Class uint8

// The priority classes.
const (
	ClassOrdinary Class = iota
	ClassResidentImpact
	ClassPriorityLine
)

// Need is one skill that an agent must hold, at least at Level (1–5).
type Need struct {
	Skill SkillID `json:"skill"`
	Level uint8   `json:"level"`
}

// Needs are all the skills that an agent must hold to be offered a contact. They
// are sorted by skill and name each skill once; see [NewNeeds].
type Needs []Need

// NewNeeds returns the needs sorted, the highest level kept of a skill that is
// named twice.
func NewNeeds(needs ...Need) Needs {
	sorted := slices.Clone(needs)
	slices.SortFunc(sorted, func(a, b Need) int {
		if c := strings.Compare(string(a.Skill), string(b.Skill)); c != 0 {
			return c
		}
		return int(b.Level) - int(a.Level)
	})
	return slices.CompactFunc(sorted, func(a, b Need) bool { return a.Skill == b.Skill })
}

// Contact is what stays the same of one contact over its life, as far as records
// may hold it. Its state is the fold of its events.
type Contact struct {
	ID       ID       `json:"id"`
	Channel  Channel  `json:"channel"`
	Line     LineID   `json:"line"`
	Audience Audience `json:"audience,omitempty"`
	// Person is the one person whom the directory knows by the caller's number;
	// empty when there is none, or several, or the line makes no look-up.
	Person PersonID `json:"person,omitempty"`
	// Party is the organisation whose priority it has; empty for everybody else.
	Party PartyID `json:"party,omitempty"`
	// Service is what it is about, when the user said so.
	Service ServiceID `json:"service,omitempty"`
	// Ticket is the one that a mail or a form made or goes on with.
	Ticket TicketNumber `json:"ticket,omitempty"`
	// Language is the one the contact is held in, as an IETF tag (BCP 47): sv, en.
	Language string `json:"language"`
	// Callable says that the contact left an address by which it can be reached
	// again, so that a technical fault can go on as a call-back.
	Callable bool `json:"callable,omitempty"`
	// Follows is a closed contact that the same visitor goes on with: a chat written to again.
	Follows ID `json:"follows,omitempty"`
	// Outgoing says that the desk began it: an agent called somebody.
	Outgoing bool `json:"outgoing,omitempty"`
	// Arrived is when the first sign of it came in: the INVITE, the first message; for an outgoing
	// one when the agent wanted it.
	Arrived Instant `json:"arrived"`
}

// Personal is what is known of the person behind a contact. It is kept apart from
// the records, by contact, so that it can be deleted by rule.
type Personal struct {
	// Number is the caller's number, normalised; empty when unknown or withheld.
	Number identity.Number `json:"number,omitempty"`
	// Withheld says that the caller asked for privacy (requirement D2).
	Withheld bool `json:"withheld,omitempty"`
	// Vouched says that a trusted trunk gave the number. Anybody else may have made it up: it
	// tells whom to call back, once an agent has confirmed it, and gives nobody priority.
	Vouched bool `json:"vouched,omitempty"`
	// Name and Address are what a visitor or a mail gave: a claim, at most 200 characters
	// each. Address is a mail address.
	Name    string `json:"name,omitempty"`
	Address string `json:"address,omitempty"`
	// Subject is a text's first line or subject, at most 200 characters.
	Subject string `json:"subject,omitempty"`
}

// LegRecord is what a node keeps of a caller's leg while it lives, so that the next
// process can end it after a crash. It lies beside [Personal], since the gateway's
// part names the caller.
type LegRecord struct {
	Node    NodeID  `json:"node"`
	Contact ID      `json:"contact"`
	Leg     LegID   `json:"leg"`
	Channel Channel `json:"channel"`
	// Gateway is the gateway's own part, opaque to everybody else.
	Gateway []byte `json:"gateway"`
}
