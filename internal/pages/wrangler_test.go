package pages

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"portfolio-infra/internal/pages/pagestest"
)

// deployWith deploys the site of a project with the real wrangler.
func (a *api) deployWith(t *testing.T, wrangler []string, project string) {
	t.Helper()
	a.deployFolderWith(t, wrangler, project, "public")
}

// deployFolderWith deploys a folder of a project with the real wrangler.
func (a *api) deployFolderWith(t *testing.T, wrangler []string, project, site string) {
	t.Helper()
	server := httptest.NewServer(a)
	defer server.Close()
	args := append(slices.Clone(wrangler[1:]), "pages", "deploy", site, "--project-name", "site", "--branch", "main")
	cmd := exec.CommandContext(t.Context(), wrangler[0], args...)
	cmd.Dir = project
	cmd.Env = append(wranglerEnvironment(nil), "CLOUDFLARE_API_BASE_URL="+server.URL+"/client/v4", "CLOUDFLARE_API_TOKEN="+apiToken,
		"CLOUDFLARE_ACCOUNT_ID="+account, "WRANGLER_SEND_METRICS=false", "HOME="+t.TempDir(), "NO_COLOR=1")
	if out, err := cmd.CombinedOutput(); err != nil || len(a.forms) == 0 {
		t.Fatalf("wrangler: %v: %s", err, out)
	}
}

// form returns the form of the last deployment, by field.
func (a *api) form() map[string]part {
	byField := map[string]part{}
	for _, p := range a.forms[len(a.forms)-1] {
		byField[p.Field] = p
	}
	return byField
}

