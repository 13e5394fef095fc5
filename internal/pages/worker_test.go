package pages

import (
	"bytes"
	"errors"
	"io"
	"mime/multipart"
	"slices"
	"strings"
	"testing"

	"portfolio-infra/internal/bundle"
)

// part is a part of a form.
type part struct{ Field, File, Type, Content string }

// parts reads a form whose first line has its boundary.
func parts(t testing.TB, form []byte) (all []part) {
	t.Helper()
	line, _, _ := bytes.Cut(form, []byte("\r\n"))
	r := multipart.NewReader(bytes.NewReader(form), strings.TrimPrefix(string(line), "--"))
	for {
		p, err := r.NextRawPart()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(p)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, part{p.FormName(), p.FileName(), p.Header.Get("Content-Type"), string(content)})
	}
}

func TestWorkerBundle(t *testing.T) {
	s := files{
		"index.html": "", "_worker.js/index.js": "import './lib/a.js'; export default {}", "_worker.js/lib/a.js": "export {}",
		"_worker.js/x.wasm": "\x00asm\r\n--worker", "_worker.js/x.txt": "text", "_worker.js/x.bin": "bin", "_worker.js/x.css": "no module",
	}.read(t)
	bundle, err := workerBundle(s.modules, s.Digest)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "parts", parts(t, bundle), []part{
		{"metadata", "", "", `{"main_module":"index.js"}`},
		{"index.js", "index.js", "application/javascript+module", "import './lib/a.js'; export default {}"},
		{"lib/a.js", "a.js", "application/javascript+module", "export {}"},
		{"x.bin", "x.bin", "application/octet-stream", "bin"},
		{"x.txt", "x.txt", "text/plain", "text"},
		{"x.wasm", "x.wasm", "application/wasm", "\x00asm\r\n--worker"},
	})
}

// The main module of a folder contains what it imports from outside it; the others stay as they
// are.
func TestReadWorker_folder(t *testing.T) {
	kept := files{"_worker.js/index.js": "import './a.js'; import 'cloudflare:workers'; export default {}", "_worker.js/a.js": "import 'b'"}
	bundled := files{"index.html": "", "_worker.js/index.js": "import { lib } from '../lib.js'; import { pkg } from 'pkg'; import './a.js'; export default { lib, pkg }",
		"_worker.js/a.js": "export {}", "lib.js": "export const lib = 'outside'", "node_modules/pkg/index.js": "export const pkg = 'package'"}
	for name, tt := range map[string]struct {
		files
		want []string // in the main module
	}{
		"as it is": {kept, []string{kept["_worker.js/index.js"]}},
		"bundled":  {bundled, []string{"outside", "package", `import "./a.js"`}},
	} {
		t.Run(name, func(t *testing.T) {
			all, _, err := readWorker(tt.site(t), bundle.Runtime{})
			if err != nil {
				t.Fatal(err)
			}
			if len(all) != 2 || all[0].name != "index.js" || all[1].name != "a.js" || string(all[1].content) != tt.files["_worker.js/a.js"] {
				t.Errorf("modules %q", all)
			}
			main := string(all[0].content)
			for _, want := range tt.want {
				if !strings.Contains(main, want) {
					t.Errorf("%q is not in %s", want, main)
				}
			}
		})
	}
}

// What is not code goes with the bundle.
func TestReadWorker_modules(t *testing.T) {
	all, warnings, err := readWorker(files{"_worker.ts": "import w from './x.wasm?module'; import b from './x.bin'; export default { w, b, f: () => import('node:fs') }",
		"x.wasm": "\x00asm", "x.bin": "bin"}.site(t), bundle.Runtime{})
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for _, m := range all {
		kinds = append(kinds, m.contentType)
	}
	slices.Sort(kinds)
	equal(t, "types", kinds, []string{esModule, "application/octet-stream", "application/wasm"})
	if len(warnings) != 1 || !strings.Contains(warnings[0], `import("node:fs") will fail`) {
		t.Errorf("warnings %q", warnings)
	}
}
