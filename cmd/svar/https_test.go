package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"svar/configs"
	"svar/queue/dispatch"
)

// fixedListener is a listener that stands somewhere.
type fixedListener struct {
	net.Listener
	at net.Addr
}

func (f fixedListener) Addr() net.Addr { return f.at }

func tcpAddress(text string) net.Addr { return net.TCPAddrFromAddrPort(netip.MustParseAddrPort(text)) }

var answered = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })

func TestWhoComesWithoutTLSIsSentToHTTPS(t *testing.T) {
	t.Parallel()
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	for name, test := range map[string]struct {
		method, url string
		local, from string
		proto       string
		port        string
		status      int
		location    string
	}{
		"from another machine":       {"GET", "http://desk.example.org/console?a=b", "192.0.2.7:80", "203.0.113.7:1", "", "443", 308, "https://desk.example.org/console?a=b"},
		"to another port":            {"GET", "http://desk.example.org:8080/", "192.0.2.7:8080", "203.0.113.7:1", "", "8443", 308, "https://desk.example.org:8443/"},
		"to an IPv6 address":         {"GET", "http://[2001:db8::7]:8080/", "[2001:db8::7]:8080", "[2001:db8::9]:1", "", "8443", 308, "https://[2001:db8::7]:8443/"},
		"who sends something":        {"POST", "http://desk.example.org/api/v1/session", "192.0.2.7:80", "203.0.113.7:1", "", "443", 403, ""},
		"within this machine":        {"POST", "http://localhost:8080/api/v1/session", "127.0.0.1:8080", "127.0.0.1:1", "", "443", 204, ""},
		"by a proxy with TLS":        {"POST", "http://desk.example.org/", "192.0.2.7:80", "10.0.0.1:1", "https", "443", 204, ""},
		"by a proxy without TLS":     {"GET", "http://desk.example.org/", "192.0.2.7:80", "10.0.0.1:1", "http", "443", 308, "https://desk.example.org/"},
		"who pretends to be a proxy": {"GET", "http://desk.example.org/", "192.0.2.7:80", "203.0.113.7:1", "https", "443", 308, "https://desk.example.org/"},
		"a load balancer":            {"GET", "http://192.0.2.7/readyz", "192.0.2.7:80", "203.0.113.7:1", "", "443", 204, ""},
	} {
		app := &App{options: Options{Config: configs.Config{HTTP: configs.HTTP{Proxies: proxies}}}, https: fixedListener{at: tcpAddress("0.0.0.0:" + test.port)}}
		request := httptest.NewRequestWithContext(context.WithValue(t.Context(), http.LocalAddrContextKey, tcpAddress(test.local)), test.method, test.url, nil)
		request.RemoteAddr = test.from
		if test.proto != "" {
			request.Header.Set("X-Forwarded-Proto", test.proto)
		}
		answer := httptest.NewRecorder()
		app.redirecting(answered).ServeHTTP(answer, request)
		if answer.Code != test.status || answer.Header().Get("Location") != test.location {
			t.Errorf("%s: status %d to %q, want %d to %q", name, answer.Code, answer.Header().Get("Location"), test.status, test.location)
		}
	}
}

func TestHSTSIsSaidWithACertificateOfAnAuthorityOnly(t *testing.T) {
	t.Parallel()
	ofAuthority := &x509.Certificate{RawIssuer: []byte("authority"), RawSubject: []byte("desk")}
	ofItself := &x509.Certificate{RawIssuer: []byte("desk"), RawSubject: []byte("desk")}
	year := configs.HSTS{MaxAge: 365 * 24 * 60 * 60 * 1000}
	below := configs.HSTS{MaxAge: 1000, IncludeSubdomains: true}
	for name, test := range map[string]struct {
		leaf *x509.Certificate
		hsts configs.HSTS
		want string
	}{
		"of an authority":    {ofAuthority, year, "max-age=31536000"},
		"all below":          {ofAuthority, below, "max-age=1; includeSubDomains"},
		"switched off":       {ofAuthority, configs.HSTS{}, ""},
		"signs itself":       {ofItself, year, ""},
		"none was given yet": {nil, year, ""},
	} {
		app := &App{options: Options{Config: configs.Config{HTTPS: configs.HTTPS{HSTS: test.hsts}}}, certificates: fixedCertificates{leaf: test.leaf}}
		answer := httptest.NewRecorder()
		app.strict(answered).ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil))
		if got := answer.Header().Get("Strict-Transport-Security"); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

func TestPortsThatCannotBeTakenAreSaidInWords(t *testing.T) {
	t.Parallel()
	taken, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	for address, want := range map[string]string{
		taken.Addr().String(): "another program uses that port", "192.0.2.77:0": "does not have that address", "127.0.0.1:http-nowhere": "see https.address",
	} {
		if _, err := listenFor(t.Context(), address, "https.address"); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "https.address") {
			t.Errorf("%s: %v; it should say %q", address, err, want)
		}
	}
}

