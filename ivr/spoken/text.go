package spoken

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// rule says what the digits that it finds mean. say returns false where they mean something else after all.
type rule struct {
	find *regexp.Regexp
	say  func(language string, part []string) (string, bool)
}

const (
	svMonths = `januari|februari|mars|april|maj|juni|juli|augusti|september|oktober|november|december|jan|feb|apr|aug|sept|okt|nov|dec`
	enMonths = `January|February|March|April|May|June|July|August|September|October|November|December|Jan|Feb|Mar|Apr|Aug|Sept|Oct|Nov|Dec`
	dash     = ` ?[-–—] ?`
)

// rules are tried in this order: what is more certain comes first. Each leaves no digit of what it says.
var rules = []rule{
	{regexp.MustCompile(`\b(\d{4})-(\d{2})-(\d{2})\b`), isoDate},
	{regexp.MustCompile(`\b(?i:(klockan|kl\.?)) ?([01]?\d|2[0-4])(?:[:.]([0-5]\d))?(?:` + dash + `| till (?:klockan |kl\.? ?)?)([01]?\d|2[0-4])(?:[:.]([0-5]\d))?\b`), clockRange},
	{regexp.MustCompile(`\b(?i:(klockan|kl\.?)) ?([01]?\d|2[0-4])(?:[:.]([0-5]\d))?\b`), clockNamed},
	{regexp.MustCompile(`\b([01]?\d|2[0-4]):([0-5]\d)` + dash + `([01]?\d|2[0-4]):([0-5]\d)\b`), plainRange},
	{regexp.MustCompile(`\b([01]?\d|2[0-4]):([0-5]\d)\b`), plainClock},
	{regexp.MustCompile(`\b(\d{1,2}) ?([ap])\.?m\b\.?`), halfDay},
	{regexp.MustCompile(`\b(?:(?i:den|the) )?(\d{1,2})(?:st|nd|rd|th)? (?:of )?(?i:(` + svMonths + `|` + enMonths + `))\b\.?(?: (\d{4})\b)?`), dayMonth},
	{regexp.MustCompile(`\b(?i:(` + enMonths + `))\.? (\d{1,2})(?:st|nd|rd|th)?\b(?:,? (\d{4})\b)?`), monthDay},
	{regexp.MustCompile(`\b(\d{1,2})/(\d{1,2})\b`), slashed},
	{regexp.MustCompile(`(^|[^\d +\-/]|[^\d][ \-/])([1-9]\d{0,2}(?: \d{3})+)\b`), thousands},
	{regexp.MustCompile(`()\b([1-9]\d{0,2}(?:,\d{3})+)\b`), commas},
	{regexp.MustCompile(`(?:\+|\b0)\d*(?:[ \-/]{0,3}\d+)+`), telephone},
	{regexp.MustCompile(`\b\d+(?:\.\d+)+\b`), dotted},
	{regexp.MustCompile(`\b(\d+),(\d+)\b`), fraction},
	{regexp.MustCompile(`\b(\d+)` + dash + `(\d+)\b`), numberRange},
	{regexp.MustCompile(`\b(?i:nr)\.? (\d+)\b`), numbered},
	{regexp.MustCompile(`\b(112|11414|1177)\b`), emergency},
	{regexp.MustCompile(`\b1 (minut|sekund|timme|dag|vecka|månad|plats|person|krona|gång|kontakt|skola)\b`), one},
	{regexp.MustCompile(`\d+`), number},
}

// signs are replaced as they are, after the digits.
var signs = map[bool]*strings.Replacer{
	false: strings.NewReplacer(" %", " procent", "%", " procent", "*", " stjärna ", "#", " fyrkant ", "&", " och ", "t.ex.", "till exempel", "bl.a.", "bland annat"),
	true:  strings.NewReplacer(" %", " per cent", "%", " per cent", "*", " star ", "#", " hash ", "&", " and ", "e.g.", "for example"),
}

var spaces = regexp.MustCompile(`[ \t]+`)

// Text puts the digits and signs of a text into words: times of day, dates, telephone numbers (digit by digit),
// years, decimals and numbers. What is left has no digit 0–9. A text without any stays as it is.
func Text(language, text string) string {
	if !strings.ContainsAny(text, "0123456789%*#&.") {
		return text
	}
	text = strings.ReplaceAll(text, "\u00a0", " ")
	for _, r := range rules {
		text = r.apply(language, text)
	}
	text = signs[isEnglish(language)].Replace(text)
	return strings.TrimSpace(spaces.ReplaceAllString(text, " "))
}

func (r rule) apply(language, text string) string {
	var out strings.Builder
	from := 0
	for _, at := range r.find.FindAllStringSubmatchIndex(text, -1) {
		part := make([]string, len(at)/2)
		for i := range part {
			if at[2*i] >= 0 {
				part[i] = text[at[2*i]:at[2*i+1]]
			}
		}
		said, right := r.say(language, part)
		if !right {
			continue
		}
		out.WriteString(text[from:at[0]])
		if at[0] > 0 && isLetter(text[at[0]-1]) { // ab12: the words must not run into each other
			out.WriteString(" ")
		}
		out.WriteString(said)
		if at[1] < len(text) && isLetter(text[at[1]]) {
			out.WriteString(" ")
		}
		from = at[1]
	}
	return out.String() + text[from:]
}

// isLetter takes an octet of a longer letter for one.
func isLetter(octet byte) bool {
	return octet >= 'a' && octet <= 'z' || octet >= 'A' && octet <= 'Z' || octet >= 0xC3
}

func value(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0
	}
	return n
}

func isoDate(language string, part []string) (string, bool) {
	month, date := value(part[2]), value(part[3])
	if month < 1 || month > 12 || date < 1 || date > 31 {
		return "", false
	}
	return day(language, date, month) + " " + Year(language, value(part[1])), true
}

