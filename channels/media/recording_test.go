package media_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"svar/channels/media"
	"svar/channels/media/mediatest"
)

// sides are both channels of a recording, as any player would read them: as long as the header says.
func sides(t *testing.T, path string) (left, right []int16) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	size := binary.LittleEndian.Uint32(data[40:])
	if string(data[:4]) != "RIFF" || string(data[8:16]) != "WAVEfmt " || string(data[36:40]) != "data" ||
		binary.LittleEndian.Uint32(data[4:]) != 36+size || int(size) > len(data)-44 ||
		!bytes.Equal(data[16:36], []byte{16, 0, 0, 0, 1, 0, 2, 0, 0x40, 0x1F, 0, 0, 0, 0x7D, 0, 0, 4, 0, 16, 0}) {
		t.Fatalf("header % x of %d octets", data[:44], len(data))
	}
	for frame := data[44 : 44+size]; len(frame) >= 4; frame = frame[4:] {
		left = append(left, int16(binary.LittleEndian.Uint16(frame)))
		right = append(right, int16(binary.LittleEndian.Uint16(frame[2:])))
	}
	return left, right
}

// recorded is a talk of two that is recorded.
type recorded struct {
	user, agent, boss *member
	conference        *media.Conference
	recording         *media.Recording
	path              string
}

func record(t *testing.T) recorded {
	t.Helper()
	pacer := newPacer(t)
	r := recorded{
		user: newMember(t, pacer, formatA, 600), agent: newMember(t, pacer, formatU, 1000), boss: newMember(t, pacer, formatU, 2100),
		conference: newConference(t, pacer), path: filepath.Join(t.TempDir(), "talk.wav"),
	}
	var err error
	if r.recording, err = media.NewRecording(r.path); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = r.recording.Close() })
	join(t, r.conference, r.user, media.User, everybody)
	join(t, r.conference, r.agent, media.Agent, everybody)
	r.conference.Record(r.recording)
	return r
}

// tones are those of both parties and the supervisor in a sound, as u, a and s.
func tones(samples []int16) (heard string) {
	for _, tone := range []struct {
		name      string
		frequency float64
	}{{"u", 600}, {"a", 1000}, {"s", 2100}} {
		if mediatest.ToneLevel(samples, 8000, tone.frequency) > -20 {
			heard += tone.name
		}
	}
	return heard
}

func TestRecordingHasTheUserOnTheLeftAndTheOthersOnTheRight(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := record(t)
		talk(t, 100, r.user, r.agent)
		for _, story := range []struct {
			heardBy media.Kind
			right   string
		}{{media.Agent, "a"}, {everybody, "as"}} {
			join(t, r.conference, r.boss, media.Supervisor, story.heardBy)
			talk(t, 100, r.user, r.agent, r.boss)
			left, right := sides(t, r.path)
			if got := tones(left[len(left)-4000:]); got != "u" {
				t.Errorf("left: %q", got)
			}
			if got := tones(right[len(right)-4000:]); got != story.right {
				t.Errorf("a supervisor heard by %03b: right: %q", story.heardBy, got)
			}
		}
		r.conference.Record(nil)
		told, err := r.recording.Close()
		if err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(r.path)
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(data)
		left, _ := sides(t, r.path)
		if told.Bytes != int64(len(data)) || told.SHA256 != hex.EncodeToString(sum[:]) || told.Lost != 0 ||
			told.Length != time.Duration(len(left))*time.Second/8000 || told.Length < 5900*time.Millisecond || told.Length > 6*time.Second {
			t.Errorf("%+v of %d octets", told, len(data))
		}
		if again, err := r.recording.Close(); again != told || err != nil {
			t.Errorf("closed again: %+v, %v", again, err)
		}
		if clip, err := media.LoadWAV(r.path); err != nil || clip.Duration() != told.Length {
			t.Errorf("not readable: %v", err)
		}
	})
}

// What is on the disk can be played at any moment: nothing else may come to save it.
func TestRecordingIsWholeAfterACrash(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := record(t)
		for second := range 4 {
			talk(t, 50, r.user, r.agent)
			synctest.Wait()
			left, right := sides(t, r.path)
			if len(left) != len(right) || len(left) < second*8000 || len(left) > (second+1)*8000 {
				t.Errorf("%d samples after %d s", len(left), second+1)
			}
		}
		if info, err := os.Stat(r.path); err != nil || info.Mode() != 0o600 {
			t.Errorf("%v, %v", info.Mode(), err)
		}
	})
}

func TestRecordingPauses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := record(t)
		talk(t, 100, r.user, r.agent)
		r.recording.Pause()
		talk(t, 200, r.user, r.boss)
		r.recording.Resume()
		talk(t, 100, r.user, r.agent)
		told, err := r.recording.Close()
		if err != nil || told.Length < 3900*time.Millisecond || told.Length > 4*time.Second {
			t.Errorf("%+v, %v", told, err)
		}
		_, right := sides(t, r.path)
		for second := range 4 {
			if got := tones(right[second*7800+800 : (second+1)*7800]); got != "a" {
				t.Errorf("second %d: %q", second, got)
			}
		}
	})
}

