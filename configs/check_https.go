package configs

import (
	"encoding/base64"
	"fmt"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"svar/contact"
)

// browsers checks where browsers are taken, and how.
func (c *checker) browsers(config Config) {
	c.listens("$.http.address", config.HTTP.Address)
	if config.HTTP.Connections <= 0 {
		c.fault("$.http.connections", "at least one connection must be allowed")
	}
	if config.HTTP.ConnectionsPerAddress <= 0 {
		c.fault("$.http.connections_per_address", "at least one connection must be allowed")
	}
	https := config.HTTPS
	c.certificate(https)
	c.acme(https.ACME)
	for i, name := range https.SelfSigned.Names {
		if _, err := netip.ParseAddr(name); err != nil && !isHostName(name) {
			c.fault(fmt.Sprintf("$.https.self_signed.names[%d]", i), "%q is neither a host name nor an IP address", name)
		}
	}
	if https.HSTS.MaxAge < 0 {
		c.fault("$.https.hsts.max_age", "the time cannot be below 0 s; 0s says nothing about it")
	}
	if https.HSTS.MaxAge > 0 && https.HSTS.MaxAge < contact.MillisOf(time.Second) {
		c.fault("$.https.hsts.max_age", "the time is counted in whole seconds")
	}
	beyond := !isLoopback(config.HTTP.Address)
	switch {
	case https.Address != "":
		c.listens("$.https.address", https.Address)
		if https.Address == config.HTTP.Address && !strings.HasSuffix(https.Address, ":0") {
			c.fault("$.https.address", "http.address is the same: each needs a port of its own")
		}
	case https.HasFiles() || len(https.ACME.Domains) > 0:
		c.warn("$.https", "a certificate is set, and no https.address: nothing is served by HTTPS")
	case beyond && len(config.HTTP.Proxies) == 0:
		c.warn("$.http.address", "%s is reached from other machines without HTTPS: passwords travel in the clear, and browsers give no microphone; set https.address, or http.proxies when a proxy does it", config.HTTP.Address)
	}
	if config.Demo && config.httpBeyond() {
		c.warn("$.demo", "anybody who reaches this server signs in with the demo's well-known password; set demo to false")
	}
}

// DemoPhones reports whether the demo's accounts have desk phones with its well-known password: while there is a demo, and
// not where SIP is reached from other machines and its accounts are not.
func (c Config) DemoPhones() bool { return c.Demo && (!c.sipBeyond() || c.httpBeyond()) }

// httpBeyond tells whether the console is reached from other machines.
func (c Config) httpBeyond() bool {
	return !isLoopback(c.HTTP.Address) || c.HTTPS.Address != "" && !isLoopback(c.HTTPS.Address)
}

// sipBeyond tells whether SIP is.
func (c Config) sipBeyond() bool {
	address := c.Phone.Address.Addr()
	return address.IsValid() && !address.IsLoopback() || c.Phone.TLS.Address != "" && !isLoopback(c.Phone.TLS.Address)
}

func (c *checker) certificate(https HTTPS) {
	switch {
	case !https.HasFiles():
		return
	case https.Key == "":
		c.fault("$.https.certificate", "a certificate needs https.key, the file with its private key")
		return
	case https.Certificate == "":
		c.fault("$.https.key", "a key needs https.certificate, the file with its certificate")
		return
	case len(https.ACME.Domains) > 0:
		c.fault("$.https.certificate", "there are files and acme.domains: set one of them")
	}
	pair, err := ReadCertificate(https.Certificate, https.Key)
	if err != nil {
		c.fault("$.https.certificate", "%v", err)
		return
	}
	// Not a fault: a desk that starts with a warning in its browsers is better than none.
	if ends := pair.Leaf.NotAfter; time.Now().After(ends) {
		c.warn("$.https.certificate", "the certificate %s ended on %s: browsers refuse it", https.Certificate, ends.Format(time.DateOnly))
	}
}

func (c *checker) acme(acme ACME) {
	const path = "$.https.acme"
	for i, domain := range acme.Domains {
		at := fmt.Sprintf("%s.domains[%d]", path, i)
		switch _, err := netip.ParseAddr(domain); {
		case err == nil:
			c.fault(at, "%s is an address; a certificate by ACME is for a domain", domain)
		case strings.HasPrefix(domain, "*."):
			c.fault(at, "%s stands for many domains, which this way of proof cannot give; name each of them", domain)
		case !isHostName(domain) || !strings.Contains(domain, "."):
			c.fault(at, "%q is not the full name of a domain", domain)
		case slices.Contains(acme.Domains[:i], domain):
			c.fault(at, "%s stands here twice", domain)
		}
	}
	if address, err := mail.ParseAddress(acme.Email); acme.Email != "" && (err != nil || address.Address != acme.Email) {
		c.fault(path+".email", "%q is no mail address", acme.Email)
	}
	if directory, err := url.Parse(acme.Directory); err != nil || directory.Scheme != "https" || directory.Host == "" {
		c.fault(path+".directory", "%q is no address of an ACME authority; write it as https://host/directory", acme.Directory)
	}
	if _, err := acme.Roots(); err != nil {
		c.fault(path+".ca_file", "%v", err)
	}
	if (acme.Account.ID == "") != (acme.Account.Key == "") {
		c.fault(path+".account", "an account needs both its id and its key")
	}
	if _, err := acme.Account.MAC(); err != nil {
		c.fault(path+".account.key", "%v", err)
	}
}

// MAC returns the key as bytes. Its error does not hold it.
func (a ACMEAccount) MAC() ([]byte, error) {
	key, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(a.Key.Reveal(), "="))
	if err != nil {
		return nil, fmt.Errorf("the key is not base64url")
	}
	return key, nil
}

// metrics checks who reads figures of the process.
func (c *checker) metrics(metrics Metrics) {
	const short = 16
	if token := metrics.Token.Reveal(); token != "" && len(token) < short {
		c.fault("$.metrics.token", "the token has fewer than %d characters", short)
	}
	for i, prefix := range metrics.Allow {
		if prefix.Bits() == 0 {
			c.warn(fmt.Sprintf("$.metrics.allow[%d]", i), "everybody may read /metrics")
		}
	}
}

func (c *checker) logging(log Log) {
	if levels := []string{"debug", "info", "warn", "error"}; !slices.Contains(levels, log.Level) {
		c.fault("$.log.level", "there is no level %q; there are %s", log.Level, strings.Join(levels, ", "))
	}
	if formats := []string{LogAuto, LogJSON, LogConsole}; !slices.Contains(formats, log.Format) {
		c.fault("$.log.format", "there is no format %q; there are %s", log.Format, strings.Join(formats, ", "))
	}
}

// listens checks a host:port that is listened on; the host may be left out.
func (c *checker) listens(path, address string) {
	_, port, err := net.SplitHostPort(address)
	if err != nil || port == "" {
		c.fault(path, "%q is not host:port", address)
	}
}

var hostLabel = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// isHostName tells whether a text is a name of DNS (RFC 1123 §2.1); others are written in Punycode.
func isHostName(text string) bool {
	const longest = 253
	if text == "" || len(text) > longest {
		return false
	}
	for label := range strings.SplitSeq(strings.ToLower(text), ".") {
		if !hostLabel.MatchString(label) {
			return false
		}
	}
	return true
}
