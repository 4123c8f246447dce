package queue_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"svar/contact"
	"svar/queue"
)

// everything brings the queue into a state in which every part of a snapshot is used.
var everything = []string{
	"node-1 leads",
	"rules misses=2 codes=solved,passed-on",
	"agents anna en=2 sv=5, bo sv=3, cecilia sv=4, david sv=1",
	"anna opens console", "anna opens console on node-2", "bo opens console", "cecilia opens console", "david opens console",
	"anna ready", "bo ready", "cecilia ready",
	"k1 arrives callable", "k1 queues sv=2",
	"k2 arrives", "k2 queues sv=2 class=1 target=20s",
	"k3 arrives", "k3 queues",
	"+2s anna accepts 1", "offer 1 connected",
	"cecilia declines 2", "k0 arrives", "k0 leaves",
	"k5 arrives callable", "k5 breaks",
	"+16s bo accepts 3", "time passes",
	"+1s anna hangs-up k1", "david paused lunch",
	"k6 arrives ago=5s", "k6 greeted", "node-2 leads",
	"+1s time passes", "cecilia accepts 5", "offer 5 connected",
	"rules mail=2 chat=3+mail dial=45s dials=3 all-dials=10", "agents anna en=2 sv=5, bo sv=3, cecilia sv=4, david sv=1, emil fi=1, fia, gina gi=1, hugo hu=1",
	"emil opens console", "emil ready", "m1 arrives by=mail", "m1 queues fi=1 target=8h", "emil accepts 8",
	"m2 arrives by=mail", "m2 queues fi=1 target=8h", "emil replies m1", "emil closes console",
	"fia opens console", "fia paused", "fia dials k5 on node-2",
	"rules wrap-up=1s extension=30s lapse=not-stated", "gina opens console", "gina ready", "hugo opens console", "hugo ready",
	"k7 arrives", "k7 queues gi=1", "gina accepts 11", "offer 11 connected", "gina chooses k7 solved ticket=SD-100001", "gina holds k7",
	"k7 sounded by caller offer=11 lost=3",
	"k8 arrives", "k8 queues hu=1", "hugo accepts 12", "offer 12 connected", "hugo hangs-up k8", "+1s time passes",
	"k9 arrives", "k9 queues hu=1", "hugo accepts 13", "offer 13 connected", "hugo hangs-up k9", "hugo extends k9",
	"rules ramp-up=2m pauses=lunch:break:30m,meeting breaks=sv:2", "hugo after-this paused lunch", "gina ready for=chat,voice",
	"rules transfer=1h", "agents anna en=2 sv=5, bo sv=3, cecilia sv=4, david sv=1, emil fi=1, fia, gina gi=1, hugo hu=1, inga in=1, jon jo=1, kim ki=1, lo lo=1",
	"inga opens console", "inga ready", "jon opens console", "jon ready", "kim opens console", "kim ready", "lo opens console", "lo ready",
	"k10 arrives", "k10 queues in=1", "inga accepts 14", "offer 14 connected", "inga consults jon about k10", "jon accepts 15", "offer 15 connected",
	"k11 arrives", "k11 queues ki=1", "kim accepts 16", "offer 16 connected", "kim hands-over k11 to supplier",
	"k12 arrives", "k12 queues lo=1", "lo accepts 17", "offer 17 connected", "lo transfers k12 to inga",
	"rules offer-call-backs=yes tries=2", "k13 arrives callable", "k13 queues gi=5", "k13 wants-call-back at=2h",
	"rules relax-zu=10s:drop textsrelax-zu=1ms:level:2,1h:anyone hours-desk=07:00-22:00 shut-desk=2026-12-24 rise=200 impact-from=100 prefer=1h prefer-within=72h",
	"agents anna en=2 sv=5, bo sv=3, cecilia sv=4, david sv=1, emil fi=1, fia, gina gi=1, hugo hu=1, inga in=1, jon jo=1, kim ki=1, lo lo=1, mia mi=1 reserved=1, nia ni=1",
	"mia opens console", "mia ready", "nia opens console", "nia ready",
	"m3 arrives by=mail person=p1 ticket=SD-7", "m3 stands-for 150", "m3 queues mi=1 target=8h hours=desk", "mia accepts 18", "mia finishes m3 solved",
	"c1 arrives by=chat", "c1 queues ni=1", "nia accepts 19", "offer 19 connected",
	"agents anna en=2 sv=5, bo sv=3, cecilia sv=4, david sv=1, emil fi=1, fia, gina gi=1, hugo hu=1, inga in=1, jon jo=1, kim ki=1, lo lo=1, mia mi=1 reserved=1",
	"rules dials=9 all-dials=99", "agents anna en=2 sv=5, bo sv=3, cecilia sv=4, david sv=1, emil fi=1, fia, gina gi=1, hugo hu=1, inga in=1, jon jo=1, kim ki=1, lo lo=1, mia mi=1 reserved=1, ola ol=1, per pe=1, rut ru=1",
	"ola opens console", "ola ready", "per opens console", "per ready", "rut opens console",
	"k20 arrives", "k20 greeted", "k20 queues ol=1", "ola accepts 20", "offer 20 connected", "ola marks k20 threat", "recording k20 begun", "eva whispers k20",
	"ola consults outside=supplier about k20", "offer 21 connected", "ola conference k20 on",
	"k21 arrives", "k21 greeted", "k21 queues pe=1", "per accepts 22", "offer 22 connected", "per transfers k21 to outside=supplier", "offer 23 connected",
	"rut paused meeting", "rut calls k22",
	"m4 arrives by=mail", "m4 queues zu=4 target=8h hours=desk", "m5 arrives by=mail", "m5 stands-for 100", "m5 queues zu=1 target=8h", "+1ms time passes",
}

