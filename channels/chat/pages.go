package chat

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"

	"svar/channels/chat/web"
)

// asset is a built file, as it is sent: they are small and asked for by phones.
type asset struct {
	plain, zipped []byte
	tag, kind     string
}

// loadAssets reads and compresses all built files, by name.
func loadAssets(files fs.FS) (map[string]asset, error) {
	assets := map[string]asset{}
	err := fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasPrefix(path.Base(name), ".") {
			return err
		}
		data, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		zipped, err := compress(data)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(data)
		assets[name] = asset{plain: data, zipped: zipped, tag: hex.EncodeToString(sum[:12]), kind: mime.TypeByExtension(path.Ext(name))}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the chat's pages: %w", err)
	}
	return assets, nil
}

func compress(data []byte) ([]byte, error) {
	var out bytes.Buffer
	writer, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := writer.Write(data); err != nil {
		return nil, err
	}
	if err := writer.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// Handler serves /widget.js and everything below /chat/.
func (g *Gateway) Handler() http.Handler {
	mux := http.NewServeMux()
	policy := "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
	if len(g.config.Origins) > 0 {
		policy += " " + strings.Join(g.config.Origins, " ")
	}
	serve := func(pattern, name, cache string) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			h := w.Header()
			h.Set("Content-Security-Policy", policy)
			h.Set("Cross-Origin-Resource-Policy", "cross-origin") // pages of other origins load it
			h.Set("X-Content-Type-Options", "nosniff")
			h.Set("Referrer-Policy", "no-referrer")
			file := name
			if file == "" {
				file = "assets/" + r.PathValue("name")
			}
			g.assets[file].send(w, r, cache)
		})
	}
	// Pages name the widget without a version: a new one is there within minutes.
	serve("GET /widget.js", "widget.js", "public, max-age=300")
	serve("GET /chat/{$}", "index.html", "no-cache")
	serve("GET /chat/assets/{name}", "", "public, max-age=31536000, immutable")
	mux.HandleFunc("GET /chat/socket", g.serveSocket)
	return mux
}

// send answers with the file, or says that it is not there.
func (a asset) send(w http.ResponseWriter, r *http.Request, cache string) {
	if a.plain == nil {
		http.Error(w, "There is no such file. If all are missing, build them with: make build", http.StatusNotFound)
		return
	}
	h := w.Header()
	h.Set("Content-Type", a.kind)
	h.Set("Cache-Control", cache)
	h.Add("Vary", "Accept-Encoding")
	body, tag := a.plain, `"`+a.tag+`"`
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		body, tag = a.zipped, `"`+a.tag+`-gzip"`
		h.Set("Content-Encoding", "gzip")
	}
	h.Set("ETag", tag)
	if strings.Contains(r.Header.Get("If-None-Match"), tag) {
		h.Del("Content-Encoding")
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Length", fmt.Sprint(len(body)))
	_, _ = w.Write(body) // the visitor is gone
}

func builtAssets() (map[string]asset, error) { return loadAssets(web.Pages()) }
