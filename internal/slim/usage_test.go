package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestScanProgram(t *testing.T) {
	t.Parallel()
	const imported = "package main\n\nimport \"" + toyPackage + "\"\n\n"
	for _, test := range []struct {
		name  string
		files map[string]string
		want  map[string]string
	}{
		{
			"types, values, calls",
			map[string]string{"main.go": imported + "var a toy.A\nvar b = toy.B{toy.C: toy.D}\nfunc f(toy.E) { toy.F(toy.G.H) }\n"},
			map[string]string{
				"A": "main.go:5", "B": "main.go:6", "C": "main.go:6", "D": "main.go:6", "E": "main.go:7", "F": "main.go:7", "G": "main.go:7",
			},
		},
		{
			"under another name",
			map[string]string{"main.go": "package main\n\nimport cf \"" + toyPackage + "\"\n\nvar a cf.A\nvar b = toy.B\n"},
			map[string]string{"A": "main.go:5"},
		},
		{
			"in tests, other packages and under build constraints",
			map[string]string{
				"main_test.go":       "package main_test\n\nimport \"" + toyPackage + "\"\n\nvar a toy.A\n",
				"sub/deep/b.go":      "//go:build never\n\npackage deep\n\nimport \"" + toyPackage + "\"\n\nvar b toy.B\n",
				"sub/c_plan9_arm.go": "package sub\n\nimport \"" + toyPackage + "\"\n\nvar c toy.C\n",
			},
			map[string]string{"A": "main_test.go:5", "B": "sub/deep/b.go:7", "C": "sub/c_plan9_arm.go:5"},
		},
		{
			"not in what is no part of the module",
			map[string]string{
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
			map[string]string{"A": "main.go:5"},
		},
		{
			"not of a variable that hides the import",
			map[string]string{"main.go": imported +
				"func f(toy client) { toy.Close() }\nfunc g() { for _, toy := range toy.A { toy.Run() } }\nfunc h() { toy := toy.B; _ = toy.C }\n"},
			map[string]string{"A": "main.go:6", "B": "main.go:7"},
		},
		{
			"beside a blank import",
			map[string]string{"a.go": "package main\n\nimport _ \"" + toyPackage + "\"\n", "b.go": imported + "var a toy.A\n"},
			map[string]string{"A": "b.go:5"},
		},
		{
			"beside a bad file that imports no SDK",
			map[string]string{"a.go": "package main\n\nimport \"fmt\"\n\nfunc {\n", "b.go": imported + "var a toy.A\n"},
			map[string]string{"A": "b.go:5"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			used, err := scanProgram(newToyProgram(t, test.files))
			if err != nil {
				t.Fatal(err)
			}
			got := make(map[string]string)
			for s, place := range used {
				got[s.name] = place
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
