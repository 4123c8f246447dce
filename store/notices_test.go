package store

import (
	"context"
	"errors"
	"reflect"
	"testing"

	"svar/contact"
	"svar/store/storetest"
)

func notice(id contact.NoticeID, published int) contact.Notice {
	return contact.Notice{
		ID: id, Service: "print", Lines: []contact.LineID{"staff", "portal"}, Audiences: []contact.Audience{contact.AudienceStaff},
		Text: map[string]string{"sv": "Utskrifter fungerar inte.", "en": "Printing is down."},
		From: after(published + 5), Until: after(published + 3600), Published: after(published), By: "eva",
	}
}

func embargo(id contact.EmbargoID, from int) contact.Embargo {
	return contact.Embargo{ID: id, Service: "print", Contact: "Åke Berg", Scope: "Allt om utskrift", Relief: "V-17", From: after(from), By: "eva"}
}

func notices(t testing.TB, s *Store) contact.Notices {
	t.Helper()
	found, err := s.Notices(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestNoticesComeBack(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	unbounded := notice("n-2", 10)
	unbounded.Lines, unbounded.Audiences, unbounded.Until = []contact.LineID{}, []contact.Audience{}, 0
	for _, n := range []contact.Notice{unbounded, notice("n-1", 0)} {
		if err := s.PublishNotice(t.Context(), n); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.SetEmbargo(t.Context(), embargo("e-1", 0)); err != nil {
		t.Fatal(err)
	}
	want := contact.Notices{Notices: []contact.Notice{notice("n-1", 0), unbounded}, Embargoes: []contact.Embargo{embargo("e-1", 0)}}
	if got := notices(t, s); !reflect.DeepEqual(got, want) {
		t.Errorf("\n got %+v\nwant %+v", got, want)
	}
	if err := s.WithdrawNotice(t.Context(), "n-1", "bo", after(60)); err != nil {
		t.Fatal(err)
	}
	if err := s.LiftEmbargo(t.Context(), "e-1", "adam", after(70)); err != nil {
		t.Fatal(err)
	}
	if got := notices(t, s); len(got.Notices) != 1 || got.Notices[0].ID != "n-2" || len(got.Embargoes) != 0 {
		t.Errorf("still standing: %+v", got)
	}
	// What was is kept, with who did it and when (requirement 3.6).
	withdrawn, lifted := notice("n-1", 0), embargo("e-1", 0)
	withdrawn.Withdrawn, withdrawn.WithdrawnBy = after(60), "bo"
	lifted.Lifted, lifted.LiftedBy = after(70), "adam"
	want = contact.Notices{Notices: []contact.Notice{unbounded, withdrawn}, Embargoes: []contact.Embargo{lifted}}
	if got, err := s.NoticeLog(t.Context(), 0, "", 10); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("\n got %+v, %v\nwant %+v", got, err, want)
	}
	if got, err := s.NoticeLog(t.Context(), 0, "", 1); err != nil || len(got.Notices) != 1 || got.Notices[0].ID != "n-2" {
		t.Errorf("the newest is %+v, %v", got, err)
	}
}

// The log is read page by page; of what was published at one moment nothing is left out.
func TestNoticeLogGoesOn(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	for _, id := range []contact.NoticeID{"n-1", "n-2", "n-3"} {
		if err := s.PublishNotice(t.Context(), notice(id, 0)); err != nil {
			t.Fatal(err)
		}
	}
	for id, from := range map[contact.EmbargoID]int{"e-1": 0, "e-2": 5} {
		if err := s.SetEmbargo(t.Context(), embargo(id, from)); err != nil {
			t.Fatal(err)
		}
	}
	got, err := s.NoticeLog(t.Context(), notice("n-3", 0).Published, "n-3", 1)
	if err != nil || len(got.Notices) != 1 || got.Notices[0].ID != "n-2" || len(got.Embargoes) != 1 || got.Embargoes[0].ID != "e-1" {
		t.Errorf("after n-3: %+v, %v", got, err)
	}
	got, err = s.NoticeLog(t.Context(), notice("n-1", 0).Published, "n-1", 10)
	if err != nil || len(got.Notices) != 0 {
		t.Errorf("after the last: %+v, %v", got, err)
	}
}

func TestNoticesAreChangedOnce(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	ctx := t.Context()
	for name, test := range map[string]struct {
		do   func() error
		want error
	}{
		"withdraw nothing": {func() error { return s.WithdrawNotice(ctx, "n-9", "eva", after(1)) }, ErrNotFound},
		"lift nothing":     {func() error { return s.LiftEmbargo(ctx, "e-9", "eva", after(1)) }, ErrNotFound},
		"publish twice":    {func() error { return twice(func() error { return s.PublishNotice(ctx, notice("n-1", 0)) }) }, ErrExists},
		"set twice":        {func() error { return twice(func() error { return s.SetEmbargo(ctx, embargo("e-1", 0)) }) }, ErrExists},
	} {
		if err := test.do(); !errors.Is(err, test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := twice(func() error { return s.WithdrawNotice(ctx, "n-1", "eva", after(1)) }); !errors.Is(err, ErrNotFound) {
		t.Errorf("withdrawn twice: %v", err)
	}
	nobody := embargo("e-2", 0)
	nobody.Contact = ""
	if err := s.SetEmbargo(ctx, nobody); err == nil {
		t.Error("an embargo that nobody gave was taken")
	}
}

func twice(do func() error) error {
	if err := do(); err != nil {
		return errors.New("the first time failed")
	}
	return do()
}

// Every process hears of every change, and reads it.
func TestFollowNotices(t *testing.T) {
	t.Parallel()
	connString := storetest.Database(t)
	var processes [2]*Store
	for i := range processes {
		s, err := Open(t.Context(), connString)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.Close)
		processes[i] = s
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	seen, done := make(chan contact.Notices), make(chan error, 1)
	go func() {
		done <- processes[0].FollowNotices(ctx, func(ctx context.Context) error {
			found, err := processes[0].Notices(ctx)
			if err != nil {
				return err
			}
			select {
			case seen <- found:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	}()
	now, writer := after(10), processes[1]
	steps := []struct {
		name string
		do   func() error
		told int
	}{
		{"at first", func() error { return nil }, 0},
		{"published", func() error { return writer.PublishNotice(ctx, notice("n-1", 0)) }, 1},
		{"blocked", func() error { return writer.SetEmbargo(ctx, embargo("e-1", 0)) }, 0},
		{"unblocked", func() error { return writer.LiftEmbargo(ctx, "e-1", "eva", after(9)) }, 1},
		{"withdrawn", func() error { return writer.WithdrawNotice(ctx, "n-1", "eva", after(9)) }, 0},
	}
	for _, step := range steps {
		if err := step.do(); err != nil {
			t.Fatal(err)
		}
		if told := (<-seen).Told("staff", contact.AudienceStaff, now); len(told) != step.told {
			t.Errorf("%s: %d are told, want %d", step.name, len(told), step.told)
		}
	}
	stop()
	if err := <-done; err != nil {
		t.Errorf("ended by its context with %v", err)
	}
}
