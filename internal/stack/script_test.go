package stack

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"portfolio-infra/internal/bundle"
	"portfolio-infra/internal/testcheck"
	"portfolio-infra/internal/testfiles"
)

func TestReadScript(t *testing.T) {
	for _, test := range []struct {
		name, file, content string
		flags               []string
		want                []string // of the error
		bundled             bool
	}{
		{"a service worker", "api.js", "addEventListener('fetch', () => 'export')", nil, []string{"exports nothing"}, false},
		{"CommonJS", "api.js", "module.exports = {}", nil, []string{"exports nothing"}, false},
		{"a module", "api.mjs", "export default {}", nil, nil, false},
		{"the runtime's modules", "api.js", "import {x} from 'cloudflare:workers'\nimport 'node:fs'\nexport default {}", []string{"nodejs_compat"}, nil, false},
		{"text that looks like an import", "api.js", `export default { a: "import x", from: "y" }`, nil, nil, false},
		{"TypeScript", "api.ts", "export default {} as object", nil, nil, true},
		{"an import", "api.js", "import {x} from './lib'\nexport default {x}", nil, nil, true},
		{"an import after an apostrophe", "api.js", "// it's here\nimport {x} from './lib'\nexport default {x}", nil, nil, true},
		{"a later import", "api.js", "export default { f: () => import(`./lib`) }", nil, nil, true},
		{"a required file", "api.js", "const {x} = require('./lib'); export default {x}", nil, nil, true},
		{"an export of another file", "api.js", "export { x as default } from './lib'", nil, nil, true},
		{"a missing package", "api.ts", "\nimport x from 'left-pad'\nexport default x", nil, []string{"api.ts:2:", "left-pad", "install the package"}, false},
		{"Node's modules without the flag", "api.js", "import x from 'node:fs'\nexport default x", nil, []string{"api.js:1:", "node:fs", "nodejs_compat"}, false},
		{"Node's modules with the flag", "api.ts", "import x from 'fs'\nexport default x", []string{"nodejs_compat"}, nil, true},
		{"TypeScript without an export", "api.ts", "const x = 1", nil, []string{"exports nothing"}, false},
		{"WebAssembly", "api.ts", "import x from './x.wasm'\nexport default x", nil, []string{"api.ts:1:", "one module"}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := testfiles.Folder(t, map[string]string{test.file: test.content, "lib.ts": "export const x: number = 1", "x.wasm": "\x00asm"})
			// A script may be beside the project's folder.
			s, err := readScript(dir, filepath.Join("..", filepath.Base(dir), test.file), bundle.Runtime{Date: "2026-06-01", Flags: test.flags})
			testcheck.Error(t, err, test.want...)
			if err != nil {
				return
			}
			if err := s.write(dir); err != nil {
				t.Fatal(err)
			}
			content, err := os.ReadFile(filepath.Join(dir, s.Path))
			if err != nil {
				t.Fatal(err)
			}
			sum := sha256.Sum256(content)
			hash := hex.EncodeToString(sum[:])
			want := Script{Path: "../" + filepath.Base(dir) + "/" + test.file, SHA256: hash}
			module := test.file
			if test.bundled {
				want.Path, module = ".pulumi-build/"+hash[:16]+"/worker.js", "worker.js"
			} else if string(content) != test.content {
				t.Errorf("uploads %s", content)
			}
			if s.Path != want.Path || s.SHA256 != want.SHA256 || s.MainModule() != module {
				t.Errorf("script %+v, want %+v", s, want)
			}
		})
	}
}

// The content, and so the state, depends on the sources alone.
func TestReadScript_everywhere(t *testing.T) {
	var scripts []Script
	for range 2 {
		dir := testfiles.Folder(t, map[string]string{"api.ts": "export default {} as object"})
		s, err := readScript(dir, "api.ts", bundle.Runtime{})
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(s.bundled), dir) {
			t.Errorf("the bundle names its folder: %s", s.bundled)
		}
		scripts = append(scripts, s)
	}
	if scripts[0].Path != scripts[1].Path || scripts[0].SHA256 != scripts[1].SHA256 {
		t.Errorf("scripts %+v", scripts)
	}
}
