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

// program is the main module and the package to cut for it.
type program struct {
	root     string // the folder of its go.mod
	goMod    *modfile.File
	digest   string   // of go.mod
	requires []string // the paths of all modules that go.mod requires
	sdk      *sdkPackage
}

// sdkModule is the module that contains the package to cut.
type sdkModule struct {
	path    string
	version string // a version, or the folder that go.mod replaces the module with
	dir     string
	local   bool // whether its content may change without its version
}

// sdkPackage is the package to cut. Only its syntax is read, so an identifier may be a local variable with the name of a
// declaration. The declaration is then kept although nothing needs it, which costs little and breaks nothing.
type sdkPackage struct {
	module *sdkModule
	path   string // import path
	name   string

	// The result of load.
	files   []*sourceFile      // sorted by name
	decls   []*decl            // of all files
	named   map[string][]*decl // several for a name if build constraints choose between them
	methods map[string][]*decl // by the name of their type
}

// findProgram returns the module that contains dir and locates the package to cut.
func findProgram(ctx context.Context, dir, packagePath string) (*program, error) {
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
	root, err := filepath.EvalSymlinks(filepath.Dir(goMod)) // filepath.WalkDir does not follow links
	if err != nil {
		return nil, err
	}
	prog := &program{root: root, digest: digest(content)}
	if prog.goMod, err = modfile.Parse("go.mod", content, nil); err != nil {
		return nil, fmt.Errorf("reading go.mod: %w", err)
	}
	for _, require := range prog.goMod.Require {
		prog.requires = append(prog.requires, require.Mod.Path)
	}
	if err := checkWorkspace(prog.root); err != nil {
		return nil, err
	}
	prog.sdk, err = prog.findPackage(ctx, packagePath)
	return prog, err
}

// findPackage locates the package to cut and downloads its module if necessary.
func (p *program) findPackage(ctx context.Context, importPath string) (*sdkPackage, error) {
	mod := &sdkModule{path: p.moduleOf(importPath)}
	if mod.path == "" {
		return nil, fmt.Errorf("go.mod requires no module with the package %[1]s: add it with `go get %[1]s`", importPath)
	}
	var info struct {
		Name   string
		Module struct {
			Version, Dir string
			Replace      *struct{ Path, Version string }
		}
	}
	// Without -mod=readonly the go command might find the package in a vendor folder.
	out, err := goCommand(ctx, "off", p.root, "list", "-mod=readonly", "-find", "-json=Name,Module", importPath)
	if err == nil {
		err = json.Unmarshal(out, &info)
	}
	if err != nil {
		return nil, fmt.Errorf("finding package %s of module %s: %w", importPath, mod.path, err)
	}
	mod.version, mod.dir = info.Module.Version, info.Module.Dir
	if replace := info.Module.Replace; replace != nil {
		mod.local = replace.Version == ""
		mod.version = cmp.Or(replace.Version, replace.Path)
	}
	return &sdkPackage{module: mod, path: importPath, name: info.Name}, nil
}

// moduleOf returns the path of the required module that contains a package, or "".
func (p *program) moduleOf(importPath string) string {
	longest := ""
	for _, modulePath := range p.requires {
		if within(importPath, modulePath) && len(modulePath) > len(longest) {
			longest = modulePath
		}
	}
	return longest
}

// inSDK reports whether a package is in the module of the package to cut.
func (p *program) inSDK(importPath string) bool { return p.moduleOf(importPath) == p.sdk.module.path }

// relative returns the path of a package relative to the module.
func (m *sdkModule) relative(importPath string) string {
	return strings.TrimPrefix(importPath[len(m.path):], "/")
}

// within reports whether importPath is root or a path below it.
func within(importPath, root string) bool {
	rest, ok := strings.CutPrefix(importPath, root)
	return ok && (rest == "" || rest[0] == '/')
}

// goFiles returns the Go files of a package, sorted by name. It leaves out tests and ignores build constraints.
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

// goCommand runs the go command in dir and returns its standard output. work is its GOWORK. With "off" it sees the SDK and
// not the copy of an earlier run.
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
