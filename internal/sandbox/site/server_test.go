package site

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"lukechampine.com/blake3"

	"portfolio-infra/internal/sandbox/emulator"
	"portfolio-infra/internal/sandbox/emulator/cloudflare"
)

// cloud is an emulated Cloudflare, and a client of it.
type cloud struct {
	*cloudflare.Cloud
	t *testing.T
}

func newCloud(t *testing.T) *cloud {
	return &cloud{&cloudflare.Cloud{
		Token: strings.Repeat("t", 40), DeployTime: -1, File: filepath.Join(t.TempDir(), "cloudflare.json"),
	}, t}
}

// restart is the Cloud of another process on the same files.
func (c *cloud) restart() *cloud {
	return &cloud{&cloudflare.Cloud{Token: c.Token, DeployTime: -1, File: c.File}, c.t}
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
	if err := json.Unmarshal(c.json(http.MethodGet, "/pages/projects/site/upload-token", ""), &token); err != nil {
		c.t.Fatal(err)
	}
	manifest, items := map[string]string{}, []any{}
	for name, content := range files {
		value := base64.StdEncoding.EncodeToString([]byte(content))
		sum := blake3.Sum256([]byte(value + strings.TrimPrefix(path.Ext(name), ".")))
		key := hex.EncodeToString(sum[:16])
		manifest["/"+name] = key
		items = append(items, map[string]any{"key": key, "value": value, "base64": true, "metadata": map[string]string{"contentType": "text/html"}})
	}
	body, err := json.Marshal(items)
	if err != nil {
		c.t.Fatal(err)
	}
	c.call(http.MethodPost, "/pages/assets/upload", token.Result.JWT, "application/json", string(body))
	if body, err = json.Marshal(manifest); err != nil {
		c.t.Fatal(err)
	}
	parts := append([]emulator.Part{{Name: "manifest", Content: body}}, more...)
	if modules != nil {
		bundle, _ := emulator.Form(modules...)
		parts = append(parts, emulator.Part{Name: "_worker.bundle", Content: bundle})
	}
	c.form(http.MethodPost, "/pages/projects/site/deployments", parts...)
}

// project creates the project with its production configuration.
func (c *cloud) project(config string) {
	c.t.Helper()
	c.json(http.MethodPost, "/pages/projects", `{"name":"site","production_branch":"main"}`)
	c.json(http.MethodPatch, "/pages/projects/site", `{"deployment_configs":{"production":`+config+`}}`)
}

// testServer is a Server on a port.
type testServer struct {
	*Server
	t    *testing.T
	base string
}

func (c *cloud) serve(values ...string) *testServer {
	c.t.Helper()
	workerd, err := filepath.Abs("../../../.sandbox/workerd/node_modules/.bin/workerd")
	if err != nil {
		c.t.Fatal(err)
	}
	if _, err := os.Stat(workerd); err != nil {
		c.t.Skip("workerd is not installed: make workerd")
	}
	sql := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "rows for "+r.Header.Get("Authorization"))
	}))
	c.t.Cleanup(sql.Close)
	base, err := url.Parse(sql.URL)
	if err != nil {
		c.t.Fatal(err)
	}
	s := &testServer{&Server{Cloud: c.Cloud, SQL: base, Workerd: workerd, Values: values, Log: c.t.Output()}, c.t, ""}
	if err := s.Start(context.Background()); err != nil {
		c.t.Fatal(err)
	}
	front := httptest.NewServer(s)
	s.base = front.URL
	c.t.Cleanup(func() { front.Close(); _ = s.Close() })
	return s
}

// want checks the answer to a GET.
func (s *testServer) want(path string, status int, text string) {
	s.t.Helper()
	have, body, _ := ask(s.t, s.base, http.MethodGet, path, nil)
	if have != status || !strings.Contains(body, text) {
		s.t.Errorf("%s: %d %s, want %d %s", path, have, body, status, text)
	}
}

const functions = `
import text from "./lib/a.txt";
import json from "./b.json";
export default { async fetch(request, env) {
	const { pathname } = new URL(request.url);
	switch (pathname) {
	case "/api/vars": return Response.json({ plain: env.PLAIN, secret: env.SECRET, text, json, host: request.headers.get("Host") });
	case "/api/worker": return env.API ? env.API.fetch(request) : new Response("no API");
	case "/api/entry": return new Response(await env.ENTRY.hello());
	case "/api/offline": return fetch("https://example.com/");
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
	const rows = await fetch("https://http-localhost/v1beta/sql", { method: "POST", headers: { Authorization: env.SECRET } });
	return new Response(env.PLAIN + ": " + await rows.text());
} }`

