package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/licensecheck"
)

// recognised is the share of a licence file, in per cent, that must be known text: less, and the file says more than the
// licence that was recognised in it.
const recognised = 75

// module is what `go list` tells of a dependency.
type module struct {
	Path    string
	Version string
	Dir     string
	Main    bool
}

// checkModules checks every module that a package or a test below root imports, and returns how many there are.
func checkModules(ctx context.Context, root string) (int, error) {
	modules, err := listModules(ctx, root)
	if err != nil {
		return 0, err
	}
	var offenders []error
	for _, dependency := range modules {
		if err := checkModule(dependency); err != nil {
			offenders = append(offenders, fmt.Errorf("module %s %s: %w", dependency.Path, dependency.Version, err))
		}
	}
	return len(modules), errors.Join(offenders...)
}

// listModules returns the modules, sorted by path, that the packages and tests below root import, directly or not.
func listModules(ctx context.Context, root string) ([]module, error) {
	command := exec.CommandContext(ctx, "go", "list", "-deps", "-test", "-json=Module", "./...")
	command.Dir = root
	command.Stderr = os.Stderr
	output, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("listing the Go modules: %w", err)
	}
	found := map[string]module{}
	for decoder := json.NewDecoder(strings.NewReader(string(output))); ; {
		var listed struct{ Module *module }
		if err := decoder.Decode(&listed); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, fmt.Errorf("reading what go list says: %w", err)
		}
		if listed.Module != nil && !listed.Module.Main {
			found[listed.Module.Path] = *listed.Module
		}
	}
	modules := make([]module, 0, len(found))
	for _, dependency := range found {
		modules = append(modules, dependency)
	}
	slices.SortFunc(modules, func(a, b module) int { return strings.Compare(a.Path, b.Path) })
	return modules, nil
}

// checkModule tells whether the licence files at the top of a module are known and allowed.
func checkModule(dependency module) error {
	entries, err := os.ReadDir(dependency.Dir)
	if err != nil {
		return fmt.Errorf("looking for its licence: %w", err)
	}
	var found []string
	for _, entry := range entries {
		if entry.IsDir() || !isLicenceFile(entry.Name()) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dependency.Dir, entry.Name()))
		if err != nil {
			return fmt.Errorf("reading its licence: %w", err)
		}
		coverage := licensecheck.Scan(text)
		if coverage.Percent < recognised {
			return fmt.Errorf("%s is not a known licence (%.0f %% of its text is)", entry.Name(), coverage.Percent)
		}
		for _, match := range coverage.Match {
			if !slices.Contains(allowed, match.ID) {
				return fmt.Errorf("licence %s is not on the list", match.ID)
			}
			found = append(found, match.ID)
		}
	}
	if len(found) == 0 {
		return errors.New("no licence file at its top")
	}
	return nil
}

// isLicenceFile tells whether a file of this name holds a module's licence.
func isLicenceFile(name string) bool {
	name = strings.ToUpper(name)
	for _, prefix := range []string{"LICENSE", "LICENCE", "COPYING", "UNLICENSE"} {
		if strings.HasPrefix(name, prefix) && !strings.HasSuffix(name, ".GO") {
			return true
		}
	}
	return false
}
