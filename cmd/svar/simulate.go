package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"

	"svar/contact"
	"svar/queue/simulate"
	"svar/report"
	"svar/store"
)

type simulateCommand struct {
	File string `arg:"" optional:"" help:"The scenario, a YAML file; configs/simulation/weekday.yaml explains it." type:"existingfile"`
	Seed uint64 `help:"What chance begins with: the same seed gives the same day." default:"1"`
	// Recorded is a date, 2026-11-24, in Europe/Stockholm.
	Recorded string `help:"Take the arrivals of this recorded day, such as 2026-11-24, instead of those of the file: of each stream's line and channel, those that came to the queue." placeholder:"DATE"`
	Staff    string `help:"Print how many agents each interval needs for a goal, such as 80/60s: 80 % within 60 s. It takes the streams with somebody on the line, and agents who can take all of them." placeholder:"SHARE/TIME"`
	Erlang   bool   `help:"Print the table of docs/erlang.md: the engine against the formulas of Erlang. It takes some minutes."`
}

// Run implements the command.
func (c simulateCommand) Run(ctx context.Context, out io.Writer, g *global) error {
	if c.Erlang {
		return printErlang(ctx, out)
	}
	if c.File == "" {
		return errors.New("name a scenario: svar simulate FILE")
	}
	config, err := g.load()
	if err != nil {
		return err
	}
	scenario, file, err := readSimulation(c.File, config.Rules())
	if err != nil {
		return err
	}
	if c.Recorded != "" {
		if err := c.takeRecorded(ctx, g, config.Database.URL, &scenario, file); err != nil {
			return err
		}
	}
	if c.Staff != "" {
		goal, err := parseGoal(c.Staff)
		if err != nil {
			return err
		}
		return printStaffing(out, scenario, goal)
	}
	began := time.Now()
	result, err := simulate.Run(scenario, c.Seed)
	if err != nil {
		return err
	}
	return printSimulation(out, scenario, result, c.Seed, time.Since(began))
}

// takeRecorded replaces the expected arrivals by those of the recorded day, from the external database if there is one.
func (c simulateCommand) takeRecorded(ctx context.Context, g *global, external string, s *simulate.Scenario, file simulationFile) error {
	midnight, _, err := report.ParseDay(c.Recorded)
	if err != nil {
		return fmt.Errorf("--recorded %s: write it as 2026-11-24", c.Recorded)
	}
	if _, err := os.Stat(g.Data); external == "" && errors.Is(err, fs.ErrNotExist) { // no database is made to find it empty
		return fmt.Errorf("there is no data directory %s: say which one with --data", g.Data)
	}
	opens, _ := parseTimeOfDay(file.From)
	// By what clocks show: they may change in the night.
	from := time.Date(midnight.Year(), midnight.Month(), midnight.Day(), 0, int(opens.Duration()/time.Minute), 0, 0, midnight.Location())
	return withStore(ctx, g, func(records *store.Store) error {
		sum := 0
		for i := range s.Streams {
			stream := &s.Streams[i]
			line := contact.LineID(cmp.Or(file.Streams[i].Line, stream.Name))
			arrivals, err := records.QueuedArrivals(ctx, line, stream.Channel, from, from.Add(s.Length().Duration()))
			if err != nil {
				return err
			}
			stream.Arrivals, stream.Recorded = nil, nil
			for _, at := range arrivals {
				stream.Recorded = append(stream.Recorded, contact.MillisOf(at.Sub(from)))
			}
			sum += len(arrivals)
		}
		if sum == 0 {
			return fmt.Errorf("--recorded %s: no contact of the streams' lines came to the queue on that day", c.Recorded)
		}
		return nil
	})
}

func printErlang(ctx context.Context, out io.Writer) error {
	var proofs []simulate.Proof
	for _, cell := range simulate.Cells() {
		if err := ctx.Err(); err != nil {
			return err
		}
		proof, err := cell.Prove()
		if err != nil {
			return err
		}
		proofs = append(proofs, proof)
	}
	_, err := io.WriteString(out, simulate.ProofTable(proofs))
	return err
}

