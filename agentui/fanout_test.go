package agentui

import (
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"svar/contact"
	"svar/identity"
	"svar/queue/bus"
)

// fanOut is a desk with so many consoles and contacts. Each console reads from its first moment
// on: one that does not answers no pings and is closed, however slow the machine is.
func fanOut(tb testing.TB, consoles, contacts int, read func(*websocket.Conn)) *wire {
	tb.Helper()
	w := newWorld(tb)
	for i := range contacts {
		view := waitingContact(contact.ID(fmt.Sprintf("c%05d", i)), "staff", contact.Instant(i+1))
		view.Callback = i < maxCallbacks
		w.personal.by[view.Contact.ID] = contact.Personal{Number: numberKnown}
		w.queue.view.Contacts = append(w.queue.view.Contacts, view)
	}
	for i := range consoles {
		name := fmt.Sprintf("agent%04d", i)
		w.accounts.set(identity.Account{Name: name, DisplayName: name, Role: identity.Agent, Active: true})
		w.queue.view.Agents = append(w.queue.view.Agents, bus.AgentView{Agent: contact.AgentID(name), Presence: contact.Ready, Reachable: true})
	}
	listener, err := (&net.ListenConfig{}).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	n := w.run().serve(listener)
	for i := range consoles {
		socket, _, err := n.connect(n.token(fmt.Sprintf("agent%04d", i)), window(""), nil)
		if err != nil {
			tb.Fatal(err)
		}
		// The usual answer to a ping is given up after a second, and nothing more is read then: that is a busy machine's fault.
		socket.SetPingHandler(func(text string) error { return socket.WriteControl(websocket.PongMessage, []byte(text), time.Time{}) })
		tb.Cleanup(func() { socket.Close() })
		go read(socket)
	}
	return n
}

// zammad#3299: one change reaches all of 1,000 consoles, and what they share is made once.
func TestOneChangeReachesAThousandConsoles(t *testing.T) {
	const consoles = 1000
	seen := make(chan error, consoles)
	n := fanOut(t, consoles, 200, func(socket *websocket.Conn) {
		for shown := false; ; {
			var m Message
			if err := socket.ReadJSON(&m); err != nil {
				if !shown { // afterwards it is the test's end
					seen <- err
				}
				return
			}
			if !shown && m.State != nil && m.State.Waiting[1].Waiting == 1 && len(m.State.Callbacks) == maxCallbacks {
				shown = true
				seen <- nil
			}
		}
	})
	n.queue.contacts(waitingContact("newest", "pupils", 1))
	for range consoles {
		if err := <-seen; err != nil {
			t.Fatal(err)
		}
	}
	n.personal.mutex.Lock()
	defer n.personal.mutex.Unlock()
	if n.personal.reads != maxCallbacks {
		t.Errorf("%d callers were read for 1,000 consoles; want %d", n.personal.reads, maxCallbacks)
	}
}

// BenchmarkState is the cost of what is shown: one change, seen by 1,000 consoles.
func BenchmarkState(b *testing.B) {
	w := newWorld(b)
	var change bus.Change
	for i := range 500 {
		change.Contacts = append(change.Contacts, waitingContact(contact.ID(fmt.Sprintf("c%05d", i)), "staff", 1))
	}
	var agents []contact.AgentID
	for i := range 1000 {
		agents = append(agents, contact.AgentID(fmt.Sprintf("agent%04d", i)))
		change.Agents = append(change.Agents, bus.AgentView{Agent: agents[i], Presence: contact.Ready})
	}
	w.ui.board.merge(change)
	b.ReportAllocs()
	for b.Loop() {
		w.ui.board.merge(bus.Change{Contacts: change.Contacts[:1]})
		for _, agent := range agents {
			w.ui.states.state(b.Context(), agent)
		}
	}
}

// BenchmarkFanOut is one change until it has reached all of 1,000 consoles over TCP, the
// consoles' own reading included.
func BenchmarkFanOut(b *testing.B) {
	const consoles = 1000
	got := make(chan int, 10*consoles)
	n := fanOut(b, consoles, 200, func(socket *websocket.Conn) {
		for {
			_, data, err := socket.ReadMessage()
			if err != nil {
				return
			}
			got <- len(data)
		}
	})
	for range 2 * consoles { // hello and the first state
		<-got
	}
	time.Sleep(stateEvery)
	for b.Loop() {
		n.queue.contacts(waitingContact("newest", "pupils", 1))
		for range consoles {
			<-got
		}
		b.StopTimer()
		time.Sleep(stateEvery) // so that the pause between states is not measured
		b.StartTimer()
	}
}
