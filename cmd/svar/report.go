package main

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"svar/configs"
	"svar/contact"
	"svar/report"
	"svar/store"
)

type reportCallsCommand struct {
	Line string `help:"The line's id." required:""`
	Day  string `help:"The date in Europe/Stockholm, as 2026-11-24; today when not given."`
}

// Run implements the command.
func (c reportCallsCommand) Run(ctx context.Context, out io.Writer, g *global) error {
	from, to := report.Day(time.Now())
	if c.Day != "" {
		var err error
		if from, to, err = report.ParseDay(c.Day); err != nil {
			return fmt.Errorf("--day %s: write the date as 2026-11-24", c.Day)
		}
	}
	config, err := g.load()
	if err != nil {
		return err
	}
	if err := c.checkLine(config); err != nil {
		return err
	}
	return withStore(ctx, g, func(s *store.Store) error {
		query := report.Query{From: from, To: to, By: report.Total, Channel: contact.Voice, Line: contact.LineID(c.Line), Now: time.Now()}
		fold := report.NewContactFold(query)
		if err := s.Cohort(ctx, query, fold.Add); err != nil {
			return err
		}
		return printCalls(out, c.Line, from, fold.Total())
	})
}

func (c reportCallsCommand) checkLine(config configs.Config) error {
	var known []string
	for _, line := range config.Lines {
		if string(line.ID) == c.Line {
			return nil
		}
		known = append(known, string(line.ID))
	}
	return fmt.Errorf("there is no line %q; the lines are %s", c.Line, strings.Join(known, ", "))
}

// stageNames are what a report calls the stages.
var stageNames = map[contact.Stage]string{
	contact.StageBeforeAnswer: "before answer", contact.StageMessage: "in the message", contact.StageQueue: "in the queue",
	contact.StageRinging: "while ringing", contact.StageCallback: "before the call-back",
}

func printCalls(out io.Writer, line string, day time.Time, c report.Row) error {
	var text strings.Builder
	p := func(format string, values ...any) { fmt.Fprintf(&text, format+"\n", values...) }
	p("Calls on line %s, %s (Europe/Stockholm), formula %d", line, day.Format(time.DateOnly), report.Formula)
	p("%-32s %8d", "offered", c.Offered)
	p("%-32s %8d", "answered", c.Answered)
	total, short := 0, 0
	for _, row := range c.Abandoned {
		total, short = total+row.Count, short+row.Short
	}
	p("%-32s %8d", "abandoned", total)
	for _, row := range c.Abandoned {
		p("  %-30s %8d", stageNames[row.Stage], row.Count)
	}
	p("  %-30s %8d", fmt.Sprintf("of which under %d s", report.ShortAbandon/1000), short)
	p("%-32s %8d", "called back", c.CalledBack)
	p("%-32s %8d", "outside hours", c.OutsideHours)
	p("%-32s %8d", "refused", c.Refused)
	p("%-32s %8d", "technical fault", c.Dropped)
	p("%-32s %8d", "still open", c.Open)
	p("%-32s %8s %8s %8s", "answer time", "median", "p90", "n")
	for _, row := range []struct {
		name  string
		times report.Times
	}{{"from arrival", c.FromArrival}, {"from the queue", c.FromQueue}} {
		p("  %-30s %8s %8s %8d", row.name, seconds(row.times, row.times.Median), seconds(row.times, row.times.P90), row.times.N)
	}
	_, err := io.WriteString(out, text.String())
	return err
}

func seconds(t report.Times, value contact.Millis) string {
	if t.N == 0 {
		return "–"
	}
	return fmt.Sprintf("%.1f s", value.Duration().Seconds())
}

type reportContactsCommand struct {
	From     string `help:"The first date in Europe/Stockholm, as 2026-11-24; today when not given."`
	To       string `help:"The last date, included; that of --from when not given."`
	By       string `help:"hour, day, month or total." enum:"hour,day,month,total" default:"total"`
	Channel  string `help:"voice, chat, mail or form only." enum:",voice,chat,mail,form" default:""`
	Line     string `help:"One line, topic, mailbox or form only, by its id."`
	Audience string `help:"One audience only: pupil, staff, guardian, contact-centre or supplier." enum:",pupil,staff,guardian,contact-centre,supplier" default:""`
	CSV      bool   `help:"Print comma-separated values (RFC 4180), times in milliseconds." name:"csv"`
}

// Run implements the command.
func (c reportContactsCommand) Run(ctx context.Context, out io.Writer, g *global) error {
	query, err := c.query(time.Now())
	if err != nil {
		return err
	}
	return withStore(ctx, g, func(s *store.Store) error {
		rows, err := s.ContactFigures(ctx, query)
		if err != nil {
			return err
		}
		if c.CSV {
			return writeContactsCSV(out, rows)
		}
		return printContacts(out, query, rows)
	})
}

