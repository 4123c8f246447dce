package configs

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net/mail"
	"os"

	"svar/contact"
	"svar/ivr"
)

// Chat is the widget and what one can chat about.
type Chat struct {
	// Origins are the sites beside our own that may embed the widget: https://example.org.
	Origins []string `yaml:"origins"`
	Topics  []Topic  `yaml:"topics"`
	// AwayLimit is how long a visitor may be gone before his chat is over.
	AwayLimit contact.Millis `yaml:"away_limit"`
	// PerAddress is how many chats one address may begin at once; each minute gives one back.
	// A school behind one address needs more than a home.
	PerAddress int `yaml:"per_address"`
}

// Topic is an entrance: what a chat is about.
type Topic struct {
	ID       contact.LineID    `yaml:"id"`
	Name     map[string]string `yaml:"name"`
	Audience contact.Audience  `yaml:"audience"`
	// Languages are those that a visitor may choose from.
	Languages []string          `yaml:"languages"`
	Service   contact.ServiceID `yaml:"service"`
	// Hours are the opening hours of the topic, those of [Config.HoursSets] by their id; the desk's
	// when empty.
	Hours contact.HoursID `yaml:"hours"`
	// Flow has neither menu nor music.
	Flow []Step `yaml:"flow"`
}

// IVR returns the topic's flow in the form that is interpreted.
func (t Topic) IVR() ivr.Flow { return flow(t.Flow) }

// Mail is the mailboxes that are read.
type Mail struct {
	Mailboxes []Mailbox `yaml:"mailboxes"`
}

// Mailbox is an entrance: an address that people write to.
type Mailbox struct {
	ID   contact.LineID    `yaml:"id"`
	Name map[string]string `yaml:"name"`
	// Address is what people write to, From what answers come from; without it they come from
	// Address.
	Address string `yaml:"address"`
	From    string `yaml:"from"`
	// Plus says that mail to name+anything@… comes to the mailbox too (RFC 5233): then replies
	// find their tickets even from programs that drop References.
	Plus     bool              `yaml:"plus"`
	Audience contact.Audience  `yaml:"audience"`
	Language string            `yaml:"language"`
	Service  contact.ServiceID `yaml:"service"`
	Needs    []Need            `yaml:"needs"`
	Class    Class             `yaml:"class"`
	// Target is how soon an answer is due, counted in Hours: those of [Config.HoursSets] by their
	// id, or the desk's when empty.
	Target contact.Millis  `yaml:"target"`
	Hours  contact.HoursID `yaml:"hours"`
	IMAP   IMAP            `yaml:"imap"`
	SMTP   SMTP            `yaml:"smtp"`
}

// How a connection to a mail server is protected. None is for SMTP on this machine only.
const (
	TLSImplicit = "implicit"
	TLSStartTLS = "starttls"
	TLSNone     = "none"
)

// IMAP is where mails are fetched.
type IMAP struct {
	// Address is host:port.
	Address string `yaml:"address"`
	// TLS is [TLSImplicit], which is meant by nothing too, or [TLSStartTLS].
	TLS string `yaml:"tls"`
	// CAFile holds the certificates (PEM) that the server's is proved by; without it the
	// machine's are used.
	CAFile   string `yaml:"ca_file"`
	Username string `yaml:"username"`
	Password Secret `yaml:"password"`
	// Folder is INBOX when it is empty.
	Folder string `yaml:"folder"`
}

// SMTP is where mails are sent.
type SMTP struct {
	// Address is host:port.
	Address string `yaml:"address"`
	// TLS is [TLSImplicit], which is meant by nothing too, [TLSStartTLS] or [TLSNone].
	TLS    string `yaml:"tls"`
	CAFile string `yaml:"ca_file"`
	// Username is empty when the server takes mails without one.
	Username string `yaml:"username"`
	Password Secret `yaml:"password"`
}

// Sender returns the address that answers come from, with its name.
func (m Mailbox) Sender() string {
	if m.From != "" {
		return m.From
	}
	return (&mail.Address{Name: m.Name[m.Language], Address: m.Address}).String()
}

// Mode returns how the connection is protected.
func (i IMAP) Mode() string { return orImplicit(i.TLS) }

// Mode returns how the connection is protected.
func (s SMTP) Mode() string { return orImplicit(s.TLS) }

func orImplicit(mode string) string {
	if mode == "" {
		return TLSImplicit
	}
	return mode
}

// FolderName returns the folder that is read.
func (i IMAP) FolderName() string {
	if i.Folder == "" {
		return "INBOX"
	}
	return i.Folder
}

// Roots returns the certificates that the server's is proved by; nil means the machine's.
func (i IMAP) Roots() (*x509.CertPool, error) { return roots(i.CAFile) }

// Roots returns the certificates that the server's is proved by; nil means the machine's.
func (s SMTP) Roots() (*x509.CertPool, error) { return roots(s.CAFile) }

func roots(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil // what crypto/tls means by no pool
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read the certificates: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(data) {
		return nil, errors.New("the file holds no certificate in PEM form")
	}
	return pool, nil
}

// Portal is the users' site.
type Portal struct {
	// BaseURL is how users reach it, in mails: https://servicedesk.example.org. Without it
	// mails name no address.
	BaseURL string `yaml:"base_url"`
	Form    Form   `yaml:"form"`
}

// Form is an entrance: what people fill in at the portal.
type Form struct {
	ID   contact.LineID    `yaml:"id"`
	Name map[string]string `yaml:"name"`
	// Needs are by who filled it in; those of the service are added.
	Needs map[contact.Audience][]Need `yaml:"needs"`
	Class Class                       `yaml:"class"`
	// Target is how soon an answer is due, counted in Hours: those of [Config.HoursSets] by their
	// id, or the desk's when empty.
	Target contact.Millis  `yaml:"target"`
	Hours  contact.HoursID `yaml:"hours"`
}

// Secret is a text that nothing prints.
type Secret string

// Reveal returns the text itself.
func (s Secret) Reveal() string { return string(s) }

// String keeps the text out of logs and faults.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return "(secret)"
}

// GoString keeps the text out of %#v.
func (s Secret) GoString() string { return s.String() }

// MarshalText keeps the text out of JSON and YAML.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
