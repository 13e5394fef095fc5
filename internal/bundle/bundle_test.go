package bundle_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"portfolio-infra/internal/bundle"
)

// write makes a folder of files.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// driver is a package with an entry for each runtime.
var driver = map[string]string{
	"node_modules/driver/package.json": `{"name":"driver","exports":{".":{"workerd":"./workerd.js","node":"./node.js","default":"./other.js"}}}`,
	"node_modules/driver/workerd.js":   `export const name = "for workerd";`,
	"node_modules/driver/node.js":      `export const name = "for node";`,
	"node_modules/driver/other.js":     `export const name = "for anything";`,
}

func files(more map[string]string) map[string]string {
	all := map[string]string{}
	for _, m := range []map[string]string{driver, more} {
		for name, text := range m {
			all[name] = text
		}
	}
	return all
}

func TestBuild(t *testing.T) {
	source := map[string]string{
		"api/index.ts": `import { name } from "driver";
import { greet } from "./greet";
import { env } from "cloudflare:workers";
import page from "./page.html";
export default { async fetch(request: Request): Promise<Response> { return new Response(greet(name) + page + env.X); } };
`,
		"api/greet.ts":  "export const greet = (who: string): string => `grüße ${who}`;\n",
		"api/page.html": "<p>hello</p>",
	}
	one, err := bundle.Build(write(t, files(source)), "api/index.ts", bundle.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"for workerd"`, "grüße", "<p>hello</p>", `from "cloudflare:workers"`, "as default"} {
		if !bytes.Contains(one, []byte(want)) {
			t.Errorf("%s is not in the module:\n%s", want, one)
		}
	}
	other, err := bundle.Build(write(t, files(source)), "api/index.ts", bundle.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(one, other) {
		t.Error("another folder gives other bytes")
	}
}

func TestBuild_errors(t *testing.T) {
	for name, test := range map[string]struct {
		text string
		node bool
		want []string
	}{
		"missing package":       {"import x from \"left-pad\";\nexport default x;", false, []string{"index.ts:1:", `"left-pad"`, "install the package"}},
		"missing file":          {"\nimport x from \"./x\";\nexport default x;", false, []string{"index.ts:2:", `"./x"`}},
		"two missing":           {"import a from \"a\";\nimport b from \"b\";\nexport default [a, b];", false, []string{"index.ts:1:", "index.ts:2:"}},
		"syntax":                {"export default {", false, []string{"index.ts:1:"}},
		"Node without the flag": {"import \"node:fs\";\nexport default 1;", false, []string{"index.ts:1:", `"node:fs"`, "add the compatibility flag nodejs_compat"}},
		"Node with the flag":    {"import \"node:buffer\";\nexport default 1;", true, nil},
		"WebAssembly":           {"import x from \"./x.wasm\";\nexport default x;", false, []string{"index.ts:1:", "x.wasm", "only .txt, .html and .sql"}},
	} {
		t.Run(name, func(t *testing.T) {
			root := write(t, map[string]string{"index.ts": test.text, "x.wasm": "\x00asm"})
			_, err := bundle.Build(root, "index.ts", bundle.Options{Node: test.node})
			if (err == nil) != (test.want == nil) {
				t.Fatalf("the error is %v", err)
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q is not in %q", want, err)
				}
			}
		})
	}
}
