// Package svar_test checks the tree itself: which package imports which, what the pure packages keep away from, and what
// every committed file must be like. The packages explain themselves in their doc.go.
package svar_test

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// room says what a package of the tree may import directly. Imports of imports are the business of those packages.
type room struct {
	// imports are our packages that it may import, without "svar/".
	imports string
	// tests are further ones of ours that its tests may import.
	tests string
	// pure packages decide from their arguments alone: see forbiddenInPure and forbiddenCalls.
	pure bool
	// libraries are the modules of others that a pure package may import. The other packages choose freely.
	libraries string
}

// domain are the packages that hold the nouns and the rules, and no input or output.
const domain = "contact identity routing queue ticket report"

// anything is written as imports of a package that ties the others together.
const anything = "*"

// layout is the one list of our packages. A new package is a new line; a new top-level folder must earn its place.
var layout = map[string]room{
	"":                     {tests: anything},
	"contact":              {imports: "identity", pure: true},
	"channels":             {imports: "contact identity"},
	"channels/channeltest": {imports: "channels contact"},
	"channels/switchboard": {imports: "channels channels/media ivr queue/bus contact identity", tests: "channels/media/mediatest queue"},
	"channels/media":       {tests: "channels/media/mediatest"},
	// mediatest and webrtctest are parties to talk to, for tests of every package that has voice.
	"channels/media/mediatest":   {imports: "channels/media"},
	"channels/webrtc/webrtctest": {imports: "channels/media channels/media/mediatest"},
	"channels/phone":             {imports: "channels channels/media contact identity", tests: "channels/channeltest channels/media/mediatest channels/phone/phonetest"},
	"channels/phone/phonetest":   {imports: "channels/media channels/media/mediatest"},
	"channels/webrtc":            {imports: "channels channels/media contact", tests: "channels/channeltest channels/media/mediatest channels/webrtc/webrtctest"},
	"channels/chat":              {imports: "channels contact channels/chat/web", tests: "channels/channeltest"},
	"channels/chat/web":          {},
	"channels/mail":              {imports: "channels contact", tests: "channels/channeltest channels/mail/mailtest"},
	"channels/mail/mailtest":     {},
	"channels/portal":            {imports: "channels contact ticket report identity identity/signin", tests: "channels/channeltest"},
	"ivr":                        {imports: "channels contact ivr/spoken", pure: true},
	"ivr/spoken":                 {pure: true},
	"queue":                      {imports: "contact routing", pure: true},
	"queue/dispatch":             {imports: "queue routing queue/journal queue/bus contact"},
	// simulate runs the engine with a clock of its own: it decides from its arguments, a seed among them.
	// replay reads what the journal has, and lets the engine decide it again.
	"queue/replay":     {imports: "queue queue/journal contact", tests: "queue/dispatch queue/bus"},
	"queue/simulate":   {imports: "queue routing contact", pure: true},
	"queue/journal":    {imports: "contact"},
	"queue/bus":        {imports: "contact"},
	"routing":          {imports: "contact", pure: true},
	"ticket":           {imports: "contact identity", pure: true},
	"identity":         {pure: true, libraries: "github.com/nyaruka/phonenumbers github.com/alexedwards/argon2id github.com/golang-jwt/jwt/v5"},
	"identity/signin":  {},
	"report":           {imports: "contact ticket", pure: true},
	"agentui":          {imports: "agentui/web queue/bus contact routing ticket report identity identity/signin"},
	"agentui/web":      {},
	"store":            {imports: domain + " store/migrations store/private", tests: "store/storetest"},
	"store/migrations": {},
	"store/private":    {},
	"store/storetest":  {imports: "store store/migrations store/private"},
	// configs fills the Config of each package, gateways included, so it is named by cmd alone and names nobody's rules.
	"configs":  {imports: domain + " ivr channels/switchboard channels/media channels/phone channels/webrtc channels/chat channels/mail channels/portal queue/dispatch queue/journal queue/bus agentui store store/private"},
	"cmd/svar": {imports: anything},
	"docs":     {},
}

// gateways, like store and configs, are imported by cmd alone; they never import each other.
var gateways = []string{"channels/phone", "channels/webrtc", "channels/chat", "channels/mail", "channels/portal"}

// forbiddenInPure are packages, with all below them, that reach outside of the arguments.
var forbiddenInPure = []string{"net", "os", "database/sql", "log", "syscall"}

// forbiddenCalls ask the clock or wait for it; in a pure package `now` is an argument.
var forbiddenCalls = map[string][]string{
	"time": {"Now", "Since", "Until", "After", "AfterFunc", "Tick", "NewTicker", "NewTimer", "Sleep"},
}

// forbiddenNames say nothing about what is in a package.
var forbiddenNames = []string{"models", "utils", "util", "common", "service", "services", "helpers", "misc", "shared", "types"}

// goPackage is what `go list` tells of a package.
type goPackage struct {
	ImportPath   string
	Dir          string
	GoFiles      []string
	CgoFiles     []string
	Imports      []string
	TestImports  []string
	XTestImports []string
}

const module = "svar"

// name is the package's place in the tree, which is its key in layout.
func (p goPackage) name() string {
	return strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")
}

func TestEveryPackageHasItsRoom(t *testing.T) {
	t.Parallel()
	for _, listed := range listPackages(t) {
		name := listed.name()
		if _, known := layout[name]; !known {
			t.Errorf("package %s is not in the layout: add one line to arch_test.go that says what it may import", name)
		}
		if base := filepath.Base(name); slices.Contains(forbiddenNames, base) {
			t.Errorf("package %s: %q says nothing about what is in it; name it after what it owns", name, base)
		}
		// One file can say it itself; revive asks every package for its comment.
		if len(listed.GoFiles) > 1 && !strings.HasPrefix(name, "cmd/") && !slices.Contains(listed.GoFiles, "doc.go") {
			t.Errorf("package %s has no doc.go that says what it owns and what it does not", name)
		}
	}
}

