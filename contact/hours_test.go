package contact_test

import (
	"testing"
	"time"

	"svar/contact"
)

func stockholm(t *testing.T) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Stockholm")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// deskHours are 07–22 every day, closed on 24 December 2026 and with a break on the 31st.
func deskHours(t *testing.T) contact.Hours {
	t.Helper()
	hours := contact.Hours{Zone: stockholm(t), Exceptions: map[contact.Date][]contact.Window{
		{Year: 2026, Month: time.December, Day: 24}: {},
		{Year: 2026, Month: time.December, Day: 31}: {{From: 9 * time.Hour, To: 12 * time.Hour}, {From: 13 * time.Hour, To: 15*time.Hour + 30*time.Minute}},
	}}
	for day := range hours.Weekly {
		hours.Weekly[day] = []contact.Window{{From: 7 * time.Hour, To: 22 * time.Hour}}
	}
	return hours
}

// at reads a time of the clocks in Stockholm.
func at(t *testing.T, text string) time.Time {
	t.Helper()
	moment, err := time.ParseInLocation("2006-01-02 15:04:05", text, stockholm(t))
	if err != nil {
		t.Fatal(err)
	}
	return moment
}

// Requirement 3.1a, on an ordinary day, a Sunday, holidays and both days on which the
// clocks are changed: 29 March and 25 October 2026.
func TestDeskIsOpenFromSevenToTwentyTwo(t *testing.T) {
	t.Parallel()
	hours := deskHours(t)
	for _, day := range []string{"2026-11-24", "2026-11-29", "2026-12-25", "2026-12-26", "2026-03-29", "2026-10-25"} {
		for clock, want := range map[string]bool{"06:59:59": false, "07:00:00": true, "21:59:59": true, "22:00:00": false} {
			moment := at(t, day+" "+clock)
			// The caller's own zone makes no difference.
			if got := hours.Open(moment.UTC()); got != want {
				t.Errorf("%s %s: open is %t, want %t", day, clock, got, want)
			}
		}
		opens, found := hours.Next(at(t, day+" 03:30:00"))
		if closes := hours.Due(opens, 15*time.Hour); !found || !opens.Equal(at(t, day+" 07:00:00")) || !closes.Equal(at(t, day+" 22:00:00")) {
			t.Errorf("%s: from %v to %v, found %t", day, opens, closes, found)
		}
	}
}

// The instants themselves, so that no mistake in the test's own reading of clocks hides one.
func TestDaysOfTheClockChangeInUTC(t *testing.T) {
	t.Parallel()
	hours := deskHours(t)
	for text, want := range map[string]bool{
		"2026-03-28T06:00:00Z": true,  // the day before: UTC+1
		"2026-03-29T04:59:59Z": false, // from 02:00 on UTC+2
		"2026-03-29T05:00:00Z": true,
		"2026-03-29T19:59:59Z": true,
		"2026-03-29T20:00:00Z": false,
		"2026-10-25T05:59:59Z": false, // from 03:00 on UTC+1
		"2026-10-25T06:00:00Z": true,
		"2026-10-25T20:59:59Z": true,
		"2026-10-25T21:00:00Z": false,
	} {
		moment, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		if got := hours.Open(moment); got != want {
			t.Errorf("%s: open is %t, want %t", text, got, want)
		}
	}
}

func TestExceptionsReplaceTheirDay(t *testing.T) {
	t.Parallel()
	hours := deskHours(t)
	for text, want := range map[string]bool{
		"2026-12-24 12:00:00": false,
		"2026-12-31 08:59:59": false,
		"2026-12-31 09:00:00": true,
		"2026-12-31 12:00:00": false,
		"2026-12-31 13:00:00": true,
		"2026-12-31 15:30:00": false,
		"2027-12-24 12:00:00": true, // another year's
	} {
		if got := hours.Open(at(t, text)); got != want {
			t.Errorf("%s: open is %t, want %t", text, got, want)
		}
	}
	if opens, found := hours.Next(at(t, "2026-12-23 22:00:00")); !found || !opens.Equal(at(t, "2026-12-25 07:00:00")) {
		t.Errorf("after the closed day it opens %v, found %t", opens, found)
	}
	now := at(t, "2026-12-25 10:00:00")
	if opens, found := hours.Next(now); !found || !opens.Equal(now) {
		t.Errorf("while it is open it opens %v", opens)
	}
}

