package agentui

import (
	"encoding/json"

	"svar/contact"
)

// ProtocolVersion is that of the messages between console and server. The console
// names it when it connects, as ?protocol=5&console=ID; a server of another version closes the
// socket with code 4001, and the console reloads itself. ID is a UUID that the window keeps
// over a reload: the voice of a call belongs to one window.
const ProtocolVersion = 5

// Close codes of the console's socket (RFC 6455 §7.4.2, private use).
const (
	closeWrongProtocol = 4001
	closeSignedOut     = 4002
	// closeReplaced: the window has opened another socket, which this one is not to come back to.
	closeReplaced = 4003
)

// Request is a message from the console, as text. ID is chosen by the console, above 0,
// and comes back in the Reply. Which of the other fields count depends on Do.
//
// Requests are carried out in order, in two lanes: what is asked of calls ([DoHangUp],
// [DoHold], [DoResume], [DoKey], [DoVoice], [DoRecording], [DoEcho], [DoEchoEnd]) does not wait for the rest,
// which may wait for the dispatcher. [DoSignal] waits for neither.
type Request struct {
	ID int64     `json:"id"`
	Do RequestDo `json:"do"`

	Presence contact.Presence     `json:"presence,omitempty"`
	Reason   string               `json:"reason,omitempty"`
	Offer    contact.OfferID      `json:"offer,omitempty"`
	Contact  contact.ID           `json:"contact,omitempty"`
	Code     contact.OutcomeCode  `json:"code,omitempty"`
	Ticket   contact.TicketNumber `json:"ticket,omitempty"`
	Note     string               `json:"note,omitempty"`
	// Message and Text are a chat line's id, a UUID made by the console, and what it says.
	Message string `json:"message,omitempty"`
	Text    string `json:"text,omitempty"`
	// After is the newest sequence of a chat that the console has.
	After uint64 `json:"after,omitempty"`
	// Key is a key of the keypad: 0–9, *, #, A–D.
	Key string `json:"key,omitempty"`
	// Channels are those that a ready agent takes; all when empty. AfterContact puts a pause or a
	// sign-out off until the agent has no contact any more.
	Channels     []contact.Channel `json:"channels,omitempty"`
	AfterContact bool              `json:"afterContact,omitempty"`
	// At is when a call-back is promised for, by the server's clock; Mine says by this agent himself.
	At   contact.Instant `json:"at,omitempty"`
	Mine bool            `json:"mine,omitempty"`
	// On switches a conference or a recording on or off.
	On bool `json:"on,omitempty"`
	// Mode is how a supervisor takes part; empty ends that.
	Mode contact.SupervisionMode `json:"mode,omitempty"`
	Mark contact.MarkKind        `json:"mark,omitempty"`
	// Person, or the user of Ticket, or Number is whom to call, by the number of Line. Confirmed says that
	// the agent has looked at a number that nobody vouches for and wants it called.
	Person    contact.PersonID `json:"person,omitempty"`
	Number    string           `json:"number,omitempty"`
	Line      contact.LineID   `json:"line,omitempty"`
	Confirmed bool             `json:"confirmed,omitempty"`
	// To is where a contact is sent: an agent, a group by its skill at level 1, or a place outside.
	To *TransferTo `json:"to,omitempty"`
	// Residents is for how many residents and companies the contact stands, at most a million.
	Residents uint32 `json:"residents,omitempty"`
	// Take asks for the voice although it lives in another window.
	Take bool `json:"take,omitempty"`
	// Leg, of a signal, is that of the [VoiceSignal] that it answers.
	Leg     contact.LegID   `json:"leg,omitempty"`
	Payload json.RawMessage `json:"payload,omitempty"`
}

// TransferTo is where a contact is sent: one of its fields is set.
type TransferTo struct {
	Agent contact.AgentID `json:"agent,omitempty"`
	Group contact.SkillID `json:"group,omitempty"`
	// Outside is one of Hello's destinations.
	Outside contact.DestinationID `json:"outside,omitempty"`
}

// RequestDo is what the console asks for.
type RequestDo string

