package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestRun_Cloudflare cuts the real SDK for a program that runs with a mock engine. The first time, it compiles Pulumi's
// own SDK, which takes minutes. It never compiles the whole Cloudflare SDK.
func TestRun_Cloudflare(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata/real")); err != nil {
		t.Fatal(err)
	}
	const module = "github.com/pulumi/pulumi-cloudflare/sdk/v6"
	cmd := exec.Command("go", "mod", "download", "-json", module, "github.com/pulumi/pulumi/sdk/v3")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Skipf("this needs %s, which cannot be had: %v\n%s", module, err, out)
	}

	code, stdout, stderr := runSlim(t, dir)
	if code != exitOK || !strings.HasPrefix(stdout, "slim: cloudflare 6.17.0: kept ") {
		t.Fatalf("exit code %d, printed %q and %q", code, stdout, stderr)
	}

	size := 0
	for _, content := range contents(t, filepath.Join(dir, outputDir)) {
		size += len(content)
	}
	if limit := 2 << 20; size > limit {
		t.Fatalf("the copy has %d bytes, more than %d: too much to go on and compile it", size, limit)
	}

	t.Run("plugin", func(t *testing.T) {
		// As the language host asks, and where it looks first among the files that there are.
		info := strings.Fields(mustGo(t, dir, "list", "-m", "-f", "{{.Dir}} {{.Version}}", module))
		if !strings.HasPrefix(info[0], filepath.Join(dir, outputDir)) || info[1] != "v6.17.0" {
			t.Errorf("the module is %q, not the copy", info)
		}
		var found []string
		for _, place := range []string{"", "go", "go/*", "*"} {
			names, err := filepath.Glob(filepath.Join(info[0], place, pluginFile))
			if err != nil {
				t.Fatal(err)
			}
			found = append(found, names...)
		}
		type plugin struct {
			Resource      bool
			Name, Version string
		}
		var got plugin
		if len(found) == 0 {
			t.Fatalf("no %s in %s", pluginFile, info[0])
		}
		if err := json.Unmarshal([]byte(mustRead(t, found[0])), &got); err != nil {
			t.Fatal(err)
		}
		if want := (plugin{Resource: true, Name: "cloudflare", Version: "6.17.0"}); got != want {
			t.Errorf("the language host finds plugin %+v, want %+v", got, want)
		}
	})

	t.Run("runtime", func(t *testing.T) {
		binary := filepath.Join(t.TempDir(), "real")
		mustGo(t, dir, "build", "-trimpath", "-ldflags", "-w -s", "-o", binary, ".")
		if _, err := os.Stat(filepath.Join(dir, "go.work.sum")); !os.IsNotExist(err) {
			t.Errorf("go.work.sum: %v; want it not to exist: the build is to need no module that go.sum lacks", err)
		}
		out, err := exec.Command(binary).Output()
		if err != nil {
			t.Fatalf("running the program: %v", err)
		}
		type registration struct {
			Token, Name string
			Inputs      map[string]any
		}
		var got struct {
			Registered []registration
			Resolved   []any
		}
		if err := json.Unmarshal(out, &got); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		slices.SortFunc(got.Registered, func(a, b registration) int { return strings.Compare(a.Token, b.Token) })
		want := []registration{
			{"cloudflare:index/pagesProject:PagesProject", "site", map[string]any{
				"accountId":        "account",
				"name":             "portfolio",
				"productionBranch": "main",
			}},
			{"cloudflare:index/workersScript:WorkersScript", "api", map[string]any{
				"accountId":     "account",
				"scriptName":    "portfolio-api",
				"content":       "export default {}",
				"mainModule":    "worker.js",
				"bindings":      []any{map[string]any{"name": "PULUMI_STACK", "type": "plain_text", "text": "portfolio/dev"}},
				"observability": map[string]any{"enabled": true},
			}},
		}
		if diff := cmp.Diff(want, got.Registered); diff != "" {
			t.Errorf("registered (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]any{true, "portfolio/dev", "portfolio"}, got.Resolved); diff != "" {
			t.Errorf("outputs (-want +got):\n%s", diff)
		}
	})
}
