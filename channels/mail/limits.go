package mail

import (
	"strings"
	"unicode/utf8"
)

// What is taken from a stranger's mail at the most. Beyond, it is cut, or the mail is set
// aside.
const (
	maxHeader      = 256 << 10 // bytes of header of a mail that is too large to be read
	maxMultiparts  = 15        // multiparts in a mail: each one inside another that never ends doubles the reader's time
	maxParts       = 1000      // parts in them: the reader's time grows with their square
	maxTextRunes   = 100_000   // of text, as a ticket's entry; the rest is an attachment
	maxHTML        = 2 << 20   // bytes of HTML, before and after its images are put in
	maxInlineImage = 512 << 10 // bytes of one picture that is shown inside the HTML
	maxAttachments = 100
	maxNameRunes   = 200 // of names, subjects, file names
	maxAddress     = 254 // octets of an address (RFC 5321 §4.5.3.1.3)
	maxRecipients  = 50
	maxReferences  = 100
	maxMessageID   = 250 // octets; a longer one is replaced by a digest
)

// cleanLine makes one line of what a header says: valid, without control characters and
// without the characters that turn the direction of what follows, cut to the limit.
func cleanLine(s string, maxRunes int) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\t' || r == '\n' || r == '\r':
			return ' '
		case isControl(r) || turnsDirection(r):
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	return cutRunes(strings.Join(strings.Fields(s), " "), maxRunes)
}

// cleanText keeps lines and tabs, and ends lines as we do.
func cleanText(s string) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\r\n", "\n")
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\r':
			return '\n'
		case r != '\n' && r != '\t' && isControl(r):
			return -1
		}
		return r
	}, s)
	return strings.Trim(s, "\n")
}

func cutRunes(s string, limit int) string {
	if utf8.RuneCountInString(s) <= limit {
		return s
	}
	count := 0
	for at := range s {
		if count++; count > limit {
			return s[:at]
		}
	}
	return s
}

func isControl(r rune) bool { return r < 0x20 || (r >= 0x7f && r < 0xa0) }

// turnsDirection: with these a file "gpj.exe" reads "exe.jpg".
func turnsDirection(r rune) bool {
	return (r >= 0x202a && r <= 0x202e) || (r >= 0x2066 && r <= 0x2069) || r == 0x200e || r == 0x200f
}

func printableASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < 0x20 || r > 0x7e })
}
