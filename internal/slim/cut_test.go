package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// cutToy cuts packages of the made-up SDK for a program.
func cutToy(t *testing.T, files map[string]string, packages ...string) (*cut, error) {
	t.Helper()
	prog, err := findProgram(t.Context(), newProgram(t, files), packages)
	if err != nil {
		t.Fatal(err)
	}
	used, err := scanProgram(prog)
	if err != nil {
		t.Fatal(err)
	}
	return cutPackages(prog, used)
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
	for _, piece := range p.pieces {
		if !piece.kept {
			continue
		}
		lines := strings.Split(piece.decl.file.text[piece.span.start:piece.span.end], "\n")
		lines = slices.DeleteFunc(lines, func(line string) bool { return strings.HasPrefix(strings.TrimSpace(line), "//") })
		text := strings.Join(strings.Fields(strings.Join(lines, " ")), " ")
		texts = append(texts, strings.NewReplacer("pulumi.R", "R", "sdk.R", "R", "reflect.", "").Replace(text))
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
	color := []string{"Color", "ColorBlue", "ColorOutput", "ColorRed"}
	colorInput := []string{"Color", "ColorInput", "ColorOutput"}
	label := []string{"BallLabel", "BallLabelArgs", "BallLabelOutput", "BallLabelPtrOutput"}
	direction := []string{"Direction", "Left", "Right", "Up"}
	ball := slices.Concat([]string{"Ball", "BallOutput", "ColorOutput", "Color", "BallLabel", "BallLabelOutput",
		"BallLabelPtrOutput", "Sphere", "module"}, direction)
	version := []string{`version, err := internal.PkgVersion()`, `if err != nil { version = "2.0.0" }`}
	ballPieces := slices.Concat(version, []string{
		`RegisterResourceModule( "toy", "index/ball", &module{version}, )`,
		`case "toy:index/ball:Ball": r = &Ball{}`,
		`RegisterOutputType(BallOutput{})`,
		`RegisterOutputType(ColorOutput{})`,
		`RegisterOutputType(BallLabelOutput{})`,
		`RegisterOutputType(BallLabelPtrOutput{})`,
		`register("ball", func() any { return Ball{} })`,
		`Catalog["count"] = func() any { return count }`,
		`count := 0`,
		`for range 2 { count++ }`,
	})
	catalog := []string{"Catalog", "register"}

	for _, test := range []struct {
		name   string
		uses   string
		names  []string
		pieces []string
	}{
		{
			name:  "a constant of its own",
			uses:  "toy.Limit",
			names: []string{"Limit"},
		},
		{
			name:  "one of a group that counts",
			uses:  "toy.Up",
			names: direction,
		},
		{
			name:  "a variable of a group",
			uses:  "toy.Greeting",
			names: []string{"Greeting"},
		},
		{
			name:  "a variable of function type",
			uses:  "toy.Print",
			names: []string{"Print", "Printer"},
		},
		{
			name:  "a function that differs by system",
			uses:  "toy.Describe",
			names: []string{"Describe", "platform"},
		},
		{
			name:   "a variable that an init function fills",
			uses:   "toy.Catalog",
			names:  []string{"Catalog"},
			pieces: []string{`Catalog["count"] = func() any { return count }`, `count := 0`, `for range 2 { count++ }`},
		},
		{
			name:   "an enumeration",
			uses:   "toy.ColorBlue",
			names:  color,
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
			names: []string{"GetBallLabel", "LookupBallArgs", "LookupBallOutput", "LookupBallOutputArgs",
				"LookupBallResult", "LookupBallResultOutput"},
			pieces: []string{"RegisterOutputType(LookupBallResultOutput{})"},
		},
		{
			name:  "an interface brings the type that the runtime makes for it",
			uses:  "(toy.BallLabelInput)(nil)",
			names: append([]string{"BallLabelInput"}, label...),
			pieces: []string{
				"_ BallLabelInput = BallLabelArgs{}",
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
		{
			name:   "a resource alone",
			uses:   "toy.Ball{}",
			names:  slices.Concat(ball, catalog),
			pieces: ballPieces,
		},
		{
			name:   "a deprecated alias",
			uses:   "toy.Sphere{}",
			names:  slices.Concat(ball, catalog),
			pieces: ballPieces,
		},
		{
			name: "a deprecated constructor",
			uses: "toy.NewSphere",
			names: slices.Concat(ball, catalog, colorInput, label,
				[]string{"NewSphere", "NewBall", "BallArgs", "ballArgs", "BallLabelPtrInput"}),
			pieces: slices.Concat(ballPieces, []string{
				`RegisterInputType(TypeOf((*BallLabelPtrInput)(nil)).Elem(), BallLabelArgs{})`,
				`RegisterInputType(TypeOf((*ColorInput)(nil)).Elem(), Color("red"))`,
			}),
		},
		{
			name: "a resource with embedded, generic and nested types",
			uses: "toy.NewRobot",
			names: slices.Concat(catalog, []string{
				"NewRobot", "Robot", "RobotArgs", "RobotName", "RobotNameArgs", "RobotNameInput", "RobotNameMap",
				"RobotNameMapInput", "RobotNameMapOutput", "RobotNameOutput", "RobotPart", "RobotPartArgs",
				"RobotPartArray", "RobotPartArrayInput", "RobotPartArrayOutput", "RobotPartInput", "RobotPartOutput",
				"greeting", "list", "module", "repeat", "robotArgs", "robotBody", "wave",
			}),
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
				`register("robot", func() any { return Robot{} })`,
				`spare := &Robot{}`,
				`if spare != nil { register("spare", func() any { return spare }) }`,
				`Catalog["count"] = func() any { return count }`,
				`count := 0`,
				`for range 2 { count++ }`,
			}),
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c, err := cutToy(t, map[string]string{"main.go": usesToy(test.uses)}, toyPackage)
			if err != nil {
				t.Fatal(err)
			}
			p := c.pkgs[toyPackage]
			if diff := cmp.Diff(sorted(test.names), p.keptNames()); diff != "" {
				t.Errorf("names (-want +got):\n%s", diff)
			}
			// A statement that refers to nothing may do anything, so it stays in every copy.
			if diff := cmp.Diff(sorted(test.pieces, []string{`_ = os.Setenv("TOY_LOADED", "yes")`}), p.keptPieces()); diff != "" {
				t.Errorf("pieces (-want +got):\n%s", diff)
			}
			if len(c.whole) != 0 && len(test.pieces) == 0 {
				t.Errorf("copied whole: %v, want nothing", c.whole)
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
		c, err := cutToy(t, program("/extra", "toy.Limit, extra.NewPair"), toyPackage, toyPackage+"/extra")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"NewPair"}, c.pkgs[toyPackage+"/extra"].keptNames()); diff != "" {
			t.Errorf("names of extra (-want +got):\n%s", diff)
		}
		got := c.pkgs[toyPackage].keptNames()
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
		c, err := cutToy(t, program("/config", "toy.Limit, config.GetToken"), toyPackage)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"Color", "ColorBlue", "ColorOutput", "ColorRed", "Limit"}, c.pkgs[toyPackage].keptNames()); diff != "" {
			t.Errorf("names (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(map[string]bool{toyPackage + "/config": true, toyPackage + "/internal": true}, c.whole); diff != "" {
			t.Errorf("copied whole (-want +got):\n%s", diff)
		}
	})
}

