// Package docs_test checks that what the documents claim is so.
package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// row is a line of the table in requirements.md.
type row struct {
	id, short, status string
	shownBy           []string
	note              string
}

const (
	done        = "done"
	partly      = "partly"
	planned     = "planned"
	notSoftware = "not software"
)

func TestEachRequirementHasOneRow(t *testing.T) {
	t.Parallel()
	known := strings.Fields(read(t, "requirements-ids.txt"))
	var found []string
	for _, requirement := range readRows(t) {
		switch {
		case !slices.Contains(known, requirement.id):
			t.Errorf("row %s: requirements-ids.txt has no such requirement", requirement.id)
		case slices.Contains(found, requirement.id):
			t.Errorf("row %s is there twice", requirement.id)
		}
		found = append(found, requirement.id)
	}
	for _, id := range known {
		if !slices.Contains(found, id) {
			t.Errorf("requirement %s has no row", id)
		}
	}
}

func TestEachStatusIsShown(t *testing.T) {
	t.Parallel()
	for _, requirement := range readRows(t) {
		if requirement.short == "" {
			t.Errorf("row %s does not say what is required", requirement.id)
		}
		switch requirement.status {
		case done, partly:
			if len(requirement.shownBy) == 0 {
				t.Errorf("row %s is %s and names no test that shows it", requirement.id, requirement.status)
			}
			if requirement.status == partly && requirement.note == "" {
				t.Errorf("row %s is partly done and does not say what is left", requirement.id)
			}
		case planned, notSoftware:
			if len(requirement.shownBy) > 0 {
				t.Errorf("row %s is %s and yet names a test", requirement.id, requirement.status)
			}
		default:
			t.Errorf("row %s: %q is no status; it is %s, %s, %s or %s", requirement.id, requirement.status, done, partly, planned, notSoftware)
		}
		for _, test := range requirement.shownBy {
			if complaint := lookFor(test); complaint != "" {
				t.Errorf("row %s names %s: %s", requirement.id, test, complaint)
			}
		}
	}
}

// A check that never complains shows nothing.
func TestMissingTestsAreSeen(t *testing.T) {
	t.Parallel()
	const here = "docs/requirements_test.go::"
	for test, missing := range map[string]bool{
		here + "TestMissingTestsAreSeen":              false,
		here + "TestMissingTestsAreSeen/a part of it": false,
		here + "TestMissingTests":                     true,
		here + "lookFor":                              true,
		"docs/none_test.go::TestMissingTestsAreSeen":  true,
		"TestMissingTestsAreSeen":                     true,
		"../docs/requirements_test.go::TestMissing":   true,
	} {
		if complaint := lookFor(test); (complaint != "") != missing {
			t.Errorf("looking for %q says %q", test, complaint)
		}
	}
}

// lookFor says what is wrong with a test's name as the table writes it, path::name, or "" when that test exists.
func lookFor(test string) string {
	path, name, written := strings.Cut(test, "::")
	if !written || name == "" || !filepath.IsLocal(path) {
		return "write it as path/from/the/top::name"
	}
	text, err := os.ReadFile(filepath.Join("..", path))
	if err != nil {
		return "there is no such file"
	}
	var definition string
	switch {
	case strings.HasSuffix(path, "_test.go"):
		name, _, _ = strings.Cut(name, "/") // the rest names a subtest, often made from data
		definition = `(?m)^func ` + regexp.QuoteMeta(name) + `\(\w+ \*testing\.`
		if !strings.HasPrefix(name, "Test") && !strings.HasPrefix(name, "Fuzz") {
			return "a Go test begins with Test or Fuzz"
		}
	case slices.Contains([]string{".ts", ".js", ".mjs"}, filepath.Ext(path)):
		definition = "\\b(test|it|story)\\(\\s*(['\"`])" + regexp.QuoteMeta(name) + "(['\"`])"
	default:
		return "it is neither a Go test nor one of the console's"
	}
	if !regexp.MustCompile(definition).Match(text) {
		return "that file has no such test"
	}
	return ""
}

// readRows returns the rows of the table in requirements.md.
func readRows(t *testing.T) []row {
	t.Helper()
	var rows []row
	for number, line := range strings.Split(read(t, "requirements.md"), "\n") {
		if !strings.HasPrefix(line, "|") || strings.HasPrefix(line, "| id |") || strings.HasPrefix(line, "| ---") {
			continue
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		if len(cells) != 5 {
			t.Fatalf("requirements.md:%d has %d cells, not 5", number+1, len(cells))
		}
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		requirement := row{id: strings.TrimSuffix(cells[0], " ★"), short: cells[1], status: cells[2], note: cells[4]}
		for test := range strings.SplitSeq(cells[3], "<br>") {
			if test = strings.Trim(strings.TrimSpace(test), "`"); test != "" {
				requirement.shownBy = append(requirement.shownBy, test)
			}
		}
		rows = append(rows, requirement)
	}
	if len(rows) == 0 {
		t.Fatal("requirements.md has no rows")
	}
	return rows
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
