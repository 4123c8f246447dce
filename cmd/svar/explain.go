package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"svar/contact"
	"svar/queue"
	"svar/queue/journal"
	"svar/report"
	"svar/store"
)

type explainCommand struct {
	Contact  string `arg:"" help:"The contact's id, or as much of its beginning as no other contact has."`
	Language string `help:"sv or en; by default what LC_ALL, LC_MESSAGES or LANG say, and else en." enum:",sv,en" default:""`
	JSON     bool   `help:"Print the explanation as JSON, times in milliseconds." name:"json"`
}

// Run implements the command.
func (c explainCommand) Run(ctx context.Context, out io.Writer, g *global) error {
	if c.Contact == "" {
		return errors.New("say which contact")
	}
	var found report.Explanation
	// The journal comes first: where there is none, no database is made either.
	err := withJournal(ctx, g, func(j *journal.Journal) error {
		return withStore(ctx, g, func(s *store.Store) (err error) {
			found, err = c.explain(ctx, s, j)
			return err
		})
	})
	if err != nil {
		return err
	}
	if c.JSON {
		return writeJSON(out, found)
	}
	_, err = io.WriteString(out, told(found))
	return err
}

// explain tells what was recorded of the contact: what the projection has, and what it has not taken in yet.
func (c explainCommand) explain(ctx context.Context, s *store.Store, j *journal.Journal) (report.Explanation, error) {
	projected, err := s.Projected(ctx)
	if err != nil {
		return report.Explanation{}, err
	}
	rest, err := recordedBehind(ctx, j, projected, c.Contact)
	if err != nil {
		return report.Explanation{}, err
	}
	id, err := c.choose(ctx, s, rest)
	if err != nil {
		return report.Explanation{}, err
	}
	recorded, err := s.Recorded(ctx, id)
	if err != nil {
		return report.Explanation{}, err
	}
	// The projector goes on meanwhile.
	recorded = slices.DeleteFunc(recorded, func(r report.Recorded) bool { return r.Sequence > projected })
	return report.Explain(id, append(recorded, rest[id]...), c.language(os.Getenv)), nil
}

// mostNamed is how many contacts an ambiguous beginning is answered with.
const mostNamed = 5

// choose returns the one contact whose id begins so.
func (c explainCommand) choose(ctx context.Context, s *store.Store, rest map[contact.ID][]report.Recorded) (contact.ID, error) {
	ids, err := s.ContactsBeginning(ctx, c.Contact, mostNamed+1)
	if err != nil {
		return "", err
	}
	ids = slices.AppendSeq(ids, maps.Keys(rest))
	slices.Sort(ids)
	ids = slices.Compact(ids)
	if slices.Contains(ids, contact.ID(c.Contact)) {
		return contact.ID(c.Contact), nil
	}
	switch len(ids) {
	case 0:
		return "", fmt.Errorf("no contact begins with %s", c.Contact)
	case 1:
		return ids[0], nil
	}
	names := make([]string, 0, mostNamed)
	for _, id := range ids[:min(len(ids), mostNamed)] {
		names = append(names, string(id))
	}
	text := strings.Join(names, ", ")
	if len(ids) > mostNamed {
		text += " and others"
	}
	return "", fmt.Errorf("several contacts begin with %s: %s", c.Contact, text)
}

// recordedBehind returns what the journal has behind the record of contacts whose ids begin so.
func recordedBehind(ctx context.Context, j *journal.Journal, record uint64, prefix string) (map[contact.ID][]report.Recorded, error) {
	found := map[contact.ID][]report.Recorded{}
	err := j.Read(ctx, record+1, func(sequence uint64, r journal.Record) error {
		for _, event := range r.Events {
			if id, _ := queue.Touched(event); id != "" && strings.HasPrefix(string(id), prefix) {
				found[id] = append(found[id], report.Recorded{Sequence: sequence, At: r.Now, Event: event})
			}
		}
		return nil
	})
	return found, err
}

// language is the one that was asked for, or else that of the environment (POSIX, Base Definitions 8.2).
func (c explainCommand) language(environment func(string) string) string {
	if c.Language != "" {
		return c.Language
	}
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if value := environment(name); value != "" {
			if strings.HasPrefix(value, "sv") {
				return "sv"
			}
			break
		}
	}
	return "en"
}

// told prints an explanation with times in Europe/Stockholm, under their dates.
func told(e report.Explanation) string {
	var text strings.Builder
	fmt.Fprintf(&text, "%s (Europe/Stockholm)\n", e.Contact)
	var date time.Time
	for _, step := range e.Steps {
		day, _ := report.Day(step.At.Time())
		if !day.Equal(date) {
			date = day
			fmt.Fprintf(&text, "\n%s\n", day.Format(time.DateOnly))
		}
		fmt.Fprintf(&text, "  %s  %s\n", step.At.Time().In(day.Location()).Format("15:04:05.000"), step.Text)
	}
	return text.String()
}
