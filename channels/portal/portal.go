// Package portal is the users' own site. So far it is one page that says how the desk is
// reached; reporting, asking and following one's tickets come here.
//
// Its pages are html/template and work without JavaScript, in Swedish and English.
package portal

import (
	_ "embed"
	"html/template"
	"net/http"

	"golang.org/x/text/language"

	"svar/identity"
)

// Line is a number that people can ring.
type Line struct {
	// Name is by language tag: sv, en.
	Name   map[string]string
	Number identity.Number
}

//go:embed start.html
var startText string

//go:embed portal.css
var style []byte

var start = template.Must(template.New("start").Parse(startText))

// words are the texts of one language.
type words struct {
	Lang, Title, Ring, OtherLang, OtherName string
}

// languages are those that the pages are written in, the first one being for everybody
// whose browser asks for none of them.
var languages = []words{
	{"sv", "Service Desk", "Ring oss", "en", "In English"},
	{"en", "Service Desk", "Call us", "sv", "På svenska"},
}

var matcher = language.NewMatcher([]language.Tag{language.Swedish, language.English})

// choose returns the words for the visitor: by ?lang, else by what the browser prefers.
func choose(r *http.Request) words {
	if asked := r.URL.Query().Get("lang"); asked != "" {
		for _, w := range languages {
			if w.Lang == asked {
				return w
			}
		}
	}
	_, index := language.MatchStrings(matcher, r.Header.Get("Accept-Language"))
	return languages[index]
}

type shownLine struct{ Name, Dial, Readable string }

// Handler serves the start page at / and its style.
func Handler(lines []Line) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		chosen := choose(r)
		page := struct {
			words
			Lines []shownLine
		}{words: chosen}
		for _, line := range lines {
			page.Lines = append(page.Lines, shownLine{line.Name[chosen.Lang], string(line.Number), line.Number.Readable(identity.HomeRegion)})
		}
		h := w.Header()
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Content-Language", chosen.Lang)
		h.Set("Vary", "Accept-Language")
		secure(h)
		_ = start.Execute(w, page) // the visitor is gone
	})
	mux.HandleFunc("GET /portal.css", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/css; charset=utf-8")
		w.Header().Set("Cache-Control", "public, max-age=3600")
		secure(w.Header())
		_, _ = w.Write(style)
	})
	return mux
}

// secure lets the pages load nothing but their own style, and nobody frame them.
func secure(h http.Header) {
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
}
