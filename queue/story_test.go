package queue_test

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"svar/contact"
	"svar/queue"
)

// A story is played by one engine. Its lines are what a person would say:
//
//	agents anna sv=3 en=2, bo sv=5 reserved=2    the roster, with skills and levels
//	rules offer=15s connect=5s misses=1 codes=solved,passed-on grace=30s
//	      chat=3 mail=2 voice=1+form+mail    capacity, and what one may be offered beside
//	      and those of orderRule
//	      dial=45s dials=3 all-dials=60 wrap-up=60s extension=30s lapse=not-stated
//	      offer-call-backs=yes tries=3 retry=5m appointment=30s
//	      ramp-up=2m pauses=lunch:break:30m,meeting breaks=sv:1
//	node-1 leads                        begins the next epoch
//	node-1 reports leg-k1 leg-k2        what lives on it; "node-1 restarted" with consoles gone
//	k1 arrives [callable] [on node-2] [ago=2m] [by=chat] [person=p1] [ticket=SD-1] [follows=k0]
//	k1 stands-for 200
//	k1 outside-hours
//	k1 greeted / k1 queues sv=3 [class=1] [target=60s] [hours=desk] / k1 leaves / k1 breaks / k1 refused 404
//	anna opens console [on node-2] / anna closes console [on node-2]
//	anna ready [for=chat,mail] / anna paused lunch / anna signs-out
//	anna after-this paused lunch / anna after-this signs-out
//	anna accepts 1 / anna declines 1 / offer 1 connected / offer 1 failed
//	anna hangs-up k1 / anna finishes k1 [solved] [ticket=SD-1]
//	anna holds k1 / anna resumes k1 / anna extends k1 / anna chooses k1 [solved] [ticket=SD-1]
//	k1 sounded by caller offer=1 lost=3
//	anna replies k1 / anna gives-back k1
//	k1 wants-call-back [at=2h] / anna promises k1 [at=2h] [mine]
//	anna dials k1 [on node-2] / offer 1 unreached busy
//	anna transfers k1 to bo / anna transfers k1 to sv=3
//	anna consults bo about k1 / anna consults sv=3 about k1 / anna ends-consult k1 / anna completes k1
//	anna consults outside=it about k1 / anna transfers k1 to outside=it / offer 2 unreached busy
//	anna conference k1 on / anna conference k1 off / eva listens k1 / eva whispers k1 / eva barges k1 / eva stops k1
//	anna marks k1 threat / anna calls k1 [on node-2] [person=p1]
//	recording k1 begun / recording k1 ended
//	anna hands-over k1 to administration / k1 rejoins [on node-2]
//	wait k1 / wait voice sv=3 [class=1] [target=60s]    what is expected
//	time passes / show / order / outlook k1 / restart (from its own snapshot)
//
// Each may begin with the time that passed before it: "+15s time passes".
type story struct {
	t      *testing.T
	engine *queue.Engine
	now    contact.Instant
	legs   int
}

// begin is when every story begins; its times are shown from there on.
var begin = contact.InstantOf(time.Date(2026, 11, 25, 7, 0, 0, 0, time.UTC))

const defaultNode = contact.NodeID("node-1")

func newStory(t *testing.T) *story {
	return &story{t: t, engine: queue.New(), now: begin}
}

// play returns what the line brought, as lines to be read.
func (s *story) play(line string) []string {
	s.t.Helper()
	words := strings.Fields(line)
	if after, advance := strings.CutPrefix(words[0], "+"); advance {
		s.now = s.now.Add(s.millis(after))
		words = words[1:]
	}
	switch strings.Join(words[:min(2, len(words))], " ") {
	case "show":
		return s.show()
	case "restart":
		return s.restart()
	case "outlook " + words[min(1, len(words)-1)]:
		return s.outlook(contact.ID(words[1]))
	case "order":
		return []string{clock(s.now) + "  " + fmt.Sprint(s.engine.Order(s.now, 50))}
	}
	if words[0] == "wait" {
		return []string{clock(s.now) + "  " + s.wait(words[1:])}
	}
	var events []contact.Event
	var err error
	if len(words) == 2 && words[1] == "leads" {
		events, err = s.engine.Elect(s.engine.Epoch()+1, contact.NodeID(words[0]), s.now)
	} else {
		events, err = s.engine.Step(s.command(line, words), s.now)
	}
	if err != nil {
		return []string{clock(s.now) + "  " + err.Error()}
	}
	told := []string{}
	for _, event := range events {
		told = append(told, clock(s.now)+"  "+tell(event))
	}
	if len(events) == 0 {
		told = append(told, clock(s.now)+"  nothing happens")
	}
	return told
}

