package main

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"svar/agentui"
	"svar/channels/mail/mailtest"
	"svar/contact"
)

// The contacts that come in while the server is killed, by kind.
const (
	mixedCalls, mixedChats, mixedMails, mixedForms = 40, 60, 60, 40
	mixedSpan                                      = 600 * time.Millisecond
	mixedSeed                                      = 1
)

// crashedVisitor is a visitor who writes while the server dies, and what he knows of it.
type crashedVisitor struct {
	page  *visitor
	sent  []pageLine
	shown shownChat // when the server was dead
}

// leaver is a visitor who leaves a text. He sends it again until he is told a number.
type leaver struct {
	page  *visitor
	leave pageLeave
	told  contact.TicketNumber
}

// kill -9 at a random moment while contacts of all kinds come in. Afterwards both sides are
// counted: each line that was acknowledged is there once, each mail is one ticket and one
// contact, each text that was left has one number, however often it is sent, and each call on
// record is accounted for. libredesk#122, chatwoot#4130, chatwoot#14934.
func TestKilledWhileAllKindsComeIn(t *testing.T) {
	t.Parallel()
	mails := mailtest.Start(t)
	home := newHome(t)
	if err := os.WriteFile(home.settings["SVAR_CONFIG"], []byte(textConfig(mails)), 0o600); err != nil {
		t.Fatal(err)
	}
	server := home.serve(t)
	random := rand.New(rand.NewPCG(mixedSeed, 0))
	moment := time.Duration(random.Int64N(int64(mixedSpan)))

	var chats []*crashedVisitor
	for i := range mixedChats {
		guest := &crashedVisitor{page: visit(t, server.web, "chat-staff")}
		for j := range 3 {
			guest.sent = append(guest.sent, pageLine{ID: uuid.NewString(), Text: fmt.Sprintf("chatt %d rad %d", i, j)})
		}
		chats = append(chats, guest)
	}
	var leavers []*leaver
	for i := range mixedForms {
		leavers = append(leavers, &leaver{page: visit(t, server.web, "chat-staff"), leave: pageLeave{ID: uuid.NewString(), Text: fmt.Sprintf("lämnat %d", i)}})
	}
	var killing sync.WaitGroup
	late := time.After(moment)
	killing.Go(func() {
		<-late
		server.kill()
	})
	callers := dial(t, call{scenario: "killed", to: server.sip, number: textDesk.number, callers: mixedCalls})
	for i := range max(mixedChats, mixedMails, mixedForms) {
		if i < mixedMails {
			mails.Deliver(t, mails.Users[0].Address, writtenMail("Kim <kim@home.example>", mails.Users[0].Address, fmt.Sprintf("brev %d", i), "Hej."))
		}
		if i < len(leavers) {
			leavers[i].page.say(pageRequest{Leave: &leavers[i].leave})
		}
		if i < len(chats) {
			for _, line := range chats[i].sent {
				chats[i].page.say(pageRequest{Send: &line})
			}
		}
	}
	killing.Wait()
	acknowledged, told := 0, 0
	for _, guest := range chats {
		guest.page.close()
		guest.shown, _ = guest.page.copied()
		acknowledged += len(guest.shown.Acks)
	}
	for _, one := range leavers {
		one.page.close()
		shown, _ := one.page.copied()
		if one.told = shown.Left[one.leave.ID]; one.told != "" {
			told++
		}
	}
	t.Logf("seed %d: killed %s after the contacts began; %d of %d lines were acknowledged, %d of %d numbers told",
		mixedSeed, moment, acknowledged, 3*mixedChats, told, mixedForms)

	server = home.serve(t)
	select {
	case <-callers.done: // those who had been answered got BYE
	case <-time.After(5 * time.Second): // one who had not gets nothing: nobody knows of him
	}
	_ = callers.process.Process.Kill()
	for _, guest := range chats {
		guest.checkLines(t, server.web)
	}
	for _, one := range leavers {
		one.again(t, server.web)
	}
	checkAccounts(t, server, chats, leavers)
	server.terminate()
}

