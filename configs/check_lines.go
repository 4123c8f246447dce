package configs

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"svar/contact"
	"svar/identity"
	"svar/ivr"
)

func (c *checker) texts(prompts []Prompt) {
	for i, prompt := range prompts {
		path := fmt.Sprintf("$.prompts[%d].name", i)
		switch _, twice := c.prompts[prompt.Name]; {
		case prompt.Name == "":
			c.fault(fmt.Sprintf("$.prompts[%d]", i), "a prompt needs a name")
		case prompt.Name == QueueMusic, prompt.Name == Ringing:
			c.fault(path, "the name %s is taken by the loop that Svar makes", prompt.Name)
		case prompt.Name == ivr.NoticePrompt:
			c.fault(path, "the name %s is taken by outage messages", ivr.NoticePrompt)
		case twice:
			c.fault(path, "there are two prompts %q", prompt.Name)
		}
		c.prompts[prompt.Name] = prompt
	}
}

func (c *checker) lines(lines []Line) {
	numbers := map[identity.Number]bool{}
	for i, line := range lines {
		path := fmt.Sprintf("$.lines[%d]", i)
		id(c, path, "line", line.ID, c.entrances)
		number, err := identity.ParseNumber(line.Number, identity.HomeRegion)
		switch {
		case err != nil:
			c.fault(path+".number", "%q is not a telephone number: %v", line.Number, err)
		case numbers[number]:
			c.fault(path+".number", "two lines have the number %s", number)
		default:
			c.tariff(path+".number", line.Audience, number)
		}
		numbers[number] = true
		c.audience(path+".audience", line.Audience)
		if line.Audience == contact.AudiencePupil && line.LookUp {
			c.fault(path+".look_up", "callers of a pupils' line are never looked up (requirement D3)")
		}
		if line.Language == "" {
			c.fault(path+".language", "a line needs a language")
		}
		c.hoursID(path, line.Hours)
		c.answer(path, line)
		spoken := entrance{what: "line " + string(line.ID), languages: []string{line.Language}, voice: true}
		c.recording(path+".recording", line, spoken)
		c.flow(path+".flow", line.Flow, spoken)
		c.parties(path, line, spoken)
	}
}

// minRingFor and maxRingFor bound for how long a call rings before it is answered: a carrier gives up after some minutes.
const (
	minRingFor = contact.Millis(3_000)
	maxRingFor = contact.Millis(60_000)
)

// answer checks how a line answers.
func (c *checker) answer(path string, line Line) {
	switch {
	case line.Answer != "" && line.Answer != AnswerAtOnce && line.Answer != RingFirst:
		c.fault(path+".answer", "a line answers %s or %s, not %q", AnswerAtOnce, RingFirst, line.Answer)
	case line.Answer != RingFirst && line.RingFor != nil:
		c.fault(path+".ring_for", "line %s answers at once: ring_for means something with answer: %s only", line.ID, RingFirst)
	case line.Answer == RingFirst && (line.RingsFor() < minRingFor || line.RingsFor() > maxRingFor):
		c.fault(path+".ring_for", "calls ring for %s before they are answered; it must be 3s–60s", line.RingsFor().Duration())
	}
	if line.Answer != RingFirst {
		return
	}
	for _, flow := range []ivr.Flow{line.IVR(), line.PartyIVR()} {
		if _, straight := flow.Straight(ivr.Visit{Language: line.Language, Line: line.ID, Open: true}); len(flow.Steps) > 0 && !straight && flow.Check() == nil {
			c.fault(path+".answer", "line %s rings first, but its flow asks for a key before the queue: who hears a menu is answered", line.ID)
		}
	}
}

// minRetention and maxRetention bound for how long a recording is kept.
const (
	minRetention = contact.Millis(60 * 60 * 1000)
	maxRetention = contact.Millis(2 * 366 * 24 * 60 * 60 * 1000)
)

// isKey tells a key of a telephone.
func isKey(key string) bool { return len(key) == 1 && strings.ContainsAny(key, "0123456789*#") }

// recording checks whose calls are recorded, and whether they know and can decline.
func (c *checker) recording(path string, line Line, e entrance) {
	r := line.Recording
	if !r.On {
		return
	}
	if line.Audience == contact.AudiencePupil {
		c.fault(path+".on", "calls of a pupils' line are never recorded")
	}
	if line.Answer == RingFirst {
		c.fault(path+".on", "line %s rings first: nobody could hear the announcement of the recording before he is connected", line.ID)
	}
	if r.Announcement == "" {
		c.fault(path, "calls are not recorded without an announcement: name the prompt that says so and names the key")
	}
	c.plays(path+".announcement", r.Announcement, e)
	if !isKey(r.DeclineKey) {
		c.fault(path, "calls are not recorded without a key to decline: set decline_key to one of 0–9, * and #")
	}
	for _, queue := range slices.Concat(line.IVR().Queues(), line.PartyIVR().Queues()) {
		if queue.Callback != nil && queue.Callback.Key == r.DeclineKey {
			c.fault(path+".decline_key", "the key %s takes a call-back in the queue of line %s already", r.DeclineKey, line.ID)
			break
		}
	}
	if r.Retention < minRetention || r.Retention > maxRetention {
		c.fault(path, "recordings are kept for %s; set retention to 1h–17568h (two years)", r.Retention.Duration())
	}
}

// Numbers that cost more than a local call (requirement 3.2c), and those that cost nothing.
var (
	premiumNumbers  = []string{"+46900", "+46939", "+46944", "+4677", "118"}
	tollFreeNumbers = "+4620"
)

