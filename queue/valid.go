package queue

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"svar/contact"
)

// Limits of what a command may hold. They are far above what is used, and keep a
// record within its size and every sum within 64 bits.
const (
	maxID      = 128 // bytes of an id or a name
	maxText    = 500 // bytes of a reason
	maxNeeds   = 16
	maxSkills  = 200
	maxCodes   = 200
	maxPauses  = 50
	maxLegs    = 20_000
	maxAgents  = 10_000
	maxTimeout = contact.Millis(10 * 60 * 1000)
	maxGrace   = contact.Millis(24 * 3600 * 1000)
	// maxCapacity is how many contacts of one channel an agent may have.
	maxCapacity = 50
	// maxDials bound the dials that are remembered, of one contact and of all.
	maxDialsPerContact = 20
	maxDialsPerHour    = 5_000
	maxTarget          = contact.Millis(366 * 24 * 3600 * 1000)
	// maxPackets is more than a voice of 50 packets a second sends in a century.
	maxPackets = 1 << 40
)

// valid reports whether all fields of the command are within their ranges.
func valid(command contact.Command) bool {
	switch v := command.(type) {
	case contact.ChangeRules:
		return validRules(v.Rules)
	case contact.ChangeRoster:
		return validRoster(v.Roster)
	case contact.ReportNode:
		return validID(v.Node) && len(v.Legs) <= maxLegs && slices.IsSorted(v.Legs)
	case contact.Arrive:
		return validContact(v.Contact) && !v.Contact.Outgoing && validLeg(v)
	case contact.Refuse:
		return validContact(v.Contact) && v.Response >= 400 && v.Response <= 699
	case contact.Enqueue:
		return validNeeds(v.Needs, maxNeeds) && v.Class <= contact.ClassPriorityLine && v.Target > 0 && v.Target <= maxTarget && validText(string(v.Hours), maxID)
	case contact.SetImpact:
		return v.Residents <= maxResidents && validText(string(v.Agent), maxID)
	case contact.DeclineOffer:
		return validText(v.Reason, maxText)
	case contact.ConfirmConnected:
		return v.Leg == "" || validID(v.Leg) // what is written needs none
	case contact.Finish:
		return validText(string(v.Code), maxID) && validText(string(v.Ticket), maxID)
	case contact.ChooseOutcome:
		return validText(string(v.Code), maxID) && validText(string(v.Ticket), maxID)
	case contact.ReportQuality:
		return (v.Party == contact.PartyCaller || v.Party == contact.PartyAgent) &&
			v.Quality.Received <= maxPackets && v.Quality.Lost <= maxPackets
	case contact.ScheduleCallback:
		return v.At >= 0 && (v.Agent != "" || !v.Mine)
	case contact.TakeCallback:
		return validID(v.Node)
	case contact.FailDial:
		return slices.Contains(dialFailures, v.Reason)
	case contact.Transfer:
		return validDestination(v.To)
	case contact.Consult:
		return validDestination(v.To)
	case contact.HandOver:
		return validID(v.To)
	case contact.Supervise:
		return validID(v.Supervisor) && (v.Mode == "" || slices.Contains(supervisionModes, v.Mode))
	case contact.Mark:
		return v.Mark == contact.MarkThreat || v.Mark == contact.MarkNuisance
	case contact.PlaceCall:
		return validContact(v.Contact) && v.Contact.Outgoing && v.Contact.Channel == contact.Voice && validID(v.Contact.Line) &&
			validID(v.Agent) && validID(v.Node) && validID(v.Leg)
	case contact.ReportRecording:
		return validRecording(v)
	case contact.Rejoin:
		return validID(v.Node) && validID(v.Leg)
	case contact.SetPresence:
		return validPresence(v)
	case contact.SetReachable:
		return validID(v.Node)
	default:
		return true // it names what must be known already, or nothing
	}
}

