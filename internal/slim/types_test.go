package main

import (
	"bytes"
	"go/ast"
	"go/build"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"path"
	"strings"
	"sync"
	"testing"
)

// typeChecker imports packages whose files are in memory, and what these import. It finds what the compiler would, and
// takes a fraction of the time.
type typeChecker struct {
	files map[string][]byte
	std   *standardLibrary
	done  map[string]*types.Package
}

func (c *typeChecker) Import(importPath string) (*types.Package, error) {
	if pkg := c.done[importPath]; pkg != nil {
		return pkg, nil
	}
	sources := make(map[string][]byte)
	if importPath == "github.com/pulumi/pulumi/sdk/v3/go/pulumi" {
		src, err := os.ReadFile("testdata/pulumi/go/pulumi/pulumi.go")
		if err != nil {
			return nil, err
		}
		sources["pulumi.go"] = src
	}
	for name, src := range c.files {
		if path.Dir(name) == importPath && strings.HasSuffix(name, ".go") {
			sources[name] = src
		}
	}
	if len(sources) == 0 {
		return c.std.Import(importPath)
	}
	var files []*ast.File
	fset := token.NewFileSet()
	for name, src := range sources {
		context := build.Default
		context.OpenFile = func(string) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(src)), nil }
		if match, err := context.MatchFile("", path.Base(name)); err != nil || !match {
			continue
		}
		file, err := parser.ParseFile(fset, name, src, 0)
		if err != nil {
			return nil, err
		}
		files = append(files, file)
	}
	config := types.Config{Importer: c}
	pkg, err := config.Check(importPath, fset, files, nil)
	c.done[importPath] = pkg
	return pkg, err
}

// standardLibrary imports packages of the standard library.
type standardLibrary struct {
	mu       sync.Mutex
	importer types.Importer
}

// newStandardLibrary returns an importer of what the made-up SDK and the stand-in of Pulumi's use.
func newStandardLibrary(t *testing.T) *standardLibrary {
	t.Helper()
	exports := make(map[string]string)
	for line := range strings.Lines(mustGo(t, ".", "list", "-trimpath", "-export", "-deps", "-f", "{{.ImportPath}} {{.Export}}",
		"context", "errors", "fmt", "os", "reflect", "runtime", "slices", "strings")) {
		importPath, file, _ := strings.Cut(strings.TrimSpace(line), " ")
		exports[importPath] = file
	}
	open := func(importPath string) (io.ReadCloser, error) { return os.Open(exports[importPath]) }
	return &standardLibrary{importer: importer.ForCompiler(token.NewFileSet(), "gc", open)}
}

func (l *standardLibrary) Import(importPath string) (*types.Package, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.importer.Import(importPath)
}
