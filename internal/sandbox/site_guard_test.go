package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// newSite makes a folder with n pages the stack's site.
func (f *fixture) newSite(n int) (folder string) {
	f.Helper()
	folder = f.TempDir()
	for i := range n {
		f.write(filepath.Join(folder, fmt.Sprint(i, ".html")), "hello")
	}
	relative, err := filepath.Rel(root, folder)
	if err != nil {
		f.Fatal(err)
	}
	f.set(map[string]any{"site": relative})
	return folder
}

// What looks like a secret is refused by name. Whoever follows the advice publishes it.
func TestStack_siteSecretFiles(t *testing.T) {
	f := newFixture(t)
	folder := f.newSite(1)
	f.write(filepath.Join(folder, ".env.example"), "A=")
	f.write(filepath.Join(folder, "dump.sql"), "")
	f.write(filepath.Join(folder, "_redirects"), "/*/* /")
	f.write(filepath.Join(filepath.Dir(folder), "wrangler.toml"), "pages_build_output_dir = \"dist\"\n[vars]\nMODE = \"live\"\n")
	const line = "pulumi config set --path 'publicFiles[0]' .env.example"
	f.refused("what looks like a secret: .env.example", "`"+line+"`")

	args := strings.Fields(strings.ReplaceAll(line, "'", ""))
	if _, err := f.Command(t.Context(), args[1:]...); err != nil {
		t.Fatal(err)
	}
	f.set(map[string]any{"publicFiles": f.stackFile()["portfolio:publicFiles"]})
	f.up()
	f.says("up", "everybody can read 1 SQL file (dump.sql)", "_redirects: Cloudflare ignores line 1 (a path has at most one *)",
		"wrangler.toml is not read", "vars (MODE)")
	f.want("files", f.outputs()["deployment"].(map[string]any)["files"], 3.0)
	f.noChanges()
	if err := os.Remove(filepath.Join(folder, ".env.example")); err != nil {
		t.Fatal(err)
	}
	f.repaired(1)
	f.says("up", "publicFiles names what the site does not have")

	f.set(map[string]any{"site": "internal/.."})
	f.refused("the project's own folder")
}

// A site that lost most of its files, as after a failed build, needs consent for one run.
func TestStack_shrinkSite(t *testing.T) {
	f := newFixture(t)
	folder := f.newSite(30)
	f.up()
	for i := 5; i < 30; i++ {
		if err := os.Remove(filepath.Join(folder, fmt.Sprint(i, ".html"))); err != nil {
			t.Fatal(err)
		}
	}
	f.refused("it has 5 files, and the last deployment had 30 files", "`pulumi config set shrinkSite true`")
	f.want("deployments", f.deployments(), 1)
	f.set(map[string]any{"shrinkSite": "true"})
	f.want("with consent", f.planned().changes, map[string]int{"update": 1})
	f.noChanges()
	f.set(map[string]any{"shrinkSite": nil})
	f.noChanges()

	// The token in the config makes the record a secret.
	f.set(map[string]any{"cloudflare:apiToken": f.encrypt(f.clouds.Cloudflare.Token)})
	f.up()
	folder = f.newSite(1)
	if err := os.Rename(filepath.Join(folder, "0.html"), filepath.Join(folder, ".gitkeep")); err != nil {
		t.Fatal(err)
	}
	f.refused("it has nothing but dotfiles, and the last deployment had 5 files")
}
