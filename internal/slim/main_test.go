package main

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestRun_Usage(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		args []string
		want string
	}{
		{"unknown flag", []string{"-pakage", "x"}, "-pakage"},
		{"no value", []string{"-package"}, "-package"},
		{"empty value", []string{"-package", ""}, "flag -package: the path is empty"},
		{"absolute path", []string{"-package", "/usr/lib/go/src/fmt"}, "flag -package: this is an absolute path"},
		{"way up", []string{"-package", "example.com/../../etc"}, `flag -package: an import path has no ".."`},
		{"newline", []string{"-package", "example.com/a\nuse ./b"}, "flag -package: an import path has letters"},
		{"blank", []string{"-package", "example.com/a b"}, "flag -package: an import path has letters"},
		{"backslash", []string{"-package", `C:\a`}, "flag -package: an import path has letters"},
		{"relative path", []string{"-package", "./internal"}, "flag -package: this is not an import path"},
		{"not clean", []string{"-package", "example.com//a/"}, "flag -package: this is not an import path"},
		{"second of two", []string{"-package", "example.com/a", "-package", ""}, "flag -package: the path is empty"},
		{"argument", []string{"example.com/a"}, `unexpected argument "example.com/a"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir := newProgram(t, map[string]string{"main.go": usesToy("toy.Limit")})
			code, stdout, stderr := runSlim(t, dir, test.args...)
			if code != exitUsage {
				t.Errorf("exit code %d, want %d", code, exitUsage)
			}
			if !strings.Contains(stderr, test.want) || !strings.Contains(stderr, "usage: ") || stdout != "" {
				t.Errorf("stdout %q, stderr %q; want %q and the usage on stderr", stdout, stderr, test.want)
			}
			assertUntouched(t, dir)
		})
	}

	t.Run("help", func(t *testing.T) {
		t.Parallel()
		code, _, stderr := runSlim(t, t.TempDir(), "-help")
		if code != exitOK || !strings.Contains(stderr, "usage: ") || !strings.Contains(stderr, defaultPackage) {
			t.Errorf("exit code %d, stderr %q", code, stderr)
		}
	})
}

// assertUntouched checks that no run has written anything to a program.
func assertUntouched(t *testing.T, dir string) {
	t.Helper()
	for _, name := range []string{outputDir, workspaceFile} {
		if _, err := os.Stat(filepath.Join(dir, name)); !os.IsNotExist(err) {
			t.Errorf("%s: %v; want it not to exist", name, err)
		}
	}
}

func TestRun_Errors(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		files map[string]string
		args  []string
		want  []string
	}{
		{
			name:  "module not required",
			files: map[string]string{"go.mod": "module m\n\ngo 1.25\n", "main.go": usesToy("toy.Limit")},
			want:  []string{"go.mod requires no module that has the package " + toyPackage, "go get " + toyPackage},
		},
		{
			name:  "default package not required",
			files: map[string]string{"main.go": usesToy("toy.Limit")},
			args:  []string{},
			want:  []string{"go.mod requires no module that has the package " + defaultPackage},
		},
		{
			name:  "go.mod that is none",
			files: map[string]string{"go.mod": "modul m\n"},
			want:  []string{"reading go.mod: go mod edit -json: ", "go.mod:1"},
		},
		{
			name:  "package not in the module",
			files: map[string]string{"main.go": usesToy("toy.Limit")},
			args:  []string{"-package", toyPackage + "/nothing"},
			want:  []string{toyModule + " ", " has no package " + toyPackage + "/nothing"},
		},
		{
			name:  "folder without Go files",
			files: map[string]string{"main.go": usesToy("toy.Limit")},
			args:  []string{"-package", toyModule},
			want:  []string{"has no package " + toyModule, "no Go files"},
		},
		{
			name:  "package not used",
			files: map[string]string{"main.go": "package main\n\nfunc main() {}\n"},
			want:  []string{"no Go file of this module uses a name of " + toyPackage},
		},
		{
			name:  "file that cannot be parsed",
			files: map[string]string{"main.go": "package main\n\nimport \"" + toyPackage + "\"\n\nvar = toy.Limit\n"},
			want:  []string{"reading the module's own code: parsing: main.go:5:5: "},
		},
		{
			name: "names that are missing",
			files: map[string]string{
				"main.go":  usesToy("toy.NewBal"),
				"other.go": usesToy("toy.NoSuchThingAtAll, toy.register, toy.ColourRed"),
			},
			want: []string{
				"package " + toyPackage + " (module " + toyModule + " ", "/toy) lacks:\n",
				"\tmain.go:5: toy.NewBal (did you mean NewBall?)\n",
				"\tother.go:5: toy.ColourRed (did you mean ColorRed?)\n",
				"\tother.go:5: toy.NoSuchThingAtAll\n",
				"\tother.go:5: toy.register\n",
			},
		},
		{
			name: "imported package that the SDK has not",
			files: map[string]string{
				"main.go":   usesToy("toy.Limit"),
				"config.go": "package main\n\nimport \"" + toyPackage + "/konfig\"\n\nvar _ = konfig.GetToken\n",
			},
			want: []string{"config.go:3: ", " has no package " + toyPackage + "/konfig"},
		},
		{
			name:  "go.work of the user's",
			files: map[string]string{"main.go": usesToy("toy.Limit"), "go.work": "go 1.25\n\nuse .\n"},
			want:  []string{"go.work is not from slim", "move it away"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if test.args == nil {
				test.args = []string{"-package", toyPackage}
			}
			dir := newProgram(t, test.files)
			before := tree(t, dir)
			code, stdout, stderr := runSlim(t, dir, test.args...)
			if code != exitFailure || stdout != "" || !strings.HasPrefix(stderr, "slim: ") {
				t.Errorf("exit code %d, stdout %q, stderr %q", code, stdout, stderr)
			}
			for _, want := range test.want {
				if !strings.Contains(stderr, want) {
					t.Errorf("stderr %q\nlacks %q", stderr, want)
				}
			}
			if !maps.Equal(tree(t, dir), before) {
				t.Error("something was written")
			}
		})
	}

	t.Run("no module", func(t *testing.T) {
		t.Parallel()
		code, _, stderr := runSlim(t, t.TempDir())
		if code != exitFailure || !strings.Contains(stderr, "no go.mod here or in a folder above") {
			t.Errorf("exit code %d, stderr %q", code, stderr)
		}
	})
}

// toyProgram prints what the runtime knows of the made-up SDK.
const toyProgram = `package main

import (
	"fmt"

	"example.com/pulumi-toy/sdk/v2/go/toy"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

func main() {
	if _, err := toy.NewBall(nil, "ball", &toy.BallArgs{Label: toy.BallLabelArgs{}, Color: toy.ColorRed}); err != nil {
		panic(err)
	}
	for _, line := range pulumi.Registered() {
		fmt.Println(line)
	}
	for _, typ := range []string{"toy:index/ball:Ball", "toy:index/robot:Robot", "pulumi:providers:toy"} {
		fmt.Println(typ, "becomes", pulumi.Construct(typ))
	}
}
`

func TestRun_Runtime(t *testing.T) {
	t.Parallel()
	dir := newProgram(t, map[string]string{"main.go": toyProgram})

	full := strings.Split(strings.TrimSpace(mustGo(t, dir, "run", "-trimpath", ".")), "\n")
	if out := mustSlim(t, dir); !regexp.MustCompile(`^slim: toy .*/testdata/toy: kept \d+ of \d+ names \(\d+ KB\)\n$`).MatchString(out) {
		t.Errorf("printed %q", out)
	}
	cut := strings.Split(strings.TrimSpace(mustGo(t, dir, "run", "-trimpath", ".")), "\n")

	want := []string{
		"input BallLabelPtrInput toy.BallLabelArgs",
		"input ColorInput toy.Color",
		"module toy:index/ball 2.3.4",
		"output toy.BallLabelOutput",
		"output toy.BallLabelPtrOutput",
		"output toy.BallOutput",
		"output toy.ColorOutput",
		"toy:index/ball:Ball becomes *toy.Ball",
		"toy:index/robot:Robot becomes a dependency",
		"pulumi:providers:toy becomes a dependency",
	}
	if !slices.Equal(cut, want) {
		t.Errorf("the cut SDK:\n got %q\nwant %q", cut, want)
	}
	for _, line := range cut {
		if !strings.HasSuffix(line, " a dependency") && !slices.Contains(full, line) {
			t.Errorf("the full SDK does not know of %q", line)
		}
	}
	mustGo(t, dir, "vet", "./...", toyPackage)
}

func TestRun_EveryExportedName(t *testing.T) {
	t.Parallel()
	c, err := cutToy(t, map[string]string{"main.go": usesToy("toy.Limit")}, toyPackage)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append(c.exportedDropped(c.pkgs[toyPackage]), "Limit") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// What an import of the package is followed by decides what the name is; a constraint takes all.
			d := c.pkgs[toyPackage].named[name][0]
			use := "var _ = toy." + name
			if d.isType {
				use = "var _ toy." + name
			}
			dir := newProgram(t, map[string]string{"main.go": "package main\n\nimport \"" + toyPackage + "\"\n\n" + use + "\n\nfunc main() {}\n"})
			mustSlim(t, dir)
			mustGo(t, dir, "build", "-trimpath", ".", toyPackage)
		})
	}
}

func TestRun_Copy(t *testing.T) {
	t.Parallel()
	main := "package main\n\nimport (\n\t\"" + toyPackage + "\"\n\t\"" + toyPackage + "/config\"\n)\n\n" +
		"var _, _, _ = toy.NewBall, toy.Describe, config.GetToken\n\nfunc main() {}\n"
	dir := newProgram(t, map[string]string{"main.go": main})
	mustSlim(t, dir)

	out := filepath.Join(dir, outputDir, filepath.FromSlash(toyModule))
	var got []string
	for name := range tree(t, out) {
		rel, err := filepath.Rel(out, name)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, filepath.ToSlash(rel))
	}
	slices.Sort(got)
	want := []string{
		"LICENSE", "go.mod", "go.sum", "go/toy/ball.go", "go/toy/catalog.go", "go/toy/config/config.go", "go/toy/doc.go",
		"go/toy/init.go", "go/toy/internal/version.go", "go/toy/platform_linux.go", "go/toy/platform_other.go",
		"go/toy/pulumi-plugin.json", "go/toy/pulumiEnums.go", "go/toy/pulumiTypes.go", "go/toy/slim_dropped.go",
	}
	if !slices.Equal(got, want) {
		t.Errorf("files:\n got %q\nwant %q", got, want)
	}

	header := "// Code generated by internal/slim from " + toyModule + " " + filepath.ToSlash(filepath.Join(mustAbs(t, "testdata"), "toy")) +
		". DO NOT EDIT.\n\n"
	for name, texts := range map[string][]string{
		"go/toy/doc.go": {header + "// Package toy manages toys.\npackage toy\n"},
		"go/toy/ball.go": {
			header,
			"// A ball.\n//\n// ## Example Usage\n//\n//\ttoy.NewBall(ctx, \"ball\", nil)\ntype Ball struct {\n",
			"\t// What is written on it.\n\tLabel BallLabelPtrOutput `pulumi:\"label\"`\n",
			"func init() {\n\tpulumi.RegisterOutputType(BallOutput{})\n}\n",
			"// Deprecated: it is called Ball now.\ntype Sphere = Ball\n",
		},
		"go/toy/init.go":           {"\t// Balls come first.\n\tpulumi.RegisterResourceModule(\n\t\t\"toy\",\n\t\t\"index/ball\",\n\t\t&module{version},\n\t)\n}\n"},
		"go/toy/platform_other.go": {header + "// Copyright of no one.\n\n//go:build !linux\n\npackage toy\n\nimport (\n\t\"runtime\"\n)\n"},
		"go/toy/pulumiTypes.go":    {"\tsdk \"github.com/pulumi/pulumi/sdk/v3/go/pulumi\"\n"},
	} {
		content := readFile(t, filepath.Join(out, filepath.FromSlash(name)))
		for _, text := range texts {
			if !strings.Contains(content, text) {
				t.Errorf("%s lacks %q:\n%s", name, text, content)
			}
		}
	}
	for name, text := range map[string]string{
		"go/toy/ball.go":        "errors",
		"go/toy/init.go":        "obot",
		"go/toy/pulumiTypes.go": "/internal\"",
	} {
		if content := readFile(t, filepath.Join(out, filepath.FromSlash(name))); strings.Contains(content, text) {
			t.Errorf("%s has %q:\n%s", name, text, content)
		}
	}

	wantWork := workspaceMarker + "\n//\n" +
		"// It replaces SDKs by copies that hold only what this module uses of them. If you want to write a\n" +
		"// go.work of your own here, leave out the first line: slim will not overwrite it then.\n\n" +
		"go 1.25\n\nuse .\n\nreplace " + toyModule + " => ./.slim/" + toyModule + "\n\n" +
		"// No package of these is in the build. If they are empty, nothing has to be downloaded to see that.\n" +
		"replace (\n\texample.com/pulumi-toy/sdk => ./.slim/empty/example.com/pulumi-toy/sdk\n)\n"
	if got := readFile(t, filepath.Join(dir, workspaceFile)); got != wantWork {
		t.Errorf("go.work:\n%s\nwant:\n%s", got, wantWork)
	}
	if got := readFile(t, filepath.Join(dir, outputDir, "empty/example.com/pulumi-toy/sdk/go.mod")); !strings.HasSuffix(got, "\n\nmodule example.com/pulumi-toy/sdk\n") {
		t.Errorf("the empty module's go.mod is %q", got)
	}
}

