package bus

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/nats-io/nats.go"

	"svar/contact"
)

func TestControlTellsTheOutcome(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	console, node := connect(t, s), connect(t, s)
	during(t)(node.ServeControls("node.1*", func(c Control, done func(error)) {
		switch c.Kind {
		case ControlHold:
			done(nil)
		case ControlVoice:
			done(fmt.Errorf("renew: %w", &contact.Rejection{Code: contact.VoiceElsewhere}))
		default:
			done(errors.New("32 keys wait"))
		}
	}))
	if err := console.Control(testContext(t), "node.1*", Control{Kind: ControlHold, Agent: "anna", Contact: "c1"}); err != nil {
		t.Error(err)
	}
	err := console.Control(testContext(t), "node.1*", Control{Kind: ControlVoice, Console: "window-1"})
	if rejection := (*contact.Rejection)(nil); !errors.As(err, &rejection) || rejection.Code != contact.VoiceElsewhere {
		t.Errorf("got %v", err)
	}
	err = console.Control(testContext(t), "node.1*", Control{Kind: ControlKey, Key: "5"})
	if fault := (*Fault)(nil); !errors.As(err, &fault) || fault.Text != "32 keys wait" {
		t.Errorf("got %v", err)
	}
}

// An answer may come later than the next question, as calls answer each in its own time.
func TestControlsAreAnsweredInAnyOrder(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	console, node := connect(t, s), connect(t, s)
	held := make(chan func(error), 1)
	during(t)(node.ServeControls("node-1", func(c Control, done func(error)) {
		if c.Kind == ControlHold {
			held <- done
			return
		}
		done(nil)
	}))
	first := make(chan error, 1)
	go func() { first <- console.Control(context.Background(), "node-1", Control{Kind: ControlHold}) }()
	answer := <-held
	if err := console.Control(testContext(t), "node-1", Control{Kind: ControlHangUp}); err != nil {
		t.Error(err)
	}
	answer(&contact.Rejection{Code: contact.WrongState})
	if rejection := (*contact.Rejection)(nil); !errors.As(<-first, &rejection) || rejection.Code != contact.WrongState {
		t.Error("the first was not answered by its own outcome")
	}
}

// A node that is gone, silent or not meant: the asker learns it, and does not ask again by
// itself. What an agent does with a call happens now or not at all.
func TestControlWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	console, node := connect(t, s), connect(t, s)
	asked := make(chan struct{}, 2)
	during(t)(node.ServeControls("node-1", func(Control, func(error)) { asked <- struct{}{} }))
	if err := console.Control(testContext(t), "node-2", Control{Kind: ControlHold}); !errors.Is(err, nats.ErrNoResponders) {
		t.Errorf("a node that is not there: %v", err)
	}
	ctx, cancel := context.WithCancel(testContext(t))
	silent := make(chan error, 1)
	go func() { silent <- console.Control(ctx, "node-1", Control{Kind: ControlHold}) }()
	<-asked
	cancel()
	if err := <-silent; !errors.Is(err, context.Canceled) {
		t.Errorf("a node that is silent: %v", err)
	}
	if len(asked) != 0 {
		t.Error("it was asked twice")
	}
}

func TestUnreadableControlsAreRejected(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	console, node := connect(t, s), connect(t, s)
	during(t)(node.ServeControls("node-1", func(c Control, done func(error)) {
		t.Errorf("%+v was carried out", c)
		done(nil)
	}))
	for _, bad := range []string{"", "hello", "[]", `{"kind":"hold","agent":"anna","unknown":1}`, `{"kind":7}`, `{"kind":"hold"}{}`} {
		answer, err := console.conn.RequestWithContext(testContext(t), controlSubject("node-1"), []byte(bad))
		if err != nil {
			t.Fatalf("%q: %v", bad, err)
		}
		if rejection := (*contact.Rejection)(nil); !errors.As(readReply(answer), &rejection) || rejection.Code != contact.Invalid {
			t.Errorf("%q was answered %s", bad, answer.Data)
		}
	}
	if err := console.Control(testContext(t), "node-1", Control{Console: tooLong()}); !errors.Is(err, ErrTooLarge) {
		t.Errorf("got %v, want %v", err, ErrTooLarge)
	}
}

// The key that was pressed stands in no error: it may be part of a secret.
func TestErrorOfAControlTellsNoKey(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	console := connect(t, s)
	err := console.Control(testContext(t), "node-1", Control{Kind: ControlKey, Agent: "anna", Contact: "c1", Key: "#"})
	if err == nil || bytes.ContainsRune([]byte(err.Error()), '#') {
		t.Errorf("got %v", err)
	}
}
