// Where the main module and the SDKs are: all questions to the go command.

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// program is the main module, whose code decides what is kept.
type program struct {
	root      string // the folder of its go.mod
	digest    string // of its go.mod
	goVersion string // the go line of its go.mod
	toolchain string // the toolchain line of its go.mod, often empty
	godebug   []struct{ Key, Value string }
	requires  []string // the paths of the modules that it requires
}

// module is a module that holds an SDK.
type module struct {
	path    string
	version string // what stands in messages: a version, or the folder that go.mod replaces the module with
	dir     string
	local   bool // whether its content can change without its version doing so
}

// target is a package to cut.
type target struct {
	module *module
	path   string // import path
	name   string // the name in its package clauses
}

// sdks are the packages to cut and the modules that hold them.
type sdks struct {
	targets  []*target // sorted by path
	requires []string  // the paths of all modules that the program requires
}

// target returns the package to cut that has the import path, or nil.
func (s *sdks) target(importPath string) *target {
	for _, t := range s.targets {
		if t.path == importPath {
			return t
		}
	}
	return nil
}

// module returns the module that holds the package, or nil if that is none of those that are cut.
func (s *sdks) module(importPath string) *module {
	modulePath := longestPrefix(importPath, s.requires)
	for _, t := range s.targets {
		if t.module.path == modulePath {
			return t.module
		}
	}
	return nil
}

// modules returns the modules that are cut, sorted by path.
func (s *sdks) modules() []*module {
	var modules []*module
	for _, t := range s.targets {
		if !slices.Contains(modules, t.module) {
			modules = append(modules, t.module)
		}
	}
	slices.SortFunc(modules, func(a, b *module) int { return strings.Compare(a.path, b.path) })
	return modules
}

// dir is the folder of the package.
func (t *target) dir() string { return t.module.packageDir(t.path) }

// relative is the path of a package that the module holds, below the module's.
func (m *module) relative(importPath string) string {
	return strings.TrimPrefix(importPath[len(m.path):], "/")
}

// packageDir is the folder of a package that the module holds.
func (m *module) packageDir(importPath string) string {
	return filepath.Join(m.dir, filepath.FromSlash(m.relative(importPath)))
}

// within tells whether importPath is root or lies below it.
func within(importPath, root string) bool {
	rest, ok := strings.CutPrefix(importPath, root)
	return ok && (rest == "" || rest[0] == '/')
}

// longestPrefix returns the module path that a package belongs to: of those it lies within the longest, or "".
func longestPrefix(importPath string, modulePaths []string) string {
	longest := ""
	for _, modulePath := range modulePaths {
		if within(importPath, modulePath) && len(modulePath) > len(longest) {
			longest = modulePath
		}
	}
	return longest
}

// findProgram finds the module that dir lies in.
func findProgram(ctx context.Context, dir string) (*program, error) {
	out, err := goCommand(ctx, dir, "env", "GOMOD")
	if err != nil {
		return nil, fmt.Errorf("finding go.mod: %w", err)
	}
	gomod := strings.TrimSpace(string(out))
	if gomod == "" || gomod == os.DevNull {
		return nil, errors.New("no go.mod here or in a folder above: run this in the module that uses the SDK")
	}
	root := filepath.Dir(gomod)
	out, err = goCommand(ctx, root, "mod", "edit", "-json")
	if err != nil {
		return nil, fmt.Errorf("reading go.mod: %w", err)
	}
	var file struct {
		Go, Toolchain string
		Godebug       []struct{ Key, Value string }
		Require       []struct{ Path string }
	}
	if err := json.Unmarshal(out, &file); err != nil {
		return nil, fmt.Errorf("reading go.mod: %w", err)
	}
	content, err := os.ReadFile(gomod)
	if err != nil {
		return nil, fmt.Errorf("reading go.mod: %w", err)
	}
	prog := &program{
		root:      root,
		digest:    digest(content),
		goVersion: file.Go,
		toolchain: file.Toolchain,
		godebug:   file.Godebug,
	}
	for _, require := range file.Require {
		prog.requires = append(prog.requires, require.Path)
	}
	return prog, nil
}

