package configs

import (
	"fmt"
	"maps"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"svar/contact"
)

func (c *checker) chat(chat Chat) {
	for i, origin := range chat.Origins {
		if !isOrigin(origin) {
			c.fault(fmt.Sprintf("$.chat.origins[%d]", i), "%q is no origin; write it as https://example.org, without a path", origin)
		}
	}
	if chat.AwayLimit <= 0 {
		c.fault("$.chat.away_limit", "a visitor may be gone for longer than 0 s: networks are cut")
	}
	for i, topic := range chat.Topics {
		path := fmt.Sprintf("$.chat.topics[%d]", i)
		id(c, path, "entrance", topic.ID, c.entrances)
		c.named(path+".name", topic.Name)
		c.audience(path+".audience", topic.Audience)
		if len(topic.Languages) == 0 {
			c.fault(path, "a topic needs a language")
		}
		for j, language := range topic.Languages {
			c.language(fmt.Sprintf("%s.languages[%d]", path, j), language)
		}
		c.service(path+".service", topic.Service)
		c.hoursID(path, topic.Hours)
		c.flow(path+".flow", topic.Flow, entrance{what: "topic " + string(topic.ID), languages: topic.Languages})
	}
}

// isOrigin tells scheme and host, as browsers send them, from everything else.
func isOrigin(text string) bool {
	parsed, err := url.Parse(text)
	return err == nil && (parsed.Scheme == "https" || parsed.Scheme == "http") && parsed.Host != "" &&
		text == strings.ToLower(parsed.Scheme+"://"+parsed.Host)
}

func (c *checker) mail(m Mail) {
	addresses := map[string]bool{}
	for i, box := range m.Mailboxes {
		path := fmt.Sprintf("$.mail.mailboxes[%d]", i)
		id(c, path, "entrance", box.ID, c.entrances)
		c.named(path+".name", box.Name)
		c.audience(path+".audience", box.Audience)
		c.language(path+".language", box.Language)
		parsed, err := mail.ParseAddress(box.Address)
		switch {
		case err != nil || parsed.Address != box.Address:
			c.fault(path+".address", "%q is no mail address; write it as desk@example.org", box.Address)
		case addresses[strings.ToLower(box.Address)]:
			c.fault(path+".address", "two mailboxes have the address %s", box.Address)
		}
		addresses[strings.ToLower(box.Address)] = true
		if _, err := mail.ParseAddress(box.Sender()); err != nil {
			c.fault(path+".from", "%q is no sender; write it as Desk <desk@example.org>", box.From)
		}
		c.service(path+".service", box.Service)
		c.needs(path+".needs", box.Needs)
		c.together(path+".needs", len(box.Needs), c.ofServices[box.Service], c.ofLanguages)
		c.class(path+".class", box.Class)
		c.target(path, box.Target)
		c.hoursID(path, box.Hours)
		c.imap(path+".imap", box.IMAP)
		c.smtp(path+".smtp", box.SMTP)
	}
}

func (c *checker) imap(path string, server IMAP) {
	c.server(path, server.Address, server.CAFile)
	if !slices.Contains([]string{TLSImplicit, TLSStartTLS}, server.Mode()) {
		c.fault(path+".tls", "%q does not protect a mailbox; there are implicit and starttls", server.TLS)
	}
	if server.Username == "" || server.Password == "" {
		c.fault(path, "a mailbox needs a username and a password")
	}
}

func (c *checker) smtp(path string, server SMTP) {
	c.server(path, server.Address, server.CAFile)
	switch server.Mode() {
	case TLSImplicit, TLSStartTLS:
	case TLSNone:
		if !isLoopback(server.Address) {
			c.fault(path+".tls", "mails may leave without TLS to a server on this machine only")
		}
	default:
		c.fault(path+".tls", "there is no TLS mode %q; there are implicit, starttls and none", server.TLS)
	}
	if server.Username != "" && server.Password == "" {
		c.fault(path, "a username needs a password")
	}
}

// server checks what both kinds of mail servers have.
func (c *checker) server(path, address, caFile string) {
	if !isHostPort(address) {
		c.fault(path+".address", "%q is not host:port", address)
	}
	if _, err := roots(caFile); err != nil {
		c.fault(path+".ca_file", "%v", err)
	}
}

func isLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

func (c *checker) portal(portal Portal) {
	if portal.BaseURL != "" {
		parsed, err := url.Parse(portal.BaseURL)
		if err != nil || parsed.Scheme != "https" && parsed.Scheme != "http" || parsed.Host == "" || parsed.RawQuery != "" || parsed.Fragment != "" {
			c.fault("$.portal.base_url", "%q is no address of a site; write it as https://servicedesk.example.org", portal.BaseURL)
		}
	}
	form := portal.Form
	id(c, "$.portal.form", "entrance", form.ID, c.entrances)
	c.named("$.portal.form.name", form.Name)
	c.class("$.portal.form.class", form.Class)
	c.target("$.portal.form", form.Target)
	c.hoursID("$.portal.form", form.Hours)
	for _, audience := range slices.Sorted(maps.Keys(form.Needs)) {
		path := "$.portal.form.needs." + string(audience)
		c.audience(path, audience)
		c.needs(path, form.Needs[audience])
		c.together(path, len(form.Needs[audience]), c.ofForms, c.ofLanguages)
	}
}

func (c *checker) target(path string, target contact.Millis) {
	if target <= 0 {
		c.fault(path+".target", "the target must be above 0 s")
	}
	c.atMost(path+".target", target, maxTarget)
}
