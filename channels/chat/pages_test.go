package chat

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"

	"svar/channels/chat/web"
)

// The sizes that phones on a school's network load, gzipped (chatwoot#2658: 170 KiB).
const (
	largestLoader = 3 << 10
	largestChat   = 40 << 10
)

func TestTheChatIsSmall(t *testing.T) {
	t.Parallel()
	assets, err := loadAssets(web.Pages())
	if err != nil {
		t.Fatal(err)
	}
	if len(assets) == 0 {
		t.Fatal("the chat is not built; run make console")
	}
	if size := len(assets["widget.js"].zipped); size == 0 || size > largestLoader {
		t.Errorf("widget.js has %d bytes, at most %d are wanted", size, largestLoader)
	}
	all := 0
	for name, file := range assets {
		all += len(file.zipped)
		if bytes.Contains(file.plain, []byte("data:")) {
			t.Errorf("%s has a data: address, which the policy does not allow", name)
		}
	}
	if all > largestChat {
		t.Errorf("all together have %d bytes, at most %d are wanted", all, largestChat)
	}
	if page := assets["index.html"].plain; bytes.Contains(page, []byte("<style")) || !bytes.Contains(page, []byte(`src="/chat/assets/`)) {
		t.Errorf("the page is not one that the policy lets work:\n%s", page)
	}
	// Other people's pages load it as a classic script, whose names would be theirs too.
	if loader := assets["widget.js"].plain; !bytes.HasPrefix(loader, []byte("(()=>{")) || bytes.Contains(loader, []byte("import")) {
		t.Errorf("the loader leaves names in the page around it: %.80s", loader)
	}
}

func newPages(t *testing.T) http.Handler {
	t.Helper()
	g, err := New(newWorld(t).config())
	if err != nil {
		t.Fatal(err)
	}
	if g.assets, err = loadAssets(fstest.MapFS{
		".gitkeep": {}, "index.html": {Data: []byte("<p>page")}, "widget.js": {Data: []byte("(()=>{})()")}, "assets/index-1.js": {Data: []byte("1")},
	}); err != nil {
		t.Fatal(err)
	}
	return g.Handler()
}

func get(handler http.Handler, path string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w
}

func TestPagesAreServed(t *testing.T) {
	t.Parallel()
	pages := newPages(t)
	for path, want := range map[string]struct {
		status             int
		body, kind, cached string
	}{
		"/widget.js":                      {http.StatusOK, "(()=>{})()", "text/javascript", "public, max-age=300"},
		"/chat/?topic=chat-staff&lang=sv": {http.StatusOK, "<p>page", "text/html", "no-cache"},
		"/chat/assets/index-1.js":         {http.StatusOK, "1", "text/javascript", "public, max-age=31536000, immutable"},
		"/chat/assets/none.js":            {status: http.StatusNotFound},
		"/chat/assets/.gitkeep":           {status: http.StatusNotFound},
		"/chat/index.html":                {status: http.StatusNotFound},
		"/chat/socket":                    {status: http.StatusServiceUnavailable}, // nothing serves
	} {
		w := get(pages, path)
		if w.Code != want.status {
			t.Errorf("%s: status %d, want %d", path, w.Code, want.status)
		}
		if want.status != http.StatusOK {
			continue
		}
		if w.Body.String() != want.body || !strings.HasPrefix(w.Header().Get("Content-Type"), want.kind) || w.Header().Get("Cache-Control") != want.cached {
			t.Errorf("%s: %q, %v", path, w.Body, w.Header())
		}
		zipped := get(pages, path, "Accept-Encoding", "gzip, br")
		reader, err := gzip.NewReader(zipped.Body)
		if err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(reader); err != nil || string(body) != want.body {
			t.Errorf("%s zipped: %q, %v", path, body, err)
		}
		tag := zipped.Header().Get("ETag")
		if tag == "" || tag == w.Header().Get("ETag") {
			t.Errorf("%s: both forms have the tag %q", path, tag)
		}
		if again := get(pages, path, "Accept-Encoding", "gzip", "If-None-Match", tag); again.Code != http.StatusNotModified || again.Body.Len() != 0 {
			t.Errorf("%s asked for again: %d, %d bytes", path, again.Code, again.Body.Len())
		}
	}
}

// The widget may stand on our own pages and those named, and loads nothing from elsewhere.
func TestThePagesPolicy(t *testing.T) {
	t.Parallel()
	header := get(newPages(t), "/chat/").Header()
	policy := header.Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "script-src 'self'", "frame-ancestors 'self' https://start.example"} {
		if !strings.Contains(policy, want) {
			t.Errorf("the policy %q has no %q", policy, want)
		}
	}
	if strings.Contains(policy, "unsafe") || header.Get("X-Content-Type-Options") != "nosniff" || header.Get("Referrer-Policy") != "no-referrer" {
		t.Errorf("the headers are %v", header)
	}
}

func TestConfigsThatCannotBe(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Config){
		"no intake":          func(c *Config) { c.Intake = nil },
		"no clock":           func(c *Config) { c.Now = nil },
		"a negative limit":   func(c *Config) { c.AwayLimit = -1 },
		"a topic twice":      func(c *Config) { c.Topics = append(c.Topics, c.Topics[0]) },
		"a topic's language": func(c *Config) { c.Topics[0].Languages = nil },
		"a topic's name":     func(c *Config) { c.Topics[0].Name = nil },
		"an origin's path":   func(c *Config) { c.Origins = []string{"https://start.example/x"} },
		"an origin's policy": func(c *Config) { c.Origins = []string{"https://a.example; script-src *"} },
		"an origin of all":   func(c *Config) { c.Origins = []string{"*"} },
	} {
		config := newWorld(t).config()
		change(&config)
		if _, err := New(config); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
	config, err := newWorld(t).config().complete()
	if err != nil || config.AwayLimit != DefaultAwayLimit || config.ChatsPerAddress != DefaultChatsPerAddress {
		t.Errorf("the defaults are %+v: %v", config, err)
	}
}
