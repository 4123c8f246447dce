package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

// allowed lists the SPDX identifiers that a dependency may have. All of them can be combined with a work under EUPL-1.2:
// permissive ones freely, MPL-2.0 and LGPL because they bind their own files only and stand in the EUPL's appendix.
// Python-2.0 (argparse) and CC-BY-4.0 (browser support data) come with the console's build tools.
var allowed = []string{
	"0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "BlueOak-1.0.0", "CC-BY-4.0", "CC0-1.0", "EUPL-1.2", "ISC",
	"LGPL-2.1-only", "LGPL-2.1-or-later", "LGPL-3.0-only", "LGPL-3.0-or-later", "MIT", "MIT-0", "MPL-2.0", "Python-2.0",
	"Unlicense", "Zlib",
}

func main() {
	root := flag.String("root", ".", "the project's top folder")
	lock := flag.String("lock", filepath.Join("agentui", "web", "package-lock.json"), "npm's lock file, below the top folder")
	flag.Parse()

	modules, goErr := checkModules(context.Background(), *root)
	packages, npmErr := checkPackages(filepath.Join(*root, *lock))
	if err := errors.Join(goErr, npmErr); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Printf("licences: %d Go modules and %d npm packages are fine\n", modules, packages)
}
