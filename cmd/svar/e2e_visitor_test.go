package main

import (
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/websocket"

	"svar/channels/chat"
	"svar/contact"
)

// The messages of a chat's page, as package chat documents them. They are written down here
// once more, because a page knows nothing of the server's types.
type (
	pageRequest struct {
		Hello *pageHello `json:"hello,omitempty"`
		Send  *pageLine  `json:"send,omitempty"`
		End   *struct{}  `json:"end,omitempty"`
		Leave *pageLeave `json:"leave,omitempty"`
	}
	pageHello struct {
		Topic    contact.LineID `json:"topic"`
		Language string         `json:"language"`
		Resume   string         `json:"resume,omitempty"`
		After    uint64         `json:"after,omitempty"`
		Follows  string         `json:"follows,omitempty"`
	}
	pageLine struct {
		ID   string `json:"id"`
		Text string `json:"text"`
	}
	pageLeave struct {
		ID      string `json:"id"`
		Text    string `json:"text"`
		Name    string `json:"name,omitempty"`
		Address string `json:"address,omitempty"`
	}
	pageMessage struct {
		Welcome *struct {
			Token   string `json:"token"`
			Resumed bool   `json:"resumed"`
		} `json:"welcome"`
		Desk *struct {
			Open    bool `json:"open"`
			Notices []struct {
				ID   contact.NoticeID `json:"id"`
				Text string           `json:"text"`
			} `json:"notices"`
		} `json:"desk"`
		Lines []contact.KeptLine `json:"lines"`
		State string             `json:"state"`
		Ack   *struct {
			ID       string `json:"id"`
			Sequence uint64 `json:"sequence"`
		} `json:"ack"`
		Left *struct {
			ID     string               `json:"id"`
			Ticket contact.TicketNumber `json:"ticket"`
		} `json:"left"`
		Refused *struct {
			Code string `json:"code"`
			ID   string `json:"id"`
		} `json:"refused"`
	}
)

// shownChat is what a visitor's page shows.
type shownChat struct {
	Token   string
	Resumed bool
	Open    bool
	Banner  []string
	Lines   []contact.KeptLine
	State   string
	Acks    map[string]uint64
	Left    map[string]contact.TicketNumber
	Refused map[string]string
	Lost    bool
}

// texts are what has been said by a party.
func (s shownChat) texts(from contact.Party, kind contact.ChatKind) []string {
	var out []string
	for _, line := range s.Lines {
		if line.From == from && line.Kind == kind {
			out = append(out, line.Text)
		}
	}
	return out
}

// visitor is a visitor's page with a chat.
type visitor struct {
	t       testing.TB
	socket  *websocket.Conn
	writing sync.Mutex
	reading sync.WaitGroup

	mutex   sync.Mutex
	shown   shownChat
	changed chan struct{}
}

// visit opens a chat's page about a topic.
func visit(t testing.TB, web string, topic contact.LineID) *visitor {
	t.Helper()
	v, err := openPage(t, web, pageHello{Topic: topic, Language: "sv"})
	if err != nil {
		t.Fatalf("open a chat: %v", err)
	}
	v.wait("welcome", func(s shownChat) bool { return s.Token != "" })
	return v
}

// openPage opens a page and says hello.
func openPage(t testing.TB, web string, hello pageHello) (*visitor, error) {
	dial := net.Dialer{LocalAddr: &net.TCPAddr{IP: nextAddress().AsSlice()}}
	dialer := websocket.Dialer{NetDialContext: dial.DialContext, HandshakeTimeout: patience}
	address := "ws" + strings.TrimPrefix(web, "http") + fmt.Sprintf("/chat/socket?protocol=%d", chat.ProtocolVersion)
	socket, response, err := dialer.DialContext(t.Context(), address, http.Header{"Origin": {web}})
	if err != nil {
		return nil, err
	}
	_ = response.Body.Close()
	v := &visitor{t: t, socket: socket, changed: make(chan struct{}), shown: shownChat{
		Acks: map[string]uint64{}, Left: map[string]contact.TicketNumber{}, Refused: map[string]string{},
	}}
	v.reading.Go(v.read)
	t.Cleanup(v.close)
	v.say(pageRequest{Hello: &hello})
	return v, nil
}

