package contact_test

import (
	"encoding/json"
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"svar/contact"
)

var update = flag.Bool("update", false, "rewrite the golden files with what is written now")

// aContact has every field set, so that the golden files name them all.
var aContact = contact.Contact{
	ID: "0193a5b0-0000-7000-8000-000000000001", Channel: contact.Voice, Line: "staff", Audience: contact.AudienceStaff,
	Person: "person-7", Party: "contact-centre", Service: "network", Ticket: "SD-100234", Language: "sv", Callable: true,
	Follows: "0193a5b0-0000-7000-8000-000000000002", Outgoing: true, Arrived: 1_764_054_000_000,
}

const (
	id   = contact.ID("0193a5b0-0000-7000-8000-000000000001")
	leg  = contact.LegID("0193a5b0-0000-7000-8000-00000000000a")
	node = contact.NodeID("node-1")
	anna = contact.AgentID("anna")

	recordingFile = "2025/11/25/0193a5b0-0000-7000-8000-000000000001.wav"
	recordingSum  = "3f0a99256beeb89a6b9f2793885291a6454928fd74903159ab2e51452b13df6f"
)

var (
	rules = contact.Rules{
		OfferTimeout: 15_000, ConnectTimeout: 5_000, MissLimit: 1, OutcomeCodes: []contact.OutcomeCode{"solved", "passed-on"},
		Channels: []contact.ChannelRule{
			{Channel: contact.Chat, Capacity: 3, Beside: []contact.Channel{contact.Mail}, OfferTimeout: 30_000},
		},
		UnreachableGrace: 30_000, DialTimeout: 45_000, DialsPerContact: 3, DialsPerHour: 60,
		WrapUpLimit: 180_000, WrapUpExtension: 120_000, WrapUpCode: "not-stated",
		Groups: []contact.GroupRule{{Group: "staff", Relax: []contact.Relaxation{
			{After: 30_000, Kind: contact.RelaxOverflow, Level: 1, Group: "pupils"},
		}, RelaxTexts: []contact.Relaxation{
			{After: 14_400_000, Kind: contact.RelaxLevel, Level: 1, Group: "pupils"},
		}, BreaksAtOnce: 2}},
		Hours: []contact.HoursRule{{ID: "desk", Zone: "Europe/Stockholm", Weekly: week, Exceptions: []contact.DayException{
			{Date: "2026-12-24", Open: []contact.DayWindow{{From: 9 * 3600_000, To: 15 * 3600_000}}},
		}}},
		RiseAfter: 300, ImpactFrom: 1, RampUp: 60_000, PreferFor: 20_000, PreferWithin: 604_800_000,
		PauseReasons:   []contact.PauseRule{{Reason: "break", Limit: 900_000, Break: true}},
		OfferCallbacks: true, CallbackTries: 3, RetryAfter: 600_000, AppointmentWait: 300_000, TransferWait: 30_000,
	}
	week   = [7][]contact.DayWindow{1: {{From: 7 * 3600_000, To: 22 * 3600_000}}}
	roster = contact.Roster{Agents: []contact.Agent{{ID: anna, Skills: contact.NewNeeds(contact.Need{Skill: "staff", Level: 4}), Reserved: contact.ClassPriorityLine}}}
	heard  = contact.Quality{Received: 9_000, Lost: 12, Jitter: 4_000, RoundTrip: 35_000, RemoteLost: 3}
	needs  = contact.NewNeeds(contact.Need{Skill: "staff", Level: 2})
)