// isTime says whether a time of day exists: 24 only as 24:00.
func isTime(hour, minute string) bool { return value(hour) < 24 || value(minute) == 0 }

func clockRange(language string, part []string) (string, bool) {
	if !isTime(part[2], part[3]) || !isTime(part[4], part[5]) {
		return "", false
	}
	return timeRange(language, part[2], part[3], part[4], part[5]), true
}

func timeRange(language, fromHour, fromMinute, untilHour, untilMinute string) string {
	between, before := " till ", ""
	if isEnglish(language) {
		between = " to "
	} else {
		before = "klockan "
	}
	return Clock(language, value(fromHour)%24, value(fromMinute)) + between + clock(language, value(untilHour)%24, value(untilMinute), before)
}

func clockNamed(language string, part []string) (string, bool) {
	if !isTime(part[2], part[3]) {
		return "", false
	}
	return Clock(language, value(part[2])%24, value(part[3])), true
}

func plainRange(language string, part []string) (string, bool) {
	if !isTime(part[1], part[2]) || !isTime(part[3], part[4]) {
		return "", false
	}
	return timeRange(language, part[1], part[2], part[3], part[4]), true
}

func plainClock(language string, part []string) (string, bool) {
	if !isTime(part[1], part[2]) {
		return "", false
	}
	return Clock(language, value(part[1])%24, value(part[2])), true
}

func halfDay(language string, part []string) (string, bool) {
	hour := value(part[1])
	if !isEnglish(language) || hour < 1 || hour > 12 {
		return "", false
	}
	hour %= 12
	if part[2] == "p" {
		hour += 12
	}
	return Clock(language, hour, 0), true
}

// shortest is how many letters tell one month from another.
const shortest = 3

// month returns 1–12 of a month's name or its beginning in either language; 0 when it is none.
func month(name string) int {
	name = strings.ToLower(name)
	if len(name) < shortest {
		return 0
	}
	for _, months := range [][]string{swedish.months, english.months} {
		at := slices.IndexFunc(months, func(m string) bool {
			return strings.HasPrefix(strings.ToLower(m), name) || strings.HasPrefix(name, strings.ToLower(m))
		})
		if at > 0 {
			return at
		}
	}
	return 0
}

func dayMonth(language string, part []string) (string, bool) {
	return dated(language, part[1], part[2], part[3])
}

func monthDay(language string, part []string) (string, bool) {
	return dated(language, part[2], part[1], part[3])
}

func dated(language, date, name, year string) (string, bool) {
	d, m := value(date), month(name)
	if d < 1 || d > 31 || m == 0 {
		return "", false
	}
	said := day(language, d, m)
	if year != "" {
		said += " " + Year(language, value(year))
	}
	return said, true
}

// slashed is a day and a month, as Swedish has them.
func slashed(language string, part []string) (string, bool) {
	d, m := value(part[1]), value(part[2])
	if isEnglish(language) || d < 1 || d > 31 || m < 1 || m > 12 {
		return "", false
	}
	return day(language, d, m), true
}

// shortestTelephone is how many digits a telephone number in groups has at least.
const shortestTelephone = 6

// telephone says a number that is dialled digit by digit, and whatever else begins with 0: a code.
func telephone(language string, part []string) (string, bool) {
	digits := 0
	for _, r := range part[0] {
		if r >= '0' && r <= '9' {
			digits++
		}
	}
	grouped := strings.ContainsAny(part[0], " -/")
	return Digits(language, part[0]), !grouped || digits >= shortestTelephone || part[0][0] == '+'
}

// longestGrouped is "999 999 999".
const longestGrouped = 11

func thousands(language string, part []string) (string, bool) {
	number := value(strings.NewReplacer(" ", "", ",", "").Replace(part[2]))
	return part[1] + Number(language, number), len(part[2]) <= longestGrouped
}

// commas stand between thousands in English alone.
func commas(language string, part []string) (string, bool) {
	said, right := thousands(language, part)
	return said, right && isEnglish(language)
}

// dotted is the number of a version, or a decimal in English.
func dotted(language string, part []string) (string, bool) {
	numbers := strings.Split(part[0], ".")
	said := []string{whole(language, numbers[0])}
	for _, n := range numbers[1:] {
		if isEnglish(language) {
			said = append(said, "point", Digits(language, n))
		} else {
			said = append(said, "punkt", whole(language, n))
		}
	}
	return strings.Join(said, " "), true
}

func fraction(language string, part []string) (string, bool) {
	return whole(language, part[1]) + " " + of(language).point + " " + Digits(language, part[2]), true
}

func numberRange(language string, part []string) (string, bool) {
	between := " till "
	if isEnglish(language) {
		between = " to "
	}
	return whole(language, part[1]) + between + whole(language, part[2]), true
}

func numbered(language string, part []string) (string, bool) {
	if isEnglish(language) {
		return "number " + whole(language, part[1]), true
	}
	return "nummer " + whole(language, part[1]), true
}

func emergency(language string, part []string) (string, bool) { return Digits(language, part[1]), true }

// one is of common gender in Swedish where the noun is.
func one(language string, part []string) (string, bool) {
	return "en " + part[1], !isEnglish(language)
}

func number(language string, part []string) (string, bool) { return whole(language, part[0]), true }

// longestNumber is how many digits are said as a number.
const longestNumber = 6

func whole(language, digits string) string {
	n := value(digits)
	switch {
	case len(digits) > 1 && digits[0] == '0', len(digits) > longestNumber:
		return Digits(language, digits)
	case len(digits) == 4 && n >= 1900 && n <= 2099:
		return Year(language, n)
	default:
		return Number(language, n)
	}
}
