package ivr_test

import (
	"slices"
	"strings"
	"testing"

	"svar/contact"
	"svar/ivr"
)

func queueStep() ivr.Step {
	return ivr.Step{Queue: &ivr.Queue{
		Needs: contact.NewNeeds(contact.Need{Skill: "staff", Level: 1}), Target: 60_000, Music: "queue-music",
	}}
}

// offering is the queue with an offer to call back that a test may spoil.
func offering(spoil func(*ivr.Queue)) ivr.Step {
	step := queueStep()
	step.Queue.Callback = &ivr.Callback{Say: "offer", After: 60_000, Key: "2", Done: "promised"}
	spoil(step.Queue)
	return step
}

func say(name string) ivr.Step { return ivr.Step{Say: name} }

func closeStep() ivr.Step { return ivr.Step{Close: "closed"} }

func hours(open, closed []ivr.Step) ivr.Step {
	return ivr.Step{Hours: &ivr.Hours{Open: open, Closed: closed}}
}

func menu(otherwise []ivr.Step, choices ...ivr.Choice) ivr.Step {
	return ivr.Step{Menu: &ivr.Menu{Say: "menu", Choices: choices, Timeout: 5_000, Repeat: 1, Otherwise: otherwise}}
}

func choice(key string, steps ...ivr.Step) ivr.Choice { return ivr.Choice{Key: key, Steps: steps} }

// deskFlow is a flow that uses every kind of step.
func deskFlow() ivr.Flow {
	platform := queueStep()
	platform.Queue.Needs = contact.NewNeeds(contact.Need{Skill: "platform", Level: 2})
	return ivr.Flow{Steps: []ivr.Step{
		hours(nil, []ivr.Step{closeStep()}),
		say("welcome"),
		{Notices: true},
		menu(nil, choice("1", say("platform"), platform), choice("2", say("device"))),
		queueStep(),
	}}
}

func TestFlowWithEveryKindOfStepIsLegal(t *testing.T) {
	t.Parallel()
	flow := deskFlow()
	if err := flow.Check(); err != nil {
		t.Fatal(err)
	}
	if want := []string{"closed", "welcome", "menu", "platform", "queue-music", "device", "queue-music"}; !slices.Equal(flow.Prompts(), want) {
		t.Errorf("the flow can play %q, want %q", flow.Prompts(), want)
	}
	if n := len(flow.Queues()); n != 2 || !flow.Menus() || flow.Music() != "queue-music" {
		t.Errorf("the flow has %d queues, menus %t, music %q", n, flow.Menus(), flow.Music())
	}
}

func TestFlowThatOffersACallbackIsLegal(t *testing.T) {
	t.Parallel()
	flow := ivr.Flow{Steps: []ivr.Step{offering(func(*ivr.Queue) {})}}
	if err := flow.Check(); err != nil {
		t.Fatal(err)
	}
	if want := []string{"queue-music", "offer", "promised"}; !slices.Equal(flow.Prompts(), want) || flow.Menus() {
		t.Errorf("the flow can play %q and has a menu: %t", flow.Prompts(), flow.Menus())
	}
}

