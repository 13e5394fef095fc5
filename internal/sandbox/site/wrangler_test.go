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
	"portfolio-infra/internal/sandbox/emulator/cloudflare/cloudflaretest"
	"portfolio-infra/internal/testfiles"
)

// date is the compatibility date of what is tested.
const date = "2026-06-01"

const bom = "\ufeff"

// mistakes is a site with what people get wrong.
var mistakes = map[string]string{
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

// requests are those to the site of mistakes.
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
	{target: "/api"}, {target: "/api/"}, {target: "/api/static/x"}, {target: "/api/redirected"}, {target: "/apis"}, {target: "/api/throws", method: "HEAD"}, // the text has the folders of both
}

// deployFolder deploys a folder as wrangler does, but without a bundler.
func (c *cloud) deployFolder(folder map[string]string) {
	c.t.Helper()
	files, modules, parts := map[string]string{}, []emulator.Part(nil), []emulator.Part(nil)
	for name, content := range folder {
		switch name {
		case "_worker.js":
			modules = []emulator.Part{metadata(`{"main_module":"index.js"}`), esModule("index.js", content)}
		case "_headers", "_redirects", "_routes.json":
			parts = append(parts, cloudflaretest.Part(name, "", content))
		default:
			files[name] = content
		}
	}
	c.deploy(files, modules, parts...)
}

// answer returns the answer to a browser as text: status, headers and body.
func answer(t *testing.T, base string, r request) string {
	t.Helper()
	if r.method == http.MethodPost {
		if r.header = r.header.Clone(); r.header == nil {
			r.header = http.Header{}
		}
		r.header.Set("Origin", base)
	}
	status, body, header := ask(t, base, r)
	var text strings.Builder
	fmt.Fprintln(&text, status)
	must(t, header.WriteSubset(&text, nil))
	return strings.ReplaceAll(strings.ReplaceAll(text.String(), "\r\n", "\n")+"\n"+body, base, "BASE")
}

// compare fails the test unless both answer alike.
func compare(t *testing.T, theirs, ours string, visits []visit) {
	t.Helper()
	for _, v := range visits {
		want, have := answer(t, theirs, v.request), answer(t, ours, v.request)
		if diff := cmp.Diff(want, have); diff != "" {
			t.Errorf("%s %s (-wrangler +site):\n%s", v.method, v.target, diff)
		}
		for n, part := range v.want {
			if at := strings.Index(have, part); at < 0 || n == 0 && at != 0 {
				t.Errorf("%s %s: no %q in the answer: %s", v.method, v.target, part, have)
			}
		}
	}
}

// Sites answer as with `wrangler pages dev`: one with what people get wrong, and what frameworks
// build and `portfolio deploy` uploads. It takes the time of Node.js and of a bundler, so `make
// test` runs it without the race detector.
func TestServer_wrangler(t *testing.T) {
	wrangler := pagestest.Wrangler(t)
	t.Setenv("PATH", filepath.Dir(wrangler[0])+string(os.PathListSeparator)+os.Getenv("PATH"))
	runtime := newRuntime(t)
	node, err := runtime.open(t.Context())
	must(t, err)
	t.Cleanup(func() { must(t, runtime.close(node)) })
	serveOurs := func(c *cloud) *front {
		return serve(c.t, &Server{Cloud: c.Cloud, Project: c.name, Runtime: runtime, process: node})
	}
	t.Run("mistakes", func(t *testing.T) {
		t.Parallel()
		c := newCloud(t, "mistakes", `{"compatibility_date":"`+date+`","env_vars":{"PLAIN":{"type":"plain_text","value":"plain"}}}`)
		c.deployFolder(mistakes)
		ours := serveOurs(c)
		project := t.TempDir()
		testfiles.Write(t, filepath.Join(project, "public"), mistakes)
		theirs := startWrangler(t, project, "public", "--compatibility-date="+date, "--binding=PLAIN=plain")
		var all []visit
		for _, r := range requests {
			all = append(all, visit{request: r})
		}
		compare(t, theirs, ours.base, all)
		// Here it differs from Pages: it serves a folder, and not what was deployed, and a path
		// below a file is an error.
		for _, path := range []string{"/_headers", "/_redirects", "/_routes.json", "/_worker.js", "/style.css/", "/style.css/x"} {
			ours.want(path, http.StatusNotFound, "nowhere")
		}
		ours.want("/both/", http.StatusPermanentRedirect)
	})
	for _, f := range pagestest.Frameworks {
		t.Run(f.Name, func(t *testing.T) {
			t.Parallel()
			project := f.Build(t)
			c := newCloud(t, f.Name, `{"compatibility_date":"`+date+`","compatibility_flags":`+flags(f)+`}`)
			c.deployFramework(f, project)
			ours := serveOurs(c)
			site, _, err := c.Cloud.Site(f.Name)
			must(t, err)
			all := append(files(f.Name, site), visits[f.Name]...)
			if site.Worker != nil {
				all = append(all, rendered(f.Name)...)
			}
			compare(t, startFramework(t, f, project), ours.base, all)
		})
	}
}

var ready = regexp.MustCompile(`Ready on (http://[^\s\x1b]+)`)

// startWrangler runs `wrangler pages dev` in a folder, and returns the address.
func startWrangler(t *testing.T, folder string, args ...string) string {
	t.Helper()
	// By default it looks for a free port for the inspector, from 9229 on, which another one may take
	// before it does.
	// https://github.com/cloudflare/workers-sdk/blob/wrangler%404.164.0/packages/wrangler/src/utils/memoizeGetPort.ts
	line := append(pagestest.Wrangler(t), "pages", "dev", "--ip=127.0.0.1", "--port=0", "--inspector-port=0", "--show-interactive-dev-session=false")
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
