package mail

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"svar/contact"
)

// Defaults of [Config].
const (
	DefaultMaxSize      = 25 << 20
	DefaultIdleRefresh  = 9 * time.Minute
	DefaultPoll         = 30 * time.Second
	DefaultReceiptLimit = 72 * time.Hour
	DefaultTimeout      = time.Minute
)

// minKey is how long the signing key is at least, in bytes.
const minKey = 32

// TLS is how a connection to a mail server is protected.
type TLS string

// The ways.
const (
	// ImplicitTLS speaks TLS from the first byte (RFC 8314): ports 993 and 465.
	ImplicitTLS TLS = "implicit"
	// STARTTLS begins TLS by a command, before anything else is said. A server that does not
	// offer it is not spoken to.
	STARTTLS TLS = "starttls"
	// NoTLS is for a server on this machine: it is refused for any other address.
	NoTLS TLS = "none"
)

// IMAPConfig says where a mailbox is read.
type IMAPConfig struct {
	// Address is host:port. The certificate must be the host's. Needed.
	Address string
	// TLS is ImplicitTLS or STARTTLS; empty means ImplicitTLS.
	TLS TLS
	// RootCAs are the authorities that may sign the server's certificate; nil means those of
	// the system.
	RootCAs  *x509.CertPool
	Username string
	Password string
	// Folder is where mail comes in; empty means INBOX. Everything in it becomes a ticket, old
	// mail as well: give it one that begins empty.
	Folder string
}

// SMTPConfig says where mail is handed over for delivery.
type SMTPConfig struct {
	// Address is host:port. Needed.
	Address string
	// TLS is ImplicitTLS, STARTTLS or NoTLS; empty means ImplicitTLS.
	TLS TLS
	// RootCAs are as in IMAPConfig.
	RootCAs *x509.CertPool
	// Username and Password sign in by PLAIN (RFC 4616); an empty username does not sign in.
	// They are refused with NoTLS.
	Username string
	Password string
}

// Mailbox is an entrance for mail.
type Mailbox struct {
	Line contact.LineID
	// Address is what people write to: desk@skola.example. Needed.
	Address string
	// From is the sender of what we send: "Servicedesk <desk@skola.example>". Empty means Address
	// without a name. Answers come to Address even when this is another one.
	From string
	// Language is the one of the notes that we put into a mail for its reader, sv or en; empty means sv.
	Language string
	// Plus says that the server delivers desk+anything@… here as well (RFC 5233). Answers then
	// have a reply address that proves the ticket even if the user's program drops References.
	Plus bool
	IMAP IMAPConfig
	SMTP SMTPConfig

	// sender is From, read.
	sender netmail.Address
}

// Config says which mailboxes are read and who takes the mails.
type Config struct {
	Mailboxes []Mailbox
	// Post takes the mails. Needed by the gateway, not by the sender.
	Post Post
	// Key signs Message-IDs and reply addresses, at least 32 random bytes. A new key forgets
	// which mails belong to which tickets. Needed.
	Key []byte
	// MaxSize is the largest mail that is read, in bytes; of a larger one only the headers are
	// taken. 0 means DefaultMaxSize. A mail needs about four times its size in memory.
	MaxSize int
	// IdleRefresh is how long one IDLE lasts; servers may end it after 30 minutes, address
	// translators after less. 0 means DefaultIdleRefresh.
	IdleRefresh time.Duration
	// Poll is how often a server without IDLE is asked. 0 means DefaultPoll.
	Poll time.Duration
	// ReceiptLimit is how old a mail may be and still get a receipt: a mailbox of last year's
	// mail must not answer everybody. 0 means DefaultReceiptLimit.
	ReceiptLimit time.Duration
	// Timeout bounds connecting, and each command of SMTP. 0 means DefaultTimeout.
	Timeout time.Duration
	// Now tells the time; nil means time.Now.
	Now func() time.Time
	// Log takes one line per mail, without a word of it. Its zero value is silent.
	Log zerolog.Logger
}

