package site

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"portfolio-infra/internal/pages/pagestest"
	"portfolio-infra/internal/sandbox/emulator"
)

// date is the compatibility date of what is tested.
const date = "2026-06-01"

const bom = "\ufeff"

// mistakes is a site with what people get wrong.
var mistakes = folder{
	"index.html": "home", "404.html": "nowhere", "about.html": "about", "blog/index.html": "blog", "blog/post.html": "post",
	"blog/404.html": "no such post", "both": "plain", "both.html": "page", "style.css": "css", "data.json": "{}", "no-extension": "bytes",
	"a b.html": "blank", "ä.html": "umlaut", "q?.html": "question mark", "h#.txt": "hash", "p%.txt": "percent", "p%20q.txt": "escaped",
	"%zz.txt": "malformed", "bom.html": bom + "<p>BOM</p>", ".nojekyll": "", ".well-known/security.txt": "contact", "empty.txt": "",
	"_headers": bom + `# comment
/*
  X-All: all
  Access-Control-Allow-Origin: https://example.com
/about
  X-All: more
  X-Two: a
  X-Two: b
  ! Referrer-Policy
/blog/:post
  X-Post: is :post
  Cache-Control: max-age=600
/two/*/splats/*
  X-Refused: yes
/api/*
  X-Not-Functions: yes
/style.css
  no colon
  X-Colon: a:b
/style.css
  X-Last: wins
`,
	"_redirects": bom + `/lost-to-the-bom /about
/old /about 301
/comment /about 307 # why
/query /about?a=b
/fragment /about#there 303
/far https://example.com/x?y=z 308
/rewrite /blog/post 200
/proxy https://example.com/ 200
/bad-status /about 404
/loop/* /index.html
/news/* /blog/:splat 301
/two/*/splats/* /blog/:splat
/at/:year/:month /archive/:month-:year
/api/redirected /about
/protocol-relative //example.com/x
`,
	"_routes.json": `{"version":1,"include":["/api/*","/blog/p*","/both"],"exclude":["/api/static/*"]}`,
	"_worker.js":   functionsWorker,
}

// functionsWorker are Functions that say what they get.
const functionsWorker = `export default { async fetch(request, env, context) {
	const { pathname } = new URL(request.url);
	switch (pathname) {
	case "/api/env": return Response.json({ plain: env.PLAIN, names: Object.keys(env).filter((name) => name !== "CF_PAGES" && !name.startsWith("CF_PAGES_")).sort() });
	case "/api/cf": return Response.json([typeof request.cf.country, typeof request.cf.colo, request.cf.tlsVersion]);
	case "/api/cache": {
		const key = new Request("https://cache.example/" + pathname);
		context.waitUntil(Promise.resolve());
		await caches.default.put(key, new Response("cached", { headers: { "Cache-Control": "max-age=60" } }));
		const found = await caches.default.match(key);
		return new Response(await found.text() + " " + found.headers.get("CF-Cache-Status"));
	}
	case "/api/asset": return env.ASSETS.fetch(new URL("/style.css", request.url));
	case "/api/post": return new Response(request.method + " " + await request.text());
	case "/api/untyped": return new Response(new Uint8Array([60, 112, 62]));
	case "/api/throws": throw new Error("thrown");
	}
	const answer = await env.ASSETS.fetch(request);
	const changed = new Response(answer.body, answer);
	changed.headers.set("X-Functions", "yes");
	return changed;
} }`

// request is a request to both servers.
type request struct {
	target string
	method string
	header http.Header
	body   string
}

var requests = []request{
	{target: "/"}, {target: "/index"}, {target: "/index.html?a=b"}, {target: "/index/"},
	{target: "/style.css"}, {target: "/style.css", method: "HEAD"}, {target: "/style.css", method: "POST"},
	{target: "/about"}, {target: "/about.html?q"}, {target: "/about/?q=1"}, {target: "/ABOUT"},
	{target: "/about", header: http.Header{"Range": {"bytes=0-1"}}},
	{target: "/about", header: http.Header{"Authorization": {"Basic x"}}},
	{target: "/about", header: http.Header{"Accept-Encoding": {"identity;q=0"}}},
	{target: "/blog"}, {target: "/blog/"}, {target: "/blog/post"}, {target: "/blog/none"}, {target: "/none/at/all"}, {target: "/none", method: "HEAD"},
	{target: "/both"}, {target: "/both.html"}, {target: "/data.json"}, {target: "/no-extension"}, {target: "/empty.txt"},
	{target: "/a%20b"}, {target: "/%C3%A4"}, {target: "/q%3F"}, {target: "/q%3F.html"}, {target: "/q?"}, {target: "/h%23.txt"}, {target: "/p%25.txt"},
	{target: "/p%2520q.txt"}, {target: "/p%20q.txt"}, {target: "/%25zz.txt"}, {target: "/bom"}, {target: "/.nojekyll"}, {target: "/.well-known/security.txt"},
	{target: "//example.com/x"}, {target: "/a/../about"},
	{target: "/lost-to-the-bom"}, {target: "/old?a=b&c"}, {target: "/old", method: "POST"}, {target: "/comment"}, {target: "/query?c=d"}, {target: "/fragment?c=d"},
	{target: "/far?q"}, {target: "/rewrite"}, {target: "/proxy"}, {target: "/bad-status"}, {target: "/loop/x"}, {target: "/news/a/b?c"}, {target: "/news/"},
	{target: "/two/a/splats/b"}, {target: "/at/2026/11"}, {target: "/protocol-relative"},
	{target: "/api/env"}, {target: "/api/cf"}, {target: "/api/cache"}, {target: "/api/asset"}, {target: "/api/post", method: "POST", body: "text=hi+there"}, {target: "/api/untyped"},
	{target: "/api"}, {target: "/api/"}, {target: "/api/static/x"}, {target: "/api/redirected"}, {target: "/apis"}, {target: "/api/throws"},
}

