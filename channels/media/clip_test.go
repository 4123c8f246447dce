package media_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-audio/audio"
	"github.com/go-audio/wav"

	"svar/channels/media"
	"svar/channels/media/mediatest"
)

// writeWAV makes a file with a sine of −15 dBFS in every channel.
func writeWAV(t *testing.T, rate, depth, channels int, frequency float64) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tone.wav")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	encoder := wav.NewEncoder(file, rate, depth, channels, 1)
	buffer := &audio.IntBuffer{Format: &audio.Format{NumChannels: channels, SampleRate: rate}, SourceBitDepth: depth}
	amplitude := math.Pow(10, -15.0/20) * math.Sqrt2
	for i := range rate { // one second
		value := amplitude * math.Sin(2*math.Pi*frequency*float64(i)/float64(rate))
		sample := int(value * float64(int64(1)<<(depth-1)-1))
		if depth == 8 {
			sample = int(128 + value*127)
		}
		for range channels {
			buffer.Data = append(buffer.Data, sample)
		}
	}
	if err := encoder.Write(buffer); err != nil {
		t.Fatal(err)
	}
	if err := encoder.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestAnyWAVBecomesAClip(t *testing.T) {
	t.Parallel()
	for _, rate := range []int{8000, 11025, 16000, 22050, 24000, 32000, 44100, 48000, 8001, 47999} {
		for _, form := range [][2]int{{16, 1}, {16, 2}, {8, 1}, {24, 2}, {32, 1}} {
			depth, channels := form[0], form[1]
			t.Run(fmt.Sprintf("%d Hz %d bits %d channels", rate, depth, channels), func(t *testing.T) {
				t.Parallel()
				clip, err := media.LoadWAV(writeWAV(t, rate, depth, channels, 1000))
				if err != nil {
					t.Fatal(err)
				}
				if difference := clip.Duration() - time.Second; difference.Abs() > time.Millisecond {
					t.Errorf("duration %s", clip.Duration())
				}
				verdict := mediatest.Listen(clip.Samples(), media.ClipRate, 1000)
				if verdict.Toned != 50 || math.Abs(verdict.Level+15) > 0.2 {
					t.Errorf("%s", verdict)
				}
			})
		}
	}
}

// Most programs write a name or a date before or after the sound.
func TestWAVWithOtherPartsIsRead(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(writeWAV(t, 16000, 16, 1, 800))
	if err != nil {
		t.Fatal(err)
	}
	list := []byte("LIST\x1a\x00\x00\x00INFOISFT\x0e\x00\x00\x00Lavf60.16.100\x00")
	odd := []byte("junk\x03\x00\x00\x00abc\x00")
	mixed := slices.Concat(data[:36], list, odd, data[36:], list)
	clip, err := media.ReadWAV(bytes.NewReader(mixed))
	if err != nil {
		t.Fatal(err)
	}
	if verdict := mediatest.Listen(clip.Samples(), media.ClipRate, 800); verdict.Toned != 50 || clip.Duration() != time.Second {
		t.Fatalf("%s in %s", verdict, clip.Duration())
	}
}

func TestClipSurvivesItsFile(t *testing.T) {
	t.Parallel()
	clip := mediatest.Tone(900, time.Second)
	path := filepath.Join(t.TempDir(), "clip.wav")
	if err := clip.SaveWAV(path); err != nil {
		t.Fatal(err)
	}
	again, err := media.LoadWAV(path)
	if err != nil {
		t.Fatal(err)
	}
	for i, sample := range clip.Samples() {
		if again.Samples()[i] != sample {
			t.Fatalf("sample %d differs", i)
		}
	}
	if err := clip.SaveWAV(filepath.Join(t.TempDir(), "missing", "clip.wav")); !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
}

