package identity

import (
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestParseNumber(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		text string
		want Number
	}{
		// Row D8.
		"national with separators":          {"08-465 004 01", "+46846500401"},
		"international prefix":              {"0046846500401", "+46846500401"},
		"sip with user=phone":               {"sip:+46846500401@x;user=phone", "+46846500401"},
		"emergency stays short":             {"112", "112"},
		"directory enquiries stay short":    {"118118", "118118"},
		"short code of six digits":          {"116000", "116000"},
		"E.164":                             {"+46846500401", "+46846500401"},
		"country code without plus":         {"46846500401", "+46846500401"},
		"mobile":                            {"070-174 06 05", "+46701740605"},
		"superfluous zero in parentheses":   {"+46 (0)8 465 004 01", "+46846500401"},
		"toll-free, short":                  {"020-00 00 00", "+4620000000"},
		"long Stockholm number":             {"08-508 001 00", "+46850800100"},
		"en dash and no-break spaces":       {"08–465\u00a0004\u00a001", "+46846500401"},
		"surrounding space":                 {"  +46846500401\t", "+46846500401"},
		"foreign, plus":                     {"+44 20 7946 0018", "+442079460018"},
		"foreign, 00":                       {"00442079460018", "+442079460018"},
		"foreign, country code alone":       {"442079460018", "+442079460018"},
		"Italian zero is kept":              {"+39 06 123456", "+3906123456"},
		"tel":                               {"tel:+46-8-465-004-01", "+46846500401"},
		"tel, upper case":                   {"TEL:+46846500401", "+46846500401"},
		"tel, global with context":          {"tel:+46846500401;phone-context=+46", "+46846500401"},
		"tel, local in country":             {"tel:84-650-0401;phone-context=+46", "+46846500401"},
		"tel, local with zero in country":   {"tel:0846500401;phone-context=+46", "+46846500401"},
		"tel, local in area":                {"tel:465-00401;phone-context=+468", "+46846500401"},
		"tel, context is a domain":          {"tel:0846500401;phone-context=skola.example", "+46846500401"},
		"tel, ported, with extension":       {"tel:+46846500401;ext=12;npdi;rn=+46800000000", "+46846500401"},
		"sips":                              {"sips:+46846500401@trunk.example:5061", "+46846500401"},
		"sip without user=phone":            {"sip:0701740605@192.0.2.1", "+46701740605"},
		"sip with user parameters":          {"sip:+46846500401;verstat=TN-Validation-Passed@x;user=phone", "+46846500401"},
		"sip with local number and context": {"sip:0846500401;phone-context=+46@x;user=phone", "+46846500401"},
		"sip with escaped plus":             {"sip:%2B46846500401@x;user=phone", "+46846500401"},
		"sip with password":                 {"sip:+46846500401:secret@x", "+46846500401"},
		"sip of an IPv6 host":               {"sip:+46846500401@[2001:db8::1]:5060", "+46846500401"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := ParseNumber(test.text, HomeRegion)
			if err != nil || got != test.want {
				t.Errorf("ParseNumber(%q) = %q, %v; want %q", test.text, got, err, test.want)
			}
		})
	}
}

func TestParseNumberRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		text string
		want error
	}{
		"nothing":                    {"", ErrNoNumber},
		"spaces":                     {"  ", ErrNoNumber},
		"plus alone":                 {"+", ErrNoNumber},
		"zeros":                      {"0000000", ErrNoNumber},
		"prefix alone":               {"00", ErrNoNumber},
		"letters":                    {"anonymous", ErrNoNumber},
		"vanity number":              {"+1 800 FLOWERS", ErrNoNumber},
		"extension in words":         {"08-465 004 01 ext 5", ErrNoNumber},
		"plus in the middle":         {"08+46500401", ErrNoNumber},
		"service code":               {"*21*0701740605#", ErrNoNumber},
		"no such country":            {"+0846500401", ErrNoNumber},
		"too short for its country":  {"+468465", ErrNoNumber},
		"the zero was lost":          {"701740605", ErrNoNumber},
		"two numbers":                {"08-465 004 01, 08-465 004 02", ErrNoNumber},
		"sip with a name":            {"sip:anna@skola.example", ErrNoNumber},
		"sip without user":           {"sip:skola.example", ErrNoNumber},
		"mailto":                     {"mailto:anna@skola.example", ErrNoNumber},
		"context is no number":       {"tel:123;phone-context=+x", ErrNoNumber},
		"digits of another alphabet": {"٠٨٤٦٥٠٠٤٠١", ErrNoNumber},
		"65 bytes":                   {strings.Repeat("4", 65), ErrNumberTooLong},
		"URI of a megabyte":          {"tel:+46846500401;x=" + strings.Repeat("y", 1<<20), ErrNumberTooLong},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := ParseNumber(test.text, HomeRegion)
			if got != "" || !errors.Is(err, test.want) {
				t.Errorf("ParseNumber = %q, %v; want error %v", got, err, test.want)
			}
		})
	}
	if got, err := ParseNumber("08-465 004 01", "XX"); err == nil {
		t.Errorf("unknown region gave %q", got)
	}
}

