package simulate

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"svar/contact"
	"svar/queue"
)

// after is how long a simulation goes on after the last interval, for those who still wait.
const after = contact.Millis(24 * 3600_000)

// askAgain is when an agent asks again who may not pause now.
const askAgain = contact.Millis(60_000)

// The node and the outcome code of all simulated contacts.
const (
	node   = contact.NodeID("simulated")
	solved = contact.OutcomeCode("simulated")
)

// Run plays the scenario with chance seeded by seed. The error says what is wrong with the scenario, or what
// the engine did not allow.
func Run(s Scenario, seed uint64) (Result, error) {
	return run(s, seed, func(outcome) {})
}

// outcome is what came of one contact.
type outcome struct {
	stream int
	// waited is the time until an agent answered or, if none did, until the user left.
	waited   contact.Millis
	answered bool
	// delayed says that no agent was there at once.
	delayed bool
}

// run tells observe what came of each contact, in the order in which they end.
func run(s Scenario, seed uint64, observe func(outcome)) (Result, error) {
	if err := s.Check(); err != nil {
		return Result{}, err
	}
	p := &play{scenario: s, engine: queue.New(), calls: map[contact.ID]*call{}, agents: map[contact.AgentID]int{}, clocks: map[contact.HoursID]*contact.Clock{}, observe: observe, now: s.From}
	p.open(seed)
	for p.err == nil {
		if !p.goOn() {
			break
		}
	}
	if p.err != nil {
		return Result{}, fmt.Errorf("simulate at %s: %w", p.now.Time().Format("2006-01-02 15:04:05.000"), p.err)
	}
	p.close()
	return p.result, nil
}

// play is a simulation under way.
type play struct {
	scenario Scenario
	engine   *queue.Engine
	now      contact.Instant
	agenda   agenda
	sources  []*source
	calls    map[contact.ID]*call
	came     uint64
	agents   map[contact.AgentID]int
	clocks   map[contact.HoursID]*contact.Clock
	work     []worktime
	leaving  []bool // by agent: goes home after the last contact
	waits    []forecast
	observe  func(outcome)
	result   Result
	err      error
}

// call is an open contact of whatever channel.
type call struct {
	person
	id       contact.ID
	arrived  contact.Instant
	interval int
	agent    contact.AgentID
	offer    contact.OfferID
	delayed  bool
	answered bool
	// told is the wait that the engine expected; below 0 when it said none, or it is over.
	told contact.Millis
}

// open makes the desk: rules, roster, and what is known to come.
func (p *play) open(seed uint64) {
	s := &p.scenario
	rules := s.Rules
	rules.OutcomeCodes = append(slices.Clone(rules.OutcomeCodes), solved)
	p.step(contact.ChangeRules{Rules: rules})
	roster := contact.Roster{Agents: make([]contact.Agent, 0, len(s.Agents))}
	s.Agents = slices.Clone(s.Agents)
	slices.SortFunc(s.Agents, func(a, b Agent) int { return compareIDs(a.ID, b.ID) })
	for number, agent := range s.Agents {
		roster.Agents = append(roster.Agents, agent.Agent)
		p.agents[agent.ID] = number
		for _, shift := range agent.Shifts {
			p.plan(s.From.Add(shift.From), happening{what: comeToWork, number: number})
			p.plan(s.From.Add(shift.To), happening{what: goHome, number: number})
		}
		for i, pause := range agent.Pauses {
			p.plan(s.From.Add(pause.From), happening{what: goOnPause, number: number, pause: i})
			p.plan(s.From.Add(pause.To), happening{what: comeBack, number: number})
		}
		p.work = append(p.work, worktime{busy: make([]contact.Millis, s.Intervals), idle: make([]contact.Millis, s.Intervals)})
	}
	for _, hours := range rules.Hours {
		clock, err := contact.NewClock(hours)
		if err != nil {
			p.err = fmt.Errorf("opening hours %s: %w", hours.ID, err)
			return
		}
		p.clocks[hours.ID] = clock
	}
	p.leaving = make([]bool, len(s.Agents))
	p.step(contact.ChangeRoster{Roster: roster})
	p.result.Rows = make([][]Figures, s.Intervals)
	for i := range p.result.Rows {
		p.result.Rows[i] = make([]Figures, len(s.Streams))
	}
	for i := range s.Streams {
		p.sources = append(p.sources, newSource(&s.Streams[i], i, seed))
		p.planArrival(i)
	}
}

func compareIDs(a, b contact.AgentID) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func (p *play) plan(at contact.Instant, h happening) {
	h.at = at
	p.agenda.plan(h)
}

func (p *play) planArrival(stream int) {
	if at, comes := p.sources[stream].arrive(p.scenario.Interval); comes {
		p.plan(p.scenario.From.Add(at), happening{what: arrival, number: stream})
	}
}

// goOn lets the next thing happen; false when nothing does any more.
func (p *play) goOn() bool {
	due, some := p.engine.Deadline()
	ahead := len(p.agenda.list) > 0
	if !some && !ahead {
		return false
	}
	if some && (!ahead || due < p.agenda.list[0].at) {
		if !p.within(due) {
			return false
		}
		p.step(contact.Tick{})
		return true
	}
	if !p.within(p.agenda.list[0].at) {
		return false
	}
	p.happen(p.agenda.next())
	return true
}

