package bundle_test

import (
	"bytes"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"portfolio-infra/internal/bundle"
	"portfolio-infra/internal/testcheck"
	"portfolio-infra/internal/testfiles"
)

// driver is a package with an entry for each runtime.
var driver = map[string]string{
	"node_modules/driver/package.json": `{"name":"driver","exports":{".":{"workerd":"./workerd.js","node":"./node.js","default":"./other.js"}}}`,
	"node_modules/driver/workerd.js":   `export const name = "for workerd";`,
	"node_modules/driver/node.js":      `export const name = "for node";`,
	"node_modules/driver/other.js":     `export const name = "for anything";`,
}

// build builds the entry file of a new folder with the files.
func build(t *testing.T, files map[string]string, entry string, options bundle.Options) (bundle.Result, error) {
	t.Helper()
	return bundle.Build(testfiles.Folder(t, files), entry, options)
}

// contains fails the test unless the code has all parts.
func contains(t *testing.T, code []byte, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !bytes.Contains(code, []byte(part)) {
			t.Errorf("%s is not in the module:\n%s", part, code)
		}
	}
}

// Runtimes of the tests. Each has a module that the one before has not.
var (
	bare = bundle.Runtime{Date: "2026-06-01"}
	als  = bundle.Runtime{Date: "2026-06-01", Flags: []string{"nodejs_als"}}
	v1   = bundle.Runtime{Date: "2024-01-01", Flags: []string{"nodejs_compat"}}
	old  = bundle.Runtime{Date: "2024-09-23", Flags: []string{"nodejs_compat"}}
	node = bundle.Runtime{Date: "2026-06-01", Flags: []string{"nodejs_compat"}}
)

func TestBuild(t *testing.T) {
	source := map[string]string{
		"api/index.ts": `import { name } from "driver";
import { greet } from "./greet";
import { env } from "cloudflare:workers";
import page from "./page.html";
import query from "./query.sql";
import "./page.css";
export default { async fetch(request: Request): Promise<Response> { return new Response(greet(name) + page + query + env.X); } };
`,
		"api/greet.ts":  "export const greet = (who: string): string => `grüße ${who}`;\n",
		"api/page.html": "<p>hello</p>",
		"api/page.css":  "a { b: c }",
		"api/query.sql": "SELECT 1",
	}
	maps.Copy(source, driver)
	one, err := build(t, source, "api/index.ts", bundle.Options{Runtime: bare})
	if err != nil {
		t.Fatal(err)
	}
	contains(t, one.Code, `"for workerd"`, "grüße", "<p>hello</p>", "SELECT 1", `from "cloudflare:workers"`, "as default")
	other, err := build(t, source, "api/index.ts", bundle.Options{Runtime: bare})
	if err != nil || !bytes.Equal(one.Code, other.Code) {
		t.Error("another folder gives other bytes", err)
	}
}

// A file is uploaded as it is if, and only if, the runtime understands it.
func TestBuild_plain(t *testing.T) {
	for name, tt := range map[string]struct {
		text    string
		runtime bundle.Runtime
		plain   bool
	}{
		"a module":                      {"// it's a comment\nexport default { fetch() {} };\n", bare, true},
		"modules of the runtime":        {"import{env}from\"cloudflare:workers\";import\"node:fs\";import events from\"events\";import(`node:net`);export default{env,events}", node, true},
		"text that looks like code":     {"export default { a: `import x from './lib'`, b: 'require(\"./lib\") <b/>' /* process.env.NODE_ENV */ };", bare, true},
		"wrangler's shim":               {`var __require = ((x) => typeof require !== "undefined" ? require : x)(function(x) { throw x; }); export { __require as default };`, bare, true},
		"navigator.userAgent":           {"export default navigator.userAgent", bare, true},
		"dynamic import of a variable":  {"export default (x) => import(x);", bare, true},
		"a comment with an apostrophe":  {"// it's\nimport { x } from './lib';\nexport default x", bare, false},
		"a minified line":               {`import{env}from"cloudflare:workers";import{x}from"./lib";export default{x,env}`, bare, false},
		"a required file":               {`const { x } = require("./lib"); export default x`, bare, false},
		"a required module of Node":     {`const x = require("node:fs"); export default x`, node, false},
		"an import of a template":       {"export default () => import(`./lib`)", bare, false},
		"an exported file":              {"export { x as default } from './lib'", bare, false},
		"JSX":                           {"const h = () => 1; /** @jsx h */\nexport default () => <b/>", bare, false},
		"process.env.NODE_ENV":          {"export default process.env.NODE_ENV", bare, false},
		"newer than the runtime":        {"export default () => { using x = null; }", bare, false},
		"a bare name, not in this date": {"import events from 'events'; export default events", v1, false},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := build(t, map[string]string{"index.js": tt.text, "lib.js": "export const x = 1"}, "index.js", bundle.Options{Runtime: tt.runtime})
			if err != nil {
				t.Fatal(err)
			}
			if r.Plain != tt.plain || !slices.Equal(r.Exports, []string{"default"}) {
				t.Errorf("plain %t, exports %q, want %t and the default:\n%s", r.Plain, r.Exports, tt.plain, r.Code)
			}
		})
	}
}

