package simulate_test

import (
	"reflect"
	"strings"
	"testing"

	"svar/contact"
	"svar/queue/simulate"
)

const (
	second = contact.Millis(1000)
	minute = 60 * second
	hour   = 60 * minute
	// begin is 2026-12-01 07:00 in Stockholm.
	begin = contact.Instant(1_796_104_800_000)
)

func rules() contact.Rules {
	return contact.Rules{
		OfferTimeout: 15 * second, ConnectTimeout: 5 * second, MissLimit: 1, UnreachableGrace: 30 * second,
		Channels: []contact.ChannelRule{{Channel: contact.Chat, Capacity: 2}, {Channel: contact.Voice, Capacity: 1}},
	}
}

func fixed(length contact.Millis) simulate.Distribution {
	return simulate.Distribution{Kind: simulate.Fixed, Mean: length}
}

// Two callers, one agent, nothing left to chance: every figure can be reckoned by hand.
func twoCallers() simulate.Scenario {
	return simulate.Scenario{
		Rules: rules(), From: begin, Interval: 30 * minute, Intervals: 2,
		Streams: []simulate.Stream{{
			Name: "phone", Channel: contact.Voice, Target: minute, Needs: contact.Needs{{Skill: "sv", Level: 1}},
			Recorded: []contact.Millis{minute, 2 * minute},
			Handling: fixed(5 * minute), WrapUp: fixed(minute), Ringing: fixed(4 * second),
		}},
		Agents: []simulate.Agent{
			{Agent: contact.Agent{ID: "anna", Skills: contact.Needs{{Skill: "sv", Level: 3}}}, Shifts: []simulate.Span{{From: 0, To: hour}}},
			{Agent: contact.Agent{ID: "bo", Skills: contact.Needs{{Skill: "en", Level: 3}}}, Shifts: []simulate.Span{{From: 0, To: hour}}},
		},
	}
}

func TestFiguresOfTwoCallers(t *testing.T) {
	t.Parallel()
	result, err := simulate.Run(twoCallers(), 1)
	if err != nil {
		t.Fatal(err)
	}
	// The first rings for 4 s, talks to 6:04 and is wrapped up to 7:04; then the second, who came at 2:00, rings.
	want := simulate.Figures{
		Arrived: 2, Answered: 2, Within: 1, Waited: 4*second + 5*minute + 8*second, Longest: 5*minute + 8*second,
		Busy: 2 * (6*minute + 4*second), Idle: 30*minute - 2*(6*minute+4*second),
	}
	if got := result.Rows[0][0]; got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if got := result.Rows[1][0]; got != (simulate.Figures{Idle: 30 * minute}) {
		t.Errorf("in the second half hour: %+v", got)
	}
	if level := result.Total(0).ServiceLevel(); level != 0.5 {
		t.Errorf("service level %g", level)
	}
}

// Who loses patience leaves, and one who is answered before does not.
func TestPatienceEnds(t *testing.T) {
	t.Parallel()
	s := twoCallers()
	s.Streams[0].Recorded = []contact.Millis{minute, 2 * minute, 3 * minute, 3 * minute}
	s.Streams[0].Patience = fixed(5*minute + 6*second) // the second of them would be answered 2 s later
	result, err := simulate.Run(s, 1)
	if err != nil {
		t.Fatal(err)
	}
	got := result.Rows[0][0]
	if got.Answered != 2 || got.Abandoned != 2 || got.Short != 0 {
		t.Errorf("got %+v", got)
	}
	s.Streams[0].Patience = fixed(4*second + 1) // a moment after the first is answered
	if result, err = simulate.Run(s, 1); err != nil {
		t.Fatal(err)
	}
	if got := result.Rows[0][0]; got.Answered != 1 || got.Abandoned != 3 || got.Short != 3 || got.ServiceLevel() != 1 {
		t.Errorf("of the impatient: %+v", got)
	}
}

// An agent who goes home ends what he has; one who is on a pause is asked for nothing.
func TestShiftsAndPauses(t *testing.T) {
	t.Parallel()
	s := twoCallers()
	s.Agents[0].Shifts = []simulate.Span{{From: 0, To: 3 * minute}, {From: 40 * minute, To: hour}}
	s.Agents[0].Pauses = []simulate.Pause{{Span: simulate.Span{From: 41 * minute, To: 50 * minute}, Reason: "lunch"}}
	s.Streams[0].Recorded = []contact.Millis{minute, 2 * minute, 42 * minute}
	result, err := simulate.Run(s, 1)
	if err != nil {
		t.Fatal(err)
	}
	first, later := result.Rows[0][0], result.Rows[1][0]
	if first.Answered != 2 || first.Longest != 38*minute+4*second {
		t.Errorf("the second caller waits until the next shift at 40: %+v", first)
	}
	// He has the second caller from 40:00 to 46:04, the pause counts from then on, and the third is asked for at 50:00.
	if later.Answered != 1 || later.Waited != 8*minute+4*second {
		t.Errorf("the third caller waits until the pause is over: %+v", later)
	}
	if later.Busy != 2*(6*minute+4*second) || later.Idle != 10*minute-(6*minute+4*second) {
		t.Errorf("he is neither busy nor idle while he is away: %+v", later)
	}
}

// Texts need nobody on the line; two chats go beside each other.
func TestTexts(t *testing.T) {
	t.Parallel()
	s := twoCallers()
	s.Streams[0].Channel = contact.Chat
	result, err := simulate.Run(s, 1)
	if err != nil {
		t.Fatal(err)
	}
	if got := result.Rows[0][0]; got.Answered != 2 || got.Waited != 8*second {
		t.Errorf("two chats at one time: %+v", got)
	}
	s.Streams[0].Channel = contact.Mail
	if result, err = simulate.Run(s, 1); err != nil {
		t.Fatal(err)
	}
	if got := result.Rows[0][0]; got.Answered != 2 || got.Longest != 11*minute+8*second {
		t.Errorf("a mail is answered when its answer is written: %+v", got)
	}
}

