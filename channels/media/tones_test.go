package media_test

import (
	"testing"

	"svar/channels/media"
	"svar/channels/media/mediatest"
)

func TestRingbackIsTheSwedishRingingTone(t *testing.T) {
	t.Parallel()
	sound := media.Ringback().Encoded(media.PCMA)
	const second = 8000
	if len(sound) != 6*second {
		t.Fatalf("the loop has %d samples, want six seconds", len(sound))
	}
	var payloads [][]byte
	for i := 0; i < second; i += 160 {
		payloads = append(payloads, sound[i:i+160])
	}
	if heard := mediatest.ListenPayloads(media.PCMA, payloads, 425); !heard.Heard() {
		t.Errorf("no tone of 425 Hz in the first second: %s", heard)
	}
	quiet := mediatest.Decode(media.PCMA, sound[second+80:])
	for i, sample := range quiet {
		if sample > 100 || sample < -100 {
			t.Fatalf("sample %d of the pause is %d", i, sample)
		}
	}
}
