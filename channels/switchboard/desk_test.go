package switchboard_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing/synctest"
	"time"

	"svar/contact"
	engine "svar/queue"
	"svar/queue/bus"
)

// desk is a world whose dispatcher is the queue itself. What it is told, and what it orders, waits to arrive.
type desk struct {
	*world
	random *rand.Rand
	engine *engine.Engine
	caller *leg
	legs   map[contact.AgentID][]*leg
	came   map[*leg]bool
	// slow says that messages wait; told is the one from the node that does, nil when none, and answers its answer.
	slow    atomic.Bool
	told    atomic.Pointer[contact.Command]
	answers chan error
	orders  []bus.Order
	mode    contact.SupervisionMode // of eva, as the node knows it
	log     []string
}

// deskDispatcher asks the queue.
type deskDispatcher struct {
	*dispatcher
	desk *desk
}

func (d deskDispatcher) Send(ctx context.Context, c contact.Command) error {
	if err := d.dispatcher.Send(ctx, c); err != nil || !d.desk.slow.Load() {
		return errors.Join(err, d.desk.step(c))
	}
	d.desk.told.Store(&c)
	select {
	case err := <-d.desk.answers:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (d *desk) note(format string, values ...any) {
	d.log = append(d.log, fmt.Sprintf(format, values...))
}

// step lets the queue decide, and puts its orders on their way.
func (d *desk) step(c contact.Command) error {
	events, err := d.engine.Step(c, contact.InstantOf(time.Now()))
	for _, event := range events {
		if o := orderOf(event); o.Kind != "" {
			d.orders = append(d.orders, o)
		}
	}
	return err
}

// orderOf is what the dispatcher orders because of an event.
func orderOf(event contact.Event) bus.Order {
	switch e := event.(type) {
	case contact.ContactOffered:
		return bus.Order{Kind: bus.OrderRing, Offer: e.Offer, Agent: e.Agent}
	case contact.OfferAccepted:
		return bus.Order{Kind: bus.OrderConnect, Offer: e.Offer, Agent: e.Agent}
	case contact.OfferWithdrawn:
		return bus.Order{Kind: bus.OrderWithdraw, Offer: e.Offer, Agent: e.Agent}
	case contact.ContactReturned:
		return bus.Order{Kind: bus.OrderWithdraw, Offer: e.Offer, Agent: e.Agent}
	case contact.ConsultOffered:
		return bus.Order{Kind: bus.OrderConsult, Offer: e.Offer, Agent: e.With}
	case contact.ConsultAccepted:
		return bus.Order{Kind: bus.OrderConsultConnect, Offer: e.Offer, Agent: e.With}
	case contact.ConsultEnded:
		kind := bus.OrderConsultEnd
		if e.Cause == contact.ConsultCompleted {
			kind = bus.OrderHandOver
		}
		return bus.Order{Kind: kind, Offer: e.Offer, Agent: e.With}
	case contact.OutsideCalled:
		return bus.Order{Kind: bus.OrderOutside, Offer: e.Offer, Agent: e.Agent, To: e.To, Leg: contact.LegID(fmt.Sprint("outside-", e.Offer))}
	case contact.OutsideEnded:
		return bus.Order{Kind: bus.OrderOutsideEnd, Offer: e.Offer, To: e.To}
	case contact.ContactHandedOver:
		return bus.Order{Kind: bus.OrderOutsideTake, Offer: e.Offer, Agent: e.Agent, To: e.To}
	case contact.ConferenceChanged:
		return bus.Order{Kind: bus.OrderConference, Agent: e.Agent, On: e.On}
	case contact.SupervisionChanged:
		return bus.Order{Kind: bus.OrderSupervise, Agent: e.Supervisor, Mode: e.Mode}
	case contact.ContactHungUp, contact.ContactDropped:
		return bus.Order{Kind: bus.OrderRelease}
	default:
		return bus.Order{}
	}
}

// prepare opens the desk.
func (d *desk) prepare() {
	_, err := d.engine.Elect(1, "node-a", contact.InstantOf(time.Now()))
	skill := contact.Needs{{Skill: "staff", Level: 3}}
	minute := contact.Millis(60_000)
	for _, command := range []contact.Command{
		contact.ChangeRules{Rules: contact.Rules{
			OfferTimeout: 10 * minute, ConnectTimeout: 10 * minute, OutcomeCodes: []contact.OutcomeCode{"solved"}, DialTimeout: 10 * minute,
			DialsPerContact: 20, DialsPerHour: 1000,
		}},
		contact.ChangeRoster{Roster: contact.Roster{Agents: []contact.Agent{{ID: "anna", Skills: skill}, {ID: "bo", Skills: skill}, {ID: "eva"}}}},
	} {
		err = errors.Join(err, d.step(command))
	}
	if err != nil {
		d.t.Fatal(err)
	}
}

// begin lets anna talk with a caller, who is recorded or not.
func (d *desk) begin(recorded bool) {
	d.ask("anna is there", contact.SetReachable{Agent: "anna", Node: "node-a", Reachable: true})
	d.ask("bo is there", contact.SetReachable{Agent: "bo", Node: "node-a", Reachable: true})
	d.ask("anna is ready", contact.SetPresence{Agent: "anna", Presence: contact.Ready})
	if recorded {
		d.caller = d.announced()
		d.caller.endPrompt()
		synctest.Wait()
	} else {
		d.caller = d.queued()
	}
	d.deliverAll()
	if d.record().Offer == nil {
		d.t.Fatalf("nobody is asked: %+v, after\n%q", d.record(), d.log)
	}
	d.ask("anna accepts", contact.AcceptOffer{Offer: d.record().Offer.Offer, Agent: "anna"})
	d.ask("bo is ready", contact.SetPresence{Agent: "bo", Presence: contact.Ready})
	d.deliverAll()
	d.up("anna")
	if c := d.record(); c.State != contact.StateConnected {
		d.t.Fatalf("they are not connected: %+v", c)
	}
	d.slow.Store(true)
}

func (d *desk) record() engine.ContactState {
	c, _ := d.engine.Contact("c1")
	return c
}

func (d *desk) handed() bool { return d.record().HandedBy != 0 }

// ask asks something of the queue, as a console does. It may say no.
func (d *desk) ask(what string, command contact.Command) {
	err := d.step(command)
	d.note("%s: %v", what, err)
}

// deliver lets the oldest order arrive.
func (d *desk) deliver() {
	if len(d.orders) == 0 {
		return
	}
	o := d.orders[0]
	d.orders = d.orders[1:]
	d.note("order %s %d %s on %t", o.Kind, o.Offer, o.Agent, o.On)
	if o.Kind == bus.OrderSupervise {
		d.mode = o.Mode
	}
	d.send(o)
}

func (d *desk) deliverAll() {
	synctest.Wait()
	for len(d.orders) > 0 {
		d.deliver()
	}
}

// hear lets what the node tells arrive.
func (d *desk) hear() {
	command := d.told.Swap(nil)
	if command == nil {
		return
	}
	err := d.step(*command)
	d.note("told %T: %v", *command, err)
	d.answers <- err
	synctest.Wait()
}

// settle lets everything arrive.
func (d *desk) settle() {
	synctest.Wait()
	for len(d.orders) > 0 || d.told.Load() != nil {
		d.deliver()
		d.hear()
	}
	d.note("settled")
}
