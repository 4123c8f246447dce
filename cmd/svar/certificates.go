package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"svar/configs"
)

// certificates are what browsers are shown by TLS. Their methods may be called concurrently.
type certificates interface {
	// certificate returns the one for a handshake.
	certificate(*tls.ClientHelloInfo) (*tls.Certificate, error)
	// shown returns the certificate that ends first of those that are shown, nil when there is
	// none yet, and what keeps it from being replaced by a newer one.
	shown() (*x509.Certificate, error)
}

// startCertificates makes the certificates of the configuration.
func (a *App) startCertificates() (certificates, error) {
	settings := a.options.Config.HTTPS
	directory := filepath.Join(a.options.Data, "https")
	switch {
	case settings.HasFiles():
		return newCertificateFiles(settings.Certificate, settings.Key, time.Now, a.options.Log)
	case len(settings.ACME.Domains) > 0:
		return a.startACME(settings.ACME, filepath.Join(directory, "acme"))
	default:
		return newSelfSigned(filepath.Join(directory, "self-signed.pem"), neededNames(settings), time.Now, a.options.Log)
	}
}

// signsItself tells a certificate that no authority has signed.
func signsItself(leaf *x509.Certificate) bool { return bytes.Equal(leaf.RawIssuer, leaf.RawSubject) }

// fingerprint is what browsers show of a certificate, for people to compare: SHA-256.
func fingerprint(leaf *x509.Certificate) string {
	sum := sha256.Sum256(leaf.Raw)
	parts := make([]string, len(sum))
	for i, b := range sum {
		parts[i] = fmt.Sprintf("%02X", b)
	}
	return strings.Join(parts, ":")
}

// lookAgain is how often files are looked at for a change.
const lookAgain = time.Second

// certificateFiles is a certificate in files, which somebody else renews: handshakes look
// whether they have changed. A change that cannot be read is logged, and the old one shown on.
type certificateFiles struct {
	certificatePath, keyPath string
	now                      func() time.Time
	log                      zerolog.Logger

	mutex   sync.Mutex
	current *tls.Certificate
	fault   error
	looked  time.Time
	// stamp is of the files that were read last, whether they could be used or not.
	stamp string
}

func newCertificateFiles(certificate, key string, now func() time.Time, log zerolog.Logger) (*certificateFiles, error) {
	f := &certificateFiles{certificatePath: certificate, keyPath: key, now: now, log: log}
	f.stamp, f.looked = f.stampNow(), now()
	var err error
	if f.current, err = configs.ReadCertificate(certificate, key); err != nil {
		return nil, fmt.Errorf("%w (https.certificate, https.key)", err)
	}
	return f, nil
}

// stampNow is another text whenever one of the files was changed, replaced or taken away.
func (f *certificateFiles) stampNow() string {
	var stamp strings.Builder
	for _, path := range []string{f.certificatePath, f.keyPath} {
		info, err := os.Stat(path)
		if err != nil {
			fmt.Fprintln(&stamp, err)
			continue
		}
		fmt.Fprintln(&stamp, info.ModTime().UnixNano(), info.Size())
	}
	return stamp.String()
}

func (f *certificateFiles) certificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.look()
	return f.current, nil
}

// look reads the files again if they have changed. It is called with the mutex held.
func (f *certificateFiles) look() {
	now := f.now()
	if now.Sub(f.looked) < lookAgain {
		return
	}
	f.looked = now
	stamp := f.stampNow()
	if stamp == f.stamp {
		return
	}
	f.stamp = stamp
	read, err := configs.ReadCertificate(f.certificatePath, f.keyPath)
	f.fault = err
	if err != nil {
		f.log.Error().Err(err).Msg("the new certificate cannot be used; the old one is shown on")
		return
	}
	f.current = read
	f.log.Info().Time("ends", read.Leaf.NotAfter).Str("fingerprint", fingerprint(read.Leaf)).Msg("a new certificate is shown to browsers")
}

func (f *certificateFiles) shown() (*x509.Certificate, error) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.look()
	return f.current.Leaf, f.fault
}

// A certificate that signs itself lasts as long as browsers accept, and is made anew before.
const (
	selfSignedLife  = 397 * 24 * time.Hour
	selfSignedRenew = 30 * 24 * time.Hour
)

// selfSigned is a certificate that is made here and kept in one file with its key, so that
// people who have accepted it are not asked again at each start.
type selfSigned struct {
	path string
	// names are those that it must be for. The machine's own are only added as they are when it
	// is made: another address by DHCP is no reason to ask everybody to accept a new one.
	names []string
	now   func() time.Time
	log   zerolog.Logger

	mutex   sync.Mutex
	current *tls.Certificate
	fault   error
	tried   time.Time
}

