package main

import (
	"bytes"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"svar/agentui"
	"svar/channels/mail/mailtest"
	"svar/channels/media"
	"svar/configs"
)

// heardAt tells where in what came over a part of a clip begins; -1 when it did not.
func (c *caller) heardAt(part []byte) int {
	var heard []byte
	for _, payload := range c.voice.Payloads(c.voice.codec.PayloadType()) {
		heard = append(heard, payload...)
	}
	return bytes.Index(heard, part)
}

const second = 8000 // octets of sound

func (c *caller) beginning(clip *media.Clip) []byte {
	sound := clip.Encoded(c.voice.codec)
	return sound[:min(len(sound), second)]
}

// ending is the last second of a clip, without the octets that fill up its last packet.
func (c *caller) ending(clip *media.Clip) []byte {
	sound := clip.Encoded(c.voice.codec)
	return sound[max(0, len(sound)-second):]
}

func (c *caller) waitHears(what string, part []byte) {
	c.t.Helper()
	eventually(c.t, func() bool { return c.heardAt(part) >= 0 }, func() string { return "the caller did not hear " + what })
}

// outage is everybody who may be told an outage message.
type outage struct {
	t          *testing.T
	app        *testApp
	mails      *mailtest.Server
	supervisor *records
	anna       *agent
	guest      *visitor
	receipts   int
}

func (o *outage) publish(text string, lines ...string) (id string) {
	o.t.Helper()
	var published struct{ ID string }
	o.supervisor.ask(o.t, http.MethodPost, "/notices", map[string]any{"text": map[string]string{"sv": text}, "lines": lines}, &published)
	return published.ID
}

func (o *outage) clip(text string) *media.Clip {
	o.t.Helper()
	clip, err := o.app.prompts.Speak(o.t.Context(), "sv", text)
	if err != nil {
		o.t.Fatal(err)
	}
	return clip
}

// checkWritten asserts that what is written carries the message, or that nothing does.
func (o *outage) checkWritten(text string, told bool) {
	o.t.Helper()
	o.guest.wait("the outage message, or none", func(s shownChat) bool { return slices.Contains(s.Banner, text) == told })
	eventually(o.t, func() bool { return strings.Contains(o.portal(), text) == told },
		func() string { return "the portal's page is\n" + o.portal() })
	o.receipts++
	desk, kim := o.mails.Users[0].Address, o.mails.Users[2].Address
	o.mails.Deliver(o.t, desk, writtenMail("Kim <"+kim+">", desk, "Fråga", "Vad är det som händer?"))
	inbox := o.mails.WaitInbox(o.t, kim, o.receipts)
	if _, body := readMail(o.t, inbox[len(inbox)-1].Raw); strings.Contains(strings.Join(strings.Fields(body), " "), text) != told {
		o.t.Errorf("the receipt says %q", body)
	}
}

func (o *outage) portal() string {
	o.t.Helper()
	request, err := http.NewRequestWithContext(o.t.Context(), http.MethodGet, o.app.web()+"/", nil)
	if err != nil {
		o.t.Fatal(err)
	}
	response, err := o.supervisor.client.Do(request)
	if err != nil {
		o.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	page, err := io.ReadAll(response.Body)
	if err != nil {
		o.t.Fatal(err)
	}
	return string(page)
}

// One publication tells a caller in the welcome, one in the queue, the chat, the portal and
// the receipts; the City's block cuts it off while it is being said, and takes it away from all
// that is written; it comes back when the block is lifted, and goes when it is withdrawn.
func TestOutageMessageReachesEverybody(t *testing.T) {
	t.Parallel()
	mails := mailtest.Start(t)
	app := startAppOf(t, textConfig(mails), nil, nil)
	o := &outage{t: t, app: app, mails: mails, supervisor: app.records(t), anna: app.agent(t, textDesk), guest: visit(t, app.web(), "chat-staff")}
	music, err := app.prompts.Clip(configs.QueueMusic, "")
	if err != nil {
		t.Fatal(err)
	}
	queued := dial(t, call{scenario: "until-bye", to: app.phone.Address(), number: textDesk.number})
	queued.waitHears("the music", queued.beginning(music))

	// Nobody stops it: it is heard to its end.
	const short = "Utskrift fungerar inte i dag."
	id := o.publish(short, string(textDesk.id))
	queued.waitHears("the short message", queued.beginning(o.clip(short)))
	queued.waitHears("its end", queued.ending(o.clip(short)))
	o.supervisor.ask(t, http.MethodPost, "/notices/"+id+"/withdraw", nil, nil)

	// Half a minute of text: there is time to be cut off.
	long := "Skolplattformen ligger nere. " + strings.TrimSpace(strings.Repeat("Felet är känt och vi arbetar med att rätta till det. ", 8))
	clip := o.clip(long)
	welcomed := dial(t, call{scenario: "until-bye", to: app.phone.Address(), number: textWelcome.number})
	o.anna.WaitGreeted(textWelcome.id, 1)
	id = o.publish(long)
	queued.waitHears("the long message", queued.beginning(clip))
	welcomed.waitHears("the long message", welcomed.beginning(clip))
	state := o.anna.waitState("shown the outage message", func(s agentui.ConsoleState) bool { return len(s.Notices) == 1 })
	if state.Notices[0].Blocked {
		t.Error("the message is shown as blocked")
	}

	var embargo struct{ ID string }
	o.supervisor.ask(t, http.MethodPost, "/embargoes", map[string]string{"contact": "Pressjouren", "scope": "Skolplattformen"}, &embargo)
	welcomed.waitHears("the music", welcomed.beginning(music))
	o.anna.waitState("shown that it is blocked", func(s agentui.ConsoleState) bool { return len(s.Notices) == 1 && s.Notices[0].Blocked })
	if welcomed.heardAt(welcomed.beginning(clip)) > welcomed.heardAt(welcomed.beginning(music)) {
		t.Error("the caller in the welcome was told after he came to the queue")
	}
	o.checkWritten(long, false)
	blocked := dial(t, call{scenario: "until-bye", to: app.phone.Address(), number: textDesk.number})
	blocked.waitHears("the music", blocked.beginning(music))

	o.supervisor.ask(t, http.MethodPost, "/embargoes/"+embargo.ID+"/lift", nil, nil)
	blocked.waitHears("the message when the block is lifted", blocked.beginning(clip))
	o.checkWritten(long, true)

	o.supervisor.ask(t, http.MethodPost, "/notices/"+id+"/withdraw", nil, nil)
	o.anna.waitState("shown no outage message", func(s agentui.ConsoleState) bool { return len(s.Notices) == 0 })
	o.checkWritten(long, false)
	last := dial(t, call{scenario: "until-bye", to: app.phone.Address(), number: textDesk.number})
	last.waitHears("the music", last.beginning(music))
	if last.heardAt(last.beginning(clip)) >= 0 || last.heardAt(last.beginning(o.clip(short))) >= 0 {
		t.Error("a withdrawn message is still said")
	}
	for name, one := range map[string]*caller{"in the welcome": welcomed, "in the queue": queued, "who came under the block": blocked} {
		if one.heardAt(one.ending(clip)) >= 0 {
			t.Errorf("the caller %s heard the message to its end", name)
		}
	}
	// All callers are still there: being cut off cost nobody his place.
	o.anna.WaitWaiting(textWelcome.id, 1)
	o.anna.WaitWaiting(textDesk.id, 3)
}
