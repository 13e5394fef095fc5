package pages

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"portfolio-infra/internal/bundle"
	"portfolio-infra/internal/pages/pagestest"
	"portfolio-infra/internal/testcheck"
)

// realNpx puts an npx on the PATH that runs the real wrangler, and returns its command line.
func realNpx(t *testing.T) []string {
	t.Helper()
	wrangler := pagestest.Wrangler(t)
	npx(t, fmt.Sprintf("[ \"$1 $2\" = '--no-install wrangler' ] && shift 2\nexec '%s' '%s' \"$@\"\n", wrangler[0], wrangler[1]))
	return wrangler
}

// Functions are compiled by the wrangler of the project.
func TestDeploy_functions(t *testing.T) {
	wrangler := realNpx(t)
	folder := files{"index.html": "hello"}.site(t)
	project := filepath.Dir(folder)
	files{"functions/api/[id].ts": "export const onRequest = ({ params }: { params: { id: string } }) => new Response(params.id);"}.write(t, project)
	repository(t, folder)

	theirs := &api{token: jwt(`{"exp":4000000000}`)}
	theirs.deployWith(t, wrangler, project)
	ours := newWorld(t, page)
	ours.request.Site = folder
	ours.api.stages = []string{"deploy success"}
	if _, _, err := ours.run("deploy"); err != nil {
		t.Fatal(err)
	}
	want, got := sent(t, theirs.form()), sent(t, ours.api.form())
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}

	sameAnswer(t, theirs, ours.api, "/api/7", "200 7")

	t.Run("error", func(t *testing.T) {
		files{"functions/api/[id].ts": "export const onRequest = ("}.write(t, project)
		_, err := Read(t.Context(), Folder{Site: folder})
		testcheck.Error(t, err, "compiling "+filepath.Join(project, "functions")+" with wrangler: ")
		testcheck.Error(t, err, "[id].ts:1:")
	})
	t.Run("no routes", func(t *testing.T) {
		files{"functions/api/[id].ts": "export const nothing = 1;"}.write(t, project)
		if _, _, err := ours.run("deploy"); err != nil || ours.api.form()[workerFile].Content != "" {
			t.Errorf("%q, %v", ours.api.form()[workerFile].Content, err)
		}
	})
}

// imports is a project whose functions import from elsewhere, in every way.
var imports = files{
	"web/dist/index.html":                         "hello",
	"web/package.json":                            `{"name":"web","private":true}`,
	"web/tsconfig.json":                           `{"extends":"../tsconfig.base.json","compilerOptions":{"paths":{"@lib/*":["./lib/*"]}}}`,
	"tsconfig.base.json":                          `{"compilerOptions":{"jsx":"react","jsxFactory":"one"}}`,
	"web/functions/index.ts":                      `import { a } from '@lib/a'; import pkg from 'pkg'; import own from 'own'; import own2 from './own.txt'; import text from '../lib/t.txt'; import { linked } from './linked/l'; import 'effects'; import { view } from '../lib/view'; import { Buffer } from 'node:buffer'; import http from 'node:http'; export const onRequest = () => new Response([a, pkg, own, own2, text, linked, view(String), Buffer, http.METHODS].join());`,
	"web/functions/static.ts":                     `import { onRequest as s } from "assets:../static"; export const onRequest = s;`,
	"web/functions/own.txt":                       "own",
	"web/functions/linked":                        "-> ../../shared",
	"web/functions/node_modules/own/package.json": `{"name":"own","main":"i.js"}`,
	"web/functions/node_modules/own/i.js":         `module.exports = "own"`,
	"web/lib/a.ts":                                `import { b } from './b'; export const a = b + process.pid;`,
	"web/lib/b.ts":                                `export const b = "b";`,
	"web/lib/t.txt":                               "text",
	"web/lib/view.tsx":                            `declare const one: any, two: any; export const view = (f: any) => { const one = f, two = f; return <p/>; };`,
	"web/static/s.css":                            "a{}",
	"web/static/t/_headers":                       "served",
	"shared/l.ts":                                 `export const linked = "linked";`,
	"web/node_modules/pkg/package.json":           `{"name":"pkg","exports":"./one.js"}`,
	"web/node_modules/pkg/one.js":                 `module.exports = "one"`,
	"web/node_modules/pkg/two.js":                 `module.exports = "two"`,
	"node_modules/effects/package.json":           `{"name":"effects","main":"i.js"}`,
	"node_modules/effects/i.js":                   `globalThis.effect = 1;`,
}

