package main

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"svar/agentui"
	"svar/channels/media/mediatest"
	"svar/configs"
	"svar/contact"
	"svar/ivr/spoken"
)

// The lines of these tests: what callers are told, recorded, and marked as.
var (
	tellingDesk   = desk{id: "tells", number: "+46850800101", skill: "platform"}
	recordingDesk = desk{id: "records", number: "+46850800102", skill: "devices"}
	markingDesk   = desk{id: "marks", number: "+46850800103", skill: "network"}
)

// telephoneConfig has those lines; pupilsRecord is added to that of the pupils.
func telephoneConfig(pupilsRecord string) string {
	line := func(d desk, queue, more string) string {
		return "  - id: " + string(d.id) + "\n    number: \"" + d.number + "\"\n    audience: staff\n    language: sv\n    look_up: true\n" +
			"    name: {sv: Rad, en: Line}\n    greeting: {sv: Hej, en: Hello}\n" + more +
			"    flow: [{queue: {needs: [{skill: " + d.skill + ", level: 1}], target: 60s, music: queue-music" + queue + "}}]\n"
	}
	const record = "    recording: {on: true, announcement: queued, decline_key: \"9\", retention: 720h}\n"
	pupils := strings.ReplaceAll(line(desk{id: "pupils", number: "+4620000000", skill: "pupils"}, "", pupilsRecord), "audience: staff", "audience: pupil")
	return "desk: {connect_timeout: 20s, offer_timeout: 60s, ramp_up: 0s, preferred: {for: 0s}, nuisance: {after: 1, wait: 2s, keep: 720h}}\n" +
		"hours: {weekly: {everyday: [\"00:00-24:00\"]}}\nlines:\n" +
		line(desk{id: "staff", number: "+46850800100", skill: "staff"}, "", "") + strings.ReplaceAll(pupils, "look_up: true", "look_up: false") +
		line(tellingDesk, ", announcements: [{tell: place, first: 1s, every: 0s}, {tell: wait, first: 2s, every: 0s}, {say: welcome-staff, first: 3s, every: 0s}], "+
			"callback: {say: callback-offer, after: 4s, key: \"2\", done: callback-promised}", "") +
		line(recordingDesk, "", record) + line(markingDesk, "", "")
}

// What is said on the telephone beside talks and music: what callers are told while they wait, what is recorded of
// them, and what is said of them.
func TestTheTelephoneOfADesk(t *testing.T) {
	t.Parallel()
	if data, err := dataDirectoryOf(telephoneConfig("    recording: {on: true, announcement: queued, decline_key: \"9\", retention: 720h}\n")); err != nil {
		t.Fatal(err)
	} else if _, err := configs.Load(filepath.Join(data, "svar.yaml"), func(string) (string, bool) { return "", false }); err == nil || !strings.Contains(err.Error(), "pupil") {
		t.Errorf("a pupils' line that records: %v", err)
	} else if err := os.RemoveAll(data); err != nil {
		t.Error(err)
	}
	app := startAppOf(t, telephoneConfig(""), map[string]string{"SVAR_PHONE_OUTBOUND_TRUNK": "127.0.0.1:9"}, nil)
	t.Run("who waits is told", func(t *testing.T) { t.Parallel(); whoWaitsIsTold(t, app) })
	t.Run("a call is recorded", func(t *testing.T) { t.Parallel(); aCallIsRecorded(t, app) })
	t.Run("a caller is marked", func(t *testing.T) { t.Parallel(); aCallerIsMarked(t, app) })
}

// Who waits hears his place, how long he is expected to wait, a tip and an offer; by its key he is called back.
func whoWaitsIsTold(t *testing.T, app *testApp) {
	anna := app.agent(t, tellingDesk)
	anna.Ready()
	ring := call{scenario: "until-bye", to: app.phone.Address(), number: tellingDesk.number}
	first := dial(t, ring)
	finish(anna, first, anna.Accept(anna.Ring())) // now it is known how long calls take
	dial(t, ring)
	anna.Accept(anna.Ring())

	ring.from = "<sip:+46701740698@127.0.0.1>"
	caller := dial(t, ring)
	said := func(text string) []byte {
		t.Helper()
		clip, err := app.prompts.Speak(t.Context(), "sv", text)
		if err != nil {
			t.Fatal(err)
		}
		return caller.beginning(clip)
	}
	tip, err := app.prompts.Clip("welcome-staff", "sv")
	if err != nil {
		t.Fatal(err)
	}
	offer, err := app.prompts.Clip("callback-offer", "sv")
	if err != nil {
		t.Fatal(err)
	}
	last := -1
	for _, one := range []struct {
		what string
		part []byte
	}{
		{"his place", said(spoken.Place("sv", 1))},
		{"how long he is expected to wait", said(spoken.Wait("sv", time.Second))},
		{"the tip", caller.beginning(tip)},
		{"the offer", caller.beginning(offer)},
	} {
		caller.waitHears(one.what, one.part)
		at := caller.heardAt(one.part)
		if at < last {
			t.Errorf("%s came before what should be before it", one.what)
		}
		last = at
	}
	caller.Press('2')
	caller.Wait()
	card := anna.waitState("shown the call-back", func(s agentui.ConsoleState) bool { return len(s.Callbacks) == 1 }).Callbacks[0]
	if card.Caller.Number != "+46701740698" {
		t.Errorf("the call-back is %s", asJSON(card))
	}
}