// Every command, with every field set.
var commands = contact.Commands{
	contact.ChangeRules{Rules: rules},
	contact.ChangeRoster{Roster: roster},
	contact.ReportNode{Node: node, Legs: []contact.LegID{leg}, Restarted: true},
	contact.Arrive{Contact: aContact, Node: node, Leg: leg},
	contact.Refuse{Contact: aContact, Response: 404},
	contact.Greet{Contact: id},
	contact.Enqueue{Contact: id, Needs: needs, Class: contact.ClassPriorityLine, Target: 60_000, Hours: "desk"},
	contact.SetImpact{Contact: id, Agent: anna, Residents: 40},
	contact.Leave{Contact: id},
	contact.Drop{Contact: id},
	contact.AcceptOffer{Offer: 7, Agent: anna, Confirmed: true},
	contact.DeclineOffer{Offer: 7, Agent: anna, Reason: "lunch"},
	contact.ConfirmConnected{Offer: 7, Leg: leg},
	contact.FailConnect{Offer: 7},
	contact.HangUp{Contact: id, Agent: anna},
	contact.Hold{Contact: id, Agent: anna},
	contact.Resume{Contact: id, Agent: anna},
	contact.ChooseOutcome{Contact: id, Agent: anna, Code: "solved", Ticket: "SD-100234"},
	contact.ExtendWrapUp{Contact: id, Agent: anna},
	contact.ReportQuality{Contact: id, Offer: 7, Party: contact.PartyAgent, Quality: heard},
	contact.Finish{Contact: id, Agent: anna, Code: "solved", Ticket: "SD-100234"},
	contact.Reply{Contact: id, Agent: anna},
	contact.GiveBack{Contact: id, Agent: anna},
	contact.CloseOutsideHours{Contact: id},
	contact.TakeCallback{Contact: id, Agent: anna, Node: node, Confirmed: true},
	contact.ScheduleCallback{Contact: id, Agent: anna, At: 1_764_070_000_000, Mine: true},
	contact.Rejoin{Contact: id, Node: node, Leg: leg},
	contact.Transfer{Contact: id, Agent: anna, To: contact.Destination{Agent: "bo", Needs: needs, Outside: "administration"}},
	contact.Consult{Contact: id, Agent: anna, To: contact.Destination{Agent: "bo", Needs: needs, Outside: "administration"}},
	contact.EndConsult{Contact: id, Agent: anna},
	contact.CompleteTransfer{Contact: id, Agent: anna},
	contact.HandOver{Contact: id, Agent: anna, To: "administration"},
	contact.SetConference{Contact: id, Agent: anna, On: true},
	contact.Supervise{Contact: id, Supervisor: "eva", Mode: contact.SuperviseWhisper},
	contact.Mark{Contact: id, Agent: anna, Mark: contact.MarkThreat},
	contact.PlaceCall{Contact: aContact, Agent: anna, Node: node, Leg: leg},
	contact.ReportRecording{
		Contact: id, Recording: contact.RecordingEnded, Agent: anna, File: recordingFile, SHA256: recordingSum, Bytes: 320_044, Length: 20_000, DeleteAfter: 1_766_646_000_000,
	},
	contact.FailDial{Offer: 7, Reason: contact.DialBusy},
	contact.SetPresence{Agent: anna, Presence: contact.Paused, Reason: "lunch", Channels: []contact.Channel{contact.Chat}, After: true},
	contact.SetReachable{Agent: anna, Node: node, Reachable: true},
	contact.Tick{},
}

