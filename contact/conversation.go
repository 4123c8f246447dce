package contact

// MaxChatText is the longest chat message, in characters.
const MaxChatText = 4000

// ChatLine is one line of a chat: what somebody wrote, or what the system says. Its text is
// personal data and lies in the conversation's own stream, never in a record.
type ChatLine struct {
	// ID is made by whoever wrote it, a UUID: sent twice, it is kept once.
	ID   string   `json:"id"`
	From Party    `json:"from"`
	Kind ChatKind `json:"kind"`
	Text string   `json:"text,omitempty"`
	At   Instant  `json:"at"`
	// Agent is set when an agent wrote or did it. Visitors are not shown it.
	Agent AgentID `json:"agent,omitempty"`
}

// KeptLine is a line that its stream has, by which it is acknowledged. Sequences of one chat
// rise and have gaps; they never change.
type KeptLine struct {
	Sequence uint64 `json:"sequence"`
	ChatLine
}

// ChatKind is what a line of a chat is.
type ChatKind string

// The kinds. All but ChatText are said by the system, with a text only where noted.
const (
	ChatText ChatKind = "text"
	// ChatPrompt has the text of a prompt: a welcome, an outage message.
	ChatPrompt ChatKind = "prompt"
	// ChatJoined: an agent has the chat now. ChatLeft: he has it no more, and it waits again.
	ChatJoined ChatKind = "joined"
	ChatLeft   ChatKind = "left"
	// ChatEnded: nothing more can be written.
	ChatEnded ChatKind = "ended"
)
