package switchboard

import (
	"fmt"

	"svar/contact"
)

// SetLines replaces the entrances of this node. Whatever came in before goes on with the line,
// the flow and the hours that it began with. When one of them is not right, nothing is replaced.
// It may be called at any time.
func (s *Switchboard) SetLines(lines []Line) error {
	byID := make(map[contact.LineID]Line, len(lines))
	for _, line := range lines {
		if err := line.check(); err != nil {
			return fmt.Errorf("line %s: %w", line.ID, err)
		}
		byID[line.ID] = line
	}
	s.lines.Store(&byID)
	return nil
}

// line returns an entrance as it is now.
func (s *Switchboard) line(id contact.LineID) (Line, bool) {
	line, known := (*s.lines.Load())[id]
	return line, known
}
