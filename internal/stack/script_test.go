package stack

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"testing"

	"portfolio-infra/internal/bundle"
	"portfolio-infra/internal/testcheck"
	"portfolio-infra/internal/testfiles"
)

// What a script may import is tested in internal/bundle.
func TestReadScript(t *testing.T) {
	for _, test := range []struct {
		name, file, content string
		flags               []string
		want                []string // of the error
		bundled             bool
	}{
		{"no module", "api.js", "module.exports = {}", nil, []string{"exports nothing"}, false},
		{"a module", "api.mjs", "export default {}", nil, nil, false},
		{"TypeScript", "api.ts", "import {x} from './lib'\nexport default {x} as object", nil, nil, true},
		{"Node's modules without the flag", "api.js", "import x from 'node:fs'\nexport default x", nil, []string{"api.js:1:", "node:fs", "nodejs_compat"}, false},
		{"Node's modules with the flag", "api.js", "import x from 'node:fs'\nexport default x", []string{"nodejs_compat"}, nil, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := testfiles.Folder(t, map[string]string{test.file: test.content, "lib.ts": "export const x: number = 1"})
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
