package mail

import (
	"net/textproto"
	"slices"
	"strings"
)

// loopHeader stands in everything that we send. Whatever carries it was written by a Svar, this
// one or another: it gets no automatic answer.
const loopHeader = "X-Svar-Mail"

// automatic reports whether a machine wrote the mail (RFC 3834 §2): such a mail is never
// answered by another machine. In doubt it is one; the price is a receipt that was not sent.
func automatic(header textproto.MIMEHeader, from Address, ours ...string) bool {
	return !isNo(header.Get("Auto-Submitted")) ||
		isBulk(header.Get("Precedence")) ||
		isListed(header) ||
		suppressed(header) ||
		nullReturnPath(header) ||
		mediaType(header.Get("Content-Type")) == "multipart/report" ||
		fromMachine(from.Address) ||
		isOurs(from.Address, ours...)
}

func isNo(autoSubmitted string) bool {
	kind, _, _ := strings.Cut(autoSubmitted, ";")
	kind, _, _ = strings.Cut(kind, "(") // a comment
	kind = strings.TrimSpace(kind)
	return kind == "" || strings.EqualFold(kind, "no")
}

func isBulk(precedence string) bool {
	return slices.Contains([]string{"bulk", "list", "junk", "auto_reply"}, strings.ToLower(strings.TrimSpace(precedence)))
}

// isListed: List-Id (RFC 2919) and its family (RFC 2369), and what shops send with.
func isListed(header textproto.MIMEHeader) bool {
	for name := range header {
		if strings.HasPrefix(name, "List-") {
			return true
		}
	}
	return header.Get("Feedback-Id") != "" || header.Get("X-Mailing-List") != ""
}

// suppressed: what answering machines say when they do not want to be answered.
func suppressed(header textproto.MIMEHeader) bool {
	// Exchange's list of what is not wanted; DR, RN and NRN are about other things than answers.
	for _, unwanted := range strings.Split(strings.ToLower(header.Get("X-Auto-Response-Suppress")), ",") {
		if slices.Contains([]string{"all", "oof", "autoreply"}, strings.TrimSpace(unwanted)) {
			return true
		}
	}
	for _, name := range []string{
		"X-Autoreply", "X-Autorespond", "X-Autoresponder", "X-Auto-Reply", "X-Failed-Recipients", loopHeader,
	} {
		if _, there := header[textproto.CanonicalMIMEHeaderKey(name)]; there {
			return true
		}
	}
	return false
}

func nullReturnPath(header textproto.MIMEHeader) bool {
	values, there := header["Return-Path"]
	return there && strings.Trim(values[0], "<> \t") == ""
}

// fromMachine: mailboxes that no person reads, or that only machines write from.
func fromMachine(address string) bool {
	local, _, _ := strings.Cut(strings.ToLower(address), "@")
	local, _, _ = strings.Cut(local, "+")
	if local == "" {
		return true // nobody to answer
	}
	return slices.Contains([]string{
		"mailer-daemon", "postmaster", "noreply", "no-reply", "no_reply", "do-not-reply", "donotreply", "bounce", "bounces",
		"inte-svara", "svara-ej", "svarainte",
	}, local) || strings.HasPrefix(local, "owner-") || strings.HasSuffix(local, "-request") || strings.HasSuffix(local, "-bounces")
}

// isOurs: one of the desk's own addresses, with or without a token (freescout#5638).
func isOurs(address string, ours ...string) bool {
	local, domain, _ := strings.Cut(strings.ToLower(address), "@")
	local, _, _ = strings.Cut(local, "+")
	return slices.ContainsFunc(ours, func(own string) bool { return strings.EqualFold(own, local+"@"+domain) })
}

// mediaType returns the type of a Content-Type without its parameters, which may be broken.
func mediaType(contentType string) string {
	kind, _, _ := strings.Cut(contentType, ";")
	return strings.ToLower(strings.TrimSpace(kind))
}
