package queue

import (
	"reflect"
	"slices"
	"testing"

	"svar/contact"
)

// fullRules have something in every field, one of each in every list.
func fullRules() contact.Rules {
	r := DefaultRules()
	r.OutcomeCodes = []contact.OutcomeCode{"solved"}
	r.Channels = []contact.ChannelRule{{Channel: contact.Chat, Capacity: 1, Beside: []contact.Channel{contact.Mail}, OfferTimeout: 1}}
	r.WrapUpLimit, r.WrapUpExtension, r.WrapUpCode = 1, 1, "not-stated"
	r.DialTimeout, r.DialsPerContact, r.DialsPerHour = 1, 1, 1
	overflow := contact.Relaxation{After: 1, Kind: contact.RelaxOverflow, Level: 1, Group: "desk"}
	r.Groups = []contact.GroupRule{{
		Group: "grades", Relax: []contact.Relaxation{overflow}, RelaxTexts: []contact.Relaxation{overflow}, BreaksAtOnce: 1,
	}}
	day := contact.DayWindow{From: 1, To: 2}
	r.Hours = []contact.HoursRule{{ID: "desk", Zone: "UTC", Exceptions: []contact.DayException{{Date: "2026-12-24", Open: []contact.DayWindow{day}}}}}
	for weekday := range r.Hours[0].Weekly {
		r.Hours[0].Weekly[weekday] = []contact.DayWindow{day}
	}
	r.RiseAfter, r.ImpactFrom, r.RampUp, r.PreferFor, r.PreferWithin = 100, 1, 1, 1, 1
	r.PauseReasons = []contact.PauseRule{{Reason: "lunch", Limit: 1, Break: true}}
	r.OfferCallbacks, r.CallbackTries, r.RetryAfter, r.AppointmentWait, r.TransferWait = true, 1, 1, 1, 1
	return r
}

// eachField visits every single value in v, by its name.
func eachField(v reflect.Value, name string, visit func(reflect.Value, string)) {
	switch v.Kind() {
	case reflect.Struct:
		for n := range v.NumField() {
			eachField(v.Field(n), name+"."+v.Type().Field(n).Name, visit)
		}
	case reflect.Slice, reflect.Array:
		for n := range v.Len() {
			eachField(v.Index(n), name, visit)
		}
	default:
		visit(v, name)
	}
}

// A change of whatever field is a change of the rules, and every length of time has a limit both ways: a sum
// with one would leave 64 bits, or the past would be due.
func TestEveryFieldOfTheRulesCounts(t *testing.T) {
	t.Parallel()
	if !validRules(fullRules()) || !sameRules(fullRules(), cloneRules(fullRules())) {
		t.Fatal("the full rules are not valid, or not the same as themselves")
	}
	rules := fullRules()
	eachField(reflect.ValueOf(&rules).Elem(), "Rules", func(field reflect.Value, name string) {
		if field.IsZero() {
			t.Errorf("%s is empty", name)
		}
		before := reflect.ValueOf(field.Interface())
		defer field.Set(before)
		field.SetZero()
		if sameRules(rules, fullRules()) {
			t.Errorf("without %s the rules are the same", name)
		}
		if field.Type() != reflect.TypeFor[contact.Millis]() {
			return
		}
		for _, wrong := range []int64{-1, 1 << 60} {
			if field.SetInt(wrong); validRules(rules) {
				t.Errorf("%s may be %d", name, wrong)
			}
		}
	})
}

// A change of whatever is known of an agent is a change of the roster.
func TestEveryFieldOfTheRosterCounts(t *testing.T) {
	t.Parallel()
	full := func() contact.Roster {
		return contact.Roster{Agents: []contact.Agent{{ID: "anna", Skills: contact.Needs{{Skill: "sv", Level: 1}}, Reserved: 1}}}
	}
	e := New()
	if _, err := e.Step(contact.ChangeRoster{Roster: full()}, 1); err != nil || !e.isRoster(full()) {
		t.Fatalf("%v", err)
	}
	roster := full()
	eachField(reflect.ValueOf(&roster).Elem(), "Roster", func(field reflect.Value, name string) {
		before := reflect.ValueOf(field.Interface())
		defer field.Set(before)
		field.SetZero()
		if before.IsZero() || e.isRoster(roster) {
			t.Errorf("without %s the roster is the same", name)
		}
	})
	if twice := append(slices.Clone(full().Agents), full().Agents...); e.isRoster(contact.Roster{Agents: twice}) {
		t.Error("an agent who is there twice is the same roster")
	}
}
