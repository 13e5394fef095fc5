package pages

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"portfolio-infra/internal/pages/pagestest"
)

// repeated returns n lines of a format with a number.
func repeated(n int, format string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format+"\n", i)
	}
	return b.String()
}

var x2000 = strings.Repeat("x", 2000)

// ruleCases are control files: what is ignored in them is what Cloudflare ignores.
var ruleCases = []struct {
	name, file, text, want string
}{
	{"nothing", "_headers", "# hello\n\n/*\n  X-A: 1\n  ! X-B\n https://www.example.com/*\n\tX-C: a:b\n/a/:b\n Y: 1\n", ""},
	{"two splats", "_headers", "/a/*/*\n  X: 1\n  Y: 2\n/b\n  X: 1", "line 1 (with the headers below it: a path has at most one *)"},
	{"splat and :splat", "_headers", "/:splat/*\n  X: 1\n/:splats/*\n  X: 1", "line 1 (with the headers below it: a path has either * or :splat)"},
	{"a placeholder twice", "_headers", "/:a/:a\n  X: 1\n/:a/:ab\n  X: 1\n/:cd/:c\n  X: 1", "line 1 (the placeholder :a stands in it twice), line 3 (the placeholder :a stands in it twice)"},
	{"no path", "_headers", "X: 1\nnot a path\n/a\n  X: 1", "line 1 (no path stands above the header), line 2 (a path begins with a slash)"},
	{"no header", "_headers", "/a\n/b\n  X: 1\n/c", "line 1 (no header follows the path), line 4 (no header follows the path)"},
	{"faults of headers", "_headers", "/a\n  X Y: 1\n  : 1\n  X:\n  X\n  Z: 1", "line 2 (the name of a header has no spaces), line 3 (the header has no name), line 4 (the header has no value), line 5 (a header is NAME: VALUE)"},
	{"another scheme, a port", "_headers", "http://a.com/*\n  X: 1\nhttps://a.com:80/*\n  X: 1\nhttps://a.com:80\n X: 1\nhttps:///a\n X: 1", "line 1 (with the headers below it: a path begins with a slash or https://), line 3 (with the headers below it: a port is not supported), line 5 (with the headers below it: a port is not supported)"},
	{"repeated path", "_headers", "/a\n  X: 1\n/b\n  X: 1\n/x/../a?b#c\n  Y: 1", "line 1 (with the headers below it: line 5 is for the same path)"},
	{"long line", "_headers", "/a\n  X: " + x2000 + "\n  Y: " + strings.Repeat("ä", 1990) + "\n/" + x2000 + "\n  Z: 1", "line 2 (it is longer than 2000 characters), line 4 (it is longer than 2000 characters)"},
	{"many rules", "_headers", repeated(105, "/%d\n  X: 1"), "line 203 (with all that follows: a site has at most 100 header rules)"},
	{"spaces", "_headers", "\ufeff/a\r\n\u00a0 X: 1\r\n\u2028/b\n\u0085X: 1", ""},

	{"nothing", "_redirects", "# hello\n\n/a /b\n/c /d 301 # comment\ne /f#g 307\n/h https://x.com/ 308\n/i/* /j/:splat 200\n/k/:l /m?n=:l 303", ""},
	{"words", "_redirects", "/a\n/a /b 301 x\n/a /b #c d e\n/b #c", "line 1 (it has 1 words, and a redirect 2 or 3), line 2 (it has 4 words, and a redirect 2 or 3), line 4 (it has 1 words, and a redirect 2 or 3)"},
	{"from another host", "_redirects", "https://a.com/b /c\nhttp://a.com/b /c", "line 1 (a redirect is from a path, not from another host)"},
	{"to nowhere", "_redirects", "/a b\n/a http://c.com", "line 1 (a redirect leads to a path or to https://), line 2 (a redirect leads to a path or to https://)"},
	{"status", "_redirects", "/a /b 404\n/b /c 301!\n/c /d 200\n/d /e x\n/e /f 302.0", "line 1 (the status is 200, 301, 302, 303, 307 or 308), line 2 (the status is 200, 301, 302, 303, 307 or 308), line 4 (the status is 200, 301, 302, 303, 307 or 308)"},
	{"to itself", "_redirects", "/* /index.html 200\n/ /index\n/a/* /a/index.html\n/* https://a.com/index.html\n/b /index.html\n/c/ /indexes\n/d/ /index#", "line 1 (it leads back to itself, since Pages serves an index page without its name), line 2 (it leads back to itself, since Pages serves an index page without its name), line 3 (it leads back to itself, since Pages serves an index page without its name), line 7 (it leads back to itself, since Pages serves an index page without its name)"},
	{"repeated path", "_redirects", "/a /b\n/x/../a#1 /c\n/a?1 /d\n/ä /e\n/%C3%A4 /f", "line 2 (line 1 is for the same path), line 3 (line 1 is for the same path), line 5 (line 4 is for the same path)"},
	{"to another host", "_redirects", "/a https://b.com/ 200\n/a /b", "line 1 (with status 200 it leads to a path of the site, not to another host), line 2 (line 1 is for the same path)"},
	{"two splats", "_redirects", "/*/* /a\n/b/*/:splat /c\n/:d/:d /e\n/f*g /h", "line 1 (a path has at most one *), line 2 (the placeholder :splat stands in it twice), line 3 (the placeholder :d stands in it twice)"},
	{"long line", "_redirects", "/a /" + x2000, "line 1 (it is longer than 2000 characters)"},
	{"many static redirects", "_redirects", repeated(2002, "/%d /x"), "line 2001 (a site has at most 2000 static redirects), line 2002 (a site has at most 2000 static redirects)"},
	{"many dynamic redirects", "_redirects", "/* /x\n" + repeated(105, "/%d /x"), "line 101 (with all that follows: a site has at most 100 dynamic redirects, and those below one count as such)"},
	{"paths", "_redirects", "/a/. /x\n/a/ /x\n/b/.. /x\n/ /x\n/c/%2e%2E/d /x\n/d /x\n/e//f /x\n/e/f /x\n/../g /x\n/g /x\n/\"<>`{} /x\n/%22%3C%3E%60%7B%7D /x\n/h\\i /x\n/h/i /x\n//j.com/k /x\n/k /x\n/.%2e/l /x\n/l /x\n/m/./n /x\n/m/n /x",
		"line 2 (line 1 is for the same path), line 4 (line 3 is for the same path), line 6 (line 5 is for the same path), line 10 (line 9 is for the same path), line 12 (line 11 is for the same path), line 18 (line 17 is for the same path), line 20 (line 19 is for the same path)"},
}