func TestRecordingHoldsNoKeys(t *testing.T) {
	t.Parallel()
	for _, key := range []byte(keys) {
		t.Run(string(key), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := record(t)
				// The sound of a key, in the caller's voice, after a quarter of a frame.
				sink := &wire{}
				telephone := media.NewStream(newPacer(t), sink)
				defer func() { _ = telephone.Close() }()
				if err := telephone.Start(media.Format{Codec: media.PCMA, PayloadType: 8}); err != nil {
					t.Fatal(err)
				}
				if err := telephone.Press(key); err != nil {
					t.Fatal(err)
				}
				time.Sleep(200 * time.Millisecond)
				sound := bytes.Repeat([]byte{0xD5}, 40)
				for _, packet := range sink.all() {
					sound = append(sound, packet.payload...)
				}
				talk(t, 100, r.user, r.agent)
				for len(sound) >= 160 {
					packet := r.user.next()
					packet.Payload, sound = sound[:160], sound[160:]
					if err := r.user.Receive(packet); err != nil {
						t.Fatal(err)
					}
					r.agent.say(t)
					time.Sleep(media.FrameDuration)
				}
				talk(t, 100, r.user, r.agent)
				if _, err := r.recording.Close(); err != nil {
					t.Fatal(err)
				}
				left, right := sides(t, r.path)
				silent := 0
				for begin := 0; begin+160 <= len(left); begin += 160 {
					user := tones(left[begin:begin+160]) == "u"
					begins := begin+320 <= len(left) && tones(left[begin+160:begin+320]) == "u" // within this frame, after the key's pause
					loud := !quiet(left[begin : begin+160])
					if loud && !user && !begins && begin > 4000 {
						t.Errorf("%d ms: neither the user's tone nor silence", begin/8)
					}
					if !loud && begin > 4000 {
						silent++
					}
					if begin > 4000 && tones(right[begin:begin+160]) != "a" {
						t.Errorf("%d ms: the agent is muted too", begin/8)
					}
				}
				if silent < 5 || silent > 13 {
					t.Errorf("%d frames are muted", silent)
				}
			})
		})
	}
}

func quiet(samples []int16) bool {
	for _, sample := range samples {
		if sample > 300 || sample < -300 {
			return false
		}
	}
	return true
}

func TestRecordingThatCanNotBegin(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "there")
	if err := os.WriteFile(path, []byte("kept"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := media.NewRecording(path); !errors.Is(err, fs.ErrExist) {
		t.Errorf("over a file: %v", err)
	}
	if data, _ := os.ReadFile(path); string(data) != "kept" {
		t.Error("the file that was there is gone")
	}
	if _, err := media.NewRecording(filepath.Join(path, "below")); err == nil {
		t.Error("below a file")
	}
}

func TestRecordingThatIsNotWanted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := record(t)
		talk(t, 60, r.user, r.agent)
		for range 2 {
			if err := r.recording.Discard(); err != nil {
				t.Error(err)
			}
		}
		talk(t, 10, r.user, r.agent) // it is still given to the conference
		if _, err := os.Stat(r.path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the file is there: %v", err)
		}
	})
}

// Nearly all of what people say is in the recording: little of it sounds like a key.
func TestRecordingKeepsSpeech(t *testing.T) {
	t.Parallel()
	speech, err := (&media.Espeak{}).Synthesize(t.Context(), "sv", "Hej och välkommen till skolornas servicedesk. Om du ringer om din dator, säg dator. "+
		"Sex laxar i en laxask. Flygande bäckasiner söka hwila på mjuka tuvor. Själen sjunger i sjuttiosju sköna sjömäns sällskap.")
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		r := record(t)
		sound := speech.Encoded(media.PCMA)
		spoken := 0
		for len(sound) >= 160 {
			packet := r.user.next()
			packet.Payload, sound = sound[:160], sound[160:]
			if !quiet(mediatest.Decode(media.PCMA, packet.Payload)) {
				spoken++
			}
			if err := r.user.Receive(packet); err != nil {
				t.Fatal(err)
			}
			time.Sleep(media.FrameDuration)
		}
		if _, err := r.recording.Close(); err != nil {
			t.Fatal(err)
		}
		left, _ := sides(t, r.path)
		kept := 0
		for ; len(left) >= 160; left = left[160:] {
			if !quiet(left[:160]) {
				kept++
			}
		}
		if kept < spoken*97/100 || spoken < 500 {
			t.Errorf("%d of %d frames are kept", kept, spoken)
		}
	})
}