// parseGoal reads 80/60s.
func parseGoal(text string) (simulate.Goal, error) {
	share, within, _ := strings.Cut(text, "/")
	percent, errShare := strconv.ParseFloat(share, 64)
	length, errWithin := time.ParseDuration(within)
	if errShare != nil || errWithin != nil || !(percent > 0 && percent < 100) || length <= 0 {
		return simulate.Goal{}, fmt.Errorf("--staff %s: write it as 80/60s, for 80 %% within 60 s", text)
	}
	return simulate.Goal{Share: percent / 100, Within: contact.MillisOf(length)}, nil
}

// printSimulation prints a row per interval and stream, then one per stream.
func printSimulation(out io.Writer, s simulate.Scenario, r simulate.Result, seed uint64, took time.Duration) error {
	var text strings.Builder
	p := func(format string, values ...any) { fmt.Fprintf(&text, format+"\n", values...) }
	p("Simulated from %s (Europe/Stockholm), seed %d, %d agents", clock(s, 0).Format("2006-01-02 15:04"), seed, len(s.Agents))
	const head, row = "%-6s %-20s %8s %8s %8s %9s %8s %8s %9s", "%-6s %-20s %8d %8d %8s %9s %8s %8s %9s"
	p(head, "from", "stream", "arrived", "answered", "level", "abandoned", "wait", "longest", "occupancy")
	line := func(from, name string, f simulate.Figures) {
		p(row, from, name, f.Arrived, f.Answered, percent(f.ServiceLevel(), f.Arrived), percent(f.Abandonment(), f.Arrived),
			whole(f.MeanWait()), whole(f.Longest), percent(f.Occupancy(), int(f.Busy+f.Idle)))
	}
	for i, figures := range r.Rows {
		for n, f := range figures {
			line(clock(s, i).Format("15:04"), s.Streams[n].Name, f)
		}
	}
	contacts := 0
	for n, stream := range s.Streams {
		total := r.Total(n)
		contacts += total.Arrived
		line("all", stream.Name, total)
	}
	if told := r.Expected; told.Told > 0 {
		p("The wait that was told to %d contacts was off by %s (median); of the %d who had to wait, by %.0f %%.",
			told.Told, whole(told.MedianError), told.Waited, 100*told.MedianRelative)
	}
	p("%d contacts, %d steps and %d events of the engine in %.2f s.", contacts, r.Steps, r.Events, took.Seconds())
	_, err := io.WriteString(out, text.String())
	return err
}

// printStaffing prints a row per interval: agents for each stream by itself, and for all together.
func printStaffing(out io.Writer, s simulate.Scenario, goal simulate.Goal) error {
	var columns []simulate.Staffing
	var names []string
	add := func(name string, of simulate.Scenario) error {
		answer, err := simulate.Staff(of, goal)
		if err != nil {
			return err
		}
		columns, names = append(columns, answer), append(names, name)
		return nil
	}
	for _, stream := range s.Streams {
		if !stream.Channel.Held() {
			continue
		}
		alone := s
		alone.Streams = []simulate.Stream{stream}
		if err := add(stream.Name, alone); err != nil {
			return err
		}
	}
	if err := add("together", s); err != nil {
		return err
	}
	var text strings.Builder
	fmt.Fprintf(&text, "Agents for %.0f %% within %s, by simulation\n%-6s", 100*goal.Share, goal.Within.Duration(), "from")
	for _, name := range names {
		fmt.Fprintf(&text, " %14s", name)
	}
	fmt.Fprintf(&text, " %9s\n", "level")
	together := columns[len(columns)-1]
	for i := range s.Intervals {
		text.WriteString(clock(s, i).Format("15:04 "))
		for _, column := range columns {
			fmt.Fprintf(&text, " %14d", column.Agents[i])
		}
		fmt.Fprintf(&text, " %8.0f%%\n", 100*together.Levels[i])
	}
	for i, column := range columns {
		if !column.Reached {
			fmt.Fprintf(&text, "The goal is not reached in every interval of %s: more agents would not help.\n", names[i])
		}
	}
	_, err := io.WriteString(out, text.String())
	return err
}

func clock(s simulate.Scenario, interval int) time.Time {
	return s.From.Add(s.Interval * contact.Millis(interval)).Time().In(stockholm())
}

// percent writes a share, or nothing when there was nothing to share.
func percent(share float64, of int) string {
	if of == 0 {
		return "–"
	}
	return fmt.Sprintf("%.0f %%", 100*share)
}

func whole(length contact.Millis) string { return length.Duration().Round(time.Second).String() }
