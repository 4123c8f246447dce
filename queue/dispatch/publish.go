package dispatch

import (
	"slices"
	"strconv"

	"github.com/google/uuid"

	"svar/contact"
	"svar/queue"
	"svar/queue/bus"
)

// touched reads from the engine what the events of the step just taken have changed.
func (d *Dispatcher) touched(events []contact.Event) touched {
	out := touched{nodes: map[contact.ID]contact.NodeID{}, legs: map[contact.ID]contact.LegID{}}
	contacts, agents, everything := queue.Changed(events)
	out.everything = everything
	if slices.ContainsFunc(events, func(event contact.Event) bool { _, is := event.(contact.RulesChanged); return is }) {
		rules := d.engine.Rules()
		out.rules = &rules
	}
	for _, id := range contacts {
		if state, known := d.engine.Contact(id); known {
			out.nodes[id], out.legs[id] = state.Node, state.Leg
			if state.Callback {
				out.callbacks = append(out.callbacks, id)
			}
			out.contacts = append(out.contacts, contactView(state, d.engine.Outlook(state.Contact.ID)))
		}
	}
	for _, id := range agents {
		if state, known := d.engine.Agent(id); known {
			out.agents = append(out.agents, agentView(state))
		} else {
			out.agents = append(out.agents, bus.AgentView{Agent: id, Presence: contact.SignedOut})
		}
	}
	return out
}

// publish sends what follows from a turn that is on record as sequence.
func (d *Dispatcher) publish(sequence uint64, t turn) {
	change := bus.Change{Epoch: d.engine.Epoch(), Sequence: sequence, Now: t.now}
	changed := 0
	for _, step := range t.steps {
		changed += len(step.touched.contacts)
	}
	contacts, agents := latest[contact.ID, bus.ContactView]{list: make([]bus.ContactView, 0, changed)}, latest[contact.AgentID, bus.AgentView]{}
	var index uint32
	for _, step := range t.steps {
		for _, event := range step.events {
			d.order(sequence, index, event, step.touched)
			d.log(event)
			index++
		}
		for _, view := range step.touched.contacts {
			contacts.add(view.Contact.ID, view)
		}
		for _, view := range step.touched.agents {
			agents.add(view.Agent, view)
		}
		if step.touched.rules != nil {
			change.Rules = step.touched.rules
		}
		change.Everything = change.Everything || step.touched.everything
	}
	change.Contacts, change.Agents = contacts.list, agents.list
	d.warn(d.config.Bus.PublishChange(change))
}

// latest are views, of each key the one that was added last, in the order in which the keys came.
type latest[K ~string, V any] struct {
	list []V
	at   map[K]int
}

func (n *latest[K, V]) add(key K, view V) {
	if at, has := n.at[key]; has {
		n.list[at] = view
		return
	}
	if n.at == nil {
		n.at = map[K]int{}
	}
	n.at[key] = len(n.list)
	n.list = append(n.list, view)
}

