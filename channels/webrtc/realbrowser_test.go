package webrtc

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"

	"svar/channels/media"
	"svar/contact"
)

// agentPage answers the offer as the console does, mutes its microphone when told to, and
// tells what it measured itself.
const agentPage = `<!doctype html><title>agent</title><script type="module">
const post = (path, value) => fetch(path, {method: "POST", body: JSON.stringify(value)})
try {
	const microphone = await navigator.mediaDevices.getUserMedia({audio: true})
	const session = new RTCPeerConnection()
	session.ondatachannel = ({channel}) => { channel.onmessage = ({data}) => channel.send(data + "!") }
	session.onicecandidate = ({candidate}) => post("/signal", {candidate})
	const early = []
	const take = async (message) => {
		if (message.mute) {
			for (const track of microphone.getTracks()) track.enabled = false
		} else if (message.sdp) {
			await session.setRemoteDescription(message.sdp)
			const voice = session.getTransceivers()[0]
			voice.direction = "sendrecv"
			await voice.sender.replaceTrack(microphone.getAudioTracks()[0])
			await session.setLocalDescription()
			await post("/signal", {sdp: session.localDescription})
		} else if (message.candidate) {
			await session.addIceCandidate(message.candidate)
		}
	}
	let turn = Promise.resolve()
	new EventSource("/messages").onmessage = ({data}) => {
		turn = turn.then(() => take(JSON.parse(data))).catch((error) => post("/failed", String(error)))
	}
	setInterval(async () => {
		const figures = {}
		const stats = await session.getStats()
		for (const report of stats.values()) {
			if (report.type === "remote-inbound-rtp") figures.roundTrip = report.roundTripTime
			if (report.type === "inbound-rtp") figures.received = report.packetsReceived
			if (report.type === "remote-outbound-rtp") figures.told = report.packetsSent
			if (report.type === "candidate-pair" && report.nominated) figures.way = report.remoteCandidateId
		}
		for (const report of stats.values()) {
			if (report.id === figures.way) figures.protocol = report.protocol
		}
		post("/figures", figures)
	}, 500)
} catch (error) {
	post("/failed", String(error))
}
</script>`

// pageFigures are the browser's own, by getStats.
type pageFigures struct {
	RoundTrip float64 `json:"roundTrip"` // seconds
	Received  int     `json:"received"`
	Told      int     `json:"told"` // packets that we said to have sent
	Protocol  string  `json:"protocol"`
}

// realBrowser is an agent's page in Chromium or Firefox.
type realBrowser struct {
	messages chan json.RawMessage // to the page
	toLeg    chan json.RawMessage
	failed   chan string
	ready    chan struct{} // closed when the page takes messages

	mutex   sync.Mutex
	figures pageFigures
}

func (c *realBrowser) latest() pageFigures {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.figures
}

// Both have a microphone that beeps and that nobody is asked for.
var (
	chromiumFlags = []string{
		"--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run",
		"--allow-loopback-in-peer-connection", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
	}
	firefoxFlags       = []string{"--headless", "--no-remote"}
	firefoxPreferences = `user_pref("media.navigator.streams.fake", true);
user_pref("media.navigator.permission.disabled", true);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("browser.shell.checkDefaultBrowser", false);
user_pref("app.update.enabled", false);
`
)

// command opens an address in a browser with a profile of its own.
func (kind browserKind) command(t *testing.T, address string) *exec.Cmd {
	t.Helper()
	program, err := exec.LookPath(kind.program)
	if err != nil {
		t.Skipf("there is no %s on this machine", kind.program)
	}
	profile := t.TempDir()
	if kind.program == "chromium" {
		return exec.Command(program, slices.Concat(chromiumFlags, kind.flags, []string{"--user-data-dir=" + profile, address})...)
	}
	if err := os.WriteFile(filepath.Join(profile, "user.js"), []byte(firefoxPreferences), 0o600); err != nil {
		t.Fatal(err)
	}
	command := exec.Command(program, slices.Concat(firefoxFlags, []string{"--profile", profile, address})...)
	command.Env = append(os.Environ(), "HOME="+profile)
	return command
}

// browserKind is a browser that people have, and what its network lets through.
type browserKind struct {
	program   string
	flags     []string    // of Chromium
	udpHidden bool        // it is not told our address for UDP
	protocol  string      // by which the voice must go
	codec     media.Codec // of the caller; PCMA when not set
}

