package ivr

import "svar/contact"

// Flow is what a line does with a contact, in order. The zero value is not a legal
// flow.
type Flow struct {
	Steps []Step
}

// Step is one thing of a flow: exactly one of its fields is set.
type Step struct {
	// Say plays a prompt to its end.
	Say string
	// Notices tells the outage messages that concern the contact, each to its end or a key.
	Notices bool
	// Hours goes on by whether the desk is open.
	Hours *Hours
	// Menu goes on by the key that the caller presses.
	Menu *Menu
	// Queue puts the contact into the queue. It is the last step of its branch.
	Queue *Queue
	// Close says this prompt and ends the contact. Only what is closed may do so.
	Close string
}

// Hours are two branches. One that reaches its own end goes on after the step.
type Hours struct {
	Open, Closed []Step
}

// Menu lets the caller choose by one key. A branch that reaches its own end goes on after
// the step.
type Menu struct {
	// Say is the prompt that names the choices. A key stops it.
	Say     string
	Choices []Choice
	// Timeout is how long a key is waited for after the prompt.
	Timeout contact.Millis
	// Repeat is how often the menu is said again after no key or a wrong one.
	Repeat uint8
	// Otherwise is the branch of who made no choice in the end.
	Otherwise []Step
}

// Choice is one branch of a menu.
type Choice struct {
	// Key is 0–9, * or #.
	Key string
	// Name says what the choice is about, for those who read what is wrong with it.
	Name  string
	Steps []Step
}

// Queue is what a contact needs and hears in the queue.
type Queue struct {
	Needs contact.Needs
	// LanguageNeeds are needed as well by a contact in that language.
	LanguageNeeds map[string]contact.Needs
	// AudienceNeeds are needed as well by a contact of that audience.
	AudienceNeeds map[contact.Audience]contact.Needs
	Class         contact.Class
	Target        contact.Millis
	// Music is the prompt that is repeated while it waits; none on a line where users write.
	Music string
	// Announcements are told to who waits, each at its own times; never on the priority line.
	Announcements []Announcement
	// Callback is offered to who waits long; nil where it is not.
	Callback *Callback
}

// Announcement is told to who waits. Exactly one of Tell and Say is set.
type Announcement struct {
	// Tell is what is said of his own wait. Nothing is said while nobody can say it.
	Tell Tell
	// Say is a prompt, such as a tip.
	Say string
	// First is how long the contact has waited in the queue when it is told first, and Every how long
	// after that it is told again; 0 means once.
	First, Every contact.Millis
}

// Tell is something about a wait that is different for each contact.
type Tell string

// What is told of a wait: the place in the queue, and how long it is expected to take.
const (
	TellPlace Tell = "place"
	TellWait  Tell = "wait"
)

// Callback is an offer to be called back instead of waiting on the line, in the same place. Who
// does not take it waits on: it leads nobody away from the people at the desk.
type Callback struct {
	// Say is the prompt that offers it and names the key. A key stops it.
	Say string
	// After is how long the contact has waited, or is expected to wait, when it is offered.
	After contact.Millis
	// Every is how long after that it is offered again; 0 means once.
	Every contact.Millis
	// Key takes it, from the first word of the offer on: 0–9, * or #.
	Key string
	// Done is the prompt that says that it is taken; then the call ends.
	Done string
}

// walk visits every step, those of all branches included, in the order of writing.
func walk(steps []Step, visit func(Step)) {
	for _, step := range steps {
		visit(step)
		for _, branch := range step.branches() {
			walk(branch.steps, visit)
		}
	}
}

// branch is one way on from a step, with the words that lead there.
type branch struct {
	words string
	steps []Step
	// closed: nobody comes here while the desk is open.
	closed bool
}

// branches returns the ways on from a step that has several.
func (s Step) branches() []branch {
	var found []branch
	if s.Hours != nil {
		found = append(found, branch{words: "hours open", steps: s.Hours.Open},
			branch{words: "hours closed", steps: s.Hours.Closed, closed: true})
	}
	if s.Menu != nil {
		for _, choice := range s.Menu.Choices {
			words := "menu choice " + choice.Key
			if choice.Name != "" {
				words += " (" + choice.Name + ")"
			}
			found = append(found, branch{words: words, steps: choice.Steps})
		}
		found = append(found, branch{words: "menu otherwise", steps: s.Menu.Otherwise})
	}
	return found
}

// Prompts returns the names of all prompts that the flow can play.
func (f Flow) Prompts() []string {
	var names []string
	add := func(name string) {
		if name != "" {
			names = append(names, name)
		}
	}
	walk(f.Steps, func(step Step) {
		add(step.Say)
		add(step.Close)
		if step.Menu != nil {
			add(step.Menu.Say)
		}
		if step.Queue != nil {
			add(step.Queue.Music)
			for _, told := range step.Queue.Announcements {
				add(told.Say)
			}
			if offer := step.Queue.Callback; offer != nil {
				add(offer.Say)
				add(offer.Done)
			}
		}
	})
	return names
}

// Queues returns every queue step of the flow.
func (f Flow) Queues() []Queue {
	var queues []Queue
	walk(f.Steps, func(step Step) {
		if step.Queue != nil {
			queues = append(queues, *step.Queue)
		}
	})
	return queues
}

// Menus reports whether the flow lets callers choose by key before the queue.
func (f Flow) Menus() bool {
	found := false
	walk(f.Steps, func(step Step) { found = found || step.Menu != nil })
	return found
}

// Music returns the prompt that the flow repeats in the queue; that of its first branch
// when they differ.
func (f Flow) Music() string {
	for _, queue := range f.Queues() {
		if queue.Music != "" {
			return queue.Music
		}
	}
	return ""
}
