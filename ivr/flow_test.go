package ivr_test

import (
	"reflect"
	"strings"
	"testing"

	"svar/channels"
	"svar/contact"
	"svar/ivr"
)

func queueStep() ivr.Step {
	return ivr.Step{Queue: &ivr.Queue{
		Needs: contact.NewNeeds(contact.Need{Skill: "staff", Level: 1}), Target: 60_000, Music: "queue-music",
	}}
}

func TestFlowWelcomesThenQueuesThenPlaysMusic(t *testing.T) {
	t.Parallel()
	flow := ivr.Flow{Steps: []ivr.Step{{Say: "welcome-staff"}, queueStep()}}
	if err := flow.Check(); err != nil {
		t.Fatal(err)
	}
	var got []ivr.Action
	run := flow.Start("sv")
	for action := run.Next(); action != nil; action = run.Next() {
		got = append(got, action)
	}
	want := []ivr.Action{
		ivr.Say{Prompt: channels.Prompt{Name: "welcome-staff", Language: "sv"}},
		ivr.Enqueue{Needs: contact.Needs{{Skill: "staff", Level: 1}}, Target: 60_000},
		ivr.Loop{Prompt: channels.Prompt{Name: "queue-music", Language: "sv"}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("the flow did\n%#v\nwant\n%#v", got, want)
	}
	if run.Next() != nil {
		t.Error("a flow that is done went on")
	}
}

// Requirement 3.1f: no branch may end without the queue.
func TestFlowThatDoesNotEndInTheQueueIsRefused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		flow ivr.Flow
		want string
	}{
		"empty":             {ivr.Flow{}, "does not end in the queue"},
		"only a message":    {ivr.Flow{Steps: []ivr.Step{{Say: "closed"}}}, "does not end in the queue"},
		"queue in between":  {ivr.Flow{Steps: []ivr.Step{queueStep(), {Say: "late"}}}, "step 1 queues, but steps follow"},
		"empty step":        {ivr.Flow{Steps: []ivr.Step{{}, queueStep()}}, "step 1 does nothing"},
		"two things":        {ivr.Flow{Steps: []ivr.Step{{Say: "a", Queue: queueStep().Queue}}}, "both says and queues"},
		"no target":         {ivr.Flow{Steps: []ivr.Step{{Queue: &ivr.Queue{Music: "m"}}}}, "must be above 0"},
		"no music":          {ivr.Flow{Steps: []ivr.Step{{Queue: &ivr.Queue{Target: 1}}}}, "no music"},
		"level out of 1–5":  {ivr.Flow{Steps: []ivr.Step{{Queue: &ivr.Queue{Target: 1, Music: "m", Needs: contact.Needs{{Skill: "s", Level: 6}}}}}}, "level 6"},
		"skill has no name": {ivr.Flow{Steps: []ivr.Step{{Queue: &ivr.Queue{Target: 1, Music: "m", Needs: contact.Needs{{Level: 1}}}}}}, "a skill has a name"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := test.flow.Check()
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("Check() = %v, want it to say %q", err, test.want)
			}
		})
	}
}
