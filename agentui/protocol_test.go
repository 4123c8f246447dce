package agentui

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"svar/contact"
	"svar/identity"
	"svar/queue/bus"
)

const signalPayload = `{"sdp":{"type":"answer","sdp":"v=0\r\n"}}`

const (
	goldenContact = contact.ID("019ab6f0-0000-7000-8000-000000000001")
	goldenChat    = contact.ID("019ab6f0-0000-7000-8000-000000000005")
	goldenLeg     = contact.LegID("019ab6f0-0000-7000-8000-000000000008")
	goldenLine    = "6f1f3c1e-9a53-4a0e-8f1d-2f6f6f0a0001"
)

// goldenRequests are all that a console may ask for, one of each.
var goldenRequests = map[string]Request{
	"presence-ready":    {ID: 1, Do: DoPresence, Presence: contact.Ready},
	"presence-paused":   {ID: 2, Do: DoPresence, Presence: contact.Paused, Reason: "lunch"},
	"presence-channels": {ID: 24, Do: DoPresence, Presence: contact.Ready, Channels: []contact.Channel{contact.Chat, contact.Mail}},
	"presence-after":    {ID: 25, Do: DoPresence, Presence: contact.Paused, Reason: "lunch", AfterContact: true},
	"callback":          {ID: 26, Do: DoCallback, Contact: goldenContact, At: 1795525200000, Mine: true},
	"transfer":          {ID: 27, Do: DoTransfer, Contact: goldenContact, To: &TransferTo{Group: "platform"}},
	"consult":           {ID: 28, Do: DoConsult, Contact: goldenContact, To: &TransferTo{Agent: "bo"}},
	"consult-end":       {ID: 29, Do: DoConsultEnd, Contact: goldenContact},
	"complete-transfer": {ID: 30, Do: DoComplete, Contact: goldenContact},
	"impact":            {ID: 31, Do: DoImpact, Contact: goldenContact, Residents: 40},
	"accept":            {ID: 3, Do: DoAccept, Offer: 17},
	"decline":           {ID: 4, Do: DoDecline, Offer: 17, Reason: "busy"},
	"hang-up":           {ID: 5, Do: DoHangUp, Contact: goldenContact},
	"note":              {ID: 6, Do: DoNote, Contact: goldenContact, Note: "Ringer åter\nefter 14"},
	"finish":            {ID: 7, Do: DoFinish, Contact: goldenContact, Code: "solved", Ticket: "SD-100234"},
	"signal":            {ID: 8, Do: DoSignal, Offer: 17, Leg: goldenLeg, Payload: json.RawMessage(signalPayload)},
	"give-back":         {ID: 9, Do: DoGiveBack, Contact: goldenChat},
	"dial":              {ID: 10, Do: DoDial, Contact: goldenContact},
	"dial-confirmed":    {ID: 42, Do: DoDial, Contact: goldenContact, Confirmed: true},
	"accept-confirmed":  {ID: 43, Do: DoAccept, Offer: 17, Confirmed: true},
	"chat-follow":       {ID: 11, Do: DoChatFollow, Contact: goldenChat, After: 4711},
	"hold":              {ID: 13, Do: DoHold, Contact: goldenContact},
	"resume":            {ID: 14, Do: DoResume, Contact: goldenContact},
	"key":               {ID: 15, Do: DoKey, Contact: goldenContact, Key: "#"},
	"voice":             {ID: 16, Do: DoVoice, Contact: goldenContact},
	"voice-take":        {ID: 17, Do: DoVoice, Contact: goldenContact, Take: true},
	"echo":              {ID: 18, Do: DoEcho},
	"echo-end":          {ID: 19, Do: DoEchoEnd},
	"echo-signal":       {ID: 20, Do: DoSignal, Payload: json.RawMessage(signalPayload)},
	"outcome":           {ID: 21, Do: DoOutcome, Contact: goldenContact, Code: "solved", Ticket: "SD-100234"},
	"outcome-none":      {ID: 22, Do: DoOutcome, Contact: goldenContact},
	"extend":            {ID: 23, Do: DoExtend, Contact: goldenContact},
	"transfer-outside":  {ID: 32, Do: DoTransfer, Contact: goldenContact, To: &TransferTo{Outside: "administration"}},
	"conference":        {ID: 33, Do: DoConference, Contact: goldenContact, On: true},
	"mark":              {ID: 34, Do: DoMark, Contact: goldenContact, Mark: contact.MarkThreat},
	"recording-pause":   {ID: 35, Do: DoRecording, Contact: goldenContact},
	"supervise":         {ID: 36, Do: DoSupervise, Contact: goldenContact, Mode: contact.SuperviseWhisper},
	"supervise-end":     {ID: 37, Do: DoSupervise, Contact: goldenContact},
	"supervise-signal":  {ID: 38, Do: DoSignal, Contact: goldenContact, Leg: goldenLeg, Payload: json.RawMessage(signalPayload)},
	"call-person":       {ID: 39, Do: DoCall, Person: "person-7", Line: "staff"},
	"call-ticket":       {ID: 40, Do: DoCall, Ticket: "SD-100234", Line: "staff"},
	"call-number":       {ID: 41, Do: DoCall, Number: "070-174 06 99", Line: "staff", Confirmed: true},
	"chat-send":         {ID: 12, Do: DoChatSend, Contact: goldenChat, Message: goldenLine, Text: "Hej!\nJag ser på det."},
}

