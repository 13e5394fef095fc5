package pages

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"portfolio-infra/internal/testcheck"
)

const routes = `{"version":1,"include":["/api/*"],"exclude":[]}`

func TestRead(t *testing.T) {
	worker := "export default { fetch: () => new Response() };"
	for _, tt := range []struct {
		name     string
		files    files
		assets   []string
		settings []string
		modules  []string
	}{
		{"what is served", files{"index.html": "", "a/b/c.txt": "", ".well-known/security.txt": "", "empty/.keep": ""},
			[]string{".well-known/security.txt", "a/b/c.txt", "empty/.keep", "index.html"}, nil, nil},
		{"what is skipped", files{"index.html": "", ".DS_Store": "", "a/.DS_Store": "", "node_modules/x.js": "", "a/node_modules/x.js": "",
			".git/config": "", ".wrangler/state": "", "functions/x.js": "", "a/functions/x.js": "", "a/_headers": ""},
			[]string{"a/_headers", "a/functions/x.js", "index.html"}, nil, nil},
		{"settings", files{"index.html": "", "_headers": "/*\n  X: 1", "_redirects": "/a /b"},
			[]string{"index.html"}, []string{"_headers", "_redirects"}, nil},
		{"empty settings", files{"index.html": "", "_headers": "", "_redirects": ""}, []string{"index.html"}, nil, nil},
		{"routes without code", files{"index.html": "", "_routes.json": "{}"}, []string{"index.html"}, nil, nil},
		{"routes with code", files{"index.html": "", "_routes.json": routes, "_worker.js": worker},
			[]string{"index.html"}, []string{"_routes.json"}, []string{"_worker.js"}},
		{"TypeScript", files{"index.html": "", "_worker.ts": "const n: number = 1; export default { n };"},
			[]string{"index.html"}, nil, []string{"_worker.js"}},
		{"a folder of modules", files{"index.html": "", "_worker.js/index.js": worker, "_worker.js/lib/a.mjs": "", "_worker.js/x.wasm": "", "_worker.js/README.md": ""},
			[]string{"index.html"}, nil, []string{"index.js", "lib/a.mjs", "x.wasm"}},
		{"a link to a folder of modules", files{"index.html": "", "_worker.js": "-> lib", "lib/index.js": worker, "lib/a.mjs": ""},
			[]string{"index.html", "lib/a.mjs", "lib/index.js"}, nil, []string{"index.js", "a.mjs"}},
		{"a Worker alone", files{"_worker.js": worker}, nil, nil, []string{"_worker.js"}},
		{"links in the site", files{"a/x.txt": "", "b": "-> a", "y.txt": "-> a/x.txt"}, []string{"a/x.txt", "b/x.txt", "y.txt"}, nil, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := tt.files.read(t)
			var assets, settings, modules []string
			for _, a := range s.assets {
				assets = append(assets, a.name)
			}
			for name := range s.settings {
				settings = append(settings, name)
			}
			slices.Sort(settings)
			for _, m := range s.modules {
				modules = append(modules, m.name)
			}
			equal(t, "assets, settings and modules", [][]string{assets, settings, modules}, [][]string{tt.assets, tt.settings, tt.modules})
		})
	}
}