func (c reportContactsCommand) query(now time.Time) (report.Query, error) {
	query := report.Query{
		By: report.Interval(c.By), Channel: contact.Channel(c.Channel), Line: contact.LineID(c.Line),
		Audience: contact.Audience(c.Audience), Now: now,
	}
	query.From, query.To = report.Day(now)
	var err error
	if c.From != "" {
		if query.From, query.To, err = report.ParseDay(c.From); err != nil {
			return query, fmt.Errorf("--from %s: write the date as 2026-11-24", c.From)
		}
	}
	if c.To != "" {
		if _, query.To, err = report.ParseDay(c.To); err != nil {
			return query, fmt.Errorf("--to %s: write the date as 2026-11-24", c.To)
		}
	}
	if !query.From.Before(query.To) {
		return query, fmt.Errorf("--to %s is before --from", c.To)
	}
	return query, nil
}

// startForm is how an interval's beginning is written; its zone tells the two hours of one
// name apart when summer time ends.
const startForm = "2006-01-02 15:04 -0700"

// printContacts prints a row per interval, channel, line and audience.
func printContacts(out io.Writer, query report.Query, rows []report.Row) error {
	var text strings.Builder
	p := func(format string, values ...any) { fmt.Fprintf(&text, format+"\n", values...) }
	last := query.To.Add(-time.Nanosecond)
	p("Contacts %s to %s (Europe/Stockholm), formula %d", query.From.Format(time.DateOnly), last.Format(time.DateOnly), report.Formula)
	p("%-22s %-6s %-16s %-15s %7s %8s %9s %6s %5s %8s %8s %8s", "from", "way", "line", "audience",
		"offered", "answered", "abandoned", "other", "open", "median", "queue", "in time")
	for _, row := range rows {
		abandoned := 0
		for _, stage := range row.Abandoned {
			abandoned += stage.Count
		}
		other := row.CalledBack + row.OutsideHours + row.Refused + row.Dropped
		p("%-22s %-6s %-16s %-15s %7d %8d %9d %6d %5d %8s %8s %8s", row.Start.Format(startForm), row.Channel, row.Line, orUnknown(row.Audience),
			row.Offered, row.Answered, abandoned, other, row.Open,
			seconds(row.FromArrival, row.FromArrival.Median), seconds(row.FromQueue, row.FromQueue.Median),
			fmt.Sprintf("%d/%d", row.WithinTarget, row.Answerable))
	}
	if len(rows) == 0 {
		p("No contact arrived.")
	}
	_, err := io.WriteString(out, text.String())
	return err
}

func orUnknown(audience contact.Audience) string {
	if audience == contact.AudienceUnknown {
		return "unknown"
	}
	return string(audience)
}

func writeContactsCSV(out io.Writer, rows []report.Row) error {
	head := []string{"formula", "start", "channel", "line", "audience", "offered", "answered", "unreplied", "handed_over", "transferred", "transfers"}
	for _, stage := range report.Stages() {
		head = append(head, "abandoned_"+strings.ReplaceAll(string(stage), "-", "_"))
	}
	head = append(head, "abandoned_short", "called_back", "callbacks", "callbacks_reached", "callback_tries", "callbacks_rejoined", "outside_hours", "refused", "dropped", "open",
		"within_target", "answerable", "strict_within_target", "strict_answerable",
		"arrival_mean_ms", "arrival_median_ms", "arrival_p90_ms", "arrival_max_ms", "queue_mean_ms", "queue_median_ms", "queue_p90_ms", "queue_max_ms",
		"outgoing", "outgoing_reached")
	w := csv.NewWriter(out)
	if err := w.Write(head); err != nil {
		return err
	}
	for _, row := range rows {
		fields := []string{strconv.Itoa(report.Formula), row.Start.Format(time.RFC3339), string(row.Channel), string(row.Line), orUnknown(row.Audience)}
		count := func(values ...int) {
			for _, value := range values {
				fields = append(fields, strconv.Itoa(value))
			}
		}
		count(row.Offered, row.Answered, row.Unreplied, row.HandedOver, row.Transferred, row.Transfers)
		short := 0
		for i := range report.Stages() {
			count(row.Abandoned[i].Count)
			short += row.Abandoned[i].Short
		}
		count(short, row.CalledBack, row.Callbacks.Contacts, row.Callbacks.Reached, row.Callbacks.Tries, row.Callbacks.Rejoined, row.OutsideHours, row.Refused, row.Dropped, row.Open,
			row.WithinTarget, row.Answerable, row.StrictWithin, row.StrictAnswerable)
		for _, times := range []report.Times{row.FromArrival, row.FromQueue} {
			count(int(times.Mean), int(times.Median), int(times.P90), int(times.Max))
		}
		count(row.Outgoing.Calls, row.Outgoing.Reached)
		if err := w.Write(fields); err != nil {
			return err
		}
	}
	w.Flush()
	return w.Error()
}
