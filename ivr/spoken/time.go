package spoken

import (
	"fmt"
	"time"
)

// Clock says a time of day, hours 0–23 and minutes 0–59: "klockan sju", "seven in the morning".
func Clock(language string, hour, minute int) string {
	return clock(language, hour, minute, "klockan ")
}

// clock is [Clock] with what stands before it in Swedish.
func clock(language string, hour, minute int, before string) string {
	w := of(language)
	if !isEnglish(language) {
		switch {
		case minute == 0 && hour == 0:
			return "midnatt"
		case minute == 0:
			return before + w.below100(hour)
		case minute < 10:
			return before + w.below100(hour) + " noll " + w.below100(minute)
		default:
			return before + w.below100(hour) + " och " + w.below100(minute)
		}
	}
	part := "in the morning"
	switch {
	case minute == 0 && hour == 0:
		return "midnight"
	case minute == 0 && hour == 12:
		return "noon"
	case hour >= 21:
		part = "at night"
	case hour >= 18:
		part = "in the evening"
	case hour >= 12:
		part = "in the afternoon"
	}
	hour = (hour+11)%12 + 1
	switch {
	case minute == 0:
		return w.below100(hour) + " " + part
	case minute < 10:
		return w.below100(hour) + " oh " + w.below100(minute) + " " + part
	default:
		return w.below100(hour) + " " + w.below100(minute) + " " + part
	}
}

// Date says the day of t in its zone: "torsdagen den tjugofjärde december", "Thursday the twenty-fourth of December".
func Date(language string, t time.Time) string {
	return of(language).weekdays[t.Weekday()] + " " + day(language, t.Day(), int(t.Month()))
}

// day says a day of a month, 1–31 and 1–12.
func day(language string, day, month int) string {
	w := of(language)
	if isEnglish(language) {
		return "the " + w.ordinals[day] + " of " + w.months[month]
	}
	return "den " + w.ordinals[day] + " " + w.months[month]
}

// farBack is the place from which on nobody counts.
const farBack = 20

// Place says which place in the queue the contact has, from 1 on.
func Place(language string, place int) string {
	switch {
	case isEnglish(language) && place <= 1:
		return "You are next in the queue."
	case isEnglish(language) && place > farBack:
		return "There are more than " + Number(language, farBack) + " people ahead of you in the queue."
	case isEnglish(language):
		return "You are number " + Number(language, place) + " in the queue."
	case place <= 1:
		return "Du är näst på tur i kön."
	case place > farBack:
		return "Det är fler än " + Number(language, farBack) + " före dig i kön."
	default:
		return "Du är nummer " + Number(language, place) + " i kön."
	}
}

// Wait says how long somebody is expected to wait, rounded up to what an estimate is worth: minutes up to ten,
// then five, fifteen and thirty minutes. It is one of few texts, so that each is spoken once.
func Wait(language string, wait time.Duration) string {
	minutes := int((wait + time.Minute - 1) / time.Minute)
	step := 1
	switch {
	case minutes > 60:
		if isEnglish(language) {
			return "The expected waiting time is more than an hour."
		}
		return "Den beräknade väntetiden är mer än en timme."
	case minutes > 30:
		step = 15
	case minutes > 10:
		step = 5
	}
	minutes = (minutes + step - 1) / step * step
	if isEnglish(language) {
		if minutes <= 1 {
			return "The expected waiting time is less than a minute."
		}
		if minutes == 60 {
			return "The expected waiting time is about an hour."
		}
		return fmt.Sprintf("The expected waiting time is about %s minutes.", Number(language, minutes))
	}
	switch {
	case minutes <= 1:
		return "Den beräknade väntetiden är mindre än en minut."
	case minutes == 60:
		return "Den beräknade väntetiden är ungefär en timme."
	default:
		return fmt.Sprintf("Den beräknade väntetiden är ungefär %s minuter.", Number(language, minutes))
	}
}