var goldenRow = TicketRow{
	Number: "SD-100230", Kind: "incident", Status: "in-progress", Subject: "Kan inte logga in", Service: "login",
	Created: 1795500000000, Changed: 1795510000000,
}

var goldenOwn = OwnState{
	Now: 1795521600000,
	Me: Me{
		Presence: contact.Paused, Reason: "lunch", Cause: contact.ByAgent, Since: 1795521000000, Reachable: true,
		Overdue: 1795522800000, Channels: []contact.Channel{contact.Chat}, Next: contact.SignedOut, NextReason: "end-of-day",
		Phone: true, Activity: "offered", ActivitySince: 1795521599000,
	},
	Offer: &RingCard{
		Offer: 17, Contact: goldenContact, Channel: contact.Voice, Line: "staff", Language: "sv",
		Caller: Caller{
			Kind: "known", Person: "person-7", Name: "Karin Ek", Role: "staff", Title: "Rektor", School: "Ekbackens skola",
			Number: "+46846500401", Verification: "number-known",
		},
		Arrived: 1795521500000, Since: 1795521599000, Expires: 1795521614000, Accepted: true,
		Why:      contact.Why{Candidates: 2, Waiting: 1, Rule: contact.LongestIdle, Level: 3, Idle: 120_000, Relaxed: 1, Class: contact.ClassResidentImpact, Risen: true, Waited: 190_000, Target: 60_000, Returned: true},
		Callback: true, ConsultedBy: &Colleague{Agent: "bo", Name: "Bo Lind"},
		Details: Details{Service: "login", Party: "supplier-1", Residents: 40, Tickets: []TicketRow{goldenRow}},
	},
	Contacts: []OngoingCard{
		{
			Contact: "019ab6f0-0000-7000-8000-000000000002", Offer: 16, Channel: contact.Voice, Line: "pupils", Language: "en",
			Caller: Caller{Kind: "unknown", Number: "+46701740699", Verification: "none"}, State: contact.StateWrapUp,
			Since: 1795521400000, Arrived: 1795521300000, Answered: 1795521310000, Note: "Ringer åter",
			Code: "solved", ChosenTicket: "SD-100234", WrapUpUntil: 1795521580000,
			Consult: &ConsultCard{Colleague: Colleague{Agent: "bo", Name: "Bo Lind"}, State: "asked", Since: 1795521570000, Expires: 1795521585000},
			Marks:   []contact.MarkKind{contact.MarkThreat},
			Details: Details{Tickets: []TicketRow{}},
		},
		{
			Contact: goldenContact, Offer: 18, Channel: contact.Voice, Line: "staff", Language: "sv",
			Caller: Caller{Kind: "unknown", Number: "+46701740699", Verification: "none"}, State: contact.StateConnected,
			Since: 1795521400000, Arrived: 1795521300000, Answered: 1795521310000,
			Consult:    &ConsultCard{Outside: "administration", Blind: true, State: "failed", Failure: contact.DialBusy, Since: 1795521570000},
			Conference: true, Supervisors: []Colleague{{Agent: "eva", Name: "Eva Berg"}}, Recording: contact.RecordingPaused, Outgoing: true,
			Details: Details{Tickets: []TicketRow{}},
		},
		{
			Contact: goldenChat, Offer: 15, Channel: contact.Mail, Line: "mail", Language: "sv",
			Caller: Caller{Kind: "claimed", Name: "Sara Lund", Address: "sara@example.se", Verification: "none"}, State: contact.StateConnected,
			Since: 1795521200000, Arrived: 1795511300000, Answered: 1795521250000, Replied: 1795521250000,
			ConsultedBy: &Colleague{Agent: "bo", Name: "Bo Lind"},
			Details:     Details{Service: "login", Subject: "Kan inte logga in", Ticket: "SD-100234", Tickets: []TicketRow{}},
		},
	},
	Notices: []NoticeCard{{Blocked: true, Notice: contact.Notice{
		ID: "019ab6f0-0000-7000-8000-000000000007", Service: "login", Lines: []contact.LineID{"staff"}, Audiences: []contact.Audience{contact.AudienceStaff},
		Text: map[string]string{"sv": "Inloggningen är störd.", "en": "Sign-in is disturbed."}, From: 1795520000000, Until: 1795530000000,
		Published: 1795519000000, By: "eva", Withdrawn: 1795529000000, WithdrawnBy: "eva",
	}}},
	NotReached: &NotReachedCard{Contact: "019ab6f0-0000-7000-8000-000000000009", Failure: contact.DialNoAnswer, At: 1795521590000},
	Talks: []TalkCard{{
		Contact: "019ab6f0-0000-7000-8000-000000000002", Line: "pupils", Agent: Colleague{Agent: "bo", Name: "Bo Lind"},
		State: contact.StateConnected, Since: 1795521400000, Mode: contact.SuperviseListen, Marks: []contact.MarkKind{contact.MarkThreat},
	}},
	Missed: []MissedCard{{Cause: contact.MissedByTime, Channel: contact.Voice, Contact: "019ab6f0-0000-7000-8000-000000000004", Line: "staff", At: 1795519000000}},
	Today:  Today{Handled: 12, WithinTarget: 80, Answerable: 100},
}

