package mail

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"regexp"
	"strings"

	"svar/contact"
)

// The signature is HMAC-SHA256 cut to 100 bits, written as 20 small letters and digits: mail
// addresses lose their case on the way, and a local part has 64 characters at the most.
const signatureLength = 20

var base32Lower = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

var (
	ticketPattern = regexp.MustCompile(`^[A-Z]{1,8}-[0-9]{1,12}$`)
	keyPattern    = regexp.MustCompile(`^[a-z0-9-]{1,64}$`)
	// messageIDPattern is what is taken for a Message-ID in the headers of others
	// (RFC 5322 §3.6.4, without comments and quoted strings).
	messageIDPattern = regexp.MustCompile(`<[^<>\s@"]{1,200}@[^<>\s@"]{1,200}>`)
)

// signer makes and verifies what proves that a mail belongs to a ticket.
type signer struct{ key []byte }

func (s signer) signature(purpose string, parts ...string) string {
	mac := hmac.New(sha256.New, s.key)
	mac.Write([]byte("svar mail " + purpose))
	for _, part := range parts {
		mac.Write([]byte{0})
		mac.Write([]byte(part))
	}
	return base32Lower.EncodeToString(mac.Sum(nil))[:signatureLength]
}

func (s signer) verifies(given, purpose string, parts ...string) bool {
	return hmac.Equal([]byte(given), []byte(s.signature(purpose, parts...)))
}

// messageID is the Message-ID of the mail that key names among those of the ticket. It is
// always the same for both: a mail that is sent again is the same mail.
func (s signer) messageID(ticket contact.TicketNumber, key, domain string) string {
	number := strings.ToLower(string(ticket))
	return fmt.Sprintf("<%s.%s.%s@%s>", number, key, s.signature("message", number, key), domain)
}

// parseMessageID returns what a Message-ID of ours says; proved is false for any other. The
// domain is not looked at: it may have changed since, and the signature says enough.
func (s signer) parseMessageID(id string) (ticket contact.TicketNumber, key string, proved bool) {
	local, _, found := strings.Cut(strings.TrimPrefix(strings.TrimSpace(id), "<"), "@")
	parts := strings.Split(strings.ToLower(local), ".")
	if !found || len(parts) != 3 || !s.verifies(parts[2], "message", parts[0], parts[1]) {
		return "", "", false
	}
	ticket, valid := ticketOf(parts[0])
	return ticket, parts[1], valid
}

// replyAddress puts the ticket and its signature into an address of ours: desk+sd-100234-….
func (s signer) replyAddress(address string, ticket contact.TicketNumber) string {
	local, domain, _ := strings.Cut(address, "@")
	number := strings.ToLower(string(ticket))
	return local + "+" + number + "-" + s.signature("address", number) + "@" + domain
}

// parseReplyAddress returns the ticket that an address of the mailbox proves.
func (s signer) parseReplyAddress(mailbox, address string) (contact.TicketNumber, bool) {
	local, domain, _ := strings.Cut(strings.ToLower(mailbox), "@")
	givenLocal, givenDomain, _ := strings.Cut(strings.ToLower(strings.TrimSpace(address)), "@")
	token, isPlus := strings.CutPrefix(givenLocal, local+"+")
	last := strings.LastIndexByte(token, '-')
	if !isPlus || givenDomain != domain || last < 0 || !s.verifies(token[last+1:], "address", token[:last]) {
		return "", false
	}
	return ticketOf(token[:last])
}

func ticketOf(number string) (contact.TicketNumber, bool) {
	number = strings.ToUpper(number)
	return contact.TicketNumber(number), ticketPattern.MatchString(number)
}