func TestBuild_exports(t *testing.T) {
	for text, want := range map[string]string{
		"addEventListener('fetch', () => 'export')": "",
		"module.exports = { fetch() {} }":           "",
		"export * from './lib'; export class A {}":  "A,x",
		"export{x as default}from'./lib'":           "default",
	} {
		r, err := build(t, map[string]string{"index.js": text, "lib.js": "export const x = 1"}, "index.js", bundle.Options{})
		if err != nil || strings.Join(r.Exports, ",") != want {
			t.Errorf("%s: exports %q, %v, want %s", text, r.Exports, err, want)
		}
	}
}

// Node's modules pass in every spelling where the runtime has them, and are refused by name
// where it lacks them and cannot do without.
func TestBuild_node(t *testing.T) {
	const flag, fsDate = "add nodejs_compat to the config key compatibilityFlags", "set compatibilityDate to 2025-09-15 or later, or add enable_nodejs_fs_module to compatibilityFlags"
	packages := map[string]string{
		"node_modules/eager/index.js":      `exports.x = require("node:fs");`,
		"node_modules/bare/index.js":       `exports.x = require("fs");`,
		"node_modules/optional/index.js":   `let x; try { x = require("fs") } catch {} exports.x = x;`,
		"node_modules/barrel/package.json": `{"sideEffects":false,"main":"index.js"}`,
		"node_modules/barrel/index.js":     `export * from "./fs.js"; export * from "./cjs.js"; export const y = 1;`,
		"node_modules/barrel/fs.js":        `import fs from "node:fs"; export const x = fs;`,
		"node_modules/barrel/cjs.js":       `import c from "./c.cjs"; export const z = c;`,
		"node_modules/barrel/c.cjs":        `exports.x = require("fs");`,
		"node_modules/events/index.js":     `exports.x = "the package";`,
	}
	for name, tt := range map[string]struct {
		text    string
		runtime bundle.Runtime
		want    []string // in the module
		errors  []string
		warning string
	}{
		"import":                     {`import x from "node:fs"; export default x`, node, []string{`from "node:fs"`}, nil, ""},
		"bare import":                {`import x from "fs"; export default x`, node, []string{`from "fs"`}, nil, ""},
		"bare import in v1":          {`import x from "crypto"; export default x`, v1, []string{`from "node:crypto"`}, nil, ""},
		"by the date alone":          {`import x from "fs"; export default x`, bundle.Runtime{Date: "2026-08-04"}, []string{`from "fs"`}, nil, ""},
		"eager require":              {`import {x} from "eager"; export default x`, node, []string{`from "node:fs"`}, nil, ""},
		"bare require":               {`import {x} from "bare"; export default x`, node, []string{`from "fs"`}, nil, ""},
		"import()":                   {`export default () => import("fs")`, node, []string{`import("fs")`}, nil, ""},
		"nodejs_als":                 {`import x from "node:async_hooks"; export default x`, als, []string{`from "node:async_hooks"`}, nil, ""},
		"a package of that name":     {`import {x} from "events"; export default x`, bare, []string{"the package"}, nil, ""},
		"the runtime comes first":    {`import {x} from "events"; export default x`, node, []string{`from "events"`}, nil, ""},
		"optional require":           {`import {x} from "optional"; export default x`, bare, []string{"No such module: node:fs"}, nil, ""},
		"import() that fails":        {`export default () => import("node:fs")`, bare, []string{`import("node:fs")`}, nil, `index.js: import("node:fs") will fail where it is run: ` + flag},
		"what is not used":           {`import {y} from "barrel"; export default y`, bare, []string{"y = 1"}, nil, ""},
		"no flag":                    {"\nimport x from 'node:fs'; export default x", bare, nil, []string{"index.js:2:", `"node:fs": ` + flag}, ""},
		"no flag, bare":              {"import x from 'fs'; export default x", bare, nil, []string{"index.js:1:", `"fs": ` + flag}, ""},
		"no flag, required":          {`import {x} from "eager"; export default x`, bare, nil, []string{"eager/index.js:1:", `"node:fs": ` + flag}, ""},
		"no flag, used of a barrel":  {`import {x} from "barrel"; export default x`, bare, nil, []string{"barrel/fs.js:1:", `"node:fs": ` + flag}, ""},
		"no flag and an older date":  {`import {x} from "bare"; export default x`, bundle.Runtime{Date: "2025-09-14"}, nil, []string{`"fs": ` + flag + ", and " + fsDate}, ""},
		"older date":                 {`import x from "fs"; export default x`, old, nil, []string{`"fs": ` + fsDate}, ""},
		"older date with the flag":   {`import x from "fs"; export default x`, bundle.Runtime{Date: "2024-09-23", Flags: []string{"nodejs_compat", "enable_nodejs_fs_module"}}, []string{`from "fs"`}, nil, ""},
		"switched off":               {`import x from "fs"; export default x`, bundle.Runtime{Date: "2026-06-01", Flags: []string{"nodejs_compat", "disable_nodejs_fs_module"}}, nil, []string{"remove disable_nodejs_fs_module from the config key compatibilityFlags"}, ""},
		"nothing of Node's":          {`import x from "node:sea"; export default x`, node, nil, []string{`"node:sea": Cloudflare's runtime does not have it`}, ""},
		"nodejs_als gives one alone": {`import x from "node:fs"; export default x`, als, nil, []string{`"node:fs": ` + flag}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			all := maps.Clone(packages)
			all["index.js"] = tt.text
			r, err := build(t, all, "index.js", bundle.Options{Runtime: tt.runtime})
			testcheck.Error(t, err, tt.errors...)
			contains(t, r.Code, tt.want...)
			if strings.Join(r.Warnings, "\n") != tt.warning {
				t.Errorf("warnings %q", r.Warnings)
			}
		})
	}
}

