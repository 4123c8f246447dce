package report

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"svar/contact"
)

// ShortAbandon is below what waiting time an abandoned contact is shown as "of which short"
// too. It is never taken from the total.
const ShortAbandon contact.Millis = 5_000

// Query says which figures are wanted: of the contacts that arrived in [From, To), by
// interval. Empty filters leave nobody out.
type Query struct {
	From, To time.Time
	By       Interval
	Channel  contact.Channel
	Line     contact.LineID
	Audience contact.Audience
	// Now is as of when what is still open is judged.
	Now time.Time
}

// Matches reports whether the contact is one of the query's.
func (q Query) Matches(c contact.Contact) bool {
	at := c.Arrived.Time()
	return !at.Before(q.From) && at.Before(q.To) && (q.Channel == "" || q.Channel == c.Channel) &&
		(q.Line == "" || q.Line == c.Line) && (q.Audience == "" || q.Audience == c.Audience)
}

// Key is what a row is about: the contacts of a channel, line and audience that arrived in
// the interval that begins at Start.
type Key struct {
	Start    time.Time        `json:"start"`
	Channel  contact.Channel  `json:"channel"`
	Line     contact.LineID   `json:"line"`
	Audience contact.Audience `json:"audience"`
}

// Row are the figures of a cohort. Every contact of it is counted once, so that
//
//	Offered = Answered + abandoned at all stages + CalledBack + OutsideHours + Refused + Dropped + Open.
type Row struct {
	Key
	Offered int `json:"offered"`
	// Answered were answered by a person, whatever came later: a call by a connection, a text
	// by a reply. Unreplied of them are texts that were finished without one.
	Answered  int `json:"answered"`
	Unreplied int `json:"unreplied"`
	// Abandoned are those whose user left before that, by stage, in the order of a contact's way.
	Abandoned []Abandoned `json:"abandoned"`
	// CalledBack were reached by a call of ours, or accounted for by an agent without one, before any
	// agent had answered: their line broke, or they had chosen it.
	CalledBack int `json:"calledBack"`
	// HandedOver are those of Answered and CalledBack that a place outside took over in the end.
	HandedOver int `json:"handedOver"`
	// Transferred are the contacts that an agent sent on, and Transfers how often that was, a
	// colleague asked first or not.
	Transferred int `json:"transferred"`
	Transfers   int `json:"transfers"`
	// Callbacks are those that were to be called back, whether an agent had answered before or not.
	Callbacks Callbacks `json:"callbacks"`
	// OutsideHours heard that the desk is closed.
	OutsideHours int `json:"outsideHours"`
	Refused      int `json:"refused"`
	Dropped      int `json:"dropped"`
	// Open are not accounted for yet: while there are any, the figures are preliminary.
	Open int `json:"open"`
	// FromArrival is the answer time from the first sign of the contact on, menus and messages
	// included; FromQueue from the moment on that it could be offered. Both are of Answered.
	FromArrival Times `json:"fromArrival"`
	FromQueue   Times `json:"fromQueue"`
	// WithinTarget of Answerable were answered, or called back, within their target from the
	// queue. Answerable leaves out who left before the queue or within [ShortAbandon], and holds
	// what waits past its target now. Strict counts from arrival and leaves nobody out but the
	// refused and those outside of hours.
	WithinTarget     int `json:"withinTarget"`
	Answerable       int `json:"answerable"`
	StrictWithin     int `json:"strictWithin"`
	StrictAnswerable int `json:"strictAnswerable"`
	// Handling is what the closed contacts of the cohort took of agents.
	Handling Handling `json:"handling"`
	// Outgoing are the calls that the desk began. They came in nowhere: no other figure of the row has them.
	Outgoing Outgoing `json:"outgoing"`
}

// Outgoing counts calls that the desk began.
type Outgoing struct {
	Calls int `json:"calls"`
	// Reached are those of Calls whose callee answered.
	Reached int `json:"reached"`
}

