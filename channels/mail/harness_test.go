package mail

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
	"github.com/emersion/go-imap/v2/imapserver/imapmemserver"
	"github.com/emersion/go-smtp"
)

// senderTo returns a sender whose server is the backend.
func senderTo(t *testing.T, backend smtp.Backend) *Sender {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := smtp.NewServer(backend)
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	t.Cleanup(func() {
		server.Close()
		if err := <-ended; err != nil && !errors.Is(err, smtp.ErrServerClosed) {
			t.Errorf("the mail server ended with %v", err)
		}
	})
	mailbox := deskMailbox()
	mailbox.SMTP = SMTPConfig{Address: listener.Addr().String(), TLS: NoTLS}
	sender, err := NewSender(Config{Mailboxes: []Mailbox{mailbox}, Key: testKey})
	if err != nil {
		t.Fatal(err)
	}
	return sender
}

// plainServer is an IMAP server that knows nothing but the first version's commands: no IDLE.
func plainServer(t *testing.T) (address string, roots *x509.CertPool, user *imapmemserver.User) {
	t.Helper()
	web := httptest.NewTLSServer(nil) // it has a certificate for 127.0.0.1
	certificate := web.TLS.Certificates[0]
	roots = x509.NewCertPool()
	roots.AddCert(web.Certificate())
	web.Close()
	memory := imapmemserver.New()
	user = imapmemserver.NewUser("desk@desk.example", "desk-secret")
	if err := user.Create("INBOX", nil); err != nil {
		t.Fatal(err)
	}
	memory.AddUser(user)
	server := imapserver.New(&imapserver.Options{
		Caps: imap.CapSet{imap.CapIMAP4rev1: {}},
		NewSession: func(*imapserver.Conn) (imapserver.Session, *imapserver.GreetingData, error) {
			return memory.NewSession(), nil, nil
		},
	})
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	t.Cleanup(func() {
		_ = server.Close()
		if err := <-ended; err != nil && !errors.Is(err, net.ErrClosed) {
			t.Errorf("the IMAP server ended: %v", err)
		}
	})
	return listener.Addr().String(), roots, user
}

func TestAServerWithoutIdleIsAsked(t *testing.T) {
	t.Parallel()
	address, roots, user := plainServer(t)
	mailbox := deskMailbox()
	mailbox.IMAP.Address, mailbox.IMAP.RootCAs = address, roots
	post := newPostOffice()
	_, stop := serve(t, Config{Mailboxes: []Mailbox{mailbox}, Post: post, Key: testKey, Poll: 10 * time.Millisecond})
	for i, subject := range []string{"one", "two"} {
		if _, err := user.Append("INBOX", newLiteral(plainMail(subject)), &imap.AppendOptions{Time: time.Now()}); err != nil {
			t.Fatal(err)
		}
		post.waitTaken(t, i+1)
	}
	stop()
	if subjects(post.taken) != "one,two" {
		t.Errorf("taken were %s", subjects(post.taken))
	}
}

// literal is a mail as the library wants it.
type literal struct{ *bytes.Reader }

func newLiteral(b []byte) literal { return literal{bytes.NewReader(b)} }
