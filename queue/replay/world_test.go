package replay

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"go.uber.org/goleak"

	"svar/contact"
	"svar/queue"
	"svar/queue/journal"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// monday is when the tests' worlds begin.
const monday = contact.Instant(1_764_576_000_000)

// tape is a journal in memory.
type tape struct {
	records  []journal.Record
	snapshot *journal.Snapshot
	// readFrom is where the last reading began.
	readFrom uint64
}

func (s *tape) Read(_ context.Context, from uint64, handle func(uint64, journal.Record) error) error {
	s.readFrom = from
	for i := from - 1; i < uint64(len(s.records)); i++ {
		// As it comes back from the disk.
		data, err := s.records[i].Encode()
		if err != nil {
			return err
		}
		record, err := journal.Decode(data)
		if err != nil {
			return err
		}
		if err := handle(i+1, record); err != nil {
			return err
		}
	}
	return nil
}

func (s *tape) LoadSnapshot(context.Context) (*journal.Snapshot, error) { return s.snapshot, nil }

// recorder records as the dispatcher does: a turn's commands with what followed, rejected ones and those without a
// consequence not at all, and a turn that is too large in several records.
type recorder struct {
	t      failer
	engine *queue.Engine
	tape   tape
}

type failer interface {
	Fatalf(format string, args ...any)
}

func (r *recorder) record(more bool, commands contact.Commands, events contact.Events) {
	r.tape.records = append(r.tape.records, journal.Record{
		Format: journal.Format, Epoch: r.engine.Epoch(), Engine: queue.EngineVersion, More: more, Now: r.engine.Last(),
		Commands: append(contact.Commands{}, commands...), Events: append(contact.Events{}, events...),
	})
}

// elect begins a new epoch, from what is on record alone.
func (r *recorder) elect(now contact.Instant) {
	restored := queue.New()
	for i, record := range r.tape.records {
		for _, event := range record.Events {
			if err := restored.Apply(event, record.Now); err != nil {
				r.t.Fatalf("restore: record %d: %v", i+1, err)
			}
		}
	}
	r.engine = restored
	events, err := r.engine.Elect(r.engine.Epoch()+1, "node-1", now)
	if err != nil {
		r.t.Fatalf("elect: %v", err)
	}
	r.record(false, nil, events)
}

// turn decides the commands at now and records them: whole, or each command's first half of events by itself. lost
// says that the leader dies before the last record is written.
func (r *recorder) turn(now contact.Instant, split, lost bool, commands ...contact.Command) {
	var kept contact.Commands
	var events []contact.Events
	for _, command := range commands {
		if followed, err := r.engine.Step(command, now); err == nil && len(followed) > 0 {
			kept, events = append(kept, command), append(events, followed)
		}
	}
	if len(kept) == 0 {
		return
	}
	first := len(r.tape.records)
	if split {
		for i := range kept {
			half := len(events[i]) / 2
			r.record(true, kept[i:i+1], events[i][:half])
			r.record(false, nil, events[i][half:])
		}
	} else {
		r.record(false, kept, slices.Concat(events...))
	}
	if lost {
		r.tape.records = r.tape.records[:max(first, len(r.tape.records)-1)]
		r.elect(now)
	}
}

// world draws commands that are likely to meet something.
type world struct {
	draw     func(what string, below int) int
	now      contact.Instant
	contacts int
}

func (w *world) oneIn(n int, what string) bool { return w.draw(what, n) == 0 }

func (w *world) agent() contact.AgentID {
	return contact.AgentID([]string{"anna", "bo", "cecilia", "david"}[w.draw("agent", 4)])
}

func (w *world) needs() contact.Needs {
	var list []contact.Need
	for _, skill := range []contact.SkillID{"net", "sv"} {
		if level := w.draw("level", 4); level > 0 {
			list = append(list, contact.Need{Skill: skill, Level: uint8(level)})
		}
	}
	return contact.NewNeeds(list...)
}

