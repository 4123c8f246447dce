package contact

// Rules are what the engine is ruled by, as one whole value. They enter by the
// command [ChangeRules] and are recorded whole, so that a replay has them.
type Rules struct {
	// OfferTimeout is how long an agent is rung, above 0; 15 s by default.
	OfferTimeout Millis `json:"offer_timeout_ms"`
	// ConnectTimeout is how long an accepted offer may take until both parties are
	// connected, above 0; 5 s by default. After it the contact goes back to its place.
	ConnectTimeout Millis `json:"connect_timeout_ms"`
	// MissLimit is the number of missed offers in a row after which an agent is paused;
	// 1 by default, 0 means never.
	MissLimit uint8 `json:"miss_limit"`
	// OutcomeCodes are those that an agent may choose from in wrap-up, in the order
	// in which they are shown. A contact cannot be finished without one.
	OutcomeCodes []OutcomeCode `json:"outcome_codes"`
	// Channels has one rule for each channel, sorted by channel. A channel without one has
	// room for one contact, beside nothing.
	Channels []ChannelRule `json:"channels,omitempty"`
	// UnreachableGrace is how long an agent without any console keeps his texts; then
	// they go back into the queue with what was written (requirement D9). 30 s by default; 0
	// means for ever.
	UnreachableGrace Millis `json:"unreachable_grace_ms,omitempty"`
	// WrapUpLimit is how long wrap-up may last before the contact is closed by itself, with
	// what the agent has chosen so far or else with WrapUpCode; 0 means for ever.
	WrapUpLimit Millis `json:"wrap_up_limit_ms,omitempty"`
	// WrapUpExtension is how much longer it gets each time that the agent asks.
	WrapUpExtension Millis `json:"wrap_up_extension_ms,omitempty"`
	// WrapUpCode says that no outcome was given; set when WrapUpLimit is, and not one of
	// OutcomeCodes: nobody chooses it.
	WrapUpCode OutcomeCode `json:"wrap_up_code,omitempty"`
	// DialTimeout is how long a call-back is rung; 45 s when 0.
	DialTimeout Millis `json:"dial_timeout_ms,omitempty"`
	// DialsPerContact and DialsPerHour bound how often one contact, and all together, may be
	// dialled within an hour; 0 means never.
	DialsPerContact uint8  `json:"dials_per_contact,omitempty"`
	DialsPerHour    uint16 `json:"dials_per_hour,omitempty"`

	// Groups has one rule for each skill or competence group that has any, sorted by group.
	Groups []GroupRule `json:"groups,omitempty"`
	// Hours are the opening hours in which clocks run ([Enqueue.Hours]), sorted by id.
	Hours []HoursRule `json:"hours,omitempty"`
	// RiseAfter is at which percentage of its target an ordinary contact that waits is served as
	// one of [ClassResidentImpact], 100–10,000, so that nothing starves; it never reaches the
	// priority line. 0 means never.
	RiseAfter uint16 `json:"rise_after_percent,omitempty"`
	// ImpactFrom is from how many residents and companies on an ordinary contact is served as one
	// of [ClassResidentImpact]; 0 means never.
	ImpactFrom uint32 `json:"impact_from,omitempty"`
	// RampUp slows what an agent who becomes ready is given: one text at first, and room for one
	// more after each RampUp, until it is all that [ChannelRule.Capacity] allows. 0 gives all at once.
	RampUp Millis `json:"ramp_up_ms,omitempty"`
	// PreferFor is how long a contact is kept for the agent who handled its ticket, its person or
	// its visitor last, within PreferWithin. It is not kept for one who is not ready, or lacks what it
	// needs. 0 means never.
	PreferFor    Millis `json:"prefer_for_ms,omitempty"`
	PreferWithin Millis `json:"prefer_within_ms,omitempty"`
	// PauseReasons are those that an agent may give, in the order in which they are shown. Empty
	// means any text.
	PauseReasons []PauseRule `json:"pause_reasons,omitempty"`
	// OfferCallbacks says that a call-back is offered in its turn, like a call, and dialled when its
	// agent accepts. Without it agents take them from their list alone.
	OfferCallbacks bool `json:"offer_callbacks,omitempty"`
	// CallbackTries is how often a call-back is offered until somebody is reached, each RetryAfter (5 min
	// when 0) after the last; then it waits in the list for an agent to decide. 0 means without end.
	CallbackTries uint8  `json:"callback_tries,omitempty"`
	RetryAfter    Millis `json:"retry_after_ms,omitempty"`
	// AppointmentWait is how long a call-back that an agent promised himself is kept for him once it
	// is due, and TransferWait a contact that was sent to him; 0 means for as long as he is ready.
	AppointmentWait Millis `json:"appointment_wait_ms,omitempty"`
	TransferWait    Millis `json:"transfer_wait_ms,omitempty"`
}

