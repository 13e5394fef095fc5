package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// checkout returns a folder with links to the wanted files of the project.
func (f *fixture) checkout(want func(name string) bool) string {
	f.Helper()
	entries, err := os.ReadDir(f.Root)
	if err != nil {
		f.Fatal(err)
	}
	folder := f.TempDir()
	for _, entry := range entries {
		if !want(entry.Name()) {
			continue
		}
		if err := os.Symlink(filepath.Join(f.Root, entry.Name()), filepath.Join(folder, entry.Name())); err != nil {
			f.Fatal(err)
		}
	}
	return folder
}

// write writes a file. A relative name is one of the project, which must be a checkout of the
// test's own.
func (f *fixture) write(name, content string) {
	f.Helper()
	file := filepath.FromSlash(name)
	if !filepath.IsAbs(file) {
		file = filepath.Join(f.Root, file)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		f.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), 0o700); err != nil {
		f.Fatal(err)
	}
}

// fakeNpx compiles functions that import ../lib/a.ts, and counts its runs.
const fakeNpx = `#!/bin/sh
echo run >>"$0.runs"
for last; do case "$before" in
--outfile) printf -- '--b\r\nContent-Disposition: form-data; name="metadata"\r\n\r\n{"main_module":"w.js"}\r\n--b\r\nContent-Disposition: form-data; name="w.js"; filename="w.js"\r\nContent-Type: application/javascript+module\r\n\r\nexport default {}\r\n--b--\r\n' >"$last" ;;
--metafile) echo '{"inputs":{"a.ts":{"imports":[{"path":"../lib/a.ts"}]},"../lib/a.ts":{"imports":[]}}}' >"$last" ;;
esac; before=$last; done
`

// Functions of a framework, beside the sources of its site, are found if the user names them.
// They are deployed again when what they import has changed, and not otherwise.
func TestStack_functions(t *testing.T) {
	f := openFixture(t, t.TempDir())
	f.Root = f.checkout(func(string) bool { return true })
	f.write("web/build/client/index.html", "hello")
	f.write("web/functions/a.ts", "export const onRequest = () => new Response()")
	f.write("web/lib/a.ts", "export const a = 1")
	f.write("path/npx", fakeNpx)
	// The program runs in this process.
	t.Setenv("PATH", filepath.Join(f.Root, "path")+string(os.PathListSeparator)+os.Getenv("PATH"))
	t.Setenv("REDIS_URL", "recognizable-redis")
	f.clouds.Env["PATH"] = os.Getenv("PATH")

	f.set(map[string]any{"site": "web/build/client"})
	f.run("preview")
	line := regexp.MustCompile("those in web/functions are not deployed; if they belong to it, run `pulumi config set functions (.*)`").FindStringSubmatch(f.printed.String())
	if line == nil {
		t.Fatalf("the preview does not warn of web/functions:\n%s", f.printed.String())
	}
	f.set(map[string]any{"functions": line[1], "functionsEnv": []any{"REDIS_URL"}})
	f.run("preview")
	f.says("preview", "the site's functions are those of the folder web/functions")
	_, diagnostics, _ := strings.Cut(f.printed.String(), "Diagnostics:") // before, the progress
	f.want("times that the preview says it", strings.Count(diagnostics, "the site's functions are those"), 1)
	f.up()
	before := f.npxRuns()
	f.noChanges()
	f.want("runs of wrangler in an up with nothing to do", f.npxRuns()-before, 1) // it has one phase

	f.write("web/lib/a.ts", "export const a = 2")
	f.want("changes after one of an import", f.up().changes, map[string]int{"update": 1})
	f.noChanges()

	state, err := os.ReadFile(filepath.Join(f.Dir, "state/.pulumi/stacks/portfolio/dev.json"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(state), "REDIS_URL") || strings.Contains(string(state), "recognizable-redis") {
		t.Error("the state has not the name of the variable alone")
	}

}

// npxRuns counts the runs of fakeNpx.
func (f *fixture) npxRuns() int {
	f.Helper()
	runs, err := os.ReadFile(filepath.Join(f.Root, "path/npx.runs"))
	if err != nil {
		f.Fatal(err)
	}
	return strings.Count(string(runs), "run\n")
}
