package ivr

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"svar/contact"
)

// What a menu may ask of a caller (requirement 3.2f).
const (
	MaxChoices    = 4
	maxRepeat     = 3
	maxKeyTimeout = contact.Millis(30_000)
)

// maxCallbackAfter is the longest wait after which a call-back may be offered: beyond it nobody
// would hear the offer.
const maxCallbackAfter = contact.Millis(60 * 60 * 1000)

// maxAnnouncement bounds when an announcement comes; one that comes again sooner than
// minAnnouncementPause after the last time would leave nobody in peace.
const (
	maxAnnouncement      = contact.Millis(60 * 60 * 1000)
	minAnnouncementPause = contact.Millis(15_000)
	maxAnnouncements     = 8
)

// keys are those that a caller's telephone has.
const keys = "0123456789*#"

// Check says what is wrong with a flow; nil when every contact that enters it while the
// desk is open ends in the queue, and nothing else can happen while it is closed than the
// queue or the message that says so.
func (f Flow) Check() error {
	p := &proof{}
	for _, end := range p.follow(f.Steps, situation{}).open {
		where := "the flow"
		if end != "" {
			where = end + ": this branch"
		}
		p.fault("%s does not end in the queue: no contact may be turned away", where)
	}
	return errors.Join(p.faults...)
}

// proof collects what is wrong.
type proof struct{ faults []error }

func (p *proof) fault(text string, args ...any) {
	p.faults = append(p.faults, fmt.Errorf(text, args...))
}

// situation is what holds of every contact that comes to a step.
type situation struct {
	path string
	// closed: the desk is; inHours: the way led through a step that asks.
	closed, inHours bool
	// chose: some of them passed a menu.
	chose bool
}

func (s situation) at(step int) string {
	if s.path == "" {
		return fmt.Sprintf("step %d", step+1)
	}
	return fmt.Sprintf("%s → step %d", s.path, step+1)
}

// outcome is how a list of steps ends.
type outcome struct {
	// open are the paths of the branches that go on after the list.
	open []string
	// chose: some of those passed a menu.
	chose bool
}

// follow walks a list of steps as every contact together does.
func (p *proof) follow(steps []Step, s situation) outcome {
	out := outcome{open: []string{s.path}, chose: s.chose}
	for i, step := range steps {
		at := s.at(i)
		if len(out.open) == 0 {
			p.fault("%s: nobody comes here, since every way ends before it", at)
			return out
		}
		if !p.single(step, at) {
			continue
		}
		here := s
		here.path, here.chose = at, out.chose
		switch {
		case step.Queue != nil:
			p.queue(*step.Queue, at)
			out.open = nil
		case step.Close != "":
			if !s.closed {
				p.fault("%s closes, but people come here while the desk is open: no contact may be turned away", at)
			}
			out.open = nil
		case step.Hours != nil:
			if s.inHours {
				p.fault("%s asks for the hours a second time", at)
			}
			here.inHours = true
			out = p.fork(step, here)
		case step.Menu != nil:
			p.menu(*step.Menu, at)
			if here.chose {
				p.fault("%s is a second menu: a caller chooses once", at)
			}
			here.chose = true
			out = p.fork(step, here)
		}
	}
	return out
}

// fork follows every branch of a step.
func (p *proof) fork(step Step, s situation) outcome {
	var out outcome
	for _, branch := range step.branches() {
		way := s
		way.path = s.path + " → " + branch.words
		way.closed = s.closed || branch.closed
		end := p.follow(branch.steps, way)
		out.open = append(out.open, end.open...)
		out.chose = out.chose || end.chose && len(end.open) > 0
	}
	return out
}

// single says whether a step does exactly one thing.
func (p *proof) single(step Step, at string) bool {
	var does []string
	for _, thing := range []struct {
		name string
		set  bool
	}{
		{"say", step.Say != ""},
		{"notices", step.Notices},
		{"hours", step.Hours != nil},
		{"menu", step.Menu != nil},
		{"queue", step.Queue != nil},
		{"close", step.Close != ""},
	} {
		if thing.set {
			does = append(does, thing.name)
		}
	}
	switch len(does) {
	case 0:
		p.fault("%s does nothing: give it say, notices, hours, menu, queue or close", at)
	case 1:
		return true
	default:
		p.fault("%s does %s at once: make a step of each", at, strings.Join(does, " and "))
	}
	return false
}

