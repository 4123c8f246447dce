package configs

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"svar/contact"
)

// checker collects faults and warnings with their places.
type checker struct {
	sources []source
	// variables are those of the environment, by the paths of what they set.
	variables        map[string]string
	faults, warnings []error
	// What the parts refer to.
	prompts   map[string]Prompt
	groups    map[contact.SkillID]bool
	services  map[contact.ServiceID]bool
	entrances map[contact.LineID]bool
	hoursIDs  map[contact.HoursID]bool
	// How many needs services have, a service with its category at most, and a language at most.
	ofServices           map[contact.ServiceID]int
	ofForms, ofLanguages int
}

// check finds what no single value shows: ranges, duplicates and references.
func check(config Config, sources []source, variables map[string]string) (warnings []string, err error) {
	c := &checker{
		sources: sources, variables: variables, prompts: map[string]Prompt{}, groups: map[contact.SkillID]bool{},
		services: map[contact.ServiceID]bool{}, entrances: map[contact.LineID]bool{},
		hoursIDs: map[contact.HoursID]bool{}, ofServices: map[contact.ServiceID]int{},
	}
	c.ports(config)
	c.browsers(config)
	c.metrics(config.Metrics)
	c.logging(config.Log)
	c.retention(config.Retention)
	c.openingHours(config)
	c.desk(config.Desk)
	c.competence(config.Groups)
	c.spoken(config.Languages)
	c.catalogue(config.Services)
	c.texts(config.Prompts)
	c.lines(config.Lines)
	c.chat(config.Chat)
	c.mail(config.Mail)
	c.portal(config.Portal)
	c.outbound(config.Phone, config.Lines)
	c.destinations(config.Destinations, config.Phone.Outbound, config.Lines)
	for _, warning := range c.warnings {
		warnings = append(warnings, warning.Error())
	}
	return warnings, errors.Join(c.faults...)
}

// fault notes what is wrong at a path of the YAML ("$.lines[0].number").
func (c *checker) fault(path, text string, args ...any) {
	c.faults = append(c.faults, c.placed(path, text, args...))
}

// warn notes what is allowed but hardly meant.
func (c *checker) warn(path, text string, args ...any) {
	c.warnings = append(c.warnings, c.placed(path, text, args...))
}

// placed writes a text with the place of the path in the last file that sets it. What is
// missing has the place of what it is missing in.
func (c *checker) placed(path, text string, args ...any) error {
	message := fmt.Sprintf(text, args...)
	list, _, inList := strings.Cut(path, "[")
	for _, at := range []string{path, list} {
		if name := c.variables[at]; name != "" {
			return fmt.Errorf("environment variable %s: %s", name, message)
		}
	}
	// A list is replaced whole: all that is in it comes from one file.
	for _, source := range slices.Backward(c.sources) {
		if inList && source.position(list) == "" {
			continue
		}
		for at := path; len(at) >= len(list); at = above(at) {
			if position := source.position(at); position != "" {
				return errors.New(position + message)
			}
		}
	}
	for at := above(path); at != ""; at = above(at) {
		for _, source := range slices.Backward(c.sources) {
			if position := source.position(at); position != "" {
				return errors.New(position + message)
			}
		}
	}
	return fmt.Errorf("%s: %s", path, message)
}

// above returns the path of what the path is in; "" for the whole.
func above(path string) string {
	end := strings.LastIndexAny(path, ".[")
	if end <= 0 {
		return ""
	}
	return path[:end]
}

// position returns "file:line:column: " of a path, "" when the file says nothing there.
func (s source) position(path string) string {
	at, err := yaml.PathString(path)
	if err != nil {
		return ""
	}
	node, err := at.FilterFile(s.file)
	if err != nil || node == nil || node.GetToken() == nil {
		return ""
	}
	position := node.GetToken().Position
	return fmt.Sprintf("%s:%d:%d: ", s.name, position.Line, position.Column)
}

// identifier is what ids look like: they stand in addresses, subjects and figures.
var identifier = regexp.MustCompile(`^[a-z][a-z0-9-]{0,39}$`)

// id says what is wrong with an id of a kind of things, which is known from now on.
func id[ID ~string](c *checker, path, what string, value ID, known map[ID]bool) {
	switch {
	case value == "":
		c.fault(path, "the %s needs an id", what)
	case !identifier.MatchString(string(value)):
		c.fault(path+".id", "the id %q is not 1–40 characters of a–z, 0–9 and hyphen, beginning with a letter", value)
	case known[value]:
		c.fault(path+".id", "the id %q is taken by another %s", value, what)
	}
	known[value] = true
}

// languages are those of everything that people see (design: Swedish and English).
var languages = []string{"sv", "en"}

// named says which language a name lacks.
func (c *checker) named(path string, name map[string]string) {
	for _, language := range languages {
		if name[language] == "" {
			c.fault(path, "a name in the language %q is missing", language)
		}
	}
}

func (c *checker) language(path, language string) {
	if !slices.Contains(languages, language) {
		c.fault(path, "there is no language %q; there are sv and en", language)
	}
}

var audiences = []contact.Audience{
	contact.AudienceUnknown, contact.AudiencePupil, contact.AudienceStaff, contact.AudienceGuardian,
	contact.AudienceContactCentre, contact.AudienceSupplier,
}

func (c *checker) audience(path string, audience contact.Audience) {
	if !slices.Contains(audiences, audience) {
		c.fault(path, "there is no audience %q", audience)
	}
}

func (c *checker) class(path string, class Class) {
	if _, known := classes[class]; !known {
		c.fault(path, "there is no class %q; there are ordinary, resident-impact and priority", class)
	}
}

// service says whether a service is in the catalogue; none is needed.
func (c *checker) service(path string, service contact.ServiceID) {
	if service != "" && !c.services[service] {
		c.fault(path, "there is no service %q", service)
	}
}

// maxLevel is the best that an agent can be at something.
const maxLevel = 5

func (c *checker) needs(path string, list []Need) {
	for i, need := range list {
		at := fmt.Sprintf("%s[%d]", path, i)
		if !c.groups[need.Skill] {
			c.fault(at+".skill", "there is no competence group %q", need.Skill)
		}
		if need.Level < 1 || need.Level > maxLevel {
			c.fault(at+".level", "the level %d is not one of 1–%d", need.Level, maxLevel)
		}
	}
}
