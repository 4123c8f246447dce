package report

import (
	"time"
	_ "time/tzdata" // Europe/Stockholm, on machines without a time zone database too
)

// stockholm is where days begin.
var stockholm = mustLoad("Europe/Stockholm")

func mustLoad(name string) *time.Location {
	location, err := time.LoadLocation(name)
	if err != nil {
		panic(err) // it is embedded
	}
	return location
}

// Day returns the day in Europe/Stockholm that at is in, as [from, to): 23, 24 or 25 hours.
func Day(at time.Time) (from, to time.Time) {
	year, month, day := at.In(stockholm).Date()
	return time.Date(year, month, day, 0, 0, 0, 0, stockholm), time.Date(year, month, day+1, 0, 0, 0, 0, stockholm)
}

// ParseDay reads a date, 2026-11-24, as a day in Europe/Stockholm.
func ParseDay(text string) (from, to time.Time, err error) {
	date, err := time.ParseInLocation(time.DateOnly, text, stockholm)
	if err != nil {
		return time.Time{}, time.Time{}, err
	}
	from, to = Day(date)
	return from, to, nil
}
