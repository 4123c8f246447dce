package main

import (
	"reflect"
	"testing"

	"svar/contact"
	"svar/identity"
)

// The queue knows of each active account what it can do, and whom it is kept for.
func TestRosterIsMadeOfTheActiveAccounts(t *testing.T) {
	t.Parallel()
	got := roster([]identity.Account{
		{Name: "bo", Active: true, Reserved: "priority"},
		{Name: "anna", Active: true, Skills: []identity.Skill{{Name: "staff", Level: 4}}},
		{Name: "eva", Active: true, Reserved: "resident-impact"},
		{Name: "gone"},
	})
	want := contact.Roster{Agents: []contact.Agent{
		{ID: "anna", Skills: contact.Needs{{Skill: "staff", Level: 4}}},
		{ID: "bo", Reserved: contact.ClassPriorityLine},
		{ID: "eva", Reserved: contact.ClassResidentImpact},
	}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("the roster is %+v, want %+v", got, want)
	}
}
