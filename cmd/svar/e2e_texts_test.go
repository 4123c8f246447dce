package main

import (
	"bytes"
	"encoding/base64"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"mime/quotedprintable"
	"net/http"
	"net/mail"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/uuid"

	"svar/agentui"
	"svar/channels/mail/mailtest"
	"svar/contact"
	"svar/report"
	"svar/ticket"
)

// The lines of [textConfig]: without a welcome, and with one of some seconds. Both need the
// group that everything else needs there.
var (
	textDesk    = desk{id: "staff", number: "+46850800100", skill: "staff"}
	textWelcome = desk{id: "welcomed", number: "+46850800101", skill: "staff"}
)

// textConfig is a configuration with two phone lines, the default chats and form, and a mailbox.
func textConfig(server *mailtest.Server) string {
	box := server.Users[0]
	return fmt.Sprintf(`desk: {connect_timeout: 20s, offer_timeout: 60s, ramp_up: 0s, preferred: {for: 0s}}
hours: {weekly: {everyday: ["00:00-24:00"]}}
lines:
  - id: staff
    number: %q
    audience: staff
    language: sv
    look_up: true
    name: {sv: Medarbetare, en: Staff}
    greeting: {sv: Hej, en: Hello}
    flow:
      - notices: true
      - queue: {needs: [{skill: staff, level: 1}], target: 60s, music: queue-music}
  - id: welcomed
    number: %q
    audience: staff
    language: sv
    look_up: true
    name: {sv: Välkommen, en: Welcome}
    greeting: {sv: Hej, en: Hello}
    flow:
      - say: welcome-staff
      - say: welcome-staff
      - say: welcome-staff
      - notices: true
      - queue: {needs: [{skill: staff, level: 1}], target: 60s, music: queue-music}
mail:
  mailboxes:
    - id: desk
      name: {sv: E-post, en: E-mail}
      address: %s
      audience: staff
      language: sv
      needs: [{skill: staff, level: 1}]
      target: 8h
      imap: {address: %q, ca_file: %q, username: %s, password: %s}
      smtp: {address: %q, tls: implicit, ca_file: %q, username: %s, password: %s}
`, textDesk.number, textWelcome.number, box.Address, server.IMAPAddress, server.CAFile, box.Address, box.Password,
		server.SMTPSAddress, server.CAFile, box.Address, box.Password)
}

// writtenMail is a mail as a user's program writes it. Headers are further lines.
func writtenMail(from, to, subject, text string, headers ...string) []byte {
	head := append([]string{
		"From: " + from, "To: " + to, "Subject: " + subject, "Message-ID: <" + uuid.NewString() + "@home.example>",
		"Date: Tue, 24 Nov 2026 09:00:00 +0100", "MIME-Version: 1.0", "Content-Type: text/plain; charset=utf-8",
	}, headers...)
	return []byte(strings.Join(head, "\r\n") + "\r\n\r\n" + text + "\r\n")
}

// readMail reads a mail that came.
func readMail(t testing.TB, raw []byte) (mail.Header, string) {
	t.Helper()
	message, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	content := message.Body
	switch strings.ToLower(message.Header.Get("Content-Transfer-Encoding")) {
	case "quoted-printable":
		content = quotedprintable.NewReader(content)
	case "base64":
		content = base64.NewDecoder(base64.StdEncoding, content)
	}
	body, err := io.ReadAll(content)
	if err != nil {
		t.Fatal(err)
	}
	return message.Header, string(body)
}

// call asks the API as somebody who is signed in.
func callAPI(t testing.TB, web string, c *http.Client, cookie *http.Cookie, method, path string, body, into any) {
	t.Helper()
	var content io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		content = bytes.NewReader(data)
	}
	request, err := http.NewRequestWithContext(t.Context(), method, web+"/api/v1"+path, content)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.AddCookie(cookie)
	response, err := c.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode >= 300 {
		t.Fatalf("%s %s: status %d, %v: %s", method, path, response.StatusCode, err, answer)
	}
	if into == nil {
		return
	}
	if err := json.Unmarshal(answer, into); err != nil {
		t.Fatalf("%s %s: %v: %s", method, path, err, answer)
	}
}

