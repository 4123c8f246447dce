package main

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"svar/configs"
	"svar/contact"
	"svar/queue/simulate"
)

// simulationFile is what a scenario for svar simulate is written in; configs/simulation/weekday.yaml explains it.
type simulationFile struct {
	Day      string             `yaml:"day"`
	From     string             `yaml:"from"`
	To       string             `yaml:"to"`
	Interval contact.Millis     `yaml:"interval"`
	Arrivals string             `yaml:"arrivals_file"`
	Streams  []simulationStream `yaml:"streams"`
	Teams    []simulationTeam   `yaml:"teams"`
}

type simulationStream struct {
	Name     string           `yaml:"name"`
	Line     string           `yaml:"line"`
	Channel  contact.Channel  `yaml:"channel"`
	Needs    map[string]uint8 `yaml:"needs"`
	Class    string           `yaml:"class"`
	Target   contact.Millis   `yaml:"target"`
	Hours    contact.HoursID  `yaml:"hours"`
	Arrivals []float64        `yaml:"arrivals"`
	Patience lengthOfTime     `yaml:"patience"`
	Handling lengthOfTime     `yaml:"handling"`
	WrapUp   lengthOfTime     `yaml:"wrap_up"`
	Ringing  lengthOfTime     `yaml:"ringing"`
}

type lengthOfTime struct {
	Kind   simulate.Kind  `yaml:"kind"`
	Mean   contact.Millis `yaml:"mean"`
	Spread contact.Millis `yaml:"spread"`
}

type simulationTeam struct {
	Name     string            `yaml:"name"`
	Agents   int               `yaml:"agents"`
	Skills   map[string]uint8  `yaml:"skills"`
	Channels []contact.Channel `yaml:"channels"`
	Shift    string            `yaml:"shift"`
	Pauses   []simulationPause `yaml:"pauses"`
}

// simulationPause is one that each agent of a team makes, Stagger after the one before.
type simulationPause struct {
	At      string         `yaml:"at"`
	Length  contact.Millis `yaml:"length"`
	Stagger contact.Millis `yaml:"stagger"`
	Reason  string         `yaml:"reason"`
}

// maxSimulationFile bounds what is read of a scenario, or of its arrivals.
const maxSimulationFile = 4 << 20

// readSimulation reads a scenario with the rules that it is simulated under. Its faults have file, line and column.
func readSimulation(path string, rules contact.Rules) (simulate.Scenario, simulationFile, error) {
	data, err := readBounded(path)
	if err != nil {
		return simulate.Scenario{}, simulationFile{}, err
	}
	var file simulationFile
	place, err := configs.Decode(path, data, &file)
	if err != nil {
		return simulate.Scenario{}, file, err
	}
	reader := &simulationReader{place: place}
	scenario := reader.scenario(file, rules)
	if file.Arrivals != "" && len(reader.faults) == 0 {
		at := filepath.Join(filepath.Dir(path), file.Arrivals)
		if filepath.IsAbs(file.Arrivals) {
			at = file.Arrivals
		}
		if err := readArrivals(at, &scenario, reader.from); err != nil {
			return scenario, file, err
		}
	}
	if err := errors.Join(reader.faults...); err != nil {
		return scenario, file, err
	}
	if err := scenario.Check(); err != nil {
		return scenario, file, fmt.Errorf("%s: %w", path, err)
	}
	return scenario, file, nil
}

func readBounded(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxSimulationFile+1))
	if err == nil && len(data) > maxSimulationFile {
		err = fmt.Errorf("%s is larger than %d MB", path, maxSimulationFile>>20)
	}
	return data, err
}

// simulationReader turns a file into a scenario and collects what is wrong.
type simulationReader struct {
	place    func(string) string
	from, to contact.Millis // since midnight
	faults   []error
}

func (r *simulationReader) fault(path, format string, values ...any) {
	r.faults = append(r.faults, errors.New(r.place(path)+fmt.Sprintf(format, values...)))
}

// maxTeam is how many agents one team may have; the engine's roster holds as many in all.
const maxTeam = 2000

func (r *simulationReader) scenario(file simulationFile, rules contact.Rules) simulate.Scenario {
	s := simulate.Scenario{Rules: rules, Interval: file.Interval}
	if s.Interval == 0 {
		s.Interval = contact.MillisOf(30 * time.Minute)
	}
	r.from, r.to = r.timeOfDay("$.from", file.From), r.timeOfDay("$.to", file.To)
	day, err := time.ParseInLocation(time.DateOnly, file.Day, stockholm())
	if err != nil {
		r.fault("$.day", "%q is not a date; write it as 2026-12-01", file.Day)
	}
	s.From = contact.InstantOf(day).Add(r.from)
	if length := r.to - r.from; s.Interval <= 0 || length <= 0 || length%s.Interval != 0 {
		r.fault("$.to", "from %s to %s are not whole intervals of %s", file.From, file.To, s.Interval.Duration())
	} else {
		s.Intervals = int(length / s.Interval)
	}
	for i, stream := range file.Streams {
		s.Streams = append(s.Streams, r.stream(fmt.Sprintf("$.streams[%d]", i), stream))
	}
	for i, team := range file.Teams {
		s.Agents = append(s.Agents, r.team(fmt.Sprintf("$.teams[%d]", i), team)...)
	}
	return s
}

