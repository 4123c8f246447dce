package mail

import (
	"net/textproto"
	"strings"
	"testing"
)

// zammad#1131, glpi#16785, chatwoot#5131, freescout#3670: no machine is answered by one.
func TestAutomaticMailIsKnown(t *testing.T) {
	t.Parallel()
	const person = "kim@home.example"
	for _, test := range []struct {
		header, from string
		want         bool
	}{
		{"", person, false},
		{"Auto-Submitted: no", person, false},
		{"Auto-Submitted: No (a person)", person, false},
		{"Auto-Submitted: auto-replied", person, true},
		{"Auto-Submitted: auto-generated; type=x", person, true},
		{"Precedence: bulk", person, true},
		{"Precedence: List", person, true},
		{"Precedence: first-class", person, false},
		{"List-Id: <a.example>", person, true},
		{"List-Unsubscribe: <mailto:x@a.example>", person, true},
		{"X-Auto-Response-Suppress: DR, OOF, AutoReply", person, true},
		{"X-Auto-Response-Suppress: DR, RN", person, false},
		{"X-Autoreply: yes", person, true},
		{"Return-Path: <>", person, true},
		{"Return-Path: <kim@home.example>", person, false},
		{"Content-Type: multipart/report; report-type=delivery-status", person, true},
		{"X-Svar-Mail: 1", person, true},
		{"", "MAILER-DAEMON@mail.example", true},
		{"", "postmaster@mail.example", true},
		{"", "no-reply@shop.example", true},
		{"", "owner-list@lists.example", true},
		{"", "", true},
		{"", "Desk@Desk.example", true}, // freescout#5638
		{"", "desk+sd-100234-x@desk.example", true},
		{"", "helpdesk@desk.example", false},
	} {
		header := textproto.MIMEHeader{}
		if name, value, found := strings.Cut(test.header, ": "); found {
			header.Set(name, value)
		}
		if got := automatic(header, Address{Address: test.from}, "desk@desk.example"); got != test.want {
			t.Errorf("%q from %q: automatic is %v", test.header, test.from, got)
		}
	}
}