// order sends the node of the event's contact what it has to do about it, if anything.
func (d *Dispatcher) order(sequence uint64, index uint32, event contact.Event, t touched) {
	o := bus.Order{Epoch: d.engine.Epoch(), Sequence: sequence, Index: index}
	switch e := event.(type) {
	case contact.ContactOffered:
		if slices.Contains(t.callbacks, e.Contact) {
			return // nobody is on the line: the agent who accepts it has the user dialled
		}
		o.Kind, o.Contact, o.Offer, o.Agent = bus.OrderRing, e.Contact, e.Offer, e.Agent
	case contact.OfferAccepted:
		if slices.Contains(t.callbacks, e.Contact) {
			return
		}
		o.Kind, o.Contact, o.Offer, o.Agent = bus.OrderConnect, e.Contact, e.Offer, e.Agent
	case contact.OfferDeclined:
		o.Kind, o.Contact, o.Offer, o.Agent = bus.OrderWithdraw, e.Contact, e.Offer, e.Agent
	case contact.OfferMissed:
		o.Kind, o.Contact, o.Offer, o.Agent = bus.OrderWithdraw, e.Contact, e.Offer, e.Agent
	case contact.OfferWithdrawn:
		o.Kind, o.Contact, o.Offer, o.Agent = bus.OrderWithdraw, e.Contact, e.Offer, e.Agent
	case contact.ContactReturned:
		o.Kind, o.Contact, o.Offer, o.Agent = bus.OrderWithdraw, e.Contact, e.Offer, e.Agent
	case contact.CallbackTaken:
		o.Kind, o.Contact, o.Offer, o.Agent, o.Leg = bus.OrderDial, e.Contact, e.Offer, e.Agent, t.legs[e.Contact]
		o.Confirmed = e.Confirmed
	case contact.CallbackFailed:
		o.Kind, o.Contact, o.Offer, o.Agent = bus.OrderWithdraw, e.Contact, e.Offer, e.Agent
	case contact.ContactTransferred:
		o.Kind, o.Contact, o.Offer, o.Agent = bus.OrderWithdraw, e.Contact, e.Offer, e.Agent
	case contact.ConsultOffered:
		o.Kind, o.Contact, o.Offer, o.Agent = bus.OrderConsult, e.Contact, e.Offer, e.With
	case contact.ConsultAccepted:
		o.Kind, o.Contact, o.Offer, o.Agent = bus.OrderConsultConnect, e.Contact, e.Offer, e.With
	case contact.ConsultEnded:
		o.Kind, o.Contact, o.Offer, o.Agent = bus.OrderConsultEnd, e.Contact, e.Offer, e.With
		if e.Cause == contact.ConsultCompleted {
			o.Kind = bus.OrderHandOver
		}
	case contact.OutsideCalled:
		o.Kind, o.Contact, o.Offer, o.Agent = bus.OrderOutside, e.Contact, e.Offer, e.Agent
		o.To, o.Leg = e.To, outsideLeg(e.Contact, e.Offer)
	case contact.OutsideEnded:
		o.Kind, o.Contact, o.Offer, o.To = bus.OrderOutsideEnd, e.Contact, e.Offer, e.To
	case contact.ContactHandedOver:
		if e.Offer == 0 {
			return // whoever brought the two together keeps them so
		}
		o.Kind, o.Contact, o.Offer, o.Agent, o.To = bus.OrderOutsideTake, e.Contact, e.Offer, e.Agent, e.To
	case contact.ConferenceChanged:
		o.Kind, o.Contact, o.Agent, o.On = bus.OrderConference, e.Contact, e.Agent, e.On
	case contact.SupervisionChanged:
		o.Kind, o.Contact, o.Agent, o.Mode = bus.OrderSupervise, e.Contact, e.Supervisor, e.Mode
	case contact.CallPlaced:
		o.Kind, o.Contact, o.Offer, o.Agent, o.Leg = bus.OrderDial, e.Contact.ID, e.Offer, e.Agent, e.Leg
	case contact.CallbackScheduled:
		o.Kind, o.Contact = bus.OrderRelease, e.Contact
	case contact.ContactHungUp:
		o.Kind, o.Contact = bus.OrderRelease, e.Contact
	case contact.ContactDropped:
		o.Kind, o.Contact = bus.OrderRelease, e.Contact
	case contact.ContactClosed:
		if e.End != contact.EndNotReached {
			return // what it had was released before, or ended by itself
		}
		o.Kind, o.Contact = bus.OrderRelease, e.Contact
	default:
		return
	}
	if node := t.nodes[o.Contact]; node != "" { // a mail or a form has none
		d.send(node, o)
	}
}

// outsideLegs is the name space of the legs to places outside.
var outsideLegs = uuid.MustParse("6c9a3f0e-5d0b-5f0a-9b1e-3d0c7a1f42d8")

// outsideLeg names the leg by which a place outside is called. It follows from the offer, so that an order that comes
// again names the same one: a UUID of version 5 (RFC 9562 §5.5).
func outsideLeg(id contact.ID, offer contact.OfferID) contact.LegID {
	name := string(id) + " " + strconv.FormatUint(uint64(offer), 10)
	return contact.LegID(uuid.NewSHA1(outsideLegs, []byte(name)).String())
}

func (d *Dispatcher) send(node contact.NodeID, o bus.Order) {
	d.numbers[node]++
	o.Number = d.numbers[node]
	d.warn(d.config.Bus.PublishOrder(node, o))
}

// callNodes lets the nodes with contacts ask what those should be doing: the last
// leader may not have come to publish what it had recorded.
func (d *Dispatcher) callNodes() {
	for _, node := range d.engine.Nodes() {
		d.send(node, bus.Order{Epoch: d.engine.Epoch(), Sequence: d.last, Kind: bus.OrderReconcile})
	}
}