var goldenShared = SharedState{
	Connected: true,
	Waiting:   []WaitingLine{{Line: "staff", Waiting: 2, Greeted: 1, Longest: 1795521550000, TargetMs: 60_000}},
	Queue: []QueueRow{{
		Contact: "019ab6f0-0000-7000-8000-000000000006", Channel: contact.Chat, Line: "chat", Service: "login", Party: "supplier-1",
		Class: contact.ClassPriorityLine, Language: "sv", Arrived: 1795521550000, TargetMs: 60_000, Offered: true,
		Needs: contact.Needs{{Skill: "staff", Level: 1}}, Relaxed: 1, RelaxesAt: 1795521640000, RelaxesTo: contact.Needs{{Skill: "pupils", Level: 1}},
		RisesAt: 1795521730000, Residents: 40, Prefer: "anna", PreferUntil: 1795521620000, Callback: true, ExpectedUntil: 1795521675000,
	}},
	QueueLength: 3,
	Callbacks: []CallbackCard{{
		Contact: "019ab6f0-0000-7000-8000-000000000003", Line: "staff", Caller: Caller{Kind: "protected", Verification: "none"},
		Arrived: 1795520000000, Since: 1795520100000, Dials: 1, DialsLeft: 2, Agent: "bo",
		DueAt: 1795525200000, For: "anna", Tries: 1, Exhausted: true,
	}},
	Agents: AgentCounts{Ready: 3, Busy: 2, Paused: 1}, TrunksDown: []string{"operator"}, LastContact: 1795521550000,
	Colleagues: []ColleagueCard{{
		Agent: "bo", Name: "Bo Lind", State: "paused", Since: 1795521000000, Reason: "lunch", Overdue: 1795522800000, Groups: []contact.SkillID{"pupils", "staff"},
	}},
}

