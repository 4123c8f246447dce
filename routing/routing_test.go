package routing_test

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"svar/contact"
	"svar/routing"
)

func TestLevel(t *testing.T) {
	t.Parallel()
	skills := contact.NewNeeds(contact.Need{Skill: "en", Level: 2}, contact.Need{Skill: "pupils", Level: 4}, contact.Need{Skill: "sv", Level: 5})
	for _, c := range []struct {
		name     string
		needs    contact.Needs
		level    uint8
		eligible bool
	}{
		{"nothing needed: everybody, at level 0", nil, 0, true},
		{"held at its level", contact.Needs{{Skill: "en", Level: 2}}, 2, true},
		{"held above its level", contact.Needs{{Skill: "sv", Level: 1}}, 5, true},
		{"held below its level", contact.Needs{{Skill: "en", Level: 3}}, 0, false},
		{"not held", contact.Needs{{Skill: "fi", Level: 1}}, 0, false},
		{"not held, after all others", contact.Needs{{Skill: "zz", Level: 1}}, 0, false},
		{"all held: the lowest level counts", contact.Needs{{Skill: "pupils", Level: 1}, {Skill: "sv", Level: 1}}, 4, true},
		{"one of two not held", contact.Needs{{Skill: "fi", Level: 1}, {Skill: "sv", Level: 1}}, 0, false},
	} {
		level, eligible := routing.Level(skills, c.needs)
		if level != c.level || eligible != c.eligible {
			t.Errorf("%s: got %d, %v", c.name, level, eligible)
		}
	}
	if _, eligible := routing.Level(nil, contact.Needs{{Skill: "sv", Level: 1}}); eligible {
		t.Error("an agent without skills is eligible")
	}
}

func TestFree(t *testing.T) {
	t.Parallel()
	for _, presence := range []contact.Presence{contact.Ready, contact.Paused, contact.SignedOut} {
		for _, reachable := range []bool{true, false} {
			for _, asked := range []bool{true, false} {
				want := presence == contact.Ready && reachable && !asked
				if (routing.Status{Presence: presence, Reachable: reachable, Asked: asked}).Free(nil, contact.Voice) != want {
					t.Errorf("%s, reachable %v, asked %v", presence, reachable, asked)
				}
			}
		}
	}
	busy := routing.Status{Presence: contact.Ready, Reachable: true, Has: []contact.Channel{contact.Voice}}
	if busy.Free(nil, contact.Voice) {
		t.Error("an agent with a call is free for another")
	}
}

// What may stand beside what: a call beside mails, never beside a chat, and nothing beside
// a call.
func TestRoom(t *testing.T) {
	t.Parallel()
	rules := []contact.ChannelRule{
		{Channel: contact.Chat, Capacity: 3},
		{Channel: contact.Mail, Capacity: 2},
		{Channel: contact.Voice, Capacity: 1, Beside: []contact.Channel{contact.Form, contact.Mail}},
	}
	const voice, chat, mail, form = contact.Voice, contact.Chat, contact.Mail, contact.Form
	for _, c := range []struct {
		has  []contact.Channel
		of   contact.Channel
		room bool
	}{
		{nil, voice, true},
		{nil, form, true},
		{[]contact.Channel{chat}, chat, true},
		{[]contact.Channel{chat, chat}, chat, true},
		{[]contact.Channel{chat, chat, chat}, chat, false},
		{[]contact.Channel{chat, chat, chat, chat}, chat, false}, // the rules have changed
		{[]contact.Channel{mail}, mail, true},
		{[]contact.Channel{mail, mail}, mail, false},
		{[]contact.Channel{mail, mail}, voice, true},
		{[]contact.Channel{form, mail}, voice, true},
		{[]contact.Channel{chat}, voice, false},
		{[]contact.Channel{mail, chat}, voice, false},
		{[]contact.Channel{voice}, voice, false},
		{[]contact.Channel{voice}, mail, false},
		{[]contact.Channel{form}, form, false}, // without a rule: one, beside nothing
		{[]contact.Channel{mail}, form, false},
	} {
		if routing.Room(rules, c.has, c.of) != c.room {
			t.Errorf("%v beside %v: want room %v", c.of, c.has, c.room)
		}
	}
}

