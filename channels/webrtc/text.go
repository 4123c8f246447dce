package webrtc

import (
	"sync"

	"github.com/pion/webrtc/v4"

	"svar/channels"
	"svar/channels/media"
)

// textChannel is the text beside a leg's voice: ITU-T T.140 over a data channel (RFC 8865), each message as it is
// typed. Nothing gets lost on the way. The zero value with typed set is ready.
type textChannel struct {
	typed *media.TextQueue

	mutex   sync.Mutex
	channel *webrtc.DataChannel
	able    bool // the answer took it
	open    bool
	closed  bool
	waiting string // until it is open
}

// attach takes the channel of our offer.
func (t *textChannel) attach(channel *webrtc.DataChannel) {
	t.mutex.Lock()
	t.channel = channel
	t.mutex.Unlock()
	channel.OnOpen(t.begin)
	channel.OnClose(func() { t.settle(false) })
	channel.OnMessage(func(message webrtc.DataChannelMessage) {
		if message.IsString { // anything else is no text (RFC 8865 §5)
			t.typed.Add(string(message.Data))
		}
	})
}

// settle says whether the browser takes text.
func (t *textChannel) settle(able bool) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.able = able
	if !able {
		t.waiting = ""
	}
}

func (t *textChannel) begin() {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.open = true
	if t.waiting != "" && !t.closed {
		_ = t.channel.SendText(t.waiting) // fails only when the leg ends
	}
	t.waiting = ""
}

func (t *textChannel) write(text string) error {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	switch {
	case t.closed:
		return channels.ErrLegOver
	case !t.able || text == "":
		return nil
	case !t.open:
		if len(t.waiting)+len(text) > media.TextBacklog {
			return media.ErrTextFull
		}
		t.waiting += text
		return nil
	case t.channel.BufferedAmount()+uint64(len(text)) > media.TextBacklog:
		return media.ErrTextFull
	}
	return t.channel.SendText(text)
}

// end is for the end of the leg.
func (t *textChannel) end() {
	t.mutex.Lock()
	t.closed, t.able = true, false
	t.mutex.Unlock()
	t.typed.Close()
}

// takesText is whether an answer takes the section of text.
func takesText(answer webrtc.SessionDescription) bool {
	parsed, err := answer.Unmarshal()
	if err != nil {
		return false
	}
	for _, section := range parsed.MediaDescriptions {
		if section.MediaName.Media == "application" && section.MediaName.Port.Value != 0 {
			return true
		}
	}
	return false
}

var _ channels.RealTimeText = (*leg)(nil)

// TextAble reports whether the browser takes text.
func (l *leg) TextAble() bool {
	l.text.mutex.Lock()
	defer l.text.mutex.Unlock()
	return l.text.able
}

// Text delivers what the agent types.
func (l *leg) Text() <-chan string { return l.text.typed.Pieces() }

// WriteText sends text to the browser at once. It fails with [media.ErrTextFull] when too much is under way.
func (l *leg) WriteText(text string) error { return l.text.write(text) }
