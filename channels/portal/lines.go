package portal

import (
	"net/http"
	"time"

	"svar/contact"
)

// Handler serves the start page alone, with nothing but its lines.
//
// Deprecated: [Portal.Handler] is the whole site.
func Handler(lines []Line) http.Handler {
	p := &Portal{config: Config{Lines: lines, Notices: nothingDisturbed{}, Now: time.Now}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		r.Header.Del("Cookie") // nobody signs in here
		secure(w.Header())
		p.start(w, r)
	})
	mux.HandleFunc("GET /portal.css", serveStyle)
	return mux
}

type nothingDisturbed struct{}

func (nothingDisturbed) Notices() contact.Notices { return contact.Notices{} }
