package site

import (
	"bufio"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"lukechampine.com/blake3"

	"portfolio-infra/internal/sandbox/emulator"
	"portfolio-infra/internal/sandbox/emulator/cloudflare"
)

// folder is a site, by path.
type folder map[string]string

// cloud is an emulated Cloudflare, and a client of it.
type cloud struct {
	*cloudflare.Cloud
	t *testing.T
	// hash returns the key of a file by its name and its content in base64.
	hash func(name, content string) string
	// name is that of the project.
	name string
}

func newCloud(t *testing.T) *cloud {
	return &cloud{&cloudflare.Cloud{
		Token: strings.Repeat("t", 40), DeployTime: -1, File: filepath.Join(t.TempDir(), "cloudflare.json"),
	}, t, hash, "site"}
}

// restart is the Cloud of another process on the same files.
func (c *cloud) restart() *cloud {
	return &cloud{&cloudflare.Cloud{Token: c.Token, DeployTime: -1, File: c.File}, c.t, c.hash, c.name}
}

// call makes a call that succeeds, and returns the body of its answer.
func (c *cloud) call(method, path, token, contentType, body string) []byte {
	c.t.Helper()
	request := httptest.NewRequest(method, "/client/v4"+path, strings.NewReader(body))
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Content-Type", contentType)
	answer := httptest.NewRecorder()
	c.ServeHTTP(answer, request)
	if answer.Code != http.StatusOK {
		c.t.Fatalf("%s %s: %d %s", method, path, answer.Code, answer.Body)
	}
	return answer.Body.Bytes()
}

const account = "/accounts/" + cloudflare.DefaultAccountID

func (c *cloud) json(method, path, body string) []byte {
	c.t.Helper()
	return c.call(method, account+path, c.Token, "application/json", body)
}

func (c *cloud) form(method, path string, parts ...emulator.Part) {
	c.t.Helper()
	body, contentType := emulator.Form(parts...)
	c.call(method, account+path, c.Token, contentType, string(body))
}

func esModule(name, content string) emulator.Part {
	return emulator.Part{Name: name, Type: "application/javascript+module", Content: []byte(content)}
}

func metadata(content string) emulator.Part {
	return emulator.Part{Name: "metadata", Type: "application/json", Content: []byte(content)}
}

// upload uploads a Worker with bindings.
func (c *cloud) upload(name, bindings, script string) {
	c.t.Helper()
	c.form(http.MethodPut, "/workers/scripts/"+name,
		metadata(`{"main_module":"w.js","compatibility_date":"2026-06-01","bindings":`+bindings+`}`), esModule("w.js", script))
}

// deploy deploys files and the modules of the Functions; more are further parts.
func (c *cloud) deploy(files folder, modules []emulator.Part, more ...emulator.Part) {
	c.t.Helper()
	var token struct{ Result struct{ JWT string } }
	must(c.t, json.Unmarshal(c.json(http.MethodGet, "/pages/projects/"+c.name+"/upload-token", ""), &token))
	manifest, items := map[string]string{}, []any{}
	for name, content := range files {
		value := base64.StdEncoding.EncodeToString([]byte(content))
		key := c.hash(name, value)
		manifest["/"+name] = key
		items = append(items, map[string]any{"key": key, "value": value, "base64": true, "metadata": map[string]string{"contentType": "text/html"}})
	}
	body, err := json.Marshal(items)
	must(c.t, err)
	c.call(http.MethodPost, "/pages/assets/upload", token.Result.JWT, "application/json", string(body))
	if body, err = json.Marshal(manifest); err != nil {
		c.t.Fatal(err)
	}
	parts := append([]emulator.Part{{Name: "manifest", Content: body}}, more...)
	if modules != nil {
		bundle, _ := emulator.Form(modules...)
		parts = append(parts, emulator.Part{Name: "_worker.bundle", Content: bundle})
	}
	c.form(http.MethodPost, "/pages/projects/"+c.name+"/deployments", parts...)
}

func hash(name, content string) string {
	sum := blake3.Sum256([]byte(content + extension(name)))
	return hex.EncodeToString(sum[:16])
}

// extension is that of a file's name, as Node has it.
func extension(name string) string {
	if i := strings.LastIndexByte(filepath.Base(name), '.'); i > 0 {
		return filepath.Base(name)[i+1:]
	}
	return ""
}

// project creates the project with its production configuration.
func (c *cloud) project(config string) {
	c.t.Helper()
	c.json(http.MethodPost, "/pages/projects", `{"name":"`+c.name+`","production_branch":"main"}`)
	c.json(http.MethodPatch, "/pages/projects/"+c.name, `{"deployment_configs":{"production":`+config+`}}`)
}

