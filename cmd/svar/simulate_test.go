package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"svar/configs"
)

// The shipped example is simulated: a table by half-hour, the same for the same seed.
func TestSimulateTheExample(t *testing.T) {
	t.Parallel()
	out := simulated(t, 0, "simulate", "../../configs/simulation/weekday.yaml")
	for _, row := range []string{"Simulated from 2026-12-01 07:00", "07:30  staff-phone", "21:30  mail", "all    chat", "events of the engine in"} {
		if !strings.Contains(out, row) {
			t.Errorf("%q is missing:\n%s", row, out)
		}
	}
	table := func(out string) string { before, _, _ := strings.Cut(out, " contacts, "); return before }
	if again := simulated(t, 0, "simulate", "../../configs/simulation/weekday.yaml"); table(again) != table(out) {
		t.Errorf("one seed, two days:\n%s\n%s", out, again)
	}
	if other := simulated(t, 0, "simulate", "--seed", "2", "../../configs/simulation/weekday.yaml"); table(other) == table(out) {
		t.Error("another seed, the same day")
	}
}

// How many agents a goal needs, with the arrivals from a CSV file.
func TestSimulateStaffing(t *testing.T) {
	t.Parallel()
	scenario := filesWith(t, "scenario.yaml", `
day: 2026-12-01
from: "08:00"
to: "09:30"
arrivals_file: arrivals.csv
streams:
  - {name: phone, channel: voice, target: 60s, handling: {kind: exponential, mean: 5m}, patience: {kind: exponential, mean: 5m}}
`, "arrivals.csv", "time,phone\n08:00,6\n09:00,30\n")
	out := simulated(t, 0, "simulate", "--staff", "80/60s", scenario)
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if len(lines) != 5 || !strings.HasPrefix(lines[2], "08:00") || !strings.Contains(lines[3], " 0 ") || strings.Contains(lines[4], " 0 ") {
		t.Errorf("three half-hours, nobody comes in the second:\n%s", out)
	}
	for day, want := range map[string]string{"yesterday": "write it as 2026-11-24", "2026-11-24": "there is no data directory"} {
		nowhere := filepath.Join(t.TempDir(), "nowhere")
		if complaints := simulated(t, 1, "simulate", "--data", nowhere, "--recorded", day, scenario); !strings.Contains(complaints, want) {
			t.Errorf("--recorded %s: %s", day, complaints)
		}
	}
	if complaints := simulated(t, 1, "simulate", "--staff", "80", scenario); !strings.Contains(complaints, "write it as 80/60s") {
		t.Error(complaints)
	}
}

// Faults have a place in the file.
func TestSimulateNamesThePlaceOfAFault(t *testing.T) {
	t.Parallel()
	good, err := os.ReadFile("../../configs/simulation/weekday.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ from, to, want string }{
		{"    class: ordinary ", "    clas: ordinary ", `unknown field "clas"`},
		{"day: 2026-12-01", "day: tomorrow", `.yaml:2:6: "tomorrow" is not a date`},
		{"interval: 30m", "interval: 7m", "are not whole intervals"},
		{"interval: 30m", "interval: often", `"often" is not a length of time`},
		{"needs: {staff: 1} ", "needs: {staff: 6} ", "the level of staff is 6"},
		{"shift: 13:30-22:00", "shift: 22:00-13:30", "begins before the simulation, or ends before"},
		{"channel: voice ", "channel: fax   ", `the channel "fax" is none of`},
	} {
		if !strings.Contains(string(good), c.from) {
			t.Fatalf("the example has no %q", c.from)
		}
		path := filesWith(t, "broken.yaml", strings.Replace(string(good), c.from, c.to, 1))
		if complaints := simulated(t, 1, "simulate", path); !strings.Contains(complaints, c.want) || !strings.Contains(complaints, "broken.yaml") {
			t.Errorf("%s: wanted %q, got %s", c.to, c.want, complaints)
		}
	}
	csv := filesWith(t, "scenario.yaml", strings.Replace(string(good), "interval: 30m", "interval: 30m\narrivals_file: a.csv", 1), "a.csv", "time,chat\n07:10,3\n")
	if complaints := simulated(t, 1, "simulate", csv); !strings.Contains(complaints, `a.csv:2:1: "07:10" is no beginning`) {
		t.Error(complaints)
	}
	if _, err := configs.Load("../../configs/simulation/weekday.yaml", os.LookupEnv); err == nil {
		t.Error("a scenario is taken for a configuration")
	}
}

// filesWith writes files into a directory of their own, given as name and text, and returns the first one's path.
func filesWith(t *testing.T, files ...string) string {
	t.Helper()
	dir := t.TempDir()
	for i := 0; i < len(files); i += 2 {
		if err := os.WriteFile(filepath.Join(dir, files[i]), []byte(files[i+1]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, files[0])
}

// simulated runs a command line and returns what it prints, or complains about.
func simulated(t *testing.T, status int, arguments ...string) string {
	t.Helper()
	var out, complaints bytes.Buffer
	if got := run(t.Context(), arguments, &out, &complaints); got != status {
		t.Fatalf("%v: status %d\n%s%s", arguments, got, &out, &complaints)
	}
	return out.String() + complaints.String()
}
