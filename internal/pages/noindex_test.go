package pages

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"portfolio-infra/internal/pages/pagestest"
	"portfolio-infra/internal/testcheck"
)

const ruleForAll = "\n/*\n  X-Robots-Tag: noindex"

// robotsCases are _headers files, and what they become.
var robotsCases = []struct{ name, text, want string }{
	{"none", "", ruleForAll},
	{"another path", "/a\n  X: 1", "/a\n  X: 1" + ruleForAll},
	{"a byte order mark and CRLF", "\ufeff/a\r\n  X: 1\r\n", "\ufeff/a\r\n  X: 1\r\n" + ruleForAll},
	{"a rule for all paths", "# c\n/a\n  X: 1\n/x/../*\n  X: 2\n  X-Robots-Tag: all\n", "# c\n/a\n  X: 1\n/x/../*\n  X-Robots-Tag: noindex\n  X: 2\n  X-Robots-Tag: all\n"},
	{"a rule for all paths without headers", "/*\n  X:\n/a\n  X: 1", "/*\n  X:\n/a\n  X: 1" + ruleForAll},
	{"repeated", "/*\n  X: 1\n/a\n  Y: 1\n/*\n  X: 2", "/*\n  X: 1\n/a\n  Y: 1\n/*\n  X-Robots-Tag: noindex\n  X: 2"},
	{"its own, for one crawler", "/a\n  x-robots-tag : googlebot: nofollow\n", "/a\n  X-Robots-Tag: noindex\n  x-robots-tag : googlebot: nofollow\n" + ruleForAll},
	{"its own, before the rule for all paths", "/a\n  X-Robots-Tag: googlebot: all\n/*\n  X: 1",
		"/a\n  X-Robots-Tag: noindex\n  X-Robots-Tag: googlebot: all\n/*\n  X-Robots-Tag: noindex\n  X: 1"},
	{"unset", "/*\n  X-Robots-Tag: nofollow\n/a\n  ! x-robots-tag\n",
		"/*\n  X-Robots-Tag: noindex\n  X-Robots-Tag: nofollow\n/a\n  X-Robots-Tag: noindex\n  ! x-robots-tag\n"},
	{"unset and set", "/a\n  ! X-Robots-Tag\n  X-Robots-Tag: nofollow", "/a\n  X-Robots-Tag: noindex\n  ! X-Robots-Tag\n  X-Robots-Tag: nofollow" + ruleForAll},
	{"headers without a path", "X: 1\n! X-Robots-Tag", "X: 1\n! X-Robots-Tag" + ruleForAll},
	{"ignored lines", "/a/*/*\n  X-Robots-Tag: all\n! X-Robots-Tag\nX-Robots-Tag: all", "/a/*/*\n  X-Robots-Tag: all\n! X-Robots-Tag\nX-Robots-Tag: all" + ruleForAll},
	{"100 rules", repeated(100, "/%d\n  X: 1"), repeated(100, "/%d\n  X: 1") + ruleForAll},
	{"100 rules and one for all paths", repeated(100, "/%d\n  X: 1") + "/*\n  Y: 1", repeated(100, "/%d\n  X: 1") + "/*\n  X-Robots-Tag: noindex\n  Y: 1"},
}

func TestNoIndex(t *testing.T) {
	for _, tt := range robotsCases {
		got, err := noIndex([]byte(tt.text))
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		equal(t, tt.name, string(got), tt.want)
	}
}

// Without room for one more rule, the site would lose one.
func TestRead_noIndexFull(t *testing.T) {
	site := Folder{NoIndex: true, Site: files{"index.html": "", "_headers": repeated(101, "/%d\n  X: 1")}.site(t)}
	_, err := Read(t.Context(), site)
	testcheck.Error(t, err, "_headers has as many rules as Cloudflare takes, and noindex needs one for /*: add one for /*, and remove another one")
	site.NoIndex = false
	mustRead(t, site)
}