func (a *agent) api(method, path string, body, into any) {
	a.t.Helper()
	callAPI(a.t, a.web, client(a.t), a.cookie, method, path, body, into)
}

// ask asks the API as a supervisor.
func (r *records) ask(t testing.TB, method, path string, body, into any) {
	t.Helper()
	callAPI(t, r.web, r.client, r.cookie, method, path, body, into)
}

// waitQueue waits until so many contacts wait, and returns them in the order of service.
func (a *agent) waitQueue(count int) []agentui.QueueRow {
	a.t.Helper()
	return a.waitState(fmt.Sprintf("shown %d in the queue", count), func(s agentui.ConsoleState) bool { return len(s.Queue) == count }).Queue
}

// takeNext accepts the next offer and waits until the agent has the contact.
func (a *agent) takeNext() (agentui.RingCard, agentui.OngoingCard) {
	a.t.Helper()
	card := a.Ring()
	a.mustAsk(agentui.Request{Do: agentui.DoAccept, Offer: card.Offer})
	return card, a.waitCard(card.Contact, contact.StateConnected)
}

// waitCard waits until the agent has the contact in a state.
func (a *agent) waitCard(id contact.ID, in contact.State) agentui.OngoingCard {
	a.t.Helper()
	var found agentui.OngoingCard
	a.waitState("with contact "+string(id)+" "+string(in), func(s agentui.ConsoleState) bool {
		at := slices.IndexFunc(s.Contacts, func(c agentui.OngoingCard) bool { return c.Contact == id && c.State == in })
		if at >= 0 {
			found = s.Contacts[at]
		}
		return at >= 0
	})
	return found
}

// finish ends a contact that needs no wrap-up any more, among others.
func (a *agent) finish(id contact.ID) {
	a.t.Helper()
	a.finishes(agentui.Request{Do: agentui.DoFinish, Contact: id, Code: "solved"})
}

// finishes finishes a contact and waits until it is gone.
func (a *agent) finishes(how agentui.Request) {
	a.t.Helper()
	a.mustAsk(how)
	a.waitState("without contact "+string(how.Contact), func(s agentui.ConsoleState) bool {
		return !slices.ContainsFunc(s.Contacts, func(c agentui.OngoingCard) bool { return c.Contact == how.Contact })
	})
}

// waitConversation waits until a chat with that text is on file with the ticket.
func (a *agent) waitConversation(number contact.TicketNumber, text string) {
	a.t.Helper()
	var of ticket.Ticket
	eventually(a.t, func() bool {
		a.api(http.MethodGet, "/tickets/"+string(number), nil, &of)
		return slices.ContainsFunc(of.Entries, func(e ticket.Entry) bool {
			return e.Kind == ticket.FromUser && strings.HasSuffix(e.Text, " Användare: "+text)
		})
	}, func() string { return "no conversation on the ticket: " + asJSON(of) })
}

// readsChat waits until the chat of a contact holds a text of the visitor.
func (a *agent) readsChat(id contact.ID, text string) {
	a.t.Helper()
	a.mustAsk(agentui.Request{Do: agentui.DoChatFollow, Contact: id})
	a.waitState("shown the chat", func(agentui.ConsoleState) bool {
		a.mutex.Lock()
		defer a.mutex.Unlock()
		return slices.ContainsFunc(a.chats[id], func(l contact.KeptLine) bool { return l.From == contact.PartyCaller && l.Text == text })
	})
}

