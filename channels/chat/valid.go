package chat

import (
	"net/mail"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"

	"svar/contact"
)

// validID wants a UUID in its usual form: it becomes a part of names in the stream.
func validID(id string) bool {
	parsed, err := uuid.Parse(id)
	return err == nil && parsed.String() == id
}

// validText wants something that can be read. PostgreSQL stores no NUL.
func validText(text string) bool {
	return strings.TrimSpace(text) != "" && utf8.ValidString(text) && utf8.RuneCountInString(text) <= contact.MaxChatText && !strings.ContainsRune(text, 0)
}

// validLine wants at most one short line.
func validLine(text string) bool {
	return utf8.ValidString(text) && utf8.RuneCountInString(text) <= maxPersonal && !strings.ContainsFunc(text, unicode.IsControl)
}

// validAddress wants one bare mail address (RFC 5322 §3.4.1), with no name around it.
func validAddress(address string) bool {
	parsed, err := mail.ParseAddress(address)
	return err == nil && parsed.Address == address && validLine(address)
}

// subjectOf returns the first line of a text, cut to the longest subject.
func subjectOf(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	line = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.TrimSpace(line))
	if runes := []rune(line); len(runes) > maxPersonal {
		return string(runes[:maxPersonal-1]) + "…"
	}
	return line
}
