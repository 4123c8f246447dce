package queue_test

import (
	"testing"

	"pgregory.net/rapid"

	"svar/contact"
	"svar/queue"
)

// Whatever was asked for before: once the nodes have said that their legs are gone and all
// the agents have left the roster, one new agent and time end every contact. Agents stuck
// reserved or in a call: freeswitch#2540, #1062, opensips#3123
func TestOneNewAgentEndsWhatAGoneDeskLeft(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := playedOut(t, &world{draw: evenly(t), now: begin})
		for _, node := range []contact.NodeID{"node-1", "node-2"} {
			c.step(contact.ReportNode{Node: node, Legs: []contact.LegID{}, Restarted: true})
		}
		c.step(contact.ChangeRoster{Roster: contact.Roster{Agents: []contact.Agent{zoe}}})
		c.zoeEndsAll()
	})
}

// Nor does a contact wait for agents who only stay away, when the rules bound how long: the
// users leave, and nobody but a new agent does anything more. Work stuck on absent agents:
// chatwoot#7204, #4158
func TestOneNewAgentEndsWhatAbsentOnesLeft(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := playedOut(t, &world{draw: evenly(t), now: begin, bounded: true})
		roster := contact.Roster{Agents: []contact.Agent{}}
		for _, a := range c.engine.Agents() {
			for _, node := range a.Nodes {
				c.step(contact.SetReachable{Agent: a.Agent, Node: node})
			}
			if !a.Gone {
				roster.Agents = append(roster.Agents, contact.Agent{ID: a.Agent, Skills: a.Skills})
			}
		}
		roster.Agents = append(roster.Agents, zoe)
		c.step(contact.ChangeRoster{Roster: roster})
		for _, k := range c.engine.Contacts() {
			if k.Leg != "" {
				c.step(contact.Leave{Contact: k.Contact.ID})
			}
		}
		c.zoeEndsAll()
	})
}

// zoe can do everything. Her name is the last of all.
var zoe = contact.Agent{ID: "zoe", Skills: contact.Needs{{Skill: "en", Level: 5}, {Skill: "fi", Level: 5}, {Skill: "sv", Level: 5}}}

// playedOut returns a queue after random commands.
func playedOut(t *rapid.T, w *world) *checker {
	c := &checker{
		t: t, engine: queue.New(), follower: queue.New(), world: w, places: map[contact.ID]placed{}, closed: map[contact.ID]int{}, restoredEvery: seldom,
	}
	w.engine = c.engine
	c.elect()
	for _, command := range c.opening() {
		c.step(command)
	}
	for range 30 + w.pick("steps", 60) {
		w.pass()
		c.step(w.command())
	}
	return c
}

// zoeEndsAll lets her do what she can, and time pass, until nothing is open.
func (c *checker) zoeEndsAll() {
	c.step(contact.SetReachable{Agent: zoe.ID, Node: "node-1", Reachable: true})
	c.step(contact.SetPresence{Agent: zoe.ID, Presence: contact.Ready})
	for range 300 {
		open := c.engine.Contacts()
		if len(open) == 0 {
			return
		}
		acted := false
		for _, k := range open {
			for _, command := range zoeDoes(k) {
				c.step(command)
				acted = true
			}
		}
		if at, due := c.engine.Deadline(); due && !acted {
			c.world.now = max(c.world.now, at)
			c.step(contact.Tick{})
		}
	}
	c.t.Fatalf("nobody can end %+v", c.engine.Contacts())
}

// zoeDoes is what she, or for a new contact its gateway, does next.
func zoeDoes(k queue.ContactState) []contact.Command {
	id := k.Contact.ID
	finish := contact.Finish{Contact: id, Agent: zoe.ID, Ticket: "SD-100234"}
	switch {
	case k.State == contact.StateArrived, k.State == contact.StateGreeted:
		return []contact.Command{contact.Enqueue{Contact: id, Target: 60_000}}
	case k.State == contact.StateWaiting && k.Callback:
		return []contact.Command{finish}
	case k.State == contact.StateOffered && k.Offer.Agent == zoe.ID:
		return []contact.Command{
			contact.AcceptOffer{Offer: k.Offer.Offer, Agent: zoe.ID}, contact.ConfirmConnected{Offer: k.Offer.Offer, Leg: "zoe-leg"},
		}
	case k.Agent == zoe.ID:
		return []contact.Command{contact.HangUp{Contact: id, Agent: zoe.ID}, finish}
	default:
		return nil // time has it
	}
}
