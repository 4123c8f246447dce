package webrtc

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"sync"
	"syscall"
	"testing"

	"svar/channels/media"
	"svar/contact"
)

// chromiumPage answers the offer as the console does, mutes its microphone when told to, and
// tells what it measured itself.
const chromiumPage = `<!doctype html><title>agent</title><script type="module">
const post = (path, value) => fetch(path, {method: "POST", body: JSON.stringify(value)})
try {
	const microphone = await navigator.mediaDevices.getUserMedia({audio: true})
	const session = new RTCPeerConnection()
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

// chromiumFigures are of the page, by its getStats.
type chromiumFigures struct {
	RoundTrip float64 `json:"roundTrip"` // seconds
	Received  int     `json:"received"`
	Told      int     `json:"told"` // packets that we said to have sent
	Protocol  string  `json:"protocol"`
}

// chromium is an agent's real browser.
type chromium struct {
	messages chan json.RawMessage // to the page
	toLeg    chan json.RawMessage
	failed   chan string

	mutex   sync.Mutex
	figures chromiumFigures
}

func (c *chromium) latest() chromiumFigures {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.figures
}

// openChromium opens the page in a browser of its own, which closes with the test.
func openChromium(t *testing.T, flags ...string) *chromium {
	t.Helper()
	program, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("there is no Chromium on this machine")
	}
	c := &chromium{messages: make(chan json.RawMessage, 64), toLeg: make(chan json.RawMessage, 64), failed: make(chan string, 8)}
	over := make(chan struct{})
	pages := http.NewServeMux()
	pages.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, chromiumPage)
	})
	pages.HandleFunc("GET /messages", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_ = http.NewResponseController(w).Flush()
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
	browser := exec.Command(program, append(flags, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
		"--no-first-run", "--user-data-dir="+t.TempDir(), "--allow-loopback-in-peer-connection",
		"--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream", server.URL)...)
	browser.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := browser.Start(); err != nil {
		t.Fatalf("start Chromium: %v", err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-browser.Process.Pid, syscall.SIGKILL) // its helpers are in its group
		_ = browser.Wait()
		close(over)
		server.Close()
	})
	return c
}

// Chromium and we tell each other by RTCP how the voice comes in, a muted microphone is not taken
// for a dead one, and where no UDP gets through the voice goes over TCP.
func TestChromiumIsMeasuredAndMayMute(t *testing.T) {
	t.Parallel()
	for protocol, flags := range map[string][]string{
		"udp": nil,
		"tcp": {"--webrtc-ip-handling-policy=disable_non_proxied_udp"},
	} {
		t.Run(protocol, func(t *testing.T) {
			t.Parallel()
			g := newGateway(t, nil)
			browser := openChromium(t, flags...)
			l := startLeg(t, g, media.PCMA, func(message json.RawMessage) { browser.messages <- message })
			browser.answer(t, l)
			if err := l.Answer(patient(t)); err != nil {
				t.Fatalf("Answer: %v (%v)", err, l.cause)
			}
			quality := waitQuality(t, l, func(q contact.Quality) bool { return q.RoundTrip > 0 && q.Received > 50 })
			t.Logf("we measured %+v", quality)
			ctx := patient(t)
			figures := browser.latest()
			for ; figures.RoundTrip == 0 || figures.Received < 50 || figures.Told == 0; figures = browser.latest() {
				if err := waitABit(ctx); err != nil {
					t.Fatalf("Chromium could not measure: %+v", figures)
				}
			}
			t.Logf("Chromium measured %+v", figures)
			if figures.Protocol != protocol {
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

// answer carries the page's messages to a leg until the test ends.
func (c *chromium) answer(t *testing.T, l *leg) {
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