func validRules(r contact.Rules) bool {
	return r.OfferTimeout > 0 && r.OfferTimeout <= maxTimeout && r.ConnectTimeout > 0 && r.ConnectTimeout <= maxTimeout &&
		len(r.OutcomeCodes) <= maxCodes && all(r.OutcomeCodes, validID) && !repeats(r.OutcomeCodes) &&
		all(r.Channels, validChannelRule) && rising(r.Channels, func(c contact.ChannelRule) contact.Channel { return c.Channel }) &&
		r.UnreachableGrace >= 0 && r.UnreachableGrace <= maxGrace && r.DialTimeout >= 0 && r.DialTimeout <= maxTimeout &&
		r.DialsPerContact <= maxDialsPerContact && r.DialsPerHour <= maxDialsPerHour && validWrapUp(r) && validOrder(r) && validDesk(r)
}

// validDesk is for what rules the agents' day, and the call-backs that they are offered.
func validDesk(r contact.Rules) bool {
	validPause := func(p contact.PauseRule) bool {
		return p.Reason != "" && validText(p.Reason, maxText) && p.Limit >= 0 && p.Limit <= maxGrace
	}
	reasons := make([]string, 0, len(r.PauseReasons))
	for _, p := range r.PauseReasons {
		reasons = append(reasons, p.Reason)
	}
	return len(r.PauseReasons) <= maxPauses && all(r.PauseReasons, validPause) && !repeats(reasons) &&
		r.RampUp >= 0 && r.RampUp <= maxGrace && r.RetryAfter >= 0 && r.RetryAfter <= maxGrace &&
		r.AppointmentWait >= 0 && r.AppointmentWait <= maxGrace && r.TransferWait >= 0 && r.TransferWait <= maxGrace
}

// validWrapUp wants a code for what runs out, which nobody can choose.
func validWrapUp(r contact.Rules) bool {
	return r.WrapUpLimit >= 0 && r.WrapUpLimit <= maxGrace && r.WrapUpExtension >= 0 && r.WrapUpExtension <= maxGrace &&
		validText(string(r.WrapUpCode), maxID) && (r.WrapUpLimit == 0 || r.WrapUpCode != "") && !slices.Contains(r.OutcomeCodes, r.WrapUpCode)
}

func validChannelRule(r contact.ChannelRule) bool {
	known := func(c contact.Channel) bool { return slices.Contains(channels, c) }
	return known(r.Channel) && r.Capacity >= 1 && r.Capacity <= maxCapacity && all(r.Beside, known) &&
		rising(r.Beside, func(c contact.Channel) contact.Channel { return c }) && !slices.Contains(r.Beside, r.Channel) &&
		r.OfferTimeout >= 0 && r.OfferTimeout <= maxTimeout
}

// rising reports whether the list is sorted by its keys, none twice.
func rising[T any, K cmp.Ordered](list []T, key func(T) K) bool {
	for i := 1; i < len(list); i++ {
		if key(list[i]) <= key(list[i-1]) {
			return false
		}
	}
	return true
}

func validRoster(r contact.Roster) bool {
	if len(r.Agents) > maxAgents {
		return false
	}
	for i, agent := range r.Agents {
		if !validID(agent.ID) || !validNeeds(agent.Skills, maxSkills) || agent.Reserved > contact.ClassPriorityLine || (i > 0 && agent.ID <= r.Agents[i-1].ID) {
			return false
		}
	}
	return true
}

var channels = []contact.Channel{contact.Voice, contact.Chat, contact.Mail, contact.Form}

var dialFailures = []contact.DialFailure{
	contact.DialBusy, contact.DialNoAnswer, contact.DialRefused, contact.DialCancelled, contact.DialFault,
}

// validLeg wants a node and a leg of what has somebody on a line, and neither of a mail or
// a form.
func validLeg(v contact.Arrive) bool {
	if v.Contact.Channel.Held() {
		return validID(v.Node) && validID(v.Leg)
	}
	return v.Node == "" && v.Leg == ""
}