func (w *world) roster() contact.Roster {
	roster := contact.Roster{Agents: []contact.Agent{}}
	for _, id := range []contact.AgentID{"anna", "bo", "cecilia", "david"} {
		if !w.oneIn(8, "gone") {
			roster.Agents = append(roster.Agents, contact.Agent{ID: id, Skills: w.needs()})
		}
	}
	return roster
}

// rules make much of what time alone changes: needs that give way, classes that rise, ramp-up, what is kept for one agent.
func (w *world) rules() contact.Rules {
	rules := queue.DefaultRules()
	rules.OutcomeCodes, rules.WrapUpCode = []contact.OutcomeCode{"solved"}, "not-stated"
	rules.WrapUpLimit, rules.WrapUpExtension = contact.Millis(w.draw("wrap-up", 3))*20_000, 15_000
	rules.MissLimit = uint8(w.draw("misses", 3))
	rules.Channels = []contact.ChannelRule{
		{Channel: contact.Chat, Capacity: 3}, {Channel: contact.Mail, Capacity: 2}, {Channel: contact.Voice, Capacity: 1, Beside: []contact.Channel{contact.Mail}},
	}
	rules.Groups = []contact.GroupRule{{Group: "net", Relax: []contact.Relaxation{
		{After: 20_000, Kind: contact.RelaxLevel, Level: 1}, {After: 60_000, Kind: contact.RelaxAnyone},
	}}}
	rules.Hours = []contact.HoursRule{{ID: "desk", Zone: "Europe/Stockholm"}}
	for day := range rules.Hours[0].Weekly {
		rules.Hours[0].Weekly[day] = []contact.DayWindow{{From: 7 * 3_600_000, To: 22 * 3_600_000}}
	}
	rules.RiseAfter, rules.ImpactFrom = uint16(100+w.draw("rise", 200)), 50
	rules.RampUp = contact.Millis(w.draw("ramp", 3)) * 15_000
	rules.PreferFor, rules.PreferWithin = 20_000, 3_600_000
	rules.OfferCallbacks, rules.CallbackTries, rules.RetryAfter = w.oneIn(2, "offer call-backs"), 2, 30_000
	rules.DialsPerContact, rules.DialsPerHour = 5, 100
	rules.AppointmentWait, rules.TransferWait = 60_000, 30_000
	return rules
}

func (w *world) arrive() contact.Command {
	w.contacts++
	id := contact.ID(fmt.Sprint("k", w.contacts))
	channel := []contact.Channel{contact.Voice, contact.Voice, contact.Voice, contact.Chat, contact.Mail}[w.draw("channel", 5)]
	c := contact.Contact{
		ID: id, Channel: channel, Line: "staff", Language: "sv", Callable: w.oneIn(2, "callable"), Arrived: w.now,
		Person: contact.PersonID([]string{"", "p1", "p2"}[w.draw("person", 3)]),
	}
	if channel == contact.Mail {
		return contact.Arrive{Contact: c}
	}
	return contact.Arrive{Contact: c, Node: "node-1", Leg: contact.LegID("leg-" + id)}
}

// pick names a contact that the condition holds for, if there is one; else any.
func (w *world) pick(engine *queue.Engine, is func(queue.ContactState) bool) queue.ContactState {
	all := engine.Contacts()
	if some := slices.DeleteFunc(slices.Clone(all), func(c queue.ContactState) bool { return !is(c) }); len(some) > 0 {
		return some[w.draw("contact", len(some))]
	}
	if len(all) > 0 {
		return all[w.draw("any contact", len(all))]
	}
	return queue.ContactState{}
}

func offered(c queue.ContactState) bool  { return c.Offer != nil }
func joined(c queue.ContactState) bool   { return c.State.Joined() }
func wrapping(c queue.ContactState) bool { return c.State == contact.StateWrapUp }
func promised(c queue.ContactState) bool { return c.Callback }
func asking(c queue.ContactState) bool   { return c.Consult != nil }
func anybody(queue.ContactState) bool    { return true }