// Callbacks counts call-backs: contacts that went on as one because a line broke, the user chose it or
// an agent promised it.
type Callbacks struct {
	Contacts int `json:"contacts"`
	// Reached are those of Contacts whose user was reached by at least one of the Tries.
	Reached int `json:"reached"`
	// Tries is how often all of them were dialled.
	Tries int `json:"tries"`
	// Rejoined are those of Contacts whose user rang again, and took the place.
	Rejoined int `json:"rejoined"`
}

// Abandoned counts the users who left at a stage.
type Abandoned struct {
	Stage contact.Stage `json:"stage"`
	Count int           `json:"count"`
	// Short are those of Count who waited less than [ShortAbandon].
	Short int `json:"short"`
}

// Times are of N waiting times: their mean, percentiles by nearest rank, and the longest; 0
// when N is 0.
type Times struct {
	N      int            `json:"n"`
	Mean   contact.Millis `json:"meanMs"`
	Median contact.Millis `json:"medianMs"`
	P90    contact.Millis `json:"p90Ms"`
	Max    contact.Millis `json:"maxMs"`
}

// stages are those at which a user can leave, in the order of a contact's way.
var stages = []contact.Stage{
	contact.StageBeforeAnswer, contact.StageMessage, contact.StageQueue, contact.StageRinging, contact.StageCallback,
}

// Stages returns the stages at which a user can leave, in the order of a contact's way.
func Stages() []contact.Stage { return slices.Clone(stages) }

// ContactFold folds events into rows. The zero value is not ready; see [NewContactFold].
type ContactFold struct {
	query    Query
	contacts map[contact.ID]*history
}

// history is what the measures need of one contact.
type history struct {
	contact  contact.Contact
	queued   contact.Instant
	target   contact.Millis
	answered contact.Instant
	// calledBack is when the user was reached by a call of ours before any answer.
	calledBack contact.Instant
	// callback says that nobody is on the line: the next connection is by a call of ours.
	callback bool
	// everCallback says that it was so at some time.
	everCallback      bool
	reached, rejoined bool
	tries, transfers  int
	closedAt          contact.Instant
	closed            *contact.ContactClosed
	segments          segments
}

// NewContactFold returns a fold that has seen nothing.
func NewContactFold(query Query) *ContactFold {
	return &ContactFold{query: query, contacts: map[contact.ID]*history{}}
}

// Add takes an event in that was recorded at now. Events of contacts that are not of the
// query, or whose arrival was not added, are passed over.
func (f *ContactFold) Add(event contact.Event, now contact.Instant) {
	switch e := event.(type) {
	case contact.ContactArrived:
		f.arrive(e.Contact)
	case contact.CallPlaced:
		f.arrive(e.Contact)
	case contact.ContactQueued:
		f.change(e.Contact, func(h *history) {
			first(&h.queued, now)
			h.target = e.Target
		})
	case contact.ContactConnected:
		f.change(e.Contact, func(h *history) {
			h.connect(now)
			h.segments.add(e, now)
		})
	case contact.ContactReplied:
		f.change(e.Contact, func(h *history) { first(&h.answered, now) })
	case contact.ContactDropped:
		f.change(e.Contact, func(h *history) {
			h.callback, h.everCallback = true, true
			h.segments.add(e, now)
		})
	case contact.CallbackScheduled:
		f.change(e.Contact, func(h *history) {
			h.callback, h.everCallback = true, true
			h.segments.add(e, now)
		})
	case contact.CallbackTaken:
		f.change(e.Contact, func(h *history) { h.tries++ })
	case contact.ContactRejoined:
		f.change(e.Contact, func(h *history) { h.callback, h.rejoined = false, true })
	case contact.ContactTransferred:
		f.change(e.Contact, func(h *history) {
			h.transfers++
			h.segments.add(e, now)
		})
	case contact.ConsultEnded:
		f.change(e.Contact, func(h *history) {
			h.transfers += one(e.Cause == contact.ConsultCompleted)
			h.segments.add(e, now)
		})
	case contact.ContactHandedOver:
		f.change(e.Contact, func(h *history) { h.segments.add(e, now) })
	case contact.ConferenceChanged:
		f.change(e.Contact, func(h *history) { h.segments.add(e, now) })
	case contact.ContactHeld:
		f.change(e.Contact, func(h *history) { h.segments.add(e, now) })
	case contact.ContactResumed:
		f.change(e.Contact, func(h *history) { h.segments.add(e, now) })
	case contact.ContactHungUp:
		f.change(e.Contact, func(h *history) { h.segments.add(e, now) })
	case contact.ContactReturned:
		f.change(e.Contact, func(h *history) { h.segments.add(e, now) })
	case contact.ContactClosed:
		if e.Refused != nil {
			f.arrive(*e.Refused)
		}
		f.change(e.Contact, func(h *history) {
			h.closed, h.closedAt = &e, now
			h.segments.add(e, now)
		})
	}
}

