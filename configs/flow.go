package configs

import (
	"maps"
	"slices"

	"svar/contact"
	"svar/ivr"
)

// Step is one step of a flow; see [ivr.Step].
type Step struct {
	Say     string    `yaml:"say"`
	Notices bool      `yaml:"notices"`
	Hours   *Branches `yaml:"hours"`
	Menu    *Menu     `yaml:"menu"`
	Queue   *Queue    `yaml:"queue"`
	Close   string    `yaml:"close"`
}

// Branches are the two ways on by opening hours; see [ivr.Hours].
type Branches struct {
	Open   []Step `yaml:"open"`
	Closed []Step `yaml:"closed"`
}

// Menu is a choice by one key; see [ivr.Menu].
type Menu struct {
	Say string `yaml:"say"`
	// Choices are by key: "1", "*".
	Choices map[string]Choice `yaml:"choices"`
	// Timeout is 5 s when it is not set, Repeat once.
	Timeout   *contact.Millis `yaml:"timeout"`
	Repeat    *uint8          `yaml:"repeat"`
	Otherwise []Step          `yaml:"otherwise"`
}

// What a menu has that says nothing of it.
const (
	defaultKeyTimeout = contact.Millis(5_000)
	defaultRepeat     = uint8(1)
)

// Choice is one branch of a menu; see [ivr.Choice].
type Choice struct {
	Name  string `yaml:"name"`
	Steps []Step `yaml:"steps"`
}

// Queue is what contacts of a line need; see [ivr.Queue].
type Queue struct {
	Needs []Need `yaml:"needs"`
	// LanguageNeeds replace [Config.Languages] for this step; an empty map needs nothing of any.
	LanguageNeeds map[string][]Need `yaml:"language_needs"`
	Class         Class             `yaml:"class"`
	Target        contact.Millis    `yaml:"target"`
	// AudienceNeeds are needed as well by contacts of an audience, such as a party's.
	AudienceNeeds map[contact.Audience][]Need `yaml:"audience_needs"`
	Music         string                      `yaml:"music"`
	Announcements []Announcement              `yaml:"announcements"`
	Callback      *CallbackOffer              `yaml:"callback"`
}

// Announcement is told to who waits; see [ivr.Announcement].
type Announcement struct {
	// Tell is place or wait, Say a prompt: one of them is set.
	Tell  ivr.Tell       `yaml:"tell"`
	Say   string         `yaml:"say"`
	First contact.Millis `yaml:"first"`
	Every contact.Millis `yaml:"every"`
}

// CallbackOffer is offered to who waits long; see [ivr.Callback].
type CallbackOffer struct {
	Say   string         `yaml:"say"`
	After contact.Millis `yaml:"after"`
	Every contact.Millis `yaml:"every"`
	Key   string         `yaml:"key"`
	Done  string         `yaml:"done"`
}

// Class is a priority class in words: ordinary, which is meant by nothing too,
// resident-impact or priority.
type Class string

var classes = map[Class]contact.Class{
	"": contact.ClassOrdinary, "ordinary": contact.ClassOrdinary,
	"resident-impact": contact.ClassResidentImpact, "priority": contact.ClassPriorityLine,
}

// Contact returns the class as contacts have it.
func (c Class) Contact() contact.Class { return classes[c] }

// flow returns steps in the form that is interpreted.
func flow(steps []Step) ivr.Flow { return ivr.Flow{Steps: interpreted(steps)} }

func interpreted(steps []Step) []ivr.Step {
	out := make([]ivr.Step, 0, len(steps))
	for _, step := range steps {
		next := ivr.Step{Say: step.Say, Notices: step.Notices, Close: step.Close}
		if step.Hours != nil {
			next.Hours = &ivr.Hours{Open: interpreted(step.Hours.Open), Closed: interpreted(step.Hours.Closed)}
		}
		if step.Menu != nil {
			next.Menu = step.Menu.interpreted()
		}
		if step.Queue != nil {
			next.Queue = step.Queue.interpreted()
		}
		out = append(out, next)
	}
	return out
}

func (m Menu) interpreted() *ivr.Menu {
	menu := &ivr.Menu{Say: m.Say, Timeout: defaultKeyTimeout, Repeat: defaultRepeat, Otherwise: interpreted(m.Otherwise)}
	if m.Timeout != nil {
		menu.Timeout = *m.Timeout
	}
	if m.Repeat != nil {
		menu.Repeat = *m.Repeat
	}
	for _, key := range slices.Sorted(maps.Keys(m.Choices)) {
		choice := m.Choices[key]
		menu.Choices = append(menu.Choices, ivr.Choice{Key: key, Name: choice.Name, Steps: interpreted(choice.Steps)})
	}
	return menu
}

func (q Queue) interpreted() *ivr.Queue {
	queue := &ivr.Queue{Needs: needs(q.Needs), Class: q.Class.Contact(), Target: q.Target, Music: q.Music}
	for language, more := range q.LanguageNeeds {
		if queue.LanguageNeeds == nil {
			queue.LanguageNeeds = map[string]contact.Needs{}
		}
		queue.LanguageNeeds[language] = needs(more)
	}
	for audience, more := range q.AudienceNeeds {
		if queue.AudienceNeeds == nil {
			queue.AudienceNeeds = map[contact.Audience]contact.Needs{}
		}
		queue.AudienceNeeds[audience] = needs(more)
	}
	for _, told := range q.Announcements {
		queue.Announcements = append(queue.Announcements, ivr.Announcement(told))
	}
	if q.Callback != nil {
		offer := ivr.Callback(*q.Callback)
		queue.Callback = &offer
	}
	return queue
}
