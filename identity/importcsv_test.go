package identity

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"
)

var updateGolden = flag.Bool("update", false, "write the golden files anew")

// Each testdata/people/NAME.csv gives the people or the problems of NAME.golden.
func TestParsePeopleGolden(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/people/*.csv")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, path := range files {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".csv"), func(t *testing.T) {
			t.Parallel()
			content, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			// A byte at a time: no result may depend on how the file arrives.
			people, err := ParsePeople(iotest.OneByteReader(bytes.NewReader(content)))
			if (err == nil) != strings.Contains(path, "good") || (err != nil && people != nil) {
				t.Errorf("%d people with error %v", len(people), err)
			}
			got := &strings.Builder{}
			for _, person := range people {
				line, err := json.Marshal(person)
				if err != nil {
					t.Fatal(err)
				}
				fmt.Fprintf(got, "%s\n", line)
			}
			if err != nil {
				fmt.Fprintln(got, err)
			}
			golden := strings.TrimSuffix(path, ".csv") + ".golden"
			if *updateGolden {
				if err := os.WriteFile(golden, []byte(got.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got.String() != string(want) {
				t.Errorf("got\n%swant\n%s", got, want)
			}
		})
	}
}

const testHeader = "id,name,role,title,school,numbers,protected\n"

func TestParsePeopleLimits(t *testing.T) {
	t.Parallel()
	limits := importLimits{bytes: 200, rows: 2, field: 10, numbers: 1, problems: 3}
	tests := map[string]struct{ file, want string }{
		"rows":     {"a,A,staff,,,,\nb,B,staff,,,,\nc,C,staff,,,,\n", "line 4: more than 2 people"},
		"bytes":    {"a,A,staff,,,,\n" + strings.Repeat("\n", 200), "the file is larger than 200 bytes"},
		"field":    {"a,ABCDEFGHIJK,staff,,,,\n", `line 2, column name: "ABCDEFGHIJK": longer than 10 characters`},
		"quoted":   {"a,\"" + strings.Repeat("x\n", 100) + "\",staff,,,,\n", "larger than 200 bytes"},
		"problems": {"a,,staff,,,,x\nb,,staff,,,,x\n", "line 3, column name: the name is missing\nreading stopped"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			people, err := parsePeople(strings.NewReader(testHeader+test.file), limits)
			if people != nil || err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%d people, error %v; want %q", len(people), err, test.want)
			}
		})
	}
	full := testHeader + "a,A,staff,,,,\n"
	exact := importLimits{bytes: int64(len(full)), rows: 1, field: 10, numbers: 1, problems: 3}
	if people, err := parsePeople(strings.NewReader(full), exact); err != nil || len(people) != 1 {
		t.Errorf("a file of just the limit: %v, %v", people, err)
	}
}

// A disk that fails is not a fault of the file.
func TestParsePeopleReadError(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	for _, content := range []string{"", testHeader + strings.Repeat("a,A,staff,,,,\n", 1000)} {
		people, err := ParsePeople(iotest.TimeoutReader(iotest.OneByteReader(strings.NewReader(content + " "))))
		if people != nil || !errors.Is(err, iotest.ErrTimeout) {
			t.Errorf("%d people, error %v", len(people), err)
		}
	}
	var notTheFile *ImportError
	if people, err := ParsePeople(iotest.ErrReader(broken)); people != nil || !errors.Is(err, broken) || errors.As(err, &notTheFile) {
		t.Errorf("%d people, error %v", len(people), err)
	}
}

// Row D7.
func TestPersonalIdentityNumbersAreNoIDs(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"640823-3234": true, "640883-3231": true, "196408233234": true, "19640823-3234": true, "6408233234": true,
		"640823-3235": false, "641323-3231": false, "1234567890": false, "u6408233234": false, "": false, "64082332": false,
	} {
		if got := isPersonalIdentityNumber(text); got != want {
			t.Errorf("isPersonalIdentityNumber(%q) = %t", text, got)
		}
	}
	_, err := ParsePeople(strings.NewReader(testHeader + "640823-3234,A,staff,,,,\n"))
	if err == nil || strings.Contains(err.Error(), "3234") {
		t.Errorf("error = %v; want one without the number", err)
	}
}

// Whatever the register holds, written as CSV it comes back as it was.
func TestParsePeopleRoundTrip(t *testing.T) {
	t.Parallel()
	text := rapid.StringMatching(`[A-ZÅÄÖ][a-zåäö";, -]{0,20}[a-z]`)
	rapid.Check(t, func(t *rapid.T) {
		people := make([]Person, rapid.IntRange(1, 10).Draw(t, "people"))
		file := &bytes.Buffer{}
		writer := csv.NewWriter(file)
		writer.Comma = rapid.SampledFrom([]rune{',', ';', '\t'}).Draw(t, "delimiter")
		writer.UseCRLF = rapid.Bool().Draw(t, "CRLF")
		rows := [][]string{importColumns}
		for i := range people {
			people[i] = Person{
				ID: PersonID(fmt.Sprintf("u%d", i)), Name: text.Draw(t, "name"), Role: rapid.SampledFrom(PersonRoles()).Draw(t, "role"),
				Title: text.Draw(t, "title"), School: text.Draw(t, "school"), Protected: rapid.Bool().Draw(t, "protected"),
			}
			var numbers []string
			for j := range rapid.IntRange(0, 5).Draw(t, "numbers") {
				number := Number(fmt.Sprintf("+4670174060%d", j))
				people[i].Numbers = append(people[i].Numbers, number)
				numbers = append(numbers, rapid.SampledFrom([]string{string(number), number.Readable(HomeRegion)}).Draw(t, "form"))
			}
			protected := "nej"
			if people[i].Protected {
				protected = "ja"
			}
			rows = append(rows, []string{string(people[i].ID), people[i].Name, string(people[i].Role), people[i].Title, people[i].School, strings.Join(numbers, "|"), protected})
		}
		if err := writer.WriteAll(rows); err != nil {
			t.Fatal(err)
		}
		got, err := ParsePeople(file)
		if err != nil || !reflect.DeepEqual(got, people) {
			t.Fatalf("got %#v, %v; want %#v", got, err, people)
		}
	})
}

func FuzzParsePeople(f *testing.F) {
	files, err := filepath.Glob("testdata/people/*.csv")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range files {
		content, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(content)
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		people, err := ParsePeople(bytes.NewReader(content))
		if err != nil {
			var problems *ImportError
			if people != nil || !errors.As(err, &problems) || len(problems.Problems) == 0 || len(problems.Problems) > defaultImportLimits.problems {
				t.Fatalf("%d people, error %v", len(people), err)
			}
			for _, problem := range problems.Problems {
				if problem.Line < 1 || problem.Expected == "" {
					t.Fatalf("problem %+v", problem)
				}
			}
			return
		}
		if _, err := NewDirectory(people); err != nil {
			t.Fatal(err)
		}
		for _, person := range people {
			if person.ID == "" || person.Name == "" || !person.Role.Valid() {
				t.Fatalf("imported %#v", person)
			}
		}
	})
}

func BenchmarkParsePeople(b *testing.B) {
	const people = 10_000
	file := &strings.Builder{}
	file.WriteString(testHeader)
	for i := range people {
		fmt.Fprintf(file, "u%d,Person %d,staff,Lärare,Ekbackens skola,070-%07d|08-465 004 01,nej\n", i, i, i+1_000_000)
	}
	b.ReportAllocs()
	for b.Loop() {
		if got, err := ParsePeople(strings.NewReader(file.String())); err != nil || len(got) != people {
			b.Fatal(err)
		}
	}
}
