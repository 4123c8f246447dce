package mailtest

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
	"github.com/emersion/go-smtp"
)

// User has a mailbox.
type User struct {
	Address  string
	Password string
}

// Server is a running world of mail. Mail for somebody unknown in the domain of a user is taken
// and comes back as a bounce; mail for another domain is refused at once.
type Server struct {
	// IMAPAddress speaks TLS from the first byte, IMAPStartTLSAddress after STARTTLS.
	IMAPAddress, IMAPStartTLSAddress string
	// SMTPAddress takes mail from this machine without sign-in, and offers STARTTLS, and after it
	// a sign-in; SMTPSAddress speaks TLS from the first byte. Both are empty after StartDovecot.
	SMTPAddress, SMTPSAddress string
	// RootCAs holds the authority of the certificates, CAFile names a file with it.
	RootCAs *x509.CertPool
	CAFile  string
	Users   []User

	lmtp    string
	dovecot *dovecot
	postfix *postfix
}

// defaultUsers are there when a test names none: two desks and a user at home.
var defaultUsers = []User{
	{Address: "desk@desk.example", Password: "desk-secret"},
	{Address: "other@other.example", Password: "other-secret"},
	{Address: "kim@home.example", Password: "kim-secret"},
}

// Start starts Dovecot and Postfix, which end with the test. It skips the test for anybody but
// root.
func Start(t testing.TB, users ...User) *Server {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can start Postfix")
	}
	directory := newDirectory(t)
	s := startMailboxes(t, directory, users)
	var err error
	if s.postfix, err = startPostfix(t.Context(), directory, s.Users, s.dovecot); err != nil {
		t.Fatalf("start postfix: %v", err)
	}
	t.Cleanup(func() {
		s.postfix.process.end()
		showLog(t, "postfix", s.postfix.process)
	})
	s.SMTPAddress, s.SMTPSAddress = local(s.postfix.smtp), local(s.postfix.smtps)
	return s
}

// StartDovecot starts Dovecot alone, which ends with the test.
func StartDovecot(t testing.TB, users ...User) *Server {
	t.Helper()
	return startMailboxes(t, newDirectory(t), users)
}

// newDirectory is for both servers, whose users must be able to pass through it. Its name is
// short: the names of sockets are bounded.
func newDirectory(t testing.TB) string {
	t.Helper()
	directory, err := os.MkdirTemp("", "svar-mail-")
	if err != nil {
		t.Fatalf("make a directory for the mail servers: %v", err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(directory); err != nil {
			t.Errorf("clear the mail servers' directory: %v", err)
		}
	})
	if err := os.Chmod(directory, 0o755); err != nil { //nolint:gosec // the servers run as users of their own
		t.Fatalf("open the mail servers' directory: %v", err)
	}
	return directory
}

