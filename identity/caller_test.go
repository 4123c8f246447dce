package identity

import (
	"reflect"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestIdentifyCaller(t *testing.T) {
	t.Parallel()
	const number = Number("+46846500401")
	from := func(user string) CallHeaders { return CallHeaders{FromUser: user, FromHost: "trunk.example"} }
	asserted := func(values ...string) CallHeaders {
		return CallHeaders{FromUser: "+46701740699", FromHost: "trunk.example", PAssertedIdentity: values, TrustedTrunk: true}
	}
	withheld := CallerID{Withheld: true}

	tests := map[string]struct {
		headers CallHeaders
		want    CallerID
	}{
		// The forms in which trunks write From.
		"From, plus":               {from("+46846500401"), CallerID{Number: number}},
		"From, 00":                 {from("0046846500401"), CallerID{Number: number}},
		"From, country code alone": {from("46846500401"), CallerID{Number: number}},
		"From, national":           {from("0846500401"), CallerID{Number: number}},
		"From, foreign":            {from("+442079460018"), CallerID{Number: "+442079460018"}},
		"From, parameters in user": {from("+46846500401;npdi;verstat=No-TN-Validation"), CallerID{Number: number}},
		"From, local with context": {from("0846500401;phone-context=+46"), CallerID{Number: number}},
		"From, short":              {from("11414"), CallerID{Number: "11414"}},
		"From, with display name": {
			CallHeaders{FromDisplay: `"Ekbackens skola"`, FromUser: "+46846500401", FromHost: "192.0.2.7"},
			CallerID{Number: number, DisplayName: "Ekbackens skola"},
		},

		// Unknown is not withheld.
		"From, a name": {
			CallHeaders{FromDisplay: "Anna", FromUser: "anna", FromHost: "skola.example"}, CallerID{DisplayName: "Anna"},
		},
		"From, an extension":           {from("4012"), CallerID{}},
		"From, endless":                {from(strings.Repeat("4", maxIdentityHeader+1)), CallerID{}},
		"From, name service is silent": {CallHeaders{FromDisplay: "Unavailable", FromUser: "0846500401"}, CallerID{Number: number, DisplayName: "Unavailable"}},

		// P-Asserted-Identity.
		"PAI before From":        {asserted("<sip:+46846500401@trunk.example;user=phone>"), CallerID{Number: number, Asserted: true}},
		"PAI, bare URI":          {asserted("tel:+46846500401"), CallerID{Number: number, Asserted: true}},
		"PAI, 00":                {asserted("<sip:0046846500401@192.0.2.7>"), CallerID{Number: number, Asserted: true}},
		"PAI, SIP and tel":       {asserted("<sip:anna@skola.example>, <tel:+46846500401>"), CallerID{Number: number, Asserted: true}},
		"PAI, tel and SIP":       {asserted("tel:+46846500401,<sip:+46846500401@x;user=phone>"), CallerID{Number: number, Asserted: true}},
		"PAI, in two headers":    {asserted("<sip:anna@skola.example>", "<tel:0846500401;phone-context=+46>"), CallerID{Number: number, Asserted: true}},
		"PAI, comma in the name": {asserted(`"Berg, \"Anna\"" <sip:anna@x>, "Berg, Anna" <tel:+46846500401>`), CallerID{Number: number, Asserted: true, DisplayName: "Berg, Anna"}},
		"PAI, bracket in the name": {
			asserted(`"a <tel:+46701740601>, b" <sip:+46846500401@x>`), CallerID{Number: number, Asserted: true, DisplayName: "a <tel:+46701740601>, b"},
		},
		"PAI, comma in the URI": {asserted("<sip:+46846500401;x=a,b@x>"), CallerID{Number: number, Asserted: true}},
		"PAI, name from From": {
			CallHeaders{FromDisplay: "Anna", FromUser: "a", PAssertedIdentity: []string{"<tel:+46846500401>"}, TrustedTrunk: true},
			CallerID{Number: number, Asserted: true, DisplayName: "Anna"},
		},
		"PAI, no number":        {asserted("<sip:anna@skola.example>"), CallerID{Number: "+46701740699"}},
		"PAI, empty":            {asserted("", " , ,<>"), CallerID{Number: "+46701740699"}},
		"PAI, quote never ends": {asserted(`"Anna <tel:+46846500401>`), CallerID{Number: "+46701740699"}},
		"PAI, endless":          {asserted(strings.Repeat(",", maxIdentityHeader) + "tel:+46846500401"), CallerID{Number: "+46701740699"}},
		"PAI of a stranger": {
			CallHeaders{FromUser: "+46701740699", PAssertedIdentity: []string{"<tel:+46846500401>"}}, CallerID{Number: "+46701740699"},
		},

		// Privacy (row D2).
		"empty From":                 {CallHeaders{}, withheld},
		"anonymous URI":              {CallHeaders{FromDisplay: "Anonymous", FromUser: "anonymous", FromHost: "anonymous.invalid"}, withheld},
		"anonymous host, other user": {CallHeaders{FromUser: "thisis", FromHost: "Anonymous.Invalid."}, withheld},
		"anonymous at a trunk":       {CallHeaders{FromUser: "Anonymous", FromHost: "192.0.2.7"}, withheld},
		"restricted":                 {from("restricted"), withheld},
		"unavailable":                {from("unavailable"), withheld},
		"anonymous name only":        {CallHeaders{FromDisplay: `"Anonymous"`, FromUser: "+46846500401"}, withheld},
		"anonymous, PAI carries it": {
			CallHeaders{FromUser: "anonymous", FromHost: "anonymous.invalid", PAssertedIdentity: []string{"<tel:+46846500401>"}, TrustedTrunk: true}, withheld,
		},
		"empty From, PAI carries it": {CallHeaders{PAssertedIdentity: []string{"<tel:+46846500401>"}, TrustedTrunk: true}, withheld},
		"PAI is anonymous":           {asserted(`"Anonymous" <sip:anonymous@anonymous.invalid>`), withheld},
	}
	for _, privacy := range []string{"id", "user", "header", "ID", "critical;id", "none; id", "session;user;critical", "id,critical", " header "} {
		headers := asserted("<tel:+46701740605>")
		headers.Privacy = privacy
		tests["Privacy: "+privacy] = struct {
			headers CallHeaders
			want    CallerID
		}{headers, withheld}
	}
	for _, privacy := range []string{"", "none", "session", "critical", "history", "identity"} {
		headers := asserted("<tel:+46846500401>")
		headers.Privacy = privacy
		tests["no privacy: "+privacy] = struct {
			headers CallHeaders
			want    CallerID
		}{headers, CallerID{Number: number, Asserted: true}}
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := IdentifyCaller(test.headers, HomeRegion); got != test.want {
				t.Errorf("IdentifyCaller(%+v)\n got %+v\nwant %+v", test.headers, got, test.want)
			}
		})
	}
}

