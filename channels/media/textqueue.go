package media

import (
	"strings"
	"sync"
)

const (
	// textWaiting bounds the pieces of text that wait to be read.
	textWaiting = 64
	// TextBacklog bounds the text that waits to be sent, in octets: some minutes of typing.
	TextBacklog = 16 << 10
	// textLost stands for text that got lost (ITU-T T.140, addendum 1).
	textLost = "\uFFFD"
	// textMark is the byte order mark, which some send to begin with and which means nothing (T.140 §8).
	textMark = "\uFEFF"
)

// TextQueue is what a party types, on its way to a reader (ITU-T T.140): UTF-8 with its control characters as they came. Safe for
// concurrent use.
type TextQueue struct {
	mutex  sync.Mutex
	pieces chan string
	missed bool
	closed bool
}

// NewTextQueue makes an empty one.
func NewTextQueue() *TextQueue { return &TextQueue{pieces: make(chan string, textWaiting)} }

// Pieces delivers the text in order. It is closed by Close.
func (q *TextQueue) Pieces() <-chan string { return q.pieces }

// Add puts text at the end. It never waits: when 64 pieces are unread it is dropped, and U+FFFD stands for it before the next
// piece. What is not UTF-8 becomes U+FFFD too.
func (q *TextQueue) Add(text string) {
	text = strings.ReplaceAll(strings.ToValidUTF8(text, textLost), textMark, "")
	if text == "" {
		return
	}
	q.mutex.Lock()
	defer q.mutex.Unlock()
	if q.closed {
		return
	}
	if q.missed {
		text = textLost + text
	}
	select {
	case q.pieces <- text:
		q.missed = false
	default:
		q.missed = true
	}
}

// Close ends it; what waits can still be read. It can be called more than once.
func (q *TextQueue) Close() {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	if !q.closed {
		q.closed = true
		close(q.pieces)
	}
}
