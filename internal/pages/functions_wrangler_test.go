package pages

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"portfolio-infra/internal/bundle"
	"portfolio-infra/internal/pages/pagestest"
	"portfolio-infra/internal/testcheck"
)

// realNpx puts an npx on the PATH that runs the real wrangler, and returns its command line.
func realNpx(t *testing.T) []string {
	t.Helper()
	wrangler := pagestest.Wrangler(t)
	npx(t, fmt.Sprintf("[ \"$1 $2\" = '--no-install wrangler' ] && shift 2\nexec env '%s' '%s' '%s' \"$@\"\n", strings.Join(pagestest.Environment(t), "' '"), wrangler[0], wrangler[1]))
	return wrangler
}

// Functions are compiled by the wrangler of the project, in the folder above them. They import
// the site's server and a plugin's assets.
func TestDeploy_functions(t *testing.T) {
	wrangler := realNpx(t)
	project := files{"web/public/index.html": "hello", "web/package.json": "{}", "web/server/index.js": `export const answer = "server";`, "web/static/s.css": "a{}", "web/static/t/_headers": "served",
		"web/functions/api/[id].ts": "import { answer } from '../../server'; export const onRequest = ({ params }: { params: { id: string } }) => new Response(answer + params.id);",
		"web/functions/plugin.ts":   `import { onRequest as s } from "assets:../static"; export const onRequest = s;`}.project(t, "web")
	folder := Folder{Site: filepath.Join(project, "public"), Functions: filepath.Join(project, "functions")}
	theirs, ours := sameForm(t, wrangler, project, folder)
	sameAnswer(t, theirs, ours, "/api/7", "200 server7")
	served := plugin.FindString(ours.form()["manifest"].Content)
	if code := ours.form()[workerFile].Content; served == "" || !strings.Contains(code, "/cdn-cgi/"+served+`"`) {
		t.Errorf("the code does not find the plugin's files in %q", served)
	}

	files{"functions/api/[id].ts": "export const onRequest = ("}.write(t, project)
	_, err := Read(t.Context(), folder)
	testcheck.Error(t, err, "compiling "+folder.Functions+" with wrangler: ", "[id].ts:1:")
	if err := os.RemoveAll(folder.Functions); err != nil {
		t.Fatal(err)
	}
	files{"functions/none.ts": "export const nothing = 1;"}.write(t, project)
	_, err = Read(t.Context(), folder)
	testcheck.Error(t, err, errNoRoutes.Error())
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
	read := func(t *testing.T, changes files) *Site {
		t.Helper()
		changed := maps.Clone(imports)
		maps.Copy(changed, changes)
		project := changed.project(t, "")
		return mustRead(t, Folder{Site: filepath.Join(project, "web/dist"), Runtime: bundle.Runtime{Date: projectDate, Flags: []string{"nodejs_compat"}}})
	}
	before := read(t, nil)
	left, err := filepath.Glob(filepath.Join(filepath.Dir(before.Functions()), "dist/*"))
	equal(t, "files of the site", len(left), 1)
	if err != nil {
		t.Error(err)
	}
	for _, tt := range []struct {
		name    string
		changes files
		same    bool
	}{
		{"a text", files{"web/lib/t.txt": "other"}, false},
		{"a package's exports", files{"web/node_modules/pkg/package.json": `{"name":"pkg","exports":"./two.js"}`}, false},
		{"a package's side effects", files{"node_modules/effects/package.json": `{"name":"effects","main":"i.js","sideEffects":false}`}, false},
		{"an asset of a plugin", files{"web/static/s.css": "b{}"}, false},
		{"what makes no difference", files{"web/lib/other.ts": "export {}", "web/node_modules/other/index.js": "", "web/package.json": `{"name":"web","scripts":{"x":"y"}}`,
			"web/tsconfig.json": `{"extends":"../tsconfig.base.json","compilerOptions":{"paths":{"@lib/*":["./lib/*","./x/*"]}}}`}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			equal(t, "the same digest", read(t, tt.changes).Digest == before.Digest, tt.same)
		})
	}

	// With other contents alone, wrangler says the same of the inputs: each is read again.
	digest := func(t *testing.T, changes files) string {
		t.Helper()
		changes.write(t, filepath.Join(filepath.Dir(before.Functions()), ".."))
		routes, err := readFileRoutes(before.Functions())
		if err != nil {
			t.Fatal(err)
		}
		if err := routes.addInputs(before.compiled.metafile); err != nil {
			t.Fatal(err)
		}
		return routes.digest()
	}
	last := digest(t, nil)
	for _, tt := range []struct{ name, file, content string }{
		{"an import of an import", "web/lib/b.ts", `export const b = "other";`},
		{"a linked folder", "shared/l.ts", `export const linked = "other";`},
		{"a package", "web/node_modules/pkg/one.js", `module.exports = "other"`},
		{"a package in the folder", "web/functions/node_modules/own/i.js", `module.exports = "other"`},
		{"JSX of tsconfig.json", "tsconfig.base.json", `{"compilerOptions":{"jsx":"react","jsxFactory":"two"}}`},
	} {
		next := digest(t, files{tt.file: tt.content})
		equal(t, tt.name+": the same digest", next == last, false)
		last = next
	}
}

// Without an import from elsewhere the digest is as without wrangler, so that an earlier
// state plans no deployment.
func TestRead_functionsAlone(t *testing.T) {
	folder := files{"dist/index.html": "", "package.json": "{}", "tsconfig.json": "{}", "functions/index.ts": "import { n } from './lib/n'; import text from './t.txt'; import fs from 'node:fs'; " +
		"export const onRequest = () => new Response(n + text + fs + process.pid)", "functions/lib/n.ts": "export const n = 1", "functions/t.txt": "text"}.project(t, "")
	read := func() (digest string, compiled bool) {
		s := mustRead(t, Folder{Site: filepath.Join(folder, "dist"), Runtime: bundle.Runtime{Date: projectDate, Flags: []string{"nodejs_compat"}}})
		return s.Digest, s.compiled != nil
	}
	npx(t, "exit 1")
	alone, _ := read()
	realNpx(t)
	if got, compiled := read(); got != alone || !compiled {
		t.Errorf("digest %s, want %s; compiled %t", got, alone, compiled)
	}
	if err := os.Rename(filepath.Join(folder, "functions"), filepath.Join(folder, "shared")); err != nil {
		t.Fatal(err)
	}
	files{"functions": "-> shared"}.write(t, folder)
	if got, compiled := read(); got != alone || !compiled {
		t.Errorf("digest %s of linked functions, want %s; compiled %t", got, alone, compiled)
	}
}
