package configs

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"svar/contact"
)

// zoneName is where the desk's clocks hang.
const zoneName = "Europe/Stockholm"

// DeskHours names [Config.Hours] among the hours of the rules.
const DeskHours contact.HoursID = "desk"

// HoursSet are opening hours that entrances name.
type HoursSet struct {
	ID         contact.HoursID `yaml:"id"`
	Weekly     Weekly          `yaml:"weekly"`
	Exceptions []Exception     `yaml:"exceptions"`
}

// Hours are opening hours (requirement 3.1a), in [zoneName].
type Hours struct {
	Weekly     Weekly      `yaml:"weekly"`
	Exceptions []Exception `yaml:"exceptions"`
}

// Weekly are the windows of each day, written as 07:00-22:00. A day that is not set has
// those of Everyday; an empty list is a closed day.
type Weekly struct {
	Everyday  []string `yaml:"everyday"`
	Monday    []string `yaml:"monday"`
	Tuesday   []string `yaml:"tuesday"`
	Wednesday []string `yaml:"wednesday"`
	Thursday  []string `yaml:"thursday"`
	Friday    []string `yaml:"friday"`
	Saturday  []string `yaml:"saturday"`
	Sunday    []string `yaml:"sunday"`
	// Holiday and Eve replace the windows of Sweden's public holidays, and of the eves on which
	// most people are off, from 2026 to 2040. Not set, those are days like others.
	Holiday []string `yaml:"holiday"`
	Eve     []string `yaml:"eve"`
}

// Exception replaces the windows of a date, 2026-12-24. An empty list is a closed day.
type Exception struct {
	Date string   `yaml:"date"`
	Open []string `yaml:"open"`
}

// days returns the windows as they are set, in the order of [time.Weekday].
func (w Weekly) days() [7][]string {
	return [...][]string{w.Sunday, w.Monday, w.Tuesday, w.Wednesday, w.Thursday, w.Friday, w.Saturday}
}

// Opening returns the hours in the form that is counted with.
func (h Hours) Opening() contact.Hours {
	zone, err := time.LoadLocation(zoneName)
	if err != nil {
		return contact.Hours{} // never: the zones are built in
	}
	opening := contact.Hours{Zone: zone, Exceptions: map[contact.Date][]contact.Window{}}
	for day, set := range h.Weekly.days() {
		if set == nil {
			set = h.Weekly.Everyday
		}
		opening.Weekly[day], _ = windows(set) // the configuration was checked
	}
	h.Weekly.festive(&opening)
	for _, exception := range h.Exceptions { // the date itself says more than what is celebrated on it
		if date, err := readDate(exception.Date); err == nil {
			opening.Exceptions[date], _ = windows(exception.Open)
		}
	}
	return opening
}

// HoursOf returns the hours that an entrance names; the desk's when it names none.
func (c Config) HoursOf(id contact.HoursID) contact.Hours {
	for _, set := range c.HoursSets {
		if set.ID == id {
			return set.hours().Opening()
		}
	}
	return c.Hours.Opening()
}

// ClockOf returns the name in the rules of the hours that an entrance names.
func ClockOf(id contact.HoursID) contact.HoursID {
	if id == "" {
		return DeskHours
	}
	return id
}

// StillCounted returns the hours that a text counts in which was taken in under another configuration: the desk's when there are none
// of the name any more. Without a name it counts all of time, as it did then.
func (c Config) StillCounted(id contact.HoursID) contact.HoursID {
	if id == "" || id == DeskHours || slices.ContainsFunc(c.HoursSets, func(s HoursSet) bool { return s.ID == id }) {
		return id
	}
	return DeskHours
}

func (s HoursSet) hours() Hours { return Hours{Weekly: s.Weekly, Exceptions: s.Exceptions} }

// hoursRules returns all opening hours as the engine counts in them, sorted by id.
func (c Config) hoursRules() []contact.HoursRule {
	rules := []contact.HoursRule{hoursRule(DeskHours, c.Hours.Opening())}
	for _, set := range c.HoursSets {
		rules = append(rules, hoursRule(set.ID, set.hours().Opening()))
	}
	slices.SortFunc(rules, func(a, b contact.HoursRule) int { return cmp.Compare(a.ID, b.ID) })
	return rules
}

func hoursRule(id contact.HoursID, hours contact.Hours) contact.HoursRule {
	rule := contact.HoursRule{ID: id, Zone: zoneName}
	for day, windows := range hours.Weekly {
		rule.Weekly[day] = dayWindows(windows)
	}
	for date, windows := range hours.Exceptions {
		rule.Exceptions = append(rule.Exceptions, contact.DayException{Date: writtenDate(date), Open: dayWindows(windows)})
	}
	slices.SortFunc(rule.Exceptions, func(a, b contact.DayException) int { return cmp.Compare(a.Date, b.Date) })
	return rule
}

func dayWindows(windows []contact.Window) []contact.DayWindow {
	out := make([]contact.DayWindow, 0, len(windows))
	for _, window := range windows {
		out = append(out, contact.DayWindow{From: contact.MillisOf(window.From), To: contact.MillisOf(window.To)})
	}
	return out
}

// windows reads the windows of a day and sorts them.
func windows(texts []string) ([]contact.Window, error) {
	found := make([]contact.Window, 0, len(texts))
	for _, text := range texts {
		window, err := readWindow(text)
		if err != nil {
			return nil, err
		}
		found = append(found, window)
	}
	slices.SortFunc(found, func(a, b contact.Window) int { return cmp.Compare(a.From, b.From) })
	for i := 1; i < len(found); i++ {
		if found[i].From < found[i-1].To {
			return nil, fmt.Errorf("the windows of a day overlap")
		}
	}
	return found, nil
}

// readWindow reads 07:00-22:00.
func readWindow(text string) (contact.Window, error) {
	fault := fmt.Errorf("%q is no window of a day; write it as 07:00-22:00", text)
	begin, end, two := strings.Cut(strings.ReplaceAll(text, "–", "-"), "-")
	from, fromRight := timeOfDay(begin)
	to, toRight := timeOfDay(end)
	if !two || !fromRight || !toRight {
		return contact.Window{}, fault
	}
	if from >= to {
		return contact.Window{}, fmt.Errorf("the window %q ends before it begins; one over midnight is written as two", text)
	}
	return contact.Window{From: from, To: to}, nil
}

// timeOfDay reads 07:00; the end of a day is 24:00.
func timeOfDay(text string) (time.Duration, bool) {
	hourText, minuteText, _ := strings.Cut(strings.TrimSpace(text), ":")
	hour, hourErr := strconv.ParseUint(hourText, 10, 8)
	minute, minuteErr := strconv.ParseUint(minuteText, 10, 8)
	if hourErr != nil || minuteErr != nil || len(hourText) != 2 || len(minuteText) != 2 || minute > 59 || hour*60+minute > 24*60 {
		return 0, false
	}
	return time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute, true
}

// readDate reads 2026-12-24.
func readDate(text string) (contact.Date, error) {
	date, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return contact.Date{}, fmt.Errorf("%q is no date; write it as 2026-12-24", text)
	}
	return dateOf(date), nil
}

func dateOf(t time.Time) contact.Date {
	return contact.Date{Year: t.Year(), Month: t.Month(), Day: t.Day()}
}

func writtenDate(d contact.Date) string { return fmt.Sprintf("%04d-%02d-%02d", d.Year, d.Month, d.Day) }
