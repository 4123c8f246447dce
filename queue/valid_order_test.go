package queue_test

import (
	"errors"
	"strings"
	"testing"

	"svar/contact"
	"svar/queue"
)

// orderRules are rules for the order of the queue that are valid in every field.
func orderRules() contact.Rules {
	r := queue.DefaultRules()
	r.Groups = []contact.GroupRule{
		{Group: "grades", Relax: []contact.Relaxation{
			{After: 1, Kind: contact.RelaxLevel, Level: 5},
			{After: 1, Kind: contact.RelaxOverflow, Level: 1, Group: "desk"},
			{After: 2, Kind: contact.RelaxDrop},
			{After: 3, Kind: contact.RelaxAnyone},
		}},
		{Group: "schools"},
	}
	desk := contact.HoursRule{ID: "desk", Zone: "Europe/Stockholm", Exceptions: []contact.DayException{{Date: "2026-12-24"}}}
	desk.Weekly[1] = []contact.DayWindow{{From: 0, To: 24 * 3600_000}}
	r.Hours = []contact.HoursRule{desk, {ID: "never", Zone: "UTC"}}
	r.RiseAfter, r.ImpactFrom, r.PreferFor, r.PreferWithin = 100, 1_000_000, 24*3600_000, 366*24*3600_000
	return r
}

// Rules for the order are taken when they make sense and refused when they do not.
func TestRulesOfTheOrder(t *testing.T) {
	t.Parallel()
	if events, err := queue.New().Step(contact.ChangeRules{Rules: orderRules()}, begin); err != nil || len(events) != 1 {
		t.Fatalf("%v, %v", events, err)
	}
	relax := func(steps ...contact.Relaxation) func(*contact.Rules) {
		return func(r *contact.Rules) { r.Groups[0].Relax = steps }
	}
	level := contact.Relaxation{After: 1, Kind: contact.RelaxLevel, Level: 1}
	for name, change := range map[string]func(*contact.Rules){
		"a group without name":       func(r *contact.Rules) { r.Groups[0].Group = "" },
		"groups in disorder":         func(r *contact.Rules) { r.Groups[0], r.Groups[1] = r.Groups[1], r.Groups[0] },
		"a group twice":              func(r *contact.Rules) { r.Groups[1] = r.Groups[0] },
		"nine steps":                 relax(level, level, level, level, level, level, level, level, level),
		"a step at once":             relax(contact.Relaxation{Kind: contact.RelaxAnyone}),
		"a step after a year":        relax(contact.Relaxation{After: 366 * 24 * 3600_000, Kind: contact.RelaxAnyone}),
		"steps in disorder":          relax(contact.Relaxation{After: 2, Kind: contact.RelaxDrop}, level),
		"no kind":                    relax(contact.Relaxation{After: 1}),
		"to no level":                relax(contact.Relaxation{After: 1, Kind: contact.RelaxLevel}),
		"to level 6":                 relax(contact.Relaxation{After: 1, Kind: contact.RelaxLevel, Level: 6}),
		"to a level of another":      relax(contact.Relaxation{After: 1, Kind: contact.RelaxLevel, Level: 1, Group: "desk"}),
		"overflows nowhere":          relax(contact.Relaxation{After: 1, Kind: contact.RelaxOverflow, Level: 1}),
		"overflows at no level":      relax(contact.Relaxation{After: 1, Kind: contact.RelaxOverflow, Group: "desk"}),
		"overflows into itself":      relax(contact.Relaxation{After: 1, Kind: contact.RelaxOverflow, Level: 1, Group: "grades"}),
		"drops to a level":           relax(contact.Relaxation{After: 1, Kind: contact.RelaxDrop, Level: 1}),
		"anyone of a group":          relax(contact.Relaxation{After: 1, Kind: contact.RelaxAnyone, Group: "desk"}),
		"hours without name":         func(r *contact.Rules) { r.Hours[0].ID = "" },
		"hours twice":                func(r *contact.Rules) { r.Hours[1].ID = "desk" },
		"hours nowhere":              func(r *contact.Rules) { r.Hours[0].Zone = "Atlantis" },
		"hours past the day":         func(r *contact.Rules) { r.Hours[0].Weekly[1][0].To++ },
		"hours with too many parts":  func(r *contact.Rules) { r.Hours[0].Weekly[2] = make([]contact.DayWindow, 13) },
		"an exception on no date":    func(r *contact.Rules) { r.Hours[0].Exceptions[0].Date = "Christmas" },
		"an exception with too many": func(r *contact.Rules) { r.Hours[0].Exceptions[0].Open = make([]contact.DayWindow, 13) },
		"too many exceptions":        func(r *contact.Rules) { r.Hours[0].Exceptions = make([]contact.DayException, 401) },
		"too many hours":             func(r *contact.Rules) { r.Hours = make([]contact.HoursRule, 101) },
		"rises before its target":    func(r *contact.Rules) { r.RiseAfter = 99 },
		"rises after a lifetime":     func(r *contact.Rules) { r.RiseAfter = 10_001 },
		"impact of a country":        func(r *contact.Rules) { r.ImpactFrom = 1_000_001 },
		"keeps until yesterday":      func(r *contact.Rules) { r.PreferFor = -1 },
		"keeps for a week":           func(r *contact.Rules) { r.PreferFor = 7 * 24 * 3600_000 },
		"keeps for who forgot":       func(r *contact.Rules) { r.PreferWithin = 0 },
		"remembers for ever":         func(r *contact.Rules) { r.PreferWithin = 367 * 24 * 3600_000 },
		"remembers the future":       func(r *contact.Rules) { r.PreferFor, r.PreferWithin = 0, -1 },
	} {
		rules := orderRules()
		change(&rules)
		refused(t, name, queue.New(), contact.ChangeRules{Rules: rules})
	}
}

