package main

import (
	"maps"
	"strings"
	"testing"
)

// Values of -package that could mean something to a shell, in a URL or in go.work.
func TestRun_BadPackages(t *testing.T) {
	t.Parallel()
	dir := newProgram(t, map[string]string{"main.go": usesToy("toy.Limit")})
	before := tree(t, dir)
	for name, value := range map[string]string{
		"just a way up":      "..",
		"single quote":       "example.com/a'b",
		"double quote":       `example.com/a"b`,
		"shell substitution": "example.com/$(id)",
		"shell list":         "example.com/a;id",
		"shell pipe":         "example.com/a|id",
		"shell glob":         "example.com/*",
		"URL":                "https://example.com/a",
		"query":              "example.com/a?b=c",
		"fragment":           "example.com/a#b",
		"percent":            "example.com/%2e%2e/b",
		"version":            "example.com/a@v1.2.3",
		"replacement":        "example.com/a=>../b",
		"unicode":            "example.com/schön",
		"no UTF-8":           "example.com/\xff",
		"NUL":                "example.com/\x00",
		"tab":                "example.com/a\tb",
		"hidden folder":      ".git/a",
		"huge":               strings.Repeat("a/", 1<<18) + "ü",
	} {
		t.Run(name, func(t *testing.T) {
			code, stdout, stderr := runSlim(t, dir, "-package", value)
			if code != exitUsage || stdout != "" || !strings.Contains(stderr, " for flag -package: ") || !strings.Contains(stderr, "usage: ") {
				t.Errorf("exit code %d, stdout %q, stderr %.300q", code, stdout, stderr)
			}
			if !maps.Equal(tree(t, dir), before) {
				t.Error("something was written")
			}
		})
	}
}

// Packages that are none, and user files that no compiler takes.
func TestRun_BadPrograms(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ pkg, main, want string }{
		"a flag as the package":     {"-x", usesToy("toy.Limit"), "go.mod requires no module that has the package -x"},
		"a pattern as the package":  {toyPackage + "/...", usesToy("toy.Limit"), "has no package " + toyPackage + "/..."},
		"huge, of no module":        {strings.Repeat("a/", 1<<16) + "a", usesToy("toy.Limit"), "go.mod requires no module"},
		"a prefix of a module":      {"example.com/pulumi-toy/sdk/v", usesToy("toy.Limit"), "go.mod requires no module"},
		"user file without a word":  {toyPackage, "", "parsing: main.go:1:1: expected 'package'"},
		"user file that is binary":  {toyPackage, "\x7fELF\x00\xff", "parsing: main.go:1:1: "},
		"user file without a path":  {toyPackage, "package main\n\nimport toy\n", "parsing: main.go:3:11: missing import path"},
		"user file that is cut off": {toyPackage, usesToy("toy.Limit")[:50], "parsing: main.go:3:"},
		"import of a way out":       {toyPackage, "package main\n\nimport \"" + toyModule + "/../../x\"\n", `main.go:3: "` + toyModule + `/../../x" is not an import path`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := newProgram(t, map[string]string{"main.go": test.main})
			before := tree(t, dir)
			code, stdout, stderr := runSlim(t, dir, "-package", test.pkg)
			if code != exitFailure || stdout != "" || !strings.HasPrefix(stderr, "slim: ") || !strings.Contains(stderr, test.want) {
				t.Errorf("exit code %d, stdout %q, stderr %.300q; want %q", code, stdout, stderr, test.want)
			}
			if !maps.Equal(tree(t, dir), before) {
				t.Error("something was written")
			}
		})
	}
}