func TestRead_problems(t *testing.T) {
	for _, tt := range []struct {
		name  string
		files files
		want  []string
	}{
		{"no files", files{}, []string{"it has no files: build the site, or give a folder to serve"}},
		{"only settings", files{"_headers": "x"}, []string{"it has no files"}},
		{"all at once", files{"_worker.js": "import \"nowhere\"", "_routes.json": "x", "a": "-> /etc"},
			[]string{"_worker.js:1:", `"nowhere"`, "a is a symbolic link"}},
		{"routes", files{"index.html": "", "_worker.js": "export default {}", "_routes.json": "x"}, []string{"_routes.json: ", "correct it, or remove the file"}},
		{"settings that are a folder", files{"index.html": "", "_headers/x": ""}, []string{"_headers cannot be read (is a directory): make it a readable file, or remove it"}},
		{"a file that is too large", files{"a/video.mp4": strings.Repeat("x", maxAsset+1<<20)}, []string{"a/video.mp4 has 26.0 MiB, and Pages takes files of at most 25 MiB: make it smaller, or keep it elsewhere"}},
		{"two Workers", files{"_worker.js": "", "_worker.ts": ""}, []string{"both _worker.js and _worker.ts"}},
		{"a folder of modules without the main one", files{"_worker.js/a.js": ""}, []string{"the folder _worker.js has no index.js"}},
		{"a link out of the site", files{"passwd": "-> /etc/passwd"}, []string{"passwd is a symbolic link that leads out of the site"}},
		{"a link to the folder above", files{"a/up": "-> ../.."}, []string{"a/up is a symbolic link that leads out of the site"}},
		{"a link to nothing", files{"a": "-> nowhere"}, []string{"a is a symbolic link to nowhere, which leads nowhere: remove it, or create what it names"}},
		{"links that lead to each other", files{"a": "-> b", "b": "-> a"}, []string{"a is a symbolic link to b, which leads nowhere", "b is a symbolic link to a"}},
		{"a link to its folder", files{"a/loop": "-> ."}, []string{"a/loop is a symbolic link to a folder that contains it"}},
		{"a link to the site", files{"a/loop": "-> .."}, []string{"a/loop is a symbolic link to a folder that contains it"}},
		{"links to each other", files{"a/b": "-> ../c", "c/d": "-> ../a"}, []string{"a/b/d is a symbolic link to a folder that contains it"}},
		{"two links to a folder with loops", files{"a/1": "-> .", "a/2": "-> .", "b": "-> a"}, []string{"b/1 is a symbolic link", "b/2 is a symbolic link"}},
		{"a name that is not UTF-8", files{"\xff.txt": ""}, []string{`"\xff.txt" is not UTF-8`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Read(t.Context(), Folder{Site: tt.files.site(t)})
			testcheck.Error(t, err, tt.want...)
		})
	}
	t.Run("a pipe", func(t *testing.T) {
		folder := files{"index.html": ""}.site(t)
		if err := syscall.Mkfifo(filepath.Join(folder, "pipe"), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Read(t.Context(), Folder{Site: folder})
		testcheck.Error(t, err, "pipe is neither a file nor a folder")
	})
}

// Advice fits its problem.
func TestRead_advice(t *testing.T) {
	for _, f := range []files{{"a": "-> nowhere"}, {"_headers/x": "", "index.html": ""}, {".env": ""}, {"_worker.js": "export default {}", "_routes.json": "x"}} {
		if _, err := Read(t.Context(), Folder{Site: f.site(t)}); err == nil || strings.Contains(err.Error(), giveFolder) {
			t.Errorf("%v: %v", f, err)
		}
	}
}

// What is left out, ignored, or public without need is said, once for each kind.
func TestRead_said(t *testing.T) {
	for _, tt := range []struct {
		name            string
		files           files
		warnings, notes []string
	}{
		{"nothing", files{"a.html": "", "_headers": "/*\n  X: 1", ".well-known/x": "", ".DS_Store": "", ".wrangler/x": ""}, nil, nil},
		{"left out", files{"node_modules/x.js": "", "a/node_modules/x.js": "", ".git/config": "", "b/.git": "", "c/node_modules/x": ""}, nil,
			[]string{"left out, as by wrangler: .git, a/node_modules, b/.git and 2 more"}},
		{"functions in the site", files{"functions/x.js": ""}, nil, []string{"left out, as by wrangler: functions; to have its file routes, name that folder in the config key functions"}},
		{"public", files{"a.js.map": "", "b.css.map": "", "dump.sql": "", "wrangler.toml": "", "a/wrangler.jsonc": ""}, nil,
			[]string{"everybody can read 2 source maps (a.js.map, b.css.map), 1 SQL file (dump.sql), 2 Wrangler files (a/wrangler.jsonc, wrangler.toml)"}},
		{"settings in a folder", files{"docs/_headers": "", "docs/_redirects": ""},
			[]string{"docs/_headers, docs/_redirects: served as a file and not read, since only the one at the top of the site counts"}, nil},
		{"routes without code", files{"_routes.json": "{}"}, []string{"_routes.json is ignored: the site has no code"}, nil},
		{"rules", files{"_headers": "X: 1\n/*\n  Y: 2", "_redirects": "/a /b 301\n/a /c\n/*/* /d"},
			[]string{"_headers: Cloudflare ignores line 1 (no path stands above the header)",
				"_redirects: Cloudflare ignores line 2 (line 1 is for the same path), line 3 (a path has at most one *)"}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.files["index.html"] = ""
			s := tt.files.read(t)
			equal(t, "warnings and notes", [][]string{s.Warnings, s.Notes}, [][]string{tt.warnings, tt.notes})
		})
	}
}

// The digest changes with whatever a deployment has, and with nothing else.
func TestRead_digest(t *testing.T) {
	base := files{"index.html": "hello", "_headers": "/*", "_worker.js/index.js": "export default {}", "_worker.js/a.txt": "x"}
	before := base.read(t).Digest
	for _, tt := range []struct {
		name, file, content string
		same                bool
	}{
		{"another folder", "index.html", "hello", true},
		{"content", "index.html", "hullo", false},
		{"a new file", "b.html", "", false},
		{"settings", "_headers", "/a", false},
		{"a module", "_worker.js/a.txt", "y", false},
		{"what is not served", ".DS_Store", "x", true},
	} {
		changed := maps.Clone(base)
		changed[tt.file] = tt.content
		equal(t, tt.name+": the same digest", changed.read(t).Digest == before, tt.same)
	}
}

// A site may be a link.
func TestRead_root(t *testing.T) {
	folder := files{"site/index.html": "", "link": "-> site"}.project(t, "")
	equal(t, "files", len(mustRead(t, Folder{Site: filepath.Join(folder, "link")}).assets), 1)
	for name, want := range map[string]string{
		"none":            "there is no such folder: build the site, or give a folder to serve, relative to the project's folder",
		"site/index.html": "it is not a folder: give a folder to serve",
	} {
		_, err := Read(t.Context(), Folder{Site: filepath.Join(folder, name)})
		testcheck.Error(t, err, want)
	}
}
