package ivr

import (
	"errors"
	"fmt"

	"svar/channels"
	"svar/contact"
)

// Flow is what a line does with a contact, in order. The zero value is not a legal
// flow.
type Flow struct {
	Steps []Step
}

// Step is one thing of a flow: exactly one of its fields is set.
type Step struct {
	// Say plays a prompt to its end.
	Say string
	// Queue puts the contact into the queue. It is the last step.
	Queue *Queue
}

// Queue is what a contact needs and hears in the queue.
type Queue struct {
	Needs  contact.Needs
	Class  contact.Class
	Target contact.Millis
	// Music is the prompt that is repeated while it waits.
	Music string
}

// Check says what is wrong with a flow; nil when every contact that enters it ends in
// the queue.
func (f Flow) Check() error {
	var faults []error
	for i, step := range f.Steps {
		last := i == len(f.Steps)-1
		switch {
		case step.Say != "" && step.Queue != nil:
			faults = append(faults, fmt.Errorf("step %d both says and queues: split it", i+1))
		case step.Say == "" && step.Queue == nil:
			faults = append(faults, fmt.Errorf("step %d does nothing: give it say or queue", i+1))
		case step.Queue != nil && !last:
			faults = append(faults, fmt.Errorf("step %d queues, but steps follow it: the queue is the last step", i+1))
		case step.Queue != nil:
			faults = append(faults, step.Queue.check(i+1)...)
		}
	}
	if n := len(f.Steps); n == 0 || f.Steps[n-1].Queue == nil {
		faults = append(faults, errors.New("the flow does not end in the queue: no contact may be turned away"))
	}
	return errors.Join(faults...)
}

func (q Queue) check(step int) []error {
	var faults []error
	if q.Target <= 0 {
		faults = append(faults, fmt.Errorf("step %d: the queue's target is %d ms; it must be above 0", step, q.Target))
	}
	if q.Music == "" {
		faults = append(faults, fmt.Errorf("step %d: the queue has no music", step))
	}
	for _, need := range q.Needs {
		if need.Skill == "" || need.Level < 1 || need.Level > 5 {
			faults = append(faults, fmt.Errorf("step %d: the need %q has level %d; a skill has a name and a level 1–5", step, need.Skill, need.Level))
		}
	}
	return faults
}

// Prompts returns the names of all prompts that the flow can play.
func (f Flow) Prompts() []string {
	var names []string
	for _, step := range f.Steps {
		if step.Say != "" {
			names = append(names, step.Say)
		}
		if step.Queue != nil {
			names = append(names, step.Queue.Music)
		}
	}
	return names
}

// Action is what the switchboard is to do next: [Say], [Enqueue] or [Loop].
type Action interface{ action() }

// Say plays the prompt to its end; then ask for the next action.
type Say struct{ Prompt channels.Prompt }

// Enqueue tells the dispatcher what the contact needs; then ask for the next action.
type Enqueue struct {
	Needs  contact.Needs
	Class  contact.Class
	Target contact.Millis
}

// Loop repeats the prompt until the contact is connected or over. The flow is done.
type Loop struct{ Prompt channels.Prompt }

func (Say) action()     {}
func (Enqueue) action() {}
func (Loop) action()    {}

// Run is one contact's way through a flow. It is not safe for concurrent use.
type Run struct {
	flow     Flow
	language string
	next     int
	enqueued bool
}

// Start begins a flow that has passed [Flow.Check], in a language.
func (f Flow) Start(language string) *Run { return &Run{flow: f, language: language} }

// Next returns the next action, nil when the flow is done.
func (r *Run) Next() Action {
	if r.next == len(r.flow.Steps) {
		return nil
	}
	step := r.flow.Steps[r.next]
	if step.Queue == nil {
		r.next++
		return Say{Prompt: r.prompt(step.Say)}
	}
	if !r.enqueued {
		r.enqueued = true
		return Enqueue{Needs: step.Queue.Needs, Class: step.Queue.Class, Target: step.Queue.Target}
	}
	r.next++
	return Loop{Prompt: r.prompt(step.Queue.Music)}
}

func (r *Run) prompt(name string) channels.Prompt {
	return channels.Prompt{Name: name, Language: r.language}
}

// Music returns the prompt that the flow repeats in the queue.
func (f Flow) Music() string {
	for _, step := range f.Steps {
		if step.Queue != nil {
			return step.Queue.Music
		}
	}
	return ""
}
