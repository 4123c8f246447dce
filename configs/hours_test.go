package configs_test

import (
	"testing"
	"time"

	"svar/configs"
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
		"exception window": {"hours: {exceptions: [{date: 2026-12-24, open: [\"9-15\"]}]}\n", []string{"own.yaml:1:48:", "is no window"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			refused(t, test.text, nil, test.want...)
		})
	}
}