// goldenMessages are all that a console is told, with every field set in one of them.
var goldenMessages = map[string]Message{
	"hello": {Hello: &Hello{
		Protocol: ProtocolVersion, Agent: "eva", Name: "Eva Berg", Role: "supervisor",
		Lines: []LineInfo{{
			ID: "staff", Channel: contact.Voice, Name: map[string]string{"sv": "Medarbetare", "en": "Staff"}, Greeting: map[string]string{"sv": "Välkommen"},
		}},
		PauseReasons: []PauseInfo{{Reason: "lunch", LimitMs: 1_800_000, Break: true}},
		Groups:       []GroupInfo{{ID: "staff", Name: map[string]string{"sv": "Medarbetare", "en": "Staff"}}}, OutcomeCodes: []contact.OutcomeCode{"solved"},
		Services: []ServiceInfo{{
			ID: "login", Name: map[string]string{"sv": "Inloggning", "en": "Sign-in"},
			Categories: []CategoryInfo{{ID: "password", Name: map[string]string{"sv": "Lösenord", "en": "Password"}}},
		}},
		Publishes: true, SeesFigures: true, WrapUpExtensionMs: 120_000,
		Destinations: []DestinationInfo{{ID: "administration", Name: map[string]string{"sv": "Administrativ enhet", "en": "Administrative desk"}}},
		Supervises:   true, CallsLines: []contact.LineID{"staff"},
		IceServers: []IceServer{{URLs: []string{"turns:turn.example:443"}, Username: "u", Credential: "c"}},
	}},
	"state-empty": {State: &ConsoleState{
		OwnState: OwnState{
			Now: 1795521600000, Me: Me{Presence: contact.SignedOut}, Contacts: []OngoingCard{}, Notices: []NoticeCard{}, Missed: []MissedCard{},
		},
		SharedState: SharedState{Connected: true, Waiting: []WaitingLine{}, Queue: []QueueRow{}, Callbacks: []CallbackCard{}, Colleagues: []ColleagueCard{}},
	}},
	"state-held": {State: &ConsoleState{
		OwnState: OwnState{
			Now: 1795521600000, Notices: []NoticeCard{}, Missed: []MissedCard{},
			Me: Me{Presence: contact.Ready, Since: 1795521000000, Reachable: true, Activity: "held", ActivitySince: 1795521590000},
			Contacts: []OngoingCard{{
				Contact: goldenContact, Offer: 17, Channel: contact.Voice, Line: "staff", Language: "sv",
				Caller: Caller{Kind: "withheld", Verification: "none"}, State: contact.StateHeld,
				Since: 1795521590000, Arrived: 1795521500000, Answered: 1795521510000, Details: Details{Tickets: []TicketRow{}},
			}},
		},
		SharedState: SharedState{Connected: true, Waiting: []WaitingLine{}, Queue: []QueueRow{}, Callbacks: []CallbackCard{}, Colleagues: []ColleagueCard{}},
	}},
	"state-full":       {State: &ConsoleState{OwnState: goldenOwn, SharedState: goldenShared}},
	"reply":            {Reply: &Reply{ID: 3}},
	"reply-error":      {Reply: &Reply{ID: 3, Error: codeUnavailable}},
	"signal":           {Signal: &VoiceSignal{Offer: 17, Leg: goldenLeg, Payload: json.RawMessage(signalPayload)}},
	"signal-bound":     {Signal: &VoiceSignal{Offer: 17, Bound: "6f1f3c1e-9a53-4a0e-8f1d-2f6f6f0a0001"}},
	"signal-text":      {Signal: &VoiceSignal{Offer: 17, Text: new(true)}},
	"signal-supervise": {Signal: &VoiceSignal{Contact: goldenContact, Leg: goldenLeg, Payload: json.RawMessage(signalPayload)}},
	"signal-echo":      {Signal: &VoiceSignal{Payload: json.RawMessage(signalPayload)}},
	"chat": {Chat: &ChatLines{Contact: goldenChat, Lines: []contact.KeptLine{
		{Sequence: 4712, ChatLine: contact.ChatLine{ID: "a1", From: contact.PartySystem, Kind: contact.ChatJoined, At: 1795521300000, Agent: "eva"}},
		{Sequence: 4720, ChatLine: contact.ChatLine{ID: goldenLine, From: contact.PartyCaller, Kind: contact.ChatText, Text: "Hej!", At: 1795521310000}},
	}}},
}

