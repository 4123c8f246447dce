package store

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"svar/contact"
	"svar/queue"
	"svar/report"
)

// desk is a queue with random users and agents, and the book of what the engine said of
// each contact last.
type desk struct {
	random *rand.Rand
	engine *queue.Engine
	now    contact.Instant
	line   contact.LineID
	nextID int
	events []recorded
	state  map[contact.ID]queue.ContactState
	closed map[contact.ID]contact.ContactClosed
	// unreached are those that were to be called back before any answer.
	unreached map[contact.ID]bool
}

type recorded struct {
	event contact.Event
	at    contact.Instant
}

var deskAgents = []contact.AgentID{"anna", "bo", "cecilia"}

func newDesk(seed uint64, begin contact.Instant) *desk {
	return &desk{
		random: rand.New(rand.NewPCG(seed, 0)), // the same at every run
		engine: queue.New(), now: begin, line: contact.LineID(fmt.Sprintf("line-%d", seed)),
		state: map[contact.ID]queue.ContactState{}, closed: map[contact.ID]contact.ContactClosed{},
		unreached: map[contact.ID]bool{},
	}
}

// opening gives the desk its rules and ready agents.
func (d *desk) opening() []contact.Event {
	rules := queue.DefaultRules()
	rules.OutcomeCodes, rules.MissLimit = []contact.OutcomeCode{"solved"}, 2
	rules.WrapUpLimit, rules.WrapUpExtension, rules.WrapUpCode = 8_000, 8_000, "not-stated"
	rules.DialsPerContact, rules.DialsPerHour, rules.UnreachableGrace = 3, 100, 5_000
	rules.TransferWait, rules.OfferCallbacks, rules.CallbackTries, rules.RetryAfter, rules.AppointmentWait = 3_000, true, 2, 3_000, 3_000
	rules.Groups = []contact.GroupRule{{Group: "rare", Relax: []contact.Relaxation{{After: 4_000, Kind: contact.RelaxAnyone}}}}
	roster := contact.Roster{}
	for _, agent := range deskAgents {
		roster.Agents = append(roster.Agents, contact.Agent{ID: agent, Skills: contact.Needs{{Skill: "common", Level: 1}}})
	}
	events, err := d.engine.Elect(1, "node-1", d.now)
	if err != nil {
		panic(err)
	}
	d.keep(events)
	for _, command := range []contact.Command{contact.ChangeRules{Rules: rules}, contact.ChangeRoster{Roster: roster}} {
		events = append(events, d.step(command)...)
	}
	for _, agent := range deskAgents {
		events = append(events, d.step(contact.SetReachable{Agent: agent, Node: "node-1", Reachable: true})...)
		events = append(events, d.step(contact.SetPresence{Agent: agent, Presence: contact.Ready})...)
	}
	return events
}

// turn lets time pass and does a few things, which make one record.
func (d *desk) turn() []contact.Event {
	d.now = d.now.Add(contact.Millis(d.random.IntN(3000)))
	if at, due := d.engine.Deadline(); due && d.random.IntN(6) == 0 {
		d.now = max(d.now, at)
	}
	var events []contact.Event
	for range 1 + d.random.IntN(4) {
		events = append(events, d.step(d.command())...)
	}
	return events
}

func (d *desk) step(command contact.Command) []contact.Event {
	events, err := d.engine.Step(command, d.now)
	if err != nil {
		return nil // rejected: it came too late, or never made sense
	}
	d.keep(events)
	return events
}

func (d *desk) keep(events []contact.Event) {
	for _, event := range events {
		d.events = append(d.events, recorded{event, d.now})
		switch e := event.(type) {
		case contact.ContactClosed:
			d.closed[e.Contact] = e
		case contact.ContactDropped:
			d.unreached[e.Contact] = d.unreached[e.Contact] || d.state[e.Contact].Answered == 0
		case contact.CallbackScheduled:
			d.unreached[e.Contact] = d.unreached[e.Contact] || d.state[e.Contact].Answered == 0
		case contact.ContactRejoined:
			d.unreached[e.Contact] = d.unreached[e.Contact] && d.state[e.Contact].Answered != 0
		}
	}
	for _, event := range events {
		id, _ := queue.Touched(event)
		if state, known := d.engine.Contact(id); known {
			d.state[id] = state
		}
	}
}

