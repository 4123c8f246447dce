package configs

import (
	"strings"

	"svar/contact"
	"svar/identity"
	"svar/ivr"
)

// Prompt is something that a line can say, by language tag: a text to be spoken, or to be
// written in a chat. The names queue-music and ringing are taken: those loops are made by Svar.
type Prompt struct {
	Name string            `yaml:"name"`
	Text map[string]string `yaml:"text"`
}

// The names of the loops that Svar makes itself: what callers wait with, and what an agent hears
// while somebody is called back.
const (
	QueueMusic = "queue-music"
	Ringing    = "ringing"
)

// PromptText returns what a prompt says in a language, or else in Swedish; "" when there is
// none of the name.
func (c Config) PromptText(name, language string) string {
	for _, prompt := range c.Prompts {
		if prompt.Name != name {
			continue
		}
		if text := prompt.Text[language]; text != "" {
			return text
		}
		return prompt.Text["sv"]
	}
	return ""
}

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
	// Answer is [AnswerAtOnce], which is meant by nothing too, or [RingFirst].
	Answer string `yaml:"answer"`
	// RingFor is for how long at most a line that rings first does so; [DefaultRingFor] when it is not set.
	RingFor *contact.Millis `yaml:"ring_for"`
	// Recording is how its calls are recorded; off when it says nothing.
	Recording Recording `yaml:"recording"`
	// Name and Greeting are shown to agents, by language tag.
	Name     map[string]string `yaml:"name"`
	Greeting map[string]string `yaml:"greeting"`
	// Hours are the opening hours that its flow asks for: those of [Config.HoursSets] by their
	// id; the desk's when empty.
	Hours contact.HoursID `yaml:"hours"`
	Flow  []Step          `yaml:"flow"`
	// Parties are those whose calls take PartyFlow instead (requirement 3.1g). Everybody
	// else who rings takes Flow.
	Parties   []Party `yaml:"parties"`
	PartyFlow []Step  `yaml:"party_flow"`
}

// How a line answers. RingFirst lets a caller hear ringing while an agent is free and no outage message is
// due; otherwise he is answered at once and hears that he waits.
const (
	AnswerAtOnce = "at_once"
	RingFirst    = "ring_first"
)

// DefaultRingFor is how long a line rings that rings first and does not say for how long.
const DefaultRingFor = contact.Millis(20_000)

// RingsFor is for how long at most a call rings before it is answered; 0 on a line that answers at once.
func (l Line) RingsFor() contact.Millis {
	switch {
	case l.Answer != RingFirst:
		return 0
	case l.RingFor != nil:
		return *l.RingFor
	default:
		return DefaultRingFor
	}
}

// Recording is how a line records its calls: never without an announcement, never against the caller's will.
type Recording struct {
	On bool `yaml:"on"`
	// Announcement is the prompt that says so, before the queue. DeclineKey declines: 0–9, * or #.
	Announcement string `yaml:"announcement"`
	DeclineKey   string `yaml:"decline_key"`
	// Retention is after how long a recording is deleted.
	Retention contact.Millis `yaml:"retention"`
}

// Party is an organisation that a priority line is for.
type Party struct {
	ID contact.PartyID `yaml:"id"`
	// Name is shown to agents and in figures.
	Name     string           `yaml:"name"`
	Audience contact.Audience `yaml:"audience"`
	// Numbers are whole, or the beginning that all numbers of a switchboard have, in E.164
	// with at least six digits.
	Numbers []string `yaml:"numbers"`
}

// IVR returns the line's flow in the form that is interpreted.
func (l Line) IVR() ivr.Flow { return flow(l.Flow) }

// PartyIVR returns the flow of the line's parties; without steps on a line that has none.
func (l Line) PartyIVR() ivr.Flow { return flow(l.PartyFlow) }

// Beginnings returns what a caller's number begins with if it is the party's.
func (p Party) Beginnings() []identity.Number {
	var found []identity.Number
	for _, text := range p.Numbers {
		if beginning, right := readBeginning(text); right {
			found = append(found, beginning)
		}
	}
	return found
}

// minBeginning is how many digits say enough to give somebody priority.
const minBeginning = 6

// readBeginning reads a number, or the beginning of one that is written with its plus.
func readBeginning(text string) (identity.Number, bool) {
	text = strings.ReplaceAll(text, " ", "")
	digits, international := strings.CutPrefix(text, "+")
	if international && len(digits) >= minBeginning && len(digits) <= 15 && strings.Trim(digits, "0123456789") == "" {
		return identity.Number(text), true
	}
	number, err := identity.ParseNumber(text, identity.HomeRegion)
	return number, err == nil && !international && !number.IsShort()
}
