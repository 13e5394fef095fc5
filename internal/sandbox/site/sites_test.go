package site

import (
	"net/http"
	"testing"

	"portfolio-infra/internal/sandbox/emulator"
)

// serveSites serves the sites of stacks.
func (c *cloud) serveSites(r Runtime, stacks map[string]string) *front {
	c.t.Helper()
	sites := &Sites{Main: "dev", Stacks: func() (map[string]string, error) { return stacks, nil }, Cloud: c.Cloud, Runtime: r}
	must(c.t, sites.Start(c.t.Context()))
	c.t.Cleanup(func() { must(c.t, sites.Close()) })
	return serve(c.t, sites)
}

// Which host serves which stack's site.
func TestSites_hosts(t *testing.T) {
	c := newCloud(t, "site", `{}`)
	stacks := map[string]string{}
	s := c.serveSites(Runtime{Modules: t.TempDir(), Dir: t.TempDir()}, stacks)
	s.want("localhost/", http.StatusServiceUnavailable, "nothing is deployed yet: `make up`")
	stacks["dev"], stacks["pr-1"], stacks["Feature_x.y"] = "site", "site-pr-1", "feature"
	for _, of := range []*cloud{c, c.project("site-pr-1", `{}`), c.project("feature", `{}`)} {
		of.deploy(map[string]string{"index.html": "home of " + of.name}, nil)
	}
	for host, want := range map[string]string{
		"localhost": "site", "127.0.0.1": "site", "example.com": "site", "dev.localhost": "site",
		"pr-1.localhost": "site-pr-1", "PR-1.localhost": "site-pr-1", "feature_x.y.localhost": "feature",
	} {
		s.want(host+"/", http.StatusOK, "home of "+want)
	}
	s.want("pr-2.localhost/", http.StatusNotFound, "there is no site of a stack pr-2: `make up STACK=pr-2` makes one\n"+
		"  http://localhost:"+s.port()+" serves that of the stack dev\n  http://Feature_x.y.localhost:"+s.port()+" serves that of the stack Feature_x.y\n"+
		"  http://pr-1.localhost:"+s.port()+" serves that of the stack pr-1\n")
	delete(stacks, "dev")
	s.want("dev.localhost/", http.StatusServiceUnavailable, "nothing is deployed yet", "http://pr-1.localhost:"+s.port())
	delete(stacks, "pr-1")
	s.want("pr-1.localhost/", http.StatusNotFound, "there is no site of a stack pr-1")
}

// Sites have nothing in common but the process: each has its own Functions and host. A deployment that does not
// start leaves the others as they are.
func TestSites_apart(t *testing.T) {
	r := newRuntime(t)
	of := func(name string) string {
		return `{"compatibility_date":"2026-06-01","env_vars":{"NAME":{"type":"plain_text","value":"` + name + `"}}}`
	}
	dev := newCloud(t, "site", of("site"))
	pr := dev.project("site-pr-1", of("site-pr-1"))
	s := dev.serveSites(r, map[string]string{"dev": "site", "pr-1": "site-pr-1"})
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
		of.deploy(map[string]string{"index.html": "home of " + of.name}, []emulator.Part{metadata(`{"main_module":"index.js"}`), esModule("index.js", script)})
	}
	deploy(dev, functions)
	deploy(pr, functions)
	s.want("localhost/", http.StatusOK, "home of site")
	s.want("localhost/count", http.StatusOK, "site 1")
	s.want("pr-1.localhost/", http.StatusOK, "home of site-pr-1")
	s.want("pr-1.localhost/self", http.StatusOK, "site-pr-1 1")
	s.want("pr-1.localhost/dev", http.StatusBadGateway, "the sandbox is offline")
	s.want("localhost/self", http.StatusOK, "site 2")

	deploy(pr, "export default {")
	s.want("pr-1.localhost/", http.StatusServiceUnavailable, "Uncaught SyntaxError")
	s.want("localhost/count", http.StatusOK, "site 3")
	deploy(pr, functions)
	s.want("pr-1.localhost/count", http.StatusOK, "site-pr-1 1")
	s.want("localhost/count", http.StatusOK, "site 4")
}
