package configs_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"svar/configs"
)

// pair writes a certificate that ends then, and its key.
func pair(t *testing.T, ends time.Time) (certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "desk"}, NotBefore: ends.Add(-time.Hour), NotAfter: ends,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	directory := t.TempDir()
	certificate, key = filepath.Join(directory, "desk.pem"), filepath.Join(directory, "desk.key")
	writePEM(t, certificate, "CERTIFICATE", der)
	writeKey(t, key, private)
	return certificate, key
}

func writeKey(t *testing.T, path string, private crypto.Signer) {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	writePEM(t, path, "PRIVATE KEY", der)
}

func writePEM(t *testing.T, path, kind string, der []byte) {
	t.Helper()
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestCertificateFilesAreRead(t *testing.T) {
	t.Parallel()
	certificate, key := pair(t, time.Now().Add(time.Hour))
	config := load(t, fmt.Sprintf("https: {address: '127.0.0.1:0', certificate: %s, key: %s}\n", certificate, key))
	if len(config.Warnings) > 0 {
		t.Errorf("warned of %q", config.Warnings)
	}
	read, err := configs.ReadCertificate(config.HTTPS.Certificate, config.HTTPS.Key)
	if err != nil || read.Leaf.Subject.CommonName != "desk" {
		t.Errorf("ReadCertificate = %v, %v", read, err)
	}
}

func TestFaultsOfCertificateFilesAreSaidInWords(t *testing.T) {
	t.Parallel()
	certificate, key := pair(t, time.Now().Add(time.Hour))
	_, other := pair(t, time.Now().Add(time.Hour))
	directory := t.TempDir()
	junk, locked := filepath.Join(directory, "junk"), filepath.Join(directory, "locked")
	if err := os.WriteFile(junk, []byte("junk"), 0o600); err != nil {
		t.Fatal(err)
	}
	writePEM(t, locked, "ENCRYPTED PRIVATE KEY", []byte("x"))
	missing := filepath.Join(directory, "missing")
	for name, test := range map[string]struct{ certificate, key, want string }{
		"no such certificate": {missing, key, "there is no certificate at " + missing},
		"no such key":         {certificate, missing, "there is no key at " + missing},
		"a folder":            {directory, key, "read the certificate"},
		"no certificate":      {junk, key, "holds no certificate in PEM form"},
		"no key":              {certificate, junk, "holds no private key in PEM form"},
		"another's key":       {certificate, other, "is not that of the first certificate"},
		"key with a password": {certificate, locked, "asks for a password"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := fmt.Sprintf("https:\n  address: 127.0.0.1:0\n  certificate: %s\n  key: %s\n", test.certificate, test.key)
			refused(t, text, nil, "own.yaml:3:16:", test.want)
		})
	}
}

