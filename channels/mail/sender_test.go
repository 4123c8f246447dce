package mail

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/mail"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-smtp"

	"svar/channels/mail/mailtest"
)

func answer(text string) Outgoing {
	return Outgoing{
		Line: deskLine, Ticket: "SD-100234", Key: "entry-17", To: Address{Name: "Kim Åberg", Address: "kim@home.example"},
		Subject: "Skrivaren är trasig", Text: text, InReplyTo: "<b@home.example>", References: []string{"<a@home.example>"},
	}
}

// A user answers with his program, which keeps References; the answer proves its ticket. All of
// it goes over real servers, with TLS and a sign-in.
func TestAnAnswerIsSentAndItsReplyProvesTheTicket(t *testing.T) {
	t.Parallel()
	server := mailtest.Start(t)
	post := newPostOffice()
	config := deskConfig(server, post)
	sender, err := NewSender(config)
	if err != nil {
		t.Fatal(err)
	}
	if err := sender.Send(t.Context(), answer("Hej Kim!\n\nProva att starta om skrivaren på våning två.\n.\nEn punkt stod för sig.\n")); err != nil {
		t.Fatal(err)
	}
	got := server.WaitInbox(t, "kim@home.example", 1)[0]
	read, err := mail.ReadMessage(bytes.NewReader(got.Raw))
	if err != nil {
		t.Fatal(err)
	}
	id := sender.MessageID(deskLine, "SD-100234", "entry-17")
	if read.Header.Get("Message-ID") != id || read.Header.Get("References") != "<a@home.example> <b@home.example>" ||
		read.Header.Get("In-Reply-To") != "<b@home.example>" || read.Header.Get("Auto-Submitted") != "" {
		t.Errorf("its headers are %v", read.Header)
	}
	kim := parser{mailbox: Mailbox{Line: "kim", Address: "kim@home.example"}, signer: signer{[]byte("kim knows no key of ours, whatever")}, receiptLimit: DefaultReceiptLimit}
	shown, err := kim.parse(source{raw: got.Raw, received: atEight}, atEight)
	if err != nil || shown.Subject != "[SD-100234] Skrivaren är trasig" || shown.Text != "Hej Kim!\n\nProva att starta om skrivaren på våning två.\n.\nEn punkt stod för sig." || shown.From.Name != "Servicedesk" {
		t.Errorf("Kim reads %+v (%v)", shown, err)
	}

	serve(t, config)
	reply := "From: kim@home.example\r\nTo: desk@desk.example\r\nSubject: Tack\r\nMessage-ID: <c@home.example>\r\nReferences: <a@home.example> " + id + "\r\n\r\nNu fungerar det.\r\n"
	submit(t, server, "kim@home.example", "desk@desk.example", reply)
	// The other program keeps only the address.
	address, err := mail.ParseAddress(read.Header.Get("Reply-To"))
	if err != nil {
		t.Fatal(err)
	}
	submit(t, server, "kim@home.example", address.Address, "From: kim@home.example\r\nTo: "+address.Address+"\r\nSubject: Hej igen\r\nMessage-ID: <d@home.example>\r\n\r\nEn sak till.\r\n")
	for _, mail := range post.waitTaken(t, 2) {
		if mail.Ticket != "SD-100234" || mail.Automatic {
			t.Errorf("%q has the ticket %q, automatic %v", mail.Subject, mail.Ticket, mail.Automatic)
		}
	}
}

func submit(t *testing.T, server *mailtest.Server, from, to, raw string) {
	t.Helper()
	client, err := smtp.Dial(server.SMTPAddress)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if err := client.SendMail(from, []string{to}, strings.NewReader(raw)); err != nil {
		t.Fatal(err)
	}
}

func TestABounceNamesTheMailThatDidNotArrive(t *testing.T) {
	t.Parallel()
	server := mailtest.Start(t)
	post := newPostOffice()
	config := deskConfig(server, post)
	config.Mailboxes[0].SMTP.TLS, config.Mailboxes[0].SMTP.Address = ImplicitTLS, server.SMTPSAddress
	sender, err := NewSender(config)
	if err != nil {
		t.Fatal(err)
	}
	serve(t, config)
	out := answer("Hej!")
	out.To.Address = "gone@home.example"
	if err := sender.Send(t.Context(), out); err != nil {
		t.Fatal(err)
	}
	bounce := post.waitTaken(t, 1)[0]
	if bounce.Bounce == nil || *bounce.Bounce != (Bounce{"SD-100234", "entry-17"}) || !bounce.Automatic {
		t.Errorf("what came back is %+v, bounce %+v", bounce, bounce.Bounce)
	}
	// Another domain is refused at once, and for good.
	out.To.Address = "kim@nowhere.example"
	if err := sender.Send(t.Context(), out); !errors.Is(err, ErrPermanent) || strings.Contains(err.Error(), "kim@") {
		t.Errorf("a refused recipient gave %v", err)
	}
}

