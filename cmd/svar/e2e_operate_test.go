package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/google/uuid"
	"github.com/gorilla/websocket"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"svar/agentui"
)

// operateFiles is what operators copy.
var operateFiles = filepath.Join("..", "..", "docs", "operate")

// secureClient is a browser's client that speaks HTTP/2 over TLS.
func secureClient(t testing.TB, config *tls.Config) *http.Client {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: true, DisableKeepAlives: true}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Transport: transport, Timeout: patience, Jar: jar}
}

// ask sends a request and returns its answer with the whole body.
func ask(t testing.TB, client *http.Client, method, url string, body []byte, headers ...string) (*http.Response, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(text)
}

// One App by HTTPS with a certificate that it made, watched over: what browsers, operators and
// strangers get, and that dashboard and alerts read figures that there are.
func TestADeskIsServedByHTTPSAndWatchedOver(t *testing.T) {
	t.Parallel()
	mailbox := `mail:
  mailboxes:
    - id: desk-mail
      name: {sv: Brevlåda, en: Mailbox}
      address: desk@example.org
      audience: staff
      language: sv
      needs: [{skill: staff, level: 1}]
      target: 8h
      imap: {address: "127.0.0.1:1", username: desk, password: secret}
      smtp: {address: "127.0.0.1:1", tls: none}
`
	app := startAppOf(t, testConfig()+mailbox, map[string]string{"SVAR_HTTPS_ADDRESS": "127.0.0.1:0"}, nil)
	leaf, err := app.certificates.shown()
	if err != nil {
		t.Fatal(err)
	}
	proof := newPool(leaf)
	client := secureClient(t, &tls.Config{RootCAs: proof})
	web := "https://" + app.HTTPSAddress().String()

	t.Run("browsers", func(t *testing.T) {
		page, text := ask(t, client, http.MethodGet, web+"/console", nil)
		if page.StatusCode != http.StatusOK || page.ProtoMajor != 2 || !strings.Contains(text, "<script") {
			t.Errorf("the console: %s %s", page.Proto, page.Status)
		}
		if said := page.Header.Get("Strict-Transport-Security"); said != "" {
			t.Errorf("HSTS with a certificate that signs itself: %q", said)
		}
		account, err := json.Marshal(map[string]string{"account": "anna", "password": "svar-demo"})
		if err != nil {
			t.Fatal(err)
		}
		signedIn, text := ask(t, client, http.MethodPost, web+"/api/v1/session", account, "Content-Type", "application/json")
		if signedIn.StatusCode != http.StatusNoContent || len(signedIn.Cookies()) != 1 {
			t.Fatalf("sign in: %s %s", signedIn.Status, text)
		}
		cookie := signedIn.Cookies()[0]
		if !cookie.Secure || !cookie.HttpOnly || !strings.HasPrefix(cookie.Name, "__Host-") {
			t.Errorf("the cookie is %s", signedIn.Header.Get("Set-Cookie"))
		}
		dialer := websocket.Dialer{TLSClientConfig: &tls.Config{RootCAs: proof}, HandshakeTimeout: patience}
		address := fmt.Sprintf("wss%s/console/socket?protocol=%d&console=%s", strings.TrimPrefix(web, "https"), agentui.ProtocolVersion, uuid.NewString())
		socket, _, err := dialer.DialContext(t.Context(), address, http.Header{"Cookie": {cookie.Name + "=" + cookie.Value}, "Origin": {web}})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = socket.Close() }()
		if _, hello, err := socket.ReadMessage(); err != nil || !bytes.Contains(hello, []byte(`"anna"`)) {
			t.Errorf("the socket says %.200s, %v", hello, err)
		}
		if conn, err := (&tls.Dialer{Config: &tls.Config{RootCAs: proof, MaxVersion: tls.VersionTLS11}}).DialContext(t.Context(), "tcp", app.HTTPSAddress().String()); err == nil {
			_ = conn.Close()
			t.Error("TLS 1.1 is spoken")
		}
	})

	t.Run("operators", func(t *testing.T) {
		if answer, text := ask(t, client, http.MethodGet, web+"/healthz", nil); answer.StatusCode != http.StatusOK || text != "ok\n" {
			t.Errorf("/healthz: %s %q", answer.Status, text)
		}
		answer, text := ask(t, client, http.MethodGet, app.web()+"/readyz", nil)
		var told readiness
		if err := json.Unmarshal([]byte(text), &told); err != nil {
			t.Fatal(err)
		}
		// The mailbox cannot be read: the rest goes on.
		if answer.StatusCode != http.StatusOK || told.Status != "degraded" {
			t.Errorf("/readyz: %s\n%s", answer.Status, text)
		}
		for _, c := range told.Checks {
			if c.Status != statusOK && c.Name != "mailbox desk-mail" {
				t.Errorf("%+v", c)
			}
		}
		// What strangers by a proxy on this machine get.
		_, text = ask(t, client, http.MethodGet, app.web()+"/readyz", nil, "X-Forwarded-For", "203.0.113.7")
		if strings.Contains(text, "checks") || !strings.Contains(text, `"degraded"`) {
			t.Errorf("strangers are told %s", text)
		}
		if answer, text := ask(t, client, http.MethodGet, web+"/metrics", nil, "X-Forwarded-For", "203.0.113.7"); answer.StatusCode != http.StatusForbidden || strings.Contains(text, "svar_") {
			t.Errorf("strangers read the figures: %s", answer.Status)
		}
	})

	t.Run("figures", func(t *testing.T) {
		ping(t, app)
		families, err := app.metrics.registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		problems, err := promlint.NewWithMetricFamilies(families).Lint()
		if err != nil || len(problems) > 0 {
			t.Errorf("the names of figures: %v, %v", problems, err)
		}
		answer, text := ask(t, client, http.MethodGet, web+"/metrics", nil)
		if answer.StatusCode != http.StatusOK {
			t.Fatal(answer.Status)
		}
		there := map[string]bool{}
		for line := range strings.Lines(text) {
			if !strings.HasPrefix(line, "#") {
				there[line[:strings.IndexAny(line, "{ ")]] = true
			}
		}
		for _, file := range []string{"alerts.yaml", "grafana-dashboard.json"} {
			asked := figuresIn(t, filepath.Join(operateFiles, file))
			if len(asked) < 15 {
				t.Errorf("%s reads only %q", file, asked)
			}
			for _, name := range asked {
				if !there[name] {
					t.Errorf("%s reads %s, which there is not", file, name)
				}
			}
		}
		for _, secret := range []string{"anna", "desk@example.org", "secret"} {
			if strings.Contains(text, secret) {
				t.Errorf("the figures tell of %s", secret)
			}
		}
	})
}