// The digest changes with what is deployed and with nothing else: not from run to run, nor
// from folder to folder.
func TestRead_functionsInputs(t *testing.T) {
	realNpx(t)
	runtime := bundle.Runtime{Date: projectDate, Flags: []string{"nodejs_compat"}}
	site := func(project string) Folder {
		return Folder{Site: filepath.Join(project, "web/dist"), Runtime: runtime}
	}
	project := imports.project(t, "")
	before := mustRead(t, site(project)).Digest
	if got := mustRead(t, site(imports.project(t, ""))).Digest; got != before {
		t.Errorf("digest %s in another folder, want %s", got, before)
	}
	if left, err := filepath.Glob(filepath.Join(project, "web/dist/*")); err != nil || len(left) != 1 {
		t.Errorf("the site has %v, %v", left, err)
	}
	for _, tt := range []struct {
		name    string
		changes files
		same    bool
	}{
		{"an import of an import", files{"web/lib/b.ts": `export const b = "other";`}, false},
		{"a text", files{"web/lib/t.txt": "other"}, false},
		{"a linked folder", files{"shared/l.ts": `export const linked = "other";`}, false},
		{"a package", files{"web/node_modules/pkg/one.js": `module.exports = "other"`}, false},
		{"a package in the folder", files{"web/functions/node_modules/own/i.js": `module.exports = "other"`}, false},
		{"a package's exports", files{"web/node_modules/pkg/package.json": `{"name":"pkg","exports":"./two.js"}`}, false},
		{"a package's side effects", files{"node_modules/effects/package.json": `{"name":"effects","main":"i.js","sideEffects":false}`}, false},
		{"JSX of tsconfig.json", files{"tsconfig.base.json": `{"compilerOptions":{"jsx":"react","jsxFactory":"two"}}`}, false},
		{"an asset of a plugin", files{"web/static/s.css": "b{}"}, false},
		{"what makes no difference", files{"web/lib/other.ts": "export {}", "web/node_modules/other/index.js": "", "web/package.json": `{"name":"web","scripts":{"x":"y"}}`,
			"web/tsconfig.json": `{"extends":"../tsconfig.base.json","compilerOptions":{"paths":{"@lib/*":["./lib/*","./x/*"]}}}`}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			changed := maps.Clone(imports)
			maps.Copy(changed, tt.changes)
			if got := mustRead(t, site(changed.project(t, ""))).Digest == before; got != tt.same {
				t.Errorf("the same digest: %t", got)
			}
		})
	}
}

// Without an import from elsewhere the digest is as without wrangler, so that an earlier
// state plans no deployment.
func TestRead_functionsAlone(t *testing.T) {
	folder := files{"dist/index.html": "", "package.json": "{}", "tsconfig.json": "{}", "functions/index.ts": "import { n } from './lib/n'; import text from './t.txt'; import fs from 'node:fs'; " +
		"export const onRequest = () => new Response(n + text + fs + process.pid)", "functions/lib/n.ts": "export const n = 1", "functions/t.txt": "text"}.project(t, "")
	read := func() *Site {
		return mustRead(t, Folder{Site: filepath.Join(folder, "dist"), Runtime: bundle.Runtime{Date: projectDate, Flags: []string{"nodejs_compat"}}})
	}
	npx(t, "exit 1")
	alone := read().Digest
	realNpx(t)
	if got := read(); got.Digest != alone || got.compiled == nil {
		t.Errorf("digest %s, want %s; %v", got.Digest, alone, got.missing)
	}
	if err := os.Rename(filepath.Join(folder, "functions"), filepath.Join(folder, "shared")); err != nil {
		t.Fatal(err)
	}
	files{"functions": "-> shared"}.write(t, folder)
	if got := read(); got.Digest != alone || got.compiled == nil {
		t.Errorf("digest %s of linked functions, want %s; %v", got.Digest, alone, got.missing)
	}
}

var randomFolder = regexp.MustCompile(`pages-plugins/[0-9a-f-]{32,36}`)

// The site of a framework beside its own functions, which import its server and a plugin's
// assets, is deployed as by wrangler in the project's folder, and only once.
func TestDeploy_functionsElsewhere(t *testing.T) {
	wrangler := realNpx(t)
	project := files{"web/public/index.html": "hello", "web/package.json": "{}", "web/server/index.js": `export const answer = "server";`, "web/static/s.css": "a{}", "web/static/t/_headers": "served",
		"web/functions/[[path]].ts": "import { answer } from '../server'; export const onRequest = () => new Response(answer);",
		"web/functions/plugin.ts":   `import { onRequest as s } from "assets:../static"; export const onRequest = s;`}.project(t, "web")
	repository(t, filepath.Join(project, "public"))
	ours := newWorld(t, page)
	ours.request.Site, ours.request.Functions = filepath.Join(project, "public"), filepath.Join(project, "functions")
	ours.api.stages = []string{"deploy success"}
	if _, _, err := ours.run("deploy"); err != nil {
		t.Fatal(err)
	}
	if _, calls, err := ours.run("deploy"); err != nil || slices.Contains(calls, "POST /deployments") {
		t.Errorf("the second time: %v, %v", calls, err)
	}
	theirs := &api{token: jwt(`{"exp":4000000000}`)}
	theirs.deployWith(t, wrangler, project)
	manifest := func(a *api) any {
		return sent(t, map[string]part{"manifest": {Content: randomFolder.ReplaceAllString(a.form()["manifest"].Content, "pages-plugins/NAME")}})
	}
	if diff := cmp.Diff(manifest(theirs), manifest(ours.api)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(theirs.assets, ours.api.assets); diff != "" {
		t.Error(diff)
	}
	sameAnswer(t, theirs, ours.api, "/", "200 server")
	served := randomFolder.FindString(ours.api.form()["manifest"].Content)
	if code := ours.api.form()[workerFile].Content; !strings.Contains(code, "/cdn-cgi/"+served+`"`) {
		t.Errorf("the code does not find the plugin's files in %s", served)
	}
}