// needs are what many agents have, what nobody has for a while, or nothing.
func (d *desk) needs() contact.Needs {
	return []contact.Needs{nil, nil, {{Skill: "common", Level: 1}}, {{Skill: "rare", Level: 1}}}[d.random.IntN(4)]
}

func (d *desk) arrival() contact.Contact {
	d.nextID++
	channels := []contact.Channel{contact.Voice, contact.Voice, contact.Voice, contact.Chat, contact.Mail}
	return contact.Contact{
		ID: contact.ID(fmt.Sprintf("%s-%d", d.line, d.nextID)), Channel: channels[d.random.IntN(len(channels))], Line: d.line, Language: "sv",
		Callable: d.random.IntN(2) == 0, Arrived: d.now.Add(-contact.Millis(d.random.IntN(3000))),
	}
}

// command draws what could come next to one of the open contacts, or something else.
func (d *desk) command() contact.Command {
	open := d.engine.Contacts()
	agent := deskAgents[d.random.IntN(len(deskAgents))]
	switch draw := d.random.IntN(20); {
	case draw < 3 || len(open) == 0:
		c := d.arrival()
		if !c.Channel.Held() {
			return contact.Arrive{Contact: c}
		}
		return contact.Arrive{Contact: c, Node: "node-1", Leg: contact.LegID("leg-" + c.ID)}
	case draw == 3 && d.random.IntN(4) == 0:
		return contact.Refuse{Contact: d.arrival(), Response: 503}
	case draw < 6:
		return contact.SetPresence{Agent: agent, Presence: contact.Ready}
	case draw == 7:
		return contact.SetPresence{Agent: agent, Presence: contact.Paused, Reason: "lunch", After: d.random.IntN(3) == 0}
	case draw == 8:
		return contact.SetReachable{Agent: agent, Node: "node-1", Reachable: d.random.IntN(3) > 0}
	case draw == 10 && d.random.IntN(3) == 0:
		c := d.arrival()
		c.Channel, c.Outgoing = contact.Voice, true
		return contact.PlaceCall{Contact: c, Agent: agent, Node: "node-1", Leg: contact.LegID("leg-" + c.ID)}
	case draw == 9:
		return contact.Tick{}
	}
	if at := slices.IndexFunc(open, func(c queue.ContactState) bool { return c.Consult != nil }); at >= 0 && d.random.IntN(4) > 0 {
		return d.consulting(open[at])
	}
	// Those whom an agent has go on first: few calls would be answered otherwise.
	if held := slices.DeleteFunc(slices.Clone(open), func(c queue.ContactState) bool {
		return c.Offer == nil && c.Agent == ""
	}); len(held) > 0 && d.random.IntN(4) > 0 {
		open = held
	}
	return d.next(open[d.random.IntN(len(open))], agent)
}

// meanwhile draws what an agent does with a contact that stays with him.
func (d *desk) meanwhile(c queue.ContactState) contact.Command {
	id := c.Contact.ID
	switch d.random.IntN(7) {
	case 5:
		mode := []contact.SupervisionMode{contact.SuperviseListen, contact.SuperviseBarge, ""}[d.random.IntN(3)]
		return contact.Supervise{Contact: id, Supervisor: "eva", Mode: mode}
	case 6:
		return contact.Mark{Contact: id, Agent: c.Agent, Mark: contact.MarkNuisance}
	case 4:
		return contact.SetImpact{Contact: id, Agent: c.Agent, Residents: uint32(d.random.IntN(100))}
	case 0:
		return contact.ChooseOutcome{Contact: id, Agent: c.Agent, Code: "solved", Ticket: contact.TicketNumber([]string{"", "SD-100001"}[d.random.IntN(2)])}
	case 1:
		party := []contact.Party{contact.PartyAgent, contact.PartyCaller}[d.random.IntN(2)]
		heard := contact.Quality{Received: uint64(d.random.IntN(900)), Lost: uint64(d.random.IntN(100)), Jitter: d.random.Uint32(), RoundTrip: d.random.Uint32()}
		return contact.ReportQuality{Contact: id, Offer: max(1, c.Connected), Party: party, Quality: heard}
	}
	if c.Consult != nil && d.random.IntN(3) > 0 {
		return d.consulting(c)
	}
	switch c.State {
	case contact.StateWrapUp:
		return contact.ExtendWrapUp{Contact: id, Agent: c.Agent}
	case contact.StateHeld:
		return contact.Resume{Contact: id, Agent: c.Agent}
	default:
		return contact.Hold{Contact: id, Agent: c.Agent}
	}
}

