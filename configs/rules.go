package configs

import (
	"cmp"
	"slices"
	"strings"

	"svar/contact"
)

// Rules are the part of the configuration that the engine is ruled by.
func (c Config) Rules() contact.Rules {
	d := c.Desk
	rules := contact.Rules{
		OfferTimeout: d.OfferTimeout, ConnectTimeout: d.ConnectTimeout,
		MissLimit: d.MissLimit, OutcomeCodes: d.OutcomeCodes,
		UnreachableGrace: d.UnreachableGrace, DialTimeout: d.DialTimeout,
		DialsPerContact: d.DialsPerContact, DialsPerHour: d.DialsPerHour,
		WrapUpLimit: d.WrapUpLimit, WrapUpExtension: d.WrapUpExtension, WrapUpCode: d.WrapUpCode,
		RiseAfter: d.RiseAfter, ImpactFrom: d.ImpactFrom, RampUp: d.RampUp,
		PreferFor: d.Preferred.For, PreferWithin: d.Preferred.Within, TransferWait: d.TransferWait,
		// An agent whom nobody can dial for would be offered calls that cannot be made.
		OfferCallbacks: d.Callbacks.Offer && c.Phone.OutboundAddress() != "",
		CallbackTries:  d.Callbacks.Tries, RetryAfter: d.Callbacks.Retry, AppointmentWait: d.Callbacks.AppointmentWait,
	}
	for _, rule := range d.Channels {
		rule.Beside = slices.Clone(rule.Beside)
		slices.Sort(rule.Beside)
		rules.Channels = append(rules.Channels, contact.ChannelRule(rule))
	}
	slices.SortFunc(rules.Channels, func(a, b contact.ChannelRule) int { return strings.Compare(string(a.Channel), string(b.Channel)) })
	for _, reason := range d.PauseReasons {
		rules.PauseReasons = append(rules.PauseReasons, contact.PauseRule{Reason: reason.ID, Limit: reason.Limit, Break: reason.Break})
	}
	for _, group := range c.Groups {
		if rule := group.rule(); len(rule.Relax) > 0 || len(rule.RelaxTexts) > 0 || rule.BreaksAtOnce > 0 {
			rules.Groups = append(rules.Groups, rule)
		}
	}
	slices.SortFunc(rules.Groups, func(a, b contact.GroupRule) int { return cmp.Compare(a.Group, b.Group) })
	rules.Hours = c.hoursRules()
	return rules
}

func (g Group) rule() contact.GroupRule {
	rule := contact.GroupRule{Group: g.ID, BreaksAtOnce: g.BreaksAtOnce}
	for _, step := range g.Relax {
		rule.Relax = append(rule.Relax, step.rule())
	}
	for _, step := range g.RelaxTexts {
		rule.RelaxTexts = append(rule.RelaxTexts, step.rule())
	}
	return rule
}

func (r Relaxation) rule() contact.Relaxation {
	rule := contact.Relaxation{After: r.After, Level: r.Level, Group: r.Overflow}
	switch {
	case r.Anyone:
		rule.Kind = contact.RelaxAnyone
	case r.Drop:
		rule.Kind = contact.RelaxDrop
	case r.Overflow != "":
		rule.Kind = contact.RelaxOverflow
	default:
		rule.Kind = contact.RelaxLevel
	}
	return rule
}

// MailNeeds returns what a mail to the mailbox in that language needs.
func (c Config) MailNeeds(m Mailbox, language string) contact.Needs {
	needed, _ := c.about(m.Service, "")
	return needs(m.Needs, needed, c.Languages[language])
}

// FormNeeds returns what a form needs that somebody filled in, in that language, about a category
// of a service or about the whole of it (category is empty).
func (c Config) FormNeeds(audience contact.Audience, service contact.ServiceID, category, language string) contact.Needs {
	of, more := c.about(service, category)
	return needs(c.Portal.Form.Needs[audience], of, more, c.Languages[language])
}

// about returns what a service and its category need; nothing for those that are not in the
// catalogue.
func (c Config) about(id contact.ServiceID, part string) (service, category []Need) {
	for _, s := range c.Services {
		if s.ID != id {
			continue
		}
		for _, known := range s.Categories {
			if known.ID == part {
				category = known.Needs
			}
		}
		return s.Needs, category
	}
	return nil, nil
}

// speakLanguages lets every queue step that says nothing of language itself need what the
// configuration's languages do.
func (c Config) speakLanguages() {
	for _, line := range c.Lines {
		c.speakIn(line.Flow)
		c.speakIn(line.PartyFlow)
	}
	for _, topic := range c.Chat.Topics {
		c.speakIn(topic.Flow)
	}
}

func (c Config) speakIn(steps []Step) {
	for _, step := range steps {
		if step.Queue != nil && step.Queue.LanguageNeeds == nil {
			step.Queue.LanguageNeeds = c.Languages
		}
		if step.Hours != nil {
			c.speakIn(step.Hours.Open)
			c.speakIn(step.Hours.Closed)
		}
		if step.Menu != nil {
			for _, choice := range step.Menu.Choices {
				c.speakIn(choice.Steps)
			}
			c.speakIn(step.Menu.Otherwise)
		}
	}
}
