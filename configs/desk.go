package configs

import (
	"slices"

	"svar/contact"
)

// Desk is how the agents work.
type Desk struct {
	OfferTimeout   contact.Millis        `yaml:"offer_timeout"`
	ConnectTimeout contact.Millis        `yaml:"connect_timeout"`
	MissLimit      uint8                 `yaml:"miss_limit"`
	OutcomeCodes   []contact.OutcomeCode `yaml:"outcome_codes"`
	// PauseReasons are those that an agent may choose from, in this order.
	PauseReasons []PauseReason `yaml:"pause_reasons"`
	// Channels are what one agent may have at once; see [contact.ChannelRule].
	Channels []ChannelRule `yaml:"channels"`
	// UnreachableGrace, DialTimeout, DialsPerContact and DialsPerHour: see [contact.Rules].
	UnreachableGrace contact.Millis `yaml:"unreachable_grace"`
	DialTimeout      contact.Millis `yaml:"dial_timeout"`
	DialsPerContact  uint8          `yaml:"dials_per_contact"`
	DialsPerHour     uint16         `yaml:"dials_per_hour"`
	// WrapUpLimit, WrapUpExtension and WrapUpCode: see [contact.Rules].
	WrapUpLimit     contact.Millis      `yaml:"wrap_up_limit"`
	WrapUpExtension contact.Millis      `yaml:"wrap_up_extension"`
	WrapUpCode      contact.OutcomeCode `yaml:"wrap_up_code"`
	// VoiceGrace is how long a caller hears music and stays with an agent whose voice is gone:
	// the page was loaded again, the network changed. Then he waits in his old place.
	VoiceGrace contact.Millis `yaml:"voice_grace"`
	// RiseAfter (in percent of a contact's target), ImpactFrom, RampUp and TransferWait: see
	// [contact.Rules].
	RiseAfter    uint16         `yaml:"rise_after"`
	ImpactFrom   uint32         `yaml:"impact_from"`
	RampUp       contact.Millis `yaml:"ramp_up"`
	TransferWait contact.Millis `yaml:"transfer_wait"`
	Preferred    Preferred      `yaml:"preferred"`
	Nuisance     Nuisance       `yaml:"nuisance"`
	Callbacks    Callbacks      `yaml:"callbacks"`
}

// PauseReason is why an agent may pause; see [contact.PauseRule].
type PauseReason struct {
	ID string `yaml:"id"`
	// Limit is after how long it is shown as overdue; 0 means never.
	Limit contact.Millis `yaml:"limit"`
	// Break says that it counts against [Group.BreaksAtOnce].
	Break bool `yaml:"break"`
}

// Preferred is for how long a contact is kept for the agent who had the same matter or person last.
type Preferred struct {
	// For is how long it waits for him alone; 0 means not at all.
	For contact.Millis `yaml:"for"`
	// Within is how long ago that may have been.
	Within contact.Millis `yaml:"within"`
}

// Nuisance is what becomes of callers whom agents marked as a nuisance again and again. They are never refused.
type Nuisance struct {
	// After is how many marks within Keep make a caller wait for Wait before he is queued; 0 means never.
	After uint8          `yaml:"after"`
	Wait  contact.Millis `yaml:"wait"`
	Keep  contact.Millis `yaml:"keep"`
}

// Callbacks are how callers are called back who wait for it.
type Callbacks struct {
	// Offer says that they are offered to agents in their turn. It needs phone.outbound.trunk: who
	// cannot dial is offered none, and takes what a fault left behind from the list.
	Offer bool `yaml:"offer"`
	// Tries is how often one is offered until somebody is reached, each Retry after the last; 0 means
	// without end.
	Tries uint8          `yaml:"tries"`
	Retry contact.Millis `yaml:"retry"`
	// AppointmentWait is how long one that an agent promised himself is kept for him.
	AppointmentWait contact.Millis `yaml:"appointment_wait"`
}

// ChannelRule is how much of a channel one agent may have at once.
type ChannelRule struct {
	Channel      contact.Channel   `yaml:"channel"`
	Capacity     uint8             `yaml:"capacity"`
	Beside       []contact.Channel `yaml:"beside"`
	OfferTimeout contact.Millis    `yaml:"offer_timeout"`
}

// Group is a skill or a competence group that needs may name (requirement 7.2a).
type Group struct {
	ID   contact.SkillID   `yaml:"id"`
	Name map[string]string `yaml:"name"`
	// Relax are the steps by which the need for it gives way to who waits on a line or in a chat,
	// RelaxTexts those for mails and forms, whose time counts in opening hours.
	Relax      []Relaxation `yaml:"relax"`
	RelaxTexts []Relaxation `yaml:"relax_texts"`
	// BreaksAtOnce is how many of its agents may be on a break at once; 0 means all.
	BreaksAtOnce uint16 `yaml:"breaks_at_once"`
}

// Relaxation is one step. It says one of Level alone (so much of the group is enough), Drop (the
// group is not needed any more), Overflow (that group at Level instead) and Anyone (nothing is
// needed any more).
type Relaxation struct {
	// After is how long the contact has waited, in its own hours.
	After    contact.Millis  `yaml:"after"`
	Level    uint8           `yaml:"level"`
	Drop     bool            `yaml:"drop"`
	Overflow contact.SkillID `yaml:"overflow"`
	Anyone   bool            `yaml:"anyone"`
}

// Service is what users may have trouble with, or questions about.
type Service struct {
	ID   contact.ServiceID `yaml:"id"`
	Name map[string]string `yaml:"name"`
	// Needs are those of a form or a mail about it.
	Needs      []Need     `yaml:"needs"`
	Categories []Category `yaml:"categories"`
}

// Category is a part of a service.
type Category struct {
	ID   string            `yaml:"id"`
	Name map[string]string `yaml:"name"`
	// Needs are added to the service's by a form that chose the category.
	Needs []Need `yaml:"needs"`
}

// Need is a skill at a level, 1–5.
type Need struct {
	Skill contact.SkillID `yaml:"skill"`
	Level uint8           `yaml:"level"`
}

// needs brings lists of needs together in the form that is matched.
func needs(lists ...[]Need) contact.Needs {
	var all []contact.Need
	for _, need := range slices.Concat(lists...) {
		all = append(all, contact.Need(need))
	}
	return contact.NewNeeds(all...)
}
