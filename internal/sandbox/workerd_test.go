package main

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"portfolio-infra/internal/sandbox/emulator/cloudflare"
)

// What one up made is a site that serves and whose database answers: Cloudflare's own
// runtime runs what was uploaded, with the bindings that were set.
func TestStack_serves(t *testing.T) {
	workerd := filepath.Join(root, ".sandbox/npm/node_modules/.bin/workerd")
	if _, err := os.Stat(workerd); err != nil {
		t.Skip("Cloudflare's runtime is not installed: `make npm` does it where npm is on the PATH")
	}
	f := newFixture(t)
	f.up()
	site := f.serveSite(workerd)
	owner := f.cluster().Labels["pulumi.com/owner"]
	works := map[string]any{"stack": owner, "database": true}
	f.answers(site, http.StatusOK, works)

	f.set(map[string]any{"rotation": "1"})
	f.up()
	f.answers(site, http.StatusServiceUnavailable, map[string]any{"stack": owner, "error": "the database answered 401"})
	f.answers(f.serveSite(workerd), http.StatusOK, works)
	f.run("destroy")
}

// serveSite runs the Pages project and its Worker as the emulated Cloudflare has them, and
// returns the site's address. The site is one Function, which asks the Worker.
func (f *fixture) serveSite(workerd string) string {
	f.Helper()
	databaseURL, _ := f.login()
	project, script := f.project(), f.script()
	dir := f.TempDir()
	for name, content := range map[string]string{
		"config.capnp": f.config(project, script),
		"site.js":      "export default { fetch: (request, env) => env.API_SERVICE.fetch(request) }",
		"api.js":       script.Modules[script.MainModule],
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			f.Fatal(err)
		}
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		f.Fatal(err)
	}
	defer listener.Close()
	socket, err := listener.(*net.TCPListener).File()
	if err != nil {
		f.Fatal(err)
	}
	defer socket.Close()
	cmd := exec.CommandContext(f.Context(), workerd, "serve", filepath.Join(dir, "config.capnp"), "--socket-fd=http=3")
	cmd.Env = []string{"DATABASE_URL=" + databaseURL}
	cmd.ExtraFiles = []*os.File{socket}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	return "http://" + listener.Addr().String()
}

// config configures the runtime. Whatever host the Worker asks for, it gets the
// emulated TiDB Cloud's SQL over HTTP.
// https://github.com/cloudflare/workerd/blob/main/src/workerd/server/workerd.capnp
func (f *fixture) config(project cloudflare.Project, script cloudflare.Script) string {
	f.Helper()
	sql, err := url.Parse(f.Env[tidbAPI])
	if err != nil {
		f.Fatal(err)
	}
	var siteBindings, apiBindings []string
	for name, service := range project.Production.Services {
		siteBindings = append(siteBindings, fmt.Sprintf("(name = %q, service = %q)", name, service.Service))
	}
	for name, value := range script.Vars {
		apiBindings = append(apiBindings, fmt.Sprintf("(name = %q, text = %q)", name, value))
	}
	for name := range script.Secrets {
		apiBindings = append(apiBindings, fmt.Sprintf("(name = %q, fromEnvironment = %q)", name, name))
	}
	return strings.NewReplacer(
		"SITE_BINDINGS", strings.Join(siteBindings, ", "),
		"API_NAME", strconv.Quote(script.Name), "API_BINDINGS", strings.Join(apiBindings, ", "),
		"API_DATE", strconv.Quote(script.CompatibilityDate), "SQL", strconv.Quote(sql.Host),
	).Replace(`using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "site", worker = (modules = [(name = "site.js", esModule = embed "site.js")],
      bindings = [SITE_BINDINGS], compatibilityDate = API_DATE)),
    (name = API_NAME, worker = (modules = [(name = "api.js", esModule = embed "api.js")],
      bindings = [API_BINDINGS], compatibilityDate = API_DATE, globalOutbound = "sql")),
    (name = "sql", external = (address = SQL, http = ())),
  ],
  sockets = [(name = "http", http = (), service = "site")],
);
`)
}

// answers checks what the site answers.
func (f *fixture) answers(site string, status int, want map[string]any) {
	f.Helper()
	request, err := http.NewRequestWithContext(f.Context(), http.MethodGet, site, nil)
	if err != nil {
		f.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		f.Fatal(err)
	}
	defer response.Body.Close()
	var have map[string]any
	if err := json.NewDecoder(response.Body).Decode(&have); err != nil {
		f.Fatal(err)
	}
	f.want("status", response.StatusCode, status)
	f.want("answer", have, want)
}
