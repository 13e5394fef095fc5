package engine

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestEngine_writeProject(t *testing.T) {
	root := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("Pulumi.yaml", "name: portfolio\nruntime: go\nplugins:\n  providers:\n    - name: x\n      path: a/b\n")
	write("Pulumi.dev.yaml", "secretsprovider: awskms://x\nencryptionsalt: theirs\nconfig:\n  portfolio:a: one\n  portfolio:b:\n    secure: cipher\n  portfolio:c:\n    d:\n      secure: cipher\n")
	var said bytes.Buffer
	e := &Engine{Root: root, Dir: filepath.Join(root, ".sandbox"), Config: map[string]any{"portfolio:e": "two"}, Stderr: &said}
	dir := e.path("project")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := e.writeProject(); err != nil {
		t.Fatal(err)
	}
	same := func(name string, want yamlMap) {
		t.Helper()
		have, err := readYAML(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, have); diff != "" {
			t.Errorf("%s (-want +have):\n%s", name, diff)
		}
	}
	same("Pulumi.yaml", yamlMap{"name": "portfolio", "runtime": "go", "main": "../..",
		"plugins": yamlMap{"providers": []any{yamlMap{"name": "x", "path": "../../a/b"}}}})
	config := yamlMap{"portfolio:a": "one", "portfolio:e": "two"}
	same("Pulumi.dev.yaml", yamlMap{"config": config})
	if !strings.Contains(said.String(), "left out: portfolio:b") || !strings.Contains(said.String(), "left out: portfolio:c") {
		t.Errorf("it said %q", said.String())
	}
	// The engine writes its salt into the copy; it must stay.
	if err := os.WriteFile(filepath.Join(dir, "Pulumi.dev.yaml"), []byte("encryptionsalt: mine\nconfig:\n  portfolio:e: old\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := e.writeProject(); err != nil {
		t.Fatal(err)
	}
	same("Pulumi.dev.yaml", yamlMap{"encryptionsalt": "mine", "config": config})
}

// TestVersions compares the versions that the code names with those that the
// modules require.
func TestVersions(t *testing.T) {
	for _, test := range []struct{ file, module, want string }{
		{"../../../go.mod", "github.com/pulumi/pulumi/sdk/v3", CLIVersion},
		{"../../tools/go.mod", "github.com/pulumi/pulumi/pkg/v3", CLIVersion},
		{"../../../go.mod", "github.com/pulumi/pulumi-cloudflare/sdk/v6", Plugins[0].Version},
		{"../../../go.mod", "github.com/pulumi/pulumi-command/sdk", Plugins[1].Version},
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
