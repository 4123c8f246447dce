package chat

import "svar/contact"

// ProtocolVersion is the ?protocol of the socket. A message that means something new raises it.
const ProtocolVersion = 1

// Codes with which we close a socket (RFC 6455 §7.4.2), beside the usual ones.
const (
	closeWrongProtocol = 4400 // reload the page
	closeNoTopic       = 4404 // there is no such topic: trying again does not help
	closeElsewhere     = 4409 // the chat is open in too many places, of which this is the oldest
)

// request is a message from the page, as text: one of its fields is set. The first one is hello.
type request struct {
	Hello *hello    `json:"hello,omitempty"`
	Send  *sendLine `json:"send,omitempty"`
	End   *struct{} `json:"end,omitempty"`
	Leave *leave    `json:"leave,omitempty"`
}

// hello says what the page is about and how far it has come.
type hello struct {
	Topic    contact.LineID `json:"topic"`
	Language string         `json:"language"`
	// Resume is the token of an earlier welcome, After the newest sequence that the page has.
	Resume string `json:"resume,omitempty"`
	After  uint64 `json:"after,omitempty"`
	// Follows is the token of a chat that is over, which the visitor goes on with in a new one.
	Follows string `json:"follows,omitempty"`
}

// sendLine is a text of the visitor. ID is a UUID of the page's own; sent twice, it is kept once.
type sendLine struct {
	ID   string `json:"id"`
	Text string `json:"text"`
}

// leave is a text for which no chat is opened. It becomes a ticket. Name and Address, a mail
// address, may be empty.
type leave struct {
	ID      string `json:"id"`
	Text    string `json:"text"`
	Name    string `json:"name,omitempty"`
	Address string `json:"address,omitempty"`
}

// message is one to the page: one of its fields is set.
type message struct {
	Welcome *welcome    `json:"welcome,omitempty"`
	Desk    *desk       `json:"desk,omitempty"`
	Lines   []shownLine `json:"lines,omitempty"`
	State   state       `json:"state,omitempty"`
	Ack     *ack        `json:"ack,omitempty"`
	Left    *left       `json:"left,omitempty"`
	Refused *refused    `json:"refused,omitempty"`
}

// welcome answers hello. Resumed says that the token is that of a chat whose missing lines
// and state follow; otherwise Token is a new one, and there is no chat yet.
type welcome struct {
	Token    string `json:"token"`
	Resumed  bool   `json:"resumed"`
	Name     string `json:"name"`
	Language string `json:"language"`
	// Languages are those of the topic.
	Languages []string `json:"languages"`
}

// desk says whether chats are opened now, and what is disturbed. It follows the welcome, and
// again each change.
type desk struct {
	Open bool `json:"open"`
	// Opens is when the desk opens next; 0 while it is open, or when nobody knows.
	Opens   contact.Instant `json:"opens,omitempty"`
	Notices []shownNotice   `json:"notices"`
}

// shownNotice is an outage message in the visitor's language.
type shownNotice struct {
	ID   contact.NoticeID `json:"id"`
	Text string           `json:"text"`
}

// shownLine is a line as the visitor sees it: who answers is nobody's name.
type shownLine struct {
	Sequence uint64           `json:"sequence"`
	ID       string           `json:"id"`
	From     contact.Party    `json:"from"`
	Kind     contact.ChatKind `json:"kind"`
	Text     string           `json:"text,omitempty"`
	At       contact.Instant  `json:"at"`
}

func shown(line contact.KeptLine) shownLine {
	return shownLine{Sequence: line.Sequence, ID: line.ID, From: line.From, Kind: line.Kind, Text: line.Text, At: line.At}
}

// state is where a chat stands. The first one after a welcome says that all earlier lines were
// sent: what the page still misses an acknowledgement for, it sends again.
type state string

const (
	stateWaiting state = "waiting"
	stateJoined  state = "joined"
	stateEnded   state = "ended"
)

// ack says that the line is kept, under the sequence.
type ack struct {
	ID       string `json:"id"`
	Sequence uint64 `json:"sequence"`
}

// left says that the text that was left has become a ticket.
type left struct {
	ID     string               `json:"id"`
	Ticket contact.TicketNumber `json:"ticket"`
}

// refused says what was not done. ID is that of the line or text.
type refused struct {
	Code refusal `json:"code"`
	ID   string  `json:"id"`
}

// refusal is why something was not done. The page has words for each.
type refusal string

const (
	// refusedUnavailable: try again, a little later. Nothing is lost.
	refusedUnavailable refusal = "unavailable"
	// refusedTooFast: as unavailable, but the limit is the visitor's own.
	refusedTooFast refusal = "too-fast"
	// refusedClosed: the desk is closed; the text can be left.
	refusedClosed refusal = "closed"
	// refusedTooMany: too many chats were begun, or texts left, from the visitor's address.
	refusedTooMany refusal = "too-many"
	// refusedEnded: the chat is over.
	refusedEnded refusal = "ended"
	// refusedInvalid: the text is empty or too long, or another field breaks its form.
	refusedInvalid refusal = "invalid"
	// refusedAddress: the mail address is none.
	refusedAddress refusal = "invalid-address"
)
