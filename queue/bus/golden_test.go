package bus

import (
	"bytes"
	"encoding/json"
	"flag"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"

	"svar/contact"
)

var update = flag.Bool("update", false, "rewrite the golden files with what is sent now")

const (
	someContact = contact.ID("0193a5b0-0000-7000-8000-000000000001")
	someConsole = "0193a5b0-0000-4000-8000-0000000000c0"
	someLeg     = contact.LegID("0193a5b0-0000-7000-8000-00000000000a")
)

var someView = ContactView{
	Contact: contact.Contact{
		ID: someContact, Channel: contact.Voice, Line: "staff", Audience: contact.AudienceStaff, Person: "person-7",
		Party: "contact-centre", Service: "network", Ticket: "SD-100234", Language: "sv", Callable: true,
		Follows: "0193a5b0-0000-7000-8000-000000000002", Outgoing: true, Arrived: 1_764_054_000_000,
	},
	Node: "node-1", Leg: someLeg, State: contact.StateOffered, Place: 12, Since: 1_764_054_001_000,
	Callback: true, Dials: []contact.Instant{1_764_053_900_000}, Queued: 1_764_054_000_500, Needs: contact.NewNeeds(contact.Need{Skill: "staff", Level: 2}),
	StillNeeded: contact.NewNeeds(contact.Need{Skill: "staff", Level: 1}), Relaxed: 1, RelaxesAt: 1_764_054_030_000,
	RelaxesTo: contact.NewNeeds(contact.Need{Skill: "pupils", Level: 1}), RisesAt: 1_764_054_180_000,
	Class: contact.ClassPriorityLine, Target: 60_000, Hours: "desk", Residents: 40, Returned: true,
	Prefer: "anna", PreferUntil: 1_764_054_020_000, PreferRule: contact.Preferred,
	DueAt: 1_764_070_000_000, For: "anna", Tries: 1, Exhausted: true, HandedOver: "administration",
	Consult: &ConsultView{
		Offer: 9, With: "bo", To: "administration", Blind: true, Since: 1_764_054_060_000, Expires: 1_764_054_075_000, Accepted: true, Connected: true, Leg: someLeg,
	},
	Conference: true, Supervisors: []SupervisorView{{Supervisor: "eva", Mode: contact.SuperviseWhisper}},
	Marks: []contact.MarkKind{contact.MarkThreat}, Recording: contact.RecordingPaused,
	NotReached: &NotReachedView{To: "supplier", Failure: contact.DialBusy, At: 1_764_054_070_000},
	Offer: &OfferView{
		Offer: 7, Agent: "anna", Since: 1_764_054_001_000, Expires: 1_764_054_016_000, Accepted: true, Confirmed: true,
		Why: contact.Why{Candidates: 2, Waiting: 3, Rule: contact.LongestIdle, Level: 4, Idle: 90_000, Relaxed: 1, Class: contact.ClassResidentImpact, Risen: true, Waited: 190_000, Target: 60_000, Returned: true},
	},
	Agent: "anna", ConnectedBy: 6, ConnectedAt: 1_764_054_000_800, WrapUpUntil: 1_764_054_180_000, Code: "solved", Ticket: "SD-100234", Answered: 1_764_054_000_900, End: contact.EndHandled,
}

var someAgent = AgentView{
	Agent: "anna", Skills: contact.NewNeeds(contact.Need{Skill: "staff", Level: 4}), Presence: contact.Paused, Reason: "lunch",
	Channels: []contact.Channel{contact.Chat}, Next: contact.SignedOut, NextReason: "end-of-day", Reserved: contact.ClassPriorityLine,
	Cause: contact.ByAgent, Since: 1_764_054_000_000, Reachable: true, Contacts: []contact.ID{someContact}, Offer: 7,
	Missed: []MissedOffer{{Cause: contact.MissedByTime, Contact: someContact, Line: "staff", Offer: 5, At: 1_764_053_000_000}},
}