// cutSource cuts a package of one file to some names, and returns the file without its first comment.
func cutSource(t *testing.T, source string, names ...string) string {
	t.Helper()
	const importPath = "example.com/sdk"
	dir := t.TempDir()
	mustWrite(t, dir+"/sdk.go", source)
	mod := &sdkModule{path: importPath, version: "v1", dir: dir}
	pkg := &target{module: mod, path: importPath, name: "sdk"}
	used := newUsage()
	for _, name := range names {
		used.addName(pkg, name, "main.go:1")
	}
	c, err := cutPackages(&program{targets: []*target{pkg}, modules: []*sdkModule{mod}, requires: []string{importPath}}, used)
	if err != nil {
		t.Fatal(err)
	}
	files, err := c.render()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimPrefix(string(files[importPath+"/sdk.go"]), generatedBy(pkg))
}

func TestCut_Source(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		source string
		want   string
	}{
		{
			name:   "a comment that belongs to no declaration goes",
			source: "package sdk\n\n// A is used.\nvar A = 1 // one\n\n// Alone.\n\n// B is not.\nvar B = 2\n",
			want:   "package sdk\n\n// A is used.\nvar A = 1 // one\n",
		},
		{
			name:   "imports by their version and other name",
			source: "package sdk\n\nimport (\n\t\"example.com/a/v2\"\n\tb \"example.com/x\"\n\t\"gopkg.in/c.v3\"\n\t_ \"example.com/d\"\n\t\"example.com/e\"\n)\n\nvar A = a.A + b.B + c.C\nvar B = e.E\n",
			want:   "package sdk\n\nimport (\n\t\"example.com/a/v2\"\n\t_ \"example.com/d\"\n\tb \"example.com/x\"\n\t\"gopkg.in/c.v3\"\n)\n\nvar A = a.A + b.B + c.C\n",
		},
		{
			name: "a case of several tokens keeps the method whole, so its module is not registered",
			source: "package sdk\n\nimport \"p\"\n\ntype A struct{}\n\ntype B struct{}\n\ntype module struct{}\n\n" +
				"func (module) Construct(typ string) any {\n\tswitch typ {\n\tcase \"x:a:A\", \"x:b:B\":\n\t\treturn &A{}\n\t}\n\treturn &B{}\n}\n\n" +
				"func init() { p.RegisterResourceModule(\"x\", \"a\", &module{}) }\n",
			want: "package sdk\n\ntype A struct{}\n",
		},
		{
			name: "a method without a switch",
			source: "package sdk\n\nimport \"p\"\n\ntype A struct{}\n\ntype module struct{}\n\n" +
				"func (module) Construct(typ string) any { return &A{} }\n\n" +
				"func init() { p.RegisterResourceModule(\"x\", \"a\", &module{}) }\n",
			want: "package sdk\n\nimport \"p\"\n\ntype A struct{}\n\ntype module struct{}\n\n" +
				"func (module) Construct(typ string) any { return &A{} }\n\n" +
				"func init() { p.RegisterResourceModule(\"x\", \"a\", &module{}) }\n",
		},
		{
			name: "a local variable that has the name of a declaration",
			source: "package sdk\n\nimport \"p\"\n\ntype A struct{}\n\nvar version = 1\n\n" +
				"func init() {\n\tversion := 2\n\tp.Register(A{}, version)\n}\n",
			want: "package sdk\n\nimport \"p\"\n\ntype A struct{}\n\nvar version = 1\n\n" +
				"func init() {\n\tversion := 2\n\tp.Register(A{}, version)\n}\n",
		},
		{
			name: "a variable that only a dropped statement needs",
			source: "package sdk\n\nimport \"p\"\n\ntype A struct{}\n\ntype B struct{}\n\n" +
				"func init() {\n\ta, err := p.New()\n\tif err != nil {\n\t\tpanic(err)\n\t}\n\tb := a.More()\n\tp.Register(A{}, a)\n\tp.Register(B{}, b)\n}\n",
			want: "package sdk\n\nimport \"p\"\n\ntype A struct{}\n\n" +
				"func init() {\n\ta, err := p.New()\n\tif err != nil {\n\t\tpanic(err)\n\t}\n\tp.Register(A{}, a)\n}\n",
		},
		{
			name: "a statement that needs a variable of a dropped one",
			source: "package sdk\n\nimport \"p\"\n\ntype A struct{}\n\ntype B struct{}\n\n" +
				"func init() {\n\tb := B{}\n\tp.Register(A{}, b)\n\tp.Register(A{})\n}\n",
			want: "package sdk\n\nimport \"p\"\n\ntype A struct{}\n\nfunc init() {\n\tp.Register(A{})\n}\n",
		},
		{
			name:   "methods of generic types and by way of pointers",
			source: "package sdk\n\ntype A[T, U any] struct{}\n\nfunc (*A[T, _]) M(b B) {}\n\nfunc (a (A[T, U])) N() C { return 0 }\n\ntype B int\n\ntype C int\n\ntype D int\n",
			want:   "package sdk\n\ntype A[T, U any] struct{}\n\nfunc (*A[T, _]) M(b B) {}\n\nfunc (a A[T, U]) N() C { return 0 }\n\ntype B int\n\ntype C int\n",
		},
		{
			name: "a loop with a variable of its own",
			source: "package sdk\n\nimport \"p\"\n\ntype A struct{}\n\ntype B struct{}\n\n" +
				"func init() {\n\tfor i := range 3 {\n\t\tp.Register(A{}, i)\n\t}\n\tfor i := range 3 {\n\t\tp.Register(B{}, i)\n\t}\n}\n",
			want: "package sdk\n\nimport \"p\"\n\ntype A struct{}\n\n" +
				"func init() {\n\tfor i := range 3 {\n\t\tp.Register(A{}, i)\n\t}\n}\n",
		},
		{
			name:   "methods of an alias",
			source: "package sdk\n\ntype A struct{}\n\ntype B = A\n\nfunc (*B) M() C { return 0 }\n\ntype C int\n\ntype D int\n",
			want:   "package sdk\n\ntype A struct{}\n\ntype B = A\n\nfunc (*B) M() C { return 0 }\n\ntype C int\n",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := strings.ReplaceAll(cutSource(t, test.source, "A"), "import (\n\t\"p\"\n)", "import \"p\"")
			if diff := cmp.Diff(test.want, got); diff != "" {
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
