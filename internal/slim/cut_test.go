package main

import (
	"go/types"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// newToyProgram returns a program that has the files and cuts packages of the made-up SDK.
func newToyProgram(t testing.TB, files map[string]string, packages ...string) *program {
	t.Helper()
	mod := &sdkModule{path: toyModule, version: "v2.3.4", dir: "testdata/toy"}
	prog := &program{root: newProgram(t, files), modules: []*sdkModule{mod}, requires: []string{toyModule}}
	for _, importPath := range packages {
		prog.packages = append(prog.packages, &sdkPackage{module: mod, path: importPath, name: path.Base(importPath)})
	}
	return prog
}

// cutToy cuts packages of the made-up SDK for a program.
func cutToy(t *testing.T, files map[string]string, packages ...string) *cut {
	t.Helper()
	prog := newToyProgram(t, files, packages...)
	used, err := scanProgram(prog)
	if err != nil {
		t.Fatal(err)
	}
	c, err := cutPackages(prog, used)
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

// sorted returns the lists as one, sorted and without duplicates.
func sorted(lists ...[]string) []string {
	return slices.Compact(slices.Sorted(slices.Values(slices.Concat(lists...))))
}

func TestCut_Kept(t *testing.T) {
	t.Parallel()
	label := []string{"BallLabel", "BallLabelArgs", "BallLabelOutput", "BallLabelPtrOutput"}
	ball := []string{"Ball", "BallOutput", "ColorOutput", "Color", "BallLabel", "BallLabelOutput", "BallLabelPtrOutput", "Sphere",
		"module", "Direction", "Left", "Right", "Up"}
	version := []string{`version, err := internal.PkgVersion()`, `if err != nil { version = "2.0.0" }`}
	ballPieces := slices.Concat(version, []string{
		`RegisterResourceModule( "toy", "index/ball", &module{version}, )`,
		`case "toy:index/ball:Ball": r = &Ball{}`,
		`RegisterOutputType(BallOutput{})`,
		`RegisterOutputType(ColorOutput{})`,
		`RegisterOutputType(BallLabelOutput{})`,
		`RegisterOutputType(BallLabelPtrOutput{})`,
	})
	for _, test := range []struct {
		name   string
		uses   string
		names  []string
		pieces []string
	}{
		{name: "a constant of its own", uses: "toy.Limit", names: []string{"Limit"}},
		{name: "one of a group that counts", uses: "toy.Up", names: []string{"Direction", "Left", "Right", "Up"}},
		{name: "a variable of a group", uses: "toy.Greeting", names: []string{"Farewell", "Greeting"}},
		{name: "a variable of function type", uses: "toy.Print", names: []string{"Print", "Printer"}},
		{name: "a function that differs by system", uses: "toy.Describe", names: []string{"Describe", "platform"}},
		{
			name:   "an enumeration",
			uses:   "toy.ColorBlue",
			names:  []string{"Color", "ColorBlue", "ColorOutput", "ColorRed"},
			pieces: []string{"RegisterOutputType(ColorOutput{})"},
		},
		{
			name:   "a pointer to an enumeration",
			uses:   "toy.ColorPtr",
			names:  []string{"Color", "ColorOutput", "ColorPtr", "ColorPtrInput", "ColorPtrOutput", "colorPtr", "colorPtrType"},
			pieces: []string{"RegisterOutputType(ColorOutput{})", "RegisterOutputType(ColorPtrOutput{})"},
		},
		{
			name:   "an output alone",
			uses:   "toy.GetBallLabelOutput{}",
			names:  []string{"GetBallLabel", "GetBallLabelOutput"},
			pieces: []string{"RegisterOutputType(GetBallLabelOutput{})"},
		},
		{
			name:  "a lookup",
			uses:  "toy.LookupBall",
			names: []string{"GetBallLabel", "LookupBall", "LookupBallArgs", "LookupBallResult"},
		},
		{
			name: "a lookup of outputs",
			uses: "toy.LookupBallOutput",
			names: []string{"GetBallLabel", "LookupBallArgs", "LookupBallOutput", "LookupBallOutputArgs", "LookupBallResult",
				"LookupBallResultOutput"},
			pieces: []string{"RegisterOutputType(LookupBallResultOutput{})"},
		},
		{
			name:  "an interface brings the type that the runtime makes for it",
			uses:  "(toy.BallLabelInput)(nil)",
			names: append([]string{"BallLabelInput"}, label...),
			pieces: []string{
				"var _ BallLabelInput = BallLabelArgs{}",
				"RegisterInputType(TypeOf((*BallLabelInput)(nil)).Elem(), BallLabelArgs{})",
				"RegisterOutputType(BallLabelOutput{})",
				"RegisterOutputType(BallLabelPtrOutput{})",
			},
		},
		{
			name:   "a type does not bring the interface that it implements",
			uses:   "toy.BallLabelArgs{}",
			names:  label,
			pieces: []string{"RegisterOutputType(BallLabelOutput{})", "RegisterOutputType(BallLabelPtrOutput{})"},
		},
		{
			name:  "a provider",
			uses:  "toy.NewProvider",
			names: []string{"NewProvider", "Provider", "ProviderOutput", "pkg"},
			pieces: slices.Concat(version, []string{
				`RegisterOutputType(ProviderOutput{})`,
				`RegisterResourcePackage( "toy", &pkg{version}, )`,
			}),
		},
		{name: "a resource alone", uses: "toy.Ball{}", names: ball, pieces: ballPieces},
		{name: "a deprecated alias", uses: "toy.Sphere{}", names: ball, pieces: ballPieces},
		{
			name: "a deprecated constructor",
			uses: "toy.NewSphere",
			names: slices.Concat(ball, label,
				[]string{"NewSphere", "NewBall", "BallArgs", "ballArgs", "BallLabelPtrInput", "ColorInput"}),
			pieces: slices.Concat(ballPieces, []string{
				`RegisterInputType(TypeOf((*BallLabelPtrInput)(nil)).Elem(), BallLabelArgs{})`,
				`RegisterInputType(TypeOf((*ColorInput)(nil)).Elem(), Color("red"))`,
			}),
		},
		{
			name: "a resource with embedded, generic and nested types",
			uses: "toy.NewRobot",
			names: []string{
				"NewRobot", "Robot", "RobotArgs", "RobotName", "RobotNameArgs", "RobotNameInput", "RobotNameMap",
				"RobotNameMapInput", "RobotNameMapOutput", "RobotNameOutput", "RobotPart", "RobotPartArgs",
				"RobotPartArray", "RobotPartArrayInput", "RobotPartArrayOutput", "RobotPartInput", "RobotPartOutput",
				"greeting", "list", "module", "repeat", "robotArgs", "robotBody", "wave",
			},
			pieces: slices.Concat(version, []string{
				`RegisterResourceModule( "toy", "index/robot", &module{version}, )`,
				`case "toy:index/robot:Robot": r = &Robot{}`,
				`RegisterInputType(TypeOf((*RobotNameInput)(nil)).Elem(), RobotNameArgs{})`,
				`RegisterInputType(TypeOf((*RobotNameMapInput)(nil)).Elem(), RobotNameMap{})`,
				`RegisterInputType(TypeOf((*RobotPartArrayInput)(nil)).Elem(), RobotPartArray{})`,
				`RegisterInputType(TypeOf((*RobotPartInput)(nil)).Elem(), RobotPartArgs{})`,
				`RegisterOutputType(RobotNameMapOutput{})`,
				`RegisterOutputType(RobotNameOutput{})`,
				`RegisterOutputType(RobotPartArrayOutput{})`,
				`RegisterOutputType(RobotPartOutput{})`,
			}),
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := cutToy(t, map[string]string{"main.go": usesToy(test.uses)}, toyPackage)
			p := c.prog.sdkPackage(toyPackage)
			if diff := cmp.Diff(sorted(test.names), p.keptNames()); diff != "" {
				t.Errorf("names (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(sorted(test.pieces), p.keptPieces()); diff != "" {
				t.Errorf("pieces (-want +got):\n%s", diff)
			}
			if len(c.whole) != 0 && len(test.pieces) == 0 {
				t.Errorf("copied whole: %v, want nothing", c.whole)
			}
		})
	}
}

// TestCut_EveryExportedName cuts the made-up SDK to each name that it exports, and compiles the result.
func TestCut_EveryExportedName(t *testing.T) {
	t.Parallel()
	std := newStandardLibrary(t)
	p := cutToy(t, map[string]string{"main.go": usesToy("toy.Limit")}, toyPackage).prog.packages[0]
	for _, name := range append(p.droppedNames(), "Limit") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			use := "toy." + name
			if d := p.named[name][0]; !d.isValue && !strings.Contains(d.head, "func "+name+"(") {
				use = "new(toy." + name + ")"
			}
			c := cutToy(t, map[string]string{"main.go": usesToy(use)}, toyPackage)
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

func TestCut_AcrossPackages(t *testing.T) {
	t.Parallel()
	program := func(other, uses string) map[string]string {
		return map[string]string{"main.go": "package main\n\nimport (\n\t\"" + toyPackage + "\"\n\t\"" + toyPackage + other + "\"\n)\n\nvar _, _ = " + uses + "\n"}
	}

	t.Run("a package that is cut uses another one", func(t *testing.T) {
		t.Parallel()
		c := cutToy(t, program("/extra", "toy.Limit, extra.NewPair"), toyPackage, toyPackage+"/extra")
		if diff := cmp.Diff([]string{"NewPair"}, c.prog.sdkPackage(toyPackage+"/extra").keptNames()); diff != "" {
			t.Errorf("names of extra (-want +got):\n%s", diff)
		}
		got := c.prog.sdkPackage(toyPackage).keptNames()
		for name, want := range map[string]bool{"Limit": true, "NewBall": true, "BallArgs": true, "NewRobot": false, "Robot": false} {
			if slices.Contains(got, name) != want {
				t.Errorf("%s kept: %v, want %v", name, !want, want)
			}
		}
		if diff := cmp.Diff(map[string]bool{toyPackage + "/internal": true}, c.whole); diff != "" {
			t.Errorf("copied whole (-want +got):\n%s", diff)
		}
	})

	t.Run("a package that is copied whole uses one that is cut", func(t *testing.T) {
		t.Parallel()
		c := cutToy(t, program("/config", "toy.Limit, config.GetToken"), toyPackage)
		if diff := cmp.Diff([]string{"Color", "ColorBlue", "ColorOutput", "ColorRed", "Limit"}, c.prog.sdkPackage(toyPackage).keptNames()); diff != "" {
			t.Errorf("names (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(map[string]bool{toyPackage + "/config": true, toyPackage + "/internal": true}, c.whole); diff != "" {
			t.Errorf("copied whole (-want +got):\n%s", diff)
		}
	})
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
			prog := &program{
				packages: []*sdkPackage{{module: mod, path: importPath, name: "sdk"}},
				modules:  []*sdkModule{mod},
				requires: []string{importPath},
			}
			c, err := cutPackages(prog, usage{symbol{importPath, "A"}: "main.go:1"})
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

func TestSDKPackage_Similar(t *testing.T) {
	t.Parallel()
	p := &sdkPackage{named: make(map[string][]*decl)}
	for _, name := range []string{"NewPagesProject", "NewPagesDomain", "PagesProject", "pagesProject", "Zone", "Zones", "ZoneX", "Zine", "Zona"} {
		p.named[name] = nil
	}
	for _, test := range []struct {
		name string
		want []string
	}{
		{"NewPageProject", []string{"NewPagesProject"}},
		{"newPagesProject", []string{"NewPagesProject", "PagesProject"}},
		{"PagesProjekt", []string{"PagesProject"}},
		{"Zonee", []string{"Zone", "ZoneX", "Zones"}},
		{"DnsRecord", nil},
		{"", nil},
	} {
		if got := p.similar(test.name); !slices.Equal(got, test.want) {
			t.Errorf("similar(%q) = %v, want %v", test.name, got, test.want)
		}
	}
}
