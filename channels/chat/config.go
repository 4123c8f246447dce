package chat

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"time"

	"github.com/rs/zerolog"

	"svar/channels"
	"svar/contact"
)

// Defaults of [Config].
const (
	DefaultAwayLimit       = 15 * time.Minute
	DefaultChatsPerAddress = 10
)

// The limits of what strangers can hold and send.
const (
	// maxSockets bounds the open pages, maxSocketsOfOne those of one address: a large school
	// behind one has fewer pages open at once.
	maxSockets, maxSocketsOfOne = 2_000, 500
	// maxChats bounds the chats that are not over.
	maxChats = 2_000
	// socketsOfOneChat: somebody who copies a tab has two.
	socketsOfOneChat = 5
	// maxRequest is the largest message in bytes: the longest text has 16,000 in UTF-8.
	maxRequest = 16 << 10
	// Nobody writes 30 lines a minute for long; a burst lets a page send again what it kept
	// while it was cut off.
	linesEvery, linesBurst = 4 * time.Second, 15
	// requestsEvery, requestsBurst bound whatever else a page sends.
	requestsEvery, requestsBurst = 200 * time.Millisecond, 60
	// maxLines bounds what one chat's visitor leaves behind: nobody can read more.
	maxLines = 2_000
	// addressEvery gives an address back one of its chats, or of its texts left.
	addressEvery = time.Minute
	// maxPersonal is the longest name, address and subject, in characters.
	maxPersonal = 200
)

// Topic is what a visitor can chat about: an entrance to the queue.
type Topic struct {
	// Line is the contacts' line; pages name it in data-topic.
	Line contact.LineID
	// Name is shown at the head of the chat, by language tag; sv is there.
	Name map[string]string
	// Languages are those that the desk answers in, the preferred one first.
	Languages []string
	// Service is what chats of the topic are about; empty when that is open.
	Service contact.ServiceID
	// Audience narrows which outage messages are shown; empty shows those of all.
	Audience contact.Audience
	// Hours are when its chats are opened; nil means [Config.Hours].
	Hours *contact.Hours
}

// Conversations keeps what is written, by contact; *journal.Chats is one.
type Conversations interface {
	// Append keeps a line once by its id, and returns it when it is safe.
	Append(ctx context.Context, id contact.ID, line contact.ChatLine) (contact.KeptLine, error)
	// Read returns the lines after the sequence, in order.
	Read(ctx context.Context, id contact.ID, after uint64) ([]contact.KeptLine, error)
	// Follow hands on all lines after the sequence, those to come included, each once and in
	// order. stop returns when handle is not running any more.
	Follow(ctx context.Context, id contact.ID, after uint64, handle func(contact.KeptLine)) (stop func(), err error)
}

// NoticeBoard has the outage messages that stand.
type NoticeBoard interface {
	Notices() contact.Notices
	// NoticesChanged returns a channel that is closed at the next change.
	NoticesChanged() <-chan struct{}
}

// Message is a text that was left while no chat is opened. Name and Address are the sender's
// claim: nothing is mailed to an address that nobody has verified.
type Message struct {
	// ID is the page's own, a UUID: the same text left twice makes one ticket.
	ID                            string
	Line                          contact.LineID
	Service                       contact.ServiceID
	Language, Name, Address, Text string
}

// Messages makes tickets of texts that are left.
type Messages interface {
	Leave(ctx context.Context, m Message) (contact.TicketNumber, error)
}

// Config is what a gateway is made of. Fields without a word about their zero value are needed.
type Config struct {
	Node          contact.NodeID
	Intake        channels.Intake
	Conversations Conversations
	Notices       NoticeBoard
	// Hours are when chats are opened of topics that have no hours of their own. The zero value
	// never opens one.
	Hours contact.Hours
	// Topics hold until the first [Gateway.SetTopics].
	Topics []Topic
	// Origins are the pages that may have the widget, as scheme://host[:port]; our own may
	// always. Browsers keep others from framing it.
	Origins  []string
	Messages Messages
	// Text returns what a prompt says in writing; "" when the catalogue has none.
	Text func(channels.Prompt) string
	// AwayLimit is how long a visitor without a socket keeps the chat. 0 means
	// DefaultAwayLimit. Shorter costs those the chat whose train is in a tunnel.
	AwayLimit time.Duration
	// ChatsPerAddress is how many chats one address may begin, and texts it may leave, at
	// once; each minute gives one back. 0 means DefaultChatsPerAddress. A school behind one
	// address needs more.
	ChatsPerAddress int
	// Proxies are the addresses whose X-Forwarded-For is believed. Empty means none: behind
	// a proxy all visitors then share its limits.
	Proxies []netip.Prefix
	Now     func() time.Time
	// Log takes one line for each chat's beginning and end. Its zero value is silent.
	Log zerolog.Logger

	// timing is shortened by tests.
	timing timing
}

// timing is how often and how long the gateway waits for what nobody tells it.
type timing struct {
	// look is how often opening hours and notices' times are looked at.
	look time.Duration
	// restore is how long a token that nobody knows may still become known, unless
	// [Gateway.Restored] says that none will. The queue may have to elect a leader first.
	restore time.Duration
	// keep is how long a chat that is over can be read.
	keep time.Duration
}

var usualTiming = timing{look: time.Second, restore: time.Minute, keep: 10 * time.Minute}

// complete fills in the defaults and says, joined, all that cannot be.
func (c Config) complete() (Config, error) {
	var faults []error
	if c.AwayLimit == 0 {
		c.AwayLimit = DefaultAwayLimit
	}
	if c.ChatsPerAddress == 0 {
		c.ChatsPerAddress = DefaultChatsPerAddress
	}
	if c.timing == (timing{}) {
		c.timing = usualTiming
	}
	if c.AwayLimit < 0 || c.ChatsPerAddress < 0 {
		faults = append(faults, errors.New("numbers and times must not be negative"))
	}
	if c.Node == "" || c.Intake == nil || c.Conversations == nil || c.Notices == nil || c.Messages == nil || c.Text == nil || c.Now == nil {
		faults = append(faults, errors.New("the chat gateway misses one of its parts"))
	}
	faults = append(faults, checkTopics(c.Topics))
	for _, origin := range c.Origins {
		if parsed, err := url.Parse(origin); err != nil || parsed.Host == "" || (parsed.Scheme != "https" && parsed.Scheme != "http") || origin != parsed.Scheme+"://"+parsed.Host {
			faults = append(faults, fmt.Errorf("chat origin %q is not of the form https://host", origin))
		}
	}
	return c, errors.Join(faults...)
}
