package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/rs/zerolog"
	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"

	"svar/configs"
)

// How an authority is asked. It is asked again soon after a failure at first, since often the
// firewall is opened meanwhile, and then rarely: authorities count failures.
const (
	acmeRequest  = 30 * time.Second
	acmeFirst    = time.Minute
	acmeAtMost   = time.Hour
	acmeLookUp   = 12 * time.Hour
	acmeFarewell = 2 * time.Second
)

// acmeCertificates takes certificates from an authority and renews them (RFC 8555), with
// proofs by TLS (RFC 8737) and by HTTP.
type acmeCertificates struct {
	manager *autocert.Manager
	domains []string
	log     zerolog.Logger

	mutex  sync.Mutex // guards what follows
	leaves map[string]*x509.Certificate
	faults map[string]error
}

// startACME begins to take certificates. It does not wait for them: a desk must start while the
// authority is away.
func (a *App) startACME(settings configs.ACME, directory string) (*acmeCertificates, error) {
	roots, err := settings.Roots()
	if err != nil {
		return nil, fmt.Errorf("https.acme.ca_file: %w", err)
	}
	mac, err := settings.Account.MAC()
	if err != nil {
		return nil, fmt.Errorf("https.acme.account.key: %w", err)
	}
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}
	life, end := context.WithCancel(context.Background())
	manager := &autocert.Manager{
		Prompt: autocert.AcceptTOS, // to set a directory agrees to them: see svar.yaml
		Cache:  autocert.DirCache(directory), HostPolicy: hostPolicy(settings.Domains), Email: settings.Email,
		Client: &acme.Client{
			DirectoryURL: settings.Directory, UserAgent: "svar",
			HTTPClient: &http.Client{Transport: living{life, transport}, Timeout: acmeRequest},
		},
	}
	if settings.Account.ID != "" {
		manager.ExternalAccountBinding = &acme.ExternalAccountBinding{KID: settings.Account.ID, Key: mac}
	}
	c := &acmeCertificates{
		manager: manager, domains: settings.Domains, log: a.options.Log,
		leaves: map[string]*x509.Certificate{}, faults: map[string]error{},
	}
	a.onClose("the ACME client", func(context.Context) error {
		end()
		transport.CloseIdleConnections()
		return nil
	})
	return c, nil
}

// hostPolicy allows the domains alone: others would ask the authority for names of their own. The
// library hands the Host header on as it is, which has a port when it is not 80.
func hostPolicy(domains []string) autocert.HostPolicy {
	allowed := autocert.HostWhitelist(domains...)
	return func(ctx context.Context, host string) error {
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		return allowed(ctx, host)
	}
}

// living ends requests with the App: the library knows no context for them.
type living struct {
	life context.Context
	next http.RoundTripper
}

// RoundTrip implements [http.RoundTripper].
func (l living) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := l.life.Err(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(r.Context())
	stop := context.AfterFunc(l.life, cancel)
	response, err := l.next.RoundTrip(r.WithContext(ctx))
	if err != nil {
		stop()
		cancel()
		return nil, err
	}
	response.Body = &endingBody{response.Body, func() { stop(); cancel() }}
	return response, nil
}

func (c *acmeCertificates) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	named := *hello
	if named.ServerName == "" {
		named.ServerName = c.domains[0] // who comes by the address is shown a name that can be checked
	}
	// The library asks the authority whenever somebody comes, once a minute; [acmeCertificates.run] alone
	// may, or whoever knocks would use up what the authority allows to fail.
	if !slices.Equal(hello.SupportedProtos, []string{acme.ALPNProto}) && c.lacks(named.ServerName) {
		return nil, errNoCertificate
	}
	return c.manager.GetCertificate(&named)
}

// lacks tells whether a name is one of our domains, without a certificate so far.
func (c *acmeCertificates) lacks(name string) bool {
	name = strings.TrimSuffix(name, ".")
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return slices.ContainsFunc(c.domains, func(domain string) bool { return strings.EqualFold(domain, name) && c.leaves[domain] == nil })
}

// run takes the certificate of each domain, and follows their renewals by the library.
func (c *acmeCertificates) run(ctx context.Context) error {
	var all sync.WaitGroup
	for _, domain := range c.domains {
		all.Go(func() {
			wait := backoff.NewExponentialBackOff()
			wait.InitialInterval, wait.MaxInterval = acmeFirst, acmeAtMost
			for ctx.Err() == nil {
				next := acmeLookUp
				if c.take(ctx, domain) {
					wait.Reset()
				} else {
					next = wait.NextBackOff()
				}
				select {
				case <-ctx.Done():
				case <-time.After(next):
				}
			}
		})
	}
	all.Wait()
	return ctx.Err()
}

// take asks for the certificate of a domain as a browser would, and tells whether there is one.
// It returns early when ctx ends; then what is asked ends a moment later by itself.
func (c *acmeCertificates) take(ctx context.Context, domain string) bool {
	type answer struct {
		certificate *tls.Certificate
		err         error
	}
	answers := make(chan answer, 1)
	go func() {
		hello := &tls.ClientHelloInfo{
			ServerName: domain, SupportedVersions: []uint16{tls.VersionTLS13}, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256},
			SignatureSchemes: []tls.SignatureScheme{tls.ECDSAWithP256AndSHA256}, SupportedCurves: []tls.CurveID{tls.CurveP256},
		}
		certificate, err := c.manager.GetCertificate(hello)
		answers <- answer{certificate, err}
	}()
	var got answer
	select {
	case <-ctx.Done():
		select {
		case <-answers:
		case <-time.After(acmeFarewell):
		}
		return false
	case got = <-answers:
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if got.err != nil {
		c.faults[domain] = fmt.Errorf("the authority gives no certificate for %s: %w", domain, got.err)
		c.log.Error().Err(got.err).Str("domain", domain).Msg("the authority gives no certificate; it must reach this server by that name on port 443 or 80")
		return false
	}
	delete(c.faults, domain)
	leaf := got.certificate.Leaf
	if was := c.leaves[domain]; was == nil || !was.Equal(leaf) {
		c.log.Info().Str("domain", domain).Time("ends", leaf.NotAfter).Msg("the authority gave a certificate")
	}
	c.leaves[domain] = leaf
	return true
}

func (c *acmeCertificates) shown() (*x509.Certificate, error) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	var first *x509.Certificate
	var fault error
	for _, domain := range c.domains {
		leaf := c.leaves[domain]
		if fault == nil {
			fault = c.faults[domain]
		}
		switch {
		case leaf == nil && fault == nil:
			fault = errNoCertificate
		case leaf != nil && (first == nil || leaf.NotAfter.Before(first.NotAfter)):
			first = leaf
		}
	}
	return first, fault
}

// answersProofs lets the authority's questions by HTTP through to the library, and all others to next.
func answersProofs(c certificates, next http.Handler) http.Handler {
	if by, is := c.(*acmeCertificates); is {
		return by.manager.HTTPHandler(next)
	}
	return next
}

// protocols are what TLS offers to speak (RFC 7301).
func protocols(c certificates) []string {
	offered := []string{"h2", "http/1.1"}
	if _, is := c.(*acmeCertificates); is {
		offered = append(offered, acme.ALPNProto)
	}
	return slices.Clip(offered)
}

// endingBody ends what belongs to a response with its body.
type endingBody struct {
	io.ReadCloser
	end func()
}

// Close implements [io.Closer].
func (b *endingBody) Close() error {
	defer b.end()
	return b.ReadCloser.Close()
}