// Functions, their bindings and variables, the Worker behind them and SQL.
func TestServer_ServeHTTP(t *testing.T) {
	c := newCloud(t)
	empty := c.serve()
	empty.want("/", http.StatusServiceUnavailable, "make up")
	c.upload("api", `[{"type":"plain_text","name":"PLAIN","text":"api's own"},{"type":"secret_text","name":"SECRET","text":"api's secret"}]`, apiWorker)
	c.project(config)
	routes := emulator.Part{Name: "_routes.json", Content: []byte(`{"version":1,"include":["/api/*"],"exclude":["/api/static/*"]}`)}
	headers := emulator.Part{Name: "_headers", Content: []byte("/asset\n  X-From: headers\n")}
	c.deploy(folder{"index.html": "home", "asset.html": "asset", "api/static/x.html": "static", "api/page.html": "page"}, bundle(functions), routes, headers)
	s := c.serve()
	s.want("/", http.StatusOK, "home")
	s.want("/api/static/x", http.StatusOK, "static")
	s.want("/api/page", http.StatusOK, "page")
	s.want("/api/page.html", http.StatusPermanentRedirect, "")
	s.want("/api/vars", http.StatusOK, `"plain":"\"plain\" ä\n\\","secret":"site's secret","text":"ä text","json":{"is":"json"},"host":"`+strings.TrimPrefix(s.base, "http://"))
	s.want("/api/worker", http.StatusOK, "api's own: rows for api's secret")
	s.want("/api/entry", http.StatusOK, "from Named")
	s.want("/api/offline", http.StatusBadGateway, "the sandbox is offline")
	s.want("/api/throws", http.StatusInternalServerError, "")

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
	})
	t.Run("another process", func(t *testing.T) {
		other := c.restart()
		other.t = t
		c.deploy(folder{"index.html": "home"}, bundle(functions), routes)
		other.serve("no secret", "site's secret").want("/api/vars", http.StatusOK, `"secret":"site's secret"`)
		other.serve("no secret").want("/api/vars", http.StatusOK, `{"plain":"\"plain\" ä\n\\","text"`)
	})
	t.Run("binding to a Worker that is not there", func(t *testing.T) {
		s.t = t
		c.json(http.MethodDelete, "/workers/scripts/api?force=true", "")
		s.want("/api/worker", http.StatusOK, "no API")
	})
	t.Run("syntax error", func(t *testing.T) {
		s.t = t
		c.deploy(folder{"index.html": "home"}, bundle(`export default {`), routes)
		s.want("/", http.StatusOK, "home")
		s.want("/api/vars", http.StatusBadGateway, "SyntaxError")
	})
	t.Run("no routes", func(t *testing.T) {
		s.t = t
		c.deploy(folder{"index.html": "home"}, bundle(`export default { fetch: () => new Response("everywhere") }`))
		s.want("/", http.StatusOK, "everywhere")
	})
	t.Run("no runtime", func(t *testing.T) {
		s := c.serve()
		s.t, s.Workerd = t, filepath.Join(t.TempDir(), "workerd")
		s.want("/", http.StatusServiceUnavailable, "install Node.js")
	})
	t.Run("no Functions", func(t *testing.T) {
		s.t = t
		c.deploy(folder{"index.html": "files alone"}, nil)
		s.want("/", http.StatusOK, "files alone")
	})
}

// Values are in no file of a runtime, and its files go with it.
func TestServer_secrets(t *testing.T) {
	c := newCloud(t)
	c.upload("api", `[]`, apiWorker)
	c.project(config)
	c.deploy(folder{}, bundle(functions))
	s := c.serve()
	s.want("/api/vars", http.StatusOK, "site's secret")
	dir := s.runtime.dir
	err := filepath.WalkDir(dir, func(file string, entry os.DirEntry, err error) error {
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
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("the files are left: %v", err)
	}
}

func TestRoutes_runFunctions(t *testing.T) {
	for _, tt := range []struct {
		rule, path string
		want       bool
	}{
		{"/", "/", true}, {"/", "/a", false}, {"/*", "/a/b", true},
		{"/a", "/a", true}, {"/a", "/a/", true}, {"/a", "/ab", false}, {"/a", "/a/b", false},
		{"/a/", "/a", true}, {"/a/", "/a/", true}, {"/a/*", "/a", true}, {"/a/*", "/a/b/c", true}, {"/a/*", "/ab", false},
		{"/a*", "/ab", true}, {"/a*", "/a/b", true}, {"/*.js", "/a/b.js", true}, {"/*.js", "/axjs", false},
	} {
		if have := (routes{Include: []string{tt.rule}}).runFunctions(tt.path); have != tt.want {
			t.Errorf("%s %s: %t", tt.rule, tt.path, have)
		}
		if (routes{Include: []string{"/*"}, Exclude: []string{tt.rule}}).runFunctions(tt.path) != !tt.want {
			t.Errorf("%s %s: the exclusion is not the reverse", tt.rule, tt.path)
		}
	}
	if _, err := parseRoutes([]byte("[]")); err == nil || !strings.Contains(err.Error(), "_routes.json") {
		t.Errorf("the error is %v", err)
	}
}
