package configs_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"svar/configs"
	"svar/contact"
)

func load(t *testing.T, text string) configs.Config {
	t.Helper()
	config, err := configs.Load(write(t, text), noEnv)
	if err != nil {
		t.Fatal(err)
	}
	return config
}

// Requirement 3.1a, in winter and in summer.
func TestDefaultHoursAreSevenToTwentyTwoInStockholm(t *testing.T) {
	t.Parallel()
	hours := load(t, "").Hours.Opening()
	for text, want := range map[string]bool{
		"2026-11-29T05:59:59Z": false, "2026-11-29T06:00:00Z": true, "2026-11-29T20:59:59Z": true, "2026-11-29T21:00:00Z": false,
		"2026-07-06T04:59:59Z": false, "2026-07-06T05:00:00Z": true, "2026-07-06T19:59:59Z": true, "2026-07-06T20:00:00Z": false,
		"2026-12-25T12:00:00Z": true,
	} {
		if moment, err := time.Parse(time.RFC3339, text); err != nil || hours.Open(moment) != want {
			t.Errorf("%s: open is %t, want %t, %v", text, !want, want, err)
		}
	}
}

func TestWeekdayAndDateReplaceEveryday(t *testing.T) {
	t.Parallel()
	hours := load(t, `hours:
  weekly:
    saturday: ["13:00-16:00", "10:00–12:00"]
    sunday: []
  exceptions:
    - {date: 2026-12-24, open: []}
    - {date: 2026-12-27, open: ["09:00-24:00"]}
`).Hours.Opening()
	for text, want := range map[string]bool{
		"2026-11-27T11:30:00Z": true,  // Friday: everyday
		"2026-11-28T08:30:00Z": false, // Saturday
		"2026-11-28T10:30:00Z": true,
		"2026-11-28T11:30:00Z": false,
		"2026-11-28T14:30:00Z": true,
		"2026-11-29T11:00:00Z": false, // Sunday
		"2026-12-24T11:00:00Z": false,
		"2026-12-27T22:59:59Z": true, // a Sunday with hours of its own
		"2026-12-27T23:00:00Z": false,
	} {
		if moment, err := time.Parse(time.RFC3339, text); err != nil || hours.Open(moment) != want {
			t.Errorf("%s: open is %t, want %t, %v", text, !want, want, err)
		}
	}
}

// on reports whether hours are open at a time of the clocks in Stockholm.
func on(t *testing.T, hours contact.Hours, text string) bool {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Stockholm")
	if err != nil {
		t.Fatal(err)
	}
	moment, err := time.ParseInLocation("2006-01-02 15:04:05", text, zone)
	if err != nil {
		t.Fatal(err)
	}
	return hours.Open(moment)
}

// Requirement 3.1a: every day, Sundays and holidays too, and on both days of the clocks' change.
func TestDefaultHoursHoldEveryDay(t *testing.T) {
	t.Parallel()
	hours := load(t, "").Hours.Opening()
	for _, day := range []string{
		"2026-11-29", "2026-12-24", "2026-12-25", "2026-12-26", "2027-03-28", "2026-10-25", "2027-06-26", "2027-01-01", "2027-05-16",
	} {
		for clock, want := range map[string]bool{"06:59:59": false, "07:00:00": true, "21:59:59": true, "22:00:00": false} {
			if on(t, hours, day+" "+clock) != want {
				t.Errorf("%s %s: open is %t, want %t", day, clock, !want, want)
			}
		}
	}
}

// Easter Sunday (påskdagen) of 2027 is 28 March, Midsummer's Day (midsommardagen) 26 June.
func TestHolidaysAndEvesReplaceTheirDays(t *testing.T) {
	t.Parallel()
	config := load(t, `hours_sets:
  - id: office
    weekly: {everyday: ["08:00-17:00"], sunday: [], holiday: ["10:00-12:00"], eve: []}
    exceptions: [{date: 2027-06-25, open: ["08:00-09:00"]}, {date: 2026-12-25, open: []}]
`)
	hours := config.HoursOf("office")
	for _, holiday := range []string{
		"2027-01-01", "2027-01-06", "2027-03-26", "2027-03-28", "2027-03-29", "2027-05-01", "2027-05-06", "2027-05-16",
		"2027-06-06", "2027-06-26", "2027-11-06", "2027-12-25", "2026-12-26", "2040-12-26",
	} {
		for clock, want := range map[string]bool{"09:59:59": false, "10:00:00": true, "11:59:59": true, "12:00:00": false, "16:00:00": false} {
			if on(t, hours, holiday+" "+clock) != want {
				t.Errorf("%s %s: open is %t, want %t", holiday, clock, !want, want)
			}
		}
	}
	for text, want := range map[string]bool{
		"2026-12-24 10:30:00": false, "2026-12-31 10:30:00": false, // eves
		"2026-12-25 10:30:00": false, "2027-06-25 08:30:00": true, // a date of its own says more
		"2027-03-27 08:00:00": true, "2027-04-04 10:30:00": false, // påskafton is an ordinary Saturday, and this an ordinary Sunday
	} {
		if on(t, hours, text) != want {
			t.Errorf("%s: open is %t, want %t", text, !want, want)
		}
	}
	if desk := config.HoursOf(""); !on(t, desk, "2027-03-28 21:30:00") {
		t.Error("the desk has the holidays of another set")
	}
	if configs.ClockOf("") != "desk" || configs.ClockOf("office") != "office" {
		t.Error("the clocks of texts have other names than the hours of the rules")
	}
}