// offer names an open offer with its agent, if there is one.
func (w *world) offer(engine *queue.Engine) (contact.OfferID, contact.AgentID) {
	c := w.pick(engine, offered)
	if c.Offer == nil {
		return c.Connected, c.Agent
	}
	return c.Offer.Offer, c.Offer.Agent
}

func (w *world) command(engine *queue.Engine) contact.Command {
	offer, asked := w.offer(engine)
	held, wrapped, one := w.pick(engine, joined), w.pick(engine, wrapping), w.pick(engine, anybody).Contact.ID
	switch w.draw("command", 43) {
	case 0, 1, 2, 3:
		return w.arrive()
	case 4, 5, 6, 7:
		return contact.Enqueue{Contact: one, Needs: w.needs(), Class: contact.Class(max(0, w.draw("class", 5)-2)), Target: 60_000, Hours: []contact.HoursID{"", "desk"}[w.draw("hours", 2)]}
	case 8, 9, 10, 11:
		return contact.AcceptOffer{Offer: offer, Agent: asked}
	case 12, 13:
		return contact.ConfirmConnected{Offer: offer, Leg: "agent-leg"}
	case 14:
		return contact.DeclineOffer{Offer: offer, Agent: asked, Reason: "lunch"}
	case 15:
		return contact.FailConnect{Offer: offer}
	case 16:
		return contact.FailDial{Offer: offer, Reason: contact.DialBusy}
	case 17:
		return contact.HangUp{Contact: held.Contact.ID, Agent: held.Agent}
	case 18, 19:
		return contact.Finish{Contact: wrapped.Contact.ID, Agent: wrapped.Agent, Code: "solved"}
	case 20:
		return contact.Transfer{Contact: held.Contact.ID, Agent: held.Agent, To: contact.Destination{Agent: w.agent()}}
	case 21:
		return contact.Transfer{Contact: held.Contact.ID, Agent: held.Agent, To: contact.Destination{Needs: contact.NewNeeds(contact.Need{Skill: "sv", Level: 1})}}
	case 22:
		return contact.ScheduleCallback{Contact: held.Contact.ID, Agent: held.Agent, At: w.now.Add(30_000), Mine: w.oneIn(2, "mine")}
	case 23:
		return contact.SetImpact{Contact: one, Residents: uint32(w.draw("residents", 100))}
	case 24:
		return contact.Consult{Contact: held.Contact.ID, Agent: held.Agent, To: contact.Destination{Agent: w.agent()}}
	case 25:
		return contact.Leave{Contact: one}
	case 26:
		return contact.Drop{Contact: one}
	case 27:
		return contact.TakeCallback{Contact: one, Agent: w.agent(), Node: "node-1"}
	case 28:
		return contact.SetReachable{Agent: w.agent(), Node: "node-1", Reachable: !w.oneIn(4, "unreachable")}
	case 29:
		return contact.SetPresence{Agent: w.agent(), Presence: []contact.Presence{contact.Ready, contact.Ready, contact.Paused, contact.SignedOut}[w.draw("presence", 4)]}
	case 30:
		switch w.draw("configuration", 6) {
		case 0:
			return contact.ChangeRoster{Roster: w.roster()}
		case 1:
			return contact.ChangeRules{Rules: w.rules()}
		default:
			return contact.Tick{}
		}
	case 31:
		return contact.Rejoin{Contact: w.pick(engine, promised).Contact.ID, Node: "node-1", Leg: contact.LegID(fmt.Sprint("again-", w.now))}
	case 32:
		return contact.CompleteTransfer{Contact: held.Contact.ID, Agent: held.Agent}
	case 33:
		return contact.HandOver{Contact: held.Contact.ID, Agent: held.Agent, To: "supplier"}
	case 34:
		return contact.GiveBack{Contact: held.Contact.ID, Agent: held.Agent}
	case 35:
		return contact.SetPresence{Agent: w.agent(), Presence: contact.Paused, Reason: "coffee", After: true}
	case 36:
		return contact.SetPresence{Agent: w.agent(), Presence: contact.Ready, Channels: []contact.Channel{contact.Chat, contact.Voice}}
	case 37:
		return contact.Consult{Contact: held.Contact.ID, Agent: held.Agent, To: contact.Destination{Outside: "supplier"}}
	case 38:
		return contact.Transfer{Contact: held.Contact.ID, Agent: held.Agent, To: contact.Destination{Outside: "supplier"}}
	case 39:
		return w.aboutAsked(w.pick(engine, asking))
	case 40:
		mode := []contact.SupervisionMode{contact.SuperviseListen, contact.SuperviseWhisper, ""}[w.draw("mode", 3)]
		return contact.Supervise{Contact: held.Contact.ID, Supervisor: w.agent(), Mode: mode}
	case 41:
		return contact.Mark{Contact: held.Contact.ID, Agent: held.Agent, Mark: contact.MarkThreat}
	default:
		return w.placeCall()
	}
}

