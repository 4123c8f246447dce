package switchboard_test

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"svar/channels"
	"svar/channels/media"
	"svar/channels/switchboard"
	"svar/contact"
	"svar/queue/bus"
)

// recordings keeps its files in a directory of the test.
type recordings struct {
	directory string
	mutex     sync.Mutex
	until     contact.Instant
	ended     []string
	fail      error
}

func (r *recordings) Begin(id contact.ID, until contact.Instant) (*media.Recording, string, error) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if r.fail != nil {
		return nil, "", r.fail
	}
	r.until = until
	name := string(id) + ".wav"
	recording, err := media.NewRecording(filepath.Join(r.directory, name))
	return recording, name, err
}

func (r *recordings) End(file string) error {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.ended = append(r.ended, file)
	return nil
}

// files are those that are left.
func (r *recordings) files(t *testing.T) int {
	t.Helper()
	files, err := os.ReadDir(r.directory)
	if err != nil {
		t.Fatal(err)
	}
	return len(files)
}

// protected are the numbers of protected people.
type protected map[string]bool

func (p protected) IsProtected(caller contact.Personal) bool { return p[string(caller.Number)] }

// recorded tells a story of a line that records.
func recorded(t *testing.T, story func(t *testing.T, w *world, r *recordings)) {
	t.Helper()
	r := &recordings{directory: t.TempDir()}
	inWorldOf(t, func(w *world, config *switchboard.Config) {
		config.Recordings, config.Protection, config.Pacer = r, protected{"+46701740609": true}, w.agents.pacer
	}, func(t *testing.T, w *world) { story(t, w, r) })
}

// announced lets a caller come in and hear that he is recorded.
func (w *world) announced() *leg {
	w.t.Helper()
	caller := w.callOn("recorded", contact.Personal{Number: "+46701740605"})
	synctest.Wait()
	caller.endPrompt()
	w.expectHeard(caller, "play welcome sv", "play recorded sv")
	w.dispatcher.sent()
	return caller
}

// taken lets an agent talk with the caller.
func (w *world) taken() *leg {
	w.t.Helper()
	w.order(bus.OrderRing, 7)
	w.order(bus.OrderConnect, 7)
	agent := w.agents.last()
	up(agent)
	synctest.Wait()
	return agent
}

func recordingIs(state contact.RecordingState) contact.ReportRecording {
	return contact.ReportRecording{Contact: "c1", Recording: state}
}

func control(w *world, kind bus.ControlKind) error {
	done := make(chan error, 1)
	w.dispatcher.control(bus.Control{Kind: kind, Agent: "anna", Contact: "c1"}, func(err error) { done <- err })
	return <-done
}

func TestCallIsRecordedAfterItsAnnouncement(t *testing.T) {
	recorded(t, func(t *testing.T, w *world, r *recordings) {
		caller := w.announced()
		w.expect() // not in the queue before he has heard it to its end
		caller.press("5")
		synctest.Wait()
		caller.endPrompt()
		w.expect(enqueued)
		agent := w.taken()
		w.expect(contact.ConfirmConnected{Offer: 7, Leg: agent.ID()}, recordingIs(contact.RecordingBegun))
		time.Sleep(2 * time.Second) // the bubble's clock
		if err := control(w, bus.ControlRecordingPause); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Second)
		if err := errors.Join(control(w, bus.ControlRecordingResume), control(w, bus.ControlRecordingResume)); err != nil {
			t.Fatal(err)
		}
		paused, resumed := recordingIs(contact.RecordingPaused), recordingIs(contact.RecordingResumed)
		paused.Agent, resumed.Agent = "anna", "anna"
		w.expect(paused, resumed)
		time.Sleep(time.Second)
		caller.over(channels.EndedByParty)
		synctest.Wait()
		told := w.dispatcher.sent()
		end, is := told[len(told)-1].(contact.ReportRecording)
		if !is || end.Recording != contact.RecordingEnded || end.File != "c1.wav" || len(end.SHA256) != 64 || end.DeleteAfter != r.until {
			t.Fatalf("told %#v", told)
		}
		if end.Length < 2900 || end.Length > 3100 || end.Bytes < 44+2900*32 {
			t.Errorf("recorded %d ms in %d octets, want three seconds without the pause", end.Length, end.Bytes)
		}
		if !reflect.DeepEqual(r.ended, []string{"c1.wav"}) {
			t.Errorf("ended: %q", r.ended)
		}
		if kept := time.Until(r.until.Time()); kept < 50*time.Minute || kept > time.Hour {
			t.Errorf("it is kept for %s", kept)
		}
	})
}

