package deployment

import (
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"portfolio-infra/internal/rest/resttest"
)

// Each asset is in one bucket, and no bucket is empty or beyond the limits.
func TestBuckets(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sizes := rapid.SliceOfN(rapid.OneOf(rapid.Int64Range(0, 1000), rapid.Int64Range(0, maxAsset)), 0, 30).Draw(t, "sizes")
		small := rapid.SampledFrom([]int{0, 3, 3*maxBucketFiles - 1, 3*maxBucketFiles + 1}).Draw(t, "empty files")
		var assets []asset
		for i, size := range append(sizes, make([]int64, small)...) {
			assets = append(assets, asset{name: fmt.Sprint(i), size: size})
		}
		found := map[string]bool{}
		all := buckets(assets, parallelUploads)
		for _, b := range all {
			var sum int64
			for _, a := range b {
				if found[a.name] {
					t.Errorf("%s is in two buckets", a.name)
				}
				found[a.name] = true
				sum += a.size
			}
			if sum > maxBucket || len(b) > maxBucketFiles || len(b) == 0 {
				t.Errorf("a bucket of %d files and %d bytes", len(b), sum)
			}
		}
		if len(found) != len(assets) || len(all) < min(parallelUploads, len(assets)) {
			t.Errorf("%d of %d assets in %d buckets", len(found), len(assets), len(all))
		}
	})
}

// A body is a JSON list with the contents, and has the size that it says.
func TestBucket_body(t *testing.T) {
	folder := files{"index.html": "<h1>Hello</h1>\n", "a.bin": "\x00\xff", "b/empty": "", "b/LICENSE": "free"}.site(t)
	s, err := Read(t.Context(), Folder{Site: folder})
	if err != nil {
		t.Fatal(err)
	}
	r, err := bucket(s.assets).body().Open()
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(r)
	if size := bucket(s.assets).body().Size; err != nil || int64(len(text)) != size {
		t.Errorf("%d bytes, want %d: %v", len(text), size, err)
	}
	type item struct {
		Key      string            `json:"key"`
		Value    []byte            `json:"value"`
		Metadata map[string]string `json:"metadata"`
		Base64   bool              `json:"base64"`
	}
	var got []item
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	octets := map[string]string{"contentType": "application/octet-stream"}
	want := []item{
		{s.assets[0].key, []byte("\x00\xff"), octets, true},
		{s.assets[1].key, []byte("free"), octets, true},
		{s.assets[2].key, []byte{}, octets, true},
		{s.assets[3].key, []byte("<h1>Hello</h1>\n"), map[string]string{"contentType": "text/html"}, true},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestBucket_body_changed(t *testing.T) {
	folder := files{"index.html": "hello"}.site(t)
	a, err := newAsset("index.html", filepath.Join(folder, "index.html"))
	if err != nil {
		t.Fatal(err)
	}
	for _, content := range []string{"hell", "hello!"} {
		files{"index.html": content}.write(t, folder)
		r, err := bucket{a}.body().Open()
		if err != nil {
			t.Fatal(err)
		}
		_, err = io.ReadAll(r)
		resttest.CheckError(t, err, "index.html has changed since the preview: run it again")
	}
}