func (s *story) restart() []string {
	s.t.Helper()
	snapshot, err := s.engine.Snapshot()
	if err == nil {
		s.engine, err = queue.Restore(snapshot)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return []string{clock(s.now) + "  the engine is restored from its snapshot"}
}

func (s *story) command(line string, words []string) contact.Command {
	s.t.Helper()
	who, rest := words[0], words[1:]
	options, plain := split(rest)
	has := func(text string) bool { return slices.Contains(plain, text) }
	node := defaultNode
	if at := slices.Index(plain, "on"); at >= 0 && at+1 < len(plain) {
		node = contact.NodeID(plain[at+1])
	}
	id, agent := contact.ID(who), contact.AgentID(who)
	arrival := func() contact.Contact {
		channel := contact.Voice
		if by, set := options["by"]; set {
			channel = contact.Channel(by)
		}
		return contact.Contact{
			ID: id, Channel: channel, Line: "staff", Language: "sv",
			Callable: has("callable"), Arrived: s.now.Add(-s.millis(options["ago"])), Person: contact.PersonID(options["person"]),
			Ticket: contact.TicketNumber(options["ticket"]), Follows: contact.ID(options["follows"]),
		}
	}
	switch {
	case who == "agents":
		return contact.ChangeRoster{Roster: s.roster(strings.Join(rest, " "))}
	case who == "rules":
		return contact.ChangeRules{Rules: s.rules(options)}
	case line == "time passes" || strings.HasSuffix(line, " time passes"):
		return contact.Tick{}
	case has("reports"), has("restarted"):
		legs := []contact.LegID{}
		for _, leg := range plain[1:] {
			legs = append(legs, contact.LegID(leg))
		}
		return contact.ReportNode{Node: contact.NodeID(who), Legs: legs, Restarted: has("restarted")}
	case has("arrives") && !arrival().Channel.Held():
		return contact.Arrive{Contact: arrival()}
	case has("arrives"):
		return contact.Arrive{Contact: arrival(), Node: node, Leg: contact.LegID("leg-" + who)}
	case has("refused"):
		return contact.Refuse{Contact: arrival(), Response: uint16(s.number(plain[1]))}
	case has("greeted"):
		return contact.Greet{Contact: id}
	case has("queues"):
		target := contact.Millis(60_000)
		if text, set := options["target"]; set {
			target = s.millis(text)
		}
		class := contact.Class(0)
		if text, set := options["class"]; set {
			class = contact.Class(s.number(text))
		}
		hours := contact.HoursID(options["hours"])
		delete(options, "target")
		delete(options, "class")
		delete(options, "hours")
		return contact.Enqueue{Contact: id, Needs: s.skills(options), Class: class, Target: target, Hours: hours}
	case has("stands-for"):
		return contact.SetImpact{Contact: id, Residents: uint32(s.number(plain[1]))}
	case has("leaves"):
		return contact.Leave{Contact: id}
	case has("breaks"):
		return contact.Drop{Contact: id}
	case has("transfers"):
		return contact.Transfer{Agent: agent, Contact: contact.ID(plain[1]), To: s.destination(plain[3:], options)}
	case has("consults"):
		return contact.Consult{Agent: agent, Contact: contact.ID(plain[len(plain)-1]), To: s.destination(plain[1:len(plain)-2], options)}
	case has("ends-consult"):
		return contact.EndConsult{Agent: agent, Contact: contact.ID(plain[1])}
	case has("completes"):
		return contact.CompleteTransfer{Agent: agent, Contact: contact.ID(plain[1])}
	case has("calls"):
		called := arrival()
		called.ID, called.Outgoing, called.Callable = contact.ID(plain[1]), true, true
		return contact.PlaceCall{Contact: called, Agent: agent, Node: node, Leg: contact.LegID("leg-" + plain[1])}
	case has("conference"):
		return contact.SetConference{Agent: agent, Contact: contact.ID(plain[1]), On: has("on")}
	case has("listens"), has("whispers"), has("barges"), has("stops"):
		mode := map[string]contact.SupervisionMode{
			"listens": contact.SuperviseListen, "whispers": contact.SuperviseWhisper, "barges": contact.SuperviseBarge,
		}[plain[0]]
		return contact.Supervise{Supervisor: agent, Contact: contact.ID(plain[1]), Mode: mode}
	case has("marks"):
		return contact.Mark{Agent: agent, Contact: contact.ID(plain[1]), Mark: contact.MarkKind(plain[2])}
	case who == "recording":
		return s.recording(contact.ID(plain[0]), contact.RecordingState(plain[1]))
	case has("hands-over"):
		return contact.HandOver{Agent: agent, Contact: contact.ID(plain[1]), To: contact.DestinationID(plain[3])}
	case has("rejoins"):
		s.legs++
		return contact.Rejoin{Contact: id, Node: node, Leg: contact.LegID(fmt.Sprintf("leg-%s-again-%d", id, s.legs))}
	case has("console"):
		return contact.SetReachable{Agent: agent, Node: node, Reachable: has("opens")}
	case has("ready"), has("paused"), has("signs-out"):
		return s.presence(agent, plain, options["for"])
	case has("accepts"):
		return contact.AcceptOffer{Agent: agent, Offer: s.offer(plain[1])}
	case has("declines"):
		return contact.DeclineOffer{Agent: agent, Offer: s.offer(plain[1]), Reason: strings.Join(plain[2:], " ")}
	case who == "offer" && has("connected"):
		s.legs++
		return contact.ConfirmConnected{Offer: s.offer(plain[0]), Leg: contact.LegID(fmt.Sprintf("agent-leg-%d", s.legs))}
	case who == "offer" && has("failed"):
		return contact.FailConnect{Offer: s.offer(plain[0])}
	case has("hangs-up"):
		return contact.HangUp{Agent: agent, Contact: contact.ID(plain[1])}
	case has("holds"):
		return contact.Hold{Agent: agent, Contact: contact.ID(plain[1])}
	case has("resumes"):
		return contact.Resume{Agent: agent, Contact: contact.ID(plain[1])}
	case has("extends"):
		return contact.ExtendWrapUp{Agent: agent, Contact: contact.ID(plain[1])}
	case has("chooses"):
		return contact.ChooseOutcome{
			Agent: agent, Contact: contact.ID(plain[1]), Code: contact.OutcomeCode(strings.Join(plain[2:], " ")),
			Ticket: contact.TicketNumber(options["ticket"]),
		}
	case has("sounded"):
		return contact.ReportQuality{
			Contact: id, Offer: s.offer(options["offer"]), Party: contact.Party(plain[2]),
			Quality: contact.Quality{Received: 1000 - s.number(options["lost"]), Lost: s.number(options["lost"])},
		}
	case has("finishes"):
		return contact.Finish{
			Agent: agent, Contact: contact.ID(plain[1]), Code: contact.OutcomeCode(strings.Join(plain[2:], " ")),
			Ticket: contact.TicketNumber(options["ticket"]),
		}
	case has("replies"):
		return contact.Reply{Agent: agent, Contact: contact.ID(plain[1])}
	case has("gives-back"):
		return contact.GiveBack{Agent: agent, Contact: contact.ID(plain[1])}
	case has("outside-hours"):
		return contact.CloseOutsideHours{Contact: id}
	case has("wants-call-back"):
		return contact.ScheduleCallback{Contact: id, At: s.at(options["at"])}
	case has("promises"):
		return contact.ScheduleCallback{Contact: contact.ID(plain[1]), Agent: agent, At: s.at(options["at"]), Mine: has("mine")}
	case has("dials"):
		return contact.TakeCallback{Agent: agent, Contact: contact.ID(plain[1]), Node: node}
	case who == "offer" && has("unreached"):
		return contact.FailDial{Offer: s.offer(plain[0]), Reason: contact.DialFailure(plain[2])}
	}
	s.t.Fatalf("the story says %q, which nobody understands", line)
	return nil
}

// at is when so much time has passed since the story began; 0 when nothing is said.
func (s *story) at(text string) contact.Instant {
	if text == "" {
		return 0
	}
	return begin.Add(s.millis(text))
}

func (s *story) presence(agent contact.AgentID, words []string, channels string) contact.SetPresence {
	v := contact.SetPresence{Agent: agent}
	if words[0] == "after-this" {
		v.After, words = true, words[1:]
	}
	v.Presence = map[string]contact.Presence{"ready": contact.Ready, "paused": contact.Paused, "signs-out": contact.SignedOut}[words[0]]
	v.Reason = strings.Join(words[1:], " ")
	for _, channel := range strings.FieldsFunc(channels, func(r rune) bool { return r == ',' }) {
		v.Channels = append(v.Channels, contact.Channel(channel))
	}
	return v
}

// destination is the agent who is named, or the group.
func (s *story) destination(named []string, options map[string]string) contact.Destination {
	s.t.Helper()
	if place, outside := options["outside"]; outside {
		return contact.Destination{Outside: contact.DestinationID(place)}
	}
	if len(named) > 0 {
		return contact.Destination{Agent: contact.AgentID(named[0])}
	}
	return contact.Destination{Needs: s.skills(options)}
}

// wait asks for the expected wait of a contact, or of one that would come now by a channel.
func (s *story) wait(words []string) string {
	s.t.Helper()
	options, plain := split(words)
	q := queue.WaitQuestion{Target: s.millis(options["target"])}
	if class, set := options["class"]; set {
		q.Class = contact.Class(s.number(class))
	}
	delete(options, "target")
	delete(options, "class")
	if q.Needs = s.skills(options); slices.Contains([]string{"voice", "chat", "mail", "form"}, plain[0]) {
		q.Channel = contact.Channel(plain[0])
	} else {
		q.Contact = contact.ID(plain[0])
	}
	before, _ := s.engine.Snapshot()
	w := s.engine.Wait(q, s.now)
	if after, _ := s.engine.Snapshot(); string(after) != string(before) {
		s.t.Fatal("a question has changed the state")
	}
	if !w.Known {
		return fmt.Sprintf("nobody can say how long: %d ahead, %d agents", w.Ahead, w.Agents)
	}
	return fmt.Sprintf("about %v: %d ahead, %d agents", w.Expected.Duration(), w.Ahead, w.Agents)
}

// recording is what a node says of one; its end with the file.
func (s *story) recording(id contact.ID, state contact.RecordingState) contact.ReportRecording {
	v := contact.ReportRecording{Contact: id, Recording: state}
	if state == contact.RecordingEnded {
		v.File, v.SHA256, v.Bytes, v.Length = string(id)+".wav", strings.Repeat("0f", 32), 320_044, 20_000
		v.DeleteAfter = s.now.Add(24 * 3600_000)
	}
	return v
}

func (s *story) offer(text string) contact.OfferID { return contact.OfferID(s.number(text)) }

func (s *story) number(text string) uint64 {
	s.t.Helper()
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}

func (s *story) millis(text string) contact.Millis {
	s.t.Helper()
	if text == "" {
		return 0
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		s.t.Fatal(err)
	}
	return contact.MillisOf(d)
}

func (s *story) roster(text string) contact.Roster {
	s.t.Helper()
	roster := contact.Roster{Agents: []contact.Agent{}}
	for _, one := range strings.Split(text, ",") {
		words := strings.Fields(one)
		if len(words) == 0 {
			continue
		}
		options, _ := split(words[1:])
		agent := contact.Agent{ID: contact.AgentID(words[0])}
		if class, reserved := options["reserved"]; reserved {
			agent.Reserved = contact.Class(s.number(class))
			delete(options, "reserved")
		}
		agent.Skills = s.skills(options)
		roster.Agents = append(roster.Agents, agent)
	}
	slices.SortFunc(roster.Agents, func(a, b contact.Agent) int { return strings.Compare(string(a.ID), string(b.ID)) })
	return roster
}

func (s *story) skills(options map[string]string) contact.Needs {
	s.t.Helper()
	list := []contact.Need{}
	for skill, level := range options {
		list = append(list, contact.Need{Skill: contact.SkillID(skill), Level: uint8(s.number(level))})
	}
	return contact.NewNeeds(list...)
}

func (s *story) rules(options map[string]string) contact.Rules {
	s.t.Helper()
	rules := s.engine.Rules()
	for _, name := range slices.Sorted(maps.Keys(options)) {
		value := options[name]
		switch name {
		case "offer":
			rules.OfferTimeout = s.millis(value)
		case "connect":
			rules.ConnectTimeout = s.millis(value)
		case "misses":
			rules.MissLimit = uint8(s.number(value))
		case "grace":
			rules.UnreachableGrace = s.millis(value)
		case "dial":
			rules.DialTimeout = s.millis(value)
		case "wrap-up":
			rules.WrapUpLimit = s.millis(value)
		case "extension":
			rules.WrapUpExtension = s.millis(value)
		case "lapse":
			rules.WrapUpCode = contact.OutcomeCode(value)
		case "transfer":
			rules.TransferWait = s.millis(value)
		case "dials":
			rules.DialsPerContact = uint8(s.number(value))
		case "all-dials":
			rules.DialsPerHour = uint16(s.number(value))
		case "offer-call-backs":
			rules.OfferCallbacks = value == "yes"
		case "tries":
			rules.CallbackTries = uint8(s.number(value))
		case "retry":
			rules.RetryAfter = s.millis(value)
		case "appointment":
			rules.AppointmentWait = s.millis(value)
		case "ramp-up":
			rules.RampUp = s.millis(value)
		case "pauses":
			rules.PauseReasons = s.pauses(value)
		case "breaks":
			for _, one := range strings.Split(value, ",") {
				group, most, _ := strings.Cut(one, ":")
				s.group(&rules, contact.SkillID(group)).BreaksAtOnce = uint16(s.number(most))
			}
		case "chat", "form", "mail", "voice":
			rules.Channels = slices.DeleteFunc(rules.Channels, func(r contact.ChannelRule) bool { return r.Channel == contact.Channel(name) })
			rules.Channels = append(rules.Channels, s.channelRule(contact.Channel(name), value))
		case "codes":
			rules.OutcomeCodes = nil
			for _, code := range strings.Split(value, ",") {
				rules.OutcomeCodes = append(rules.OutcomeCodes, contact.OutcomeCode(code))
			}
		default:
			s.orderRule(&rules, name, value)
		}
	}
	slices.SortFunc(rules.Channels, func(a, b contact.ChannelRule) int { return strings.Compare(string(a.Channel), string(b.Channel)) })
	return rules
}

// group returns the rule of the group, which is added if there is none.
func (s *story) group(rules *contact.Rules, id contact.SkillID) *contact.GroupRule {
	at, found := slices.BinarySearchFunc(rules.Groups, id, func(g contact.GroupRule, id contact.SkillID) int {
		return strings.Compare(string(g.Group), string(id))
	})
	if !found {
		rules.Groups = slices.Insert(slices.Clone(rules.Groups), at, contact.GroupRule{Group: id})
	}
	return &rules.Groups[at]
}

func (s *story) pauses(text string) []contact.PauseRule {
	s.t.Helper()
	var pauses []contact.PauseRule
	for _, one := range strings.Split(text, ",") {
		parts := strings.Split(one, ":")
		pause := contact.PauseRule{Reason: parts[0], Break: len(parts) > 1 && parts[1] == "break"}
		if len(parts) > 2 {
			pause.Limit = s.millis(parts[2])
		}
		pauses = append(pauses, pause)
	}
	return pauses
}

func (s *story) channelRule(channel contact.Channel, text string) contact.ChannelRule {
	s.t.Helper()
	capacity, beside, _ := strings.Cut(text, "+")
	rule := contact.ChannelRule{Channel: channel, Capacity: uint8(s.number(capacity))}
	for _, other := range strings.FieldsFunc(beside, func(r rune) bool { return r == '+' }) {
		rule.Beside = append(rule.Beside, contact.Channel(other))
	}
	return rule
}

// split parts words into key=value options and the others.
func split(words []string) (options map[string]string, plain []string) {
	options = map[string]string{}
	for _, word := range words {
		if key, value, found := strings.Cut(word, "="); found {
			options[key] = value
		} else {
			plain = append(plain, word)
		}
	}
	return options, plain
}

func clock(now contact.Instant) string {
	if now == 0 {
		return "never"
	}
	return (time.Time{}).Add(now.Sub(begin).Duration()).Format("15:04:05.000")
}

// show tells the state: the queue in the order in which it is served, the other
// contacts, the agents, and when time alone brings something.
func (s *story) show() []string {
	var lines []string
	for _, c := range s.engine.Contacts() {
		lines = append(lines, "contact "+tellContact(c))
	}
	for _, a := range s.engine.Agents() {
		lines = append(lines, "agent "+tellAgent(a))
	}
	if at, due := s.engine.Deadline(); due {
		lines = append(lines, "time brings something at "+clock(at))
	} else {
		lines = append(lines, "time alone brings nothing")
	}
	return lines
}
