package simulate

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"svar/contact"
)

// Scenario is what is simulated.
type Scenario struct {
	Rules contact.Rules
	// From is when it begins and Intervals how many of the length Interval contacts arrive in. Who has come
	// by then is served to the end, for at most a day.
	From      contact.Instant
	Interval  contact.Millis
	Intervals int
	Streams   []Stream
	Agents    []Agent
}

// Stream is one kind of contact.
type Stream struct {
	// Name is how the result calls it, and the contacts' line.
	Name    string
	Channel contact.Channel
	Needs   contact.Needs
	Class   contact.Class
	// Target is the time within which an answer counts as in time, counted in the opening hours Hours.
	Target contact.Millis
	Hours  contact.HoursID
	// Arrivals are how many are expected in each interval; they come by chance (a Poisson process). Without a
	// value none come in an interval.
	Arrivals []float64
	// Recorded are arrivals as they were, sorted, as time since From; they come instead of Arrivals.
	Recorded []contact.Millis
	// Patience is how long a user waits before he leaves; one with mean 0 never does.
	Patience Distribution
	// Handling is talk and hold, or the writing of the answer; WrapUp comes after it.
	Handling, WrapUp Distribution
	// Ringing is how long an agent takes to accept; never past the offer's time-out.
	Ringing Distribution
}

// Agent is one agent with his working hours.
type Agent struct {
	contact.Agent
	// Channels are those that he takes, sorted; all when empty.
	Channels []contact.Channel
	// Shifts are when he works, sorted and apart from each other; Pauses when he asks to pause.
	Shifts []Span
	Pauses []Pause
}

// Span is [From, To) as time since the scenario's beginning.
type Span struct{ From, To contact.Millis }

// Pause is a pause within a shift.
type Pause struct {
	Span
	Reason string
}

// The limits of a scenario.
const (
	maxStreams   = 1000
	maxIntervals = 10_000
	maxExpected  = 10_000_000 // of one stream
	maxAgents    = 2000
	maxShifts    = 1000
)

// Length is how long contacts arrive.
func (s Scenario) Length() contact.Millis { return s.Interval * contact.Millis(s.Intervals) }

// Check says what is wrong with the scenario, every fault by itself (joined).
func (s Scenario) Check() error {
	var faults []error
	fault := func(format string, values ...any) { faults = append(faults, fmt.Errorf(format, values...)) }
	if s.Interval <= 0 || s.Interval > maxMean*100 {
		fault("the interval is %d ms: it is above 0", s.Interval)
	}
	if s.Intervals < 1 || s.Intervals > maxIntervals {
		fault("%d intervals: there are 1 to %d", s.Intervals, maxIntervals)
	}
	if len(s.Streams) == 0 || len(s.Streams) > maxStreams {
		fault("%d streams of contacts: there are 1 to %d", len(s.Streams), maxStreams)
	}
	if len(s.Agents) > maxAgents {
		fault("%d agents: there are at most %d", len(s.Agents), maxAgents)
	}
	names := map[string]bool{}
	for _, stream := range s.Streams {
		if names[stream.Name] {
			fault("two streams are called %q", stream.Name)
		}
		names[stream.Name] = true
		if err := stream.check(s); err != nil {
			fault("stream %q: %w", stream.Name, err)
		}
	}
	agents := map[contact.AgentID]bool{}
	for _, agent := range s.Agents {
		if agents[agent.ID] {
			fault("two agents are called %q", agent.ID)
		}
		agents[agent.ID] = true
		if err := agent.check(); err != nil {
			fault("agent %q: %w", agent.ID, err)
		}
	}
	return errors.Join(faults...)
}

func (s Stream) check(of Scenario) error {
	if s.Name == "" {
		return errors.New("it has no name")
	}
	if !slices.Contains([]contact.Channel{contact.Voice, contact.Chat, contact.Mail, contact.Form}, s.Channel) {
		return fmt.Errorf("the channel %q is none of voice, chat, mail, form", s.Channel)
	}
	if s.Target <= 0 {
		return errors.New("its target is above 0")
	}
	if known := func(rule contact.HoursRule) bool { return rule.ID == s.Hours }; s.Hours != "" && !slices.ContainsFunc(of.Rules.Hours, known) {
		return fmt.Errorf("the rules have no opening hours %q", s.Hours)
	}
	if len(s.Arrivals) > of.Intervals {
		return fmt.Errorf("it has arrivals for %d intervals of %d", len(s.Arrivals), of.Intervals)
	}
	if len(s.Arrivals) > 0 && len(s.Recorded) > 0 {
		return errors.New("its arrivals are either expected or recorded, not both")
	}
	expected := 0.0
	for _, n := range s.Arrivals {
		if !(n >= 0) || math.IsInf(n, 0) {
			return fmt.Errorf("%g arrivals: there are 0 or more", n)
		}
		expected += n
	}
	if expected > maxExpected || len(s.Recorded) > maxExpected {
		return fmt.Errorf("more than %d arrivals", maxExpected)
	}
	if !slices.IsSorted(s.Recorded) || len(s.Recorded) > 0 && (s.Recorded[0] < 0 || s.Recorded[len(s.Recorded)-1] >= of.Length()) {
		return errors.New("the recorded arrivals are sorted and lie within the simulated time")
	}
	if s.Patience.Mean > 0 && !s.Channel.Held() {
		return fmt.Errorf("nobody waits on the line of a %s: it has no patience", s.Channel)
	}
	for _, of := range []struct {
		name  string
		drawn Distribution
	}{{"patience", s.Patience}, {"handling", s.Handling}, {"wrap-up", s.WrapUp}, {"ringing", s.Ringing}} {
		if err := of.drawn.check(); err != nil {
			return fmt.Errorf("%s: %w", of.name, err)
		}
	}
	return nil
}

func (a Agent) check() error {
	if a.ID == "" {
		return errors.New("one has no id")
	}
	if len(a.Shifts) > maxShifts || len(a.Pauses) > maxShifts {
		return fmt.Errorf("more than %d shifts or pauses", maxShifts)
	}
	for i, shift := range a.Shifts {
		if shift.From < 0 || shift.From >= shift.To || i > 0 && shift.From <= a.Shifts[i-1].To {
			return errors.New("shifts begin before they end, and are sorted and apart from each other")
		}
	}
	for i, pause := range a.Pauses {
		within := slices.ContainsFunc(a.Shifts, func(s Span) bool { return s.From < pause.From && pause.To < s.To })
		if pause.From >= pause.To || !within || i > 0 && pause.From <= a.Pauses[i-1].To {
			return errors.New("pauses lie within a shift, and are sorted and apart from each other")
		}
	}
	return nil
}