// Every event, with every field set.
var events = contact.Events{
	contact.LeaderElected{Epoch: 3, Node: node},
	contact.RulesChanged{Rules: rules},
	contact.RosterChanged{Roster: roster},
	contact.ContactArrived{Contact: aContact, Node: node, Leg: leg},
	contact.ContactGreeted{Contact: id},
	contact.ContactQueued{
		Contact: id, Needs: needs, Class: contact.ClassPriorityLine, Target: 60_000, Hours: "desk", Prefer: anna, PreferUntil: 1_764_054_020_000,
	},
	contact.NeedsRelaxed{Contact: id, Step: 1, Needs: needs},
	contact.PreferenceEnded{Contact: id, Agent: anna, Cause: contact.PreferenceAway},
	contact.ImpactSet{Contact: id, Agent: anna, Residents: 40},
	contact.ContactOffered{Contact: id, Offer: 7, Agent: anna, Expires: 1_764_054_015_000, Why: contact.Why{
		Candidates: 2, Waiting: 3, Rule: contact.HighestLevel, Level: 4, Idle: 12_000, Relaxed: 1,
		Class: contact.ClassResidentImpact, Risen: true, Waited: 190_000, Target: 60_000, Returned: true,
	}},
	contact.OfferAccepted{Contact: id, Offer: 7, Agent: anna},
	contact.OfferDeclined{Contact: id, Offer: 7, Agent: anna, Reason: "lunch", Again: 1_764_054_030_000},
	contact.OfferMissed{Contact: id, Offer: 7, Agent: anna, Again: 1_764_054_030_000},
	contact.OfferWithdrawn{Contact: id, Offer: 7, Agent: anna, Cause: contact.CallerLeft},
	contact.ContactConnected{Contact: id, Offer: 7, Agent: anna, Leg: leg},
	contact.ContactReplied{Contact: id, Agent: anna},
	contact.ContactReturned{Contact: id, Offer: 7, Agent: anna, Cause: contact.ReturnGivenBack, Again: 1_764_054_030_000},
	contact.CallbackTaken{Contact: id, Offer: 8, Agent: anna, Node: node, Expires: 1_764_054_045_000, Confirmed: true},
	contact.CallbackScheduled{Contact: id, By: contact.PartyAgent, Agent: anna, From: contact.StateWrapUp, At: 1_764_070_000_000, For: anna},
	contact.CallbackDue{Contact: id, For: anna, PreferUntil: 1_764_070_300_000},
	contact.ContactRejoined{Contact: id, Node: node, Leg: leg},
	contact.ContactTransferred{Contact: id, Offer: 7, Agent: anna, To: contact.Destination{Agent: "bo", Needs: needs, Outside: "administration"}, Until: 1_764_054_060_000, Again: 1_764_054_090_000},
	contact.ConsultOffered{Contact: id, Offer: 9, Agent: anna, With: "bo", Expires: 1_764_054_075_000},
	contact.ConsultAccepted{Contact: id, Offer: 9, With: "bo"},
	contact.ConsultConnected{Contact: id, Offer: 9, With: "bo", Leg: leg},
	contact.ConsultEnded{Contact: id, Offer: 9, Agent: anna, With: "bo", Cause: contact.ConsultCompleted},
	contact.ContactHandedOver{Contact: id, Agent: anna, To: "administration", Offer: 10, Until: 1_764_054_180_000},
	contact.OutsideCalled{Contact: id, Offer: 10, Agent: anna, To: "administration", Blind: true, Expires: 1_764_054_105_000},
	contact.OutsideAnswered{Contact: id, Offer: 10, To: "administration", Leg: leg},
	contact.OutsideEnded{Contact: id, Offer: 10, To: "administration", Failure: contact.DialNoAnswer},
	contact.ConferenceChanged{Contact: id, Agent: anna, On: true},
	contact.SupervisionChanged{Contact: id, Supervisor: "eva", Mode: contact.SuperviseListen},
	contact.ContactMarked{Contact: id, Agent: anna, Mark: contact.MarkNuisance},
	contact.CallPlaced{Contact: aContact, Node: node, Leg: leg, Agent: anna, Offer: 11, Expires: 1_764_054_045_000},
	contact.RecordingChanged{
		Contact: id, Recording: contact.RecordingEnded, Agent: anna, File: recordingFile, SHA256: recordingSum, Bytes: 320_044, Length: 20_000, DeleteAfter: 1_766_646_000_000,
	},
	contact.CallbackFailed{Contact: id, Offer: 8, Agent: anna, Reason: contact.DialNoAnswer},
	contact.ContactHeld{Contact: id, Agent: anna},
	contact.ContactResumed{Contact: id, Agent: anna},
	contact.ContactHungUp{Contact: id, Agent: anna, By: contact.PartyCaller, Until: 1_764_054_180_000},
	contact.WrapUpExtended{Contact: id, Agent: anna, Until: 1_764_054_300_000},
	contact.OutcomeChosen{Contact: id, Agent: anna, Code: "solved", Ticket: "SD-100234"},
	contact.QualityReported{Contact: id, Offer: 7, Party: contact.PartyCaller, Quality: heard},
	contact.ContactDropped{Contact: id, From: contact.StateConnected, Agent: anna},
	contact.ContactClosed{
		Contact: id, End: contact.EndRefused, Stage: contact.StageRinging, Waited: 4_000,
		Agent: anna, Code: "solved", Ticket: "SD-100234", Lapsed: true, Failure: contact.DialBusy, Response: 404, Refused: &aContact,
	},
	contact.PresenceChanged{Agent: anna, Presence: contact.Paused, Reason: "lunch", Cause: contact.ByAgent, Channels: []contact.Channel{contact.Chat}},
	contact.PresencePlanned{Agent: anna, Presence: contact.Paused, Reason: "lunch"},
	contact.ReachabilityChanged{Agent: anna, Node: node, Reachable: true},
}