// Whoever declines keeps his place and all else.
func TestCallerDeclinesToBeRecorded(t *testing.T) {
	t.Parallel()
	declined := recordingIs(contact.RecordingDeclined)
	for name, story := range map[string]func(w *world, caller *leg){
		"in the announcement": func(w *world, caller *leg) {
			caller.press("9")
			w.expect(declined, enqueued)
			w.taken()
		},
		"in the queue": func(w *world, caller *leg) {
			caller.endPrompt()
			w.expect(enqueued)
			caller.press("19")
			w.expect(declined)
			caller.press("9") // once
			w.taken()
		},
		"in the talk": func(w *world, caller *leg) {
			caller.endPrompt()
			w.expect(enqueued)
			agent := w.taken()
			w.expect(contact.ConfirmConnected{Offer: 7, Leg: agent.ID()}, recordingIs(contact.RecordingBegun))
			caller.press("9")
			w.expect(declined)
		},
		"while he waits for another agent": func(w *world, caller *leg) {
			caller.endPrompt()
			w.taken()
			w.order(bus.OrderWithdraw, 7)
			w.dispatcher.sent()
			caller.press("9")
			w.expect(declined)
			w.order(bus.OrderRing, 8)
			w.order(bus.OrderConnect, 8)
			agent := w.agents.last()
			up(agent)
			w.expect(contact.ConfirmConnected{Offer: 8, Leg: agent.ID()})
		},
	} {
		t.Run(name, func(t *testing.T) {
			recorded(t, func(t *testing.T, w *world, r *recordings) {
				caller := w.announced()
				story(w, caller)
				synctest.Wait()
				w.dispatcher.sent()
				if agent := w.agents.last(); !agent.hears(caller) || !caller.hears(agent) {
					t.Error("the two do not hear each other")
				}
				if err := control(w, bus.ControlRecordingResume); err == nil {
					t.Error("a recording that was declined can be resumed")
				}
				caller.over(channels.EndedByParty)
				w.expect(contact.Leave{Contact: "c1"})
				if r.files(t) != 0 {
					t.Error("a file is left")
				}
			})
		})
	}
}

func TestWhoseCallIsNotRecorded(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(w *world, r *recordings) *leg{
		"protected": func(w *world, _ *recordings) *leg {
			caller := w.callOn("recorded", contact.Personal{Number: "+46701740609"})
			synctest.Wait()
			caller.endPrompt()
			w.expectHeard(caller, "play welcome sv", "loop music sv")
			return caller
		},
		"the disk is full": func(w *world, r *recordings) *leg {
			r.fail = errors.New("full")
			caller := w.announced()
			caller.endPrompt()
			return caller
		},
		"the announcement cannot be played": func(w *world, _ *recordings) *leg {
			caller := w.announced()
			caller.failPrompt()
			synctest.Wait()
			return caller
		},
		"a line that does not record": func(w *world, _ *recordings) *leg { return w.queued() },
	} {
		t.Run(name, func(t *testing.T) {
			recorded(t, func(t *testing.T, w *world, r *recordings) {
				caller := prepare(w, r)
				w.dispatcher.sent()
				agent := w.taken()
				w.expect(contact.ConfirmConnected{Offer: 7, Leg: agent.ID()})
				if !agent.hears(caller) || r.files(t) != 0 {
					t.Errorf("%d files; the agent hears the caller: %t", r.files(t), agent.hears(caller))
				}
			})
		})
	}
}

