package configs_test

import (
	"strings"
	"testing"

	"svar/configs"
	"svar/contact"
	"svar/queue"
)

// What the desk's rules may be is said by the check, at its place: the engine only says no, to
// all of them.
func TestTheCheckSaysWhatTheEngineRefuses(t *testing.T) {
	t.Parallel()
	for text, fault := range map[string]string{
		"wrap_up_limit: 24h":                                         "",
		"wrap_up_limit: 24h1s":                                       "24h0m1s is longer than 24h0m0s",
		"wrap_up_limit: -1s":                                         "cannot last less than 0 s",
		"wrap_up_limit: 0s":                                          "",
		"wrap_up_extension: 25h":                                     "longer than 24h0m0s",
		"wrap_up_extension: -1s":                                     "longer than 0 s",
		`wrap_up_code: ""`:                                           "needs a code",
		"wrap_up_code: solved":                                       "one of outcome_codes",
		`wrap_up_code: "not\tstated"`:                                "no outcome code",
		"offer_timeout: 11m":                                         "longer than 10m0s",
		"connect_timeout: 11m":                                       "longer than 10m0s",
		"dial_timeout: 11m":                                          "longer than 10m0s",
		"unreachable_grace: 25h":                                     "longer than 24h0m0s",
		"dials_per_contact: 21":                                      "more than 20",
		"dials_per_hour: 5001":                                       "more than 5000",
		"outcome_codes: [a, a]":                                      "stands here twice",
		`outcome_codes: [""]`:                                        "no outcome code",
		"outcome_codes: [" + strings.Repeat("x", 129) + "]":          "no outcome code",
		"outcome_codes: [" + strings.Repeat("x", 128) + "]":          "",
		"wrap_up_limit: 0s, wrap_up_extension: -1s":                  "longer than 0 s",
		"wrap_up_limit: 0s, wrap_up_code: solved":                    "one of outcome_codes",
		`wrap_up_limit: 0s, wrap_up_code: "", wrap_up_extension: 0s`: "",
		"channels: [{channel: voice, capacity: 1, beside: [], offer_timeout: 11m}]": "longer than 10m0s",
	} {
		config, err := configs.Load(write(t, "desk: {"+text+"}\n"), noEnv)
		refused := err != nil
		if refused != (fault != "") || refused && (!strings.Contains(err.Error(), fault) || !strings.Contains(err.Error(), "own.yaml:1:")) {
			t.Errorf("%s: %v; want %q", text, err, fault)
		}
		if _, no := queue.New().Step(contact.ChangeRules{Rules: config.Rules()}, 1); (no != nil) != refused {
			t.Errorf("%s: the check says %v, the engine %v", text, err, no)
		}
	}
}