// The requests.
const (
	// DoPresence sets Presence, with one of the pause reasons of Hello, or none, as Reason
	// when paused; with Channels when ready; AfterContact when paused or signed out. It is rejected as
	// break-full when as many of a group have a break as may.
	DoPresence RequestDo = "presence"
	// DoAccept and DoDecline answer Offer; decline may give Reason: busy,
	// not-my-skill, conflict or technical.
	DoAccept  RequestDo = "accept"
	DoDecline RequestDo = "decline"
	// DoHangUp ends the connection of Contact.
	DoHangUp RequestDo = "hang-up"
	// DoHold puts the call Contact on hold, DoResume takes it back. The node that has the
	// caller does these, DoKey and DoHangUp of a call at once, also without a dispatcher.
	DoHold   RequestDo = "hold"
	DoResume RequestDo = "resume"
	// DoKey presses Key towards the caller's phone.
	DoKey RequestDo = "key"
	// DoVoice asks for the voice of the call Contact in this window: its page was loaded again,
	// or its network changed. It is rejected as voice-elsewhere while it lives in another
	// window, unless Take is set.
	DoVoice RequestDo = "voice"
	// DoEcho begins a voice in which the agent hears himself a second later, with signals for
	// offer 0; DoEchoEnd ends it. It ends by itself after a minute, and with the socket.
	DoEcho    RequestDo = "echo"
	DoEchoEnd RequestDo = "echo-end"
	// DoOutcome keeps Code and Ticket as chosen so far for Contact; both empty takes it back.
	DoOutcome RequestDo = "outcome"
	// DoExtend makes the wrap-up of Contact longer.
	DoExtend RequestDo = "extend"
	// DoNote keeps Note (at most 10,000 characters) for Contact, as it stands.
	DoNote RequestDo = "note"
	// DoFinish ends wrap-up of Contact, or a text, or a waiting call-back, with Code, with the
	// linked Ticket, or with both.
	DoFinish RequestDo = "finish"
	// DoGiveBack puts the text Contact back into the queue.
	DoGiveBack RequestDo = "give-back"
	// DoDial calls the waiting call-back Contact.
	DoDial RequestDo = "dial"
	// DoCallback promises to call the caller of Contact back, At, Mine or by whoever is free.
	DoCallback RequestDo = "callback"
	// DoTransfer sends Contact To a colleague or a group. DoConsult asks him first, while the
	// caller is on hold: his answer comes as the contact's Consult. DoConsultEnd takes that back, and
	// DoComplete leaves the caller to him.
	DoTransfer   RequestDo = "transfer"
	DoConsult    RequestDo = "consult"
	DoConsultEnd RequestDo = "consult-end"
	DoComplete   RequestDo = "complete-transfer"
	// DoConference lets the caller of Contact, this agent and who is consulted hear each other (On), or ends that.
	DoConference RequestDo = "conference"
	// DoMark puts Mark on record for the call Contact.
	DoMark RequestDo = "mark"
	// DoRecording goes on with the recording of Contact (On), or pauses it.
	DoRecording RequestDo = "recording"
	// DoSupervise takes a supervisor into the call Contact in Mode, or out of it. His voice has signals of offer 0 with
	// that contact.
	DoSupervise RequestDo = "supervise"
	// DoCall calls Person, the user of Ticket, or Number. It is rejected as unconfirmed when the number
	// wants the agent's look first.
	DoCall RequestDo = "call"
	// DoImpact says for how many Residents Contact stands; 0 takes it back.
	DoImpact RequestDo = "impact"
	// DoChatFollow asks for the chat of Contact, from after the sequence After on: its lines
	// come as [ChatLines] until the agent has the contact no more. Asked again, it begins anew.
	DoChatFollow RequestDo = "chat-follow"
	// DoChatSend writes Text (at most 4,000 characters) as Message. The reply comes when the
	// stream has it. Sent twice, it is there once.
	DoChatSend RequestDo = "chat-send"
	// DoSignal passes Payload to the node that sets up the voice of Offer.
	DoSignal RequestDo = "signal"
)

// Message is a message to the console: exactly one of its fields is set.
type Message struct {
	Hello  *Hello        `json:"hello,omitempty"`
	State  *ConsoleState `json:"state,omitempty"`
	Reply  *Reply        `json:"reply,omitempty"`
	Signal *VoiceSignal  `json:"signal,omitempty"`
	Chat   *ChatLines    `json:"chat,omitempty"`
}

