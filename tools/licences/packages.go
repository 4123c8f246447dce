package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/github/go-spdx/v2/spdxexp"
)

// lockFile is the part of package-lock.json (lockfileVersion 3) that says what each package's licence is. Keys are
// folders, such as node_modules/vite; the empty one is the project itself.
type lockFile struct {
	Packages map[string]lockedPackage `json:"packages"`
}

type lockedPackage struct {
	Version string `json:"version"`
	License string `json:"license"`
	Link    bool   `json:"link"`
}

// checkPackages checks every npm package that the lock file names, those for other operating systems included, and
// returns how many there are. Without a lock file there is no console yet and nothing to check.
func checkPackages(path string) (int, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("reading the npm lock file: %w", err)
	}
	var lock lockFile
	if err := json.Unmarshal(text, &lock); err != nil {
		return 0, fmt.Errorf("reading the npm lock file %s: %w", path, err)
	}
	delete(lock.Packages, "")
	var offenders []error
	for _, folder := range slices.Sorted(maps.Keys(lock.Packages)) {
		locked := lock.Packages[folder]
		if locked.Link {
			continue
		}
		licence := locked.License
		if licence == "" {
			licence = installedLicence(filepath.Join(filepath.Dir(path), folder))
		}
		if fine, err := spdxexp.Satisfies(licence, allowed); err != nil {
			offenders = append(offenders, fmt.Errorf("npm package %s %s: licence %q: %w", folder, locked.Version, licence, err))
		} else if !fine {
			offenders = append(offenders, fmt.Errorf("npm package %s %s: licence %s is not on the list", folder, locked.Version, licence))
		}
	}
	return len(lock.Packages), errors.Join(offenders...)
}

// installedLicence returns what an installed package says of its licence, in the older notations too, or "".
func installedLicence(folder string) string {
	text, err := os.ReadFile(filepath.Join(folder, "package.json"))
	if err != nil {
		return ""
	}
	var older struct {
		License  json.RawMessage `json:"license"`
		Licenses []struct {
			Type string `json:"type"`
		} `json:"licenses"`
	}
	if json.Unmarshal(text, &older) != nil {
		return ""
	}
	var name string
	var object struct {
		Type string `json:"type"`
	}
	switch {
	case json.Unmarshal(older.License, &name) == nil:
		return name
	case json.Unmarshal(older.License, &object) == nil:
		return object.Type
	case len(older.Licenses) > 0:
		return older.Licenses[0].Type
	}
	return ""
}