// recordedCall is what the record says of a contact's recording.
type recordedCall struct {
	Recording contact.RecordingState
	SHA256    string
}

// recordingsOf returns what is on record of a recording, in order.
func recordingsOf(t *testing.T, c agentui.StoredContact) (states []contact.RecordingState, sha256 string) {
	t.Helper()
	for _, transition := range c.Transitions {
		if transition.Event != "recording-changed" {
			continue
		}
		var change recordedCall
		if err := json.Unmarshal(transition.Data, &change); err != nil {
			t.Fatal(err)
		}
		states = append(states, change.Recording)
		sha256 += change.SHA256
	}
	return states, sha256
}

// closedContact waits until one of the line's contacts is closed, and all that is told of it is on record.
func closedContact(t *testing.T, r *records, line contact.LineID, id contact.ID, whole func(agentui.StoredContact) bool) (found agentui.StoredContact) {
	t.Helper()
	eventually(t, func() bool {
		for _, c := range r.of(t, line) {
			if found = c; c.ID == id && c.State == contact.StateClosed && whole(c) {
				return true
			}
		}
		return false
	}, func() string {
		return "contact " + string(id) + " is not on record as it should be:\n" + asJSON(r.of(t, line))
	})
	return found
}

// A call is recorded after an announcement: the caller on the left, the agent on the right, nothing of what comes in a
// pause. Who presses the key is served as well, and not recorded. It is heard by who says why, which is on record.
func aCallIsRecorded(t *testing.T, app *testApp) {
	anna, records := app.agent(t, recordingDesk), app.records(t)
	announcement, err := app.prompts.Clip("queued", "sv")
	if err != nil {
		t.Fatal(err)
	}
	anna.Ready()
	ring := call{scenario: "until-bye", to: app.phone.Address(), number: recordingDesk.number}
	caller := dial(t, ring)
	caller.waitHears("that he is recorded", caller.beginning(announcement))
	caller.waitHears("all of it", caller.ending(announcement))
	card := anna.Accept(anna.Ring())
	is := func(state contact.RecordingState) {
		t.Helper()
		anna.waitState("shown that the recording is "+string(state), func(s agentui.ConsoleState) bool {
			return len(s.Contacts) == 1 && s.Contacts[0].Recording == state
		})
	}
	is(contact.RecordingBegun)
	hearsMix(t, "the agent", anna.ear(card.Offer), callerTone)
	hearsMix(t, "the caller", caller.ear(), agentTone)
	anna.mustAsk(agentui.Request{Do: agentui.DoRecording, Contact: card.Contact})
	is(contact.RecordingPaused)
	caller.voice.say(placeTone)
	hearsMix(t, "the agent", anna.ear(card.Offer), placeTone)
	caller.voice.say(callerTone)
	ear := anna.ear(card.Offer)
	eventually(t, func() bool { return ear.holds(callerTone) && !ear.holds(placeTone) }, func() string { return "the agent still hears the tone of the pause" })
	anna.mustAsk(agentui.Request{Do: agentui.DoRecording, Contact: card.Contact, On: true})
	is(contact.RecordingResumed)
	ear.Reset()
	hearsMix(t, "the agent", ear, callerTone)
	finish(anna, caller, card)

	declining := dial(t, ring)
	declining.waitHears("that he is recorded", declining.beginning(announcement))
	declining.Press('9')
	declined := anna.Accept(anna.Ring())
	hearsMix(t, "the caller", declining.ear(), agentTone)
	finish(anna, declining, declined)
	c := closedContact(t, records, recordingDesk.id, declined.Contact, func(agentui.StoredContact) bool { return true })
	if states, _ := recordingsOf(t, c); c.End != contact.EndHandled || len(states) != 1 || states[0] != contact.RecordingDeclined {
		t.Errorf("who declined is on record as %s", asJSON(c))
	}

	sum := ""
	closedContact(t, records, recordingDesk.id, card.Contact, func(c agentui.StoredContact) bool {
		var states []contact.RecordingState
		states, sum = recordingsOf(t, c)
		return len(states) == 4 && states[3] == contact.RecordingEnded
	})
	eva := app.supervisor(t)
	heard := func(id contact.ID, reason string) (status int, wave []byte) {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, app.web()+"/api/v1/contacts/"+string(id)+"/recording", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.AddCookie(eva.cookie)
		if reason != "" {
			request.Header.Set("Svar-Reason", reason)
		}
		response, err := client(t).Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = response.Body.Close() }()
		if wave, err = io.ReadAll(response.Body); err != nil {
			t.Fatal(err)
		}
		return response.StatusCode, wave
	}
	if status, _ := heard(card.Contact, ""); status != http.StatusUnprocessableEntity {
		t.Errorf("without a reason the answer is %d", status)
	}
	if status, _ := heard(declined.Contact, "klagomal"); status != http.StatusNotFound {
		t.Errorf("the recording of who declined is answered with %d", status)
	}
	status, wave := heard(card.Contact, "klagomal")
	if digest := sha256.Sum256(wave); status != http.StatusOK || hex.EncodeToString(digest[:]) != sum {
		t.Fatalf("the recording is answered with %d and %d octets of the sum %x, want %s", status, len(wave), digest, sum)
	}
	left, right := sides(t, wave)
	for _, one := range []struct {
		side    string
		samples []int16
		own     float64
		others  []float64
	}{{"left", left, callerTone, []float64{agentTone, placeTone}}, {"right", right, agentTone, []float64{callerTone, placeTone}}} {
		// While a jitter buffer corrects its delay, after the first two seconds, a voice is a fortieth higher or lower.
		toned, frames := 0, 0
		for _, pitch := range []float64{1, 1 + 1.0/40, 1 - 1.0/40} {
			own := mediatest.Listen(one.samples, 8000, pitch*one.own)
			toned, frames = toned+own.Toned, own.Frames
		}
		if toned < 25 || toned < frames*3/4 {
			t.Errorf("on the %s are %.0f Hz in %d of %d frames", one.side, one.own, toned, frames)
		}
		for _, tone := range one.others {
			if other := mediatest.Listen(one.samples, 8000, tone); other.Toned > 0 {
				t.Errorf("on the %s is %s", one.side, other)
			}
		}
	}
	looks, err := app.store.AccessLog(t.Context(), time.Now().Add(-time.Hour), time.Now().Add(time.Hour), 1000)
	if err != nil {
		t.Fatal(err)
	}
	logged := 0
	for _, look := range looks {
		if look.Surface == "recording" && look.Contact == string(card.Contact) && look.Account == eva.name && look.Reason == "klagomal" {
			logged++
		}
	}
	if logged != 1 {
		t.Errorf("that it was heard is logged %d times", logged)
	}
}