// Class, then who lost his agent, then the share of the target, then arrival: for contacts of any
// channel.
func TestCompareClaims(t *testing.T) {
	t.Parallel()
	const minute, hours, year = contact.Millis(60_000), contact.Millis(8 * 3600_000), contact.Millis(366 * 24 * 3600_000)
	for _, c := range []struct {
		name          string
		first, second routing.Claim
	}{
		{"priority before everything", routing.Claim{Class: 2, Target: minute}, routing.Claim{Class: 1, Target: minute, Waited: hours, Returned: true}},
		{"who lost his agent first in his class", routing.Claim{Returned: true, Target: hours}, routing.Claim{Target: minute, Waited: hours}},
		{"a call at 90 % before a mail at 80 %", routing.Claim{Target: minute, Waited: 54_000}, routing.Claim{Target: hours, Waited: hours * 8 / 10}},
		{"a mail at 90 % before a call at 80 %", routing.Claim{Target: hours, Waited: hours * 9 / 10}, routing.Claim{Target: minute, Waited: 48_000}},
		{"arrival at equal shares", routing.Claim{Target: 2 * minute, Waited: minute, Arrived: 1}, routing.Claim{Target: minute, Waited: minute / 2, Arrived: 2}},
		{"place at one instant", routing.Claim{Target: minute, Place: 1}, routing.Claim{Target: minute, Place: 2}},
		{"no overflow after a hundred years", routing.Claim{Target: 2, Waited: 100 * year}, routing.Claim{Target: year, Waited: 100 * year}},
		{"never queued before others", routing.Claim{Waited: 1000}, routing.Claim{Target: minute, Waited: hours}},
		{"a clock ahead counts as now", routing.Claim{Target: minute, Waited: 1, Arrived: 2}, routing.Claim{Target: minute, Waited: -5000, Arrived: 1}},
	} {
		if routing.CompareClaims(c.first, c.second) >= 0 || routing.CompareClaims(c.second, c.first) <= 0 {
			t.Errorf("%s: not so", c.name)
		}
		if routing.CompareClaims(c.first, c.first) != 0 {
			t.Errorf("%s: not equal to itself", c.name)
		}
	}
}

// Only ordinary contacts rise, at the percentage of their target, to the millisecond.
func TestRises(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name           string
		class          contact.Class
		waited, target contact.Millis
		after          uint16
		rises          bool
	}{
		{"just before", contact.ClassOrdinary, 119_999, 60_000, 200, false},
		{"just then", contact.ClassOrdinary, 120_000, 60_000, 200, true},
		{"a part of a millisecond is waited for", contact.ClassOrdinary, 1, 1, 150, false},
		{"never, when the rules do not say", contact.ClassOrdinary, 1 << 40, 1, 0, false},
		{"who is there already", contact.ClassResidentImpact, 1 << 40, 1, 100, false},
		{"the priority line has nothing above", contact.ClassPriorityLine, 1 << 40, 1, 100, false},
		{"never queued: at once", contact.ClassOrdinary, 2, 0, 150, true},
	} {
		if got := routing.Rises(c.class, c.waited, c.target, c.after); got != c.rises {
			t.Errorf("%s: got %v", c.name, got)
		}
	}
}

