// Package web holds the chat's built pages: the widget that other pages load, and the page in
// its frame. Their source is beside it, in src; Vite builds them into dist, which is embedded
// into the binary and not committed.
package web

import (
	"embed"
	"io/fs"
)

//go:embed all:dist
var dist embed.FS

// Pages returns the built files: widget.js, index.html and assets. A binary that was built
// without them has none.
func Pages() fs.FS {
	pages, err := fs.Sub(dist, "dist")
	if err != nil {
		panic(err) // the folder is named by the embed directive above
	}
	return pages
}