func validContact(c contact.Contact) bool {
	return validID(c.ID) && slices.Contains(channels, c.Channel) && validText(string(c.Line), maxID) && validText(string(c.Audience), maxID) &&
		validText(string(c.Person), maxID) && validText(string(c.Party), maxID) && validText(string(c.Service), maxID) &&
		validText(string(c.Ticket), maxID) && validText(c.Language, maxID) && validText(string(c.Follows), maxID) &&
		c.Arrived > 0 && c.Arrived <= maxArrived
}

// validDestination wants one agent, one group or one place outside.
func validDestination(to contact.Destination) bool {
	switch {
	case to.Agent != "":
		return validID(to.Agent) && len(to.Needs) == 0 && to.Outside == ""
	case to.Outside != "":
		return validID(to.Outside) && len(to.Needs) == 0
	default:
		return len(to.Needs) > 0 && validNeeds(to.Needs, maxNeeds)
	}
}

var supervisionModes = []contact.SupervisionMode{contact.SuperviseListen, contact.SuperviseWhisper, contact.SuperviseBarge}

// maxRecording bounds what is said of a file: a talk of a day in stereo has less.
const maxRecording = 1 << 34

// validRecording wants a known state, and what is said of a file only at its end.
func validRecording(v contact.ReportRecording) bool {
	if _, known := recordingSteps[v.Recording]; !known || v.Recording == "" || !validText(string(v.Agent), maxID) {
		return false
	}
	if v.Recording != contact.RecordingEnded {
		return v.File == "" && v.SHA256 == "" && v.Bytes == 0 && v.Length == 0 && v.DeleteAfter == 0
	}
	return validText(v.File, maxText) && (v.SHA256 == "" || isSHA256(v.SHA256)) &&
		v.Bytes >= 0 && v.Bytes <= maxRecording && v.Length >= 0 && v.Length <= 2*maxGrace &&
		v.DeleteAfter >= 0 && v.DeleteAfter <= maxArrived
}

// isSHA256 reports whether the text is a checksum in hexadecimal.
func isSHA256(text string) bool {
	hex := func(r rune) bool { return r >= '0' && r <= '9' || r >= 'a' && r <= 'f' }
	return len(text) == 64 && !strings.ContainsFunc(text, func(r rune) bool { return !hex(r) })
}

// validNeeds wants them sorted, each skill once, levels 1–5.
func validNeeds(needs contact.Needs, most int) bool {
	if len(needs) > most {
		return false
	}
	for i, need := range needs {
		if !validID(need.Skill) || need.Level < 1 || need.Level > 5 || (i > 0 && cmp.Compare(need.Skill, needs[i-1].Skill) <= 0) {
			return false
		}
	}
	return true
}

func validPresence(v contact.SetPresence) bool {
	known := func(c contact.Channel) bool { return slices.Contains(channels, c) }
	switch v.Presence {
	case contact.Paused:
		return validText(v.Reason, maxText) && len(v.Channels) == 0
	case contact.SignedOut:
		return v.Reason == "" && len(v.Channels) == 0
	case contact.Ready:
		return v.Reason == "" && !v.After && all(v.Channels, known) &&
			rising(v.Channels, func(c contact.Channel) contact.Channel { return c })
	default:
		return false
	}
}

func validID[T ~string](id T) bool { return id != "" && validText(string(id), maxID) }

// validText wants UTF-8 without control characters, so that it is the same text wherever
// it is recorded: databases refuse NUL.
func validText(text string, most int) bool {
	return len(text) <= most && utf8.ValidString(text) && !strings.ContainsFunc(text, unicode.IsControl)
}

func all[T any](list []T, holds func(T) bool) bool {
	return !slices.ContainsFunc(list, func(v T) bool { return !holds(v) })
}

func repeats[T cmp.Ordered](list []T) bool {
	sorted := slices.Sorted(slices.Values(list))
	return len(slices.Compact(sorted)) != len(list)
}
