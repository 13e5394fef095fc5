package bundle_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"portfolio-infra/internal/bundle"
)

// npmFolder returns the folder of the packages that `make npm` installs.
func npmFolder(t *testing.T) string {
	t.Helper()
	folder, err := filepath.Abs("../../.sandbox/npm/node_modules")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{"node/bin/node", "wrangler/bin/wrangler.js", ".bin/workerd", "hono", "zod", "jose", "kysely"} {
		if _, err := os.Stat(filepath.Join(folder, file)); err != nil {
			t.Skip("packages of npm are not installed: make npm")
		}
	}
	return folder
}

// wrangler builds the entry file of a folder with the real wrangler, and returns the folder
// of what it would upload.
func wrangler(t *testing.T, npm, folder, entry string, runtime bundle.Runtime) string {
	t.Helper()
	out := t.TempDir()
	args := []string{filepath.Join(npm, "wrangler/bin/wrangler.js"), "deploy", entry, "--dry-run", "--outdir", out, "--name", "corpus",
		"--compatibility-date", runtime.Date}
	for _, flag := range runtime.Flags {
		args = append(args, "--compatibility-flag", flag)
	}
	cmd := exec.CommandContext(t.Context(), filepath.Join(npm, "node/bin/node"), args...)
	cmd.Dir = folder
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "WRANGLER_SEND_METRICS=false", "NO_COLOR=1"}
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("wrangler: %v: %s", err, said)
	}
	return out
}

// worker is a Worker for workerd: the paths of its modules by name.
type worker struct {
	bundle.Runtime
	main    string
	modules map[string]string
}

// answers runs Workers on one workerd, and returns what each answers.
// https://github.com/cloudflare/workerd/blob/main/src/workerd/server/workerd.capnp
func answers(t *testing.T, npm string, workers map[string]worker) map[string]any {
	t.Helper()
	var services, sockets []string
	var args []string
	var files []*os.File
	addresses := map[string]string{}
	folder := t.TempDir()
	for name, w := range workers {
		var modules, flags []string
		for module, file := range w.modules {
			field := map[string]string{".js": "esModule", ".wasm": "wasm", ".bin": "data"}[filepath.Ext(module)]
			if field == "" {
				field = "text"
			}
			file, err := filepath.Rel(folder, file) // workerd takes no absolute one
			if err != nil {
				t.Fatal(err)
			}
			line := fmt.Sprintf("(name = %q, %s = embed %q)", module, field, file)
			if module == w.main {
				modules = append([]string{line}, modules...) // the first one is the main module
			} else {
				modules = append(modules, line)
			}
		}
		for _, flag := range w.Flags {
			flags = append(flags, fmt.Sprintf("%q", flag))
		}
		services = append(services, fmt.Sprintf("(name = %q, worker = (modules = [%s], compatibilityDate = %q, compatibilityFlags = [%s]))",
			name, strings.Join(modules, ", "), w.Date, strings.Join(flags, ", ")))
		sockets = append(sockets, fmt.Sprintf("(name = %q, http = (), service = %q)", name, name))
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		socket, err := listener.(*net.TCPListener).File()
		_ = listener.Close()
		if err != nil {
			t.Fatal(err)
		}
		args = append(args, fmt.Sprintf("--socket-fd=%s=%d", name, 3+len(files)))
		files = append(files, socket)
		addresses[name] = listener.Addr().String()
	}
	config := filepath.Join(folder, "config.capnp")
	text := fmt.Sprintf("using Workerd = import \"/workerd/workerd.capnp\";\nconst config :Workerd.Config = (services = [%s], sockets = [%s]);\n",
		strings.Join(services, ",\n"), strings.Join(sockets, ", "))
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), filepath.Join(npm, ".bin/workerd"), append([]string{"serve", config}, args...)...)
	cmd.ExtraFiles = files
	cmd.Stderr = os.Stderr
	err := cmd.Start()
	for _, socket := range files {
		_ = socket.Close() // if workerd ends, nobody waits for it
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	all := map[string]any{}
	client := http.Client{Timeout: time.Minute}
	for name, address := range addresses {
		response, err := client.Get("http://" + address)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		body, err := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		var answer any
		if err := json.Unmarshal(body, &answer); err != nil {
			t.Fatalf("%s: %v: %s", name, err, body)
		}
		all[name] = answer
	}
	return all
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
	npm := npmFolder(t)
	root := t.TempDir()
	if err := os.CopyFS(root, os.DirFS("testdata/corpus")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(npm, filepath.Join(root, "node_modules")); err != nil {
		t.Fatal(err)
	}
	workers := map[string]worker{}
	ours := func(name, root, entry string, runtime bundle.Runtime) bundle.Result {
		t.Helper()
		r, err := bundle.Build(root, entry, bundle.Options{Runtime: runtime})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		file := filepath.Join(t.TempDir(), "worker.js")
		if err := os.WriteFile(file, r.Code, 0o600); err != nil {
			t.Fatal(err)
		}
		workers[name] = worker{runtime, "worker.js", map[string]string{"worker.js": file}}
		return r
	}
	entries := map[string]bundle.Runtime{"plain/index.jsx": bare, "node/index.js": node, "old/index.js": old}
	for entry, runtime := range entries {
		name := filepath.Dir(entry)
		out := wrangler(t, npm, filepath.Join(root, name), filepath.Base(entry), runtime)
		theirs := worker{runtime, "index.js", map[string]string{}}
		files, err := os.ReadDir(out)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			if extension := filepath.Ext(f.Name()); extension != ".map" && extension != ".md" {
				theirs.modules[f.Name()] = filepath.Join(out, f.Name())
			}
		}
		workers[name+" by wrangler"] = theirs
		ours(name, root, entry, runtime)
		// docs/site.md says so: what wrangler built is a script for this stack.
		prebuilt := ours(name+" prebuilt", out, "index.js", runtime)
		if plain := len(theirs.modules) == 1; prebuilt.Plain != plain {
			t.Errorf("%s: wrangler's output is uploaded as it is: %t, want %t", name, prebuilt.Plain, plain)
		}
	}
	got := answers(t, npm, workers)
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
	npm := npmFolder(t)
	const script = `
import { getCloudflarePreset } from "@cloudflare/unenv-preset";
const all = JSON.parse(process.argv[2]).map(({ Date, Flags }) => getCloudflarePreset({ compatibilityDate: Date, compatibilityFlags: Flags ?? [] }).external);
console.log(JSON.stringify(all));`
	folder := t.TempDir()
	if err := os.Symlink(npm, filepath.Join(folder, "node_modules")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "preset.mjs"), []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	runtimes := []bundle.Runtime{old, node, {Date: "2025-09-14", Flags: []string{"nodejs_compat", "enable_nodejs_tty_module"}},
		{Date: "2026-09-01", Flags: []string{"disable_nodejs_http_modules", "disable_nodejs_fs_module"}}}
	in, err := json.Marshal(runtimes)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), filepath.Join(npm, "node/bin/node"), "preset.mjs", string(in))
	cmd.Dir = folder
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
