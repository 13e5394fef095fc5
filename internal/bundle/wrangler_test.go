package bundle_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"portfolio-infra/internal/bundle"
	"portfolio-infra/internal/pages/pagestest"
	"portfolio-infra/internal/testfiles"
)

// corpus returns a copy of testdata/corpus, beside the packages that `make npm` installs.
func corpus(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"hono", "zod", "jose", "kysely"} {
		if _, err := os.Stat(filepath.Join(pagestest.Modules(t), name)); err != nil {
			t.Skip("packages of npm are not installed: make npm")
		}
	}
	root := t.TempDir()
	if err := os.CopyFS(root, os.DirFS("testdata/corpus")); err != nil {
		t.Fatal(err)
	}
	testfiles.Write(t, root, map[string]string{"node_modules": "-> " + pagestest.Modules(t)})
	return root
}

// wrangler builds the entry file of a folder with the real wrangler. It returns the folder of
// what would be uploaded, and the Worker.
func wrangler(t *testing.T, folder, entry string, runtime bundle.Runtime) (out string, w pagestest.Worker) {
	t.Helper()
	out = t.TempDir()
	args := append(pagestest.Wrangler(t), "deploy", entry, "--dry-run", "--outdir", out, "--name", "corpus", "--compatibility-date", runtime.Date)
	for _, flag := range runtime.Flags {
		args = append(args, "--compatibility-flag", flag)
	}
	cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
	cmd.Dir = folder
	cmd.Env = append(pagestest.Environment(t), "PATH="+os.Getenv("PATH"))
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("wrangler: %v: %s", err, said)
	}
	w = pagestest.Worker{Date: runtime.Date, Flags: runtime.Flags}
	for _, pattern := range []string{"index.js", "*.wasm", "*.bin", "*.txt", "*.html", "*.sql"} {
		matches, err := filepath.Glob(filepath.Join(out, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range matches {
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			kind, known := map[string]string{".js": "application/javascript+module", ".wasm": "application/wasm", ".bin": "application/octet-stream"}[filepath.Ext(file)]
			if !known {
				kind = "text/plain"
			}
			w.Modules = append(w.Modules, pagestest.Module{Name: filepath.Base(file), Type: kind, Content: string(content)})
		}
	}
	return out, w
}

// Packages of npm and people's Workers answer the same, whether this package or the real
// wrangler bundled them. Known differences:
//   - modules of Node that a date does not have: wrangler takes polyfills, we refuse them by
//     name ([TestBuild_node]). So is a require outside of a try, even if it never runs, which
//     wrangler lets pass without nodejs_compat, with a warning, if it begins with node:;
//   - globals that an older date lacks or has in part (process before 2026-02-19, console
//     before 2025-09-21, performance before 2026-03-17): wrangler replaces them by polyfills;
//   - packages that wrangler replaces by shims of unenv, such as node-fetch, and debug, of
//     which it takes the version for Node.js.
func TestBuild_wrangler(t *testing.T) {
	root := corpus(t)
	workers := map[string]pagestest.Worker{}
	ours := func(name, root, entry string, runtime bundle.Runtime) bundle.Result {
		t.Helper()
		r, err := bundle.Build(root, entry, bundle.Options{Runtime: runtime})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		workers[name] = pagestest.Worker{Date: runtime.Date, Flags: runtime.Flags, Modules: []pagestest.Module{{Name: "worker.js", Type: "application/javascript+module", Content: string(r.Code)}}}
		return r
	}
	entries := map[string]bundle.Runtime{"plain/index.jsx": bare, "node/index.js": node, "old/index.js": old}
	for entry, runtime := range entries {
		name := filepath.Dir(entry)
		out, theirs := wrangler(t, filepath.Join(root, name), filepath.Base(entry), runtime)
		workers[name+" by wrangler"] = theirs
		ours(name, root, entry, runtime)
		// docs/site.md says so: what wrangler built is a script for this stack.
		prebuilt := ours(name+" prebuilt", out, "index.js", runtime)
		if plain := len(theirs.Modules) == 1; prebuilt.Plain != plain {
			t.Errorf("%s: wrangler's output is uploaded as it is: %t, want %t", name, prebuilt.Plain, plain)
		}
	}
	got := map[string]any{}
	for name, text := range pagestest.Answers(t, "/", workers) {
		var answer any
		if err := json.Unmarshal([]byte(strings.TrimPrefix(text, "200 ")), &answer); err != nil {
			t.Fatalf("%s: %v: %s", name, err, text)
		}
		got[name] = answer
	}
	for entry := range entries {
		name := filepath.Dir(entry)
		want := got[name+" by wrangler"]
		t.Logf("%s: %v", name, want)
		for what, answer := range want.(map[string]any) {
			if text, _ := answer.(string); strings.HasPrefix(text, "failed:") {
				t.Errorf("%s: %s %s", name, what, text)
			}
		}
		for _, which := range []string{name, name + " prebuilt"} {
			if diff := cmp.Diff(want, got[which]); diff != "" {
				t.Errorf("%s: %s", which, diff)
			}
		}
	}
}

// The runtime's modules of Node are those that wrangler's preset leaves to it.
func TestRuntime_preset(t *testing.T) {
	const script = `
import { getCloudflarePreset } from "@cloudflare/unenv-preset";
const all = JSON.parse(process.argv[2]).map(({ Date, Flags }) => getCloudflarePreset({ compatibilityDate: Date, compatibilityFlags: Flags ?? [] }).external);
console.log(JSON.stringify(all));`
	node22 := pagestest.Wrangler(t)[0]
	runtimes := []bundle.Runtime{old, node, {Date: "2025-09-14", Flags: []string{"nodejs_compat", "enable_nodejs_tty_module"}},
		{Date: "2026-09-01", Flags: []string{"disable_nodejs_http_modules", "disable_nodejs_fs_module"}}}
	in, err := json.Marshal(runtimes)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), node22, "preset.mjs", string(in))
	cmd.Dir = testfiles.Folder(t, map[string]string{"preset.mjs": script, "node_modules": "-> " + pagestest.Modules(t)})
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var native [][]string
	if err := json.Unmarshal(out, &native); err != nil {
		t.Fatal(err)
	}
	for i, runtime := range runtimes {
		want := map[string]bool{"process": true} // a polyfill around the runtime's
		for _, name := range native[i] {
			want[strings.TrimPrefix(name, "node:")] = true
		}
		got := map[string]bool{}
		for _, name := range bundle.NodeModules() {
			if runtime.Lacks(name) == "" {
				got[name] = true
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%v: %s", runtime, diff)
		}
	}
}
