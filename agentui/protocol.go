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
	// not-my-skill, conflict or technical. Accepting a call-back dials it, as DoDial does.
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
	// DoDial calls the waiting call-back Contact. It is rejected as unconfirmed when its number wants the agent's
	// look first; he is asked, and it is sent again as Confirmed.
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
	// Text, set instead of a payload, is whether the user's side takes text beside the voice; until it is said, it takes none.
	Text *bool `json:"text,omitempty"`
}
