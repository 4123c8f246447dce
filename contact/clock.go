package contact

import (
	"fmt"
	"slices"
	"sort"
	"time"
)

// Clock counts service time: the time in which the opening hours that it was made of are open. It
// keeps the days that it was asked about, so that a reading costs no calendar. A Clock must not be
// used concurrently.
type Clock struct {
	hours Hours
	// days are those from the day first on, without a gap.
	days  []serviceDay
	first int
	// recent is the index of the day that was read last.
	recent int
}

// serviceDay is one day of a clock.
type serviceDay struct {
	starts Instant
	// before and upto are the readings at its beginning and its end.
	before, upto Millis
	open         []openSpan
}

// openSpan is [from, to).
type openSpan struct{ from, to Instant }

// dueDays is how many days after its beginning a time is found that a clock has to count: who is
// open for an hour a week counts three weeks of time in ten years.
const dueDays = 3660

// dayAhead is how many days a clock takes in at once.
const dayAhead = 32

// NewClock returns the clock of the opening hours. An error says what is wrong with the rule.
func NewClock(rule HoursRule) (*Clock, error) {
	hours, err := rule.Hours()
	if err != nil {
		return nil, err
	}
	return &Clock{hours: hours}, nil
}

// At returns what the clock shows at t. Readings are counted from an instant that each clock chooses
// for itself, so that only differences of one clock's readings mean something.
func (c *Clock) At(t Instant) Millis {
	day := &c.days[c.locate(t)]
	reading := day.before
	for _, open := range day.open {
		reading += min(t, open.to).Sub(min(t, open.from))
	}
	return reading
}

// Due returns when the clock will have counted so much since from: the first such instant. False
// says that it does not within ten years. Nothing to count is due at once.
func (c *Clock) Due(from Instant, after Millis) (Instant, bool) {
	if after <= 0 {
		return from, true
	}
	want := c.At(from) + after
	last := c.recent + dueDays
	for len(c.days) <= last && c.days[len(c.days)-1].upto < want {
		c.extend()
	}
	at := sort.Search(len(c.days), func(i int) bool { return c.days[i].upto >= want })
	if at > last || at == len(c.days) {
		return 0, false
	}
	left := want - c.days[at].before
	for _, open := range c.days[at].open {
		if length := open.to.Sub(open.from); length < left {
			left -= length
			continue
		}
		return open.from.Add(left), true
	}
	return 0, false // a day counts what its spans do
}

// locate returns the index of the day of t, which it takes in when it is new.
func (c *Clock) locate(t Instant) int {
	if c.recent+1 < len(c.days) && c.days[c.recent].starts <= t && t < c.days[c.recent+1].starts {
		return c.recent
	}
	number := dayNumber(t.Time().In(c.hours.Zone))
	if len(c.days) == 0 {
		c.first = number
		c.days = append(c.days, c.day(number, 0))
	}
	for number >= c.first+len(c.days)-1 { // the next day is there as well: its beginning ends this one
		c.extend()
	}
	if number < c.first {
		c.extendBack(number)
	}
	c.recent = number - c.first
	return c.recent
}

// extend takes in the days that follow.
func (c *Clock) extend() {
	for range dayAhead {
		c.days = append(c.days, c.day(c.first+len(c.days), c.days[len(c.days)-1].upto))
	}
}

// extendBack takes in the days before the first one, from that of the number on. What the clock
// showed stays.
func (c *Clock) extendBack(number int) {
	earlier := make([]serviceDay, 0, c.first-number+len(c.days))
	upto := c.days[0].before
	for n := c.first - 1; n >= number; n-- {
		day := c.day(n, 0)
		day.before, day.upto = upto-day.upto, upto
		upto = day.before
		earlier = append(earlier, day)
	}
	slices.Reverse(earlier)
	c.days, c.first = append(earlier, c.days...), number
}

// day returns the day of the number, at whose beginning the clock shows before.
func (c *Clock) day(number int, before Millis) serviceDay {
	date := time.Date(1970, time.January, 1+number, 0, 0, 0, 0, c.hours.Zone)
	day := serviceDay{starts: InstantOf(date), before: before, upto: before}
	for _, window := range c.hours.on(date) {
		from, to := window.bounds(date)
		if from.Before(to) { // a window may vanish when clocks are put forward
			span := openSpan{from: InstantOf(from), to: InstantOf(to)}
			day.open = append(day.open, span)
			day.upto += span.to.Sub(span.from)
		}
	}
	return day
}

// dayNumber counts the days of the calendar from 1970-01-01 on, which is 0.
func dayNumber(t time.Time) int {
	seconds := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC).Unix()
	return int(seconds / (24 * 3600)) // whole days, also before 1970
}

// Hours returns the rule's opening hours. An error says which zone, date or window is wrong.
func (r HoursRule) Hours() (Hours, error) {
	zone, err := time.LoadLocation(r.Zone)
	if err != nil || r.Zone == "" || r.Zone == "Local" {
		return Hours{}, fmt.Errorf("opening hours %s: the time zone %q is unknown", r.ID, r.Zone)
	}
	hours := Hours{Zone: zone, Exceptions: make(map[Date][]Window, len(r.Exceptions))}
	for weekday, windows := range r.Weekly {
		if hours.Weekly[weekday], err = windowsOf(windows); err != nil {
			return Hours{}, fmt.Errorf("opening hours %s, %s: %w", r.ID, time.Weekday(weekday), err)
		}
	}
	for i, exception := range r.Exceptions {
		day, err := time.Parse(time.DateOnly, exception.Date)
		if err != nil {
			return Hours{}, fmt.Errorf("opening hours %s: %q is no date", r.ID, exception.Date)
		}
		if i > 0 && exception.Date <= r.Exceptions[i-1].Date {
			return Hours{}, fmt.Errorf("opening hours %s: the dates are not sorted at %s", r.ID, exception.Date)
		}
		windows, err := windowsOf(exception.Open)
		if err != nil {
			return Hours{}, fmt.Errorf("opening hours %s, %s: %w", r.ID, exception.Date, err)
		}
		hours.Exceptions[Date{day.Year(), day.Month(), day.Day()}] = windows
	}
	return hours, nil
}

// windowsOf wants them inside the day, sorted, and not overlapping.
func windowsOf(list []DayWindow) ([]Window, error) {
	windows := make([]Window, 0, len(list))
	for i, w := range list {
		if w.From < 0 || w.From >= w.To || w.To > 24*3600_000 || i > 0 && w.From < list[i-1].To {
			return nil, fmt.Errorf("the window from %v to %v is not inside the day and after the one before", w.From.Duration(), w.To.Duration())
		}
		windows = append(windows, Window{From: w.From.Duration(), To: w.To.Duration()})
	}
	return windows, nil
}
