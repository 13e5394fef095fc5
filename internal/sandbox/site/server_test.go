package site

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"portfolio-infra/internal/sandbox/emulator"
	"portfolio-infra/internal/sandbox/emulator/cloudflare"
	"portfolio-infra/internal/sandbox/emulator/cloudflare/cloudflaretest"
	"portfolio-infra/internal/testfiles"
)

const everything = `
import { connect } from "cloudflare:sockets";
import text from "./lib/a.txt";
import json from "./b.json";
export default { async fetch(request, env) {
	const { pathname } = new URL(request.url);
	switch (pathname) {
	case "/api/vars": return Response.json({ plain: env.PLAIN, secret: env.SECRET, text, json, host: request.headers.get("Host") });
	case "/api/worker": return env.API ? env.API.fetch(request) : new Response("no API");
	case "/api/entry": return new Response(await env.ENTRY.hello());
	case "/api/self": return fetch(new URL("/", request.url));
	case "/api/offline": return fetch("https://example.com/");
	case "/api/socket": return new Response(await connect("127.0.0.1:22").opened.then(() => "open", () => "refused"));
	case "/api/cache":
		await caches.default.put(request.url, new Response("from the cache", { headers: { "Cache-Control": "max-age=9" } }));
		return caches.default.match(request.url);
	case "/api/cf": return new Response(request.cf.country);
	case "/api/throws": throw new Error("thrown");
	}
	return env.ASSETS.fetch(request);
} }`

func bundle(script string) []emulator.Part {
	return []emulator.Part{
		metadata(`{"main_module":"index.js"}`),
		cloudflaretest.Part("b.json", "application/json", `{"is":"json"}`),
		cloudflaretest.Part("./lib/a.txt", "text/plain", "ä text"),
		esModule("index.js", script),
	}
}

const config = `{"compatibility_date":"2026-06-01","compatibility_flags":["nodejs_compat"],
	"env_vars":{"PLAIN":{"type":"plain_text","value":"\"plain\" ä\n\\"},"SECRET":{"type":"secret_text","value":"site's secret"}},
	"services":{"API":{"service":"api","environment":"production","entrypoint":"default"},"ENTRY":{"service":"api","environment":"production","entrypoint":"Named"}}}`

const apiWorker = `
import { WorkerEntrypoint } from "cloudflare:workers";
export class Named extends WorkerEntrypoint { hello() { return "from Named"; } }
export default { async fetch(request, env) {
	const rows = await fetch("https://http-localhost/v1beta/sql", { method: "POST", body: "SELECT 1", headers: { Authorization: env.SECRET } });
	return new Response(env.PLAIN + ": " + await rows.text());
} }`