// ChatLines are further lines of a chat that the console follows, in order.
type ChatLines struct {
	Contact contact.ID         `json:"contact"`
	Lines   []contact.KeptLine `json:"lines"`
}

// Hello is the first message: what changes with the configuration alone. It comes again when that
// is read anew.
type Hello struct {
	Protocol     int             `json:"protocol"`
	Agent        contact.AgentID `json:"agent"`
	Name         string          `json:"name"`
	Role         string          `json:"role"`
	Lines        []LineInfo      `json:"lines"`
	PauseReasons []PauseInfo     `json:"pauseReasons"`
	// Groups are the skills and competence groups, in the order of the configuration.
	Groups       []GroupInfo           `json:"groups"`
	OutcomeCodes []contact.OutcomeCode `json:"outcomeCodes"`
	Services     []ServiceInfo         `json:"services"`
	// Publishes says that the agent may publish outage messages and set embargoes;
	// SeesFigures that he may read figures of all.
	Publishes   bool `json:"publishes"`
	SeesFigures bool `json:"seesFigures"`
	// Destinations are the places outside that a call may be handed over to.
	Destinations []DestinationInfo `json:"destinations"`
	// Supervises says that the agent may take part in others' calls; CallsLines are the lines whose number he
	// may call by, empty when he may make no calls.
	Supervises bool             `json:"supervises"`
	CallsLines []contact.LineID `json:"callsLines"`
	// WrapUpExtensionMs is how much DoExtend gives.
	WrapUpExtensionMs contact.Millis `json:"wrapUpExtensionMs"`
	// IceServers are handed to RTCPeerConnection as they are; usually empty.
	IceServers []IceServer `json:"iceServers"`
}

// ServiceInfo is a service of the catalogue, with its categories. Names are by language tag.
type ServiceInfo struct {
	ID         contact.ServiceID `json:"id"`
	Name       map[string]string `json:"name"`
	Categories []CategoryInfo    `json:"categories"`
}

// PauseInfo is a reason to pause. After LimitMs the pause is overdue, 0 means never; Break says that
// a group may have so many of them at once and no more.
type PauseInfo struct {
	Reason  string         `json:"reason"`
	LimitMs contact.Millis `json:"limitMs,omitempty"`
	Break   bool           `json:"break,omitempty"`
}

// GroupInfo is a skill or a competence group. Names are by language tag.
type GroupInfo struct {
	ID   contact.SkillID   `json:"id"`
	Name map[string]string `json:"name"`
}

// CategoryInfo is a category of a service.
type CategoryInfo struct {
	ID   string            `json:"id"`
	Name map[string]string `json:"name"`
}

// LineInfo is how a line is shown: a phone line, a chat topic, a mailbox or the portal's
// form. Texts are by language tag: sv, en.
type LineInfo struct {
	ID       contact.LineID    `json:"id"`
	Channel  contact.Channel   `json:"channel"`
	Name     map[string]string `json:"name"`
	Greeting map[string]string `json:"greeting"`
}

// DestinationInfo is a place outside. Name is by language tag.
type DestinationInfo struct {
	ID   contact.DestinationID `json:"id"`
	Name map[string]string     `json:"name"`
}

// IceServer is one of RTCConfiguration.iceServers.
type IceServer struct {
	URLs       []string `json:"urls"`
	Username   string   `json:"username,omitempty"`
	Credential string   `json:"credential,omitempty"`
}

// Reply is the outcome of a Request: Error is empty when it was done. It is a
// rejection code of package contact, or "unavailable" when the dispatcher cannot be
// reached; nothing happened then.
type Reply struct {
	ID    int64  `json:"id"`
	Error string `json:"error,omitempty"`
}

// VoiceSignal is a message of the set-up of the voice for an offer:
// payload {"sdp": {"type": "offer"|"answer", "sdp": "…"}} or {"candidate": RTCIceCandidateInit}.
// The server offers, the browser answers, with the same Leg: a voice may be made anew within
// one offer.
//
// Offer 0 is the echo of DoEcho or, with a Contact, a supervisor's voice in it. Bound, set instead of a payload, is the window in which the
// voice of Offer lives: every other one lets go of it.
type VoiceSignal struct {
	Offer   contact.OfferID `json:"offer"`
	Contact contact.ID      `json:"contact,omitempty"`
	Bound   string          `json:"bound,omitempty"`
	Leg     contact.LegID   `json:"leg,omitempty"`
	Payload json.RawMessage `json:"payload,omitempty"`
}

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

