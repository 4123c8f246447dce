package agentui

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"svar/contact"
)

// logCursor is where a page of a log begins: after what is on it at that moment under that id.
type logCursor struct {
	at contact.Instant
	id string
}

func (c logCursor) String() string { return strconv.FormatInt(int64(c.at), 10) + "." + c.id }

// parseLogCursor reads one whose id has at most so many characters; the empty text is the newest end.
func parseLogCursor(text string, mostID int) (logCursor, bool) {
	if text == "" {
		return logCursor{}, true
	}
	moment, id, found := strings.Cut(text, ".")
	at, err := strconv.ParseInt(moment, 10, 64)
	return logCursor{at: contact.Instant(at), id: id}, found && err == nil && at > 0 && at < maxMoment && sayable(id, mostID)
}

// noLogCursor is the answer to a page that is asked for after what no page had as next.
func noLogCursor() error {
	return huma.Error422UnprocessableEntity("before is not what a page had as next",
		&huma.ErrorDetail{Location: "query.before", Message: "is not what a page had as next"})
}

// maxMoment is where the years have more than four digits.
const maxMoment = 253_402_300_800_000

// noticePage leaves the newest of both logs together, and returns where the next page begins;
// empty when there is none.
func noticePage(log contact.Notices, limit int) (contact.Notices, string) {
	var all []logCursor
	for _, n := range log.Notices {
		all = append(all, logCursor{n.Published, string(n.ID)})
	}
	for _, e := range log.Embargoes {
		all = append(all, logCursor{e.From, string(e.ID)})
	}
	if len(all) <= limit {
		return log, ""
	}
	newestFirst := func(a, b logCursor) int { return cmp.Or(cmp.Compare(b.at, a.at), cmp.Compare(b.id, a.id)) }
	slices.SortFunc(all, newestFirst)
	last := all[limit-1]
	older := func(at contact.Instant, id string) bool { return newestFirst(logCursor{at, id}, last) > 0 }
	return contact.Notices{
		Notices:   slices.DeleteFunc(slices.Clone(log.Notices), func(n contact.Notice) bool { return older(n.Published, string(n.ID)) }),
		Embargoes: slices.DeleteFunc(slices.Clone(log.Embargoes), func(e contact.Embargo) bool { return older(e.From, string(e.ID)) }),
	}, last.String()
}
