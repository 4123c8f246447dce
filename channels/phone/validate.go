package phone

import (
	"strings"

	"github.com/emiago/sipgo/sip"
)

// maxMessage bounds a message, in bytes; a longer datagram is dropped and a longer message
// ends its TCP connection.
const maxMessage = 24 << 10

// allowed are the methods that are served, as the Allow header has them.
const allowed = "INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, INFO, PRACK"

// fault is a response that refuses a request, with its reason phrase and further headers.
type fault struct {
	code    int
	reason  string
	headers []sip.Header
}

func refuse(code int, reason string, headers ...sip.Header) *fault {
	return &fault{code: code, reason: reason, headers: headers}
}

// validate checks what the parser lets through (RFC 3261 §8.1.1, §8.2; the torture tests of
// RFC 4475). The texts are fixed: nothing of the message is repeated.
func validate(request *sip.Request) *fault {
	if !strings.EqualFold(request.SipVersion, "SIP/2.0") {
		return refuse(505, "Version Not Supported")
	}
	for _, header := range request.Headers() {
		value := header.Value()
		if header.Name() == "To" {
			value = quotedPair.Replace(value) // who is called may have any name (RFC 4475, intmeth)
		}
		if strings.ContainsFunc(value, func(r rune) bool { return r != '\t' && isControl(r) }) {
			return refuse(400, "Control character in a header")
		}
	}
	for _, name := range []string{"from", "to", "call-id", "cseq", "max-forwards", "content-length", "content-type"} {
		if len(headersOf(request, name)) > 1 {
			return refuse(400, "More than one "+name)
		}
	}
	via, from, to, callID, sequence := request.Via(), request.From(), request.To(), request.CallID(), request.CSeq()
	switch {
	case via == nil || via.Host == "" || len(via.Params.GetOr("branch", "")) > maxToken:
		return refuse(400, "No usable Via")
	case via.Params.GetOr("branch", "") == sip.RFC3261BranchMagicCookie:
		// Others than those of RFC 3261 are served as RFC 2543 wants it (§17.2.3); this one is of neither.
		return refuse(400, "No branch in Via")
	case from == nil || tag(from.Params) == "" || len(tag(from.Params)) > maxToken:
		return refuse(400, "No From with a tag")
	case to == nil || len(tag(to.Params)) > maxToken:
		return refuse(400, "No usable To")
	case callID == nil || callID.Value() == "" || len(callID.Value()) > maxToken:
		return refuse(400, "No usable Call-ID")
	case sequence == nil || !strings.EqualFold(string(sequence.MethodName), string(request.Method)): // the library alters the latter
		return refuse(400, "CSeq does not match the method")
	}
	if length := request.ContentLength(); length != nil && int(*length) != len(request.Body()) {
		return refuse(400, "Content-Length does not match the body")
	}
	if hops := request.MaxForwards(); hops != nil && hops.Val() == 0 && request.Method == sip.INVITE {
		return refuse(483, "Too Many Hops")
	}
	switch request.Recipient.Scheme {
	case "sip", "sips", "tel":
	default:
		return refuse(416, "Unsupported URI Scheme")
	}
	if len(request.Recipient.Headers) > 0 {
		return refuse(400, "Header fields in the Request-URI") // RFC 3261 §19.1.1
	}
	if request.Method == sip.ACK || request.Method == sip.CANCEL {
		return nil // they have nothing to require or to describe (RFC 3261 §8.2.2.3)
	}
	if unsupported := unsupportedOptions(request); len(unsupported) > 0 {
		return refuse(420, "Bad Extension", unsupported...)
	}
	if request.Method == sip.INVITE && !acceptsDescriptions(request) {
		return refuse(406, "Not Acceptable")
	}
	return validateBody(request)
}

// quotedPair takes what is quoted by a backslash out of a quoted string (RFC 3261 §25.1).
var quotedPair = strings.NewReplacer("\\\x00", "", "\\\x07", "", "\\\x7f", "")

// validateBody checks the Contact and the body of requests that may carry a description.
func validateBody(request *sip.Request) *fault {
	if request.Method == sip.INVITE {
		contacts := headersOf(request, "contact")
		contact := request.Contact()
		if len(contacts) != 1 || contact == nil || contact.Address.Wildcard || contact.Address.Host == "" || !isSIP(contact.Address.Scheme+":") {
			return refuse(400, "No usable Contact")
		}
	}
	if len(request.Body()) == 0 || (request.Method != sip.INVITE && request.Method != sip.UPDATE) {
		return nil
	}
	if encoding := request.GetHeader("content-encoding"); encoding != nil && !strings.EqualFold(encoding.Value(), "identity") {
		return refuse(415, "Unsupported Media Type", sip.NewHeader("Accept-Encoding", "identity"))
	}
	contentType := request.ContentType()
	if contentType == nil {
		return refuse(400, "A body without Content-Type")
	}
	kind, _, _ := strings.Cut(contentType.Value(), ";")
	if !strings.EqualFold(strings.TrimSpace(kind), "application/sdp") {
		return refuse(415, "Unsupported Media Type", sip.NewHeader("Accept", "application/sdp"))
	}
	if len(request.Body()) > maxDescription {
		return refuse(413, "Request Entity Too Large")
	}
	return nil
}
