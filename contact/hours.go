package contact

import (
	"time"
	_ "time/tzdata" // a bare machine has no time zones
)

// Window is a part of a day, as [From, To), in time of day; To may be 24 h.
type Window struct{ From, To time.Duration }

// Date is a day of the calendar.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// Hours are opening hours (requirement 3.1a) in a time zone. The zero value is never open.
type Hours struct {
	Zone *time.Location
	// Weekly are the windows of each weekday, sorted, not overlapping.
	Weekly [7][]Window
	// Exceptions replace a date's windows; an empty list is a closed day.
	Exceptions map[Date][]Window
}

// on returns the windows of the day of t, which is in the zone.
func (h Hours) on(t time.Time) []Window {
	if windows, is := h.Exceptions[Date{t.Year(), t.Month(), t.Day()}]; is {
		return windows
	}
	return h.Weekly[t.Weekday()]
}

// bounds returns the window's instants on the day of t. Times of day are those that clocks
// show: on the days when they are changed too.
func (w Window) bounds(t time.Time) (from, to time.Time) {
	at := func(d time.Duration) time.Time {
		return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, int(d), t.Location())
	}
	return at(w.From), at(w.To)
}

// Open reports whether the desk is open at t.
func (h Hours) Open(t time.Time) bool {
	if h.Zone == nil {
		return false
	}
	t = t.In(h.Zone)
	for _, window := range h.on(t) {
		if from, to := window.bounds(t); !t.Before(from) && t.Before(to) {
			return true
		}
	}
	return false
}

// searchDays is how far opening hours are looked ahead.
const searchDays = 400

// Next returns when the desk opens next at or after t; t itself while it is open. False
// says that it does not open within 400 days.
func (h Hours) Next(t time.Time) (time.Time, bool) {
	found, at := false, time.Time{}
	h.walk(t, func(from, _ time.Time) bool {
		found, at = true, from
		return false
	})
	return at, found
}

// Due returns when so much service time has passed since t. Without service time within
// 400 days it is t and the target.
func (h Hours) Due(t time.Time, target time.Duration) time.Time {
	left, due := target, t.Add(target)
	h.walk(t, func(from, to time.Time) bool {
		if open := to.Sub(from); open < left {
			left -= open
			return true
		}
		due = from.Add(left)
		return false
	})
	return due
}

// walk hands what is left of the open windows from t on to visit until it returns false.
func (h Hours) walk(t time.Time, visit func(from, to time.Time) bool) {
	if h.Zone == nil {
		return
	}
	t = t.In(h.Zone)
	for day := range searchDays {
		date := time.Date(t.Year(), t.Month(), t.Day()+day, 0, 0, 0, 0, h.Zone)
		for _, window := range h.on(date) {
			from, to := window.bounds(date)
			if from.Before(t) {
				from = t
			}
			if from.Before(to) && !visit(from, to) {
				return
			}
		}
	}
}