// consulting draws what could come next to a contact that a colleague is asked about.
func (d *desk) consulting(c queue.ContactState) contact.Command {
	consult, chance := c.Consult, d.random.IntN(10)
	switch {
	case chance == 0:
		return contact.EndConsult{Contact: c.Contact.ID, Agent: c.Agent}
	case chance == 1:
		return contact.FailConnect{Offer: consult.Offer}
	case consult.Connected && d.random.IntN(3) == 0:
		return contact.SetConference{Contact: c.Contact.ID, Agent: c.Agent, On: !c.Conference}
	case consult.To != "" && !consult.Connected && chance < 4:
		return contact.FailDial{Offer: consult.Offer, Reason: contact.DialBusy}
	case consult.Connected:
		return contact.CompleteTransfer{Contact: c.Contact.ID, Agent: c.Agent}
	case consult.Accepted:
		return contact.ConfirmConnected{Offer: consult.Offer, Leg: "colleague-leg"}
	case chance == 2:
		return contact.DeclineOffer{Offer: consult.Offer, Agent: consult.With}
	default:
		return contact.AcceptOffer{Offer: consult.Offer, Agent: consult.With}
	}
}

// sendOn draws how an agent lets others go on with a contact that he has.
func (d *desk) sendOn(c queue.ContactState, colleague contact.AgentID) contact.Command {
	id, to := c.Contact.ID, contact.Destination{Agent: colleague}
	if d.random.IntN(2) == 0 {
		to = contact.Destination{Needs: contact.Needs{{Skill: []contact.SkillID{"common", "rare"}[d.random.IntN(2)], Level: 1}}}
	}
	outside := contact.Destination{Outside: "supplier"}
	switch d.random.IntN(8) {
	case 6:
		return contact.Consult{Contact: id, Agent: c.Agent, To: outside}
	case 7:
		return contact.Transfer{Contact: id, Agent: c.Agent, To: outside}
	case 0:
		return contact.HandOver{Contact: id, Agent: c.Agent, To: "supplier"}
	case 1:
		return contact.Transfer{Contact: id, Agent: c.Agent, To: to}
	case 2:
		return contact.ScheduleCallback{Contact: id, Agent: c.Agent, At: d.now.Add(contact.Millis(d.random.IntN(6_000))), Mine: d.random.IntN(2) == 0}
	default:
		return contact.Consult{Contact: id, Agent: c.Agent, To: contact.Destination{Needs: contact.Needs{{Skill: "common", Level: 1}}}}
	}
}

