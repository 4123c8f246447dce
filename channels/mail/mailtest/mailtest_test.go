package mailtest

import (
	"bytes"
	"strings"
	"testing"

	"github.com/emersion/go-smtp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestMailIsDeliveredAndComesBackWhenNobodyIsThere(t *testing.T) {
	t.Parallel()
	server := Start(t)
	client, err := smtp.Dial(server.SMTPAddress)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	send := func(to string) error {
		return client.SendMail("kim@home.example", []string{to}, strings.NewReader("Subject: Hej\r\n\r\nHej!\r\n"))
	}
	if err := send("desk+anything@desk.example"); err != nil {
		t.Fatal(err)
	}
	if got := server.WaitInbox(t, "desk@desk.example", 1); !bytes.Contains(got[0].Raw, []byte("for <desk+anything@desk.example>")) {
		t.Errorf("it came, but without the address that it was sent to:\n%s", got[0].Raw)
	}
	if err := send("nobody@nowhere.example"); err == nil {
		t.Error("a mail for another machine was taken")
	}
	_ = client.Reset()
	if err := send("nobody@desk.example"); err != nil {
		t.Fatal(err)
	}
	if got := server.WaitInbox(t, "kim@home.example", 1); !bytes.Contains(got[0].Raw, []byte("multipart/report")) {
		t.Errorf("what came back is no bounce:\n%s", got[0].Raw)
	}
}

func TestMailboxWorksWithoutPostfix(t *testing.T) {
	t.Parallel()
	server := StartDovecot(t)
	server.Deliver(t, "kim@home.example", []byte("Subject: A\r\n\r\na\r\n"))
	server.Append(t, "kim@home.example", [][]byte{[]byte("Subject: B\r\n\r\nb\r\n")})
	if got := server.Inbox(t, "kim@home.example"); len(got) != 2 || got[0].Seen {
		t.Fatalf("two unseen mails were to be there, not %d", len(got))
	}
	server.Expunge(t, "kim@home.example")
	if got := server.Inbox(t, "kim@home.example"); len(got) != 0 {
		t.Errorf("%d mails are left", len(got))
	}
}