// aboutAsked answers for whoever is asked about a call, or lets all three hear each other.
func (w *world) aboutAsked(c queue.ContactState) contact.Command {
	switch {
	case c.Consult == nil:
		return contact.ReportRecording{Contact: c.Contact.ID, Recording: contact.RecordingBegun}
	case !c.Consult.Accepted:
		return contact.AcceptOffer{Offer: c.Consult.Offer, Agent: c.Consult.With}
	case !c.Consult.Connected:
		return contact.ConfirmConnected{Offer: c.Consult.Offer, Leg: "asked-leg"}
	default:
		return contact.SetConference{Contact: c.Contact.ID, Agent: c.Agent, On: !c.Conference}
	}
}

func (w *world) placeCall() contact.Command {
	w.contacts++
	id := contact.ID(fmt.Sprint("k", w.contacts))
	c := contact.Contact{ID: id, Channel: contact.Voice, Line: "staff", Language: "sv", Outgoing: true, Arrived: w.now}
	return contact.PlaceCall{Contact: c, Agent: w.agent(), Node: "node-1", Leg: contact.LegID("leg-" + id)}
}

// opening gets a working desk.
func (w *world) opening() []contact.Command {
	commands := []contact.Command{contact.ChangeRules{Rules: w.rules()}, contact.ChangeRoster{Roster: w.roster()}}
	for _, agent := range []contact.AgentID{"anna", "bo", "cecilia", "david"} {
		commands = append(commands, contact.SetReachable{Agent: agent, Node: "node-1", Reachable: true}, contact.SetPresence{Agent: agent, Presence: contact.Ready})
	}
	return commands
}

// day records a random day of so many turns.
func (w *world) day(t failer, turns int) *recorder {
	r := &recorder{t: t, engine: queue.New()}
	w.now = monday
	r.elect(w.now)
	r.turn(w.now, false, false, w.opening()...)
	for range turns {
		switch w.draw("time", 4) {
		case 0:
			w.now = w.now.Add(contact.Millis(w.draw("ms", 1000)))
		case 1:
			w.now = w.now.Add(contact.Millis(w.draw("s", 40)) * 1000)
		case 2:
			if at, due := r.engine.Deadline(); due {
				w.now = max(w.now, at)
			}
		case 3: // the clock goes back, or stands still
			w.now = w.now.Add(-contact.Millis(w.draw("back", 2)) * 100)
		}
		var commands []contact.Command
		for range 1 + w.draw("commands", 4) {
			commands = append(commands, w.command(r.engine))
		}
		r.turn(w.now, w.oneIn(6, "split"), w.oneIn(40, "lost"), commands...)
		if w.oneIn(60, "elect") {
			r.elect(w.now)
		}
	}
	return r
}