// Two desks answer each other's mail with receipts, as each would a person's: the first receipt
// is the last mail.
func TestTwoDesksDoNotAnswerEachOthersReceipts(t *testing.T) {
	t.Parallel()
	server := mailtest.Start(t)
	config := Config{Key: testKey, Mailboxes: []Mailbox{mailboxOn(server, "a", server.Users[0])}}
	otherConfig := Config{Key: []byte("the other desk has its own key, of course"), Mailboxes: []Mailbox{mailboxOn(server, "b", server.Users[1])}}
	a, b := newPostOffice(), newPostOffice()
	config.Post, otherConfig.Post = a, b
	for _, desk := range []struct {
		post   *postOffice
		config Config
	}{{a, config}, {b, otherConfig}} {
		sender, err := NewSender(desk.config)
		if err != nil {
			t.Fatal(err)
		}
		line := desk.config.Mailboxes[0].Line
		desk.post.fail = func(step string, in Incoming) error {
			if step != "taken" || in.Automatic {
				return nil
			}
			return sender.Send(context.Background(), Outgoing{
				Line: line, Ticket: "SD-1", Key: "receipt-1", To: in.From, Subject: in.Subject, Text: "Vi har tagit emot ditt ärende SD-1.", InReplyTo: in.MessageID, Automatic: true,
			})
		}
		serve(t, desk.config)
	}
	// Desk a's agent writes to desk b by hand: an ordinary mail.
	submit(t, server, "desk@desk.example", "other@other.example", "From: desk@desk.example\r\nTo: other@other.example\r\nSubject: Fråga\r\nMessage-ID: <q@desk.example>\r\n\r\nHej!\r\n")
	receipt := a.waitTaken(t, 1)[0]
	if !receipt.Automatic || receipt.Text != "Vi har tagit emot ditt ärende SD-1." {
		t.Fatalf("desk a got %+v", receipt)
	}
	if len(b.waitTaken(t, 1)) != 1 {
		t.Error("desk b got more than the question")
	}
	// What comes after everything else has come is the proof that nothing is under way.
	submit(t, server, "kim@home.example", "other@other.example", "From: kim@home.example\r\nTo: other@other.example\r\nAuto-Submitted: auto-generated\r\nSubject: last\r\nMessage-ID: <l@home.example>\r\n\r\n.\r\n")
	if taken := b.waitTaken(t, 2); subjects(taken) != "Fråga,last" {
		t.Errorf("desk b got %s", subjects(taken))
	}
	for _, message := range server.Inbox(t, "desk@desk.example") {
		if !bytes.Contains(message.Raw, []byte("Return-Path: <>")) {
			t.Errorf("the receipt has a return path:\n%s", message.Raw)
		}
	}
}

func TestHeadersCannotBeInjected(t *testing.T) {
	t.Parallel()
	mailbox, err := deskMailbox().complete()
	if err != nil {
		t.Fatal(err)
	}
	out := answer("Text\r\nBcc: victim@home.example\n")
	out.Subject = "Hej\r\nBcc: victim@home.example\x00"
	out.To.Name = "Kim\r\nX-Evil: 1"
	out.InReplyTo = "<a@b>\r\nX-Evil: 2"
	out.References = []string{"<a@b>\r\nX-Evil: 3", "no id", "<fine@home.example>"}
	mail, err := signer{testKey}.compose(mailbox, out, atEight)
	if err != nil {
		t.Fatal(err)
	}
	header, _, _ := strings.Cut(string(mail.data), "\r\n\r\n")
	for line := range strings.SplitSeq(header, "\r\n") {
		if strings.HasPrefix(line, "X-Evil") || strings.HasPrefix(line, "Bcc") {
			t.Errorf("a header was injected: %q", line)
		}
	}
	if !strings.Contains(header, "References: <fine@home.example>") || strings.Contains(header, "In-Reply-To") {
		t.Errorf("the header is\n%s", header)
	}
	for _, address := range []string{"", "kim", "kim@home.example\r\nRCPT TO:<x@y.example>", "a@b.example, c@d.example", "Kim <kim@home.example>", "kim@home.example>"} {
		out.To.Address = address
		if _, err := (signer{testKey}).compose(mailbox, out, atEight); !errors.Is(err, errUnsendable) {
			t.Errorf("a mail to %q is composed (%v)", address, err)
		}
	}
}

