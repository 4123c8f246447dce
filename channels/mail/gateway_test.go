package mail

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"svar/channels/mail/mailtest"
	"svar/contact"
)

func deskConfig(server *mailtest.Server, post Post) Config {
	return Config{Mailboxes: []Mailbox{mailboxOn(withSMTP(server), deskLine, server.Users[0])}, Post: post, Key: testKey}
}

// withSMTP lets a mailbox be configured on a server that has only mailboxes.
func withSMTP(server *mailtest.Server) *mailtest.Server {
	if server.SMTPAddress != "" {
		return server
	}
	with := *server
	with.SMTPAddress = "localhost:25"
	return &with
}

func TestMailIsTakenAndMarkedAsSeen(t *testing.T) {
	t.Parallel()
	server := mailtest.StartDovecot(t)
	server.Deliver(t, "desk@desk.example", plainMail("before"))
	post := newPostOffice()
	gateway, stop := serve(t, deskConfig(server, post))
	post.waitTaken(t, 1)
	// Now it idles, and is told.
	server.Deliver(t, "desk@desk.example", plainMail("after"))
	taken := post.waitTaken(t, 2)
	if subjects(taken) != "before,after" || taken[0].Automatic || taken[0].Line != deskLine || taken[0].Received.IsZero() {
		t.Errorf("taken were %+v", taken)
	}
	if !gateway.State(deskLine).Connected {
		t.Errorf("the mailbox is %+v", gateway.State(deskLine))
	}
	stop()
	for _, mail := range server.Inbox(t, "desk@desk.example") {
		// The last one may be cut off by the end: the mark is for people, nothing depends on it.
		if !mail.Seen && bytes.Contains(mail.Raw, []byte("Subject: before")) {
			t.Error("a mail that was taken is not marked as seen")
		}
	}
	// glpi#24200 and chatwoot#10503: what was read elsewhere, or is there again, is not taken twice.
	_, stop = serve(t, deskConfig(server, post))
	server.Deliver(t, "desk@desk.example", plainMail("last"))
	if taken := post.waitTaken(t, 3); subjects(taken) != "before,after,last" {
		t.Errorf("after a restart there were %s", subjects(taken))
	}
	stop()
}

func TestSTARTTLSIsSpoken(t *testing.T) {
	t.Parallel()
	server := mailtest.StartDovecot(t)
	server.Deliver(t, "desk@desk.example", plainMail("one"))
	post := newPostOffice()
	config := deskConfig(server, post)
	config.Mailboxes[0].IMAP.TLS = STARTTLS
	config.Mailboxes[0].IMAP.Address = server.IMAPStartTLSAddress
	serve(t, config)
	post.waitTaken(t, 1)
}

func TestAServerThatCannotProveItselfIsNotSpokenTo(t *testing.T) {
	t.Parallel()
	server := mailtest.StartDovecot(t)
	server.Deliver(t, "desk@desk.example", plainMail("one"))
	post := newPostOffice()
	config := deskConfig(server, post)
	config.Mailboxes[0].IMAP.RootCAs = nil
	told := make(chan struct{})
	var once sync.Once
	config.Log = config.Log.Output(writerFunc(func(line []byte) {
		if bytes.Contains(line, []byte("certificate")) {
			once.Do(func() { close(told) })
		}
	}))
	_, stop := serve(t, config)
	<-told
	stop()
	if len(post.taken) != 0 {
		t.Error("a mail was taken all the same")
	}
}

type writerFunc func(line []byte)

func (f writerFunc) Write(line []byte) (int, error) { f(line); return len(line), nil }

// However often a step fails, before or after its commit, each mail is taken once.
func TestEachMailIsTakenOnceWhateverFails(t *testing.T) {
	t.Parallel()
	for _, step := range []string{"cursor", "take", "taken"} {
		t.Run(step, func(t *testing.T) {
			t.Parallel()
			server := mailtest.StartDovecot(t)
			post := newPostOffice()
			failures := 0
			post.fail = func(at string, _ Incoming) error {
				if at != step {
					return nil
				}
				if failures++; failures%2 == 1 && failures < 6 {
					return errTest
				}
				return nil
			}
			for i := range 5 {
				server.Deliver(t, "desk@desk.example", plainMail(fmt.Sprintf("m%d", i)))
			}
			_, stop := serve(t, deskConfig(server, post))
			taken := post.waitTaken(t, 5)
			stop()
			if subjects(taken) != "m0,m1,m2,m3,m4" || len(post.aside) != 0 || failures < 2 {
				t.Errorf("taken were %s, %d set aside, %d steps tried", subjects(taken), len(post.aside), failures)
			}
		})
	}
}

