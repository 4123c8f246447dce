package identity

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// maxIdentityHeader bounds one From or P-Asserted-Identity value, in bytes; a longer one is
	// read as absent.
	maxIdentityHeader = 4096
	// maxDisplayName bounds a display name, in characters; a longer one is cut.
	maxDisplayName = 64
)

// CallHeaders holds what an INVITE says of its caller, as texts that a stranger wrote.
type CallHeaders struct {
	// FromDisplay, FromUser and FromHost are the parts of the From header. For a tel URI the
	// number stands in FromUser, parameters included.
	FromDisplay, FromUser, FromHost string
	// PAssertedIdentity holds the values of the P-Asserted-Identity headers, unsplit: each may
	// carry a SIP and a tel identity with a comma between (RFC 3325, section 9.1).
	PAssertedIdentity []string
	// Privacy is the value of the Privacy header (RFC 3323, section 4.2), "" without one.
	Privacy string
	// TrustedTrunk tells that the INVITE came from a trunk whose asserted identities the
	// configuration trusts. Without it PAssertedIdentity is not read at all.
	TrustedTrunk bool
}

// CallerID is what a telephone call lets us know of its caller. There are three cases, and the
// last two are different things to people (rows 3.2d, 3.2g):
//
//   - Number is set: the caller's number;
//   - Withheld: the caller asked not to be identified ("dolt nummer"); nothing else is set;
//   - neither, the zero value: the network gave no usable number ("okänt nummer").
//
// None of them is a reason to refuse the call.
type CallerID struct {
	Number   Number
	Withheld bool
	// Asserted tells that a trusted network vouches for the number. It is still no proof of
	// who is calling.
	Asserted bool
	// DisplayName is the name that the calling side sent, cut and cleaned of control
	// characters. Anybody can write anything there: show it as a claim, never match by it.
	DisplayName string
}

// IdentifyCaller decides whom a call is from: the identity that a trusted trunk asserts before
// From. A wish for privacy goes before both, and then not even an asserted number is returned,
// so that nothing after this point can show or store it (row D2). Numbers without country code
// are read in region.
func IdentifyCaller(headers CallHeaders, region string) CallerID {
	if asksForPrivacy(headers.Privacy) || isAnonymous(headers.FromDisplay, headers.FromUser, headers.FromHost) {
		return CallerID{Withheld: true}
	}
	fromDisplay := cleanDisplayName(headers.FromDisplay)
	if headers.TrustedTrunk {
		if caller, found := assertedCaller(headers.PAssertedIdentity, region); found {
			if caller.DisplayName == "" && !caller.Withheld {
				caller.DisplayName = fromDisplay
			}
			return caller
		}
	}
	if len(headers.FromUser) > maxIdentityHeader {
		return CallerID{}
	}
	// The user part is read as that of a tel URI: the same number and parameters (RFC 3261,
	// section 19.1.6).
	number, err := ParseNumber("tel:"+headers.FromUser, region)
	if err != nil {
		number = ""
	}
	return CallerID{Number: number, DisplayName: fromDisplay}
}

// asksForPrivacy reads the Privacy header. "session" and "history" hide media addresses and
// diversions, "none" and "critical" nothing by themselves (RFC 3323, section 4.2; RFC 3325,
// section 9.3; RFC 7044, section 10.1).
func asksForPrivacy(privacy string) bool {
	for value := range strings.FieldsFuncSeq(privacy, func(r rune) bool {
		return r == ';' || r == ',' || unicode.IsSpace(r)
	}) {
		switch strings.ToLower(value) {
		case "id", "user", "header":
			return true
		}
	}
	return false
}

// isAnonymous tells an identity that says nothing on purpose: no user at all, the anonymous
// URI of RFC 3323, section 4.1.1.3, or one of the words that trunks put in place of the number.
func isAnonymous(display, user, host string) bool {
	switch strings.ToLower(strings.TrimSpace(user)) {
	case "", "anonymous", "restricted", "unavailable":
		return true
	}
	host = strings.TrimSuffix(strings.TrimSpace(host), ".")
	return strings.EqualFold(host, "anonymous.invalid") ||
		strings.EqualFold(strings.Trim(display, "\" \t"), "anonymous")
}

// assertedCaller returns the first asserted identity that is a number, or one that is
// anonymous. Without either it finds nothing, and From decides.
func assertedCaller(headers []string, region string) (CallerID, bool) {
	for _, header := range headers {
		if len(header) > maxIdentityHeader {
			continue
		}
		for _, identity := range splitIdentities(header) {
			display, uri := splitNameAddress(identity)
			if scheme, rest, _ := strings.Cut(uri, ":"); strings.EqualFold(scheme, "sip") || strings.EqualFold(scheme, "sips") {
				user, host, hasUser := strings.Cut(rest, "@")
				host, _, _ = strings.Cut(host, ";")
				host, _, _ = strings.Cut(host, ":")
				if hasUser && isAnonymous(display, user, host) {
					return CallerID{Withheld: true}, true
				}
			}
			if number, err := ParseNumber(uri, region); err == nil {
				return CallerID{Number: number, Asserted: true, DisplayName: cleanDisplayName(display)}, true
			}
		}
	}
	return CallerID{}, false
}

// splitIdentities splits a P-Asserted-Identity value at its commas, those in quoted display
// names and in angle brackets left alone (RFC 3325, section 9.1; RFC 3261, section 25.1). The
// SIP library hands the value over whole.
func splitIdentities(header string) []string {
	var identities []string
	start, quoted, bracketed := 0, false, false
	for i := 0; i < len(header); i++ {
		switch character := header[i]; {
		case quoted && character == '\\':
			i++ // the escaped character, whatever it is
		case character == '"' && !bracketed:
			quoted = !quoted
		case quoted:
		case character == '<':
			bracketed = true
		case character == '>':
			bracketed = false
		case character == ',' && !bracketed:
			identities = append(identities, header[start:i])
			start = i + 1
		}
	}
	return append(identities, header[start:])
}

// splitNameAddress takes `"Name" <uri>`, `Name <uri>` or a bare URI apart.
func splitNameAddress(identity string) (display, uri string) {
	identity = strings.TrimSpace(identity)
	rest := identity
	if strings.HasPrefix(rest, `"`) {
		unescaped := &strings.Builder{}
		i := 1
		for ; i < len(rest) && rest[i] != '"'; i++ {
			if rest[i] == '\\' && i+1 < len(rest) {
				i++
			}
			unescaped.WriteByte(rest[i])
		}
		if i == len(rest) {
			return "", "" // the quote never ends
		}
		display, rest = unescaped.String(), rest[i+1:]
	}
	before, inBrackets, found := strings.Cut(rest, "<")
	if !found {
		return display, strings.TrimSpace(rest)
	}
	if display == "" {
		display = strings.TrimSpace(before)
	}
	uri, _, _ = strings.Cut(inBrackets, ">")
	return display, strings.TrimSpace(uri)
}

// cleanDisplayName makes a stranger's text fit to stand on a line of a screen: valid UTF-8,
// no control or format characters (which could turn the text direction), and short.
func cleanDisplayName(display string) string {
	if len(display) > maxIdentityHeader {
		return ""
	}
	display = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || unicode.In(r, unicode.C, unicode.Zl, unicode.Zp) {
			return -1
		}
		return r
	}, display)
	display = strings.TrimSpace(strings.Trim(strings.TrimSpace(display), `"`))
	if characters := []rune(display); len(characters) > maxDisplayName {
		display = strings.TrimSpace(string(characters[:maxDisplayName]))
	}
	return display
}
