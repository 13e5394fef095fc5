package main

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"
)

// FuzzParseFlags checks that an accepted import path is safe in file names and in go.work, and that any other is
// reported with the usage.
func FuzzParseFlags(f *testing.F) {
	for _, seed := range []string{
		toyPackage, defaultPackage, "", "/a", "..", "a/../b", "a\nb", `a"b`, "a b", "$(id)", "a;b", "a&b", "a?b#c", "a%2fb", "a@v1.2.3", "ü", `C:\a`, "./a", "a/", "a//b",
		"a;id", "a|id", "https://example.com/a", "example.com/a=>../b", ".git/a", "a/.", "~/a", "-a", "a/...", "\x00", "\xff", "*", strings.Repeat("a/", 5000) + "a",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		var said bytes.Buffer
		packages, err := parseFlags([]string{"-package", value}, &said)
		if err != nil {
			if !strings.HasPrefix(said.String(), "invalid value ") || !strings.Contains(said.String(), " for flag -package: ") || !strings.Contains(said.String(), "usage: ") {
				t.Errorf("unexpected message: %q", said.String())
			}
			if strings.ContainsFunc(said.String(), func(r rune) bool { return r != '\n' && r != '\t' && !unicode.IsGraphic(r) }) {
				t.Errorf("message with unprintable characters: %q", said.String())
			}
			return
		}
		if !slices.Equal(packages, []string{value}) || said.Len() > 0 {
			t.Errorf("parseFlags(%q) = %q, message %q", value, packages, said.String())
		}
		if !filepath.IsLocal(value) || path.Clean(value) != value || path.Join(outputDir, value) != outputDir+"/"+value {
			t.Errorf("%q is accepted", value)
		}
		if strings.ContainsFunc(value, func(r rune) bool {
			return r <= ' ' || r >= 0x7f || strings.ContainsRune("\"'`\\$;&|<>()[]{}*?!#%@:,=", r)
		}) {
			t.Errorf("%q is accepted", value)
		}
	})
}

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
	prog := newToyProgram(f, nil, toyPackage)
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
			if folder := prog.modules[0].relative(importPath); !within(importPath, toyModule) || folder != "" && !filepath.IsLocal(folder) {
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

// FuzzUpToDate checks that a stamp is accepted only for the input and the files that it was made from.
func FuzzUpToDate(f *testing.F) {
	const content = "package toy\n"
	good := `{"input":"x","work":"w","files":{"a.go":"` + digest([]byte(content)) + `"}}`
	for _, seed := range []string{
		good, "", "null", "{}", "[]", strings.Replace(good, `"x"`, `"y"`, 1), strings.Replace(good, "a.go", "../a.go", 1), strings.Replace(good, `"files":{`, `"files":{"b.go":"",`, 1), good[:50],
	} {
		f.Add([]byte(seed))
	}
	root := f.TempDir()
	f.Fuzz(func(t *testing.T, b []byte) {
		mustWrite(t, filepath.Join(root, outputDir, stampFile), string(b))
		mustWrite(t, filepath.Join(root, outputDir, "a.go"), content)
		work, ok := upToDate(root, "x")
		if string(b) == good && (!ok || work != "w") {
			t.Errorf("the good stamp is refused: %q, %v", work, ok)
		}
		var s stamp
		if ok && (json.Unmarshal(b, &s) != nil || s.Input != "x" || len(s.Files) != 1 || s.Files["a.go"] != digest([]byte(content))) {
			t.Errorf("%s is accepted", b)
		}
	})
}
