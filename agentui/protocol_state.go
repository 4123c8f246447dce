package agentui

import "svar/contact"

// ConsoleState is everything that the console shows, as one whole value. It is sent
// after Hello and whenever something changed, at most ten times a second. Times are
// milliseconds since the Unix epoch by the server's clock; Now lets the console
// correct its own.
type ConsoleState struct {
	OwnState
	SharedState
}

// OwnState is what the agent's console alone shows.
type OwnState struct {
	Now      contact.Instant `json:"now"`
	Me       Me              `json:"me"`
	Offer    *RingCard       `json:"offer,omitempty"`
	Contacts []OngoingCard   `json:"contacts"`
	Missed   []MissedCard    `json:"missed"`
	Today    Today           `json:"today"`
	// NotReached is the last call that the agent placed, when it reached nobody.
	NotReached *NotReachedCard `json:"notReached,omitempty"`
	// Talks are the calls that a supervisor may take part in; empty for everybody else.
	Talks []TalkCard `json:"talks,omitempty"`
	// Notices are the outage messages that stand now, blocked ones included.
	Notices []NoticeCard `json:"notices"`
}

// SharedState is what all consoles of those who may see the same people show alike.
type SharedState struct {
	// Connected is false while the server cannot reach the dispatcher: what is shown
	// may be old and nothing can be asked for.
	Connected bool          `json:"connected"`
	Waiting   []WaitingLine `json:"waiting"`
	// Queue is the one order in which contacts that wait will be served, as far as it is now:
	// at most 50, the next one first. QueueLength counts all.
	Queue       []QueueRow     `json:"queue"`
	QueueLength int            `json:"queueLength"`
	Callbacks   []CallbackCard `json:"callbacks"`
	Agents      AgentCounts    `json:"agents"`
	// Colleagues are all agents who are signed in, by name: whom a contact may be sent to. They are left
	// out of a message when they are what its socket was told last.
	Colleagues []ColleagueCard `json:"colleagues,omitzero"`
	// TrunksDown are the trunks of this node by which no call can be expected to go through now.
	TrunksDown []string `json:"trunksDown,omitempty"`
	// LastContact is when the newest contact of any line arrived, open or not; 0 when
	// none is known.
	LastContact contact.Instant `json:"lastContact,omitempty"`
}

// QueueRow is a contact that waits. Whose it is is not shown before it is offered.
type QueueRow struct {
	Contact  contact.ID        `json:"contact"`
	Channel  contact.Channel   `json:"channel"`
	Line     contact.LineID    `json:"line"`
	Service  contact.ServiceID `json:"service,omitempty"`
	Party    contact.PartyID   `json:"party,omitempty"`
	Class    contact.Class     `json:"class"`
	Language string            `json:"language"`
	Arrived  contact.Instant   `json:"arrived"`
	TargetMs contact.Millis    `json:"targetMs"`
	// Offered says that somebody is asked for it now.
	Offered bool `json:"offered"`
	// Needs are what is still needed of an agent, empty for anybody; Relaxed says how many steps it
	// has been relaxed. RelaxesAt is when the next step comes, and RelaxesTo what is needed then.
	Needs     contact.Needs   `json:"needs"`
	Relaxed   uint8           `json:"relaxed,omitempty"`
	RelaxesAt contact.Instant `json:"relaxesAt,omitempty"`
	RelaxesTo contact.Needs   `json:"relaxesTo,omitempty"`
	// RisesAt is when it comes into the next class.
	RisesAt contact.Instant `json:"risesAt,omitempty"`
	// Residents is for how many residents and companies it stands.
	Residents uint32 `json:"residents,omitempty"`
	// Prefer is the agent whom it is kept for, until PreferUntil.
	Prefer      contact.AgentID `json:"prefer,omitempty"`
	PreferUntil contact.Instant `json:"preferUntil,omitempty"`
	// Callback says that it is a call-back whose turn comes.
	Callback bool `json:"callback,omitempty"`
	// ExpectedUntil is until when it is expected to wait; 0 when nobody can say.
	ExpectedUntil contact.Instant `json:"expectedUntil,omitempty"`
}

// ColleagueCard is an agent who is signed in. State is "ready", "busy", "paused" or "away".
type ColleagueCard struct {
	Agent contact.AgentID `json:"agent"`
	Name  string          `json:"name"`
	State string          `json:"state"`
	// Since is when the presence began; Reason is why he is paused, and Overdue when that has
	// lasted too long.
	Since   contact.Instant   `json:"since"`
	Reason  string            `json:"reason,omitempty"`
	Overdue contact.Instant   `json:"overdue,omitempty"`
	Groups  []contact.SkillID `json:"groups"`
}

// NoticeCard is an outage message that stands.
type NoticeCard struct {
	contact.Notice
	// Blocked says that the City's embargo silences it.
	Blocked bool `json:"blocked"`
}

// Me is the agent's own state. Activity is what the agent is doing, by itself or
// beside the presence, the most pressing of his contacts: "" (nothing), "offered",
// "dialling", "connected", "held", "wrap-up".
type Me struct {
	Presence contact.Presence      `json:"presence"`
	Reason   string                `json:"reason,omitempty"`
	Cause    contact.PresenceCause `json:"cause,omitempty"`
	Since    contact.Instant       `json:"since"`
	// Overdue is when a pause has lasted too long; 0 means never.
	Overdue contact.Instant `json:"overdue,omitempty"`
	// Channels are those that he takes while ready; all when empty.
	Channels []contact.Channel `json:"channels,omitempty"`
	// Next is the presence that comes after his last contact, and NextReason its reason.
	Next       contact.Presence `json:"next,omitempty"`
	NextReason string           `json:"nextReason,omitempty"`
	Reachable  bool             `json:"reachable"`
	// Phone says that a desk phone of his is registered: it rings instead of the browser.
	Phone    bool   `json:"phone,omitempty"`
	Activity string `json:"activity,omitempty"`
	// ActivitySince is when the activity began.
	ActivitySince contact.Instant `json:"activitySince,omitempty"`
}

// Today are figures of the current day in Europe/Stockholm: the agent's own and, for
// all lines, answered within target (numerator and denominator).
type Today struct {
	Handled      int `json:"handled"`
	WithinTarget int `json:"withinTarget"`
	Answerable   int `json:"answerable"`
}

// AgentCounts are counts of agents, without names.
type AgentCounts struct {
	Ready  int `json:"ready"`
	Busy   int `json:"busy"`
	Paused int `json:"paused"`
}