// A snapshot of today is read by the version of tomorrow: its form changes only on
// purpose, with [queue.SnapshotFormat].
func TestSnapshotFormat(t *testing.T) {
	t.Parallel()
	const file = "testdata/snapshot.golden.json"
	s := newStory(t)
	for _, line := range everything {
		s.play(line)
	}
	snapshot, err := s.engine.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	var shown bytes.Buffer
	if err := json.Indent(&shown, snapshot, "", "  "); err != nil {
		t.Fatal(err)
	}
	shown.WriteByte('\n')
	if *update {
		if err := os.WriteFile(file, shown.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if shown.String() != string(want) {
		t.Errorf("the snapshot is now\n%s", difference(string(want), shown.String()))
	}
	restored, err := queue.Restore(want)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := restored.Snapshot(); err != nil || !bytes.Equal(again, snapshot) {
		t.Errorf("restored, it is otherwise: %v\n%s", err, again)
	}
}

// What is not a snapshot of this format is refused in words.
func TestRestoreRefuses(t *testing.T) {
	t.Parallel()
	golden, err := os.ReadFile("testdata/snapshot.golden.json")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ data, says string }{
		"no JSON":                {"?", "read the queue's snapshot"},
		"another format":         {strings.Replace(string(golden), `"format": 5`, `"format": 4`, 1), "it has format 4; this version of svar reads format 5"},
		"an unknown field":       {strings.Replace(string(golden), `"last":`, `"lost":`, 1), "lost"},
		"a contact that is null": {`{"format": 5, "contacts": [null]}`, "is null"},
		"an agent that is null":  {`{"format": 5, "agents": [null]}`, "is null"},
		"a contact twice":        {strings.Replace(string(golden), `"id": "k2"`, `"id": "k1"`, 1), "twice"},
		"an end of talk":         {strings.ReplaceAll(string(golden), `"state": "wrap-up"`, `"state": "connected"`), "an end of wrap-up does not fit"},
		"an agent elsewhere":     {strings.Replace(string(golden), `"contact": "k1"`, `"contact": "k2"`, 1), "does not have it"},
		"a colleague elsewhere":  {strings.Replace(string(golden), `"with": "jon"`, `"with": "david"`, 1), "does not have it"},
		"asked by nobody":        {strings.Replace(string(golden), `"idle_since":`, `"offer": 99, "idle_since":`, 1), "is said to be asked by offer 99"},
		"asked by another": {strings.Replace(string(golden), `"offer": 10,
      "idle_since":`, `"offer": 11,
      "idle_since":`, 1), `agent "fia" is not asked by offer 10`},
		"asked, not held": {strings.ReplaceAll(string(golden), `"state": "held"`, `"state": "connected"`), "a consultation does not fit"},
		"an agent with more": {strings.Replace(string(golden), `"contacts": [
        {
          "contact": "k1",`, `"contacts": [
        {
          "contact": "k0",
          "channel": "voice"
        },
        {
          "contact": "k1",`, 1), "is said to have contact k0"},
	} {
		if c.data == string(golden) {
			t.Fatalf("%s: the golden file has nothing to replace", name)
		}
		if _, err := queue.Restore([]byte(c.data)); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Events that cannot have followed one another are refused: a damaged journal is not
// taken for the truth.
func TestApplyRefuses(t *testing.T) {
	t.Parallel()
	arrived := contact.ContactArrived{Contact: contact.Contact{ID: "k1", Channel: contact.Voice, Arrived: 1}, Node: "node-1", Leg: "leg"}
	roster := contact.RosterChanged{Roster: contact.Roster{Agents: []contact.Agent{{ID: "anna"}}}}
	queued := contact.ContactQueued{Contact: "k1", Target: 1000}
	offered := contact.ContactOffered{Contact: "k1", Offer: 1, Agent: "anna", Expires: 100}
	accepted := contact.OfferAccepted{Contact: "k1", Offer: 1, Agent: "anna"}
	connected := contact.ContactConnected{Contact: "k1", Offer: 1, Agent: "anna", Leg: "agent-leg"}
	arrived2 := contact.ContactArrived{Contact: contact.Contact{ID: "k2", Channel: contact.Voice, Arrived: 1}, Node: "node-1", Leg: "leg"}
	queued2 := contact.ContactQueued{Contact: "k2", Target: 1000}
	offered2 := contact.ContactOffered{Contact: "k2", Offer: 2, Agent: "anna", Expires: 100}
	dropped := contact.ContactDropped{Contact: "k1"}
	taken := contact.CallbackTaken{Contact: "k1", Offer: 1, Agent: "anna", Node: "node-1", Expires: 100}
	both := contact.RosterChanged{Roster: contact.Roster{Agents: []contact.Agent{{ID: "anna"}, {ID: "bo"}}}}
	held := []contact.Event{arrived, both, queued, offered, accepted, connected, contact.ContactHeld{Contact: "k1", Agent: "anna"}}
	asked := contact.ConsultOffered{Contact: "k1", Offer: 2, Agent: "anna", With: "bo", Expires: 100}
	consulted := append(slices.Clone(held), asked)
	ended := contact.ConsultEnded{Contact: "k1", Offer: 2, Agent: "anna", With: "bo", Cause: contact.ConsultCompleted}
	then := func(events []contact.Event, more ...contact.Event) []contact.Event {
		return append(slices.Clone(events), more...)
	}
	for name, events := range map[string][]contact.Event{
		"asked about a call not held":  {arrived, both, queued, offered, accepted, connected, asked},
		"asked twice":                  then(consulted, contact.ConsultOffered{Contact: "k1", Offer: 3, Agent: "anna", With: "bo", Expires: 100}),
		"asked about by another":       then(held, contact.ConsultOffered{Contact: "k1", Offer: 2, Agent: "bo", With: "anna", Expires: 100}),
		"agreed by another":            then(consulted, contact.ConsultAccepted{Contact: "k1", Offer: 2, With: "anna"}),
		"talked before agreed":         then(consulted, contact.ConsultConnected{Contact: "k1", Offer: 2, With: "bo", Leg: "leg"}),
		"completed before they talked": then(consulted, ended),
		"ended, never asked":           then(held, ended),
		"hung up while asking":         then(consulted, contact.ContactHungUp{Contact: "k1", Agent: "anna"}),
		"sent on by another":           then(held, contact.ContactTransferred{Contact: "k1", Offer: 1, Agent: "bo", To: contact.Destination{Agent: "anna"}}),
		"sent on by another offer":     then(held, contact.ContactTransferred{Contact: "k1", Offer: 7, Agent: "anna", To: contact.Destination{Agent: "bo"}}),
		"handed over by another":       then(held, contact.ContactHandedOver{Contact: "k1", Agent: "bo", To: "supplier"}),
		"back on the line, never off":  {arrived, queued, contact.ContactRejoined{Contact: "k1", Node: "node-1", Leg: "leg-2"}},
		"of a contact nobody knows":    {contact.ContactGreeted{Contact: "k1"}},
		"closed, never arrived":        {contact.ContactClosed{Contact: "k1", End: contact.EndHandled}},
		"arrived twice":                {arrived, arrived},
		"to an agent nobody knows":     {arrived, queued, offered},
		"offered before it is queued":  {arrived, roster, offered},
		"held by nobody who has it":    {arrived, roster, queued, contact.ContactHeld{Contact: "k1", Agent: "anna"}},
		"held by another":              {arrived, roster, queued, offered, accepted, connected, contact.ContactHeld{Contact: "k1", Agent: "bo"}},
		"held twice":                   {arrived, roster, queued, offered, accepted, connected, contact.ContactHeld{Contact: "k1", Agent: "anna"}, contact.ContactHeld{Contact: "k1", Agent: "anna"}},
		"resumed, not held":            {arrived, roster, queued, offered, accepted, connected, contact.ContactResumed{Contact: "k1", Agent: "anna"}},
		"extended in talk":             {arrived, roster, queued, offered, accepted, connected, contact.WrapUpExtended{Contact: "k1", Agent: "anna", Until: 99}},
		"chosen by nobody who has it":  {arrived, roster, queued, contact.OutcomeChosen{Contact: "k1", Agent: "anna", Code: "solved"}},
		"heard of nobody":              {contact.QualityReported{Contact: "k1", Offer: 1, Party: contact.PartyAgent}},
		"offered twice":                {arrived, roster, queued, offered, offered},
		"accepted, not offered":        {arrived, roster, queued, accepted},
		"accepted twice":               {arrived, roster, queued, offered, accepted, accepted},
		"another offer accepted":       {arrived, roster, queued, offered, contact.OfferAccepted{Contact: "k1", Offer: 2, Agent: "anna"}},
		"connected, not accepted":      {arrived, roster, queued, offered, connected},
		"missed, connected":            {arrived, roster, queued, offered, accepted, connected, contact.OfferMissed{Contact: "k1", Offer: 1, Agent: "anna"}},
		"declined, not offered":        {arrived, roster, queued, contact.OfferDeclined{Contact: "k1", Offer: 1, Agent: "anna"}},
		"closed with an open offer":    {arrived, roster, queued, offered, contact.ContactClosed{Contact: "k1", End: contact.EndAbandoned}},
		"dropped with an open offer":   {arrived, roster, queued, offered, contact.ContactDropped{Contact: "k1"}},
		"returned, not connected":      {arrived, roster, queued, contact.ContactReturned{Contact: "k1", Offer: 1, Agent: "anna"}},
		"hung up by nobody who has it": {arrived, roster, queued, contact.ContactHungUp{Contact: "k1", Agent: "anna"}},
		"greeted twice":                {arrived, queued, contact.ContactGreeted{Contact: "k1"}, contact.ContactGreeted{Contact: "k1"}},
		"a plan of nobody":             {contact.PresencePlanned{Agent: "anna", Presence: contact.Paused}},
		"presence of nobody":           {contact.PresenceChanged{Agent: "anna", Presence: contact.Ready}},
		"console of nobody":            {contact.ReachabilityChanged{Agent: "anna", Node: "node-1", Reachable: true}},
		"came by no known channel":     {contact.ContactArrived{Contact: contact.Contact{ID: "k1", Channel: "pigeon"}}},
		"asked for two at once":        {arrived, roster, queued, offered, arrived2, queued2, offered2},
		"replied to by nobody":         {arrived, roster, queued, contact.ContactReplied{Contact: "k1", Agent: "anna"}},
		"dialled, not to be":           {arrived, roster, queued, taken},
		"dialled twice":                {arrived, roster, queued, dropped, taken, taken},
		"dialled beside an offer":      {arrived, roster, queued, dropped, arrived2, queued2, offered2, taken},
		"not reached, not dialled":     {arrived, roster, queued, dropped, contact.CallbackFailed{Contact: "k1", Offer: 1, Agent: "anna"}},
		"scheduled with an offer open": {arrived, roster, queued, offered, contact.CallbackScheduled{Contact: "k1", By: contact.PartyCaller}},
		"scheduled by another":         {arrived, roster, queued, offered, accepted, connected, contact.CallbackScheduled{Contact: "k1", Agent: "bo"}},
		"scheduled twice":              {arrived, roster, queued, contact.CallbackScheduled{Contact: "k1"}, contact.CallbackScheduled{Contact: "k1"}},
		"due, not to be called back":   {arrived, roster, queued, contact.CallbackDue{Contact: "k1"}},
		"due while it is dialled":      {arrived, roster, queued, dropped, taken, contact.CallbackDue{Contact: "k1"}},
		"dialled by another's offer":   {arrived, roster, queued, dropped, offered, contact.CallbackTaken{Contact: "k1", Offer: 2, Agent: "anna", Node: "node-1", Expires: 100}},
		"dialled, not accepted":        {arrived, roster, queued, dropped, offered, taken},
		"no event":                     {nil},
	} {
		e := queue.New()
		for _, event := range events[:len(events)-1] {
			if err := e.Apply(event, 10); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		if err := e.Apply(events[len(events)-1], 10); err == nil {
			t.Errorf("%s: was applied", name)
		}
	}
}

// A leader of an old epoch cannot begin it again.
func TestEpochsRise(t *testing.T) {
	t.Parallel()
	e := queue.New()
	if _, err := e.Elect(3, "node-1", begin); err != nil {
		t.Fatal(err)
	}
	for _, epoch := range []uint64{0, 2, 3} {
		events, err := e.Elect(epoch, "node-2", begin)
		if rejection := (*contact.Rejection)(nil); !errors.As(err, &rejection) || len(events) > 0 || e.Epoch() != 3 {
			t.Errorf("epoch %d: %v, %v", epoch, events, err)
		}
	}
}

// Fields outside of their range are refused, whatever the state.
func TestInvalidCommands(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 501)
	good := contact.Contact{ID: "k1", Channel: contact.Voice, Line: "staff", Arrived: begin}
	with := func(change func(*contact.Contact)) contact.Contact {
		c := good
		change(&c)
		return c
	}
	arrive := func(change func(*contact.Contact)) contact.Command {
		return contact.Arrive{Contact: with(change), Node: "node-1", Leg: "leg"}
	}
	need := func(needs ...contact.Need) contact.Command {
		return contact.Enqueue{Contact: "k1", Needs: needs, Target: 1000}
	}
	rules := func(change func(*contact.Rules)) contact.Command {
		r := queue.DefaultRules()
		change(&r)
		return contact.ChangeRules{Rules: r}
	}
	sv := contact.Need{Skill: "sv", Level: 1}
	for name, command := range map[string]contact.Command{
		"no command":                nil,
		"no id":                     arrive(func(c *contact.Contact) { c.ID = "" }),
		"an id too long":            arrive(func(c *contact.Contact) { c.ID = contact.ID(long) }),
		"an id not UTF-8":           arrive(func(c *contact.Contact) { c.ID = "\xff" }),
		"an id with NUL":            arrive(func(c *contact.Contact) { c.ID = "a\x00" }),
		"no such channel":           arrive(func(c *contact.Contact) { c.Channel = "pigeon" }),
		"never arrived":             arrive(func(c *contact.Contact) { c.Arrived = 0 }),
		"no node":                   contact.Arrive{Contact: good, Leg: "leg"},
		"no leg":                    contact.Arrive{Contact: good, Node: "node-1"},
		"refused with 200":          contact.Refuse{Contact: good, Response: 200},
		"refused with 700":          contact.Refuse{Contact: good, Response: 700},
		"no target":                 contact.Enqueue{Contact: "k1"},
		"target before arrival":     contact.Enqueue{Contact: "k1", Target: -1},
		"a target too far":          contact.Enqueue{Contact: "k1", Target: 1 << 62},
		"no such class":             contact.Enqueue{Contact: "k1", Target: 1000, Class: 3},
		"level 0":                   need(contact.Need{Skill: "sv"}),
		"level 6":                   need(contact.Need{Skill: "sv", Level: 6}),
		"a skill twice":             need(sv, sv),
		"skills out of order":       need(sv, contact.Need{Skill: "en", Level: 1}),
		"too many needs":            need(make([]contact.Need, 17)...),
		"legs out of order":         contact.ReportNode{Node: "node-1", Legs: []contact.LegID{"b", "a"}},
		"report of no node":         contact.ReportNode{},
		"no such presence":          contact.SetPresence{Agent: "anna", Presence: "dreaming"},
		"ready after this":          contact.SetPresence{Agent: "anna", Presence: contact.Ready, After: true},
		"ready for a channel twice": contact.SetPresence{Agent: "anna", Presence: contact.Ready, Channels: []contact.Channel{contact.Chat, contact.Chat}},
		"ready for pigeons":         contact.SetPresence{Agent: "anna", Presence: contact.Ready, Channels: []contact.Channel{"pigeon"}},
		"paused for a channel":      contact.SetPresence{Agent: "anna", Presence: contact.Paused, Channels: []contact.Channel{contact.Chat}},
		"signed out for a channel":  contact.SetPresence{Agent: "anna", Presence: contact.SignedOut, Channels: []contact.Channel{contact.Chat}},
		"a pause reason twice":      rules(func(r *contact.Rules) { r.PauseReasons = []contact.PauseRule{{Reason: "a"}, {Reason: "a"}} }),
		"a pause for nothing":       rules(func(r *contact.Rules) { r.PauseReasons = []contact.PauseRule{{}} }),
		"a pause that ends before":  rules(func(r *contact.Rules) { r.PauseReasons = []contact.PauseRule{{Reason: "a", Limit: -1}} }),
		"more pauses than hours":    rules(func(r *contact.Rules) { r.PauseReasons = make([]contact.PauseRule, 51) }),
		"ramps up for ever":         rules(func(r *contact.Rules) { r.RampUp = 366 * 24 * 3600_000 }),
		"ramps down":                rules(func(r *contact.Rules) { r.RampUp = -1 }),
		"tries before it failed":    rules(func(r *contact.Rules) { r.RetryAfter = -1 }),
		"keeps until yesterday":     rules(func(r *contact.Rules) { r.AppointmentWait = -1 }),
		"a reason to be ready":      contact.SetPresence{Agent: "anna", Presence: contact.Ready, Reason: "rested"},
		"a reason too long":         contact.SetPresence{Agent: "anna", Presence: contact.Paused, Reason: long},
		"console on no node":        contact.SetReachable{Agent: "anna", Reachable: true},
		"a no too long":             contact.DeclineOffer{Offer: 1, Agent: "anna", Reason: long},
		"rings for no time":         rules(func(r *contact.Rules) { r.OfferTimeout = 0 }),
		"rings for a day":           rules(func(r *contact.Rules) { r.OfferTimeout = 24 * 3600_000 }),
		"connects in no time":       rules(func(r *contact.Rules) { r.ConnectTimeout = 0 }),
		"an outcome twice":          rules(func(r *contact.Rules) { r.OutcomeCodes = []contact.OutcomeCode{"a", "b", "a"} }),
		"an outcome of no name":     rules(func(r *contact.Rules) { r.OutcomeCodes = []contact.OutcomeCode{""} }),
		"agents out of order":       contact.ChangeRoster{Roster: contact.Roster{Agents: []contact.Agent{{ID: "bo"}, {ID: "anna"}}}},
		"an agent twice":            contact.ChangeRoster{Roster: contact.Roster{Agents: []contact.Agent{{ID: "bo"}, {ID: "bo"}}}},
		"an agent without name":     contact.ChangeRoster{Roster: contact.Roster{Agents: []contact.Agent{{}}}},
		"an agent with skill 0":     contact.ChangeRoster{Roster: contact.Roster{Agents: []contact.Agent{{ID: "bo", Skills: contact.Needs{{Skill: "sv"}}}}}},
		"more agents than fit":      contact.ChangeRoster{Roster: contact.Roster{Agents: make([]contact.Agent, 10_001)}},
		"a call without a leg":      contact.Arrive{Contact: good},
		"a chat without a leg":      contact.Arrive{Contact: with(func(c *contact.Contact) { c.Channel = contact.Chat })},
		"a mail on a node":          arrive(func(c *contact.Contact) { c.Channel = contact.Mail }),
		"a form on a node":          arrive(func(c *contact.Contact) { c.Channel = contact.Form }),
		"a party too long":          arrive(func(c *contact.Contact) { c.Party = contact.PartyID(long) }),
		"a service too long":        arrive(func(c *contact.Contact) { c.Service = contact.ServiceID(long) }),
		"a ticket too long":         arrive(func(c *contact.Contact) { c.Ticket = contact.TicketNumber(long) }),
		"chosen by a novel":         contact.ChooseOutcome{Contact: "k1", Agent: "anna", Code: contact.OutcomeCode(long)},
		"heard by nobody":           contact.ReportQuality{Contact: "k1", Offer: 1, Party: contact.PartySystem},
		"a million years heard":     contact.ReportQuality{Contact: "k1", Offer: 1, Party: contact.PartyAgent, Quality: contact.Quality{Lost: 1<<40 + 1}},
		"wraps up before it began":  rules(func(r *contact.Rules) { r.WrapUpLimit, r.WrapUpCode = -1, "none" }),
		"wraps up for a year":       rules(func(r *contact.Rules) { r.WrapUpLimit, r.WrapUpCode = 366*24*3600_000, "none" }),
		"extends to before":         rules(func(r *contact.Rules) { r.WrapUpExtension = -1 }),
		"extends to next year":      rules(func(r *contact.Rules) { r.WrapUpExtension = 366 * 24 * 3600_000 }),
		"lapses with no code":       rules(func(r *contact.Rules) { r.WrapUpLimit = 1000 }),
		"lapses as if chosen": rules(func(r *contact.Rules) {
			r.WrapUpLimit, r.WrapUpCode, r.OutcomeCodes = 1000, "solved", []contact.OutcomeCode{"solved"}
		}),
		"lapses with a novel":    rules(func(r *contact.Rules) { r.WrapUpLimit, r.WrapUpCode = 1000, contact.OutcomeCode(long) }),
		"finished by a novel":    contact.Finish{Contact: "k1", Agent: "anna", Ticket: contact.TicketNumber(long)},
		"promised in the past":   contact.ScheduleCallback{Contact: "k1", At: -1},
		"promised by nobody":     contact.ScheduleCallback{Contact: "k1", Mine: true},
		"promised for next year": contact.ScheduleCallback{Contact: "k1", At: begin.Add(366 * 24 * 3600_000)},
		"dialled by no node":     contact.TakeCallback{Contact: "k1", Agent: "anna"},
		"no such failure":        contact.FailDial{Offer: 1, Reason: "tired"},
		"room of no channel":     rules(func(r *contact.Rules) { r.Channels = []contact.ChannelRule{{Channel: "pigeon", Capacity: 1}} }),
		"no room":                rules(func(r *contact.Rules) { r.Channels = []contact.ChannelRule{{Channel: contact.Chat}} }),
		"room for a crowd":       rules(func(r *contact.Rules) { r.Channels = []contact.ChannelRule{{Channel: contact.Chat, Capacity: 51}} }),
		"a channel twice": rules(func(r *contact.Rules) {
			r.Channels = []contact.ChannelRule{{Channel: contact.Chat, Capacity: 1}, {Channel: contact.Chat, Capacity: 2}}
		}),
		"channels out of order": rules(func(r *contact.Rules) {
			r.Channels = []contact.ChannelRule{{Channel: contact.Mail, Capacity: 1}, {Channel: contact.Chat, Capacity: 2}}
		}),
		"beside itself": rules(func(r *contact.Rules) {
			r.Channels = []contact.ChannelRule{{Channel: contact.Chat, Capacity: 1, Beside: []contact.Channel{contact.Chat}}}
		}),
		"beside no channel": rules(func(r *contact.Rules) {
			r.Channels = []contact.ChannelRule{{Channel: contact.Chat, Capacity: 1, Beside: []contact.Channel{"pigeon"}}}
		}),
		"a grace before it began": rules(func(r *contact.Rules) { r.UnreachableGrace = -1 }),
		"dials for a day":         rules(func(r *contact.Rules) { r.DialTimeout = 24 * 3600_000 }),
		"dials one too often":     rules(func(r *contact.Rules) { r.DialsPerContact = 21 }),
		"dials all too often":     rules(func(r *contact.Rules) { r.DialsPerHour = 5_001 }),
		"more legs than a node":   contact.ReportNode{Node: "node-1", Legs: make([]contact.LegID, 20001)},
		"a line too long":         arrive(func(c *contact.Contact) { c.Line = contact.LineID(long) }),
		"a language not UTF-8":    arrive(func(c *contact.Contact) { c.Language = "\xff" }),
		"an audience too long":    arrive(func(c *contact.Contact) { c.Audience = contact.Audience(long) }),
		"a person's id too long":  arrive(func(c *contact.Contact) { c.Person = contact.PersonID(long) }),
	} {
		_, err := queue.New().Step(command, begin)
		rejection := (*contact.Rejection)(nil)
		if !errors.As(err, &rejection) || rejection.Code != contact.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What a reader gets is a copy: nobody changes the engine by it.
func TestReadersGetCopies(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	for _, line := range everything {
		s.play(line)
	}
	before, _ := s.engine.Snapshot()
	for _, c := range s.engine.Contacts() {
		for i := range c.Needs {
			c.Needs[i].Level = 9
		}
		for i := range c.StillNeeded {
			c.StillNeeded[i].Level = 9
		}
		for i := range c.PassedOver {
			c.PassedOver[i].Until = 9
		}
		for i := range c.Dials {
			c.Dials[i] = 9
		}
		for i := range c.Measured {
			c.Measured[i].Offer = 9
		}
		if c.Offer != nil {
			c.Offer.Agent = "nobody"
		}
	}
	for _, a := range s.engine.Agents() {
		for i := range a.Skills {
			a.Skills[i].Level = 9
		}
		for i := range a.Nodes {
			a.Nodes[i] = "nowhere"
		}
		for i := range a.Contacts {
			a.Contacts[i].Contact = "none"
		}
		for i := range a.Missed {
			a.Missed[i].Offer = 99
		}
		for i := range a.Channels {
			a.Channels[i] = "pigeon"
		}
	}
	rules := s.engine.Rules()
	rules.OutcomeCodes[0], rules.Channels[0].Capacity, rules.Channels[0].Beside[0] = "nonsense", 9, contact.Form
	rules.Groups[len(rules.Groups)-1].Relax[0].Level, rules.Hours[0].Weekly[0][0].From, rules.Hours[0].Exceptions[0].Date = 5, 1, "never"
	if after, _ := s.engine.Snapshot(); !bytes.Equal(before, after) {
		t.Error("a reader changed the engine")
	}
	for node, want := range map[contact.NodeID]string{"node-1": "c1 k1 k10 k11 k12 k13 k2 k20 k21 k22 k3 k6 k7 k9", "node-2": "k5", "node-3": ""} {
		var on []string
		for _, c := range s.engine.ContactsOf(node) {
			on = append(on, string(c.Contact.ID))
		}
		if strings.Join(on, " ") != want {
			t.Errorf("%s has %v, want %s", node, on, want)
		}
	}
}

// An agent who never answers has a list of missed offers that does not grow for ever.
func TestMissedOffersAreBounded(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	for _, line := range []string{"rules misses=0", "agents anna", "anna opens console", "anna ready"} {
		s.play(line)
	}
	for n := range 12 {
		s.play(fmt.Sprintf("k%d arrives", n))
		s.play(fmt.Sprintf("k%d queues", n))
		s.play("+15s time passes")
		s.play(fmt.Sprintf("k%d leaves", n))
	}
	anna, _ := s.engine.Agent("anna")
	if len(anna.Missed) != 10 || anna.Missed[0].Contact != "k11" || anna.Missed[9].Contact != "k2" {
		t.Errorf("missed are %v", anna.Missed)
	}
}
