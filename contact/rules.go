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