// Caller is who is calling, as far as this agent may see.
type Caller struct {
	// Kind is "known" (one person of the directory), "unknown" (a number nobody has, or
	// several have), "claimed" (a text: Name and Address are what the sender gave),
	// "withheld", or "protected" (masked: only Kind is set, unless this agent is in the group
	// that may see protected people; then the rest is set too).
	Kind    string           `json:"kind"`
	Person  contact.PersonID `json:"person,omitempty"`
	Name    string           `json:"name,omitempty"`
	Role    string           `json:"role,omitempty"`
	Title   string           `json:"title,omitempty"`
	School  string           `json:"school,omitempty"`
	Number  string           `json:"number,omitempty"`
	Address string           `json:"address,omitempty"`
	// Verification is how sure we are of it: "none", "number-known", "signed-in"
	// (requirement 5.2p).
	Verification string `json:"verification"`
}

// RingCard is an open offer to this agent.
type RingCard struct {
	Offer    contact.OfferID `json:"offer"`
	Contact  contact.ID      `json:"contact"`
	Channel  contact.Channel `json:"channel"`
	Line     contact.LineID  `json:"line"`
	Language string          `json:"language"`
	Caller   Caller          `json:"caller"`
	// Arrived is when the caller's waiting began.
	Arrived contact.Instant `json:"arrived"`
	Since   contact.Instant `json:"since"`
	Expires contact.Instant `json:"expires"`
	// Accepted is true while the two are being connected.
	Accepted bool        `json:"accepted"`
	Why      contact.Why `json:"why"`
	// Callback says that accepting dials the caller.
	Callback bool `json:"callback,omitempty"`
	// ConsultedBy is the colleague who asks; the caller is on hold with him.
	ConsultedBy *Colleague `json:"consultedBy,omitempty"`
	Details
}

// Colleague names an agent.
type Colleague struct {
	Agent contact.AgentID `json:"agent"`
	Name  string          `json:"name"`
}

// ConsultCard is a colleague who is asked about a contact, or a place outside that is called. State is "asked",
// "accepted", "talking", or, for a place that was not reached, "failed".
type ConsultCard struct {
	Colleague
	// Outside is set instead of the colleague: a place outside is called. Blind says that the caller goes to it
	// when it answers. Failure is why it was not reached, shown until something else is done.
	Outside contact.DestinationID `json:"outside,omitempty"`
	Blind   bool                  `json:"blind,omitempty"`
	Failure contact.DialFailure   `json:"failure,omitempty"`
	State   string                `json:"state"`
	Since   contact.Instant       `json:"since"`
	Expires contact.Instant       `json:"expires,omitempty"`
}

// Details are what a card shows of a contact besides who it is from.
type Details struct {
	Service contact.ServiceID `json:"service,omitempty"`
	Party   contact.PartyID   `json:"party,omitempty"`
	Subject string            `json:"subject,omitempty"`
	// Residents is for how many residents and companies the contact stands.
	Residents uint32 `json:"residents,omitempty"`
	// Ticket is the one that a mail or a form belongs to.
	Ticket contact.TicketNumber `json:"ticket,omitempty"`
	// Tickets are the person's newest open ones, at most 3.
	Tickets []TicketRow `json:"tickets"`
}

// TicketRow is a ticket in a list.
type TicketRow struct {
	Number  contact.TicketNumber `json:"number"`
	Kind    string               `json:"kind"`
	Status  string               `json:"status"`
	Subject string               `json:"subject"`
	Service contact.ServiceID    `json:"service,omitempty"`
	Created contact.Instant      `json:"created"`
	Changed contact.Instant      `json:"changed"`
}

