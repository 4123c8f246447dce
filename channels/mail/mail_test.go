package mail

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"svar/channels/mail/mailtest"
	"svar/contact"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// deskLine is the mailbox of most tests.
const deskLine = contact.LineID("mail-desk")

var testKey = []byte("a key of thirty-two bytes or more")

// atEight is a Tuesday morning.
var atEight = time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)

// deskMailbox is a mailbox that is configured, whether or not a server is there.
func deskMailbox() Mailbox {
	return Mailbox{
		Line: deskLine, Address: "desk@desk.example", From: "Servicedesk <desk@desk.example>", Plus: true,
		IMAP: IMAPConfig{Address: "localhost:993", Username: "desk@desk.example", Password: "desk-secret"},
		SMTP: SMTPConfig{Address: "localhost:587"},
	}
}

// mailboxOn is the mailbox of a user of the server.
func mailboxOn(server *mailtest.Server, line contact.LineID, user mailtest.User) Mailbox {
	return Mailbox{
		Line: line, Address: user.Address, From: "Servicedesk <" + user.Address + ">", Plus: true,
		IMAP: IMAPConfig{Address: server.IMAPAddress, RootCAs: server.RootCAs, Username: user.Address, Password: user.Password},
		SMTP: SMTPConfig{Address: server.SMTPAddress, TLS: STARTTLS, RootCAs: server.RootCAs, Username: user.Address, Password: user.Password},
	}
}

// serve runs a gateway until the test ends, or until the returned function is called.
func serve(t testing.TB, config Config) (*Gateway, func()) {
	t.Helper()
	gateway, err := New(config)
	if err != nil {
		t.Fatalf("make a gateway: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := gateway.Serve(ctx); err != nil {
			t.Errorf("Serve ended with %v", err)
		}
	}()
	stop := func() {
		cancel()
		<-ended
	}
	t.Cleanup(stop)
	return gateway, stop
}

// postOffice is a Post in memory that keeps the promises of one in a database, and can fail at
// each step.
type postOffice struct {
	mutex  sync.Mutex
	cursor map[contact.LineID]Cursor
	taken  []Incoming
	aside  []setAside
	known  map[string]bool
	// fail, when set, is asked before anything is done and after everything is: a failure after is a crash
	// between the commit and its confirmation.
	fail func(step string, mail Incoming) error
	// changed is closed and replaced whenever something was stored.
	changed chan struct{}
}

type setAside struct {
	at     Cursor
	raw    []byte
	reason string
}

var errTest = errors.New("the database has failed by design")

func newPostOffice() *postOffice {
	return &postOffice{cursor: map[contact.LineID]Cursor{}, known: map[string]bool{}, changed: make(chan struct{})}
}

func (p *postOffice) failing(step string, mail Incoming) error {
	if p.fail == nil {
		return nil
	}
	return p.fail(step, mail)
}

func (p *postOffice) Cursor(_ context.Context, line contact.LineID) (Cursor, error) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.cursor[line], p.failing("cursor", Incoming{})
}

func (p *postOffice) Take(_ context.Context, mail Incoming) error {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if err := p.failing("take", mail); err != nil {
		return err
	}
	if id := string(mail.Line) + mail.MessageID; !p.known[id] {
		p.known[id] = true
		p.taken = append(p.taken, mail)
	}
	p.cursor[mail.Line] = mail.Cursor
	p.tell()
	return p.failing("taken", mail)
}

func (p *postOffice) Quarantine(_ context.Context, line contact.LineID, at Cursor, raw []byte, reason string) error {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if err := p.failing("quarantine", Incoming{}); err != nil {
		return err
	}
	p.aside = append(p.aside, setAside{at, raw, reason})
	p.cursor[line] = at
	p.tell()
	return nil
}

func (p *postOffice) tell() {
	close(p.changed)
	p.changed = make(chan struct{})
}

// wait returns what was taken and set aside as soon as that is enough.
func (p *postOffice) wait(t testing.TB, enough func(taken []Incoming, aside []setAside) bool) ([]Incoming, []setAside) {
	t.Helper()
	timer := time.NewTimer(time.Minute)
	defer timer.Stop()
	for {
		p.mutex.Lock()
		taken, aside, changed := slices.Clone(p.taken), slices.Clone(p.aside), p.changed
		p.mutex.Unlock()
		if enough(taken, aside) {
			return taken, aside
		}
		select {
		case <-changed:
		case <-timer.C:
			t.Fatalf("after a minute %d mails were taken and %d set aside", len(taken), len(aside))
		}
	}
}

func (p *postOffice) waitTaken(t testing.TB, count int) []Incoming {
	t.Helper()
	taken, _ := p.wait(t, func(taken []Incoming, _ []setAside) bool { return len(taken) >= count })
	return taken
}

func subjects(mails []Incoming) string {
	var list []string
	for _, mail := range mails {
		list = append(list, mail.Subject)
	}
	return strings.Join(list, ",")
}

// plainMail is a short mail of a person.
func plainMail(subject string) []byte {
	return []byte("From: Kim <kim@home.example>\r\nTo: desk@desk.example\r\nSubject: " + subject +
		"\r\nMessage-ID: <" + subject + "@home.example>\r\n\r\nHej!\r\n")
}
