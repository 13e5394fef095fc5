package main

import (
	"go/types"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// newToyProgram returns a program that has the files and uses the made-up SDK.
func newToyProgram(t testing.TB, files map[string]string) *program {
	t.Helper()
	mod := &sdkModule{path: toyModule, version: "v2.3.4", dir: "testdata/toy"}
	sdk := &sdkPackage{module: mod, path: toyPackage, name: "toy"}
	return &program{root: newProgram(t, files), requires: []string{toyModule}, sdk: sdk}
}

// cutToy cuts the made-up SDK for a program that has the files.
func cutToy(t *testing.T, files map[string]string) *cut {
	t.Helper()
	prog := newToyProgram(t, files)
	used, err := scanProgram(prog)
	if err != nil {
		t.Fatal(err)
	}
	c, err := cutPackage(prog, used)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// keptNames returns the names of the package that are kept, sorted.
func (p *sdkPackage) keptNames() []string {
	var names []string
	for name, decls := range p.named {
		if decls[0].kept {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// keptPieces returns the kept pieces of the package, each as a line, sorted.
func (p *sdkPackage) keptPieces() []string {
	var texts []string
	for _, d := range p.decls {
		for _, piece := range d.pieces {
			if !piece.kept || strings.Contains(piece.text, "default:") {
				continue
			}
			lines := strings.Split(piece.text, "\n")
			lines = slices.DeleteFunc(lines, func(line string) bool { return strings.HasPrefix(strings.TrimSpace(line), "//") })
			text := strings.Join(strings.Fields(strings.Join(lines, " ")), " ")
			texts = append(texts, strings.NewReplacer("pulumi.R", "R", "sdk.R", "R", "reflect.", "").Replace(text))
		}
	}
	slices.Sort(texts)
	return texts
}

// TestCut_Kept has a paragraph of testdata/kept.txt for each case: its name, what a program uses of the made-up SDK, and
// the names and pieces that are kept.
func TestCut_Kept(t *testing.T) {
	t.Parallel()
	for paragraph := range strings.SplitSeq(strings.TrimSpace(mustRead(t, "testdata/kept.txt")), "\n\n") {
		lines := strings.Split(paragraph, "\n")
		t.Run(strings.TrimPrefix(lines[0], "# "), func(t *testing.T) {
			t.Parallel()
			c := cutToy(t, map[string]string{"main.go": usesToy(lines[1])})
			got := append([]string{strings.Join(c.sdk.keptNames(), " ")}, c.sdk.keptPieces()...)
			if diff := cmp.Diff(lines[2:], got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if len(c.whole) != 0 && len(got) == 1 {
				t.Errorf("copied whole: %v, want nothing", c.whole)
			}
		})
	}
}

// TestCut_EveryExportedName cuts the made-up SDK to each name that it exports, and compiles the result.
func TestCut_EveryExportedName(t *testing.T) {
	t.Parallel()
	std := newStandardLibrary(t)
	p := cutToy(t, map[string]string{"main.go": usesToy("toy.Limit")}).sdk
	for _, name := range append(p.droppedNames(), "Limit") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			use := "toy." + name
			if d := p.named[name][0]; !d.isValue && !strings.Contains(d.head, "func "+name+"(") {
				use = "new(toy." + name + ")"
			}
			c := cutToy(t, map[string]string{"main.go": usesToy(use)})
			files, err := c.render()
			if err != nil {
				t.Fatal(err)
			}
			files["main/main.go"] = []byte(usesToy(use))
			check := &typeChecker{files: files, std: std, done: make(map[string]*types.Package)}
			if _, err := check.Import("main"); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestCut_CopiedWhole has a package that is copied whole, and uses the one that is cut.
func TestCut_CopiedWhole(t *testing.T) {
	t.Parallel()
	c := cutToy(t, map[string]string{
		"main.go":   usesToy("toy.Limit"),
		"config.go": "package main\n\nimport \"" + toyPackage + "/config\"\n\nvar _ = config.GetToken\n",
	})
	want := []string{"Color", "ColorBlue", "ColorOutput", "ColorRed", "Limit"}
	if diff := cmp.Diff(want, c.sdk.keptNames()); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
	whole := map[string]bool{toyPackage + "/config": true, toyPackage + "/internal": true}
	if diff := cmp.Diff(whole, c.whole); diff != "" {
		t.Errorf("copied whole (-want +got):\n%s", diff)
	}
}

// TestCut_Source cuts the package of one file in each folder of testdata/cut to the name A.
func TestCut_Source(t *testing.T) {
	t.Parallel()
	const importPath = "example.com/sdk"
	dirs, err := filepath.Glob("testdata/cut/*")
	if err != nil || len(dirs) == 0 {
		t.Fatal(dirs, err)
	}
	for _, dir := range dirs {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			t.Parallel()
			sdk := t.TempDir()
			mustWrite(t, filepath.Join(sdk, "sdk.go"), mustRead(t, filepath.Join(dir, "sdk.go")))
			mod := &sdkModule{path: importPath, version: "v1", dir: sdk}
			prog := &program{requires: []string{importPath}, sdk: &sdkPackage{module: mod, path: importPath, name: "sdk"}}
			c, err := cutPackage(prog, usage{symbol{importPath, "A"}: "main.go:1"})
			if err != nil {
				t.Fatal(err)
			}
			files, err := c.render()
			if err != nil {
				t.Fatal(err)
			}
			want := generatedBy(mod) + mustRead(t, filepath.Join(dir, "want.go"))
			if diff := cmp.Diff(want, string(files[importPath+"/sdk.go"])); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