// One contact by each of the four ways waits in one list; one agent takes them in their order
// and answers each, and the figures say exactly that. chatwoot#10583, freescout#2375.
func TestFourWaysIntoOneQueue(t *testing.T) {
	t.Parallel()
	mails := mailtest.Start(t)
	app := startAppOf(t, textConfig(mails), nil, nil)
	desk, kim := mails.Users[0].Address, mails.Users[2].Address
	anna := app.agent(t, textDesk)

	mails.Deliver(t, desk, writtenMail("Kim <"+kim+">", desk, "Skrivaren", "Skrivaren svarar inte."))
	mailed := anna.waitQueue(1)[0]
	karin := app.user(t, "karin")
	form := karin.Report("other/order", "Ny mus", "Kan jag få en ny mus?")
	anna.waitQueue(2)
	guest := visit(t, app.web(), "chat-staff")
	guest.Write("Hej, jag kommer inte in.")
	anna.waitQueue(3)
	caller := dial(t, call{scenario: "until-bye", to: app.phone.Address(), number: textDesk.number})
	rows := anna.waitQueue(4)
	var order []contact.Channel
	for _, row := range rows {
		order = append(order, row.Channel)
	}
	// A minute's target comes before eight hours', and who came first before who came later.
	if want := []contact.Channel{contact.Chat, contact.Voice, contact.Mail, contact.Form}; !slices.Equal(order, want) {
		t.Fatalf("they wait as %v, want %v", order, want)
	}

	anna.Ready()
	for i, row := range rows {
		ring, card := anna.takeNext()
		if ring.Contact != row.Contact || ring.Channel != row.Channel {
			t.Fatalf("offer %d is %s, want %s", i, asJSON(ring), asJSON(row))
		}
		switch row.Channel {
		case contact.Chat:
			anna.readsChat(card.Contact, "Hej, jag kommer inte in.")
			anna.mustAsk(agentui.Request{Do: agentui.DoChatSend, Contact: card.Contact, Message: uuid.NewString(), Text: "Nu är kontot öppet."})
			guest.wait("the answer", func(s shownChat) bool {
				return slices.Contains(s.texts(contact.PartyAgent, contact.ChatText), "Nu är kontot öppet.")
			})
			guest.Write("Tack!")
			anna.readsChat(card.Contact, "Tack!")
			guest.say(pageRequest{End: &struct{}{}})
			anna.waitCard(card.Contact, contact.StateWrapUp)
			anna.finishes(agentui.Request{Do: agentui.DoFinish, Contact: card.Contact, Ticket: form})
			anna.waitConversation(form, "Tack!")
		case contact.Voice:
			anna.Hears(ring.Offer, callerTone)
			caller.Hears(agentTone)
			anna.HangUp(card)
			caller.Wait()
			anna.finish(card.Contact)
		case contact.Mail:
			anna.answers(card, "Vi har startat om skrivaren.")
			anna.finish(card.Contact)
			if card.Contact != mailed.Contact {
				t.Errorf("another mail: %s", asJSON(card))
			}
			checkMails(t, mails, card.Ticket, "Vi har startat om skrivaren.")
		case contact.Form:
			if card.Ticket != form {
				t.Errorf("the form is ticket %s, and the sender was told %s", card.Ticket, form)
			}
			anna.answers(card, "En mus är på väg.")
			anna.finish(card.Contact)
			if page := karin.send("/tickets/"+string(form), nil); !strings.Contains(page, "En mus är på väg.") || !strings.Contains(page, "Kan jag få en ny mus?") {
				t.Errorf("the portal shows the ticket as\n%s", page)
			}
		}
	}
	anna.Pause("break")
	replyThreads(t, app, mails, anna)
	checkFigures(t, app, map[contact.Channel][2]int{
		contact.Voice: {1, 1}, contact.Chat: {1, 1}, contact.Mail: {2, 2}, contact.Form: {1, 1},
	})
}

// answers writes an answer to the user of the card's ticket.
func (a *agent) answers(card agentui.OngoingCard, text string) {
	a.t.Helper()
	a.api(http.MethodPost, "/tickets/"+string(card.Ticket)+"/entries", map[string]string{"kind": "answer", "text": text, "contact": string(card.Contact)}, nil)
}

