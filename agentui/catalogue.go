package agentui

import (
	"slices"

	"svar/contact"
)

// Catalogue is what the configuration offers to consoles. It may be replaced while they are
// open, see [UI.Reconfigure]; its lists must not be changed any more.
type Catalogue struct {
	// Lines are shown in this order. LookUps are those whose callers are looked up.
	Lines   []LineInfo
	LookUps map[contact.LineID]bool
	// Services are what a ticket or an outage message can be about; there may be none.
	Services []ServiceInfo
	// Groups are the skills and competence groups.
	Groups       []GroupInfo
	PauseReasons []PauseInfo
	// Destinations are the places outside that a call may be handed over to; CallsLines the phone lines whose number
	// agents may call by, none when nobody may call.
	Destinations []DestinationInfo
	CallsLines   []CallsLine
	OutcomeCodes []contact.OutcomeCode
	// WrapUpExtension is shown beside the button that asks for it.
	WrapUpExtension contact.Millis
}

// Reconfigure shows what the configuration offers from now on: every open console is told
// anew. It may be called at any time, from any goroutine.
func (u *UI) Reconfigure(c Catalogue) {
	u.catalogue.Store(&c)
	u.board.touch() // the shared part of states names the lines
	u.consoles.greetAgain(func(agent contact.AgentID) (Hello, bool) {
		account, known := u.config.Accounts.Account(string(agent))
		return u.hello(account), known
	})
	u.consoles.changed()
}

// channelOf is the channel of a line; empty when there is none of the name.
func (c *Catalogue) channelOf(line contact.LineID) contact.Channel {
	for i := range c.Lines {
		if c.Lines[i].ID == line {
			return c.Lines[i].Channel
		}
	}
	return ""
}

func (c *Catalogue) hasLine(id contact.LineID) bool {
	return slices.ContainsFunc(c.Lines, func(known LineInfo) bool { return known.ID == id })
}

func (c *Catalogue) hasGroup(id contact.SkillID) bool {
	return slices.ContainsFunc(c.Groups, func(known GroupInfo) bool { return known.ID == id })
}

// pause returns the pause reason; false when there is none of the name.
func (c *Catalogue) pause(reason string) (PauseInfo, bool) {
	for _, known := range c.PauseReasons {
		if known.Reason == reason {
			return known, true
		}
	}
	return PauseInfo{}, false
}

// overdue is when a pause that began then for the reason has lasted too long; 0 means never.
func (c *Catalogue) overdue(presence contact.Presence, reason string, since contact.Instant) contact.Instant {
	if pause, known := c.pause(reason); known && presence == contact.Paused && pause.LimitMs > 0 {
		return since.Add(pause.LimitMs)
	}
	return 0
}
