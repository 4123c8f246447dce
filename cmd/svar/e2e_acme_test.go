package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/net/dns/dnsmessage"

	"svar/configs"
)

// acmeDomain is what the tests take certificates for. Only their own name server knows it.
const acmeDomain = "desk.example.test"

// pebbleProgram is the ACME server of Let's Encrypt for tests, built from the module of the tools
// and left beside the linter.
var pebbleProgram = sync.OnceValues(func() (string, error) {
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		return "", err
	}
	program := filepath.Join(root, ".tools", "pebble")
	beside := program + "." + strconv.Itoa(os.Getpid()) // another run may use the old one now
	build := exec.CommandContext(context.Background(), "go", "build", "-o", beside, "github.com/letsencrypt/pebble/v2/cmd/pebble")
	build.Dir = filepath.Join(root, "tools")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if said, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build pebble: %w\n%s", err, said)
	}
	return program, os.Rename(beside, program)
})

// pebble is a running ACME server.
type pebble struct {
	directory  string // its address
	caFile     string // what its own TLS is proved by
	management string
	ca         *authority
	stop       func()
}

// Where a pebble proves domains, and with which account (RFC 8555 §7.3.4).
type pebbleConfig struct {
	tlsPort, httpPort int
	account           configs.ACMEAccount
}

func startPebble(t testing.TB, config pebbleConfig) *pebble {
	t.Helper()
	program, err := pebbleProgram()
	if err != nil {
		t.Fatal(err)
	}
	home, ca := t.TempDir(), newAuthority(t)
	certificate, key := filepath.Join(home, "pebble.pem"), filepath.Join(home, "pebble.key")
	ca.issue(t, 7, time.Now().Add(time.Hour), certificate, key)
	p := &pebble{ca: ca, caFile: filepath.Join(home, "ca.pem")}
	replace(t, p.caFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.certificate.Raw}))
	listens := net.JoinHostPort("127.0.0.1", strconv.Itoa(freePort(t)))
	manages := net.JoinHostPort("127.0.0.1", strconv.Itoa(freePort(t)))
	p.directory, p.management = "https://"+listens+"/dir", "https://"+manages
	settings := map[string]any{
		"listenAddress": listens, "managementListenAddress": manages, "certificate": certificate, "privateKey": key,
		"tlsPort": config.tlsPort, "httpPort": config.httpPort, "keyAlgorithm": "ecdsa", "retryAfter": map[string]int{"authz": 1, "order": 1},
	}
	if config.account.ID != "" {
		settings["externalAccountBindingRequired"] = true
		settings["externalAccountMACKeys"] = map[string]string{config.account.ID: config.account.Key.Reveal()}
	}
	text, err := json.Marshal(map[string]any{"pebble": settings})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(home, "pebble.json")
	replace(t, path, text)
	log := &lockedBuffer{}
	command := exec.CommandContext(context.Background(), program, "-config", path, "-dnsserver", nameServer(t))
	command.Env = []string{"PEBBLE_VA_NOSLEEP=1", "PEBBLE_WFE_NONCEREJECT=0"}
	command.Stdout, command.Stderr = log, log
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	p.stop = sync.OnceFunc(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
	})
	t.Cleanup(func() {
		p.stop()
		if t.Failed() {
			t.Logf("pebble says:\n%s", log.tail())
		}
	})
	eventually(t, func() bool { _, err := p.get(t, p.directory); return err == nil }, func() string { return "pebble never answers:\n" + log.tail() })
	return p
}

func (p *pebble) get(t testing.TB, address string) ([]byte, error) {
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: p.ca.pool()}, DisableKeepAlives: true}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	response, err := (&http.Client{Transport: transport}).Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	return io.ReadAll(response.Body)
}

// roots proves the certificates that it gives.
func (p *pebble) roots(t testing.TB) *x509.CertPool {
	t.Helper()
	text, err := p.get(t, p.management+"/roots/0")
	pool := x509.NewCertPool()
	if err != nil || !pool.AppendCertsFromPEM(text) {
		t.Fatalf("pebble's root: %q, %v", text, err)
	}
	return pool
}

// nameServer says by DNS over TCP that every name is 127.0.0.1.
func nameServer(t testing.TB) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer func() { _ = conn.Close() }()
				_ = conn.SetDeadline(time.Now().Add(patience))
				for answerName(conn) == nil {
				}
			})
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		all.Wait()
	})
	return listener.Addr().String()
}

// answerName answers one question (RFC 1035 §4.2.2: over TCP a length comes first).
func answerName(conn net.Conn) error {
	var length [2]byte
	if _, err := io.ReadFull(conn, length[:]); err != nil {
		return err
	}
	asked := make([]byte, binary.BigEndian.Uint16(length[:]))
	if _, err := io.ReadFull(conn, asked); err != nil {
		return err
	}
	var message dnsmessage.Message
	if err := message.Unpack(asked); err != nil || len(message.Questions) != 1 {
		return errors.New("no question")
	}
	question := message.Questions[0]
	answer := dnsmessage.Message{
		Header: dnsmessage.Header{ID: message.ID, Response: true, Authoritative: true}, Questions: message.Questions,
	}
	if question.Type == dnsmessage.TypeA {
		answer.Answers = []dnsmessage.Resource{{
			Header: dnsmessage.ResourceHeader{Name: question.Name, Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET, TTL: 1},
			Body:   &dnsmessage.AResource{A: [4]byte{127, 0, 0, 1}},
		}}
	}
	packed, err := answer.Pack()
	if err != nil {
		return err
	}
	_, err = conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(packed))), packed...))
	return err
}