// Functions, their bindings and variables, the Worker behind them and SQL.
func TestServer_ServeHTTP(t *testing.T) {
	c := newCloud(t, "site", `{}`)
	sql := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query, _ := io.ReadAll(r.Body)
		_, _ = io.WriteString(w, r.Method+" "+string(query)+" for "+r.Header.Get("Authorization"))
	}))
	defer sql.Close()
	var log bytes.Buffer
	server := &Server{Cloud: c.Cloud, SQL: sql.URL, Runtime: newRuntime(t)}
	server.Runtime.Log = io.MultiWriter(t.Output(), &log)
	must(t, server.Start(t.Context()))
	defer server.Close()
	s := serve(t, server)
	s.want("/", http.StatusServiceUnavailable, "make up")
	c.upload("api", `[{"type":"plain_text","name":"PLAIN","text":"api's own"},{"type":"secret_text","name":"SECRET","text":"api's secret"}]`, apiWorker)
	c.Configure("site", `{"production":`+config+`}`)
	routes := cloudflaretest.Part("_routes.json", "", `{"version":1,"include":["/api/*"],"exclude":["/api/static/*"]}`)
	home := map[string]string{"index.html": "home", "api/static/x.html": "static", "api/page.html": "page"}
	c.deploy(home, bundle(everything), routes)
	s.want("/", http.StatusOK, "home")
	s.want("/api/static/x", http.StatusOK, "static")
	s.want("/api/page", http.StatusOK, "page")
	s.want("/api/vars", http.StatusOK, `"plain":"\"plain\" ä\n\\","secret":"site's secret","text":"ä text","json":{"is":"json"},"host":"`+strings.TrimPrefix(s.base, "http://"))
	s.want("/api/worker", http.StatusOK, "api's own: POST SELECT 1 for api's secret")
	s.want("/api/entry", http.StatusOK, "from Named")
	s.want("/api/self", http.StatusOK, "home")
	s.want("/api/offline", http.StatusBadGateway, "the sandbox is offline")
	s.want("/api/socket", http.StatusOK, "refused")
	s.want("/api/cache", http.StatusOK, "from the cache")
	s.want("/api/cf", http.StatusOK, "US")
	s.want("/api/throws", http.StatusInternalServerError, "thrown")
	testfiles.Lack(t, server.Runtime.Dir, "site's secret")

	t.Log("the next Worker, and the next deployment")
	c.upload("api", `[]`, `export default { fetch: () => new Response("second") }; export class Named {}`)
	s.want("/api/worker", http.StatusOK, "second")
	c.deploy(map[string]string{"index.html": "new home"}, bundle(`export default { fetch: () => new Response("new Functions") }`), routes)
	s.want("/", http.StatusOK, "new home")
	s.want("/api/vars", http.StatusOK, "new Functions")
	if all, err := os.ReadDir(server.Runtime.Dir); err != nil || len(all) != 2 {
		t.Errorf("of the old deployment is left: %v, %v", all, err)
	}
	t.Log("a binding to a Worker that is not there")
	c.deploy(home, bundle(everything), routes)
	c.Call(http.MethodDelete, "/workers/scripts/api?force=true", "")
	s.want("/api/worker", http.StatusOK, "no API")
	t.Log("a syntax error")
	c.deploy(home, bundle(`export default {`), routes)
	s.want("/api/vars", http.StatusServiceUnavailable, "Uncaught SyntaxError")
	s.want("/", http.StatusServiceUnavailable, "Uncaught SyntaxError")
	t.Log("no routes, and no Functions")
	c.deploy(home, bundle(`export default { fetch: () => new Response("everywhere") }`))
	s.want("/", http.StatusOK, "everywhere")
	c.deploy(map[string]string{"index.html": "files alone"}, nil)
	s.want("/", http.StatusOK, "files alone")

	t.Log("neither files nor processes outlive it")
	must(t, server.Close())
	if _, err := os.Stat(server.Runtime.Dir); !os.IsNotExist(err) {
		t.Errorf("the files are left: %v", err)
	}
	untilRefused(t, server.address)
	if !strings.Contains(log.String(), "the site site lacks its binding API: there is no Worker api") {
		t.Errorf("the log is %s", &log)
	}
}

// A program has the Workers that the site reaches, and says what they lack.
func TestNewProgram(t *testing.T) {
	bound := func(name, secret string, to ...string) cloudflare.Script {
		services := map[string]cloudflare.Service{}
		for _, to := range to {
			services["TO_"+to] = cloudflare.Service{Service: to}
		}
		return cloudflare.Script{Name: name, Config: cloudflare.Config{
			Services: services, Vars: map[string]string{"V": name}, Secrets: map[string]cloudflare.Secret{"S": cloudflare.Secret(secret)},
		}}
	}
	site := cloudflare.Site{Project: "site", Worker: &cloudflare.Worker{}, Config: bound("", "known", "a", "gone").Config}
	scripts := []cloudflare.Script{bound("a", "known", "b"), bound("b", "forgotten", "a", "b", "gone"), bound("other", "forgotten", "gone")}
	p, err := newProgram(site, scripts, func(secret cloudflare.Secret) (string, bool) { return "value", secret == "known" })
	must(t, err)
	have := []string{}
	for _, w := range p.Workers {
		have = append(have, fmt.Sprint(w.Name, w.Vars))
	}
	want := []string{
		functions + "map[S:value V:]", "amap[S:value V:a]", "bmap[V:b]",
		"the Worker b lacks its secret S, whose value is not in the stack's state: run `make up` while this serves",
		"the Worker b lacks its binding TO_gone: there is no Worker gone", "the site site lacks its binding TO_gone: there is no Worker gone",
	}
	if diff := cmp.Diff(want, append(have, p.Missing...)); diff != "" {
		t.Errorf("the Workers, and what they lack (-want +got):\n%s", diff)
	}
}