// Records of today are read for years: the wire form changes only on purpose.
func TestWireForm(t *testing.T) {
	t.Parallel()
	golden(t, "testdata/commands.golden.json", commands, new(contact.Commands))
	golden(t, "testdata/events.golden.json", events, new(contact.Events))
}

// What older versions of the engine wrote is read as it was meant: fields are only added,
// and one that is not there is zero.
func TestOldRecordsAreRead(t *testing.T) {
	t.Parallel()
	for engine, want := range map[string]struct {
		commands, events int
		among            contact.Event
	}{
		"1": {18, 18, contact.ContactReturned{Contact: id, Offer: 7, Agent: anna}},
		"2": {23, 21, contact.ContactHungUp{Contact: id, Agent: anna, By: contact.PartyCaller}},
		"3": {28, 26, contact.ContactQueued{Contact: id, Needs: needs, Class: contact.ClassPriorityLine, Target: 60_000}},
		"4": {36, 39, contact.ConsultEnded{Contact: id, Offer: 9, Agent: anna, With: "bo", Cause: contact.ConsultCompleted}},
	} {
		var commands contact.Commands
		var events contact.Events
		for file, into := range map[string]any{"commands": &commands, "events": &events} {
			data, err := os.ReadFile("testdata/" + file + "-engine-" + engine + ".golden.json")
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(data, into); err != nil {
				t.Errorf("%s of engine %s: %v", file, engine, err)
			}
		}
		if len(commands) != want.commands || len(events) != want.events {
			t.Fatalf("engine %s: %d commands and %d events", engine, len(commands), len(events))
		}
		read := func(e contact.Event) bool { return reflect.DeepEqual(e, want.among) } // some hold lists
		if !slices.ContainsFunc(events, read) {
			t.Errorf("engine %s: %+v is read otherwise: %v", engine, want.among, events)
		}
	}
}

