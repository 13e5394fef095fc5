package pages

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// framework is a folder of testdata/frameworks: the sources of a small site.
type framework struct {
	name string
	// site is the folder that its build makes.
	site string
	// functions is the folder of file routes, or "".
	functions string
	// flags are the compatibility flags that it needs.
	flags []string
	// hashed is how the paths of files begin that a browser may keep for ever.
	hashed string
	// asks are the requests that only this site understands.
	asks []ask
}

// What frameworks build is deployed as by wrangler, and then answers the same.
func TestDeploy_frameworks(t *testing.T) {
	wrangler := wrangler(t)
	t.Setenv("PATH", filepath.Dir(wrangler[0])+string(os.PathListSeparator)+os.Getenv("PATH"))
	for _, f := range []framework{
		{
			name: "astro", hashed: "/_astro/",
			site: "dist", // with a folder _worker.js
			// Astro 5 takes the runtime's process for Node's before 2026-02-19.
			// https://github.com/withastro/astro/issues/14511
			flags: []string{"nodejs_compat", "disable_nodejs_process_v2"},
			asks: []ask{
				get("/?name=Bo", "200\n", "set-cookie: visited=Bo", "x-country: AT"),
				get("/posts", "302\n", "location: /about\n"),
				get("/about", "308\n", "location: /about/\n"),
				get("/about/", "200\n", "About</h1>"),
				get("/_image?href=%2Ffavicon.svg"),
			},
		},
		{
			name: "sveltekit", hashed: "/_app/immutable/",
			site:  ".svelte-kit/cloudflare", // with a file _worker.js, which imports from outside it
			flags: []string{"nodejs_als"},
			asks: []ask{
				post("/", "200\n", `value="hi there"`),
				get("/__data.json?name=Bo", "200\n", `"Bo"`),
				get("/about", "200\n", "Grüße, about"),
				get("/about/", "308\n", "location: /about\n"),
				get("/old", "308\n", "location: /about\n"),
				get("/cached", "200\n", "cached"), // by the adapter, in caches.default
			},
		},
		{
			name: "react-router", hashed: "/assets/",
			site: "build/client", functions: "functions", // which import from build/server and from packages
			flags: []string{"nodejs_compat"},
			asks: []ask{
				post("/?index", "200\n", `value="hi there"`),
				get("/_root.data?name=Bo", "200\n", `"Bo"`),
				get("/about", "308\n", "location: /about/\n"),
				get("/about/", "200\n", "About</h1>"),
			},
		},
		{
			name: "vite", hashed: "/assets/",
			site: "dist", // without a Worker
			asks: []ask{
				get("/", "200\n", "Grüße</h1>"),
				get("/gone", "301\n", "location: /about\n"),
				get("/page/of/the/application", "200\n", "Grüße</h1>"),
				post("/", "405\n"),
			},
		},
	} {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			project := f.built(t)
			git(t, project, "init", "--quiet")
			git(t, project, "commit", "--quiet", "--allow-empty", "--message", "first")
			theirs := &api{token: jwt(`{"exp":4000000000}`), flags: f.flags}
			theirs.deployFolderWith(t, wrangler, project, f.site)
			ours := newWorld(t, page)
			ours.api.flags, ours.api.stages = f.flags, []string{"deploy success"}
			ours.request.Site, ours.request.Flags = filepath.Join(project, f.site), f.flags
			if f.functions != "" {
				ours.request.Functions = filepath.Join(project, f.functions)
			}
			if _, _, err := ours.run("deploy"); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(theirs.assets, ours.api.assets); diff != "" {
				t.Errorf("assets: %s", diff)
			}
			if diff := cmp.Diff(sent(t, theirs.form()), sent(t, ours.api.form())); diff != "" {
				t.Errorf("form: %s", diff)
			}
			f.sameAnswers(t, theirs, ours.api)
		})
	}
}

