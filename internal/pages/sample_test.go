package pages

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

func TestSite_samples(t *testing.T) {
	site := func(f files) files {
		all := files{"index.html": "", "about.html": "", "docs/index.html": "", "404.html": "", "a.css": "", "docs/b.js": "", "LICENSE": ""}
		maps.Copy(all, f)
		return all
	}
	for _, tt := range []struct {
		name string
		site files
		want []string // in any order; "code" is the answer of code
	}{
		{"files that are no pages", site(nil), []string{"/LICENSE", "/a.css", "/docs/b.js"}},
		{"names that a URL changes, or that are Cloudflare's", files{"a b.css": "", "x%20.js": "", ".well-known/x": "", "cdn-cgi/x": "", ".html": "", "ü.js": ""}, []string{"/ code"}},
		{"pages", files{"docs/index.html": "", "404.html": ""}, []string{"/404"}},
		{"the first page", files{"about.html": "", "index.html": "", "404.html": ""}, []string{"/"}},
		{"a folder's page", files{"documents/index.html": ""}, []string{"/documents/"}},
		{"code", site(files{"_worker.js": "export default {}"}), []string{"/ code"}},
		{"a file is redirected", site(files{"_redirects": "# /LICENSE /x\n/a.css /b.css 301\n"}), []string{"/LICENSE", "/docs/b.js"}},
		{"a folder is redirected", site(files{"_redirects": "/docs/* /manual/:splat"}), []string{"/LICENSE", "/a.css"}},
		{"a placeholder", site(files{"_redirects": "/docs/:name /manual/:name\n/L:x /"}), []string{"/a.css"}},
		{"of a host", site(files{"_redirects": "https://:version.site.pages.dev/docs/* /manual\nhttps://example.com/LICENSE /x"}), []string{"/a.css"}},
		{"an application of one page", site(files{"_redirects": "/* /index.html 200"}), []string{"/LICENSE", "/a.css", "/docs/b.js"}},
		{"an incomplete rule", site(files{"_redirects": "/a.css"}), []string{"/LICENSE", "/a.css", "/docs/b.js"}},
		{"all files are redirected", site(files{"_redirects": "/a.css /\n/LICENSE /\n/docs/* /"}), []string{"/"}},
		{"all is redirected", site(files{"_redirects": "/* https://example.com/:splat"}), []string{"/ code"}},
		{"headers that encode", files{"index.html": "", "a.gz": "", "_headers": "/*.gz\n  content-Encoding: gzip"}, []string{"/a.gz unread"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, sample := range tt.site.read(t).samples() {
				text := "/" + sample.path
				switch isFile := strings.Contains(sample.path, "."); {
				case sample.code:
					text += " code"
				case isFile && sample.asset == nil:
					text += " unread"
				}
				got = append(got, text)
			}
			slices.Sort(got)
			equal(t, "samples", got, tt.want)
		})
	}
}

// A large site is sampled: the same files each time that it is tried, others when it has
// changed.
func TestSite_samplesOfMany(t *testing.T) {
	site := files{}
	for i := range 100 {
		site[fmt.Sprint(i, ".css")] = ""
	}
	folder := site.site(t)
	sampled := func() (paths []string) {
		for _, sample := range mustRead(t, Folder{Site: folder}).samples() {
			paths = append(paths, sample.path)
		}
		return paths
	}
	first, again := sampled(), sampled()
	files{"0.css": "a{}"}.write(t, folder)
	if changed := sampled(); len(first) != maxSamples || !slices.Equal(first, again) || slices.Equal(first, changed) {
		t.Errorf("%v, then %v, then %v", first, again, changed)
	}
}
