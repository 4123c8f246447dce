package contact

import "slices"

// NoticeID names one publication of an outage message. It is a UUID version 7.
type NoticeID string

// Notice is an outage message (driftmeddelande): one publication that the phone, the chat,
// the portal and the receipts of mails carry (requirement 3.1i).
type Notice struct {
	ID NoticeID `json:"id"`
	// Service is what is disturbed; empty for something that no service stands for.
	Service ServiceID `json:"service,omitempty"`
	// Lines and Audiences narrow who is told; an empty list leaves nobody out.
	Lines     []LineID   `json:"lines,omitempty"`
	Audiences []Audience `json:"audiences,omitempty"`
	// Text is what is said and shown, by language tag; sv is always there, at most 500
	// characters each.
	Text map[string]string `json:"text"`
	// From and Until bound when it is told, as [From, Until); Until is 0 while nobody knows.
	From      Instant `json:"from"`
	Until     Instant `json:"until,omitempty"`
	Published Instant `json:"published"`
	By        AgentID `json:"by"`
	// Withdrawn is when somebody took it back; 0 while it stands.
	Withdrawn   Instant `json:"withdrawn,omitempty"`
	WithdrawnBy AgentID `json:"withdrawnBy,omitempty"`
}

// EmbargoID names one instruction of the City. It is a UUID version 7.
type EmbargoID string

// Embargo is the City's instruction that nothing general is published (publiceringsspärr,
// requirement 3.6). While it is in force every notice within it is silent, whoever
// published it, and agents see it marked as blocked.
type Embargo struct {
	ID EmbargoID `json:"id"`
	// Service narrows it to one service; empty means all.
	Service ServiceID `json:"service,omitempty"`
	// Contact is the person of the City who gave the instruction, Scope what it is about, and
	// Relief the reference of the exemption from service credits, as people write them; Contact
	// and Scope are never empty.
	Contact string  `json:"contact"`
	Scope   string  `json:"scope"`
	Relief  string  `json:"relief,omitempty"`
	From    Instant `json:"from"`
	By      AgentID `json:"by"`
	// Lifted is when it ended; 0 while it is in force.
	Lifted   Instant `json:"lifted,omitempty"`
	LiftedBy AgentID `json:"liftedBy,omitempty"`
}

// Notices are all notices that are not withdrawn and all embargoes in force, newest last.
// The value is never changed: whoever holds one replaces it as a whole.
type Notices struct {
	Notices   []Notice  `json:"notices"`
	Embargoes []Embargo `json:"embargoes"`
}

// Told returns the notices that a contact of the audience on the line is told at now, newest
// last. [AudienceUnknown] is told those of every audience.
func (n Notices) Told(line LineID, audience Audience, now Instant) []Notice {
	var told []Notice
	for _, notice := range n.Notices {
		if notice.InForce(now) && !n.Blocked(notice) && notice.concerns(line, audience) {
			told = append(told, notice)
		}
	}
	return told
}

// Blocked reports whether an embargo silences the notice.
func (n Notices) Blocked(notice Notice) bool {
	return slices.ContainsFunc(n.Embargoes, func(e Embargo) bool {
		return e.Lifted == 0 && (e.Service == "" || e.Service == notice.Service)
	})
}

// InForce reports whether the notice stands at now, blocked or not.
func (n Notice) InForce(now Instant) bool {
	return n.Withdrawn == 0 && n.From <= now && (n.Until == 0 || now < n.Until)
}

func (n Notice) concerns(line LineID, audience Audience) bool {
	return (len(n.Lines) == 0 || slices.Contains(n.Lines, line)) &&
		(len(n.Audiences) == 0 || audience == AudienceUnknown || slices.Contains(n.Audiences, audience))
}

// In returns the text in the language, or else in Swedish.
func (n Notice) In(language string) string {
	if text := n.Text[language]; text != "" {
		return text
	}
	return n.Text["sv"]
}
