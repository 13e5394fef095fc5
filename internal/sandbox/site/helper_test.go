package site

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"lukechampine.com/blake3"

	"portfolio-infra/internal/sandbox/emulator"
	"portfolio-infra/internal/sandbox/emulator/cloudflare"
	"portfolio-infra/internal/sandbox/emulator/cloudflare/cloudflaretest"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// cloud is an emulated account with one Pages project.
type cloud struct {
	*cloudflaretest.Account
	t    *testing.T
	name string // of the project
}

func newCloud(t *testing.T, project, config string) *cloud {
	t.Helper()
	c := &cloudflare.Cloud{DeployTime: -1, File: filepath.Join(t.TempDir(), "cloudflare.json")}
	return (&cloud{Account: cloudflaretest.New(t, c), t: t}).project(project, config)
}

// project creates a project with its production configuration. It returns the cloud with that one.
func (c *cloud) project(name, config string) *cloud {
	c.t.Helper()
	c.CreateProject(name, "main")
	c.Configure(name, `{"production":`+config+`}`)
	return &cloud{c.Account, c.t, name}
}

func esModule(name, content string) emulator.Part {
	return cloudflaretest.Part(name, "application/javascript+module", content)
}

func metadata(content string) emulator.Part {
	return cloudflaretest.Part("metadata", "application/json", content)
}

// upload uploads a Worker with bindings.
func (c *cloud) upload(name, bindings, script string) {
	c.t.Helper()
	c.Form(http.MethodPut, "/workers/scripts/"+name,
		metadata(`{"main_module":"w.js","compatibility_date":"2026-06-01","bindings":`+bindings+`}`), esModule("w.js", script))
}

// deploy deploys files and the modules of the Functions; more are further parts.
func (c *cloud) deploy(files map[string]string, modules []emulator.Part, more ...emulator.Part) {
	c.t.Helper()
	var token struct{ Result struct{ JWT string } }
	must(c.t, json.Unmarshal([]byte(c.Call(http.MethodGet, "/pages/projects/"+c.name+"/upload-token", "")), &token))
	manifest, items := map[string]string{}, []any{}
	for name, content := range files {
		value := base64.StdEncoding.EncodeToString([]byte(content))
		sum := blake3.Sum256([]byte(value + strings.TrimPrefix(filepath.Ext(strings.TrimPrefix(filepath.Base(name), ".")), ".")))
		key := hex.EncodeToString(sum[:16])
		manifest["/"+name] = key
		items = append(items, map[string]any{"key": key, "value": value, "base64": true, "metadata": map[string]string{"contentType": "text/html"}})
	}
	body, err := json.Marshal(items)
	must(c.t, err)
	r := httptest.NewRequest(http.MethodPost, "/client/v4/pages/assets/upload", bytes.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+token.Result.JWT)
	w := httptest.NewRecorder()
	if c.Cloud.ServeHTTP(w, r); w.Code != http.StatusOK {
		c.t.Fatalf("uploading: %d %s", w.Code, w.Body)
	}
	body, err = json.Marshal(manifest)
	must(c.t, err)
	parts := append([]emulator.Part{{Name: "manifest", Content: body}}, more...)
	if modules != nil {
		bundle, _ := emulator.Form(modules...)
		parts = append(parts, emulator.Part{Name: "_worker.bundle", Content: bundle})
	}
	c.Form(http.MethodPost, "/pages/projects/"+c.name+"/deployments", parts...)
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

// front is what is tested, on a port.
type front struct {
	t    *testing.T
	base string
}

func serve(t *testing.T, h http.Handler) *front {
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return &front{t, server.URL}
}

func (f *front) port() string { return f.base[strings.LastIndexByte(f.base, ':')+1:] }

// want checks the answer to a GET. What is before the first slash is the host, if it is not f's.
func (f *front) want(at string, status int, texts ...string) {
	f.t.Helper()
	host, path, _ := strings.Cut(at, "/")
	if host != "" {
		host += ":" + f.port()
	}
	have, body, _ := ask(f.t, f.base, request{host: host, target: "/" + path})
	if have != status {
		f.t.Errorf("%s: %d %s, want %d", at, have, body, status)
	}
	for _, text := range texts {
		if !strings.Contains(body, text) {
			f.t.Errorf("%s: %s, want %s", at, body, text)
		}
	}
}

// request is a request of a path; method, host and header may be empty.
type request struct {
	target string
	method string
	host   string
	header http.Header
	body   string
}

// ask returns an answer, leaving out what differs between any two servers.
func ask(t *testing.T, base string, r request) (status int, body string, h http.Header) {
	t.Helper()
	asked, err := http.NewRequestWithContext(t.Context(), r.method, base, strings.NewReader(r.body))
	must(t, err)
	asked.Host, asked.URL.Opaque = r.host, r.target
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