func parse(file, text string) lines {
	if file == "_headers" {
		return parseHeaders(text)
	}
	return parseRedirects(text)
}

func TestParseRules(t *testing.T) {
	for _, tt := range ruleCases {
		t.Run(tt.file+" "+tt.name, func(t *testing.T) {
			l := parse(tt.file, tt.text)
			want := ""
			if tt.want != "" {
				want = tt.file + ": Cloudflare ignores " + tt.want
			}
			equal(t, "warning", l.warning(tt.file), want)
		})
	}
	l := parseRedirects(repeated(12, "/%d"))
	if warning := l.warning("_redirects"); strings.Count(warning, "line ") != maxListed || !strings.HasSuffix(warning, ") and 2 more") {
		t.Error(warning)
	}
}

// realRules runs Cloudflare's own parsers, as wrangler has them, and drops the rules that its
// asset server cannot match. It reads cases from standard input.
const realRules = `
const fs = require("node:fs");
const { __name, __esm } = { __name: (f) => f, __esm: (o) => { let done; return () => { if (!done) { done = true; Object.values(o)[0](); } }; } };
const wanted = ["utils/configuration/constants.ts", "utils/configuration/validateURL.ts", "utils/configuration/parseHeaders.ts",
	"utils/configuration/parseRedirects.ts", "asset-worker/src/utils/rules-engine.ts"].map((f) => "../workers-shared/" + f);
const parts = fs.readFileSync(process.argv[1], "utf8").split(/^\/\/ (?=\.\.?\/\S+$)/m).filter((p) => wanted.includes(p.slice(0, p.indexOf("\n"))));
if (parts.length !== wanted.length) throw new Error("wrangler's parsers are elsewhere: " + parts.length);
const { parseHeaders, parseRedirects, generateRuleRegExp } = new Function("__name", "__esm", "init_import_meta_url", "init_handler2",
	parts.map((p) => p.slice(p.indexOf("\n"))).join("\n") + "; init_constants2(); init_validateURL(); init_parseHeaders(); init_parseRedirects(); init_rules_engine(); return { parseHeaders, parseRedirects, generateRuleRegExp };"
)(__name, __esm, () => {}, () => {});
const matches = (path) => { try { generateRuleRegExp(path); return true; } catch { return false; } };
console.log(JSON.stringify(JSON.parse(fs.readFileSync(0, "utf8")).map(({ file, text }) => {
	const { rules, invalid } = (file === "_headers" ? parseHeaders : parseRedirects)(text);
	const paths = [...new Set(rules.map((r) => r.path ?? r.from))].filter(matches);
	return { paths: paths.sort(), ignored: invalid.length + rules.length - paths.length };
})));
`

