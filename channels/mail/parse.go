package mail

import (
	"crypto/sha256"
	"encoding/hex"
	"mime"
	netmail "net/mail"
	"net/textproto"
	"path"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jhillyerd/enmime/v2"
)

// source is a mail as the mailbox has it.
type source struct {
	raw      []byte
	at       Cursor
	received time.Time
	// tooLarge says that raw is only its header.
	tooLarge bool
}

// parser reads the mails of one mailbox.
type parser struct {
	mailbox      Mailbox
	signer       signer
	receiptLimit time.Duration
}

// unreadableError says why a mail is set aside, in words for people and without a word of the
// mail. Trying again would say the same.
type unreadableError struct{ reason string }

func (e *unreadableError) Error() string { return e.reason }

// parse reads a mail. Whatever a stranger sends, it returns a mail or an unreadableError.
func (p parser) parse(s source, now time.Time) (in Incoming, err error) {
	// The library is written for broken mail, but nobody has seen every broken mail.
	defer func() {
		if fault := recover(); fault != nil {
			in, err = Incoming{}, &unreadableError{"the mail could not be read: the reader stopped in the middle"}
		}
	}()
	raw := s.raw
	envelope, costly, err := read(raw)
	if costly {
		raw = headerOf(raw)
		envelope, _, err = read(raw)
	}
	if err != nil {
		return Incoming{}, &unreadableError{"the mail could not be read: it does not follow the rules of mail"}
	}
	header := envelope.Root.Header
	in = Incoming{
		Line: p.mailbox.Line, Cursor: s.at,
		MessageID:  messageIDOf(header, s.raw),
		From:       sender(envelope),
		To:         recipients(envelope),
		Subject:    cleanLine(envelope.GetHeader("Subject"), maxNameRunes),
		References: references(header),
		Received:   s.received,
	}
	in.Automatic = automatic(header, in.From, p.mailbox.Address, p.mailbox.sender.Address) || now.Sub(s.received) > p.receiptLimit
	p.prove(&in, envelope)
	if p.isEcho(in) {
		return Incoming{}, &unreadableError{"this mail is one that we sent, and it came back to us"}
	}
	in.Language = language(header.Get("Content-Language"), "")
	switch notes := notesIn(p.mailbox.Language); {
	case s.tooLarge:
		in.Text = notes.tooLarge
	case costly:
		in.Text = notes.tooComplex
		in.Attachments = []Attachment{{Name: notes.wholeMail, Type: "message/rfc822", Data: s.raw}}
	default:
		p.takeBody(&in, envelope, notes)
		in.Language = language(header.Get("Content-Language"), in.Text)
	}
	return in, nil
}

// isEcho: our address as sender and our signature in its own Message-ID (freescout#5638).
func (p parser) isEcho(in Incoming) bool {
	_, _, proved := p.signer.parseMessageID(in.MessageID)
	return proved && isOurs(in.From.Address, p.mailbox.Address, p.mailbox.sender.Address)
}

// prove finds the ticket that the mail goes on with, and whether it tells of a failed delivery.
// The nearest reference counts first: somebody may answer with an older mail in the list.
func (p parser) prove(in *Incoming, envelope *enmime.Envelope) {
	for i := len(in.References) - 1; i >= 0 && in.Ticket == ""; i-- {
		if ticket, _, proved := p.signer.parseMessageID(in.References[i]); proved {
			in.Ticket = ticket
		}
	}
	for _, address := range deliveryAddresses(envelope, in.To) {
		if in.Ticket != "" {
			break
		}
		if ticket, proved := p.signer.parseReplyAddress(p.mailbox.Address, address); proved {
			in.Ticket = ticket
		}
	}
	if !reportsFailure(envelope) {
		return
	}
	for _, id := range append(returnedMessageIDs(envelope), in.References...) {
		if ticket, key, proved := p.signer.parseMessageID(id); proved {
			in.Ticket, in.Bounce = ticket, &Bounce{Ticket: ticket, Key: key}
			return
		}
	}
	if in.Ticket != "" {
		in.Bounce = &Bounce{Ticket: in.Ticket}
	}
}

// takeBody fills in text, HTML and attachments.
func (p parser) takeBody(in *Incoming, envelope *enmime.Envelope, notes notes) {
	if len(envelope.Attachments) == 1 && envelope.Attachments[0] == envelope.Root && envelope.Root.FileName == "" && utf8.Valid(envelope.Root.Content) {
		// All there is, with a type that says nothing: its sender meant it to be read.
		envelope.Text, envelope.Attachments = string(envelope.Root.Content), nil
	}
	in.Attachments = attachments(envelope)
	text := cleanText(envelope.Text)
	if envelope.HTML != "" {
		html := sanitise(envelope.HTML, inlineImages(envelope), notes)
		in.HTML = html
		if strings.TrimSpace(text) == "" {
			text = plainText(html)
		}
	}
	if len(envelope.Attachments)+len(envelope.Inlines)+len(envelope.OtherParts) > maxAttachments {
		text += "\n\n" + notes.manyFiles
	}
	if cut := cutRunes(text, maxTextRunes-maxNameRunes); cut != text {
		in.Attachments = append(in.Attachments, Attachment{Name: notes.wholeText, Type: "text/plain", Data: []byte(text)})
		text = cut + "\n\n" + notes.cutText
	}
	in.Text = strings.TrimSpace(text)
}

// messageIDOf returns the mail's Message-ID, or one that is made from all its bytes: the
// Received lines of two deliveries differ, so two mails without one are two (libredesk#122).
func messageIDOf(header textproto.MIMEHeader, raw []byte) string {
	given := messageIDPattern.FindString(header.Get("Message-Id"))
	if given != "" && len(given) <= maxMessageID && printableASCII(given) {
		return given
	}
	digest := sha256.Sum256(raw)
	return "<" + hex.EncodeToString(digest[:]) + "@without-id.invalid>"
}

