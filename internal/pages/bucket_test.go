package pages

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"portfolio-infra/internal/cloudflare"
	"portfolio-infra/internal/testcheck"
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
	s := files{"index.html": "<h1>Hello</h1>\n", "a.bin": "\x00\xff", "b/empty": "", "b/LICENSE": "free"}.read(t)
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
	equal(t, "items", got, []item{
		{s.assets[0].key, []byte("\x00\xff"), octets, true},
		{s.assets[1].key, []byte("free"), octets, true},
		{s.assets[2].key, []byte{}, octets, true},
		{s.assets[3].key, []byte("<h1>Hello</h1>\n"), map[string]string{"contentType": "text/html"}, true},
	})
}

// A file that has changed since its key was computed would be stored under the key of the
// old content, and each later deployment of that content would serve the new one. So the
// server never gets a whole request.
func TestBucket_body_changed(t *testing.T) {
	for name, content := range map[string]string{"shorter": "hell", "longer": "hello!", "of the same size": "hullo"} {
		for _, http2 := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, HTTP/2 %t", name, http2), func(t *testing.T) {
				folder := files{"a.txt": strings.Repeat("a", 1<<20), "b.html": "hello", "c.txt": "c"}.site(t)
				s := mustRead(t, Folder{Site: folder})
				files{"b.html": content}.write(t, folder)
				received := make(chan error, 10)
				server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					_, err := io.Copy(io.Discard, r.Body)
					received <- err
					_, _ = io.WriteString(w, `{"success":true,"result":null}`)
				}))
				server.EnableHTTP2 = http2
				server.StartTLS()
				defer server.Close()
				c, err := cloudflare.NewClient(account, vars{cloudflare.EnvToken: apiToken, cloudflare.EnvBaseURL: server.URL}.get, server.Client(), io.Discard)
				if err != nil {
					t.Fatal(err)
				}
				err = c.UploadAssets(t.Context(), "token", bucket(s.assets).body())
				testcheck.Error(t, err, "b.html has changed since the preview: run it again")
				if err := <-received; err == nil {
					t.Error("the server got the whole request")
				}
				if len(received) > 0 {
					t.Error("another try reads the same")
				}
			})
		}
	}
}
