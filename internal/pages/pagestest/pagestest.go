// Package pagestest has what tests of Pages need: wrangler, and sites that frameworks build.
package pagestest

import (
	"os"
	"path/filepath"
	"testing"
)

// Modules returns the folder of the packages that `make npm` installs.
func Modules(t testing.TB) string {
	t.Helper()
	return filepath.Join(root(t), ".sandbox/npm/node_modules")
}

// Wrangler returns the command line of the real wrangler, with a Node.js that is new enough.
func Wrangler(t testing.TB) []string {
	t.Helper()
	line := []string{filepath.Join(Modules(t), "node/bin/node"), filepath.Join(Modules(t), "wrangler/bin/wrangler.js")}
	for _, file := range line {
		if _, err := os.Stat(file); err != nil {
			t.Skip("wrangler is not installed: make npm")
		}
	}
	return line
}

// Environment returns what a wrangler of a test has: no home of the user's, and V8's cache, which
// saves a quarter of a short run.
// https://nodejs.org/docs/latest-v22.x/api/cli.html#node_compile_cachedir
func Environment(t testing.TB) []string {
	t.Helper()
	return []string{"HOME=" + t.TempDir(), "NODE_COMPILE_CACHE=" + filepath.Join(root(t), ".sandbox/npm/compiled"), "WRANGLER_SEND_METRICS=false", "NO_COLOR=1"}
}

// root returns the project's folder. A test runs in the folder of its package.
func root(t testing.TB) string {
	t.Helper()
	folder, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; ; folder = filepath.Dir(folder) {
		if _, err := os.Stat(filepath.Join(folder, "Pulumi.yaml")); err == nil {
			return folder
		}
		if folder == filepath.Dir(folder) {
			t.Fatal("the test does not run in the project's folder")
		}
	}
}
