package contact

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
)

// Commands is a list of commands with one wire form: a JSON array of objects
// {"type": "arrive", "data": {…}}.
type Commands []Command

// Events is a list of events with the same wire form.
type Events []Event

// The names on the wire. They are part of the format: a name is never reused.
var (
	commandNames = newNames[Command](map[string]Command{
		"change-rules":        ChangeRules{},
		"change-roster":       ChangeRoster{},
		"report-node":         ReportNode{},
		"arrive":              Arrive{},
		"refuse":              Refuse{},
		"greet":               Greet{},
		"enqueue":             Enqueue{},
		"leave":               Leave{},
		"drop":                Drop{},
		"accept-offer":        AcceptOffer{},
		"decline-offer":       DeclineOffer{},
		"confirm-connected":   ConfirmConnected{},
		"fail-connect":        FailConnect{},
		"hang-up":             HangUp{},
		"hold":                Hold{},
		"resume":              Resume{},
		"choose-outcome":      ChooseOutcome{},
		"extend-wrap-up":      ExtendWrapUp{},
		"report-quality":      ReportQuality{},
		"finish":              Finish{},
		"set-presence":        SetPresence{},
		"set-reachable":       SetReachable{},
		"reply":               Reply{},
		"give-back":           GiveBack{},
		"close-outside-hours": CloseOutsideHours{},
		"take-callback":       TakeCallback{},
		"set-impact":          SetImpact{},
		"schedule-callback":   ScheduleCallback{},
		"rejoin":              Rejoin{},
		"transfer":            Transfer{},
		"consult":             Consult{},
		"end-consult":         EndConsult{},
		"complete-transfer":   CompleteTransfer{},
		"hand-over":           HandOver{},
		"set-conference":      SetConference{},
		"supervise":           Supervise{},
		"mark":                Mark{},
		"place-call":          PlaceCall{},
		"report-recording":    ReportRecording{},
		"fail-dial":           FailDial{},
		"tick":                Tick{},
	})
	eventNames = newNames[Event](map[string]Event{
		"leader-elected":       LeaderElected{},
		"rules-changed":        RulesChanged{},
		"roster-changed":       RosterChanged{},
		"contact-arrived":      ContactArrived{},
		"contact-greeted":      ContactGreeted{},
		"contact-queued":       ContactQueued{},
		"contact-offered":      ContactOffered{},
		"offer-accepted":       OfferAccepted{},
		"offer-declined":       OfferDeclined{},
		"offer-missed":         OfferMissed{},
		"offer-withdrawn":      OfferWithdrawn{},
		"contact-connected":    ContactConnected{},
		"contact-replied":      ContactReplied{},
		"contact-returned":     ContactReturned{},
		"callback-taken":       CallbackTaken{},
		"needs-relaxed":        NeedsRelaxed{},
		"preference-ended":     PreferenceEnded{},
		"impact-set":           ImpactSet{},
		"callback-scheduled":   CallbackScheduled{},
		"callback-due":         CallbackDue{},
		"contact-rejoined":     ContactRejoined{},
		"contact-transferred":  ContactTransferred{},
		"consult-offered":      ConsultOffered{},
		"consult-accepted":     ConsultAccepted{},
		"consult-connected":    ConsultConnected{},
		"consult-ended":        ConsultEnded{},
		"contact-handed-over":  ContactHandedOver{},
		"outside-called":       OutsideCalled{},
		"outside-answered":     OutsideAnswered{},
		"outside-ended":        OutsideEnded{},
		"conference-changed":   ConferenceChanged{},
		"supervision-changed":  SupervisionChanged{},
		"contact-marked":       ContactMarked{},
		"call-placed":          CallPlaced{},
		"recording-changed":    RecordingChanged{},
		"presence-planned":     PresencePlanned{},
		"callback-failed":      CallbackFailed{},
		"contact-held":         ContactHeld{},
		"contact-resumed":      ContactResumed{},
		"contact-hung-up":      ContactHungUp{},
		"wrap-up-extended":     WrapUpExtended{},
		"outcome-chosen":       OutcomeChosen{},
		"quality-reported":     QualityReported{},
		"contact-dropped":      ContactDropped{},
		"contact-closed":       ContactClosed{},
		"presence-changed":     PresenceChanged{},
		"reachability-changed": ReachabilityChanged{},
	})
)

// EventName returns the name of the event on the wire.
func EventName(e Event) string { return eventNames.name[reflect.TypeOf(e)] }

// CommandName returns the name of the command on the wire.
func CommandName(c Command) string { return commandNames.name[reflect.TypeOf(c)] }

// CommandNames returns the names of all commands on the wire, sorted.
func CommandNames() []string { return slices.Sorted(maps.Keys(commandNames.kind)) }

// MarshalJSON writes the wire form.
func (c Commands) MarshalJSON() ([]byte, error) { return commandNames.marshal(c) }

// UnmarshalJSON reads the wire form. An unknown name or field is an error: a record
// that cannot be read whole must not be half read.
func (c *Commands) UnmarshalJSON(data []byte) error {
	list, err := commandNames.unmarshal(data)
	*c = list
	return err
}

// MarshalJSON writes the wire form.
func (e Events) MarshalJSON() ([]byte, error) { return eventNames.marshal(e) }

// UnmarshalJSON reads the wire form, as strictly as [Commands.UnmarshalJSON].
func (e *Events) UnmarshalJSON(data []byte) error {
	list, err := eventNames.unmarshal(data)
	*e = list
	return err
}

// names maps the types of one closed set to their names on the wire and back.
type names[T any] struct {
	name map[reflect.Type]string
	kind map[string]reflect.Type
}

func newNames[T any](set map[string]T) names[T] {
	n := names[T]{name: map[reflect.Type]string{}, kind: map[string]reflect.Type{}}
	for name, value := range set {
		kind := reflect.TypeOf(value)
		n.name[kind], n.kind[name] = name, kind
	}
	return n
}

type tagged[D any] struct {
	Type string `json:"type"`
	Data D      `json:"data"`
}

func (n names[T]) marshal(list []T) ([]byte, error) {
	out := make([]tagged[T], len(list))
	for i, value := range list {
		name, known := n.name[reflect.TypeOf(value)]
		if !known {
			return nil, fmt.Errorf("encode %T: not in the closed set", value)
		}
		out[i] = tagged[T]{Type: name, Data: value}
	}
	return json.Marshal(out)
}

// DecodeEvent reads one event of a name from its own JSON, as strictly as
// [Events.UnmarshalJSON].
func DecodeEvent(name string, data []byte) (Event, error) { return eventNames.decode(name, data) }

func (n names[T]) unmarshal(data []byte) ([]T, error) {
	var in []tagged[json.RawMessage]
	if err := json.Unmarshal(data, &in); err != nil {
		return nil, err
	}
	list := make([]T, len(in))
	for i, item := range in {
		value, err := n.decode(item.Type, item.Data)
		if err != nil {
			return nil, fmt.Errorf("item %d: %w", i, err)
		}
		list[i] = value
	}
	return list, nil
}

func (n names[T]) decode(name string, data []byte) (T, error) {
	var none T
	kind, known := n.kind[name]
	if !known {
		return none, fmt.Errorf("unknown type %q", name)
	}
	value := reflect.New(kind)
	if err := strictUnmarshal(data, value.Interface()); err != nil {
		return none, fmt.Errorf("%s: %w", name, err)
	}
	return value.Elem().Interface().(T), nil
}

func strictUnmarshal(data []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	return decoder.Decode(into)
}