var someRules = contact.Rules{
	OfferTimeout: 15_000, ConnectTimeout: 5_000, MissLimit: 1, OutcomeCodes: []contact.OutcomeCode{"solved"},
	Channels: []contact.ChannelRule{
		{Channel: contact.Chat, Capacity: 3, OfferTimeout: 30_000},
		{Channel: contact.Voice, Capacity: 1, Beside: []contact.Channel{contact.Form, contact.Mail}},
	},
	UnreachableGrace: 30_000, DialTimeout: 45_000, DialsPerContact: 3, DialsPerHour: 60,
	WrapUpLimit: 180_000, WrapUpExtension: 120_000, WrapUpCode: "not-stated",
	Groups: []contact.GroupRule{{
		Group: "staff", Relax: []contact.Relaxation{{After: 30_000, Kind: contact.RelaxOverflow, Level: 1, Group: "pupils"}},
		RelaxTexts:   []contact.Relaxation{{After: 14_400_000, Kind: contact.RelaxLevel, Level: 1}},
		BreaksAtOnce: 2,
	}},
	Hours: []contact.HoursRule{{
		ID: "desk", Zone: "Europe/Stockholm", Weekly: [7][]contact.DayWindow{1: {{From: 7 * 3600_000, To: 22 * 3600_000}}},
		Exceptions: []contact.DayException{{Date: "2026-12-24", Open: []contact.DayWindow{{From: 9 * 3600_000, To: 15 * 3600_000}}}},
	}},
	RiseAfter: 300, ImpactFrom: 1, RampUp: 60_000, PreferFor: 20_000, PreferWithin: 604_800_000,
	PauseReasons:   []contact.PauseRule{{Reason: "break", Limit: 900_000, Break: true}},
	OfferCallbacks: true, CallbackTries: 3, RetryAfter: 600_000, AppointmentWait: 300_000, TransferWait: 30_000,
}

func decodeAs[T any](message *nats.Msg) (any, error) {
	var value T
	err := decode(message, &value)
	return value, err
}

// Nodes of one version speak with each other while they are updated one by one: these
// bytes are a promise until [Version] changes.
func TestMessagesAreThoseOfTheGoldenFiles(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		value  any
		decode func(*nats.Msg) (any, error)
	}{
		"command":         {envelope{Commands: contact.Commands{contact.AcceptOffer{Offer: 7, Agent: "anna"}}}, decodeAs[envelope]},
		"reply-recorded":  {reply{}, decodeAs[reply]},
		"reply-rejection": {reply{Rejection: &contact.Rejection{Code: contact.OfferGone}}, decodeAs[reply]},
		"reply-fault":     {reply{Fault: "the disk is full"}, decodeAs[reply]},
		"order": {Order{
			Epoch: 3, Sequence: 42, Index: 1, Number: 17, Kind: OrderRing, Contact: someContact, Offer: 7, Agent: "anna",
		}, decodeAs[Order]},
		"order-dial": {Order{
			Epoch: 3, Sequence: 42, Index: 1, Number: 18, Kind: OrderDial, Contact: someContact, Offer: 8, Agent: "anna", Leg: someLeg, Confirmed: true,
		}, decodeAs[Order]},
		"order-outside": {Order{
			Epoch: 3, Sequence: 42, Index: 1, Number: 19, Kind: OrderOutside, Contact: someContact, Offer: 9, Agent: "anna", Leg: someLeg, To: "administration",
		}, decodeAs[Order]},
		"order-conference": {Order{
			Epoch: 3, Sequence: 42, Index: 1, Number: 20, Kind: OrderConference, Contact: someContact, Agent: "anna", On: true,
		}, decodeAs[Order]},
		"order-supervise": {Order{
			Epoch: 3, Sequence: 42, Index: 1, Number: 21, Kind: OrderSupervise, Contact: someContact, Agent: "eva", Mode: contact.SuperviseListen,
		}, decodeAs[Order]},
		"order-reconcile": {Order{Epoch: 3, Sequence: 42, Number: 1, Kind: OrderReconcile}, decodeAs[Order]},
		"node-state":      {NodeState{Epoch: 3, Number: 17, Contacts: []ContactView{someView}, HandedOver: []contact.ID{someContact}}, decodeAs[NodeState]},
		"change": {Change{
			Epoch: 3, Sequence: 42, Now: 1_764_054_001_000, Contacts: []ContactView{someView}, Agents: []AgentView{someAgent}, Rules: &someRules,
		}, decodeAs[Change]},
		"change-everything": {Change{Epoch: 3, Sequence: 42, Now: 1_764_054_001_000, Everything: true}, decodeAs[Change]},
		"change-none":       {Change{Epoch: 3, Sequence: 42, Now: 1_764_054_001_000}, decodeAs[Change]},
		"view": {View{
			Epoch: 3, Sequence: 42, Now: 1_764_054_001_000, Contacts: []ContactView{someView}, Agents: []AgentView{someAgent}, Rules: someRules,
		}, decodeAs[View]},
		"signal": {Signal{
			Node: "node-1", Agent: "anna", Contact: someContact, Offer: 7, Console: someConsole, Payload: json.RawMessage(`{"type":"answer"}`),
		}, decodeAs[Signal]},
		"signal-bound": {Signal{Agent: "anna", Contact: someContact, Offer: 7, Bound: someConsole}, decodeAs[Signal]},
		"signal-text":  {Signal{Agent: "anna", Contact: someContact, Offer: 7, Text: new(true)}, decodeAs[Signal]},
		"signal-window": {Signal{
			Node: "node-1", Agent: "anna", Contact: someContact, Offer: 7, Console: someConsole, Leg: someLeg, Payload: json.RawMessage(`{"type":"offer"}`),
		}, decodeAs[Signal]},
		"control-hold": {Control{Kind: ControlHold, Agent: "anna", Contact: someContact}, decodeAs[Control]},
		"control-key":  {Control{Kind: ControlKey, Agent: "anna", Contact: someContact, Key: "#"}, decodeAs[Control]},
		"control-voice": {
			Control{Kind: ControlVoice, Agent: "anna", Contact: someContact, Console: someConsole, Take: true}, decodeAs[Control],
		},
		"question-node-state": {nodeRequest{Node: "node-1"}, decodeAs[nodeRequest]},
		"question-wait": {WaitQuestion{
			Contact: someContact, Channel: contact.Voice, Needs: someView.Needs, Class: contact.ClassResidentImpact, Target: 60_000, Hours: "desk",
		}, decodeAs[WaitQuestion]},
		"answer-wait":  {answer[Wait]{Answer: &Wait{Known: true, Expected: 75_000, Ahead: 3, Agents: 2}}, decodeAs[answer[Wait]]},
		"answer":       {answer[NodeState]{Answer: &NodeState{Epoch: 3, Contacts: []ContactView{}}}, decodeAs[answer[NodeState]]},
		"answer-fault": {answer[NodeState]{Fault: "busy"}, decodeAs[answer[NodeState]]},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			message, err := encode("x", test.value)
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join("testdata", name+".golden.json")
			if *update {
				if err := os.WriteFile(path, append(message.Data, '\n'), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			golden, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(message.Data, bytes.TrimSpace(golden)) {
				t.Errorf("sent now\n%s\nthe golden file has\n%s", message.Data, golden)
			}
			read, err := test.decode(&nats.Msg{Data: golden})
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(read, test.value) {
				t.Errorf("read as\n%+v\nwant\n%+v", read, test.value)
			}
			if _, err := test.decode(&nats.Msg{Data: bytes.Replace(golden, []byte("{"), []byte(`{"unknown":1,`), 1)}); err == nil && !bytes.Equal(message.Data, []byte("{}")) {
				t.Error("an unknown field is passed over")
			}
		})
	}
}