// tariff says whether a line's number costs its callers what it may.
func (c *checker) tariff(path string, audience contact.Audience, number identity.Number) {
	premium := slices.ContainsFunc(premiumNumbers, func(p string) bool { return strings.HasPrefix(string(number), p) })
	switch {
	case audience == contact.AudienceStaff && premium:
		c.fault(path, "the number %s costs more than a local call; a staff line's may not (requirement 3.2c)", number)
	case audience == contact.AudiencePupil && !strings.HasPrefix(string(number), tollFreeNumbers):
		c.warn(path, "the number %s of a pupils' line is not free of charge: it does not begin with %s (requirement 3.2e)", number, tollFreeNumbers)
	}
}

// parties checks who has priority on a line, and how.
func (c *checker) parties(path string, line Line, spoken entrance) {
	if len(line.Parties) == 0 {
		if len(line.PartyFlow) > 0 {
			c.fault(path+".party_flow", "line %s has a flow for parties, but none of them", line.ID)
		}
		return
	}
	c.flow(path+".party_flow", line.PartyFlow, spoken)
	parties, beginnings := map[contact.PartyID]bool{}, map[identity.Number]bool{}
	for i, party := range line.Parties {
		at := fmt.Sprintf("%s.parties[%d]", path, i)
		id(c, at, "party", party.ID, parties)
		if party.Name == "" {
			c.fault(at, "a party needs a name")
		}
		c.audience(at+".audience", party.Audience)
		if len(party.Numbers) == 0 {
			c.fault(at, "a party needs the numbers that it calls from")
		}
		for j, text := range party.Numbers {
			place := fmt.Sprintf("%s.numbers[%d]", at, j)
			beginning, right := readBeginning(text)
			switch {
			case !right:
				c.fault(place, "%q is neither a telephone number nor its beginning of at least %d digits: +468508…", text, minBeginning)
			case beginnings[beginning]:
				c.fault(place, "two parties have the number %s", beginning)
			}
			beginnings[beginning] = true
		}
	}
}

// entrance is what a flow is for.
type entrance struct {
	what      string
	languages []string
	// voice: contacts hear, and can press keys.
	voice bool
}

// flow proves a flow and checks what it refers to.
func (c *checker) flow(path string, steps []Step, e entrance) {
	if err := flow(steps).Check(); err != nil {
		for fault := range strings.Lines(err.Error()) {
			c.fault(path, "the flow of %s: %s", e.what, strings.TrimSuffix(fault, "\n"))
		}
	}
	c.steps(path, steps, e)
}

// steps checks what the steps name, each at its own place.
func (c *checker) steps(path string, steps []Step, e entrance) {
	for i, step := range steps {
		at := fmt.Sprintf("%s[%d]", path, i)
		c.plays(at+".say", step.Say, e)
		c.plays(at+".close", step.Close, e)
		if step.Hours != nil {
			c.steps(at+".hours.open", step.Hours.Open, e)
			c.steps(at+".hours.closed", step.Hours.Closed, e)
		}
		if step.Menu != nil {
			c.menu(at+".menu", *step.Menu, e)
		}
		if step.Queue != nil {
			c.queue(at+".queue", *step.Queue, e)
		}
	}
}

func (c *checker) menu(path string, menu Menu, e entrance) {
	if !e.voice {
		c.fault(path, "%s has a menu, but its visitors have no keys", e.what)
	}
	c.plays(path+".say", menu.Say, e)
	for _, key := range slices.Sorted(maps.Keys(menu.Choices)) {
		c.steps(path+".choices."+key+".steps", menu.Choices[key].Steps, e)
	}
	c.steps(path+".otherwise", menu.Otherwise, e)
}

func (c *checker) queue(path string, queue Queue, e entrance) {
	c.needs(path+".needs", queue.Needs)
	for _, language := range slices.Sorted(maps.Keys(queue.LanguageNeeds)) {
		at := path + ".language_needs." + language
		c.language(at, language)
		c.needs(at, queue.LanguageNeeds[language])
	}
	for _, audience := range slices.Sorted(maps.Keys(queue.AudienceNeeds)) {
		at := path + ".audience_needs." + string(audience)
		c.audience(at, audience)
		c.needs(at, queue.AudienceNeeds[audience])
	}
	spoken := c.ofLanguages
	if queue.LanguageNeeds != nil {
		spoken = most(queue.LanguageNeeds)
	}
	c.together(path+".needs", len(queue.Needs), spoken, most(queue.AudienceNeeds))
	c.atMost(path+".target", queue.Target, maxTarget)
	c.class(path+".class", queue.Class)
	for i, told := range queue.Announcements {
		c.plays(fmt.Sprintf("%s.announcements[%d].say", path, i), told.Say, e)
	}
	if queue.Callback != nil {
		c.plays(path+".callback.say", queue.Callback.Say, e)
		c.plays(path+".callback.done", queue.Callback.Done, e)
	}
	switch {
	case e.voice && queue.Music == "":
		c.fault(path, "the queue of %s has no music: callers would think that they were cut off", e.what)
	case !e.voice && queue.Music != "":
		c.fault(path+".music", "%s has music that nobody hears", e.what)
	}
	if queue.Music != QueueMusic {
		c.plays(path+".music", queue.Music, e)
	}
}

// plays says whether a prompt is there in all languages of an entrance.
func (c *checker) plays(path, name string, e entrance) {
	if name == "" {
		return
	}
	prompt, known := c.prompts[name]
	if !known {
		c.fault(path, "the flow of %s plays the prompt %q, which does not exist", e.what, name)
		return
	}
	for _, language := range e.languages {
		if prompt.Text[language] == "" {
			c.fault(path, "the prompt %q has no text in the language %q of %s", name, language, e.what)
		}
	}
}
