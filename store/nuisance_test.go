package store

import (
	"bytes"
	"testing"
)

func TestNuisancesAreKeptByTheirHashAndForgotten(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	caller := bytes.Repeat([]byte{7}, 32)
	for _, mark := range []NuisanceMark{
		{Contact: "late", Caller: caller, At: after(20).Time()},
		{Contact: "early", Caller: caller, At: after(10).Time()},
		{Contact: "early", Caller: caller, At: after(30).Time()}, // once
	} {
		if err := s.MarkNuisance(t.Context(), mark); err != nil {
			t.Fatal(err)
		}
	}
	marks, err := s.NuisanceMarks(t.Context(), after(10).Time())
	if err != nil || len(marks) != 2 || marks[0].Contact != "early" || !marks[0].At.Equal(after(10).Time()) || !bytes.Equal(marks[1].Caller, caller) {
		t.Fatalf("the marks are %+v, %v", marks, err)
	}
	if err := s.ForgetNuisance(t.Context(), after(15).Time()); err != nil {
		t.Fatal(err)
	}
	if marks, err = s.NuisanceMarks(t.Context(), after(0).Time()); err != nil || len(marks) != 1 || marks[0].Contact != "late" {
		t.Errorf("left are %+v, %v", marks, err)
	}
}