// glpi#24200, glpi#24760, zammad#811: a mail that cannot be taken never keeps the next one waiting.
func TestAPoisonMailIsSetAside(t *testing.T) {
	t.Parallel()
	server := mailtest.StartDovecot(t)
	post := newPostOffice()
	tries := 0
	post.fail = func(step string, mail Incoming) error {
		if step == "take" && mail.Subject == "poison" {
			tries++
			return errTest
		}
		return nil
	}
	echo := "From: desk@desk.example\r\nSubject: ours\r\nMessage-ID: " + signer{testKey}.messageID("SD-1", "entry-1", "desk.example") + "\r\n\r\nHej!\r\n"
	server.Deliver(t, "desk@desk.example", plainMail("first"))
	server.Deliver(t, "desk@desk.example", plainMail("poison"))
	server.Deliver(t, "desk@desk.example", []byte(echo))
	server.Deliver(t, "desk@desk.example", plainMail("next"))
	_, stop := serve(t, deskConfig(server, post))
	taken, aside := post.wait(t, func(taken []Incoming, aside []setAside) bool { return len(taken) == 2 && len(aside) == 2 })
	stop()
	if subjects(taken) != "first,next" || tries != maxTries {
		t.Errorf("taken were %s, the poison was tried %d times", subjects(taken), tries)
	}
	if !bytes.Contains(aside[0].raw, []byte("Subject: poison")) || aside[0].reason == "" || aside[1].at.UID != 3 {
		t.Errorf("set aside were %q and %v", aside[0].raw, aside[1].at)
	}
}

// A database that is away is nobody's poison.
func TestNothingIsSetAsideWhileTheDatabaseIsAway(t *testing.T) {
	t.Parallel()
	server := mailtest.StartDovecot(t)
	post := newPostOffice()
	var takes int
	away := false
	post.fail = func(step string, _ Incoming) error {
		if step == "take" && takes <= maxTries {
			takes++
			away = true
			return errTest
		}
		if step == "cursor" && away {
			away = false // it is asked again with the next connection, when it is back
			return errTest
		}
		return nil
	}
	server.Deliver(t, "desk@desk.example", plainMail("patient"))
	_, stop := serve(t, deskConfig(server, post))
	post.waitTaken(t, 1)
	stop()
	if len(post.aside) != 0 || takes != maxTries+1 {
		t.Errorf("%d mails were set aside after %d failures", len(post.aside), takes)
	}
}

// A mailbox that was made anew has other UIDs: everything is asked again, and known.
func TestNewUIDValidityTakesNothingTwice(t *testing.T) {
	t.Parallel()
	server := mailtest.StartDovecot(t)
	post := newPostOffice()
	server.Deliver(t, "desk@desk.example", plainMail("one"))
	_, stop := serve(t, deskConfig(server, post))
	first := post.waitTaken(t, 1)
	stop()
	post.cursor[deskLine] = Cursor{UIDValidity: first[0].Cursor.UIDValidity + 1, UID: 4_000_000_000}
	server.Deliver(t, "desk@desk.example", plainMail("two"))
	_, stop = serve(t, deskConfig(server, post))
	taken := post.waitTaken(t, 2)
	stop()
	if subjects(taken) != "one,two" || post.cursor[deskLine] != (Cursor{first[0].Cursor.UIDValidity, 2}) {
		t.Errorf("taken were %s, the cursor is %v", subjects(taken), post.cursor[deskLine])
	}
}

// chatwoot#10503, chatwoot#12054, libredesk#355
func TestDeletedMailLeavesTheCursorWhereItWas(t *testing.T) {
	t.Parallel()
	server := mailtest.StartDovecot(t)
	post := newPostOffice()
	server.Deliver(t, "desk@desk.example", plainMail("one"))
	serve(t, deskConfig(server, post))
	post.waitTaken(t, 1)
	server.Expunge(t, "desk@desk.example")
	server.Deliver(t, "desk@desk.example", plainMail("two"))
	if taken := post.waitTaken(t, 2); subjects(taken) != "one,two" {
		t.Errorf("taken were %s", subjects(taken))
	}
}