// ping asks the phone lines by OPTIONS, so that there is a response to count.
func ping(t testing.TB, app *testApp) {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "udp", app.phone.Address().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_, _ = fmt.Fprintf(conn, "OPTIONS sip:%s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bKping\r\nMax-Forwards: 70\r\nFrom: <sip:ping@127.0.0.1>;tag=1\r\n"+
		"To: <sip:ping@127.0.0.1>\r\nCall-ID: ping@127.0.0.1\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n", conn.RemoteAddr(), conn.LocalAddr())
	_ = conn.SetReadDeadline(time.Now().Add(patience))
	if _, err := conn.Read(make([]byte, 2048)); err != nil {
		t.Fatalf("OPTIONS gets no answer: %v", err)
	}
}

var figureName = regexp.MustCompile(`\b(?:svar|process|go)_[a-z0-9_]+`)

// figuresIn returns the names of the figures that the expressions of a file read.
func figuresIn(t testing.TB, path string) []string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var content any
	if err := yaml.Unmarshal(text, &content); err != nil { // JSON is YAML
		t.Fatal(err)
	}
	var names []string
	var walk func(any)
	walk = func(value any) {
		switch value := value.(type) {
		case map[string]any:
			for key, inner := range value {
				if expression, is := inner.(string); is && slices.Contains([]string{"expr", "query", "definition"}, key) {
					names = append(names, figureName.FindAllString(expression, -1)...)
				}
				walk(inner)
			}
		case []any:
			for _, inner := range value {
				walk(inner)
			}
		}
	}
	walk(content)
	slices.Sort(names)
	return slices.Compact(names)
}

func TestEveryAlertIsExplained(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(operateFiles, "alerts.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	guide, err := os.ReadFile(filepath.Join(operateFiles, "operate.md"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Groups []struct {
			Name  string `yaml:"name"`
			Rules []struct {
				Alert       string            `yaml:"alert"`
				Expr        string            `yaml:"expr"`
				For         string            `yaml:"for"`
				Labels      map[string]string `yaml:"labels"`
				Annotations map[string]string `yaml:"annotations"`
			} `yaml:"rules"`
		} `yaml:"groups"`
	}
	if err := yaml.UnmarshalWithOptions(text, &file, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	explained := strings.Count(string(guide), "\n### Svar")
	for _, group := range file.Groups {
		for _, rule := range group.Rules {
			if !strings.Contains(string(guide), "\n### "+rule.Alert+"\n") {
				t.Errorf("operate.md says nothing of %s", rule.Alert)
			}
			if rule.Expr == "" || rule.Annotations["summary"] == "" || !slices.Contains([]string{"page", "ticket"}, rule.Labels["severity"]) {
				t.Errorf("%s lacks something: %+v", rule.Alert, rule)
			}
			explained--
		}
	}
	if explained != 0 {
		t.Errorf("operate.md explains %d alerts more than there are", explained)
	}
}

