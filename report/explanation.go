package report

import (
	"time"

	"svar/contact"
)

// Recorded is an event as the journal has it.
type Recorded struct {
	// Sequence is that of its record.
	Sequence uint64
	At       contact.Instant
	Event    contact.Event
}

// Explanation tells what happened to a contact, and for each offer why this agent and why
// then. It names people by no more than the ids of agents: neither callers nor numbers.
type Explanation struct {
	Contact contact.ID        `json:"contact"`
	Steps   []ExplanationStep `json:"steps" nullable:"false"`
}

// ExplanationStep is one recorded event in words.
type ExplanationStep struct {
	At       contact.Instant `json:"at" doc:"In milliseconds since 1970"`
	Sequence uint64          `json:"sequence" doc:"That of the journal's record"`
	// Kind is the event's name, as records have it.
	Kind string `json:"kind" doc:"The event's name in the journal, as contact-offered"`
	Text string `json:"text" doc:"What happened and why, in the language that was asked for"`
}

// Explain tells the events of one contact, in the order in which they were recorded. The language is
// sv or en; any other one is told in Swedish. Times within the text are those of Europe/Stockholm.
func Explain(id contact.ID, recorded []Recorded, language string) Explanation {
	n := narrator{words: wordsOf(language)}
	out := Explanation{Contact: id, Steps: []ExplanationStep{}}
	for _, one := range recorded {
		n.at = one.At
		out.Steps = append(out.Steps, ExplanationStep{
			At: one.At, Sequence: one.Sequence, Kind: contact.EventName(one.Event), Text: n.tell(one.Event),
		})
	}
	return out
}

// HadBy reports whether the agent has or had the contact that the events are of: was connected
// with its user, or talked about it with the agent who was.
func HadBy(agent contact.AgentID, recorded []Recorded) bool {
	for _, one := range recorded {
		switch e := one.Event.(type) {
		case contact.ContactConnected:
			if e.Agent == agent {
				return true
			}
		case contact.ConsultConnected:
			if e.With == agent {
				return true
			}
		}
	}
	return false
}

// narrator tells one contact's events.
type narrator struct {
	words words
	// at is when what is told happened.
	at contact.Instant
	// channel is the contact's, empty when its arrival was not told.
	channel contact.Channel
}

// tell returns an event in words; its name when there are none for it.
func (n *narrator) tell(event contact.Event) string {
	switch e := event.(type) {
	case contact.ContactArrived:
		return n.arrived(e.Contact)
	case contact.ContactGreeted:
		return n.words.say("greeted")
	case contact.ContactQueued:
		return n.queued(e)
	case contact.NeedsRelaxed:
		return n.words.say("relaxed", "step", number(e.Step), "needs", n.needs(e.Needs))
	case contact.PreferenceEnded:
		return n.words.say("preference-ended", "agent", e.Agent, "cause", n.words.term("preference", e.Cause))
	case contact.ImpactSet:
		return n.impact(e)
	case contact.ContactHeld:
		return n.words.say("held", "agent", e.Agent)
	case contact.ContactResumed:
		return n.words.say("resumed", "agent", e.Agent)
	case contact.ContactReplied:
		return n.words.say("replied", "agent", e.Agent)
	case contact.ContactReturned:
		return n.words.say("returned", "cause", n.words.term("return", e.Cause, "agent", e.Agent)) + n.again(e.Agent, e.Again)
	case contact.ContactHandedOver:
		return n.words.say("handed-over", "agent", e.Agent, "to", e.To) + n.wrapUpUntil(e.Until)
	case contact.ContactHungUp:
		return n.words.say("hung-up-"+string(e.By), "agent", e.Agent) + n.wrapUpUntil(e.Until)
	case contact.WrapUpExtended:
		return n.words.say("wrap-up-extended", "agent", e.Agent, "until", n.clock(e.Until))
	case contact.OutcomeChosen:
		if e.Code == "" && e.Ticket == "" {
			return n.words.say("outcome-none", "agent", e.Agent)
		}
		return n.words.say("outcome-chosen", "agent", e.Agent) + n.outcome(e.Code, e.Ticket)
	case contact.QualityReported:
		return n.words.say("quality", "party", n.words.term("party", e.Party), "lost", number(e.Quality.Lost),
			"received", number(e.Quality.Received), "jitter", number(e.Quality.Jitter/1000))
	case contact.ContactDropped:
		return n.words.say("dropped") + n.words.when(e.Agent != "", "dropped-agent", "agent", e.Agent)
	case contact.ContactClosed:
		return n.closed(e)
	}
	if text := n.offer(event); text != "" {
		return text
	}
	if text := n.callback(event); text != "" {
		return text
	}
	if text := n.telephone(event); text != "" {
		return text
	}
	return contact.EventName(event)
}