// Requirement 3.1f: no branch may end without the queue. Requirement 3.2f: menus of one
// level, four choices.
func TestFlowThatMayTurnSomebodyAwayIsRefused(t *testing.T) {
	t.Parallel()
	queue := queueStep()
	for name, test := range map[string]struct {
		steps []ivr.Step
		want  string
	}{
		"empty":                  {nil, "the flow does not end in the queue"},
		"only a message":         {[]ivr.Step{say("closed")}, "the flow does not end in the queue"},
		"queue in between":       {[]ivr.Step{queue, say("late")}, "step 2: nobody comes here"},
		"empty step":             {[]ivr.Step{{}, queue}, "step 1 does nothing"},
		"two things":             {[]ivr.Step{{Say: "a", Queue: queue.Queue}}, "step 1 does say and queue at once"},
		"no target":              {[]ivr.Step{{Queue: &ivr.Queue{Music: "m"}}}, "must be above 0"},
		"unknown class":          {[]ivr.Step{{Queue: &ivr.Queue{Target: 1, Class: 3}}}, "no priority class 3"},
		"level out of 1–5":       {[]ivr.Step{{Queue: &ivr.Queue{Target: 1, Needs: contact.Needs{{Skill: "s", Level: 6}}}}}, "level 6"},
		"skill has no name":      {[]ivr.Step{{Queue: &ivr.Queue{Target: 1, Needs: contact.Needs{{Level: 1}}}}}, "a skill has a name"},
		"skill of a language":    {[]ivr.Step{{Queue: &ivr.Queue{Target: 1, LanguageNeeds: map[string]contact.Needs{"en": {{Skill: "english"}}}}}}, "level 0"},
		"closes at once":         {[]ivr.Step{closeStep()}, "step 1 closes, but people come here while the desk is open"},
		"closes after the hours": {[]ivr.Step{hours(nil, nil), closeStep()}, "step 2 closes"},
		"closes while open":      {[]ivr.Step{hours([]ivr.Step{closeStep()}, []ivr.Step{queue})}, "step 1 → hours open → step 1 closes"},
		"open branch just ends":  {[]ivr.Step{hours([]ivr.Step{say("hi")}, []ivr.Step{closeStep()})}, "hours open: this branch does not end in the queue"},
		"hours within hours":     {[]ivr.Step{hours(nil, []ivr.Step{hours(nil, []ivr.Step{closeStep()})}), queue}, "asks for the hours a second time"},
		"a choice closes":        {[]ivr.Step{menu([]ivr.Step{queue}, choice("2", say("a"), say("b"), closeStep()))}, "menu choice 2 → step 3 closes"},
		"a choice just ends":     {[]ivr.Step{menu([]ivr.Step{queue}, choice("1", queue), choice("2", say("bye")))}, "menu choice 2: this branch does not end in the queue"},
		"otherwise just ends":    {[]ivr.Step{menu(nil, choice("1", queue))}, "menu otherwise: this branch does not end in the queue"},
		"choice with a name":     {[]ivr.Step{menu([]ivr.Step{queue}, ivr.Choice{Key: "3", Name: "other"})}, "menu choice 3 (other): this branch"},
		"menu within a menu":     {[]ivr.Step{menu([]ivr.Step{queue}, choice("1", menu([]ivr.Step{queue}, choice("1", queue))))}, "menu choice 1 → step 1 is a second menu"},
		"menu after a menu":      {[]ivr.Step{menu(nil, choice("1")), menu(nil, choice("1")), queue}, "step 2 is a second menu"},
		"menu after hours' menu": {[]ivr.Step{hours([]ivr.Step{menu(nil, choice("1"))}, []ivr.Step{closeStep()}), menu(nil, choice("1")), queue}, "step 2 is a second menu"},
		"five choices":           {[]ivr.Step{menu(nil, choice("1"), choice("2"), choice("3"), choice("4"), choice("5")), queue}, "has 5 choices"},
		"no choice":              {[]ivr.Step{menu(nil), queue}, "has 0 choices"},
		"a key of two":           {[]ivr.Step{menu(nil, choice("12")), queue}, `a choice "12"`},
		"a letter":               {[]ivr.Step{menu(nil, choice("a")), queue}, `a choice "a"`},
		"one key twice":          {[]ivr.Step{menu(nil, choice("1"), choice("1")), queue}, "two choices 1"},
		"silent menu":            {[]ivr.Step{{Menu: &ivr.Menu{Choices: []ivr.Choice{choice("1")}, Timeout: 1}}, queue}, "the menu says nothing"},
		"no time for a key":      {[]ivr.Step{{Menu: &ivr.Menu{Say: "m", Choices: []ivr.Choice{choice("1")}}}, queue}, "waits 0 ms"},
		"an offer says nothing":  {[]ivr.Step{offering(func(q *ivr.Queue) { q.Callback.Say = "" })}, "the offer to call back says nothing"},
		"no word when taken":     {[]ivr.Step{offering(func(q *ivr.Queue) { q.Callback.Done = "" })}, "the offer to call back says nothing"},
		"an offer has no key":    {[]ivr.Step{offering(func(q *ivr.Queue) { q.Callback.Key = "" })}, `taken by the key ""`},
		"an offer at once":       {[]ivr.Step{offering(func(q *ivr.Queue) { q.Callback.After = 0 })}, "offered after 0 ms"},
		"an offer after a day":   {[]ivr.Step{offering(func(q *ivr.Queue) { q.Callback.After = 86_400_000 })}, "offered after 86400000 ms"},
		"an offer to who writes": {[]ivr.Step{offering(func(q *ivr.Queue) { q.Music = "" })}, "where nothing is played"},
		"repeated for ever":      {[]ivr.Step{{Menu: &ivr.Menu{Say: "m", Choices: []ivr.Choice{choice("1")}, Timeout: 1, Repeat: 200}}, queue}, "repeated 200 times"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := ivr.Flow{Steps: test.steps}.Check()
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("Check() = %v, want it to say %q", err, test.want)
			}
		})
	}
}
