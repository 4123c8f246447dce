package report

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"svar/contact"
)

var update = flag.Bool("update", false, "write the golden files anew")

var morning = contact.InstantOf(time.Date(2026, 11, 27, 9, 0, 0, 0, stockholm))

// story is a call that everything happens to; each event comes a second after the one before.
func story() []Recorded {
	const c, ida, bo, eva = contact.ID("c1"), contact.AgentID("ida"), contact.AgentID("bo"), contact.AgentID("eva")
	needs := contact.NewNeeds(contact.Need{Skill: "net", Level: 3}, contact.Need{Skill: "sv", Level: 1}, contact.Need{Skill: "staff", Level: 2})
	at := func(seconds contact.Millis) contact.Instant { return morning.Add(seconds * 1000) }
	events := []contact.Event{
		contact.ContactArrived{Contact: contact.Contact{
			ID: c, Channel: contact.Voice, Line: "staff", Audience: contact.AudienceStaff, Person: "karin-ek", Party: "kontaktcenter",
			Service: "net", Ticket: "SD-100234", Follows: "c0",
		}},
		contact.ContactGreeted{Contact: c},
		contact.ContactQueued{Contact: c, Needs: needs, Class: contact.ClassOrdinary, Target: 60_000, Hours: "desk", Prefer: eva, PreferUntil: at(30)},
		contact.PreferenceEnded{Contact: c, Agent: eva, Cause: contact.PreferenceOver},
		contact.ImpactSet{Contact: c, Agent: eva, Residents: 120},
		contact.ImpactSet{Contact: c},
		contact.NeedsRelaxed{Contact: c, Step: 1, Needs: needs[:1]},
		contact.ContactOffered{Contact: c, Offer: 1, Agent: ida, Expires: at(22), Why: contact.Why{
			Candidates: 3, Waiting: 2, Rule: contact.LongestIdle, Level: 4, Idle: 754_300, Relaxed: 1, Class: contact.ClassResidentImpact, Risen: true,
			Waited: 95_500, Target: 60_000,
		}},
		contact.OfferDeclined{Contact: c, Offer: 1, Agent: ida, Reason: "lunch {agent}", Again: at(68)},
		contact.ContactOffered{Contact: c, Offer: 2, Agent: bo, Expires: at(24), Why: contact.Why{
			Candidates: 1, Waiting: 1, Rule: contact.OnlyCandidate, Idle: 2_300, Returned: true, Relaxed: 2,
		}},
		contact.OfferMissed{Contact: c, Offer: 2, Agent: bo, Again: at(100)},
		contact.OfferWithdrawn{Contact: c, Offer: 2, Agent: bo, Cause: contact.TakeOver},
		contact.OfferAccepted{Contact: c, Offer: 3, Agent: ida},
		contact.ContactConnected{Contact: c, Offer: 3, Agent: ida, Leg: "l"},
		contact.ContactHeld{Contact: c, Agent: ida},
		contact.ConsultOffered{Contact: c, Offer: 4, Agent: ida, With: bo, Expires: at(30)},
		contact.ConsultAccepted{Contact: c, Offer: 4, With: bo},
		contact.ConsultConnected{Contact: c, Offer: 4, With: bo},
		contact.ConsultEnded{Contact: c, Offer: 4, Agent: ida, With: bo, Cause: contact.ConsultLeft},
		contact.ContactResumed{Contact: c, Agent: ida},
		contact.ContactTransferred{Contact: c, Offer: 3, Agent: ida, To: contact.Destination{Agent: eva}, Until: at(80)},
		contact.ContactTransferred{Contact: c, Offer: 3, Agent: ida, To: contact.Destination{Needs: needs}, Again: at(95)},
		contact.ContactReturned{Contact: c, Offer: 5, Agent: eva},
		contact.ContactReturned{Contact: c, Offer: 5, Agent: eva, Cause: contact.ReturnGivenBack, Again: at(90)},
		contact.ContactDropped{Contact: c, From: contact.StateConnected, Agent: eva},
		contact.CallbackScheduled{Contact: c, By: contact.PartyCaller, From: contact.StateWaiting},
		contact.CallbackScheduled{Contact: c, By: contact.PartyAgent, Agent: ida, From: contact.StateConnected, At: at(86_400), For: ida},
		contact.CallbackDue{Contact: c, For: ida, PreferUntil: at(90_000)},
		contact.CallbackTaken{Contact: c, Offer: 6, Agent: ida, Expires: at(75)},
		contact.CallbackTaken{Contact: c, Offer: 6, Agent: ida, Expires: at(75), Confirmed: true},
		contact.CallbackFailed{Contact: c, Offer: 6, Agent: ida, Reason: contact.DialBusy},
		contact.ContactRejoined{Contact: c},
		contact.ContactReplied{Contact: c, Agent: ida},
		contact.ContactHandedOver{Contact: c, Agent: ida, To: "supplier", Until: at(60)},
		contact.ContactHungUp{Contact: c, Agent: ida, By: contact.PartyCaller, Until: at(60)},
		contact.WrapUpExtended{Contact: c, Agent: ida, Until: at(120)},
		contact.OutcomeChosen{Contact: c, Agent: ida, Code: "solved", Ticket: "SD-100235"},
		contact.OutcomeChosen{Contact: c, Agent: ida},
		contact.QualityReported{Contact: c, Offer: 3, Party: contact.PartyCaller, Quality: contact.Quality{Received: 950, Lost: 5, Jitter: 4_200}},
		contact.ContactClosed{Contact: c, End: contact.EndHandled, Waited: 3_725_000, Agent: ida, Code: "solved", Ticket: "SD-100235", Lapsed: true},
		contact.ContactClosed{Contact: c, End: contact.EndAbandoned, Stage: contact.StageRinging, Waited: 180_061_000},
		contact.ContactClosed{Contact: c, End: contact.EndRefused, Response: 486},
	}
	var recorded []Recorded
	for i, event := range events {
		recorded = append(recorded, Recorded{Sequence: uint64(i + 1), At: at(contact.Millis(i)), Event: event})
	}
	return recorded
}

