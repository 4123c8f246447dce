package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"svar/configs"
)

// authority signs certificates for tests.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority of a test"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{certificate, key}
}

func (a *authority) pool() *x509.CertPool { return newPool(a.certificate) }

func newPool(proof *x509.Certificate) *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(proof)
	return pool
}

// issue writes a certificate for localhost and 127.0.0.1 that ends then, and its key. The files
// are replaced as programs that renew certificates do it.
func (a *authority) issue(t testing.TB, serial int64, ends time.Time, certificatePath, keyPath string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotBefore: time.Now().Add(-time.Hour), NotAfter: ends,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	replace(t, keyPath, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}))
	replace(t, certificatePath, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

func replace(t testing.TB, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path+".beside", data, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".beside", path); err != nil {
		t.Fatal(err)
	}
}

// handClock is a clock that a test sets.
type handClock struct {
	mutex sync.Mutex
	at    time.Time
}

func (c *handClock) now() time.Time {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.at
}

func (c *handClock) pass(length time.Duration) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.at = c.at.Add(length)
}

func shownLeaf(t testing.TB, c certificates) *x509.Certificate {
	t.Helper()
	shown, err := c.certificate(nil)
	if err != nil {
		t.Fatal(err)
	}
	return shown.Leaf
}

func TestCertificateFilesAreReadAgainWhenTheyChange(t *testing.T) {
	t.Parallel()
	ca, clock := newAuthority(t), &handClock{at: time.Now()}
	certificate, key := filepath.Join(t.TempDir(), "desk.pem"), filepath.Join(t.TempDir(), "desk.key")
	ends := time.Now().Add(time.Hour)
	ca.issue(t, 101, ends, certificate, key)
	files, err := newCertificateFiles(certificate, key, clock.now, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	expect := func(serial int64, broken bool, after string) {
		t.Helper()
		clock.pass(lookAgain)
		if leaf := shownLeaf(t, files); leaf.SerialNumber.Int64() != serial {
			t.Errorf("%s, %d is shown", after, leaf.SerialNumber)
		}
		if _, fault := files.shown(); (fault != nil) != broken {
			t.Errorf("%s, the fault is %v", after, fault)
		}
	}
	expect(101, false, "at first")
	ca.issue(t, 102, ends, certificate, key)
	expect(102, false, "after a new pair")
	kept, err := os.ReadFile(key)
	if err != nil {
		t.Fatal(err)
	}
	replace(t, key, []byte("half of a key"))
	expect(102, true, "after half a key")
	replace(t, key, kept)
	expect(102, false, "when the key is back")
	if err := os.Remove(certificate); err != nil {
		t.Fatal(err)
	}
	expect(102, true, "without the file")
	ca.issue(t, 103, ends, certificate, key)
	expect(103, false, "after another pair")
	if _, err := newCertificateFiles(key, certificate, clock.now, zerolog.Nop()); err == nil || !strings.Contains(err.Error(), "https.certificate") {
		t.Errorf("the files the wrong way round: %v", err)
	}
}

func TestACertificateThatSignsItselfIsMadeKeptAndRenewed(t *testing.T) {
	t.Parallel()
	clock, path := &handClock{at: time.Now()}, filepath.Join(t.TempDir(), "https", "self-signed.pem")
	start := func(names ...string) *selfSigned {
		t.Helper()
		made, err := newSelfSigned(path, neededNames(configs.HTTPS{Address: "0.0.0.0:443", SelfSigned: configs.SelfSigned{Names: names}}), clock.now, zerolog.Nop())
		if err != nil {
			t.Fatal(err)
		}
		return made
	}
	first := shownLeaf(t, start())
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"localhost", "127.0.0.1", "::1", host} {
		if err := first.VerifyHostname(name); err != nil {
			t.Errorf("for %s: %v", name, err)
		}
	}
	if !signsItself(first) || slices.Contains(first.DNSNames, "0.0.0.0") {
		t.Errorf("it is for %q, signed by %s", first.DNSNames, first.Issuer)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file with the key: %v, %v", info.Mode(), err)
	}
	if again := shownLeaf(t, start()); !again.Equal(first) {
		t.Error("another start made another one: everybody has to accept it anew")
	}
	named := start("desk.example.org", "192.0.2.7")
	second := shownLeaf(t, named)
	if second.VerifyHostname("desk.example.org") != nil || second.VerifyHostname("192.0.2.7") != nil {
		t.Errorf("it is for %q and %v", second.DNSNames, second.IPAddresses)
	}
	clock.pass(selfSignedLife - selfSignedRenew - 2*time.Hour)
	if third := shownLeaf(t, named); !third.Equal(second) {
		t.Error("it was made anew too early")
	}
	clock.pass(2 * time.Hour)
	third := shownLeaf(t, named)
	if third.Equal(second) || clock.now().Add(300*24*time.Hour).After(third.NotAfter) {
		t.Errorf("it was not made anew; it ends on %v", third.NotAfter)
	}
	if again := shownLeaf(t, start("desk.example.org")); !again.Equal(third) {
		t.Error("the new one was not kept")
	}
	// A file that is damaged is no reason not to start.
	replace(t, path, []byte("junk"))
	if fourth := shownLeaf(t, start()); fourth.Equal(third) {
		t.Error("junk was read")
	}
}

