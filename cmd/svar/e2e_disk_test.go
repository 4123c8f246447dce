package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sys/unix"

	"svar/agentui"
	"svar/channels/mail/mailtest"
	"svar/contact"
)

// roomBytes is how much room the journal has in these tests: more than its reserve.
const roomBytes = 160 << 20

// room is the journal's, which can be taken and given back.
type room struct {
	settings map[string]string
	change   func(*Options)
	take     func(t *testing.T, app *testApp)
	giveUp   func(t *testing.T)
}

// The journal's disk is full in the middle of the day: live talk goes on and can be ended, new callers are told to come
// again, visitors keep their lines, mails and forms are kept, everybody is told. When there is room again everything is
// told to the queue, and what the parties did is what is on record, once.
func TestTheJournalHasNoRoom(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(t *testing.T, directory string) room{"disk": fullDisk, "one disk for everything": fullForAll} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			withoutRoom(t, prepare)
		})
	}
}

func withoutRoom(t *testing.T, prepare func(*testing.T, string) room) {
	t.Helper()
	mails := mailtest.Start(t)
	directory, err := dataDirectoryOf(textConfig(mails))
	if err != nil {
		t.Fatal(err)
	}
	room := prepare(t, directory)
	app, err := newAppIn(directory, room.settings, room.change)
	if err != nil {
		t.Fatal(err)
	}
	app.endWith(t)
	box, kim := mails.Users[0].Address, mails.Users[2].Address
	records, anna, karin := app.records(t), app.agent(t, textDesk), app.user(t, "karin")

	anna.Ready()
	caller := dial(t, call{scenario: "until-bye", to: app.phone.Address(), number: textDesk.number})
	card := anna.Ring()
	talk := anna.Accept(card)
	anna.Pause("break")
	guest := visit(t, app.web(), "chat-staff")
	guest.Write("Hej!")
	anna.waitQueue(1)

	form := karin.form("other/order", "Ny mus", "Kan jag få en ny mus?")

	room.take(t, app)
	anna.waitState("told that nothing is decided now", func(s agentui.ConsoleState) bool { return !s.Connected })
	if status, words := app.readiness(t); status != http.StatusServiceUnavailable || !strings.Contains(words, "record") {
		t.Errorf("/readyz says %d: %s", status, words)
	}
	caller.hearsOn()
	dial(t, call{scenario: "turned-away", to: app.phone.Address(), number: textDesk.number}).Wait()
	line := pageLine{ID: uuid.NewString(), Text: "Är du där?"}
	guest.say(pageRequest{Send: &line})
	guest.wait("told that the line is not kept", func(s shownChat) bool { return s.Refused[line.ID] != "" })
	mails.Deliver(t, box, writtenMail("Kim <"+kim+">", box, "Skrivaren", "Skrivaren svarar inte."))
	// Where the database has its own disk the form is taken, else it is kept in the page; it is never lost.
	if status, page := karin.post("/report", form); status != http.StatusOK && !strings.Contains(page, form.Get("text")) {
		t.Errorf("a form that cannot be kept is answered with status %d and\n%s", status, page)
	}
	anna.mustAsk(agentui.Request{Do: agentui.DoHangUp, Contact: talk.Contact})
	caller.Wait() // he got his BYE, whatever can be recorded

	room.giveUp(t)
	anna.waitState("heard again", func(s agentui.ConsoleState) bool { return s.Connected })
	anna.waitContact(contact.StateWrapUp)
	anna.Finish(talk.Contact, "solved")
	guest.say(pageRequest{Send: &line})
	guest.wait("the line is kept", func(s shownChat) bool { return s.Acks[line.ID] > 0 })
	karin.sendUntilTaken(form)
	anna.waitQueue(3) // the chat, the mail and the form
	next := dial(t, call{scenario: "caller-hangs-up", to: app.phone.Address(), number: textDesk.number})
	anna.WaitWaiting(textDesk.id, 1)
	next.HangUp()
	next.Wait()

	app.sameOnBothSides(t, records, textDesk.id, nil)
	calls := records.of(t, textDesk.id)
	if len(calls) != 2 {
		t.Errorf("%d calls are on record; one was answered, one given up, and who was turned away is none: %s", len(calls), asJSON(calls))
	}
	answered := calls[slices.IndexFunc(calls, func(c agentui.StoredContact) bool { return c.ID == talk.Contact })]
	if answered.End != contact.EndHandled || count(answered, "contact-hung-up") != 1 || count(answered, "contact-connected") != 1 {
		t.Errorf("the talk is on record as %s", asJSON(answered))
	}
	arrived := app.arrivals(t)
	if arrived[contact.Chat] != 1 || arrived[contact.Mail] != 1 || arrived[contact.Form] != 1 || arrived[contact.Voice] != 2 {
		t.Errorf("on record are %v", arrived)
	}
	if n := strings.Count(app.log.String(), "nothing can be recorded"); n < 1 {
		t.Error("the log does not say it")
	}
}

