package spoken

import (
	"strconv"
	"strings"
)

// words are those of one language.
type words struct {
	small    []string // 0–19
	tens     []string // 2 is twenty
	ordinals []string // 1–31, as days of a month have them
	months   []string // 1–12
	weekdays []string // from Sunday on, as [time.Weekday] has them
	// joined is what stands between tens and units, and what between hundreds and the rest.
	joined, and                          string
	hundred, thousand, million, millions string
	point, percent, plus, star, hash     string
}

var swedish = words{
	small: strings.Fields("noll ett två tre fyra fem sex sju åtta nio tio elva tolv tretton fjorton femton sexton sjutton arton nitton"),
	tens:  strings.Fields("- - tjugo trettio fyrtio femtio sextio sjuttio åttio nittio"),
	ordinals: strings.Fields("- första andra tredje fjärde femte sjätte sjunde åttonde nionde tionde elfte tolfte trettonde fjortonde femtonde " +
		"sextonde sjuttonde artonde nittonde tjugonde tjugoförsta tjugoandra tjugotredje tjugofjärde tjugofemte tjugosjätte tjugosjunde " +
		"tjugoåttonde tjugonionde trettionde trettioförsta"),
	months:   strings.Fields("- januari februari mars april maj juni juli augusti september oktober november december"),
	weekdays: strings.Fields("söndagen måndagen tisdagen onsdagen torsdagen fredagen lördagen"),
	joined:   "", and: " ", hundred: "hundra", thousand: "tusen", million: "en miljon", millions: "miljoner",
	point: "komma", percent: "procent", plus: "plus", star: "stjärna", hash: "fyrkant",
}

var english = words{
	small: strings.Fields("zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"),
	tens:  strings.Fields("- - twenty thirty forty fifty sixty seventy eighty ninety"),
	ordinals: strings.Fields("- first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth " +
		"sixteenth seventeenth eighteenth nineteenth twentieth twenty-first twenty-second twenty-third twenty-fourth twenty-fifth twenty-sixth " +
		"twenty-seventh twenty-eighth twenty-ninth thirtieth thirty-first"),
	months:   strings.Fields("- January February March April May June July August September October November December"),
	weekdays: strings.Fields("Sunday Monday Tuesday Wednesday Thursday Friday Saturday"),
	joined:   "-", and: " and ", hundred: "hundred", thousand: "thousand", million: "one million", millions: "million",
	point: "point", percent: "per cent", plus: "plus", star: "star", hash: "hash",
}

// isEnglish tells English from all else, which is spoken as Swedish.
func isEnglish(language string) bool {
	base, _, _ := strings.Cut(language, "-")
	return strings.EqualFold(base, "en")
}

func of(language string) *words {
	if isEnglish(language) {
		return &english
	}
	return &swedish
}

// MaxNumber is the largest number that [Number] puts into words; larger ones are said digit by digit.
const MaxNumber = 999_999_999

// Number says how many: 21 is "tjugoett" and "twenty-one". Beyond ±[MaxNumber] it is said digit by digit.
func Number(language string, n int) string {
	w := of(language)
	if n < 0 {
		return "minus " + Number(language, -n)
	}
	if n > MaxNumber {
		return Digits(language, strconv.Itoa(n))
	}
	var parts []string
	switch millions := n / 1_000_000; {
	case millions == 1:
		parts = append(parts, w.million)
	case millions > 1:
		parts = append(parts, w.below1000(millions)+" "+w.millions)
	}
	if thousands := n / 1000 % 1000; thousands > 0 {
		parts = append(parts, w.below1000(thousands)+" "+w.thousand)
	}
	rest := n % 1000
	switch {
	case len(parts) == 0:
		return w.below1000(rest)
	case rest == 0:
		return strings.Join(parts, " ")
	case rest < 100:
		return strings.Join(parts, " ") + w.and + w.below1000(rest)
	default:
		return strings.Join(parts, " ") + " " + w.below1000(rest)
	}
}

func (w *words) below1000(n int) string {
	switch {
	case n < 100:
		return w.below100(n)
	case n%100 == 0:
		return w.small[n/100] + " " + w.hundred
	default:
		return w.small[n/100] + " " + w.hundred + w.and + w.below100(n%100)
	}
}

func (w *words) below100(n int) string {
	switch {
	case n < len(w.small):
		return w.small[n]
	case n%10 == 0:
		return w.tens[n/10]
	default:
		return w.tens[n/10] + w.joined + w.small[n%10]
	}
}

// Year says a year of four digits: 2026 is "tjugohundratjugosex" and "twenty twenty-six". Others are numbers.
func Year(language string, year int) string {
	w := of(language)
	century, rest := year/100, year%100
	if year < 1100 || year > 2099 || isEnglish(language) && century == 20 && rest < 10 {
		return Number(language, year)
	}
	switch {
	case !isEnglish(language) && rest == 0:
		return w.below100(century) + w.hundred
	case !isEnglish(language):
		return w.below100(century) + w.hundred + w.below100(rest)
	case rest == 0:
		return w.below100(century) + " " + w.hundred
	case rest < 10:
		return w.below100(century) + " oh " + w.below100(rest)
	default:
		return w.below100(century) + " " + w.below100(rest)
	}
}

// Digits says each digit by itself, such as those of a telephone number, with a short rest wherever something
// else stands: "08-508" is "noll åtta, fem noll åtta".
func Digits(language, text string) string {
	w := of(language)
	var out strings.Builder
	rest := false
	for _, r := range text {
		word := ""
		switch {
		case r >= '0' && r <= '9':
			word = w.small[r-'0']
		case r == '+':
			word = w.plus
		default:
			rest = out.Len() > 0
			continue
		}
		switch {
		case rest:
			out.WriteString(", ")
		case out.Len() > 0:
			out.WriteString(" ")
		}
		rest = false
		out.WriteString(word)
	}
	return out.String()
}