// Warnings count the lines of the site's own file. Only with code is something left to say.
func TestRead_noIndex(t *testing.T) {
	worker := files{"_worker.js": "export default {}"}
	for _, tt := range []struct {
		name     string
		noIndex  bool
		files    files
		warnings []string
		notes    []string
		digest   string // of the same site before there was noindex
	}{
		{"without", false, files{"_headers": "/*\n  X: 1"}, nil, nil, "897f6192629373ca02da90ad5622314e"},
		{"without, a Worker", false, worker, nil, nil, ""},
		{"no file", true, nil, nil, nil, ""},
		{"an ignored line", true, files{"_headers": "X: 1\n/a\n  Y: 2"}, []string{"_headers: Cloudflare ignores line 1 (no path stands above the header)"}, nil, ""},
		{"a Worker", true, worker, nil, []string{"search engines may list what the site's Functions answer, since Cloudflare adds the headers of _headers to files alone: let the Functions send X-Robots-Tag: noindex"}, ""},
	} {
		site := files{"index.html": "hello"}
		maps.Copy(site, tt.files)
		s := mustRead(t, Folder{Site: site.site(t), NoIndex: tt.noIndex})
		equal(t, tt.name, [][]string{s.Warnings, s.Notes}, [][]string{tt.warnings, tt.notes})
		equal(t, tt.name+": noindex in _headers", strings.Contains(string(s.settings["_headers"]), "noindex"), tt.noIndex)
		if tt.digest != "" && s.Digest != tt.digest {
			t.Errorf("%s: digest %s", tt.name, s.Digest)
		}
	}
}

// The request tells deploy how the site was read.
func TestDeploy_noIndex(t *testing.T) {
	if in := jsonOf(t, DeployRequest{}); strings.Contains(in, "noindex") {
		t.Errorf("requests of existing states change: %s", in)
	}
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, page)
		w.mustDeploy(whole...)
		before := w.request.Digest
		w.request.NoIndex = true
		if w.mustDeploy(); w.request.Digest == before {
			t.Error("the digest is the same")
		}
		equal(t, "_headers", w.api.form()["_headers"].Content, ruleForAll)
	})
}

// realHeaders serves folders with the asset handler of wrangler, which is that of Pages. It
// prints the headers of a path of each.
// https://github.com/cloudflare/workers-sdk/blob/f8308360/packages/pages-shared/asset-server/handler.ts (attachHeaders)
const realHeaders = `
const { createRequire } = require("node:module");
const quiet = () => {};
const log = { debug: quiet, log: quiet, info: quiet, warn: quiet, error: console.error };
(async () => {
	const serve = createRequire(process.argv[1] + "/")("wrangler").unstable_generateASSETSBinding;
	const all = [];
	for (const [directory, ...urls] of JSON.parse(require("node:fs").readFileSync(0, "utf8"))) {
		const stop = new AbortController();
		const fetch = await serve({ directory, log: { ...log, once: log }, signal: stop.signal });
		for (const url of urls) all.push(Object.fromEntries((await fetch(url)).headers));
		stop.abort();
	}
	process.stdout.write(JSON.stringify(all), () => process.exit());
})();
`

// robotsWords are what random _headers files are made of.
var robotsWords = []string{"/*", "/*", "/a", "/a", "/:x", "/b/*", "https://example.com/*", "/x/../a", "/*/*",
	"  X-Robots-Tag: all", "  x-robots-tag: googlebot: nofollow", "  ! X-Robots-Tag", "  ! x-robots-tag", "  X: 1", "  X: 2", "  ! X", "  Cache-Control: no-store", "X:"}

// With Cloudflare's own code, each path says noindex before anything else, which holds for
// every crawler, and every other header is as without it.
func TestNoIndex_wrangler(t *testing.T) {
	pagestest.Wrangler(t)
	var texts []string
	for _, tt := range robotsCases {
		texts = append(texts, tt.text)
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 60 {
		var lines []string
		for range 2 + r.IntN(12) {
			lines = append(lines, robotsWords[r.IntN(len(robotsWords))])
		}
		texts = append(texts, strings.Join(lines, "\n"))
	}
	paths := []string{"/", "/a", "/b/c", "/99", "/nowhere/at/all", "/redirected"}
	var in [][]string
	for _, text := range texts {
		with, err := noIndex([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		for _, headers := range []string{text, string(with)} {
			folder := files{"index.html": "", "a.html": "", "b/c.html": "", "99": "", "_headers": headers, "_redirects": "/redirected /a"}.site(t)
			line := []string{folder}
			for _, path := range paths {
				line = append(line, "https://example.com"+path)
			}
			in = append(in, line)
		}
	}
	var got []map[string]string
	node(t, realHeaders, pagestest.Modules(t), in, &got)
	const name = "x-robots-tag"
	for i, text := range texts {
		for j, path := range paths {
			at := fmt.Sprintf("%s of %q", path, text)
			before, after := got[2*i*len(paths)+j], got[(2*i+1)*len(paths)+j]
			values := strings.Split(after[name], ", ")
			if values[0] != "noindex" {
				t.Errorf("%s says %q", at, after[name])
			}
			after[name] = strings.Join(slices.DeleteFunc(values, func(v string) bool { return v == "noindex" }), ", ")
			if before[name] == "" {
				before[name] = ""
			}
			equal(t, at, after, before)
		}
	}
}
