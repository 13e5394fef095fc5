// Package stamp tells whether the provider's binary was built from the sources beside it.
//
// Pulumi builds the program in each run, but runs the provider that `make build` left. After a
// `git pull` that would be an old one, and a new guard, for example, would silently be missing.
// So `make build` puts the sum of the provider's sources into the binary, and the program
// compares it with its own.
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

// Sum returns the sum of what the provider is built from: the go.mod in the module's folder dir,
// and the Go files of the provider and of the module's packages that it imports. It leaves out
// tests, and ignores build constraints. It depends only on contents and on names within the
// module, so it is the same on every machine. If there are no sources of the provider, the error
// is [os.ErrNotExist].
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
