package queue_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the golden files with what happens now")

// Each file of testdata is a story: lines with ">" are played, the indented lines under
// them are what they brought, "#" are the teller's words. With -update the indented
// lines are written anew; read the difference before you commit it.
func TestScenarios(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			t.Parallel()
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := perform(t, string(want))
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != string(want) {
				t.Errorf("%s goes otherwise now:\n%s", file, difference(string(want), got))
			}
		})
	}
}

func perform(t *testing.T, text string) string {
	t.Helper()
	s := newStory(t)
	var out strings.Builder
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if strings.HasPrefix(line, "    ") {
			continue
		}
		out.WriteString(line + "\n")
		if command, played := strings.CutPrefix(line, "> "); played {
			for _, told := range s.play(command) {
				out.WriteString("    " + told + "\n")
			}
		}
	}
	return out.String()
}

// difference shows the first line that differs, with what is around it.
func difference(want, got string) string {
	a, b := strings.Split(want, "\n"), strings.Split(got, "\n")
	at := 0
	for at < min(len(a), len(b)) && a[at] == b[at] {
		at++
	}
	around := func(lines []string) string {
		return strings.Join(lines[max(0, at-3):min(len(lines), at+4)], "\n")
	}
	return "was:\n" + around(a) + "\nis:\n" + around(b)
}