func TestParseNumberWhereThereIsNoTrunkPrefix(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Number{"22 12 34 56": "+4722123456", "4722123456": "+4722123456"} {
		if got, err := ParseNumber(text, "NO"); err != nil || got != want {
			t.Errorf("ParseNumber(%q, NO) = %q, %v; want %q", text, got, err, want)
		}
	}
}

// However a Swedish number is written, it is one number.
func TestParseNumberAgreesOnAllForms(t *testing.T) {
	t.Parallel()
	separators := []string{"", " ", "-", "\u00a0", ".", "–"}
	rapid.Check(t, func(t *rapid.T) {
		subscriber := rapid.StringMatching(`8[45][0-9]{7}|7[0236][0-9]{7}|31[1-9][0-9]{5}`).Draw(t, "subscriber")
		want := Number("+46" + subscriber)
		spaced := &strings.Builder{}
		for _, digit := range subscriber {
			spaced.WriteString(rapid.SampledFrom(separators).Draw(t, "separator"))
			spaced.WriteRune(digit)
		}
		for _, text := range []string{
			"+46" + spaced.String(), "0046" + spaced.String(), "0" + spaced.String(), "+46(0)" + spaced.String(),
			"tel:+46" + subscriber, "tel:0" + subscriber + ";phone-context=+46", "sip:+46" + subscriber + "@x;user=phone",
		} {
			if got, err := ParseNumber(text, HomeRegion); err != nil || got != want {
				t.Fatalf("ParseNumber(%q) = %q, %v; want %q", text, got, err, want)
			}
		}
	})
}

func TestNumberForPeople(t *testing.T) {
	t.Parallel()
	tests := []struct {
		number           Number
		masked, readable string
		short            bool
	}{
		{"", "", "", false},
		{"112", "112", "112", true},
		{"+46846500401", "+46*******01", "08-465 004 01", false},
		{"+46701740605", "+46*******05", "070-174 06 05", false},
		{"+442079460018", "+44********18", "+44 20 7946 0018", false},
	}
	for _, test := range tests {
		if got := test.number.Masked(); got != test.masked {
			t.Errorf("%q.Masked() = %q; want %q", test.number, got, test.masked)
		}
		if got := test.number.Readable(HomeRegion); got != test.readable {
			t.Errorf("%q.Readable() = %q; want %q", test.number, got, test.readable)
		}
		if got := test.number.IsShort(); got != test.short {
			t.Errorf("%q.IsShort() = %t", test.number, got)
		}
	}
}

func FuzzParseNumber(f *testing.F) {
	for _, seed := range []string{
		"08-465 004 01", "0046846500401", "46846500401", "sip:+46846500401@x;user=phone", "112", "118118",
		"tel:465-00401;phone-context=+468", "tel:;phone-context=", "sip:@", "+", "00", "+++", "%2B46846500401", "\xff0",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		number, err := ParseNumber(text, HomeRegion)
		if err != nil {
			if number != "" {
				t.Fatalf("error %v with number %q", err, number)
			}
			return
		}
		if len(number) < 3 || len(number) > maxNumberDigits+1 || strings.Trim(string(number[1:]), "0123456789") != "" {
			t.Fatalf("%q became %q", text, number)
		}
		if again, err := ParseNumber(string(number), HomeRegion); err != nil || again != number {
			t.Fatalf("%q became %q, which became %q, %v", text, number, again, err)
		}
		if !number.IsShort() && number.Masked() == string(number) {
			t.Fatalf("%q is not masked", number)
		}
		number.Readable(HomeRegion)
	})
}
