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
}
