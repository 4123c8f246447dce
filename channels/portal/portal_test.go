package portal_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"svar/channels/portal"
)

func get(t *testing.T, path, accept string) *httptest.ResponseRecorder {
	t.Helper()
	handler := portal.Handler([]portal.Line{{Name: map[string]string{"sv": "Medarbetare", "en": "Staff"}, Number: "+46850800100"}})
	request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
	request.Header.Set("Accept-Language", accept)
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, request)
	return recorder
}

func TestStartPageSaysHowTheDeskIsReached(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ path, accept, lang, line string }{
		{"/", "", "sv", "Medarbetare"},
		{"/", "en-GB,en;q=0.9", "en", "Staff"},
		{"/", "fi", "sv", "Medarbetare"},
		{"/?lang=en", "sv", "en", "Staff"},
		{"/?lang=xx", "sv", "sv", "Medarbetare"},
	} {
		page := get(t, test.path, test.accept)
		body := page.Body.String()
		for _, want := range []string{`<html lang="` + test.lang + `">`, "<dt>" + test.line, `href="tel:&#43;46850800100"`} {
			if !strings.Contains(body, want) {
				t.Errorf("%s for %q lacks %s:\n%s", test.path, test.accept, want, body)
			}
		}
		if page.Header().Get("Content-Language") != test.lang || !strings.Contains(page.Header().Get("Content-Security-Policy"), "default-src 'none'") {
			t.Errorf("headers of %s: %v", test.path, page.Header())
		}
	}
}

func TestNothingElseIsServed(t *testing.T) {
	t.Parallel()
	if got := get(t, "/portal.css", "").Code; got != http.StatusOK {
		t.Errorf("the style answers %d", got)
	}
	if got := get(t, "/secret", "").Code; got != http.StatusNotFound {
		t.Errorf("an unknown page answers %d", got)
	}
}
