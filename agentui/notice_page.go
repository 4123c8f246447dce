package agentui

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"svar/contact"
)

// noticeCursor is where a page of the log of outage messages and embargoes begins: after what
// was published or set at that moment under that id.
type noticeCursor struct {
	at contact.Instant
	id string
}

func (c noticeCursor) String() string { return strconv.FormatInt(int64(c.at), 10) + "." + c.id }

// parseNoticeCursor reads one; the empty text is the newest end.
func parseNoticeCursor(text string) (noticeCursor, bool) {
	if text == "" {
		return noticeCursor{}, true
	}
	moment, id, found := strings.Cut(text, ".")
	at, err := strconv.ParseInt(moment, 10, 64)
	return noticeCursor{at: contact.Instant(at), id: id}, found && err == nil && at > 0 && at < maxMoment && sayable(id, maxUUID)
}

// maxMoment is where the years have more than four digits.
const maxMoment = 253_402_300_800_000

// noticePage leaves the newest of both logs together, and returns where the next page begins;
// empty when there is none.
func noticePage(log contact.Notices, limit int) (contact.Notices, string) {
	var all []noticeCursor
	for _, n := range log.Notices {
		all = append(all, noticeCursor{n.Published, string(n.ID)})
	}
	for _, e := range log.Embargoes {
		all = append(all, noticeCursor{e.From, string(e.ID)})
	}
	if len(all) <= limit {
		return log, ""
	}
	newestFirst := func(a, b noticeCursor) int { return cmp.Or(cmp.Compare(b.at, a.at), cmp.Compare(b.id, a.id)) }
	slices.SortFunc(all, newestFirst)
	last := all[limit-1]
	older := func(at contact.Instant, id string) bool { return newestFirst(noticeCursor{at, id}, last) > 0 }
	return contact.Notices{
		Notices:   slices.DeleteFunc(slices.Clone(log.Notices), func(n contact.Notice) bool { return older(n.Published, string(n.ID)) }),
		Embargoes: slices.DeleteFunc(slices.Clone(log.Embargoes), func(e contact.Embargo) bool { return older(e.From, string(e.ID)) }),
	}, last.String()
}
