package main

import (
	"context"
	"maps"
	"strings"
	"testing"
)

// scanToy returns what a program uses of the made-up SDK.
func scanToy(t *testing.T, files map[string]string) (*usage, error) {
	t.Helper()
	ctx := context.Background()
	prog, err := findProgram(ctx, newProgram(t, files))
	if err != nil {
		t.Fatal(err)
	}
	s, err := findSDKs(ctx, prog, []string{toyPackage})
	if err != nil {
		t.Fatal(err)
	}
	return scanProgram(prog, s)
}

func TestUsage_AddFile(t *testing.T) {
	t.Parallel()
	const imported = "package main\n\nimport \"" + toyPackage + "\"\n\n"
	for _, test := range []struct {
		name  string
		files map[string]string
		want  map[string]use
	}{
		{
			name:  "types, values, calls",
			files: map[string]string{"main.go": imported + "var a toy.A\nvar b = toy.B{toy.C: toy.D}\nfunc f(toy.E) { toy.F(toy.G.H) }\n"},
			want: map[string]use{
				"A": {place: "main.go:5"},
				"B": {place: "main.go:6"},
				"C": {place: "main.go:6"},
				"D": {place: "main.go:6"},
				"E": {place: "main.go:7"},
				"F": {place: "main.go:7"},
				"G": {place: "main.go:7"},
			},
		},
		{
			name: "under another name",
			files: map[string]string{
				"main.go": "package main\n\nimport cf \"" + toyPackage + "\"\n\nvar a cf.A\nvar b = toy.B\n",
			},
			want: map[string]use{"A": {place: "main.go:5"}},
		},
		{
			name: "in tests, other packages and under build constraints",
			files: map[string]string{
				"main_test.go":       "package main_test\n\nimport \"" + toyPackage + "\"\n\nvar a toy.A\n",
				"sub/deep/b.go":      "//go:build never\n\npackage deep\n\nimport \"" + toyPackage + "\"\n\nvar b toy.B\n",
				"sub/c_plan9_arm.go": "package sub\n\nimport \"" + toyPackage + "\"\n\nvar c toy.C\n",
			},
			want: map[string]use{
				"A": {place: "main_test.go:5"},
				"B": {place: "sub/deep/b.go:7"},
				"C": {place: "sub/c_plan9_arm.go:5"},
			},
		},
		{
			name: "not in what is no part of the module",
			files: map[string]string{
				"main.go":               imported + "var a toy.A\n",
				"_ignored.go":           imported + "var b toy.B\n",
				".hidden/b.go":          imported + "var b toy.B\n",
				".slim/x/b.go":          imported + "var b toy.B\n",
				"_old/b.go":             imported + "var b toy.B\n",
				"testdata/b.go":         imported + "var b toy.B\n",
				"vendor/b.go":           imported + "var b toy.B\n",
				"internal/tools/b.go":   imported + "var b toy.B\n",
				"internal/tools/go.mod": "module tools\n",
				"b.txt":                 imported + "var b toy.B\n",
			},
			want: map[string]use{"A": {place: "main.go:5"}},
		},
		{
			name: "with a variable that hides the import, in doubt",
			files: map[string]string{
				"main.go": imported + "func f(toy client) { toy.Close() }\nfunc g() { for _, toy := range toy.A { toy.Run() } }\n",
			},
			want: map[string]use{
				"Close": {place: "main.go:5", doubtful: true},
				"A":     {place: "main.go:6", doubtful: true},
				"Run":   {place: "main.go:6", doubtful: true},
			},
		},
		{
			name: "first in doubt, then not",
			files: map[string]string{
				"main.go": imported + "func f() { toy := toy.A; _ = toy }\nvar a toy.A\nvar b toy.A\n",
			},
			want: map[string]use{"A": {place: "main.go:6"}},
		},
		{
			name: "beside a blank import",
			files: map[string]string{
				"a.go": "package main\n\nimport _ \"" + toyPackage + "\"\n",
				"b.go": imported + "var a toy.A\n",
			},
			want: map[string]use{"A": {place: "b.go:5"}},
		},
		{
			name: "beside a file whose body is none of our business",
			files: map[string]string{
				"a.go": "package main\n\nimport \"fmt\"\n\nfunc {\n",
				"b.go": imported + "var a toy.A\n",
			},
			want: map[string]use{"A": {place: "b.go:5"}},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			used, err := scanToy(t, test.files)
			if err != nil {
				t.Fatal(err)
			}
			if got := used.names[toyPackage]; !maps.Equal(got, test.want) {
				t.Errorf("got %v\nwant %v", got, test.want)
			}
		})
	}
}

func TestUsage_AddFileErrors(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, file, want string
	}{
		{"a dot import", "package main\n\nimport . \"" + toyPackage + "\"\n", "main.go:3: dot import of " + toyPackage},
		{"a blank import alone", "package main\n\nimport _ \"" + toyPackage + "\"\n", "no Go file of this module uses a name of " + toyPackage},
		{"no import", "package main\n", "no Go file of this module uses a name of " + toyPackage},
		{"no import that means it", "package main\n\nimport \"" + toyPackage + "/config\"\n\nvar _ = config.GetToken\n", "no Go file of this module uses"},
		{"imports that cannot be parsed", "package main\n\nimport 5\n", "parsing: main.go:3:8: "},
		{"a body that cannot be parsed", "package main\n\nimport \"" + toyPackage + "\"\n\nfunc {\n", "parsing: main.go:5:6: "},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := scanToy(t, map[string]string{"main.go": test.file})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got error %v, want one with %q", err, test.want)
			}
		})
	}
}
