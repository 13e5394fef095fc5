package pagestest

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// Framework is a folder of testdata: the sources of a small site.
type Framework struct {
	Name string
	// Site is the folder that its build makes.
	Site string
	// Functions is the folder of file routes, or "".
	Functions string
	// Flags are the compatibility flags that it needs.
	Flags []string
}

// Frameworks are all of them.
var Frameworks = []Framework{
	{
		Name: "astro",
		Site: "dist", // with a folder _worker.js
		// Astro 5 takes the runtime's process for Node's before 2026-02-19.
		// https://github.com/withastro/astro/issues/14511
		Flags: []string{"nodejs_compat", "disable_nodejs_process_v2"},
	},
	{
		Name:  "sveltekit",
		Site:  ".svelte-kit/cloudflare", // with a file _worker.js, which imports from outside it
		Flags: []string{"nodejs_als"},
	},
	{
		Name: "react-router",
		Site: "build/client", Functions: "functions", // which import from build/server and from packages
		Flags: []string{"nodejs_compat"},
	},
	{
		Name: "vite",
		Site: "dist", // without a Worker
	},
}

// Build returns a new folder with the sources and what their build made of them. Each version
// of the sources and of what npm brings is built once.
func (f Framework) Build(t testing.TB) (project string) {
	t.Helper()
	Wrangler(t)
	done := filepath.Join(root(t), ".sandbox/npm/frameworks", f.Name+"-"+f.version(t)) // packages are looked for in the folders above
	if _, err := os.Stat(done); errors.Is(err, fs.ErrNotExist) {
		build(t, f.sources(t), done)
	}
	project = t.TempDir()
	if err := os.CopyFS(project, os.DirFS(done)); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(Modules(t), filepath.Join(project, "node_modules")); err != nil {
		t.Fatal(err)
	}
	return project
}

func (f Framework) sources(t testing.TB) fs.FS {
	t.Helper()
	return os.DirFS(filepath.Join(root(t), "internal/pages/pagestest/testdata", f.Name))
}

// version returns a hash of all that the build depends on.
func (f Framework) version(t testing.TB) string {
	t.Helper()
	hash := sha256.New()
	lock, err := os.ReadFile(filepath.Join(root(t), "internal/tools/npm/package-lock.json"))
	if err != nil {
		t.Fatal(err)
	}
	hash.Write(lock)
	sources := f.sources(t)
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
	return hex.EncodeToString(hash.Sum(nil)[:8])
}

// build builds a copy of the sources in the folder done, which appears when all is done.
func build(t testing.TB, sources fs.FS, done string) {
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
	cmd := exec.CommandContext(t.Context(), Wrangler(t)[0], "--run", "build")
	cmd.Dir = project
	path := filepath.Dir(cmd.Path) + string(os.PathListSeparator) + os.Getenv("PATH")
	cmd.Env = []string{"PATH=" + path, "HOME=" + t.TempDir(), "CI=1", "ASTRO_TELEMETRY_DISABLED=1"}
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
