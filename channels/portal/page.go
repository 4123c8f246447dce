package portal

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

//go:embed pages
var pageFiles embed.FS

var pages = template.Must(template.ParseFS(pageFiles, "pages/*.html"))

//go:embed portal.css
var style []byte

// fault is what was wrong with a field of a form, or with the whole when Field is empty.
type fault struct{ Field, Text string }

// page is what the templates are filled with.
type page struct {
	Lang, Title, Path string
	query             url.Values
	User              *User
	Faults            []fault
	Data              any
}

// T returns a text in the page's language.
func (p page) T(key string) string { return say(p.Lang, key) }

// OtherPage is this page in the other language, with whatever else its address says: where
// somebody goes after signing in is kept.
func (p page) OtherPage() string {
	p.query.Set("lang", p.OtherLang())
	return p.Path + "?" + p.query.Encode()
}

// OtherLang is the language that the page can be switched to.
func (p page) OtherLang() string {
	if p.Lang == "en" {
		return "sv"
	}
	return "en"
}

// OtherName is how speakers of the other language call it.
func (p page) OtherName() string {
	if p.Lang == "en" {
		return "På svenska"
	}
	return "In English"
}

// Fault returns what was wrong with the field; nil when nothing was.
func (p page) Fault(field string) *fault {
	for i := range p.Faults {
		if p.Faults[i].Field == field {
			return &p.Faults[i]
		}
	}
	return nil
}

// newPage returns a page for the visitor, with its title by key.
func (p *Portal) newPage(r *http.Request, title string) page {
	lang := choose(r)
	out := page{Lang: lang, Title: say(lang, title), Path: r.URL.Path, query: r.URL.Query()}
	if _, user, in := p.session(r); in {
		out.User = &user
	}
	return out
}

const languageLife = 365 * 24 * time.Hour

// show sends a page. It is made first, so that an error is not half a page.
func (p *Portal) show(w http.ResponseWriter, r *http.Request, status int, name string, content page) {
	var out bytes.Buffer
	if err := pages.ExecuteTemplate(&out, name, content); err != nil {
		p.config.Log.Error().Err(err).Str("page", name).Msg("a page of the portal could not be made")
		http.Error(w, say(content.Lang, "fail.503"), http.StatusInternalServerError)
		return
	}
	if r.URL.Query().Get("lang") == content.Lang {
		http.SetCookie(w, &http.Cookie{ //nolint:gosec // Secure is set by whether the browser speaks TLS
			Name: languageCookie, Value: content.Lang, Path: "/", MaxAge: int(languageLife / time.Second),
			HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: p.secureCookies(r),
		})
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", content.Lang)
	h.Set("Vary", "Accept-Language, Cookie")
	w.WriteHeader(status)
	_, _ = w.Write(out.Bytes()) // the visitor is gone
}

// fail says in words what cannot be shown or done.
func (p *Portal) fail(w http.ResponseWriter, r *http.Request, status int) {
	key := "fail." + strconv.Itoa(status)
	content := p.newPage(r, key)
	content.Data = content.T(key + ".then")
	p.show(w, r, status, "message", content)
}

func (p *Portal) serveStyle(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	w.Header().Set("Cache-Control", "public, max-age=3600")
	_, _ = w.Write(p.config.Tokens)
	_, _ = w.Write(style)
}
