package main

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"
)

// cutToy cuts packages of the made-up SDK for a program.
func cutToy(t *testing.T, files map[string]string, packages ...string) (*cut, error) {
	t.Helper()
	ctx := context.Background()
	prog, err := findProgram(ctx, newProgram(t, files))
	if err != nil {
		t.Fatal(err)
	}
	s, err := findSDKs(ctx, prog, packages)
	if err != nil {
		t.Fatal(err)
	}
	used, err := scanProgram(prog, s)
	if err != nil {
		t.Fatal(err)
	}
	return cutPackages(s, used)
}

// keptNames returns the names of a package that are kept, sorted.
func (c *cut) keptNames(importPath string) []string {
	p := c.pkgs[importPath]
	var names []string
	for name := range p.named {
		if c.keptName(p, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// keptPieces returns the kept statements of init functions, cases and blank variables, each on a line and sorted.
func (c *cut) keptPieces() []string {
	var texts []string
	for p := range c.pieces {
		lines := strings.Split(p.decl.file.text[p.span.start:p.span.end], "\n")
		lines = slices.DeleteFunc(lines, func(line string) bool { return strings.HasPrefix(strings.TrimSpace(line), "//") })
		text := strings.Join(strings.Fields(strings.Join(lines, " ")), " ")
		texts = append(texts, strings.NewReplacer("pulumi.R", "R", "sdk.R", "R", "reflect.", "").Replace(text))
	}
	slices.Sort(texts)
	return texts
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
			names := slices.Compact(slices.Sorted(slices.Values(test.names)))
			if got := c.keptNames(toyPackage); !slices.Equal(got, names) {
				t.Errorf("kept names:\n got %v\nwant %v", got, names)
			}
			// A statement that names nothing may do anything, so it stays in every copy.
			pieces := slices.Concat(test.pieces, []string{`_ = os.Setenv("TOY_LOADED", "yes")`})
			slices.Sort(pieces)
			if got := c.keptPieces(); !slices.Equal(got, pieces) {
				t.Errorf("kept pieces:\n got %s\nwant %s", strings.Join(got, "\n\t"), strings.Join(pieces, "\n\t"))
			}
		})
	}
}

func TestCut_KeptAcrossPackages(t *testing.T) {
	t.Parallel()

	t.Run("a package that is cut uses another one", func(t *testing.T) {
		t.Parallel()
		main := "package main\n\nimport (\n\t\"" + toyPackage + "\"\n\t\"" + toyPackage + "/extra\"\n)\n\n" +
			"var _, _ = toy.Limit, extra.NewPair\n"
		c, err := cutToy(t, map[string]string{"main.go": main}, toyPackage, toyPackage+"/extra")
		if err != nil {
			t.Fatal(err)
		}
		if got, want := c.keptNames(toyPackage+"/extra"), []string{"NewPair"}; !slices.Equal(got, want) {
			t.Errorf("kept of extra: %v, want %v", got, want)
		}
		got := c.keptNames(toyPackage)
		for name, want := range map[string]bool{"Limit": true, "NewBall": true, "BallArgs": true, "NewRobot": false, "Robot": false} {
			if slices.Contains(got, name) != want {
				t.Errorf("%s kept: %v, want %v", name, !want, want)
			}
		}
		if want := map[string]bool{toyPackage + "/internal": true}; !maps.Equal(c.whole, want) {
			t.Errorf("copied whole: %v, want %v", c.whole, want)
		}
	})

	t.Run("a package that is copied whole uses one that is cut", func(t *testing.T) {
		t.Parallel()
		main := "package main\n\nimport (\n\t\"" + toyPackage + "\"\n\t\"" + toyPackage + "/config\"\n)\n\n" +
			"var _, _ = toy.Limit, config.GetToken\n"
		c, err := cutToy(t, map[string]string{"main.go": main}, toyPackage)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := c.keptNames(toyPackage), []string{"Color", "ColorBlue", "ColorOutput", "ColorRed", "Limit"}; !slices.Equal(got, want) {
			t.Errorf("kept names: %v, want %v", got, want)
		}
		if want := map[string]bool{toyPackage + "/config": true, toyPackage + "/internal": true}; !maps.Equal(c.whole, want) {
			t.Errorf("copied whole: %v, want %v", c.whole, want)
		}
	})

	t.Run("what is not imported is not copied", func(t *testing.T) {
		t.Parallel()
		c, err := cutToy(t, map[string]string{"main.go": usesToy("toy.Limit")}, toyPackage)
		if err != nil {
			t.Fatal(err)
		}
		if len(c.whole) != 0 {
			t.Errorf("copied whole: %v, want nothing", c.whole)
		}
	})
}
