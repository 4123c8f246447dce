package main

import (
	"context"
	"html"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/rs/zerolog"

	"svar/agentui"
	"svar/channels/mail/mailtest"
	"svar/contact"
	"svar/identity"
	"svar/queue"
	"svar/queue/journal"
	"svar/store/private"
)

// absence lets PostgreSQL fail in some way.
type absence struct {
	// settings are those of an App whose database can fail so; the private one when there are none.
	settings map[string]string
	// away says that nothing at all is answered meanwhile.
	away bool
	// begin is called with the App; end lets the database work again.
	begin func(t *testing.T, app *testApp)
	end   func(t *testing.T)
}

// PostgreSQL is away in the middle of the day: calls come in, are offered with who calls, answered and ended, an agent who
// arrives signs in, and afterwards everything is on record once: what the parties did is what the journal has, and
// that is what PostgreSQL has.
func TestCallsWithoutPostgreSQL(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(*testing.T) absence{
		"stopped and started": stoppedDatabase, "killed again and again": killedDatabase,
		"swallowed by the network": swallowedDatabase, "slow": slowDatabase,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			callsWithoutDatabase(t, prepare(t))
		})
	}
}

func callsWithoutDatabase(t *testing.T, o absence) {
	t.Helper()
	app := startApp(t, o.settings, nil)
	records := app.records(t)
	desk, queued := app.desk(t), app.desk(t)
	anna, late := app.agent(t, desk), app.addAgent(t, queued, 3)
	signIn(t, app.web(), late, identity.DemoPassword).close() // the account is known to the server
	anna.Ready()

	begun := time.Now()
	made := []contact.ID{app.callAndAnswer(t, desk, anna)}
	o.begin(t, app)
	for range 3 {
		made = append(made, app.callAndAnswer(t, desk, anna))
	}
	// Somebody gives up in another line, whose agent comes only now.
	bo := signIn(t, app.web(), late, identity.DemoPassword)
	caller := dial(t, call{scenario: "caller-hangs-up", to: app.phone.Address(), number: queued.number})
	bo.WaitWaiting(queued.id, 1)
	caller.HangUp()
	caller.Wait()
	bo.WaitWaiting(queued.id, 0)
	if _, status, err := records.try(t, desk.id); o.away && status != http.StatusServiceUnavailable {
		t.Errorf("while the database is away the API answers %d, %v", status, err)
	}
	o.end(t)
	made = append(made, app.callAndAnswer(t, desk, anna))

	app.sameOnBothSides(t, records, desk.id, made)
	if left := records.closed(t, queued.id); left.End != contact.EndAbandoned {
		t.Errorf("who gave up is on record as %s", asJSON(left))
	}
	app.sameOnBothSides(t, records, queued.id, nil)

	// Who looked at whom is on record too, for each of the calls.
	eventually(t, func() bool {
		looks, err := app.store.AccessLog(t.Context(), begun, time.Now().Add(time.Minute), 1000)
		return err == nil && !slices.ContainsFunc(made, func(id contact.ID) bool {
			return !slices.ContainsFunc(looks, func(a identity.Access) bool {
				return a.Contact == string(id) && a.Account == anna.name && a.Surface == "ring-card"
			})
		})
	}, func() string { return "not every ring card is in the log of looks" })
}

// Texts while PostgreSQL is away: a chat goes on, a mail stays in its mailbox until it can be taken, once, and a form
// is not taken without being kept.
func TestTextsWithoutPostgreSQL(t *testing.T) {
	t.Parallel()
	o := stoppedDatabase(t)
	mails := mailtest.Start(t)
	app := startAppOf(t, textConfig(mails), o.settings, nil)
	box, kim := mails.Users[0].Address, mails.Users[2].Address
	anna, karin := app.agent(t, textDesk), app.user(t, "karin")

	form := karin.form("other/order", "Ny mus", "Kan jag få en ny mus?")

	o.begin(t, app)
	guest := visit(t, app.web(), "chat-staff")
	guest.Write("Hej!")
	anna.waitQueue(1)
	anna.Ready()
	_, card := anna.takeNext()
	anna.readsChat(card.Contact, "Hej!")
	anna.mustAsk(agentui.Request{Do: agentui.DoChatSend, Contact: card.Contact, Message: uuid.NewString(), Text: "Hej själv."})
	guest.wait("the answer", func(s shownChat) bool {
		return slices.Contains(s.texts(contact.PartyAgent, contact.ChatText), "Hej själv.")
	})
	anna.Pause("break")
	guest.say(pageRequest{End: &struct{}{}})
	anna.waitCard(card.Contact, contact.StateWrapUp)
	anna.finish(card.Contact)
	mails.Deliver(t, box, writtenMail("Kim <"+kim+">", box, "Skrivaren", "Skrivaren svarar inte."))
	if status, page := karin.post("/report", form); status != http.StatusServiceUnavailable || !strings.Contains(page, "Kan jag få en ny mus?") {
		t.Errorf("a form that cannot be kept is answered with status %d and\n%s", status, page)
	}

	o.end(t)
	karin.sendUntilTaken(form)
	anna.waitQueue(2)
	if arrived := app.arrivals(t); arrived[contact.Chat] != 1 || arrived[contact.Mail] != 1 || arrived[contact.Form] != 1 {
		t.Errorf("on record are %v", arrived)
	}
}