// The unit is checked by systemd itself where it is installed; the program need not be at its place.
func TestTheUnitIsRight(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(operateFiles, "svar.service"))
	if err != nil {
		t.Fatal(err)
	}
	const program = "/usr/local/bin/svar"
	for _, line := range []string{
		"Type=notify", "ExecStart=" + program + " serve ", "ProtectSystem=strict", "StateDirectory=svar", "WatchdogSec=",
		// A start that fails at once, for want of PostgreSQL, must be tried again for ever.
		"Restart=on-failure", "StartLimitIntervalSec=0",
	} {
		if !strings.Contains(string(text), "\n"+line) {
			t.Errorf("the unit lacks %s", line)
		}
	}
	verify, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("systemd is not installed: the unit is only read")
	}
	unit := filepath.Join(t.TempDir(), "svar.service")
	if err := os.WriteFile(unit, []byte(strings.ReplaceAll(string(text), program, "/bin/true")), 0o600); err != nil {
		t.Fatal(err)
	}
	if said, err := exec.CommandContext(t.Context(), verify, "verify", "--man=no", unit).CombinedOutput(); err != nil || len(bytes.TrimSpace(said)) > 0 {
		t.Errorf("systemd-analyze verify: %v\n%s", err, said)
	}
}

// A process with certificate files under systemd: it says when it is ready, that it lives and
// that it ends, and shows a new certificate without a restart.
func TestTheServiceAnswersSystemdAndShowsNewCertificates(t *testing.T) {
	t.Parallel()
	home, ca := newHome(t), newAuthority(t)
	certificate, key := filepath.Join(home.directory, "desk.pem"), filepath.Join(home.directory, "desk.key")
	ends := time.Now().Add(20 * 24 * time.Hour)
	ca.issue(t, 201, ends, certificate, key)
	supervisor, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(home.directory, "notify"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = supervisor.Close() }()
	home.settings["NOTIFY_SOCKET"] = supervisor.LocalAddr().String()
	home.settings["WATCHDOG_USEC"] = strconv.FormatInt((300 * time.Millisecond).Microseconds(), 10)
	home.settings["SVAR_HTTPS_ADDRESS"] = net.JoinHostPort("127.0.0.1", strconv.Itoa(freePort(t)))
	home.settings["SVAR_HTTPS_CERTIFICATE"], home.settings["SVAR_HTTPS_KEY"] = certificate, key
	home.settings["SVAR_METRICS_TOKEN"] = "a token of a test, secret"
	server := home.begin(t)
	states := make(chan string, 10_000)
	go func() {
		defer close(states)
		for buffer := make([]byte, 4096); ; {
			n, err := supervisor.Read(buffer)
			if err != nil {
				return
			}
			for state := range strings.SplitSeq(string(buffer[:n]), "\n") {
				states <- state
			}
		}
	}()
	told := func(state string) {
		t.Helper()
		for late := time.After(patience); ; {
			select {
			case said := <-states:
				if said == state {
					return
				}
			case <-late:
				t.Fatalf("systemd is never told %s:\n%s", state, server.log.tail())
			}
		}
	}
	told("READY=1")
	web := "https://" + home.settings["SVAR_HTTPS_ADDRESS"]
	serial := func() (int64, *http.Response) {
		answer, _ := ask(t, secureClient(t, &tls.Config{RootCAs: ca.pool()}), http.MethodGet, web+"/console", nil)
		return answer.TLS.PeerCertificates[0].SerialNumber.Int64(), answer
	}
	is, page := serial()
	if is != 201 || page.StatusCode != http.StatusOK || page.Header.Get("Strict-Transport-Security") != "max-age=31536000" {
		t.Errorf("certificate %d, %s, HSTS %q", is, page.Status, page.Header.Get("Strict-Transport-Security"))
	}
	client := secureClient(t, &tls.Config{RootCAs: ca.pool()})
	for authorization, want := range map[string]int{"Bearer a token of a test, secret": http.StatusOK, "Bearer another": http.StatusUnauthorized} {
		if answer, _ := ask(t, client, http.MethodGet, web+"/metrics", nil, "Authorization", authorization); answer.StatusCode != want {
			t.Errorf("/metrics with %q: %s", authorization, answer.Status)
		}
	}
	ca.issue(t, 202, ends, certificate, key)
	eventually(t, func() bool { is, _ := serial(); return is == 202 }, func() string { return "the new certificate is never shown:\n" + server.log.tail() })
	told("WATCHDOG=1")
	server.terminate()
	told("STOPPING=1")
	if log := server.log.String(); strings.Contains(log, "a token of a test") {
		t.Error("the token is in the log")
	}
}

// A start that cannot be says why, in words, and which setting changes it, before it starts anything.
func TestAStartWithoutItsPortSaysSo(t *testing.T) {
	t.Parallel()
	home := newHome(t)
	taken, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	home.settings["SVAR_HTTPS_ADDRESS"] = taken.Addr().String()
	status, _, complaints := home.run(t, "", "serve")
	if status != 1 || !strings.Contains(complaints, "another program uses that port; end it, or set https.address (SVAR_HTTPS_ADDRESS)") {
		t.Errorf("status %d\n%s", status, complaints)
	}
	if _, err := os.Stat(filepath.Join(home.data(), "postgres")); err == nil {
		t.Error("PostgreSQL was started first")
	}
}
