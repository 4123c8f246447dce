package report

import "svar/contact"

// telephone tells of places outside, of who else hears a call, of calls that the desk began and of recordings; nothing
// else.
func (n *narrator) telephone(event contact.Event) string {
	switch e := event.(type) {
	case contact.OutsideCalled:
		key := "outside-called"
		if e.Blind {
			key = "outside-called-blind"
		}
		return n.words.say(key, "agent", e.Agent, "to", e.To, "until", n.clock(e.Expires))
	case contact.OutsideAnswered:
		return n.words.say("outside-answered", "to", e.To)
	case contact.OutsideEnded:
		if e.Failure == "" {
			return n.words.say("outside-ended", "to", e.To)
		}
		return n.words.say("outside-failed", "to", e.To, "reason", n.words.term("outside", e.Failure))
	case contact.ConferenceChanged:
		if e.On {
			return n.words.say("conference-on", "agent", e.Agent)
		}
		return n.words.say("conference-off", "agent", e.Agent)
	case contact.SupervisionChanged:
		return n.words.say("supervision-"+string(e.Mode), "supervisor", e.Supervisor)
	case contact.ContactMarked:
		return n.words.say("marked", "agent", e.Agent, "mark", n.words.term("mark", e.Mark))
	case contact.CallPlaced:
		n.channel = e.Contact.Channel
		return n.words.say("call-placed", "agent", e.Agent, "line", e.Contact.Line, "until", n.clock(e.Expires)) +
			n.words.when(e.Contact.Ticket != "", "arrived-ticket", "ticket", e.Contact.Ticket)
	case contact.RecordingChanged:
		return n.words.say("recording-"+string(e.Recording)) + n.words.when(e.Agent != "", "recording-by", "agent", e.Agent) +
			n.words.when(e.Length != 0, "recording-length", "length", n.length(e.Length))
	default:
		return ""
	}
}