// log writes one line per transition of a contact.
func (d *Dispatcher) log(event contact.Event) {
	id, agent := queue.Touched(event)
	if id == "" {
		return
	}
	line := d.config.Log.Info().Str("contact", string(id))
	if agent != "" {
		line = line.Str("agent", string(agent))
	}
	line.Msg(contact.EventName(event))
}

func (d *Dispatcher) view() bus.View {
	view := bus.View{
		Epoch: d.engine.Epoch(), Sequence: d.last, Now: d.shown(), Rules: d.engine.Rules(),
		Contacts: []bus.ContactView{}, Agents: []bus.AgentView{},
	}
	for _, state := range d.engine.Contacts() {
		view.Contacts = append(view.Contacts, contactView(state, d.engine.Outlook(state.Contact.ID)))
	}
	for _, state := range d.engine.Agents() {
		view.Agents = append(view.Agents, agentView(state))
	}
	return view
}

func (d *Dispatcher) nodeState(node contact.NodeID) bus.NodeState {
	state := bus.NodeState{Epoch: d.engine.Epoch(), Number: d.numbers[node], Contacts: []bus.ContactView{}, HandedOver: d.engine.HandedOver(node)}
	for _, c := range d.engine.ContactsOf(node) {
		state.Contacts = append(state.Contacts, contactView(c, d.engine.Outlook(c.Contact.ID)))
	}
	return state
}

// contactView shows a contact as it is, and what time will bring to it.
func contactView(s queue.ContactState, outlook queue.Outlook) bus.ContactView {
	view := bus.ContactView{
		Contact: s.Contact, Node: s.Node, Leg: s.Leg, State: s.State, Place: s.Place, Since: s.Since,
		Callback: s.Callback, Dials: s.Dials,
		Queued: s.Queued, Needs: s.Needs, StillNeeded: s.StillNeeded, Relaxed: s.Relaxed, Class: s.Class, Target: s.Target, Hours: s.Hours,
		Residents: s.Residents, Returned: s.Returned, RelaxesAt: outlook.RelaxesAt, RelaxesTo: outlook.RelaxesTo, RisesAt: outlook.RisesAt, Prefer: s.Prefer, PreferUntil: s.PreferUntil, PreferRule: s.PreferRule,
		DueAt: s.DueAt, For: s.For, Tries: s.Tries, Exhausted: s.Exhausted, HandedOver: s.HandedOver,
		Conference: s.Conference, Marks: s.Marks, Recording: s.Recording,
		Agent: s.Agent, ConnectedBy: s.Connected, ConnectedAt: s.ConnectedAt, WrapUpUntil: s.WrapUpUntil,
		Code: s.Code, Ticket: s.Ticket, Answered: s.Answered, End: s.End,
	}
	if o := s.Offer; o != nil {
		view.Offer = &bus.OfferView{
			Offer: o.Offer, Agent: o.Agent, Since: o.Since, Expires: o.Expires, Accepted: o.Accepted, Confirmed: o.Confirmed, Why: o.Why,
		}
	}
	if c := s.Consult; c != nil {
		view.Consult = &bus.ConsultView{
			Offer: c.Offer, With: c.With, To: c.To, Blind: c.Blind, Since: c.Since, Expires: c.Expires,
			Accepted: c.Accepted, Connected: c.Connected, Leg: c.Leg,
		}
		if c.To != "" && c.Leg == "" {
			view.Consult.Leg = outsideLeg(s.Contact.ID, c.Offer)
		}
	}
	if n := s.NotReached; n != nil {
		view.NotReached = &bus.NotReachedView{To: n.To, Failure: n.Failure, At: n.At}
	}
	for _, supervision := range s.Supervisors {
		view.Supervisors = append(view.Supervisors, bus.SupervisorView(supervision))
	}
	return view
}

func agentView(s queue.AgentState) bus.AgentView {
	view := bus.AgentView{
		Agent: s.Agent, Skills: s.Skills, Presence: s.Presence, Reason: s.Reason, Cause: s.Cause,
		Channels: s.Channels, Next: s.Next, NextReason: s.NextReason, Reserved: s.Reserved,
		Since: s.Since, Reachable: s.Reachable(), Offer: s.Offer,
	}
	for _, held := range s.Contacts {
		view.Contacts = append(view.Contacts, held.Contact)
	}
	for _, missed := range s.Missed {
		view.Missed = append(view.Missed, bus.MissedOffer{Cause: missed.Cause, Contact: missed.Contact, Line: missed.Line, Offer: missed.Offer, At: missed.At})
	}
	return view
}
