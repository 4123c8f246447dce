package switchboard_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"svar/channels/media"
	"svar/channels/switchboard"
	"svar/contact"
)

// A caller who repeats the INVITE that the process before this one had not answered is not
// turned away because this one takes contacts a moment later.
func TestContactThatComesWhileTheNodeStartsWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pacer, d := media.NewPacer(), &dispatcher{}
		board, err := switchboard.New(switchboard.Config{
			Node: "node-a", Lines: lines(), Dispatcher: d, Personal: &personal{}, Callers: callers{}, Agents: &endpoint{pacer: pacer},
			Notices: &notices{changed: make(chan struct{})}, Hours: hours(), Now: time.Now, Log: zerolog.Nop(),
		})
		if err != nil {
			t.Fatal(err)
		}
		taken := make(chan error, 1)
		go func() {
			c := contact.Contact{ID: "c1", Channel: contact.Voice, Line: "staff", Arrived: 1}
			taken <- board.Arrive(context.Background(), c, contact.Personal{}, newLeg(pacer, "l"))
		}()
		synctest.Wait()
		select {
		case err := <-taken:
			t.Fatalf("it did not wait: %v", err)
		default:
		}
		if err := board.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := <-taken; err != nil {
			t.Errorf("it was turned away: %v", err)
		}
		if !slices.ContainsFunc(d.sent(), func(c contact.Command) bool { _, is := c.(contact.Arrive); return is }) {
			t.Error("it is not on record")
		}
		if err := board.Close(context.Background()); err != nil {
			t.Error(err)
		}
		if err := pacer.Close(); err != nil {
			t.Error(err)
		}
	})
}