func TestUnusableSoundsAreRefusedInPlainWords(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	good, err := os.ReadFile(writeWAV(t, 16000, 16, 1, 500))
	if err != nil {
		t.Fatal(err)
	}
	changed := func(offset int, value ...byte) []byte {
		data := bytes.Clone(good)
		copy(data[offset:], value)
		return data
	}
	rate := func(value uint32) []byte { return binary.LittleEndian.AppendUint32(nil, value) }
	for name, data := range map[string][]byte{
		"empty":         nil,
		"text":          []byte("this is not a WAV file, but it is long enough to be one"),
		"cut off":       good[:30],
		"other format":  changed(20, 3),
		"no channels":   changed(22, 0, 0),
		"many channels": changed(22, 200, 0),
		"odd depth":     changed(34, 12),
		"rate too low":  changed(24, rate(4000)...),
		"rate too high": changed(24, rate(192000)...),
		"without sound": good[:44],
	} {
		path := filepath.Join(directory, strings.ReplaceAll(name, " ", "-"))
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := media.LoadWAV(path); !errors.Is(err, media.ErrSound) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := media.LoadWAV(filepath.Join(directory, "missing")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing: %v", err)
	}
	if _, err := media.NewClip(nil, 16000); !errors.Is(err, media.ErrSound) {
		t.Errorf("no samples: %v", err)
	}
	if _, err := media.NewClip(make([]int16, 601*8000), 8000); !errors.Is(err, media.ErrSound) {
		t.Errorf("too long: %v", err)
	}
}

// What lies above half the lower rate must not come back as another tone.
func TestEncodingCutsWhatATelephoneCanNotCarry(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		frequency, want, tolerance float64
	}{
		{300, -15, 0.2}, {1000, -15, 0.2}, {3000, -15, 0.2}, {3400, -15, 0.5},
	} {
		payload := mediatest.Tone(test.frequency, time.Second).Encoded(media.PCMA)
		verdict := mediatest.Listen(mediatest.Decode(media.PCMA, payload), 8000, test.frequency)
		if math.Abs(verdict.Level-test.want) > test.tolerance {
			t.Errorf("%.0f Hz: %s", test.frequency, verdict)
		}
	}
	for _, frequency := range []float64{4100, 4600, 5000, 6000, 7500} {
		samples := mediatest.Decode(media.PCMU, mediatest.Tone(frequency, time.Second).Encoded(media.PCMU))
		sum := 0.0
		for _, sample := range samples[400 : len(samples)-400] { // a tone that begins abruptly has other parts
			sum += float64(sample) * float64(sample) / 32768 / 32768
		}
		if level := 10 * math.Log10(sum/float64(len(samples)-800)+1e-12); level > -70 {
			t.Errorf("%.0f Hz comes back at %.1f dBFS", frequency, level)
		}
	}
}

func TestAClipIsEncodedOnce(t *testing.T) {
	t.Parallel()
	clip := mediatest.Tone(500, time.Second)
	first, second := clip.Encoded(media.PCMA), clip.Encoded(media.PCMA)
	if &first[0] != &second[0] || len(first) != 8000 {
		t.Fatal("encoded twice")
	}
	if clip.Encoded(0) != nil {
		t.Fatal("encoded in no codec")
	}
}

func TestCodecsAreFoundByName(t *testing.T) {
	t.Parallel()
	for _, codec := range []media.Codec{media.PCMA, media.PCMU} {
		if found, ok := media.CodecByName(codec.Name()); !ok || found != codec || codec.ClockRate() != 8000 || codec.SampleRate() != 8000 {
			t.Errorf("%s", codec)
		}
	}
	if _, ok := media.CodecByName("opus"); ok {
		t.Error("opus")
	}
}

func FuzzReadWAV(f *testing.F) {
	clip := mediatest.Tone(500, 20*time.Millisecond)
	path := filepath.Join(f.TempDir(), "clip.wav")
	if err := clip.SaveWAV(path); err != nil {
		f.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add(data[:50])
	f.Fuzz(func(t *testing.T, data []byte) {
		clip, err := media.ReadWAV(bytes.NewReader(data))
		if err == nil && clip.Duration() == 0 {
			t.Fatal("a clip without sound")
		}
	})
}
