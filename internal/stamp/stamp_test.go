package stamp_test

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"portfolio-infra/internal/stamp"
	"portfolio-infra/internal/testcheck"
	"portfolio-infra/internal/testfiles"
)

// module is a small module with a provider, by file.
var module = map[string]string{
	"go.mod":                      "module example.com/m\n",
	"main.go":                     "package main\n\nimport _ \"example.com/m/internal/stack\"\n",
	"internal/stack/stack.go":     "package stack\n",
	stamp.Plugin + "/main.go":     "package main\n\nimport _ \"example.com/m/internal/provider\"\n",
	"internal/provider/a.go":      "package provider\n\nimport (\n\t\"os\"\n\n\t\"example.com/m/internal/rest\"\n\t\"example.org/other\"\n)\n",
	"internal/provider/a_test.go": "package provider\n\nimport _ \"example.com/m/internal/testing\"\n",
	"internal/provider/doc.md":    "text",
	"internal/rest/rest.go":       "package rest\n\nimport _ \"example.com/m/internal/provider\"\n", // a circle ends
}

func sum(t *testing.T, dir string) string {
	t.Helper()
	s, err := stamp.Sum(dir)
	if err != nil || len(s) != 64 {
		t.Fatalf("%q, %v", s, err)
	}
	return s
}

// The sum is the same in every folder, and changes with what the provider is built from.
func TestSum(t *testing.T) {
	want := sum(t, testfiles.Folder(t, module))
	for name, tt := range map[string]struct {
		file, content string
		same          bool
	}{
		"the same":                {"go.mod", module["go.mod"], true},
		"another main":            {"main.go", "package main\n", true},
		"another stack":           {"internal/stack/more.go", "package stack\n", true},
		"a test":                  {"internal/rest/rest_test.go", "package rest\n", true},
		"another kind of file":    {"internal/provider/doc.md", "more text", true},
		"another version":         {"go.mod", module["go.mod"] + "\nrequire example.org/other v1.0.0\n", false},
		"another plugin":          {stamp.Plugin + "/main.go", module[stamp.Plugin+"/main.go"] + "// more\n", false},
		"another provider":        {"internal/provider/a.go", module["internal/provider/a.go"] + "// more\n", false},
		"a new file":              {"internal/provider/b.go", "package provider\n", false},
		"what the provider needs": {"internal/rest/rest.go", module["internal/rest/rest.go"] + "// more\n", false},
	} {
		t.Run(name, func(t *testing.T) {
			files := maps.Clone(module)
			files[tt.file] = tt.content
			if got := sum(t, testfiles.Folder(t, files)); (got == want) != tt.same {
				t.Errorf("got %s, want %s; the same: %v", got, want, tt.same)
			}
		})
	}
}

func TestSum_fails(t *testing.T) {
	for name, tt := range map[string]struct{ file, content, want string }{
		"no module":     {"go.mod", "", "no such file"},
		"no provider":   {stamp.Plugin + "/main.go", "", "no such file"},
		"not a Go file": {"internal/provider/b.go", "provider", "internal/provider/b.go:1"},
	} {
		t.Run(name, func(t *testing.T) {
			files := maps.Clone(module)
			if files[tt.file] = tt.content; tt.content == "" {
				delete(files, tt.file)
			}
			_, err := stamp.Sum(testfiles.Folder(t, files))
			testcheck.Error(t, err, tt.want)
			if missing := tt.content == ""; errors.Is(err, fs.ErrNotExist) != missing {
				t.Errorf("it is missing: %t", !missing)
			}
		})
	}
}

// The provider's own module: its sum needs nothing but what is named here.
func TestSum_provider(t *testing.T) {
	files := map[string]string{}
	for _, pattern := range []string{"go.mod", stamp.Plugin + "/*.go", "internal/provider/*.go", "internal/tidbcloud/*.go", "internal/rest/*.go", "internal/migration/*.go", "internal/migrator/*.go", "internal/sqllogin/*.go"} {
		matches, err := filepath.Glob("../../" + pattern)
		if err != nil || len(matches) == 0 {
			t.Fatal(pattern, err)
		}
		for _, file := range matches {
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			files[strings.TrimPrefix(filepath.ToSlash(file), "../../")] = string(content)
		}
	}
	if got, want := sum(t, testfiles.Folder(t, files)), sum(t, "../.."); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