// The engine counts in the hours that the doors open by: the rules hold the same ones.
func TestHoursOfTheRulesAreThoseOfTheDoors(t *testing.T) {
	t.Parallel()
	config := load(t, `hours:
  weekly: {everyday: ["07:00-22:00"], sunday: ["13:00-16:00", "10:00-12:00"], holiday: []}
  exceptions: [{date: 2026-12-24, open: ["09:00-24:00"]}]
`)
	rule := config.Rules().Hours[0]
	const minute = contact.Millis(60_000)
	sunday := []contact.DayWindow{{From: 600 * minute, To: 720 * minute}, {From: 780 * minute, To: 960 * minute}}
	if rule.ID != "desk" || rule.Zone != "Europe/Stockholm" || !reflect.DeepEqual(rule.Weekly[time.Sunday], sunday) {
		t.Errorf("the rule is %+v", rule)
	}
	found := map[string][]contact.DayWindow{}
	for i, exception := range rule.Exceptions {
		if i > 0 && exception.Date <= rule.Exceptions[i-1].Date {
			t.Errorf("%s stands after %s", exception.Date, rule.Exceptions[i-1].Date)
		}
		found[exception.Date] = exception.Open
	}
	if !reflect.DeepEqual(found["2026-12-24"], []contact.DayWindow{{From: 540 * minute, To: 1440 * minute}}) {
		t.Errorf("Christmas Eve is %+v", found["2026-12-24"])
	}
	if open, is := found["2027-03-28"]; !is || len(open) > 0 {
		t.Errorf("Easter Sunday is %+v, %t", open, is)
	}
}

// manyWindows are so many windows of a day, and manyDates so many exceptions that are no holidays.
func manyWindows(n int) string {
	var windows []string
	for i := range n {
		windows = append(windows, fmt.Sprintf("%q", fmt.Sprintf("%02d:00-%02d:30", i, i)))
	}
	return strings.Join(windows, ", ")
}

func manyDates(n int) string {
	var dates []string
	for i := range n {
		dates = append(dates, fmt.Sprintf("{date: %s, open: []}", time.Date(2050, 1, 1+i, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)))
	}
	return strings.Join(dates, ", ")
}

func TestHoursThatMakeNoSense(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		text string
		want []string
	}{
		"no window":        {"hours: {weekly: {everyday: [\"07-22\"]}}\n", []string{"own.yaml:1:29:", "07:00-22:00"}},
		"no such minute":   {"hours: {weekly: {everyday: [\"07:60-22:00\"]}}\n", []string{"own.yaml:1:29:", "is no window"}},
		"after midnight":   {"hours: {weekly: {everyday: [\"07:00-24:01\"]}}\n", []string{"own.yaml:1:29:", "is no window"}},
		"backwards":        {"hours:\n  weekly:\n    monday:\n      - 22:00-07:00\n", []string{"own.yaml:4:9:", "ends before it begins"}},
		"overlap":          {"hours:\n  weekly:\n    monday: [\"07:00-12:00\", \"11:00-13:00\"]\n", []string{"own.yaml:3:13:", "overlap"}},
		"never open":       {"hours: {weekly: {everyday: []}}\n", []string{"own.yaml:1:", "opens on no day"}},
		"no date":          {"hours: {exceptions: [{date: 2026-02-30, open: []}]}\n", []string{"own.yaml:1:29:", "is no date"}},
		"one date twice":   {"hours:\n  exceptions:\n    - {date: 2026-12-24, open: []}\n    - {date: 2026-12-24, open: []}\n", []string{"own.yaml:4:14:", "two exceptions"}},
		"open was left":    {"hours: {exceptions: [{date: 2026-12-24}]}\n", []string{"own.yaml:1:", "needs open"}},
		"unknown weekday":  {"hours: {weekly: {måndag: []}}\n", []string{"own.yaml:1:", "måndag"}},
		"many windows":     {"hours: {weekly: {everyday: [" + manyWindows(13) + "]}}\n", []string{"own.yaml:1:", "13 windows of a day; 12 is the most"}},
		"many dates":       {"hours:\n  exceptions: [" + manyDates(401) + "]\n", []string{"own.yaml:2:", "401 exceptions"}},
		"with holidays":    {"hours:\n  weekly: {holiday: []}\n  exceptions: [" + manyDates(300) + "]\n", []string{"own.yaml:3:", "495 exceptions"}},
		"holiday":          {"hours: {weekly: {holiday: [\"9-15\"]}}\n", []string{"own.yaml:1:28:", "is no window"}},
		"eve":              {"hours: {weekly: {eve: [\"9-15\"]}}\n", []string{"own.yaml:1:24:", "is no window"}},
		"set of no name":   {"hours_sets: [{weekly: {everyday: [\"07:00-22:00\"]}}]\n", []string{"own.yaml:1:", "needs an id"}},
		"set of the desk":  {"hours_sets: [{id: desk, weekly: {everyday: [\"07:00-22:00\"]}}]\n", []string{"own.yaml:1:19:", "taken by another"}},
		"set never open":   {"hours_sets:\n  - {id: a, weekly: {monday: []}}\n", []string{"own.yaml:2:", "opens on no day"}},
		"line's hours":     {lineOf("    hours: office\n    flow: [{queue: {target: 60s, music: queue-music}}]\n"), []string{"own.yaml:5:12:", `no opening hours "office"`}},
		"form's hours":     {"portal: {form: {hours: office}}\n", []string{"own.yaml:1:24:", `no opening hours "office"`}},
		"topic's hours":    {"chat:\n  topics:\n    - {id: t, name: {sv: t, en: t}, hours: office, languages: [sv], flow: [{queue: {target: 60s}}]}\n", []string{"own.yaml:3:44:", `no opening hours "office"`}},
		"exception window": {"hours: {exceptions: [{date: 2026-12-24, open: [\"9-15\"]}]}\n", []string{"own.yaml:1:48:", "is no window"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			refused(t, test.text, nil, test.want...)
		})
	}
}
