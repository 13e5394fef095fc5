package main

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// FuzzUsage_AddFile checks that any file yields either a printable error or names that it selects.
func FuzzUsage_AddFile(f *testing.F) {
	const imported = "package main\n\nimport \"" + toyPackage + "\"\n\n"
	for _, seed := range []string{
		imported + "var a toy.A\n", imported + "func f(toy x) { toy.A() }\n", imported + "var = toy.A\n", imported + "//line x.go:9\nvar a = toy.B.C\n",
		"package main\n\nimport . \"" + toyPackage + "\"\n", "package main\n\nimport _ \"" + toyPackage + "\"\n", "package main\n\nimport c \"" + toyPackage + "/config\"\n",
		"package main\n\nimport \"" + toyModule + "/../x\"\n", "package main\n\nimport `" + toyPackage + "`\n", "package main\n\nimport \"" + toyPackage + "/\"\n",
		"", "package", "package `a^n\n\x00import`", "\ufeffpackage main", "package main\x00", "package main\n\nimport \"\xff\"\n", "package main\nimport 'x'\n", strings.Repeat("(", 1000),
		imported + "var a = " + strings.Repeat("toy.", 500) + "A\n", imported + "func f[toy any](x toy) { for toy := range toy.A { _ = toy.B } }\n", imported + "type t struct { toy.A }\n",
	} {
		f.Add([]byte(seed))
	}
	prog := newToyProgram(f, nil)
	file := filepath.Join(f.TempDir(), "main.go")
	f.Fuzz(func(t *testing.T, src []byte) {
		mustWrite(t, file, string(src))
		used := make(usage)
		err := used.addFile(file, "main.go", prog)
		parsed, parseErr := parser.ParseFile(token.NewFileSet(), "main.go", src, parser.ImportsOnly)
		if err != nil {
			if text := err.Error(); text == "" || strings.ContainsAny(text, "\x00\x1b\n") || strings.Contains(text, file) {
				t.Errorf("the error is %q", text)
			}
			return
		}
		if parseErr != nil {
			t.Fatalf("addFile returned no error, want %v", parseErr)
		}
		for _, importPath := range used.of("") {
			folder := prog.sdk.module.relative(importPath)
			if !within(importPath, toyModule) || folder != "" && !filepath.IsLocal(folder) {
				t.Errorf("package %q is outside of the module", importPath)
			}
		}
		imports := slices.ContainsFunc(parsed.Imports, func(spec *ast.ImportSpec) bool { return strings.Trim(spec.Path.Value, "\"`") == toyPackage })
		for _, name := range used.of(toyPackage) {
			if !imports || !token.IsIdentifier(name) && name != "_" || !bytes.Contains(src, []byte(name)) {
				t.Errorf("%q is not in the file", name)
			}
		}
	})
}