// testServer is a Server on a port.
type testServer struct {
	*Server
	t    *testing.T
	base string
}

// newRuntime is the one that is installed here, with a folder of its own.
func newRuntime(t *testing.T) Runtime {
	t.Helper()
	modules, err := filepath.Abs("../../../.sandbox/npm/node_modules")
	must(t, err)
	r := Runtime{Modules: modules, Dir: filepath.Join(t.TempDir(), "site"), Log: t.Output()}
	if !r.Installed() {
		t.Skip("Cloudflare's runtime is not installed: `make runtime` does it where npm is on the PATH")
	}
	return r
}

func (c *cloud) serve(values ...string) *testServer {
	c.t.Helper()
	sql := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query, _ := io.ReadAll(r.Body)
		_, _ = io.WriteString(w, r.Method+" "+string(query)+" for "+r.Header.Get("Authorization"))
	}))
	c.t.Cleanup(sql.Close)
	return c.start(&Server{Cloud: c.Cloud, SQL: sql.URL, Runtime: newRuntime(c.t), Values: values})
}

func (c *cloud) start(server *Server) *testServer {
	c.t.Helper()
	s := &testServer{server, c.t, ""}
	must(c.t, s.Start(c.t.Context()))
	front := httptest.NewServer(s)
	s.base = front.URL
	c.t.Cleanup(func() { front.Close(); _ = s.Close() })
	return s
}

// want checks the answer to a GET.
func (s *testServer) want(path string, status int, text string) {
	s.t.Helper()
	have, body, _ := ask(s.t, s.base, request{target: path})
	if have != status || !strings.Contains(body, text) {
		s.t.Errorf("%s: %d %s, want %d %s", path, have, body, status, text)
	}
}

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
		{Name: "b.json", Type: "application/json", Content: []byte(`{"is":"json"}`)},
		{Name: "./lib/a.txt", Type: "text/plain", Content: []byte("ä text")},
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
	c := newCloud(t)
	s := c.serve()
	s.want("/", http.StatusServiceUnavailable, "make up")
	c.upload("api", `[{"type":"plain_text","name":"PLAIN","text":"api's own"},{"type":"secret_text","name":"SECRET","text":"api's secret"}]`, apiWorker)
	c.project(config)
	routes := emulator.Part{Name: "_routes.json", Content: []byte(`{"version":1,"include":["/api/*"],"exclude":["/api/static/*"]}`)}
	c.deploy(folder{"index.html": "home", "api/static/x.html": "static", "api/page.html": "page"}, bundle(everything), routes)
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

	t.Run("next Worker", func(t *testing.T) {
		s.t = t
		c.upload("api", `[]`, `export default { fetch: () => new Response("second") }; export class Named {}`)
		s.want("/api/worker", http.StatusOK, "second")
	})
	t.Run("next deployment", func(t *testing.T) {
		s.t = t
		c.deploy(folder{"index.html": "new home"}, bundle(`export default { fetch: () => new Response("new Functions") }`), routes)
		s.want("/", http.StatusOK, "new home")
		s.want("/api/vars", http.StatusOK, "new Functions")
		if all, err := os.ReadDir(s.Runtime.Dir); err != nil || len(all) != 2 {
			t.Errorf("of the old deployment is left: %v, %v", all, err)
		}
	})
	t.Run("another process", func(t *testing.T) {
		other := c.restart()
		other.t = t
		c.deploy(folder{"index.html": "home"}, bundle(everything), routes)
		other.serve("no secret", "site's secret").want("/api/vars", http.StatusOK, `"secret":"site's secret"`)
		without := other.serve("no secret")
		without.want("/api/vars", http.StatusOK, `{"plain":"\"plain\" ä\n\\","text"`)
		must(t, without.Close())
		if log := without.process.said.text(); !strings.Contains(log, "the site site lacks its secret SECRET, whose value") {
			t.Errorf("the log is %s", log)
		}
	})
	t.Run("binding to a Worker that is not there", func(t *testing.T) {
		s.t = t
		c.json(http.MethodDelete, "/workers/scripts/api?force=true", "")
		s.want("/api/worker", http.StatusOK, "no API")
	})
	t.Run("syntax error", func(t *testing.T) {
		s.t = t
		c.deploy(folder{"index.html": "home"}, bundle(`export default {`), routes)
		s.want("/api/vars", http.StatusServiceUnavailable, "Uncaught SyntaxError")
		s.want("/", http.StatusServiceUnavailable, "Uncaught SyntaxError")
	})
	t.Run("no routes", func(t *testing.T) {
		s.t = t
		c.deploy(folder{"index.html": "home"}, bundle(`export default { fetch: () => new Response("everywhere") }`))
		s.want("/", http.StatusOK, "everywhere")
	})
	t.Run("no Functions", func(t *testing.T) {
		s.t = t
		c.deploy(folder{"index.html": "files alone"}, nil)
		s.want("/", http.StatusOK, "files alone")
	})
}

