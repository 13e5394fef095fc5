package engine

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"portfolio-infra/internal/sandbox/build"
	"portfolio-infra/internal/testfiles"
)

// newEngine is an engine without a CLI in a folder with two files of the project.
func newEngine(t *testing.T, project, stack string) *Engine {
	t.Helper()
	root := testfiles.Folder(t, map[string]string{"Pulumi.yaml": project, "Pulumi.dev.yaml": stack})
	e := &Engine{Root: root, Dir: filepath.Join(root, ".sandbox"), Stderr: io.Discard}
	if err := os.MkdirAll(e.path("project"), 0o700); err != nil {
		t.Fatal(err)
	}
	return e
}

// copies writes the copies of the project's files.
func (e *Engine) copies(t *testing.T) {
	t.Helper()
	if err := e.writeProject(); err != nil {
		t.Fatal(err)
	}
}

// has fails the test unless a copy is so.
func (e *Engine) has(t *testing.T, name string, want yamlMap) {
	t.Helper()
	have, err := readYAML(filepath.Join(e.path("project"), name))
	if diff := cmp.Diff(want, have); diff != "" || err != nil {
		t.Errorf("%s: %v (-want +have):\n%s", name, err, diff)
	}
}

func TestEngine_writeProject(t *testing.T) {
	e := newEngine(t, "name: portfolio\nruntime: go\nplugins:\n  providers:\n    - name: x\n      path: a/b\n",
		"secretsprovider: awskms://x\nencryptionsalt: theirs\nconfig:\n  portfolio:a: one\n  portfolio:b:\n    secure: cipher\n  portfolio:c:\n    d:\n      secure: cipher\n")
	var said bytes.Buffer
	e.Config, e.Stderr = map[string]any{"e": "two"}, &said
	e.copies(t)
	e.has(t, "Pulumi.yaml", yamlMap{"name": "portfolio", "runtime": "go", "main": "../..",
		"plugins": yamlMap{"providers": []any{yamlMap{"name": "x", "path": "../../a/b"}}}})
	config := yamlMap{"portfolio:a": "one", "portfolio:e": "two", "portfolio:protect": false}
	e.has(t, "Pulumi.dev.yaml", yamlMap{"config": config})
	if !strings.Contains(said.String(), "left out: portfolio:b") || !strings.Contains(said.String(), "left out: portfolio:c") {
		t.Errorf("it said %q", said.String())
	}
	// The engine writes its salt into the copy; it must stay.
	testfiles.Write(t, e.path("project"), map[string]string{"Pulumi.dev.yaml": "encryptionsalt: mine\nconfig:\n  portfolio:e: old\n"})
	e.copies(t)
	e.has(t, "Pulumi.dev.yaml", yamlMap{"encryptionsalt": "mine", "config": config})
}

// TestVersions compares the versions that the code names with those that the
// modules require.
func TestVersions(t *testing.T) {
	for _, test := range []struct{ file, module, want string }{
		{"../../../go.mod", "github.com/pulumi/pulumi/sdk/v3", build.CLIVersion},
		{"../../tools/go.mod", "github.com/pulumi/pulumi/pkg/v3", build.CLIVersion},
		{"../../../go.mod", "github.com/pulumi/pulumi-cloudflare/sdk/v6", Plugins[0].Version},
		{"../../../go.mod", "github.com/pulumi/pulumi-command/sdk", Plugins[1].Version},
		{"../../../go.mod", "github.com/pressly/goose/v3", "3.26.0"},
		{"../../tools/goose/go.mod", "github.com/pressly/goose/v3", "3.26.0"}, // its CLI
		// Without these each process takes twice as long to start.
		{"../../../go.mod", "go-runewidth => github.com/mattn/go-runewidth", "0.0.24"},
		{"../../tools/go.mod", "go-runewidth => github.com/mattn/go-runewidth", "0.0.24"},
	} {
		b, err := os.ReadFile(test.file)
		if err != nil {
			t.Fatal(err)
		}
		m := regexp.MustCompile(regexp.QuoteMeta(test.module) + ` v(\S+)`).FindSubmatch(b)
		if m == nil || string(m[1]) != test.want {
			t.Errorf("%s requires %s %s, want %s", test.file, test.module, m, test.want)
		}
	}
}

// The project's folder and the sandbox's may be behind symbolic links.
func TestEngine_symlinks(t *testing.T) {
	e := newEngine(t, "name: portfolio\n", "")
	root, links := e.Root, t.TempDir()
	deep := filepath.Join(t.TempDir(), "a", "b", "c")
	if err := os.MkdirAll(filepath.Join(deep, "project"), 0o700); err != nil {
		t.Fatal(err)
	}
	e.Root, e.Dir = filepath.Join(links, "root"), filepath.Join(links, "dir")
	for link, to := range map[string]string{e.Root: root, e.Dir: deep} {
		if err := os.Symlink(to, link); err != nil {
			t.Fatal(err)
		}
	}
	e.copies(t)
	copied, err := readYAML(filepath.Join(deep, "project", "Pulumi.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	main, _ := copied["main"].(string)
	there, err := os.Stat(filepath.Join(deep, "project") + "/" + main + "/Pulumi.yaml") // Join would shorten it
	if err != nil {
		t.Fatalf("%s: %v", main, err)
	}
	if original, err := os.Stat(filepath.Join(root, "Pulumi.yaml")); err != nil || !os.SameFile(there, original) {
		t.Errorf("%s is not the project: %v", main, err)
	}
}