// next draws what could come next to the contact.
func (d *desk) next(c queue.ContactState, agent contact.AgentID) contact.Command {
	id, chance := c.Contact.ID, d.random.IntN(10)
	switch {
	case c.Consult != nil && d.random.IntN(2) == 0:
		return d.consulting(c)
	case c.Agent != "" && d.random.IntN(4) > 0:
		if d.random.IntN(3) == 0 {
			return d.sendOn(c, agent)
		}
		return d.meanwhile(c)
	case c.State == contact.StateWaiting && !c.Callback && d.random.IntN(8) == 0:
		return contact.ScheduleCallback{Contact: id}
	case c.Callback && d.random.IntN(6) == 0:
		return contact.Rejoin{Contact: id, Node: "node-2", Leg: contact.LegID("again-" + id)}
	case chance == 0 && !c.State.Joined():
		return contact.Leave{Contact: id}
	case chance == 1:
		return contact.Drop{Contact: id}
	case c.Contact.Channel == contact.Voice && d.random.IntN(6) == 0:
		return d.recorded(c)
	case chance == 2 && (c.State == contact.StateArrived || c.State == contact.StateGreeted):
		return contact.CloseOutsideHours{Contact: id}
	case c.State == contact.StateDialling && chance < 6:
		return contact.ConfirmConnected{Offer: c.Offer.Offer, Leg: "agent-leg"}
	case c.State == contact.StateDialling:
		return contact.FailDial{Offer: c.Offer.Offer, Reason: contact.DialNoAnswer}
	case c.Callback && chance < 8:
		return contact.TakeCallback{Contact: id, Agent: agent, Node: "node-1"}
	case c.Callback:
		return contact.Finish{Contact: id, Agent: agent, Code: "solved"}
	case c.State == contact.StateArrived && chance < 8:
		return contact.Greet{Contact: id}
	case c.State == contact.StateArrived, c.State == contact.StateGreeted:
		return contact.Enqueue{Contact: id, Needs: d.needs(), Class: contact.Class(d.random.IntN(3)), Target: contact.Millis(1 + d.random.IntN(60_000))}
	case c.State == contact.StateOffered && c.Offer.Accepted && chance < 8:
		return contact.ConfirmConnected{Offer: c.Offer.Offer, Leg: "agent-leg"}
	case c.State == contact.StateOffered && c.Offer.Accepted:
		return contact.FailConnect{Offer: c.Offer.Offer}
	case c.State == contact.StateOffered && chance < 8:
		return contact.AcceptOffer{Offer: c.Offer.Offer, Agent: c.Offer.Agent}
	case c.State == contact.StateOffered:
		return contact.DeclineOffer{Offer: c.Offer.Offer, Agent: c.Offer.Agent}
	case c.State == contact.StateConnected && c.Contact.Channel.Written() && chance < 5:
		return contact.Reply{Contact: id, Agent: c.Agent}
	case c.State == contact.StateConnected && c.Contact.Channel.Written() && chance < 7:
		return contact.GiveBack{Contact: id, Agent: c.Agent}
	case c.State == contact.StateConnected && c.Contact.Channel.Written():
		return contact.Finish{Contact: id, Agent: c.Agent, Code: "solved", Ticket: "SD-100001"}
	case c.State.Joined() && chance < 4:
		return contact.FailConnect{Offer: c.Connected}
	case c.State.Joined() && chance < 6:
		return contact.Leave{Contact: id}
	case c.State.Joined():
		return contact.HangUp{Contact: id, Agent: c.Agent}
	case c.State == contact.StateWrapUp:
		return contact.Finish{Contact: id, Agent: c.Agent, Code: "solved"}
	}
	return contact.Tick{}
}

// recorded draws what a node says of the recording of a call.
func (d *desk) recorded(c queue.ContactState) contact.Command {
	if c.Recording == contact.RecordingBegun {
		return contact.ReportRecording{
			Contact: c.Contact.ID, Recording: contact.RecordingEnded, File: string(c.Contact.ID) + ".wav", Bytes: 44, DeleteAfter: d.now.Add(3600_000),
		}
	}
	return contact.ReportRecording{Contact: c.Contact.ID, Recording: contact.RecordingBegun}
}

const (
	streams = 40
	turns   = 120
)