// ask returns an answer, leaving out what differs between any two servers.
func ask(t *testing.T, base string, r request) (status int, body string, h http.Header) {
	t.Helper()
	asked, err := http.NewRequestWithContext(t.Context(), r.method, base, strings.NewReader(r.body))
	must(t, err)
	asked.URL.Opaque = r.target
	if strings.HasPrefix(r.target, "//") {
		asked.URL.Opaque, asked.URL.Path = "", r.target
	}
	if asked.Header = r.header.Clone(); asked.Header == nil {
		asked.Header = http.Header{}
	}
	if asked.Header.Get("Accept-Encoding") == "" {
		asked.Header.Set("Accept-Encoding", "identity")
	}
	response, err := http.DefaultTransport.RoundTrip(asked)
	must(t, err)
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	must(t, err)
	for _, name := range []string{"Date", "Content-Length", "Connection", "Transfer-Encoding", "Keep-Alive"} {
		response.Header.Del(name)
	}
	return response.StatusCode, string(content), response.Header
}

// write writes the files to a folder on the disk.
func (f folder) write(t *testing.T, dir string) {
	t.Helper()
	for name, content := range f {
		file := filepath.Join(dir, filepath.FromSlash(name))
		must(t, os.MkdirAll(filepath.Dir(file), 0o700))
		must(t, os.WriteFile(file, []byte(content), 0o600))
	}
}

// deployFolder deploys a folder as wrangler does, but without a bundler.
func (c *cloud) deployFolder(f folder) {
	c.t.Helper()
	files, modules, parts := folder{}, []emulator.Part(nil), []emulator.Part(nil)
	for name, content := range f {
		switch name {
		case "_worker.js":
			modules = []emulator.Part{metadata(`{"main_module":"index.js"}`), esModule("index.js", content)}
		case "_headers", "_redirects", "_routes.json":
			parts = append(parts, emulator.Part{Name: name, Content: []byte(content)})
		default:
			files[name] = content
		}
	}
	c.deploy(files, modules, parts...)
}

// Sites answer as with `wrangler pages dev`.
func TestServer_wrangler(t *testing.T) {
	c := newCloud(t)
	c.project(`{"compatibility_date":"` + date + `","env_vars":{"PLAIN":{"type":"plain_text","value":"plain"}}}`)
	ours := c.serve().base
	for _, tt := range []struct {
		name string
		site folder
	}{
		{"Functions", mistakes},
		{"single page", folder{"index.html": "app", "app.js": "code"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c.t = t
			project := t.TempDir()
			tt.site.write(t, filepath.Join(project, "public"))
			theirs := startWrangler(t, project, "public", "--compatibility-date="+date, "--binding=PLAIN=plain")
			c.deployFolder(tt.site)
			for _, r := range requests {
				wantStatus, wantBody, want := ask(t, theirs, r)
				status, body, have := ask(t, ours, r)
				if r.target == "/api/throws" { // the text has the folders of both
					wantBody, body = "", ""
				}
				if diff := cmp.Diff([]any{wantStatus, wantBody, want}, []any{status, body, have}); diff != "" {
					t.Errorf("%v (-wrangler +site):\n%s", r, diff)
				}
			}
		})
	}
}

var ready = regexp.MustCompile(`Ready on (http://[^\s\x1b]+)`)

// startWrangler runs `wrangler pages dev` in a folder, and returns the address.
func startWrangler(t *testing.T, folder string, args ...string) string {
	t.Helper()
	line := append(pagestest.Wrangler(t), "pages", "dev", "--ip=127.0.0.1", "--port=0", "--show-interactive-dev-session=false")
	cmd := exec.CommandContext(t.Context(), line[0], append(line[1:], args...)...)
	cmd.Dir = folder
	// request.cf is Miniflare's placeholder.
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir(), "WRANGLER_SEND_METRICS=false", "CLOUDFLARE_CF_FETCH_ENABLED=false", "NO_COLOR=1", "CI=1")
	out, err := cmd.StdoutPipe()
	must(t, err)
	cmd.Stderr = cmd.Stdout
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	must(t, cmd.Start())
	// It starts processes of its own, which would outlive it.
	t.Cleanup(func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL); _ = cmd.Wait() })
	var said strings.Builder
	for lines := bufio.NewScanner(out); lines.Scan(); {
		fmt.Fprintln(&said, lines.Text())
		if found := ready.FindStringSubmatch(lines.Text()); found != nil {
			go func() { _, _ = io.Copy(io.Discard, out) }()
			return found[1]
		}
	}
	t.Fatalf("wrangler ended: %s", said.String())
	return ""
}
