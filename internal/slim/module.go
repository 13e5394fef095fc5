package main

import (
	"bytes"
	"cmp"
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

	"golang.org/x/mod/modfile"
)

// program is the main module and the packages to cut for it.
type program struct {
	root     string // the folder of its go.mod
	goMod    *modfile.File
	digest   string       // of go.mod
	requires []string     // the paths of all modules that go.mod requires
	targets  []*target    // sorted by import path
	modules  []*sdkModule // of the targets
}

// sdkModule is a module that contains a package to cut.
type sdkModule struct {
	path    string
	version string // a version, or the folder that go.mod replaces the module with
	dir     string
	local   bool // its content may change while its version does not
}

// target is a package to cut.
type target struct {
	module *sdkModule
	path   string // import path
	name   string // package name
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
		if err := prog.addTarget(ctx, path); err != nil {
			return nil, err
		}
	}
	return prog, nil
}

// addTarget locates a package to cut.
func (p *program) addTarget(ctx context.Context, path string) error {
	modulePath := longestPrefix(path, p.requires)
	if modulePath == "" {
		return fmt.Errorf("go.mod requires no module that has the package %s: add it with `go get %s`", path, path)
	}
	mod := p.sdkModule(path)
	if mod == nil {
		var err error
		if mod, err = findModule(ctx, p.root, modulePath); err != nil {
			return fmt.Errorf("finding the source of %s: %w", modulePath, err)
		}
		p.modules = append(p.modules, mod)
	}
	name, err := packageName(mod.packageDir(path))
	if err != nil {
		return fmt.Errorf("%s %s has no package %s: %w", mod.path, mod.version, path, err)
	}
	p.targets = append(p.targets, &target{module: mod, path: path, name: name})
	return nil
}

// target returns the package to cut that has the import path, or nil.
func (p *program) target(path string) *target {
	for _, t := range p.targets {
		if t.path == path {
			return t
		}
	}
	return nil
}

// sdkModule returns the module with packages to cut that contains the package, or nil.
func (p *program) sdkModule(importPath string) *sdkModule {
	modulePath := longestPrefix(importPath, p.requires)
	i := slices.IndexFunc(p.modules, func(mod *sdkModule) bool { return mod.path == modulePath })
	if i < 0 {
		return nil
	}
	return p.modules[i]
}

// relative returns the path of a package of the module, relative to the module's.
func (m *sdkModule) relative(importPath string) string {
	return strings.TrimPrefix(importPath[len(m.path):], "/")
}

// packageDir returns the folder of a package of the module.
func (m *sdkModule) packageDir(importPath string) string {
	return filepath.Join(m.dir, filepath.FromSlash(m.relative(importPath)))
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

// findModule locates the source of a required module and downloads it if necessary.
func findModule(ctx context.Context, root, path string) (*sdkModule, error) {
	var info struct {
		Version, Dir string
		Replace      *struct{ Path, Version string }
	}
	list := func() error {
		out, err := goCommand(ctx, "off", root, "list", "-mod=readonly", "-m", "-json", path)
		if err != nil {
			return err
		}
		return json.Unmarshal(out, &info)
	}
	if err := list(); err != nil {
		return nil, err
	}
	if info.Dir == "" {
		if _, err := goCommand(ctx, "off", root, "mod", "download", path); err != nil {
			return nil, err
		}
		if err := list(); err != nil {
			return nil, err
		}
	}
	mod := &sdkModule{path: path, version: info.Version, dir: info.Dir}
	if info.Replace != nil {
		mod.local = info.Replace.Version == ""
		mod.version = cmp.Or(info.Replace.Version, info.Replace.Path)
	}
	return mod, nil
}

// packageName returns the name in the package clause of the first Go file in dir.
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

// goFiles returns the Go files in dir except tests, sorted by name.
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
