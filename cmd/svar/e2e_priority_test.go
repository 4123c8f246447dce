package main

import (
	"testing"

	"svar/agentui"
	"svar/contact"
)

// priorityConfig has an ordinary line that begins with its queue, and the priority line.
const priorityConfig = alwaysOpen + `lines:
  - id: staff
    number: "+46850800100"
    audience: staff
    language: sv
    look_up: true
    name: {sv: Medarbetare, en: Staff}
    greeting: {sv: Hej, en: Hello}
    flow:
      - queue: {needs: [{skill: staff, level: 1}], target: 60s, music: queue-music}
  - id: priority
    number: "+46850800190"
    audience: ""
    language: sv
    look_up: true
    name: {sv: Prioriterad linje, en: Priority line}
    greeting: {sv: Hej, en: Hello}
    parties:
      - {id: kontaktcenter, name: Kontaktcenter, audience: contact-centre, numbers: ["+46846500420"]}
    party_flow:
      - queue: {needs: [], class: priority, target: 20s, music: queue-music}
    flow:
      - say: welcome-staff
      - queue: {needs: [{skill: staff, level: 1}], target: 60s, music: queue-music}
`

// A party's call passes five that wait, hears no welcome, and is offered to any free agent,
// whatever he is skilled in. Somebody else who rings the number is ordinary.
func TestPriorityLinePassesTheQueue(t *testing.T) {
	t.Parallel()
	const waiting = 5
	app := startAppOf(t, priorityConfig, nil, nil)
	welcome, err := app.prompts.Clip("welcome-staff", "sv")
	if err != nil {
		t.Fatal(err)
	}
	anna := app.skilled(t, "staff")
	first := dial(t, call{scenario: "until-bye", to: app.phone.Address(), number: staffDesk.number})
	anna.Ready()
	talk := anna.Accept(anna.Ring())
	dial(t, call{scenario: "until-bye", to: app.phone.Address(), number: staffDesk.number, callers: waiting})
	anna.waitQueue(waiting)

	priority := call{scenario: "until-bye", to: app.phone.Address(), number: "+46850800190"}
	ordinary := dial(t, priority)
	ordinary.waitHears("the welcome", ordinary.beginning(welcome))
	rows := anna.waitQueue(waiting + 1)
	if last := rows[waiting]; last.Line != "priority" || last.Class != contact.ClassOrdinary || last.Party != "" {
		t.Errorf("an unknown caller waits as %s", asJSON(rows))
	}
	priority.from = "<sip:+46846500420@127.0.0.1>"
	party := dial(t, priority)
	rows = anna.waitQueue(waiting + 2)
	if next := rows[0]; next.Line != "priority" || next.Class != contact.ClassPriorityLine || next.Party != "kontaktcenter" {
		t.Errorf("the party waits as %s", asJSON(rows))
	}

	anna.HangUp(talk)
	first.Wait()
	anna.Finish(talk.Contact, "solved")
	ring := anna.Ring()
	if ring.Contact != rows[0].Contact || ring.Party != "kontaktcenter" {
		t.Errorf("the next offer is %s", asJSON(ring))
	}
	served := anna.Accept(ring)
	party.Hears(agentTone)
	if party.heardAt(party.beginning(welcome)) >= 0 {
		t.Error("the party heard a welcome")
	}

	// Five still wait, and none of them for this agent.
	bo := app.skilled(t, "devices")
	bo.Ready()
	again := dial(t, priority)
	ring = bo.Ring()
	if ring.Party != "kontaktcenter" || ring.Line != "priority" {
		t.Errorf("the agent of another group is offered %s", asJSON(ring))
	}
	second := bo.Accept(ring)
	for _, one := range []struct {
		who  *agent
		card agentui.OngoingCard
		call *caller
	}{{anna, served, party}, {bo, second, again}} {
		one.who.HangUp(one.card)
		one.call.Wait()
	}
}