// A start on a disk that is full, or may not be written, says so and what to do, and leaves nothing behind.
func TestAStartWithoutRoom(t *testing.T) {
	t.Parallel()
	for name, one := range map[string]struct {
		flags   uintptr
		options string
		fill    bool
		pattern string
	}{
		"full":      {0, "size=1m", true, "(?i)no space left.*make room"},
		"read-only": {unix.MS_RDONLY, "size=1m", false, "(?i)read-only.*--data"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			home := newHome(t)
			if err := unix.Mount("tmpfs", home.data(), "tmpfs", one.flags, one.options); err != nil {
				t.Skipf("no disk can be mounted here: %v", err)
			}
			t.Cleanup(func() { _ = unix.Unmount(home.data(), unix.MNT_DETACH) })
			if one.fill {
				_ = os.WriteFile(filepath.Join(home.data(), "ballast"), make([]byte, 2<<20), 0o600) // as much as fits
			}
			status, _, complaints := home.run(t, "", "serve")
			checkComplaint(t, status, complaints, one.pattern)
		})
	}
}

// hearsOn waits until the caller has heard a further second.
func (c *caller) hearsOn() {
	c.t.Helper()
	heard := len(c.voice.Packets())
	eventually(c.t, func() bool { return len(c.voice.Packets()) > heard+50 }, func() string { return "the caller hears nothing any more" })
}

// readiness asks /readyz.
func (a *testApp) readiness(t testing.TB) (status int, words string) {
	t.Helper()
	response, err := http.Get(a.web() + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

// fullDisk gives the journal a disk of its own, which is really full. Where none may be mounted, a limit stands for it.
func fullDisk(t *testing.T, directory string) room {
	t.Helper()
	disk := smallDisk(t, "size=160m")
	if disk == "" {
		return fullStore(t, directory)
	}
	data := filepath.Join(directory, "data")
	if err := errors.Join(os.Mkdir(filepath.Join(disk, "nats"), 0o700),
		os.Symlink(filepath.Join(disk, "nats"), filepath.Join(data, "nats"))); err != nil {
		t.Fatal(err)
	}
	full := diskRoom(disk)
	full.settings = apartDatabase(t)
	return full
}

// fullForAll has one disk for the journal, the private PostgreSQL and all other files.
func fullForAll(t *testing.T, directory string) room {
	t.Helper()
	disk := smallDisk(t, "size=400m,mode=711")
	if disk == "" {
		return fullStore(t, directory)
	}
	if err := errors.Join(os.Mkdir(filepath.Join(disk, "data"), 0o755), os.RemoveAll(filepath.Join(directory, "data")),
		os.Symlink(filepath.Join(disk, "data"), filepath.Join(directory, "data"))); err != nil {
		t.Fatal(err)
	}
	return diskRoom(disk)
}

// smallDisk returns a disk of the test's own, or "" when none may be mounted.
func smallDisk(t *testing.T, options string) string {
	t.Helper()
	disk, err := os.MkdirTemp("", "svar-disk-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(disk) })
	if err := unix.Mount("tmpfs", disk, "tmpfs", 0, options); err != nil {
		t.Logf("THIS IS NOT A FULL DISK: none can be mounted here (%v), so a limit stands for it", err)
		return ""
	}
	t.Cleanup(func() { _ = unix.Unmount(disk, unix.MNT_DETACH) })
	return disk
}

// diskRoom fills a disk to its last byte.
func diskRoom(disk string) room {
	ballast := filepath.Join(disk, "ballast")
	return room{
		change: func(*Options) {},
		take: func(t *testing.T, _ *testApp) {
			t.Helper()
			file, err := os.Create(ballast)
			if err != nil {
				t.Fatal(err)
			}
			for err == nil {
				_, err = file.Write(make([]byte, 4096))
			}
			if !errors.Is(err, unix.ENOSPC) {
				t.Fatal(err)
			}
			_ = file.Close()
		},
		giveUp: func(t *testing.T) {
			t.Helper()
			if err := os.Remove(ballast); err != nil {
				t.Fatal(err)
			}
		},
	}
}

// apartDatabase are the settings for a database on another disk.
func apartDatabase(t *testing.T) map[string]string {
	t.Helper()
	database := startDatabase(t, outsideDatabase(t))
	t.Cleanup(func() {
		if err := database.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return map[string]string{"SVAR_DATABASE_URL": database.ConnString()}
}

// fullStore gives the streams a limit, which another stream reaches.
func fullStore(t *testing.T, _ string) room {
	t.Helper()
	var filled jetstream.JetStream
	return room{
		settings: apartDatabase(t),
		change:   func(o *Options) { o.storeBytes = roomBytes },
		take: func(t *testing.T, app *testApp) {
			t.Helper()
			var err error
			if filled, err = jetstream.New(app.conn); err != nil {
				t.Fatal(err)
			}
			if _, err = filled.CreateStream(t.Context(), jetstream.StreamConfig{Name: "BALLAST", Subjects: []string{"ballast"}}); err != nil {
				t.Fatal(err)
			}
			for size := 512 << 10; size > 1<<10; {
				if _, err := filled.Publish(t.Context(), "ballast", make([]byte, size)); err != nil {
					size /= 2
				}
			}
		},
		giveUp: func(t *testing.T) {
			t.Helper()
			if err := filled.DeleteStream(t.Context(), "BALLAST"); err != nil {
				t.Fatal(err)
			}
		},
	}
}
