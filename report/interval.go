package report

import "time"

// Interval is what figures are counted by. Hours, days and months are those that clocks and
// calendars in Europe/Stockholm show.
type Interval string

// The intervals.
const (
	Total Interval = "total"
	Hour  Interval = "hour"
	Date  Interval = "day"
	Month Interval = "month"
)

// Intervals returns all intervals.
func Intervals() []Interval { return []Interval{Total, Hour, Date, Month} }

// Start returns when the interval begins that at is in; from for the total. The hour that
// comes twice when summer time ends is two hours.
func (i Interval) Start(at, from time.Time) time.Time {
	local := at.In(stockholm)
	year, month, day := local.Date()
	switch i {
	case Hour:
		// Zones here are whole hours from UTC, so an hour of the clock is one of UTC.
		return at.Truncate(time.Hour).In(stockholm)
	case Date:
		return time.Date(year, month, day, 0, 0, 0, 0, stockholm)
	case Month:
		return time.Date(year, month, 1, 0, 0, 0, 0, stockholm)
	case Total:
	}
	return from.In(stockholm)
}