// OngoingCard is a contact that this agent is connected with, holds or wraps up.
type OngoingCard struct {
	Contact  contact.ID      `json:"contact"`
	Offer    contact.OfferID `json:"offer"`
	Channel  contact.Channel `json:"channel"`
	Line     contact.LineID  `json:"line"`
	Language string          `json:"language"`
	Caller   Caller          `json:"caller"`
	State    contact.State   `json:"state"`
	Since    contact.Instant `json:"since"`
	Arrived  contact.Instant `json:"arrived"`
	Answered contact.Instant `json:"answered"`
	// Note is what was kept last by DoNote.
	Note string `json:"note,omitempty"`
	// Code and ChosenTicket are what was kept last by DoOutcome.
	Code         contact.OutcomeCode  `json:"code,omitempty"`
	ChosenTicket contact.TicketNumber `json:"chosenTicket,omitempty"`
	// WrapUpUntil is when wrap-up runs out and the contact is closed by itself; 0 means never.
	WrapUpUntil contact.Instant `json:"wrapUpUntil,omitempty"`
	// Replied is when an agent first answered a text; 0 when not yet.
	Replied contact.Instant `json:"replied,omitempty"`
	// Consult is a colleague who is asked. ConsultedBy, instead, is the colleague whose contact it
	// is: this agent is the one who was asked.
	Consult     *ConsultCard `json:"consult,omitempty"`
	ConsultedBy *Colleague   `json:"consultedBy,omitempty"`
	// Conference says that all three hear each other. Supervisors are in the call in a mode that its agents are
	// heard by; one who only listens is not told of.
	Conference  bool        `json:"conference,omitempty"`
	Supervisors []Colleague `json:"supervisors,omitempty"`
	// Marks are what was said of the call; Recording how far its recording is, empty when there is none.
	Marks     []contact.MarkKind     `json:"marks,omitempty"`
	Recording contact.RecordingState `json:"recording,omitempty"`
	// Outgoing says that the desk called.
	Outgoing bool `json:"outgoing,omitempty"`
	Details
}

// NotReachedCard is a call that the agent placed and that reached nobody.
type NotReachedCard struct {
	Contact contact.ID          `json:"contact"`
	Failure contact.DialFailure `json:"failure,omitempty"`
	At      contact.Instant     `json:"at"`
}

// TalkCard is a call that goes on, for supervisors: who has it, and since when. Mode is this supervisor's in it.
type TalkCard struct {
	Contact contact.ID              `json:"contact"`
	Line    contact.LineID          `json:"line"`
	Agent   Colleague               `json:"agent"`
	State   contact.State           `json:"state"`
	Since   contact.Instant         `json:"since"`
	Mode    contact.SupervisionMode `json:"mode,omitempty"`
	Marks   []contact.MarkKind      `json:"marks,omitempty"`
}

// WaitingLine is who waits on one line: those being greeted are counted apart.
type WaitingLine struct {
	Line     contact.LineID  `json:"line"`
	Waiting  int             `json:"waiting"`
	Greeted  int             `json:"greeted"`
	Longest  contact.Instant `json:"longest,omitempty"`
	TargetMs contact.Millis  `json:"targetMs"`
}

// CallbackCard is a caller who is to be called back: after a technical fault, because he chose it,
// or because an agent promised it.
type CallbackCard struct {
	// DueAt is when it is promised or tried again; 0 when its turn alone decides. For is the agent
	// who promised it himself.
	DueAt contact.Instant `json:"dueAt,omitempty"`
	For   contact.AgentID `json:"for,omitempty"`
	// Tries is how often he was dialled in vain. Exhausted says that nobody is offered it any more.
	Tries     uint8 `json:"tries,omitempty"`
	Exhausted bool  `json:"exhausted,omitempty"`
	// Dials is how often he was dialled in the last hour, DialsLeft how often he may be now.
	Dials     int `json:"dials"`
	DialsLeft int `json:"dialsLeft"`
	// Agent is who dials him now.
	Agent contact.AgentID `json:"agent,omitempty"`

	Contact contact.ID      `json:"contact"`
	Line    contact.LineID  `json:"line"`
	Caller  Caller          `json:"caller"`
	Arrived contact.Instant `json:"arrived"`
	Since   contact.Instant `json:"since"`
}

// MissedCard is an offer that this agent missed.
type MissedCard struct {
	Cause   contact.MissCause `json:"cause"`
	Channel contact.Channel   `json:"channel,omitempty"`
	Contact contact.ID        `json:"contact"`
	Line    contact.LineID    `json:"line,omitempty"`
	At      contact.Instant   `json:"at"`
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
