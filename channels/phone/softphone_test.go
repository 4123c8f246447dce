package phone

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"svar/channels"
	"svar/channels/media"
	"svar/channels/media/mediatest"
)

// softphone is a real telephone: a program that registers as anna's desk phone, or calls.
type softphone struct {
	t         testing.TB
	directory string
	process   *exec.Cmd
	said      *output
	keys      io.Writer
	done      chan struct{}
	// heard is the file that it records what it hears to, as it comes.
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
	s.process = exec.Command(name, arguments...)
	s.process.Dir = s.directory
	s.process.Env = append(os.Environ(), "HOME="+s.directory, "TERM=dumb")
	s.said, s.done = &output{}, make(chan struct{})
	s.process.Stdout, s.process.Stderr = s.said, s.said
	keys, err := s.process.StdinPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	s.keys = keys
	if err := s.process.Start(); err != nil {
		s.t.Fatalf("start a telephone: %v; install it by: apt-get install %s", err, packageName)
	}
	go func() {
		defer close(s.done)
		_ = s.process.Wait()
	}()
	s.t.Cleanup(func() {
		_ = s.process.Process.Kill()
		<-s.done
		if s.t.Failed() {
			text := s.said.String()
			s.t.Logf("%s said:\n%s", name, text[max(0, len(text)-6000):])
		}
	})
}

// hears waits until the telephone has recorded a tone.
func (s *softphone) hears(frequency float64, rate int) {
	s.t.Helper()
	until(s.t, fmt.Sprintf("tone of %.0f Hz at the telephone", frequency), func() bool {
		files, _ := filepath.Glob(s.heard)
		if len(files) == 0 {
			return false
		}
		data, err := os.ReadFile(files[0])
		const header = 44
		if err != nil || len(data) < header {
			return false
		}
		return mediatest.Listen(samplesOf(data[header:]), rate, frequency).Heard()
	})
}

func samplesOf(data []byte) []int16 {
	samples := make([]int16, len(data)/2)
	for i := range samples {
		samples[i] = int16(binary.LittleEndian.Uint16(data[2*i:])) //nolint:gosec // the bits of a sample
	}
	return samples
}

