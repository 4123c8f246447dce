package spoken_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"svar/ivr/spoken"
)

// Lists of what is written and what is said, in each language. They are written by people, never made.
func TestWrittenTextIsSaidRight(t *testing.T) {
	t.Parallel()
	for _, language := range []string{"sv", "en"} {
		data, err := os.ReadFile(filepath.Join("testdata", language+".txt"))
		if err != nil {
			t.Fatal(err)
		}
		cases := 0
		for line := range strings.Lines(string(data)) {
			line = strings.TrimSuffix(line, "\n")
			written, said, found := strings.Cut(line, " = ")
			if strings.HasPrefix(line, "# ") {
				continue
			}
			if !found {
				t.Errorf("%s: the line %q has no sign of equality", language, line)
			}
			cases++
			if got := spoken.Text(language, written); got != said {
				t.Errorf("%s: %q is said as\n  %q\nwant\n  %q", language, written, got, said)
			}
		}
		if cases < 20 {
			t.Errorf("%s: there are only %d cases", language, cases)
		}
	}
}

func TestNumbersInWords(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		n      int
		sv, en string
	}{
		{0, "noll", "zero"},
		{1, "ett", "one"},
		{18, "arton", "eighteen"},
		{20, "tjugo", "twenty"},
		{99, "nittionio", "ninety-nine"},
		{100, "ett hundra", "one hundred"},
		{101, "ett hundra ett", "one hundred and one"},
		{1000, "ett tusen", "one thousand"},
		{1001, "ett tusen ett", "one thousand and one"},
		{21_345, "tjugoett tusen tre hundra fyrtiofem", "twenty-one thousand three hundred and forty-five"},
		{1_000_000, "en miljon", "one million"},
		{2_000_010, "två miljoner tio", "two million and ten"},
		{-3, "minus tre", "minus three"},
		{1_000_000_000, "ett noll noll noll noll noll noll noll noll noll", "one zero zero zero zero zero zero zero zero zero"},
	} {
		if sv, en := spoken.Number("sv", test.n), spoken.Number("en", test.n); sv != test.sv || en != test.en {
			t.Errorf("%d is said as %q and %q, want %q and %q", test.n, sv, en, test.sv, test.en)
		}
	}
}

func TestDateIsSaidWithItsWeekday(t *testing.T) {
	t.Parallel()
	day := time.Date(2026, time.December, 24, 23, 0, 0, 0, time.UTC)
	if sv := spoken.Date("sv-SE", day); sv != "torsdagen den tjugofjärde december" {
		t.Errorf("it is said as %q", sv)
	}
	if en := spoken.Date("en-GB", day); en != "Thursday the twenty-fourth of December" {
		t.Errorf("it is said as %q", en)
	}
}

func TestPlaceInTheQueue(t *testing.T) {
	t.Parallel()
	for place, want := range map[int][2]string{
		1:  {"Du är näst på tur i kön.", "You are next in the queue."},
		3:  {"Du är nummer tre i kön.", "You are number three in the queue."},
		20: {"Du är nummer tjugo i kön.", "You are number twenty in the queue."},
		21: {"Det är fler än tjugo före dig i kön.", "There are more than twenty people ahead of you in the queue."},
	} {
		if sv, en := spoken.Place("sv", place), spoken.Place("en", place); sv != want[0] || en != want[1] {
			t.Errorf("place %d is told as %q and %q", place, sv, en)
		}
	}
}

func TestExpectedWait(t *testing.T) {
	t.Parallel()
	for wait, want := range map[time.Duration][2]string{
		20 * time.Second:              {"Den beräknade väntetiden är mindre än en minut.", "The expected waiting time is less than a minute."},
		time.Minute:                   {"Den beräknade väntetiden är mindre än en minut.", "The expected waiting time is less than a minute."},
		4*time.Minute + 1:             {"Den beräknade väntetiden är ungefär fem minuter.", "The expected waiting time is about five minutes."},
		11 * time.Minute:              {"Den beräknade väntetiden är ungefär femton minuter.", "The expected waiting time is about fifteen minutes."},
		31 * time.Minute:              {"Den beräknade väntetiden är ungefär fyrtiofem minuter.", "The expected waiting time is about forty-five minutes."},
		50 * time.Minute:              {"Den beräknade väntetiden är ungefär en timme.", "The expected waiting time is about an hour."},
		time.Hour + time.Nanosecond:   {"Den beräknade väntetiden är mer än en timme.", "The expected waiting time is more than an hour."},
		100 * time.Hour:               {"Den beräknade väntetiden är mer än en timme.", "The expected waiting time is more than an hour."},
		9*time.Minute + 5*time.Second: {"Den beräknade väntetiden är ungefär tio minuter.", "The expected waiting time is about ten minutes."},
	} {
		if sv, en := spoken.Wait("sv", wait), spoken.Wait("en", wait); sv != want[0] || en != want[1] {
			t.Errorf("%s is told as %q and %q", wait, sv, en)
		}
	}
}

// What a speech engine would read in its own way is gone, whatever was written.
func TestNoDigitIsLeft(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`([0-9]{1,9}|[a-zåäö]{1,4}|[ .,:/+#%–-]|kl|maj|den| pm){0,12}`).Draw(t, "text")
		language := rapid.SampledFrom([]string{"sv", "en"}).Draw(t, "language")
		said := spoken.Text(language, text)
		if strings.ContainsAny(said, "0123456789") {
			t.Fatalf("%s: %q is said as %q", language, text, said)
		}
		if again := spoken.Text(language, said); again != said {
			t.Fatalf("%s: %q is said as %q and then as %q", language, text, said, again)
		}
	})
}