func newSelfSigned(path string, names []string, now func() time.Time, log zerolog.Logger) (*selfSigned, error) {
	s := &selfSigned{path: path, names: names, now: now, log: log}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("a folder for the certificate: %w", err)
	}
	kept, err := configs.ReadCertificate(path, path)
	if err == nil && s.fits(kept.Leaf) {
		s.current = kept
	} else if err := s.renew(); err != nil {
		return nil, err
	}
	s.log.Info().Time("ends", s.current.Leaf.NotAfter).Str("fingerprint", fingerprint(s.current.Leaf)).
		Msg("browsers are shown a certificate that signs itself; compare its fingerprint before you accept it")
	return s, nil
}

// fits tells whether a certificate lasts on and is for all names that are set.
func (s *selfSigned) fits(leaf *x509.Certificate) bool {
	return s.now().Add(selfSignedRenew).Before(leaf.NotAfter) && !s.now().Before(leaf.NotBefore) &&
		!slices.ContainsFunc(s.names, func(name string) bool { return leaf.VerifyHostname(name) != nil })
}

// renew makes a certificate and keeps it. It is called with the mutex held, or by who made it.
func (s *selfSigned) renew() error {
	s.tried = s.now()
	text, err := s.make()
	var made tls.Certificate
	if err == nil {
		made, err = tls.X509KeyPair(text, text)
	}
	if err == nil {
		// Written beside and renamed: a crash leaves the whole file or the old one.
		beside := s.path + ".new"
		if err = os.WriteFile(beside, text, 0o600); err == nil {
			err = os.Rename(beside, s.path)
		}
	}
	if s.fault = err; err != nil {
		s.fault = fmt.Errorf("make a certificate that signs itself: %w", err)
		return s.fault
	}
	s.current = &made
	return nil
}

func (s *selfSigned) make() ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	const serialBits = 120
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), serialBits))
	if err != nil {
		return nil, err
	}
	// A clock that is a little behind in the browser must not make it refuse.
	begins := s.now().Add(-time.Hour)
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "Svar", Organization: []string{"made by Svar, signs itself"}},
		NotBefore: begins, NotAfter: begins.Add(selfSignedLife),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, BasicConstraintsValid: true,
	}
	for _, name := range union(s.names, machineNames()) {
		if address := net.ParseIP(name); address != nil {
			template.IPAddresses = append(template.IPAddresses, address)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return append(text, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})...), nil
}

// renewAgain is how long a renewal that failed is not tried again.
const renewAgain = time.Minute

// inTime makes a certificate anew before the current one ends. It is called with the mutex held.
func (s *selfSigned) inTime() {
	now := s.now()
	if now.Add(selfSignedRenew).Before(s.current.Leaf.NotAfter) || now.Sub(s.tried) < renewAgain {
		return
	}
	if err := s.renew(); err != nil {
		s.log.Error().Err(err).Msg("the certificate that signs itself cannot be made anew")
		return
	}
	s.log.Warn().Time("ends", s.current.Leaf.NotAfter).Str("fingerprint", fingerprint(s.current.Leaf)).
		Msg("the certificate that signs itself was made anew; people are asked to accept it again")
}

func (s *selfSigned) certificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.inTime()
	return s.current, nil
}

func (s *selfSigned) shown() (*x509.Certificate, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.inTime()
	return s.current.Leaf, s.fault
}

// neededNames are the names and addresses that a certificate must be for.
func neededNames(settings configs.HTTPS) []string {
	names := []string{"localhost", "127.0.0.1", "::1"}
	if host, _, err := net.SplitHostPort(settings.Address); err == nil && host != "" {
		if address, err := netip.ParseAddr(host); err != nil || !address.IsUnspecified() {
			names = append(names, host)
		}
	}
	return union(settings.SelfSigned.Names, names)
}

func union(lists ...[]string) []string {
	all := slices.Concat(lists...)
	slices.Sort(all)
	return slices.Compact(all)
}

// machineNames are the name and the addresses that this machine has now.
func machineNames() []string {
	var names []string
	if name, err := os.Hostname(); err == nil && name != "" {
		names = append(names, name)
	}
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return names
	}
	for _, address := range addresses {
		if network, is := address.(*net.IPNet); is && network.IP.IsGlobalUnicast() {
			names = append(names, network.IP.String())
		}
	}
	return names
}

var errNoCertificate = errors.New("no certificate was given yet")
