package mail

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"svar/contact"
)

// ErrPermanent is what an error of [Sender.Send] is when the same mail will never be taken: it
// is not to be sent again. Every other error is for the time being.
const ErrPermanent = constError("the mail will not be delivered")

// sendingSteps bounds a whole hand-over, in time-outs of one step: a server that answers each
// command just in time ends too.
const sendingSteps = 5

type constError string

func (e constError) Error() string { return string(e) }

// Sender hands mails over for delivery. Its methods may be called concurrently.
type Sender struct {
	mailboxes map[contact.LineID]Mailbox
	signer    signer
	timeout   time.Duration
	now       func() time.Time
}

// NewSender returns a sender for the mailboxes of the configuration.
func NewSender(config Config) (*Sender, error) {
	config, err := config.complete()
	if err != nil {
		return nil, err
	}
	s := &Sender{mailboxes: map[contact.LineID]Mailbox{}, signer: signer{config.Key}, timeout: config.Timeout, now: config.Now}
	for _, mailbox := range config.Mailboxes {
		s.mailboxes[mailbox.Line] = mailbox
	}
	return s, nil
}

// MessageID returns the Message-ID that the mail has, or will have, which key names among those
// of the ticket; empty for a line without mailbox.
func (s *Sender) MessageID(line contact.LineID, ticket contact.TicketNumber, key string) string {
	mailbox, known := s.mailboxes[line]
	if !known {
		return ""
	}
	_, domain, _ := strings.Cut(mailbox.Address, "@")
	return s.signer.messageID(ticket, key, domain)
}

// Send hands the mail to the mailbox's server and returns when that has taken it on. The
// error is [ErrPermanent] when trying again is useless.
//
// When the connection breaks after the last byte nobody knows whether it was taken: it is sent
// again, with the same Message-ID, by which receiving programs know it as the same.
func (s *Sender) Send(ctx context.Context, out Outgoing) error {
	mailbox, known := s.mailboxes[out.Line]
	if !known {
		return fmt.Errorf("%w: %q is no mailbox of ours", ErrPermanent, out.Line)
	}
	mail, err := s.signer.compose(mailbox, out, s.now())
	if err != nil {
		return fmt.Errorf("%w: %w", ErrPermanent, err)
	}
	ctx, cancel := context.WithTimeout(ctx, sendingSteps*s.timeout)
	defer cancel()
	client, release, err := s.connect(ctx, mailbox.SMTP, mailbox.Address)
	if err != nil {
		return fmt.Errorf("reach the mail server: %w", withCause(ctx, err))
	}
	defer release()
	if err := handOver(client, mail); err != nil {
		return withCause(ctx, err)
	}
	_ = client.Quit() // it has taken the mail on; a farewell that fails changes nothing
	return nil
}

// connect makes a signed-in session. release ends it and waits for nothing.
func (s *Sender) connect(ctx context.Context, server SMTPConfig, from string) (*smtp.Client, func(), error) {
	connection, err := dial(ctx, server.Address, server.TLS, server.RootCAs, s.timeout)
	if err != nil {
		return nil, nil, err
	}
	// The library knows no context: a closed connection ends whatever it waits for.
	stop := context.AfterFunc(ctx, func() { _ = connection.Close() })
	var client *smtp.Client
	release := func() {
		stop()
		_ = connection.Close()
	}
	if server.TLS == STARTTLS {
		client, err = smtp.NewClientStartTLS(connection, tlsConfig(server.Address, server.RootCAs))
	} else {
		client = smtp.NewClient(connection)
	}
	if err != nil {
		release()
		return nil, nil, err
	}
	client.CommandTimeout, client.SubmissionTimeout = s.timeout, 2*s.timeout
	_, domain, _ := strings.Cut(from, "@")
	if err := client.Hello(domain); err != nil {
		release()
		return nil, nil, err
	}
	if server.Username != "" {
		if err := client.Auth(sasl.NewPlainClient("", server.Username, server.Password)); err != nil {
			release()
			return nil, nil, fmt.Errorf("sign in: %w", err)
		}
	}
	return client, release, nil
}

func handOver(client *smtp.Client, mail composed) error {
	options := &smtp.MailOptions{}
	if !printableASCII(mail.to) {
		if supported, _ := client.Extension("SMTPUTF8"); !supported {
			return fmt.Errorf("%w: the mail server takes no addresses with such letters", ErrPermanent)
		}
		options.UTF8 = true
	}
	if err := client.Mail(mail.from, options); err != nil {
		return judge("name the sender", err)
	}
	if err := client.Rcpt(mail.to, nil); err != nil {
		return judge("name the recipient", err)
	}
	data, err := client.Data()
	if err != nil {
		return judge("begin the mail", err)
	}
	if _, err := data.Write(mail.data); err != nil {
		return judge("send the mail", err)
	}
	if err := data.Close(); err != nil {
		return judge("send the mail", err)
	}
	return nil
}

// judge makes a refusal of this very mail permanent. What is wrong with our account (530, 534,
// 535, 538) is for the administrator to mend, and the mail can wait for it. The server's words
// are left out: they may name the recipient.
func judge(step string, err error) error {
	var refusal *smtp.SMTPError
	if !errors.As(err, &refusal) {
		return fmt.Errorf("%s: %w", step, err)
	}
	answer := fmt.Sprintf("%d %d.%d.%d", refusal.Code, refusal.EnhancedCode[0], refusal.EnhancedCode[1], refusal.EnhancedCode[2])
	if refusal.Code < 500 || refusal.Code == 530 || refusal.Code == 534 || refusal.Code == 535 || refusal.Code == 538 {
		return fmt.Errorf("%s: the mail server answered %s", step, answer)
	}
	return fmt.Errorf("%w: %s: the mail server answered %s", ErrPermanent, step, answer)
}

// dial connects by TCP, and by TLS when that comes first.
func dial(ctx context.Context, address string, protection TLS, roots *x509.CertPool, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	// A peer that is gone without a word is noticed by the kernel's probes, idle or not.
	dialer := &net.Dialer{KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 30 * time.Second, Interval: 10 * time.Second, Count: 3}}
	if protection == ImplicitTLS {
		return (&tls.Dialer{NetDialer: dialer, Config: tlsConfig(address, roots)}).DialContext(ctx, "tcp", address)
	}
	return dialer.DialContext(ctx, "tcp", address)
}

func tlsConfig(address string, roots *x509.CertPool) *tls.Config {
	host, _, _ := net.SplitHostPort(address)
	return &tls.Config{ServerName: host, RootCAs: roots, MinVersion: tls.VersionTLS12}
}

// withCause says that ctx ended, when that is why err came.
func withCause(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return fmt.Errorf("%w (%w)", cause, err)
	}
	return err
}
