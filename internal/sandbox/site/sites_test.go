package site

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"portfolio-infra/internal/sandbox/emulator"
)

// asked returns the answer to a GET at a host.
func asked(t *testing.T, base, host, path string) (status int, body string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+path, nil)
	must(t, err)
	request.Host = host
	response, err := http.DefaultClient.Do(request)
	must(t, err)
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	must(t, err)
	return response.StatusCode, string(content)
}

// testSites serves sites on a port.
type testSites struct {
	*Sites
	t    *testing.T
	port string
	base string
}

func (c *cloud) serveSites(r Runtime, stacks map[string]string) *testSites {
	c.t.Helper()
	sites := &Sites{Main: "dev", Stacks: func() (map[string]string, error) { return stacks, nil }, Cloud: c.Cloud, Runtime: r}
	must(c.t, sites.Start(c.t.Context()))
	front := httptest.NewServer(sites)
	c.t.Cleanup(func() { front.Close(); _ = sites.Close() })
	_, port, _ := strings.Cut(strings.TrimPrefix(front.URL, "http://"), ":")
	return &testSites{sites, c.t, port, front.URL}
}

func (s *testSites) want(host, path string, status int, texts ...string) {
	s.t.Helper()
	have, body := asked(s.t, s.base, host+":"+s.port, path)
	if have != status {
		s.t.Errorf("%s%s: %d %s, want %d", host, path, have, body, status)
	}
	for _, text := range texts {
		if !strings.Contains(body, strings.ReplaceAll(text, "PORT", s.port)) {
			s.t.Errorf("%s%s: %s, want %s", host, path, body, text)
		}
	}
}

// of is the same Cloud, to deploy another project.
func (c *cloud) of(project string) *cloud { return &cloud{c.Cloud, c.t, c.hash, project} }

// Which host serves which stack's site.
func TestSites_hosts(t *testing.T) {
	c := newCloud(t)
	stacks := map[string]string{}
	s := c.serveSites(Runtime{Modules: t.TempDir(), Dir: t.TempDir()}, stacks)
	s.want("localhost", "/", http.StatusServiceUnavailable, "nothing is deployed yet: `make up`")
	stacks["dev"], stacks["pr-1"], stacks["Feature_x.y"] = "site", "site-pr-1", "feature"
	for _, project := range stacks {
		of := c.of(project)
		of.project(`{}`)
		of.deploy(folder{"index.html": "home of " + project}, nil)
	}
	for host, want := range map[string]string{
		"localhost": "site", "127.0.0.1": "site", "example.com": "site", "dev.localhost": "site",
		"pr-1.localhost": "site-pr-1", "PR-1.localhost": "site-pr-1", "feature_x.y.localhost": "feature",
	} {
		s.want(host, "/", http.StatusOK, "home of "+want)
	}
	s.want("pr-2.localhost", "/", http.StatusNotFound, "there is no site of a stack pr-2: `make up STACK=pr-2` makes one\n"+
		"  http://localhost:PORT serves that of the stack dev\n  http://Feature_x.y.localhost:PORT serves that of the stack Feature_x.y\n"+
		"  http://pr-1.localhost:PORT serves that of the stack pr-1\n")
	delete(stacks, "dev")
	s.want("dev.localhost", "/", http.StatusServiceUnavailable, "nothing is deployed yet", "http://pr-1.localhost:PORT")
	delete(stacks, "pr-1")
	s.want("pr-1.localhost", "/", http.StatusNotFound, "there is no site of a stack pr-1")
}

// Sites have nothing in common but the process: each has its own Functions and host. A deployment that does not
// start leaves the others as they are.
func TestSites_apart(t *testing.T) {
	c := newCloud(t)
	s := c.serveSites(newRuntime(t), map[string]string{"dev": "site", "pr-1": "site-pr-1"})
	const functions = `
let count = 0;
export default { async fetch(request, env) {
	const { pathname } = new URL(request.url);
	switch (pathname) {
	case "/count": return new Response(env.NAME + " " + ++count);
	case "/self": return fetch(new URL("/count", request.url));
	case "/dev": return fetch("http://localhost:" + new URL(request.url).port + "/count");
	}
	return env.ASSETS.fetch(request);
} }`
	deploy := func(of *cloud, script string) {
		of.deploy(folder{"index.html": "home of " + of.name}, []emulator.Part{metadata(`{"main_module":"index.js"}`), esModule("index.js", script)})
	}
	dev, pr := c.of("site"), c.of("site-pr-1")
	for _, of := range []*cloud{dev, pr} {
		of.project(`{"compatibility_date":"2026-06-01","env_vars":{"NAME":{"type":"plain_text","value":"` + of.name + `"}}}`)
		deploy(of, functions)
	}
	s.want("localhost", "/", http.StatusOK, "home of site")
	s.want("localhost", "/count", http.StatusOK, "site 1")
	s.want("pr-1.localhost", "/", http.StatusOK, "home of site-pr-1")
	s.want("pr-1.localhost", "/self", http.StatusOK, "site-pr-1 1")
	s.want("pr-1.localhost", "/dev", http.StatusBadGateway, "the sandbox is offline")
	s.want("localhost", "/self", http.StatusOK, "site 2")

	deploy(pr, "export default {")
	s.want("pr-1.localhost", "/", http.StatusServiceUnavailable, "Uncaught SyntaxError")
	s.want("localhost", "/count", http.StatusOK, "site 3")
	deploy(pr, functions)
	s.want("pr-1.localhost", "/count", http.StatusOK, "site-pr-1 1")
	s.want("localhost", "/count", http.StatusOK, "site 4")
}