// Who waits again goes on in the same file.
func TestRecordingGoesOnWithTheNextAgent(t *testing.T) {
	recorded(t, func(t *testing.T, w *world, r *recordings) {
		caller := w.announced()
		caller.endPrompt()
		w.taken()
		w.order(bus.OrderWithdraw, 7)
		w.order(bus.OrderRing, 8)
		w.order(bus.OrderConnect, 8)
		up(w.agents.last())
		synctest.Wait()
		begun := 0
		for _, told := range w.dispatcher.sent() {
			if reflect.DeepEqual(told, recordingIs(contact.RecordingBegun)) {
				begun++
			}
		}
		if begun != 1 || r.files(t) != 1 || caller.isOver() {
			t.Errorf("begun %d times, %d files", begun, r.files(t))
		}
	})
}

func TestLinesThatMustNotRecordAreRefused(t *testing.T) {
	t.Parallel()
	right := switchboard.Recording{Announcement: "recorded", DeclineKey: '9', Retention: time.Hour}
	for name, spoil := range map[string]func(l *switchboard.Line, r *switchboard.Recording){
		"pupils":          func(l *switchboard.Line, _ *switchboard.Recording) { l.Audience = contact.AudiencePupil },
		"no announcement": func(_ *switchboard.Line, r *switchboard.Recording) { r.Announcement = "" },
		"no key":          func(_ *switchboard.Line, r *switchboard.Recording) { r.DeclineKey = 0 },
		"kept for ever":   func(_ *switchboard.Line, r *switchboard.Recording) { r.Retention = 0 },
		"rings first":     func(l *switchboard.Line, _ *switchboard.Recording) { l.RingFirst = time.Second },
	} {
		line, recording := lines()[0], right
		line.Recording = &recording
		spoil(&line, &recording)
		if _, err := switchboard.New(switchboard.Config{Lines: []switchboard.Line{line}}); err == nil {
			t.Errorf("%s: the line is taken", name)
		}
	}
}

// nuisances are numbers that wait before they are queued.
type nuisances map[string]time.Duration

func (n nuisances) Delay(p contact.Personal) time.Duration { return n[string(p.Number)] }

// He is never refused, keeps the place of his arrival, and is told nothing of it.
func TestRepeatedNuisanceIsSlowed(t *testing.T) {
	inWorldOf(t, func(w *world, config *switchboard.Config) {
		config.Nuisances = nuisances{"+46701740605": 30 * time.Second, "+46850800200": 30 * time.Second}
		w.dispatcher.wait = free
	}, func(t *testing.T, w *world) {
		caller := ringingLeg{newLeg(w.agents.pacer, "caller-leg")}
		c := contact.Contact{ID: "c1", Channel: contact.Voice, Line: "rings", Arrived: w.arrived}
		if err := w.board.Arrive(t.Context(), c, contact.Personal{Number: "+46701740605", Vouched: true}, caller); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		caller.endPrompt()
		w.expect(w.arrivedOn("rings"), contact.Greet{Contact: "c1"})
		w.expectHeard(caller.leg, "play welcome sv", "loop music sv")
		time.Sleep(30*time.Second - 1)
		w.expect()
		time.Sleep(1 * time.Nanosecond)
		w.expect(enqueued)
		caller.over(channels.EndedByParty)
		w.expect(contact.Leave{Contact: "c1"})
		for name, p := range map[string]contact.Personal{
			"nobody vouches":    {Number: "+46701740605"},
			"withheld":          {Number: "+46701740605", Vouched: true, Withheld: true},
			"somebody else":     {Number: "+46701740606", Vouched: true},
			"a party of a line": {Number: "+46850800200", Vouched: true},
		} {
			line := contact.LineID("patient")
			if name == "a party of a line" {
				line = "priority"
			}
			other := w.callOn(line, p)
			synctest.Wait()
			queued := false
			for _, told := range w.dispatcher.sent() {
				_, is := told.(contact.Enqueue)
				queued = queued || is
			}
			if !queued {
				t.Errorf("%s: slowed", name)
			}
			other.over(channels.EndedByParty)
			synctest.Wait()
			w.dispatcher.sent()
		}
	})
}
