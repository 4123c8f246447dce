package phonetest

import (
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// baresip takes its commands over a socket.
type baresip struct {
	softphone
	account Account
	control net.Conn
}

var _ Telephone = (*baresip)(nil)

// modules finds where its modules are: it does not know it without its own configuration.
func modules(t testing.TB) string {
	t.Helper()
	for _, pattern := range []string{"/usr/lib/baresip/modules", "/usr/lib/*/baresip/modules", "/usr/local/lib/baresip/modules"} {
		if found, _ := filepath.Glob(pattern + "/ctrl_tcp.so"); len(found) > 0 {
			return filepath.Dir(found[0])
		}
	}
	t.Fatal("no modules of baresip were found; install it by: apt-get install baresip-core")
	return ""
}

// NewBaresip starts a baresip.
func NewBaresip(t testing.TB, a Account) Telephone {
	t.Helper()
	b := &baresip{softphone: softphone{t: t, directory: t.TempDir()}, account: a}
	b.heard = filepath.Join(b.directory, "*dec*.wav")
	listener, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	control := listener.Addr().String()
	_ = listener.Close()
	// What is heard is recorded by a filter on its way to the player; the player goes nowhere.
	b.write("config", fmt.Appendf(nil, `sip_listen 127.0.0.1:0
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
audio_source aufile,%s
audio_player aubridge,none
audio_alert aubridge,none
ausrc_srate %[4]d
auplay_srate %[4]d
audio_channels 1
snd_path %[5]s
ringback_disabled yes
statmode_default off
`, modules(t), control, b.writeTone(), rate, b.directory))
	account := fmt.Sprintf("<sip:%s@%s;transport=%s>;answermode=manual", a.Name, a.Server, a.Transport)
	if a.Password != "" {
		account += ";regint=60;auth_pass=" + a.Password
	} else {
		account += ";regint=0"
	}
	if a.Codec != 0 {
		account += fmt.Sprintf(";audio_codecs=%s/%d", a.Codec.Name(), a.Codec.SampleRate())
	}
	b.write("accounts", []byte(account+"\n"))
	b.write("contacts", []byte("\n"))
	b.start("baresip-core", "baresip", "-f", b.directory)
	b.until("control", func() bool {
		b.control, err = (&net.Dialer{Timeout: time.Second}).DialContext(t.Context(), "tcp", control)
		return err == nil
	})
	t.Cleanup(func() { _ = b.control.Close() })
	return b
}

// command gives one of its commands (ctrl_tcp: JSON in a netstring).
func (b *baresip) command(name, parameter string) {
	b.t.Helper()
	text := fmt.Sprintf(`{"command":%q,"params":%q}`, name, parameter)
	if _, err := fmt.Fprintf(b.control, "%d:%s,", len(text), text); err != nil {
		b.t.Fatal(err)
	}
}

// Call implements [Telephone].
func (b *baresip) Call(number string) {
	b.t.Helper()
	b.command("dial", fmt.Sprintf("sip:%s@%s;transport=%s", number, b.account.Server, b.account.Transport))
}

// AwaitRing implements [Telephone].
func (b *baresip) AwaitRing(times int) {
	b.t.Helper()
	b.until("ring", func() bool { return strings.Count(strings.ToLower(b.Said()), "incoming call from") >= times })
}

// PickUp implements [Telephone].
func (b *baresip) PickUp() { b.t.Helper(); b.command("accept", "") }

// HangUp implements [Telephone].
func (b *baresip) HangUp() { b.t.Helper(); b.command("hangup", "") }

// Hold implements [Telephone].
func (b *baresip) Hold() { b.t.Helper(); b.command("hold", "") }

// Resume implements [Telephone].
func (b *baresip) Resume() { b.t.Helper(); b.command("resume", "") }

// Transfer implements [Telephone].
func (b *baresip) Transfer(to string) {
	b.t.Helper()
	b.command("transfer", fmt.Sprintf("sip:%s@%s;transport=%s", to, b.account.Server, b.account.Transport))
}

// AwaitEnd implements [Telephone].
func (b *baresip) AwaitEnd(times int) {
	b.t.Helper()
	b.until("end of the call", func() bool {
		return strings.Count(b.Said(), "session closed")+strings.Count(b.Said(), "call: terminate call") >= times
	})
}
