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
	"golang.org/x/tools/txtar"

	"portfolio-infra/internal/pages/pagestest"
	"portfolio-infra/internal/sandbox/emulator"
	"portfolio-infra/internal/sandbox/emulator/cloudflare/cloudflaretest"
	"portfolio-infra/internal/testfiles"
)

// date is the compatibility date of what is tested.
const date = "2026-06-01"

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
		archive, err := txtar.ParseFile("testdata/mistakes.txtar")
		must(t, err)
		mistakes := map[string]string{}
		for _, file := range archive.Files {
			mistakes[file.Name] = string(file.Data)
		}
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
