package phonetest

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"svar/channels/media"
)

// linphone is a linphonec, which takes its commands by standard input.
type linphone struct {
	softphone
	account Account
	paused  int
}

var _ Telephone = (*linphone)(nil)

// NewLinphone starts a Linphone.
func NewLinphone(t testing.TB, a Account) Telephone {
	t.Helper()
	l := &linphone{softphone: softphone{t: t, directory: t.TempDir()}, account: a}
	l.heard = filepath.Join(l.directory, "heard.wav")
	config := `[sip]
sip_port=-1
sip_tcp_port=-1
sip_tls_port=0
use_ipv6=0
default_proxy=0
[sound]
ec=0
[rtp]
audio_rtp_port=-1
`
	if a.Password != "" {
		config += fmt.Sprintf(`[proxy_0]
reg_proxy=<sip:%[1]s;transport=%[2]s>
reg_identity=sip:%[3]s@%[1]s
reg_expires=300
reg_sendregister=1
[auth_info_0]
username=%[3]s
passwd=%[4]s
realm=svar
domain=%[5]s
`, a.Server, a.Transport, a.Name, a.Password, a.Server.Addr())
	}
	codecs := []media.Codec{media.PCMA, media.PCMU, media.G722}
	if a.Codec != 0 {
		codecs = []media.Codec{a.Codec}
	}
	for i, codec := range codecs {
		config += fmt.Sprintf("[audio_codec_%d]\nmime=%s\nrate=8000\nchannels=1\nenabled=1\n", i, codec.Name()) // G722 has that clock rate, too
	}
	// It does nothing at all when it can not make its database.
	if err := os.MkdirAll(filepath.Join(l.directory, ".local/share/linphone"), 0o700); err != nil {
		t.Fatal(err)
	}
	tone := l.writeTone()
	l.start("linphone-cli", "linphonec", "-c", l.write("rc", []byte(config)))
	// Newer ones lose a line that comes before the one before it is carried out.
	for i, line := range []string{"soundcard use files", "play " + tone, "record " + l.heard} {
		l.await("prompt", "linphonec>", i+1)
		l.command(line)
	}
	l.await("prompt", "linphonec>", 4)
	return l
}

// command types a line.
func (l *linphone) command(line string) {
	l.t.Helper()
	if _, err := fmt.Fprintln(l.keys, line); err != nil {
		l.t.Fatal(err)
	}
}

// Call implements [Telephone].
func (l *linphone) Call(number string) {
	l.t.Helper()
	l.command(fmt.Sprintf("call sip:%s@%s;transport=%s", number, l.account.Server, l.account.Transport))
}

// AwaitRing implements [Telephone].
func (l *linphone) AwaitRing(times int) { l.t.Helper(); l.await("ring", "new incoming call", times) }

// PickUp implements [Telephone].
func (l *linphone) PickUp() { l.t.Helper(); l.command("answer") }

// HangUp implements [Telephone].
func (l *linphone) HangUp() { l.t.Helper(); l.command("terminate") }

// Hold implements [Telephone].
func (l *linphone) Hold() {
	l.t.Helper()
	l.command("pause")
	l.paused++
}

// Resume implements [Telephone]. It can not before the pause is agreed on.
func (l *linphone) Resume() {
	l.t.Helper()
	l.await("pause", "is now paused", l.paused)
	l.command("resume")
}

// Transfer implements [Telephone].
func (l *linphone) Transfer(to string) {
	l.t.Helper()
	l.command(fmt.Sprintf("transfer sip:%s@%s;transport=%s", to, l.account.Server, l.account.Transport))
}

// AwaitEnd implements [Telephone].
func (l *linphone) AwaitEnd(times int) { l.t.Helper(); l.await("end of the call", " ended", times) }