// form is one that is filled in and not yet sent.
func (u *user) form(about, subject, text string) url.Values {
	u.t.Helper()
	id := formID.FindStringSubmatch(u.send("/report", nil))
	if id == nil {
		u.t.Fatal("the form has no id")
	}
	return url.Values{"id": {id[1]}, "kind": {"incident"}, "about": {about}, "subject": {subject}, "text": {text}}
}

// sendUntilTaken sends the form again until its number is shown.
func (u *user) sendUntilTaken(form url.Values) {
	u.t.Helper()
	eventually(u.t, func() bool {
		status, page := u.post("/report", form)
		return status == http.StatusOK && ticketNumber.MatchString(page)
	}, func() string { return "the form is never taken" })
}

// post sends a form that may be turned away.
func (u *user) post(path string, form url.Values) (status int, page string) {
	u.t.Helper()
	response, err := u.client.PostForm(u.web+path, form)
	if err != nil {
		u.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		u.t.Fatal(err)
	}
	return response.StatusCode, html.UnescapeString(string(data))
}

// arrivals counts the contacts in the journal.
func (a *testApp) arrivals(t testing.TB) map[contact.Channel]int {
	t.Helper()
	arrived := map[contact.Channel]int{}
	if err := a.journal.Read(t.Context(), 1, func(_ uint64, r journal.Record) error {
		for _, recorded := range r.Events {
			if e, is := recorded.(contact.ContactArrived); is {
				arrived[e.Contact.Channel]++
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return arrived
}

// callAndAnswer makes a call from its first packet to its end.
func (a *testApp) callAndAnswer(t testing.TB, d desk, one *agent) contact.ID {
	t.Helper()
	karin := identity.DemoPeople()[0]
	caller := dial(t, call{scenario: "until-bye", to: a.phone.Address(), number: d.number, from: "<sip:" + string(karin.Numbers[0]) + "@127.0.0.1>"})
	card := one.Ring()
	if card.Caller.Person != karin.ID || card.Caller.Name != karin.Name {
		t.Errorf("the caller is shown as %+v, not as %s", card.Caller, karin.ID)
	}
	talk := one.Accept(card)
	caller.Hears(agentTone)
	one.Hears(card.Offer, callerTone)
	one.HangUp(talk)
	caller.Wait()
	one.Finish(talk.Contact, "solved")
	return talk.Contact
}

// sameOnBothSides waits until PostgreSQL has all contacts of a line, and asserts that each has the very events that the
// journal has, and that the contacts are those that were made; nil: whichever the journal has.
func (a *testApp) sameOnBothSides(t testing.TB, r *records, line contact.LineID, made []contact.ID) {
	t.Helper()
	var journal map[contact.ID][]string
	var stored []agentui.StoredContact
	eventually(t, func() bool {
		page, status, err := r.try(t, line)
		stored, journal = page, a.journalOf(t, line) // read after the page: what is stored is in it
		return err == nil && status == http.StatusOK && len(page) == len(journal) &&
			!slices.ContainsFunc(page, func(c agentui.StoredContact) bool { return c.State != contact.StateClosed })
	}, func() string { return "PostgreSQL never has all contacts of " + string(line) + ": " + asJSON(stored) })
	if made != nil && len(journal) != len(made) {
		t.Errorf("the journal has %d contacts of %s, made were %d", len(journal), line, len(made))
	}
	for _, c := range stored {
		if want := journal[c.ID]; !slices.Equal(names(c), want) {
			t.Errorf("contact %s has the events %v in PostgreSQL, %v in the journal", c.ID, names(c), want)
		}
		if made != nil && !slices.Contains(made, c.ID) {
			t.Errorf("contact %s is nobody's", c.ID)
		}
		if made != nil && (c.End != contact.EndHandled || count(c, "contact-connected") != 1 || count(c, "contact-closed") != 1) {
			t.Errorf("it was not answered exactly once: %s", asJSON(c))
		}
	}
}

// journalOf returns the names of the events of all contacts of a line, in order.
func (a *testApp) journalOf(t testing.TB, line contact.LineID) map[contact.ID][]string {
	t.Helper()
	events := map[contact.ID][]string{}
	if err := a.journal.Read(t.Context(), 1, func(_ uint64, r journal.Record) error {
		for _, recorded := range r.Events {
			if arrived, is := recorded.(contact.ContactArrived); is && arrived.Contact.Line == line {
				events[arrived.Contact.ID] = nil
			}
			id, _ := queue.Touched(recorded)
			if _, ours := events[id]; ours {
				events[id] = append(events[id], contact.EventName(recorded))
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return events
}

// stoppedDatabase is one of the installation's own that is stopped in order and started again.
func stoppedDatabase(t *testing.T) absence {
	t.Helper()
	config := outsideDatabase(t)
	running := startDatabase(t, config)
	stop := func(t *testing.T) {
		t.Helper()
		if err := running.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(func() { stop(t) })
	return absence{
		settings: map[string]string{"SVAR_DATABASE_URL": running.ConnString()}, away: true,
		begin: func(t *testing.T, _ *testApp) { t.Helper(); stop(t) },
		end:   func(t *testing.T) { t.Helper(); running = startDatabase(t, config) },
	}
}

func outsideDatabase(t *testing.T) private.Config {
	t.Helper()
	directory, err := dataDirectory()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(directory) })
	return private.Config{Dir: filepath.Join(directory, "postgres"), Log: zerolog.Nop(), NoSync: true}
}

func startDatabase(t *testing.T, config private.Config) *private.Cluster {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	running, err := private.Start(ctx, config)
	if err != nil {
		t.Fatal(err)
	}
	return running
}

// killedDatabase is the private one, whose postmaster is killed as often as it comes up.
func killedDatabase(*testing.T) absence {
	var killing sync.WaitGroup
	over := make(chan struct{})
	kills := atomic.Int64{}
	return absence{
		begin: func(_ *testing.T, app *testApp) {
			killing.Go(func() {
				path := filepath.Join(app.options.Data, "postgres", "cluster", "postmaster.pid")
				last := 0
				tick := time.NewTicker(20 * time.Millisecond)
				defer tick.Stop()
				for {
					if pid := postmasterOf(path); pid > 0 && pid != last && syscall.Kill(pid, syscall.SIGKILL) == nil {
						last = pid
						kills.Add(1)
					}
					select {
					case <-tick.C:
					case <-over:
						return
					}
				}
			})
		},
		end: func(t *testing.T) {
			t.Helper()
			eventually(t, func() bool { return kills.Load() >= 2 }, func() string { return "the database was not started again" })
			close(over)
			killing.Wait()
		},
	}
}

func postmasterOf(path string) int {
	data, err := os.ReadFile(path)
	if err != nil {
		return 0
	}
	first, _, _ := strings.Cut(string(data), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(first))
	if err != nil {
		return 0
	}
	return pid
}

// swallowedDatabase is behind a network that takes everything and passes nothing on.
func swallowedDatabase(t *testing.T) absence {
	t.Helper()
	line := newSlowLine(t)
	return absence{
		settings: map[string]string{"SVAR_DATABASE_URL": line.address}, away: true,
		begin: func(*testing.T, *testApp) { line.close() },
		end:   func(*testing.T) { line.open(0) },
	}
}

// slowDatabase is behind a network on which every message takes its time.
func slowDatabase(t *testing.T) absence {
	t.Helper()
	line := newSlowLine(t)
	return absence{
		settings: map[string]string{"SVAR_DATABASE_URL": line.address},
		begin:    func(*testing.T, *testApp) { line.open(700 * time.Millisecond) },
		end:      func(*testing.T) { line.open(0) },
	}
}

// slowLine is a network between us and PostgreSQL.
type slowLine struct {
	address string // of the database, through the line

	mutex   sync.Mutex
	passing chan struct{} // closed while something passes
	delay   time.Duration // of each message
}

func newSlowLine(t *testing.T) *slowLine {
	t.Helper()
	running := startDatabase(t, outsideDatabase(t))
	address, err := url.Parse(running.ConnString())
	if err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(address.Query().Get("host"), ".s.PGSQL.5432")
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address.Host, address.RawQuery = listener.Addr().String(), "sslmode=disable"
	line := &slowLine{address: address.String(), passing: make(chan struct{})}
	line.open(0)
	var carrying sync.WaitGroup
	over := make(chan struct{})
	carrying.Go(func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			carrying.Go(func() { line.carry(near, socket, over) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		close(over)
		carrying.Wait()
		if err := running.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return line
}

// open lets messages pass, each after the delay.
func (l *slowLine) open(delay time.Duration) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.delay = delay
	select {
	case <-l.passing:
	default:
		close(l.passing)
	}
}

// close lets nothing pass; connections stay as they are.
func (l *slowLine) close() {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.passing = make(chan struct{})
}

func (l *slowLine) carry(near net.Conn, socket string, over <-chan struct{}) {
	defer func() { _ = near.Close() }()
	far, err := net.Dial("unix", socket)
	if err != nil {
		return
	}
	defer func() { _ = far.Close() }()
	ended := make(chan struct{}, 2)
	for _, way := range [][2]net.Conn{{near, far}, {far, near}} {
		go func() {
			l.pass(way[0], way[1], over)
			ended <- struct{}{}
		}()
	}
	<-ended
	_, _ = near.Close(), far.Close()
	<-ended
}

// pass carries messages one way.
func (l *slowLine) pass(from io.Reader, to io.Writer, over <-chan struct{}) {
	buffer := make([]byte, 64<<10)
	for {
		length, err := from.Read(buffer)
		if err != nil {
			return
		}
		l.mutex.Lock()
		passing, delay := l.passing, l.delay
		l.mutex.Unlock()
		select {
		case <-passing:
		case <-over:
			return
		}
		select {
		case <-time.After(delay):
		case <-over:
			return
		}
		if _, err := to.Write(buffer[:length]); err != nil {
			return
		}
	}
}