func TestSplitIdentities(t *testing.T) {
	t.Parallel()
	tests := map[string][]string{
		``:                      {``},
		`a,b`:                   {`a`, `b`},
		`"a,b" <c,d>,e`:         {`"a,b" <c,d>`, `e`},
		`"a\",b" <c>,d`:         {`"a\",b" <c>`, `d`},
		`"a\\",b`:               {`"a\\"`, `b`},
		`"never ends, <a>, b\`:  {`"never ends, <a>, b\`},
		`<never ends, a, "b,c"`: {`<never ends, a, "b,c"`},
	}
	for header, want := range tests {
		if got := splitIdentities(header); !reflect.DeepEqual(got, want) {
			t.Errorf("splitIdentities(%q) = %q; want %q", header, got, want)
		}
	}
}

func TestDisplayNamesAreMadeHarmless(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"Åsa Öberg":              "Åsa Öberg",
		"a\r\nb\x00c":            "abc",
		"a\u202eb\u2028c":        "abc",
		"a\xffb":                 "ab",
		strings.Repeat("å", 100): strings.Repeat("å", maxDisplayName),
	}
	for display, want := range tests {
		if got := cleanDisplayName(display); got != want {
			t.Errorf("cleanDisplayName(%q) = %q; want %q", display, got, want)
		}
	}
}

func FuzzIdentifyCaller(f *testing.F) {
	f.Add("Anna", "+46846500401", "x", `"Berg, Anna" <sip:+46846500401@x>, <tel:+46846500401>`, "none", true)
	f.Add("", "anonymous", "anonymous.invalid", "<tel:+46701740605>", "id;critical", true)
	f.Add(`"`, "", "", `"\`, ";;", false)
	f.Add("a\x00", "0846500401;phone-context=+46", "[::1]", "<<>>,,\"<", "history", true)
	f.Fuzz(func(t *testing.T, display, user, host, asserted, privacy string, trusted bool) {
		headers := CallHeaders{
			FromDisplay: display, FromUser: user, FromHost: host,
			PAssertedIdentity: []string{asserted}, Privacy: privacy, TrustedTrunk: trusted,
		}
		caller := IdentifyCaller(headers, HomeRegion)
		if caller.Withheld && caller != (CallerID{Withheld: true}) {
			t.Fatalf("withheld, but %+v", caller)
		}
		if caller.Asserted && (!trusted || caller.Number == "") {
			t.Fatalf("asserted without trust or number: %+v", caller)
		}
		if !utf8.ValidString(caller.DisplayName) || utf8.RuneCountInString(caller.DisplayName) > maxDisplayName ||
			strings.ContainsFunc(caller.DisplayName, unicode.IsControl) {
			t.Fatalf("display name %q", caller.DisplayName)
		}
		headers.Privacy += ";id"
		if hidden := IdentifyCaller(headers, HomeRegion); hidden != (CallerID{Withheld: true}) {
			t.Fatalf("Privacy: id, but %+v", hidden)
		}
	})
}
