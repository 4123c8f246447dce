package agentui

import (
	"context"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/google/uuid"

	"svar/contact"
)

// Conversations keeps what is written in chats; the journal's chat stream is one.
type Conversations interface {
	// Append returns when the stream has the line. A line that it has already is kept once.
	Append(ctx context.Context, id contact.ID, line contact.ChatLine) (contact.KeptLine, error)
	Read(ctx context.Context, id contact.ID, after uint64) ([]contact.KeptLine, error)
	// Follow hands over all lines after the sequence, in order, and then those that are
	// written, until it is stopped. ctx bounds the beginning only; stop waits for handle.
	Follow(ctx context.Context, id contact.ID, after uint64, handle func(contact.KeptLine)) (stop func(), err error)
}

const (
	// chatAhead is how many lines of one chat wait for the console, chatBatch how many go in
	// one message. The stream waits while there are more.
	chatAhead = 200
	chatBatch = 50
	// maxFollowed bounds the chats of one console; an agent has a few.
	maxFollowed = 50
)

// chats are those that one console follows.
type chats struct {
	mutex    sync.Mutex
	followed map[contact.ID]*followed
	// ready tells the console's writer that there are lines.
	ready chan struct{}
}

// followed is a chat that a console follows.
type followed struct {
	of    contact.ID
	lines chan contact.KeptLine
	over  context.CancelFunc
	stop  func()
}

func newChats() *chats {
	return &chats{followed: map[contact.ID]*followed{}, ready: make(chan struct{}, 1)}
}

// end stops following. A line that is being handed over is given up first: the stream's
// side may wait for it.
func (f *followed) end() {
	f.over()
	f.stop()
}

// follow begins to follow a chat, anew if it is followed already, until life ends or it is
// dropped. ctx bounds the beginning.
func (s *chats) follow(ctx, life context.Context, source Conversations, id contact.ID, after uint64) error {
	s.drop(id)
	s.mutex.Lock()
	full := len(s.followed) >= maxFollowed
	s.mutex.Unlock()
	if full {
		return errInvalid
	}
	following, over := context.WithCancel(life)
	f := &followed{of: id, lines: make(chan contact.KeptLine, chatAhead), over: over}
	stop, err := source.Follow(ctx, id, after, func(line contact.KeptLine) {
		select {
		case f.lines <- line:
			s.wake()
		case <-following.Done():
		}
	})
	if err != nil {
		over()
		return err
	}
	f.stop = stop
	s.mutex.Lock()
	s.followed[id] = f
	s.mutex.Unlock()
	s.wake()
	return nil
}

func (s *chats) wake() {
	select {
	case s.ready <- struct{}{}:
	default:
	}
}

// drop stops following a chat, if it is followed.
func (s *chats) drop(id contact.ID) {
	s.mutex.Lock()
	f := s.followed[id]
	delete(s.followed, id)
	s.mutex.Unlock()
	if f != nil {
		f.end()
	}
}

func (s *chats) dropAll() {
	for _, f := range s.list() {
		s.drop(f.of)
	}
}

func (s *chats) list() []*followed {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	list := make([]*followed, 0, len(s.followed))
	for _, f := range s.followed {
		list = append(list, f)
	}
	return list
}

// take returns up to a batch of the lines that wait.
func (f *followed) take() []contact.KeptLine {
	var lines []contact.KeptLine
	for len(lines) < chatBatch {
		select {
		case line := <-f.lines:
			lines = append(lines, line)
		default:
			return lines
		}
	}
	return lines
}

// chatOf returns whether the agent has the contact, and it is a chat.
func (c *console) chatOf(id contact.ID) error {
	view, has := c.ui.board.Has(c.agent, id)
	switch {
	case !has:
		return errNotYours
	case view.Contact.Channel != contact.Chat:
		return errInvalid
	}
	return nil
}

// followChat sends the lines of a chat from now on.
func (c *console) followChat(ctx context.Context, r Request) error {
	if err := c.chatOf(r.Contact); err != nil {
		return err
	}
	return c.chats.follow(ctx, c.life, c.ui.config.Conversations, r.Contact, r.After)
}

// sendChat writes a line. It is in the stream when the reply is sent; sent again, it is
// there once.
func (c *console) sendChat(ctx context.Context, r Request) error {
	n := utf8.RuneCountInString(r.Text)
	if _, err := uuid.Parse(r.Message); err != nil || len(r.Message) != maxUUID || strings.TrimSpace(r.Text) == "" ||
		n > contact.MaxChatText || strings.ContainsRune(r.Text, 0) {
		return errInvalid
	}
	if err := c.chatOf(r.Contact); err != nil {
		return err
	}
	view, _ := c.ui.board.Has(c.agent, r.Contact)
	if view.State != contact.StateConnected {
		return errWrongState
	}
	_, err := c.ui.config.Conversations.Append(ctx, r.Contact, contact.ChatLine{
		ID: r.Message, From: contact.PartyAgent, Kind: contact.ChatText, Text: r.Text,
		At: c.ui.instant(), Agent: c.agent,
	})
	if err != nil || view.Answered != 0 {
		return err
	}
	// The first line is the contact's answer. Without the queue's word the console sends it
	// again; a no of the queue changes nothing for the visitor, who has read it.
	err = c.ui.config.Commands.Send(ctx, contact.Reply{Contact: r.Contact, Agent: c.agent})
	if code := errorCode(err); code != "" && code != codeUnavailable {
		c.log.Warn().Str("contact", string(r.Contact)).Str("code", code).Msg("the queue did not take the answer of a chat")
		return nil
	}
	return err
}

// maxUUID is the length of a UUID as text.
const maxUUID = 36

// sendChats sends a batch of the lines of each chat that wait, and stops following what the
// agent has no more.
func (c *console) sendChats() error {
	for _, f := range c.chats.list() {
		if _, has := c.ui.board.Has(c.agent, f.of); !has {
			c.chats.drop(f.of)
			continue
		}
		lines := f.take()
		if len(lines) == 0 {
			continue
		}
		if err := c.send(Message{Chat: &ChatLines{Contact: f.of, Lines: lines}}); err != nil {
			return err
		}
		if len(f.lines) > 0 {
			c.chats.wake()
		}
	}
	return nil
}