// GroupRule is what holds for a competence group (kompetensgrupp) and for contacts that need it.
type GroupRule struct {
	Group SkillID `json:"group"`
	// Relax are the steps by which the need for the group gives way to who waits on a line or in a chat,
	// RelaxTexts those for mails and forms, which can wait for the right agent for longer; each sorted
	// by After, at most 8.
	Relax      []Relaxation `json:"relax,omitempty"`
	RelaxTexts []Relaxation `json:"relax_texts,omitempty"`
	// BreaksAtOnce is how many of the group's agents may be on a break at once; 0 means all.
	BreaksAtOnce uint16 `json:"breaks_at_once,omitempty"`
}

// Steps returns the steps for contacts of the channel.
func (g *GroupRule) Steps(channel Channel) []Relaxation {
	if channel.Held() {
		return g.Relax
	}
	return g.RelaxTexts
}

// Relaxation is one step by which a need gives way.
type Relaxation struct {
	// After is how long the contact has waited since it could be offered first with its needs, on
	// its own clock; above 0.
	After Millis    `json:"after_ms"`
	Kind  RelaxKind `json:"kind"`
	// Level is what is still needed with RelaxLevel and RelaxOverflow, 1–5.
	Level uint8 `json:"level,omitempty"`
	// Group is the one that is needed instead with RelaxOverflow.
	Group SkillID `json:"group,omitempty"`
}

// RelaxKind is how a need gives way.
type RelaxKind string

// The kinds.
const (
	// RelaxLevel: Level is enough.
	RelaxLevel RelaxKind = "level"
	// RelaxDrop: the group is not needed any more; the other needs are.
	RelaxDrop RelaxKind = "drop"
	// RelaxOverflow: Group, at Level, is needed instead.
	RelaxOverflow RelaxKind = "overflow"
	// RelaxAnyone: nothing is needed any more.
	RelaxAnyone RelaxKind = "anyone"
)

// PauseRule is a reason to pause.
type PauseRule struct {
	Reason string `json:"reason"`
	// Limit is after how long it is shown as overdue; 0 means never.
	Limit Millis `json:"limit_ms,omitempty"`
	// Break says that it counts against [GroupRule.BreaksAtOnce].
	Break bool `json:"break,omitempty"`
}

// HoursRule are opening hours as records hold them.
type HoursRule struct {
	ID HoursID `json:"id"`
	// Zone is a name of the time zone database: Europe/Stockholm.
	Zone string `json:"zone"`
	// Weekly are the windows of each weekday from Sunday on, sorted.
	Weekly [7][]DayWindow `json:"weekly"`
	// Exceptions replace the windows of dates, sorted by date.
	Exceptions []DayException `json:"exceptions,omitempty"`
}

// DayWindow is [From, To) in milliseconds of the time of day that clocks show.
type DayWindow struct {
	From Millis `json:"from_ms"`
	To   Millis `json:"to_ms"`
}

// DayException are the windows of one date, written 2026-12-24.
type DayException struct {
	Date string      `json:"date"`
	Open []DayWindow `json:"open"`
}

// ChannelRule is how much of a channel one agent may have at once.
type ChannelRule struct {
	Channel Channel `json:"channel"`
	// Capacity is how many contacts of it, 1–50; those in wrap-up count.
	Capacity uint8 `json:"capacity"`
	// Beside are the other channels that one of this channel may be offered beside, sorted:
	// a call beside mails, but not beside a chat.
	Beside []Channel `json:"beside,omitempty"`
	// OfferTimeout replaces the general one when it is not 0.
	OfferTimeout Millis `json:"offer_timeout_ms,omitempty"`
}

// Roster is every account that may answer contacts, as one whole value, sorted by
// agent. It enters by [ChangeRoster] and is recorded whole.
type Roster struct {
	Agents []Agent `json:"agents"`
}

// Agent is what the engine knows of one agent beforehand.
type Agent struct {
	ID AgentID `json:"id"`
	// Skills are sorted by skill; levels 1–5, 5 is the best.
	Skills Needs `json:"skills"`
	// Reserved is the lowest class of contacts that the agent is asked for, as they were queued
	// or by their impact; 0 means all.
	Reserved Class `json:"reserved,omitempty"`
}