func TestChoose(t *testing.T) {
	t.Parallel()
	anna := routing.Candidate{Agent: "anna", Level: 3, IdleSince: 100}
	bo := routing.Candidate{Agent: "bo", Level: 3, IdleSince: 200}
	cecilia := routing.Candidate{Agent: "cecilia", Level: 2, IdleSince: 50}
	david := routing.Candidate{Agent: "david", Level: 3, IdleSince: 100}
	for _, c := range []struct {
		name       string
		candidates []routing.Candidate
		passed     contact.AgentID
		agent      contact.AgentID
		rule       contact.Rule
		count      int
	}{
		{"alone", []routing.Candidate{bo}, "", "bo", contact.OnlyCandidate, 1},
		{"level before idle time", []routing.Candidate{cecilia, bo}, "", "bo", contact.HighestLevel, 2},
		{"longest idle of one level", []routing.Candidate{bo, anna, cecilia}, "", "anna", contact.LongestIdle, 3},
		{"by name", []routing.Candidate{david, anna}, "", "anna", contact.ByName, 2},
		{"the passed over one does not count", []routing.Candidate{david, anna, bo}, "anna", "david", contact.LongestIdle, 2},
		{"all but one passed over", []routing.Candidate{anna, bo}, "anna", "bo", contact.OnlyCandidate, 1},
		{"nobody", nil, "", "", "", 0},
		{"nobody but the passed over one", []routing.Candidate{anna}, "anna", "", "", 0},
	} {
		slices.SortFunc(c.candidates, routing.Compare)
		before := slices.Clone(c.candidates)
		var passed func(contact.AgentID) bool
		if c.passed != "" {
			passed = func(id contact.AgentID) bool { return id == c.passed }
		}
		choice, found := routing.Choose(c.candidates, passed)
		if found != (c.count > 0) || choice.Agent != c.agent || choice.Rule != c.rule || choice.Candidates != c.count {
			t.Errorf("%s: got %+v", c.name, choice)
		}
		if !slices.Equal(before, c.candidates) {
			t.Errorf("%s: the list has changed", c.name)
		}
	}
}

// Names of skills come from people: no two different needs have one key.
func TestKeyTellsNeedsApart(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		needs := rapid.Custom(func(t *rapid.T) contact.Needs {
			var list []contact.Need
			for range rapid.IntRange(0, 3).Draw(t, "count") {
				list = append(list, contact.Need{
					Skill: contact.SkillID(rapid.StringMatching(`[ab"\\1]{1,3}`).Draw(t, "skill")), Level: rapid.Uint8Range(1, 12).Draw(t, "level"),
				})
			}
			return contact.NewNeeds(list...)
		})
		a, b := needs.Draw(t, "a"), needs.Draw(t, "b")
		if (routing.Key(a) == routing.Key(b)) != slices.Equal(a, b) {
			t.Fatalf("%v and %v have the keys %s and %s", a, b, routing.Key(a), routing.Key(b))
		}
	})
}

