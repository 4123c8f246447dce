package private

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

const (
	// oldestMajor is the oldest major version that Svar is tested with (Debian 12).
	oldestMajor = 15
	// debianPattern is where Debian and Ubuntu put each major version's programs.
	debianPattern = "/usr/lib/postgresql/*/bin"
)

// installation is one major version of the PostgreSQL server on this machine.
type installation struct {
	major     int
	directory string
}

func (i installation) program(name string) string { return filepath.Join(i.directory, name) }

// chooseInstallation returns the installation for a cluster: the one of the same major version when the cluster
// exists (wanted > 0), otherwise the newest.
func chooseInstallation(found []installation, wanted int, cluster string) (installation, error) {
	usable := slices.DeleteFunc(slices.Clone(found), func(i installation) bool { return i.major < oldestMajor })
	slices.SortStableFunc(usable, func(a, b installation) int { return b.major - a.major })
	if wanted > 0 {
		for _, candidate := range usable {
			if candidate.major == wanted {
				return candidate, nil
			}
		}
	}
	if len(usable) == 0 {
		return installation{}, fmt.Errorf("%w: run `make setup`, or install it yourself (on Debian: "+
			"`apt install postgresql-common postgresql`; version %d or newer), or set SVAR_DATABASE_URL to a database elsewhere",
			ErrNotInstalled, oldestMajor)
	}
	if wanted > 0 {
		return installation{}, fmt.Errorf("%w: %s was written by PostgreSQL %d, and installed is %d. Install version %[3]d again "+
			"(on Debian: `apt install postgresql-%[3]d`), or move the data to version %[4]d with pg_upgrade or pg_dump",
			ErrVersion, cluster, wanted, usable[0].major)
	}
	return usable[0], nil
}

// findInstallations looks where distributions put the server and then in PATH.
func findInstallations(ctx context.Context, pattern, path string) []installation {
	var found []installation
	directories, _ := filepath.Glob(pattern) // the only error is a malformed pattern, and ours is a constant
	for _, directory := range directories {
		major, err := strconv.Atoi(filepath.Base(filepath.Dir(directory)))
		if err == nil && hasServer(directory) {
			found = append(found, installation{major: major, directory: directory})
		}
	}
	for _, directory := range filepath.SplitList(path) {
		if !filepath.IsAbs(directory) || !hasServer(directory) {
			continue
		}
		if major, err := askMajor(ctx, filepath.Join(directory, "postgres")); err == nil {
			found = append(found, installation{major: major, directory: directory})
		}
	}
	return found
}

// hasServer tells a server's directory from one that has only psql.
func hasServer(directory string) bool {
	for _, name := range []string{"postgres", "initdb"} {
		info, err := os.Stat(filepath.Join(directory, name))
		if err != nil || !info.Mode().IsRegular() || info.Mode().Perm()&0o111 == 0 {
			return false
		}
	}
	return true
}

var versionText = regexp.MustCompile(`\(PostgreSQL\) (\d+)`)

func askMajor(ctx context.Context, postgres string) (int, error) {
	output, err := exec.CommandContext(ctx, postgres, "--version").Output()
	if err != nil {
		return 0, fmt.Errorf("ask %s for its version: %w", postgres, err)
	}
	match := versionText.FindSubmatch(output)
	if match == nil {
		return 0, fmt.Errorf("%s gives no version", postgres)
	}
	return strconv.Atoi(string(match[1]))
}

// clusterMajor reads which major version wrote a cluster; 0 when there is no cluster yet.
func clusterMajor(cluster string) (int, error) {
	if _, err := os.Lstat(cluster); errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	text, err := os.ReadFile(filepath.Join(cluster, "PG_VERSION"))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, fmt.Errorf("%w: %s has no PG_VERSION, so it is not a whole PostgreSQL cluster. Restore it from a backup, "+
			"or move it away to begin with an empty database", ErrDamaged, cluster)
	}
	if err != nil {
		return 0, fmt.Errorf("read the version of %s: %w", cluster, err)
	}
	major, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || major <= 0 {
		return 0, fmt.Errorf("%w: PG_VERSION in %s says %q, which is no version. Restore it from a backup", ErrDamaged, cluster, text)
	}
	return major, nil
}
