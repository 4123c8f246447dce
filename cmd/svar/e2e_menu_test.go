package main

import (
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"svar/contact"
)

// alwaysOpen is the default configuration at any hour of the day.
const alwaysOpen = `desk: {connect_timeout: 20s, offer_timeout: 60s, ramp_up: 0s, preferred: {for: 0s}}
hours: {weekly: {everyday: ["00:00-24:00"]}}
`

var dialogTag = regexp.MustCompile(`(?m)^To:.*;tag=(\S+)`)

// Inform presses a key of a telephone that says so by SIP INFO.
func (c *caller) Inform(to netip.AddrPort, number string, key byte) {
	c.t.Helper()
	tag := dialogTag.FindStringSubmatch(c.file("messages.log"))
	if tag == nil {
		c.t.Fatalf("the call has no tag yet:\n%s", c.file("messages.log"))
	}
	finger, err := net.Dial("udp", to.String())
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = finger.Close() }()
	body := fmt.Sprintf("Signal=%c\r\nDuration=160\r\n", key)
	message := strings.Join([]string{
		"INFO sip:" + to.String() + " SIP/2.0", "Via: SIP/2.0/UDP " + finger.LocalAddr().String() + ";branch=z9hG4bK" + uuid.NewString(),
		fmt.Sprintf("From: <sip:+46701740699@127.0.0.1>;tag=%d-1", c.process.Process.Pid),
		"To: <sip:" + number + "@127.0.0.1>;tag=" + tag[1], "Call-ID: 1-" + c.callID, "CSeq: 2 INFO", "Max-Forwards: 70",
		"Content-Type: application/dtmf-relay", fmt.Sprintf("Content-Length: %d", len(body)),
	}, "\r\n") + "\r\n\r\n" + body
	if _, err := finger.Write([]byte(message)); err != nil {
		c.t.Fatal(err)
	}
	answer := make([]byte, 2000)
	count, err := finger.Read(answer)
	if err != nil || !strings.HasPrefix(string(answer[:count]), "SIP/2.0 200") {
		c.t.Fatalf("the INFO got %q, %v", answer[:count], err)
	}
}

// A key chooses the group that answers, whether the telephone says it in its voice (RFC 4733)
// or by INFO.
func TestMenuLeadsToTheGroup(t *testing.T) {
	t.Parallel()
	app := startAppOf(t, alwaysOpen, nil, nil)
	menu, err := app.prompts.Clip("menu-staff", "sv")
	if err != nil {
		t.Fatal(err)
	}
	platform, devices := app.skilled(t, "staff", "platform"), app.skilled(t, "staff", "devices")
	platform.Ready()
	devices.Ready()
	for _, one := range []struct {
		name          string
		press         func(*caller)
		answers, asks *agent
	}{
		{"1 by RFC 4733", func(c *caller) { c.Press('1') }, platform, devices},
		{"2 by INFO", func(c *caller) { c.Inform(app.phone.Address(), staffDesk.number, '2') }, devices, platform},
	} {
		caller := dial(t, call{scenario: "until-bye", to: app.phone.Address(), number: staffDesk.number})
		caller.waitHears("the menu", caller.beginning(menu))
		one.press(caller)
		ring := one.answers.Ring()
		if other := one.asks.State(); other.Offer != nil {
			t.Errorf("%s: the other group is asked too: %s", one.name, asJSON(other.Offer))
		}
		talk := one.answers.Accept(ring)
		one.answers.Hears(ring.Offer, callerTone)
		one.answers.HangUp(talk)
		caller.Wait()
		one.answers.Finish(talk.Contact, "solved")
	}
}

// closedNow is the default configuration with the days around now off.
func closedNow() string {
	var off []string
	for days := range 3 {
		off = append(off, "{date: "+time.Now().AddDate(0, 0, days-1).Format(time.DateOnly)+", open: []}")
	}
	return "hours: {exceptions: [" + strings.Join(off, ", ") + "]}\n"
}

// Outside of opening hours a caller hears why, and is counted as such. In the chat he can leave
// his text. RocketChat#20899.
func TestClosedDeskSaysSo(t *testing.T) {
	t.Parallel()
	app := startAppOf(t, closedNow(), nil, nil)
	closed, err := app.prompts.Clip("closed", "sv")
	if err != nil {
		t.Fatal(err)
	}
	caller := dial(t, call{scenario: "until-bye", to: app.phone.Address(), number: staffDesk.number})
	caller.waitHears("that the desk is closed", caller.beginning(closed))
	caller.waitHears("the message's end", caller.ending(closed))
	caller.Wait()
	c := app.records(t).closed(t, staffDesk.id)
	if c.End != contact.EndOutsideHours || c.Queued != nil {
		t.Errorf("the record is %s", asJSON(c))
	}

	guest := visit(t, app.web(), "chat-staff")
	guest.wait("that the desk is closed", func(s shownChat) bool { return !s.Open })
	id := uuid.NewString()
	guest.say(pageRequest{Send: &pageLine{ID: id, Text: "Är någon där?"}})
	guest.wait("that no chat is opened", func(s shownChat) bool { return s.Refused[id] == "closed" })
	number := guest.Leave("Är någon där?", "", "")
	opened, err := app.store.Ticket(t.Context(), number)
	if err != nil || len(opened.Entries) == 0 || opened.Entries[0].Text != "Är någon där?" {
		t.Errorf("ticket %s is %s, %v", number, asJSON(opened), err)
	}
	anna := app.skilled(t, "staff")
	if rows := anna.waitQueue(1); rows[0].Channel != contact.Form {
		t.Errorf("what waits is %s", asJSON(rows))
	}
}
