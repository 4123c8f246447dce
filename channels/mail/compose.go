package mail

import (
	"bytes"
	"errors"
	"fmt"
	netmail "net/mail"
	"strings"
	"time"

	"github.com/emersion/go-message"
	gomail "github.com/emersion/go-message/mail"

	"svar/contact"
)

// Outgoing is a mail to a user: an agent's answer, or a receipt.
type Outgoing struct {
	// Line is the mailbox that it is sent from.
	Line   contact.LineID
	Ticket contact.TicketNumber
	To     Address
	// Subject is without the ticket's number: "[SD-100234]" is put before it, for people's
	// eyes and searches, unless it is there already.
	Subject string
	Text    string
	// InReplyTo is the Message-ID of the mail that this one answers, References those before it.
	InReplyTo  string
	References []string
	// Automatic marks a receipt: no machine answers it, and it has an empty return path
	// (RFC 3834 §3.1.8, §3.3).
	Automatic bool
	// Key names this mail among all of its ticket: letters a–z, digits and hyphens, at most 64. The
	// Message-ID is made from it, so that a mail that is sent again is the same mail, and it
	// comes back in [Bounce.Key]. Needed.
	Key string
}

// composed is a mail that is ready to be handed over.
type composed struct {
	// from is the return path, empty for an automatic mail; to is who gets it.
	from, to string
	data     []byte
}

var errUnsendable = errors.New("the mail cannot be sent as it is")

// compose writes the mail. Its headers are made from cleaned values by the library alone:
// nothing that a user wrote can become a header of its own.
func (s signer) compose(mailbox Mailbox, out Outgoing, now time.Time) (composed, error) {
	to, err := recipient(out.To)
	if err != nil {
		return composed{}, err
	}
	if !ticketPattern.MatchString(string(out.Ticket)) {
		return composed{}, fmt.Errorf("%w: %q is no ticket's number", errUnsendable, out.Ticket)
	}
	if !keyPattern.MatchString(out.Key) {
		return composed{}, fmt.Errorf("%w: its key must be 1 to 64 letters a–z, digits and hyphens", errUnsendable)
	}
	_, domain, _ := strings.Cut(mailbox.Address, "@")
	reply := mailbox.Address
	if mailbox.Plus {
		reply = s.replyAddress(mailbox.Address, out.Ticket)
	}

	var header gomail.Header
	header.SetDate(now)
	header.SetAddressList("From", []*gomail.Address{&mailbox.sender})
	header.SetAddressList("To", []*gomail.Address{to})
	if reply != mailbox.sender.Address {
		header.SetAddressList("Reply-To", []*gomail.Address{{Name: mailbox.sender.Name, Address: reply}})
	}
	header.SetSubject(subjectOf(out))
	header.SetMessageID(strings.Trim(s.messageID(out.Ticket, out.Key, domain), "<>"))
	if id := onlyMessageID(out.InReplyTo); id != "" {
		header.SetMsgIDList("In-Reply-To", []string{id})
	}
	if list := thread(out); len(list) > 0 {
		header.SetMsgIDList("References", list)
	}
	header.Set("MIME-Version", "1.0")
	header.SetContentType("text/plain", map[string]string{"charset": "utf-8"})
	header.Set("Content-Transfer-Encoding", "quoted-printable")
	header.Set(loopHeader, "1")
	result := composed{from: reply, to: to.Address}
	if out.Automatic {
		result.from = ""
		header.Set("Auto-Submitted", "auto-replied")
		header.Set("X-Auto-Response-Suppress", "All")
	}

	var buffer bytes.Buffer
	writer, err := message.CreateWriter(&buffer, header.Header)
	if err != nil {
		return composed{}, fmt.Errorf("write the mail's header: %w", err)
	}
	text := strings.ReplaceAll(cleanText(out.Text), "\n", "\r\n") + "\r\n"
	if _, err := writer.Write([]byte(text)); err != nil {
		return composed{}, fmt.Errorf("write the mail's text: %w", err)
	}
	if err := writer.Close(); err != nil {
		return composed{}, fmt.Errorf("end the mail: %w", err)
	}
	result.data = buffer.Bytes()
	return result, nil
}

// recipient accepts one plain address. What the server makes of one with letters beyond ASCII
// is asked later.
func recipient(to Address) (*gomail.Address, error) {
	parsed, err := netmail.ParseAddress("<" + to.Address + ">")
	if err != nil || parsed.Address != to.Address || len(to.Address) > maxAddress || strings.ContainsFunc(to.Address, isControl) {
		return nil, fmt.Errorf("%w: the recipient's address is not one", errUnsendable)
	}
	return &gomail.Address{Name: cleanLine(to.Name, maxNameRunes), Address: to.Address}, nil
}

func subjectOf(out Outgoing) string {
	tag := "[" + string(out.Ticket) + "]"
	subject := cleanLine(out.Subject, maxNameRunes)
	if strings.Contains(subject, tag) {
		return subject
	}
	return strings.TrimSpace(tag + " " + subject)
}

// thread is the References header (RFC 5322 §3.6.4): what came before, then what is answered.
// A long one keeps its first, by which programs find the conversation, and its last.
func thread(out Outgoing) []string {
	const keptLast = 20
	var list []string
	for _, id := range append(out.References[:len(out.References):len(out.References)], out.InReplyTo) {
		id = onlyMessageID(id)
		if id != "" && (len(list) == 0 || list[len(list)-1] != id) {
			list = append(list, id)
		}
	}
	if len(list) > keptLast+1 {
		list = append(list[:1:1], list[len(list)-keptLast:]...)
	}
	return list
}

// onlyMessageID returns what is between the brackets when the value is one Message-ID and
// nothing else, as the library takes it.
func onlyMessageID(value string) string {
	if found := messageIDPattern.FindString(value); found == value && found != "" && printableASCII(found) && len(found) <= maxMessageID {
		return strings.Trim(found, "<>")
	}
	return ""
}
