package configs

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"svar/contact"
)

// HTTPS is where browsers are taken by TLS: away from the machine itself they give the
// microphone to nothing else. The certificate comes from files, or by ACME, or, when neither
// is set, one that signs itself is made at the first start.
type HTTPS struct {
	// Address is host:port; empty means no HTTPS. Port 0 takes a free one.
	Address string `yaml:"address"`
	// Certificate and Key are PEM files: the certificate with those between it and the root
	// after it, and its private key. They are read again when they change.
	Certificate string `yaml:"certificate"`
	Key         string `yaml:"key"`
	ACME        ACME   `yaml:"acme"`
	// SelfSigned is for the certificate that is made here.
	SelfSigned SelfSigned `yaml:"self_signed"`
	HSTS       HSTS       `yaml:"hsts"`
}

// ACME is an authority that gives certificates by itself (RFC 8555). It must reach this
// server by the domains: on port 443, or on port 80 at http.address.
type ACME struct {
	// Domains are what certificates are taken for; none means no ACME.
	Domains []string `yaml:"domains"`
	// Email is told by the authority when something is wrong with a certificate.
	Email string `yaml:"email"`
	// Directory is the authority's address. To use one means to agree to its terms of service.
	Directory string `yaml:"directory"`
	// CAFile holds the certificates (PEM) that the authority's own server is proved by;
	// without it the machine's are used. It is for an authority of one's own.
	CAFile string `yaml:"ca_file"`
	// Account binds us to an account that the authority knows already (RFC 8555 §7.3.4).
	Account ACMEAccount `yaml:"account"`
}

// ACMEAccount is an external account binding. Both are empty for authorities that ask for none.
type ACMEAccount struct {
	ID string `yaml:"id"`
	// Key is the MAC key, in base64url as authorities hand it out.
	Key Secret `yaml:"key"`
}

// SelfSigned is a certificate that proves nothing by itself: people compare its fingerprint.
type SelfSigned struct {
	// Names are DNS names and IP addresses that it is for, beside localhost and this
	// machine's own.
	Names []string `yaml:"names"`
}

// HSTS tells browsers to come by HTTPS only (RFC 6797), never with a certificate that signs
// itself: browsers let nobody pass by a warning then.
type HSTS struct {
	// MaxAge is for how long; 0 says nothing about it.
	MaxAge contact.Millis `yaml:"max_age"`
	// IncludeSubdomains binds every name below ours too, whoever serves it.
	IncludeSubdomains bool `yaml:"include_subdomains"`
}

// HasFiles says that the certificate comes from files.
func (h HTTPS) HasFiles() bool { return h.Certificate != "" || h.Key != "" }

// Roots returns the certificates that the authority's server is proved by; nil means the machine's.
func (a ACME) Roots() (*x509.CertPool, error) { return roots(a.CAFile) }

// ReadCertificate reads a certificate with its chain and its key from PEM files. Its error
// says in plain words which file is wrong, and how. What it returns may be out of date.
func ReadCertificate(certificate, key string) (*tls.Certificate, error) {
	chainPEM, err := readPEM("certificate", certificate)
	if err != nil {
		return nil, err
	}
	keyPEM, err := readPEM("key", key)
	if err != nil {
		return nil, err
	}
	if block, _ := pem.Decode(keyPEM); block != nil && (block.Type == "ENCRYPTED PRIVATE KEY" || block.Headers["DEK-Info"] != "") {
		return nil, fmt.Errorf("the key %s asks for a password; keep it without one, readable only for who runs Svar", key)
	}
	pair, err := tls.X509KeyPair(chainPEM, keyPEM)
	if err == nil {
		return &pair, nil
	}
	first, _ := pem.Decode(chainPEM)
	leaf, leafErr := x509.ParseCertificate(firstBytes(first))
	private := parseKey(keyPEM)
	switch {
	case first == nil || leafErr != nil:
		return nil, fmt.Errorf("%s holds no certificate in PEM form", certificate)
	case private == nil:
		return nil, fmt.Errorf("%s holds no private key in PEM form", key)
	case !fits(leaf, private):
		return nil, fmt.Errorf("the key %s is not that of the first certificate in %s", key, certificate)
	}
	return nil, fmt.Errorf("the certificate %s with the key %s: %w", certificate, key, err)
}

func firstBytes(block *pem.Block) []byte {
	if block == nil {
		return nil
	}
	return block.Bytes
}

func readPEM(what, path string) ([]byte, error) {
	data, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("there is no %s at %s", what, path)
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("the %s %s may not be read by the user that runs Svar", what, path)
	case err != nil:
		return nil, fmt.Errorf("read the %s: %w", what, err)
	}
	return data, nil
}

// parseKey returns the first private key of a PEM text, nil when there is none.
func parseKey(text []byte) any {
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if key, err := x509.ParsePKCS8PrivateKey(block.Bytes); err == nil {
			return key
		}
		if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
			return key
		}
		if key, err := x509.ParseECPrivateKey(block.Bytes); err == nil {
			return key
		}
	}
	return nil
}

// fits tells whether a private key is that of a certificate.
func fits(leaf *x509.Certificate, private any) bool {
	switch key := private.(type) {
	case *rsa.PrivateKey:
		return key.PublicKey.Equal(leaf.PublicKey)
	case *ecdsa.PrivateKey:
		return key.PublicKey.Equal(leaf.PublicKey)
	case ed25519.PrivateKey:
		public, is := key.Public().(ed25519.PublicKey)
		return is && public.Equal(leaf.PublicKey)
	default:
		return true // what crypto/tls says is better than a guess
	}
}
