package configs

import (
	"fmt"
	"slices"
	"strings"

	"svar/contact"
	"svar/identity"
)

// Destination is a place outside the desk that agents send calls to, or ask about them.
type Destination struct {
	ID contact.DestinationID `yaml:"id"`
	// Number is what is called, in E.164. The dial plan must allow it.
	Number string `yaml:"number"`
	// Name is shown to agents, by language tag.
	Name map[string]string `yaml:"name"`
}

// Called is the number of the place.
func (d Destination) Called() (identity.Number, bool) {
	number, err := identity.ParseNumber(d.Number, identity.HomeRegion)
	return number, err == nil && !number.IsShort()
}

// Destination returns the number of a place outside; false when there is none of the name.
func (c Config) Destination(id contact.DestinationID) (identity.Number, bool) {
	for _, place := range c.Destinations {
		if place.ID == id {
			return place.Called()
		}
	}
	return "", false
}

// neverCalled are the numbers, besides those that cost extra, that the dial plan refuses whatever its prefixes are: Swedish
// numbers of machines and mass calls, and those that are none.
var neverCalled = []string{"+4699", "+46718", "+460"}

// maxDestinations is how many places a console can show with sense.
const maxDestinations = 200

// destinations checks that each place can be called. Whether somebody carries calls at all is
// another matter: without, agents are told that the place was refused.
func (c *checker) destinations(places []Destination, outbound Outbound, lines []Line) {
	known := map[contact.DestinationID]bool{}
	if len(places) > maxDestinations {
		c.fault("$.destinations", "there are %d places; %d is the most", len(places), maxDestinations)
	}
	for i, place := range places {
		path := fmt.Sprintf("$.destinations[%d]", i)
		id(c, path, "destination", place.ID, known)
		c.named(path+".name", place.Name)
		number, right := place.Called()
		begins := func(with string) bool { return strings.HasPrefix(string(number), with) }
		switch {
		case !right:
			c.fault(path+".number", "%q is not a whole telephone number", place.Number)
		case slices.ContainsFunc(premiumNumbers, begins), slices.ContainsFunc(neverCalled, begins):
			c.fault(path+".number", "the number %s costs more than a local call; nobody is sent there", number)
		case !slices.ContainsFunc(outbound.Prefixes, begins):
			c.fault(path+".number", "phone.outbound.prefixes allows no calls to %s", number)
		case slices.ContainsFunc(lines, func(l Line) bool { return is(l.Number, number) }):
			c.fault(path+".number", "%s is a line of this desk: send the contact to a group instead", number)
		}
	}
}

// is reports whether the text is that number.
func is(text string, number identity.Number) bool {
	read, err := identity.ParseNumber(text, identity.HomeRegion)
	return err == nil && read == number
}
