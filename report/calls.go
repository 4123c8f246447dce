package report

import (
	"maps"
	"slices"

	"svar/contact"
)

// ShortAbandon is below what waiting time an abandoned call is shown as "of which short"
// too. It is never taken from the total.
const ShortAbandon contact.Millis = 5_000

// Calls are the figures of a cohort: the contacts that arrived in an interval. Every
// contact of it is counted once, so that
//
//	Offered = Answered + abandoned at all stages + CalledBack + Refused + Dropped + Open.
type Calls struct {
	Offered int
	// Answered were answered by an agent, whatever came later.
	Answered  int
	Abandoned []Abandoned // by stage, in the order of a contact's way
	// CalledBack were reached after a technical fault, before any agent had answered.
	CalledBack int
	Refused    int
	Dropped    int
	// Open are not accounted for yet: they wait, or are to be called back.
	Open int
	// FromArrival is the answer time from the INVITE on, menus and messages included.
	FromArrival Times
	// FromQueue is the answer time from the moment on that the call could be offered.
	FromQueue Times
}

// Abandoned counts the callers who hung up at a stage.
type Abandoned struct {
	Stage contact.Stage
	Count int
	// Short are those of Count who waited less than [ShortAbandon].
	Short int
}

// Times are the percentiles of N waiting times, by nearest rank; 0 when N is 0.
type Times struct {
	N      int
	Median contact.Millis
	P90    contact.Millis
}

// stages are those at which a caller can hang up, in the order of a contact's way.
var stages = []contact.Stage{
	contact.StageBeforeAnswer, contact.StageMessage, contact.StageQueue, contact.StageRinging, contact.StageCallback,
}

// CallFold folds events into [Calls]. The zero value is not ready; see [NewCallFold].
type CallFold struct {
	contacts map[contact.ID]*history
}

// history is what the measures need of one contact.
type history struct {
	arrived, queued, answered contact.Instant
	closed                    *contact.ContactClosed
}

// NewCallFold returns a fold that has seen nothing.
func NewCallFold() *CallFold { return &CallFold{contacts: map[contact.ID]*history{}} }

// Add takes an event in that was recorded at now. Events of contacts whose arrival was
// not added are passed over.
func (f *CallFold) Add(event contact.Event, now contact.Instant) {
	switch e := event.(type) {
	case contact.ContactArrived:
		if f.contacts[e.Contact.ID] == nil {
			f.contacts[e.Contact.ID] = &history{arrived: e.Contact.Arrived}
		}
	case contact.ContactQueued:
		f.change(e.Contact, func(h *history) { first(&h.queued, now) })
	case contact.ContactConnected:
		f.change(e.Contact, func(h *history) { first(&h.answered, now) })
	case contact.ContactClosed:
		if e.Refused != nil && f.contacts[e.Contact] == nil {
			f.contacts[e.Contact] = &history{arrived: e.Refused.Arrived}
		}
		f.change(e.Contact, func(h *history) { h.closed = &e })
	}
}

func (f *CallFold) change(id contact.ID, do func(*history)) {
	if h := f.contacts[id]; h != nil {
		do(h)
	}
}

func first(at *contact.Instant, now contact.Instant) {
	if *at == 0 {
		*at = now
	}
}

// Calls returns the figures of all that was added.
func (f *CallFold) Calls() Calls {
	var out Calls
	abandoned := map[contact.Stage]Abandoned{}
	var fromArrival, fromQueue []contact.Millis
	for _, h := range f.contacts {
		out.Offered++
		switch {
		case h.answered != 0:
			out.Answered++
			fromArrival = append(fromArrival, h.answered.Sub(h.arrived))
			fromQueue = append(fromQueue, h.answered.Sub(h.queued))
		case h.closed == nil:
			out.Open++
		case h.closed.End == contact.EndAbandoned:
			row := abandoned[h.closed.Stage]
			row.Count++
			if h.closed.Waited < ShortAbandon {
				row.Short++
			}
			abandoned[h.closed.Stage] = row
		case h.closed.End == contact.EndRefused:
			out.Refused++
		case h.closed.End == contact.EndHandled:
			out.CalledBack++
		default:
			out.Dropped++
		}
	}
	out.Abandoned = byStage(abandoned)
	out.FromArrival, out.FromQueue = times(fromArrival), times(fromQueue)
	return out
}

// byStage returns a row for every stage, and after them those that this version does not
// know: nothing that happened is left out.
func byStage(counts map[contact.Stage]Abandoned) []Abandoned {
	order := slices.Clone(stages)
	for _, stage := range slices.Sorted(maps.Keys(counts)) {
		if !slices.Contains(stages, stage) {
			order = append(order, stage)
		}
	}
	rows := make([]Abandoned, len(order))
	for i, stage := range order {
		rows[i] = counts[stage]
		rows[i].Stage = stage
	}
	return rows
}

func times(waited []contact.Millis) Times {
	slices.Sort(waited)
	return Times{N: len(waited), Median: rank(waited, 50), P90: rank(waited, 90)}
}

// rank returns the percentile by nearest rank: the smallest value that at least percent
// of all values do not exceed.
func rank(sorted []contact.Millis, percent int) contact.Millis {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[(len(sorted)*percent+99)/100-1]
}
