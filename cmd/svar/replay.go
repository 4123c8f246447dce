package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"svar/contact"
	"svar/queue"
	"svar/queue/journal"
	"svar/queue/replay"
)

type replayCommand struct {
	From string `arg:"" optional:"" help:"The first record, or the time from which on, as 2026-11-24T07:00:00+01:00; the whole journal when not given."`
	To   string `arg:"" optional:"" help:"The last record, or the time before which."`
	JSON bool   `help:"Print the result as JSON." name:"json"`
}

// Run implements the command.
func (c replayCommand) Run(ctx context.Context, out io.Writer, g *global) error {
	span, err := c.span()
	if err != nil {
		return err
	}
	return withJournal(ctx, g, func(j *journal.Journal) error {
		begun := time.Now()
		result, err := replay.Run(ctx, j, span)
		if err != nil {
			return err
		}
		took := time.Since(begun)
		if c.JSON {
			err = writeJSON(out, result)
		} else {
			_, err = io.WriteString(out, replayed(result, took))
		}
		if err == nil && result.Difference != nil {
			err = errors.New(different(*result.Difference))
		}
		return err
	})
}

// span reads what is to be replayed.
func (c replayCommand) span() (replay.Span, error) {
	var span replay.Span
	var err error
	if span.First, span.From, err = parsePlace(c.From); err != nil {
		return span, err
	}
	if span.Last, span.To, err = parsePlace(c.To); err != nil {
		return span, err
	}
	if span.Last != 0 && span.Last < span.First || span.To != 0 && span.To <= span.From {
		return span, fmt.Errorf("%s is before %s", c.To, c.From)
	}
	return span, nil
}

// parsePlace reads a place in the journal: a sequence or an instant; neither when it is empty.
func parsePlace(text string) (uint64, contact.Instant, error) {
	if text == "" {
		return 0, 0, nil
	}
	if sequence, err := strconv.ParseUint(text, 10, 64); err == nil && sequence > 0 {
		return sequence, 0, nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil || at.UnixMilli() <= 0 {
		return 0, 0, fmt.Errorf("%s is neither the number of a record, from 1, nor a time as 2026-11-24T07:00:00+01:00", text)
	}
	return 0, contact.InstantOf(at), nil
}

// replayed tells what was compared.
func replayed(r replay.Result, took time.Duration) string {
	var text strings.Builder
	p := func(format string, values ...any) { fmt.Fprintf(&text, format+"\n", values...) }
	if r.Records == 0 {
		p("No record was compared.")
	} else {
		p("Records %d to %d were decided again by engine version %d: %d records, %d commands, %d events.", r.First, r.Last, queue.EngineVersion, r.Records, r.Commands, r.Events)
		p("%.0f commands and %.0f events a second, with the reading.", float64(r.Commands)/took.Seconds(), float64(r.Events)/took.Seconds())
	}
	if r.Before > 0 {
		p("%d records before them were folded only.", r.Before)
	}
	if r.NotCompared > 0 {
		p("%d records among them were folded and not compared: another version of the engine decided them, or they end a turn that began before.", r.NotCompared)
	}
	if r.Difference == nil && r.Records > 0 {
		p("Every event is the same, byte for byte.")
	}
	return text.String()
}

// different tells a difference in words, with what was recorded and what is decided.
func different(d replay.Difference) string {
	by := "the command " + d.Command
	if d.Command == "" {
		by = "the beginning of a new leader"
	}
	var what string
	switch d.Kind {
	case replay.OtherEvent:
		what = "another event follows from " + by + " than was recorded"
	case replay.NotRecorded:
		what = "an event follows from " + by + " that is not on record"
	case replay.NotDecided:
		what = "what was recorded does not follow from " + by
	case replay.Rejected:
		what = by + " is rejected (" + string(d.Rejection) + "), though it was recorded"
	case replay.OtherTime:
		what = "it was recorded at an instant before that of an earlier record"
	}
	text := fmt.Sprintf("record %d differs: %s", d.Sequence, what)
	if len(d.Recorded) > 0 {
		text += "\n  recorded: " + string(d.Recorded)
	}
	if len(d.Decided) > 0 {
		text += "\n  decided:  " + string(d.Decided)
	}
	return text
}

func writeJSON(out io.Writer, value any) error {
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(value)
}
