package ivr

import (
	"cmp"
	"maps"
	"slices"

	"svar/channels"
	"svar/contact"
)

// Visit is what a flow needs to know of the contact that walks it.
type Visit struct {
	// Language is that of the prompts, as an IETF tag.
	Language string
	Line     contact.LineID
	Audience contact.Audience
	// Open says that the desk was open when the contact came.
	Open bool
	// Callable says that the contact can be called back: it left a number, and somebody can dial.
	Callable bool
}

// Input is what happened since the last action.
type Input struct {
	// Digit is the key that stopped a prompt or that was collected; 0 is none.
	Digit byte
	// Notices are those that the contact is told now, as [contact.Notices.Told] has them.
	Notices []contact.Notice
	// Waited is for how long the contact has waited in the queue, from [Enqueue] on.
	Waited contact.Millis
	// Expected is how much longer the contact is expected to wait, and Place the how manieth it is, from 1
	// on: the answer to [Ask], and Expected after [Enqueue] as well. Each is 0 when nobody can say.
	Expected contact.Millis
	Place    int
}

// Action is what the switchboard is to do next: [Say], [SayNotice], [Collect], [Enqueue], [Ask],
// [Loop], [CallBack] or [Close].
type Action interface{ action() }

// Say plays the prompt to its end; then ask for the next action. An interruptible one is
// stopped by a key, which is the next Input's digit.
type Say struct {
	Prompt        channels.Prompt
	Interruptible bool
}

// SayNotice tells an outage message to its end, or until a key is pressed or it is no
// longer told (withdrawn, blocked); then ask for the next action.
type SayNotice struct {
	Notice contact.Notice
	Prompt channels.Prompt
}

// Collect waits for a key; then ask for the next action with it, or with none after the
// timeout.
type Collect struct{ Timeout contact.Millis }

// Enqueue tells the dispatcher what the contact needs; then ask for the next action.
type Enqueue struct {
	Needs  contact.Needs
	Class  contact.Class
	Target contact.Millis
}

// Ask finds out how long the contact is expected to wait, and in which place; then ask for the next
// action with both.
type Ask struct{}

// Loop repeats the prompt until the contact is connected or over. With neither Until nor Keys
// the flow is done.
type Loop struct {
	Prompt channels.Prompt
	// Until is for how long it is repeated before the next action is asked for; 0 means for ever.
	Until contact.Millis
	// Keys says that a key ends it as well: ask for the next action with that key.
	Keys bool
}

// CallBack says that the caller chose to be called back. Once that is on record
// ([contact.ScheduleCallback]), say the prompt to its end and end the leg: the flow is done. When it
// cannot be, because an agent is just being connected, ask for the next action: the caller
// waits on.
type CallBack struct{ Prompt channels.Prompt }

// Close says the prompt to its end and closes the contact as outside hours. The flow is
// done.
type Close struct{ Prompt channels.Prompt }

func (Say) action()       {}
func (SayNotice) action() {}
func (Collect) action()   {}
func (Enqueue) action()   {}
func (Ask) action()       {}
func (Loop) action()      {}
func (CallBack) action()  {}
func (Close) action()     {}

// NoticePrompt is the name of the prompt that carries an outage message as its text.
const NoticePrompt = "notice"

// Run is one contact's way through a flow. It is not safe for concurrent use.
type Run struct {
	visit Visit
	// todo are the steps that are left; the branches that were taken are unfolded.
	todo     []Step
	told     map[contact.NoticeID]bool
	menu     menuState
	enqueued bool
	// waiting is what is told while it waits; nil until it does.
	waiting *waiting
}

// menuState is where a contact is within the menu that is the first of todo.
type menuState struct {
	said, collecting bool
	// failures counts what was no choice.
	failures uint8
}

// Start begins a flow that has passed [Flow.Check].
func (f Flow) Start(visit Visit) *Run {
	return &Run{visit: visit, todo: f.Steps, told: map[contact.NoticeID]bool{}}
}

// Next returns the next action, nil when the flow is done.
func (r *Run) Next(in Input) Action {
	for len(r.todo) > 0 {
		if action := r.perform(r.todo[0], in); action != nil {
			return action
		}
	}
	return nil
}

// perform carries a step on by one action; nil says that the step is behind.
func (r *Run) perform(step Step, in Input) Action {
	switch {
	case step.Say != "":
		r.take(nil)
		return Say{Prompt: r.prompt(step.Say)}
	case step.Notices:
		return r.tell(in.Notices)
	case step.Hours != nil && r.visit.Open:
		r.take(step.Hours.Open)
	case step.Hours != nil:
		r.take(step.Hours.Closed)
	case step.Menu != nil:
		return r.choose(*step.Menu, in.Digit)
	case step.Queue != nil:
		return r.enqueue(*step.Queue, in)
	case step.Close != "":
		r.todo = nil
		return Close{Prompt: r.prompt(step.Close)}
	default:
		r.take(nil) // Check refuses an empty step
	}
	return nil
}

// take leaves the first step by a branch.
func (r *Run) take(branch []Step) {
	r.todo = slices.Concat(branch, r.todo[1:])
	r.menu = menuState{}
}

// tell says the first outage message that was not told yet. One that is published while
// another plays is told too.
func (r *Run) tell(notices []contact.Notice) Action {
	for _, notice := range notices {
		if r.told[notice.ID] {
			continue
		}
		r.told[notice.ID] = true
		language := r.visit.Language
		if notice.Text[language] == "" {
			language = "sv" // it is spoken by the voice of its own language
		}
		return SayNotice{Notice: notice, Prompt: channels.Prompt{
			Name: NoticePrompt, Language: language, Text: notice.In(language),
		}}
	}
	r.take(nil)
	return nil
}

// choose says the menu, waits for a key and takes the branch of it. A key counts whether
// it came while the menu was said or after.
func (r *Run) choose(menu Menu, digit byte) Action {
	if !r.menu.said {
		return r.sayMenu(menu)
	}
	if digit == 0 && !r.menu.collecting {
		r.menu.collecting = true
		return Collect{Timeout: menu.Timeout}
	}
	for _, choice := range menu.Choices {
		if digit != 0 && choice.Key == string(rune(digit)) {
			r.take(choice.Steps)
			return nil
		}
	}
	if r.menu.failures < menu.Repeat {
		r.menu.failures++
		return r.sayMenu(menu)
	}
	r.take(menu.Otherwise)
	return nil
}

func (r *Run) sayMenu(menu Menu) Action {
	r.menu.said, r.menu.collecting = true, false
	return Say{Prompt: r.prompt(menu.Say), Interruptible: true}
}

// enqueue queues the contact, then lets it hear that it waits.
func (r *Run) enqueue(queue Queue, in Input) Action {
	if !r.enqueued {
		r.enqueued = true
		needs := slices.Concat(queue.Needs, queue.LanguageNeeds[r.visit.Language], queue.AudienceNeeds[r.visit.Audience])
		return Enqueue{Needs: contact.NewNeeds(needs...), Class: queue.Class, Target: queue.Target}
	}
	if r.waiting == nil {
		r.waiting = r.begin(queue, in)
	}
	return r.wait(queue, in)
}

func (r *Run) prompt(name string) channels.Prompt {
	return channels.Prompt{Name: name, Language: r.visit.Language}
}

// inOrder returns the values by their sorted keys.
func inOrder[K cmp.Ordered](needs map[K]contact.Needs) []contact.Needs {
	out := make([]contact.Needs, 0, len(needs))
	for _, key := range slices.Sorted(maps.Keys(needs)) {
		out = append(out, needs[key])
	}
	return out
}
