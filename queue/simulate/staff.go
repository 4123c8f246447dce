package simulate

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"svar/contact"
)

// Goal is the service level that is wanted in every interval.
type Goal struct {
	// Share is how many of those who arrive are to be answered within Within, above 0 and below 1.
	Share  float64
	Within contact.Millis
	// Seeds is how many days are simulated for each answer; 0 means 10.
	Seeds int
}

// Staffing is how many agents the goal needs.
type Staffing struct {
	// Agents are how many work in each interval, who have all skills that the streams need.
	Agents []int
	// Levels is the service level that they reach in each interval, over all seeds.
	Levels []float64
	// Reached says that every interval reaches the goal.
	Reached bool
}

// Bounds of the search.
const (
	maxRounds = 60
	maxSeeds  = 100
)

// Staff answers how many agents each interval needs for the goal, with the scenario's streams that have somebody on
// the line, voice and chat, and agents who can take all of them instead of its roster. The first guess is Erlang's (C without
// patience, A with it); then the engine is simulated and intervals that miss the goal get more, and those that
// would still reach it with one less get less, until nothing changes. The answer is by simulation: with other seeds it may be one
// more or less.
func Staff(s Scenario, goal Goal) (Staffing, error) {
	if goal.Seeds == 0 {
		goal.Seeds = 10
	}
	if !(goal.Share > 0 && goal.Share < 1) || goal.Within <= 0 || goal.Seeds < 1 || goal.Seeds > maxSeeds {
		return Staffing{}, fmt.Errorf("a goal is a share between 0 and 1, a time above 0 and 1–%d seeds", maxSeeds)
	}
	var live []Stream
	for _, stream := range s.Streams {
		if stream.Channel.Held() {
			stream.Target = goal.Within
			live = append(live, stream)
		}
	}
	if len(live) == 0 {
		return Staffing{}, errors.New("no stream has anybody on the line: a goal by time of answer is for voice and chat")
	}
	s.Streams, s.Agents = live, nil
	search := &staffing{scenario: s, goal: goal, agents: make([]int, s.Intervals)}
	if err := search.guess(); err != nil {
		return Staffing{}, err
	}
	return search.settle()
}

type staffing struct {
	scenario Scenario
	goal     Goal
	agents   []int
}

// guess begins with Erlang's answer for each interval by itself.
func (s *staffing) guess() error {
	if err := s.scenario.Check(); err != nil {
		return err
	}
	demand := make([]float64, s.scenario.Intervals) // agents' time by the time there is
	weight, patient, handling := 0.0, false, 0.0
	for _, stream := range s.scenario.Streams {
		length := float64(stream.Handling.Mean + stream.WrapUp.Mean + stream.Ringing.Mean)
		add := func(interval int, arrivals float64) {
			demand[interval] += arrivals * length / float64(s.scenario.Interval) / s.beside(stream.Channel)
			weight += arrivals
			handling += arrivals * length
		}
		for i, arrivals := range stream.Arrivals {
			add(i, arrivals)
		}
		for _, at := range stream.Recorded {
			add(int(at/s.scenario.Interval), 1)
		}
		patient = patient || stream.Patience.Mean == 0
	}
	for i, load := range demand {
		if load > 0 {
			s.agents[i] = erlangGuess(load, float64(s.goal.Within)/(handling/weight), s.goal.Share, patient)
		}
	}
	return nil
}

// beside is how many contacts of the channel an agent may have at once.
func (s *staffing) beside(channel contact.Channel) float64 {
	for _, rule := range s.scenario.Rules.Channels {
		if rule.Channel == channel {
			return max(1, float64(rule.Capacity))
		}
	}
	return 1
}

func erlangGuess(load, within, share float64, patient bool) int {
	for agents := 1; agents < maxAgents; agents++ {
		if !patient && 1-ErlangA(agents, load, 1).Delayed >= share {
			return agents
		}
		if patient && Answered(agents, load, within) >= share {
			return agents
		}
	}
	return maxAgents
}