// However agents become free and busy, a ranking is what a sort of all free agents
// gives, whenever it was asked for; and the open ones are those with somebody in them.
func TestRankingsAreUpToDate(t *testing.T) {
	t.Parallel()
	asked := []struct {
		needs contact.Needs
		class contact.Class
		only  contact.AgentID
	}{
		{},
		{needs: contact.Needs{{Skill: "sv", Level: 2}}, class: contact.ClassResidentImpact},
		{needs: contact.Needs{{Skill: "sv", Level: 2}}},
		{needs: contact.Needs{{Skill: "en", Level: 1}, {Skill: "sv", Level: 1}}, class: contact.ClassPriorityLine},
		{only: "agent-3"},
	}
	type free struct {
		skills    contact.Needs
		reserved  contact.Class
		idleSince contact.Instant
	}
	rapid.Check(t, func(t *rapid.T) {
		pool, agents := routing.NewPool(), map[contact.AgentID]free{}
		rankings := map[int]*routing.Ranking{}
		for range rapid.IntRange(1, 80).Draw(t, "steps") {
			id := contact.AgentID(fmt.Sprintf("agent-%d", rapid.IntRange(0, 9).Draw(t, "agent")))
			which := rapid.IntRange(0, len(asked)-1).Draw(t, "ranking")
			switch rapid.IntRange(0, 4).Draw(t, "what") {
			case 0, 1:
				var list []contact.Need
				for _, skill := range []contact.SkillID{"en", "sv"} {
					if level := rapid.Uint8Range(0, 5).Draw(t, "level"); level > 0 {
						list = append(list, contact.Need{Skill: skill, Level: level})
					}
				}
				a := free{
					skills: contact.NewNeeds(list...), reserved: contact.Class(rapid.Uint8Range(0, 2).Draw(t, "reserved")),
					idleSince: contact.Instant(rapid.IntRange(0, 5).Draw(t, "idle")),
				}
				agents[id] = a
				pool.Free(id, a.skills, a.reserved, a.idleSince)
			case 2:
				delete(agents, id)
				pool.Busy(id)
			case 3:
				if a := asked[which]; rankings[which] == nil && a.only != "" {
					rankings[which] = pool.UseOnly(a.only)
				} else if rankings[which] == nil {
					rankings[which] = pool.Use(a.needs, a.class)
				}
			case 4:
				if rankings[which] != nil {
					pool.Release(rankings[which])
					delete(rankings, which)
				}
			}
			if pool.Len() != len(agents) {
				t.Fatalf("%d are free, the pool says %d", len(agents), pool.Len())
			}
			open := 0
			for which, ranking := range rankings {
				var want []routing.Candidate
				for id, a := range agents {
					level, eligible := routing.Level(a.skills, asked[which].needs)
					if only := asked[which].only; only == id || only == "" && eligible && a.reserved <= asked[which].class {
						want = append(want, routing.Candidate{Agent: id, Level: level, IdleSince: a.idleSince})
					}
				}
				slices.SortFunc(want, routing.Compare)
				if !slices.Equal(ranking.Sorted(), want) {
					t.Fatalf("for %v: got %v, want %v", asked[which], ranking.Sorted(), want)
				}
				if len(want) > 0 {
					open++
				}
				if slices.Contains(pool.Open(), ranking) != (len(want) > 0) {
					t.Fatalf("for %v: %d are in it, open is %v", asked[which], len(want), len(want) == 0)
				}
			}
			if len(pool.Open()) != open {
				t.Fatalf("%d rankings are open, the pool says %d", open, len(pool.Open()))
			}
		}
	})
}

// Two who use one ranking share it, and it stays until both have released it.
func TestRankingIsShared(t *testing.T) {
	t.Parallel()
	pool := routing.NewPool()
	needs := contact.Needs{{Skill: "sv", Level: 1}}
	a, b := pool.Use(needs, 0), pool.Use(needs, 0)
	if a != b {
		t.Fatal("two rankings for the same needs")
	}
	pool.Release(a)
	pool.Free("anna", needs, 0, 1)
	if len(b.Sorted()) != 1 {
		t.Error("a ranking in use is not kept up to date")
	}
	pool.Release(b)
	pool.Busy("anna")
	if len(pool.Use(needs, 0).Sorted()) != 0 {
		t.Error("a released ranking was used again as it was")
	}
}

// An agent becomes free and busy among 500, with 30 rankings in use.
func BenchmarkPoolFreeAndBusy(b *testing.B) {
	pool := routing.NewPool()
	skills := func(n int) contact.Needs {
		return contact.NewNeeds(
			contact.Need{Skill: contact.SkillID(fmt.Sprintf("skill-%d", n%30)), Level: uint8(1 + n%5)},
			contact.Need{Skill: contact.SkillID(fmt.Sprintf("skill-%d", (n+7)%30)), Level: uint8(1 + n%3)},
		)
	}
	for n := range 30 {
		pool.Use(contact.Needs{{Skill: contact.SkillID(fmt.Sprintf("skill-%d", n)), Level: 1}}, 0)
	}
	for n := range 500 {
		pool.Free(contact.AgentID(fmt.Sprintf("agent-%d", n)), skills(n), 0, contact.Instant(n))
	}
	n := 0
	for b.Loop() {
		id := contact.AgentID(fmt.Sprintf("agent-%d", n%500))
		pool.Busy(id)
		pool.Free(id, skills(n%500), 0, contact.Instant(1000+n))
		n++
	}
}
