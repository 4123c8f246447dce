package store

import (
	"errors"
	"maps"
	"testing"

	"svar/identity"
)

func TestSecretsOfDeskPhonesAreKeptAndRemoved(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	if err := s.AddAccounts(t.Context(), noon, account("anna"), account("bo")); err != nil {
		t.Fatal(err)
	}
	first, second := identity.NewPhoneSecret("anna", "one"), identity.NewPhoneSecret("anna", "two")
	bos := identity.NewPhoneSecret("bo", "three")
	for _, put := range []struct {
		account string
		secret  identity.PhoneSecret
	}{{"anna", first}, {"bo", bos}, {"anna", second}} {
		if err := s.PutPhoneSecret(t.Context(), noon, put.account, put.secret); err != nil {
			t.Fatal(err)
		}
	}
	check := func(want map[string]identity.PhoneSecret) {
		t.Helper()
		if got, err := s.PhoneSecrets(t.Context()); err != nil || !maps.Equal(got, want) {
			t.Errorf("%d secrets, %v; want %d", len(got), err, len(want))
		}
	}
	check(map[string]identity.PhoneSecret{"anna": second, "bo": bos})
	if err := s.PutPhoneSecret(t.Context(), noon, "nobody", first); !errors.Is(err, ErrNoAccount) {
		t.Errorf("the secret of no account: %v", err)
	}
	if err := s.PutPhoneSecret(t.Context(), noon, "bo", identity.PhoneSecret{MD5: "x", SHA256: "y"}); err == nil {
		t.Error("what is no hash was kept")
	}
	for _, want := range []bool{true, false} {
		if removed, err := s.RemovePhoneSecret(t.Context(), "anna"); err != nil || removed != want {
			t.Errorf("removed: %v, %v; want %v", removed, err, want)
		}
	}
	check(map[string]identity.PhoneSecret{"bo": bos})
}