func TestExplanationReadsLikeAStory(t *testing.T) {
	t.Parallel()
	for _, language := range []string{"sv", "en"} {
		var told strings.Builder
		for _, step := range Explain("c1", story(), language).Steps {
			fmt.Fprintf(&told, "%d %s: %s\n", step.Sequence, step.Kind, step.Text)
		}
		golden := filepath.Join("testdata", "explanation."+language+".golden.txt")
		if *update {
			if err := os.WriteFile(golden, []byte(told.String()), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if told.String() != string(want) {
			t.Errorf("it differs from %s:\n%s", golden, &told)
		}
		for _, secret := range []string{"karin"} { // registers make ids of people from their names
			if strings.Contains(told.String(), secret) {
				t.Errorf("%s: tells of the person: %s", language, &told)
			}
		}
	}
}

// Every event that a contact can have is told in words, with nothing left to be filled in.
func TestEveryEventHasWords(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(filepath.Join("..", "contact", "testdata", "events.golden.json"))
	if err != nil {
		t.Fatal(err)
	}
	var events contact.Events
	if err := json.Unmarshal(data, &events); err != nil {
		t.Fatal(err)
	}
	ofNoContact := []string{"leader-elected", "rules-changed", "roster-changed", "presence-changed", "presence-planned", "reachability-changed"}
	told := 0
	for _, event := range events {
		name := contact.EventName(event)
		if slices.Contains(ofNoContact, name) {
			continue
		}
		told++
		for _, language := range []string{"sv", "en"} {
			steps := Explain("c", []Recorded{{Sequence: 1, At: morning, Event: event}}, language).Steps
			if len(steps) != 1 || steps[0].Kind != name || steps[0].Text == name || strings.ContainsAny(steps[0].Text, "{}") {
				t.Errorf("%s in %s: %+v", name, language, steps)
			}
		}
	}
	if told < 30 {
		t.Errorf("only %d events were told", told)
	}
}

// Every value that a record may hold is called something.
func TestEveryRecordedValueHasWords(t *testing.T) {
	t.Parallel()
	for kind, values := range map[string][]any{
		"channel":    {contact.Voice, contact.Chat, contact.Mail, contact.Form},
		"audience":   {contact.AudiencePupil, contact.AudienceStaff, contact.AudienceGuardian, contact.AudienceContactCentre, contact.AudienceSupplier},
		"class":      {contact.ClassOrdinary, contact.ClassResidentImpact, contact.ClassPriorityLine},
		"party":      {contact.PartyCaller, contact.PartyAgent, contact.PartySystem},
		"preference": {contact.PreferenceOver, contact.PreferenceAway, contact.PreferenceRefused},
		"withdraw": {
			contact.CallerLeft, contact.AgentLeft, contact.AgentUnreachable, contact.TakeOver, contact.TechnicalFault, contact.ConnectFailed, contact.CallerBack, contact.RulesWithdrew,
		},
		"return": {contact.ReturnCause(""), contact.ReturnGivenBack, contact.ReturnUnreachable, contact.ReturnRoster},
		"consult": {
			contact.ConsultCompleted, contact.ConsultCancelled, contact.ConsultDeclined, contact.ConsultMissed, contact.ConsultLeft,
			contact.ConsultFault, contact.ConsultOver,
		},
		"dial": {contact.DialBusy, contact.DialNoAnswer, contact.DialRefused, contact.DialCancelled, contact.DialFault},
		"end": {
			contact.EndHandled, contact.EndAbandoned, contact.EndRefused, contact.EndDropped, contact.EndHandedOver, contact.EndOutsideHours,
		},
		"stage": {contact.StageBeforeAnswer, contact.StageMessage, contact.StageQueue, contact.StageRinging, contact.StageCallback},
	} {
		for _, value := range values {
			if _, known := explanationWords[kind+"."+fmt.Sprint(value)]; !known {
				t.Errorf("%s %v is called nothing", kind, value)
			}
		}
	}
	for _, rule := range []contact.Rule{
		contact.OnlyCandidate, contact.HighestLevel, contact.LongestIdle, contact.ByName, contact.Preferred, contact.Transferred, contact.Appointed,
	} {
		if _, known := explanationWords["rule-"+string(rule)]; !known {
			t.Errorf("the rule %s is called nothing", rule)
		}
	}
}

func TestBothLanguagesSayTheSame(t *testing.T) {
	t.Parallel()
	placeholder := regexp.MustCompile(`\{\w+\}`)
	for key, texts := range explanationWords {
		swedish, english := placeholder.FindAllString(texts[0], -1), placeholder.FindAllString(texts[1], -1)
		slices.Sort(swedish)
		slices.Sort(english)
		if texts[0] == "" || texts[1] == "" || !slices.Equal(slices.Compact(swedish), slices.Compact(english)) {
			t.Errorf("%s: %q and %q", key, texts[0], texts[1])
		}
	}
}

func TestLengthsAndTimesInWords(t *testing.T) {
	t.Parallel()
	n := narrator{words: wordsOf("sv"), at: morning}
	for length, want := range map[contact.Millis]string{
		-5: "0 s", 0: "0 s", 2_340: "2,3 s", 9_999: "9,9 s", 10_900: "10 s", 60_000: "1 min", 61_000: "1 min 1 s", 3_600_000: "1 h", 7_380_000: "2 h 3 min",
		90_000_000: "1 dygn 1 h",
	} {
		if got := n.length(length); got != want {
			t.Errorf("%d ms is %q, want %q", length, got, want)
		}
	}
	if got := n.clock(morning.Add(61_000)); got != "09:01:01" {
		t.Errorf("on the same day: %s", got)
	}
	if got := n.clock(morning.Add(86_400_000)); got != "2026-11-28 09:00:00" {
		t.Errorf("on the next day: %s", got)
	}
}

func TestWhoHadAContact(t *testing.T) {
	t.Parallel()
	recorded := story()
	for agent, want := range map[contact.AgentID]bool{"ida": true, "bo": true, "eva": false, "": false} { // eva was only asked
		if got := HadBy(agent, recorded); got != want {
			t.Errorf("%q had it: %v", agent, got)
		}
	}
}
