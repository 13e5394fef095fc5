package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/mod/modfile"
)

// program is the main module and the packages to cut for it.
type program struct {
	root     string // the folder of its go.mod
	goMod    *modfile.File
	digest   string        // of go.mod
	requires []string      // the paths of all modules that go.mod requires
	packages []*sdkPackage // sorted by import path
	modules  []*sdkModule  // of the packages
}

// sdkModule is a module that contains a package to cut.
type sdkModule struct {
	path    string
	version string // a version, or the folder that go.mod replaces the module with
	dir     string
	local   bool // its content may change while its version does not
}

// sdkPackage is a package to cut. It is read by syntax alone: an identifier may denote a local variable that has the name
// of a declaration. The declaration is then kept although nothing needs it, which costs a little and breaks nothing.
type sdkPackage struct {
	module *sdkModule
	path   string // import path
	name   string

	// What load has read.
	files   []*sourceFile      // sorted by name
	decls   []*decl            // of all files
	named   map[string][]*decl // several of a name if build constraints choose between them
	methods map[string][]*decl // by the name of their type
}

// findProgram returns the module that contains dir and locates the packages to cut.
func findProgram(ctx context.Context, dir string, packages []string) (*program, error) {
	out, err := goCommand(ctx, "off", dir, "env", "GOMOD")
	if err != nil {
		return nil, fmt.Errorf("finding go.mod: %w", err)
	}
	goMod := strings.TrimSpace(string(out))
	if goMod == "" || goMod == os.DevNull {
		return nil, errors.New("no go.mod here or in a folder above: run this in the module that uses the SDK")
	}
	content, err := os.ReadFile(goMod)
	if err != nil {
		return nil, fmt.Errorf("reading go.mod: %w", err)
	}
	prog := &program{root: filepath.Dir(goMod), digest: digest(content)}
	if prog.goMod, err = modfile.Parse("go.mod", content, nil); err != nil {
		return nil, fmt.Errorf("reading go.mod: %w", err)
	}
	for _, require := range prog.goMod.Require {
		prog.requires = append(prog.requires, require.Mod.Path)
	}
	if err := checkWorkspace(prog.root); err != nil {
		return nil, err
	}
	for _, path := range packages {
		if err := prog.addPackage(ctx, path); err != nil {
			return nil, err
		}
	}
	return prog, nil
}

// addPackage locates a package to cut and downloads its module if necessary.
func (p *program) addPackage(ctx context.Context, path string) error {
	modulePath := longestPrefix(path, p.requires)
	if modulePath == "" {
		return fmt.Errorf("go.mod requires no module with the package %s: add it with `go get %s`", path, path)
	}
	// Without -mod=readonly, the go command might find a copy of the package in a vendor folder.
	out, err := goCommand(ctx, "off", p.root, "list", "-mod=readonly", "-find", "-json=Name,Module", path)
	if err != nil {
		return fmt.Errorf("finding package %s of module %s: %w", path, modulePath, err)
	}
	var info struct {
		Name   string
		Module struct {
			Version, Dir string
			Replace      *struct{ Path, Version string }
		}
	}
	if err := json.Unmarshal(out, &info); err != nil {
		return fmt.Errorf("finding package %s of module %s: %w", path, modulePath, err)
	}
	mod := p.sdkModule(path)
	if mod == nil {
		mod = &sdkModule{path: modulePath, version: info.Module.Version, dir: info.Module.Dir}
		if replace := info.Module.Replace; replace != nil {
			mod.local = replace.Version == ""
			mod.version = cmp.Or(replace.Version, replace.Path)
		}
		p.modules = append(p.modules, mod)
	}
	p.packages = append(p.packages, &sdkPackage{module: mod, path: path, name: info.Name})
	return nil
}

// sdkPackage returns the package to cut that has the import path, or nil.
func (p *program) sdkPackage(importPath string) *sdkPackage {
	for _, pkg := range p.packages {
		if pkg.path == importPath {
			return pkg
		}
	}
	return nil
}

// sdkModule returns the module with packages to cut that contains the package, or nil.
func (p *program) sdkModule(importPath string) *sdkModule {
	modulePath := longestPrefix(importPath, p.requires)
	for _, mod := range p.modules {
		if mod.path == modulePath {
			return mod
		}
	}
	return nil
}

// relative returns the path of a package of the module, relative to the module's.
func (m *sdkModule) relative(importPath string) string {
	return strings.TrimPrefix(importPath[len(m.path):], "/")
}

// within reports whether importPath is root or a path below it.
func within(importPath, root string) bool {
	rest, ok := strings.CutPrefix(importPath, root)
	return ok && (rest == "" || rest[0] == '/')
}

// longestPrefix returns the path of the module that contains the package, or "".
func longestPrefix(importPath string, modulePaths []string) string {
	longest := ""
	for _, modulePath := range modulePaths {
		if within(importPath, modulePath) && len(modulePath) > len(longest) {
			longest = modulePath
		}
	}
	return longest
}

// goFiles returns the Go files of a package except tests, sorted by name, whatever their build constraints.
func (m *sdkModule) goFiles(importPath string) ([]string, error) {
	dir := filepath.Join(m.dir, filepath.FromSlash(m.relative(importPath)))
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

// isGoFile reports whether the go command reads a file of that name.
func isGoFile(name string) bool {
	return strings.HasSuffix(name, ".go") && !strings.HasPrefix(name, "_") && !strings.HasPrefix(name, ".")
}

// goCommand runs the go command in dir with the given GOWORK and returns its standard output. With "off" it sees the
// SDK; with the go.work of an earlier run it would see the copy.
func goCommand(ctx context.Context, work, dir string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK="+work)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err == nil {
		return out, nil
	}
	err = fmt.Errorf("go %s: %w", strings.Join(args, " "), err)
	if text := strings.TrimSpace(stderr.String()); text != "" {
		err = fmt.Errorf("%w: %s", err, text)
	}
	return out, err
}