// references returns what the mail answers, the nearest last: References, then In-Reply-To,
// which names the nearest one in programs that get References wrong.
func references(header textproto.MIMEHeader) []string {
	var found []string
	for _, name := range []string{"References", "In-Reply-To"} {
		for _, value := range header[name] {
			for _, id := range messageIDPattern.FindAllString(value, maxReferences) {
				if len(id) <= maxMessageID && printableASCII(id) && (len(found) == 0 || found[len(found)-1] != id) {
					found = append(found, id)
				}
			}
		}
	}
	if len(found) > maxReferences {
		found = found[len(found)-maxReferences:]
	}
	return found
}

// addressPattern finds an address in a header that follows no grammar.
var addressPattern = regexp.MustCompile(`[^\s<>"(),:;@]{1,64}@[^\s<>"(),:;@]{1,190}`)

// sender returns the first From, or the Sender when there is none.
func sender(envelope *enmime.Envelope) Address {
	for _, name := range []string{"From", "Sender"} {
		if found := addresses(envelope, name); len(found) > 0 {
			return found[0]
		}
	}
	return Address{}
}

func recipients(envelope *enmime.Envelope) []Address {
	found := append(addresses(envelope, "To"), addresses(envelope, "Cc")...)
	return found[:min(len(found), maxRecipients)]
}

// deliveryAddresses are all that a token of ours may stand in.
func deliveryAddresses(envelope *enmime.Envelope, to []Address) []string {
	var found []string
	for _, address := range to {
		found = append(found, address.Address)
	}
	for _, name := range []string{"Delivered-To", "X-Original-To", "Envelope-To"} {
		for _, address := range addresses(envelope, name) {
			found = append(found, address.Address)
		}
	}
	return found
}

// addresses reads the first header of the name, by the grammar if it follows one.
func addresses(envelope *enmime.Envelope, name string) []Address {
	values := envelope.GetHeaderValues(name)
	if len(values) == 0 || len(values[0]) > maxHeader {
		return nil
	}
	parser := netmail.AddressParser{WordDecoder: &mime.WordDecoder{}}
	raw := envelope.Root.Header.Get(name)
	var found []Address
	list, err := parser.ParseList(raw)
	if err != nil {
		list, err = parser.ParseList(values[0])
	}
	if err != nil {
		for _, match := range addressPattern.FindAllString(values[0], maxRecipients) {
			list = append(list, &netmail.Address{Address: match})
		}
	}
	for _, one := range list {
		address := strings.TrimSpace(one.Address)
		if len(address) > maxAddress || strings.ContainsFunc(address, func(r rune) bool { return isControl(r) || turnsDirection(r) || r == '\uFFFD' }) {
			continue
		}
		found = append(found, Address{Name: cleanLine(one.Name, maxNameRunes), Address: address})
		if len(found) == maxRecipients {
			break
		}
	}
	return found
}

// attachments are all parts that are not the body.
func attachments(envelope *enmime.Envelope) []Attachment {
	var found []Attachment
	seen := map[*enmime.Part]bool{}
	for _, parts := range [][]*enmime.Part{envelope.Attachments, envelope.Inlines, envelope.OtherParts} {
		for _, part := range parts {
			if seen[part] || len(found) == maxAttachments || isBody(part) {
				continue
			}
			seen[part] = true
			kind := attachmentType(part.ContentType)
			found = append(found, Attachment{Name: fileName(part.FileName, kind), Type: kind, Data: part.Content})
		}
	}
	return found
}

// isBody: Apple's programs mark the text itself as inline.
func isBody(part *enmime.Part) bool {
	return part.Disposition == "inline" && part.FileName == "" && (part.ContentType == "text/plain" || part.ContentType == "text/html")
}

var typePattern = regexp.MustCompile(`^[a-z0-9][a-z0-9!#$&^_.+-]{0,60}/[a-z0-9][a-z0-9!#$&^_.+-]{0,100}$`)

func attachmentType(declared string) string {
	if kind := mediaType(declared); typePattern.MatchString(kind) {
		return kind
	}
	return "application/octet-stream"
}

// endings are for files without a name. The system's table differs from machine to machine.
var endings = map[string]string{
	"application/octet-stream": ".bin", "application/pdf": ".pdf", "image/gif": ".gif", "image/jpeg": ".jpg", "image/png": ".png",
	"image/webp": ".webp", "message/rfc822": ".eml", "text/calendar": ".ics", "text/csv": ".csv", "text/html": ".html",
	"text/plain": ".txt", "text/rfc822-headers": ".txt", "message/delivery-status": ".txt", "text/vcard": ".vcf",
}

// fileName is a name without folders, or one by the type. The end is kept: it says what it is.
func fileName(given, kind string) string {
	name := cleanLine(given, 10*maxNameRunes)
	name = path.Base(strings.ReplaceAll(name, `\`, "/"))
	name = strings.TrimLeft(strings.Map(func(r rune) rune {
		if strings.ContainsRune(`<>:"|?*`, r) {
			return '_'
		}
		return r
	}, name), ". ")
	if name == "" || name == "/" {
		name = "bilaga"
		name += endings[kind]
	}
	if runes := []rune(name); len(runes) > maxNameRunes {
		ending := []rune(path.Ext(name))
		if len(ending) > 20 {
			ending = nil
		}
		name = string(runes[:maxNameRunes-len(ending)]) + string(ending)
	}
	return name
}