// The console's own types are checked against the same files.
func TestProtocolGolden(t *testing.T) {
	t.Parallel()
	files := map[string]bool{}
	for name, request := range goldenRequests {
		files["request-"+name+".json"] = true
		checkGolden(t, "request-"+name+".json", request)
	}
	for name, message := range goldenMessages {
		files["message-"+name+".json"] = true
		checkGolden(t, "message-"+name+".json", message)
	}
	entries, err := os.ReadDir(filepath.Join("testdata", "protocol"))
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if !files[entry.Name()] {
			t.Errorf("%s belongs to no message", entry.Name())
		}
	}
}

// checkGolden checks that the file is what is written, and is read as what was written.
func checkGolden[T any](t *testing.T, name string, value T) {
	t.Helper()
	data, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, filepath.Join("protocol", name), data)
	var back T
	if err := json.Unmarshal(data, &back); err != nil || !reflect.DeepEqual(back, value) {
		t.Errorf("%s: read back as %+v, %v", name, back, err)
	}
}

// A field that no golden message sets is one that nobody checks.
func TestGoldenMessagesSetEveryField(t *testing.T) {
	t.Parallel()
	set := map[string]bool{}
	for _, message := range goldenMessages {
		note(set, reflect.ValueOf(message))
	}
	for _, request := range goldenRequests {
		note(set, reflect.ValueOf(request))
	}
	for field, is := range set {
		if !is {
			t.Errorf("no golden message sets %s", field)
		}
	}
}

// note notes which fields of which types are set.
func note(set map[string]bool, v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			note(set, v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			note(set, v.Index(i))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			name := v.Type().Name() + "." + v.Type().Field(i).Name
			set[name] = set[name] || !v.Field(i).IsZero()
			note(set, v.Field(i))
		}
	default:
	}
}

// What is sent is joined from two parts: it is the whole state, each member once.
func TestStateIsSentWhole(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	view := waitingContact("c", "staff", 1)
	view.Callback = true
	w.personal.by["c"] = contact.Personal{Number: numberProtected}
	w.accounts.set(identity.Account{Name: "eva", Role: identity.Supervisor, Active: true, SeesProtected: true})
	w.ui.config.Now = func() time.Time { return testNoon }
	w.merge(bus.AgentView{Agent: "anna"}, view, connected(written("chat", contact.Chat, 1, 1), "anna", 1), waitingContact("d", "staff", 2))
	never := func(int) bool { t.Error("asked whether a list is due that is known, or the first one"); return false }
	for _, agent := range []contact.AgentID{"anna", "eva", "nobody"} {
		var full, brief bytes.Buffer
		told, err := w.ui.states.message(t.Context(), &full, agent, 0, never)
		if err != nil {
			t.Fatal(err)
		}
		data := full.Bytes()
		state := w.ui.states.state(t.Context(), agent)
		want, err := json.Marshal(Message{State: &state})
		if err != nil {
			t.Fatal(err)
		}
		var got Message
		if err := json.Unmarshal(data, &got); err != nil {
			t.Fatalf("%v in %s", err, data)
		}
		state.Now, got.State.Now = 0, 0
		if !reflect.DeepEqual(*got.State, state) || len(data) != len(want) {
			t.Errorf("%s is sent %s; want %s", agent, data, want)
		}
		// A console that knows the colleagues is not told them again.
		again, err := w.ui.states.message(t.Context(), &brief, agent, told, never)
		got = Message{}
		if data = brief.Bytes(); err != nil || json.Unmarshal(data, &got) != nil {
			t.Fatalf("%v in %s", err, data)
		}
		if state.Now, got.State.Now, state.Colleagues = 0, 0, nil; again != told || !reflect.DeepEqual(*got.State, state) {
			t.Errorf("%s is sent %s once more", agent, data)
		}
	}
}