// Another process than that which a secret was set in finds its value among the possible ones.
func TestServer_reveal(t *testing.T) {
	c := newCloud(t, "site", `{"env_vars":{"SECRET":{"type":"secret_text","value":"site's secret"}}}`)
	again := &cloudflare.Cloud{File: c.Cloud.File}
	secret := again.Projects()[0].Production.Secrets["SECRET"]
	for _, tt := range []struct {
		server *Server
		want   string
	}{
		{&Server{Cloud: c.Cloud}, "site's secret"},
		{&Server{Cloud: again, Values: []string{"no secret", "site's secret"}}, "site's secret"},
		{&Server{Cloud: again, Values: []string{"no secret"}}, ""},
	} {
		if value, ok := tt.server.reveal(secret); value != tt.want || ok != (tt.want != "") {
			t.Errorf("with the values %q it is %q, %v", tt.server.Values, value, ok)
		}
	}
}

// Without npm plain files are served, and broken deployments answer as on Cloudflare.
func TestServer_plain(t *testing.T) {
	c := newCloud(t, "site", `{}`)
	server := &Server{Cloud: c.Cloud, Runtime: Runtime{Modules: t.TempDir(), Dir: t.TempDir()}}
	must(t, server.Start(t.Context()))
	s := serve(t, server)
	c.deploy(map[string]string{"index.html": "home", "about.html": "about", "blog/index.html": "blog", "a b?#%.txt": "odd"}, bundle(everything))
	for path, want := range map[string]string{"/": "home", "/about": "about", "/about.html": "about", "/blog/": "blog", "/blog": "blog", "/a%20b%3F%23%25.txt": "odd"} {
		s.want(path, http.StatusOK, want)
	}
	s.want("/api/vars", http.StatusServiceUnavailable, "Node.js with npm is not installed")

	site, _, err := c.Cloud.Site("site")
	must(t, err)
	c.Form(http.MethodPost, "/pages/projects/site/deployments", cloudflaretest.Part("manifest", "", `{"/a.css":"`+site.Files["/index.html"]+`"}`))
	s.want("/", http.StatusInternalServerError)
}

// untilRefused returns when nothing listens at an address.
func untilRefused(t *testing.T, address string) {
	t.Helper()
	for t.Context().Err() == nil {
		conn, err := net.Dial("tcp", address)
		if errors.Is(err, syscall.ECONNREFUSED) {
			return
		}
		if err == nil {
			_ = conn.Close()
		}
	}
	t.Errorf("%s still answers", address)
}

// What a Server has started ends with its process, even if that is killed.
func TestServer_killed(t *testing.T) {
	if os.Getenv("TEST_SERVER_KILLED") != "" {
		c := newCloud(t, "site", `{}`)
		c.deploy(map[string]string{"index.html": "home"}, nil)
		server := &Server{Cloud: c.Cloud, Runtime: newRuntime(t)}
		must(t, server.Start(t.Context()))
		serve(t, server).want("/", http.StatusOK, "home")
		fmt.Println(server.address)
		select {}
	}
	newRuntime(t)
	cmd := exec.Command(os.Args[0], "-test.run=^TestServer_killed$")
	cmd.Env = append(os.Environ(), "TEST_SERVER_KILLED=yes", "TMPDIR="+t.TempDir())
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	address, err := bufio.NewReader(out).ReadString('\n')
	if err := errors.Join(err, cmd.Process.Kill()); err != nil {
		t.Error(err)
	}
	_ = cmd.Wait()
	untilRefused(t, strings.TrimSpace(address))
}

func TestRuntime_CheckStart(t *testing.T) {
	r := newRuntime(t)
	for _, tt := range []struct{ name, script, want string }{
		{"fine", `import { env } from "cloudflare:workers"; if (env.A !== "a") throw new Error("no variable"); export default { fetch() {} }`, ""},
		{"throws", "\nundefined.map();\nexport default { fetch() {} }", "Uncaught TypeError: Cannot read properties of undefined (reading 'map')\n  at w.js:2:11"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			code := cloudflare.Worker{MainModule: "w.js", CompatibilityDate: "2026-06-01", Modules: []emulator.Part{esModule("w.js", tt.script)}}
			thrown, err := r.CheckStart(t.Context(), code, map[string]string{"A": "a"})
			if err != nil || !strings.HasPrefix(thrown, tt.want) || tt.want == "" && thrown != "" {
				t.Errorf("%q, %v", thrown, err)
			}
		})
	}
}
