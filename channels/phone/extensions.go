package phone

import (
	"slices"
	"strconv"
	"strings"

	"github.com/emiago/sipgo/sip"
)

// Option tags of the extensions that are spoken here (RFC 3261 §19.2).
const (
	optionReliable = "100rel"     // RFC 3262
	optionReplaces = "replaces"   // RFC 3891
	optionTimer    = "timer"      // RFC 4028
	optionNoRefSub = "norefersub" // RFC 4488; only for REFER
)

// supported are those option tags, as the Supported header has them.
const supported = optionReliable + ", " + optionReplaces + ", " + optionTimer

// compactNames are the short forms of header fields (RFC 3261 §7.3.3, RFC 4028 §4).
var compactNames = map[string]string{
	"from": "f", "to": "t", "call-id": "i", "content-length": "l", "content-type": "c", "contact": "m", "via": "v",
	"supported": "k", "session-expires": "x", "refer-to": "r", "referred-by": "b", "content-encoding": "e", "subject": "s",
}

// headersOf are all fields of a name, in both of its forms.
func headersOf(message sip.Message, name string) []sip.Header {
	type fielded interface {
		GetHeaders(name string) []sip.Header
	}
	fields := message.(fielded)
	found := fields.GetHeaders(name)
	if short, exists := compactNames[name]; exists {
		found = append(slices.Clip(found), fields.GetHeaders(short)...)
	}
	return found
}

// headerValue is the value of the first field of a name, without its parameters.
func headerValue(message sip.Message, name string) (value string, found bool) {
	fields := headersOf(message, name)
	if len(fields) == 0 {
		return "", false
	}
	value, _, _ = strings.Cut(fields[0].Value(), ";")
	return strings.TrimSpace(value), true
}

// listOf are the elements of a header that is a list of tokens, in lower case.
func listOf(message sip.Message, name string) []string {
	var list []string
	for _, header := range headersOf(message, name) {
		for element := range strings.SplitSeq(header.Value(), ",") {
			if element = strings.ToLower(strings.TrimSpace(element)); element != "" {
				list = append(list, element)
			}
		}
	}
	return list
}

// supports and requires tell whether the sender speaks an extension, and insists on it.
func supports(message sip.Message, option string) bool {
	return slices.Contains(listOf(message, "supported"), option) || requires(message, option)
}

func requires(message sip.Message, option string) bool {
	return slices.Contains(listOf(message, "require"), option)
}

// allows tells whether the sender takes a method, by its Allow header.
func allows(message sip.Message, method sip.RequestMethod) bool {
	return slices.Contains(listOf(message, "allow"), strings.ToLower(string(method)))
}

// unsupportedOptions are the headers of a 420 for what a request requires and we do not speak
// (RFC 3261 §8.2.2.3); none when all is spoken.
func unsupportedOptions(request *sip.Request) []sip.Header {
	var unsupported []sip.Header
	for _, option := range listOf(request, "require") {
		switch {
		case option == optionReliable, option == optionReplaces, option == optionTimer:
		case option == optionNoRefSub && request.Method == sip.REFER:
		case len(option) <= maxToken && len(unsupported) < maxOptions:
			unsupported = append(unsupported, sip.NewHeader("Unsupported", option))
		}
	}
	return unsupported
}

// maxOptions bounds the option tags that a 420 repeats.
const maxOptions = 16

// acceptsDescriptions tells whether the sender would read a session description (RFC 3261 §20.1: who
// sends no Accept does).
func acceptsDescriptions(request *sip.Request) bool {
	if len(request.GetHeaders("accept")) == 0 {
		return true
	}
	for _, kind := range listOf(request, "accept") {
		kind, _, _ = strings.Cut(kind, ";")
		switch strings.TrimSpace(kind) {
		case "application/sdp", "application/*", "*/*":
			return true
		}
	}
	return false
}

// number reads an unsigned number of 32 bits.
func number(text string) (uint32, bool) {
	value, err := strconv.ParseUint(strings.TrimSpace(text), 10, 32)
	return uint32(value), err == nil
}

// tidy takes the white space out of parameters, where RFC 3261 §25.1 allows it around "=" and ";"
// and the parser leaves it, and writes their names small, as which they are looked for.
func tidy(message sip.Message) {
	type fielded interface{ Headers() []sip.Header }
	for _, header := range message.(fielded).Headers() {
		switch header := header.(type) {
		case *sip.FromHeader:
			tidyParameters(&header.Params)
		case *sip.ToHeader:
			tidyParameters(&header.Params)
		case *sip.ViaHeader:
			header.Transport = strings.TrimSpace(header.Transport)
			tidyParameters(&header.Params)
		case *sip.ContactHeader:
			tidyParameters(&header.Params)
		}
	}
}

func tidyParameters(parameters *sip.HeaderParams) {
	for i := range *parameters {
		parameter := &(*parameters)[i]
		parameter.K, parameter.V = strings.ToLower(strings.TrimSpace(parameter.K)), strings.TrimSpace(parameter.V)
	}
	for _, parameter := range *parameters {
		if parameter.K == "" {
			parameters.Remove("")
			return
		}
	}
}
