package configs

import (
	"fmt"
	"time"

	"svar/contact"
)

// maxHoursSets bounds the named hours: the rules are recorded whole, and holidays of many years are
// much of them. The engine takes no more windows and exceptions than these, holidays and eves among them.
const (
	maxHoursSets  = 6
	maxExceptions = 400
	maxWindows    = 12 // of a day
)

func (c *checker) openingHours(config Config) {
	c.hours("$.hours", config.Hours)
	if n := len(config.HoursSets); n > maxHoursSets {
		c.fault("$.hours_sets", "there are %d sets of opening hours; %d is the most", n, maxHoursSets)
	}
	c.hoursIDs[DeskHours] = true // taken by the desk's own
	for i, set := range config.HoursSets {
		path := fmt.Sprintf("$.hours_sets[%d]", i)
		id(c, path, "set of opening hours", set.ID, c.hoursIDs)
		c.hours(path, set.hours())
	}
}

// hoursID says whether there are hours of the name; none is needed.
func (c *checker) hoursID(path string, hours contact.HoursID) {
	if hours != "" && !c.hoursIDs[hours] {
		c.fault(path+".hours", "there are no opening hours %q in hours_sets", hours)
	}
}

func (c *checker) hours(path string, hours Hours) {
	opens := false
	windowsAt := func(path string, texts []string) {
		for i, text := range texts {
			if _, err := readWindow(text); err != nil {
				c.fault(fmt.Sprintf("%s[%d]", path, i), "%v", err)
				return
			}
		}
		if _, err := windows(texts); err != nil {
			c.fault(path, "%v", err)
		}
		if n := len(texts); n > maxWindows {
			c.fault(path, "there are %d windows of a day; %d is the most", n, maxWindows)
		}
		opens = opens || len(texts) > 0
	}
	windowsAt(path+".weekly.everyday", hours.Weekly.Everyday)
	for day, texts := range hours.Weekly.days() {
		windowsAt(path+".weekly."+weekdays[day], texts)
	}
	if !opens {
		c.fault(path+".weekly", "it opens on no day of the week")
	}
	windowsAt(path+".weekly.holiday", hours.Weekly.Holiday)
	windowsAt(path+".weekly.eve", hours.Weekly.Eve)
	if n := len(hours.Opening().Exceptions); n > maxExceptions {
		c.fault(path+".exceptions", "there are %d exceptions, with the holidays and eves of all years; %d is the most", n, maxExceptions)
	}
	seen := map[contact.Date]bool{}
	for i, exception := range hours.Exceptions {
		at := fmt.Sprintf("%s.exceptions[%d]", path, i)
		date, err := readDate(exception.Date)
		switch {
		case err != nil:
			c.fault(at+".date", "%v", err)
		case seen[date]:
			c.fault(at+".date", "there are two exceptions for %s", exception.Date)
		}
		seen[date] = true
		if exception.Open == nil {
			c.fault(at, "an exception needs open; an empty list is a closed day")
		}
		windowsAt(at+".open", exception.Open)
	}
}

// weekdays are the keys of [Weekly], in the order of [time.Weekday].
var weekdays = [...]string{
	time.Sunday: "sunday", time.Monday: "monday", time.Tuesday: "tuesday", time.Wednesday: "wednesday",
	time.Thursday: "thursday", time.Friday: "friday", time.Saturday: "saturday",
}