// The same seed gives the same day, and another one another.
func TestSeedDecides(t *testing.T) {
	t.Parallel()
	s := busyDay(300)
	first, err := simulate.Run(s, 7)
	if err != nil {
		t.Fatal(err)
	}
	again, _ := simulate.Run(s, 7)
	other, _ := simulate.Run(s, 8)
	if !reflect.DeepEqual(first, again) {
		t.Error("one seed gave two days")
	}
	if reflect.DeepEqual(first, other) {
		t.Error("two seeds gave one day")
	}
	total := first.Total(0)
	if sum := total.Answered + total.Abandoned + total.Open; sum != total.Arrived || total.Arrived < 200 || total.Arrived > 400 {
		t.Errorf("%d arrived, %d are accounted for", total.Arrived, sum)
	}
}

// busyDay has so many contacts over eight hours, and agents for nearly all of them.
func busyDay(contacts int) simulate.Scenario {
	s := simulate.Scenario{Rules: rules(), From: begin, Interval: 30 * minute, Intervals: 16}
	share := float64(contacts) / 16
	arrivals := make([]float64, 16)
	for i := range arrivals {
		arrivals[i] = share
	}
	s.Streams = []simulate.Stream{{
		Name: "phone", Channel: contact.Voice, Target: minute, Arrivals: arrivals,
		Patience: simulate.Distribution{Kind: simulate.Exponential, Mean: 5 * minute},
		Handling: simulate.Distribution{Kind: simulate.Lognormal, Mean: 4 * minute, Spread: 3 * minute},
		WrapUp:   simulate.Distribution{Kind: simulate.Uniform, Mean: minute, Spread: 30 * second},
		Ringing:  fixed(4 * second),
	}}
	for n := range max(1, contacts/95) {
		id := contact.AgentID("agent-" + string(rune('a'+n/26/26)) + string(rune('a'+n/26%26)) + string(rune('a'+n%26)))
		s.Agents = append(s.Agents, simulate.Agent{Agent: contact.Agent{ID: id}, Shifts: []simulate.Span{{From: 0, To: 9 * hour}}})
	}
	return s
}

// As many contacts in one day as the system is made for; the time is in docs/performance.md.
func BenchmarkDayOf100000Contacts(b *testing.B) {
	s := busyDay(100_000)
	for b.Loop() {
		result, err := simulate.Run(s, 1)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(result.Steps), "steps")
	}
}

// Staffing reaches its goal, with about as many agents as Erlang would take.
func TestStaff(t *testing.T) {
	t.Parallel()
	s := busyDay(300)
	s.Intervals, s.Streams[0].Arrivals = 4, []float64{10, 40, 20, 0}
	answer, err := simulate.Staff(s, simulate.Goal{Share: 0.8, Within: minute, Seeds: 5})
	if err != nil {
		t.Fatal(err)
	}
	if !answer.Reached || answer.Agents[3] != 0 {
		t.Errorf("got %+v", answer)
	}
	for i, bounds := range [][2]int{{2, 5}, {6, 10}, {3, 7}} { // 1.7, 6.8 and 3.4 erlang
		if n := answer.Agents[i]; n < bounds[0] || n > bounds[1] {
			t.Errorf("%d agents in interval %d", n, i)
		}
	}
	if _, err := simulate.Staff(s, simulate.Goal{Share: 80, Within: minute}); err == nil {
		t.Error("80 is taken for a share")
	}
}

func TestScenarioFaults(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		fault string
		spoil func(*simulate.Scenario)
	}{
		{"the interval is 0 ms", func(s *simulate.Scenario) { s.Interval = 0 }},
		{"streams of contacts", func(s *simulate.Scenario) { s.Streams = nil }},
		{"two streams are called", func(s *simulate.Scenario) { s.Streams = append(s.Streams, s.Streams[0]) }},
		{"two agents are called", func(s *simulate.Scenario) { s.Agents[1].ID = "anna" }},
		{"either expected or recorded", func(s *simulate.Scenario) { s.Streams[0].Arrivals = []float64{1} }},
		{"within the simulated time", func(s *simulate.Scenario) { s.Streams[0].Recorded = []contact.Millis{2 * hour} }},
		{`"fax" is none of`, func(s *simulate.Scenario) { s.Streams[0].Channel = "fax" }},
		{"nobody waits on the line of a mail", func(s *simulate.Scenario) { s.Streams[0].Channel, s.Streams[0].Patience = contact.Mail, fixed(1) }},
		{"only lognormal and uniform", func(s *simulate.Scenario) { s.Streams[0].Handling.Spread = 1 }},
		{"lengths below 0 would come out", func(s *simulate.Scenario) {
			s.Streams[0].Handling = simulate.Distribution{Kind: simulate.Uniform, Mean: 1, Spread: 2}
		}},
		{"apart from each other", func(s *simulate.Scenario) { s.Agents[0].Shifts = []simulate.Span{{From: 2, To: 1}} }},
		{"within a shift", func(s *simulate.Scenario) {
			s.Agents[0].Pauses = []simulate.Pause{{Span: simulate.Span{From: 2 * hour, To: 3 * hour}}}
		}},
		{"the engine refuses change-rules", func(s *simulate.Scenario) { s.Rules.OfferTimeout = -1 }},
	} {
		s := twoCallers()
		c.spoil(&s)
		if _, err := simulate.Run(s, 1); err == nil || !strings.Contains(err.Error(), c.fault) {
			t.Errorf("wanted %q, got %v", c.fault, err)
		}
	}
}
