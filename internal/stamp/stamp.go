// Package stamp tells whether the provider's binary was built from the sources beside it.
//
// The program and the provider are built apart: Pulumi builds the program in each run, and
// runs whatever provider `make build` left. So after a `git pull` the old one would run, and
// what it does not know yet, such as a new guard, would be missing in silence. `make build`
// puts the sum of the provider's sources into the binary, and the program compares.
package stamp

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/modfile"
)

// Plugin is the folder of the provider's main package, relative to the module's.
const Plugin = "internal/provider/pulumi-resource-tidbcloud"

// Sum returns the sum of what the provider in the module's folder dir is built from: go.mod,
// and the Go files of its packages that are this module's. It depends on names within the
// module and on contents alone, so it is the same on every machine. Without the provider's
// sources the error is [os.ErrNotExist].
//
// It takes every Go file but tests, whatever its build constraints.
func Sum(dir string) (string, error) {
	mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil {
		return "", err
	}
	module := modfile.ModulePath(mod)
	files := map[string][]byte{"go.mod": mod}
	packages := []string{Plugin}
	for i := 0; i < len(packages); i++ { // it grows
		imports, err := readPackage(dir, packages[i], files)
		if err != nil {
			return "", err
		}
		for _, imported := range imports {
			if p, ok := strings.CutPrefix(imported, module+"/"); ok && !slices.Contains(packages, p) {
				packages = append(packages, p)
			}
		}
	}
	sum := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		fmt.Fprintf(sum, "%s\n%d\n%s", name, len(files[name]), files[name])
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// readPackage adds a package's files, and returns what they import.
func readPackage(dir, name string, files map[string][]byte) (imports []string, err error) {
	entries, err := os.ReadDir(filepath.Join(dir, filepath.FromSlash(name)))
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		if entry.IsDir() || !strings.HasSuffix(entry.Name(), ".go") || strings.HasSuffix(entry.Name(), "_test.go") {
			continue
		}
		file := path.Join(name, entry.Name())
		if files[file], err = os.ReadFile(filepath.Join(dir, filepath.FromSlash(file))); err != nil {
			return nil, err
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, files[file], parser.ImportsOnly)
		if err != nil {
			return nil, err
		}
		for _, spec := range parsed.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return nil, err
			}
			imports = append(imports, imported)
		}
	}
	return imports, nil
}