func (p *proof) menu(m Menu, at string) {
	if m.Say == "" {
		p.fault("%s: the menu says nothing: name the prompt that tells the choices", at)
	}
	if n := len(m.Choices); n == 0 || n > MaxChoices {
		p.fault("%s: the menu has %d choices; 1–%d are allowed", at, n, MaxChoices)
	}
	if m.Timeout <= 0 || m.Timeout > maxKeyTimeout {
		p.fault("%s: the menu waits %d ms for a key; give it a timeout up to %d ms", at, m.Timeout, maxKeyTimeout)
	}
	if m.Repeat > maxRepeat {
		p.fault("%s: the menu is repeated %d times; at most %d are allowed", at, m.Repeat, maxRepeat)
	}
	seen := map[string]bool{}
	for _, choice := range m.Choices {
		if !isKey(choice.Key) {
			p.fault("%s: the menu has a choice %q; a key is 0–9, * or #", at, choice.Key)
		}
		if seen[choice.Key] {
			p.fault("%s: the menu has two choices %s", at, choice.Key)
		}
		seen[choice.Key] = true
	}
}

func isKey(key string) bool { return len(key) == 1 && strings.Contains(keys, key) }

// callback checks an offer to be called back. It cannot lead a contact away from the queue: the
// one way out is the caller's own key, and that is a place in the queue too.
func (p *proof) callback(q Queue, at string) {
	offer := *q.Callback
	if offer.Say == "" || offer.Done == "" {
		p.fault("%s: the offer to call back says nothing: name the prompt that offers it (say) and the one that confirms it (done)", at)
	}
	if !isKey(offer.Key) {
		p.fault("%s: a call-back is taken by the key %q; a key is 0–9, * or #", at, offer.Key)
	}
	if offer.After <= 0 || offer.After > maxCallbackAfter {
		p.fault("%s: a call-back is offered after %d ms; it must be above 0 and at most %d ms", at, offer.After, maxCallbackAfter)
	}
	p.again(at+": a call-back is offered", offer.Every)
	if q.Music == "" {
		p.fault("%s: a call-back is offered where nothing is played: who writes waits without a line", at)
	}
}

// again checks after how long something is said once more.
func (p *proof) again(what string, every contact.Millis) {
	if every != 0 && (every < minAnnouncementPause || every > maxAnnouncement) {
		p.fault("%s every %d ms; it must be %d–%d ms, or 0 for once", what, every, minAnnouncementPause, maxAnnouncement)
	}
}

// announcements checks what is told to who waits. It leads nobody anywhere: the contact stays in the
// queue, and may be connected in the middle of it.
func (p *proof) announcements(q Queue, at string) {
	if len(q.Announcements) == 0 {
		return
	}
	if q.Class == contact.ClassPriorityLine {
		p.fault("%s: announcements are made on the priority line, which has no tips", at)
	}
	if q.Music == "" {
		p.fault("%s: announcements are made where nothing is played: who writes waits without a line", at)
	}
	if n := len(q.Announcements); n > maxAnnouncements {
		p.fault("%s: there are %d announcements; at most %d are allowed", at, n, maxAnnouncements)
	}
	for i, told := range q.Announcements {
		what := fmt.Sprintf("%s: announcement %d", at, i+1)
		switch {
		case (told.Tell == "") == (told.Say == ""):
			p.fault("%s tells one thing: give it either tell (place or wait) or say (a prompt)", what)
		case told.Tell != "" && told.Tell != TellPlace && told.Tell != TellWait:
			p.fault("%s tells %q; there are place and wait", what, told.Tell)
		}
		if told.First < 0 || told.First > maxAnnouncement {
			p.fault("%s is told first after %d ms; it must be 0–%d ms", what, told.First, maxAnnouncement)
		}
		p.again(what+" is told", told.Every)
	}
}

func (p *proof) queue(q Queue, at string) {
	p.announcements(q, at)
	if q.Callback != nil {
		p.callback(q, at)
	}
	if q.Target <= 0 {
		p.fault("%s: the queue's target is %d ms; it must be above 0", at, q.Target)
	}
	if q.Class > contact.ClassPriorityLine {
		p.fault("%s: there is no priority class %d", at, q.Class)
	}
	for _, needs := range slices.Concat([]contact.Needs{q.Needs}, inOrder(q.LanguageNeeds), inOrder(q.AudienceNeeds)) {
		for _, need := range needs {
			if need.Skill == "" || need.Level < 1 || need.Level > 5 {
				p.fault("%s: the need %q has level %d; a skill has a name and a level 1–5", at, need.Skill, need.Level)
			}
		}
	}
}