// An App takes its certificate from the real Pebble, which proves the domain by TLS (RFC 8737).
func TestCertificatesComeByACMEOverTLS(t *testing.T) {
	t.Parallel()
	port := freePort(t)
	ca := startPebble(t, pebbleConfig{tlsPort: port, httpPort: 1})
	app := startApp(t, map[string]string{
		"SVAR_HTTPS_ADDRESS": net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), "SVAR_HTTPS_ACME_DOMAINS": acmeDomain,
		"SVAR_HTTPS_ACME_DIRECTORY": ca.directory, "SVAR_HTTPS_ACME_CA_FILE": ca.caFile, "SVAR_HTTPS_ACME_EMAIL": "adam@example.test",
	}, nil)
	eventually(t, func() bool { leaf, _ := app.certificates.shown(); return leaf != nil },
		func() string {
			_, fault := app.certificates.shown()
			return fmt.Sprint("no certificate comes: ", fault)
		})
	roots := ca.roots(t)
	for _, name := range []string{acmeDomain, ""} { // without a name the first domain's is shown
		config := &tls.Config{RootCAs: roots, ServerName: name, InsecureSkipVerify: name == ""}
		conn, err := (&tls.Dialer{Config: config}).DialContext(t.Context(), "tcp", app.HTTPSAddress().String())
		if err != nil {
			t.Fatalf("as %q: %v", name, err)
		}
		shown := conn.(*tls.Conn).ConnectionState().PeerCertificates[0]
		if err := shown.VerifyHostname(acmeDomain); err != nil {
			t.Errorf("as %q: %v", name, err)
		}
		_ = conn.Close()
	}
	// Nobody gets a certificate for a name of his own: the authority would count it against us.
	if conn, err := (&tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true, ServerName: "other.example.test"}}).DialContext(t.Context(), "tcp", app.HTTPSAddress().String()); err == nil {
		_ = conn.Close()
		t.Error("another domain was served")
	}
	cache := filepath.Join(app.options.Data, "https", "acme")
	info, err := os.Stat(cache)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder with the keys: %v, %v", info, err)
	}
	if got := checkCertificates(app.certificates, time.Now()); got.Status != statusOK {
		t.Errorf("/readyz says %+v", got)
	}
}

// Where port 443 is not to be had the proof goes by HTTP; the account is bound to one that the
// authority knows, and what was taken outlives the process and the authority.
func TestCertificatesComeByACMEOverHTTP(t *testing.T) {
	t.Parallel()
	account := configs.ACMEAccount{ID: "kid-1", Key: configs.Secret(base64.RawURLEncoding.EncodeToString([]byte("a key of thirty-two bytes, or so")))}
	// One server for all that follows: its port is not given back between them.
	var answering atomic.Pointer[http.Handler]
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { (*answering.Load()).ServeHTTP(w, r) }))
	defer server.Close()
	ca := startPebble(t, pebbleConfig{tlsPort: freePort(t), httpPort: server.Listener.Addr().(*net.TCPAddr).Port, account: account})
	data := t.TempDir()
	start := func(account configs.ACMEAccount) (*App, *acmeCertificates) {
		t.Helper()
		app := &App{options: Options{Log: zerolog.Nop()}, metrics: newMetrics(), failed: make(chan error, 1), abort: func(error) {}}
		taken, err := app.startACME(configs.ACME{Domains: []string{acmeDomain}, Directory: ca.directory, CAFile: ca.caFile, Account: account}, data)
		if err != nil {
			t.Fatal(err)
		}
		proofs := answersProofs(taken, http.NotFoundHandler())
		answering.Store(&proofs)
		t.Cleanup(func() { _ = app.Close() }) // for a test that ends early
		return app, taken
	}
	end := func(app *App) {
		t.Helper()
		if err := app.Close(); err != nil {
			t.Error(err)
		}
	}
	app, stranger := start(configs.ACMEAccount{})
	if stranger.take(t.Context(), acmeDomain) {
		t.Error("an account that is not bound gets a certificate")
	}
	if _, fault := stranger.shown(); fault == nil {
		t.Error("it is not said why there is no certificate")
	}
	end(app)
	app, first := start(account)
	if !first.take(t.Context(), acmeDomain) {
		t.Fatal(first.shown())
	}
	leaf, err := first.shown()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := leaf.Verify(x509.VerifyOptions{DNSName: acmeDomain, Roots: ca.roots(t), Intermediates: chainOf(t, first)}); err != nil {
		t.Error(err)
	}
	end(app)
	ca.stop()
	app, second := start(account)
	if !second.take(t.Context(), acmeDomain) {
		t.Fatal("the certificate was not kept")
	}
	if again, _ := second.shown(); !again.Equal(leaf) {
		t.Error("another one was kept")
	}
	end(app)
}

func chainOf(t testing.TB, c *acmeCertificates) *x509.CertPool {
	t.Helper()
	shown, err := c.certificate(&tls.ClientHelloInfo{
		ServerName: acmeDomain, SupportedVersions: []uint16{tls.VersionTLS13},
		SignatureSchemes: []tls.SignatureScheme{tls.ECDSAWithP256AndSHA256}, SupportedCurves: []tls.CurveID{tls.CurveP256},
		CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256},
	})
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	for _, der := range shown.Certificate[1:] {
		between, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		pool.AddCert(between)
	}
	return pool
}