// connect is an answer of a call; a text is answered by what is written. A call-back that an agent
// promised was answered before, and stays so.
func (h *history) connect(now contact.Instant) {
	switch {
	case h.contact.Channel.Written(), h.answered != 0, h.calledBack != 0:
	case h.callback:
		h.calledBack = now
	default:
		h.answered = now
	}
	h.reached = h.reached || h.callback
	h.callback = false
}

// done reports whether an agent has finished the contact.
func (h *history) done() bool {
	return h.closed != nil && (h.closed.End == contact.EndHandled || h.closed.End == contact.EndHandedOver)
}

func (f *ContactFold) arrive(c contact.Contact) {
	if f.contacts[c.ID] == nil && f.query.Matches(c) {
		f.contacts[c.ID] = &history{contact: c}
	}
}

func (f *ContactFold) change(id contact.ID, do func(*history)) {
	if h := f.contacts[id]; h != nil {
		do(h)
	}
}

func first(at *contact.Instant, now contact.Instant) {
	if *at == 0 {
		*at = now
	}
}

// Rows returns the figures of all that was added, sorted by start, channel, line and
// audience.
func (f *ContactFold) Rows() []Row {
	cohorts := map[Key]*cohort{}
	for _, h := range f.contacts {
		key := Key{
			Start: f.query.By.Start(h.contact.Arrived.Time(), f.query.From), Channel: h.contact.Channel,
			Line: h.contact.Line, Audience: h.contact.Audience,
		}
		c := cohorts[key]
		if c == nil {
			c = &cohort{row: Row{Key: key}, abandoned: map[contact.Stage]Abandoned{}}
			cohorts[key] = c
		}
		c.count(h, contact.InstantOf(f.query.Now))
	}
	rows := make([]Row, 0, len(cohorts))
	for _, c := range cohorts {
		rows = append(rows, c.result())
	}
	slices.SortFunc(rows, func(a, b Row) int { return a.Compare(b.Key) })
	return rows
}

// Total returns the figures of all that was added in one row, whose key is empty.
func (f *ContactFold) Total() Row {
	total := &cohort{abandoned: map[contact.Stage]Abandoned{}}
	for _, h := range f.contacts {
		total.count(h, contact.InstantOf(f.query.Now))
	}
	return total.result()
}

// Compare orders keys by start, channel, line and audience.
func (k Key) Compare(other Key) int {
	return cmp.Or(k.Start.Compare(other.Start), cmp.Compare(k.Channel, other.Channel),
		cmp.Compare(k.Line, other.Line), cmp.Compare(k.Audience, other.Audience))
}

// cohort counts the contacts of one row.
type cohort struct {
	row                    Row
	abandoned              map[contact.Stage]Abandoned
	fromArrival, fromQueue []contact.Millis
	spent                  spent
}