func TestBuild_modules(t *testing.T) {
	root := testfiles.Folder(t, map[string]string{
		"index.js":                  `import a from "./a.wasm?module"; import b from "./b.bin"; import c from "pkg/c.wasm"; export default [a, b, c]`,
		"a.wasm":                    "\x00asm",
		"b.bin":                     "bin",
		"node_modules/pkg/c.wasm":   "\x00asm c",
		"kept/index.js":             `import "./a.js"; import b from "../b.txt"; import c from "./c.wasm"; export default [b, c]`,
		"kept/a.js":                 "export {}",
		"kept/c.wasm":               "\x00asm",
		"node_modules/pkg/index.js": "",
		"b.txt":                     "outside",
	})
	r, err := bundle.Build(root, "index.js", bundle.Options{Modules: true})
	if err != nil {
		t.Fatal(err)
	}
	// As with wrangler a name has the SHA-1 of the content.
	want := []bundle.Module{
		{Name: "./1340712d77d3db3c79b4b0c1494df18615485480-a.wasm", Content: []byte("\x00asm")},
		{Name: "./9a5d56716d566997fa290054d161af96305aff9a-b.bin", Content: []byte("bin")},
		{Name: "./067771e5abb6ea2f7ade1183fd5da588b29f3073-c.wasm", Content: []byte("\x00asm c")},
	}
	slices.SortFunc(want, func(a, b bundle.Module) int { return strings.Compare(a.Name, b.Name) })
	if diff := cmp.Diff(want, r.Modules); diff != "" {
		t.Error(diff)
	}
	for _, m := range want {
		contains(t, r.Code, `from "`+m.Name+`"`)
	}
	_, err = bundle.Build(root, "index.js", bundle.Options{})
	testcheck.Error(t, err, "index.js:1: ./a.wasm?module is a module of its own")
	kept, err := filepath.EvalSymlinks(filepath.Join(root, "kept"))
	if err != nil {
		t.Fatal(err)
	}
	r, err = bundle.Build(root, "kept/index.js", bundle.Options{Modules: true, Kept: map[string]string{
		filepath.Join(kept, "a.js"): "./a.js", filepath.Join(kept, "c.wasm"): "./c.wasm",
	}})
	if err != nil || len(r.Modules) != 0 || r.Plain {
		t.Fatal(r, err)
	}
	contains(t, r.Code, `import "./a.js"`, `from "./c.wasm"`, "outside")
}