// within moves the clock, unless the time is over.
func (p *play) within(at contact.Instant) bool {
	if at > p.scenario.From.Add(p.scenario.Length()+after) {
		return false
	}
	p.now = max(p.now, at)
	return true
}

func (p *play) happen(h happening) {
	switch h.what {
	case arrival:
		p.arrive(h.number)
	case accept:
		if h.of.offer == h.offer {
			p.step(contact.AcceptOffer{Offer: h.offer, Agent: h.of.agent})
		}
	case connect:
		if h.of.offer == h.offer {
			p.connect(h.of)
		}
	case losePatience:
		if !h.of.answered && p.calls[h.of.id] == h.of {
			p.step(contact.Leave{Contact: h.of.id})
		}
	case hangUp:
		if h.of.offer == h.offer {
			p.step(contact.Leave{Contact: h.of.id})
		}
	case finish:
		if h.of.offer == h.offer && p.calls[h.of.id] == h.of {
			p.finish(h.of)
		}
	case comeToWork:
		id := p.scenario.Agents[h.number].ID
		p.leaving[h.number] = false
		p.step(contact.SetReachable{Agent: id, Node: node, Reachable: true})
		p.ready(h.number)
	case goHome:
		p.leaving[h.number] = true
		p.leave(h.number)
	case goHomeAtLast: // the next shift may have begun
		if p.leaving[h.number] {
			p.leave(h.number)
		}
	case goOnPause:
		p.pause(h)
	case comeBack:
		p.ready(h.number)
	}
}

func (p *play) arrive(number int) {
	p.planArrival(number)
	stream := &p.scenario.Streams[number]
	p.came++
	c := &call{
		person: p.sources[number].person(), id: contact.ID("c" + strconv.FormatUint(p.came, 36)), arrived: p.now,
		interval: int(p.now.Sub(p.scenario.From) / p.scenario.Interval), delayed: true, told: -1,
	}
	p.calls[c.id] = c
	p.figures(c).Arrived++
	arrive := contact.Arrive{Contact: contact.Contact{ID: c.id, Channel: stream.Channel, Line: contact.LineID(stream.Name), Arrived: p.now}}
	if stream.Channel.Held() {
		arrive.Node, arrive.Leg = node, contact.LegID(c.id)
	}
	p.step(arrive)
	if stream.Channel.Held() { // nobody on the line of a text is told a wait
		if wait := p.engine.Wait(queue.WaitQuestion{
			Contact: c.id, Channel: stream.Channel, Needs: stream.Needs, Class: stream.Class, Target: stream.Target, Hours: stream.Hours,
		}, p.now); wait.Known {
			c.told = wait.Expected
		}
	}
	p.step(contact.Enqueue{Contact: c.id, Needs: stream.Needs, Class: stream.Class, Target: stream.Target, Hours: stream.Hours})
	if c.offer != 0 {
		c.delayed = false
	}
	if c.patience >= 0 {
		p.plan(p.now.Add(c.patience), happening{what: losePatience, of: c})
	}
}

func (p *play) figures(c *call) *Figures { return &p.result.Rows[c.interval][c.source.number] }

// connect lets the two talk. A visitor who writes has his first answer at once.
func (p *play) connect(c *call) {
	p.step(contact.ConfirmConnected{Offer: c.offer, Leg: contact.LegID(c.agent)})
	if c.source.stream.Channel == contact.Chat {
		p.step(contact.Reply{Contact: c.id, Agent: c.agent})
	}
}

// finish ends the work on a contact; what was held by nobody is answered by it.
func (p *play) finish(c *call) {
	if !c.source.stream.Channel.Held() {
		p.step(contact.Reply{Contact: c.id, Agent: c.agent})
	}
	p.step(contact.Finish{Contact: c.id, Agent: c.agent, Code: solved})
}

func (p *play) ready(number int) {
	if !p.leaving[number] {
		agent := p.scenario.Agents[number]
		p.step(contact.SetPresence{Agent: agent.ID, Presence: contact.Ready, Channels: agent.Channels})
	}
}

// pause asks for a pause, and again while too many of the group are on one.
func (p *play) pause(h happening) {
	agent := p.scenario.Agents[h.number]
	pause := agent.Pauses[h.pause]
	until := p.scenario.From.Add(pause.To)
	if p.now >= until {
		return
	}
	if p.refused(contact.SetPresence{Agent: agent.ID, Presence: contact.Paused, Reason: pause.Reason}, contact.BreakFull) {
		p.plan(p.now.Add(askAgain), h)
	}
}

// leave signs the agent out, after the contacts that he has.
func (p *play) leave(number int) {
	id := p.scenario.Agents[number].ID
	if p.refused(contact.SetPresence{Agent: id, Presence: contact.SignedOut, After: true}, contact.WrongState) {
		p.step(contact.SetPresence{Agent: id, Presence: contact.Paused})
	}
}

// refused reports whether the engine says no to the command for that reason.
func (p *play) refused(command contact.Command, code contact.RejectionCode) bool {
	no := (*contact.Rejection)(nil)
	p.step(command)
	if errors.As(p.err, &no) && no.Code == code {
		p.err = nil
		return true
	}
	return false
}
