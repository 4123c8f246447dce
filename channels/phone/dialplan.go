package phone

import (
	"errors"
	"fmt"
	"strings"

	"svar/contact"
	"svar/identity"
)

// ErrNotDialled says that a call was not even tried; it is wrapped with the reason, which
// never holds the number.
var ErrNotDialled = errors.New("the call is not dialled")

// DialPlan guards every call that is made: whoever gets at an agent's account, or forges a
// caller's number, must not be able to run up a bill.
type DialPlan struct {
	// Prefixes are the beginnings of the numbers that may be called, in E.164 with the plus
	// sign. None means Sweden, +46. Numbers that cost the caller extra stay refused.
	Prefixes []string
	// MaxCalls bounds the calls of ours at one time. 0 means DefaultDialled.
	MaxCalls int
}

// DefaultDialled is the default of [DialPlan.MaxCalls].
const DefaultDialled = 20

// maxDialledDigits is the longest international number (ITU-T E.164, section 6).
const maxDialledDigits = 15

// costly are the Swedish numbers that cost extra (the numbering plan of PTS), and those that
// are none: a zero after the country code.
var costly = []string{"+46900", "+46939", "+46944", "+4699", "+4677", "+46718", "+460"}

// shortestSwedish is the shortest Swedish subscriber number with its country code and plus
// sign; what is shorter are services, such as +46112 and +46118118.
const shortestSwedish = len("+468000000")

// complete fills in the defaults.
func (p DialPlan) complete() (DialPlan, error) {
	if len(p.Prefixes) == 0 {
		p.Prefixes = []string{"+46"}
	}
	if p.MaxCalls == 0 {
		p.MaxCalls = DefaultDialled
	}
	if p.MaxCalls < 0 {
		return p, errors.New("the dial plan allows a negative number of calls")
	}
	for _, prefix := range p.Prefixes {
		if len(prefix) < 2 || prefix[0] != '+' || strings.Trim(prefix[1:], "0123456789") != "" {
			return p, fmt.Errorf("%q is not the beginning of a number, such as +46", prefix)
		}
	}
	return p, nil
}

// allow returns why a number may not be called, or nil.
func (p DialPlan) allow(number identity.Number) error {
	text := string(number)
	digits, international := strings.CutPrefix(text, "+")
	if !international || len(digits) > maxDialledDigits || len(digits) < 7 || strings.Trim(digits, "0123456789") != "" {
		return fmt.Errorf("%w: it is not a complete number", ErrNotDialled)
	}
	begins := func(prefixes []string) bool {
		for _, prefix := range prefixes {
			if strings.HasPrefix(text, prefix) {
				return true
			}
		}
		return false
	}
	switch {
	case !begins(p.Prefixes):
		return fmt.Errorf("%w: the dial plan has no such destination", ErrNotDialled)
	case begins(costly), strings.HasPrefix(text, "+46") && len(text) < shortestSwedish:
		return fmt.Errorf("%w: it is a service or costs extra", ErrNotDialled)
	}
	return nil
}

// shown returns the number of a line, which who is called sees.
func (g *Gateway) shown(id contact.LineID) (identity.Number, error) {
	for _, line := range g.config.Lines {
		if line.ID != id {
			continue
		}
		if line.Shown != "" {
			return line.Shown, nil
		}
		if number, err := identity.ParseNumber(line.Number, g.config.Region); err == nil && !number.IsShort() {
			return number, nil
		}
		break
	}
	return "", fmt.Errorf("%w: the line has no number to be shown", ErrNotDialled)
}

// mayDial is the guard of all calls that are made.
func (g *Gateway) mayDial(number identity.Number) error {
	if g.config.Outbound == "" {
		return fmt.Errorf("%w: nobody is configured to carry calls", ErrNotDialled)
	}
	if _, ours := g.lines.numbers[number]; ours {
		return fmt.Errorf("%w: it is a line of ours", ErrNotDialled)
	}
	return g.config.DialPlan.allow(number)
}