// checkMails asserts that the user got one receipt and one answer, both with the number.
func checkMails(t testing.TB, mails *mailtest.Server, number contact.TicketNumber, answer string) {
	t.Helper()
	var receipts, answers int
	for _, message := range mails.WaitInbox(t, mails.Users[2].Address, 2) {
		header, body := readMail(t, message.Raw)
		if !strings.Contains(header.Get("Subject"), string(number)) {
			t.Errorf("the subject %q does not name %s", header.Get("Subject"), number)
		}
		if header.Get("Auto-Submitted") == "auto-replied" {
			receipts++
			continue
		}
		answers++
		if !strings.Contains(body, answer) {
			t.Errorf("the answer says %q", body)
		}
	}
	if receipts != 1 || answers != 1 {
		t.Errorf("%d receipts and %d answers came", receipts, answers)
	}
}

var forwarded = regexp.MustCompile(`(?i)^(sv|re): *`)

// replyThreads lets the user reply to the answer: it belongs to the same ticket.
func replyThreads(t testing.TB, app *testApp, mails *mailtest.Server, anna *agent) {
	t.Helper()
	desk, kim := mails.Users[0].Address, mails.Users[2].Address
	var answer mail.Header
	for _, message := range mails.Inbox(t, kim) {
		header, body := readMail(t, message.Raw)
		if header.Get("Auto-Submitted") == "" && strings.Contains(body, "startat om") {
			answer = header
		}
	}
	subject := "SV: " + forwarded.ReplaceAllString(answer.Get("Subject"), "")
	mails.Deliver(t, desk, writtenMail("Kim <"+kim+">", desk, subject, "Den svarar fortfarande inte.",
		"In-Reply-To: "+answer.Get("Message-ID"), "References: "+answer.Get("References")+" "+answer.Get("Message-ID")))
	anna.waitQueue(1)
	anna.Ready()
	_, card := anna.takeNext()
	if !strings.Contains(answer.Get("Subject"), string(card.Ticket)) || card.Ticket == "" {
		t.Errorf("the reply to %q came to ticket %q", answer.Get("Subject"), card.Ticket)
	}
	var opened struct{ ticket.Ticket }
	anna.api(http.MethodGet, "/tickets/"+string(card.Ticket), nil, &opened)
	if count := len(slices.DeleteFunc(slices.Clone(opened.Entries), func(e ticket.Entry) bool { return e.Kind != ticket.FromUser })); count != 2 || len(opened.Contacts) != 2 {
		t.Errorf("the ticket is %s", asJSON(opened))
	}
	anna.answers(card, "Vi byter den.")
	anna.finish(card.Contact)
}

// checkFigures asserts what was offered and answered, by channel, by the API and by the command.
func checkFigures(t testing.TB, app *testApp, want map[contact.Channel][2]int) {
	t.Helper()
	supervisor := app.records(t)
	var got map[contact.Channel][2]int
	same := func() bool {
		var page struct{ Rows []report.Row }
		supervisor.ask(t, http.MethodGet, "/figures?by=hour", nil, &page)
		got = map[contact.Channel][2]int{}
		for _, row := range page.Rows {
			sum := got[row.Channel]
			got[row.Channel] = [2]int{sum[0] + row.Offered, sum[1] + row.Answered}
		}
		return fmt.Sprint(got) == fmt.Sprint(want)
	}
	eventually(t, same, func() string { return fmt.Sprintf("offered and answered are %v, want %v", got, want) })
	var out, complaints bytes.Buffer
	if status := run(t.Context(), []string{
		"report", "contacts", "--csv", "--data", app.options.Data, "--config", filepath.Join(app.data, "svar.yaml"),
	}, &out, &complaints); status != 0 {
		t.Fatalf("report contacts: status %d\n%s", status, &complaints)
	}
	lines, err := csv.NewReader(&out).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	printed := map[contact.Channel][2]int{}
	for _, line := range lines[1:] {
		offered, _ := strconv.Atoi(line[slices.Index(lines[0], "offered")])
		answered, _ := strconv.Atoi(line[slices.Index(lines[0], "answered")])
		printed[contact.Channel(line[slices.Index(lines[0], "channel")])] = [2]int{offered, answered}
	}
	if fmt.Sprint(printed) != fmt.Sprint(want) {
		t.Errorf("the command prints %v, want %v", printed, want)
	}
}