func TestImportsFollowTheLayout(t *testing.T) {
	t.Parallel()
	for _, listed := range listPackages(t) {
		name := listed.name()
		allowed := layout[name]
		for _, imported := range ours(listed.Imports) {
			if !permits(allowed.imports, imported) {
				t.Errorf("%s imports %s, which the layout does not allow", name, imported)
			}
		}
		for _, imported := range ours(listed.TestImports, listed.XTestImports) {
			if imported != name && !permits(allowed.imports, imported) && !permits(allowed.tests, imported) {
				t.Errorf("a test of %s imports %s, which the layout does not allow", name, imported)
			}
		}
	}
}

// The layout itself must keep the rules that a line added in haste could break.
func TestLayoutKeepsItsRules(t *testing.T) {
	t.Parallel()
	for name, allowed := range layout {
		imports := strings.Fields(allowed.imports)
		for _, imported := range imports {
			if _, known := layout[imported]; !known && imported != anything {
				t.Errorf("layout: %s may import %s, which is not a package of the layout", name, imported)
			}
		}
		if name == "cmd/svar" || name == "configs" || name == "store/storetest" {
			continue
		}
		for _, kept := range append([]string{"store", "configs"}, gateways...) {
			if permits(allowed.imports, kept) {
				t.Errorf("layout: %s may import %s, which is for cmd alone", name, kept)
			}
		}
	}
	if permits(layout["routing"].imports, "queue") {
		t.Error("layout: routing may import queue; the queue asks routing, never the other way round")
	}
}

func TestPurePackagesStayPure(t *testing.T) {
	t.Parallel()
	for _, listed := range listPackages(t) {
		name := listed.name()
		allowed := layout[name]
		if !allowed.pure {
			continue
		}
		for _, imported := range listed.Imports {
			if slices.ContainsFunc(forbiddenInPure, func(outside string) bool { return within(imported, outside) }) {
				t.Errorf("%s is pure and imports %s", name, imported)
			}
			if isThirdParty(imported) && !slices.ContainsFunc(strings.Fields(allowed.libraries), func(library string) bool { return within(imported, library) }) {
				t.Errorf("%s is pure and imports %s: name the library in the layout if it reaches nothing outside", name, imported)
			}
		}
		for _, file := range append(listed.GoFiles, listed.CgoFiles...) {
			for _, complaint := range impurities(t, filepath.Join(listed.Dir, file), nil) {
				t.Errorf("%s is pure: %s", name, complaint)
			}
		}
	}
}

// A check that finds nothing must be able to find something.
func TestImpuritiesAreSeen(t *testing.T) {
	t.Parallel()
	const source = `package p
import clock "time"
func f(wait func()) { go wait(); _ = clock.Now(); g := clock.Since; _ = g }
`
	if found := impurities(t, "p.go", source); len(found) != 3 {
		t.Errorf("a goroutine, a call and a mention of the clock were to be seen, not %q", found)
	}
}

// impurities returns the goroutines and the questions to the clock in one file. source is as in parser.ParseFile.
func impurities(t *testing.T, path string, source any) []string {
	t.Helper()
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, path, source, parser.SkipObjectResolution)
	if err != nil {
		t.Fatalf("reading the source: %v", err)
	}
	forbidden := map[string][]string{} // by the name that the package has in this file
	for _, spec := range file.Imports {
		imported, _ := strconv.Unquote(spec.Path.Value)
		names, asked := forbiddenCalls[imported]
		switch {
		case !asked:
		case spec.Name != nil:
			forbidden[spec.Name.Name] = names
		default:
			forbidden[imported] = names
		}
	}
	var found []string
	ast.Inspect(file, func(node ast.Node) bool {
		switch node := node.(type) {
		case *ast.GoStmt:
			found = append(found, files.Position(node.Pos()).String()+" starts a goroutine")
		case *ast.SelectorExpr:
			if owner, isName := node.X.(*ast.Ident); isName && slices.Contains(forbidden[owner.Name], node.Sel.Name) {
				found = append(found, files.Position(node.Pos()).String()+" uses "+owner.Name+"."+node.Sel.Name)
			}
		}
		return true
	})
	return found
}

// listPackages returns all packages of the tree.
func listPackages(t *testing.T) []goPackage {
	t.Helper()
	output, err := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Dir,GoFiles,CgoFiles,Imports,TestImports,XTestImports", "./...").Output()
	if err != nil {
		t.Fatalf("listing the packages: %v", err)
	}
	var packages []goPackage
	for decoder := json.NewDecoder(strings.NewReader(string(output))); ; {
		var listed goPackage
		if err := decoder.Decode(&listed); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatalf("reading what go list says: %v", err)
		}
		packages = append(packages, listed)
	}
}

// ours returns those of the imported packages that are part of the tree, by their place in it, each once.
func ours(imports ...[]string) []string {
	var found []string
	for _, imported := range slices.Concat(imports...) {
		if within(imported, module) {
			found = append(found, strings.TrimPrefix(strings.TrimPrefix(imported, module), "/"))
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// permits tells whether a list in the layout names the package.
func permits(list, name string) bool {
	return list == anything || slices.Contains(strings.Fields(list), name)
}

// within tells whether an import path is the package above or one below it.
func within(path, above string) bool {
	return path == above || strings.HasPrefix(path, above+"/")
}

// isThirdParty tells whether an import is neither Go's nor ours: only their first element has a dot.
func isThirdParty(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return strings.Contains(first, ".")
}