// offer tells what happens to an offer, to an agent or to one who is consulted; nothing else.
func (n *narrator) offer(event contact.Event) string {
	switch e := event.(type) {
	case contact.ContactOffered:
		return n.offered(e)
	case contact.OfferAccepted:
		return n.words.say("accepted", "agent", e.Agent)
	case contact.OfferDeclined:
		return n.words.say("declined", "agent", e.Agent) + n.words.when(e.Reason != "", "declined-reason", "reason", n.words.term("decline", e.Reason)) + n.again(e.Agent, e.Again)
	case contact.OfferMissed:
		return n.words.say("missed", "agent", e.Agent) + n.again(e.Agent, e.Again)
	case contact.OfferWithdrawn:
		return n.words.say("withdrawn", "agent", e.Agent, "cause", n.words.term("withdraw", e.Cause))
	case contact.ContactConnected:
		if n.channel.Written() {
			return n.words.say("connected-text", "agent", e.Agent)
		}
		return n.words.say("connected", "agent", e.Agent)
	case contact.ContactTransferred:
		return n.transferred(e)
	case contact.ConsultOffered:
		return n.words.say("consult-offered", "agent", e.Agent, "with", e.With, "until", n.clock(e.Expires))
	case contact.ConsultAccepted:
		return n.words.say("consult-accepted", "with", e.With)
	case contact.ConsultConnected:
		return n.words.say("consult-connected", "with", e.With)
	case contact.ConsultEnded:
		return n.words.term("consult", e.Cause, "agent", e.Agent, "with", e.With)
	default:
		return ""
	}
}

// callback tells what happens to a call-back; nothing else.
func (n *narrator) callback(event contact.Event) string {
	switch e := event.(type) {
	case contact.CallbackScheduled:
		at := n.words.say("callback-in-turn")
		if e.At > n.at {
			at = n.words.say("callback-at", "at", n.clock(e.At))
		}
		return n.words.say("callback-by-"+string(e.By), "agent", e.Agent, "at", at) + n.words.when(e.For != "", "callback-for", "agent", e.For)
	case contact.CallbackDue:
		return n.words.say("callback-due") + n.words.when(e.For != "", "callback-for", "agent", e.For) +
			n.words.when(e.PreferUntil != 0, "kept-until", "until", n.clock(e.PreferUntil))
	case contact.CallbackTaken:
		return n.words.say("callback-taken", "agent", e.Agent, "until", n.clock(e.Expires)) + n.words.when(e.Confirmed, "callback-confirmed")
	case contact.CallbackFailed:
		return n.words.say("callback-failed", "agent", e.Agent, "reason", n.words.term("dial", e.Reason))
	case contact.ContactRejoined:
		return n.words.say("rejoined")
	default:
		return ""
	}
}

func (n *narrator) arrived(c contact.Contact) string {
	n.channel = c.Channel
	return n.words.say("arrived", "channel", n.words.term("channel", c.Channel), "line", c.Line) +
		n.words.when(c.Audience != "", "arrived-audience", "audience", n.words.term("audience", c.Audience)) +
		n.words.when(c.Party != "", "arrived-party", "party", c.Party) +
		n.words.when(c.Service != "", "arrived-service", "service", c.Service) +
		n.words.when(c.Ticket != "", "arrived-ticket", "ticket", c.Ticket) +
		n.words.when(c.Follows != "", "arrived-follows", "contact", c.Follows)
}

func (n *narrator) queued(e contact.ContactQueued) string {
	return n.words.say("queued", "needs", n.needs(e.Needs), "class", n.class(e.Class), "target", n.length(e.Target)) +
		n.words.when(e.Hours != "", "queued-hours", "hours", e.Hours) +
		n.words.when(e.Prefer != "", "queued-prefer", "agent", e.Prefer, "until", n.clock(e.PreferUntil))
}

func (n *narrator) impact(e contact.ImpactSet) string {
	text := n.words.say("impact-none")
	if e.Residents != 0 {
		text = n.words.say("impact", "residents", number(e.Residents))
	}
	return text + n.words.when(e.Agent != "", "impact-by", "agent", e.Agent) + "."
}

