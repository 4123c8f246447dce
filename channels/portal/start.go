package portal

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"svar/contact"
	"svar/identity"
)

type shownLine struct{ Name, Dial, Readable string }

type shownTopic struct{ Line, Name string }

type startData struct {
	Outages []string
	Now     string
	Week    []string
	Lines   []shownLine
	Topics  []shownTopic
	Mail    []string
}

// start shows how the desk is reached, whether it is open and what is disturbed.
func (p *Portal) start(w http.ResponseWriter, r *http.Request) {
	content := p.newPage(r, "start")
	audience := contact.AudienceUnknown
	if content.User != nil {
		audience = content.User.Audience
	}
	now := p.config.Now()
	data := startData{Now: p.openNow(now, content.Lang), Week: p.week(content.Lang), Mail: p.catalogue.Load().MailAddresses}
	for _, notice := range p.config.Notices.Notices().Told(p.config.FormLine, audience, contact.InstantOf(now)) {
		data.Outages = append(data.Outages, notice.In(content.Lang))
	}
	for _, line := range p.catalogue.Load().Lines {
		data.Lines = append(data.Lines, shownLine{in(line.Name, content.Lang), string(line.Number), line.Number.Readable(identity.HomeRegion)})
	}
	for _, topic := range p.catalogue.Load().ChatTopics {
		data.Topics = append(data.Topics, shownTopic{string(topic.Line), in(topic.Name, content.Lang)})
	}
	content.Data = data
	p.show(w, r, http.StatusOK, "start", content)
}

// openNow says whether the desk is open, and until or from when.
func (p *Portal) openNow(now time.Time, lang string) string {
	hours := p.catalogue.Load().Hours
	if hours.Open(now) {
		return fmt.Sprintf(say(lang, "open"), closes(hours, now).Format("15:04"))
	}
	next, ever := hours.Next(now)
	if !ever {
		return say(lang, "shut.long")
	}
	return fmt.Sprintf(say(lang, "shut"), weekday(next.Weekday(), lang)+" "+next.Format("2006-01-02"), next.Format("15:04"))
}

// closes returns when the desk, which is open at t, closes.
func closes(hours contact.Hours, t time.Time) time.Time {
	t = t.In(hours.Zone)
	windows, exception := hours.Exceptions[contact.Date{Year: t.Year(), Month: t.Month(), Day: t.Day()}]
	if !exception {
		windows = hours.Weekly[t.Weekday()]
	}
	for _, window := range windows {
		to := time.Date(t.Year(), t.Month(), t.Day(), 0, int(window.To/time.Minute), 0, 0, hours.Zone)
		if t.Before(to) {
			return to
		}
	}
	return t
}

// week says the ordinary hours, Monday first; once when all days have the same.
func (p *Portal) week(lang string) []string {
	var names, hours []string
	for i := range 7 {
		day := time.Weekday((i + 1) % 7)
		var windows []string
		for _, window := range p.catalogue.Load().Hours.Weekly[day] {
			windows = append(windows, clock(window.From)+"–"+clock(window.To))
		}
		if windows == nil {
			windows = []string{say(lang, "closed.day")}
		}
		names, hours = append(names, weekday(day, lang)), append(hours, strings.Join(windows, ", "))
	}
	if len(slices.Compact(slices.Clone(hours))) == 1 {
		return []string{say(lang, "every-day") + " " + hours[0]}
	}
	days := make([]string, len(names))
	for i := range names {
		days[i] = names[i] + " " + hours[i]
	}
	return days
}

func clock(d time.Duration) string {
	return fmt.Sprintf("%02d:%02d", int(d.Hours()), int(d.Minutes())%60)
}

func weekday(day time.Weekday, lang string) string {
	if lang == "en" {
		return weekdays[day][1]
	}
	return weekdays[day][0]
}