// checkLines resumes the chat as a page does: it has what was acknowledged, and sends the rest
// again. All lines are there once, in order.
func (c *crashedVisitor) checkLines(t testing.TB, web string) {
	t.Helper()
	page, err := openPage(t, web, pageHello{Topic: "chat-staff", Language: "sv", Resume: c.shown.Token})
	if err != nil {
		t.Fatal(err)
	}
	defer page.close()
	resumed := page.wait("the chat again", func(s shownChat) bool { return s.Token != "" && (!s.Resumed || s.State != "") })
	if !resumed.Resumed && len(c.shown.Acks) > 0 {
		t.Errorf("the chat of acknowledged lines is gone: %s", asJSON(c.shown))
	}
	kept := map[string]int{}
	for _, line := range resumed.Lines {
		kept[line.ID]++
	}
	for id, sequence := range c.shown.Acks {
		if !slices.ContainsFunc(resumed.Lines, func(l contact.KeptLine) bool { return l.ID == id && l.Sequence == sequence }) {
			t.Errorf("line %s was acknowledged as %d, and is lost", id, sequence)
		}
	}
	for _, line := range c.sent {
		page.say(pageRequest{Send: &line})
	}
	page.wait("all lines", func(s shownChat) bool { return len(s.Acks) == len(c.sent) })
	after := page.wait("all lines", func(s shownChat) bool { return len(s.texts(contact.PartyCaller, contact.ChatText)) >= len(c.sent) })
	var want []string
	for _, line := range c.sent {
		want = append(want, line.Text)
	}
	if got := after.texts(contact.PartyCaller, contact.ChatText); !slices.Equal(got, want) {
		t.Errorf("the chat holds %q, want %q", got, want)
	}
}

// again sends the text once more and asserts that it gets the same number.
func (l *leaver) again(t testing.TB, web string) {
	t.Helper()
	page := visit(t, web, "chat-staff")
	defer page.close()
	page.say(pageRequest{Leave: &l.leave})
	number := page.wait("the number", func(s shownChat) bool { return s.Left[l.leave.ID] != "" }).Left[l.leave.ID]
	if l.told != "" && number != l.told {
		t.Errorf("the sender was told %s before the crash, and %s after it", l.told, number)
	}
	l.told = number
}

// checkAccounts counts the server's side.
func checkAccounts(t testing.TB, server *program, chats []*crashedVisitor, leavers []*leaver) {
	t.Helper()
	records := recordsAt(t, server.web)
	by := func(line contact.LineID, channel contact.Channel) []agentui.StoredContact {
		return slices.DeleteFunc(records.of(t, line), func(c agentui.StoredContact) bool { return c.Channel != channel })
	}
	for _, want := range []struct {
		line    contact.LineID
		channel contact.Channel
		count   int
	}{{"desk", contact.Mail, mixedMails}, {"chat-staff", contact.Form, mixedForms}, {"chat-staff", contact.Chat, len(chats)}} {
		var got []agentui.StoredContact
		eventually(t, func() bool { got = by(want.line, want.channel); return len(got) >= want.count },
			func() string { return fmt.Sprintf("%d of %d by %s are on record", len(got), want.count, want.channel) })
		if len(got) != want.count {
			t.Errorf("%d contacts by %s are on record, want %d", len(got), want.channel, want.count)
		}
	}
	var tickets struct{ Tickets []agentui.ListedTicket }
	records.ask(t, http.MethodPost, "/search/tickets", agentui.TicketSearch{Limit: 100}, &tickets)
	subjects, numbers := map[string]int{}, map[contact.TicketNumber]bool{}
	for _, listed := range tickets.Tickets {
		subjects[listed.Subject]++
		numbers[listed.Number] = true
	}
	for i := range mixedMails {
		if count := subjects[fmt.Sprintf("brev %d", i)]; count != 1 {
			t.Errorf("mail %d is %d tickets", i, count)
		}
	}
	for _, one := range leavers {
		if !numbers[one.told] || subjects[one.leave.Text] != 1 {
			t.Errorf("the text %q with number %s is %d tickets", one.leave.Text, one.told, subjects[one.leave.Text])
		}
	}
	if len(tickets.Tickets) != mixedMails+mixedForms {
		t.Errorf("there are %d tickets, want %d", len(tickets.Tickets), mixedMails+mixedForms)
	}
	// A call waits as a call-back, or is closed. One that was repeated after the crash may wait.
	for _, c := range by(textDesk.id, contact.Voice) {
		if count(c, "contact-arrived") != 1 || count(c, "contact-dropped") > 1 || count(c, "contact-closed") > 1 {
			t.Errorf("the call is on record as %s", asJSON(c))
		}
	}
}
