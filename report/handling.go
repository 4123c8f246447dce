package report

import (
	"cmp"
	"maps"
	"slices"

	"svar/contact"
)

// Handling are the times that agents spent on contacts that are closed: of each contact the
// sum over all its segments, so that a transfer does not lower it. Their N, the same in all
// four, are the contacts that an agent had at all.
type Handling struct {
	Talk   Times `json:"talk"`
	Held   Times `json:"held"`
	WrapUp Times `json:"wrapUp"`
	// Total is talk, hold and wrap-up together (measure: AHT).
	Total Times `json:"total"`
	// Lapsed counts the contacts whose wrap-up ran out.
	Lapsed int `json:"lapsed"`
}

// AgentRow are the figures of one agent, of the segments that are over. They are sums over
// segments: those of all agents exceed what the rows of contacts say, and the two are never
// added.
type AgentRow struct {
	Agent contact.AgentID `json:"agent"`
	// Segments are Finished, HandedOver, Transferred, Promised, Returned and Dropped together: see
	// [Parted].
	Segments    int `json:"segments"`
	Finished    int `json:"finished"`
	HandedOver  int `json:"handedOver"`
	Transferred int `json:"transferred"`
	Promised    int `json:"promised"`
	Returned    int `json:"returned"`
	Dropped     int `json:"dropped"`
	// Lapsed are those of Finished and HandedOver whose wrap-up ran out.
	Lapsed int   `json:"lapsed"`
	Talk   Times `json:"talk"`
	Held   Times `json:"held"`
	WrapUp Times `json:"wrapUp"`
}

// spent gathers times before they are counted.
type spent struct{ talk, held, wrapUp, total []contact.Millis }

func (s *spent) add(talk, held, wrapUp contact.Millis) {
	s.talk, s.held, s.wrapUp = append(s.talk, talk), append(s.held, held), append(s.wrapUp, wrapUp)
	s.total = append(s.total, talk+held+wrapUp)
}

// handling adds what a closed contact took of agents.
func (c *cohort) handling(h *history) {
	if h.closed == nil {
		return
	}
	c.row.Handling.Lapsed += one(h.closed.Lapsed)
	if len(h.segments) == 0 {
		return
	}
	var talk, held, wrapUp contact.Millis
	for _, s := range h.segments {
		talk, held, wrapUp = talk+s.Talk(), held+s.Held, wrapUp+s.WrapUp()
	}
	c.spent.add(talk, held, wrapUp)
}

// Agents returns the figures of every agent who had a contact of the query, as far as his
// part of it is over, sorted by agent.
func (f *ContactFold) Agents() []AgentRow {
	rows, spents := map[contact.AgentID]*AgentRow{}, map[contact.AgentID]*spent{}
	for _, h := range f.contacts {
		for _, s := range h.segments {
			if s.Parted == "" {
				continue
			}
			row := rows[s.Agent]
			if row == nil {
				row = &AgentRow{Agent: s.Agent}
				rows[s.Agent], spents[s.Agent] = row, &spent{}
			}
			row.Segments++
			row.Finished += one(s.Parted == PartedFinished)
			row.HandedOver += one(s.Parted == PartedHandedOver)
			row.Transferred += one(s.Parted == PartedTransferred)
			row.Promised += one(s.Parted == PartedPromised)
			row.Returned += one(s.Parted == PartedReturned)
			row.Dropped += one(s.Parted == PartedDropped)
			row.Lapsed += one(s.Lapsed)
			spents[s.Agent].add(s.Talk(), s.Held, s.WrapUp())
		}
	}
	for agent, s := range spents {
		row := rows[agent]
		row.Talk, row.Held, row.WrapUp = times(s.talk), times(s.held), times(s.wrapUp)
	}
	list := make([]AgentRow, 0, len(rows))
	for row := range maps.Values(rows) {
		list = append(list, *row)
	}
	slices.SortFunc(list, func(a, b AgentRow) int { return cmp.Compare(a.Agent, b.Agent) })
	return list
}