// A socket is counted as one, and takes no part in the times of requests.
func TestRequestsAreCountedByArea(t *testing.T) {
	t.Parallel()
	m := newMetrics()
	server := httptest.NewServer(m.counting("console", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/socket":
			conn, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\n\r\n")
			_ = conn.Close()
		case "/missing":
			http.Error(w, "no", http.StatusNotFound)
		case "/flushed":
			w.(http.Flusher).Flush()
		}
	})))
	for _, path := range []string{"/", "/flushed", "/missing", "/socket"} {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(conn, "GET "+path+" HTTP/1.1\r\nHost: desk\r\nConnection: close\r\n\r\n")
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		_ = conn.Close()
	}
	server.Close() // waits for the handlers
	text := exposed(t, m.handler())
	for _, want := range []string{
		`svar_http_requests_total{area="console",code="200"} 2`, `svar_http_requests_total{area="console",code="404"} 1`,
		`svar_http_requests_total{area="console",code="101"} 1`, `svar_http_request_seconds_count{area="console"} 3`,
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("%q is not among the figures:\n%s", want, text)
		}
	}
}

func exposed(t testing.TB, handler http.Handler) string {
	t.Helper()
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	return answer.Body.String()
}

func TestTurnsAreCounted(t *testing.T) {
	t.Parallel()
	m := newMetrics()
	for _, turn := range []dispatch.Turn{
		{Commands: 3, Events: 7, Decide: time.Millisecond, Append: 2 * time.Millisecond}, {Commands: 1, Decide: time.Microsecond}, {Commands: 2, Failed: true},
	} {
		m.turn(turn)
	}
	text := exposed(t, m.handler())
	for _, want := range []string{
		`svar_turns_total{result="recorded"} 1`, `svar_turns_total{result="nothing"} 1`, `svar_turns_total{result="failed"} 1`,
		"svar_turn_commands_total 6", "svar_turn_events_total 7", "svar_turn_append_seconds_count 1", "svar_turn_decide_seconds_count 3",
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("%q is not among the figures", want)
		}
	}
}

// What cannot be written is told by its cause, whatever it is wrapped in.
func TestTheDiskIsTried(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "probe")
	if err := syncFile(path); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Size() == 0 {
		t.Errorf("nothing was written: %v", err)
	}
	// /dev/full is a disk that is always full.
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Fatal(err)
	}
	if err := syncFile("/dev/full"); !strings.Contains(diskWords(err), "full") {
		t.Errorf("a full disk: %v", err)
	}
	if words := diskWords(&os.PathError{Op: "open", Path: "probe", Err: syscall.EROFS}); !strings.Contains(words, "may not be written") {
		t.Errorf("a disk that is read only: %s", words)
	}
}

func TestTheLogHasItsFormAndLevel(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		settings configs.Log
		terminal bool
		json     bool
	}{
		"auto to a file":        {configs.Log{Level: "info", Format: configs.LogAuto}, false, true},
		"auto on a terminal":    {configs.Log{Level: "info", Format: configs.LogAuto}, true, false},
		"console to a file":     {configs.Log{Level: "info", Format: configs.LogConsole}, false, false},
		"json on a terminal":    {configs.Log{Level: "info", Format: configs.LogJSON}, true, true},
		"a level above what is": {configs.Log{Level: "warn", Format: configs.LogJSON}, false, true},
	} {
		var out bytes.Buffer
		log := logTo(&out, test.terminal, test.settings)
		log.Info().Msg("quiet")
		log.Warn().Str("contact", "c1").Msg("loud")
		text := out.String()
		if isJSON := strings.HasPrefix(text, "{"); isJSON != test.json || strings.Contains(text, "quiet") != (test.settings.Level == "info") || !strings.Contains(text, "loud") {
			t.Errorf("%s:\n%s", name, text)
		}
	}
	file, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	if level := newLog(file, configs.Log{Level: "info", Format: configs.LogAuto}, "debug", "").GetLevel(); level != zerolog.DebugLevel {
		t.Errorf("the flag gives the level %s", level)
	}
}

func TestStrangersWriteNoErrorsIntoTheLog(t *testing.T) {
	t.Parallel()
	for line, level := range map[string]string{
		"http: TLS handshake error from 203.0.113.7:1: host \"panic.example.test\" not configured\n": "debug",
		"http: panic serving 203.0.113.7:1: x\n":                                                     "error", "http2: panic serving 203.0.113.7:1: x\n": "error",
	} {
		log := &lockedBuffer{}
		if _, err := (libraryLog{zerolog.New(log), "HTTPS"}).Write([]byte(line)); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(log.String(), `"level":"`+level+`"`) {
			t.Errorf("%q is logged as %s", line, log.String())
		}
	}
}
