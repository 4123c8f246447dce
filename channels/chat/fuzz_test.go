package chat

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// Whatever a stranger writes, what we pass on is one short line of text, or it is refused.
func FuzzWhatStrangersWrite(f *testing.F) {
	for _, seed := range []string{"", "Hej\r\nBcc: x@example.com", "kim@example.com", "Kim <kim@example.com>", "\"a\nb\"@example.com", "\xff\x00", strings.Repeat("å", 300), strings.Repeat("0", 30) + "\r\r" + strings.Repeat("0", 13)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if subject := subjectOf(text); validText(text) && !validLine(subject) {
			t.Errorf("the subject of %q is %q", text, subject)
		}
		if validAddress(text) && (strings.ContainsFunc(text, unicode.IsControl) || !strings.Contains(text, "@") || !utf8.ValidString(text)) {
			t.Errorf("%q is taken for an address", text)
		}
		if validID(text) && strings.ContainsAny(text, ".*> {}") {
			t.Errorf("%q is taken for an id", text)
		}
		if _, valid := hashToken(text); valid && len(text) != 43 {
			t.Errorf("%q is taken for a token", text)
		}
		if _, _, err := decodeLegRecord([]byte(text)); err == nil && !strings.Contains(text, "version") {
			t.Errorf("%q is taken for a record", text)
		}
	})
}
