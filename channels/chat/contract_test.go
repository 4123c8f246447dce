package chat

import (
	"testing"

	"svar/channels"
	"svar/channels/channeltest"
)

var (
	_ channels.Gateway     = (*Gateway)(nil)
	_ channels.LegRestorer = (*Gateway)(nil)
	_ channels.Leg         = (*leg)(nil)
	_ channels.Prompter    = (*leg)(nil)
	_ channels.Texting     = (*leg)(nil)
)

// visitorParty ends its chat by its button.
type visitorParty struct{ page *page }

func (p visitorParty) HangUp() { p.page.say(request{End: &struct{}{}}) }

func TestLegKeepsTheContract(t *testing.T) {
	t.Parallel()
	channeltest.TestLeg(t, func(t *testing.T) channeltest.Fixture {
		t.Helper()
		w := newWorld(t)
		p := w.serve().visit()
		p.send("Hej")
		return channeltest.Fixture{
			Leg: w.arrived().leg, Party: visitorParty{p}, Patience: patience,
			Short: channels.Prompt{Name: "short", Language: "sv"},
		}
	})
}
