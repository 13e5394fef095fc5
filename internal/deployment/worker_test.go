package deployment

import (
	"bytes"
	"errors"
	"io"
	"mime/multipart"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
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
	s, err := Read(files{
		"index.html": "", "_worker.js/index.js": "import './lib/a.js'; export default {}", "_worker.js/lib/a.js": "export {}",
		"_worker.js/x.wasm": "\x00asm\r\n--worker", "_worker.js/x.txt": "text", "_worker.js/x.bin": "bin", "_worker.js/x.css": "no module",
	}.site(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	bundle, err := workerBundle(s.modules, s.Digest)
	if err != nil {
		t.Fatal(err)
	}
	want := []part{
		{"metadata", "", "", `{"main_module":"index.js"}`},
		{"index.js", "index.js", "application/javascript+module", "import './lib/a.js'; export default {}"},
		{"lib/a.js", "a.js", "application/javascript+module", "export {}"},
		{"x.bin", "x.bin", "application/octet-stream", "bin"},
		{"x.txt", "x.txt", "text/plain", "text"},
		{"x.wasm", "x.wasm", "application/wasm", "\x00asm\r\n--worker"},
	}
	if diff := cmp.Diff(want, parts(t, bundle)); diff != "" {
		t.Error(diff)
	}
}