func (v *visitor) close() {
	_ = v.socket.Close()
	v.reading.Wait()
}

func (v *visitor) read() {
	for {
		var m pageMessage
		err := v.socket.ReadJSON(&m)
		v.mutex.Lock()
		if err != nil {
			v.shown.Lost = true
		} else {
			v.take(m)
		}
		close(v.changed)
		v.changed = make(chan struct{})
		v.mutex.Unlock()
		if err != nil {
			return
		}
	}
}

// take shows what came. The mutex is held.
func (v *visitor) take(m pageMessage) {
	s := &v.shown
	switch {
	case m.Welcome != nil:
		s.Token, s.Resumed = m.Welcome.Token, m.Welcome.Resumed
	case m.Desk != nil:
		s.Open, s.Banner = m.Desk.Open, nil
		for _, notice := range m.Desk.Notices {
			s.Banner = append(s.Banner, notice.Text)
		}
	case m.Ack != nil:
		s.Acks[m.Ack.ID] = m.Ack.Sequence
	case m.Left != nil:
		s.Left[m.Left.ID] = m.Left.Ticket
	case m.Refused != nil:
		s.Refused[m.Refused.ID] = m.Refused.Code
	case m.State != "":
		s.State = m.State
	}
	s.Lines = append(s.Lines, m.Lines...)
}

// copied is what the page shows now, to be kept.
func (v *visitor) copied() (shownChat, <-chan struct{}) {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	s := v.shown
	s.Lines, s.Banner = slices.Clone(s.Lines), slices.Clone(s.Banner)
	s.Acks, s.Left, s.Refused = cloned(s.Acks), cloned(s.Left), cloned(s.Refused)
	return s, v.changed
}

func cloned[V any](of map[string]V) map[string]V {
	out := make(map[string]V, len(of))
	for key, value := range of {
		out[key] = value
	}
	return out
}

func (v *visitor) say(r pageRequest) {
	v.writing.Lock()
	defer v.writing.Unlock()
	_ = v.socket.WriteJSON(r) // who waits for the answer sees that the socket is lost
}

// wait waits until the page shows what is asked for.
func (v *visitor) wait(what string, is func(shownChat) bool) shownChat {
	v.t.Helper()
	late := time.After(patience)
	for {
		shown, changed := v.copied()
		if is(shown) {
			return shown
		}
		if shown.Lost {
			v.t.Fatalf("the chat's socket was lost before it showed %s: %s", what, asJSON(shown))
		}
		select {
		case <-changed:
		case <-late:
			v.t.Fatalf("the chat never showed %s: %s", what, asJSON(shown))
		}
	}
}

// Write sends a line and waits until it is acknowledged.
func (v *visitor) Write(text string) {
	v.t.Helper()
	id := uuid.NewString()
	v.say(pageRequest{Send: &pageLine{ID: id, Text: text}})
	v.wait("the acknowledgement of "+text, func(s shownChat) bool {
		if code := s.Refused[id]; code != "" {
			v.t.Fatalf("the line was refused: %s", code)
		}
		return s.Acks[id] > 0
	})
}

// Leave leaves a text without a chat, and returns the number of its ticket.
func (v *visitor) Leave(text, name, address string) contact.TicketNumber {
	v.t.Helper()
	id := uuid.NewString()
	v.say(pageRequest{Leave: &pageLeave{ID: id, Text: text, Name: name, Address: address}})
	return v.wait("the number of the ticket", func(s shownChat) bool {
		if code := s.Refused[id]; code != "" {
			v.t.Fatalf("the text was refused: %s", code)
		}
		return s.Left[id] != ""
	}).Left[id]
}
