package identity

import "time"

// Access is one look at somebody's personal data, for the log of such looks (row D1). It
// names who looked and where, and never what he saw.
type Access struct {
	At time.Time
	// Account is who looked.
	Account string
	// Surface is where: a ring card, a list, a ticket. Each surface has one name for ever.
	Surface string
	// Contact and Ticket say by way of what; either may be empty.
	Contact string
	Ticket  string
	// Person is whom he saw; empty when it was somebody whom the directory does not know.
	Person PersonID
	// Reason is why, in his own words, where that is asked for: at most 200 characters.
	Reason string
}
