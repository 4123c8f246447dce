package contact_test

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"svar/contact"
)

func window(from, to time.Duration) contact.DayWindow {
	return contact.DayWindow{From: contact.MillisOf(from), To: contact.MillisOf(to)}
}

// deskRule is 07–22 every day, closed on 24 December 2026.
func deskRule() contact.HoursRule {
	rule := contact.HoursRule{ID: "desk", Zone: "Europe/Stockholm", Exceptions: []contact.DayException{{Date: "2026-12-24"}}}
	for day := range rule.Weekly {
		rule.Weekly[day] = []contact.DayWindow{window(7*time.Hour, 22*time.Hour)}
	}
	return rule
}

func newClock(t interface {
	Helper()
	Fatal(args ...any)
}, rule contact.HoursRule,
) *contact.Clock {
	t.Helper()
	clock, err := contact.NewClock(rule)
	if err != nil {
		t.Fatal(err)
	}
	return clock
}

func TestClockCountsServiceTime(t *testing.T) {
	t.Parallel()
	allDay := contact.HoursRule{ID: "always", Zone: "Europe/Stockholm"}
	for day := range allDay.Weekly {
		allDay.Weekly[day] = []contact.DayWindow{window(0, 24*time.Hour)}
	}
	for _, c := range []struct {
		name     string
		rule     contact.HoursRule
		from, to string
		counts   time.Duration
	}{
		{"half an hour before closing is half an hour at opening", deskRule(), "2026-11-24 21:30:00", "2026-11-25 07:00:00", 30 * time.Minute},
		{"within the day", deskRule(), "2026-11-24 08:00:00", "2026-11-24 09:00:00", time.Hour},
		{"closed all the while", deskRule(), "2026-11-24 22:00:00", "2026-11-25 06:59:59", 0},
		{"over a holiday", deskRule(), "2026-12-23 21:00:00", "2026-12-25 08:00:00", 2 * time.Hour},
		{"a day of 25 hours", allDay, "2026-10-25 00:00:00", "2026-10-26 00:00:00", 25 * time.Hour},
		{"a day of 23 hours", allDay, "2026-03-29 00:00:00", "2026-03-30 00:00:00", 23 * time.Hour},
		{"the desk's day is 15 hours on both", deskRule(), "2026-10-25 00:00:00", "2026-10-26 00:00:00", 15 * time.Hour},
		{"years", deskRule(), "2025-01-01 00:00:00", "2026-01-01 00:00:00", 365 * 15 * time.Hour},
	} {
		// Whichever end is asked for first.
		for _, backwards := range []bool{false, true} {
			clock := newClock(t, c.rule)
			from, to := contact.InstantOf(at(t, c.from)), contact.InstantOf(at(t, c.to))
			if backwards {
				clock.At(to)
			}
			if got := clock.At(from); clock.At(to)-got != contact.MillisOf(c.counts) {
				t.Errorf("%s: %v, want %v", c.name, (clock.At(to) - got).Duration(), c.counts)
			}
		}
	}
}

// Whatever the hours are and whatever was asked before, a clock agrees with the walk over the days of
// [contact.Hours.Due], and shows at that instant what it should.
func TestClockAgreesWithHours(t *testing.T) {
	t.Parallel()
	begin := at(t, "2026-03-20 00:00:00")
	rapid.Check(t, func(t *rapid.T) {
		rule := contact.HoursRule{ID: "some", Zone: rapid.SampledFrom([]string{"Europe/Stockholm", "UTC", "America/Sao_Paulo", "Australia/Lord_Howe"}).Draw(t, "zone")}
		weekly := false
		for day := range rule.Weekly {
			last := contact.Millis(0)
			for range rapid.IntRange(0, 2).Draw(t, "windows") {
				from := last + contact.Millis(rapid.IntRange(0, 8*3600_000).Draw(t, "from"))
				last = from + contact.Millis(rapid.IntRange(2*3600_000, 4*3600_000).Draw(t, "open"))
				weekly = true
				rule.Weekly[day] = append(rule.Weekly[day], contact.DayWindow{From: from, To: last})
			}
		}
		rule.Exceptions = []contact.DayException{{Date: "2026-03-29", Open: []contact.DayWindow{window(90*time.Minute, 150*time.Minute)}}, {Date: "2026-04-03"}}
		clock := newClock(t, rule)
		hours, err := rule.Hours()
		if err != nil {
			t.Fatal(err)
		}
		for range 10 {
			from := contact.InstantOf(begin).Add(contact.Millis(rapid.IntRange(-40*24*3600_000, 40*24*3600_000).Draw(t, "from")))
			after := contact.Millis(rapid.IntRange(1, 60*3600_000).Draw(t, "after"))
			if !weekly { // only one day may be open, for an hour
				if due, some := clock.Due(from, 2*3600_000); some {
					t.Fatalf("due at %d, and it opens no more", due)
				}
				continue
			}
			due, some := clock.Due(from, after)
			if want := contact.InstantOf(hours.Due(from.Time(), after.Duration())); due != want || !some {
				t.Fatalf("%d after %d is due at %d (%v), want %d", after, from, due, some, want)
			}
			if got := clock.At(due) - clock.At(from); got != after || clock.At(due-1)-clock.At(from) != after-1 {
				t.Fatalf("from %d to %d it counts %d, want %d", from, due, got, after)
			}
		}
	})
}

func TestClockThatNeverOpens(t *testing.T) {
	t.Parallel()
	clock := newClock(t, contact.HoursRule{ID: "never", Zone: "UTC"})
	if due, some := clock.Due(1, 1); some {
		t.Errorf("due at %d", due)
	}
	if due, some := clock.Due(5, 0); !some || due != 5 {
		t.Errorf("nothing to count is due at %d (%v)", due, some)
	}
}

func TestHoursRuleRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*contact.HoursRule)
		says   string
	}{
		"an unknown zone":        {func(r *contact.HoursRule) { r.Zone = "Europe/Atlantis" }, "Atlantis"},
		"no zone":                {func(r *contact.HoursRule) { r.Zone = "" }, "zone"},
		"the machine's zone":     {func(r *contact.HoursRule) { r.Zone = "Local" }, "zone"},
		"a window of nothing":    {func(r *contact.HoursRule) { r.Weekly[1] = []contact.DayWindow{window(time.Hour, time.Hour)} }, "Monday"},
		"a window over midnight": {func(r *contact.HoursRule) { r.Weekly[0] = []contact.DayWindow{window(23*time.Hour, 25*time.Hour)} }, "Sunday"},
		"before the day":         {func(r *contact.HoursRule) { r.Weekly[0] = []contact.DayWindow{window(-time.Hour, time.Hour)} }, "Sunday"},
		"windows that overlap": {func(r *contact.HoursRule) {
			r.Weekly[2] = []contact.DayWindow{window(time.Hour, 3*time.Hour), window(2*time.Hour, 4*time.Hour)}
		}, "Tuesday"},
		"no date":           {func(r *contact.HoursRule) { r.Exceptions[0].Date = "2026-02-30" }, "2026-02-30"},
		"dates in disorder": {func(r *contact.HoursRule) { r.Exceptions = append(r.Exceptions, r.Exceptions[0]) }, "sorted"},
		"a window of a date": {func(r *contact.HoursRule) {
			r.Exceptions[0].Open = []contact.DayWindow{window(2*time.Hour, time.Hour)}
		}, "2026-12-24"},
	} {
		rule := deskRule()
		c.change(&rule)
		if _, err := contact.NewClock(rule); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
