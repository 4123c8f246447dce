package media

import (
	"math"
	"os"
	"testing"
	"time"
)

func TestMusicIsCalmAndSeamless(t *testing.T) {
	t.Parallel()
	begin := time.Now()
	clip := Music()
	t.Logf("made in %s", time.Since(begin))
	if directory := os.Getenv("MUSIC_DIR"); directory != "" {
		if err := clip.SaveWAV(directory + "/music.wav"); err != nil {
			t.Fatal(err)
		}
	}
	if clip.Duration() != 12*time.Second {
		t.Fatalf("duration %s", clip.Duration())
	}
	samples := toFloat(clip.samples)
	t.Logf("level %.1f peak %.1f", level(samples), 20*math.Log10(peak(samples)))
}
