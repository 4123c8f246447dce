package mail

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"svar/contact"
)

func TestSignaturesSurviveTheWayAndNobodyElseMakesThem(t *testing.T) {
	t.Parallel()
	ours, theirs := signer{testKey}, signer{[]byte("another key of thirty-two bytes!")}
	rapid.Check(t, func(t *rapid.T) {
		ticket := contact.TicketNumber(rapid.StringMatching(`[A-Z]{1,8}-[0-9]{1,12}`).Draw(t, "ticket"))
		key := rapid.StringMatching(`[a-z0-9-]{1,64}`).Draw(t, "key")
		id := ours.messageID(ticket, key, "desk.example")
		if len(id) > maxMessageID {
			t.Fatalf("%q is too long", id)
		}
		// Some programs write all of it in capitals.
		for _, way := range []string{id, strings.ToUpper(id)} {
			if got, gotKey, proved := ours.parseMessageID(way); !proved || got != ticket || gotKey != key {
				t.Fatalf("%q says %q, %q, %v", way, got, gotKey, proved)
			}
		}
		if _, _, proved := theirs.parseMessageID(id); proved {
			t.Fatal("a signature of another key is believed")
		}
		address := ours.replyAddress("desk@desk.example", ticket)
		if local, _, _ := strings.Cut(address, "@"); len(local) > 64 {
			t.Fatalf("%q has a local part of more than 64 characters", address)
		}
		for _, way := range []string{address, strings.ToUpper(address)} {
			if got, proved := ours.parseReplyAddress("desk@desk.example", way); !proved || got != ticket {
				t.Fatalf("%q says %q, %v", way, got, proved)
			}
		}
		if _, proved := theirs.parseReplyAddress("desk@desk.example", address); proved {
			t.Fatal("an address of another key is believed")
		}
		// Nothing that was signed for one purpose or ticket serves another.
		other := strings.Replace(id, strings.ToLower(string(ticket)), "sd-1", 1)
		if _, _, proved := ours.parseMessageID(other); proved && ticket != "SD-1" {
			t.Fatalf("%q is believed", other)
		}
	})
}

func FuzzTokens(f *testing.F) {
	s := signer{testKey}
	f.Add(s.messageID("SD-100234", "entry-1", "desk.example"))
	f.Add(s.replyAddress("desk@desk.example", "SD-100234"))
	f.Add("<a.b.c@d>")
	f.Fuzz(func(t *testing.T, text string) {
		if ticket, key, proved := s.parseMessageID(text); proved {
			if id := s.messageID(ticket, key, "x"); !strings.EqualFold(id[:strings.IndexByte(id, '@')], "<"+strings.TrimPrefix(strings.TrimSpace(text[:strings.IndexByte(text, '@')]), "<")) {
				t.Errorf("%q is believed, and is not what we write: %q", text, id)
			}
		}
		if ticket, proved := s.parseReplyAddress("desk@desk.example", text); proved && !strings.EqualFold(s.replyAddress("desk@desk.example", ticket), strings.TrimSpace(text)) {
			t.Errorf("%q is believed, and is not what we write", text)
		}
	})
}