// While the disk is full the old one is shown on, and the failure is said once a minute at most.
func TestARenewalThatFailsKeepsTheOldCertificate(t *testing.T) {
	t.Parallel()
	clock, path := &handClock{at: time.Now()}, filepath.Join(t.TempDir(), "self-signed.pem")
	log := &lockedBuffer{}
	made, err := newSelfSigned(path, neededNames(configs.HTTPS{}), clock.now, zerolog.New(log))
	if err != nil {
		t.Fatal(err)
	}
	first := shownLeaf(t, made)
	made.path = filepath.Join(t.TempDir(), "gone", "self-signed.pem")
	clock.pass(selfSignedLife - 24*time.Hour)
	for range 5 {
		if leaf := shownLeaf(t, made); !leaf.Equal(first) {
			t.Fatal("what could not be kept is shown")
		}
	}
	if _, fault := made.shown(); fault == nil || strings.Count(log.String(), "cannot be made anew") != 1 {
		t.Errorf("the fault is %v; the log says\n%s", fault, log)
	}
	made.path = path
	clock.pass(renewAgain)
	if leaf := shownLeaf(t, made); leaf.Equal(first) {
		t.Error("it was not tried again")
	}
}

// Authorities count failures, and block those who fail often. Only the App's own goroutine asks them.
func TestWhoKnocksDoesNotAskTheAuthority(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	authority := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		http.Error(w, "no", http.StatusForbidden)
	}))
	defer authority.Close()
	app := &App{options: Options{Log: zerolog.Nop()}}
	taken, err := app.startACME(configs.ACME{Domains: []string{acmeDomain}, Directory: authority.URL}, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = app.Close() }()
	for _, name := range []string{acmeDomain, "DESK.example.test.", ""} {
		if _, err := taken.certificate(&tls.ClientHelloInfo{ServerName: name, SupportedProtos: []string{"h2"}}); !errors.Is(err, errNoCertificate) {
			t.Errorf("as %q: %v", name, err)
		}
	}
	if n := asked.Load(); n != 0 {
		t.Errorf("the authority was asked %d times", n)
	}
	if taken.take(t.Context(), acmeDomain) || asked.Load() == 0 {
		t.Error("the authority is never asked")
	}
}

// One domain that the authority does not reach is no reason to take the node away from the others.
func TestADomainWithoutACertificateKeepsNoOtherFromBeingServed(t *testing.T) {
	t.Parallel()
	now := time.Now()
	leaf := &x509.Certificate{NotBefore: now, NotAfter: now.Add(90 * 24 * time.Hour)}
	taken := &acmeCertificates{
		domains: []string{"wrong.example.test", acmeDomain}, leaves: map[string]*x509.Certificate{acmeDomain: leaf},
		faults: map[string]error{"wrong.example.test": errors.New("not reached")},
	}
	if shown, fault := taken.shown(); shown != leaf || fault == nil {
		t.Errorf("shown is %v, %v", shown, fault)
	}
	if got := checkCertificates(taken, now); got.Status != statusDegraded || !strings.Contains(got.Words, "not reached") {
		t.Errorf("/readyz says %+v", got)
	}
	taken.leaves = nil
	if got := checkCertificates(taken, now); got.Status != statusFailed {
		t.Errorf("without any certificate /readyz says %+v", got)
	}
}