// offered tells why this agent, and why now.
func (n *narrator) offered(e contact.ContactOffered) string {
	why := e.Why
	level := n.words.when(why.Level != 0, "offered-level", "level", number(why.Level))
	text := n.words.say("offered", "agent", e.Agent, "until", n.clock(e.Expires)) +
		n.words.say("rule-"+string(why.Rule), "agent", e.Agent, "candidates", number(why.Candidates), "level", level, "idle", n.length(why.Idle)) +
		n.words.say("turn", "class", n.class(why.Class)) +
		n.words.when(why.Risen, "turn-risen") +
		n.words.when(why.Returned, "turn-returned") +
		n.words.when(why.Target != 0, "turn-waited", "waited", n.length(why.Waited), "target", n.length(why.Target), "share", share100(why.Waited, why.Target)) +
		n.words.plural(uint64(why.Relaxed), "turn-relaxed") +
		n.words.plural(uint64(why.Waiting), "turn-waiting")
	return text + "."
}

func (n *narrator) transferred(e contact.ContactTransferred) string {
	text := n.words.say("transferred-group", "agent", e.Agent, "needs", n.needs(e.To.Needs))
	if e.To.Agent != "" {
		text = n.words.say("transferred-agent", "agent", e.Agent, "to", e.To.Agent) + n.words.when(e.Until != 0, "kept-until", "until", n.clock(e.Until))
	}
	return text + n.again(e.Agent, e.Again)
}

func (n *narrator) closed(e contact.ContactClosed) string {
	text := n.words.term("end", e.End, "agent", e.Agent, "response", number(e.Response)) +
		n.words.when(e.Failure != "", "closed-failure", "reason", n.words.term("dial", e.Failure)) +
		n.words.when(e.Stage != "", "closed-stage", "stage", n.words.term("stage", e.Stage)) +
		n.words.when(e.Lapsed, "closed-lapsed")
	return text + n.outcome(e.Code, e.Ticket) + n.words.when(e.End != contact.EndRefused, "closed-waited", "waited", n.length(e.Waited))
}

// outcome tells what an agent chose.
func (n *narrator) outcome(code contact.OutcomeCode, ticket contact.TicketNumber) string {
	return n.words.when(code != "", "outcome-code", "code", code) + n.words.when(ticket != "", "outcome-ticket", "ticket", ticket)
}

// again tells when an agent may be asked again.
func (n *narrator) again(agent contact.AgentID, at contact.Instant) string {
	return n.words.when(at != 0, "again", "agent", agent, "at", n.clock(at))
}

func (n *narrator) wrapUpUntil(until contact.Instant) string {
	return n.words.when(until != 0, "wrap-up-until", "until", n.clock(until))
}

// needs names skills with their levels.
func (n *narrator) needs(needs contact.Needs) string {
	if len(needs) == 0 {
		return n.words.say("no-needs")
	}
	text := ""
	for i, need := range needs {
		switch {
		case i == 0:
		case i == len(needs)-1:
			text += n.words.say("and")
		default:
			text += ", "
		}
		text += n.words.say("need", "skill", need.Skill, "level", number(need.Level))
	}
	return text
}

func (n *narrator) class(class contact.Class) string { return n.words.term("class", number(class)) }

// clock writes an instant in Europe/Stockholm, with its date when that is another one than
// that of what is told.
func (n *narrator) clock(at contact.Instant) string {
	local := at.Time().In(stockholm)
	if local.Format(time.DateOnly) == n.at.Time().In(stockholm).Format(time.DateOnly) {
		return local.Format(time.TimeOnly)
	}
	return local.Format("2006-01-02 15:04:05")
}

// length writes a length of time by its two largest units.
func (n *narrator) length(d contact.Millis) string {
	seconds := uint64(max(d, 0) / 1000)
	const minute, hour, day = 60, 3600, 86400
	switch {
	case d < 10_000:
		return n.words.decimal(max(d, 0)) + " s"
	case seconds < minute:
		return number(seconds) + " s"
	case seconds < hour:
		return two(seconds/minute, " min", seconds%minute, " s")
	case seconds < day:
		return two(seconds/hour, " h", seconds%hour/minute, " min")
	default:
		return two(seconds/day, n.words.say("days"), seconds%day/hour, " h")
	}
}

// two writes two parts of a length, the lesser one only when it is there.
func two(large uint64, largeUnit string, small uint64, smallUnit string) string {
	text := number(large) + largeUnit
	if small != 0 {
		text += " " + number(small) + smallUnit
	}
	return text
}

// share100 is part of whole in percent, rounded down; whole is above 0.
func share100(part, whole contact.Millis) string {
	return number(uint64(max(part, 0)) * 100 / uint64(max(whole, 1)))
}