// open opens the page in a browser of its own, which closes with the test.
func (kind browserKind) open(t *testing.T) *realBrowser {
	t.Helper()
	c := &realBrowser{messages: make(chan json.RawMessage, 64), toLeg: make(chan json.RawMessage, 64), failed: make(chan string, 8), ready: make(chan struct{})}
	ready := sync.OnceFunc(func() { close(c.ready) })
	over := make(chan struct{})
	pages := http.NewServeMux()
	pages.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, agentPage)
	})
	pages.HandleFunc("GET /messages", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_ = http.NewResponseController(w).Flush()
		ready()
		for {
			select {
			case message := <-c.messages:
				_, _ = fmt.Fprintf(w, "data: %s\n\n", message)
				_ = http.NewResponseController(w).Flush()
			case <-r.Context().Done():
				return
			case <-over:
				return
			}
		}
	})
	read := func(take func(data []byte)) http.HandlerFunc {
		return func(_ http.ResponseWriter, r *http.Request) {
			if data, err := io.ReadAll(io.LimitReader(r.Body, messageLimit)); err == nil {
				take(data)
			}
		}
	}
	pages.HandleFunc("POST /signal", read(func(data []byte) { c.toLeg <- data }))
	pages.HandleFunc("POST /failed", read(func(data []byte) { c.failed <- string(data) }))
	pages.HandleFunc("POST /figures", read(func(data []byte) {
		c.mutex.Lock()
		defer c.mutex.Unlock()
		_ = json.Unmarshal(data, &c.figures)
	}))
	server := httptest.NewServer(pages)
	browser := kind.command(t, server.URL)
	browser.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := browser.Start(); err != nil {
		t.Fatalf("start %s: %v", kind.program, err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-browser.Process.Pid, syscall.SIGKILL) // its helpers are in its group
		_ = browser.Wait()
		close(over)
		server.Close()
	})
	return c
}

// Browsers and we tell each other by RTCP how the voice comes in, a muted microphone is not taken
// for a dead one, and where no UDP gets through the voice goes over TCP.
//
//nolint:paralleltest // a browser that gets no processor measures nothing: two at a time, and the other tests wait
func TestRealBrowsersAreMeasuredAndMayMute(t *testing.T) {
	turns := make(chan struct{}, 2)
	for name, kind := range map[string]browserKind{
		"Chromium": {program: "chromium", protocol: "udp", codec: media.G722},
		"Chromium without UDP": {
			program: "chromium", protocol: "tcp", flags: []string{"--webrtc-ip-handling-policy=disable_non_proxied_udp"},
		},
		"Firefox": {program: "firefox-esr", protocol: "udp", codec: media.G722},
		// It has no such setting; and we can not ask it, since it hides its addresses.
		"Firefox without UDP": {program: "firefox-esr", protocol: "tcp", udpHidden: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			turns <- struct{}{}
			t.Cleanup(func() { <-turns }) // the first cleanup that is asked for is the last: its browser is gone by then
			g := newGateway(t, func(c *Config) {
				if kind.program == "firefox-esr" { // it has no way to the loopback address
					c.UDPAddress = machineAddress(t) + ":0"
					c.TCPAddress = c.UDPAddress
				}
			})
			browser := kind.open(t)
			await(t, "the page", browser.ready)
			l := startLeg(t, g, cmp.Or(kind.codec, media.PCMA), func(message json.RawMessage) {
				if kind.udpHidden && bytes.Contains(message, []byte(" udp ")) {
					return
				}
				browser.messages <- message
			})
			browser.answer(t, l)
			if err := l.Answer(patient(t)); err != nil {
				t.Fatalf("Answer: %v (%v)", err, l.cause)
			}
			if err := l.WriteText("Hå\b\u2028"); err != nil || !l.TextAble() {
				t.Errorf("write text: %v", err)
			}
			if got := await(t, "text", l.Text()); got != "Hå\b\u2028!" {
				t.Errorf("the browser says %q", got)
			}
			quality := waitQuality(t, l, func(q contact.Quality) bool { return q.RoundTrip > 0 && q.Received > 50 })
			t.Logf("we measured %+v", quality)
			ctx := patient(t)
			figures := browser.latest()
			// Firefox 140 shows nothing of what it is told about its own voice; that it is told shows in what we measured.
			measures := func() bool { return figures.RoundTrip > 0 || kind.program == "firefox-esr" }
			for ; !measures() || figures.Received < 50 || figures.Told == 0; figures = browser.latest() {
				if err := waitABit(ctx); err != nil {
					t.Fatalf("the browser could not measure: %+v", figures)
				}
			}
			t.Logf("the browser measured %+v", figures)
			if figures.Protocol != kind.protocol {
				t.Errorf("the voice goes over %s", figures.Protocol)
			}
			browser.messages <- json.RawMessage(`{"mute": true}`)
			before := l.Quality().Received
			waitQuality(t, l, func(q contact.Quality) bool {
				return q.Received > before+uint64(usualTiming.unheard/media.FrameDuration)
			})
			select {
			case <-l.Done():
				t.Errorf("the leg ended by %s (%v)", l.Ending(), l.cause)
			case failure := <-browser.failed:
				t.Errorf("the page: %s", failure)
			default:
			}
		})
	}
}

// machineAddress is an IPv4 address of this machine that is not the loopback one.
func machineAddress(t *testing.T) string {
	t.Helper()
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, address := range addresses {
		if network, ok := address.(*net.IPNet); ok && network.IP.To4() != nil && network.IP.IsGlobalUnicast() {
			return network.IP.String()
		}
	}
	t.Skip("this machine has no address but the loopback one")
	return ""
}

// answer carries the page's messages to a leg until the test ends.
func (c *realBrowser) answer(t *testing.T, l *leg) {
	t.Helper()
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case message := <-c.toLeg:
				if err := l.Signal(message); err != nil {
					t.Logf("the leg: %v", err)
				}
			case <-stop:
				return
			}
		}
	}()
	t.Cleanup(func() {
		close(stop)
		<-stopped
	})
}