func golden(t *testing.T, file string, list, into any) {
	t.Helper()
	data, err := json.MarshalIndent(list, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	data = append(data, '\n')
	if *update {
		if err := os.WriteFile(file, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(data) != string(want) {
		t.Errorf("%s: the wire form is now\n%s", file, data)
	}
	if err := json.Unmarshal(want, into); err != nil {
		t.Fatal(err)
	}
	if read := reflect.ValueOf(into).Elem().Interface(); !reflect.DeepEqual(read, list) {
		t.Errorf("%s: read back as\n%+v", file, read)
	}
}

// A field that is left zero in the examples would not be seen in the golden files.
func TestExamplesSetEveryField(t *testing.T) {
	t.Parallel()
	for _, command := range commands {
		everyField(t, reflect.ValueOf(command), reflect.TypeOf(command).String())
	}
	for _, event := range events {
		everyField(t, reflect.ValueOf(event), reflect.TypeOf(event).String())
	}
}

func everyField(t *testing.T, v reflect.Value, name string) {
	t.Helper()
	switch v.Kind() {
	case reflect.Pointer:
		everyField(t, v.Elem(), name)
	case reflect.Struct:
		for i := range v.NumField() {
			everyField(t, v.Field(i), name+"."+v.Type().Field(i).Name)
		}
	case reflect.Slice:
		if v.Len() == 0 {
			t.Errorf("%s is empty", name)
			return
		}
		everyField(t, v.Index(0), name+"[0]")
	default:
		if v.IsZero() {
			t.Errorf("%s is not set", name)
		}
	}
}

// The closed sets are whole: every type with the marker method has a name on the wire
// and an example.
func TestClosedSetsAreComplete(t *testing.T) {
	t.Parallel()
	complete(t, "command.go", "command", names(commands), func(i int) string { return contact.CommandName(commands[i]) })
	complete(t, "event.go", "event", names(events), func(i int) string { return contact.EventName(events[i]) })
}

func names[T any](list []T) []string {
	var out []string
	for _, v := range list {
		out = append(out, reflect.TypeOf(v).Name())
	}
	return out
}

func complete(t *testing.T, file, marker string, examples []string, wireName func(int) string) {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var declared []string
	for _, declaration := range parsed.Decls {
		f, is := declaration.(*ast.FuncDecl)
		if !is || f.Recv == nil || f.Name.Name != marker {
			continue
		}
		if name, is := f.Recv.List[0].Type.(*ast.Ident); is {
			declared = append(declared, name.Name)
		}
	}
	seen := map[string]bool{}
	for i, example := range examples {
		name := wireName(i)
		if name == "" || seen[name] {
			t.Errorf("%s has no wire name of its own: %q", example, name)
		}
		seen[name] = true
	}
	slices.Sort(declared)
	sorted := slices.Sorted(slices.Values(examples))
	if !slices.Equal(declared, sorted) {
		t.Errorf("%s declares %v, the examples are %v", file, declared, sorted)
	}
}

// A record that cannot be read whole is not half read.
func TestUnreadableRecords(t *testing.T) {
	t.Parallel()
	for name, data := range map[string]string{
		"unknown type":    `[{"type": "teleport", "data": {}}]`,
		"unknown field":   `[{"type": "greet", "data": {"contact": "k1", "mood": "good"}}]`,
		"no list":         `{"type": "greet"}`,
		"wrong kind":      `[{"type": "greet", "data": {"contact": 7}}]`,
		"data is missing": `[{"type": "greet"}]`,
	} {
		var read contact.Commands
		if err := json.Unmarshal([]byte(data), &read); err == nil {
			t.Errorf("%s: was read as %+v", name, read)
		}
	}
	var read contact.Events
	if err := json.Unmarshal([]byte(`[{"type": "greet", "data": {"contact": "k1"}}]`), &read); err == nil {
		t.Errorf("a command was read as an event: %+v", read)
	}
}

func TestNewNeeds(t *testing.T) {
	t.Parallel()
	got := contact.NewNeeds(contact.Need{Skill: "sv", Level: 1}, contact.Need{Skill: "en", Level: 2}, contact.Need{Skill: "sv", Level: 3})
	want := contact.Needs{{Skill: "en", Level: 2}, {Skill: "sv", Level: 3}}
	if !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
}

// The life of a contact as the diagram in state.go has it.
func TestTransitions(t *testing.T) {
	t.Parallel()
	states := []contact.State{
		contact.StateNone, contact.StateArrived, contact.StateGreeted, contact.StateWaiting,
		contact.StateOffered, contact.StateDialling, contact.StateConnected, contact.StateHeld, contact.StateWrapUp, contact.StateClosed,
	}
	legal := []string{
		" → arrived", " → dialling", " → closed",
		"arrived → greeted", "arrived → waiting", "arrived → closed",
		"greeted → waiting", "greeted → closed",
		"waiting → offered", "waiting → dialling", "waiting → closed",
		"offered → waiting", "offered → dialling", "offered → connected", "offered → closed",
		"dialling → waiting", "dialling → connected", "dialling → closed",
		"connected → wrap-up", "connected → waiting", "connected → closed",
		"connected → held", "held → connected", "held → wrap-up", "held → waiting", "held → closed",
		"wrap-up → waiting", "wrap-up → closed",
	}
	var found []string
	for _, from := range states {
		for _, to := range states {
			if from.CanBecome(to) {
				found = append(found, strings.Join([]string{string(from), string(to)}, " → "))
			}
		}
	}
	slices.Sort(legal)
	slices.Sort(found)
	if !slices.Equal(found, legal) {
		t.Errorf("legal are %v", found)
	}
}