// A program has the Workers that the site reaches, and says what they lack.
func TestNewProgram(t *testing.T) {
	bound := func(name string, to ...string) cloudflare.Script {
		services := map[string]cloudflare.Service{}
		for _, to := range to {
			services["TO_"+to] = cloudflare.Service{Service: to}
		}
		return cloudflare.Script{Name: name, Config: cloudflare.Config{Services: services}}
	}
	site := cloudflare.Site{Project: "site", Worker: &cloudflare.Worker{}, Config: bound("", "a", "gone").Config}
	p, err := newProgram(site, []cloudflare.Script{bound("a", "b"), bound("b", "a", "b", "gone"), bound("other", "gone")}, nil)
	must(t, err)
	var names []string
	for _, w := range p.Workers {
		names = append(names, w.Name)
	}
	if want := []string{functions, "a", "b"}; !slices.Equal(names, want) {
		t.Errorf("the Workers are %q, want %q", names, want)
	}
	want := []string{"the Worker b lacks its binding TO_gone: there is no Worker gone", "the site site lacks its binding TO_gone: there is no Worker gone"}
	if !slices.Equal(p.Missing, want) {
		t.Errorf("it lacks %q, want %q", p.Missing, want)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Here `wrangler pages dev` differs from Pages: it serves a folder, and not what was deployed,
// and a path below a file is an error.
func TestServer_pages(t *testing.T) {
	c := newCloud(t)
	c.project(`{"compatibility_date":"2026-06-01"}`)
	c.deployFolder(mistakes)
	s := c.serve()
	for _, path := range []string{"/_headers", "/_redirects", "/_routes.json", "/_worker.js", "/style.css/", "/style.css/x"} {
		s.want(path, http.StatusNotFound, "nowhere")
	}
	s.want("/both/", http.StatusPermanentRedirect, "")
}

// Without npm plain files are served.
func TestServer_plain(t *testing.T) {
	c := newCloud(t)
	c.upload("api", `[]`, apiWorker)
	c.project(config)
	c.deploy(folder{"index.html": "home", "about.html": "about", "blog/index.html": "blog", "a b?#%.txt": "odd"}, bundle(everything))
	s := c.start(&Server{Cloud: c.Cloud, Runtime: Runtime{Modules: t.TempDir(), Dir: t.TempDir()}})
	for path, want := range map[string]string{"/": "home", "/about": "about", "/about.html": "about", "/blog/": "blog", "/blog": "blog", "/a%20b%3F%23%25.txt": "odd"} {
		s.want(path, http.StatusOK, want)
	}
	s.want("/api/vars", http.StatusServiceUnavailable, "Node.js with npm is not installed")
}

// A deployment whose keys are those of another hash answers as on Cloudflare.
func TestServer_broken(t *testing.T) {
	c := newCloud(t)
	c.project(`{}`)
	c.hash = func(string, string) string { return strings.Repeat("0", 32) }
	c.deploy(folder{"index.html": "home"}, nil)
	c.start(&Server{Cloud: c.Cloud, Runtime: Runtime{Modules: t.TempDir(), Dir: t.TempDir()}}).want("/", http.StatusInternalServerError, "")
}

// Values are in no file of a runtime, and neither files nor processes outlive it.
func TestServer_Close(t *testing.T) {
	c := newCloud(t)
	c.upload("api", `[]`, apiWorker)
	c.project(config)
	c.deploy(folder{"index.html": "home"}, bundle(everything))
	s := c.serve()
	s.want("/api/vars", http.StatusOK, "site's secret")
	err := filepath.WalkDir(s.Runtime.Dir, func(file string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(file)
		if strings.Contains(string(content), "site's secret") {
			t.Errorf("%s has a secret", file)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(s.Runtime.Dir); !os.IsNotExist(err) {
		t.Errorf("the files are left: %v", err)
	}
	untilRefused(t, s.address)
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
		c := newCloud(t)
		c.project(`{}`)
		c.deploy(folder{"index.html": "home"}, nil)
		s := c.serve()
		s.want("/", http.StatusOK, "home")
		fmt.Println(s.address)
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
		{"not JavaScript", "export default {", "Uncaught SyntaxError: Unexpected end of input"},
		{"no such module", `import "pg"; export default { fetch() {} }`, `Uncaught Error: No such module "pg".`},
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