func TestOfALargeMailOnlyTheHeaderIsTaken(t *testing.T) {
	t.Parallel()
	server := mailtest.StartDovecot(t)
	post := newPostOffice()
	config := deskConfig(server, post)
	config.MaxSize = 10_000
	server.Deliver(t, "desk@desk.example", append(plainMail("large"), bytes.Repeat([]byte("0123456789abcdef\r\n"), 2000)...))
	server.Deliver(t, "desk@desk.example", plainMail("small"))
	serve(t, config)
	taken := post.waitTaken(t, 2)
	if subjects(taken) != "large,small" || strings.Contains(taken[0].Text, "0123") || taken[0].From.Address != "kim@home.example" {
		t.Errorf("taken were %+v", taken)
	}
}

func TestConnectionIsCutWhileAMailIsFetchedAndWhileIdle(t *testing.T) {
	t.Parallel()
	server := mailtest.StartDovecot(t)
	relay := newRelay(t, server.IMAPAddress)
	post := newPostOffice()
	config := deskConfig(server, post)
	config.Mailboxes[0].IMAP.Address = relay.address()
	server.Deliver(t, "desk@desk.example", append(plainMail("large"), bytes.Repeat([]byte("0123456789abcdef\r\n"), 50_000)...))
	relay.cutAfter(300_000) // in the middle of it
	serve(t, config)
	post.waitTaken(t, 1)
	relay.cutAll() // it idles, or is about to
	server.Deliver(t, "desk@desk.example", plainMail("after the cut"))
	if taken := post.waitTaken(t, 2); subjects(taken) != "large,after the cut" || !bytes.HasSuffix(taken[0].Attachments[0].Data, []byte("0123456789abcdef")) {
		t.Errorf("taken were %s", subjects(taken))
	}
	if relay.connections() < 3 {
		t.Errorf("only %d connections were made: nothing was cut", relay.connections())
	}
}

func TestEveryMailboxIsReadByItself(t *testing.T) {
	t.Parallel()
	server := mailtest.StartDovecot(t)
	post := newPostOffice()
	config := deskConfig(server, post)
	other := mailboxOn(withSMTP(server), "mail-other", server.Users[1])
	broken := mailboxOn(withSMTP(server), "mail-broken", server.Users[2])
	broken.IMAP.Password = "not this one"
	config.Mailboxes = append(config.Mailboxes, other, broken)
	server.Deliver(t, "desk@desk.example", plainMail("to-desk"))
	server.Deliver(t, "other@other.example", plainMail("to-other"))
	gateway, stop := serve(t, config)
	taken := post.waitTaken(t, 2)
	stop()
	lines := []contact.LineID{taken[0].Line, taken[1].Line}
	slices.Sort(lines)
	if !slices.Equal(lines, []contact.LineID{deskLine, "mail-other"}) || gateway.State("mail-broken").Connected {
		t.Errorf("taken were mails on %v", lines)
	}
}

// relay is a network between the gateway and its server that can be cut.
type relay struct {
	t        *testing.T
	listener net.Listener
	target   string
	running  sync.WaitGroup

	mutex sync.Mutex
	open  map[net.Conn]bool
	made  int
	limit int64 // bytes of the next connection, 0 for all
}

func newRelay(t *testing.T, target string) *relay {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{t: t, listener: listener, target: target, open: map[net.Conn]bool{}}
	r.running.Go(r.accept)
	t.Cleanup(func() {
		listener.Close()
		r.cutAll()
		r.running.Wait()
	})
	return r
}

func (r *relay) address() string {
	_, port, _ := net.SplitHostPort(r.listener.Addr().String())
	return "localhost:" + port
}

func (r *relay) accept() {
	for {
		near, err := r.listener.Accept()
		if err != nil {
			return
		}
		far, err := net.DialTimeout("tcp", r.target, time.Minute)
		if err != nil {
			near.Close()
			continue
		}
		r.mutex.Lock()
		r.open[near], r.open[far] = true, true
		limit := r.limit
		r.limit = 0
		r.made++
		r.mutex.Unlock()
		r.running.Go(func() { r.pass(far, near, 0) })
		r.running.Go(func() { r.pass(near, far, limit) })
	}
}

func (r *relay) pass(to, from net.Conn, limit int64) {
	if limit > 0 {
		_, _ = io.CopyN(to, from, limit)
	} else {
		_, _ = io.Copy(to, from)
	}
	to.Close()
	from.Close()
}

func (r *relay) cutAfter(bytes int64) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.limit = bytes
}

func (r *relay) cutAll() {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	for connection := range r.open {
		connection.Close()
	}
	clear(r.open)
}

func (r *relay) connections() int {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return r.made
}
