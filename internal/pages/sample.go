package pages

import (
	"bytes"
	"cmp"
	"fmt"
	"math/rand/v2"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strings"
)

const (
	// maxSamples is how many files of a site the probe fetches.
	maxSamples = 10
	// maxCompared is the size in bytes of the largest file whose content the probe compares. Of
	// a larger one it compares the length. A slow connection can fetch this much within
	// [probeTimeout].
	maxCompared = 1 << 20
)

// sample is something that a deployment should serve.
type sample struct {
	path string // below the deployment's address
	// code says that code answers. Anything but a server error is right.
	code bool
	// asset is what the answer must have, or nil.
	asset *asset
}

// samples returns what the probe fetches of a site. If there is code, that is the first page.
// Otherwise it is a few files that are not pages, since Pages may add to pages (analytics).
// They differ from deployment to deployment, but not when one is tried again. If there are no
// such files, it is a page. If every page meets a redirect too, it is the first page, where
// anything but a server error is right.
//
// The paths are those at which Pages answers without a redirect. Paths below /cdn-cgi/ are
// Cloudflare's.
// https://github.com/cloudflare/workers-sdk/blob/main/packages/pages-shared/asset-server/handler.ts
// https://developers.cloudflare.com/fundamentals/reference/cdn-cgi-endpoint/
func (s *Site) samples() []sample {
	first := []sample{{code: true}}
	if s.modules != nil || s.functions != "" {
		return first
	}
	redirected := redirects(s.settings["_redirects"])
	// Cloudflare may decode a file that is served with a Content-Encoding.
	encoded := bytes.Contains(bytes.ToLower(s.settings["_headers"]), []byte("content-encoding"))
	var files, pages []sample
	for _, a := range s.assets {
		at, isPage := strings.CutSuffix(a.name, ".html")
		if isPage && path.Base(at) == "index" {
			at = strings.TrimSuffix(at, "index")
		}
		switch {
		case !plainName.MatchString(a.name) || strings.HasPrefix(at, "cdn-cgi/") || redirected("/"+at):
		case isPage:
			pages = append(pages, sample{path: at})
		case encoded:
			files = append(files, sample{path: at})
		default:
			files = append(files, sample{path: at, asset: &a})
		}
	}
	switch {
	case len(files) > 0:
		shuffle := rand.New(rand.NewChaCha8([32]byte([]byte(s.Digest))))
		shuffle.Shuffle(len(files), func(i, j int) { files[i], files[j] = files[j], files[i] })
		return files[:min(maxSamples, len(files))]
	case len(pages) > 0:
		return []sample{slices.MinFunc(pages, func(a, b sample) int { return cmp.Compare(len(a.path), len(b.path)) })}
	}
	return first
}

// plainName matches names that need no escape in a URL.
var plainName = regexp.MustCompile(`^([\w-][\w.-]*/)*[\w-][\w.-]*$`)

// redirects returns a function that reports whether a path may match a rule of _redirects.
// Rules apply even where there is a file. A rule with a placeholder or a splat counts for all
// paths that begin like it, a rule with a host for every host. Cloudflare ignores a rule that
// sends all paths to an index page; many sites have one.
// https://developers.cloudflare.com/pages/configuration/redirects/
// https://github.com/cloudflare/workers-sdk/blob/main/packages/workers-shared/utils/configuration/parseRedirects.ts
func redirects(text []byte) func(path string) bool {
	paths := map[string]bool{}
	var prefixes []string
	for line := range strings.Lines(string(text)) {
		rule := strings.Fields(line)
		if len(rule) < 2 || strings.HasPrefix(rule[0], "#") || strings.HasSuffix(rule[0], "/*") && toIndex.MatchString(rule[1]) {
			continue
		}
		from := rule[0]
		if _, rest, ok := strings.Cut(from, "://"); ok {
			_, from, _ = strings.Cut(rest, "/")
			from = "/" + from
		}
		if i := strings.IndexAny(from, "*:"); i >= 0 {
			prefixes = append(prefixes, from[:i])
		} else {
			paths[from] = true
		}
	}
	return func(path string) bool {
		for _, prefix := range prefixes {
			if strings.HasPrefix(path, prefix) {
				return true
			}
		}
		return paths[path]
	}
}

var toIndex = regexp.MustCompile(`^/(.*/)?index(\.html)?$`)

// check returns an error that says what is wrong with an answer, or nil.
func (s sample) check(got answer) error {
	switch {
	case s.code && got.status < http.StatusInternalServerError:
		return nil
	case got.status != http.StatusOK:
		return fmt.Errorf("status %d", got.status)
	case got.other:
		return fmt.Errorf("other content than that of %s", s.asset.name)
	}
	return nil
}

// poisoned reports whether Cloudflare stores other content under the asset's key. The answer
// has that key as its ETag: the right file is served, but it was uploaded wrongly.
func (s sample) poisoned(got answer) bool { return got.other && got.key == s.asset.key }

// cure says what to do about an answer that stays wrong.
func (s sample) cure(got answer) string {
	if s.poisoned(got) {
		return "change the file by a byte, such as a blank line at its end, which gives it another key, and run it again"
	}
	return "look at it in a browser; if it stays so, change the site and run it again"
}