func startMailboxes(t testing.TB, directory string, users []User) *Server {
	t.Helper()
	if len(users) == 0 {
		users = defaultUsers
	}
	as, err := unprivileged()
	if err != nil {
		t.Fatal(err)
	}
	made, err := newCertificate()
	if err != nil {
		t.Fatalf("make a certificate: %v", err)
	}
	s := &Server{Users: users, RootCAs: x509.NewCertPool(), CAFile: filepath.Join(directory, "authority.crt")}
	s.RootCAs.AppendCertsFromPEM(made.authority)
	for name, content := range map[string][]byte{"authority.crt": made.authority, "server.crt": made.chain, "server.key": made.key} {
		path := filepath.Join(directory, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(path, as.uid, as.gid); err != nil {
			t.Fatal(err)
		}
	}
	if s.dovecot, err = startDovecot(t.Context(), directory, as, users); err != nil {
		t.Fatalf("start dovecot: %v", err)
	}
	t.Cleanup(func() {
		s.dovecot.process.end()
		showLog(t, "dovecot", s.dovecot.process)
	})
	s.IMAPStartTLSAddress, s.IMAPAddress, s.lmtp = local(s.dovecot.imap), local(s.dovecot.imaps), local(s.dovecot.lmtp)
	return s
}

func showLog(t testing.TB, name string, p *process) {
	if t.Failed() {
		t.Logf("what %s said:\n%s", name, p.written())
	}
}

func local(port int) string { return fmt.Sprintf("localhost:%d", port) }

// Deliver puts a mail into the mailbox of a user, or of user+anything, as it comes: the way a
// mail server does it.
func (s *Server) Deliver(t testing.TB, to string, raw []byte) {
	t.Helper()
	connection, err := (&net.Dialer{Timeout: limit}).DialContext(t.Context(), "tcp", s.lmtp)
	if err != nil {
		t.Fatalf("reach dovecot: %v", err)
	}
	client := smtp.NewClientLMTP(connection)
	defer func() { _ = client.Close() }()
	if err := client.Mail("sender@elsewhere.example", nil); err != nil {
		t.Fatalf("deliver a mail: %v", err)
	}
	if err := client.Rcpt(to, nil); err != nil {
		t.Fatalf("deliver a mail to %s: %v", to, err)
	}
	data, err := client.Data()
	if err != nil {
		t.Fatalf("deliver a mail: %v", err)
	}
	if _, err := data.Write(raw); err != nil {
		t.Fatalf("deliver a mail: %v", err)
	}
	if err := data.Close(); err != nil {
		t.Fatalf("deliver a mail: %v", err)
	}
}

// Message is a mail in a mailbox.
type Message struct {
	UID  uint32
	Raw  []byte
	Seen bool
}

// Inbox returns what a user has, oldest first, without marking it.
func (s *Server) Inbox(t testing.TB, address string) []Message {
	t.Helper()
	client := s.signIn(t, address, nil)
	defer func() { _ = client.Close() }()
	return inbox(t, client)
}

// WaitInbox returns what a user has as soon as that is count mails. It is told of new ones by
// the server.
func (s *Server) WaitInbox(t testing.TB, address string, count int) []Message {
	t.Helper()
	news := make(chan struct{}, 1)
	client := s.signIn(t, address, news)
	defer func() { _ = client.Close() }()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for {
		select {
		case <-news:
		default:
		}
		if found := inbox(t, client); len(found) >= count {
			return found
		}
		idle, err := client.Idle()
		if err != nil {
			t.Fatalf("wait for mail: %v", err)
		}
		late := false
		select {
		case <-news:
		case <-timer.C:
			late = true
		}
		if err := idle.Close(); err != nil {
			t.Fatalf("wait for mail: %v", err)
		}
		if late {
			t.Fatalf("%s did not get %d mails in %v", address, count, limit)
		}
	}
}

// Expunge takes all of a user's mail away.
func (s *Server) Expunge(t testing.TB, address string) {
	t.Helper()
	client := s.signIn(t, address, nil)
	defer func() { _ = client.Close() }()
	var all imap.SeqSet
	all.AddRange(1, 0)
	if err := client.Store(all, &imap.StoreFlags{Op: imap.StoreFlagsAdd, Silent: true, Flags: []imap.Flag{imap.FlagDeleted}}, nil).Close(); err != nil {
		t.Fatalf("delete mail: %v", err)
	}
	if err := client.Expunge().Close(); err != nil {
		t.Fatalf("delete mail: %v", err)
	}
}

// Append fills a mailbox with mails as a program does that moves an archive: fast.
func (s *Server) Append(t testing.TB, address string, mails [][]byte) {
	t.Helper()
	client := s.signIn(t, address, nil)
	defer func() { _ = client.Close() }()
	for _, mail := range mails {
		command := client.Append("INBOX", int64(len(mail)), nil)
		if _, err := command.Write(mail); err != nil {
			t.Fatalf("append a mail: %v", err)
		}
		if err := command.Close(); err != nil {
			t.Fatalf("append a mail: %v", err)
		}
		if _, err := command.Wait(); err != nil {
			t.Fatalf("append a mail: %v", err)
		}
	}
}

func (s *Server) signIn(t testing.TB, address string, news chan<- struct{}) *imapclient.Client {
	t.Helper()
	options := &imapclient.Options{
		TLSConfig: &tls.Config{RootCAs: s.RootCAs, ServerName: "localhost", MinVersion: tls.VersionTLS12},
		UnilateralDataHandler: &imapclient.UnilateralDataHandler{Mailbox: func(data *imapclient.UnilateralDataMailbox) {
			if news == nil || data.NumMessages == nil {
				return
			}
			select {
			case news <- struct{}{}:
			default:
			}
		}},
	}
	client, err := imapclient.DialTLS(s.IMAPAddress, options)
	if err != nil {
		t.Fatalf("reach dovecot: %v", err)
	}
	for _, user := range s.Users {
		if user.Address == address {
			err = client.Login(user.Address, user.Password).Wait()
		}
	}
	if err != nil {
		t.Fatalf("sign in as %s: %v", address, err)
	}
	if _, err := client.Select("INBOX", nil).Wait(); err != nil {
		t.Fatalf("open the mailbox of %s: %v", address, err)
	}
	return client
}

func inbox(t testing.TB, client *imapclient.Client) []Message {
	t.Helper()
	// By UID: that of an empty mailbox finds nothing and is no fault, and the client's own word for
	// how many mails there are may come later than SELECT's end.
	var all imap.UIDSet
	all.AddRange(1, 0)
	section := &imap.FetchItemBodySection{Peek: true}
	fetched, err := client.Fetch(all, &imap.FetchOptions{UID: true, Flags: true, BodySection: []*imap.FetchItemBodySection{section}}).Collect()
	if err != nil {
		t.Fatalf("read a mailbox: %v", err)
	}
	var found []Message
	for _, message := range fetched {
		one := Message{UID: uint32(message.UID), Raw: message.FindBodySection(section)}
		for _, flag := range message.Flags {
			one.Seen = one.Seen || flag == imap.FlagSeen
		}
		found = append(found, one)
	}
	return found
}
