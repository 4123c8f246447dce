package contact_test

import (
	"testing"

	"svar/contact"
)

// An outage message is told on its lines, to its audiences, in its time, and while no embargo of its service or of all is in force
// (requirements 3.1j, 3.6a).
func TestWhoIsToldAnOutageMessage(t *testing.T) {
	t.Parallel()
	const from, until = contact.Instant(1_000), contact.Instant(2_000)
	whole := contact.Notice{ID: "n", Service: "mail", From: from, Until: until}
	narrow := whole
	narrow.Lines, narrow.Audiences = []contact.LineID{"staff", "chat"}, []contact.Audience{contact.AudienceStaff}
	endless, withdrawn, ofNoService := whole, whole, whole
	endless.Until, withdrawn.Withdrawn, ofNoService.Service = 0, from, ""
	for name, test := range map[string]struct {
		notice    contact.Notice
		embargoes []contact.Embargo
		line      contact.LineID
		audience  contact.Audience
		now       contact.Instant
		want      bool
	}{
		"everybody":                     {notice: whole, line: "pupils", audience: contact.AudiencePupil, now: from, want: true},
		"before it begins":              {notice: whole, line: "staff", now: from - 1},
		"at its last instant":           {notice: whole, line: "staff", now: until - 1, want: true},
		"when it is over":               {notice: whole, line: "staff", now: until},
		"while nobody knows an end":     {notice: endless, line: "staff", now: until + 1<<40, want: true},
		"withdrawn":                     {notice: withdrawn, line: "staff", now: from},
		"its line and audience":         {notice: narrow, line: "staff", audience: contact.AudienceStaff, now: from, want: true},
		"another of its lines":          {notice: narrow, line: "chat", audience: contact.AudienceStaff, now: from, want: true},
		"another line":                  {notice: narrow, line: "pupils", audience: contact.AudienceStaff, now: from},
		"another audience":              {notice: narrow, line: "staff", audience: contact.AudiencePupil, now: from},
		"an audience that is unknown":   {notice: narrow, line: "staff", audience: contact.AudienceUnknown, now: from, want: true},
		"all are blocked":               {notice: whole, embargoes: []contact.Embargo{{ID: "e"}}, line: "staff", now: from},
		"its service is blocked":        {notice: whole, embargoes: []contact.Embargo{{ID: "e", Service: "print"}, {ID: "f", Service: "mail"}}, line: "staff", now: from},
		"another service is blocked":    {notice: whole, embargoes: []contact.Embargo{{ID: "e", Service: "print"}}, line: "staff", now: from, want: true},
		"the block is lifted":           {notice: whole, embargoes: []contact.Embargo{{ID: "e", Lifted: from}}, line: "staff", now: from, want: true},
		"of no service, one is blocked": {notice: ofNoService, embargoes: []contact.Embargo{{ID: "e", Service: "mail"}}, line: "staff", now: from, want: true},
		"of no service, all are":        {notice: ofNoService, embargoes: []contact.Embargo{{ID: "e"}}, line: "staff", now: from},
	} {
		all := contact.Notices{Notices: []contact.Notice{test.notice}, Embargoes: test.embargoes}
		if told := all.Told(test.line, test.audience, test.now); (len(told) == 1) != test.want {
			t.Errorf("%s: told are %+v", name, told)
		}
	}
}
