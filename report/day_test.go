package report_test

import (
	"testing"
	"time"

	"svar/report"
)

func TestDaysAreThoseOfStockholm(t *testing.T) {
	t.Parallel()
	for date, hours := range map[string]float64{"2026-11-24": 24, "2026-03-29": 23, "2026-10-25": 25} {
		from, to, err := report.ParseDay(date)
		if err != nil {
			t.Fatal(err)
		}
		if got := to.Sub(from).Hours(); got != hours {
			t.Errorf("%s has %v hours, want %v", date, got, hours)
		}
	}
	from, _ := report.Day(time.Date(2026, 11, 23, 23, 30, 0, 0, time.UTC))
	if want := "2026-11-23T23:00:00Z"; from.UTC().Format(time.RFC3339) != want {
		t.Errorf("the day begins at %s, want %s", from.UTC(), want)
	}
	if _, _, err := report.ParseDay("24/11"); err == nil {
		t.Error("a date in another form was accepted")
	}
}