func TestFaultsOfBrowsersAndOperationAreSaid(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		text string
		env  map[string]string
		want []string
	}{
		"http address":           {"http: {address: somewhere}\n", nil, []string{"own.yaml:1:17:", "is not host:port"}},
		"https address":          {"https: {address: '443'}\n", nil, []string{"own.yaml:1:18:", "is not host:port"}},
		"both at one":            {"http: {address: '127.0.0.1:9000'}\nhttps: {address: '127.0.0.1:9000'}\n", nil, []string{"own.yaml:2:", "a port of its own"}},
		"no connection":          {"http: {connections: 0}\n", nil, []string{"own.yaml:1:21:", "at least one connection"}},
		"no connection of one":   {"http: {connections_per_address: -1}\n", nil, []string{"own.yaml:1:33:", "at least one connection"}},
		"certificate alone":      {"https: {certificate: a.pem}\n", nil, []string{"own.yaml:1:22:", "needs https.key"}},
		"key alone":              {"https: {key: a.key}\n", nil, []string{"own.yaml:1:14:", "needs https.certificate"}},
		"files and ACME":         {"https: {certificate: a, key: b, acme: {domains: [desk.example.org]}}\n", nil, []string{"set one of them"}},
		"domain is an address":   {"https: {acme: {domains: [192.0.2.7]}}\n", nil, []string{"own.yaml:1:26:", "is for a domain"}},
		"domain of many":         {"https: {acme: {domains: ['*.example.org']}}\n", nil, []string{"own.yaml:1:26:", "name each of them"}},
		"domain is short":        {"https: {acme: {domains: [desk]}}\n", nil, []string{"own.yaml:1:26:", "not the full name"}},
		"domain twice":           {"https: {acme: {domains: [a.example, a.example]}}\n", nil, []string{"own.yaml:1:37:", "twice"}},
		"mail address":           {"https: {acme: {email: nobody}}\n", nil, []string{"own.yaml:1:23:", "no mail address"}},
		"directory":              {"https: {acme: {directory: 'http://ca.example.org'}}\n", nil, []string{"own.yaml:1:27:", "no address of an ACME authority"}},
		"authority's root":       {"https: {acme: {ca_file: /nowhere/ca.pem}}\n", nil, []string{"own.yaml:1:25:", "/nowhere/ca.pem"}},
		"half an account":        {"https: {acme: {account: {id: desk}}}\n", nil, []string{"own.yaml:1:", "both its id and its key"}},
		"account's key":          {"https: {acme: {account: {id: desk, key: 'hemligt lösenord'}}}\n", nil, []string{"own.yaml:1:41:", "not base64url"}},
		"name of its own":        {"https: {self_signed: {names: ['desk example']}}\n", nil, []string{"own.yaml:1:31:", "neither a host name"}},
		"HSTS":                   {"https: {hsts: {max_age: 5ms}}\n", nil, []string{"own.yaml:1:25:", "whole seconds"}},
		"HSTS below nothing":     {"https: {hsts: {max_age: -1s}}\n", nil, []string{"own.yaml:1:25:", "below 0 s"}},
		"short token":            {"metrics: {token: abc}\n", nil, []string{"own.yaml:1:18:", "fewer than 16"}},
		"addresses of metrics":   {"metrics: {allow: [somewhere]}\n", nil, []string{"own.yaml:1:19:", "not a range of addresses"}},
		"sip address":            {"phone: {address: '5060'}\n", nil, []string{"own.yaml:1:18:", "not an IP address with a port"}},
		"advertised":             {"phone: {advertise: here}\n", nil, []string{"own.yaml:1:20:", "not an IP address"}},
		"voice's public address": {"voice: {public: [here]}\n", nil, []string{"own.yaml:1:18:", "not an IP address"}},
		"log level":              {"log: {level: loud}\n", nil, []string{"own.yaml:1:14:", `no level "loud"`}},
		"log format":             {"log: {format: xml}\n", nil, []string{"own.yaml:1:15:", `no format "xml"`}},
		"transport":              {"phone: {outbound: {transport: sctp}}\n", nil, []string{"own.yaml:1:31:", `no transport "sctp"`}},
		"beginning":              {"phone: {outbound: {prefixes: ['0046']}}\n", nil, []string{"own.yaml:1:31:", "not the beginning of a number"}},
		"no beginning":           {"phone: {outbound: {prefixes: []}}\n", nil, []string{"own.yaml:1:", "at least one beginning"}},
		"no call of ours":        {"phone: {outbound: {max_calls: 0}}\n", nil, []string{"own.yaml:1:31:", "at least one call"}},
		"strangers":              {"phone: {strangers: {calls_per_second: 0}}\n", nil, []string{"own.yaml:1:39:", "at least one a second"}},
		"all strangers":          {"phone: {strangers: {all_calls_per_second: 5}}\n", nil, []string{"own.yaml:1:43:", "at least as many calls as one: 20"}},
		"probe":                  {"phone: {probe_after: -1s}\n", nil, []string{"own.yaml:1:22:", "below 0 s"}},
		"value of a variable":    {"", map[string]string{"SVAR_LOG_LEVEL": "loud"}, []string{"environment variable SVAR_LOG_LEVEL: ", `no level "loud"`}},
		"list of a variable":     {"", map[string]string{"SVAR_HTTPS_ACME_DOMAINS": "a.example, b"}, []string{"environment variable SVAR_HTTPS_ACME_DOMAINS: ", `"b" is not the full name`}},
		"no list of a variable":  {"", map[string]string{"SVAR_METRICS_ALLOW": "somewhere"}, []string{"SVAR_METRICS_ALLOW", "cannot be read"}},
		"variable within a list": {"", map[string]string{"SVAR_LINES_STAFF_LANGUAGE": ""}, []string{"environment variable SVAR_LINES_STAFF_LANGUAGE: ", "needs a language"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			refused(t, test.text, test.env, test.want...)
		})
	}
}