// The code changes with everything that it is made of.
func TestBuild_sources(t *testing.T) {
	sources := map[string]string{
		"index.ts":                          `import { a } from "./lib/a"; import pkg from "pkg"; import text from "./t.txt"; import "effects"; export default [a(String), pkg, text]`,
		"lib/a.tsx":                         "import { b } from '@b'; declare const one: any, two: any; export const a = (f: any) => { const one = f, two = f; return [b, <p/>]; }",
		"lib/b.ts":                          "export const b = 1",
		"lib/c.ts":                          "export const b = 3",
		"t.txt":                             "text",
		"tsconfig.json":                     `{"extends":"./tsconfig.base.json"}`,
		"tsconfig.base.json":                `{"compilerOptions":{"paths":{"@b":["./lib/b.ts"]},"jsx":"react","jsxFactory":"one"}}`,
		"node_modules/pkg/package.json":     `{"name":"pkg","exports":"./one.js"}`,
		"node_modules/pkg/one.js":           "module.exports = 'one'",
		"node_modules/pkg/two.js":           "module.exports = 'two'",
		"node_modules/effects/package.json": `{"name":"effects","main":"i.js"}`,
		"node_modules/effects/i.js":         "globalThis.effect = 1",
	}
	code := func(file, content string) string {
		t.Helper()
		changed := maps.Clone(sources)
		changed[file] = content
		r, err := build(t, changed, "index.ts", bundle.Options{})
		if err != nil {
			t.Fatal(err)
		}
		return string(r.Code)
	}
	before := code("t.txt", "text")
	for name, tt := range map[string]struct {
		file, content string
		same          bool
	}{
		"an import of an import":   {"lib/b.ts", "export const b = 2", false},
		"a text":                   {"t.txt", "other", false},
		"a package":                {"node_modules/pkg/one.js", "module.exports = 'other'", false},
		"a package's exports":      {"node_modules/pkg/package.json", `{"name":"pkg","exports":"./two.js"}`, false},
		"a package's side effects": {"node_modules/effects/package.json", `{"name":"effects","main":"i.js","sideEffects":false}`, false},
		"paths of tsconfig.json":   {"tsconfig.base.json", `{"compilerOptions":{"paths":{"@b":["./lib/c.ts"]},"jsx":"react","jsxFactory":"one"}}`, false},
		"JSX of tsconfig.json":     {"tsconfig.base.json", `{"compilerOptions":{"paths":{"@b":["./lib/b.ts"]},"jsx":"react","jsxFactory":"two"}}`, false},
		"what nobody imports":      {"lib/other.ts", "export {}", true},
	} {
		if got := code(tt.file, tt.content) == before; got != tt.same {
			t.Errorf("%s: the same code: %t", name, got)
		}
	}
}

func TestBuild_errors(t *testing.T) {
	for name, test := range map[string]struct {
		text string
		want []string
	}{
		"missing package": {"import x from \"left-pad\";\nexport default x;", []string{"index.ts:1:", `"left-pad"`, "install the package"}},
		"missing file":    {"\nimport x from \"./x\";\nexport default x;", []string{"index.ts:2:", `"./x"`}},
		"missing text":    {"\nimport x from \"./y.txt\";\nexport default x;", []string{"index.ts:2:", `"./y.txt"`, "correct the path"}},
		"missing module":  {"\nimport x from \"./y.wasm\";\nexport default x;", []string{"index.ts:2:", `"./y.wasm"`, "correct the path"}},
		"two missing":     {"import a from \"a\";\nimport b from \"b\";\nexport default [a, b];", []string{"index.ts:1:", "index.ts:2:"}},
		"syntax":          {"export default {", []string{"index.ts:1:"}},
		"an image":        {"import x from \"./x.png\";\nexport default x;", []string{"index.ts:1:", "x.png", "only .txt, .html and .sql"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := build(t, map[string]string{"index.ts": test.text, "x.png": "PNG"}, "index.ts", bundle.Options{})
			testcheck.Error(t, err, test.want...)
		})
	}
}