// settle moves the numbers until they are as small as the goal allows.
func (s *staffing) settle() (Staffing, error) {
	levels, err := s.levels(s.agents)
	if err != nil {
		return Staffing{}, err
	}
	for range maxRounds {
		if !s.raise(levels) {
			break
		}
		if levels, err = s.levels(s.agents); err != nil {
			return Staffing{}, err
		}
	}
	for lowered, rounds := true, 0; lowered && rounds < maxRounds; rounds++ {
		lowered = false
		for i := range s.agents {
			less, err := s.lower(i, &levels)
			if err != nil {
				return Staffing{}, err
			}
			lowered = lowered || less
		}
	}
	answer := Staffing{Agents: s.agents, Levels: levels, Reached: true}
	for _, level := range levels {
		answer.Reached = answer.Reached && level >= s.goal.Share
	}
	return answer, nil
}

// raise gives more agents to intervals that miss the goal: the more, the farther they miss it.
func (s *staffing) raise(levels []float64) bool {
	raised := false
	for i, level := range levels {
		if level < s.goal.Share && s.agents[i] < maxAgents {
			more := int(math.Ceil((s.goal.Share - level) * float64(s.agents[i]) / 4))
			s.agents[i] = min(maxAgents, s.agents[i]+max(1, more))
			raised = true
		}
	}
	return raised
}

// lower takes an agent from the interval if no interval, which may have to serve its queue, then misses the goal.
func (s *staffing) lower(interval int, levels *[]float64) (bool, error) {
	if s.agents[interval] == 0 {
		return false, nil
	}
	trial := slices.Clone(s.agents)
	trial[interval]--
	reached, err := s.levels(trial)
	if err != nil {
		return false, err
	}
	for i := range reached {
		if reached[i] < s.goal.Share && reached[i] < (*levels)[i] {
			return false, nil
		}
	}
	s.agents, *levels = trial, reached
	return true, nil
}

// levels simulates the numbers and returns the service level of each interval.
func (s *staffing) levels(agents []int) ([]float64, error) {
	scenario := s.scenario
	scenario.Agents = s.roster(agents)
	sums := make([]Figures, scenario.Intervals)
	for seed := range s.goal.Seeds {
		result, err := Run(scenario, uint64(seed)+1)
		if err != nil {
			return nil, err
		}
		for i := range sums {
			sums[i].Add(result.Interval(i))
		}
	}
	levels := make([]float64, len(sums))
	for i, sum := range sums {
		levels[i] = sum.ServiceLevel()
	}
	return levels, nil
}

// roster has, in each interval, as many agents as it says. Who works in intervals that follow each other has one shift;
// those of the last one stay until everybody is served.
func (s *staffing) roster(agents []int) []Agent {
	most := 0
	for _, n := range agents {
		most = max(most, n)
	}
	var all contact.Needs
	for _, stream := range s.scenario.Streams {
		for _, need := range stream.Needs {
			all = append(all, contact.Need{Skill: need.Skill, Level: 5})
		}
	}
	all = contact.NewNeeds(all...)
	roster := make([]Agent, most)
	for n := range roster {
		roster[n] = Agent{Agent: contact.Agent{ID: contact.AgentID(fmt.Sprintf("agent-%04d", n)), Skills: all}}
		begun := -1
		for i := range agents {
			works := agents[i] > n
			if works && begun < 0 {
				begun = i
			}
			if begun >= 0 && (!works || i == len(agents)-1) {
				to := s.scenario.Interval * contact.Millis(i)
				if works {
					to += s.scenario.Interval + overtime
				}
				roster[n].Shifts = append(roster[n].Shifts, Span{s.scenario.Interval * contact.Millis(begun), to})
				begun = -1
			}
		}
	}
	return roster
}

// overtime is how long those of the last interval stay.
const overtime = contact.Millis(2 * 3600_000)