// The desk may write from an address that it does not read: answers come to the mailbox all the same.
func TestAnswersComeToTheMailboxWhoeverSends(t *testing.T) {
	t.Parallel()
	mailbox := deskMailbox()
	mailbox.From, mailbox.Plus = "Servicedesk <svar@skola.example>", false
	mailbox, err := mailbox.complete()
	if err != nil {
		t.Fatal(err)
	}
	mail, err := signer{testKey}.compose(mailbox, answer("Hej"), atEight)
	if err != nil {
		t.Fatal(err)
	}
	header, _, _ := strings.Cut(string(mail.data), "\r\n\r\n")
	for _, want := range []string{"<svar@skola.example>", "<desk@desk.example>"} {
		if !strings.Contains(header, want) {
			t.Errorf("%s is missing in\n%s", want, header)
		}
	}
	if mail.from != "desk@desk.example" {
		t.Errorf("bounces go to %q, where nobody reads them", mail.from)
	}
}

func TestARetryIsTheSameMail(t *testing.T) {
	t.Parallel()
	mailbox, err := deskMailbox().complete()
	if err != nil {
		t.Fatal(err)
	}
	first, err := signer{testKey}.compose(mailbox, answer("Hej"), atEight)
	if err != nil {
		t.Fatal(err)
	}
	second, err := signer{testKey}.compose(mailbox, answer("Hej"), atEight)
	if err != nil || !bytes.Equal(first.data, second.data) {
		t.Errorf("two tries are two mails:\n%s\n%s", first.data, second.data)
	}
}

func TestRefusalsAreForGoodOrForNow(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		step      string
		code      int
		permanent bool
	}{
		{"from", 451, false}, {"to", 450, false}, {"to", 550, true}, {"data", 452, false}, {"data", 554, true}, {"from", 530, false}, {"from", 421, false},
	} {
		backend := &refusing{step: test.step, refusal: &smtp.SMTPError{Code: test.code, Message: "kim@home.example is not welcome"}}
		sender := senderTo(t, backend)
		err := sender.Send(t.Context(), answer("Hej"))
		if err == nil || errors.Is(err, ErrPermanent) != test.permanent || strings.Contains(err.Error(), "kim@") {
			t.Errorf("%d at %s: %v", test.code, test.step, err)
		}
	}
	backend := &refusing{}
	sender := senderTo(t, backend)
	if err := sender.Send(t.Context(), answer("Hej")); err != nil || backend.taken() != 1 {
		t.Errorf("a mail that nobody refuses: %v, %d taken", err, backend.taken())
	}
	if err := sender.Send(t.Context(), Outgoing{Line: "none"}); !errors.Is(err, ErrPermanent) {
		t.Errorf("an unknown line gave %v", err)
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if err := sender.Send(cancelled, answer("Hej")); !errors.Is(err, context.Canceled) || errors.Is(err, ErrPermanent) {
		t.Errorf("a cancelled one gave %v", err)
	}
}

// refusing is a mail server that refuses at one step.
type refusing struct {
	step    string
	refusal *smtp.SMTPError

	mutex sync.Mutex
	count int
}

func (r *refusing) NewSession(*smtp.Conn) (smtp.Session, error) { return r, nil }
func (r *refusing) Mail(string, *smtp.MailOptions) error        { return r.at("from") }
func (r *refusing) Rcpt(string, *smtp.RcptOptions) error        { return r.at("to") }
func (r *refusing) Reset()                                      {}
func (r *refusing) Logout() error                               { return nil }

func (r *refusing) Data(body io.Reader) error {
	if _, err := io.Copy(io.Discard, body); err != nil {
		return err
	}
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.count++
	return r.at("data")
}

func (r *refusing) at(step string) error {
	if step == r.step {
		return r.refusal
	}
	return nil
}

func (r *refusing) taken() int {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return r.count
}
