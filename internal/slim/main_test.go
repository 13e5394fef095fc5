package main

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestRun_Errors(t *testing.T) {
	t.Parallel()
	usesLimit := map[string]string{"main.go": usesToy("toy.Limit")}
	main := func(text string) map[string]string { return map[string]string{"main.go": text} }
	pkg := func(path string) []string { return []string{"-package", path} }
	for _, test := range []struct {
		name  string
		files map[string]string
		args  []string
		code  int
		want  []string
	}{
		{"unknown flag", usesLimit, []string{"-pakage", "x"}, exitUsage, []string{"-pakage", "Usage of slim:"}},
		{"empty value", usesLimit, pkg(""), exitUsage, []string{"flag -package: malformed import path", "Usage of slim:"}},
		{"argument", usesLimit, []string{"example.com/a"}, exitUsage, []string{`argument "example.com/a"`, "Usage of slim:"}},

		{"module not required", map[string]string{"go.mod": "module m\n\ngo 1.25\n", "main.go": usesToy("toy.Limit")}, pkg(toyPackage), exitFailure,
			[]string{"go.mod requires no module with the package " + toyPackage, "go get " + toyPackage}},
		{"default package not required", usesLimit, nil, exitFailure, []string{"go.mod requires no module with the package " + defaultPackage}},
		{"prefix of a module", usesLimit, pkg("example.com/pulumi-toy/sdk/v"), exitFailure, []string{"go.mod requires no module"}},
		{"bad go.mod", map[string]string{"go.mod": "modul m\n"}, pkg(toyPackage), exitFailure, []string{"reading go.mod: go.mod:1: unknown directive: modul"}},
		{"package not in the module", usesLimit, pkg(toyPackage + "/nothing"), exitFailure, []string{"finding package " + toyPackage + "/nothing of module " + toyModule}},
		{"folder without Go files", usesLimit, pkg(toyModule), exitFailure, []string{"finding package " + toyModule + " of module " + toyModule}},
		{"imported package not in the module", map[string]string{
			"main.go":   usesToy("toy.Limit"),
			"config.go": "package main\n\nimport \"" + toyPackage + "/konfig\"\n\nvar _ = konfig.GetToken\n",
		}, pkg(toyPackage), exitFailure, []string{"config.go:3: ", " has no package " + toyPackage + "/konfig"}},
		{"names that are missing", map[string]string{
			"main.go":  usesToy("toy.NewBal"),
			"other.go": usesToy("toy.NoSuchThingAtAll, toy.register, toy.ColourRed"),
		}, pkg(toyPackage), exitFailure, []string{
			"package " + toyPackage + " (module " + toyModule + " ", "/toy) lacks:\n",
			"\tmain.go:5: toy.NewBal (did you mean NewBall?)\n",
			"\tother.go:5: toy.ColourRed (did you mean ColorRed?)\n",
			"\tother.go:5: toy.NoSuchThingAtAll\n",
			"\tother.go:5: toy.register\n",
		}},
		{"go.work of the user's", map[string]string{"main.go": usesToy("toy.Limit"), "go.work": "go 1.25\n\nuse .\n"}, pkg(toyPackage), exitFailure,
			[]string{"go.work is not from slim", "move it away"}},

		{"package not used", main("package main\n\nfunc main() {}\n"), pkg(toyPackage), exitFailure, []string{"no Go file of this module uses a name of " + toyPackage}},
		{"blank import", main("package main\n\nimport _ \"" + toyPackage + "\"\n"), pkg(toyPackage), exitFailure, []string{"no Go file of this module uses a name"}},
		{"other package used", main("package main\n\nimport \"" + toyPackage + "/config\"\n\nvar _ = config.GetToken\n"), pkg(toyPackage), exitFailure,
			[]string{"no Go file of this module uses a name"}},
		{"dot import", main("package main\n\nimport . \"" + toyPackage + "\"\n"), pkg(toyPackage), exitFailure, []string{"main.go:3: dot import of " + toyPackage}},
		{"import of a way out", main("package main\n\nimport \"" + toyModule + "/../../x\"\n"), pkg(toyPackage), exitFailure,
			[]string{`main.go:3: "` + toyModule + `/../../x" is not an import path`}},
		{"empty file", main(""), pkg(toyPackage), exitFailure, []string{"parsing: main.go:1:1: expected 'package'"}},
		{"file that is cut off", main(usesToy("toy.Limit")[:53]), pkg(toyPackage), exitFailure, []string{"parsing: main.go:3:"}},
		{"bad body", main("package main\n\nimport \"" + toyPackage + "\"\n\nvar = toy.Limit\n"), pkg(toyPackage), exitFailure,
			[]string{"reading the module's own code: parsing: main.go:5:5: "}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir := newProgram(t, test.files)
			before := tree(t, dir)
			code, stdout, stderr := runSlim(t, dir, test.args...)
			if code != test.code || stdout != "" || code == exitFailure && !strings.HasPrefix(stderr, "slim: ") {
				t.Errorf("exit code %d, stdout %q, stderr %.300q", code, stdout, stderr)
			}
			for _, want := range test.want {
				if !strings.Contains(stderr, want) {
					t.Errorf("stderr %.300q\nlacks %q", stderr, want)
				}
			}
			if diff := cmp.Diff(before, tree(t, dir)); diff != "" {
				t.Errorf("files changed:\n%s", diff)
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

	t.Run("help", func(t *testing.T) {
		t.Parallel()
		code, _, stderr := runSlim(t, t.TempDir(), "-help")
		if code != exitOK || !strings.Contains(stderr, defaultPackage) {
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
	if diff := cmp.Diff(want, cut); diff != "" {
		t.Errorf("the cut SDK (-want +got):\n%s", diff)
	}
	for _, line := range cut {
		if !strings.HasSuffix(line, " a dependency") && !slices.Contains(full, line) {
			t.Errorf("the full SDK does not know %q", line)
		}
	}
	mustGo(t, dir, "vet", "./...", toyPackage)
}

// TestRun_Copy compares what a run writes with testdata/copy.
func TestRun_Copy(t *testing.T) {
	t.Parallel()
	dir := newProgram(t, map[string]string{"main.go": "package program\n\nimport (\n\t\"" + toyPackage + "\"\n\t\"" + toyPackage + "/config\"\n)\n\n" +
		"var _, _, _ = toy.NewBall, toy.Describe, config.GetToken\n"})
	mustSlim(t, dir)
	toy := filepath.ToSlash(mustAbs(t, "testdata/toy"))
	got := make(map[string]string)
	for name, content := range contents(t, dir) {
		if name = strings.TrimPrefix(name, outputDir+"/"); name != stampFile && !slices.Contains([]string{"go.mod", "main.go"}, name) {
			got[name] = strings.ReplaceAll(content, toy, "TOY")
		}
	}
	if diff := cmp.Diff(contents(t, "testdata/copy"), got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

const (
	printedUpToDate  = "slim: up to date\n"
	printedWorkspace = "slim: wrote go.work; the copy is up to date\n"
	ball             = outputDir + "/" + toyPackage + "/ball.go"
)

// startAgain returns a program with a copy whose files were written long ago.
func startAgain(t *testing.T) string {
	t.Helper()
	dir := newProgram(t, map[string]string{"main.go": usesToy("toy.NewBall")})
	mustSlim(t, dir)
	old := time.Now().Add(-24 * time.Hour)
	for name := range contents(t, dir) {
		if err := os.Chtimes(filepath.Join(dir, name), old, old); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestRun_Again changes files after a run. The next run restores what the first one wrote, and the one after that writes
// nothing.
func TestRun_Again(t *testing.T) {
	t.Parallel()
	first := startAgain(t)
	want := contents(t, first)
	for _, test := range []struct {
		name   string
		remove string
		write  map[string]string
		want   string
	}{
		{name: "nothing", want: printedUpToDate},
		{name: "go.work gone", remove: workspaceFile, want: printedWorkspace},
		{name: "go.work empty", write: map[string]string{workspaceFile: ""}, want: printedWorkspace},
		{name: "a file changed", write: map[string]string{ball: "package toy\n"}, want: ": kept "},
		{name: "a file gone", remove: ball, want: ": kept "},
		{name: "a file too many", write: map[string]string{path.Dir(ball) + "/x.go": "package nonsense\n"}, want: ": kept "},
		{name: "a folder in place of a file", remove: ball, write: map[string]string{ball + "/x.go": "package nonsense\n"}, want: ": kept "},
		{name: "a file in place of a folder", remove: outputDir + "/example.com", write: map[string]string{outputDir + "/example.com": ""}, want: ": kept "},
		{name: "a killed run", remove: outputDir + "/" + stampFile, write: map[string]string{ball: "half a fi"}, want: ": kept "},
		{name: "a bad stamp", write: map[string]string{outputDir + "/" + stampFile: "{"}, want: ": kept "},
		{name: "a stamp of another format", write: map[string]string{outputDir + "/" + stampFile: `{"input":{"format":1}}`}, want: ": kept "},
		{name: "no output", remove: outputDir, want: ": kept "},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir := newProgram(t, want)
			if test.remove != "" {
				mustRemove(t, filepath.Join(dir, test.remove))
			}
			for name, content := range test.write {
				mustWrite(t, filepath.Join(dir, name), content)
			}
			if out := mustSlim(t, dir); !strings.Contains(out, test.want) {
				t.Errorf("printed %q, want %q", out, test.want)
			}
			if diff := cmp.Diff(want, contents(t, dir)); diff != "" {
				t.Errorf("files (-want +got):\n%s", diff)
			}
			before := tree(t, dir)
			if out := mustSlim(t, filepath.Join(dir, outputDir)); out != printedUpToDate {
				t.Errorf("the run after it printed %q", out)
			}
			if diff := cmp.Diff(before, tree(t, dir)); diff != "" {
				t.Errorf("the run after it wrote files:\n%s", diff)
			}
		})
	}
}

func TestRun_OtherSettings(t *testing.T) {
	t.Parallel()
	dir := startAgain(t)
	mustWrite(t, filepath.Join(dir, "other.go"), usesToy("toy.NewBall"))
	if out := mustSlim(t, dir); out != printedUpToDate {
		t.Errorf("after code that uses the same names it printed %q", out)
	}
	mustWrite(t, filepath.Join(dir, "go.mod"), strings.Replace(goMod(t), "go 1.25\n", "go 1.25.1\n\ntoolchain go1.25.3\n\ngodebug panicnil=1\n", 1))
	mustSlim(t, dir)
	if got, want := mustRead(t, filepath.Join(dir, workspaceFile)), "\ngo 1.25.1\n\ntoolchain go1.25.3\n\ngodebug panicnil=1\n\nuse .\n"; !strings.Contains(got, want) {
		t.Errorf("go.work is %q, want it to contain %q", got, want)
	}
	mustGo(t, dir, "build", "-trimpath", ".")
}

// A checkout behind a symbolic link is the same one. The go command knows the link by PWD.
func TestRun_BehindLink(t *testing.T) {
	dir := startAgain(t)
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	t.Chdir(link)
	if out := mustSlim(t, "."); out != printedUpToDate {
		t.Errorf("it printed %q", out)
	}
}

func TestRun_AnotherName(t *testing.T) {
	t.Parallel()
	dir := startAgain(t)
	mustWrite(t, filepath.Join(dir, "main.go"), usesToy("toy.NewBall")+
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

	mustSlim(t, dir)
	mustGo(t, dir, "build", "-trimpath", ".")
	provider := path.Join(path.Dir(ball), "provider.go")
	if tree(t, dir)[provider] == "" {
		t.Error("provider.go is missing")
	}

	// And back.
	mustWrite(t, filepath.Join(dir, "main.go"), usesToy("toy.NewBall"))
	mustSlim(t, dir)
	if tree(t, dir)[provider] != "" {
		t.Error("provider.go is still there")
	}
}

func TestRun_SourceChanged(t *testing.T) {
	t.Parallel()
	sdk := filepath.Join(t.TempDir(), "toy")
	if err := os.CopyFS(sdk, os.DirFS("testdata/toy")); err != nil {
		t.Fatal(err)
	}
	mod := strings.Replace(goMod(t), filepath.ToSlash(mustAbs(t, "testdata/toy")), filepath.ToSlash(sdk), 1)
	dir := newProgram(t, map[string]string{"go.mod": mod, "main.go": usesToy("toy.NewBall")})
	mustSlim(t, dir)
	if out := mustSlim(t, dir); out != printedUpToDate {
		t.Errorf("printed %q", out)
	}
	file := filepath.Join(sdk, "go", "toy", "ball.go")
	mustWrite(t, file, strings.Replace(mustRead(t, file), "// A ball.", "// A round ball.", 1))
	mustSlim(t, dir)
	if !strings.Contains(mustRead(t, filepath.Join(dir, ball)), "// A round ball.") {
		t.Error("the copy is the old one")
	}
}
