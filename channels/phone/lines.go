package phone

import (
	"fmt"
	"strings"

	"github.com/emiago/sipgo/sip"

	"svar/contact"
	"svar/identity"
)

// lineTable finds the line that a Request-URI asks for.
type lineTable struct {
	region  string
	users   map[string]contact.LineID
	numbers map[identity.Number]contact.LineID
	// endings are those of all numbers: what ends otherwise is none of them, in whatever form
	// it is written, and reading a number takes some 40 µs.
	endings map[string]struct{}
}

func newLineTable(lines []Line, region string) (*lineTable, error) {
	table := &lineTable{
		region: region, users: make(map[string]contact.LineID), numbers: make(map[identity.Number]contact.LineID),
		endings: make(map[string]struct{}),
	}
	for _, line := range lines {
		if line.ID == "" || line.Number == "" {
			return nil, fmt.Errorf("line %q needs an id and a number", line.ID)
		}
		if other, taken := table.users[line.Number]; taken {
			return nil, fmt.Errorf("lines %q and %q have the same number", other, line.ID)
		}
		table.users[line.Number] = line.ID
		number, err := identity.ParseNumber(line.Number, region)
		if err != nil {
			continue // a plain user part
		}
		if other, taken := table.numbers[number]; taken {
			return nil, fmt.Errorf("lines %q and %q have the same number", other, line.ID)
		}
		table.numbers[number] = line.ID
		table.endings[ending(string(number))] = struct{}{}
	}
	return table, nil
}

// find returns the line for a Request-URI: as it is written first, then as a number.
func (t *lineTable) find(uri *sip.Uri) (contact.LineID, bool) {
	user := uri.User
	if uri.Scheme == "tel" {
		user = uri.Raw()
	}
	name, _, _ := strings.Cut(user, ";")
	if line, found := t.users[name]; found {
		return line, true
	}
	// A number in parts (RFC 3966 §5.1.5) or with escapes is read in any case.
	if _, ours := t.endings[ending(name)]; !ours && !strings.Contains(user, "context") && !strings.Contains(user, "%") {
		return "", false
	}
	number, err := identity.ParseNumber("tel:"+user, t.region)
	if err != nil {
		return "", false
	}
	line, found := t.numbers[number]
	return line, found
}

// ending is the last four digits of a text, or all that there are.
func ending(text string) string {
	var digits []byte
	for i := len(text) - 1; i >= 0 && len(digits) < 4; i-- {
		if text[i] >= '0' && text[i] <= '9' {
			digits = append(digits, text[i])
		}
	}
	return string(digits)
}
