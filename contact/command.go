package contact

// Command asks the engine for something. The set is closed: only the types of this
// file are commands. Each is idempotent by what it names (contact, offer, agent):
// sent twice, the second finds the work done and changes nothing, so that a sender
// that missed the reply may send again.
type Command interface{ command() }

// ChangeRules replaces the rules.
type ChangeRules struct {
	Rules Rules `json:"rules"`
}

// ChangeRoster replaces the roster. An agent who is gone from it gets no more
// offers; what he has goes on.
type ChangeRoster struct {
	Roster Roster `json:"roster"`
}

// ReportNode is sent by a node when it starts and when a new leader asks for it.
// Legs are the callers' legs alive on it, sorted. A contact of that node whose leg
// is not among them was lost with the process.
type ReportNode struct {
	Node NodeID  `json:"node"`
	Legs []LegID `json:"legs"`
	// Restarted says that the process is new: its consoles are gone too.
	Restarted bool `json:"restarted,omitempty"`
}

// Arrive puts a contact on record and keeps its place. Sent before anything is
// said to the user.
type Arrive struct {
	Contact Contact `json:"contact"`
	Node    NodeID  `json:"node"`
	Leg     LegID   `json:"leg"`
}

// Refuse records a contact that was turned away by rule. Response is the SIP
// status code, 400–699.
type Refuse struct {
	Contact  Contact `json:"contact"`
	Response uint16  `json:"response"`
}

// Greet says that the system answered the call (200 OK was sent).
type Greet struct {
	Contact ID `json:"contact"`
}

// Enqueue says what the contact needs and that it may be offered from now on. Its
// place is still that of its arrival.
type Enqueue struct {
	Contact ID     `json:"contact"`
	Needs   Needs  `json:"needs"`
	Class   Class  `json:"class,omitempty"`
	Target  Millis `json:"target_ms"`
}

// Leave says that the user ended the contact: CANCEL, BYE, a closed socket.
type Leave struct {
	Contact ID `json:"contact"`
}

// Drop says that a technical fault ended the contact's leg.
type Drop struct {
	Contact ID `json:"contact"`
}

// AcceptOffer is the agent's answer to an offer.
type AcceptOffer struct {
	Offer OfferID `json:"offer"`
	Agent AgentID `json:"agent"`
}

// DeclineOffer is the agent's refusal of an offer.
type DeclineOffer struct {
	Offer  OfferID `json:"offer"`
	Agent  AgentID `json:"agent"`
	Reason string  `json:"reason,omitempty"`
}

// ConfirmConnected says that the node connected both parties of an accepted offer.
type ConfirmConnected struct {
	Offer OfferID `json:"offer"`
	// Leg is the agent's.
	Leg LegID `json:"leg"`
}

// FailConnect says that the agent's leg of an offer did not come up, or broke while
// they were connected ([ContactReturned]). The contact goes back to its place, the
// user still on the line.
type FailConnect struct {
	Offer OfferID `json:"offer"`
}

// HangUp is the agent's end of a connected contact.
type HangUp struct {
	Contact ID      `json:"contact"`
	Agent   AgentID `json:"agent"`
}

// Finish ends wrap-up with an outcome code. A contact that waits to be called back
// may be finished too, by any agent who is signed in.
type Finish struct {
	Contact ID          `json:"contact"`
	Agent   AgentID     `json:"agent"`
	Code    OutcomeCode `json:"code"`
}

// SetPresence is the agent's own word. Reason is a pause reason, only with Paused.
type SetPresence struct {
	Agent    AgentID  `json:"agent"`
	Presence Presence `json:"presence"`
	Reason   string   `json:"reason,omitempty"`
}

// SetReachable is sent by the node that holds the agent's console sockets: with
// Reachable when the first opens, without when the last has been gone for 10 s.
type SetReachable struct {
	Agent     AgentID `json:"agent"`
	Node      NodeID  `json:"node"`
	Reachable bool    `json:"reachable"`
}

// Tick lets time pass: whatever was due is decided. It says that time alone was
// the cause; every command lets time pass as well.
type Tick struct{}

func (ChangeRules) command()      {}
func (ChangeRoster) command()     {}
func (ReportNode) command()       {}
func (Arrive) command()           {}
func (Refuse) command()           {}
func (Greet) command()            {}
func (Enqueue) command()          {}
func (Leave) command()            {}
func (Drop) command()             {}
func (AcceptOffer) command()      {}
func (DeclineOffer) command()     {}
func (ConfirmConnected) command() {}
func (FailConnect) command()      {}
func (HangUp) command()           {}
func (Finish) command()           {}
func (SetPresence) command()      {}
func (SetReachable) command()     {}
func (Tick) command()             {}

// Rejection is the engine's no to a command: nothing happened and nothing is on
// record. It is an error; callers find it by errors.As, through the bus too.
type Rejection struct {
	Code RejectionCode `json:"code"`
}

// RejectionCode is why a command was rejected. Surfaces have words for each.
type RejectionCode string

// The codes.
const (
	// UnknownContact: there is none of that id, or it is closed long ago.
	UnknownContact RejectionCode = "unknown-contact"
	// UnknownAgent: the roster has none of that name.
	UnknownAgent RejectionCode = "unknown-agent"
	// OfferGone: the offer ran out, was withdrawn or answered.
	OfferGone RejectionCode = "offer-gone"
	// NotYours: the offer or contact is another agent's.
	NotYours RejectionCode = "not-yours"
	// WrongState: the contact is not in a state that allows it.
	WrongState RejectionCode = "wrong-state"
	// UnknownOutcome: the code is not in the rules.
	UnknownOutcome RejectionCode = "unknown-outcome"
	// Invalid: a field is outside its range.
	Invalid RejectionCode = "invalid"
	// NotSignedIn: the agent is not signed in or has no console that is reachable.
	NotSignedIn RejectionCode = "not-signed-in"
)

func (r *Rejection) Error() string { return "rejected: " + string(r.Code) }