// sides returns what is on the left and on the right of a recording.
func sides(t *testing.T, wave []byte) (left, right []int16) {
	t.Helper()
	if len(wave) < 44 || binary.LittleEndian.Uint16(wave[22:]) != 2 || binary.LittleEndian.Uint32(wave[24:]) != 8000 || binary.LittleEndian.Uint16(wave[34:]) != 16 {
		t.Fatalf("the recording begins with %x", wave[:min(44, len(wave))])
	}
	for at := 44; at+4 <= len(wave); at += 4 {
		left = append(left, int16(binary.LittleEndian.Uint16(wave[at:])))
		right = append(right, int16(binary.LittleEndian.Uint16(wave[at+2:])))
	}
	return left, right
}

// A caller whose call was marked as a nuisance is answered the next time, waits before he is queued, and is served. What he was
// marked as is on record for supervisors.
func aCallerIsMarked(t *testing.T, app *testApp) {
	anna, records := app.agent(t, markingDesk), app.records(t)
	anna.Ready()
	ring := call{scenario: "until-bye", to: app.phone.Address(), number: markingDesk.number, header: "P-Asserted-Identity: <sip:+46701740697@127.0.0.1>"}
	caller := dial(t, ring)
	card := anna.Accept(anna.Ring())
	for _, mark := range []contact.MarkKind{contact.MarkThreat, contact.MarkNuisance} {
		anna.mustAsk(agentui.Request{Do: agentui.DoMark, Contact: card.Contact, Mark: mark})
	}
	eventually(t, func() bool {
		marks, err := app.store.NuisanceMarks(t.Context(), time.Now().Add(-time.Hour))
		return err == nil && len(marks) == 1 && marks[0].Contact == card.Contact
	}, func() string { return "the nuisance is not remembered" })
	finish(anna, caller, card)

	again := dial(t, ring)
	slowed := anna.Accept(anna.Ring())
	again.Hears(agentTone)
	finish(anna, again, slowed)
	c := closedContact(t, records, markingDesk.id, slowed.Contact, func(agentui.StoredContact) bool { return true })
	if c.End != contact.EndHandled || c.Greeted == nil || c.Queued == nil || c.Queued.Sub(c.Arrived) < 2*time.Second {
		t.Errorf("the next call is on record as %s", asJSON(c))
	}
	var log struct{ Marks []agentui.MarkedContact }
	app.supervisor(t).api(http.MethodGet, "/calls/marks?contact="+string(card.Contact), nil, &log)
	marked := map[contact.MarkKind]contact.AgentID{}
	for _, m := range log.Marks {
		marked[m.Mark] = m.Agent.Agent
	}
	if name := contact.AgentID(anna.name); len(log.Marks) != 2 || marked[contact.MarkThreat] != name || marked[contact.MarkNuisance] != name {
		t.Errorf("marked is %s", asJSON(log))
	}
}
