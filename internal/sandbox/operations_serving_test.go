package main

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"portfolio-infra/internal/sandbox/emulator/cloudflare"
)

// watch checks, at each write to the clouds, what the Worker was given and whether the site
// serves rows.
func (c *trial) watch() {
	c.served = c.broken() == ""
	c.clouds.Intercept(func(r *http.Request, after bool) bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		switch {
		case r.Method == http.MethodGet:
		case !after:
			c.learn(r)
		default:
			c.checkServing(r.Method + " " + r.URL.Path)
		}
		return false
	})
}

var (
	workerPath      = regexp.MustCompile(`/workers/scripts/([^/]+)$`)
	connectionText  = regexp.MustCompile(`mysql://[^"\s]+`)
	passwordInField = regexp.MustCompile(`"password":\s*"([^"]+)"`)
)

// learn notes the secrets of a call that comes in.
func (c *trial) learn(r *http.Request) {
	body, err := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	if err != nil {
		return
	}
	for _, m := range passwordInField.FindAllSubmatch(body, -1) {
		c.secrets[string(m[1])] = true
	}
	if path := workerPath.FindStringSubmatch(r.URL.Path); path != nil && r.Method == http.MethodPut {
		if connection := connectionText.Find(body); connection != nil {
			c.connections[path[1]] = string(connection)
			c.secrets[string(connection)] = true
		}
	}
}

// checkServing records, once, the write after which the site served no rows.
func (c *trial) checkServing(call string) {
	why := c.broken()
	if c.served && why != "" && !c.asks.site {
		c.Errorf("the site is down since %s: %s", call, why)
	}
	c.served = why == ""
}

// broken returns why no project of the stack serves rows, or "". A project serves rows if it
// serves a deployment of the stack that is bound to a Worker whose DATABASE_URL logs in.
func (c *trial) broken() string {
	why := "there is no project"
	for _, name := range ourProjects {
		if why = c.brokenProject(name, why); why == "" {
			return ""
		}
	}
	return why
}

func (c *trial) brokenProject(name, missing string) string {
	site, ok, err := c.clouds.Cloudflare.Site(name)
	switch {
	case err != nil:
		return err.Error()
	case !ok:
		return missing
	case c.world != nil && slices.Contains(c.world.deployments, site.Deployment):
		return "it serves a stranger's deployment"
	}
	why := "it is bound to no Worker"
	for _, service := range site.Services {
		if !slices.Contains(ourWorkers, service.Service) {
			continue
		}
		if why = c.brokenWorker(service.Service); why == "" {
			return ""
		}
	}
	return why
}

func (c *trial) brokenWorker(name string) string {
	script := find(c.clouds.Cloudflare.Scripts(), func(s cloudflare.Script) bool { return s.Name == name })
	if script == nil {
		return "there is no Worker " + name
	}
	u, err := url.Parse(c.connections[name])
	if err != nil || u.User == nil {
		return "the Worker " + name + " was given no DATABASE_URL"
	}
	if !script.Secrets["DATABASE_URL"].Is(c.connections[name]) {
		return "the Worker " + name + " has another DATABASE_URL than it was given"
	}
	password, _ := u.User.Password()
	prefix, _, _ := strings.Cut(u.User.Username(), ".")
	for _, cluster := range c.clouds.TiDB.Clusters() {
		if cluster.UserPrefix == prefix && cluster.State == "ACTIVE" && c.clouds.TiDB.CheckPassword(cluster.ClusterID, u.User.Username(), password) {
			return ""
		}
	}
	return "the login " + u.User.Username() + " of the Worker " + name + " does not log in"
}