// complete fills in the defaults and says, joined, all that cannot be.
func (c Config) complete() (Config, error) {
	var faults []error
	setDefault(&c.MaxSize, DefaultMaxSize)
	setDefault(&c.IdleRefresh, DefaultIdleRefresh)
	setDefault(&c.Poll, DefaultPoll)
	setDefault(&c.ReceiptLimit, DefaultReceiptLimit)
	setDefault(&c.Timeout, DefaultTimeout)
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.MaxSize < 0 || c.IdleRefresh < 0 || c.Poll < 0 || c.ReceiptLimit < 0 || c.Timeout < 0 {
		faults = append(faults, errors.New("sizes and times must not be negative"))
	}
	if len(c.Key) < minKey {
		faults = append(faults, fmt.Errorf("the signing key needs at least %d bytes", minKey))
	}
	completed := make([]Mailbox, 0, len(c.Mailboxes))
	lines, addresses := map[contact.LineID]bool{}, map[string]bool{}
	for _, mailbox := range c.Mailboxes {
		mailbox, err := mailbox.complete()
		if err != nil {
			faults = append(faults, fmt.Errorf("mailbox %q: %w", mailbox.Line, err))
		}
		address := strings.ToLower(mailbox.Address)
		if lines[mailbox.Line] || addresses[address] {
			faults = append(faults, fmt.Errorf("mailbox %q: its name or address is there twice", mailbox.Line))
		}
		lines[mailbox.Line], addresses[address] = true, true
		completed = append(completed, mailbox)
	}
	c.Mailboxes = completed
	return c, errors.Join(faults...)
}

func (m Mailbox) complete() (Mailbox, error) {
	var faults []error
	setDefault(&m.Language, "sv")
	setDefault(&m.IMAP.TLS, ImplicitTLS)
	setDefault(&m.IMAP.Folder, "INBOX")
	setDefault(&m.SMTP.TLS, ImplicitTLS)
	if m.Line == "" {
		faults = append(faults, errors.New("it needs a name"))
	}
	if parsed, err := netmail.ParseAddress(m.Address); err != nil || parsed.Address != m.Address || !printableASCII(m.Address) {
		faults = append(faults, fmt.Errorf("%q is not a plain mail address", m.Address))
	}
	setDefault(&m.From, m.Address)
	sender, err := netmail.ParseAddress(m.From)
	if err != nil || strings.ContainsFunc(m.From, isControl) || !printableASCII(sender.Address) {
		faults = append(faults, fmt.Errorf("%q is no sender: write Name <address>", m.From))
	} else {
		m.sender = *sender
	}
	if err := checkServer(m.IMAP.Address, m.IMAP.TLS); err != nil {
		faults = append(faults, fmt.Errorf("IMAP: %w", err))
	}
	if m.IMAP.TLS == NoTLS {
		faults = append(faults, errors.New("IMAP: a password is only sent over TLS"))
	}
	if err := checkServer(m.SMTP.Address, m.SMTP.TLS); err != nil {
		faults = append(faults, fmt.Errorf("SMTP: %w", err))
	}
	if m.SMTP.TLS == NoTLS && m.SMTP.Username != "" {
		faults = append(faults, errors.New("SMTP: a password is only sent over TLS"))
	}
	return m, errors.Join(faults...)
}

// checkServer refuses an address without host or port, and bare text to another machine.
func checkServer(address string, protection TLS) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil || host == "" || port == "" {
		return fmt.Errorf("%q is not host:port", address)
	}
	switch protection {
	case ImplicitTLS, STARTTLS:
		return nil
	case NoTLS:
		if parsed := net.ParseIP(host); host == "localhost" || (parsed != nil && parsed.IsLoopback()) {
			return nil
		}
		return fmt.Errorf("%s is another machine, and mail goes there only over TLS", host)
	default:
		return fmt.Errorf("%q is no way to protect a connection: implicit, starttls or none", protection)
	}
}

func setDefault[T comparable](value *T, fallback T) {
	var zero T
	if *value == zero {
		*value = fallback
	}
}