// findSDKs finds each package in the module that the program requires for it.
func findSDKs(ctx context.Context, prog *program, packages []string) (*sdks, error) {
	modules := make(map[string]*module)
	found := &sdks{requires: prog.requires}
	for _, pkg := range packages {
		modulePath := longestPrefix(pkg, prog.requires)
		if modulePath == "" {
			return nil, fmt.Errorf("go.mod requires no module that has the package %s: add it with `go get %s`", pkg, pkg)
		}
		mod := modules[modulePath]
		if mod == nil {
			var err error
			if mod, err = findModule(ctx, prog.root, modulePath); err != nil {
				return nil, fmt.Errorf("finding the source of %s: %w", modulePath, err)
			}
			modules[modulePath] = mod
		}
		t := &target{module: mod, path: pkg}
		var err error
		if t.name, err = packageName(t.dir()); err != nil {
			return nil, fmt.Errorf("%s %s has no package %s: %w", mod.path, mod.version, pkg, err)
		}
		found.targets = append(found.targets, t)
	}
	return found, nil
}

// findModule asks the go command where a required module lies, and has it downloaded if it is not there yet.
func findModule(ctx context.Context, root, modulePath string) (*module, error) {
	var info struct {
		Version, Dir string
		Replace      *struct{ Path, Version string }
	}
	out, err := goCommand(ctx, root, "list", "-mod=readonly", "-m", "-json", modulePath)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(out, &info); err != nil {
		return nil, fmt.Errorf("reading the answer of go list: %w", err)
	}
	mod := &module{path: modulePath, version: info.Version, dir: info.Dir}
	if info.Replace != nil {
		mod.version = info.Replace.Version
		if mod.local = info.Replace.Version == ""; mod.local {
			mod.version = info.Replace.Path
		}
	}
	if mod.dir != "" {
		return mod, nil
	}
	out, err = goCommand(ctx, root, "mod", "download", "-json", modulePath)
	var download struct{ Dir, Error string }
	if jsonErr := json.Unmarshal(out, &download); jsonErr == nil && download.Error != "" {
		return nil, errors.New(download.Error)
	}
	if err != nil {
		return nil, err
	}
	if download.Dir == "" {
		return nil, errors.New("go mod download names no folder")
	}
	mod.dir = download.Dir
	return mod, nil
}

// packageName reads the name of the package in a folder from its first Go file.
func packageName(dir string) (string, error) {
	files, err := goFiles(dir)
	if err != nil {
		return "", err
	}
	if len(files) == 0 {
		return "", errors.New("no Go files in its folder")
	}
	file, err := parser.ParseFile(token.NewFileSet(), files[0], nil, parser.PackageClauseOnly)
	if err != nil {
		return "", err
	}
	return file.Name.Name, nil
}

// goFiles lists the Go files of the package in dir, without its tests, sorted by name.
func goFiles(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var files []string
	for _, entry := range entries {
		if name := entry.Name(); entry.Type().IsRegular() && isGoFile(name) && !strings.HasSuffix(name, "_test.go") {
			files = append(files, filepath.Join(dir, name))
		}
	}
	return files, nil
}

// isGoFile tells whether the go command would look at a file of that name.
func isGoFile(name string) bool {
	return strings.HasSuffix(name, ".go") && !strings.HasPrefix(name, "_") && !strings.HasPrefix(name, ".")
}

// goCommand runs the go command in dir and returns its standard output. It looks at go.mod alone: the go.work that an
// earlier run wrote would answer with the copy instead of the SDK.
func goCommand(ctx context.Context, dir string, args ...string) ([]byte, error) {
	return goCommandIn(ctx, "off", dir, args...)
}

// goCommandIn is goCommand under a go.work of choice.
func goCommandIn(ctx context.Context, work, dir string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK="+work)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		said := strings.TrimSpace(stderr.String())
		if said == "" {
			return out, fmt.Errorf("go %s: %w", strings.Join(args, " "), err)
		}
		return out, fmt.Errorf("go %s: %w: %s", strings.Join(args, " "), err, said)
	}
	return out, nil
}
