package pages

import (
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"portfolio-infra/internal/testcheck"
)

// The keys were computed by the npm package blake3-wasm 2.1.5, which wrangler uses.
func TestNewAsset(t *testing.T) {
	big := make([]byte, 1<<20)
	for i := range big {
		big[i] = byte(i*7 + i>>8)
	}
	for _, tt := range []struct{ name, content, key string }{
		{"index.html", "<h1>Hello</h1>\n", "569c49c876d9d1d37936e494e70a80e8"},
		{"page.HTML", "<h1>Hello</h1>\n", "b748e201f5d35a86aa2c6ffdb9cdd5bf"},
		{"empty.txt", "", "f9bc91770fa5e997cbd47fba833629fc"},
		{"LICENSE", "", "af1349b9f5f9a1a6a0404dea36dcc949"},
		{".htaccess", "deny", "7498a67dbcaf2fc2d6456b2734c2b587"},
		{"dir.d/plain", "plain", "e02f9a01f7c51f4dd16d117956854e03"},
		{"ends.", "dot", "0da4912561b82a0631787c13300e675d"},
		{"grüße.txt", "grüße\n", "90c501d7e4088711847ff4962a106c51"},
		{"1.bin", "\x00", "7cdb72a3e1a0a5bf3a575c66c70450b2"},
		{"2.bin", "\x00\x00", "0438cffe28fb2e77ff80d86464c458ac"},
		{"3.bin", "\x00\x00\x00", "ba0775640512adbe69e6746981cc2c20"},
		{"big.bin", string(big), "851e3ae39baca53d50ee604ef1b73817"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			folder := files{path.Base(tt.name): tt.content}.site(t)
			a, err := newAsset(tt.name, filepath.Join(folder, path.Base(tt.name)))
			if err != nil || a.key != tt.key || a.size != int64(len(tt.content)) {
				t.Errorf("key %s, size %d, want %s: %v", a.key, a.size, tt.key, err)
			}
		})
	}
}

func TestNewAsset_size(t *testing.T) {
	file := filepath.Join(files{"video.mp4": ""}.site(t), "video.mp4")
	for _, tt := range []struct {
		size    int64
		wantErr string
	}{
		{25 << 20, ""},
		{25<<20 + 1, "video.mp4 is larger than 25 MiB, the limit of Pages"},
	} {
		if err := os.Truncate(file, tt.size); err != nil {
			t.Fatal(err)
		}
		_, err := newAsset("video.mp4", file)
		testcheck.Error(t, err, tt.wantErr)
	}
}

func TestContentType(t *testing.T) {
	const unknown = "application/octet-stream"
	for _, tt := range []struct{ name, want string }{
		{"index.html", "text/html"},
		{"a/INDEX.HTML", "text/html"},
		{"app.js", "application/javascript"},
		{"app.mjs", "application/javascript"},
		{"data.tar.gz", "application/gzip"},
		{"x.unknown", unknown},
		{"LICENSE", unknown},
		{"a.html/x", unknown},
		// The library takes a name for an extension, but not in a folder.
		{"html", "text/html"},
		{".html", "text/html"},
		{"a/html", unknown},
		{"a/.html", unknown},
		{"a/b.html", "text/html"},
		{"ends.", unknown},
	} {
		equal(t, tt.name, contentType(tt.name), tt.want)
	}
}

// Content types need no escape in JSON.
func TestContentTypes(t *testing.T) {
	if n := len(contentTypes()); n < 1000 {
		t.Errorf("the table has %d extensions", n)
	}
	for extension, kind := range contentTypes() {
		if !strings.Contains(kind, "/") || strings.ContainsAny(kind, "\"\\ \n") || extension != strings.ToLower(extension) {
			t.Errorf("%q: %q", extension, kind)
		}
	}
}