func mustAbs(t *testing.T, name string) string {
	t.Helper()
	abs, err := filepath.Abs(name)
	if err != nil {
		t.Fatal(err)
	}
	return abs
}

func TestRun_Again(t *testing.T) {
	t.Parallel()
	const upToDate = "slim: up to date\n"

	// start makes a program with a copy whose files were written long ago.
	start := func(t *testing.T) string {
		dir := newProgram(t, map[string]string{"main.go": usesToy("toy.NewBall")})
		mustSlim(t, dir)
		old := time.Now().Add(-24 * time.Hour)
		for name := range tree(t, dir) {
			if err := os.Chtimes(name, old, old); err != nil {
				t.Fatal(err)
			}
		}
		return dir
	}
	ball := filepath.Join(outputDir, filepath.FromSlash(toyPackage), "ball.go")

	t.Run("nothing changed", func(t *testing.T) {
		t.Parallel()
		dir := start(t)
		before := tree(t, dir)
		if out := mustSlim(t, dir); out != upToDate {
			t.Errorf("printed %q", out)
		}
		if !maps.Equal(tree(t, dir), before) {
			t.Error("a file was written")
		}
	})

	t.Run("from a folder below", func(t *testing.T) {
		t.Parallel()
		dir := start(t)
		sub := filepath.Join(dir, "a", "b")
		if err := os.MkdirAll(sub, 0o755); err != nil {
			t.Fatal(err)
		}
		if out := mustSlim(t, sub); out != upToDate {
			t.Errorf("printed %q", out)
		}
	})

	t.Run("code that uses the same names", func(t *testing.T) {
		t.Parallel()
		dir := start(t)
		writeFile(t, filepath.Join(dir, "other.go"), strings.Replace(usesToy("toy.NewBall"), "func main() {}", "", 1))
		if out := mustSlim(t, dir); out != upToDate {
			t.Errorf("printed %q", out)
		}
	})

	t.Run("another name", func(t *testing.T) {
		t.Parallel()
		dir := start(t)
		before := tree(t, dir)
		writeFile(t, filepath.Join(dir, "main.go"), usesToy("toy.NewBall")+
			"\nvar p toy.ProviderInput\n\nfunc f() { toy.NewProvider(nil, \"\") }\n\nvar n, s = int(toy.Limit), string(toy.Greeting)\n")

		// Without slim the build fails and says what to do, whatever kind of name it is.
		out, err := goTool(dir, "build", "-trimpath", ".")
		if err == nil {
			t.Error("the build does not fail")
		}
		for _, want := range []string{
			`toy.ProviderInput (constant "left out of this copy of the SDK: run make slim" of string type toy.RunMakeSlim)`,
			`toy.NewProvider (constant "left out of this copy of the SDK: run make slim" of string type toy.RunMakeSlim)`,
			`toy.Limit (variable of type struct{toy.RunMakeSlim})`,
			`toy.Greeting (variable of type struct{toy.RunMakeSlim})`,
		} {
			if !strings.Contains(out, want) {
				t.Errorf("the build says %q, want %q in it", out, want)
			}
		}

		if out := mustSlim(t, dir); !strings.Contains(out, ": kept ") {
			t.Errorf("printed %q", out)
		}
		mustGo(t, dir, "build", "-trimpath", ".")
		after := tree(t, dir)
		for _, name := range []string{"ball.go", "pulumiTypes.go", "internal/version.go", "pulumi-plugin.json"} {
			file := filepath.Join(dir, filepath.Dir(ball), filepath.FromSlash(name))
			if after[file] != before[file] {
				t.Errorf("%s was written although it did not change", name)
			}
		}
		if provider := filepath.Join(dir, filepath.Dir(ball), "provider.go"); after[provider] == "" {
			t.Error("provider.go is missing")
		}

		// And back.
		writeFile(t, filepath.Join(dir, "main.go"), usesToy("toy.NewBall"))
		mustSlim(t, dir)
		if _, err := os.Stat(filepath.Join(dir, filepath.Dir(ball), "provider.go")); !os.IsNotExist(err) {
			t.Errorf("provider.go: %v; want it gone", err)
		}
	})

	for _, test := range []struct {
		name  string
		spoil func(t *testing.T, dir string)
	}{
		{"a file changed", func(t *testing.T, dir string) { writeFile(t, filepath.Join(dir, ball), "package toy\n") }},
		{"a file gone", func(t *testing.T, dir string) { mustRemove(t, filepath.Join(dir, ball)) }},
		{"a file too many", func(t *testing.T, dir string) {
			writeFile(t, filepath.Join(dir, filepath.Dir(ball), "x.go"), "package nonsense\n")
		}},
		{"a folder in place of a file", func(t *testing.T, dir string) {
			mustRemove(t, filepath.Join(dir, ball))
			writeFile(t, filepath.Join(dir, ball, "x.go"), "package nonsense\n")
		}},
		{"a file in place of a folder", func(t *testing.T, dir string) {
			mustRemove(t, filepath.Join(dir, outputDir, "example.com"))
			writeFile(t, filepath.Join(dir, outputDir, "example.com"), "")
		}},
		{"no stamp, as after a run that was killed", func(t *testing.T, dir string) {
			mustRemove(t, filepath.Join(dir, outputDir, stampFile))
			mustRemove(t, filepath.Join(dir, ball))
			writeFile(t, filepath.Join(dir, outputDir, scratchPrefix+"1", "0"), "half a fi")
		}},
		{"a stamp that is none", func(t *testing.T, dir string) {
			writeFile(t, filepath.Join(dir, outputDir, stampFile), "{")
		}},
		{"a stamp of another format", func(t *testing.T, dir string) {
			name := filepath.Join(dir, outputDir, stampFile)
			writeFile(t, name, strings.Replace(readFile(t, name), `"format": `, `"format": 9`, 1))
		}},
		{"no output", func(t *testing.T, dir string) { mustRemove(t, filepath.Join(dir, outputDir)) }},
	} {
		t.Run("repair: "+test.name, func(t *testing.T) {
			t.Parallel()
			dir := start(t)
			test.spoil(t, dir)
			if out := mustSlim(t, dir); !strings.Contains(out, ": kept ") {
				t.Errorf("printed %q", out)
			}
			if out := mustSlim(t, dir); out != upToDate {
				t.Errorf("the run after it printed %q", out)
			}
			mustGo(t, dir, "build", "-trimpath", ".")
		})
	}

	t.Run("what a killed run left goes after a while", func(t *testing.T) {
		t.Parallel()
		dir := start(t)
		scratch := filepath.Join(dir, outputDir, scratchPrefix+"1")
		writeFile(t, filepath.Join(scratch, "0"), "half a fi")
		long := time.Now().Add(-2 * scratchLife)
		if err := os.Chtimes(scratch, long, long); err != nil {
			t.Fatal(err)
		}
		mustRemove(t, filepath.Join(dir, outputDir, stampFile))
		mustSlim(t, dir)
		if _, err := os.Stat(scratch); !os.IsNotExist(err) {
			t.Errorf("%s: %v; want it gone", scratch, err)
		}
	})

	t.Run("go.work gone", func(t *testing.T) {
		t.Parallel()
		dir := start(t)
		mustRemove(t, filepath.Join(dir, workspaceFile))
		if out := mustSlim(t, dir); out != "slim: wrote go.work; the copy is up to date\n" {
			t.Errorf("printed %q", out)
		}
		if out := mustSlim(t, dir); out != upToDate {
			t.Errorf("printed %q", out)
		}
	})

	t.Run("go.mod with more settings", func(t *testing.T) {
		t.Parallel()
		dir := start(t)
		mod := strings.Replace(goMod(t), "go 1.25\n", "go 1.25.1\n\ntoolchain go1.25.3\n\ngodebug panicnil=1\n", 1)
		writeFile(t, filepath.Join(dir, "go.mod"), mod)
		mustSlim(t, dir)
		if got, want := readFile(t, filepath.Join(dir, workspaceFile)), "\ngo 1.25.1\n\ntoolchain go1.25.3\n\ngodebug panicnil=1\n\nuse .\n"; !strings.Contains(got, want) {
			t.Errorf("go.work is %q, want it to have %q", got, want)
		}
		mustGo(t, dir, "build", "-trimpath", ".")
	})

	t.Run("source of the SDK changed", func(t *testing.T) {
		t.Parallel()
		sdk := filepath.Join(t.TempDir(), "toy")
		if err := os.CopyFS(sdk, os.DirFS("testdata/toy")); err != nil {
			t.Fatal(err)
		}
		mod := strings.Replace(goMod(t), mustAbs(t, "testdata/toy"), sdk, 1)
		dir := newProgram(t, map[string]string{"go.mod": mod, "main.go": usesToy("toy.NewBall")})
		mustSlim(t, dir)
		if out := mustSlim(t, dir); out != upToDate {
			t.Errorf("printed %q", out)
		}
		file := filepath.Join(sdk, "go", "toy", "ball.go")
		writeFile(t, file, strings.Replace(readFile(t, file), "// A ball.", "// A round ball.", 1))
		if out := mustSlim(t, dir); !strings.Contains(out, ": kept ") {
			t.Errorf("printed %q", out)
		}
		if !strings.Contains(readFile(t, filepath.Join(dir, ball)), "// A round ball.") {
			t.Error("the copy is the old one")
		}
	})

	t.Run("another package", func(t *testing.T) {
		t.Parallel()
		dir := start(t)
		writeFile(t, filepath.Join(dir, "pair.go"), "package main\n\nimport \""+toyPackage+"/extra\"\n\nvar _ = extra.NewPair\n")
		out := mustSlim(t, dir, "-package", toyPackage+"/extra", "-package", toyPackage, "-package", toyPackage)
		if strings.Count(out, ": kept ") != 2 || !strings.Contains(out, "slim: extra ") || !strings.Contains(out, "slim: toy ") {
			t.Errorf("printed %q", out)
		}
		mustGo(t, dir, "build", "-trimpath", ".")
		var s stamp
		if err := json.Unmarshal([]byte(readFile(t, filepath.Join(dir, outputDir, stampFile))), &s); err != nil {
			t.Fatal(err)
		}
		if len(s.Input.Packages) != 2 {
			t.Errorf("the stamp has packages %v, want two", s.Input.Packages)
		}
	})
}

func mustRemove(t *testing.T, name string) {
	t.Helper()
	if err := os.RemoveAll(name); err != nil {
		t.Fatal(err)
	}
}
