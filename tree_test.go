package svar_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// longestFile is the number of lines after which a source file wants to be two.
const longestFile = 600

// sourceEndings are of files that people write and read.
var sourceEndings = []string{".go", ".ts", ".svelte", ".js", ".mjs", ".css", ".sql", ".html"}

// madeFolders hold what is installed, built or served, and never what is committed.
var madeFolders = []string{".git", "node_modules", "bin", "data", ".tools", "agentui/web/dist", "channels/chat/web/dist", "test-results", "rapid"}

func TestSourceFilesStayShort(t *testing.T) {
	t.Parallel()
	for path, text := range committedFiles(t) {
		if lines := bytes.Count(text, []byte("\n")); slices.Contains(sourceEndings, filepath.Ext(path)) && lines > longestFile {
			t.Errorf("%s has %d lines: split it by what its parts are about (at most %d)", path, lines, longestFile)
		}
	}
}

func TestFilesNameNoForeignPlaces(t *testing.T) {
	t.Parallel()
	// Put together here, so that this file does not name them either.
	places := []string{"/" + "work/", "shared" + "/", "/tmp/" + "studio"}
	for path, text := range committedFiles(t) {
		for _, place := range places {
			if bytes.Contains(text, []byte(place)) && filepath.Base(path) != "package-lock.json" {
				t.Errorf("%s names %q, a place that is not part of the project", path, place)
			}
		}
	}
}

// A lock file that names where its packages came from ties everybody to that mirror.
func TestLockFilesNameNoRegistry(t *testing.T) {
	t.Parallel()
	for path, text := range committedFiles(t) {
		name := filepath.Base(path)
		if name == "package-lock.json" && bytes.Contains(text, []byte(`"resolved": "http`)) {
			t.Errorf("%s names a registry: set omit-lockfile-registry-resolved=true in .npmrc beside it and write it anew", path)
		}
		if name == ".npmrc" && bytes.Contains(text, []byte("registry=")) {
			t.Errorf("%s names a registry: that is each machine's own setting", path)
		}
	}
}

// committedFiles returns the text of every file of the tree that is not made from others, by its path.
func committedFiles(t *testing.T) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		} else if err != nil {
			return err
		}
		made := slices.Contains(madeFolders, filepath.ToSlash(path)) || slices.Contains(madeFolders, entry.Name())
		switch {
		case entry.IsDir() && made:
			return filepath.SkipDir
		case !entry.Type().IsRegular() || strings.HasSuffix(path, ".test") || strings.HasSuffix(path, ".prof"):
			return nil
		}
		text, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil // another package's test has taken its own file away
		}
		files[path] = text
		return err
	})
	if err != nil {
		t.Fatalf("reading the tree: %v", err)
	}
	return files
}
