package agentui

import "svar/contact"

// Hello is the first message: what changes with the configuration alone. It comes again when that
// is read anew.
type Hello struct {
	Protocol     int             `json:"protocol"`
	Agent        contact.AgentID `json:"agent"`
	Name         string          `json:"name"`
	Role         string          `json:"role"`
	Lines        []LineInfo      `json:"lines"`
	PauseReasons []PauseInfo     `json:"pauseReasons"`
	// Groups are the skills and competence groups, in the order of the configuration.
	Groups       []GroupInfo           `json:"groups"`
	OutcomeCodes []contact.OutcomeCode `json:"outcomeCodes"`
	Services     []ServiceInfo         `json:"services"`
	// Publishes says that the agent may publish outage messages and set embargoes;
	// SeesFigures that he may read figures of all.
	Publishes   bool `json:"publishes"`
	SeesFigures bool `json:"seesFigures"`
	// Destinations are the places outside that a call may be handed over to.
	Destinations []DestinationInfo `json:"destinations"`
	// Supervises says that the agent may take part in others' calls; CallsLines are the lines whose number he
	// may call by, empty when he may make no calls.
	Supervises bool             `json:"supervises"`
	CallsLines []contact.LineID `json:"callsLines"`
	// WrapUpExtensionMs is how much DoExtend gives.
	WrapUpExtensionMs contact.Millis `json:"wrapUpExtensionMs"`
	// IceServers are handed to RTCPeerConnection as they are; usually empty.
	IceServers []IceServer `json:"iceServers"`
}

// ServiceInfo is a service of the catalogue, with its categories. Names are by language tag.
type ServiceInfo struct {
	ID         contact.ServiceID `json:"id"`
	Name       map[string]string `json:"name"`
	Categories []CategoryInfo    `json:"categories"`
}

// PauseInfo is a reason to pause. After LimitMs the pause is overdue, 0 means never; Break says that
// a group may have so many of them at once and no more.
type PauseInfo struct {
	Reason  string         `json:"reason"`
	LimitMs contact.Millis `json:"limitMs,omitempty"`
	Break   bool           `json:"break,omitempty"`
}

// GroupInfo is a skill or a competence group. Names are by language tag.
type GroupInfo struct {
	ID   contact.SkillID   `json:"id"`
	Name map[string]string `json:"name"`
}

// CategoryInfo is a category of a service.
type CategoryInfo struct {
	ID   string            `json:"id"`
	Name map[string]string `json:"name"`
}

// LineInfo is how a line is shown: a phone line, a chat topic, a mailbox or the portal's
// form. Texts are by language tag: sv, en.
type LineInfo struct {
	ID       contact.LineID    `json:"id"`
	Channel  contact.Channel   `json:"channel"`
	Name     map[string]string `json:"name"`
	Greeting map[string]string `json:"greeting"`
}

// DestinationInfo is a place outside. Name is by language tag.
type DestinationInfo struct {
	ID   contact.DestinationID `json:"id"`
	Name map[string]string     `json:"name"`
}

// IceServer is one of RTCConfiguration.iceServers.
type IceServer struct {
	URLs       []string `json:"urls"`
	Username   string   `json:"username,omitempty"`
	Credential string   `json:"credential,omitempty"`
}
