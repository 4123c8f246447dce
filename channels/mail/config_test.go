package mail

import (
	"strings"
	"testing"
)

func TestConfigurationsThatCannotBeAreRefused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(c *Config)
		want   string
	}{
		"a short key":                  {func(c *Config) { c.Key = []byte("short") }, "32 bytes"},
		"no address":                   {func(c *Config) { c.Mailboxes[0].Address = "" }, "not a plain mail address"},
		"a name in the address":        {func(c *Config) { c.Mailboxes[0].Address = "Desk <desk@desk.example>" }, "not a plain mail address"},
		"a line break in the name":     {func(c *Config) { c.Mailboxes[0].From = "Desk\r\nBcc: x <desk@desk.example>" }, "is no sender"},
		"a password in the open":       {func(c *Config) { c.Mailboxes[0].IMAP.TLS, c.Mailboxes[0].IMAP.Address = NoTLS, "localhost:143" }, "only sent over TLS"},
		"open mail to another machine": {func(c *Config) { c.Mailboxes[0].SMTP.TLS = NoTLS; c.Mailboxes[0].SMTP.Address = "mail.example:25" }, "another machine"},
		"a server without port":        {func(c *Config) { c.Mailboxes[0].IMAP.Address = "mail.example" }, "not host:port"},
		"an unknown protection":        {func(c *Config) { c.Mailboxes[0].SMTP.TLS = "maybe" }, "no way to protect"},
		"a mailbox twice":              {func(c *Config) { c.Mailboxes = append(c.Mailboxes, c.Mailboxes[0]) }, "there twice"},
		"nobody to take":               {func(c *Config) { c.Post = nil }, "nobody was given"},
		"a negative time":              {func(c *Config) { c.Poll = -1 }, "negative"},
	} {
		config := Config{Mailboxes: []Mailbox{deskMailbox()}, Post: newPostOffice(), Key: testKey}
		test.change(&config)
		if _, err := New(config); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := New(Config{Key: testKey, Post: newPostOffice()}); err != nil {
		t.Errorf("no mailbox at all is fine, but: %v", err)
	}
}