func TestListsComeFromTheEnvironment(t *testing.T) {
	t.Parallel()
	env := map[string]string{
		"SVAR_METRICS_ALLOW": "192.0.2.0/24,2001:db8::/32", "SVAR_HTTPS_ACME_DOMAINS": "[desk.example.org]",
		"SVAR_PHONE_OUTBOUND_PREFIXES": "+46,+47", "SVAR_VOICE_PUBLIC": "192.0.2.7",
	}
	config, err := configs.Load("", func(name string) (string, bool) { v, ok := env[name]; return v, ok })
	if err != nil {
		t.Fatal(err)
	}
	if len(config.Metrics.Allow) != 2 || config.Metrics.Allow[1].String() != "2001:db8::/32" || len(config.Phone.Outbound.Prefixes) != 2 ||
		strings.Join(config.HTTPS.ACME.Domains, " ") != "desk.example.org" || config.Voice.Public[0].String() != "192.0.2.7" {
		t.Errorf("read %v, %q, %q, %v", config.Metrics.Allow, config.HTTPS.ACME.Domains, config.Phone.Outbound.Prefixes, config.Voice.Public)
	}
}

// What a desk may do, and hardly means.
func TestRisksAreWarnedOf(t *testing.T) {
	t.Parallel()
	ended, key := pair(t, time.Now().Add(-time.Hour))
	for name, test := range map[string]struct{ text, place, want string }{
		"http for everybody":    {"demo: false\nhttp: {address: '0.0.0.0:8080'}\n", "own.yaml:2:17:", "without HTTPS"},
		"http on a name":        {"demo: false\nhttp: {address: 'desk.example.org:8080'}\n", "own.yaml:2:17:", "without HTTPS"},
		"certificate of no use": {"https: {acme: {domains: [desk.example.org]}}\n", "own.yaml:1:", "no https.address"},
		"certificate has ended": {fmt.Sprintf("https: {address: '127.0.0.1:0', certificate: %s, key: %s}\n", ended, key), "own.yaml:1:46:", "browsers refuse it"},
		"demo for everybody":    {"https: {address: '0.0.0.0:443'}\n", "svar.yaml:", "well-known password"},
		"figures for everybody": {"metrics: {allow: ['0.0.0.0/0']}\n", "own.yaml:1:19:", "everybody may read"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := load(t, test.text)
			if len(config.Warnings) != 1 || !strings.Contains(config.Warnings[0], test.place) || !strings.Contains(config.Warnings[0], test.want) {
				t.Errorf("warned of %q, want one at %s that says %q", config.Warnings, test.place, test.want)
			}
		})
	}
	for name, text := range map[string]string{
		"a proxy does it": "demo: false\nhttp: {address: '0.0.0.0:8080', proxies: [192.0.2.1/32]}\n",
		"https is on":     "demo: false\nhttp: {address: '0.0.0.0:80'}\nhttps: {address: '0.0.0.0:443'}\n",
	} {
		if config := load(t, text); len(config.Warnings) > 0 {
			t.Errorf("%s: warned of %q", name, config.Warnings)
		}
	}
}

// A well-known password must not be good for telephones of strangers where the demo itself is out of their reach.
func TestDemoPhonesAreReachedAsTheDemoIs(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"":                                   true,
		"demo: false":                        false,
		"phone: {address: \"0.0.0.0:5060\"}": false,
		"phone: {tls: {address: \"0.0.0.0:5061\"}}":                         false,
		"phone: {address: \"0.0.0.0:5060\"}\nhttp: {address: 0.0.0.0:8080}": true,
	} {
		if got := load(t, text).DemoPhones(); got != want {
			t.Errorf("%q: %t", text, got)
		}
	}
}
