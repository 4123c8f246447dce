package configs

import (
	"errors"
	"fmt"
	"slices"

	"github.com/goccy/go-yaml"

	"svar/contact"
	"svar/identity"
)

// checker collects faults with their places.
type checker struct {
	sources []source
	faults  []error
}

// fault notes what is wrong at a path of the YAML ("$.lines[0].number"), with the place
// in the last file that says anything there.
func (c *checker) fault(path, text string, args ...any) {
	message := fmt.Sprintf(text, args...)
	at, err := yaml.PathString(path)
	for _, source := range slices.Backward(c.sources) {
		if err != nil {
			break
		}
		if node, missing := at.FilterFile(source.file); missing == nil && node != nil && node.GetToken() != nil {
			position := node.GetToken().Position
			c.faults = append(c.faults, fmt.Errorf("%s:%d:%d: %s", source.name, position.Line, position.Column, message))
			return
		}
	}
	c.faults = append(c.faults, fmt.Errorf("%s: %s", path, message))
}

// check finds what no single value shows: ranges, duplicates and references.
func check(config Config, sources []source) error {
	c := &checker{sources: sources}
	c.desk(config.Desk)
	c.ports(config)
	prompts := c.prompts(config.Prompts)
	c.lines(config.Lines, prompts)
	return errors.Join(c.faults...)
}

func (c *checker) desk(desk Desk) {
	if desk.OfferTimeout <= 0 {
		c.fault("$.desk.offer_timeout", "an offer must last longer than 0 s")
	}
	if desk.ConnectTimeout <= 0 {
		c.fault("$.desk.connect_timeout", "connecting must be given longer than 0 s")
	}
	if len(desk.OutcomeCodes) == 0 {
		c.fault("$.desk.outcome_codes", "at least one outcome code is needed: every answered contact gets one")
	}
}

func (c *checker) ports(config Config) {
	if from, to := config.Phone.RTP.From, config.Phone.RTP.To; from == 0 || to <= from {
		c.fault("$.phone.rtp", "the range %d–%d holds no pair of ports", from, to)
	}
	if config.Phone.MaxCalls <= 0 {
		c.fault("$.phone.max_calls", "at least one call must be allowed")
	}
	if config.Voice.MaxLegs <= 0 {
		c.fault("$.voice.max_legs", "at least one agent must be allowed")
	}
	if config.NATS.Listen != "" && config.NATS.Token == "" {
		c.fault("$.nats.listen", "a NATS server that listens needs a token, or anybody on the network commands the queue")
	}
	if !config.NATS.Engine && config.NATS.URL == "" {
		c.fault("$.nats.engine", "a node without an engine needs the url of a NATS server where one is")
	}
	if config.NATS.Listen != "" && config.NATS.URL != "" {
		c.fault("$.nats.listen", "listen is for the server in this process, url for an outside one: set one of them")
	}
}

func (c *checker) prompts(prompts []Prompt) map[string]Prompt {
	known := map[string]Prompt{}
	for i, prompt := range prompts {
		path := fmt.Sprintf("$.prompts[%d].name", i)
		switch _, twice := known[prompt.Name]; {
		case prompt.Name == "":
			c.fault(fmt.Sprintf("$.prompts[%d]", i), "a prompt needs a name")
		case prompt.Name == QueueMusic:
			c.fault(path, "the name %s is taken by the loop that Svar makes", QueueMusic)
		case twice:
			c.fault(path, "there are two prompts %q", prompt.Name)
		}
		known[prompt.Name] = prompt
	}
	return known
}

var audiences = []contact.Audience{
	contact.AudienceUnknown, contact.AudiencePupil, contact.AudienceStaff, contact.AudienceGuardian,
	contact.AudienceContactCentre, contact.AudienceSupplier,
}

func (c *checker) lines(lines []Line, prompts map[string]Prompt) {
	ids, numbers := map[contact.LineID]bool{}, map[identity.Number]bool{}
	for i, line := range lines {
		at := func(field string) string { return fmt.Sprintf("$.lines[%d].%s", i, field) }
		if line.ID == "" {
			c.fault(fmt.Sprintf("$.lines[%d]", i), "a line needs an id")
		}
		if ids[line.ID] {
			c.fault(at("id"), "there are two lines %q", line.ID)
		}
		ids[line.ID] = true
		number, err := identity.ParseNumber(line.Number, "SE")
		switch {
		case err != nil:
			c.fault(at("number"), "%q is not a telephone number: %v", line.Number, err)
		case numbers[number]:
			c.fault(at("number"), "two lines have the number %s", number)
		}
		numbers[number] = true
		if !slices.Contains(audiences, line.Audience) {
			c.fault(at("audience"), "there is no audience %q", line.Audience)
		}
		if line.Audience == contact.AudiencePupil && line.LookUp {
			c.fault(at("look_up"), "callers of a pupils' line are never looked up (requirement D3)")
		}
		if line.Language == "" {
			c.fault(at("language"), "a line needs a language")
		}
		c.flow(at("flow"), line, prompts)
	}
}

func (c *checker) flow(path string, line Line, prompts map[string]Prompt) {
	flow := line.IVR()
	if err := flow.Check(); err != nil {
		c.fault(path, "the flow of line %s: %v", line.ID, err)
	}
	for _, name := range flow.Prompts() {
		prompt, known := prompts[name]
		if name == QueueMusic || name == "" {
			continue
		}
		if !known {
			c.fault(path, "the flow of line %s plays the prompt %q, which does not exist", line.ID, name)
		} else if prompt.Text[line.Language] == "" {
			c.fault(path, "the prompt %q has no text in the language %q of line %s", name, line.Language, line.ID)
		}
	}
}