// Lesson: clocks of service levels go wrong at night and when clocks are changed
// (zammad#1322, fivetran/dbt_zendesk#25).
func TestDueCountsServiceTimeOnly(t *testing.T) {
	t.Parallel()
	hours := deskHours(t)
	for name, test := range map[string]struct {
		from   string
		target time.Duration
		want   string
	}{
		"within a day":              {"2026-11-24 08:00:00", 8 * time.Hour, "2026-11-24 16:00:00"},
		"to the very end":           {"2026-11-24 14:00:00", 8 * time.Hour, "2026-11-24 22:00:00"},
		"over a night":              {"2026-11-24 20:30:00", 8 * time.Hour, "2026-11-25 13:30:00"},
		"from the night":            {"2026-11-24 23:15:00", 8 * time.Hour, "2026-11-25 15:00:00"},
		"over several days":         {"2026-11-24 21:00:00", 40 * time.Hour, "2026-11-27 16:00:00"},
		"over a closed day":         {"2026-12-23 21:00:00", 2 * time.Hour, "2026-12-25 08:00:00"},
		"over a break":              {"2026-12-31 11:00:00", 2 * time.Hour, "2026-12-31 14:00:00"},
		"over the night in spring":  {"2026-03-28 21:00:00", 2 * time.Hour, "2026-03-29 08:00:00"},
		"over the night in autumn":  {"2026-10-24 21:00:00", 2 * time.Hour, "2026-10-25 08:00:00"},
		"through the day in spring": {"2026-03-29 01:30:00", 15 * time.Hour, "2026-03-29 22:00:00"},
		"through the day in autumn": {"2026-10-25 02:30:00", 16 * time.Hour, "2026-10-26 08:00:00"},
		"nothing":                   {"2026-11-24 08:00:00", 0, "2026-11-24 08:00:00"},
	} {
		if got := hours.Due(at(t, test.from), test.target); !got.Equal(at(t, test.want)) {
			t.Errorf("%s: %v after %s is %v, want %s", name, test.target, test.from, got, test.want)
		}
	}
}

// A window over the change itself is as long as that night is: 23 or 25 hours.
func TestDueOfADeskThatNeverCloses(t *testing.T) {
	t.Parallel()
	hours := contact.Hours{Zone: stockholm(t)}
	for day := range hours.Weekly {
		hours.Weekly[day] = []contact.Window{{From: 0, To: 24 * time.Hour}}
	}
	for _, from := range []string{"2026-03-28 12:00:00", "2026-10-24 12:00:00", "2026-12-31 12:00:00"} {
		now := at(t, from)
		if got := hours.Due(now, 30*time.Hour); !got.Equal(now.Add(30 * time.Hour)) {
			t.Errorf("30 h after %s is %v", from, got)
		}
		if !hours.Open(now.Add(12*time.Hour)) || !hours.Open(now.Add(15*time.Hour)) {
			t.Errorf("it closed in the night after %s", from)
		}
	}
}

func TestDeskThatNeverOpens(t *testing.T) {
	t.Parallel()
	now := at(t, "2026-11-24 12:00:00")
	for name, hours := range map[string]contact.Hours{"zero value": {}, "no windows": {Zone: stockholm(t)}} {
		if _, found := hours.Next(now); found || hours.Open(now) {
			t.Errorf("%s: it opens", name)
		}
		if due := hours.Due(now, time.Hour); !due.Equal(now.Add(time.Hour)) {
			t.Errorf("%s: due %v", name, due)
		}
	}
}
