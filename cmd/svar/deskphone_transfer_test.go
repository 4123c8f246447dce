package main

import (
	"reflect"
	"testing"

	"svar/configs"
	"svar/contact"
	"svar/identity"
)

// By the transfer key of a desk phone nobody is reached but those whom the console offers.
func TestWhomADeskPhoneSendsUsersTo(t *testing.T) {
	t.Parallel()
	a := &App{directory: &directory{}}
	a.live.Store(&configs.Config{
		Lines:        []configs.Line{{ID: "staff", Number: "+46850800100"}},
		Groups:       []configs.Group{{ID: "network"}},
		Destinations: []configs.Destination{{ID: "office", Number: "+46850812345"}, {ID: "broken", Number: "0900"}},
	})
	a.directory.accounts.Store(&map[string]identity.Account{
		"anna": {Name: "anna", Active: true}, "bo": {Name: "bo", Active: true}, "gone": {Name: "gone"},
	})
	office := contact.Destination{Outside: "office"}
	for dialled, want := range map[string]contact.Destination{
		"office": office, "Office": office, "+46850812345": office, "08-508.123.45": office, "0850812345": office, "0046850812345": office,
		"bo": {Agent: "bo"}, "network": {Needs: contact.Needs{{Skill: "network", Level: 1}}},
	} {
		if got, known := a.transferTo("anna", dialled); !known || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %+v, %v", dialled, got, known)
		}
	}
	for _, dialled := range []string{
		"", "anna", "gone", "staff", "+46850800100", "0850800100", "112", "90000", "0900", "0900123456", "+46900123456", "118118", "+46701740605",
		"+15005550006", "+468508123456", "office2", "eva",
	} {
		if got, known := a.transferTo("anna", dialled); known {
			t.Errorf("%q is %+v", dialled, got)
		}
	}
}