func (r *simulationReader) stream(path string, f simulationStream) simulate.Stream {
	classes := map[string]contact.Class{
		"": contact.ClassOrdinary, "ordinary": contact.ClassOrdinary, "impact": contact.ClassResidentImpact, "priority": contact.ClassPriorityLine,
	}
	class, known := classes[f.Class]
	if !known {
		r.fault(path+".class", "the class %q is none of ordinary, impact, priority", f.Class)
	}
	return simulate.Stream{
		Name: f.Name, Channel: f.Channel, Needs: r.needs(path+".needs", f.Needs), Class: class, Target: f.Target, Hours: f.Hours,
		Arrivals: f.Arrivals, Patience: simulate.Distribution(f.Patience), Handling: simulate.Distribution(f.Handling),
		WrapUp: simulate.Distribution(f.WrapUp), Ringing: simulate.Distribution(f.Ringing),
	}
}

func (r *simulationReader) needs(path string, levels map[string]uint8) contact.Needs {
	var list []contact.Need
	for skill, level := range levels {
		if level < 1 || level > 5 {
			r.fault(path, "the level of %s is %d; it is 1–5", skill, level)
		}
		list = append(list, contact.Need{Skill: contact.SkillID(skill), Level: level})
	}
	return contact.NewNeeds(list...)
}

func (r *simulationReader) team(path string, f simulationTeam) []simulate.Agent {
	from, to, is := strings.Cut(f.Shift, "-")
	if !is {
		r.fault(path+".shift", "the shift %q is not written as 07:00-15:30", f.Shift)
		return nil
	}
	shift := simulate.Span{From: r.timeOfDay(path+".shift", from) - r.from, To: r.timeOfDay(path+".shift", to) - r.from}
	if shift.From < 0 || shift.From >= shift.To {
		r.fault(path+".shift", "the shift %s begins before the simulation, or ends before it begins", f.Shift)
	}
	if f.Name == "" || f.Agents < 1 || f.Agents > maxTeam {
		r.fault(path, "a team has a name, and 1 to %d agents", maxTeam)
		return nil
	}
	skills := r.needs(path+".skills", f.Skills)
	var team []simulate.Agent
	for n := range f.Agents {
		a := simulate.Agent{
			Agent:  contact.Agent{ID: contact.AgentID(fmt.Sprintf("%s-%03d", f.Name, n+1)), Skills: skills},
			Shifts: []simulate.Span{shift}, Channels: f.Channels,
		}
		for i, pause := range f.Pauses {
			begin := r.timeOfDay(fmt.Sprintf("%s.pauses[%d].at", path, i), pause.At) - r.from + contact.Millis(n)*pause.Stagger
			a.Pauses = append(a.Pauses, simulate.Pause{Span: simulate.Span{From: begin, To: begin + pause.Length}, Reason: pause.Reason})
		}
		team = append(team, a)
	}
	return team
}

// timeOfDay reads 07:30, up to 24:00, as time since midnight.
func (r *simulationReader) timeOfDay(path, text string) contact.Millis {
	at, ok := parseTimeOfDay(text)
	if !ok {
		r.fault(path, "%q is not a time of day; write it as 07:30", text)
	}
	return at
}

func parseTimeOfDay(text string) (contact.Millis, bool) {
	hours, minutes, is := strings.Cut(strings.TrimSpace(text), ":")
	h, errHours := strconv.ParseUint(hours, 10, 8)
	m, errMinutes := strconv.ParseUint(minutes, 10, 8)
	if !is || errHours != nil || errMinutes != nil || len(minutes) != 2 || m > 59 || h*60+m > 24*60 {
		return 0, false
	}
	return contact.Millis(h*60+m) * 60_000, true
}

// readArrivals reads how many are expected by interval from a CSV file (RFC 4180): the columns are time, as 07:30, and
// the streams by name. Intervals that are not in it have none.
func readArrivals(path string, s *simulate.Scenario, from contact.Millis) error {
	data, err := readBounded(path)
	if err != nil {
		return err
	}
	reader := csv.NewReader(bytes.NewReader(data))
	header, err := reader.Read()
	if err != nil || len(header) == 0 || header[0] != "time" {
		return fmt.Errorf("%s:1:1: the first column is called time, the others like the streams", path)
	}
	columns := make([]*simulate.Stream, len(header))
	for i, name := range header[1:] {
		for n := range s.Streams {
			if s.Streams[n].Name == name {
				columns[i+1] = &s.Streams[n]
				s.Streams[n].Arrivals = make([]float64, s.Intervals)
			}
		}
		if columns[i+1] == nil {
			line, column := reader.FieldPos(i + 1)
			return fmt.Errorf("%s:%d:%d: there is no stream %q", path, line, column, name)
		}
	}
	for {
		row, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		fault := func(field int, what string) error {
			line, column := reader.FieldPos(field)
			return fmt.Errorf("%s:%d:%d: %q is no %s", path, line, column, row[field], what)
		}
		at, ok := parseTimeOfDay(row[0])
		number := int((at - from) / s.Interval)
		if !ok || at < from || (at-from)%s.Interval != 0 || number >= s.Intervals {
			return fault(0, "beginning of a simulated interval")
		}
		for i, text := range row[1:] {
			expected, err := strconv.ParseFloat(text, 64)
			if err != nil || !(expected >= 0) || expected > 1e6 {
				return fault(i+1, "number of arrivals")
			}
			columns[i+1].Arrivals[number] = expected
		}
	}
}

// stockholm is where the desk's clocks hang.
func stockholm() *time.Location {
	zone, err := time.LoadLocation("Europe/Stockholm")
	if err != nil {
		return time.UTC // never: the zones are built in
	}
	return zone
}
