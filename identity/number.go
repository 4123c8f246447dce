package identity

import (
	"errors"
	"fmt"
	"strings"

	"github.com/nyaruka/phonenumbers"
)

// HomeRegion is the region (ISO 3166-1) in which a number without country code is read.
const HomeRegion = "SE"

const (
	// maxNumberText bounds the telephone number itself, in bytes. E.164 allows 15 digits;
	// the rest is room for separators.
	maxNumberText = 64
	// maxNumberURI bounds a whole tel or sip URI, whose host and parameters may be long.
	maxNumberURI = 512
	// maxNumberDigits is the longest international number (ITU-T E.164, section 6).
	maxNumberDigits = 15
)

// Number is a telephone number in E.164 form with its plus sign, such as "+46846500401", or
// a short code as it is dialled in its own country, such as "112" or "118118" (row D8). Two
// texts for the same line give the same Number, so it may be compared and used as a key. The
// zero value is no number. Make one by [ParseNumber].
type Number string

var (
	// ErrNoNumber means that the text holds no telephone number.
	ErrNoNumber = errors.New("not a telephone number")
	// ErrNumberTooLong means that the text is longer than any telephone number or URI of one.
	ErrNumberTooLong = errors.New("too long for a telephone number")
)

// ParseNumber reads a telephone number as people, spreadsheets and trunks write it: +46…,
// 0046…, 46… without plus, national 0…, a tel URI (RFC 3966, with phone-context and other
// parameters) or a sip or sips URI whose user part is a number (RFC 3261, section 19.1.6;
// user=phone is not insisted on, since many trunks leave it out). A number without country
// code belongs to region, an ISO 3166-1 code such as "SE".
//
// No length is assumed: numbering plans differ and change, so a number with a country code or
// a trunk prefix only has to be possible in its plan. Digits with neither are ambiguous and
// have to be a valid number of a country, or a short code of region. They are not read as a
// national number that lost its zero: naming the wrong person is worse than naming nobody.
//
// Extensions (;ext=) are dropped: the Number is the line. Errors wrap [ErrNoNumber] or
// [ErrNumberTooLong] and do not repeat the text, which may be personal data.
func ParseNumber(text, region string) (Number, error) {
	subscriber, context, err := telephoneSubscriber(text)
	if err != nil {
		return "", err
	}
	digits, err := dialledDigits(subscriber)
	if err != nil {
		return "", err
	}
	// A context that is a global number prefix completes a local number (RFC 3966, section
	// 5.1.5); one that is a domain name says nothing about digits.
	if strings.HasPrefix(context, "+") && !strings.HasPrefix(digits, "+") {
		if digits, err = dialledDigits(context + digits); err != nil {
			return "", fmt.Errorf("phone-context: %w", err)
		}
	}
	return normalize(digits, region)
}

// telephoneSubscriber takes the number out of a tel, sip or sips URI, with its phone-context;
// any other text is the number itself.
func telephoneSubscriber(text string) (subscriber, context string, err error) {
	if len(text) > maxNumberURI {
		return "", "", fmt.Errorf("%w: %d bytes, at most %d", ErrNumberTooLong, len(text), maxNumberURI)
	}
	text = strings.TrimSpace(text)
	scheme, rest, isURI := strings.Cut(text, ":")
	if !isURI {
		return text, "", nil
	}
	switch strings.ToLower(scheme) {
	case "tel":
	case "sip", "sips":
		user, _, hasHost := strings.Cut(rest, "@")
		if !hasHost {
			return "", "", fmt.Errorf("%w: SIP address without user part", ErrNoNumber)
		}
		// A password after the user is deprecated, but legal (RFC 3261, section 19.1.1).
		rest, _, _ = strings.Cut(user, ":")
	default:
		return "", "", fmt.Errorf("%w: address is neither tel nor sip", ErrNoNumber)
	}
	subscriber, parameters, _ := strings.Cut(rest, ";")
	for parameter := range strings.SplitSeq(parameters, ";") {
		if name, value, _ := strings.Cut(parameter, "="); strings.EqualFold(name, "phone-context") {
			context = unescapePlus.Replace(value)
		}
	}
	return unescapePlus.Replace(subscriber), context, nil
}

// unescapePlus undoes the one escape that trunks write into numbers without need.
var unescapePlus = strings.NewReplacer("%2B", "+", "%2b", "+")

// dialledDigits returns the ASCII digits of a number with its leading plus, if any. Letters,
// pauses and service codes (* and #) make no caller's number and are refused.
func dialledDigits(subscriber string) (string, error) {
	if len(subscriber) > maxNumberText {
		return "", fmt.Errorf("%w: %d bytes, at most %d", ErrNumberTooLong, len(subscriber), maxNumberText)
	}
	digits := make([]byte, 0, len(subscriber))
	for _, character := range subscriber {
		switch {
		case character >= '0' && character <= '9':
			digits = append(digits, byte(character))
		case character == '+' && len(digits) == 0:
			digits = append(digits, '+')
		case isNumberSeparator(character):
		default:
			return "", fmt.Errorf("%w: holds %q", ErrNoNumber, character)
		}
	}
	return string(digits), nil
}