// What a command says of the order is refused when it makes no sense.
func TestCommandsOfTheOrder(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 129)
	for name, command := range map[string]contact.Command{
		"stands for a country":  contact.SetImpact{Contact: "k1", Residents: 1_000_001},
		"told by a novel":       contact.SetImpact{Contact: "k1", Agent: contact.AgentID(long)},
		"hours too long":        contact.Enqueue{Contact: "k1", Target: 1, Hours: contact.HoursID(long)},
		"follows a novel":       contact.Arrive{Contact: contact.Contact{ID: "k1", Channel: contact.Mail, Arrived: 1, Follows: contact.ID(long)}},
		"from the next century": contact.Arrive{Contact: contact.Contact{ID: "k1", Channel: contact.Mail, Arrived: 1 << 60}},
		"reserved for nobody":   contact.ChangeRoster{Roster: contact.Roster{Agents: []contact.Agent{{ID: "anna", Reserved: 3}}}},
	} {
		refused(t, name, queue.New(), command)
	}
	e := queue.New()
	if _, err := e.Step(contact.Arrive{Contact: contact.Contact{ID: "k1", Channel: contact.Mail, Arrived: 1}}, begin); err != nil {
		t.Fatal(err)
	}
	refused(t, "hours that nobody knows", e, contact.Enqueue{Contact: "k1", Target: 1, Hours: "desk"})
}

func refused(t *testing.T, name string, e *queue.Engine, command contact.Command) {
	t.Helper()
	events, err := e.Step(command, begin)
	if rejection := (*contact.Rejection)(nil); !errors.As(err, &rejection) || rejection.Code != contact.Invalid || len(events) > 0 {
		t.Errorf("%s: %v, %v", name, events, err)
	}
}

// The same rules told twice are no change, whichever way their empty lists are written.
func TestSameRulesOfTheOrder(t *testing.T) {
	t.Parallel()
	e := queue.New()
	if _, err := e.Step(contact.ChangeRules{Rules: orderRules()}, begin); err != nil {
		t.Fatal(err)
	}
	again := orderRules()
	again.Groups[1].Relax, again.Hours[1].Weekly[3], again.PauseReasons = []contact.Relaxation{}, []contact.DayWindow{}, []contact.PauseRule{}
	if events, err := e.Step(contact.ChangeRules{Rules: again}, begin); len(events) > 0 || err != nil {
		t.Errorf("the same rules: %v, %v", events, err)
	}
	for name, change := range map[string]func(*contact.Rules){
		"a step":    func(r *contact.Rules) { r.Groups[0].Relax[0].Level = 4 },
		"a break":   func(r *contact.Rules) { r.Groups[0].BreaksAtOnce = 1 },
		"a window":  func(r *contact.Rules) { r.Hours[0].Weekly[1][0].From = 1 },
		"a holiday": func(r *contact.Rules) { r.Hours[0].Exceptions[0].Open = []contact.DayWindow{{From: 1, To: 2}} },
		"rising":    func(r *contact.Rules) { r.RiseAfter = 101 },
	} {
		other := orderRules()
		change(&other)
		if events, err := e.Step(contact.ChangeRules{Rules: other}, begin); len(events) != 1 || err != nil {
			t.Errorf("%s: %v, %v", name, events, err)
		}
		if _, err := e.Step(contact.ChangeRules{Rules: orderRules()}, begin); err != nil {
			t.Fatal(err)
		}
	}
}
