// Package web holds the console's built pages. Their source is beside it, in src; Vite
// builds them into dist, which is embedded into the binary and not committed.
package web

import (
	"embed"
	"io/fs"
)

// Tokens are the design tokens, custom properties of CSS that console, portal and widget share.
//
//go:embed src/styles/tokens.css
var Tokens []byte

//go:embed all:dist
var dist embed.FS

// Pages returns the built pages: index.html and assets. A binary that was built without
// the console has no index.html.
func Pages() fs.FS {
	pages, err := fs.Sub(dist, "dist")
	if err != nil {
		panic(err) // the folder is named by the embed directive above
	}
	return pages
}