// sameAnswers fails unless both deployments answer all requests in the same way, and as wanted.
func (f framework) sameAnswers(t *testing.T, theirs, ours *api) {
	t.Helper()
	asks := slices.Clone(f.asks)
	if ours.form()[workerFile].Content != "" {
		asks = append(asks,
			get("/?name=Ann", "200\n", "x-rendered-by: "+f.name+"\n", "Ann</h1>", "de-AT"),
			get("/gone", "301\n", "location: /about\n"),
			get("/nowhere", "404\n"),
			get("/api/messages?last=2", "200\n", "the API: /messages?last=2"),
			post("/api/messages", "201\n", `{"text":"hi there"}`),
			ask{Method: "PUT", Path: "/api/messages"},
		)
	}
	for path := range manifestOf(t, ours.form()) {
		switch {
		case strings.HasPrefix(path, f.hashed):
			asks = append(asks, get(path, "200\n", "immutable"))
		case path == "/favicon.svg":
			asks = append(asks, get(path, "200\n", "content-type: image/svg+xml\n", "<circle"))
		case path == "/.well-known/security.txt":
			asks = append(asks, get(path, "200\n", "mailto:security@example.com"))
		default:
			asks = append(asks, get(path))
		}
	}
	const api = `export default { fetch: (request) => new Response(request.url.replace("http://api", "the API: ")) }`
	got := answers(t, []pagesSite{theirs.toDisk(t), ours.toDisk(t)}, asks, api, f.flags)
	for i, a := range asks {
		if diff := cmp.Diff(got[0][i], got[1][i]); diff != "" {
			t.Errorf("%s %s: %s", a.Method, a.Path, diff)
		}
		for n, part := range a.want {
			if at := strings.Index(got[1][i], part); at < 0 || n == 0 && at != 0 {
				t.Errorf("%s %s: no %q in the answer: %s", a.Method, a.Path, part, got[1][i])
			}
		}
	}
}

// built returns a new folder with the sources of a framework and what its build made of
// them. Each version of the sources and of what npm brings is built once.
func (f framework) built(t *testing.T) string {
	t.Helper()
	hash := sha256.New()
	sources := os.DirFS(filepath.Join("testdata/frameworks", f.name))
	lock, err := os.ReadFile("../tools/npm/package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	hash.Write(lock)
	err = fs.WalkDir(sources, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(sources, name)
		fmt.Fprintf(hash, "%q %q\n", name, content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	modules, err := filepath.Abs(npmFolder)
	if err != nil {
		t.Fatal(err)
	}
	// Packages are looked for in the folders above too.
	done := filepath.Join(filepath.Dir(modules), "frameworks", f.name+"-"+hex.EncodeToString(hash.Sum(nil)[:8]))
	if _, err := os.Stat(done); errors.Is(err, fs.ErrNotExist) {
		build(t, sources, done)
	}
	project := t.TempDir()
	if err := os.CopyFS(project, os.DirFS(done)); err != nil {
		t.Fatal(err)
	}
	files{"node_modules": "-> " + modules}.write(t, project)
	return project
}

// build builds a copy of the sources in the folder done, which appears when all is done.
func build(t *testing.T, sources fs.FS, done string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(done), 0o700); err != nil {
		t.Fatal(err)
	}
	project, err := os.MkdirTemp(filepath.Dir(done), "building-") //nolint:usetesting // below the packages
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(project)
	if err := os.CopyFS(project, sources); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", "--run", "build")
	cmd.Dir = project
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "CI=1", "ASTRO_TELEMETRY_DISABLED=1"}
	// SvelteKit prerenders in a workerd, which it leaves behind.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	said, err := cmd.CombinedOutput()
	if cmd.Process != nil {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	}
	if err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	if err := os.RemoveAll(filepath.Join(project, "node_modules")); err != nil { // caches
		t.Fatal(err)
	}
	// Another process may have been faster.
	if err := os.Rename(project, done); err != nil && !errors.Is(err, fs.ErrExist) {
		t.Fatal(err)
	}
}