// Everything that is shown of a contact and an agent is in the golden files.
func TestGoldenViewsLackNothing(t *testing.T) {
	t.Parallel()
	for _, value := range []any{someView, *someView.Offer, someView.Offer.Why, *someView.Consult, someView.Supervisors[0], *someView.NotReached, someView.Contact, someAgent, someAgent.Missed[0], someRules} {
		fields := reflect.ValueOf(value)
		for n := range fields.NumField() {
			if fields.Field(n).IsZero() {
				t.Errorf("%T has no %s", value, fields.Type().Field(n).Name)
			}
		}
	}
}

func TestLongMessagesAreCompressed(t *testing.T) {
	t.Parallel()
	view := View{Contacts: []ContactView{}, Agents: []AgentView{}}
	for len(view.Contacts) < 2_000 {
		view.Contacts = append(view.Contacts, someView)
	}
	message, err := encode("x", view)
	if err != nil {
		t.Fatal(err)
	}
	if len(message.Data) > MaxMessage || message.Header.Get(encodingHeader) != gzipEncoding {
		t.Errorf("%d bytes with the header %v", len(message.Data), message.Header)
	}
	read, err := decodeAs[View](message)
	if err != nil || !reflect.DeepEqual(read, view) {
		t.Errorf("it is not the same after the way: %v", err)
	}
}

func TestUnreadableMessages(t *testing.T) {
	t.Parallel()
	long, err := encode("x", strings.Repeat(" ", compressFrom))
	if err != nil {
		t.Fatal(err)
	}
	packed := func(data string) *nats.Msg {
		return &nats.Msg{Data: []byte(data), Header: nats.Header{encodingHeader: []string{gzipEncoding}}}
	}
	for name, message := range map[string]*nats.Msg{
		"nothing":             {},
		"no JSON":             {Data: []byte("hello")},
		"two values":          {Data: []byte(`"a" "b"`)},
		"no gzip":             packed(`"a"`),
		"gzip cut off":        packed(string(long.Data[:len(long.Data)/2])),
		"an unknown encoding": {Data: []byte(`"a"`), Header: nats.Header{encodingHeader: []string{"br"}}},
	} {
		if _, err := decodeAs[string](message); err == nil {
			t.Errorf("%s was read", name)
		}
	}
	source, err := unpack(long, 1000)
	if err != nil {
		t.Fatal(err)
	}
	if data, err := io.ReadAll(source); err != nil || len(data) != 1000 {
		t.Errorf("%d bytes were unpacked, %v; 1000 are allowed", len(data), err)
	}
}
