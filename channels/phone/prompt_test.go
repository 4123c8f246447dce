package phone

import (
	"testing"

	"svar/channels"
	"svar/channels/media"
)

// An outage message has words of its own: the catalogue's under its name are not said.
func TestATextIsSaidInsteadOfTheCatalogue(t *testing.T) {
	t.Parallel()
	s := serve(t)
	p := newPeer(t, "UDP", s.Address())
	a := s.connect(t, p.call())
	prompter := a.leg.(channels.Prompter)
	for _, text := range []string{"", "music"} {
		if err := prompter.Loop(channels.Prompt{Name: "welcome", Language: "sv", Text: text}); err != nil {
			t.Fatalf("text %q: %v", text, err)
		}
		want := map[string]float64{"": 440, "music": 620}[text]
		if err := await(t, heard(t.Context(), p, media.PCMU, want), "tone"); err != nil {
			t.Errorf("text %q: %v", text, err)
		}
	}
	if err := prompter.Play(t.Context(), channels.Prompt{Name: "welcome", Language: "sv", Text: "unspeakable"}); err == nil {
		t.Error("a text without sound was played")
	}
}
