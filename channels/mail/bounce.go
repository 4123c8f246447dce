package mail

import (
	"regexp"
	"strings"

	"github.com/jhillyerd/enmime/v2"
)

// failedPattern is the field of a delivery report that says so (RFC 3464 §2.3.3). Delayed,
// delivered and relayed are no failures.
var (
	failedPattern    = regexp.MustCompile(`(?im)^action:[ \t]*failed`)
	actionPattern    = regexp.MustCompile(`(?im)^action:`)
	returnedIDHeader = regexp.MustCompile(`(?im)^message-id:\s*(<[^<>\s]{1,250}>)`)
)

// reportsFailure tells a mail that was not delivered from all other reports. Old programs send
// no report that a machine could read: an empty return path and a part with our mail is one too.
func reportsFailure(envelope *enmime.Envelope) bool {
	status := envelope.Root.BreadthMatchFirst(func(p *enmime.Part) bool {
		return p.ContentType == "message/delivery-status" || p.ContentType == "message/global-delivery-status"
	})
	if status != nil && actionPattern.Match(status.Content) {
		return failedPattern.Match(status.Content)
	}
	notified := envelope.Root.BreadthMatchFirst(func(p *enmime.Part) bool { return p.ContentType == "message/disposition-notification" })
	if notified != nil {
		return false // a receipt of reading
	}
	return nullReturnPath(envelope.Root.Header) && len(returnedMessageIDs(envelope)) > 0
}

// returnedMessageIDs are those of the mail, or its headers, that came back with a report: in a
// part of their own, or, from old mailer daemons, below the text.
func returnedMessageIDs(envelope *enmime.Envelope) []string {
	var found []string
	parts := envelope.Root.BreadthMatchAll(func(p *enmime.Part) bool {
		switch p.ContentType {
		case "message/rfc822", "message/global", "text/rfc822-headers", "message/rfc822-headers", "message/global-headers":
			return true
		}
		return false
	})
	for _, part := range parts {
		content := part.Content[:min(len(part.Content), maxHeader)]
		if match := returnedIDHeader.FindSubmatch(content); match != nil {
			found = append(found, string(match[1]))
		}
	}
	local, _, _ := strings.Cut(strings.ToLower(sender(envelope).Address), "@")
	if len(found) == 0 && (local == "mailer-daemon" || local == "postmaster") {
		if match := returnedIDHeader.FindStringSubmatch(cutBytes(envelope.Text, maxHeader)); match != nil {
			found = append(found, match[1])
		}
	}
	return found
}
