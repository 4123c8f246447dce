package phonetest

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"svar/channels/media"
	"svar/channels/media/mediatest"
)

// Tone is what every telephone plays, in hertz.
const Tone = 700

// Patience bounds each wait. Nothing waits that long when all is well.
const Patience = 30 * time.Second

// rate is that of what a telephone plays, in hertz.
const rate = 8000

// Account is what a telephone registers with. Without a password it registers not at all, and calls.
type Account struct {
	Name, Password string
	// Server is where it registers, or what it calls through.
	Server netip.AddrPort
	// Transport is "udp" or "tcp".
	Transport string
	// Codec is the only one that it speaks; 0 for all that it knows.
	Codec media.Codec
}

// Telephone is a program that is one. Its methods fail the test when what they wait for does not come.
type Telephone interface {
	// Call rings a number of the account's server.
	Call(number string)
	// AwaitRing waits until it has rung so many times since it was started.
	AwaitRing(times int)
	// PickUp answers, and HangUp ends the call or declines it.
	PickUp()
	HangUp()
	// Hold puts the other side on hold, Resume takes it back.
	Hold()
	Resume()
	// Transfer sends the other side on, to a name or number at the account's server.
	Transfer(to string)
	// AwaitEnd waits until so many of its calls were ended.
	AwaitEnd(times int)
	// Hears waits until it hears a tone.
	Hears(frequency float64)
	// Said is what it said so far.
	Said() string
}

// softphone is what the telephones have in common.
type softphone struct {
	t         testing.TB
	directory string
	said      *output
	keys      io.Writer
	// heard finds the files that it records what it hears to, as it comes.
	heard string
}

// output is what a program said so far.
type output struct {
	mutex  sync.Mutex
	buffer bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	return o.buffer.Write(p)
}

func (o *output) String() string {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	return o.buffer.String()
}

// start starts the program, which ends with the test.
func (s *softphone) start(packageName, name string, arguments ...string) {
	s.t.Helper()
	process := exec.CommandContext(s.t.Context(), name, arguments...)
	process.Dir = s.directory
	process.Env = append(os.Environ(), "HOME="+s.directory, "TERM=dumb")
	s.said = &output{}
	process.Stdout, process.Stderr = s.said, s.said
	keys, err := process.StdinPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	s.keys = keys
	if err := process.Start(); err != nil {
		s.t.Fatalf("start a telephone: %v; install it by: apt-get install %s", err, packageName)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = process.Wait()
	}()
	s.t.Cleanup(func() {
		_ = process.Process.Kill()
		<-done
		if s.t.Failed() {
			text := s.Said()
			s.t.Logf("%s said:\n%s", name, text[max(0, len(text)-6000):])
		}
	})
}

// Said implements [Telephone].
func (s *softphone) Said() string { return s.said.String() }

// await waits until the telephone has said something so many times.
func (s *softphone) await(what, text string, times int) {
	s.t.Helper()
	s.until(what, func() bool { return strings.Count(s.Said(), text) >= times })
}

func (s *softphone) until(what string, so func() bool) {
	s.t.Helper()
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for late := time.After(Patience); !so(); {
		select {
		case <-look.C:
		case <-late:
			s.t.Fatalf("the telephone: no %s", what)
		}
	}
}

// Hears implements [Telephone].
func (s *softphone) Hears(frequency float64) {
	s.t.Helper()
	s.until(fmt.Sprintf("tone of %.0f Hz", frequency), func() bool {
		files, _ := filepath.Glob(s.heard)
		for _, file := range files {
			data, err := os.ReadFile(file)
			const header = 44
			if err != nil || len(data) <= header {
				continue
			}
			// A wide-band call may be recorded in full; the header may be written only at the end.
			for _, recorded := range []int{rate, 2 * rate} {
				if mediatest.Listen(samplesOf(data[header:]), recorded, frequency).Heard() {
					return true
				}
			}
		}
		return false
	})
}

func samplesOf(data []byte) []int16 {
	samples := make([]int16, len(data)/2)
	for i := range samples {
		samples[i] = int16(binary.LittleEndian.Uint16(data[2*i:]))
	}
	return samples
}

// write puts a file into the telephone's directory and returns its path.
func (s *softphone) write(name string, content []byte) string {
	s.t.Helper()
	path := filepath.Join(s.directory, name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		s.t.Fatal(err)
	}
	return path
}

// writeTone writes a WAV file of two minutes' tone: 16 bit, one channel.
func (s *softphone) writeTone() string {
	s.t.Helper()
	const packets = 120 * 50
	var tone bytes.Buffer
	for _, payload := range mediatest.TonePayloads(media.PCMA, Tone, packets) {
		_ = binary.Write(&tone, binary.LittleEndian, mediatest.Decode(media.PCMA, payload)) // a buffer takes everything
	}
	var file bytes.Buffer
	for _, part := range []any{
		[]byte("RIFF"), uint32(36 + tone.Len()), []byte("WAVEfmt "), uint32(16), uint16(1), uint16(1), uint32(rate), uint32(2 * rate), uint16(2), uint16(16),
		[]byte("data"), uint32(tone.Len()), tone.Bytes(),
	} {
		_ = binary.Write(&file, binary.LittleEndian, part)
	}
	return s.write("tone.wav", file.Bytes())
}