// Whatever the engine decides, the projection says of every contact what the engine says,
// and every figure that SQL counts is what the fold over the events says.
func TestRandomStreams(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	j := journal{t: t, store: s}
	seen := map[string]int{}
	for seed := range uint64(streams) {
		begin := noon.AddDate(0, 0, int(seed)*2) // a day for each, so that the figures are its own
		d := newDesk(seed, contact.InstantOf(begin))
		j.record(d.now, d.opening()...)
		for turn := range turns {
			if events := d.turn(); len(events) > 0 {
				j.record(d.now, events...)
			}
			if turn%40 == 39 || turn == turns-1 {
				d.compare(t, s, begin.AddDate(0, 0, -1), begin.AddDate(0, 0, 1))
			}
		}
		for _, r := range d.events {
			seen[contact.EventName(r.event)]++
			if closed, is := r.event.(contact.ContactClosed); is {
				seen[string(closed.End)+" "+string(closed.Stage)]++
			}
		}
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	// The streams show something only if they meet everything.
	for _, event := range everyEvent {
		if seen[contact.EventName(event)] == 0 {
			t.Errorf("no stream has a %s", contact.EventName(event))
		}
	}
	for _, end := range []string{
		"handed-over ", "handled ", "handled call-back", "refused ", "dropped ", "dropped queue", "abandoned before-answer", "abandoned message", "abandoned queue", "abandoned ringing",
		"outside-hours ", "not-reached ",
	} {
		if seen[end] == 0 {
			t.Errorf("no contact ended as %q: %v", end, seen)
		}
	}
}

func (d *desk) compare(t *testing.T, s *Store, from, to time.Time) {
	t.Helper()
	list, err := s.Contacts(t.Context(), ContactFilter{From: from, To: to, Line: d.line, Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	if len(list) != len(d.state) {
		t.Errorf("%d contacts, the engine had %d", len(list), len(d.state))
	}
	quality := d.worstQuality()
	for _, got := range list {
		if want := d.expected(got.ID, quality[got.ID]); !reflect.DeepEqual(withoutTimesOfStates(got), want) {
			t.Errorf("%s\n got %+v\nwant %+v", got.ID, withoutTimesOfStates(got), want)
		}
	}
	for _, now := range []contact.Instant{d.now, d.now.Add(30_000), d.now.Add(3600_000)} {
		for _, interval := range report.Intervals() {
			d.compareRows(t, s, report.Query{From: from, To: to, By: interval, Line: d.line, Now: now.Time()})
		}
		d.compareAgents(t, s, report.Query{From: from, To: to, Line: d.line, Now: now.Time()})
		got, err := s.Figures(t.Context(), from, to, now.Time(), report.ShortAbandon.Duration())
		if err != nil {
			t.Fatal(err)
		}
		if want := slowFigures(d.events, now); !reflect.DeepEqual(got, want) {
			t.Errorf("at %s the figures are %+v, the events say %+v", now.Time(), got, want)
		}
	}
}

// expected is the row that the engine's word makes.
func (d *desk) expected(id contact.ID, quality *report.CallQuality) Contact {
	state, closed := d.state[id], d.closed[id]
	c := Contact{
		ID: id, Channel: state.Contact.Channel, Line: state.Contact.Line, Audience: state.Contact.Audience,
		State: state.State, Callback: state.Callback, Agent: state.Agent, Arrived: state.Contact.Arrived.Time(),
		EndedAs: state.End, Stage: closed.Stage, Outcome: closed.Code, Lapsed: closed.Lapsed, Quality: quality,
		Outgoing: state.Contact.Outgoing, Failure: closed.Failure, Recording: state.Recording,
		Queued: moment(state.Queued), Answered: moment(state.Answered), Ticket: closed.Ticket,
	}
	if state.State == contact.StateClosed {
		c.Closed = moment(state.Since)
	}
	switch {
	case c.Channel == contact.Voice && d.unreached[id]:
		c.Answered, c.CalledBack = nil, c.Answered
	case c.Channel.Written() && (c.EndedAs == contact.EndHandled || c.EndedAs == contact.EndHandedOver) && c.Answered == nil:
		c.Answered, c.Unreplied = c.Closed, true
	}
	return c
}

func moment(at contact.Instant) *time.Time {
	if at == 0 {
		return nil
	}
	t := at.Time()
	return &t
}

// withoutTimesOfStates leaves what the engine keeps of a contact too.
func withoutTimesOfStates(c Contact) Contact {
	c = inUTC(c)
	c.Greeted, c.Ended, c.Events = nil, nil, nil
	return c
}

// compareRows counts the rows of package report in SQL and by the fold.
func (d *desk) compareRows(t *testing.T, s *Store, query report.Query) {
	t.Helper()
	fold := report.NewContactFold(query)
	if err := s.Cohort(t.Context(), query, fold.Add); err != nil {
		t.Fatal(err)
	}
	got, err := s.ContactFigures(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	want := fold.Rows()
	for _, rows := range [][]report.Row{got, want} {
		for i := range rows {
			rows[i].Start = rows[i].Start.UTC()
		}
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("by %s, as of %s: SQL says\n%+v\nthe fold says\n%+v", query.By, query.Now, got, want)
	}
}

// compareAgents counts what agents had to do in SQL and by the fold, and holds what is read
// back of each contact and agent against the engine's own word.
func (d *desk) compareAgents(t *testing.T, s *Store, query report.Query) {
	t.Helper()
	fold := report.NewContactFold(query)
	for _, r := range d.events {
		fold.Add(r.event, r.at)
	}
	got, err := s.AgentFigures(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	if want := fold.Agents(); !reflect.DeepEqual(got, want) && len(got)+len(want) > 0 {
		t.Errorf("SQL says of the agents\n%+v\nthe fold says\n%+v", got, want)
	}
	quality := d.worstQuality()
	for _, agent := range deskAgents {
		list, err := s.AgentContacts(t.Context(), agent, d.now+1, 1000)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range list {
			if c.Line != d.line {
				continue // another stream's
			}
			state := d.state[c.Contact]
			if c.State != state.State || c.End != state.End || (c.Parted == "") != (state.Agent == agent && state.End == "") ||
				!reflect.DeepEqual(c.Quality, quality[c.Contact]) {
				t.Errorf("%s had %+v (%+v), the engine says %+v, the events %+v", agent, c, c.Quality, state, quality[c.Contact])
			}
		}
	}
}

// worstQuality is the worst that was reported of each contact.
func (d *desk) worstQuality() map[contact.ID]*report.CallQuality {
	worst := map[contact.ID]*report.CallQuality{}
	for _, r := range d.events {
		if e, is := r.event.(contact.QualityReported); is {
			q := report.QualityOf(e.Quality)
			if before := worst[e.Contact]; before != nil {
				q = q.Worst(*before)
			}
			worst[e.Contact] = &q
		}
	}
	return worst
}

// slowFigures counts the figures from the events, contact by contact.
func slowFigures(events []recorded, now contact.Instant) Day {
	type story struct {
		outgoing         bool
		channel          contact.Channel
		queued, answered contact.Instant
		target           contact.Millis
		closed           *contact.ContactClosed
		closedAt         contact.Instant
	}
	stories := map[contact.ID]story{}
	for _, r := range events {
		id, _ := queue.Touched(r.event)
		if id == "" {
			continue
		}
		told := stories[id]
		switch e := r.event.(type) {
		case contact.ContactArrived:
			told.channel = e.Contact.Channel
		case contact.CallPlaced:
			told.channel, told.outgoing = e.Contact.Channel, true
		case contact.ContactQueued:
			if told.queued == 0 {
				told.queued = r.at
			}
			told.target = e.Target
		case contact.ContactConnected:
			if told.answered == 0 && told.channel == contact.Voice {
				told.answered = r.at
			}
		case contact.ContactReplied:
			told.answered = r.at
		case contact.ContactClosed:
			told.closed, told.closedAt = &e, r.at
		}
		stories[id] = told
	}
	day := Day{Handled: map[contact.AgentID]int{}}
	for told := range maps.Values(stories) {
		due := told.queued.Add(told.target)
		reached := told.answered
		if told.closed != nil && (told.closed.End == contact.EndHandled || told.closed.End == contact.EndHandedOver) {
			day.Handled[told.closed.Agent]++
			if reached == 0 {
				reached = told.closedAt
			}
		}
		switch {
		case told.outgoing:
		case reached != 0:
			day.Answerable++
			if told.queued != 0 && reached <= due {
				day.WithinTarget++
			}
		case told.closed == nil:
			if told.queued != 0 && now > due {
				day.Answerable++
			}
		case told.closed.End == contact.EndDropped:
			day.Answerable++
		case told.closed.End == contact.EndAbandoned && told.closed.Waited >= report.ShortAbandon:
			if told.closed.Stage == contact.StageQueue || told.closed.Stage == contact.StageRinging {
				day.Answerable++
			}
		}
	}
	return day
}
