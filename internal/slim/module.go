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
	"go/version"
	"io/fs"
	"os"
	"os/exec"
	"path"
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

// workspaceFile is in the root of the main module.
const workspaceFile = "go.work"

// workspaceMarker is the line by which slim recognizes its own go.work.
const workspaceMarker = "// Code generated by internal/slim. DO NOT EDIT."

const workspaceHeader = workspaceMarker + `
//
// It replaces SDKs by copies that hold only what this module uses of them, and modules
// that no package of the build is from by empty ones, so that they need no download. To
// keep a go.work of your own here, delete the first line: slim will not overwrite it.
`

// checkWorkspace returns an error if root has a go.work that slim did not write.
func checkWorkspace(root string) error {
	content, err := os.ReadFile(filepath.Join(root, workspaceFile))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("reading %s: %w", workspaceFile, err)
	case len(content) > 0 && !bytes.Contains(content, []byte(workspaceMarker)): // an interrupted run may leave it empty
		return fmt.Errorf("%s is not from slim (it lacks the line %q), so it stays as it is: move it away and run slim again",
			workspaceFile, workspaceMarker)
	}
	return nil
}

// renderWorkspace returns the go.work that puts the copy in force. It repeats the settings of go.mod that the go command
// takes from go.work alone.
func renderWorkspace(prog *program, empty []string) (string, error) {
	work, err := modfile.ParseWork(workspaceFile, []byte(workspaceHeader), nil)
	if err != nil {
		return "", err
	}
	if prog.goMod.Go != nil {
		err = errors.Join(err, work.AddGoStmt(prog.goMod.Go.Version))
	}
	if prog.goMod.Toolchain != nil {
		err = errors.Join(err, work.AddToolchainStmt(prog.goMod.Toolchain.Name))
	}
	for _, setting := range prog.goMod.Godebug {
		err = errors.Join(err, work.AddGodebug(setting.Key, setting.Value))
	}
	work.AddNewUse(".", "")
	for _, mod := range prog.modules {
		err = errors.Join(err, work.AddReplace(mod.path, "", "./"+path.Join(outputDir, mod.path), ""))
	}
	for _, module := range empty {
		err = errors.Join(err, work.AddReplace(module, "", "./"+path.Join(outputDir, path.Dir(emptyGoMod(module))), ""))
	}
	return string(modfile.Format(work.Syntax)), err
}

// writeWorkspace writes go.work unless it has that text, and reports whether it did.
func writeWorkspace(root, text string) (bool, error) {
	written, err := writeFile(filepath.Join(root, workspaceFile), []byte(text))
	if err != nil {
		return false, fmt.Errorf("writing %s: %w", workspaceFile, err)
	}
	return written, nil
}

// emptyGoMod returns the name of an empty module's go.mod in outputDir. No other module path begins with "empty/": the
// first element of a path to download has a dot.
func emptyGoMod(module string) string { return path.Join("empty", module, "go.mod") }

const emptyModuleText = workspaceMarker + `
//
// It stands in for a module that go.mod does not require. If it does now, run make slim.

module %s
`

// emptyModules returns the modules that go.work replaces by empty ones, so that a build with go.work needs no module
// that a build without it does not.
//
// go.mod lists all modules with a package in the build, so without go.work the go command does not read what these
// require in turn (https://go.dev/ref/mod#lazy-loading). With go.work it does, and finds old modules whose path is a
// prefix of a listed one, such as hcl of hcl/v2. It downloads them to see that they do not contain the package, and
// records their checksums in go.work.sum.
func emptyModules(ctx context.Context, prog *program) ([]string, error) {
	if prog.goMod.Go == nil || version.Compare("go"+prog.goMod.Go.Version, "go1.17") < 0 {
		return nil, nil // go.mod does not list all modules
	}
	scratch, err := os.MkdirTemp("", "slim-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(scratch)
	work := filepath.Join(scratch, workspaceFile)
	text := fmt.Sprintf("go %s\n\nuse %q\n", prog.goMod.Go.Version, filepath.ToSlash(prog.root))
	if err := os.WriteFile(work, []byte(text), 0o644); err != nil {
		return nil, err
	}
	graph, err := goCommand(ctx, work, prog.root, "mod", "graph")
	if err != nil {
		return nil, fmt.Errorf("reading the module graph under a %s: %w", workspaceFile, err)
	}
	var empty []string
	for field := range strings.FieldsSeq(string(graph)) {
		module, _, versioned := strings.Cut(field, "@")
		isPrefix := func(required string) bool { return within(required, module) }
		if versioned && !slices.Contains(prog.requires, module) && slices.ContainsFunc(prog.requires, isPrefix) {
			empty = append(empty, module)
		}
	}
	slices.Sort(empty)
	return slices.Compact(empty), nil
}
