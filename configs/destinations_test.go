package configs_test

import (
	"strings"
	"testing"

	"svar/configs"
)

func TestDestinationsAreProved(t *testing.T) {
	t.Parallel()
	for name, story := range map[string]struct{ file, want string }{
		"right":       {`{id: office, number: "08-508 123 45", name: {sv: Kontoret, en: The office}}`, ""},
		"no number":   {`{id: office, number: nobody, name: {sv: Kontoret, en: The office}}`, `"nobody" is not a whole telephone number`},
		"short":       {`{id: office, number: "112", name: {sv: Kontoret, en: The office}}`, `"112" is not a whole telephone number`},
		"premium":     {`{id: office, number: "0900-123 45 67", name: {sv: Kontoret, en: The office}}`, "costs more than a local call"},
		"a service":   {`{id: office, number: "0718-123 456", name: {sv: Kontoret, en: The office}}`, "nobody is sent there"},
		"far away":    {`{id: office, number: "+4721234567", name: {sv: Kontoret, en: The office}}`, "phone.outbound.prefixes allows no calls"},
		"our own":     {`{id: office, number: "08-508 00 100", name: {sv: Kontoret, en: The office}}`, "is a line of this desk"},
		"no name":     {`{id: office, number: "08-508 123 45", name: {sv: Kontoret}}`, `a name in the language "en" is missing`},
		"no id":       {`{number: "08-508 123 45", name: {sv: Kontoret, en: The office}}`, "needs an id"},
		"a name left": {`{id: office, number: "08-508 123 45", name: {sv: A, en: A}}, {id: office, number: "08-508 123 46", name: {sv: B, en: B}}`, "taken by another"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config, err := configs.Load(write(t, "destinations: ["+story.file+"]\n"), noEnv)
			switch {
			case story.want == "" && err != nil:
				t.Errorf("refused: %v", err)
			case story.want == "":
				if number, known := config.Destination("office"); !known || number != "+46850812345" {
					t.Errorf("the office is at %q, %t", number, known)
				}
				if _, known := config.Destination("nowhere"); known {
					t.Error("a place that is not configured has a number")
				}
			case err == nil || !strings.Contains(err.Error(), story.want):
				t.Errorf("err = %v, want %q", err, story.want)
			}
		})
	}
}
