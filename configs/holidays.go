package configs

import (
	"slices"
	"time"

	"github.com/rickar/cal/v2"
	"github.com/rickar/cal/v2/se"

	"svar/contact"
)

// The years for which [Weekly.Holiday] and [Weekly.Eve] are reckoned. Rules are recorded whole: the
// span is fixed, so that the same file gives the same record on every day.
const (
	firstHolidays = 2026
	lastHolidays  = 2040
)

// publicHolidays are those of the Act on public holidays (lag 1989:253). The library's own list
// lacks påskdagen and pingstdagen, which are Sundays.
var publicHolidays = []*cal.Holiday{
	se.Nyarsdagen, se.TrettondedagJul, se.Langfredagen, se.Paskdagen, se.AnnandagPask, se.ForstaMaj,
	se.KristiHimmelfardsdag, se.Pingstdagen, se.Nationaldagen, se.Midsommardagen, se.AllaHelgonsDag,
	se.Juldagen, se.AnnandagJul,
}

// eves are no public holidays, but days off for most people.
var eves = []*cal.Holiday{se.Midsommarafton, se.Julafton, se.Nyarsafton}

// festive sets the windows of holidays and eves. A day that has the windows of its weekday
// anyway is left out: every exception stands in every record of the rules.
func (w Weekly) festive(hours *contact.Hours) {
	for _, kind := range []struct {
		days []*cal.Holiday
		open []string
	}{{eves, w.Eve}, {publicHolidays, w.Holiday}} {
		if kind.open == nil {
			continue
		}
		open, _ := windows(kind.open) // the configuration was checked
		for year := firstHolidays; year <= lastHolidays; year++ {
			for _, day := range kind.days {
				at, _ := day.Calc(year)
				date := dateOf(at)
				if weekday := time.Date(date.Year, date.Month, date.Day, 0, 0, 0, 0, time.UTC).Weekday(); slices.Equal(open, hours.Weekly[weekday]) {
					delete(hours.Exceptions, date)
					continue
				}
				hours.Exceptions[date] = open
			}
		}
	}
}
