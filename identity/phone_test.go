package identity

import (
	"fmt"
	"strings"
	"testing"
)

func TestSecretsOfDeskPhones(t *testing.T) {
	t.Parallel()
	// printf 'anna:svar:svar-demo' | md5sum, and sha256sum
	want := PhoneSecret{MD5: "0ace1ac89b6318ea257d2a76452a6f87", SHA256: "3db8a4ee66aa8b3d84f8e0ce34377cfaa08ffc137377c96b9daaeb9a658a640e"}
	if got := NewPhoneSecret("anna", "svar-demo"); got != want {
		t.Errorf("the hashes are %q and %q", got.MD5, got.SHA256)
	}
	if printed := fmt.Sprint(want); strings.Contains(printed, want.MD5) {
		t.Errorf("a secret prints itself: %s", printed)
	}
	one, other := NewPhonePassword(), NewPhonePassword()
	if one == other || len(one) != phonePassword || strings.Trim(one, "abcdefghijklmnopqrstuvwxyz234567") != "" {
		t.Errorf("passwords: %q, %q", one, other)
	}
}