// toneFile writes a WAV file of a minute's tone: 16 bit, one channel, 8,000 Hz.
func toneFile(t testing.TB, path string, frequency float64) {
	t.Helper()
	const rate, packets = 8000, 60 * 50
	var tone []int16
	for _, payload := range mediatest.TonePayloads(media.PCMA, frequency, packets) {
		tone = append(tone, mediatest.Decode(media.PCMA, payload)...)
	}
	var file bytes.Buffer
	size := uint32(2 * len(tone)) //nolint:gosec // a few megabytes
	put := func(values ...any) {
		for _, value := range values {
			if err := binary.Write(&file, binary.LittleEndian, value); err != nil {
				t.Fatal(err)
			}
		}
	}
	put([]byte("RIFF"), 36+size, []byte("WAVEfmt "), uint32(16), uint16(1), uint16(1), uint32(rate), uint32(2*rate), uint16(2), uint16(16), //nolint:gosec // a rate
		[]byte("data"), size, tone)
	if err := os.WriteFile(path, file.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

// The tones of these calls, in hertz.
const (
	callersTone    = 500
	telephonesTone = 700
)

// baresip is a baresip that registers as anna's phone, by the transport, and speaks one codec.
type baresip struct {
	softphone
	control net.Conn
}

// baresipModules finds where its modules are: it does not know it without its own configuration.
func baresipModules(t testing.TB) string {
	t.Helper()
	for _, pattern := range []string{"/usr/lib/baresip/modules", "/usr/lib/*/baresip/modules", "/usr/local/lib/baresip/modules"} {
		if found, _ := filepath.Glob(pattern + "/ctrl_tcp.so"); len(found) > 0 {
			return filepath.Dir(found[0])
		}
	}
	t.Fatal("no modules of baresip were found; install it by: apt-get install baresip-core")
	return ""
}

func newBaresip(t testing.TB, account string) *baresip {
	t.Helper()
	b := &baresip{softphone: softphone{t: t, directory: t.TempDir()}}
	b.heard = filepath.Join(b.directory, "*dec*.wav")
	toneFile(t, filepath.Join(b.directory, "tone.wav"), telephonesTone)
	listener, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	control := listener.Addr().String()
	_ = listener.Close()
	for name, content := range map[string]string{
		"config": fmt.Sprintf(`sip_listen 127.0.0.1:0
net_interface 127.0.0.1
module_path %s
module g711.so
module g722.so
module aufile.so
module aubridge.so
module sndfile.so
module_tmp account.so
module_app menu.so
module_app ctrl_tcp.so
ctrl_tcp_listen %s
audio_source aufile,%s/tone.wav
audio_player aubridge,none
audio_alert aubridge,none
ausrc_srate 8000
auplay_srate 8000
audio_channels 1
snd_path %s
ringback_disabled yes
statmode_default off
`, baresipModules(t), control, b.directory, b.directory),
		"accounts": account + "\n", "contacts": "\n",
	} {
		if err := os.WriteFile(filepath.Join(b.directory, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	b.start("baresip-core", "baresip", "-f", b.directory)
	until(t, "control of baresip", func() bool {
		b.control, err = net.DialTimeout("tcp", control, time.Second)
		return err == nil
	})
	t.Cleanup(func() { _ = b.control.Close() })
	return b
}

// command gives baresip one of its commands (ctrl_tcp: JSON in a netstring).
func (b *baresip) command(name string) {
	b.t.Helper()
	text := fmt.Sprintf(`{"command":%q}`, name)
	if _, err := fmt.Fprintf(b.control, "%d:%s,", len(text), text); err != nil {
		b.t.Fatal(err)
	}
}

func TestBaresipIsADeskPhone(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		transport string
		codec     media.Codec
		offered   string
		hold      bool
	}{{"udp", media.PCMA, "8", false}, {"tcp", media.PCMU, "0", true}} {
		t.Run(test.transport+" "+test.codec.Name(), func(t *testing.T) {
			t.Parallel()
			s := serve(t, withPhones)
			b := newBaresip(t, fmt.Sprintf("<sip:anna@%s;transport=%s>;auth_pass=anna;regint=60;answermode=manual", s.Address(), test.transport))
			until(t, "registration of baresip", func() bool { return s.PhoneRegistered("anna") })
			callerOf := newPeer(t, "UDP", s.Address())
			callerOf.voice = mediatest.NewPeer(t, test.codec)
			caller := callerOf.call()
			caller.body = caller.offer(test.offered+" 101", "a=rtpmap:101 telephone-event/8000\r\n")
			a := s.connect(t, caller)
			until(t, "voice of the caller", func() bool { return a.leg.(*leg).Stream().Format().Codec == test.codec })
			rings := func() *deskLeg { return s.ring(t, "anna", a.leg) }
			l := rings()
			until(t, "ring of baresip", func() bool { return strings.Contains(b.said.String(), "ncoming call from") })
			b.command("accept")
			await(t, l.PickedUp(), "answer")
			if got := l.Stream().Format().Codec; got != test.codec {
				t.Errorf("the telephone speaks %v", got)
			}
			s.talk(t, a.leg, l, caller, test.codec)
			b.hears(callersTone, 8000)
			if test.hold {
				b.command("hold")
				if held := await(t, l.Held(), "hold"); !held {
					t.Error("baresip took back what it did not hold")
				}
				b.command("resume")
				if held := await(t, l.Held(), "end of the hold"); held {
					t.Error("baresip holds twice")
				}
				l.HangUp()
				over(t, l, channels.EndedByUs)
				until(t, "end at baresip", func() bool { return strings.Contains(b.said.String(), "session closed") })
				return
			}
			b.command("hangup")
			over(t, l, channels.EndedByParty)
			l = rings()
			until(t, "second ring of baresip", func() bool { return strings.Count(b.said.String(), "ncoming call from") == 2 })
			b.command("hangup") // declines
			over(t, l, channels.EndedByParty)
			if got := l.Failure(); got == "" {
				t.Error("it is not told that the agent declined")
			}
		})
	}
}

// talk lets caller and telephone hear each other, and waits until the caller hears the telephone's tone.
func (s *server) talk(t testing.TB, caller, telephone channels.Leg, c *call, codec media.Codec) {
	t.Helper()
	type audible interface{ Stream() *media.Stream }
	if err := media.Connect(caller.(audible).Stream(), telephone.(audible).Stream()); err != nil {
		t.Fatal(err)
	}
	stop := c.voice.SendTone(caller.(*leg).socketAddress(), callersTone)
	t.Cleanup(stop)
	if err := await(t, heard(t.Context(), c.peer, codec, telephonesTone), "tone of the telephone"); err != nil {
		t.Error(errors.Join(errors.New("the caller"), err))
	}
}

// linphone is a linphonec, which takes its commands by standard input.
type linphone struct{ softphone }

// newLinphone starts one that registers as anna, by the transport, and knows one codec by its place
// in its own list.
func newLinphone(t testing.TB, s *server, transport string, codec media.Codec) *linphone {
	t.Helper()
	l := &linphone{softphone{t: t, directory: t.TempDir()}}
	l.heard = filepath.Join(l.directory, "heard.wav")
	toneFile(t, filepath.Join(l.directory, "tone.wav"), telephonesTone)
	config := fmt.Sprintf(`[sip]
sip_port=-1
sip_tcp_port=-1
sip_tls_port=0
use_ipv6=0
default_proxy=0
[net]
firewall_policy=0
[sound]
ec=0
[rtp]
audio_rtp_port=-1
[proxy_0]
reg_proxy=<sip:%[1]s;transport=%[2]s>
reg_identity=sip:anna@%[1]s
reg_expires=300
reg_sendregister=1
[auth_info_0]
username=anna
passwd=anna
realm=svar
domain=127.0.0.1
[audio_codec_0]
mime=%[3]s
rate=8000
channels=1
enabled=1
`, s.Address(), transport, codec.Name())
	// It does nothing at all when it can not make its database.
	if err := os.MkdirAll(filepath.Join(l.directory, ".local/share/linphone"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(l.directory, "rc"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	l.start("linphone-cli", "linphonec", "-c", filepath.Join(l.directory, "rc"))
	l.command("soundcard use files")
	l.command("play " + filepath.Join(l.directory, "tone.wav"))
	l.command("record " + l.heard)
	return l
}

// command types a line.
func (l *linphone) command(line string) {
	l.t.Helper()
	if _, err := fmt.Fprintln(l.keys, line); err != nil {
		l.t.Fatal(err)
	}
}

func TestLinphoneIsADeskPhone(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		transport string
		codec     media.Codec
		offered   string
	}{{"udp", media.PCMA, "8"}, {"tcp", media.PCMU, "0"}} {
		t.Run(test.transport+" "+test.codec.Name(), func(t *testing.T) {
			t.Parallel()
			s := serve(t, withPhones)
			p := newLinphone(t, s, test.transport, test.codec)
			until(t, "registration of linphone", func() bool { return s.PhoneRegistered("anna") })
			c := newPeer(t, "UDP", s.Address())
			c.voice = mediatest.NewPeer(t, test.codec)
			caller := c.call()
			caller.body = caller.offer(test.offered+" 101", "a=rtpmap:101 telephone-event/8000\r\n")
			a := s.connect(t, caller)
			until(t, "voice of the caller", func() bool { return a.leg.(*leg).Stream().Format().Codec == test.codec })
			l := s.ring(t, "anna", a.leg)
			until(t, "ring of linphone", func() bool { return strings.Contains(p.said.String(), "new incoming call") })
			p.command("answer")
			await(t, l.PickedUp(), "answer")
			if got := l.Stream().Format().Codec; got != test.codec {
				t.Errorf("the telephone speaks %v", got)
			}
			s.talk(t, a.leg, l, caller, test.codec)
			p.hears(callersTone, 8000)
			p.command("pause")
			if held := await(t, l.Held(), "hold"); !held {
				t.Error("linphone took back what it did not hold")
			}
			until(t, "pause of linphone", func() bool { return strings.Contains(p.said.String(), "is now paused") })
			p.command("resume")
			if held := await(t, l.Held(), "end of the hold"); held {
				t.Error("linphone holds twice")
			}
			p.command("terminate")
			over(t, l, channels.EndedByParty)
		})
	}
}
