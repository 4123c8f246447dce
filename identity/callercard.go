package identity

// Verification says how far we know that a contact comes from whom it seems to come from
// (row 5.2p). Sensitive actions are locked below a configured level.
type Verification string

// The levels, the lowest first.
const (
	NotVerified   Verification = "none"           // ej verifierad
	NumberKnown   Verification = "number-known"   // nummer känt: one person has this number
	AnsweredRight Verification = "answered-right" // svarat rätt on the desk's questions
	SignedIn      Verification = "signed-in"      // inloggad in the portal or the widget
)

// AtLeast tells whether this level reaches the other one. An unknown level reaches none but
// [NotVerified], and is reached by none.
func (v Verification) AtLeast(needed Verification) bool {
	return needed == NotVerified || needed.rank() > 0 && v.rank() >= needed.rank()
}

func (v Verification) rank() int {
	switch v {
	case NumberKnown:
		return 1
	case AnsweredRight:
		return 2
	case SignedIn:
		return 3
	case NotVerified:
		return 0
	}
	return 0
}

// CallerKind says which words stand in the place of the caller's name.
type CallerKind string

// The kinds.
const (
	CallerKnown     CallerKind = "known"     // exactly one person: his name
	CallerShared    CallerKind = "shared"    // several people share the number: the number
	CallerNumber    CallerKind = "number"    // a number that nobody in the directory has
	CallerUnknown   CallerKind = "unknown"   // "Okänt nummer": the network gave none
	CallerWithheld  CallerKind = "withheld"  // "Dolt nummer": the caller asked for it
	CallerProtected CallerKind = "protected" // "Skyddad användare"
)

// CallerCard is what one viewer may see of a telephone caller while it rings (row 3.2g).
type CallerCard struct {
	Kind   CallerKind
	Number Number
	// DisplayName is the calling side's own claim; see [CallerID].
	DisplayName  string
	People       []PersonView
	Verification Verification
}

// PresentCaller decides what the viewer may see of a caller, given the people that the
// directory has for the number (none where callers are not looked up, as on the pupils' line).
//
// As soon as one of them is protected and the viewer may not see him, nothing is shown of the
// caller but that: the number and the name that came with it would tell who he is, and so
// would the other people who share his number (row D1).
func PresentCaller(caller CallerID, matches []Person, viewer Viewer) CallerCard {
	card := CallerCard{Number: caller.Number, DisplayName: caller.DisplayName, Verification: NotVerified}
	switch {
	case caller.Withheld:
		return CallerCard{Kind: CallerWithheld, Verification: NotVerified}
	case caller.Number == "":
		card.Kind = CallerUnknown
		return card
	}
	for _, person := range matches {
		view := person.View(viewer)
		if view.Protected && !viewer.SeesProtected {
			return CallerCard{Kind: CallerProtected, People: []PersonView{view}, Verification: NotVerified}
		}
		card.People = append(card.People, view)
	}
	switch len(matches) {
	case 0:
		card.Kind = CallerNumber
	case 1:
		card.Kind = CallerKnown
		card.Verification = NumberKnown
	default:
		card.Kind = CallerShared
	}
	return card
}