// manifestOf returns the paths of a form's files with their keys.
func manifestOf(t *testing.T, form map[string]part) (m map[string]string) {
	t.Helper()
	if err := json.Unmarshal([]byte(form["manifest"].Content), &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// mainOf returns the name of the main module of a _worker.bundle.
func mainOf(t *testing.T, bundle string) string {
	t.Helper()
	var metadata struct {
		Main string `json:"main_module"`
	}
	for _, m := range parts(t, []byte(bundle)) {
		if m.Field == "metadata" {
			if err := json.Unmarshal([]byte(m.Content), &metadata); err != nil {
				t.Fatal(err)
			}
		}
	}
	return metadata.Main
}

var (
	randomName = regexp.MustCompile(`(bundledWorker|functionsWorker)-0\.\d+\.m?js`)
	anyMark    = regexp.MustCompile(` ?\[pulumi [^]]*]$`)
)

// sent returns what must be equal in the forms of both. Of the modules of a bundle
// only the kinds count, since wrangler adds code of its own.
func sent(t *testing.T, form map[string]part) map[string]any {
	t.Helper()
	all := map[string]any{}
	for name, p := range form {
		all[name] = p
		switch name {
		case "manifest":
			all[name] = manifestOf(t, form)
		case "commit_message":
			all[name] = anyMark.ReplaceAllString(p.Content, "")
		case workerFile:
			var kinds []string
			for _, m := range parts(t, []byte(p.Content)) {
				if m.Field == "metadata" {
					all["metadata"] = mainModule.ReplaceAllString(m.Content, `"main_module":"MAIN"`)
					continue
				}
				if randomName.MatchString(m.Field) || m.Field == "_worker.js" || m.Field == "index.js" {
					m.Field, m.File, m.Content = "MAIN", "MAIN", ""
				}
				kinds = append(kinds, fmt.Sprintf("%s %s %s %q", m.Field, m.File, m.Type, m.Content))
			}
			slices.Sort(kinds) // the main module has a name of its own
			all[name] = kinds
		}
	}
	return all
}

// sameAnswer fails unless the Workers of both answer a path as wanted.
func sameAnswer(t *testing.T, theirs, ours *api, path, want string) {
	t.Helper()
	for name, a := range map[string]*api{"wrangler's": theirs, "ours": ours} {
		if got := serve(t, a.form()[workerFile].Content, path); got != want {
			t.Errorf("%s answers %q, want %q", name, got, want)
		}
	}
}

var mainModule = regexp.MustCompile(`"main_module":"[^"]*"`)

// The real wrangler sends the same for the same folder.
func TestDeploy_wrangler(t *testing.T) {
	wrangler := pagestest.Wrangler(t)
	site := files{
		"index.html": "<h1>Hello</h1>\n", "404.html": "", "style.css": "a{}", "page.HTML": "x", "LICENSE": "", ".htaccess": "deny",
		".well-known/security.txt": "x", "a/b.c/plain": "x", "a/twin-1.txt": "twin", "a/twin-2.txt": "twin", "a.tar.gz": "x", "ends.": "dot",
		"ümläut €.html": "ä", `"quoted".txt`: "q", "link.html": "-> index.html", "linked": "-> a", "html": "h", ".html": "y", "a/.html": "z", "a/html": "z",
		".DS_Store": "no", "a/.DS_Store": "no", "node_modules/x/index.js": "no", ".git/config": "no", ".wrangler/x": "no",
		"_headers": "/*\n  X-A: ä\n", "_redirects": "/old /new 301\n",
	}
	for extension := range contentTypes() {
		site["types/x."+extension] = ""
	}
	worker := files{"_worker.js": "import { name } from './lib.js';\nexport default { fetch: () => new Response(name) };\n", "lib.js": "export const name = 'ä';", "_routes.json": routes}
	modules := files{"_worker.js/index.js": "import './lib/a.js'; import x from './x.txt'; export default { fetch: () => new Response(x) };",
		"_worker.js/lib/a.js": "export const a = 1;", "_worker.js/x.txt": "text", "_worker.js/x.wasm": "\x00asm\x01\x00\x00\x00", "_worker.js/x.bin": "bin", "_worker.js/x.css": "no"}
	outside := files{"_worker.js/index.js": "import { name } from '../lib.js'; import { pkg } from 'pkg'; import './lib/a.js'; export default { fetch: () => new Response(name + ' ' + pkg) };",
		"_worker.js/lib/a.js": "export const a = 1;", "lib.js": "export const name = 'ä';", "../node_modules/pkg/index.js": "exports.pkg = 'package';"}
	wasm := files{"_worker.js": "import w from './x.wasm?module'; import b from './x.bin'; export default { fetch: () => new Response(new TextDecoder().decode(b) + ' ' + (w instanceof WebAssembly.Module)) };",
		"x.wasm": "\x00asm\x01\x00\x00\x00", "x.bin": "bin"}
	for _, tt := range []struct {
		name    string
		more    files
		answers string // of the Worker
	}{
		{"assets alone", nil, ""},
		{"routes without a Worker", files{"_routes.json": routes}, ""},
		{"Worker", worker, "200 ä"},
		{"folder of modules", modules, "200 text"},
		{"folder that imports from elsewhere", outside, "200 ä package"},
		{"Worker with modules", wasm, "200 bin true"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			folder := site.site(t)
			if tt.answers != "" {
				folder = files{"index.html": "<h1>Hello</h1>\n"}.site(t) // the assets are the same with code
			}
			tt.more.write(t, folder)
			sameForm(t, wrangler, folder, tt.answers)
		})
	}
	t.Run("Worker alone", func(t *testing.T) {
		t.Parallel()
		sameForm(t, wrangler, files{"_worker.js": "export default { fetch: () => new Response('alone') };"}.site(t), "200 alone")
	})
}

// sameForm fails unless wrangler and we send the same for a folder, whose Worker answers.
func sameForm(t *testing.T, wrangler []string, folder, answers string) {
	t.Helper()
	repository(t, folder)
	theirs := &api{token: jwt(`{"exp":4000000000}`)}
	theirs.deployWith(t, wrangler, filepath.Dir(folder))
	ours := newWorld(t, page)
	ours.request.Site = folder
	ours.api.stages = []string{"deploy success"}
	if _, _, err := ours.run("deploy"); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(theirs.assets, ours.api.assets); diff != "" {
		t.Errorf("assets: %s", diff)
	}
	want, got := sent(t, theirs.form()), sent(t, ours.api.form())
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("form: %s", diff)
	}
	if answers != "" {
		sameAnswer(t, theirs, ours.api, "/", answers)
	}
}