// isNumberSeparator tells what people put between digits, the typographic spaces and dashes
// of word processors included.
func isNumberSeparator(character rune) bool {
	switch character {
	case ' ', '-', '.', '(', ')', '/',
		'\u00a0', '\u2009', '\u202f', // no-break, thin and narrow no-break space
		'\u2010', '\u2011', '\u2012', '\u2013', '\u2014', '\u2212': // hyphens, dashes, minus
		return true
	}
	return false
}

// normalize turns dialled digits into a Number.
func normalize(digits, region string) (Number, error) {
	countryCode := phonenumbers.GetCountryCodeForRegion(region)
	if countryCode == 0 {
		return "", fmt.Errorf("%w: unknown region %q", ErrNoNumber, region)
	}
	switch {
	case strings.Trim(digits, "+0") == "":
		return "", fmt.Errorf("%w: no digits but zeros", ErrNoNumber)
	case strings.HasPrefix(digits, "+"):
		return readNumber(digits, region, false)
	case strings.HasPrefix(digits, "00"):
		// The international prefix that ITU-T E.164 recommends, and that trunks write whatever
		// their country dials.
		return readNumber("+"+digits[2:], region, false)
	case isShortCode(digits, region, countryCode):
		return Number(digits), nil
	case strings.HasPrefix(digits, "0"):
		return readNumber(digits, region, false)
	}
	// Neither plus nor trunk prefix. Countries such as Norway have no trunk prefix: there a
	// national number looks like this.
	if phonenumbers.GetNddPrefixForRegion(region, true) == "" {
		if number, err := readNumber(digits, region, true); err == nil {
			return number, nil
		}
	}
	return readNumber("+"+digits, region, true)
}

// isShortCode tells whether the digits are a code of the region's short numbers, such as 112.
func isShortCode(digits, region string, countryCode int) bool {
	if digits[0] == '0' || len(digits) > 6 {
		return false
	}
	var national uint64
	for _, digit := range []byte(digits) {
		national = national*10 + uint64(digit-'0')
	}
	code := int32(countryCode)
	return phonenumbers.IsValidShortNumberForRegion(
		&phonenumbers.PhoneNumber{CountryCode: &code, NationalNumber: &national}, region)
}

// readNumber reads digits that carry a country code or are national ones of region. They must
// be possible in their numbering plan, and with mustBeValid assigned in it too.
func readNumber(digits, region string, mustBeValid bool) (Number, error) {
	parsed, err := phonenumbers.Parse(digits, region)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrNoNumber, err)
	}
	if phonenumbers.IsPossibleNumberWithReason(parsed) != phonenumbers.IS_POSSIBLE {
		return "", fmt.Errorf("%w: no such length in its country", ErrNoNumber)
	}
	if mustBeValid && !phonenumbers.IsValidNumber(parsed) {
		return "", fmt.Errorf("%w: neither country code nor leading zero, and no valid number", ErrNoNumber)
	}
	text := phonenumbers.Format(parsed, phonenumbers.E164)
	if len(text)-1 > maxNumberDigits {
		return "", fmt.Errorf("%w: more than %d digits", ErrNumberTooLong, maxNumberDigits)
	}
	// A trunk prefix that was written more than once loses one with every reading, so that the
	// same line would have several Numbers. Such a text is nobody's number.
	again, err := phonenumbers.Parse(text, region)
	if err != nil || phonenumbers.Format(again, phonenumbers.E164) != text {
		return "", fmt.Errorf("%w: ambiguous leading digits", ErrNoNumber)
	}
	return Number(text), nil
}

// IsShort tells whether the number is a short code such as 112, which can be called in one
// country only and belongs to a service, never to a person.
func (n Number) IsShort() bool {
	return n != "" && n[0] != '+'
}

// Masked returns the number for logs and lists that need to tell numbers apart but not to
// call them: country and last two digits stay ("+46*******01"). Short codes belong to nobody
// and are not masked.
func (n Number) Masked() string {
	const head, tail = 3, 2
	if n.IsShort() || len(n) <= head+tail {
		return string(n)
	}
	return string(n[:head]) + strings.Repeat("*", len(n)-head-tail) + string(n[len(n)-tail:])
}

// Readable returns the number with the spaces and dashes that people in region are used to:
// "08-465 004 01" at home, "+44 20 7946 0018" for a foreign one. It is for screens; keys and
// records use the Number itself.
func (n Number) Readable(region string) string {
	if n == "" || n.IsShort() {
		return string(n)
	}
	parsed, err := phonenumbers.Parse(string(n), region)
	if err != nil {
		return string(n)
	}
	if int(parsed.GetCountryCode()) == phonenumbers.GetCountryCodeForRegion(region) {
		return phonenumbers.Format(parsed, phonenumbers.NATIONAL)
	}
	return phonenumbers.Format(parsed, phonenumbers.INTERNATIONAL)
}
