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

	"portfolio-infra/internal/pages/pagestest"
)

// deployWith deploys a folder of a project with the real wrangler.
func (a *api) deployWith(t *testing.T, wrangler []string, project, site string) {
	t.Helper()
	server := httptest.NewServer(a)
	defer server.Close()
	args := append(slices.Clone(wrangler[1:]), "pages", "deploy", site, "--project-name", "site", "--branch", "main")
	cmd := exec.CommandContext(t.Context(), wrangler[0], args...)
	cmd.Dir = project
	cmd.Env = slices.Concat(wranglerEnvironment(nil), pagestest.Environment(t),
		[]string{"CLOUDFLARE_API_BASE_URL=" + server.URL + "/client/v4", "CLOUDFLARE_API_TOKEN=" + apiToken, "CLOUDFLARE_ACCOUNT_ID=" + account})
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

// worker returns the Worker of a _worker.bundle.
func (a *api) worker(t *testing.T) pagestest.Worker {
	t.Helper()
	var metadata struct {
		Main string `json:"main_module"`
	}
	w := pagestest.Worker{Date: projectDate}
	for _, m := range parts(t, []byte(a.form()[workerFile].Content)) {
		if m.Field == "metadata" { // the first part
			if err := json.Unmarshal([]byte(m.Content), &metadata); err != nil {
				t.Fatal(err)
			}
			continue
		}
		at := len(w.Modules)
		if m.Field == metadata.Main {
			at = 0
		}
		w.Modules = slices.Insert(w.Modules, at, pagestest.Module{Name: m.Field, Type: m.Type, Content: m.Content})
	}
	return w
}

var (
	randomName = regexp.MustCompile(`(bundledWorker|functionsWorker)-0\.\d+\.m?js`)
	anyMark    = regexp.MustCompile(` ?\[pulumi [^]]*]$`)
	mainModule = regexp.MustCompile(`"main_module":"[^"]*"`)
	// plugin is the folder of a plugin's files. wrangler gives it a random name, we one of its content.
	plugin = regexp.MustCompile(`pages-plugins/[0-9a-f-]{32,36}`)
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
			var keys map[string]string
			if err := json.Unmarshal([]byte(plugin.ReplaceAllString(p.Content, "pages-plugins/NAME")), &keys); err != nil {
				t.Fatal(err)
			}
			all[name] = keys
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
	got := pagestest.Answers(t, path, map[string]pagestest.Worker{"wrangler": theirs.worker(t), "ours": ours.worker(t)})
	equal(t, "answers", got, map[string]string{"wrangler": want, "ours": want})
}

// The real wrangler sends the same for the same folder.
func TestDeploy_wrangler(t *testing.T) {
	wrangler := pagestest.Wrangler(t)
	site := files{
		"index.html": "<h1>Hello</h1>\n", "404.html": "", "style.css": "a{}", "page.HTML": "x", "LICENSE": "", ".htaccess": "deny",
		".well-known/security.txt": "x", "a/b.c/plain": "x", "a/twin-1.txt": "twin", "a/twin-2.txt": "twin", "a.tar.gz": "x", "ends.": "dot",
		"ümläut €.html": "ä", `"quoted".txt`: "q", "link.html": "-> index.html", "linked": "-> a", "html": "h", ".html": "y", "a/.html": "z", "a/html": "z",
		".DS_Store": "no", "a/.DS_Store": "no", "node_modules/x/index.js": "no", ".git/config": "no", ".wrangler/x": "no",
		"_headers": "/*\n  X-A: ä\n", "_redirects": "/old /new 301\n", "_routes.json": routes, // which is not sent without a Worker
	}
	for extension := range contentTypes() {
		site["types/x."+extension] = ""
	}
	worker := files{"index.html": "", "_worker.js": "import { name } from './lib.js';\nexport default { fetch: () => new Response(name) };\n", "lib.js": "export const name = 'ä';", "_routes.json": routes}
	modules := files{"index.html": "", "_worker.js/index.js": "import './lib/a.js'; import x from './x.txt'; export default { fetch: () => new Response(x) };",
		"_worker.js/lib/a.js": "export const a = 1;", "_worker.js/x.txt": "text", "_worker.js/x.wasm": "\x00asm\x01\x00\x00\x00", "_worker.js/x.bin": "bin", "_worker.js/x.css": "no"}
	outside := files{"index.html": "", "_worker.js/index.js": "import { name } from '../lib.js'; import { pkg } from 'pkg'; import './lib/a.js'; export default { fetch: () => new Response(name + ' ' + pkg) };",
		"_worker.js/lib/a.js": "export const a = 1;", "lib.js": "export const name = 'ä';", "../node_modules/pkg/index.js": "exports.pkg = 'package';"}
	wasm := files{"_worker.js": "import w from './x.wasm?module'; import b from './x.bin'; export default { fetch: () => new Response(new TextDecoder().decode(b) + ' ' + (w instanceof WebAssembly.Module)) };",
		"x.wasm": "\x00asm\x01\x00\x00\x00", "x.bin": "bin"}
	for _, tt := range []struct {
		name    string
		files   files
		answers string // of the Worker
	}{
		{"routes without a Worker", site, ""},
		{"Worker", worker, "200 ä"},
		{"folder of modules", modules, "200 text"},
		{"folder that imports from elsewhere", outside, "200 ä package"},
		{"Worker with modules, alone", wasm, "200 bin true"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			folder := tt.files.site(t)
			theirs, ours := sameForm(t, wrangler, filepath.Dir(folder), Folder{Site: folder})
			if tt.answers != "" {
				sameAnswer(t, theirs, ours, "/", tt.answers)
			}
		})
	}
}

// sameForm deploys a site with wrangler in the project's folder, and by us. It fails unless
// both send the same.
func sameForm(t *testing.T, wrangler []string, project string, f Folder) (theirs, ours *api) {
	t.Helper()
	repository(t, project)
	w := newWorld(t, page)
	w.api.flags, w.api.stages = f.Runtime.Flags, []string{"deploy success"}
	w.request.Site, w.request.Functions, w.request.Flags = f.Site, f.Functions, f.Runtime.Flags
	w.mustDeploy()
	theirs = &api{token: jwt(`{"exp":4000000000}`), flags: f.Runtime.Flags}
	site, err := filepath.Rel(project, f.Site)
	if err != nil {
		t.Fatal(err)
	}
	theirs.deployWith(t, wrangler, project, site) // the last, since it writes plugins' files into the site
	equal(t, "assets", w.api.assets, theirs.assets)
	equal(t, "form", sent(t, w.api.form()), sent(t, theirs.form()))
	return theirs, w.api
}
