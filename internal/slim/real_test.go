package main

import (
	"cmp"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// TestRun_Cloudflare cuts the real SDK for a program that runs with a mock engine. The first time, it compiles Pulumi's
// own SDK, which takes minutes; never does it compile the whole Cloudflare SDK.
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

	t.Run("size", func(t *testing.T) {
		var size int64
		for name := range tree(t, filepath.Join(dir, outputDir)) {
			size += int64(len(mustRead(t, filepath.Join(dir, outputDir, name))))
		}
		if limit := int64(2 << 20); size > limit {
			t.Fatalf("the copy has %d bytes, more than %d: too much to go on and compile it", size, limit)
		}
	})
	if t.Failed() {
		return
	}

	t.Run("plugin", func(t *testing.T) {
		info := languageHostView(t, dir, module)
		if !strings.HasPrefix(info.Dir, filepath.Join(dir, outputDir)) {
			t.Errorf("the module lies in %s, not in the copy", info.Dir)
		}
		want := plugin{Resource: true, Name: "cloudflare", Version: "6.17.0"}
		if got := findPlugin(t, info.Dir); got != want {
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
		slices.SortFunc(got.Registered, func(a, b registration) int { return cmp.Compare(a.Token, b.Token) })
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
		if !reflect.DeepEqual(got.Registered, want) {
			t.Errorf("registered\n got %+v\nwant %+v", got.Registered, want)
		}
		if want := []any{true, "portfolio/dev", "portfolio"}; !reflect.DeepEqual(got.Resolved, want) {
			t.Errorf("outputs came to %v, want %v", got.Resolved, want)
		}
	})
}

// moduleInfo is what Pulumi's language host takes from `go list -m -json`.
type moduleInfo struct{ Path, Version, Dir string }

// languageHostView asks for a module as the language host does: with go.work in force.
func languageHostView(t *testing.T, dir, module string) moduleInfo {
	t.Helper()
	var info moduleInfo
	if err := json.Unmarshal([]byte(mustGo(t, dir, "list", "-m", "-json", module)), &info); err != nil {
		t.Fatal(err)
	}
	if info.Path != module || info.Version != "v6.17.0" {
		t.Errorf("go list says %+v", info)
	}
	return info
}

// plugin is what the language host reads from pulumi-plugin.json.
type plugin struct {
	Resource      bool
	Name, Version string
}

// findPlugin looks for pulumi-plugin.json in a module where the language host does, in its order.
func findPlugin(t *testing.T, dir string) plugin {
	t.Helper()
	for _, place := range []string{"", "go", "go/*", "*"} {
		names, err := filepath.Glob(filepath.Join(dir, place, "pulumi-plugin.json"))
		if err != nil {
			t.Fatal(err)
		}
		if len(names) > 0 {
			var found plugin
			if err := json.Unmarshal([]byte(mustRead(t, names[0])), &found); err != nil {
				t.Fatal(err)
			}
			return found
		}
	}
	t.Fatalf("no pulumi-plugin.json in %s", dir)
	return plugin{}
}