// words are what random control files are made of.
var words = []string{"/", "/a", "/a/", "/*", "*", ":a", ":ab", ":splat", "/b/*", "/:a/:b", "/:a-b/:a-c", "https://x.com/", "https://x.com:80/y", "https:///z", "http://q",
	"#c", "#", "!", "! ", "X: 1", "X", ":", " ", "\t", "\u00a0", "\ufeff", "200", "301", "404", "/index", "/index.html", "/indexxhtml", "?q", "/./", "/../", "é", "\\", "\"", "\x01", "\xff", "~", "𝒳"}

func randomRules(r *rand.Rand) string {
	var b strings.Builder
	for range 1 + r.IntN(4) {
		for range 1 + r.IntN(5) {
			b.WriteString(words[r.IntN(len(words))] + []string{"", "", " "}[r.IntN(3)])
		}
		b.WriteString([]string{"\n", "\n  H: v\n"}[r.IntN(2)])
	}
	return b.String()
}

// node runs a script with the arguments, and decodes what it prints. in is its standard input.
func node(t *testing.T, script, argument string, in, out any) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), pagestest.Wrangler(t)[0], "-e", script, argument)
	cmd.Stdin = strings.NewReader(jsonOf(t, in))
	var stderr strings.Builder
	cmd.Stderr = &stderr
	text, err := cmd.Output()
	if err == nil {
		err = json.Unmarshal(text, out)
	}
	if err != nil {
		t.Fatalf("%v: %s%s", err, stderr.String(), text)
	}
}

// Cloudflare's own parsers ignore as many lines and read the same rules, in the cases above and
// in random ones.
func TestParseRules_wrangler(t *testing.T) {
	type parsed struct {
		Paths   []string `json:"paths"`
		Ignored int      `json:"ignored"`
	}
	var in []map[string]string
	var ours, theirs []parsed
	cases := slices.Clone(ruleCases)
	r := rand.New(rand.NewPCG(1, 2))
	for range 1000 {
		c := cases[0]
		c.name, c.file, c.text = "random", []string{"_headers", "_redirects"}[r.IntN(2)], randomRules(r)
		cases = append(cases, c)
	}
	for _, tt := range cases {
		in = append(in, map[string]string{"file": tt.file, "text": tt.text})
		l := parse(tt.file, tt.text)
		p := parsed{Paths: []string{}, Ignored: len(l.ignored)}
		for _, r := range l.rules {
			p.Paths = append(p.Paths, r.from)
		}
		slices.Sort(p.Paths)
		ours = append(ours, p)
	}
	node(t, realRules, filepath.Join(pagestest.Modules(t), "wrangler/wrangler-dist/cli.js"), in, &theirs)
	for i, tt := range cases {
		equal(t, fmt.Sprintf("%s %s: %q", tt.file, tt.name, tt.text), ours[i], theirs[i])
	}
}