func (c *cohort) count(h *history, now contact.Instant) {
	if h.contact.Outgoing {
		c.row.Outgoing.Calls++
		c.row.Outgoing.Reached += one(h.answered != 0 || h.calledBack != 0)
		return
	}
	answered, unreplied := h.answer()
	c.row.Offered++
	c.row.HandedOver += one(h.closed != nil && h.closed.End == contact.EndHandedOver)
	c.row.Transferred += one(h.transfers > 0)
	c.row.Transfers += h.transfers
	c.row.Callbacks.Contacts += one(h.everCallback)
	c.row.Callbacks.Reached += one(h.reached)
	c.row.Callbacks.Tries += h.tries
	c.row.Callbacks.Rejoined += one(h.rejoined)
	switch {
	case answered != 0:
		c.row.Answered++
		if unreplied {
			c.row.Unreplied++
		}
		c.fromArrival = append(c.fromArrival, max(0, answered.Sub(h.contact.Arrived)))
		c.fromQueue = append(c.fromQueue, max(0, answered.Sub(h.queued)))
	case h.calledBack != 0, h.done():
		c.row.CalledBack++
	case h.closed == nil:
		c.row.Open++
	case h.closed.End == contact.EndAbandoned:
		stage := c.abandoned[h.closed.Stage]
		stage.Count++
		if h.closed.Waited < ShortAbandon {
			stage.Short++
		}
		c.abandoned[h.closed.Stage] = stage
	case h.closed.End == contact.EndRefused:
		c.row.Refused++
	case h.closed.End == contact.EndOutsideHours:
		c.row.OutsideHours++
	default:
		c.row.Dropped++
	}
	c.judge(h, answered, now)
	c.handling(h)
}

// answer returns when the contact was answered, 0 when it was not, and whether that is the
// end of a text that nobody replied to.
func (h *history) answer() (at contact.Instant, unreplied bool) {
	if h.answered == 0 && h.contact.Channel.Written() && h.done() {
		return h.closedAt, true
	}
	return h.answered, false
}

// judge holds the contact against its target.
func (c *cohort) judge(h *history, answered, now contact.Instant) {
	reached := cmp.Or(answered, h.calledBack)
	if reached == 0 && h.done() {
		reached = h.closedAt // a call-back that an agent accounted for without a call
	}
	due, strictDue := h.queued.Add(h.target), h.contact.Arrived.Add(h.target)
	lost, strictLost := false, false
	switch {
	case reached != 0:
	case h.closed == nil:
		lost, strictLost = h.queued != 0 && now > due, h.queued != 0 && now > strictDue
	case h.closed.End == contact.EndAbandoned:
		inQueue := h.closed.Stage == contact.StageQueue || h.closed.Stage == contact.StageRinging
		lost, strictLost = inQueue && h.closed.Waited >= ShortAbandon, true
	case h.closed.End == contact.EndDropped:
		lost, strictLost = true, true
	}
	if reached != 0 && h.queued != 0 {
		c.row.WithinTarget += one(reached <= due)
		c.row.StrictWithin += one(reached <= strictDue)
	}
	c.row.Answerable += one(reached != 0 || lost)
	c.row.StrictAnswerable += one(reached != 0 || strictLost)
}

func one(counts bool) int {
	if counts {
		return 1
	}
	return 0
}

func (c *cohort) result() Row {
	row := c.row
	row.Abandoned = byStage(c.abandoned)
	row.FromArrival, row.FromQueue = times(c.fromArrival), times(c.fromQueue)
	row.Handling.Talk, row.Handling.Held = times(c.spent.talk), times(c.spent.held)
	row.Handling.WrapUp, row.Handling.Total = times(c.spent.wrapUp), times(c.spent.total)
	return row
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
	if len(waited) == 0 {
		return Times{}
	}
	slices.Sort(waited)
	var sum contact.Millis
	for _, w := range waited {
		sum += w
	}
	return Times{
		N: len(waited), Mean: sum / contact.Millis(len(waited)), Median: rank(waited, 50), P90: rank(waited, 90), Max: waited[len(waited)-1],
	}
}

// rank returns the percentile by nearest rank: the smallest value that at least percent
// of all values do not exceed.
func rank(sorted []contact.Millis, percent int) contact.Millis {
	return sorted[(len(sorted)*percent+99)/100-1]
}
