package configs

import (
	"slices"
	"strings"

	"svar/contact"
)

// Desk is how the agents work.
type Desk struct {
	OfferTimeout   contact.Millis        `yaml:"offer_timeout"`
	ConnectTimeout contact.Millis        `yaml:"connect_timeout"`
	MissLimit      uint8                 `yaml:"miss_limit"`
	OutcomeCodes   []contact.OutcomeCode `yaml:"outcome_codes"`
	PauseReasons   []string              `yaml:"pause_reasons"`
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
}

// ChannelRule is how much of a channel one agent may have at once.
type ChannelRule struct {
	Channel      contact.Channel   `yaml:"channel"`
	Capacity     uint8             `yaml:"capacity"`
	Beside       []contact.Channel `yaml:"beside"`
	OfferTimeout contact.Millis    `yaml:"offer_timeout"`
}

// Rules are the part of the desk that the engine is ruled by.
func (d Desk) Rules() contact.Rules {
	rules := contact.Rules{
		OfferTimeout: d.OfferTimeout, ConnectTimeout: d.ConnectTimeout,
		MissLimit: d.MissLimit, OutcomeCodes: d.OutcomeCodes,
		UnreachableGrace: d.UnreachableGrace, DialTimeout: d.DialTimeout,
		DialsPerContact: d.DialsPerContact, DialsPerHour: d.DialsPerHour,
		WrapUpLimit: d.WrapUpLimit, WrapUpExtension: d.WrapUpExtension, WrapUpCode: d.WrapUpCode,
	}
	for _, rule := range d.Channels {
		rule.Beside = slices.Clone(rule.Beside)
		slices.Sort(rule.Beside)
		rules.Channels = append(rules.Channels, contact.ChannelRule(rule))
	}
	slices.SortFunc(rules.Channels, func(a, b contact.ChannelRule) int {
		return strings.Compare(string(a.Channel), string(b.Channel))
	})
	return rules
}

// Group is a skill or a competence group that needs may name (requirement 7.2a).
type Group struct {
	ID   contact.SkillID   `yaml:"id"`
	Name map[string]string `yaml:"name"`
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

// serviceNeeds returns what a service needs; nil for one that is not in the catalogue.
func (c Config) serviceNeeds(id contact.ServiceID) []Need {
	for _, service := range c.Services {
		if service.ID == id {
			return service.Needs
		}
	}
	return nil
}
